"""The flags --slow, --gpu and --browser, what tests are given and count, and the last line: `N passed, N failed`."""
import fcntl
import json
import os
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from project import BIN, ROOT, call

MADE = (".git", ".venv", ".*_cache", "__pycache__", "*.egg-info", "_docs", "build", "demo", "browser")
FLAGS = ("slow", "gpu", "browser")

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["NO_MKDOCS_2_WARNING"] = "1"
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores Ctrl-C for what it runs in the background
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and nohup what a closed terminal says


@pytest.fixture
def tree(tmp_path):
    "A copy of the project, for what writes into it"
    return shutil.copytree(ROOT, tmp_path/"tree", ignore=shutil.ignore_patterns(*MADE))


@pytest.fixture(scope="session")
def once(tmp_path_factory, worker_id):
    "`once(name, make)`: what `make` returns, made one time for all processes of pytest; JSON must hold it"
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    def once(name, make):
        file = shared/f"{name}.json"
        with open(file.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists(): file.write_text(json.dumps(make()))
        return json.loads(file.read_text())
    return once


@pytest.fixture(scope="session")
def site(tmp_path_factory, once):
    "The folder of the built site; a warning fails"
    def build():
        folder = tmp_path_factory.mktemp("site")
        call(BIN/"mkdocs", "build", "--strict", "-f", ROOT/"docs/mkdocs.yml", "--site-dir", folder)
        return str(folder)
    return Path(once("site", build))


@pytest.fixture
def opened():
    "What opens a page; only the tests in a browser need what it imports"
    from opened import opened
    return opened


def pytest_addoption(parser):
    for flag in FLAGS:
        parser.addoption(f"--{flag}", action="store_true", default=os.environ.get(flag.upper()) == "1")


def pytest_collection_modifyitems(config, items):
    "Skip what no flag asks for; what runs in a browser goes last and in one process, since it measures times"
    for item in items:
        for flag in FLAGS:
            if item.get_closest_marker(flag) and not config.getoption(flag):
                item.add_marker(pytest.mark.skip(reason=f"run with --{flag}"))
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_terminal_summary(terminalreporter):
    "The sums of what tests have counted with `record_property`, such as faults injected"
    counts = Counter()
    for report in terminalreporter.stats.get("passed", ()): counts.update(dict(report.user_properties))
    for what, n in counts.items(): terminalreporter.write_line(f"{n} {what}")


def pytest_sessionfinish(session, exitstatus):
    session.config.exitstatus = exitstatus


def pytest_unconfigure(config):
    "The last line: true counts, and never `0 failed` where pytest itself gave up"
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput") or config.option.collectonly: return
    passed, failed, errors = (len(reporter.stats.get(name, ())) for name in ("passed", "failed", "error"))
    gave_up = getattr(config, "exitstatus", 1) != 0
    print(f"{passed} passed, {max(failed + errors, int(gave_up))} failed", flush=True)
