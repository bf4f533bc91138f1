"""A checkpoint is whole or not there: whatever call to the system fails, and wherever the process is killed."""
import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
import torch

import faults
import small_runs
from kvae_nb import KVAE, competition
from kvae_nb.data import five_modes
from kvae_nb.runs.checkpoint import differences, read_state, save_state
from kvae_nb.runs.manifest import open_run, sealed, sha256
from kvae_nb.runs.older import has_state, read_run, renew
from kvae_nb.runs.training import Training, open_training
from project import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked to be killed")
ABOUT = dict(source=dict(data="five_modes"), training=dict(every=1, frames=False))


@pytest.fixture
def place():
    "A folder in memory, where there is one: what is flushed thousands of times need not reach a disk"
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder: yield Path(folder)


@pytest.fixture
def inject(record_property):
    "A function that lets every call of an action fail in every way; the faults are counted"
    def inject(*parts): record_property("faults injected at calls to the system, all survived", inject_all(*parts))
    return inject


def inject_all(act, restore, check):
    "`restore` makes the ground for each fault, `check` looks at what it has left; how many there were"
    restore()
    calls, n_faults = faults.count(act), 0
    assert {"open", "write", "fsync", "replace", "unlink"} <= set(calls)
    for n, error, after in faults.faults(calls):
        restore()
        if error is None: assert faults.killed(act, n, after), f"{calls[n]} {n} was not reached"
        else: fails(act, n, error, after)
        check(f"{calls[n]} {n} of {len(calls)}, {'SIGKILL' if error is None else os.strerror(error)}, after: {after}")
        n_faults += 1
    return n_faults


def fails(act, n, error, after):
    "The error is the system's, and names a file; it may be none where only the cleaning failed"
    try:
        with faults.Fault(n, error, after).injected(): act()
    except OSError as e: assert e.errno == error and e.filename, repr(e)


def held(path, name):
    "A state and what is kept beside it, every byte checked against its checksum; times aside"
    tensors, about = read_run(path, name)
    plain = {key: v for key, v in about.items() if key not in ("seconds", "format", "files", "names")}
    return json.dumps(plain, sort_keys=True), tuple((key, tensors[key].numpy().tobytes()) for key in sorted(tensors))


def contents(path):
    "What a run directory holds; a checkpoint that a finished training has left does not count"
    meta = open_run(path)
    found = {name: held(path, name) for name in ("model", "checkpoint") if has_state(path, meta, name)}
    if found.get("model") and json.loads(found["model"][0]).get("ended"): found.pop("checkpoint", None)
    return frozenset(found.items())


class Known:
    "What was found in a run directory before, so that each state is read and gone on with once"
    def __init__(self, name, x, s, states):
        self.own, self.x, self.s, self.states = small_runs.own_parts(name, x), x, s, states
        self.found = {}

    def index(self, path):
        "Which state it is; it has gone on to the end of the undisturbed run"
        held = contents(path)
        if held not in self.found: self.found[held] = self.read(path)
        return self.found[held]

    def read(self, path):
        state, _ = read_state(path, checkpoint=True, **self.own)
        *_, last = competition.fit(self.x, self.s, state=state)
        assert differences(last, self.states[-1]) == []
        return next(i for i, known in enumerate(self.states) if differences(state, known) == [])


@pytest.mark.parametrize("name", small_runs.KINDS)
def test_checkpoint(name, inject, place):
    "After any fault the run directory has the old checkpoint or the new one, whole, and goes on to the same end"
    x, s, states = small_runs.run(name)
    training, ground = Training(place/"run", ABOUT, every=1), place/"ground"
    save_state(training.path, states[1])
    for state in states[1:3]: training.keep(state)
    shutil.copytree(training.path, ground)
    known = Known(name, x, s, states)

    def restore():
        shutil.rmtree(training.path)
        shutil.copytree(ground, training.path)

    def check(what):
        assert known.index(training.path) in (2, 3), what
        training.keep(states[3])  # the next one is written over whatever is left
        assert known.index(training.path) == 3, what
        files = {"run.json", "model.safetensors", "checkpoint.safetensors"}
        assert {f.name for f in training.path.iterdir()} == files, what

    inject(lambda: training.keep(states[3]), restore, check)
    assert len(known.found) == 2


