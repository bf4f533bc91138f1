"""How the cost grows with k, with n and with the side of images: a gradient step, the score of a point, a default fit.

    python benchmarks/growth.py              # a quarter of an hour on one core; writes benchmarks/results/growth.json
    python benchmarks/growth.py --quick      # two minutes, a small grid

Steps and scores are those of the networks of the recipes: 2 x 50 units in the plane (`recipe="paper"`), the default
for images. A step trains all k experts on batches of their size; a point is scored by `experts.bound`, for all k
experts. A fit is `KVAE(k).fit(X)`; where the next one is expected beyond `--most` seconds, the series of fits ends.
With k, clusters are round ones in ten columns; with n, the five modes; with the side, scikit-learn's digits, enlarged
or as they are. Exponents are slopes of log seconds over log size, of the whole series and of its upper half."""
import warnings

import numpy as np
import torch
from fastcore.script import call_parse
from scipy.ndimage import zoom
from side_by_side import CLOCK, cpu_seconds, exponent, quiet
from sklearn.datasets import make_blobs

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.base.randomness import generator
from kvae_nb.data import digits, five_modes
from kvae_nb.state import make_experts

KS = 5, 10, 20, 50, 100, 200, 500, 1000
NS = 10_000, 30_000, 100_000, 300_000, 1_000_000
SIDES = 8, 16, 28, 32, 48, 64
QUICK = dict(k=(5, 20, 100), n=(10_000, 30_000, 100_000), side=(8, 16, 28))
N_OF_K, K_OF_N, K_OF_SIDE = 10_000, 5, 10


# ---- data

def blobs(k): return make_blobs(N_OF_K, 10, centers=k, center_box=(-3 * k**.5, 3 * k**.5), random_state=0)[0]
def modes(n): return five_modes(n, 0)[0]


def images(side):
    "The digits, their sides multiplied"
    X = digits()[0]
    return X if side == 8 else zoom(X, (1, 1, side / 8, side / 8), order=1).clip(0, 1).astype(X.dtype)


# ---- one size

def experts_of(X, k):
    "Untrained VAEs as a recipe has them"
    model = KVAE(k, recipe="paper" if X.ndim == 2 else "auto", n_init=1, random_state=0)
    return make_experts(model.resolved_settings(X.numpy()), tuple(X.shape[1:]))


def step_seconds(experts, x, n_steps=5):
    "Of a gradient step of all experts, batches and noise included"
    g, parts = generator(0), list(x.flatten(1).sum(1).argsort().chunk(experts.k))
    return quiet(lambda: experts.train(x, parts, n_steps, g), repeats=3) / n_steps


def score_seconds(experts, x):
    "Of the bounds of one point, all experts together; by candidates, of all points at once"
    n = len(x) if getattr(experts, "candidates", 0) else min(len(x), 1000, 100_000 // experts.k)
    return quiet(lambda: experts.bound(x[:n]), repeats=3) / n


def fit_seconds(X, k):
    "Of a default fit, and how many experts came out as networks"
    model = KVAE(k, random_state=0, verbose=False, device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds = cpu_seconds(model.fit, X)
    return dict(fit=seconds, networks=len(model.report_.get("networks", range(k))), n_iter=model.n_iter_)


SERIES = {  # what grows -> the points of a size, the k of a size
    "k": (blobs, lambda size: size),
    "n": (modes, lambda size: K_OF_N),
    "side": (images, lambda size: K_OF_SIDE)}


def expected(rows, size):
    "Seconds of the next fit, as the last two have it"
    done = [(row["size"], row["fit"]) for row in rows if "fit" in row]
    if len(done) < 2: return 0.
    (a, s), (b, t) = done[-2:]
    return t * max(t / s, 1)**(np.log(size / b) / np.log(b / a))


def measured(what, size, rows, most):
    "A row"
    points, k_of = SERIES[what]
    X, k = points(size), k_of(size)
    x = torch.as_tensor(X, dtype=torch.float32)
    scored = torch.rand(N_OF_K, 2, generator=generator(0)) if what == "k" else x
    experts = experts_of(scored, k)
    row = dict(size=size, n=len(X), k=k, step=step_seconds(experts, scored), score=score_seconds(experts, scored))
    over = any("fit" not in r for r in rows) or expected(rows, size) > most
    return row if over else row | fit_seconds(X, k)


def exponents(rows):
    "Of each measured time, of all sizes and of the upper half"
    found = {}
    for name in ("step", "score", "fit"):
        pairs = [(row["size"], row[name]) for row in rows if name in row]
        upper = pairs[len(pairs) // 2:] if len(pairs) > 3 else pairs
        found[name] = {part: exponent(*zip(*some)) for part, some in (("all", pairs), ("upper", upper))}
    return found


@call_parse
def main(
    quick:bool=False, # A small grid?
    only:str="k,n,side", # What grows
    most:float=120.,  # Seconds of a fit; beyond, the series of fits ends
    out:str="benchmarks/results/growth.json", # Where the numbers go
):
    "Seconds over k, n and side"
    torch.set_num_threads(1)
    sizes = QUICK if quick else dict(k=KS, n=NS, side=SIDES)
    series = []
    for what in only.split(","):
        rows = []
        for size in sizes[what]:
            rows.append(measured(what, size, rows, most))
            print(what, rows[-1], flush=True)
        series.append(dict(what=what, rows=rows, exponents=exponents(rows)))
    settings = dict(sizes=sizes, most=most, n_of_k=N_OF_K, k_of_n=K_OF_N, k_of_side=K_OF_SIDE, seed=0, clock=CLOCK)
    write_json(out, dict(series=series, settings=settings, environment=environment()))
