"One rank of a run of every kind, under torchrun; beside it the run of a single process. Says where they differ."
import os
import sys

import torch
import torch.distributed as dist

import small_runs
from kvae_nb import competition
from kvae_nb.runs.checkpoint import differences
from kvae_nb.scale.shards import sharded_parts, whole_state


def first_partition(name, x):
    "For those that have no start of their own"
    return torch.arange(len(x)).numpy() % 3 if "labels" in name else None


def compare(name):
    "The names of what the last states differ in, the labels alike or not, and the largest difference of a score"
    x, s = small_runs.points(*small_runs.KINDS[name])
    c = first_partition(name, x)
    *_, alone = competition.fit(x, s, c=c)
    *_, here = competition.fit(x, s, c=c, **sharded_parts(s, tuple(x.shape[1:])))
    here = whole_state(here)
    away = float((here.margin - alone.margin).abs().max())
    found = [d for d in differences(here, alone) if d not in ("history.seconds",)]
    return found, torch.equal(here.c, alone.c), away


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    for name in sys.argv[1:]:
        found, same, away = compare(name)
        if os.environ["RANK"] == "0": print(f"{name}|{same}|{away}|{','.join(found)}", flush=True)
    dist.destroy_process_group()
