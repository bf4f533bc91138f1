"""A file that plays a run, opened from the disk without network: what the hand does, and what is wrong with a file."""
import re
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from kvae_nb.instrument.frames import FEW, Frame, drawn
from kvae_nb.instrument.players import baked, page_of, write_player
from kvae_nb.instrument.recording import Recording, Scene
from kvae_nb.report.plots import PALETTE
from kvae_nb.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
MARKUP = "</script><img src=x onerror=alert(1)>"
NO_WEBGL = """HTMLCanvasElement.prototype.getContext = (get => function(kind, ...rest) {
    return kind == 'webgl2' ? null : get.call(this, kind, ...rest) })(HTMLCanvasElement.prototype.getContext)"""
PLACE = """i => { const v = document.kvae[0], [ax, ay, bx, by] = v._view(1), {at} = v.scene.still
    const {left, top} = v.plane.getBoundingClientRect()
    return [left + at[2 * i] * ax + bx, top + at[2 * i + 1] * ay + by] }"""  # of a point, on the screen
PAINTED = """() => {
    const canvas = document.querySelectorAll('.plane canvas')[1], copy = document.createElement('canvas')
    document.kvae[0].draw(performance.now())
    Object.assign(copy, {width: canvas.width, height: canvas.height})
    const context = copy.getContext('2d')
    context.drawImage(canvas, 0, 0)
    const {data} = context.getImageData(0, 0, copy.width, copy.height), colours = {}
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) {
        const key = [data[i], data[i + 1], data[i + 2]].map(v => Math.round(v / 16)).join()
        colours[key] = (colours[key] ?? 0) + 1 }
    return colours }"""  # how many pixels the points fill, by colour


def recorded(n=500, k=4, n_frames=6, shape=(2,), title="made up", seed=0):
    "A run that nobody trained: points around k places, whose experts are mixed less and less"
    rng = np.random.default_rng(seed)
    true = rng.integers(0, k, n)
    angle = 2 * np.pi * true / k
    at = 3 * np.stack([np.cos(angle), np.sin(angle)], 1) + .4 * rng.normal(size=(n, 2))
    X = at if shape == (2,) else np.resize(rng.integers(0, 256, (n, 64)), (n, *shape)).astype(np.uint8)
    axis = np.linspace(-5, 5, 20)
    grid = (axis, axis) if shape == (2,) else None
    recording = Recording(Settings(k, recipe="paper", n_iters=n_frames), shape, title, grid)
    for t in range(n_frames):
        c = np.where(rng.random(n) < t / (n_frames - 1), true, rng.integers(0, k, n))
        recording.add(frame(rng, t, c, k, X, shape))
    return Scene(recording, X, np.array([f"{MARKUP} {j}" for j in range(k)])[true])


def frame(rng, t, c, k, X, shape):
    "What one iteration looked like"
    sizes = np.bincount(c, minlength=k)
    record = dict(iteration=t, sizes=sizes.astype(float), moved=.5 ** t, revived=[])
    record |= dict(kl_bound=1 / (1 + t), kl_mixture=.5 / (1 + t))
    grids = {}
    if shape == (2,):
        grids = dict(log_r=rng.normal(size=(k, 20, 20)).astype(np.float16), log_z=np.zeros(k),
                     winner=rng.integers(0, k, (20, 20)).astype(np.uint8))
    samples = X[rng.integers(0, len(X), (k, 6))]
    margin = rng.exponential(2, len(c)).astype(np.float16)
    score = rng.normal(size=len(drawn(len(c), FEW))).astype(np.float16)
    record = record if t else None
    return Frame(t, "compete", c, (c + 1) % k, margin, sizes / len(c), samples, score, record=record, **grids)


@pytest.fixture(scope="module")
def browser():
    "One Chromium for all files"
    from playwright.sync_api import sync_playwright

    from opened import FLAGS, chromium
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    "What opens a file: a page, kept as a screenshot; an error that is not expected, or a request, fails"
    @contextmanager
    def opened(path, script="", color="light", wrong=(), place=""):
        from opened import SHOTS
        said, shown = [], browser.new_page(viewport=dict(width=1100, height=760), color_scheme=color)
        shown.on("pageerror", lambda e: said.append(str(e)))
        shown.on("console", lambda m: m.type == "error" and said.append(m.text))
        here = "file:", "data:", "http://127.0.0.1"
        shown.on("request", lambda r: r.url.startswith(here) or said.append(r.url))
        if script: shown.add_init_script(script)
        shown.goto(path if isinstance(path, str) else path.as_uri() + place)
        try: yield shown
        finally:
            SHOTS.mkdir(exist_ok=True)
            shown.screenshot(path=SHOTS/f"player_{Path(path).stem}.png")
            shown.close()
        assert not [s for s in said if not any(w in s for w in wrong)], said
    return opened


