"""The painter of the page: its size, and its pure functions in Node where there is one, against slow ways in Python."""
import json
import re
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from kvae_nb.instrument.players import painter
from kvae_nb.instrument.scenes import flow, nats_bytes, packed
from kvae_nb.report.plots import MARKERS, PALETTE
from project import ROOT

MODULE = ROOT/"kvae_nb/instrument/viewer.js"
CODE = """
import * as viewer from %s
const given = JSON.parse(await new Promise(done => {
  let text = ""
  process.stdin.on("data", part => text += part).on("end", () => done(text))}))
const bytes = list => Uint8Array.from(list)
const tried = act => { try { return act() } catch (error) { return error.message } }
console.log(JSON.stringify((%s)(given)))
"""


def in_node(function, **given):
    "What a function of JavaScript says, which is given a record"
    if not shutil.which("node"): pytest.skip("no Node here")
    code = CODE % (json.dumps(MODULE.as_uri()), function)
    command = ["node", "--input-type=module", "-e", code]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_size():
    "Under 60 kB as it stands, lines that can be read, and nothing that is fetched"
    text = painter()
    lines = text.splitlines()
    assert len(text.encode()) < 60_000 and len(lines) < 1200 and len(painter("page").encode()) < 8_000
    assert sorted(map(len, lines))[int(.95*len(lines))] <= 150
    assert not re.search(r"https?:|innerHTML|import\s|eval\(", text)


def test_arrays():
    "Bytes of Python become the same arrays; what was cut is said"
    rng = np.random.default_rng(0)
    whole, real = rng.integers(0, 256, (5, 7)).astype(np.uint8), rng.normal(size=3).astype(np.float32)
    header, data = packed(dict(whole=whole, real=real), ["whole"])
    got = in_node("""({table, data}) => { const {whole, real} = viewer.arraysOf(table, bytes(data))
        return [[...whole], [...real], whole.shape, tried(() => viewer.arraysOf(table, bytes(data.slice(2))))] }""",
        table=header["arrays"], data=list(data))
    assert got[0] == whole.ravel().tolist() and np.allclose(got[1], real) and got[2] == [5, 7]
    assert got[3] == "The file was cut: 45 of 47 bytes are there."


FRAME = dict(c=[0, 1, 2], sizes=[1, 1, 1])


@pytest.mark.parametrize(("change", "says"), [
    ({}, ""),
    (dict(c=[0, 1]), "2 assignments of 3 points"),
    (dict(c=[0, 1, 3]), "a point of expert 3, and there are 3"),
    (dict(sizes=[3]), "1 sizes of 3 experts"),
    (None, "The recording has no iterations yet")])
def test_faults(change, says):
    "A recording that does not fit its data is told in a sentence"
    frames = [] if change is None else [FRAME | change]
    scene = dict(header=dict(n=3, k=3), still=dict(at=[0]*6), frames=frames)
    said = in_node("scene => viewer.fault(scene)", **scene)
    assert says in said and bool(says) == bool(said)


def test_lasso_and_hover():
    "Points in a polygon, and the nearest one, as slow loops find them"
    rng = np.random.default_rng(1)
    at = rng.integers(0, 65536, (500, 2))
    polygon = [[10000, 10000], [50000, 20000], [30000, 25000], [40000, 60000]]
    from matplotlib.path import Path
    expected = np.flatnonzero(Path(polygon).contains_points(at))
    asked = rng.integers(0, 65536, (20, 2)).tolist()
    got = in_node("""({at, polygon, asked}) =>
        [[...viewer.insideAll(polygon, at)], asked.map(([x, y]) => viewer.nearest(at, x, y, 3000))]""",
        at=at.ravel().tolist(), polygon=polygon, asked=asked)
    assert got[0] == expected.tolist()
    far = [np.hypot(*(at - point).T) for point in asked]
    assert got[1] == [int(d.argmin()) if d.min() < 3000 else -1 for d in far]


