"""The package as users get it, installed into fresh environments."""
import sys

import pytest

from project import BIN, ROOT, call

TINY = "--k 3 --n 300 --n_iters 2 --refine_steps 10 --quiet --out run".split()
PIP = ("pip", "install", "-q", "--disable-pip-version-check")


def environment(folder):
    "A fresh virtual environment: the folder of its programs"
    call(sys.executable, "-m", "venv", folder)
    return folder/"bin"


def train_and_sample(programs, folder):
    "The demo in a short setting, and the weights that come with the package"
    folder.mkdir()
    call(programs/"kvae-train", *TINY, cwd=folder)
    call(programs/"kvae-sample", "run", "--n", "5", cwd=folder)
    call(programs/"python", "-c", "from kvae_nb.experiments.frechet import classifier; classifier()", cwd=folder)


def test_wheel_and_sdist_run_without_nbdev(tree, tmp_path):
    call(BIN/"python", "-m", "build", "--outdir", tmp_path, tree)
    programs = environment(tmp_path/"env")
    pip = (programs/PIP[0], *PIP[1:], "-c", ROOT/"constraints.txt")
    call(*pip, next(tmp_path.glob("*.whl")), cwd=tmp_path)
    assert "nbdev" not in call(programs/"pip", "list")
    train_and_sample(programs, tmp_path/"wheel")
    call(*pip, "--no-deps", "--force-reinstall", next(tmp_path.glob("*.tar.gz")), cwd=tmp_path)
    train_and_sample(programs, tmp_path/"sdist")


@pytest.mark.slow
def test_newest_packages(tree, tmp_path):
    "`pip install .` without the constraints file; torch is pinned to the build that the other tests use"
    programs = environment(tmp_path/"env")
    pins = [line for line in (ROOT/"constraints.txt").read_text().split("\n") if line.startswith("torch")]
    call(programs/PIP[0], *PIP[1:], *pins, tree, cwd=tmp_path)
    train_and_sample(programs, tmp_path/"newest")