def test_new_run(inject, place):
    "A run directory appears whole, or there is none"
    _, _, states = small_runs.run("nearest, none")
    run = place/"run"

    def check(what):
        if run.exists(): assert differences(read_state(run)[0], states[2]) == [], what

    inject(lambda: save_state(run, states[2]), lambda: shutil.rmtree(run, ignore_errors=True), check)


@pytest.fixture(scope="module")
def model():
    "A model, and the states that it went through"
    states = []
    few = dict(n_iters=3, pretrain_steps=5, vae_steps=5, disc_steps=5, refine_steps=10, hidden=(8,), verbose=False)
    fitted = KVAE(3, recipe="paper", n_init=1, final="best", random_state=0, **few)
    return fitted.fit(five_modes(300)[0], on_state=states.append), states


class Watch:
    "What a training keeps beside its states: here how often it was asked"
    n = 0
    def saved(self): return dict(asked=self.n), dict(asked=torch.tensor([self.n]))


@pytest.mark.parametrize("stopped", [False, True])
def test_end_of_a_training(model, stopped, inject, place):
    "The model takes the place of the checkpoint; where a signal ended the training before, also that of its model"
    fitted, states = model
    training, ground = Training(place/"run", ABOUT, every=1, watch=Watch()), place/"ground"
    training.begin(fitted, five_modes(300)[0])
    training.keep(states[2])
    if stopped: training.finish(fitted, states[2])
    shutil.copytree(training.path, ground)
    training.watch.n = 1

    def restore():
        shutil.rmtree(training.path)
        shutil.copytree(ground, training.path)

    def look():
        begun = open_training(training.path)
        if not begun.finished: assert differences(begun.state, states[2]) == []
        if begun.finished or stopped: assert differences(KVAE.load(training.path).state_, fitted.state_) == []

    def check(what):
        held = contents(training.path)
        if held not in seen: look()
        seen.add(held)

    seen = set()
    inject(lambda: training.finish(fitted), restore, check)
    assert len(seen) == 2


def test_full_disk(model, place):
    "The system itself refuses: files may have so many bytes and no more; the old checkpoint stays"
    import resource
    fitted, states = model
    training = Training(place/"run", ABOUT, every=1)
    training.begin(fitted, five_modes(300)[0])
    training.keep(states[1])
    said = place/"said"
    child = os.fork()
    if not child:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        try: training.keep(states[2])
        except OSError as e: said.write_text(f"{type(e).__name__} {e}")
        finally: os._exit(0)
    os.waitpid(child, 0)
    assert said.read_text() == f"OSError [Errno 27] File too large: '{training.path/'checkpoint.safetensors'}'"
    assert differences(read_state(training.path, checkpoint=True)[0], states[1]) == []


PLACES = ("killed", "checkpoint-b"), ("killed", "checkpoint"), ("stopped", "checkpoint-b")


@pytest.mark.parametrize("name, where", PLACES)
def test_of_format_2(name, where, inject, place):
    "Its training goes on in files of today's format; after any fault it holds the same states, and becomes that"
    run, ground = place/"run", place/"ground"
    shutil.copytree(ROOT/"tests/format2"/name, ground)
    move(ground, "checkpoint.safetensors", f"{where}.safetensors")
    before = contents(ground)

    def restore():
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(ground, run)

    def check(what):
        assert contents(run) == before, what
        renew(run)
        assert contents(run) == before and open_run(run)["format"] == 3, what

    inject(lambda: renew(run), restore, check)


def move(folder, name, place):
    "Let a file of a run directory of format 2 stand under another name"
    meta = json.loads((folder/"run.json").read_text())
    del meta["checksum"]
    was = meta["names"].pop(name, name)
    (folder/was).rename(folder/place)
    meta["files"] = {place if file == was else file: digest for file, digest in meta["files"].items()}
    meta["names"] |= {name: place} if place != name else {}
    assert sha256(folder/place) == meta["files"][place]
    (folder/"run.json").write_text(json.dumps(sealed(meta)))
