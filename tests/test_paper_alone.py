"""The paper's chapters stand alone, and parts are found by their names: one entry in a registry works everywhere."""
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import normalized_mutual_info_score as nmi

from kvae_nb import KVAE, competition
from kvae_nb.assignment import BOUND
from kvae_nb.commands import cli
from kvae_nb.experts.centroids import CentroidExperts
from kvae_nb.points.scaling import fit_scaling
from kvae_nb.protocols import Family
from kvae_nb.recipe import FAMILIES, RULES, STARTS
from kvae_nb.settings import Settings
from kvae_nb.widgets import Stepper
from project import ROOT

# ---- the paper alone

ROOMS = "base", "points", "stacked"
LAST = 12  # the number of the chapter competition
ALGORITHM_1 = """
import sys
from sklearn.metrics import normalized_mutual_info_score as nmi
from kvae_nb import competition
from kvae_nb.data import five_modes
from kvae_nb.points.scaling import fit_scaling
from kvae_nb.settings import Settings

X, y = five_modes(4000, 0)
x = fit_scaling(X, "gaussian").to(X)
for seed in range(3):
    *_, state = competition.fit(x, Settings(recipe="paper", n_components=5, n_init=1, refine_steps=0, seed=seed))
    score = nmi(y, state.c[0])
    if score > .99: break
print(score, *sorted(name for name in sys.modules if name.startswith("kvae_nb")))
"""


def is_of_the_paper(file):
    "Is a module made of a chapter up to the competition?"
    chapter = re.search(r"File to edit: \.\./nbs/paper/(\d\d)_", file.read_text())
    return bool(chapter) and int(chapter[1]) <= LAST


def test_the_paper_runs_alone(tmp_path):
    "Algorithm 1 in a folder with its chapters and the rooms below them: it finds the five modes from a random split"
    package = tmp_path/"kvae_nb"
    for room in ROOMS: shutil.copytree(ROOT/"kvae_nb"/room, package/room, ignore=shutil.ignore_patterns("__pycache__"))
    (package/"__init__.py").touch()
    for file in filter(is_of_the_paper, ROOT.glob("kvae_nb/*.py")): shutil.copy(file, package)
    env = dict(os.environ, PYTHONPATH=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", ALGORITHM_1], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    score, *imported = done.stdout.split()
    assert float(score) > .99
    allowed = {f"kvae_nb.{file.stem}" for file in package.glob("*.py")} | {f"kvae_nb.{room}" for room in ROOMS}
    assert not [name for name in imported if ".".join(name.split(".")[:2]) not in {"kvae_nb", *allowed}]


# ---- parts by their names

class Balls(CentroidExperts):
    "Gaussians of deviation one around centroids"
    def bound(self, x): return -.5 * torch.cdist(x, self.centroids).square()
    def select(self, idx): return Balls(self.centroids[torch.as_tensor(idx)])


def strips(x, s, seeds):
    "Equal parts along the first coordinate"
    rank = x[:, 0].argsort().argsort()
    return (rank * s.n_components // len(x)).expand(len(seeds), -1).clone(), {}


PARTS = dict(experts="balls", init="strips", rule="likeliest")
FEW = dict(recipe="paper", n_init=1, n_iters=3, device="cpu")
Y = np.arange(90) % 3
X = np.random.default_rng(0).normal(size=(90, 2)) + 9. * Y[:, None]


@pytest.fixture
def registered(monkeypatch):
    "One entry for each part"
    monkeypatch.setitem(FAMILIES, "balls", Family(lambda s, shape, k: Balls(torch.zeros(k, *shape))))
    monkeypatch.setitem(STARTS, "strips", strips)
    monkeypatch.setitem(RULES, "likeliest", BOUND)


def by_the_estimator(folder):
    model = KVAE(3, **FEW, **PARTS, verbose=False).fit(X)
    model.save(folder/"run")
    assert (KVAE.load(folder/"run").predict(X) == model.labels_).all()
    return model.labels_


def by_the_competition(folder):
    *_, state = competition.fit(fit_scaling(X, "gaussian").to(X), Settings(3, **FEW, **PARTS))
    assert isinstance(state.experts, Balls)
    return state.c[0]


def on_the_command_line(folder):
    np.save(folder/"X.npy", X)
    options = dict(data=folder/"X.npy", k=3, out=folder/"run", **FEW, **PARTS)
    typed = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["kvae-train", *typed, "--quiet"])
        cli.train_command()
    return KVAE.load(folder/"run").labels_


def in_the_stepper(folder):
    "The rule is a choice of a control; start and family are settings"
    settings = {name: v for name, v in {**FEW, **PARTS}.items() if name not in ("n_init", "rule")}
    stepper = Stepper(X, n_components=3, folder=folder, **settings)
    stepper.controls["rule"].value = "likeliest"
    stepper.session.run()
    stepper.session.wait()
    return stepper.session.state.c[0]


@pytest.mark.parametrize("use", [by_the_estimator, by_the_competition, on_the_command_line, in_the_stepper])
def test_one_entry_works_everywhere(use, registered, tmp_path): assert nmi(Y, use(tmp_path)) > .99


def test_an_unknown_name_lists_the_registered(registered):
    for name, value in PARTS.items():
        with pytest.raises(ValueError, match=f"{name} should be one of .*'{value}'"): Settings(3, **{name: "unknown"})
