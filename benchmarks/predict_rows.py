"""A million rows of CSV through `kvae-predict`, on one core: seconds and peak memory, into results/predict_rows.json.

    python benchmarks/predict_rows.py [ROWS] [COLUMNS]
"""
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.runs.checkpoint import write_model
from kvae_nb.runs.manifest import new_run

OUT = Path(__file__).parent/"results"/"predict_rows.json"
K = 5
COMMAND = "from kvae_nb.commands.cli import predict; import sys; predict(*sys.argv[1:])"


def points(n, d, seed, bent=0.):
    "K clusters, each along its own directions; bent ones need networks"
    centres = 8 * np.random.default_rng(0).normal(size=(K, d))
    shapes = np.random.default_rng(1).normal(size=(K, d, d)) / d**.5
    rng = np.random.default_rng(seed)
    c = rng.integers(K, size=n)
    x = np.empty((n, d))
    for j in range(K): x[c == j] = rng.normal(size=((c == j).sum(), d)) @ shapes[j]
    return centres[c] + x + bent * x[:, ::-1]**2


def write_csv(path, n, names, bent):
    "In pieces, so that this process stays small"
    with open(path, "w", encoding="utf-8") as f:
        f.write(",".join(names) + "\n")
        for i in range(0, n, 50_000):
            np.savetxt(f, points(min(50_000, n - i), len(names), 2 + i, bent), "%.9g", ",")


def trained(path, names, bent):
    "A run by the default recipe, its columns named; returns how many of its experts are networks"
    model = KVAE(K, random_state=0, verbose=False).fit(points(20_000, len(names), 1, bent))
    with new_run(path) as folder:
        write_model(model, folder)
        write_json(folder/"run.json", dict(source=dict(data="points", columns=names)))
    return len(model.report_.get("networks", ()))


def measured(n, d, bent, folder):
    "One row of the results"
    names = [f"c{i}" for i in range(d)]
    n_networks = trained(folder/"run", names, bent)
    write_csv(folder/"new.csv", n, names, bent)
    core = sorted(os.sched_getaffinity(0))[-1]
    began = time.perf_counter()
    args = [sys.executable, "-c", COMMAND, folder/"run", folder/"new.csv", folder/"labels.csv"]
    child = subprocess.Popen(args, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    _, status, used = os.wait4(child.pid, 0)
    if status: sys.exit(f"kvae-predict ended with {status}")
    seconds = time.perf_counter() - began
    peak = used.ru_maxrss / (1 if sys.platform == "darwin" else 2**10)
    csv_mb = round((folder/"new.csv").stat().st_size / 1e6)
    about = dict(rows=n, columns=d, experts=K, networks=n_networks, csv_mb=csv_mb)
    cost = dict(seconds=round(seconds, 1), cpu_seconds=round(used.ru_utime + used.ru_stime, 1), peak_mb=round(peak))
    return about | cost


def main(rows=1_000_000, columns=20):
    found = []
    for bent in (0., .5):
        with tempfile.TemporaryDirectory() as folder:
            found.append(measured(int(rows), int(columns), bent, Path(folder)))
        print(found[-1], flush=True)
    write_json(OUT, dict(results=found, cores=1, environment=environment()))


if __name__ == "__main__": main(*sys.argv[1:])
