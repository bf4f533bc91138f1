"""What `make bench` and `make audit` do when something goes wrong: no row is lost, and no answer is no good news."""
import os
import shutil
import subprocess
import sys

import pytest

import audit
from project import ROOT

TOOLS = {  # stand-ins: each writes its line; the second table fails once
    "pip": "exit 0",
    "python": 'echo "$1" >> said',
    "kvae-reproduce": 'echo "$1" >> said; touch benchmarks/results/$1.json\n'
                      'if [ "$1" = table1b ] && [ ! -e failed ]; then touch failed; exit 1; fi',
}


@pytest.fixture
def bench(tmp_path):
    "A function that makes something in a folder with stand-ins for the tools"
    shutil.copy(ROOT/"Makefile", tmp_path)
    for folder in ("bin", ".venv", "benchmarks/results"): (tmp_path/folder).mkdir(parents=True)
    for name in ("settings.ini", "setup.py", "constraints.txt", ".venv/ready"): (tmp_path/name).touch()
    (tmp_path/"benchmarks/results/table1a.json").write_text("old")
    for name, script in TOOLS.items():
        (tmp_path/"bin"/name).write_text(f"#!/bin/sh\n{script}\n")
        os.chmod(tmp_path/"bin"/name, 0o755)

    def bench(target="bench"):
        done = subprocess.run(["make", target, "BIN=bin"], cwd=tmp_path, capture_output=True, text=True)
        said = (tmp_path/"said").read_text().split() if (tmp_path/"said").exists() else []
        (tmp_path/"said").unlink(missing_ok=True)
        return done.returncode, said
    bench.folder = tmp_path
    return bench


def test_bench_goes_on(bench):
    "The tables are removed where it begins, and never where it goes on"
    names = "stack_speed", "phases", "growth", "convolutions", "time_to_nmi", "mapped", "scale_pictures", "pictures"
    pieces = [f"benchmarks/{name}.py" for name in names]
    table = bench.folder/"benchmarks/results/table1a.json"
    assert bench() == (2, [*pieces, "table1a", "table1b"]) and table.read_text() == ""
    table.write_text("rows")
    status, said = bench()
    assert status == 0 and not set(said) & set(pieces) and said[:2] == ["table1a", "table1b"]
    assert table.read_text() == "rows"
    assert bench()[1][:len(pieces)] == pieces and table.read_text() == ""


def test_bench_begins_anew(bench):
    assert bench()[0] == 2
    assert bench("bench-clean") == (0, [])
    assert bench()[1][0] == "benchmarks/stack_speed.py"


PLAIN = "import pathlib, sys; pathlib.Path(sys.argv[-1]).write_text('''%s''')"
AUDITS = {  # what pip-audit would say -> exit status, and what is printed
    '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}': (0, "1 packages, 0 known"),
    '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X", "fix_versions": ["2"]}]}]}': (1, "a 1: X,"),
    "": (2, "could not be asked, so nothing is known of constraints.txt"),
}


@pytest.mark.parametrize("found", AUDITS)
def test_audit(found, capsys):
    status, words = AUDITS[found]
    assert audit.main(command=[sys.executable, "-c", PLAIN % found]) == status
    assert words in capsys.readouterr().out