def ready(shown, n=1):
    "Wait until so many runs are drawn"
    shown.wait_for_function("n => document.kvae && document.querySelectorAll('[data-shown]').length == n", arg=n)


def state(shown, name, view=0): return shown.evaluate(f"document.kvae[{view}].state.{name}")


def middle(shown, x=.5, y=.5):
    "A place of the plane, on the screen"
    box = shown.locator(".plane").first.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


@pytest.fixture
def file(tmp_path):
    write_player(tmp_path/"plane.html", recorded())
    return tmp_path/"plane.html"


def test_the_hand(page, file):
    "Keys, buttons, scrubbing, curves; the sentence and the picture follow"
    with page(file) as shown:
        ready(shown)
        assert "Iteration 5 of 6" in shown.inner_text(".head")
        shown.locator(".kv").focus()
        for key, i in (("ArrowLeft", 4), ("Home", 0), ("ArrowRight", 1), ("End", 5)):
            shown.keyboard.press(key)
            assert state(shown, "i") == i
        shown.keyboard.press("Home")
        shown.keyboard.press(" ")
        shown.wait_for_function("document.kvae[0].state.i == 5 && !document.kvae[0].playing")
        shown.locator("input[type=range]").fill("2")
        shown.wait_for_function("/Iteration 2 of 6/.test(document.querySelector('.head').innerText)")
        box = shown.locator(".chart").first.bounding_box()
        shown.mouse.click(box["x"] + box["width"] - 9, box["y"] + 60)
        assert state(shown, "i") == 5
        for key in "+e": shown.keyboard.press(key)
        assert state(shown, "zoom[2]") == 1.5 and state(shown, "expert") == 0
        shown.keyboard.press("Escape")
        assert state(shown, "expert") is None


def test_hover_and_lasso(page, file):
    "The nearest point is named, its label is text; a lasso selects what lies in it; escape lets go"
    with page(file) as shown:
        ready(shown)
        shown.mouse.move(*shown.evaluate(PLACE, 7))
        shown.wait_for_selector(".tip:not([hidden])")
        said = shown.inner_text(".tip")
        assert MARKUP in said and re.search(r"point \d+\nexpert \d: -?[\d.]+ nats\nrunner-up \d: -?[\d.]+ nats\n", said)
        assert shown.locator(".kv img").count() == 0
        shown.keyboard.press("l")
        corners = [middle(shown, x, y) for x, y in ((.02, .02), (.98, .02), (.98, .98), (.02, .98))]
        shown.mouse.move(*corners[0])
        shown.mouse.down()
        for corner in corners: shown.mouse.move(*corner)
        shown.mouse.up()
        assert shown.evaluate("document.kvae[0].state.selected.length") == 500
        shown.wait_for_function("/500 selected/.test(document.querySelector('.controls').innerText)")
        shown.keyboard.press("Escape")
        assert state(shown, "selected") is None


def test_drag_and_address(page, file):
    "The plane is moved and brought nearer by the hand; the address keeps the view, and gives it back"
    with page(file) as shown:
        ready(shown)
        shown.mouse.move(*middle(shown))
        shown.mouse.wheel(0, -400)
        shown.mouse.down()
        shown.mouse.move(*middle(shown, .6, .6))
        shown.mouse.up()
        shown.keyboard.press("Home")
        shown.wait_for_function("location.hash.includes('i=0') && location.hash.includes('zoom=')")
        kept, zoom = shown.evaluate("location.hash"), state(shown, "zoom")
        assert zoom[2] > 1.5 and zoom[0] < .5 < zoom[1]
    with page(file, place=kept + "&expert=2&below=ratio") as shown:
        ready(shown)
        shown.wait_for_function("document.kvae[0].state.i == 0")
        assert np.allclose(state(shown, "zoom"), zoom, atol=1e-3) and state(shown, "expert") == 2
        assert shown.locator(".side .expert[aria-pressed=true]").inner_text().split()[1] == "2"


def colours_of(shown):
    "Pixels in the colours of the experts"
    painted = shown.evaluate(PAINTED)
    keys = [",".join(str(round(int(c[i:i + 2], 16) / 16)) for i in (1, 3, 5)) for c in PALETTE]
    return [painted.get(key, 0) for key in keys]


