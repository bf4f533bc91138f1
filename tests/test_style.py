"""ruff over package, notebooks, tests and tools; mypy over the exported package. Their rules: ruff.toml, mypy.ini."""
import shutil

from project import BIN, ROOT, call

RUFF = ("ruff", "check", "--no-cache", "--output-format", "concise")


def test_ruff(): call(BIN/RUFF[0], *RUFF[1:], ROOT)


def test_mypy(tmp_path): call(BIN/"mypy", "--cache-dir", tmp_path)


def test_a_fault_is_found(tmp_path):
    "Both would fail: a joined statement, a line that is too long, a type that does not fit"
    bad = tmp_path/"bad.py"
    bad.write_text("x:int = 1; x = 'a'\n" + "y = " + "1 + "*40 + "1\n")
    shutil.copy(ROOT/"ruff.toml", tmp_path)
    said = []
    for command, *options in (RUFF, ("mypy", "--cache-dir", tmp_path)):
        try: call(BIN/command, *options, bad)
        except AssertionError as e: said.append(str(e))
    assert "E702" in said[0] and "E501" in said[0] and "Incompatible types" in said[1]
