"""Ten parts against one fit, and a cluster that begins in part six.

    python benchmarks/stream.py   # benchmarks/results/stream.json

Tables of the suite with 800 points or more, in random order, one seed: ARI of all points under the model after ten
calls of `partial_fit`, and under one fit of all of them. Then Gaussians in 2, 5 and 10 columns, eight deviations apart,
of which one begins in the sixth of ten parts of 500 points, four seeds: the part in which it has its expert, ARI at the
end, and the share of the points of other clusters whose label in part ten is the number that its cluster had in part
five."""
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.experiments.sets import SETS

SEEDS, LATE, PARTS = range(1), range(4), 10
RESULTS = Path(__file__).parent/"results"/"stream.json"


def model_of(k, seed): return KVAE(k, random_state=seed, verbose=False, device="cpu")


def against_one_fit(name, seed):
    "ARI after ten parts, and of one fit"
    make, k = SETS[name]
    X, y = make(seed)
    if X.ndim == 4 or len(X) < 800: return None
    order = np.random.default_rng(seed).permutation(len(X))
    X, y = X[order], y[order]
    parts = model_of(k, seed)
    for part in np.array_split(X, PARTS): parts.partial_fit(part)
    one = model_of(k, seed).fit(X)
    scores = {what: adjusted_rand_score(y, m.predict(X)) for what, m in dict(parts=parts, one=one).items()}
    return dict(data=name, seed=seed, n=len(X), experts=len(parts.weights_), k=k, **scores)


def begins_late(d, seed, n=500):
    "A fourth Gaussian from part six on"
    rng = np.random.default_rng(seed)
    centres = 8 * np.eye(max(d, 4))[:4, :d] if d > 2 else 8 * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    model, number, found = model_of(3, seed), None, None
    for part in range(1, PARTS + 1):
        y = rng.integers(3 if part < 6 else 4, size=n)
        model.partial_fit(centres[y] + rng.normal(size=(n, d)))
        if part == 5: number = [np.bincount(model.labels_[y == j]).argmax() for j in range(3)]
        if found is None and len(model.weights_) > 3: found = part
    others = y < 3
    kept = float((model.labels_[others] == np.array(number)[y[others]]).mean())
    ari = adjusted_rand_score(y, model.labels_)
    return dict(data=f"{d} columns", seed=seed, found=found, experts=len(model.weights_), ari=ari, others=kept)


def write(rows, late):
    "What there is so far"
    means = {what: round(float(np.mean([r[what] for r in rows])), 4) for what in ("parts", "one")} if rows else {}
    told = dict(seeds=list(SEEDS), settings=dict(parts=PARTS, late_seeds=list(LATE)), environment=environment())
    write_json(RESULTS, dict(told, mean_ari=means, rows=rows, late=late))
    return means


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    late, rows = [], []
    for d in (2, 5, 10):
        late += [begins_late(d, seed) for seed in LATE]
        print(*late[-len(LATE):], sep="\n", flush=True)
    for name in sys.argv[1:] or SETS:
        for seed in SEEDS:
            row = against_one_fit(name, seed)
            if row: rows.append(row)
            if row: print(row, flush=True)
        if len(sys.argv) == 1: write(rows, late)
    print(write(rows, late))
