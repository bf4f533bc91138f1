"""The first picture of README.md: the competition on the five modes, iteration by iteration."""
import matplotlib.pyplot as plt
import torch
from fastcore.script import call_parse
from kvae_nb.competition import fit
from kvae_nb.core import Settings
from kvae_nb.data import fit_scaling, five_modes
from kvae_nb.plots import plot_partition


def five(path):
    "One run of the default settings, one restart: the partition after some iterations, and the samples at the end"
    X, _ = five_modes(4000, seed=300)
    scaling = fit_scaling(X, "gaussian")
    states = list(fit(scaling.to(X), Settings(n_components=5, n_init=1, seed=0)))
    fig, axes = plt.subplots(1, 4, figsize=(12, 3.2), layout="constrained")
    for ax, t in zip(axes, (0, 5, 30, None)):
        state = states[-1 if t is None else t]
        samples = [scaling.back(s) for s in state.experts.sample(40, torch.Generator().manual_seed(0))] if t is None else None
        plot_partition(X, state.c[0], samples, title="a random split" if t == 0 else f"iteration {t}" if t else f"iteration {state.iteration}, with samples", ax=ax)
        ax.get_legend().remove(); ax.axis("off")
    fig.savefig(path, dpi=80)


@call_parse
def main(
    out:str="nbs/images/five_modes.png", # Where the picture goes
):
    "Draw the first picture of README.md"
    five(out)
