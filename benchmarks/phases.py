"""What each phase of a default fit costs: processor seconds, as the package's own progress names the phases.

    python benchmarks/phases.py              # a minute on one core; writes benchmarks/results/phases.json
    python benchmarks/phases.py --with_mnist # also MNIST, k = 15: some three minutes more, and the files of MNIST

One thread; each run is a median run of `repeats`. Phases of one kind (candidates, iterations) are added up."""
import re
from collections import Counter
from itertools import pairwise

import torch
from fastcore.script import call_parse
from side_by_side import CLOCK, reports_of
from sklearn.datasets import load_digits

from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.data import digits, five_modes, mnist

RUNS = {  # what a run is called -> points, and k
    "five modes, n = 4000, k = 5": (lambda root: five_modes(4000, 0)[0], 5),
    "a table of 1797 x 64, k = 10": (lambda root: load_digits().data, 10),
    "digits as images, k = 10": (lambda root: digits()[0], 10),
    "MNIST, k = 15": (lambda root: mnist(root)[0], 15)}
MNIST = "MNIST, k = 15"


def kind(doing):
    "A phase without its counts: `start: candidate 2 of 9` is one of the candidates"
    plain = re.sub(r" \d+( of \d+)?", "", doing)
    return plain or "data and the rest"


def seconds_of(reports):
    "Phase -> processor seconds, in the order in which they began"
    found = Counter()
    for a, b in pairwise(reports): found[kind(a.doing)] += b.seconds - a.seconds
    return dict(found)


def measured(name, seed, repeats, root):
    "A row of the results: the run with the median of seconds"
    points, k = RUNS[name]
    X = points(root)
    runs = [reports_of(X, seed, dict(n_components=k), every=0) for _ in range(repeats)]
    runs.sort(key=lambda reports: reports[-1].seconds)
    middle = runs[len(runs) // 2]
    return dict(run=name, n=len(X), shape=list(X.shape[1:]), k=k, seconds=middle[-1].seconds,
                all_seconds=[reports[-1].seconds for reports in runs], phases=seconds_of(middle))


@call_parse
def main(
    with_mnist:bool=False, # Also MNIST?
    repeats:int=5, # Runs of each; MNIST has one
    seed:int=0,    # Of the runs
    root:str=None, # Folder with MNIST, else the environment variable KVAE_DATA, else a cache folder
    out:str="benchmarks/results/phases.json", # Where the numbers go
):
    "Seconds by phase of default fits"
    torch.set_num_threads(1)
    rows = []
    for name in RUNS:
        if name == MNIST and not with_mnist: continue
        rows.append(measured(name, seed, 1 if name == MNIST else repeats, root))
        print(rows[-1], flush=True)
    write_json(out, dict(rows=rows, settings=dict(seed=seed, repeats=repeats, clock=CLOCK), environment=environment()))
