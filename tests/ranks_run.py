"One rank of a run of every kind, under torchrun; beside it the run of a single process. Says where they differ."
import os
import sys

import torch
import torch.distributed as dist

import small_runs
from kvae_nb import competition
from kvae_nb.runs.checkpoint import state_tensors
from kvae_nb.scale.shards import sharded_parts, whole_state


def first_partition(name, x):
    "For those that have no start of their own"
    return torch.arange(len(x)).numpy() % 3 if "labels" in name else None


def far(here, alone):
    "The names of what differs by more than rounding makes of it: labels at all, bounds and weights beyond 1e-4"
    pairs = [(name, v.double(), state_tensors(here)[name].double()) for name, v in state_tensors(alone).items()]
    away = [name for name, v, w in pairs if not torch.allclose(v, w, rtol=1e-4, atol=1e-4, equal_nan=True)]
    return away if torch.equal(here.c, alone.c) else ["labels", *away]


def compare(name):
    "Where the last states are far from one another"
    x, s = small_runs.points(*small_runs.KINDS[name])
    c = first_partition(name, x)
    *_, alone = competition.fit(x, s, c=c)
    *_, here = competition.fit(x, s, c=c, **sharded_parts(s, tuple(x.shape[1:])))
    return far(whole_state(here), alone)


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    for name in sys.argv[1:]:
        away = compare(name)
        if os.environ["RANK"] == "0": print(f"{name}|{','.join(away)}", flush=True)
    dist.destroy_process_group()
