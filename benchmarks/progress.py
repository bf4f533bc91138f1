"""How far the time left that the bar tells is off, at every tenth of a run, into results/progress.json.

    python benchmarks/progress.py     # five minutes on one core

Times are the processor's, on one thread, so that what else the machine does is not measured."""
import os

os.environ["OMP_NUM_THREADS"] = "1"

from itertools import pairwise
from pathlib import Path

import numpy as np
from side_by_side import reports_of
from sklearn.datasets import load_digits

from kvae_nb.data import authors_modes, digits, five_modes
from kvae_nb.runs.manifest import environment, write_json

OUT = Path(__file__).parent/"results"/"progress.json"
SEEDS = range(3)


def table(seed):
    "Six clusters in 20 columns, bent so that they need networks"
    rng, shape = np.random.default_rng(seed), np.random.default_rng(0)
    c = rng.integers(6, size=5000)
    x = np.einsum("ni,nij->nj", rng.normal(size=(5000, 20)), (shape.normal(size=(6, 20, 20)) / 20**.5)[c])
    return 8 * shape.normal(size=(6, 20))[c] + x + .3 * x[:, ::-1]**2


RUNS = {  # what a run is called -> points of a seed, and parameters
    "five modes": (lambda seed: five_modes(4000, seed)[0], dict(n_components=5)),
    "five modes, how many": (lambda seed: five_modes(4000, seed)[0], dict(n_components="auto")),
    "a square of noise": (lambda seed: np.random.default_rng(seed).uniform(size=(4000, 2)), dict(n_components=3)),
    "a table of 20 columns": (table, dict(n_components=6)),
    "digits, vectors": (lambda seed: load_digits().data, dict(n_components=10)),
    "digits, images": (lambda seed: digits()[0], dict(n_components=10)),
    "digits, images, recipe clusters": (lambda seed: digits()[0], dict(n_components=10, recipe="clusters")),
    "five modes, recipe paper": (lambda seed: five_modes(4000, seed)[0], dict(n_components=5, recipe="paper")),
    "three modes, recipe paper, ends early": (
        lambda seed: authors_modes(3, 6400, seed)[0], dict(n_components=3, recipe="paper"))}


def off_at(reports, share):
    "The time left that the bar tells at a share of the run, as a multiple of what is left; 0 before the first report"
    whole = reports[-1].seconds
    last = next((r for r in reversed(reports) if r.seconds <= share * whole), None)
    if last is None: return 0.
    return max(last.left - (share * whole - last.seconds), 0) / (whole * (1 - share))


def measured(name, seed):
    "A row of the results"
    points, params = RUNS[name]
    reports = reports_of(points(seed), seed, params)
    whole = reports[-1].seconds
    ratios = [round(off_at(reports, tenth / 10), 2) for tenth in range(1, 10)]
    factors = [max(ratio, 1 / max(ratio, .01)) for ratio in ratios[1:]]
    still = max(b.seconds - a.seconds for a, b in pairwise(reports)) / whole
    return dict(run=name, seed=seed, seconds=round(whole, 1), ratios=ratios, worst=round(max(factors), 2),
                within_two=round(float(np.mean([factor <= 2 for factor in factors])), 3), longest_still=round(still, 2),
                falls=sum(b.share < a.share for a, b in pairwise(reports)))


def main():
    rows = []
    for seed in SEEDS:
        for name in RUNS:
            rows.append(measured(name, seed))
            print(rows[-1], flush=True)
    write_json(OUT, dict(rows=rows, every=.1, environment=environment()))


if __name__ == "__main__": main()
