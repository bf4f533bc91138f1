"""Points with missing values: how much of the clusters is left, and how well the gaps are filled in.

    python benchmarks/holes.py [even|odd|all] [SEEDS] [MOST]   # benchmarks/results/holes_even.json and so on

The sets of the suite up to 100 columns (of MOST points at most), smallest first, a fifth of all cells missing at
random; what was decided while this was written was decided on the even ones by name, seed 0. Adjusted Rand indices over
all rows, those without any value too: `holes`, the default `KVAE(k)` on the table with holes; `complete`, on the table
without; `left`, the labels that the complete model gives to the rows with holes, which is what the holes leave of it;
`rival`, columns' means filled in, then the better of k-means and a full mixture, ten starts each. Filling in: root mean
square error over the missing cells in columns' deviations, of `KVAE.impute`, of the columns' means, and of scikit-
learn's `IterativeImputer`; and by how much `impute` is below the mean."""
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import Timer, environment
from kvae_nb.experiments.sets import SETS

SHARE, WIDEST = .2, 100
RESULTS = Path(__file__).parent/"results"


def names(part, most):
    "The sets of a part, which go by the order of their names; the smallest first"
    shapes = {name: make(0)[0].shape for name, (make, _) in SETS.items()}
    vectors = sorted(name for name, shape in shapes.items() if len(shape) == 2 and shape[1] <= WIDEST)
    chosen = dict(even=vectors[::2], odd=vectors[1::2], all=vectors)[part]
    return sorted((name for name in chosen if shapes[name][0] <= most), key=lambda name: np.prod(shapes[name]))


def with_holes(X, seed):
    "The table, a fifth of it missing"
    return np.where(np.random.default_rng(1000 + seed).random(X.shape) < SHARE, np.nan, X)


def rival(H, y, k, seed):
    "Means filled in, then the better of two"
    Z = np.nan_to_num(StandardScaler().fit_transform(H), nan=0.)
    methods = KMeans(k, n_init=10, random_state=seed), GaussianMixture(k, n_init=10, reg_covar=1e-4, random_state=seed)
    return max(adjusted_rand_score(y, method.fit_predict(Z)) for method in methods)


def errors(X, H, filled):
    "Root mean square errors in columns' deviations"
    gap, sd = np.isnan(H), X.std(0)
    live = gap & (sd > 0)
    return {name: float(np.sqrt((((F - X) / np.where(sd > 0, sd, 1))[live]**2).mean())) for name, F in filled.items()}


def row(name, seed):
    "Numbers of a set"
    make, k = SETS[name]
    X, y = make(seed)
    X = X.astype(float)
    H, fit = with_holes(X, seed), lambda points: KVAE(k, random_state=seed, verbose=False, device="cpu").fit(points)
    with Timer() as took: model = fit(H)
    complete, ari = fit(X), lambda c: adjusted_rand_score(y, c)
    scores = dict(holes=ari(model.labels_), complete=ari(complete.labels_), left=ari(complete.predict(H)))
    scores["rival"] = rival(H, y, k, seed)
    iterated = StandardScaler().fit(H)
    theirs = IterativeImputer(random_state=seed, keep_empty_features=True).fit_transform(iterated.transform(H))
    filled = dict(impute=model.impute(H), mean=np.where(np.isnan(H), np.nanmean(H, 0), H),
                  iterative=iterated.inverse_transform(theirs))
    numbers = scores | {f"rmse_{name}": error for name, error in errors(X, H, filled).items()}
    numbers["below_mean"] = 1 - numbers["rmse_impute"] / numbers["rmse_mean"]
    numbers = {name: round(float(value), 4) for name, value in numbers.items()}
    return dict(data=name, seed=seed, shape=list(X.shape), **numbers, cpu_seconds=round(took.cpu_seconds, 1))


def mean_of(rows):
    "Means over the rows, and how many fall behind"
    keys = [name for name, value in rows[0].items() if isinstance(value, float)]
    means = {name: round(float(np.mean([r[name] for r in rows])), 4) for name in keys}
    behind = [f"{r['data']} {r['seed']}" for r in rows if r["holes"] < r["rival"] - .02]
    worse = [f"{r['data']} {r['seed']}" for r in rows if r["rmse_impute"] > r["rmse_iterative"] + 5e-4]
    return dict(means=means, behind_rival=behind, behind_iterative=worse)


if __name__ == "__main__":
    part, seeds = sys.argv[1] if len(sys.argv) > 1 else "all", range(int(sys.argv[2]) if len(sys.argv) > 2 else 3)
    rows, most = [], int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
    for seed in seeds:
        for name in names(part, most):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rows.append(row(name, seed))
            print(rows[-1], flush=True)
            told = dict(share=SHARE, part=part, most=most, seeds=list(seeds), environment=environment())
            write_json(RESULTS/f"holes_{part}.json", dict(told, **mean_of(rows), rows=rows))
    print(mean_of(rows))
