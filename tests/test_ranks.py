"Several ranks find what one process finds; one that dies ends the job, and any number of ranks goes on."
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import small_runs
from kvae_nb.runs.checkpoint import read_state
from project import BIN, ROOT

ENV = dict(os.environ, OMP_NUM_THREADS="1", PYTHONPATH=str(ROOT))
LONG = ("--data", "five_modes", "--k", "5", "--recipe", "paper", "--n_iters", "20", "--n_init", "1",
        "--refine_steps", "200", "--checkpoint_every", "1")
KINDS = [name for name in small_runs.KINDS if name != "centroids"]


def ranks(n, *arguments):
    "The command that begins `n` ranks"
    return [str(BIN/"torchrun"), "--standalone", "--nproc-per-node", str(n), *map(str, arguments)]


def train(n, *arguments):
    "The output of `n` ranks of kvae-train, or of one process"
    start = ranks(n, "-m", "kvae_nb.train") if n > 1 else [sys.executable, "-m", "kvae_nb.train"]
    return subprocess.run([*start, *map(str, arguments)], env=ENV, capture_output=True, text=True, timeout=100)


def test_two_ranks_find_what_one_finds():
    """Of every kind: the same labels, and bounds, weights and moments to a ten-thousandth

    Not to the bit: a processor rounds products of stacks of other sizes otherwise."""
    command = ranks(2, Path(__file__).parent/"ranks_run.py", *KINDS)
    done = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    found = [line.split("|") for line in done.stdout.splitlines()]
    assert found == [[name, ""] for name in KINDS], done.stdout


@pytest.mark.parametrize("arguments, said", [
    (("--k", 1), "n_components should be at least the number of ranks, 2; got 1"),
    (("--k", 3, "--frames"), "frames should be off"),
    (("--k", 3, "--data", "nowhere.csv"), "data should be one of")])
def test_bad_input_is_said_once(arguments, said, tmp_path):
    done = train(2, *arguments, "--out", tmp_path/"run")
    assert done.returncode and done.stderr.count(said) == 1 and not (tmp_path/"run").exists()


@pytest.mark.parametrize("what", ["data", "kvae_nb", "seed"])
def test_ranks_that_differ(what, tmp_path):
    "One is told of it, with both values, and nothing is trained or written"
    command = ranks(2, Path(__file__).parent/"ranks_differ.py", what, tmp_path/"run")
    done = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=100)
    assert done.returncode and done.stderr.count(f"{what} should be the same on all ranks") == 1, done.stderr
    assert "on rank 0; got" in done.stderr and not (tmp_path/"run").exists()


def children(pid):
    "The ranks of a launcher"
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return sorted(map(int, found.stdout.split()))


def kill_one(path, rng):
    "Two ranks, one of which is killed at a random moment after the first checkpoint; what they said"
    job = subprocess.Popen([*ranks(2, "-m", "kvae_nb.train"), *LONG, "--out", str(path)], env=ENV, text=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (path/"run.json").exists(): time.sleep(.02)
    time.sleep(rng.uniform(0, 3))
    if job.poll() is None: os.kill(rng.choice(children(job.pid)), signal.SIGKILL)
    return job.communicate(timeout=60)[1]


def check_kill(seed, path, undisturbed):
    """The labels of a run that lost a rank, and was resumed with 1, 2 or 3

    Rounding grows from iteration to iteration, so that points between two experts may end with the other one."""
    rng = random.Random(seed)
    said = kill_one(path, rng)
    if not (path/"results.json").exists():
        assert said.count("another rank has died") == 1, said
        assert train(1 + seed % 3, "--resume", path).returncode == 0
    state, alone = read_state(path)[0], read_state(undisturbed)[0]
    assert state.phase == "done" and (state.c == alone.c).double().mean() > .95


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    path = tmp_path_factory.mktemp("ranks")/"alone"
    assert train(1, *LONG, "--out", path).returncode == 0
    return path


def test_a_killed_rank(tmp_path, undisturbed): check_kill(0, tmp_path/"run", undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_a_killed_rank_often(seed, tmp_path, undisturbed): check_kill(seed, tmp_path/"run", undisturbed)
