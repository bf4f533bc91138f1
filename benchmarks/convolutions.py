"""k convolutions at once: one grouped convolution, a loop over k, or batched matrix products over patches.

    python benchmarks/convolutions.py          # five minutes on one core; writes benchmarks/results/convolutions.json
    python benchmarks/convolutions.py --quick  # one minute, a small grid

Layers as the package has them: kernel 3 with stride 2, and transposed, kernel 4 with stride 2. Forward and backward,
the gradients of weights, bias and input. Forms:

- `grouped`: one call, the expert axis folded into the channels;
- `loop`: k calls of torch's convolution, the results stacked;
- `channels_last`: the same, each call's input in channels_last;
- `unfolded`: `F.unfold` and one `matmul`, or one `matmul` and `F.fold`.

All of it is measured twice: as malloc is (`returned`: large pieces that are freed go back to the system, which has to
make them anew, page by page), and where it keeps them (`kept`; glibc only). The forms differ in how much they free."""
import itertools

import torch
from fastcore.script import call_parse
from side_by_side import CLOCK, in_turn, keep_memory
from torch.nn import functional as F

from kvae_nb.base.disk import write_json
from kvae_nb.base.machine import environment
from kvae_nb.base.randomness import generator
from kvae_nb.stacked.stack import StackedConv, StackedConvTranspose

CHANNELS = (1, 8), (8, 16), (16, 32), (32, 64), (64, 128)
GRID = dict(k=(5, 15, 50), channels=CHANNELS, side=(28, 14, 7), batch=(64, 128))
QUICK = dict(k=(5, 15), channels=((1, 8), (8, 16), (32, 64)), side=(28, 14), batch=(64,))
MOST = 5e8 # Multiplications of a layer, beyond which it is left out


# ---- the forms: a layer of the package and `(k, b, c, h, w)` to `(k, b, c', h', w')`

def is_back(layer): return isinstance(layer, StackedConvTranspose)


def loop(layer, x, memory=torch.contiguous_format):
    "k calls"
    conv = F.conv_transpose2d if is_back(layer) else F.conv2d
    parts = [conv(a.contiguous(memory_format=memory), w, b, stride=2, padding=1)
             for a, w, b in zip(x, layer.weight, layer.bias)]
    return torch.stack(parts)


def channels_last(layer, x): return loop(layer, x, torch.channels_last)


def grouped(layer, x):
    "One call, k groups"
    k, conv = len(x), F.conv_transpose2d if is_back(layer) else F.conv2d
    folded, weight = x.transpose(0, 1).flatten(1, 2), layer.weight.flatten(0, 1)
    out = conv(folded, weight, layer.bias.flatten(), stride=2, padding=1, groups=k)
    return out.unflatten(1, (k, -1)).transpose(0, 1)


def unfolded(layer, x):
    "`F.unfold` and one matmul, or one matmul and `F.fold`"
    k, b, _, h, w = x.shape
    bias = layer.bias[:, None, :, None, None]
    if is_back(layer):
        weight = layer.weight.flatten(2).mT[:, None]
        patches = (weight @ x.flatten(3)).flatten(0, 1)
        return F.fold(patches, (2 * h, 2 * w), 4, stride=2, padding=1).unflatten(0, (k, b)) + bias
    patches = F.unfold(x.flatten(0, 1), 3, stride=2, padding=1).unflatten(0, (k, b))
    return (layer.weight.flatten(2)[:, None] @ patches).unflatten(-1, (-(-h // 2), -(-w // 2))) + bias


FORMS = dict(grouped=grouped, loop=loop, channels_last=channels_last, unfolded=unfolded)


# ---- side by side

def layer_and_input(kind, k, channels, side, batch):
    "A layer, its input, and its multiplications"
    c_in, c_out = channels if kind == "conv" else channels[::-1]
    make = StackedConv if kind == "conv" else StackedConvTranspose
    layer, inner = make(k, c_in, c_out, generator(0)), -(-side // 2)
    x = torch.randn(k, batch, c_in, *[side if kind == "conv" else inner] * 2, generator=generator(1))
    return layer, x, k * batch * c_in * c_out * inner**2 * (9 if kind == "conv" else 16)


def there_and_back(form, layer, x):
    "A function that runs a layer forward and backward"
    x, run = x.clone().requires_grad_(), FORMS[form]
    grad = torch.ones_like(run(layer, x).detach())
    return lambda: torch.autograd.grad(run(layer, x), (x, layer.weight, layer.bias), grad)


def check(layer, x):
    "All forms agree with the package's layer, gradients too"
    found = {form: there_and_back(form, layer, x)() for form in FORMS}
    for form, grads in found.items():
        for mine, theirs in zip(grads, found["grouped"]):
            worst = float((mine - theirs).abs().max() / theirs.abs().max())
            assert worst < 1e-4, f"{form} is off by {worst}"
    for form, run in FORMS.items(): assert torch.allclose(run(layer, x), layer(x), atol=1e-4), form


def measured(kind, k, channels, side, batch, repeats):
    "A row: milliseconds of each form, the medians of turns; None for a layer that is too large"
    layer, x, n = layer_and_input(kind, k, channels, side, batch)
    if n > MOST: return None
    runs = {form: there_and_back(form, layer, x) for form in FORMS}
    times = in_turn(runs, repeats)
    ms = {form: float(1e3 * torch.tensor(s).median()) for form, s in times.items()}
    fastest = min(ms, key=lambda form: ms[form])
    return dict(layer=kind, k=k, channels=channels, side=side, batch=batch, **ms, fastest=fastest,
                over_grouped=ms["grouped"] / ms[fastest], gflops=6 * n / ms[fastest] / 1e6)


@call_parse
def main(
    quick:bool=False, # A small grid?
    repeats:int=5,    # Turns; the medians count
    out:str="benchmarks/results/convolutions.json", # Where the numbers go
):
    "Milliseconds of stacked convolutions in four forms"
    torch.set_num_threads(1)
    grid, rows = QUICK if quick else GRID, []
    for kind in ("conv", "transpose"): check(*layer_and_input(kind, 3, (2, 4), 9 if kind == "conv" else 8, 5)[:2])
    for memory in ("returned", "kept"):
        if memory == "kept" and not keep_memory(): break
        for point in itertools.product(("conv", "transpose"), *grid.values()):
            row = measured(*point, repeats)
            if row is None: continue
            rows.append(dict(memory=memory, **row))
            print({name: round(v, 2) if isinstance(v, float) else v for name, v in rows[-1].items()}, flush=True)
    settings = dict(grid=grid, repeats=repeats, most=MOST, seed=0, clock=CLOCK)
    write_json(out, dict(rows=rows, settings=settings, environment=environment()))
