"""The pictures of README.md: the competition on the five modes, iteration by iteration, and 15 experts on MNIST."""
import matplotlib.pyplot as plt
import torch
from fastcore.script import call_parse
from kvae_nb import KVAE
from kvae_nb.cli import typical
from kvae_nb.competition import fit
from kvae_nb.core import Settings
from kvae_nb.data import fit_scaling, five_modes, mnist
from kvae_nb.plots import plot_partition, plot_rows


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


def digits_of_mnist(path, root):
    "The defaults for images, 15 experts: typical members and samples of each"
    X, _ = mnist(root)
    model = KVAE(n_components=15, random_state=0).fit(X)
    fig, axes = plt.subplots(1, 2, figsize=(9, 6), layout="constrained")
    labels = [f"{w:.0%}" for w in model.weights_]
    plot_rows([r / 255 for r in typical(model, X)], labels, "typical members", axes[0])
    plot_rows([model.sample(12, component=j, random_state=j)[0] / 255 for j in range(15)], labels, "samples", axes[1])
    fig.savefig(path, dpi=80)


@call_parse
def main(
    only:str="five_modes,mnist", # Which pictures
    root:str=None,  # Folder with MNIST, else the environment variable KVAE_DATA, else a cache folder
    out:str="nbs/images", # Where they go
):
    "Draw the pictures of README.md"
    if "five_modes" in only: five(f"{out}/five_modes.png")
    if "mnist" in only: digits_of_mnist(f"{out}/mnist.png", root)