def test_middles():
    "Each expert's number stands at the member that is nearest to its mean"
    rng = np.random.default_rng(2)
    at, c = rng.integers(0, 65536, (90, 2)), rng.integers(0, 3, 90)
    means = [at[c == j].mean(0) for j in range(3)]
    expected = [int(np.where(c == j, np.hypot(*(at - m).T), np.inf).argmin()) for j, m in enumerate(means)]
    got = in_node("({at, c}) => [...viewer.middles(at, c, 4)]", at=at.ravel().tolist(), c=c.tolist())
    assert got == [*expected, -1]


def test_words():
    "Margins, ticks, lists of many experts"
    margins = [0, .5, 3, 200, -7]
    got = in_node("""({bytes, sizes}) => [bytes.map(viewer.nats), viewer.ticks(.1, .93, 4), viewer.ticks(5, 5),
        viewer.listed(sizes, ""), viewer.listed(sizes, "7, 3"), viewer.listed([1, 2], "")]""",
        bytes=nats_bytes(margins).tolist(), sizes=list(range(1000)))
    assert np.allclose(got[0], margins, rtol=.09) and np.sign(got[0]).tolist() == np.sign(margins).tolist()
    assert np.allclose(got[1], [.2, .4, .6, .8])
    assert got[2] == [5]
    assert [e["j"] for e in got[3]["shown"]] == list(range(999, 939, -1)) and got[3]["left"] == 940
    assert [e["j"] for e in got[4]["shown"]] == [3, 7] and got[4]["left"] == 0
    assert [e["j"] for e in got[5]["shown"]] == [0, 1]


def test_who_has_what():
    "Points given from expert to expert, commonest labels, typical and doubtful members"
    rng = np.random.default_rng(3)
    before, c, y, margin = (rng.integers(0, m, 80) for m in (4, 4, 3, 100))
    few = np.flatnonzero(rng.random(80) < .5)
    got = in_node("""({before, c, y, margin, few}) => {
        const its = doubtful => viewer.membersOf({c, margin}, Uint32Array.from(few), 2, doubtful)
        return [[...viewer.given(before, c, 5)], viewer.commonest(c, y, 5, 3), its(false), its(true),
            viewer.commonest(c, y, 1e4, 1e4)] }""",
        before=before.tolist(), c=c.tolist(), y=y.tolist(), margin=margin.tolist(), few=few.tolist())
    assert got[0] == flow(SimpleNamespace(c=before), SimpleNamespace(c=c), 5).ravel().tolist()
    counts = [np.bincount(y[c == j], minlength=3) for j in range(4)]
    assert [v[0] for v in got[1][:4]] == [int(v.argmax()) for v in counts]
    assert np.allclose([v[1] for v in got[1][:4]], [v.max() / v.sum() for v in counts])
    mine = [q for q in range(len(few)) if c[few[q]] == 2]
    assert got[2] == sorted(mine, key=lambda q: -margin[few[q]])
    assert got[3] == sorted(mine, key=lambda q: margin[few[q]])
    assert got[4] == []


def test_address():
    "State goes into the address and comes back; what is no state is passed over"
    state = dict(i=12, expert=3, below="ratio", zoom=[.25, .5, 2])
    assert in_node("state => viewer.fromHash(viewer.toHash(state))", **state) == state
    odd = "#i=-1&expert=x&below=%3Cb%3E&zoom=1,2,0&more=1"
    assert in_node("({odd}) => viewer.fromHash(odd)", odd=odd) == {}


def test_palette():
    "Markers of the page stand in the order of matplotlib's, and a colour is read as it is written"
    signs = dict(zip("o^sDvP*X<>", "●▲■◆▼✚★✖◀▶"))
    assert "".join(signs[m] for m in MARKERS) in painter()
    expected = [[int(c[i:i + 2], 16) for i in (1, 3, 5)] for c in PALETTE]
    assert in_node("({palette}) => palette.map(viewer.rgb)", palette=PALETTE) == expected
