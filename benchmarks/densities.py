"""Does the density hold on points that it has not seen? Beside one shrunk Gaussian, and a mixture of k.

    python benchmarks/densities.py [FOLDER]   # benchmarks/results/densities.json

The tables of the suite, and every one of at most 6000 points of a folder with Gagolewski's benchmark suite; and drawn
tables of many columns and few points, their columns independent or driven by five factors. Four fifths of the points
are learned from, the others scored; three seeds. Nats per column, in units of the columns' deviations: the default
`KVAE(k)`; Ledoit and Wolf's Gaussian; scikit-learn's full mixture, five starts, variances above 1e-4; `short` is how
far the default lies below the better of the two."""
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.mixture import GaussianMixture

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.experiments.exam import read_set, sets_of
from kvae_nb.experiments.sets import SETS

SEEDS, MOST = range(3), 6000
WIDE = (60, 500, 3), (100, 300, 3), (100, 768, 4), (200, 50, 4), (80, 1000, 2)  # points to learn from, columns, k


def wide(n, d, k, factors, seed):
    "Gaussians around k centres, their columns driven by some factors"
    rng = np.random.default_rng(seed)
    noise, driven = rng.normal(size=(n * 5 // 4, d)), rng.normal(size=(n * 5 // 4, factors))
    noise += 2 * driven @ rng.normal(size=(factors, d))
    return rng.normal(size=(k, d))[rng.integers(k, size=len(noise))] + noise


def tables(seed, folder):
    "Yield name, points and k"
    for name, (make, k) in SETS.items():
        X = make(seed)[0]
        if X.ndim == 2: yield name, X, k
    for n, d, k in WIDE:
        for factors in (0, 5): yield f"{n} x {d}, {factors} factors", wide(n, d, k, factors, seed), k
    for name, file in sets_of(folder).items() if folder else ():
        X, references = read_set(file)
        y = next(iter(references.values()))
        if len(X) <= MOST: yield name, X, len(set(y[y > 0]))


def row(name, X, k, seed):
    "Nats per column of the points that were not learned from"
    order = np.random.default_rng(seed).permutation(len(X))
    X = X[order].astype(float)
    unseen, seen = np.split(X, [len(X) // 5])
    live = seen.std(0) > 0
    unit, d = seen.std(0)[live], int(live.sum())
    model = KVAE(k, random_state=seed, verbose=False, device="cpu").fit(seen)
    Z, new = seen[:, live] / unit, unseen[:, live] / unit
    one = LedoitWolf().fit(Z).score(new)
    mixture = GaussianMixture(k, n_init=5, reg_covar=1e-4, random_state=seed).fit(Z).score(new)
    ours = model.score(unseen) + np.log(unit).sum()
    nats = {name: round(float(v / d), 4) for name, v in dict(default=ours, one=one, mixture=mixture).items()}
    short = max(nats["one"], nats["mixture"]) - nats["default"]
    return dict(data=name, seed=seed, columns=d, **nats, short=round(short, 4))


if __name__ == "__main__":
    folder, rows = sys.argv[1] if len(sys.argv) > 1 else None, []
    for seed in SEEDS:
        for name, X, k in tables(seed, folder):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rows.append(row(name, X, k, seed))
            print(rows[-1], flush=True)
        told = dict(seeds=list(SEEDS[:seed + 1]), environment=environment(), rows=rows)
        write_json(Path(__file__).parent/"results"/"densities.json", told)
