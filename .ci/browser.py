"""A notebook in JupyterLab or in Voila, run and clicked in a real Chromium; the tests are in browser_tests.py.

`with opened("lab", "tutorials/30_five_modes.ipynb") as nb:` copies nbs/ to a temporary folder, starts a server there with
settings of its own, runs all cells and yields an `Opened`. Leaving it fails on any error of page, kernel or server."""
import json, os, re, shutil, socket, struct, sys, tempfile, time
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT/"browser"  # screenshots; git ignores them
TIMEOUT = 120  # seconds that anything may take unless a test says less
FLAGS = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", *"""--no-sandbox --disable-gpu --disable-dev-shm-usage
    --disable-background-networking --disable-component-update --disable-sync --no-first-run --enable-precise-memory-info""".split()]
HARMLESS = [r"cdn\.jsdelivr\.net/npm/@fortawesome"]  # errors that are not the notebook's: Voila asks the network for its icons
LAB = """--no-browser --allow-root --ip=127.0.0.1 --ServerApp.port_retries=0 --IdentityProvider.token=kvae
    --LabApp.expose_app_in_browser=True""".split()
IDLE = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status == 'idle'"
ASK = "code => window.jupyterapp?.shell.currentWidget.sessionContext.session.kernel.requestExecute({code, silent: true}).done.then(() => null)"
FREE = "import ctypes, gc; gc.collect(); getattr(ctypes.CDLL(None), 'malloc_trim', lambda _: 0)(0)"
FAILED = r"(?s)(Error at server while executing|Traceback \(most recent call last\)|restarting kernel).*"


def chromium():
    "Where Chromium is, or None"
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def plain(text):
    "A text without a terminal's colours"
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# ---- the server

@contextmanager
def folder_of(notebook):
    """A temporary copy of nbs/, or a folder with a notebook made of the given code cells, or one that a function fills;
    and the path in it of what is to be opened: what the function returns"""
    from nbformat import v4
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as d:
        root, cells = Path(d)/"nbs", isinstance(notebook, list)
        if cells or callable(notebook): root.mkdir()
        if callable(notebook): notebook = notebook(root)
        elif cells:
            made = v4.new_notebook(cells=[v4.new_code_cell(c) for c in notebook], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
            (root/"cells.ipynb").write_text(json.dumps(made))
        else: shutil.copytree(ROOT/"nbs", root)
        yield root, "cells.ipynb" if cells else str(notebook)


def own_settings(folder):
    "An environment in which Jupyter reads and writes its settings in this folder only, and announces nothing"
    (folder/"config/labconfig").mkdir(parents=True)
    (folder/"config/labconfig/page_config.json").write_text('{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}')
    jupyter = {f"JUPYTER_{n}_DIR": str(folder/n.lower()) for n in ("CONFIG", "DATA", "RUNTIME")}
    lab = {f"JUPYTERLAB_{n}_DIR": str(folder/n.lower()) for n in ("SETTINGS", "WORKSPACES")}
    return os.environ | jupyter | lab | {"IPYTHONDIR": str(folder/"ipython")}


def command(kind, root, name, port):
    "How the server is started, and the address of the notebook"
    here = f"http://127.0.0.1:{port}/"
    if kind == "explore": return ["kvae-explore", "--run", root/name, "--no_browser", f"--port={port}"], here
    if kind == "voila": return ["voila", root/name, "--no-browser", f"--port={port}", "--show_tracebacks=True"], here
    return ["jupyter-lab", f"--port={port}", f"--ServerApp.root_dir={root}", *LAB], f"{here}doc/tree/{name}?token=kvae&reset"


def wait_for_port(port, process, log):
    end = time.monotonic() + TIMEOUT
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0: return
        time.sleep(.1)
    raise RuntimeError(f"the server did not start\n{log.read_text()[-3000:]}")


@contextmanager
def server(kind, root, name):
    "JupyterLab, Voila or kvae-explore on a free port: the notebook's address, the process, the file of its log"
    import psutil
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0)); port = s.getsockname()[1]
    (program, *options), url = command(kind, root, name, port)
    log = root.parent/"log.txt"
    with log.open("w") as out:
        process = psutil.Popen([Path(sys.executable).parent/program, *options], cwd=root, env=own_settings(root.parent), stdout=out, stderr=out)
        try: wait_for_port(port, process, log); yield url, process, log
        finally:
            with suppress(psutil.NoSuchProcess):
                for p in [*process.children(recursive=True), process]:
                    with suppress(psutil.NoSuchProcess): p.kill()
            process.wait()


# ---- the page

def kernel_message(frame):
    "Header and content of one message of Jupyter's websocket (binary: offsets, channel, header, parent, metadata, content)"
    if not isinstance(frame, bytes): return {}, {}
    n, = struct.unpack_from("<Q", frame)
    at = struct.unpack_from(f"<{n}Q", frame, 8)
    return json.loads(frame[at[1]:at[2]]), json.loads(frame[at[4]:at[5]])


WATCH = """picture => {
    const old = document.querySelector(picture)?.src; let start; window.shown = null
    for (const e of ["pointerdown", "keydown", "change"]) addEventListener(e, () => start ??= performance.now(), {capture: true, once: true})
    const look = () => { const now = document.querySelector(picture)
        if (start && now && now.src != old && now.complete) window.shown = performance.now() - start
        else requestAnimationFrame(look) }
    look() }"""  # by the page's own clock, from the event to the frame with the new picture


class Opened:
    """A notebook in a page: what a reader does there, and what went wrong. Controls are named: "step" is the class kvae-step.
    Where a page has several, the first is meant, or the one inside of the CSS selector `scope`"""
    def __init__(self, page, process, log, root):
        self.page, self.process, self.log, self.root, self.scope = page, process, log, root, ""
        self.forget(); self.busy = False
        page.set_default_timeout(TIMEOUT*1000)
        page.on("console", lambda m: m.type == "error" and self.note(f"console: {m.text} {m.location.get('url', '')}"))
        page.on("pageerror", lambda e: self.note(f"page: {e}"))
        page.on("websocket", lambda w: w.on("framereceived", self.hear))

    def forget(self): self.wrong, self.stderr = [], ""

    def note(self, what):
        if not any(re.search(h, what) for h in HARMLESS): self.wrong.append(what)

    def hear(self, frame):
        "What the kernel says: an error in a cell or a callback, words on stderr (so do threads), busy or idle"
        header, content = kernel_message(frame)
        kind = header.get("msg_type")
        if kind == "error": self.note("kernel: " + plain("\n".join(content["traceback"])))
        if kind == "stream" and content["name"] == "stderr": self.stderr += plain(content["text"])
        if kind == "status": self.busy = content["execution_state"] == "busy"

    def run_all(self, seconds=TIMEOUT):
        "JupyterLab: run all cells when the kernel is there, and wait until it is idle again"
        self.page.wait_for_function(IDLE)
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells').then(ok => window.ran = {ok}) }")
        self.page.wait_for_function(f"window.ran && (!window.ran.ok || {IDLE})", timeout=seconds*1000)

    def settle(self):
        "Wait until nothing is under way"
        self.page.wait_for_timeout(300)
        end = time.monotonic() + TIMEOUT
        while self.busy and time.monotonic() < end: self.page.wait_for_timeout(100)

    def check(self):
        "Raise if page, kernel or server met an error so far"
        self.settle()
        said = [m[0] for text in (self.stderr, plain(self.log.read_text())) for m in re.finditer(FAILED, text)]
        assert not self.wrong + said, "\n".join(self.wrong + said)[:6000]

    def css(self, name): return f"{self.scope} img:is(.kvae-picture, .kvae-picture *)" if name == "picture" else f"{self.scope} .kvae-{name}"

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
        button = box.locator(f'button[data-value="{value}"]')
        if button.count(): return button.click()
        if box.locator("select").count(): return box.locator("select").select_option(value)
        field = box.locator(".widget-readout, input").first
        field.fill(value); field.press("Enter")

    def picture(self):
        "Width and height of the picture, which must be there and whole"
        size = self.page.evaluate("css => { const i = document.querySelector(css); return i?.complete ? [i.naturalWidth, i.naturalHeight] : null }", self.css("picture"))
        assert size and min(size) > 1, f"no picture: {size}"
        return size

    def seconds(self, act):
        "Seconds from the first click or key of an action to the new picture"
        self.page.evaluate(WATCH, self.css("picture"))
        act()
        self.page.wait_for_function("window.shown")
        return self.page.evaluate("window.shown")/1000

    def memory(self):
        """MB of the kernel, of all of Chromium, of the page's JavaScript: what they hold. Before that, both collect garbage,
        Chromium empties its cache of decoded pictures, which it lets grow to some hundred MB while memory is not short, and
        the kernel (in JupyterLab) gives back what its allocator keeps of freed arrays, which comes and goes by some 50 MB"""
        import psutil
        self.page.evaluate(ASK, FREE)
        tools = self.page.context.new_cdp_session(self.page)
        tools.send("HeapProfiler.collectGarbage"); tools.send("Memory.simulatePressureNotification", {"level": "critical"})
        self.page.wait_for_timeout(1000); tools.detach()
        own = lambda processes: sum(p.memory_full_info().uss for p in processes)/1e6
        kernel = self.kernels()
        browser = [p for p in psutil.Process().children(recursive=True) if "chrom" in p.name()]
        return dict(kernel=own(kernel), browser=own(browser), page=self.page.evaluate("performance.memory.usedJSHeapSize")/1e6)

    def kernels(self):
        "The processes of the kernels"
        return [p for p in self.process.children(recursive=True) if "ipykernel_launcher" in " ".join(p.cmdline())]

    def kernel_seconds(self):
        "Processor time that the kernels have used"
        return sum(t.user + t.system for t in (p.cpu_times() for p in self.kernels()))

    def shot(self, name):
        "Keep a screenshot, with the picture in its middle"
        SHOTS.mkdir(exist_ok=True)
        self.page.evaluate("css => document.querySelector(css)?.scrollIntoView({block: 'center'})", self.css("picture"))
        self.page.screenshot(path=SHOTS/f"{name}.png")


@contextmanager
def opened(kind, notebook, name="last", seconds=TIMEOUT):
    """A notebook in "lab" or in "voila", all cells run within some seconds and a first picture shown; a path in nbs/ or a list
    of code cells. In "explore" it is a run directory that kvae-explore serves, made by a function of its folder.
    The last screenshot is kept, of a failure too, as NAME_KIND.png"""
    from playwright.sync_api import sync_playwright
    assert chromium(), "no Chromium here: apt-get install chromium"
    with folder_of(notebook) as (root, path), server(kind, root, path) as (url, process, log), sync_playwright() as p:
        page = p.chromium.launch(executable_path=chromium(), args=FLAGS).new_page(viewport={"width": 1280, "height": 1000})
        nb = Opened(page, process, log, root)
        try:
            page.goto(url)
            if kind == "lab": nb.run_all(seconds)
            nb.check(); page.wait_for_selector(nb.css("picture"))
            yield nb
            nb.check()
        finally:
            with suppress(Exception): nb.shot(f"{name}_{kind}")
