"""What holds of the repository as a whole: nothing made by hand differs from what it is made of, imports go one way."""
import ast
import contextlib
import io
import json
import re
from configparser import ConfigParser
from itertools import pairwise
from statistics import median

import IPython.display
import pytest

import pages
import prepare
from project import BIN, BOOKS, ROOT, call, names

WINGS = ("method", "instrument", "experiments")
MODULES = [f for f in sorted(ROOT.glob("kvae_nb/**/*.py")) if f.name not in ("__init__.py", "_modidx.py")]


def code_cells(notebook):
    "The sources of a notebook's code cells"
    cells = json.loads(notebook.read_text())["cells"]
    return ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]


def is_exported(source): return re.search(r"^#\| *exporti?\b", source, re.M) is not None


# ---- what is made of something else

def test_exports_are_current(tree):
    call(BIN/"nbdev_export", cwd=tree)
    call(BIN/"nbdev_clean", cwd=tree)
    made = [*tree.glob("nbs/**/*.ipynb"), *tree.glob("kvae_nb/**/*.py")]
    changed = [f.relative_to(tree) for f in made if f.read_bytes() != (ROOT/f.relative_to(tree)).read_bytes()]
    assert not changed, "run make prepare"


def test_no_module_without_notebook():
    made_from = {re.search(r"File to edit: (?:\.\./)+(\S+)\.$", f.read_text(), re.M)[1] for f in MODULES}
    assert {f for f in made_from if not (ROOT/f).exists()} == set()


def test_readme_is_current():
    assert (ROOT/"README.md").read_text() == prepare.readme_text(), "run make prepare"


@pytest.mark.parametrize("path", names(n for n in BOOKS if "#| asis" in n.read_text()))
def test_numbers_are_current(path, monkeypatch):
    "The tables of a notebook, made again from the JSON files of the benchmarks, are the ones that stand there"
    said, shared = io.StringIO(), {}
    monkeypatch.setattr(IPython.display, "display", lambda *parts: [said.write(p.data) for p in parts])
    shared["display"] = IPython.display.display
    for cell in json.loads((ROOT/path).read_text())["cells"]:
        source = "".join(cell["source"])
        if "#| asis" not in source: continue
        with contextlib.redirect_stdout(said), contextlib.chdir((ROOT/path).parent): exec(source, shared)
        stands = "".join(pages.text(o) for o in cell["outputs"])
        assert said.getvalue().strip() == stands.strip(), "run that notebook again"
        said.seek(0)
        said.truncate()


def test_outputs_are_still():
    live = [n.name for n in BOOKS if prepare.stilled(n) != n.read_text()]
    assert not live, "outputs of live widgets show an error without a kernel: run make prepare"


def test_one_source_of_metadata():
    "settings.ini says the version; the others agree with it"
    config = ConfigParser(delimiters=["="])
    config.read(ROOT/"settings.ini")
    version = config["DEFAULT"]["version"]
    assert f"version: {version}\n" in (ROOT/"CITATION.cff").read_text()
    assert f'"{version}"' in (ROOT/"kvae_nb/__init__.py").read_text()
    assert f"## [{version}]" in (ROOT/"CHANGELOG.md").read_text()


# ---- the wings

def place(notebook): return WINGS.index(notebook.parent.name), int(notebook.name[:2])


def places():
    "Wing and number of each module"
    chapters = [n for n in BOOKS if n.parent.name in WINGS]
    exports = {n: re.search(r"#\| default_exp ([\w.]+)", "\n".join(code_cells(n))) for n in chapters}
    return {f"kvae_nb.{found[1]}": place(n) for n, found in exports.items() if found}


def imported(source):
    "The modules of kvae_nb that a cell imports, also inside of functions"
    nodes = list(ast.walk(ast.parse(source)))
    whole = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    parts = [(n.module, a.name) for n in nodes if isinstance(n, ast.ImportFrom) and n.module for a in n.names]
    return whole | {module for module, _ in parts} | {f"{module}.{name}" for module, name in parts}


@pytest.mark.parametrize("path", names(n for n in BOOKS if n.parent.name in WINGS))
def test_imports_go_down(path):
    "To the method, or to lower numbers of one's own wing; the instrument and the experiments do not know each other"
    wing, number = place(ROOT/path)
    known = places()
    used = {m: known[m] for s in code_cells(ROOT/path) if is_exported(s) for m in imported(s) if m in known}
    assert not {m: at for m, at in used.items() if not (at[0] == 0 < wing or (at[0] == wing and at[1] < number))}


@pytest.mark.parametrize("folder", [*WINGS, "tutorials"])
def test_numbers_inside_a_folder(folder):
    found = sorted(n.name for n in BOOKS if n.parent.name == folder)
    assert all(re.fullmatch(r"\d\d_\w+\.ipynb", name) for name in found), found
    assert not [pair for pair in pairwise(found) if pair[0][:2] == pair[1][:2]]


# ---- sizes

def test_notebooks_are_small():
    sizes = {n.name: n.stat().st_size for n in BOOKS}
    assert not {name: size for name, size in sizes.items() if size >= 300_000}
    assert sum(sizes.values()) < 6_000_000


def test_modules_are_short():
    lines = {str(f.relative_to(ROOT)): len(f.read_text().splitlines()) for f in MODULES}
    assert not {f: n for f, n in lines.items() if n > 260}
    assert median(lines.values()) < 210


@pytest.mark.parametrize("path", names(BOOKS))
def test_cells_are_short(path):
    assert not [source.split("\n", 2)[:2] for source in code_cells(ROOT/path) if len(source.splitlines()) > 30]


@pytest.mark.parametrize("path", names(n for n in BOOKS if n.parent.name in WINGS))
def test_definitions_are_followed_by_a_test(path):
    "Four of five exported cells that define something are followed at once by a test or a demonstration"
    cells = code_cells(ROOT/path)
    defining = re.compile(r"^(def|class|@)", re.M)
    pairs = [(s, after) for s, after in pairwise([*cells, "#| export"]) if is_exported(s) and defining.search(s)]
    alone = [defining.split(s, maxsplit=1)[2].split("\n")[0] for s, after in pairs if is_exported(after)]
    assert len(alone) <= .2*len(pairs), f"{len(pairs) - len(alone)} of {len(pairs)}; alone: {alone}"
