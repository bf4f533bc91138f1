"""The checks behind `make test`: each is a function that raises or returns; the last line counts them.

Every notebook is one check (nbdev_test), then: exporting and cleaning changes no file, README.md is what index.ipynb gives,
the wheel and the sdist hold what they must and run without nbdev, nothing in the site is broken. With --browser, the
tests in Chromium as well."""
import json, os, re, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from browser_tests import TESTS
from crawl import faults, test_faults

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def call(*args, cwd=ROOT, **kwargs):
    "Run a command; its output is shown where it fails"
    done = subprocess.run([str(a) for a in args], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs)
    if done.returncode: raise RuntimeError(f"{' '.join(map(str, args))}\n{done.stdout[-6000:]}")
    return done.stdout


def notebook(path):
    "One notebook as a test; nbdev_test ends in 0 where no file matched, so its word is asked for"
    assert "Success." in call(BIN/"nbdev_test", "--path", path, "--n_workers", "1"), f"{path} was not run"


def snapshot():
    "The text of every file that exporting and cleaning may touch"
    files = [*ROOT.glob("nbs/**/*.ipynb"), *ROOT.glob("kvae_nb/**/*.py")]
    return {f: f.read_bytes() for f in files}


def exports_are_current():
    before = snapshot()
    call(BIN/"nbdev_export"); call(BIN/"nbdev_clean")
    changed = [str(f.relative_to(ROOT)) for f in before.keys() | snapshot().keys() if before.get(f) != snapshot().get(f)]
    assert not changed, f"nbdev_export or nbdev_clean changes {sorted(changed)}"


def readme_text():
    "README.md as index.ipynb gives it: its markdown, its code, and the text that the code printed; links as seen from here"
    cells, parts = json.loads((ROOT/"nbs/index.ipynb").read_text())["cells"], []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown": parts.append(source)
        elif "#| asis" in source: parts.append(_text(cell["outputs"][0]).rstrip())
        elif "#| hide" not in source: parts += [f"```python\n{source}\n```", *(f"```\n{_text(o).rstrip()}\n```" for o in cell["outputs"])]
    from_here = lambda m: m[0] if "://" in m[1] else f"]({os.path.normpath('nbs/' + m[1])})"
    text = re.sub(r"\]\(([^)#\s]+)\)", from_here, "\n\n".join(p for p in parts if p))
    return f"<!-- made from nbs/index.ipynb by make prepare; edit that -->\n\n{text}\n"


def _text(output): return "".join(output.get("text") or output["data"].get("text/markdown") or output["data"]["text/plain"])


def readme_is_current():
    assert (ROOT/"README.md").read_text() == readme_text(), "README.md differs from nbs/index.ipynb: run make prepare"


def numbers_are_current():
    "The tables of every notebook, made again from the JSON files of the benchmarks, are the ones that stand there"
    for f in sorted(ROOT.glob("nbs/**/*.ipynb")):
        names = {}
        for cell in json.loads(f.read_text())["cells"]:
            if "#| asis" not in (source := "".join(cell["source"])): continue
            stands = "".join(_text(o) for o in cell["outputs"]).strip()
            assert _said(source, f.parent, names).strip() == stands, f"a table of {f.name} differs from benchmarks/results: run that notebook again"


def _said(source, folder, names):
    "What a cell prints or displays as markdown, run from its notebook's folder"
    import contextlib, io
    import IPython.display as shown
    said, real = io.StringIO(), shown.display
    names["display"] = shown.display = lambda *parts: [said.write(p.data) for p in parts]
    try:
        with contextlib.redirect_stdout(said), contextlib.chdir(folder): exec(source, names)
    finally: shown.display = real
    return said.getvalue()


def links_are_whole():
    "Every relative link and picture in README.md and CONTRIBUTING.md points to a file that is there"
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#\s]+)", (ROOT/page).read_text()):
            assert "://" in target or (ROOT/target).exists(), f"{page} links to {target}, which is not there"


def imports_go_down():
    "A chapter imports from chapters with lower numbers only"
    chapters = list(ROOT.glob("nbs/[0-9][0-9]*_*.ipynb"))
    number = {f.stem.split("_", 1)[1]: f.stem.split("_", 1)[0] for f in chapters}
    for f in chapters:
        exported = [c for c in json.loads(f.read_text())["cells"] if c["cell_type"] == "code" and "".join(c["source"]).startswith("#| export")]
        used = {m for c in exported for m in re.findall(r"from kvae_nb\.(\w+) import", "".join(c["source"]))}
        up = sorted(m for m in used if number[m] >= f.stem.split("_", 1)[0])
        assert not up, f"{f.name} imports {up}, which do not come before it"


LIVE = "application/vnd.jupyter.widget-view+json"


