"""All 60 000 training images of MNIST, 15 experts, the defaults for images: purity, NMI, sizes, seconds."""
from time import perf_counter
import numpy as np
from fastcore.script import call_parse
from sklearn.cluster import MiniBatchKMeans
from kvae_nb import KVAE
from kvae_nb.core import environment, write_json
from kvae_nb.data import mnist
from kvae_nb.evaluation import clustering_scores


@call_parse
def main(
    root:str=None, # Folder with MNIST (else KVAE_DATA, else the cache folder)
    k:int=15,      # Number of experts
    seeds:int=3,   # Seeds 0, 1, ...
    out:str="benchmarks/results/mnist.json", # Where the numbers go
):
    "The default KVAE on MNIST"
    X, y = mnist(root)
    rows = []
    for seed in range(seeds):
        began = perf_counter()
        model = KVAE(n_components=k, random_state=seed).fit(X)
        seconds = perf_counter() - began
        kmeans = MiniBatchKMeans(k, n_init=3, random_state=seed).fit_predict(X.reshape(len(X), -1) / 255.)
        rows.append(dict(seed=seed, seconds=seconds, **clustering_scores(y, model.labels_), smallest=int(model.weights_.min() * len(X)),
                         revived=sum(len(h["revived"]) for h in model.history_), kmeans=clustering_scores(y, kmeans)))
        print(rows[-1], flush=True)
    mean = {name: [float(f([r[name] for r in rows])) for f in (np.mean, np.std)] for name in ("purity", "nmi", "seconds")}
    write_json(out, dict(mean_and_std=mean, rows=rows, settings=vars(model.settings_), environment=environment()))
    print(mean)
