"""Stacked experts against a loop over k ordinary modules with an Adam each: gradient steps a second, side by side.

Both train VAEs of 2 x 50 units on batches of 64 two-dimensional points. One step is one gradient step of all k experts."""
from time import perf_counter
import numpy as np, torch
from fastcore.script import call_parse
from torch import nn
from kvae_nb.core import environment, generator, write_json
from kvae_nb.data import fit_scaling, five_modes
from kvae_nb.vae import VAEExperts


class OneVAE(nn.Module):
    "A VAE as one writes it in PyTorch"
    def __init__(self):
        super().__init__()
        layers = lambda *s: nn.Sequential(nn.Linear(s[0], s[1]), nn.ReLU(), nn.Linear(s[1], s[2]), nn.ReLU(), nn.Linear(s[2], s[3]))
        self.encoder, self.decoder, self.log_sigma = layers(2, 50, 50, 4), layers(2, 50, 50, 2), nn.Parameter(torch.zeros(()))

    def loss(self, x):
        mu, logvar = self.encoder(x).chunk(2, -1)
        z = mu + torch.randn_like(mu) * (logvar / 2).exp()
        nll = .5 * ((x - self.decoder(z)) * (-self.log_sigma).exp()).square().sum(-1) + 2 * self.log_sigma
        return (nll + .5 * (mu.square() + logvar.exp() - 1 - logvar).sum(-1)).mean()


def loop_rate(x, parts, n_steps):
    pairs = [(m := OneVAE(), torch.optim.Adam(m.parameters(), lr=1e-3)) for _ in parts]
    def steps(n):
        for _ in range(n):
            for (model, opt), part in zip(pairs, parts):
                loss = model.loss(x[part[torch.randint(len(part), (64,))]])
                opt.zero_grad(); loss.backward(); opt.step()
    return rate(steps, n_steps)


def stack_rate(x, parts, n_steps):
    experts, g = VAEExperts(len(parts), (2,)), generator(0)
    return rate(lambda n: experts.train(x, parts, n, g), n_steps)


def rate(steps, n):
    steps(max(2, n // 10))
    began = perf_counter(); steps(n)
    return n / (perf_counter() - began)


@call_parse
def main(
    repeats:int=5,   # Pairs of runs for each k; the median ratio counts
    threads:int=1,   # torch's threads
    out:str="benchmarks/results/stack_speed.json", # Where the numbers go
):
    "Steps a second, stacked against a loop"
    torch.set_num_threads(threads)
    X, _ = five_modes(4000, 0)
    x, rows = fit_scaling(X, "gaussian").to(X), []
    for k in (5, 15, 50):
        parts = list(torch.randperm(len(x), generator=generator(0)).chunk(k))
        pairs = [(stack_rate(x, parts, 6000 // k), loop_rate(x, parts, 1000 // k)) for _ in range(repeats)]
        stack, loop = np.median(pairs, 0)
        rows.append(dict(k=k, stacked=float(stack), loop=float(loop), ratio=float(np.median([a / b for a, b in pairs])), pairs=pairs))
        print({name: v for name, v in rows[-1].items() if name != "pairs"}, flush=True)
    write_json(out, dict(rows=rows, environment=environment()))
