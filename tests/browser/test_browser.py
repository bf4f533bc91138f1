"""What a reader does with the notebooks, in JupyterLab, Notebook and Voila: make test BROWSER=1, or make browser.

Times are told from the click to the new picture, by the page's clock; they are printed, and held to no limit."""
import re
import subprocess
import time
from statistics import median

import pytest

from project import BIN

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
MODES = """
from kvae_nb.data import five_modes
from kvae_nb.widgets import Stepper
X, y = five_modes({n}, seed=0)
Stepper(X, y, five_modes({n}, seed=1)[0], title="five modes", recipe="paper", n_components=5, seed=1{more})
"""


def modes(n=2000, **settings):
    "A cell with a stepper of the five modes"
    return MODES.format(n=n, more="".join(f", {name}={v!r}" for name, v in settings.items()))


def tell(what, times):
    "Print the median of some times"
    print(f"{what}: {median(times):.2f} s", flush=True)


SHOWS = "([css, t]) => document.querySelector(css)?.getAttribute('aria-valuetext') == `iteration ${t}`"
SHOWN = "css => +document.querySelector(css).getAttribute('aria-valuetext').split(' ')[1]"


def stands_at(nb, t):
    "Slider, caption and picture show iteration t"
    start = "^(Before the first iteration|(After i|I)teration 0 of)"
    nb.wait_for(start if t == 0 else rf"teration {t} of", "caption")
    nb.page.wait_for_function(SHOWS, arg=[nb.css("iteration"), t])
    nb.picture()


def step(nb, t):
    "Press Step, which leads to iteration t; the time to the new picture"
    took = nb.seconds(lambda: nb.click("step"))
    nb.wait_for(rf"Waiting after iteration {t}\.$")
    stands_at(nb, t)
    return took


def steps(nb, ts): return [step(nb, t) for t in ts]


# ---- the live competition

def test_tutorial(opened):
    "JupyterLab: the lesson runs from top to bottom; then its stepper steps, looks back, takes a k, runs, pauses"
    with opened("lab", "tutorials/00_five_modes.ipynb", "tutorial", seconds=600) as nb:
        nb.page.evaluate("document.querySelector('.kvae-stepper').scrollIntoView()")
        nb.wait_for("This run was closed")
        nb.click("reset")
        nb.wait_for(r"new run has begun.* Waiting after the start\.$")
        steps(nb, (1, 2, 3))
        nb.shot("tutorial_three_steps")
        nb.choose("iteration", 1)
        stands_at(nb, 1)
        assert nb.text() == "Waiting after iteration 3."
        nb.choose("k", 4)
        nb.wait_for(r"^k 5 → 4: a new run has begun.* Waiting after the start\.$")
        stands_at(nb, 0)
        assert nb.page.locator(nb.css("experts")).count() == 4
        runs_and_pauses(nb)


def runs_and_pauses(nb):
    "Run goes on by itself; after Pause nothing moves"
    slider = nb.css("iteration")
    before = nb.page.evaluate(SHOWN, slider)
    nb.click("run")
    nb.page.wait_for_function(f"([css, t]) => ({SHOWN})(css) > t", arg=[slider, before + 2])
    assert nb.text().startswith("Training: iteration ")
    nb.click("pause")
    nb.wait_for(r"^Paused within iteration \d+\.$")
    said = nb.text(), nb.text("caption")
    nb.page.wait_for_timeout(1000)
    assert said == (nb.text(), nb.text("caption"))
    assert nb.page.locator(nb.css("pause")).is_disabled()


