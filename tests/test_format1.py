"""Run directories of format 1, as kvae_nb 0.1.0 wrote them: they are read, and mean what they meant.

Each was written by `kvae-train --k 3 --n 60 --n_iters 1 --hidden 4 ...` with the start in its name; the file beside it
holds what that version answered. Their settings have no recipe yet: it follows from the start."""
import json

import numpy as np
import pytest

from kvae_nb import KVAE
from kvae_nb.data import five_modes
from kvae_nb.instrument.recording import SavedRecording
from project import ROOT

FORMAT1 = ROOT/"tests/format1"
RECIPES = {"uniform": "paper", "kmeans": "clusters"}


@pytest.mark.parametrize("name", RECIPES)
def test_model_is_read(name):
    "Labels to the letter; bounds and samples within what processors differ by"
    model, X = KVAE.load(FORMAT1/name), five_modes(60)[0]
    said = json.loads((FORMAT1/f"{name}.json").read_text())
    assert model.settings_.recipe == RECIPES[name]
    assert model.labels_.tolist() == said["labels"]
    assert np.mean(model.predict(X) == said["predict"]) > .98
    np.testing.assert_allclose(model.score_samples(X[:4]), said["score_samples"], rtol=1e-4)
    np.testing.assert_allclose(model.sample(4, random_state=0)[0], said["sample"], rtol=1e-4, atol=1e-5)


def test_frames_are_read():
    "A recording of format 1: the start and one iteration"
    recording = SavedRecording(FORMAT1/"uniform")
    assert len(recording) == 2 and recording[1].phase == "done"
    assert recording[1].c.tolist() == json.loads((FORMAT1/"uniform.json").read_text())["labels"]
