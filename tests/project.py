"""Where the project is, and what all tests do with it."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
BOOKS = [f for f in sorted(ROOT.glob("nbs/**/[!_]*.ipynb")) if ".ipynb_checkpoints" not in f.parts]


def call(*args, cwd=ROOT):
    "Run a command and return its output, which is shown where it fails"
    done = subprocess.run([str(a) for a in args], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, args))}\n{done.stdout[-6000:]}"
    return done.stdout


def names(paths):
    "Paths as they are seen from the root: names of tests"
    return [str(p.relative_to(ROOT)) for p in paths]
