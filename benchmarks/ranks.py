"""Two ranks on two cores against one process on one core, k = 16.

    python benchmarks/ranks.py           # ten minutes on two free cores; writes benchmarks/results/ranks.json

Seconds are those of the training that the run directory keeps, one thread each, side by side in turn."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from fastcore.script import call_parse

from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.data import digits
from kvae_nb.runs.checkpoint import read_state

SETTINGS = {
    "images of 28 × 28, paper": "--data IMAGES --k 16 --recipe paper --n_iters 10 --refine_steps 300",
    "digits, paper": "--data digits --k 16 --recipe paper --n_init 1 --n_iters 10 --refine_steps 300",
    "five modes, auto": "--data five_modes --k 16 --init kmeans",
}


def write_images(path):
    "scikit-learn's digits at the size of MNIST's"
    X = np.kron(digits()[0], np.ones((3, 3), np.float32))
    np.save(path, np.pad(X, ((0, 0), (0, 0), (2, 2), (2, 2))))


def seconds(settings, out, n_ranks):
    "Of a training"
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(n_ranks)] * (n_ranks > 1)
    command = [sys.executable, *launcher, "-m", "kvae_nb.train", *settings.split(), "--out", str(out), "--quiet"]
    subprocess.run(command, check=True, env=dict(os.environ, OMP_NUM_THREADS="1"), capture_output=True)
    return read_state(out)[1]["seconds"]


def compare(name, folder, repeats):
    "Medians, and whether the labels are the same"
    folder = Path(folder)
    write_images(folder/"images.npy")
    settings = SETTINGS[name].replace("IMAGES", str(folder/"images.npy"))
    pairs = [[seconds(settings, folder/f"{i}-{n}", n) for n in (1, 2)] for i in range(repeats)]
    one, two = (read_state(folder/f"0-{n}")[0] for n in (1, 2))
    alone, ranks = np.median(pairs, 0)
    moved = int((one.c != two.c).sum())
    return dict(name=name, settings=SETTINGS[name], alone=alone, two_ranks=ranks, times=alone / ranks, moved=moved,
                pairs=pairs)


@call_parse
def main(
    repeats:int=5, # Pairs of runs; the medians count
    out:str="benchmarks/results/ranks.json", # Where the numbers go
):
    "How much faster two ranks are"
    rows = []
    for name in SETTINGS:
        with tempfile.TemporaryDirectory() as folder: rows.append(compare(name, folder, repeats))
        print({key: v for key, v in rows[-1].items() if key != "pairs"}, flush=True)
    write_json(out, dict(rows=rows, environment=environment()))
