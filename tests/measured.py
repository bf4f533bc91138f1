"""What the tests run of the package, and which of its errors they meet: `make coverage` runs them all through here.

The exported cells of a notebook are compiled as the lines of the module that they become, so that coverage.py counts
a line that runs in its own notebook or through an import. Every `raise` of the package keeps its first message.

    coverage run tests/measured.py pytest ...            # pytest
    coverage run tests/measured.py notebook PATH FLAGS   # one notebook, as `nbdev_test` runs it
    python tests/measured.py report                      # after `coverage combine`: benchmarks/results/coverage.json"""
import ast
import builtins
import json
import os
import re
import sys
import tempfile
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARK = re.compile(r"^# %% (?:\.\./)+(\S+\.ipynb) #(\w+)$")
SAID = Path(os.environ.get("KVAE_SAID", ROOT/".measured/said.jsonl"))
WRITE, SEEN = os.write, set()  # the tests replace os.write


# ---- the errors

class Recorded(ast.NodeTransformer):
    "`raise e` becomes `raise said_by_kvae_nb(e, where it stands)`"
    def __init__(self, file): self.file, self.names = file, []

    def visit_named(self, node):
        self.names.append(node.name)
        self.generic_visit(node)
        self.names.pop()
        return node

    visit_FunctionDef = visit_ClassDef = visit_named

    def visit_Raise(self, node):
        if node.exc is None: return node
        place = [self.file, node.lineno, ".".join(self.names)]
        given = [node.exc, *map(ast.Constant, place)]
        node.exc = ast.Call(ast.Name("said_by_kvae_nb", ast.Load()), given, [])
        return ast.fix_missing_locations(node)


def said(error, file, line, name):
    "Keep the first message of each place, and which test met it"
    if (file, line) not in SEEN:
        SEEN.add((file, line))
        test = os.environ.get("PYTEST_CURRENT_TEST", "").split(" ")[0]
        kind = error.__name__ if isinstance(error, type) else type(error).__name__
        message = "" if isinstance(error, type) else plain(str(error))
        about = dict(file=file, line=line, name=name, kind=kind, message=message, test=test)
        WRITE(FILE, (json.dumps(about) + "\n").encode())
    return error


def plain(message):
    "A message without the folders of this machine"
    folders = {tempfile.gettempdir(), "/dev/shm", str(ROOT)}
    for folder in folders: message = re.sub(re.escape(folder) + r"(/[^\s/'\",;:()]+)*/(?=[^\s/])", "", message)
    return message.replace(str(Path.home()), "~")


class Loader(SourceFileLoader):
    "Modules of the package, their errors recorded"
    def get_code(self, fullname):
        path = self.get_filename(fullname)
        tree = Recorded(str(Path(path).relative_to(ROOT))).visit(ast.parse(self.get_data(path)))
        return compile(tree, path, "exec", dont_inherit=True)


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] != "kvae_nb": return None
        spec = PathFinder.find_spec(name, path or [str(ROOT)])
        if spec and spec.loader: spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


# ---- the notebooks

def places(notebook):
    "Where the exported cells of a notebook stand: cell -> (file, line of its first statement)"
    found = {}
    for file in sorted(ROOT.glob("kvae_nb/**/*.py")):
        text = file.read_text().splitlines()
        marks = [(i, MARK.match(line)) for i, line in enumerate(text)]
        marks = [(i, m) for i, m in marks if m and (ROOT/m[1]) == notebook]
        tops = [node.lineno for node in statements(ast.parse("\n".join(text)).body)]
        for i, m in marks: found[m[2]] = file, min(line for line in tops if line > i)
    return found


def statements(body):
    "Definitions begin with their decorators"
    for node in body:
        decorated = getattr(node, "decorator_list", None)
        if decorated: node.lineno = decorated[0].lineno
        yield node


def shell_for(notebook):
    "The class of a shell that compiles exported cells as lines of their module"
    from execnb.shell import CaptureShell
    from IPython.core.compilerop import CachingCompiler
    known = places(notebook)

    class Compiler(CachingCompiler):
        place = None

        def cache(self, transformed_code, number=0, raw_code=None):
            return str(self.place[0]) if self.place else super().cache(transformed_code, number, raw_code)

        def ast_parse(self, source, filename="<unknown>", symbol="exec"):
            tree = super().ast_parse(source, filename, symbol)
            if not self.place or not tree.body: return tree
            file, line = self.place
            first = next(statements(ast.parse(source).body)).lineno
            return Recorded(str(file.relative_to(ROOT))).visit(ast.increment_lineno(tree, line - first))

    class Measured(CaptureShell):
        compiler_class = Compiler

        def cell(self, cell, **kwargs):
            Compiler.place = known.get(cell.id)
            os.environ["PYTEST_CURRENT_TEST"] = f"{notebook.relative_to(ROOT)}#{cell.id}"
            super().cell(cell, **kwargs)

    return Measured


def run_notebook(path, flags=""):
    "As `nbdev_test` does it"
    import nbdev.test
    from nbdev.config import get_config
    nbdev.test.CaptureShell = shell_for(ROOT/path)
    passed, _ = nbdev.test.test_nb(ROOT/path, get_config().tst_flags.split(), flags.split(), basepath=ROOT)
    print("Success." if passed else "Failed.")
    return not passed


# ---- the report

LEAST = .95


def raises(file):
    "Where a module raises an error of its own: lines"
    return {n.lineno for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Raise) and n.exc}


def messages():
    "The first message of each place, in the order of the modules"
    found = {}
    for line in SAID.read_text().splitlines():
        one = json.loads(line)
        found.setdefault((one["file"], one["line"]), one)
    return [found[place] for place in sorted(found)]


def report(out=ROOT/"benchmarks/results/coverage.json"):
    "Write what was run and which errors were met; 1 where that is too little"
    import coverage

    from kvae_nb.base.disk import write_json
    from kvae_nb.base.machine import environment
    measured = coverage.Coverage()
    measured.load()
    modules = {}
    for file in sorted(ROOT.glob("kvae_nb/**/[!_]*.py")):
        _, lines, _, missing, _ = measured.analysis2(str(file))
        modules[str(file.relative_to(ROOT))] = dict(lines=len(lines), run=len(lines) - len(missing), missing=missing)
    n, n_run = (sum(m[name] for m in modules.values()) for name in ("lines", "run"))
    said, places = messages(), {(file, line) for file in modules for line in raises(ROOT/file)}
    silent = sorted(places - {(one["file"], one["line"]) for one in said})
    write_json(out, dict(command="make coverage", lines=n, run=n_run, share=n_run / n, modules=modules,
                         n_raises=len(places), silent=silent, messages=said,
                         environment=dict(environment(), coverage=coverage.__version__)))
    print(f"{n_run} of {n} lines are run, {n_run / n:.1%}; {len(places) - len(silent)} of {len(places)} errors are met")
    for file, line in silent: print(f"never met: {file}:{line}")
    return int(n_run < LEAST*n or bool(silent))


if __name__ == "__main__":
    what, *args = sys.argv[1:]
    if what == "report": sys.exit(report())
    FILE = os.open(SAID, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    builtins.said_by_kvae_nb = said
    sys.meta_path.insert(0, Finder)
    sys.path.insert(0, str(ROOT))
    if what == "notebook": sys.exit(run_notebook(*args))
    import pytest
    sys.exit(pytest.main(args))
