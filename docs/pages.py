"""Notebooks as pages of the site: a hook of mkdocs. Nothing is run, stored outputs are shown; nbdev's directives say
what is left out. Equations become MathML, so that no page needs a script or the network. One page lists the API."""
import ast
import html
import json
import re
from importlib.metadata import distribution
from os.path import dirname, relpath
from pathlib import Path

import nbformat
from math_core import LatexToMathML
from mkdocs.structure.files import File
from nbconvert import MarkdownExporter
from nbdev.config import get_config

from folders import LESSONS, PAPER, ROOMS, notebooks, said
from kvae_nb.instrument.players import RUN, framed, page_of

SETTINGS = get_config()
ROOT, NBS = SETTINGS.config_path, SETTINGS.nbs_path
PROJECT = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
FONT = "ziamath/fonts/STIXTwoMath-Regular.ttf"
WIDGET = "application/vnd.jupyter.widget-view+json"
LIVE = "Stepper(", "Explorer("  # begins the text that stands for a live widget
GROUND = "<!-- playground -->"  # where a lesson has the recorded runs of playground.py
OUTPUT = """{%% block %s scoped %%}
~~~~ { .text .output }
{{ (output.%s | strip_ansi).rstrip() }}
~~~~
{%% endblock %%}"""
OUTPUTS = OUTPUT % ("stream", "text") + OUTPUT % ("data_text", "data['text/plain']")
TEMPLATE = "{% extends 'markdown/index.md.j2' %}" + OUTPUTS


def on_config(config):
    "What settings.ini says, and the navigation: every notebook, in reading order"
    config.site_url = f"{SETTINGS.doc_host}{SETTINGS.doc_baseurl}/"
    config.extra["social"] = [{"icon": "fontawesome/brands/github", "link": SETTINGS.git_url, "name": "Source"}]
    rooms = [{f"{room}: {ROOMS[room]}": section(room)} for room in ROOMS if notebooks(room)]
    parts = [{"Lessons": section(LESSONS)}, {"The paper": section(PAPER)}, {"Rooms": rooms}]
    config.nav = [{"Start": "index.md"}, *parts, {"API": "api.md"}, {"Project": list(PROJECT)}]


def section(folder):
    "The pages of a folder, each with its number and title"
    return [{f"{book.name[:2]} {said(book)[0]}": page(book)} for book in notebooks(folder)]


def page(path):
    "A file's place in the site"
    return path.name if path.name in PROJECT else path.relative_to(NBS).as_posix().replace(".ipynb", ".md")


def on_files(files, config):
    "A page and its pictures for every notebook; the API; the pages of the project; the font of the equations"
    def add(path, **source): files.append(File.generated(config, path, **source))
    for file in [f for f in files if f.src_uri.endswith(".ipynb")]:
        files.remove(file)
        path = Path(file.abs_src_path)
        text, pictures = markdown(path)
        add(page(path), content=text)
        for name, data in pictures.items():
            add(f"{dirname(file.src_uri)}/{name}".lstrip("/"), content=data)
    for name in PROJECT:
        add(name, content=links((ROOT/name).read_text(), ROOT/name))
    add("api.md", content=api())
    add("math.ttf", abs_src_path=str(distribution("ziamath").locate_file(FONT)))
    return files


def markdown(path, relink=None):
    "A notebook as markdown, its links made by `relink`, and its pictures by name"
    nb = nbformat.read(path, 4)
    nb.metadata["language_info"] = {"name": "python"}
    players = played(nb, path) | ground(nb, path)
    seen = [c for c in nb.cells if not re.match(r"#\|\s*(hide|default_exp)\b", c.source)]
    nb.cells = [shown(c, path, relink or links) for c in seen]
    names = {"output_files_dir": f"{path.stem}_files", "unique_key": path.stem}
    text, resources = MarkdownExporter(raw_template=TEMPLATE).from_notebook_node(nb, names)
    return text, resources["outputs"] | players


