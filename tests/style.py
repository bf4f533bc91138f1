"""How the code reads, in numbers: `python tests/style.py` prints a table of lines, cells, comments, settings."""
import ast
import dataclasses
import io
import re
import sys
import tokenize
from itertools import pairwise
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent/"docs"))
from kvae_nb.settings import Settings
from test_repository import CHAPTERS, MODULES, cell_lines, code_cells, is_exported


def p90(values): return sorted(values)[int(.9 * len(values))]


def lines_of(source): return [line for line in source.splitlines() if line.strip() and not line.startswith("#")]


def functions(source): return [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]


def body_lines(function, source):
    "The lines of a function below its signature and its docstring"
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body: return 0
    return sum(bool(line.strip()) for line in source.splitlines()[body[0].lineno - 1:function.end_lineno])


def n_semicolons(source):
    "Lines that a semicolon joins"
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return len({token.start[0] for token in tokens if token.type == tokenize.OP and token.string == ";"})


def arguments(source):
    "Of each argument of a public function: does a comment stand behind it?"
    lines = source.splitlines()
    for f in functions(source):
        if f.name.startswith("_"): continue
        listed = [*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs, *filter(None, (f.args.vararg, f.args.kwarg))]
        for a in listed:
            if a.arg not in ("self", "cls"): yield "#" in lines[a.end_lineno - 1][a.end_col_offset:]


def followed(notebook):
    "Of each exported cell that defines something: does a cell that is not exported stand below?"
    defines = re.compile(r"^(def|class|@)", re.M)
    cells = [*code_cells(notebook), "#| export"]
    return [not is_exported(after) for cell, after in pairwise(cells) if is_exported(cell) and defines.search(cell)]


def measures():
    "The rows of the table"
    sources = [path.read_text() for path in MODULES]
    lengths = [len(source.splitlines()) for source in sources]
    lines = [line for source in sources for line in lines_of(source)]
    bodies = [body_lines(f, source) for source in sources for f in functions(source)]
    nodes = sum(sum(1 for _ in ast.walk(ast.parse(source))) for source in sources)
    cells = cell_lines()
    tested = [yes for book in CHAPTERS for yes in followed(book)]
    said = [yes for source in sources for yes in arguments(source)]
    wide = [len(line) for line in lines]
    unset = [f.name for f in dataclasses.fields(Settings) if f.default is None]
    yield "modules; exported lines", f"{len(sources)}; {sum(lengths)}"
    yield "module lines, median / max", f"{median(lengths):.0f} / {max(lengths)}"
    yield "function body, median / p90", f"{median(bodies):.0f} / {p90(bodies)}"
    yield "line length, p90 / max", f"{p90(wide)} / {max(wide)}"
    yield "lines with `;`", sum(map(n_semicolons, sources))
    yield "syntax nodes a line", f"{nodes / len(lines):.1f}"
    yield "code cell lines, median / p90", f"{median(cells):.0f} / {p90(cells)}"
    yield "code cells under 20 lines", f"{sum(n < 20 for n in cells) / len(cells):.0%}"
    yield "exported definition followed at once by a test or demo", f"{sum(tested) / len(tested):.0%}"
    yield "public arguments with a comment", f"{sum(said) / len(said):.0%}"
    yield "settings; of them `None` until a recipe fills them", f"{len(dataclasses.fields(Settings))}; {len(unset)}"


if __name__ == "__main__":
    print("| | kvae_nb |\n| --- | --- |")
    for name, value in measures(): print(f"| {name} | {value} |")
