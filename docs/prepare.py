"""What `make prepare` does after exporting and cleaning: README.md with its map, links, no outputs of live widgets."""
import contextlib
import io
import json
import os
import re

from kvae_nb.instrument.players import RUN
from pages import NBS, ROOT, WIDGET, markdown

HEAD = "<!-- made from nbs/index.ipynb by make prepare; edit that -->\n\n"


def readme_text():
    "README.md as index.ipynb gives it, its links as seen from the root"
    def from_the_root(text, path):
        def moved(m): return m[0] if "://" in m[1] else f"]({os.path.normpath(f'nbs/{m[1]}')}"
        return re.sub(r"\]\(([^)#\s]+)", moved, text)
    text, _ = markdown(NBS/"index.ipynb", from_the_root)
    plain = text.replace("~~~~ { .text .output }", "```").replace("~~~~", "```").strip()
    return HEAD + re.sub(r"\n{3,}", "\n\n", plain) + "\n"


def stilled(notebook):
    "A notebook without the outputs that only a live kernel can show, and of players without the painter"
    held = json.loads(notebook.read_text())
    for cell in held["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            data.pop(WIDGET, None)
            if RUN in data: data.pop("text/html", None)  # the painter, which the site has from the package
    held["metadata"].pop("widgets", None)
    return as_json(held)


def relinked(text, path):
    "Text of a notebook, its links to notebooks that got another number or room mended, where their name says which"
    def mended(m):
        target = path.parent/m[1]
        same = list(NBS.glob(f"*/[0-9][0-9]_{target.stem[3:]}.ipynb"))
        near = [book for book in same if book.parent.name == target.parent.name] or same
        return f"]({os.path.relpath(near[0], path.parent)}" if not target.exists() and len(near) == 1 else m[0]
    return re.sub(r"\]\(([^)#:\s\\\"]*\d\d_\w+\.ipynb)", mended, text)


def printed(notebook):
    "A notebook whose cells with `#| asis` have printed again, as its tables and its map are now"
    held, names = json.loads(notebook.read_text()), {}
    for cell in held["cells"]:
        source, said = "".join(cell["source"]), io.StringIO()
        if "#| asis" not in source: continue
        with contextlib.redirect_stdout(said), contextlib.chdir(notebook.parent): exec(source, names)
        lines = said.getvalue().splitlines(keepends=True)
        cell["outputs"] = [dict(name="stdout", output_type="stream", text=lines)] if lines else []
    return as_json(held)


def as_json(held):
    "A notebook as it is kept"
    return json.dumps(held, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    for path in NBS.glob("**/[!_]*.ipynb"):
        if ".ipynb_checkpoints" not in path.parts: path.write_text(relinked(stilled(path), path))
    (NBS/"index.ipynb").write_text(printed(NBS/"index.ipynb"))
    (ROOT/"README.md").write_text(readme_text())
