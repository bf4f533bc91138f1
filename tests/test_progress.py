"""What a terminal and a file see of a run: a bar that never falls back, and nothing but lines."""
import os
import re
import subprocess
import sys

import pytest

RUN = """
from kvae_nb import KVAE, data
from kvae_nb.base import progress
progress.Lines.__init__.__defaults__ = (.4,)
KVAE(5, random_state=0).fit(data.five_modes(1000, 0)[0])
"""


def on_terminal(code):
    "All that Python writes to a terminal of 100 columns"
    pty, fcntl, struct, termios = map(pytest.importorskip, ("pty", "fcntl", "struct", "termios"))
    pid, terminal = pty.fork()
    if pid == 0: os.execv(sys.executable, [sys.executable, "-c", code])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    written = b""
    while True:
        try: part = os.read(terminal, 2**16)
        except OSError: break  # Linux says so that the other end is closed
        if not part: break
        written += part
    assert os.waitpid(pid, 0)[1] == 0
    return written.decode()


def test_terminal():
    "One line that is drawn anew: share, time left, phase; it begins with the start"
    written = on_terminal(RUN)
    drawn = [line for line in re.split(r"[\r\n]+", written) if line.startswith("kVAE:")]
    shares = [int(re.match(r"kVAE: +(\d+)%", line)[1]) for line in drawn]
    assert shares == sorted(shares) and shares[-1] == 100 and len(set(shares)) > 5
    assert any("left, start: candidate" in line for line in drawn) and drawn[-1].rstrip().endswith("done")
    assert max(map(len, drawn)) <= 100 and written.count("\n") == 1


def test_file():
    "Lines, one in a while, and none that goes back; here every .4 seconds, in place of a minute"
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, check=True)
    assert done.stdout == b"" and b"\r" not in done.stderr
    lines = done.stderr.decode().splitlines()
    shares = [int(re.match(r"kVAE: (\d+)% after \d\d:\d\d, ((\d\d:\d\d left, )?\w+|done)", line)[1]) for line in lines]
    assert shares == sorted(shares) and len(lines) >= 2


def test_silence():
    "verbose=False"
    code = RUN.replace("random_state=0", "random_state=0, verbose=False")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_notebook_that_is_kept():
    "No widget and no bar at 0 %, but what the bar said last"
    nbclient, nbformat = map(pytest.importorskip, ("nbclient", "nbformat"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"{RUN}None")])
    nbclient.NotebookClient(notebook).execute()
    shown = [output["data"] for output in notebook.cells[0].outputs if output.output_type == "display_data"]
    assert [sorted(data) for data in shown] == [["text/plain"]]
    assert re.fullmatch(r"kVAE: 100 %, \d\d:\d\d, done", shown[0]["text/plain"])