@pytest.mark.parametrize("kind", ["lab", "notebook", "voila"])
def test_five_modes(opened, kind):
    "2000 points, k = 5, the paper's recipe: each step is shown; the slider, the views, run and pause"
    from opened import VIEW
    if kind == "notebook" and not (BIN/"jupyter-notebook").exists(): pytest.skip("no Notebook here")
    with opened(kind, [modes()], "five_modes") as nb:
        nb.wait_for(r"^Waiting after the start\.$")
        stands_at(nb, 0)
        tell(f"five modes in {kind}, from the click to the picture", steps(nb, range(1, 8)))
        for t in (1, 7):
            nb.choose("iteration", t)
            stands_at(nb, t)
        nb.page.locator(nb.css("experts")).nth(1).click()
        nb.seconds(lambda: nb.choose("below", "ratio"))
        nb.shot(f"five_modes_ratio_{kind}")
        nb.page.get_by_role("button", name="What the chosen expert makes of a grid of codes").click()
        nb.page.wait_for_function(f"css => ({VIEW})(css).codes", arg=nb.css("canvas"))
        nb.choose("below", "regions")
        nb.shot(f"five_modes_codes_{kind}")
        runs_and_pauses(nb)


CHOSEN = """
from pathlib import Path
shown.session.wait()
shown.viewer.canvas.observe(lambda _: Path("chosen.txt").write_text(" ".join(map(str, shown.selected))), "chosen")
shown
"""


@pytest.mark.parametrize("kind", ["lab", "voila"])
def test_selection(opened, kind):
    "What the lasso draws around is in Python; a click on a curve moves the slider"
    with opened(kind, [modes(150).replace("\nStepper", "\nshown = Stepper") + CHOSEN], "selection") as nb:
        nb.wait_for("Waiting after the start")
        nb.page.get_by_role("button", name="Select points by drawing around them").click()
        box = nb.page.locator(nb.css("picture")).first.bounding_box()
        left, right = box["x"] + 10, box["x"] + box["width"] / 2
        top, bottom = box["y"] + 10, box["y"] + box["height"] - 10
        nb.page.mouse.move(left, top)
        nb.page.mouse.down()
        for corner in ((right, top), (right, bottom), (left, bottom)): nb.page.mouse.move(*corner, steps=3)
        nb.page.mouse.up()
        nb.wait_for(r"\d+ selected", "canvas")
        nb.settle()
        n = int(re.search(r"(\d+) selected", nb.text("canvas"))[1])
        chosen = (nb.root/"chosen.txt").read_text().split()
        assert 0 < n == len(set(chosen)) < 150
        step(nb, 1)
        nb.page.locator(nb.css("canvas .chart")).first.click(position=dict(x=47, y=60))
        stands_at(nb, 0)


DROPPED = """() => {
  const held = new DataTransfer(), rows = [...Array(40).keys()].map(i => `${i / 2},${i % 7}`)
  held.items.add(new File([["a,b", ...rows].join("\\n")], "mine.csv"))
  return held
}"""


@pytest.mark.parametrize("kind", ["lab", "voila"])
def test_other_points(opened, kind):
    "With Alt the hand moves a mode, and a new run begins; so it does on a file that is dropped"
    with opened(kind, [modes(400)], "other_points") as nb:
        nb.wait_for("Waiting after the start")
        picture = nb.page.locator(nb.css("picture")).first
        box = picture.bounding_box()
        nb.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        nb.page.keyboard.down("Alt")
        nb.page.mouse.down()
        nb.page.mouse.move(box["x"] + box["width"] * .7, box["y"] + box["height"] / 2, steps=4)
        nb.page.mouse.up()
        nb.page.keyboard.up("Alt")
        nb.wait_for(r"\d+ points moved by \([\d.]+, .*a new run has begun\. Waiting after the start")
        stands_at(nb, 0)
        nb.shot(f"moved_{kind}")
        picture.dispatch_event("drop", dict(dataTransfer=nb.page.evaluate_handle(DROPPED)))
        nb.wait_for(r"mine\.csv: 40 points of 2 features.*Waiting after the start")
        step(nb, 1)


LATE = """
from pathlib import Path
class Late(type(shown)):  # speaks when a page has been told everything and cannot listen yet, and counts how often
    asked = 0
    def get_state(self, key=None, drop_defaults=False):
        state = super().get_state(key, drop_defaults)
        if key is None:
            self.asked += 1
            self.say(f"late {self.asked}")
            Path("late.txt").write_text(f"{self.asked}")
        return state
shown.session.wait()
shown.__class__ = Late
shown
"""


