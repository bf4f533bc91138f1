"""What a reader does with the notebooks, in JupyterLab and in Voila: each test raises or returns, checks.py counts them."""
from statistics import median
from browser import opened

SMALL = ["""
import io, threading, time, ipywidgets as w
from matplotlib.figure import Figure
named = lambda x, name: x.add_class("kvae-" + name)
def draw(i):
    ax = Figure(figsize=(3, 2), dpi=80).subplots(); ax.set_title(f"iteration {i}")
    ax.figure.savefig(b := io.BytesIO(), format="png"); return b.getvalue()
step, run, fail, fail_thread = (named(w.Button(description=n), n) for n in ("step", "run", "fail", "fail_thread"))
iteration = named(w.IntSlider(max=0, description="iteration"), "iteration")
picture, status = named(w.HBox([w.Image(value=draw(0))]), "picture"), named(w.HTML("iteration 0"), "status")
""", """
def show(i): picture.children[0].value = draw(i); status.value = f"iteration {i}"
def go_on(_=None): iteration.max += 1; iteration.value = iteration.max
def thread(f): threading.Thread(target=f, daemon=True).start()
def several():
    for _ in range(5): time.sleep(.2); go_on()
def wrong(_=None): raise ZeroDivisionError("on purpose")
iteration.observe(lambda change: show(change.new), "value")
step.on_click(go_on); run.on_click(lambda _: thread(several)); fail.on_click(wrong); fail_thread.on_click(lambda _: thread(wrong))
w.VBox([w.HBox([step, run, fail, fail_thread]), iteration, picture, status])
"""]  # the least notebook that has the parts of the real ones


def fails(expected, act):
    "What must fail, and say so"
    try: act()
    except Exception as e: assert expected in str(e), f"{expected!r} expected, not {e}"
    else: raise AssertionError(f"this went unnoticed: {expected}")


def buttons_and_slider(kind):
    "Steps, the slider and a thread of the kernel each bring a new picture"
    with opened(kind, SMALL, "small") as nb:
        assert median(nb.seconds(lambda: nb.click("step")) for _ in range(3)) < 1 and nb.text() == "iteration 3"
        assert nb.seconds(lambda: nb.choose("iteration", 1)) < 1 and nb.text() == "iteration 1"
        nb.click("run"); nb.wait_for("iteration 8"); nb.picture()


def errors_are_noticed(kind):
    "A failing cell, callback, thread or page and a missing picture each fail a test"
    def noticed(expected, act): nb.forget(); act(); fails(expected, nb.check)
    with opened(kind, SMALL, "errors") as nb:
        noticed("ZeroDivisionError: on purpose", lambda: nb.click("fail"))
        noticed("ZeroDivisionError: on purpose", lambda: nb.click("fail_thread"))
        noticed("console: on purpose", lambda: nb.page.evaluate("console.error('on purpose')"))
        noticed("page: on purpose", lambda: nb.page.evaluate("() => { setTimeout(() => { throw Error('on purpose') }) }"))
        nb.page.evaluate("() => document.querySelector('.kvae-picture').remove()"); fails("no picture", nb.picture)
        nb.forget()
    fails("ZeroDivisionError", opened(kind, [*SMALL, "1/0"], "errors_cell").__enter__)


BOTH = [buttons_and_slider, errors_are_noticed]
TESTS = [(f"{f.__name__} in {kind}", lambda f=f, kind=kind: f(kind)) for f in BOTH for kind in ("lab", "voila")]
