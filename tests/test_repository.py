"""What holds of the repository as a whole: nothing made by hand differs from what it is made of, imports go one way."""
import ast
import contextlib
import io
import json
import re
from configparser import ConfigParser
from itertools import pairwise

import IPython.display
import pytest

import folders
import pages
import prepare
from project import BIN, BOOKS, ROOT, call, names

LAYERS = (  # low to high: folders, and the paper's chapters up to one of them
    ("base",), ("points",), ("stacked",), ("paper", "assignment"), ("experts", "starts"), ("paper", "competition"),
    ("scale", "diagnostics"), ("runs",), ("paper", "evaluation"), ("report",), ("instrument",), ("commands",),
    ("experiments",))
CHAPTERS = [n for n in BOOKS if n.parent.name in (folders.PAPER, *folders.ROOMS)]
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


# ---- the layers

def number(notebook): return int(notebook.name[:2])


def layer_of(notebook):
    "The first layer that has the folder, and of the paper the first that goes as far as the chapter"
    numbers = {n.stem[3:]: number(n) for n in CHAPTERS if n.parent.name == folders.PAPER}
    def holds(layer):
        if layer[0] != folders.PAPER: return notebook.parent.name in layer
        return notebook.parent.name == folders.PAPER and number(notebook) <= numbers[layer[1]]
    return next(i for i, layer in enumerate(LAYERS) if holds(layer))


def module_of(notebook):
    "The module that a notebook is exported to, or None; two rooms have addresses at the top: widgets and train"
    exported = re.search(r"^#\| default_exp ([\w.]+)", "\n".join(code_cells(notebook)), re.M)
    return exported and f"kvae_nb.{exported[1]}"


def imported(source):
    "The modules of kvae_nb that a cell imports, also inside of functions"
    nodes = list(ast.walk(ast.parse(source)))
    whole = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    parts = [(n.module, a.name) for n in nodes if isinstance(n, ast.ImportFrom) and n.module for a in n.names]
    return whole | {module for module, _ in parts} | {f"{module}.{name}" for module, name in parts}


def used_by(notebook):
    "The notebooks whose modules the exported cells of a notebook import"
    known = {module_of(n): n for n in CHAPTERS}
    return {known[m] for s in code_cells(notebook) if is_exported(s) for m in imported(s) if m in known}


@pytest.mark.parametrize("path", names(CHAPTERS))
def test_imports_go_down(path):
    "To lower layers, or to lower numbers of one's own folder; the experiments see what is below the instrument"
    here = ROOT/path
    top = LAYERS.index(("instrument",)) if here.parent.name == "experiments" else layer_of(here)
    def below(n): return layer_of(n) < top or (n.parent == here.parent and number(n) < number(here))
    assert not [n.relative_to(ROOT/"nbs") for n in used_by(here) if not below(n)]


def test_the_paper_stands_on_its_own():
    "Up to the competition it imports base, points, stacked and itself"
    closed = ("base", "points", "stacked", folders.PAPER)
    last = LAYERS.index(("paper", "competition"))
    spine = [n for n in CHAPTERS if n.parent.name == folders.PAPER and layer_of(n) <= last]
    outside = {n.stem: [u.stem for u in used_by(n) if u.parent.name not in closed] for n in spine}
    assert not {name: used for name, used in outside.items() if used}


def test_every_folder_has_a_place():
    "On the map, and among the layers"
    held = {n.parent.name for n in BOOKS if n.parent.name != "nbs"}
    assert held == {folders.LESSONS, folders.PAPER, *folders.ROOMS}
    assert {layer_of(n) for n in CHAPTERS} == set(range(len(LAYERS)))


@pytest.mark.parametrize("folder", [folders.LESSONS, folders.PAPER, *folders.ROOMS])
def test_numbers_inside_a_folder(folder):
    found = sorted(n.name for n in BOOKS if n.parent.name == folder)
    assert all(re.fullmatch(r"\d\d_\w+\.ipynb", name) for name in found), found
    assert not [pair for pair in pairwise(found) if pair[0][:2] == pair[1][:2]]


# ---- sizes

def test_notebooks_are_small():
    sizes = {n.name: n.stat().st_size for n in BOOKS}
    assert not {name: size for name, size in sizes.items() if size >= 300_000}
    assert sum(sizes.values()) < 6_000_000


def cell_lines():
    "How many lines of code each code cell of all notebooks has, without directives and empty lines"
    sources = [source for n in BOOKS for source in code_cells(n)]
    counted = [sum(bool(line.strip()) and not line.startswith("#|") for line in s.splitlines()) for s in sources]
    return [n for n in counted if n]


def test_cells_are_short():
    "95 % of the code cells of all notebooks have fewer than 20 lines"
    lines = cell_lines()
    assert sum(n < 20 for n in lines) >= .95 * len(lines), f"{sum(n >= 20 for n in lines)} of {len(lines)} are longer"


@pytest.mark.parametrize("path", names(BOOKS))
def test_text_is_120_wide(path):
    "Lines of markdown, but for tables, equations, and links that cannot be broken"
    cells = json.loads((ROOT/path).read_text())["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    whole = re.compile(r"^\||\$\$|^\S*\]\(\S+\)\S*$")
    assert not [line for line in text.split("\n") if len(line) > 120 and not whole.search(line)]


@pytest.mark.parametrize("path", names(CHAPTERS))
def test_definitions_are_followed_by_a_test(path):
    "Four of five exported cells that define something are followed at once by a test or a demonstration"
    cells = code_cells(ROOT/path)
    defining = re.compile(r"^(def|class|@)", re.M)
    pairs = [(s, after) for s, after in pairwise([*cells, "#| export"]) if is_exported(s) and defining.search(s)]
    alone = [defining.split(s, maxsplit=1)[2].split("\n")[0] for s, after in pairs if is_exported(after)]
    assert len(alone) <= .2*len(pairs), f"{len(pairs) - len(alone)} of {len(pairs)}; alone: {alone}"
