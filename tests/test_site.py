"""The site builds; mkdocs itself checks links, anchors, pictures and navigation (`validation` in docs/mkdocs.yml)."""
import re

from bs4 import BeautifulSoup

from project import BIN, ROOT, call

LEFT = re.compile(r"^([-*] |\| |```|~~~|#\|)|\$\$", re.M)  # markdown that did not become HTML


def test_site_is_whole(tmp_path):
    "No warning; nothing fetched from elsewhere; no markdown left as it was; the API lists the estimator"
    call(BIN/"mkdocs", "build", "--strict", "-f", ROOT/"docs/mkdocs.yml", "--site-dir", tmp_path)
    found = []
    for path in tmp_path.rglob("*.html"):
        page = BeautifulSoup(path.read_text(), "html.parser")
        fetched = [t.get("src") or t["href"] for t in page.select("[src], link[href]:not([rel=canonical])")]
        found += [(path.name, f) for f in fetched if re.match("https?:|//", f)]
        found += [(path.name, p.text[:60]) for p in page.select("p") if LEFT.search(p.text)]
    assert not found
    assert "KVAE" in (tmp_path/"api.html").read_text()
