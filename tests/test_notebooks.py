"""Every notebook is a test: one bare `nbdev_test` runs them all, in two processes; `measured.py` counts lines."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

from project import BIN, BOOKS, ROOT, call, names

EXTRAS = "voila", "jupyterlab", "playwright"  # what the tests in a browser install; notebooks do without
PLAIN = [sys.executable, "-c", f"""
import runpy, sys
sys.modules.update(dict.fromkeys({EXTRAS}))
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")""", BIN/"nbdev_test"]


def flags_of(config): return " ".join(f for f in ("slow", "gpu") if config.getoption(f))


def run_all(flags):
    "The names of the notebooks that failed, and all that was said"
    run = subprocess.run([*PLAIN, "--n_workers", "2", "--flags", flags], cwd=ROOT, capture_output=True, text=True)
    said = run.stdout + run.stderr
    assert (run.returncode == 0) == ("Success." in run.stdout), said
    assert run.returncode == 0 or "Following Notebooks:" in said, said
    return said.partition("Following Notebooks:")[2].split(), said


@pytest.fixture(scope="session")
def found(request, once):
    "What `run_all` found"
    return once("notebooks", lambda: run_all(flags_of(request.config)))


def measured(path, config):
    "One notebook, in a process that counts the lines"
    said = call(sys.executable, ROOT/"tests/measured.py", "notebook", path, flags_of(config))
    assert "Success." in said, f"{path} was not run"


@pytest.mark.parametrize("path", names(BOOKS))
def test_notebook(path, request):
    "nbdev_test ends in 0 where no file matched, so its word is asked for; names of notebooks differ"
    if os.environ.get("COVERAGE_RUN"): return measured(path, request.config)
    failed, said = request.getfixturevalue("found")
    assert Path(path).name not in failed, said