def stilled(notebook):
    "A notebook without the outputs that only a live kernel can show; what they have beside it stays"
    held = json.loads(notebook.read_text())
    for cell in held["cells"]:
        for output in cell.get("outputs", ()): output.get("data", {}).pop(LIVE, None)
    held["metadata"].pop("widgets", None)
    return json.dumps(held, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def is_live(notebook):
    "Has it outputs, or states of widgets, that only a live kernel can show?"
    held = json.loads(notebook.read_text())
    return "widgets" in held["metadata"] or any(LIVE in output.get("data", {}) for cell in held["cells"] for output in cell.get("outputs", ()))


def outputs_are_still():
    live = [f.name for f in notebooks() if is_live(f)]
    assert not live, f"{live} hold outputs of live widgets, which show an error without a kernel: run make prepare"


def prepare():
    "What `make prepare` does after exporting and cleaning"
    for f in notebooks():
        if is_live(f): f.write_text(stilled(f))
    (ROOT/"README.md").write_text(readme_text())


def notebooks_are_small():
    sizes = {f.name: f.stat().st_size for f in ROOT.glob("nbs/**/*.ipynb")}
    assert max(sizes.values()) < 300_000 and sum(sizes.values()) < 4_000_000, sizes


def one_source_of_metadata():
    "settings.ini says the version; CITATION.cff and the package agree with it"
    from configparser import ConfigParser
    config = ConfigParser(delimiters=["="]); config.read(ROOT/"settings.ini")
    version = config["DEFAULT"]["version"]
    assert f"version: {version}" in (ROOT/"CITATION.cff").read_text() and f'"{version}"' in (ROOT/"kvae_nb/__init__.py").read_text()


def installs_without_nbdev():
    "Wheel and sdist, installed one after the other into a fresh environment, run without nbdev"
    with tempfile.TemporaryDirectory() as d:
        call(BIN/"python", "-m", "build", "--outdir", d, ROOT)
        wheel, sdist, new = next(Path(d).glob("*.whl")), next(Path(d).glob("*.tar.gz")), Path(d)/"env/bin"
        call(sys.executable, "-m", "venv", new.parent)
        install = (new/"pip", "install", "-q", "--disable-pip-version-check", "-c", ROOT/"constraints.txt")
        for package, more in ((wheel, ()), (sdist, ("--no-deps", "--force-reinstall"))):
            call(*install, *more, package, cwd=d)
            assert "nbdev" not in call(new/"pip", "list")
            run, samples = f"{d}/{package.suffix}-run", f"{d}/{package.suffix}.npz"
            call(new/"kvae-train", "--k", "3", "--n", "300", "--n_iters", "2", "--refine_steps", "10", "--quiet", "--out", run, cwd=d)
            call(new/"kvae-sample", run, "--n", "5", "--out", samples, cwd=d)
            call(new/"python", "-c", "from kvae_nb.frechet import classifier; classifier()", cwd=d)  # its weights are there, and whole


def site_is_whole():
    "The site builds without a warning, every notebook is in its navigation, no link, anchor or picture is broken"
    with tempfile.TemporaryDirectory() as d: test_faults(Path(d))
    with tempfile.TemporaryDirectory() as d:
        call(BIN/"mkdocs", "build", "--strict", "--site-dir", d)
        pages = [n.relative_to(ROOT/"nbs").with_suffix(".html").as_posix() for n in notebooks()]
        assert not (found := faults(Path(d), pages)), "\n".join(found)


def notebooks():
    found = sorted(ROOT.glob("nbs/**/*.ipynb"))
    return [n for n in found if ".ipynb_checkpoints" not in n.parts and not n.name.startswith("_")]


CHECKS = [exports_are_current, readme_is_current, numbers_are_current, links_are_whole, imports_go_down, outputs_are_still, notebooks_are_small, one_source_of_metadata, site_is_whole, installs_without_nbdev]


def in_browser():
    "The tests in Chromium, where they are asked for"
    if {"--browser", "--only-browser"} & set(sys.argv): return TESTS
    print("skipped: the notebooks in a browser (make test BROWSER=1, with Chromium)", flush=True)
    return []


def outcome(name, check):
    "Run a check and say how it went: 1 where it passed"
    try: check(); print(f"ok    {name}", flush=True); return 1
    except Exception as e: print(f"FAIL  {name}: {e}", flush=True); return 0


def main():
    "Notebooks go two at a time, each on one thread; the rest one after the other"
    books, others = [(n.name, lambda n=n: notebook(n)) for n in notebooks()], [(f.__name__, f) for f in CHECKS]
    if "--only-browser" in sys.argv: books, others = [], []
    others += in_browser()
    with ThreadPoolExecutor(2) as pool: passed = sum(pool.map(lambda check: outcome(*check), books))
    passed += sum(outcome(*check) for check in others)
    print(f"{passed} passed, {len(books + others) - passed} failed")
    sys.exit(passed < len(books + others))


if __name__ == "__main__":
    if "--prepare" in sys.argv: prepare()
    else: main()
