"""The classifier in whose features the Fréchet distance on MNIST is taken: trained, saved, and what it measures.

    python benchmarks/classifier.py      # ten minutes on one core

It writes the weights that come with the package, and benchmarks/results/classifier.json. Where the weights change,
WEIGHTS_SHA256 in the chapter on the Fréchet distance has to follow."""
from pathlib import Path

import numpy as np
import torch
from fastcore.script import call_parse
from safetensors.torch import save_file
from scipy.ndimage import gaussian_filter
from torch.nn import functional as F

from kvae_nb.base.disk import sha256, write_json
from kvae_nb.base.machine import Timer, environment
from kvae_nb.base.randomness import generator, seeded
from kvae_nb.data import mnist
from kvae_nb.experiments.frechet import ClassifierFeatures, DigitNet, Reference


def images(root, split):
    "MNIST in [0, 1], and the digits"
    X, y = mnist(root, split)
    return (X / 255).astype("float32"), torch.as_tensor(y)


def train(X, y, epochs, lr, batch_size, seed):
    "Adam, the learning rate rising and falling in one cycle"
    with seeded(seed, "classifier"): net = DigitNet()
    n_batches = len(X) // batch_size
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    rate = torch.optim.lr_scheduler.OneCycleLR(opt, lr, total_steps=epochs * n_batches)
    for epoch in range(epochs):
        order = torch.randperm(len(X), generator=generator(seed, "epoch", epoch))
        for idx in order.split(batch_size)[:n_batches]:
            loss = F.cross_entropy(net(X[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            rate.step()
        print(f"epoch {epoch + 1}, loss {loss.item():.4f}", flush=True)
    return net.eval()


@torch.no_grad()
def rescale(net, X):
    "Divide the features by their root mean square over `X`, and multiply it into the next layer: the same classifier"
    size = torch.cat([net.body(part) for part in X.split(1000)]).square().mean().sqrt()
    for p in net.body[-2].parameters(): p /= size
    net.head.weight *= size


@torch.no_grad()
def accuracy(net, X, y):
    "Share of images whose digit is found"
    return float(torch.cat([net(part).argmax(1) for part in X.split(1000)]).eq(y).double().mean())


def distances(train_images, test_images, features, seeds):
    "What real, blurred and made-up images get, as many on both sides"
    refs = [Reference(test_images, train_images, features, seed=seed) for seed in range(seeds)]
    some = train_images[:len(test_images)]
    made = {f"blur_{s}": gaussian_filter(some, (0, 0, s, s)).clip(0, 1) for s in (.5, 1, 2)}
    made["noise"] = np.random.default_rng(0).random(some.shape, dtype="float32")
    scores = {name: refs[0].score(X) for name, X in made.items()}
    return dict(floor=[r.floor for r in refs], kid_floor=[r.kid_floor for r in refs], scores=scores)


def measured(net, X, y, X_test, y_test):
    "Accuracies, features, and how long the features of the test images take"
    features = ClassifierFeatures(net)
    with Timer() as timer: found = features(X_test)
    return dict(accuracy=accuracy(net, torch.as_tensor(X_test), y_test),
                train_accuracy=accuracy(net, torch.as_tensor(X), y),
                features_seconds_10000=timer.seconds, features=found.shape[1],
                active_features=int((found.std(0) > 0).sum()), **distances(X, X_test, features, 5))


@call_parse
def main(
    root:str=None,       # Folder with MNIST (else KVAE_DATA, else the cache folder)
    epochs:int=6,        # Passes over the 60 000 training images
    lr:float=2e-3,       # Largest learning rate
    batch_size:int=128,  # Images in a step
    seed:int=0,          # For the initial values and the order
    weights:str="kvae_nb/classifier.safetensors",  # Where the weights go
    out:str="benchmarks/results/classifier.json",  # Where the numbers go
):
    "Train the classifier, save it, measure it"
    torch.set_num_threads(1)
    (X, y), (X_test, y_test) = images(root, "train"), images(root, "test")
    settings = dict(epochs=epochs, lr=lr, batch_size=batch_size, seed=seed)
    with Timer() as timer:
        net = train(torch.as_tensor(X), y, **settings)
        rescale(net, torch.as_tensor(X))
    save_file({name: v.detach().contiguous() for name, v in net.state_dict().items()}, weights)
    record = dict(measured(net, X, y, X_test, y_test), sha256=sha256(weights), bytes=Path(weights).stat().st_size,
                  seconds=timer.seconds, settings=settings)
    write_json(out, dict(record, environment=environment()))
    print(record)
