"""`kvae-train` as people and batch systems treat it: killed at any moment, told to end, gone on with."""
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from kvae_nb import KVAE
from kvae_nb.runs.checkpoint import differences
from kvae_nb.runs.older import read_run

COMMAND = [sys.executable, "-u", "-c", "from kvae_nb.commands.cli import train_command; train_command()"]
RUN = ["--data=five_modes", "--n=400", "--k=4", "--recipe=paper", "--n_init=2", "--n_iters=12", "--vae_steps=25",
       "--disc_steps=25", "--refine_steps=100", "--quiet", "--frames", "--device=cpu"]
BEST = [*RUN[:3], "--n_iters=6", "--patience=9", "--vae_steps=60", "--quiet", "--device=cpu"]


def begin(path, options=RUN): return [*COMMAND, *options, "--checkpoint_every=1", f"--out={path}"]


def resume(path): return [*COMMAND, "--quiet", f"--resume={path}"]


def start(command): return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(what, seconds=60):
    "Until something is true"
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until: time.sleep(.005)
    assert what()


def result(path):
    "Model and frames of a run directory, every file checked against its checksum"
    tensors, _ = read_run(path)
    return KVAE.load(path), {name: v.numpy().tobytes() for name, v in tensors.items() if name.startswith("frames.")}


def assert_same(path, undisturbed):
    (model, frames), (other, frames_of_other) = result(path), result(undisturbed)
    assert differences(model.state_, other.state_) == []
    assert frames == frames_of_other and not has_checkpoint(path)
    assert model.lower_bound_ == other.lower_bound_


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    "Run directories of trainings that were left alone, and the seconds from their beginning to their end"
    folder, took = tmp_path_factory.mktemp("undisturbed"), {}
    for name, options in dict(run=RUN, best=BEST).items():
        process = start(begin(folder/name, options))
        wait_for((folder/name).exists)
        began = time.monotonic()
        assert process.wait() == 0
        took[name] = time.monotonic() - began
    return folder, took


def kill_at_random(path, options, seconds, rng):
    "Begin, or go on with, a training and kill it some time after it has opened its run directory; was it still alive?"
    there = path.exists()
    process = start(resume(path) if there else begin(path, options))
    if there: process.stdout.readline()
    else: wait_for(path.exists)
    time.sleep(rng.uniform(0, seconds))
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("n_kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random(n_kills, undisturbed, tmp_path, record_property):
    "Again and again, until all kills are used; then every run comes to the end of one that was left alone"
    folder, took = undisturbed
    rng, kills, runs = random.Random(n_kills), 0, []
    while kills < n_kills:
        name, options = [("run", RUN), ("best", BEST)][len(runs) % 2]
        path = tmp_path/f"{name}-{len(runs)}"
        runs.append((path, name))
        n_here = 0
        while kills < n_kills and n_here < max(2, n_kills // 10) and kill_at_random(path, options, took[name], rng):
            kills, n_here = kills + 1, n_here + 1
    for path, name in runs:
        assert subprocess.run(resume(path), capture_output=True).returncode == 0
        assert_same(path, folder/name)
    record_property("SIGKILLs at random moments of a training, all came to the same end", kills)


def has_checkpoint(path): return (path/"checkpoint.safetensors").exists()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end(signum, undisturbed, tmp_path):
    "At the end of the iteration: a model, and a training that goes on to the same end"
    path = tmp_path/"run"
    process = start(begin(path))
    wait_for(lambda: has_checkpoint(path))
    process.send_signal(signum)
    said = process.communicate()[1]
    assert process.returncode == 128 + signum, said
    assert f"holds the model so far, and kvae-train --resume {path} goes on" in said
    model = KVAE.load(path)
    assert 1 <= model.n_iter_ <= 12 and model.labels_.shape == (400,)
    done = subprocess.run(resume(path), capture_output=True, text=True)
    assert done.returncode == 0 and f"{path}: goes on after iteration " in done.stdout, done.stderr
    assert_same(path, undisturbed[0]/"run")
    typed = subprocess.run([*resume(path), "--k=5"], capture_output=True, text=True)
    assert typed.returncode == 1 and "k should be left out: a run goes on under the settings" in typed.stderr
    again = subprocess.run(resume(path), capture_output=True, text=True)
    assert (again.returncode, again.stdout) == (0, f"{path}: finished, there is nothing to go on with\n")


def test_second_signal_ends_at_once(tmp_path):
    "Amid an iteration that takes long"
    path = tmp_path/"run"
    process = start(begin(path, [*RUN[:4], "--n_init=1", "--vae_steps=100000", "--quiet"]))
    wait_for(lambda: has_checkpoint(path))
    process.send_signal(signal.SIGINT)
    assert next(line for line in process.stderr if line.startswith("stopping after this iteration"))
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == -signal.SIGINT
    assert subprocess.run([*COMMAND, "--resume", path, "--k=4"], capture_output=True).returncode == 1


def test_keyboard_interrupt_keeps_the_model():
    "In Python and in Jupyter: Ctrl-C goes up as it always does, and the last iteration is a model"
    from kvae_nb.data import five_modes

    def interrupt(state):
        if state.iteration == 2: os.kill(os.getpid(), signal.SIGINT)

    X, _ = five_modes(300)
    model = KVAE(3, recipe="paper", n_init=1, n_iters=9, refine_steps=10, verbose=False, random_state=0)
    with pytest.warns(UserWarning, match="the model after iteration 2"), pytest.raises(KeyboardInterrupt):
        model.fit(X, on_state=interrupt)
    assert model.n_iter_ == 2 and (model.predict(X) == model.labels_).all()


def test_read_while_it_is_trained(tmp_path):
    "Whoever opens a checkpoint, at any time, gets a whole one, and never an older one than before"
    path, seen = tmp_path/"run", []
    process = start(begin(path))
    wait_for(lambda: has_checkpoint(path))
    while process.poll() is None:
        try: _, about = read_run(path, "checkpoint")
        except (ValueError, OSError):
            assert not has_checkpoint(path)  # it has ended meanwhile
            break
        assert len(about["history"]) == about["iteration"]
        seen.append((about["iteration"], about["refined"]))
    assert process.wait() == 0 and len(set(seen)) > 3 and seen == sorted(seen)
