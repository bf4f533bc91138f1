"""What is broken in a built site: links, anchors, pictures, what would be fetched from elsewhere, markdown left as it was."""
import os, re
from pathlib import Path
from urllib.parse import unquote
from bs4 import BeautifulSoup
from PIL import Image

LEFT = re.compile(r"^([-*] |\| |```|~~~|#\|)|\$\$", re.M)


def faults(
    site:Path, # The folder; its 404.html is left out, whose links hold only where the site is served
    must:list, # Pages that the navigation of index.html must list
)->list:       # A line for each fault
    pages = {f: BeautifulSoup(f.read_text(), "html.parser") for f in sorted(site.rglob("*.html")) if f.name != "404.html"}
    anchors = {f: {tag["id"] for tag in page.select("[id]")} for f, page in pages.items()}
    listed = {a["href"] for a in pages[site/"index.html"].select("nav a")}
    found = [f"{name} is not in the navigation" for name in must if name not in listed]
    for f, page in pages.items():
        found += [f"{f.name}: {_link(tag)} is broken" for tag in page.select("[href], [src]") if broken(_link(tag), tag, f, anchors)]
        found += [f"{f.name}: not made into HTML: {p.text[:60]}" for p in page.select("p") if LEFT.search(p.text)]
    return found


def _link(tag): return unquote(tag.get("href") or tag.get("src") or "")


def broken(link, tag, page, anchors):
    "Does it lead nowhere, or would it be fetched from elsewhere? Links to other sites are not followed"
    if link.startswith("data:"): return False
    if re.match("[a-z]+:", link): return tag.name != "a" and tag.get("rel") != ["canonical"]
    path, _, anchor = link.partition("#")
    target = Path(os.path.normpath(page.parent/path)) if path else page
    if target.suffix == ".png": return not _opens(target)
    return not target.is_file() or bool(anchor) and anchor not in anchors[target]


def _opens(picture):
    try: Image.open(picture).verify()
    except Exception: return False
    return True


def test_faults(site):
    "One fault of each kind beside what is sound, in an empty folder"
    Image.new("L", (1, 1)).save(site/"sound.png"); (site/"empty.png").touch()
    (site/"sound.html").write_text('<h1 id="a">A</h1> <a href="#a">a</a> <a href="https://a.b">b</a> <img src="sound.png">')
    (site/"index.html").write_text('''<nav><a href="sound.html">s</a></nav> <a href="none.html">n</a> <a href="sound.html#b">b</a>
        <img src="none.png"> <img src="empty.png"> <script src="https://a.b/c.js"></script> <p>a list:\n- one</p>''')
    links = [f"index.html: {link} is broken" for link in ("none.html", "sound.html#b", "none.png", "empty.png", "https://a.b/c.js")]
    expected = ["other.html is not in the navigation", *links, "index.html: not made into HTML: a list:\n- one"]
    assert faults(site, ["sound.html", "other.html"]) == expected
