"""A million points of 32 columns, 50 experts: memory and labels, the array mapped from a file and in memory.

    python benchmarks/mapped.py     # some twenty minutes on one core; writes benchmarks/results/mapped.json
    python benchmarks/mapped.py --limits_only   # some minutes; writes benchmarks/results/mapped_limits.json

Fifty clusters, one column bent along another. Each run is a process of its own; its peak is what is resident at most
(the kernel's ru_maxrss, pages of the mapped file among it), less what the imports take. Then 300 000 such points of
eight clusters, under limits of memory: `max_memory` is the limit, the peaks are those after `fit`, `predict` and
`score_samples`."""
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from fastcore.script import call_parse
from sklearn.metrics import normalized_mutual_info_score

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import Timer, environment

D, K = 32, 50
LIMITS = .3, .4, .5 # GB


def write_points(path, n, k=K, seed=0, rows=50_000):
    "Write the file a piece at a time; the cluster of each point"
    rng = np.random.default_rng(seed)
    centres, y = 4 * rng.normal(size=(k, D)), rng.integers(k, size=n)
    X = np.lib.format.open_memmap(path, "w+", np.float32, (n, D))
    for i in range(0, n, rows):
        part = rng.normal(size=(min(rows, n - i), D))
        part[:, 1] += .5 * part[:, 0]**2
        X[i:i + rows] = centres[y[i:i + rows]] + part
    X.flush()
    return y


def peak():
    "Gigabytes that were resident at most"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def run(path, how):
    "Fit, in this process"
    imports = peak()
    X = np.load(path, mmap_mode="r" if how == "mapped" else None)
    with Timer() as timer: model = KVAE(K, random_state=0, verbose=False, device="cpu").fit(X)
    np.save(Path(path).with_suffix(".labels.npy"), model.labels_)
    digest = hashlib.sha256(model.labels_.tobytes()).hexdigest()
    return dict(how=how, peak_gb=peak() - imports, labels=digest, **timer.times, max_train=model.settings_.max_train)


def run_limited(path, max_memory):
    "Fit, label and score under a limit, in this process"
    imports, X, peaks = peak(), np.load(path, mmap_mode="r"), {}
    above = lambda: (peak() - imports) * 2**30 / 1e9
    model = KVAE(8, random_state=0, verbose=False, device="cpu", max_memory=max_memory)
    for name in ("fit", "predict", "score_samples"):
        getattr(model, name)(X)
        peaks[name] = above()
    np.save(Path(path).with_suffix(".labels.npy"), model.labels_)
    return dict(max_memory=max_memory, max_train=model.settings_.max_train, peaks_gb=peaks)


def called(path, y, **options):
    "The row of a run in a process of its own, with its NMI"
    told = [part for name, value in options.items() if value is not None for part in (f"--{name}", str(value))]
    command = [sys.executable, __file__, "--one", str(path), *told]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    labels = np.load(path.with_suffix(".labels.npy"))
    row = json.loads(said.splitlines()[-1]) | dict(nmi=normalized_mutual_info_score(y, labels))
    print({name: v for name, v in row.items() if name != "labels"}, flush=True)
    return row


def measure_limits(path, out, n=300_000, k=8):
    "Peaks under limits of memory"
    y = write_points(path, n, k)
    rows = [called(path, y, how="limited", max_memory=limit) for limit in LIMITS]
    kept = all(max(row["peaks_gb"].values()) <= row["max_memory"] for row in rows)
    write_json(out, dict(n=n, d=D, k=k, rows=rows, kept=kept, environment=environment()))
    print("the limits are kept" if kept else "a limit is exceeded")


@call_parse
def main(
    n:int=1_000_000, # Points
    out:str="benchmarks/results/mapped.json", # Where the numbers go; those under limits beside it
    limits_only:bool=False, # Only the runs under limits of memory
    one:str=None,    # A file: run on it in this process, and print the row
    how:str="mapped", # How that file is read: mapped, or memory; limited: mapped, and labelled and scored too
    max_memory:float=None, # GB, of such a run
):
    "Memory and labels of a fit to more points than experts learn from"
    if one: return print(json.dumps(run_limited(one, max_memory) if how == "limited" else run(one, how)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)/"points.npy"
        measure_limits(path, Path(out).with_stem(f"{Path(out).stem}_limits"))
        if limits_only: return None
        y = write_points(path, n)
        rows = [called(path, y, how=way) for way in ("mapped", "memory")]
    same = rows[0]["labels"] == rows[1]["labels"]
    write_json(out, dict(n=n, d=D, k=K, rows=rows, same_labels=same, environment=environment()))
    print("the same labels" if same else "other labels")
