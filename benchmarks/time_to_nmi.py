"""How long the default needs on the digits to reach the NMI that VaDE of ClustPy ends with.

    pip install -c constraints.txt clustpy==0.0.3   # needs a C compiler
    python benchmarks/time_to_nmi.py                # six minutes; writes benchmarks/results/time_to_nmi.json

Both cluster the 1797 digits into ten, in turn, seed by seed, on one thread; processor seconds. VaDE has the epochs of
`kvae-reproduce digits`, and its labels are its own (`vade_labels_`), not those of a last re-clustering. The default
is asked after every state that it yields; the first is there when its experts are pretrained."""
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import numpy as np
import torch
from fastcore.script import call_parse
from side_by_side import CLOCK
from sklearn.metrics import normalized_mutual_info_score

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.data import digits
from kvae_nb.experiments.clusters import EPOCHS, deep_row

K = 10


def path_of(X, y, seed):
    "The default's states: phase, processor seconds since the fit began, NMI"
    found, began = [], time.process_time()
    looking = 0.

    def keep(state):
        nonlocal looking
        at = time.process_time()
        nmi = normalized_mutual_info_score(y, state.c[0].cpu().numpy())
        found.append(dict(phase=state.phase, seconds=at - began - looking, nmi=nmi))
        looking += time.process_time() - at

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        KVAE(K, random_state=seed, verbose=False, device="cpu").fit(X, on_state=keep)
    return found


def vade_row(X, y, seed, epochs):
    "VaDE's row as the experiments have it, and its processor seconds; its bars are not shown"
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        began = time.process_time()
        return deep_row("VaDE", X, y, K, seed, epochs), time.process_time() - began


def compare(X, y, seed, epochs):
    "A row: VaDE, the default's path, and the ratio of seconds"
    vade, seconds = vade_row(X, y, seed, epochs)
    path = path_of(X, y, seed)
    first = next((state for state in path if state["nmi"] >= vade["nmi"]), None)
    reached = first["seconds"] if first else None
    return dict(seed=seed, vade_nmi=vade["nmi"], vade_seconds=seconds, reached=reached, nmi=path[-1]["nmi"],
                seconds=path[-1]["seconds"], ratio=first and seconds / reached, path=path)


@call_parse
def main(
    seeds:int=3,   # How many
    out:str="benchmarks/results/time_to_nmi.json", # Where the numbers go
):
    "Seconds to the NMI of VaDE"
    torch.set_num_threads(1)
    X, y = digits()
    epochs = EPOCHS["digits"]
    path_of(X, y, 0)  # to warm up
    rows = []
    for seed in range(seeds):
        rows.append(compare(X, y, seed, epochs))
        print({name: v for name, v in rows[-1].items() if name != "path"}, flush=True)
    ratios = [row["ratio"] for row in rows if row["ratio"]]
    settings = dict(data="digits", k=K, seeds=seeds, vade=epochs["VaDE"], clustpy="0.0.3", clock=CLOCK)
    write_json(out, dict(rows=rows, ratio=float(np.median(ratios)) if ratios else None, settings=settings,
                         environment=environment()))
