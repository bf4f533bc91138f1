"""The map: what each folder of notebooks is, in reading order; README, the site and the tests are made from it."""
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LESSONS, PAPER = "tutorials", "paper"
ROOMS = {
    "base": "what everything stands on",
    "points": "people's points",
    "stacked": "k networks as one",
    "experts": "other families of experts",
    "starts": "where to begin, and how many",
    "scale": "more than one machine's worth",
    "diagnostics": "what a run says of itself",
    "runs": "kept, resumed",
    "report": "pictures and pages",
    "instrument": "stepping and watching",
    "commands": "the shell",
    "experiments": "the tables",
}
TOLD = "what a run is told"
STEPS = {  # a chapter of the paper: its step of Algorithm 1, and what is checked there
    "data": ("start: points", "k-means fails on the five modes; the densities are known"),
    "protocols": ("start: the parts", "the smallest experts and scorer are enough"),
    "recipe": (TOLD, "every name leads to its part"),
    "settings": (TOLD, "no run starts with what cannot work"),
    "autoencoder": ("1 train each generator on its points", "the bounds against a linear Gaussian model's likelihood"),
    "vae": ("1 train each generator on its points", "each expert wins its own part; without points it is held"),
    "sampling": ("1 its samples", "densities and draws against scikit-learn's mixtures"),
    "discriminator": ("2 discriminators", "ratios of Gaussians that are known"),
    "assignment": ("3 normalise, 4 assign", "slow loops; divergences of Gaussians that are known"),
    "state": ("what one iteration hands to the next", "never changed, and the same from the same seed"),
    "iteration": ("1 to 4, one iteration", "same seed, same bits; the bound (3) lies above the divergence"),
    "restarts": ("which of several runs", "the right restart, told without labels"),
    "competition": ("the whole of Algorithm 1", "k-means by the same code; a GAN as generator; resumed to the bit"),
    "estimator": ("`KVAE`", "below the true density, and close; units change nothing"),
    "evaluation": ("scores", "slow ways, closed forms, the true density"),
}


def notebooks(folder):
    "A folder's notebooks, by number"
    return sorted((ROOT/"nbs"/folder).glob("[0-9]*.ipynb"))


def said(notebook):
    "Title and subtitle of a notebook: its first heading, and the quoted line below"
    text = "".join(json.loads(notebook.read_text())["cells"][0]["source"])
    subtitle = re.search(r"^> (.+)", text, re.M)
    return re.search(r"^# (.+)", text)[1].replace("\\_", "_"), subtitle[1] if subtitle else ""


def link(notebook, base="nbs"):
    "A notebook's title as a link, seen from a folder"
    return f"[{said(notebook)[0]}]({notebook.relative_to(ROOT/base).as_posix()})"


def lessons():
    "A line for each lesson"
    return "\n".join(f"- {link(book)}: {_small(said(book)[1])}" for book in notebooks(LESSONS))


def paper():
    "A table of the paper's chapters: the step of Algorithm 1, the chapter, what is checked there"
    rows = [(STEPS.get(book.stem[3:]) or ("", _small(said(book)[1])), link(book)) for book in notebooks(PAPER)]
    lines = [f"| {step} | {chapter} | {check} |" for (step, check), chapter in rows]
    return "\n".join(["| step of Algorithm 1 | chapter | what is checked there |", "| --- | --- | --- |", *lines])


def rooms():
    "A line for each room, with links to its notebooks"
    held = {room: notebooks(room) for room in ROOMS}
    lines = [f"- **{room}**, {ROOMS[room]}: {', '.join(map(link, books))}." for room, books in held.items() if books]
    return "\n".join(lines)


def _small(sentence):
    "A sentence as the end of another, no longer than a line of a table"
    return sentence.replace("|", "\\|").rstrip(".")