def played(nb, path):
    "Pages of the runs that a lesson keeps, by name; the first stands where the live widget was a line of text"
    outputs = [o for c in nb.cells for o in c.get("outputs", ())]
    runs = ["".join(o.data[RUN]) for o in outputs if RUN in o.get("data", {})]
    players = {f"{path.stem}_files/player_{i}.html": page_of([run]).encode() for i, run in enumerate(runs)}
    frame = players and framed("A run of this lesson, to be played", src=next(iter(players)))
    for output in outputs:
        is_live = "".join(output.get("data", {}).get("text/plain", "")).startswith(LIVE)
        if players and is_live: output["data"] = {"text/html": frame}
    return players


def ground(nb, path):
    "The page of the playground, by name, and a frame with it where the lesson has its mark"
    marked = [c for c in nb.cells if c.cell_type == "markdown" and GROUND in c.source]
    if not marked: return {}
    told, name = json.loads((ROOT/"docs/playground.json").read_text()), f"{path.stem}_files/playground.html"
    marked[0].source = marked[0].source.replace(GROUND, framed("The playground", src=name))
    return {name: page_of(told["runs"], "Playground", told["choices"]).encode()}


def shown(cell, path, relink):
    "A cell without directives and live widgets; of one with `#| asis` what it printed"
    if cell.cell_type == "markdown": cell.source = relink(cell.source, path)
    if cell.cell_type != "code": return cell
    cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]
    if re.match(r"#\|\s*asis\b", cell.source):
        return nbformat.v4.new_markdown_cell(relink("\n\n".join(text(o) for o in cell.outputs), path))
    cell.source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M)
    return cell


def text(output):
    "The text of a stored output"
    said = output.get("text") or output["data"].get("text/markdown") or output["data"]["text/plain"]
    return "".join(said)


def links(text, path):
    "Relative links as the site has them: to a page, to the first page of a folder, else to the code host"
    def there(m):
        target = (path.parent/m[1]).resolve()
        if "://" in m[1] or not target.exists(): return m[0]
        if target.is_dir(): target = min(target.glob("*.ipynb"), default=target)
        if target.name not in PROJECT and not target.is_relative_to(NBS):
            return f"]({SETTINGS.git_url}/blob/{SETTINGS.branch}/{target.relative_to(ROOT)}"
        return f"]({relpath(page(target), dirname(page(path)) or '.')}"
    return re.sub(r"\]\(([^)#\s]+)", there, text)


def on_page_content(text, **kwargs):
    "LaTeX to MathML"
    def mathml(m): return m[1] + convert(html.unescape(m[3]), displaystyle=m[2] == "div") + m[4]
    convert = LatexToMathML().convert_with_local_state
    return re.sub(r'(<(div|span) class="arithmatex">)\\[(\[](.*?)\\[)\]](</\2>)', mathml, text, flags=re.S)


# ---- the public API, by symbol

def api():
    "A table of each module's public names, with what its docstring says, below a link to its chapter"
    tables = [module_table(path) for path in sorted(ROOT.glob("kvae_nb/**/[!_]*.py"))]
    return "# API\n\nThe public names, module by module; a heading leads to its chapter.\n" + "".join(tables)


def module_table(path):
    "Heading and table of one module"
    source = path.read_text()
    parsed = ast.parse(source)
    chapter = re.search(r"File to edit: (?:\.\./)+nbs/(\S+)\.ipynb", source)[1]
    public = sorted(re.findall(r"'(\w+)'", re.search(r"^__all__ = \[(.*?)\]", source, re.S | re.M)[1]), key=str.lower)
    defined = {n.name: n for n in parsed.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    rows = [f"| `{name}` | {first_line(defined[name]) if name in defined else 'a value'} |" for name in public]
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    head = ["", f"## [{name}]({chapter}.md)", "", first_line(parsed), "", "| name | what |", "| --- | --- |"]
    return "\n".join([*head, *rows, ""])


def first_line(node):
    "The first line of a docstring, fit for a table"
    return (ast.get_docstring(node) or "").split("\n")[0].replace("|", "\\|")
