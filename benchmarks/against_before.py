"""The default KVAE(k) of two checkouts, side by side on the suite: python benchmarks/against_before.py OLD

OLD is a folder with an earlier commit (git archive COMMIT | tar x -C OLD). Every set of vectors, one seed, one thread,
each side in a process of its own; processor seconds, NMI and the ratio, as benchmarks/results/against_before.json. Some
20 minutes, most of them the earlier commit's; sets that stand in the file already are not run again."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT/"benchmarks/results/against_before.json"
ONE = """
import json, sys, time, warnings
import numpy as np, torch
from kvae_nb import KVAE
torch.set_num_threads(1)
warnings.simplefilter("ignore")
held = np.load(sys.argv[1])
began = time.process_time()
model = KVAE(int(held["k"]), random_state=0, verbose=False).fit(held["X"])
print(json.dumps(dict(seconds=time.process_time() - began, labels=model.labels_.tolist())))
"""


def side(folder, path):
    "Processor seconds and labels of one checkout"
    env = os.environ | dict(PYTHONPATH=str(folder), OMP_NUM_THREADS="1")
    command = [sys.executable, "-c", ONE, str(path)]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compared(name, old):
    "A row: one set, both sides"
    import numpy as np
    from sklearn.metrics import normalized_mutual_info_score as nmi

    from kvae_nb.experiments.suite import SETS
    make, k = SETS[name]
    X, y = make(0)
    row = dict(data=name)
    with tempfile.TemporaryDirectory() as d:
        np.savez(f"{d}/data.npz", X=X, k=k)
        for when, folder in (("before", old), ("now", ROOT)):
            found = side(folder, f"{d}/data.npz")
            row[when] = dict(cpu_seconds=round(found["seconds"], 2), nmi=nmi(y, found["labels"]))
    row["ratio"] = row["before"]["cpu_seconds"] / row["now"]["cpu_seconds"]
    return row


def main():
    "All sets, the file whole after each"
    from statistics import median

    from kvae_nb.base.disk import write_json
    from kvae_nb.base.machine import environment
    from kvae_nb.experiments.suite import SETS
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", help="folder with the earlier commit")
    old = Path(parser.parse_args().old).resolve()
    rows = json.loads(OUT.read_text())["rows"] if OUT.exists() else []
    for name in SETS:
        if name == "digit_images" or name in {row["data"] for row in rows}: continue
        rows.append(compared(name, old))
        print(json.dumps(rows[-1]), flush=True)
        typical = median(row["ratio"] for row in rows)
        write_json(OUT, dict(rows=rows, median_ratio=typical, seed=0, environment=environment()))


if __name__ == "__main__":
    main()
