"""A small run of every kind: families of experts, rules, scorers, starts and recipes, in a second or two each."""
import numpy as np
import torch

from kvae_nb import competition
from kvae_nb.data import digits, five_modes
from kvae_nb.discriminator import Nearest
from kvae_nb.experts.centroids import CentroidExperts
from kvae_nb.scale.memory import scaling_of
from kvae_nb.settings import Settings

FEW = dict(n_iters=4, patience=9, pretrain_steps=6, vae_steps=4, disc_steps=3, batch_size=16, device="cpu", seed=3)
PAPER = dict(FEW, recipe="paper", n_components=3, hidden=(8,), disc_hidden=(8,), latent=1, n_importance=4)
START = dict(init_steps=20, init_components=6, init_hidden=(8,), init_latent=2)
CLUSTERS = PAPER | START | dict(recipe="clusters", rule_importance=4)
LAST = dict(refine_steps=10)  # stretches of 4, 4 and 2
KINDS = {  # name -> (data, settings)
    "auto": ("vectors", dict(FEW, n_components=3, hidden=(8,), n_importance=4)),
    "auto, restarts that are revived and refined": (
        "vectors", dict(FEW, n_components=4, n_init=2, hidden=(8,), balance="revive", min_share=.9, **LAST)),
    "auto, last": ("vectors", dict(FEW, n_components=3, init="kmeans", final="last", prior_components=2)),
    "paper": ("vectors", dict(PAPER, n_init=2, **LAST)),
    "paper, start from labels, float64": ("vectors", dict(PAPER, init="labels", dtype="float64", n_init=1, **LAST)),
    "raw ratios, shared trunk": (
        "vectors", dict(PAPER, rule="raw", discriminator="shared", min_share=.9, n_init=2, refine_steps=0)),
    "bound, weighted, best": ("vectors", dict(PAPER, rule="bound", weighted=True, n_init=1, final="best", **LAST)),
    "both, keep": ("vectors", dict(PAPER, rule="both", bound_iters=2, balance="keep", min_share=.9, n_init=1, **LAST)),
    "nearest, none": ("vectors", dict(PAPER, rule="nearest", balance="none", n_init=2, refine_steps=0)),
    "clusters, start k-means": ("vectors", dict(CLUSTERS, init="kmeans", n_init=2, **LAST)),
    "images, clusters, start latent": ("images", dict(CLUSTERS, prior="fitted", **LAST)),
    "images, paper, Bernoulli": ("images", dict(PAPER, n_init=2, disc_dropout=.3, disc_noise=1., **LAST)),
    "images, convolutions": ("images", dict(PAPER, network="conv", hidden=(2, 4), n_init=1, **LAST)),
    "images, own units": ("images", dict(FEW, recipe="auto", n_components=3, init="kmeans", hidden=(4,))),
    "gaussian, weighted": ("vectors", dict(PAPER, experts="gaussian", rule="bound", weighted=True, n_init=2)),
    "linear": ("vectors", dict(FEW, n_components=3, experts="linear")),
    "flow": ("vectors", dict(FEW, n_components=3, experts="flow", hidden=(8,), init="kmeans")),
    "gan": ("vectors", dict(PAPER, experts="gan", n_init=2, balance="revive", min_share=.9, **LAST)),
    "images, gan": ("images", dict(FEW, n_components=3, experts="gan", hidden=(2, 4), init="kmeans", **LAST)),
    "images, masked": ("images", dict(FEW, n_components=3, experts="masked", hidden=(4,), init="kmeans", **LAST)),
    "centroids": ("vectors", dict(PAPER, rule="nearest", balance="none", n_init=1, pretrain_steps=0, refine_steps=0)),
}


def points(data, settings):
    "Points as the experts see them"
    X = five_modes(240, 1)[0] if data == "vectors" else digits()[0][:120]
    s = Settings(**settings).resolve(X.shape[1:], len(X))
    return scaling_of(X, s).to(X, getattr(torch, s.dtype)), s


def own_parts(name, x):
    "Experts and scorer of a user's own, for `fit` and `read_state`"
    return dict(experts=CentroidExperts(x[:3]), scorer=Nearest(1)) if name == "centroids" else {}


def run(name):
    "Points, settings and all states of a run"
    x, s = points(*KINDS[name])
    c = np.arange(len(x)) % s.n_components if name == "centroids" or s.init == "labels" else None
    return x, s, list(competition.fit(x, s, c=c, **own_parts(name, x)))
