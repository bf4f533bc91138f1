"""Labels, bounds and samples of ten settings, bit for bit, in two checkouts: python benchmarks/identity.py OLD NEW

A checkout of any commit: git archive COMMIT | tar x -C FOLDER. Each setting runs in a process of its own, with the
folder first on the path; digests depend on the processor, so both sides run on one machine (a minute)."""
import hashlib
import inspect
import json
import os
import subprocess
import sys

SMALL = dict(
    n_iters=6,
    pretrain_steps=30,
    vae_steps=10,
    disc_steps=10,
    refine_steps=40,
    random_state=3,
    verbose=False,
    device="cpu")
CLUSTERS = dict(SMALL, n_iters=3, init_steps=60)
FIVE, FOUR = dict(SMALL, n_components=5), dict(SMALL, n_components=4)
SETTINGS = {
    "vectors, the paper's rule, restarts": ("five_modes", FIVE),
    "rule raw, shared trunk": ("five_modes", dict(FOUR, rule="raw", discriminator="shared", n_init=2)),
    "rule bound, weighted": ("five_modes", dict(SMALL, n_components=3, rule="bound", weighted=True, n_init=2)),
    "rule both, keep": ("five_modes", dict(FIVE, rule="both", bound_iters=2, balance="keep", n_init=1)),
    "rule nearest, balance none": ("five_modes", dict(FIVE, rule="nearest", balance="none", n_init=1)),
    "start k-means": ("five_modes", dict(CLUSTERS, n_components=5, init="kmeans")),
    "a first partition of one's own, float64": (
        "five_modes", dict(CLUSTERS, n_components=5, init="labels", dtype="float64")),
    "images, start latent": ("digits", dict(CLUSTERS, n_components=10)),
    "images, the paper's recipe": ("digits", dict(FOUR, init="uniform")),
    "images, convolutions": (
        "digits", dict(SMALL, n_components=3, init="uniform", network="conv", hidden=(4, 8), n_init=2)),
}


def adapted(KVAE, settings, X):
    "The settings in the words of the checkout: the paper's recipe was init='uniform' before it had a name"
    named = "recipe" in inspect.signature(KVAE).parameters
    settings = dict(settings)
    if settings.get("init") == "labels":
        settings["init"] = (X[:, 0] > 0).astype(int) + 2 * (X[:, 1] > 0)
        settings["recipe"] = "clusters"
    elif settings.get("init") == "kmeans" or (X.ndim == 4 and "init" not in settings):
        settings["recipe"] = "clusters"
    else:
        settings["recipe"] = "paper"
    if not named:
        del settings["recipe"]
    return settings


def digest(name):
    "What one setting gives, as hexadecimal"
    import torch

    from kvae_nb import KVAE, data
    torch.set_num_threads(1)
    data_set, settings = SETTINGS[name]
    X = data.five_modes(600, 1)[0] if data_set == "five_modes" else data.digits()[0][:500]
    model = KVAE(**adapted(KVAE, settings, X)).fit(X)
    made = hashlib.sha256()
    bound = model.score_samples(X[:50]) if hasattr(model.state_.experts, "bound") else model.weights_
    for array in (model.labels_, bound, model.sample(50, random_state=1)[0], model.predict_proba(X[:50])):
        made.update(array.tobytes())
    return made.hexdigest()


def run(folder, name):
    "The digest of a setting in a checkout"
    env = os.environ | dict(PYTHONPATH=os.path.abspath(folder), OMP_NUM_THREADS="1")
    command = [sys.executable, os.path.abspath(__file__), "--digest", name]
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=folder)
    return done.stdout.strip() if done.returncode == 0 else f"failed: {done.stderr.strip().splitlines()[-1]}"


def main(old, new):
    "Both sides of every setting, a line each"
    same = {}
    for name in SETTINGS:
        a, b = run(old, name), run(new, name)
        same[name] = a == b and len(a) == 64
        print(f"{'same     ' if same[name] else 'DIFFERENT'} {name}: {a[:60]} {b[:60]}", flush=True)
    print(json.dumps(dict(settings=len(same), same=sum(same.values()))))
    sys.exit(not all(same.values()))


if __name__ == "__main__":
    if sys.argv[1] == "--digest":
        print(digest(sys.argv[2]))
    else:
        main(*sys.argv[1:])
