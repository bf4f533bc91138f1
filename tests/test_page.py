"""The page of kvae-explore, as another user of the machine, or a reader, meets it: over HTTP and its websocket."""
import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project import BIN, call

pytest.importorskip("voila")
psutil = pytest.importorskip("psutil")
TOKEN = "a-token-of-the-tests"
FEW = "--recipe paper --n_iters 2 --pretrain_steps 5 --vae_steps 5 --refine_steps 5 --n_init 1 --k 3 --n 90".split()


class Page:
    "The server, and a visitor that keeps cookies, as a browser does"
    def __init__(self, process, port):
        self.process, self.here = process, f"http://127.0.0.1:{port}/"
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path, data=None):
        "Status, address at last and text of an answer"
        try:
            with self.opener.open(self.here + path, data, timeout=120) as answer:
                return answer.status, answer.url, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as e: return e.code, e.url, ""

    def kernels(self):
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [p for p in children if "ipykernel" in told_by(p)]


def told_by(process):
    "The command line of a process; nothing of one that has ended"
    try: return " ".join(process.cmdline())
    except psutil.NoSuchProcess: return ""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    "kvae-explore with a run, in the folder of the run"
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    call(BIN/"kvae-train", *FEW, "--frames", "--quiet", "--out", "run", cwd=folder)
    env = os.environ | {"JUPYTER_TOKEN": TOKEN}
    command = [BIN/"kvae-explore", "--run", "run", "--no_browser", f"--port={port}"]
    with (folder/"log.txt").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
        until = time.monotonic() + 120
        while "The page: " not in (folder/"log.txt").read_text() and process.poll() is None:
            assert time.monotonic() < until, (folder/"log.txt").read_text()
            time.sleep(.1)
        yield folder, process, port
        process.terminate()
        assert process.wait(60) == 0
    assert not [p for p in psutil.process_iter() if p.ppid() == process.pid]


def left(*marks):
    "Wait for the end of all processes with one of these words in their command lines; those that do not end"
    some = [p for p in psutil.process_iter() if any(mark in told_by(p) for mark in marks)]
    return [told_by(p) for p in psutil.wait_procs(some, timeout=120)[1]]


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL", "no reader"])
def test_the_server_ends_with_its_command(how, tmp_path):
    "With its kernels, whatever ends the command; no folder is left, in which the token would stand"
    port, temporary = free_port(), Path(tempfile.mkdtemp())  # a short name: sockets of kernels lie below it
    env = os.environ | {"JUPYTER_TOKEN": TOKEN, "TMPDIR": str(temporary)}
    command = [BIN/"kvae-explore", "--no_browser", f"--port={port}"]
    with (tmp_path/"log.txt").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=log, text=True)
    if how != "no reader":
        assert process.stdout.readline().startswith("The page: "), (tmp_path/"log.txt").read_text()
        if how == "SIGKILL": assert Page(process, port).get(f"?token={TOKEN}")[0] == 200  # a kernel begins, too
        process.send_signal(getattr(signal, how))
    process.stdout.close()
    expected = {"SIGKILL": -signal.SIGKILL, "no reader": 128 + signal.SIGPIPE}.get(how, 0)
    assert process.wait(120) == expected, (tmp_path/"log.txt").read_text()
    assert not left(f"--port={port}", str(temporary))
    temporary.rmdir()  # empty
    assert "Traceback" not in (tmp_path/"log.txt").read_text()


