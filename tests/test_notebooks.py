"""Every notebook is a test: `nbdev_test` runs its cells, in a process of its own."""
import pytest

from project import BIN, BOOKS, call, names


@pytest.mark.parametrize("path", names(BOOKS))
def test_notebook(path, request):
    "nbdev_test ends in 0 where no file matched, so its word is asked for"
    flags = " ".join(f for f in ("slow", "gpu") if request.config.getoption(f))
    said = call(BIN/"nbdev_test", "--path", path, "--n_workers", "1", "--flags", flags)
    assert "Success." in said, f"{path} was not run"
