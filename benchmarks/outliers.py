"""How many new points are outliers by mistake, and do columns that were planted speak first?

    python benchmarks/outliers.py   # benchmarks/results/outliers.json

Every set of the suite, three seeds: four fifths of the points are learned from, and of the others those are counted
that `outlier_labels` calls outliers, at a stated rate of 1 % and 5 %; `training` counts those below the same quantile
of the training points' own scores. Images, whose networks are not trained again, take their limit from half of the
unseen points (`unseen`), and the other half is counted.

Then `explain`, ten draws: two clusters of 300 points, of one covariance, whose means lie nine deviations apart in one,
two or three of eight columns, independent or correlated ones; the share of points in whose explanation those come
first, that in which one of those comes first, and how far a row is from the margin at most."""
import sys
import warnings
from pathlib import Path

import numpy as np

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.data import holdout_mask
from kvae_nb.experiments.sets import SETS

SEEDS, RATES = range(3), (.01, .05)
RESULTS = Path(__file__).parent/"results"/"outliers.json"


def alarms(name, seed):
    "How many unseen points of a set are outliers"
    make, k = SETS[name]
    X, _ = make(seed)
    out = holdout_mask(len(X))
    model = KVAE(k, random_state=seed, verbose=False, device="cpu").fit(X[~out])
    new, unseen = X[out], None
    if X.ndim == 4: new, unseen = new[::2], new[1::2]
    own, scores = model.score_samples(X[~out]), model.score_samples(new)
    numbers = {f"at_{q}": int((model.outlier_labels(new, q, unseen) == -1).sum()) for q in RATES}
    numbers |= {f"training_{q}": int((scores < np.quantile(own, q, method="weibull")).sum()) for q in RATES}
    limit = "unseen" if unseen is not None else model.report_["unseen"]["scores_of"]
    return dict(data=name, seed=seed, learned=int((~out).sum()), new=len(new), limit=limit, **numbers)


def planted(n_columns, correlated, seed):
    "Do the columns in which two clusters differ come first?"
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(600, 8)) @ (np.eye(8) + .3*correlated*rng.normal(size=(8, 8)))
    columns = rng.choice(8, n_columns, replace=False)
    X[300:, columns] += 9*X.std(0)[columns]
    model = KVAE(2, random_state=seed, verbose=False, device="cpu").fit(X)
    told = model.explain(X)
    ranked = np.argsort(-told.nats, axis=1)
    all_first = float((np.sort(ranked[:, :n_columns], axis=1) == np.sort(columns)).all(1).mean())
    one_first = float(np.isin(ranked[:, 0], columns).mean())
    error = float(np.abs(told.nats.sum(1) - model.state_.margin[0].numpy()).max())
    kind = "correlated" if correlated else "independent"
    name = f"{n_columns} of 8 {kind} columns"
    return dict(data=name, seed=seed, error=error, all_first=all_first, one_first=one_first)


def rate(rows, column): return sum(r[column] for r in rows) / sum(r["new"] for r in rows)


def write(rows, explanations):
    "What there is so far, and what it comes to"
    names = [f"{what}_{q}" for what in ("at", "training") for q in RATES]
    total = {name: round(rate(rows, name), 5) for name in names}
    means = {name: round(float(np.mean([r[name] / r["new"] for r in rows])), 5) for name in names}
    told = dict(seeds=list(SEEDS), settings=dict(rates=list(RATES)), environment=environment())
    write_json(RESULTS, dict(told, all_points=total, mean_of_sets=means, rows=rows, explain=explanations))
    return total


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    rows, explanations = [], [planted(n, kind, seed) for kind in (0, 1) for n in (1, 2, 3) for seed in range(10)]
    for row in explanations: print(row, flush=True)
    for name in sys.argv[1:] or SETS:
        rows += [alarms(name, seed) for seed in SEEDS]
        print(*rows[-len(SEEDS):], sep="\n", flush=True)
        if len(sys.argv) == 1: total = write(rows, explanations)
    print({name: round(rate(rows, name), 5) for name in rows[0] if name.startswith(("at", "training"))})
