"""A million points of 32 columns, 50 experts: memory and labels, the array mapped from a file and in memory.

    python benchmarks/mapped.py     # some fifteen minutes on one core; writes benchmarks/results/mapped.json

Fifty clusters, one column bent along another. Each run is a process of its own; its peak is what is resident at most
(the kernel's ru_maxrss, pages of the mapped file among it), less what the imports take."""
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
from kvae_nb.runs import Timer, environment, write_json

D, K = 32, 50


def write_points(path, n, seed=0, rows=50_000):
    "Write the file a piece at a time; the cluster of each point"
    rng = np.random.default_rng(seed)
    centres, y = 4 * rng.normal(size=(K, D)), rng.integers(K, size=n)
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


@call_parse
def main(
    n:int=1_000_000, # Points
    out:str="benchmarks/results/mapped.json", # Where the numbers go
    one:str=None,    # A file: run on it in this process, and print the row
    how:str="mapped", # How that file is read: mapped, or memory
):
    "Memory and labels of a fit to more points than experts learn from"
    if one: return print(json.dumps(run(one, how)))
    with tempfile.TemporaryDirectory() as folder:
        path, rows = Path(folder)/"points.npy", []
        y = write_points(path, n)
        for way in ("mapped", "memory"):
            command = [sys.executable, __file__, "--one", str(path), "--how", way]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            row = json.loads(said.splitlines()[-1])
            labels = np.load(path.with_suffix(".labels.npy"))
            rows.append(row | dict(nmi=normalized_mutual_info_score(y, labels)))
            print({name: v for name, v in rows[-1].items() if name != "labels"}, flush=True)
    same = rows[0]["labels"] == rows[1]["labels"]
    write_json(out, dict(n=n, d=D, k=K, rows=rows, same_labels=same, environment=environment()))
    print("the same labels" if same else "other labels")
