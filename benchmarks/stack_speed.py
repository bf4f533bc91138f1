"""Stacked experts against a loop over k ordinary modules with an Adam each, and against pythae's trainer, side by side.

    python benchmarks/stack_speed.py     # two minutes on one core; writes benchmarks/results/stack_speed.json

VAEs of 2 x 50 units on batches of 64 points in the plane, and of 784-128-128-8 on batches of 128 images (random ones,
as large as MNIST). A step is a gradient step of all k experts, the drawing of batches and noise included. The loop
trains k models with the same layers, batches and Adam. Beside them, in the same turns, the machine's float32 matrix
product, and what share of its rate the steps reach. Of the images also where the time goes.

The images come twice: as malloc is (`images`), which gives large pieces that are freed back to the system, so that it
has to make them anew, page by page; and where it keeps them (`images_kept`; glibc only). There is pythae, too (0.1.2;
left out where it is not installed), whose own pieces have that effect: the same layers, batches and Adam, a decoder of
variance one, model after model, an epoch each; nothing is saved."""
import contextlib
import io
import itertools
import logging
import math
import tempfile
from importlib.util import find_spec
from resource import RUSAGE_SELF, getrusage

import numpy as np
import torch
from fastcore.script import call_parse
from side_by_side import CLOCK, in_turn, keep_memory, product, ratio
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.profiler import ProfilerActivity, profile

from kvae_nb import KVAE
from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.base.randomness import generator
from kvae_nb.data import five_modes
from kvae_nb.state import make_experts

PLANE = dict(shape=(2,), latent=2, hidden=(50, 50), batch_size=64)
IMAGES = dict(shape=(1, 28, 28), latent=8, hidden=(128, 128), batch_size=128)
SIDE = 2048 # Of the matrices whose product is the machine's rate


# ---- a VAE as one writes it in PyTorch

def layers(*sizes):
    "Linear layers with ReLU between them"
    pairs = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*pairs[:-1])


class OneVAE(nn.Module):
    "A VAE as one writes it in PyTorch"
    def __init__(self, shape, latent, hidden):
        super().__init__()
        d = math.prod(shape)
        self.encoder, self.decoder = layers(d, *hidden, 2 * latent), layers(latent, *hidden[::-1], d)
        self.log_sigma = nn.Parameter(torch.zeros(()))

    def loss(self, x):
        mu, logvar = self.encoder(x).chunk(2, -1)
        z = mu + torch.randn_like(mu) * (logvar / 2).exp()
        away = (x - self.decoder(z)) * (-self.log_sigma).exp()
        nll = .5 * away.square().sum(-1) + x.shape[-1] * self.log_sigma
        return (nll + .5 * (mu.square() + logvar.exp() - 1 - logvar).sum(-1)).mean()


def looped(x, parts, about):
    "A function of a number of steps: a loop over modules"
    x, size = x.flatten(1), about["batch_size"]
    models = [OneVAE(about["shape"], about["latent"], about["hidden"]) for _ in parts]
    optimisers = [torch.optim.Adam(m.parameters(), lr=1e-3) for m in models]

    def step(model, opt, part):
        loss = model.loss(x[part[torch.randint(len(part), (size,))]])
        opt.zero_grad()
        loss.backward()
        opt.step()

    def train(n_steps):
        for _ in range(n_steps):
            for pieces in zip(models, optimisers, parts): step(*pieces)
    return train


def stacked(x, parts, about):
    "A function of a number of steps: stacked experts"
    layers = {name: value for name, value in about.items() if name != "shape"}
    model = KVAE(len(parts), recipe="paper", n_init=1, random_state=0, **layers)
    experts, g = make_experts(model.resolved_settings(x.numpy()), about["shape"]), generator(0)
    return lambda n_steps: experts.train(x, parts, n_steps, g)


# ---- pythae

def pythae_model(about):
    "pythae's VAE with these layers"
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    d, latent, hidden = math.prod(about["shape"]), about["latent"], about["hidden"]

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.net = layers(d, *hidden, 2 * latent)

        def forward(self, x):
            mu, logvar = self.net(x).chunk(2, -1)
            return ModelOutput(embedding=mu, log_covariance=logvar)

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.net = layers(latent, *hidden[::-1], d)

        def forward(self, z): return ModelOutput(reconstruction=self.net(z))

    return VAE(VAEConfig(input_dim=(d,), latent_dim=latent, reconstruction_loss="mse"), Encoder(), Decoder())


def pythae_trainer(x, part, about, folder):
    "pythae's trainer over one model, as it is but for its files"
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    config = BaseTrainerConfig(output_dir=folder, num_epochs=1, learning_rate=1e-3,
                               per_device_train_batch_size=about["batch_size"])
    data = BaseDataset(x[part].flatten(1), torch.zeros(len(part)))
    trainer = BaseTrainer(pythae_model(about), data, training_config=config)
    trainer.save_model = lambda *args, **kwargs: None
    return trainer


def by_pythae(x, parts, about):
    "A function without arguments: an epoch of pythae's trainer, model after model; and its steps"
    n_steps = len(parts[0]) // about["batch_size"]
    whole = [part[:n_steps * about["batch_size"]] for part in parts]
    logging.disable(logging.INFO)

    def train():
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            for part in whole: pythae_trainer(x, part, about, folder).train()
    return train, n_steps


# ---- side by side

def multiplications(shape, latent, hidden):
    "Of one point in the dense layers of encoder and decoder"
    d = math.prod(shape)
    networks = (d, *hidden, 2 * latent), (latent, *hidden[::-1], d)
    return sum(a * b for sizes in networks for a, b in itertools.pairwise(sizes))