def test_loading(opened):
    "Voila: what is said while the page loads reaches it"
    with opened("voila", [modes(150).replace("\nStepper", "\nshown = Stepper") + LATE], "loading") as nb:
        nb.wait_for("^late ", seconds=60)
        nb.page.wait_for_timeout(2000)
        nb.wait_for(rf"^late {(nb.root/'late.txt').read_text()}$", seconds=60)


def worked(nb, milliseconds):
    "Processor seconds that the kernel uses in some time"
    before = nb.kernel_seconds()
    nb.page.wait_for_timeout(milliseconds)
    return nb.kernel_seconds() - before


def test_pause(opened):
    "JupyterLab: after Pause a long iteration is at rest, and the kernel with it; Run goes on"
    with opened("lab", [modes(vae_steps=5000)], "pause") as nb:
        nb.click("run")
        nb.wait_for("^Training: iteration 1 …$")
        nb.page.wait_for_timeout(500)
        going = worked(nb, 2000)
        nb.click("pause")
        nb.wait_for(r"^Paused within iteration 1\.$")
        nb.page.wait_for_timeout(1500)
        assert worked(nb, 2000) < going / 2
        stands_at(nb, 0)
        nb.shot("pause_at_rest")
        nb.click("run")
        nb.wait_for("^Training: iteration 2 …$")
        stands_at(nb, 1)
        nb.click("pause")
        nb.wait_for(r"^Paused within iteration 2\.$")


def settled_memory(nb):
    "The least of some readings: a browser gives memory back when it finds the time"
    readings = []
    for _ in range(6):
        readings.append(nb.memory())
        nb.page.wait_for_timeout(1500)
    return {name: min(one[name] for one in readings) for name in readings[0]}


def test_memory(opened):
    "JupyterLab: 500 steps, drawn as fast as the widget draws, take no more memory than 50"
    with opened("lab", [modes(150, vae_steps=1, disc_steps=1, n_iters=600, patience=600)], "memory") as nb:
        measured = []
        for more, t in ((50, 50), (450, 500)):
            nb.choose("n", more)
            nb.click("many")
            nb.wait_for(rf"^Waiting after iteration {t}\.$", seconds=400)
            measured.append(settled_memory(nb))
        stands_at(nb, 500)
        grown = {name: after / measured[0][name] for name, after in measured[1].items()}
        print("memory after 500 steps against 50:", grown, flush=True)
        assert max(grown.values()) <= 1.2, (grown, measured)


# ---- finished runs

RUN = """
import json, tempfile, numpy as np, ipywidgets as W
from pathlib import Path
from kvae_nb.runs.checkpoint import write_model
from kvae_nb.runs.manifest import new_run
from kvae_nb.estimator import KVAE
from kvae_nb.instrument.frames import Frame
from kvae_nb.instrument.recording import Recording, frames_of
from kvae_nb.widgets import Explorer, Stepper
place, rng = Path(tempfile.mkdtemp(dir=".")), np.random.default_rng(0)
quick = dict(n_init=1, pretrain_steps=2, vae_steps=2, disc_steps=2, refine_steps=2, hidden=(8,), disc_hidden=(8,))
quick |= dict(recipe="paper", verbose=False, random_state=0)
def images(n): return np.kron(rng.integers(0, 256, (n, 1, 7, 7), np.uint8), np.ones((4, 4), np.uint8))
def record(t, sizes): return dict(iteration=t, sizes=sizes, moved=.1, kl_bound=1., kl_mixture=.5, elbo=-sizes*.1,
    disc_accuracy=sizes*0+.6, revived=[], seconds=1.)
def frame(t, n, k):  # made up: what a run would write, without the hours
    c, margin = rng.integers(0, k, n).astype(np.uint8), rng.exponential(2, n).astype(np.float16)
    sizes = np.bincount(c, minlength=k).astype(float)
    samples = images(10*k).reshape(k, 10, 1, 28, 28)
    return Frame(t, "compete", c, (c + 1) % k, margin, sizes / n, samples, record=record(t, sizes), held_out=t / 10)
def made(name, n, k, n_iters=12):
    model = KVAE(k, n_iters=n_iters, **quick).fit(images(300))
    frames = [frame(t, n, k) for t in range(1, n_iters + 1)]
    recording = Recording(model.settings_, (1, 28, 28), "images", frames=frames)
    with new_run(place/name) as folder: write_model(model, folder, *frames_of([recording]))
    return place/name
"""


