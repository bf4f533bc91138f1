"""Every notebook is a test: `nbdev_test` runs its cells in a process of its own; `measured.py` counts lines."""
import os
import sys

import pytest

from project import BIN, BOOKS, ROOT, call, names

EXTRAS = "voila", "jupyterlab", "playwright"  # what the tests in a browser install; notebooks do without
PLAIN = [sys.executable, "-c", f"""
import runpy, sys
sys.modules.update(dict.fromkeys({EXTRAS}))
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")""", BIN/"nbdev_test"]
MEASURED = [sys.executable, ROOT/"tests/measured.py", "notebook"]


@pytest.mark.parametrize("path", names(BOOKS))
def test_notebook(path, request):
    "nbdev_test ends in 0 where no file matched, so its word is asked for"
    flags = " ".join(f for f in ("slow", "gpu") if request.config.getoption(f))
    plain = [*PLAIN, "--path", path, "--n_workers", "1", "--flags", flags]
    said = call(*([*MEASURED, path, flags] if os.environ.get("COVERAGE_RUN") else plain))
    assert "Success." in said, f"{path} was not run"
