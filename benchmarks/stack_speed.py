"""Stacked experts against a loop over k ordinary modules with an Adam each: gradient steps a second, side by side.

    python benchmarks/stack_speed.py     # four minutes on one core; writes benchmarks/results/stack_speed.json

Both train VAEs of 2 x 50 units on batches of 64 two-dimensional points. A step is a gradient step of all k experts."""
import numpy as np
import torch
from fastcore.script import call_parse
from torch import nn

from kvae_nb.data import five_modes
from kvae_nb.randomness import generator
from kvae_nb.runs import Timer, environment, write_json
from kvae_nb.scaling import fit_scaling
from kvae_nb.vae import VAEExperts


def layers(d_in, n_units, n_hidden, d_out):
    "Two hidden layers"
    return nn.Sequential(nn.Linear(d_in, n_units), nn.ReLU(), nn.Linear(n_units, n_hidden), nn.ReLU(),
                         nn.Linear(n_hidden, d_out))


class OneVAE(nn.Module):
    "A VAE as one writes it in PyTorch"
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = layers(2, 50, 50, 4), layers(2, 50, 50, 2)
        self.log_sigma = nn.Parameter(torch.zeros(()))

    def loss(self, x):
        mu, logvar = self.encoder(x).chunk(2, -1)
        z = mu + torch.randn_like(mu) * (logvar / 2).exp()
        away = (x - self.decoder(z)) * (-self.log_sigma).exp()
        nll = .5 * away.square().sum(-1) + 2 * self.log_sigma
        return (nll + .5 * (mu.square() + logvar.exp() - 1 - logvar).sum(-1)).mean()


def rate(train, n_steps):
    "Steps a second of `train(n_steps)`, after a tenth of them to warm up"
    train(max(2, n_steps // 10))
    with Timer() as timer: train(n_steps)
    return n_steps / timer.seconds


def loop_rate(x, parts, n_steps):
    "Steps a second of a loop over modules"
    models = [OneVAE() for _ in parts]
    optimisers = [torch.optim.Adam(m.parameters(), lr=1e-3) for m in models]

    def step(model, opt, part):
        loss = model.loss(x[part[torch.randint(len(part), (64,))]])
        opt.zero_grad()
        loss.backward()
        opt.step()

    def train(n):
        for _ in range(n):
            for pieces in zip(models, optimisers, parts): step(*pieces)
    return rate(train, n_steps)


def stack_rate(x, parts, n_steps):
    "Steps a second of stacked experts"
    experts, g = VAEExperts(len(parts), (2,)), generator(0)
    return rate(lambda n: experts.train(x, parts, n, g), n_steps)


def compare(x, k, repeats, n_steps):
    "Both, side by side, `repeats` times; the medians"
    parts = list(torch.randperm(len(x), generator=generator(0)).chunk(k))
    pairs = [(stack_rate(x, parts, 6 * n_steps // k), loop_rate(x, parts, n_steps // k)) for _ in range(repeats)]
    stacked, loop = np.median(pairs, 0)
    ratio = float(np.median([a / b for a, b in pairs]))
    return dict(k=k, stacked=float(stacked), loop=float(loop), ratio=ratio, pairs=pairs)


@call_parse
def main(
    repeats:int=5,   # Pairs of runs for each k; the median ratio counts
    threads:int=1,   # torch's threads
    n_steps:int=1000, # Steps of the loop, shared among its k models; stacked experts take six times as many
    out:str="benchmarks/results/stack_speed.json", # Where the numbers go
):
    "Steps a second, stacked against a loop"
    torch.set_num_threads(threads)
    X, _ = five_modes(4000, 0)
    x, rows = fit_scaling(X, "gaussian").to(X), []
    for k in (5, 15, 50):
        rows.append(compare(x, k, repeats, n_steps))
        print({name: v for name, v in rows[-1].items() if name != "pairs"}, flush=True)
    write_json(out, dict(rows=rows, environment=environment()))
