"""What `make prepare` does after exporting and cleaning: README.md, links between notebooks, no outputs of live widgets."""
import json
import os
import re

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
    "A notebook without the outputs that only a live kernel can show; what they have beside it stays"
    held = json.loads(notebook.read_text())
    for cell in held["cells"]:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET, None)
    held["metadata"].pop("widgets", None)
    return json.dumps(held, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def relinked(text, path):
    "Text of a notebook, its links to notebooks that got another number or room mended, where their name says which"
    def mended(m):
        target = path.parent/m[1]
        same = list(NBS.glob(f"*/[0-9][0-9]_{target.stem[3:]}.ipynb"))
        near = [book for book in same if book.parent.name == target.parent.name] or same
        return f"]({os.path.relpath(near[0], path.parent)}" if not target.exists() and len(near) == 1 else m[0]
    return re.sub(r"\]\(([^)#:\s\\\"]*\d\d_\w+\.ipynb)", mended, text)


if __name__ == "__main__":
    for path in NBS.glob("**/[!_]*.ipynb"):
        if ".ipynb_checkpoints" not in path.parts: path.write_text(relinked(stilled(path), path))
    (ROOT/"README.md").write_text(readme_text())
