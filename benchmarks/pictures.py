"""The pictures of README.md: the competition on the five modes, iteration by iteration, and 15 experts on MNIST.

    python benchmarks/pictures.py                       # six minutes on one core; writes into nbs/images
    python benchmarks/pictures.py --only five_modes     # one of them"""
import matplotlib.pyplot as plt
from fastcore.script import call_parse

from kvae_nb import KVAE
from kvae_nb.data import five_modes, mnist
from kvae_nb.instrument.films import partitions
from kvae_nb.instrument.recording import Scene
from kvae_nb.instrument.session import Session
from kvae_nb.report.plots import plot_rows
from kvae_nb.report.report import typical


def picture_five_modes(path):
    "One run of the paper's recipe, one restart: the partition after some iterations, and the samples at the end"
    X, _ = five_modes(4000, seed=300)
    session = Session(X, n_components=5, recipe="paper", seed=0)
    session.run()
    session.wait(seconds=1800)
    partitions(Scene(session.recording, X)).savefig(path, dpi=80)


def picture_mnist(path, root, k=15):
    "The recipe for clusters: typical members and samples of each expert"
    X, _ = mnist(root)
    model = KVAE(n_components=k, recipe="clusters", random_state=0).fit(X)
    fig, axes = plt.subplots(1, 2, figsize=(9, 6), layout="constrained")
    labels = [f"{w:.0%}" for w in model.weights_]
    samples = [model.sample(12, component=j, random_state=j)[0] / 255 for j in range(k)]
    plot_rows([members / 255 for members in typical(model, X)], labels, "typical members", axes[0])
    plot_rows(samples, labels, "samples", axes[1])
    fig.savefig(path, dpi=80)


@call_parse
def main(
    only:str="five_modes,mnist", # Which pictures
    root:str=None,  # Folder with MNIST, else the environment variable KVAE_DATA, else a cache folder
    out:str="nbs/images", # Where they go
):
    "Draw the pictures of README.md"
    if "five_modes" in only: picture_five_modes(f"{out}/five_modes.png")
    if "mnist" in only: picture_mnist(f"{out}/mnist.png", root)