def test_many_images(opened):
    "60 000 images of 28 x 28 pixels, 15 experts: each saved iteration is shown"
    from opened import VIEW
    cells = [RUN, "n = 60_000\nExplorer(made('run', n, 15), images(n), rng.integers(0, 10, n))"]
    with opened("lab", cells, "images") as nb:
        stands_at(nb, 12)
        def scrub(t):
            took = nb.seconds(lambda: nb.choose("iteration", t))
            stands_at(nb, t)
            return took
        tell("60 000 images, from the slider to the picture", map(scrub, (5, 1, 9, 3, 11, 2, 7, 4, 10)))
        nb.shot("images_experts_lab")
        assert nb.page.locator(nb.css("canvas .wall .row")).count() == 12  # the largest
        nb.page.locator(nb.css("experts")).nth(3).click()
        nb.page.wait_for_function("document.querySelectorAll('.wall .row').length == 1")
        nb.shot("images_members_lab")
        nb.page.get_by_role("button", name="What the chosen expert makes of a grid of codes").click()
        nb.page.wait_for_function(f"css => ({VIEW})(css).codes", arg=nb.css("canvas"))
        nb.shot("images_codes_lab")


BAD = [RUN, """
good, few = made("good", 200, 3), images(200)
newer, damaged = made("newer", 200, 3), made("damaged", 200, 3)
(newer/"run.json").write_text(json.dumps(json.loads((newer/"run.json").read_text()) | dict(format=99)))
(damaged/"model.safetensors").write_bytes(b"")
""", f"{modes(200)}\n_.session.wait(60)\nW.VBox([_, Explorer(good, few)])".replace("Stepper(X", "_ = Stepper(X")]


def test_bad_input(opened):
    "A sentence that says what is wrong, and the instrument goes on"
    with opened("voila", BAD, "bad_input") as nb:
        nb.wait_for("Waiting after the start")
        nb.choose("k", 201)
        nb.wait_for("at least n_components=201 points; got n_samples=200")
        nb.shot("bad_k_voila")
        assert nb.page.locator(nb.css("k input")).input_value() == "5"
        step(nb, 1)
        nb.scope = ".kvae-explorer"
        field = nb.page.locator(nb.css("path input"))
        good = field.input_value()
        def open_run(path, says):
            field.fill(path)
            field.press("Tab")
            nb.click("open")
            nb.wait_for(says)
        open_run(good + "-none", "should be a run directory")
        stands_at(nb, 12)
        open_run(good[:-4] + "newer", "written by a newer version of kvae_nb")
        open_run(good[:-4] + "damaged", "should be a safetensors file")
        nb.shot("bad_run_voila")
        nb.choose("iteration", 3)
        stands_at(nb, 3)
        open_run(good, "^$")
        stands_at(nb, 12)


BARE = """
live = Stepper(images(50), n_components=2, recipe='paper', pretrain_steps=1)
W.VBox([live, Explorer(made('bare', 200, 3))])
"""


def test_without_images(opened):
    "A run whose images are not to be had says so; what needs no images is still shown"
    with opened("voila", [RUN, BARE], "bare") as nb:
        nb.scope = ".kvae-explorer"
        nb.wait_for("its data are not named in the directory")
        nb.wait_for("open the run with its images", "canvas")
        nb.wait_for("teration 12 of", "caption")
        nb.shot("bare_voila")
        assert nb.page.locator(nb.css("canvas .chart")).count() > 2
        assert not nb.page.locator(nb.css("picture")).is_visible()


def test_files(opened):
    "The buttons for a picture and a film make them"
    with opened("lab", [modes(300, vae_steps=1)], "files") as nb:
        steps(nb, (1, 2))
        nb.click("save")
        nb.wait_for(r"kvae-2\.png$", "file")
        nb.click("film")
        nb.wait_for(r"kvae\.gif$", "file")
        made = {f.suffix: f.read_bytes()[:6] for f in nb.root.rglob("kvae*.*")}
        assert made == {".png": b"\x89PNG\r\n", ".gif": b"GIF89a"}, made


