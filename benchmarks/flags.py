"""Flags, categories and amounts mostly zero, beside numbers that hold other clusters, or where they tell them.

    python benchmarks/flags.py [name of a commit]   # benchmarks/results/flags.json, or flags_NAME.json

Three Gaussians in two columns, their centres five deviations apart, beside columns that have nothing to do with them:
three flags, a one-hot block, rare counts, amounts of which half are exactly zero; and the same with centres four
deviations apart. And tables whose flags carry the clusters, beside numbers that overlap or say nothing, or alone.
Eight draws each: adjusted Rand index of the default `KVAE(k)`, and of k-means, ten starts, on the standardised table
and on the numbers alone."""
import sys
import warnings
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment

SEEDS, N, K = range(8), 300, 3


def apart(rng, far=5.):
    "Three Gaussians in two columns, and which they are"
    y = rng.integers(K, size=N)
    return far * np.array([[0, 0], [1, 0], [0, 1]])[y] + rng.normal(size=(N, 2)), y


BESIDE = dict(  # columns that say nothing
    three_flags=lambda rng: rng.random((N, 3)) < rng.uniform(.2, .6, 3),
    one_hot_3=lambda rng: np.eye(3)[rng.integers(3, size=N)],
    one_hot_5=lambda rng: np.eye(5)[rng.choice(5, N, p=rng.dirichlet(np.full(5, 3)))],
    one_hot_8=lambda rng: np.eye(8)[rng.integers(8, size=N)],
    rare_counts=lambda rng: rng.poisson(.08, (N, 2)),
    mostly_zero=lambda rng: rng.lognormal(3, 1, (N, 3)) * (rng.random((N, 3)) < .5),
    of_all_kinds=lambda rng: np.c_[np.eye(4)[rng.integers(4, size=N)], rng.random((N, 2)) < .3,
                                   rng.exponential(100, N) * (rng.random(N) < .5)])


def flags_beside_overlap(rng):
    "Numbers whose clusters overlap, and a flag for each, wrong in 3 % of the rows"
    X, y = apart(rng, 2.)
    return np.c_[X, np.eye(K, dtype=bool)[y] ^ (rng.random((N, K)) < .03)], y


def latent_classes(rng, columns=8, numbers=0):
    "Flags of three latent classes, beside numbers that say nothing"
    y, on = rng.integers(K, size=N), np.array([[c >> j & 1 for c in (1, 2, 4, 3, 5, 6, 1, 2)] for j in range(K)])
    return np.c_[rng.normal(size=(N, numbers)), rng.random((N, columns)) < np.where(on[y], .93, .07)], y


TELLING = dict(flags_beside_overlap=flags_beside_overlap, flags_alone=latent_classes,
               flags_beside_noise=lambda rng: latent_classes(rng, numbers=2))


def tables():
    "Yield name, seed, points, labels, and how many columns hold numbers"
    for seed in SEEDS:
        for name, draw in BESIDE.items():
            for far, close in ((5., ""), (4., ", close")):
                rng = np.random.default_rng(seed)
                X, y = apart(rng, far)
                yield name + close, seed, np.c_[X, draw(rng)].astype(float), y, 2
        for name, make in TELLING.items():
            yield name, seed, *make(np.random.default_rng(seed)), 0


def row(name, seed, X, y, numbers):
    "Adjusted Rand indices of a table"
    ari, X = lambda c: round(float(adjusted_rand_score(y, c)), 3), X.astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = KVAE(K, random_state=seed, verbose=False, device="cpu").fit(X)
    Z = StandardScaler().fit_transform(X)
    kmeans = lambda of: ari(KMeans(K, n_init=10, random_state=seed).fit_predict(of))
    alone = dict(kmeans_of_the_numbers=kmeans(Z[:, :numbers])) if numbers else {}
    return dict(data=name, seed=seed, default=ari(model.labels_), kmeans=kmeans(Z), **alone)


if __name__ == "__main__":
    name = f"flags_{sys.argv[1]}.json" if len(sys.argv) > 1 else "flags.json"
    rows = []
    for seed, drawn in groupby(tables(), key=itemgetter(1)):
        for table in drawn:
            rows.append(row(*table))
            print(rows[-1], flush=True)
        told = dict(seeds=list(range(seed + 1)), environment=environment(), rows=rows)
        write_json(Path(__file__).parent/"results"/name, told)
