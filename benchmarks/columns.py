"""Units of columns: clusters beside columns of another scale that say nothing, components, curves and pixels.

    python benchmarks/columns.py [name of a commit]   # benchmarks/results/columns.json, or columns_NAME.json

Three columns hold three clusters; 2, 8 or 20 further ones say nothing and are up to 1e5 times as wide, in any order.
The same table standardised is what the default has to reach. And counts of six kinds of cells as principal components
(of all rows, of half of the rows, singular vectors), spectra and digits, which must not be whitened. Adjusted Rand
index of the default `KVAE(k)`, and of both choices where there is the setting."""
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment

SEEDS, N = (0, 1), 400
NOISE = "uniform", "normal", "lognormal"


def beside(seed, columns, scale):
    "Three clusters in three columns, in any order beside others that say nothing"
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=N)
    centres = np.array([[25, 9, .2], [45, 2, .5], [70, 5, .8]])[y]
    told = centres + rng.normal(size=(N, 3)) * [3, .6, .04]
    kind = NOISE[seed % len(NOISE)]
    draw = dict(uniform=rng.uniform, normal=rng.normal, lognormal=lambda size: rng.lognormal(0, .4, size))[kind]
    other = draw(size=(N, columns))
    X = np.c_[told / told.std(0), scale * (other / other.std(0) + 5)]
    return X[:, rng.permutation(3 + columns)], y


def cells(seed):
    "Log counts of six kinds of cells, and which they are"
    rng = np.random.default_rng(seed)
    y = rng.integers(6, size=600)
    of_kind = np.exp(rng.normal(size=(6, 500)) * (rng.random((6, 500)) < .1))
    counts = rng.poisson(rng.gamma(.5, 2, 500) * of_kind[y] * rng.lognormal(0, .3, (600, 1)))
    return np.log1p(counts / counts.sum(1, keepdims=True) * 1e4), y


def spectra(seed):
    "Three substances, whose peaks lie in the weak half of the spectrum"
    rng = np.random.default_rng(seed)
    y, wave = rng.integers(3, size=N), np.linspace(0, 1, 100)
    bump = lambda at, width: np.exp(-(wave - at)**2 / (2 * width**2))
    height = 1 + .05 * rng.normal(size=(N, 1))
    peak = np.stack([bump(at, .03) for at in (.7, .78, .86)])[y]
    return height * np.exp(-3 * wave) + .1 * peak + .03 * rng.normal(size=(N, 1)) * bump(.3, .2), y


def tables():
    "Yield name, points, labels, k"
    for seed in SEEDS:
        for columns in (2, 8, 20):
            for scale in (1, 3, 100, 1e5):
                yield f"{columns} beside, {scale:g}", seed, *beside(seed, columns, scale), 3
        L, y = cells(seed)
        yield "30 components", seed, PCA(30, random_state=0).fit_transform(L), y, 6
        yield "30 components, half of the rows", seed, PCA(30, random_state=0).fit_transform(L)[::2], y[::2], 6
        yield "30 singular vectors", seed, TruncatedSVD(30, random_state=0).fit_transform(L), y, 6
        yield "spectra", seed, *spectra(seed), 3
        digits = load_digits()
        yield "digits' 20 components", seed, PCA(20).fit_transform(digits.data[:900]), digits.target[:900], 10


def fitted(X, k, seed, **params):
    "Labels of the default"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return KVAE(k, random_state=seed, verbose=False, device="cpu", **params).fit(X)


def row(name, seed, X, y, k):
    "Adjusted Rand indices of a table"
    ari = lambda c: round(float(adjusted_rand_score(y, c)), 3)
    Z, model = StandardScaler().fit_transform(X), fitted(X, k, seed)
    scores = dict(default=ari(model.labels_), standardised=ari(fitted(Z, k, seed).labels_))
    kmeans = [KMeans(k, n_init=10, random_state=seed).fit_predict(of) for of in (X, Z)]
    of_setting = {}
    if "columns" in KVAE().get_params() and "beside" not in name:
        of_setting = {c: ari(fitted(X, k, seed, columns=c).labels_) for c in ("own", "shared")}
    taken = model.report_.get("columns", {})
    return dict(data=name, seed=seed, **scores, **of_setting, kmeans=ari(kmeans[0]),
                kmeans_standardised=ari(kmeans[1]), taken=taken)


if __name__ == "__main__":
    rows = []
    for table in tables():
        rows.append(row(*table))
        print(rows[-1], flush=True)
    name = f"columns_{sys.argv[1]}.json" if len(sys.argv) > 1 else "columns.json"
    write_json(Path(__file__).parent/"results"/name, dict(seeds=SEEDS, environment=environment(), rows=rows))
