"""The recorded runs of the playground in the lesson on the five modes: `python docs/playground.py` writes them anew.

A few minutes. The site plays them without a kernel (pages.py); they are kept in playground.json, since building the
site should not take as long."""
import itertools
import json
from pathlib import Path

from kvae_nb.data import five_modes
from kvae_nb.instrument.players import baked
from kvae_nb.instrument.recording import Scene
from kvae_nb.instrument.session import Session

FILE = Path(__file__).parent/"playground.json"
CHOICES = [dict(k=k, recipe=recipe) for k, recipe in itertools.product(range(3, 9), ("paper", "auto"))]
KEPT = {*range(8), 10, 13, 16, 20, 25, 30}  # iterations of a run that are played


def recorded(k, recipe):
    "A short run, fewer points than the lesson's, some of its iterations"
    X, y = five_modes(500, seed=0)
    few = dict(n_iters=30) if recipe == "paper" else {}
    few |= dict(n_components=k, recipe=recipe, seed=1)
    session = Session(X, title=f"five modes, {k} experts, recipe {recipe}", **few)
    session.run()
    session.wait(600)
    if session.error: raise RuntimeError(session.error)
    recording = session.recording
    recording.frames = [f for f in recording.frames if f.iteration in KEPT or f is recording.frames[-1]]
    return Scene(recording, X, y)


if __name__ == "__main__":
    runs = []
    for choice in CHOICES:
        runs.append(baked(recorded(**choice)))
        print(choice, len(runs[-1]), flush=True)
    FILE.write_text(json.dumps(dict(choices=CHOICES, runs=runs)))
