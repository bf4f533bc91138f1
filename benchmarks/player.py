"""How fast the page draws, and how large its files are, in Chromium without a graphics card: results/player.json.

    python benchmarks/player.py
"""
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent/"tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent/"tests/browser"))

import numpy as np
from playwright.sync_api import sync_playwright

from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.data import five_modes
from kvae_nb.instrument.players import painter, write_player
from kvae_nb.instrument.recording import Scene
from kvae_nb.instrument.session import Session
from opened import FLAGS, chromium, opened
from test_player import PLACE, recorded

ROOT = Path(__file__).resolve().parent.parent
FIRST = """const look = () => {
    if (document.querySelector('[data-shown]')) window.first ??= performance.now()
    if (document.kvae) window.whole = performance.now(); else requestAnimationFrame(look) }
    requestAnimationFrame(look)"""
SCRUB = """async () => { const view = document.kvae[0], frame = () => new Promise(requestAnimationFrame)
    const began = performance.now()
    for (let i = 0; i < 100; i++) { view.change({i}); await frame() }
    await frame()
    return 100 / (performance.now() - began) * 1000 }"""
HOVER = """([x, y]) => { const view = document.kvae[0], began = performance.now()
    view.plane.dispatchEvent(new PointerEvent('pointermove', {clientX: x, clientY: y, bubbles: true}))
    view.tip.getBoundingClientRect()
    return view.tip.hidden ? null : performance.now() - began }"""
CELL = """
import sys, time
sys.path[:0] = {path!r}
from pathlib import Path
import ipywidgets as W
from test_player import recorded
from kvae_nb.instrument.recording import Scene
from kvae_nb.instrument.viewer import Viewer
scene = recorded(60_000, 10, 60)
later = [scene.recording.frames.pop() for _ in range(50)][::-1]
viewer = Viewer()
viewer.show(scene)
def step(_):
    began = time.time()
    scene.recording.add(later.pop(0))
    viewer.show(scene)
    Path("step.txt").write_text(str(began))
def chosen(_): Path("chosen.txt").write_text(f"{{time.time()}} {{len(viewer.canvas.selected)}}")
viewer.canvas.observe(chosen, "chosen")
step_button = W.Button(description="step").add_class("kvae-step")
step_button.on_click(step)
W.VBox([step_button, viewer])
"""
SHOWN = """old => { const look = () => { const now = document.querySelector('[data-shown]').dataset.shown
    if (now != old) window.seen = Date.now() / 1000; else requestAnimationFrame(look) }; window.seen = null; look() }"""


def drawn(path):
    "First picture, all iterations, pictures a second, milliseconds of hovering"
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport=dict(width=1100, height=760))
        page.add_init_script(FIRST)
        page.goto(path.as_uri())
        page.wait_for_function("window.whole", timeout=60_000)
        page.wait_for_timeout(1500)
        rates = [page.evaluate(SCRUB) for _ in range(3)]
        hovers = [page.evaluate(HOVER, page.evaluate(PLACE, i)) for i in range(0, 60_000, 1500)]
        hovers = [ms for ms in hovers if ms is not None]
        return dict(first_picture_s=page.evaluate("window.first") / 1000, all_s=page.evaluate("window.whole") / 1000,
                    pictures_a_second=median(rates), hover_ms=median(hovers), hover_ms_max=max(hovers))


def told(file):
    "Words of a file that a kernel writes"
    until = time.monotonic() + 60
    while not file.exists() or not file.read_text():
        if time.monotonic() > until: raise TimeoutError(file)
        time.sleep(.02)
    return file.read_text().split()


def in_lab():
    "Seconds from the kernel to the eye, and from the lasso to the kernel, 60 000 points"
    cell = CELL.format(path=sys.path[:2])
    with opened("lab", [cell], "benchmark") as nb:
        steps = []
        for _ in range(7):
            nb.page.evaluate(SHOWN, nb.page.evaluate("document.querySelector('[data-shown]').dataset.shown"))
            nb.click("step")
            nb.page.wait_for_function("window.seen")
            nb.settle()
            steps.append(nb.page.evaluate("window.seen") - float(told(nb.root/"step.txt")[0]))
        nb.page.get_by_role("button", name="Select points by drawing around them").click()
        box = nb.page.locator(".plane").first.bounding_box()
        at = lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])
        nb.page.mouse.move(*at(.05, .05))
        nb.page.mouse.down()
        turn = lambda a: at(.5 + .45 * np.cos(a), .5 + .45 * np.sin(a))
        for a in np.linspace(0, 2 * np.pi, 60): nb.page.mouse.move(*turn(a))
        nb.page.evaluate("addEventListener('pointerup', () => window.up = Date.now() / 1000, {capture: true})")
        nb.page.mouse.up()
        when, n = told(nb.root/"chosen.txt")
        return dict(step_to_eye_s=median(steps), step_to_eye_s_max=max(steps),
                    lasso_to_python_s=float(when) - nb.page.evaluate("window.up"), lasso_points=int(n))


def modes():
    "A real run of 100 iterations"
    X, y = five_modes(4000, seed=0)
    few = dict(recipe="paper", n_components=5, seed=1, n_iters=100, vae_steps=20, disc_steps=20, patience=100)
    session = Session(X, title="five modes", **few)
    session.step(100)
    session.wait(1200)
    session.close()
    return Scene(session.recording, X, y)


def size(path, scene):
    "MB of a file"
    write_player(path, scene)
    return path.stat().st_size / 1e6


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as d:
        folder = Path(d)
        write_player(folder/"points.html", recorded(60_000, 10, 100))
        result = drawn(folder/"points.html") | in_lab()
        five = modes()
        result |= dict(five_modes_frames=len(five.recording), five_modes_mb=size(folder/"five.html", five))
        noise = recorded(60_000, 10, 50, (1, 28, 28))
        result["images_of_noise_mb"] = size(folder/"images.html", noise)
        result |= {f"{name}_js_kb": len(painter(name).encode()) / 1000 for name in ("viewer", "page")}
    write_json(Path(__file__).parent/"results"/"player.json", dict(result=result, machine=environment()))
    print(result)