def floats(about, k):
    "Floating-point operations of a step of k experts: six for a weight and a point, and those that are really done"
    weights = multiplications(about["shape"], about["latent"], about["hidden"])
    unneeded = 2 * math.prod(about["shape"]) * about["hidden"][0]  # the gradient of the points
    n = k * about["batch_size"]
    return dict(six=6 * weights * n, done=(6 * weights - unneeded) * n)


def contestants(x, parts, about, n_steps, n_loop, with_pythae):
    "Name -> a function without arguments, and name -> its steps"
    of_stack, of_loop = stacked(x, parts, about), looped(x, parts, about)
    runs = dict(stacked=lambda: of_stack(n_steps), loop=lambda: of_loop(n_loop))
    steps = dict(stacked=n_steps, loop=n_loop)
    if with_pythae and find_spec("pythae"): runs["pythae"], steps["pythae"] = by_pythae(x, parts, about)
    return runs, steps


def compare(x, k, about, repeats, n_steps, n_loop, with_pythae=False):
    "A row: steps a second of each, and the ratios"
    parts = list(torch.randperm(len(x), generator=generator(0)).chunk(k))
    runs, steps = contestants(x, parts, about, n_steps, n_loop, with_pythae)
    multiply, operations = product(SIDE)
    seconds = in_turn(runs | dict(product=multiply), repeats)
    each = {name: np.divide(seconds[name], n) for name, n in steps.items()}
    rates = {name: float(1 / np.median(s)) for name, s in each.items()}
    ratios = {name: ratio(s, each["stacked"]) for name, s in each.items() if name != "stacked"}
    share = {name: ratio(n / each["stacked"], operations / np.array(seconds["product"]))
             for name, n in floats(about, k).items()}
    pairs = [[float(1 / s) for s in both] for both in zip(each["stacked"], each["loop"])]
    return dict(k=k, **rates, ratio=ratios["loop"], over_pythae=ratios.get("pythae"), pairs=pairs, share=share["six"],
                share_done=share["done"], product_gflops=operations / float(np.median(seconds["product"])) / 1e9)


# ---- where the time goes

GROUPS = {  # what a part of a step is called -> torch's operators
    "matrix products": ("aten::bmm", "aten::baddbmm"),
    "Adam": ("aten::_fused_adam_",),
    "points gathered": ("aten::index", "aten::index_select"),
    "ReLU": ("aten::clamp_min_", "aten::relu_", "aten::relu", "aten::clamp_min", "aten::threshold_backward"),
    "losses, noise and the rest of the arithmetic": (
        "aten::mul", "aten::sub", "aten::neg", "aten::sum", "aten::add_", "aten::add", "aten::exp", "aten::div",
        "aten::copy_", "aten::addcmul", "aten::normal_", "aten::cat", "aten::fill_", "aten::mul_", "aten::div_")}


def profiled(x, k, about, n_steps=20):
    "Of a step: milliseconds by groups of operators, the least of seven (calls: Python and autograd); pages made"
    parts = list(torch.randperm(len(x), generator=generator(0)).chunk(k))
    train = stacked(x, parts, about)
    train(n_steps)
    before = pages_made()
    train(n_steps)
    pages = (pages_made() - before) / n_steps
    own = min((times_of(train, n_steps) for _ in range(7)), key=lambda times: sum(times.values()))
    found = {name: sum(own.get(op, 0) for op in ops) for name, ops in GROUPS.items()}
    return dict(profile_ms=found | {"calls": sum(own.values()) - sum(found.values())}, page_faults=pages)


def pages_made():
    "Pages of memory that the system has handed to this process so far: malloc gives large tensors back at once"
    return getrusage(RUSAGE_SELF).ru_minflt


def times_of(train, n_steps):
    "Milliseconds of a step by torch's operators"
    with profile(activities=[ProfilerActivity.CPU]) as seen: train(n_steps)
    return {e.key: e.self_cpu_time_total / 1e3 / n_steps for e in seen.key_averages()}


@call_parse
def main(
    repeats:int=5,    # Turns; medians count
    threads:int=1,    # torch's threads
    n_steps:int=3000, # Steps of the stacked experts, shared among their k; the loop takes a sixth of them
    n_images:int=60_000, # Random images, as many as MNIST has
    out:str="benchmarks/results/stack_speed.json", # Where the numbers go
):
    "Steps a second, stacked against a loop and pythae"
    torch.set_num_threads(threads)
    X, _ = five_modes(4000, 0)
    x, rows = torch.as_tensor(StandardScaler().fit_transform(X), dtype=torch.float32), []
    for k in (5, 15, 50):
        rows.append(compare(x, k, PLANE, repeats, n_steps // k, n_steps // k // 6))
        print({name: v for name, v in rows[-1].items() if name != "pairs"}, flush=True)
    x = torch.rand(n_images, *IMAGES["shape"], generator=generator(0))
    found = {}
    for name in ("images", "images_kept"):
        kept = name == "images_kept" and keep_memory()
        where = profiled(x, 15, IMAGES)
        row = compare(x, 15, IMAGES, repeats, n_steps // 75, n_steps // 100, name == "images_kept")
        found[name] = dict(row, **where, kept=kept)
        print(name, {name: v for name, v in found[name].items() if name != "pairs"}, flush=True)
    settings = dict(plane=PLANE, images=IMAGES | dict(n=n_images), lr=1e-3, seed=0, repeats=repeats, n_steps=n_steps,
                    product_side=SIDE, pythae="0.1.2" if find_spec("pythae") else None, clock=CLOCK)
    write_json(out, dict(rows=rows, **found, settings=settings, environment=environment()))
