"""The site builds; mkdocs itself checks links, anchors, pictures and navigation (`validation` in docs/mkdocs.yml)."""
import ast
import json
import re

import pytest
from bs4 import BeautifulSoup

import folders
from project import BOOKS, ROOT, names

LEFT = re.compile(r"^([-*] |\| |```|~~~|#\|)|\$\$", re.M)  # markdown that did not become HTML


def test_site_is_whole(site):
    "Nothing fetched from elsewhere; no markdown left as it was; the API lists the estimator"
    found = []
    for path in site.rglob("*.html"):
        page = BeautifulSoup(path.read_text(), "html.parser")
        fetched = [t.get("src") or t["href"] for t in page.select("[src], link[href]:not([rel=canonical])")]
        found += [(path.name, f) for f in fetched if re.match("https?:|//", f)]
        found += [(path.name, p.text[:60]) for p in page.select("p") if LEFT.search(p.text)]
    assert not found
    assert "KVAE" in (site/"api.html").read_text()


def test_lessons_play(site):
    "Where a lesson has a live widget, its page has a player in place of a line of text, and the player has its run"
    lessons = [book for book in BOOKS if re.search(r'^ +"(Stepper|Explorer)\(children', book.read_text(), re.M)]
    assert len(lessons) > 1
    for book in lessons:
        page = site/book.relative_to(ROOT/"nbs").with_suffix(".html")
        frames = BeautifulSoup(page.read_text(), "html.parser").select("iframe")
        assert frames and "Stepper(children" not in page.read_text()
        for frame in frames:
            player = (page.parent/frame["src"]).read_text()
            assert "mountPage" in player and "application/x-kvae" in player and frame["title"]


def test_navigation_is_the_folders(site):
    "Every notebook of the map has its page in the side bar, and the paper comes before the rooms"
    bar = BeautifulSoup((site/"index.html").read_text(), "html.parser").select_one(".md-nav--primary")
    there = [a["href"] for a in bar.select("a.md-nav__link")]
    parts = (folders.LESSONS, folders.PAPER, *folders.ROOMS)
    wanted = [f"{part}/{book.stem}.html" for part in parts for book in folders.notebooks(part)]
    assert [page for page in there if page.split("/")[0] in parts] == wanted


def prose(path):
    "Markdown cells and docstrings of a notebook"
    for cell in json.loads((ROOT/path).read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown": yield source
        elif not source.startswith(("%", "!")):
            defined = (ast.FunctionDef, ast.ClassDef)
            yield from (ast.get_docstring(n) or "" for n in ast.walk(ast.parse(source)) if isinstance(n, defined))


@pytest.mark.parametrize("path", names(BOOKS))
def test_chapters_are_linked(path):
    "A chapter is named by a link, which is checked, and never by a name in italics or a number"
    bare = re.compile(r"\bchapters?\s+\*\w|\bchapter\s+\d+", re.I)
    assert not [m[0] for text in prose(path) for m in bare.finditer(text)]
