"""What the benchmarks share: runs in turn, the clock, the rate of a large matrix product, exponents of growth.

Seconds are the processor's, on one thread: what else the machine does is hardly seen. Runs that are compared are made
in turn (A, B, A, B, ...); a ratio is the median of the ratios of neighbours."""
import ctypes
import time
import warnings
from functools import partial

import numpy as np
import torch

from kvae_nb import KVAE
from kvae_nb.base import progress

CLOCK = "processor seconds of this process, on one thread"


def cpu_seconds(run, *args):
    "Processor seconds that `run(*args)` takes"
    began = time.process_time()
    run(*args)
    return time.process_time() - began


def in_turn(runs, repeats):
    "Seconds of each of `runs` (name -> function), `repeats` times in turn, after each has run once"
    for run in runs.values(): run()
    rounds = [{name: cpu_seconds(run) for name, run in runs.items()} for _ in range(repeats)]
    return {name: [seconds[name] for seconds in rounds] for name in runs}


def ratio(slow, fast):
    "The median of the ratios of neighbours"
    return float(np.median(np.divide(slow, fast)))


def quiet(run, least=.2, repeats=5):
    "Median seconds of one call of `run`, each repeat at least `least` seconds long; after one call to warm up"
    run()
    n = max(1, round(least / max(cpu_seconds(run), 1e-6)))
    return float(np.median([cpu_seconds(lambda: [run() for _ in range(n)]) / n for _ in range(repeats)]))


def product(side):
    "A function that multiplies two large float32 matrices, and how many operations that takes"
    a, b = (torch.randn(side, side, generator=torch.Generator().manual_seed(i)) for i in range(2))
    return lambda: a @ b, 2 * side**3


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3 # Of glibc's malloc.h

def keep_memory():
    "From now on malloc keeps pieces of up to 32 MB that are freed, in place of giving them back; False without glibc"
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None: return False
    return bool(mallopt(M_MMAP_THRESHOLD, 2**25) and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))


def exponent(sizes, seconds):
    "The slope of log seconds over log size; NaN of fewer than two points"
    if len(sizes) < 2: return float("nan")
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


class Recorder(list):
    "Keeps the reports of a run"
    __call__ = list.append

    def close(self): pass


def reports_of(X, seed, params, **about):
    "Everything that the bar is told in a fit, in processor seconds; `about` as `Progress` takes it"
    recorder, before = Recorder(), (progress.reporting, progress.bar_or_lines)
    progress.bar_or_lines = lambda: recorder
    progress.reporting = partial(before[0], clock=time.process_time, **about)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            KVAE(random_state=seed, device="cpu", **params).fit(X)
    finally: progress.reporting, progress.bar_or_lines = before
    return recorder