@settings(max_examples=3, deadline=None, derandomize=True)
@given(st.sampled_from(["SIGTERM", "SIGHUP", "SIGKILL"]), st.floats(0, 10))
def test_nothing_is_left_whenever_a_signal_comes(how, seconds):
    "While libraries are imported, while the server begins, or later: no process, and no folder with a token"
    port, temporary = free_port(), Path(tempfile.mkdtemp())
    command = [BIN/"kvae-explore", "--no_browser", f"--port={port}"]
    env = os.environ | {"JUPYTER_TOKEN": TOKEN, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        process.send_signal(getattr(signal, how))
        process.wait(120)
    assert not left(f"--port={port}", str(temporary))
    temporary.rmdir()  # empty


@pytest.fixture
def page(served): return Page(*served[1:])


@pytest.fixture(scope="module")
def opened(served):
    "The page in the browser of who knows the token; its kernel"
    page = Page(*served[1:])
    status, _, text = page.get(f"?token={TOKEN}")
    assert status == 200
    return page, re.search(r'kernelId": "([\w-]+)"', text)[1]


PATHS = ["", "?token=wrong", "voila/files/", "api/kernels", "api/contents", "voila/api/shutdown/0", "static/voila.js"]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_shown_without_the_token(page, path):
    "What is asked for is the token, and no kernel begins"
    before = len(page.kernels())
    status, url, text = page.get(path)
    assert status >= 400 or "/login" in url
    assert "kernelId" not in text and len(page.kernels()) == before


def test_the_server_is_reached_from_this_machine_only(served, opened):
    processes = [psutil.Process(served[1].pid), *psutil.Process(served[1].pid).children(recursive=True)]
    listening = [c for p in processes for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert listening and {c.laddr.ip for c in listening} == {"127.0.0.1"}


def test_the_token_is_in_no_command_line(served):
    processes = [psutil.Process(served[1].pid), *psutil.Process(served[1].pid).children(recursive=True)]
    assert not [p for p in processes if TOKEN in told_by(p)]


FILES = ["run/run.json", "log.txt", "../log.txt", "%2e%2e/log.txt", "kvae_nb.ipynb", "open.html", "voila.py"]


@pytest.mark.parametrize("path", FILES)
def test_no_file_is_handed_out(opened, path):
    page, _ = opened
    for place in ("voila/files/", "files/", "api/contents/", "voila/static/"): assert page.get(place + path)[0] >= 400


def message(kind, **content):
    "As a page sends it to its kernel"
    header = dict(msg_id=uuid.uuid4().hex, msg_type=kind, username="", session="1", version="5.3", date="")
    return json.dumps(dict(header=header, parent_header={}, metadata={}, content=content, channel="shell", buffers=[]))


def told(page, kernel, text, headers):
    "Send a message through the websocket, and a question after it; wait for the answer"
    from tornado.httpclient import HTTPRequest
    from tornado.ioloop import IOLoop
    from tornado.websocket import websocket_connect

    async def talk():
        url = page.here.replace("http", "ws") + f"api/kernels/{kernel}/channels?session_id=1"
        connection = await websocket_connect(HTTPRequest(url, headers=headers))
        for one in (text, message("kernel_info_request")): await connection.write_message(one)
        while "kernel_info_reply" not in str(await connection.read_message()): pass
        connection.close()
    IOLoop(make_current=False).run_sync(talk, timeout=60)


def test_no_code_of_a_reader_is_run(served, opened, tmp_path):
    "The kernel takes what widgets send, and no code, whoever asks; without the token it takes nothing"
    page, kernel = opened
    mark = tmp_path/"mark.txt"
    code = message("execute_request", code=f"open({str(mark)!r}, 'w').close()", silent=False)
    cookie = "; ".join(f"{c.name}={c.value}" for c in page.cookies)
    told(page, kernel, code, dict(Cookie=cookie, Origin=page.here[:-1]))
    assert not mark.exists()
    for headers in ({}, dict(Cookie=cookie, Origin="http://elsewhere.example")):
        with pytest.raises(Exception, match="HTTP 403"): told(page, kernel, code, headers)


def test_a_closed_page_ends_its_kernel(opened):
    "As the page asks for when it is closed; where no browser asks, a kernel without a page ends after five minutes"
    page, kernel = opened
    secret = next(c.value for c in page.cookies if c.name == "_xsrf")
    assert len(page.kernels()) == 1
    assert page.get(f"voila/api/shutdown/{kernel}", urllib.parse.urlencode({"_xsrf": secret}).encode())[0] == 204
    until = time.monotonic() + 60
    while page.kernels() and time.monotonic() < until: time.sleep(.2)
    assert not page.kernels()
    server = psutil.Process(page.process.pid).children()[0].cmdline()
    assert "--MappingKernelManager.cull_idle_timeout=300" in server