def test_without_webgl(page, file):
    "Pixels in the experts' colours with WebGL, after its context is lost, and without it, which is said"
    with page(file) as shown:
        ready(shown)
        shown.wait_for_timeout(500)
        assert min(colours_of(shown)[:4]) > 100
        shown.evaluate("document.kvae[0].painter.gl.getExtension('WEBGL_lose_context').loseContext()")
        shown.wait_for_function("document.kvae[0].plain")
        assert min(colours_of(shown)[:4]) > 100
    with page(file, NO_WEBGL) as shown:
        ready(shown)
        assert min(colours_of(shown)[:4]) > 100
        assert "without WebGL" in shown.inner_text(".kv")


def test_cut_and_changed(page, file):
    "A file that was cut anywhere, or changed, says so"
    text = file.read_text()
    first, rest = (text.index(f'<script type="application/x-kvae-{name}">') for name in ("first", "rest"))
    unread = "or the file was cut"
    cases = {rest + 500: "its end is missing"} | dict.fromkeys((rest - 9, rest // 2, first + 99, 900), unread)
    for n, says in cases.items():
        file.with_name("cut.html").write_text(text[:n])
        with page(file.with_name("cut.html"), wrong=["SyntaxError", "Unexpected", "Invalid"]) as shown:
            shown.wait_for_function("says => document.body.innerText.includes(says)", arg=says, timeout=10_000)
    for data in first, rest:
        file.with_name("changed.html").write_text(text[:data + 900] + "AAAA" * 50 + text[data + 1100:])
        with page(file.with_name("changed.html")) as shown:
            shown.wait_for_function("/was cut, or changed/.test(document.body.innerText)")


def test_two_runs(page, tmp_path):
    "Side by side: iteration, zoom and selection go along"
    write_player(tmp_path/"pair.html", recorded(), recorded(seed=1, k=12, title="twelve"))
    with page(tmp_path/"pair.html") as shown:
        ready(shown, 2)
        shown.locator(".kv").first.focus()
        for key in ("Home", "+"): shown.keyboard.press(key)
        assert (state(shown, "i", 1), state(shown, "zoom[2]", 1)) == (0, 1.5)


def test_images(page, tmp_path):
    "Dark: a small picture where the hand points, typical members and samples of an expert"
    write_player(tmp_path/"images.html", recorded(shape=(1, 8, 8), k=3))
    with page(tmp_path/"images.html", color="dark") as shown:
        ready(shown)
        shown.keyboard.press("Tab")
        assert shown.locator(".wall .row").count() == 3  # typical, nearly lost, samples of each
        shown.locator(".side .expert").nth(1).click()
        shown.wait_for_function("document.querySelectorAll('.wall .row').length == 1")
        assert shown.locator(".wall canvas").count() == 3
        shown.get_by_text("next").click()
        shown.wait_for_selector("text=37 to 72 of")
        assert shown.evaluate("document.querySelector('.kv').classList.contains('dark')")
        shown.mouse.move(*shown.evaluate(PLACE, 0))
        shown.wait_for_selector(".tip canvas")


def test_many_experts_and_a_part(page, tmp_path):
    "1000 experts: the largest are listed, others are searched; of many points a part is drawn, and it is said"
    scene = recorded(5000, 1000, 3)
    (tmp_path/"many.html").write_text(page_of([baked(scene, most=2000)]))
    with page(tmp_path/"many.html") as shown:
        ready(shown)
        assert "2000 of 5000 points are drawn" in shown.inner_text(".note >> nth=-1")
        assert shown.locator(".side .expert:visible").count() == 60
        shown.locator("input[type=search]").fill("777")
        shown.wait_for_function("document.querySelectorAll('.expert:not([hidden])').length == 1")
        shown.locator(".expert:visible").click()
        assert state(shown, "expert") == 777


FIRST_POINT = """() => {
  const [view] = document.kvae, [ax, ay, bx, by] = view._view(1), [x, y] = view.scene.still.at
  const {left, top} = view.plane.getBoundingClientRect()
  return [left + x * ax + bx, top + y * ay + by]
}"""


def test_playground(page, tmp_path):
    "Settings choose a recorded run; points of a file take the colours of the regions that they lie in"
    runs = [baked(recorded(k=k, seed=k)) for k in (3, 4)]
    (tmp_path/"ground.html").write_text(page_of(runs, choices=[dict(k=3, recipe="paper"), dict(k=4, recipe="paper")]))
    (tmp_path/"mine.csv").write_text("x,y\n0,0\n2.5,-1\n-3;3\n1,2,3\n,1\n")
    (tmp_path/"wide.csv").write_text("0 0\n100 50")
    (tmp_path/"wrong.csv").write_text("<b>a</b>\n1,b\n")
    with page(tmp_path/"ground.html") as shown:
        ready(shown)
        assert shown.locator(".side .expert").count() == 3
        shown.locator("select[aria-label=k]").select_option("4")
        shown.wait_for_function("document.querySelectorAll('.side .expert').length == 4")
        field = shown.locator("input[type=file]")
        field.set_input_files(tmp_path/"mine.csv")
        shown.wait_for_function("document.kvae[0].scene.header.n == 3")
        assert shown.inner_text(".head").startswith("Your 3 points in the regions of experts")
        winner = recorded(k=4, seed=4).recording[5].winner  # on a grid from -5 to 5
        cells = [(round((y + 5) / 10 * 19), round((x + 5) / 10 * 19)) for x, y in ((0, 0), (2.5, -1), (-3, 3))]
        assert shown.evaluate("[...document.kvae[0].frame.c]") == [int(winner[cell]) for cell in cells]
        field.set_input_files(tmp_path/"wide.csv")
        shown.wait_for_function("/Your 2 points, scaled into the box/.test(document.querySelector('.head').innerText)")
        field.set_input_files(tmp_path/"wrong.csv")
        shown.wait_for_function("/should have rows of two numbers/.test(document.querySelector('.kv').innerText)")
        shown.get_by_role("button", name="the modes again").click()
        shown.wait_for_function("document.kvae[0].scene.header.n == 500")
        before = shown.evaluate("[...document.kvae[0].scene.still.at]")
        x, y = shown.evaluate(FIRST_POINT)
        shown.mouse.move(x, y)
        shown.keyboard.down("Alt")
        shown.mouse.down()
        shown.mouse.move(x + 60, y, steps=3)
        shown.mouse.up()
        shown.keyboard.up("Alt")
        shown.wait_for_function("/^Your 500 points/.test(document.querySelector('.head').innerText)")
        assert shown.evaluate("[...document.kvae[0].scene.still.at]") != before


def test_without_points_and_too_many(page, tmp_path):
    "A run whose points are not there shows its curves; of ten million a seeded part is drawn; both are said"
    scene = recorded()
    (tmp_path/"bare.html").write_text(page_of([baked(Scene(scene.recording))]))
    with page(tmp_path/"bare.html") as shown:
        ready(shown)
        assert "open the run with its points: X=…" in shown.inner_text(".kv")
        assert not shown.locator(".plane").is_visible() and shown.locator(".chart").count() > 2
    n = 10_000_000
    frame = Frame(0, "pretrain", *np.zeros((2, n), np.uint8), np.zeros(n, np.float16), np.ones(1), np.zeros((1, 4, 2)))
    axis = np.linspace(0, 1, 20)
    many = Recording(Settings(1, recipe="paper"), (2,), "many", (axis, axis), frames=[frame])
    write_player(tmp_path/"millions.html", Scene(many, np.random.default_rng(0).random((n, 2), np.float32)))
    with page(tmp_path/"millions.html") as shown:
        ready(shown)
        assert "200000 of 10000000 points are drawn, chosen by a seed" in shown.inner_text(".kv")


def test_a_page_is_opened_twice(page, file):
    "Both show the run, each its own view of it"
    with page(file) as first, page(file, place="#i=2") as second:
        for shown in first, second: ready(shown)
        assert (state(first, "i"), state(second, "i")) == (5, 2)


@contextmanager
def served(folder):
    "The address of a folder"
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *args: None
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_site(page, site):
    "The lesson on the five modes plays the run that it tells of, and the playground; dark with the site"
    with served(site) as here, page(f"{here}/tutorials/00_five_modes.html") as shown:
        frames = shown.frames[1:]
        assert len(frames) == 2
        for frame in frames: frame.wait_for_function("document.kvae?.[0]?.frames.length > 9")
        run, ground = frames
        run.evaluate("document.kvae[0].change({i: 0})")
        run.wait_for_function("/a random split/.test(document.querySelector('.head').innerText)")
        for k, recipe in ((7, "paper"), (4, "auto")):
            ground.locator("select[aria-label=k]").select_option(str(k))
            ground.locator("select[aria-label=recipe]").select_option(recipe)
            ground.wait_for_function("k => document.querySelectorAll('.side .expert').length == k", arg=k)
        ground.locator(".plane").scroll_into_view_if_needed()
        shown.locator("[data-md-component=palette] label:visible").first.click()
        ground.wait_for_function("document.querySelector('.kv').classList.contains('dark')")
