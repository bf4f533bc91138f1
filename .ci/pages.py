"""Notebooks as pages of the site: a hook of mkdocs. Nothing is run, stored outputs are shown; nbdev's directives say what is
left out. Equations become MathML, so that no page needs a script or the network for them."""
import html, re
from importlib.metadata import distribution
from os.path import dirname, relpath
from pathlib import Path
import nbformat
from math_core import LatexToMathML
from mkdocs.structure.files import File
from nbconvert import MarkdownExporter
from nbdev.config import get_config

SETTINGS = get_config()
ROOT, NBS = SETTINGS.config_path, SETTINGS.nbs_path
SECTIONS = {"Tutorials": "tutorials/*.ipynb", "Chapters": "[0-9]*.ipynb", "Experiments": "experiments/*.ipynb"}
PROJECT = ("CONTRIBUTING.md", "CHANGELOG.md")
WIDGET = "application/vnd.jupyter.widget-view+json"
OUTPUT = """{%% block %s scoped %%}
~~~~ { .text .output }
{{ output.%s | strip_ansi }}
~~~~
{%% endblock %%}"""
TEMPLATE = "{% extends 'markdown/index.md.j2' %}" + OUTPUT % ("stream", "text") + OUTPUT % ("data_text", "data['text/plain']")


def on_config(config):
    "What settings.ini says, and the navigation: every notebook, in reading order"
    config.site_url = f"{SETTINGS.doc_host}{SETTINGS.doc_baseurl}/"
    config.extra["social"] = [{"icon": "fontawesome/brands/github", "link": SETTINGS.git_url, "name": "Source"}]
    found = {name: sorted(f for f in NBS.glob(pattern) if f.name[0] != "_") for name, pattern in SECTIONS.items()}
    sections = [{name: [{title(f): page(f)} for f in files]} for name, files in found.items() if files]
    config.nav = [{"Start": "index.md"}, *sections, {"Project": list(PROJECT)}]


def page(path):
    "A file's place in the site"
    return path.name if path.name in PROJECT else path.relative_to(NBS).as_posix().replace(".ipynb", ".md")


def title(path):
    "A notebook's number and first heading"
    heading = re.search(r"^# (.+)", nbformat.read(path, 4).cells[0].source)
    return f"{path.stem.split('_')[0]} {heading[1]}"


def on_files(files, config):
    "A page and its pictures for every notebook; the pages of the project; the font of the equations"
    add = lambda path, **source: files.append(File.generated(config, path, **source))
    for file in [f for f in files if f.src_uri.endswith(".ipynb")]:
        files.remove(file)
        text, pictures = markdown(Path(file.abs_src_path))
        add(page(Path(file.abs_src_path)), content=text)
        for name, data in pictures.items(): add(f"{dirname(file.src_uri)}/{name}".lstrip("/"), content=data)
    for name in PROJECT: add(name, content=links((ROOT/name).read_text(), ROOT/name))
    add("math.ttf", abs_src_path=str(distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf")))
    return files


def markdown(path):
    "A notebook as markdown, and its pictures by name"
    nb = nbformat.read(path, 4)
    nb.metadata["language_info"] = {"name": "python"}
    nb.cells = [shown(c, path) for c in nb.cells if not re.match(r"#\|\s*(hide|default_exp)\b", c.source)]
    names = {"output_files_dir": f"{path.stem}_files", "unique_key": path.stem}
    text, resources = MarkdownExporter(raw_template=TEMPLATE).from_notebook_node(nb, names)
    return text, resources["outputs"]


def shown(cell, path):
    "A cell without directives and live widgets; of one with `#| asis` what it printed"
    if cell.cell_type == "markdown": cell.source = links(cell.source, path)
    if cell.cell_type != "code": return cell
    cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]
    if re.match(r"#\|\s*asis\b", cell.source):
        said = [o.get("text") or o.data.get("text/markdown") or o.data["text/plain"] for o in cell.outputs]
        return nbformat.v4.new_markdown_cell("\n\n".join(said))
    cell.source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M)
    return cell


def links(text, path):
    "Relative links as the site has them: to a page, to the first page of a folder, else to the code host"
    def there(m):
        target = (path.parent/m[1]).resolve()
        if "://" in m[1] or not target.exists(): return m[0]
        if target.is_dir(): target = min(target.glob("*.ipynb"), default=target)
        if target.name in PROJECT or target.is_relative_to(NBS): return f"]({relpath(page(target), dirname(page(path)) or '.')}"
        return f"]({SETTINGS.git_url}/blob/{SETTINGS.branch}/{target.relative_to(ROOT)}"
    return re.sub(r"\]\(([^)#\s]+)", there, text)


def on_page_content(text, **kwargs):
    "LaTeX to MathML"
    def mathml(m): return m[1] + convert(html.unescape(m[3]), displaystyle=m[2] == "div") + m[4]
    convert = LatexToMathML().convert_with_local_state
    return re.sub(r'(<(div|span) class="arithmatex">)\\[(\[](.*?)\\[)\]](</\2>)', mathml, text, flags=re.S)
