"""A notebook in JupyterLab, Notebook or Voila, run and clicked in a real Chromium; the tests are in test_browser.py.

`with opened("lab", "tutorials/00_five_modes.ipynb") as nb:` copies nbs/ to a temporary folder, starts a server with
settings of its own, runs all cells and yields an `Opened`. Leaving it fails on any error of page, kernel or server."""
import json
import os
import re
import shutil
import socket
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import psutil
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from playwright.sync_api import sync_playwright

from project import BIN, ROOT

SHOTS = ROOT/"browser"  # screenshots; git ignores them
TIMEOUT = 120  # seconds that anything may take unless a test says less
FLAGS = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", *"""--no-sandbox --disable-gpu
    --disable-dev-shm-usage --disable-background-networking --disable-component-update --disable-sync --no-first-run
    --enable-precise-memory-info""".split()]
HARMLESS = [r"cdn\.jsdelivr\.net/npm/@fortawesome",  # not the notebook's errors: Voila asks the network for its icons,
            r"^page: Cannot read properties of undefined \(reading 'schema'\)$",  # Notebook 7.6 says so always,
            r"(?s)shareKey.*@jupyter-notebook/lab-extension"]  # and Voila of Notebook, where that is installed, too
TOKEN = "kvae"  # of JupyterLab and of kvae-explore
JUPYTER = f"""--no-browser --allow-root --ip=127.0.0.1 --ServerApp.port_retries=0 --IdentityProvider.token={TOKEN}
    --LabApp.expose_app_in_browser=True --JupyterNotebookApp.expose_app_in_browser=True""".split()
KERNEL = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?"
IDLE = f"{KERNEL}.status == 'idle'"
ASK = f"code => {KERNEL}.requestExecute({{code, silent: true}}).done.then(() => null)"
FREE = "import ctypes, gc; gc.collect(); getattr(ctypes.CDLL(None), 'malloc_trim', lambda _: 0)(0)"
CAUGHT = r"Traceback \(most recent call last\):\n(?: .*\n)+"
LEFT = (CAUGHT + r"tornado\.iostream\.StreamClosedError: .*\n\nDuring .*\n\n" + CAUGHT
    + r"tornado\.websocket\.WebSocketClosedError\n")  # tornado's word when a page is left while its kernel still speaks
ENDED = CAUGHT + r"RuntimeError: zmq gc socket requested during shutdown\n"  # pyzmq's, of a thread whose kernel ends
FAILED = r"(?s)(Error at server while executing|Traceback \(most recent call last\)|restarting kernel).*"


def plain(text):
    "A text without a terminal's colours"
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# ---- the server

def notebook_of(cells):
    "The JSON of a notebook of code cells"
    kernel = {"name": "python3", "display_name": "Python 3"}
    cells = [nbformat.v4.new_code_cell(c) for c in cells]
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return nbformat.writes(made)


@contextmanager
def folder_of(notebook):
    """A temporary copy of nbs/ for a path in it, or a folder with a notebook made of the given code cells, or that a
    function fills; and the path in it of what is to be opened: what the function returns"""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as d:
        root = Path(d)/"nbs"
        if isinstance(notebook, str):
            shutil.copytree(ROOT/"nbs", root)
            yield root, notebook
            return
        root.mkdir()
        if callable(notebook):
            yield root, notebook(root)
        else:
            (root/"cells.ipynb").write_text(notebook_of(notebook))
            yield root, "cells.ipynb"


def own_settings(folder):
    "An environment in which Jupyter reads and writes its settings in this folder only, and announces nothing"
    quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (folder/"config/labconfig").mkdir(parents=True)
    (folder/"config/labconfig/page_config.json").write_text(json.dumps(quiet))
    jupyter = {f"JUPYTER_{n}_DIR": str(folder/n.lower()) for n in ("CONFIG", "DATA", "RUNTIME")}
    lab = {f"JUPYTERLAB_{n}_DIR": str(folder/n.lower()) for n in ("SETTINGS", "WORKSPACES")}
    return os.environ | jupyter | lab | {"IPYTHONDIR": str(folder/"ipython"), "JUPYTER_TOKEN": TOKEN}


def command(kind, root, name, port):
    "How the server is started, and the address of the notebook"
    here = f"http://127.0.0.1:{port}/"
    if kind == "explore":
        return ["kvae-explore", "--run", root/name, "--no_browser", f"--port={port}"], f"{here}?token={TOKEN}"
    if kind == "voila": return ["voila", root/name, "--no-browser", f"--port={port}", "--show_tracebacks=True"], here
    program, url = ("jupyter-lab", "doc/tree") if kind == "lab" else ("jupyter-notebook", "notebooks")
    options = [f"--port={port}", f"--ServerApp.root_dir={root}", *JUPYTER]
    return [program, *options], f"{here}{url}/{name}?token={TOKEN}" + "&reset" * (kind == "lab")


def free_port():
    "A port that nobody listens on"
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process, log):
    "Wait until the server listens"
    end = time.monotonic() + TIMEOUT
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0: return
        time.sleep(.1)
    raise RuntimeError(f"the server did not start\n{log.read_text()[-3000:]}")


def end_all(process):
    "End a process and its children"
    with suppress(psutil.NoSuchProcess):
        for p in [*process.children(recursive=True), process]:
            with suppress(psutil.NoSuchProcess): p.kill()
    process.wait()


@contextmanager
def server(kind, root, name):
    "JupyterLab, Notebook, Voila or kvae-explore on a free port: the notebook's address, the process, its log's file"
    port = free_port()
    (program, *options), url = command(kind, root, name, port)
    log = root.parent/"log.txt"
    with log.open("w") as out:
        process = psutil.Popen([BIN/program, *options], cwd=root, env=own_settings(root.parent), stdout=out, stderr=out)
        try:
            wait_for_port(port, process, log)
            yield url, process, log
        finally: end_all(process)


def told_by(process):
    "The command line of a process; nothing of one that has ended"
    try: return " ".join(process.cmdline())
    except psutil.NoSuchProcess: return ""


# ---- the page

def kernel_message(frame):
    "Header and content of one message of Jupyter's websocket"
    if not isinstance(frame, bytes): return {}, {}
    _, (header, _, _, content, *_) = deserialize_msg_from_ws_v1(frame)
    return json.loads(header), json.loads(content)


SIGN = """css => { const seen = [...document.querySelectorAll(css)].find(e => e.offsetWidth)
    return seen && (seen.dataset.shown ?? (seen.complete ? seen.src : null)) }"""  # what the picture or canvas shows
WATCH = """([css, sign]) => {
    const told = eval(sign), old = told(css); let start; window.shown = null
    for (const e of ["pointerdown", "keydown", "change"])
        addEventListener(e, () => start ??= performance.now(), {capture: true, once: true})
    const look = () => { const now = told(css)
        if (start && now && now != old) window.shown = performance.now() - start
        else requestAnimationFrame(look) }
    look() }"""  # by the page's own clock, from the event to the frame with the new picture
VIEW = "css => [...document.querySelectorAll(`${css}, ${css} *`)].find(e => e.view)?.view"  # that of viewer.js
FRAME = f"([css, t]) => ({VIEW})(css)?.frames.findIndex(frame => frame.t == t)"
PARTS = {"caption": "canvas .head span", "iteration": "canvas input[type=range]", "experts": "canvas .side .expert",
         "below": "canvas select[aria-label='Picture below the points']"}  # of what the page itself draws
SIZE = """css => { const image = [...document.querySelectorAll(css)].find(e => e.offsetWidth)
    return image?.matches("img") ? image.complete ? [image.naturalWidth, image.naturalHeight] : null
        : image?.dataset.shown ? [image.offsetWidth, image.offsetHeight] : null }"""


class Opened:
    """A notebook in a page: what a reader does there, and what went wrong. Controls are named: "step" is the class
    kvae-step. Where a page has several, the first is meant, or the one inside of the CSS selector `scope`"""
    def __init__(self, page, process, log, root):
        self.page, self.process = page, process
        self.log, self.root = log, root
        self.scope, self.busy = "", False
        self.forget()
        page.set_default_timeout(TIMEOUT*1000)
        page.on("console", lambda m: m.type == "error" and self.note(f"console: {m.text} {m.location.get('url', '')}"))
        page.on("pageerror", lambda e: self.note(f"page: {e}"))
        page.on("websocket", lambda w: w.on("framereceived", self.hear))

    def forget(self):
        "Forget what went wrong so far"
        self.wrong, self.stderr = [], ""

    def note(self, what):
        "Keep what went wrong"
        if not any(re.search(h, what) for h in HARMLESS): self.wrong.append(what)

    def hear(self, frame):
        "What the kernel says: an error in a cell or a callback, words on stderr (so do threads), busy or idle"
        header, content = kernel_message(frame)
        kind = header.get("msg_type")
        if kind == "error": self.note("kernel: " + plain("\n".join(content["traceback"])))
        if kind == "stream" and content["name"] == "stderr": self.stderr += plain(content["text"])
        if kind == "status": self.busy = content["execution_state"] == "busy"

    def run_all(self, seconds=TIMEOUT):
        "JupyterLab and Notebook: run all cells when the kernel is there, and wait until it is idle again"
        self.page.wait_for_function(IDLE)
        run = "jupyterapp.commands.execute('notebook:run-all-cells')"
        self.page.evaluate(f"() => {{ {run}.then(ok => window.ran = {{ok}}) }}")
        self.page.wait_for_function(f"window.ran && (!window.ran.ok || {IDLE})", timeout=seconds*1000)

    def settle(self):
        "Wait until nothing is under way"
        self.page.wait_for_timeout(300)
        end = time.monotonic() + TIMEOUT
        while self.busy and time.monotonic() < end: self.page.wait_for_timeout(100)

    def check(self):
        "Raise if page, kernel or server met an error so far"
        self.settle()
        log = re.sub(f"{LEFT}|{ENDED}", "", plain(self.log.read_text()))
        said = [m[0] for text in (self.stderr, log) for m in re.finditer(FAILED, text)]
        assert not self.wrong + said, "\n".join(self.wrong + said)[:6000]

    def css(self, name):
        "The selector of a control"
        name = PARTS.get(name, name)
        if name != "picture": return f"{self.scope} .kvae-{name}"
        return f"{self.scope} :is(img.kvae-picture, .kvae-picture img, .kvae-canvas .plane)"

    def find(self, name): return self.page.locator(self.css(name)).first

    def click(self, name): self.find(name).click()

    def text(self, name="status"): return self.find(name).inner_text()

    def wait_for(self, pattern, name="status", seconds=TIMEOUT):
        "Wait until the text of a control matches a pattern (of JavaScript)"
        matches = "([css, pattern]) => RegExp(pattern).test(document.querySelector(css)?.innerText)"
        self.page.wait_for_function(matches, arg=[self.css(name), pattern], timeout=seconds*1000)

    def choose(self, name, value):
        "Set a slider or a number field, press a button of a group, pick a line of a list"
        box, value = self.find(name), str(value)
        if name == "below": return box.select_option(value)
        if name == "iteration":
            return box.fill(str(self.page.evaluate(FRAME, [self.css("canvas"), int(value)])))
        button = box.locator(f'button[data-value="{value}"]')
        if button.count(): return button.click()
        if box.locator("select").count(): return box.locator("select").select_option(value)
        field = box.locator(".widget-readout, input").first
        field.fill(value)
        return field.press("Enter")

    def picture(self):
        "Width and height of the picture, which must be there and whole"
        size = self.page.evaluate(SIZE, self.css("picture"))
        assert size and min(size) > 1, f"no picture: {size}"
        return size

    def seconds(self, act):
        "Seconds from the first click or key of an action to the new picture"
        self.page.evaluate(WATCH, [self.css("picture"), SIGN])
        act()
        self.page.wait_for_function("window.shown")
        return self.page.evaluate("window.shown")/1000

    def collect_garbage(self):
        """Kernel and Chromium collect garbage. Chromium empties its cache of decoded pictures, which it lets grow to
        some hundred MB while memory is not short, and the kernel (in JupyterLab) gives back what its allocator keeps of
        freed arrays, which comes and goes by some 50 MB"""
        self.page.evaluate(ASK, FREE)
        tools = self.page.context.new_cdp_session(self.page)
        tools.send("HeapProfiler.collectGarbage")
        tools.send("Memory.simulatePressureNotification", {"level": "critical"})
        self.page.wait_for_timeout(1000)
        tools.detach()

    def memory(self):
        "MB of the kernel, of all of Chromium, of the page's JavaScript: what they hold"
        def megabytes(processes): return sum(p.memory_full_info().uss for p in processes)/1e6
        self.collect_garbage()
        kernel = self.kernels()
        browser = [p for p in psutil.Process().children(recursive=True) if "chrom" in p.name()]
        page = self.page.evaluate("performance.memory.usedJSHeapSize")/1e6
        return dict(kernel=megabytes(kernel), browser=megabytes(browser), page=page)

    def kernels(self):
        "The processes of the kernels"
        return [p for p in self.process.children(recursive=True) if "ipykernel_launcher" in told_by(p)]

    def kernel_seconds(self):
        "Processor time that the kernels have used"
        return sum(t.user + t.system for t in (p.cpu_times() for p in self.kernels()))

    def shot(self, name):
        "Keep a screenshot, with the picture in its middle"
        SHOTS.mkdir(exist_ok=True)
        show = "css => [...document.querySelectorAll(css)].find(e => e.offsetWidth)?.scrollIntoView({block: 'center'})"
        self.page.evaluate(show, self.css("picture"))
        self.page.screenshot(path=SHOTS/f"{name}.png")


def chromium():
    "Where Chromium is"
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "no Chromium here: apt-get install chromium"
    return found


@contextmanager
def opened(kind, notebook, name="last", seconds=TIMEOUT):
    """A notebook in "lab", "notebook" or "voila", all cells run within some seconds and a first picture shown; a path
    in nbs/ or a list of code cells. In "explore" it is a run directory that kvae-explore serves, made by a function of
    its folder. The last screenshot is kept, of a failure too, as NAME_KIND.png"""
    with folder_of(notebook) as (root, path), server(kind, root, path) as (url, process, log), sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        nb = Opened(page, process, log, root)
        try:
            page.goto(url)
            if kind in ("lab", "notebook"): nb.run_all(seconds)
            nb.check()
            page.wait_for_function(SIGN, arg=nb.css("picture"))
            yield nb
            nb.check()
        finally:
            with suppress(Exception): nb.shot(f"{name}_{kind}")