def short_run(folder):
    "A run directory that was written with its frames"
    steps = "--recipe paper --n_iters 4 --pretrain_steps 20 --vae_steps 20 --refine_steps 20 --n_init 1"
    command = f"kvae-train --k 3 --n 300 {steps} --frames --quiet --out run".split()
    subprocess.run([BIN/command[0], *command[1:]], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return "run"


def test_explore(opened):
    "kvae-explore serves a live competition, and the run that it is given"
    with opened("explore", short_run, "page") as nb:
        nb.wait_for("Waiting after the start")
        nb.seconds(lambda: nb.click("step"))
        nb.wait_for("teration 1 of", "caption")
        nb.shot("page_live")
        nb.page.get_by_role("tab", name="runs").click()
        nb.scope = ".kvae-explorer"
        stands_at(nb, 4)
        nb.seconds(lambda: nb.choose("iteration", 1))
        stands_at(nb, 1)


def test_a_closed_page_ends_its_kernel(opened):
    "With the thread of the run that goes on in it"
    with opened("explore", short_run, "closed") as nb:
        nb.wait_for("Waiting after the start")
        nb.click("run")
        nb.wait_for("^Training: iteration")
        nb.page.goto("about:blank")
        until = time.monotonic() + 60
        while nb.kernels() and time.monotonic() < until: nb.page.wait_for_timeout(200)
        assert not nb.kernels()


# ---- the tests themselves

SMALL = ["""
import io, threading, ipywidgets as w
from matplotlib.figure import Figure
Figure(figsize=(3, 2)).savefig(file := io.BytesIO(), format="png")
def wrong(_=None): raise ZeroDivisionError("on purpose")
fail, fail_thread = (w.Button(description=n).add_class("kvae-" + n) for n in ("fail", "fail_thread"))
fail.on_click(wrong); fail_thread.on_click(lambda _: threading.Thread(target=wrong, daemon=True).start())
w.VBox([fail, fail_thread, w.Image(value=file.getvalue()).add_class("kvae-picture")])
"""]
LATER = "() => { setTimeout(() => { throw Error('on purpose') }) }"


@pytest.mark.parametrize("kind", ["lab", "voila"])
def test_errors_are_noticed(opened, kind):
    "A failing cell, callback, thread or page and a missing picture each fail a test"
    def fails(expected): return pytest.raises(Exception, match=re.escape(expected))
    with opened(kind, SMALL, "errors") as nb:
        def noticed(expected, act):
            nb.forget()
            act()
            with fails(expected): nb.check()
        noticed("ZeroDivisionError: on purpose", lambda: nb.click("fail"))
        noticed("ZeroDivisionError: on purpose", lambda: nb.click("fail_thread"))
        noticed("console: on purpose", lambda: nb.page.evaluate("console.error('on purpose')"))
        noticed("page: on purpose", lambda: nb.page.evaluate(LATER))
        nb.page.evaluate("() => document.querySelector('.kvae-picture').remove()")
        with fails("no picture"): nb.picture()
        nb.forget()
    with fails("ZeroDivisionError"): opened(kind, [*SMALL, "1/0"], "errors_cell").__enter__()


def test_a_page_that_is_left_is_no_error():
    "What tornado logs then is passed over, and what else the server says is not"
    closed = """Traceback (most recent call last):
  File "tornado/websocket.py", line 1140, in wrapper
    await fut
tornado.iostream.StreamClosedError: Stream is closed

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "tornado/websocket.py", line 1142, in wrapper
    raise WebSocketClosedError()
tornado.websocket.WebSocketClosedError
"""
    other = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nZeroDivisionError: by zero\n'
    from opened import LEFT  # here, since it is imported with playwright only
    assert re.sub(LEFT, "", f"before\n{closed}after\n") == "before\nafter\n"
    assert re.sub(LEFT, "", other + closed + other) == other + other
