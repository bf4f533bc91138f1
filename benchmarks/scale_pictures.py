"""Pictures of what things cost, each drawn from the JSON file of its benchmark: no measurement is made here.

    python benchmarks/scale_pictures.py                # seconds; writes nbs/images/scale_*.png
    python benchmarks/scale_pictures.py --only growth  # one of them

Every `draw_...` takes what the file holds and returns a figure; it needs nothing else of this file but `bars` and
`MEASURES`, so that a notebook can take it over."""
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from fastcore.script import call_parse

from kvae_nb.report.plots import PALETTE


def bars(ax, names, parts, unit):
    "Stacked bars along x: `parts` is name of the part -> one number for each of `names`"
    left = np.zeros(len(names))
    for j, (part, sizes) in enumerate(parts.items()):
        colour = ".85" if part == "the rest" else PALETTE[j % 10]
        hatch = "////" if j >= 10 and part != "the rest" else None
        ax.barh(names, sizes, left=left, label=part, color=colour, edgecolor="w", lw=.5, hatch=hatch)
        left += sizes
    ax.invert_yaxis()
    ax.set_xlabel(unit)
    ax.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, .5))


def draw_stack_speed(record):
    "Times as fast as a loop and as pythae; and where a step on images goes"
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 2.6), width_ratios=(1, 2), layout="constrained")
    images, kept = record["images"], record["images_kept"]
    ratios = {f"2 × 50, k = {row['k']}": row["ratio"] for row in record["rows"]} | {"images, k = 15": images["ratio"]}
    if kept["over_pythae"]: ratios["images, over pythae"] = kept["over_pythae"]
    drawn = left.barh(list(ratios), ratios.values(), color=PALETTE[0])
    left.bar_label(drawn, fmt="%.1f", padding=2, fontsize=8)
    left.invert_yaxis()
    left.set_xlabel("times as many steps a second as a loop")
    left.spines[["top", "right"]].set_visible(False)
    names = [f"{said},\n{one['share']:.0%} of the rate" for said, one in (("as it is", images), ("memory kept", kept))]
    parts = {part: [one["profile_ms"][part] for one in (images, kept)] for part in images["profile_ms"]}
    bars(right, names, parts, "milliseconds of a step on images")
    return fig


def draw_phases(record, least=.03):
    "Stacked bars: the share of each phase of a default fit; what is below `least` everywhere is the rest"
    rows, kinds = record["rows"], {}
    for row in rows: kinds |= dict.fromkeys(row["phases"])
    share = lambda row, kind: row["phases"].get(kind, 0) / row["seconds"]
    shown = [kind for kind in kinds if max(share(row, kind) for row in rows) >= least]
    parts = {kind: [share(row, kind) for row in rows] for kind in shown}
    parts["the rest"] = [1 - sum(share(row, kind) for kind in shown) for row in rows]
    fig, ax = plt.subplots(figsize=(10, .6 + .6 * len(rows)), layout="constrained")
    bars(ax, [f"{row['run']}\n{row['seconds']:.1f} s" for row in rows], parts, "share of the processor time")
    return fig


MEASURES = dict(step="a gradient step of all experts", score="the score of a point", fit="a default fit")

def draw_growth(record):
    "Seconds over size, both logarithmic, with the exponents of the upper halves"
    series = record["series"]
    fig, axes = plt.subplots(1, len(series), figsize=(3.4 * len(series), 3.6), layout="constrained", squeeze=False)
    for ax, one in zip(axes[0], series):
        for j, (name, said) in enumerate(MEASURES.items()):
            found = [(row["size"], row[name]) for row in one["rows"] if name in row]
            label = f"{said}: {one['exponents'][name]['upper']:.2f}"
            ax.loglog(*zip(*found), "o-", ms=4, color=PALETTE[j], label=label)
        ax.set_xlabel(dict(side="side of the images").get(one["what"], one["what"]))
        sizes = [row["size"] for row in one["rows"]]
        if one["what"] == "side": ax.set_xticks(sizes, sizes)
        ax.minorticks_off()
        ax.legend(fontsize=7, title="exponent of", title_fontsize=7, loc="lower center", bbox_to_anchor=(.5, 1))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("processor seconds")
    return fig


def draw_convolutions(record, batch=64, memory="kept"):
    "How many times as fast as one grouped call a loop is, over channels, one panel for each k"
    rows = [row for row in record["rows"] if (row["batch"], row["memory"]) == (batch, memory)]
    ks = sorted({row["k"] for row in rows})
    fig, axes = plt.subplots(1, len(ks), figsize=(2.8 * len(ks), 3), sharey=True, layout="constrained", squeeze=False)
    for ax, k in zip(axes[0], ks):
        for j, (layer, side) in enumerate(sorted({(row["layer"], row["side"]) for row in rows})):
            mine = [row for row in rows if (row["k"], row["layer"], row["side"]) == (k, layer, side)]
            ratios = [row["grouped"] / row["loop"] for row in mine]
            names = ["-".join(map(str, row["channels"])) for row in mine]
            ax.semilogy(names, ratios, "o-", ms=4, color=PALETTE[j], label=f"{layer}, side {side}")
        ax.axhline(1, color=".7", lw=1)
        ax.set_title(f"k = {k}", fontsize=9)
        ax.tick_params(labelsize=7)
    axes[0, 0].set_ylabel("grouped over loop, time")
    fig.suptitle(f"memory that is freed is {memory}, batches of {batch}", fontsize=9)
    axes[0, -1].legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, .5))
    return fig


def draw_time_to_nmi(record):
    "NMI over processor seconds: the default's states, and where VaDE ends"
    fig, ax = plt.subplots(figsize=(5, 3), layout="constrained")
    for j, row in enumerate(record["rows"]):
        path = [(state["seconds"], state["nmi"]) for state in row["path"]]
        colour, seed = PALETTE[j % 10], f"seed {row['seed']}"
        ax.semilogx(*zip(*path), "o-", ms=4, color=colour, label=f"the default, {seed}")
        ax.plot(row["vade_seconds"], row["vade_nmi"], "X", ms=8, color=colour, label=f"VaDE, {seed}")
    ax.set_xlabel("processor seconds")
    ax.set_ylabel("NMI")
    ax.legend(fontsize=7)
    return fig


DRAWN = dict(stack_speed=draw_stack_speed, phases=draw_phases, growth=draw_growth, convolutions=draw_convolutions,
             time_to_nmi=draw_time_to_nmi)


@call_parse
def main(
    only:str=",".join(DRAWN), # Which pictures
    results:str="benchmarks/results", # Where the numbers are
    out:str="nbs/images", # Where the pictures go
):
    "Draw pictures of the files that are there"
    for name in only.split(","):
        file = Path(results)/f"{name}.json"
        if file.exists(): DRAWN[name](json.loads(file.read_text())).savefig(Path(out)/f"scale_{name}.png", dpi=80)
