"""Run directories of format 2, as kvae_nb wrote them before its states were one file: they are read, and gone on with.

`killed` is a training that was killed at its third checkpoint, with the states that it might go back to; `stopped` one
that a signal ended after its third iteration, with its model, two restarts and their frames. The files beside them hold
what the version that began them found when it was left alone, on the points in `points.csv`."""
import json
import shutil

import numpy as np
import pytest

from kvae_nb import KVAE
from kvae_nb.commands.cli import resume_run
from kvae_nb.instrument.recording import SavedRecording
from kvae_nb.runs.checkpoint import read_state
from kvae_nb.runs.training import open_training
from project import ROOT

FORMAT2 = ROOT/"tests/format2"


def test_what_they_hold():
    "Checkpoints, visited partitions, a model and its frames"
    state, _ = read_state(FORMAT2/"killed", checkpoint=True)
    assert (state.iteration, [c.shape for c in state.visited]) == (2, [(1, 60)] * 2)
    state, meta = read_state(FORMAT2/"stopped", checkpoint=True)
    assert (state.iteration, state.n_restarts, len(meta["frames"]["restarts"])) == (3, 2, 2)
    assert KVAE.load(FORMAT2/"stopped").n_iter_ == 3 and not open_training(FORMAT2/"stopped").finished
    recording = SavedRecording(FORMAT2/"stopped")
    assert len(recording) == 4 and recording[3].c.tolist() == meta["tensors"]["frames.0.3.c"].tolist()


@pytest.mark.parametrize("name", ["killed", "stopped"])
def test_gone_on_with(name, tmp_path, capsys):
    "To the end that the older version came to, within what processors and later shrinkage of experts differ by"
    said, points = json.loads((FORMAT2/f"{name}.json").read_text()), FORMAT2/"points.csv"
    shutil.copytree(FORMAT2/name, tmp_path/name)
    resume_run(tmp_path/name, str(points), quiet=True)
    assert "goes on after iteration" in capsys.readouterr().out
    model, X = KVAE.load(tmp_path/name), np.loadtxt(points, delimiter=",", skiprows=1)
    assert np.mean(model.labels_ == said["labels"]) > .96 and model.n_iter_ == said["n_iter"]
    np.testing.assert_allclose(model.score_samples(X[:4]), said["score"], rtol=.1)
    kept = {f.name for f in (tmp_path/name).iterdir() if f.suffix != ".png"}
    assert kept == {"run.json", "results.json", "model.safetensors"}
    if name == "stopped": assert len(SavedRecording(tmp_path/name)) == 7
