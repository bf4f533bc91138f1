"""Run directories that are damaged, or made to harm: each is refused with a `ValueError`, within 500 MB; nothing is
executed, and nothing is read outside. 100 of them, and 500 with --slow.

Damage by accident does not know the checksums. Where somebody means harm they are right (`forged`)."""
import hashlib
import json
import os
import random
import resource
import shutil
import sys
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from kvae_nb import KVAE
from kvae_nb.base.disk import sha256
from kvae_nb.commands.cli import train
from kvae_nb.commands.labelling import source_of
from kvae_nb.instrument.recording import SavedRecording
from kvae_nb.runs.manifest import sealed
from kvae_nb.runs.whole import EMPTY, write_whole
from project import ROOT

BYTES = 500e6
FEW = dict(n_init=1, n_iters=2, pretrain_steps=5, vae_steps=5, disc_steps=5, refine_steps=5, quiet=True, device="cpu")
RUNS = dict(paper=dict(recipe="paper", hidden=(8,), disc_hidden=(8,)), auto=dict(hidden=(4,)), conv=dict(hidden=(2, 2)))


# ---- what is done to a run directory

def forged(folder):
    "Make all checksums of a manifest right again"
    meta = manifest(folder)
    meta["files"] = {name: sha256(folder/name) if (folder/name).is_file() else "0" for name in meta["files"]}
    tell(folder, meta)


def manifest(folder):
    meta = json.loads((folder/"run.json").read_text())
    meta.pop("checksum", None)
    return meta


def tell(folder, meta): (folder/"run.json").write_text(json.dumps(sealed(meta)))


def parts(folder):
    "Header, JSON and tensors' bytes of a model"
    data = (folder/"model.safetensors").read_bytes()
    n = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + n])
    return header, json.loads(header["__metadata__"]["state"]), data[8 + n:]


def put(folder, header, text, data):
    "Write a model whose JSON is a text, with its right checksum"
    header["__metadata__"] = dict(state=text)
    said = json.dumps(header, ensure_ascii=False).encode()
    whole = len(said).to_bytes(8, "little") + said + data
    (folder/"model.safetensors").write_bytes(whole.replace(EMPTY, hashlib.sha256(whole).hexdigest().encode(), 1))


def says(folder, **changes):
    "A model that says something else, with its right checksum"
    header, about, data = parts(folder)
    put(folder, header, json.dumps({**about, "checksum": EMPTY.decode(), **changes}), data)


def a_file(folder, rng):
    files = {"run.json", "model.safetensors", *manifest(folder)["files"]}
    return folder/rng.choice(sorted(name for name in files if (folder/name).exists()))


def truncated(folder, rng):
    file = a_file(folder, rng)
    file.write_bytes(file.read_bytes()[:rng.randrange(file.stat().st_size)])


def flipped(folder, rng):
    "One bit; in run.json not in the case of a letter of a number, which means the same"
    file = a_file(folder, rng)
    data = bytearray(file.read_bytes())
    at = rng.randrange(len(data))
    data[at] ^= 1 << rng.randrange(5 if chr(data[at]).isalpha() else 8)
    file.write_bytes(data)


def grown(folder, rng):
    file = a_file(folder, rng)
    file.write_bytes(file.read_bytes() + rng.randbytes(rng.randrange(1, 99)))


def noise(folder, rng):
    file = a_file(folder, rng)
    file.write_bytes(rng.randbytes(file.stat().st_size))


def gone(folder, rng): a_file(folder, rng).unlink()


def exchanged(folder, rng):
    names = rng.sample(sorted({"run.json", *(f.name for f in folder.glob("*.safetensors"))}), 2)
    data = [(folder/name).read_bytes() for name in names]
    for name, other in zip(names, data[::-1]): (folder/name).write_bytes(other)


def linked(folder, rng):
    "A file that stands elsewhere, with the right content"
    file = a_file(folder, rng)
    elsewhere = folder.parent/f"elsewhere-{file.name}"
    shutil.move(file, elsewhere)
    file.symlink_to(elsewhere)


def no_file(folder, rng):
    "A folder or a pipe in place of a file"
    file = a_file(folder, rng)
    file.unlink()
    if rng.random() < .5: file.mkdir()
    else: os.mkfifo(file)


def outside(folder, rng):
    "A name that leads out of the folder, checksum and all"
    secret = folder.parent/"secret.txt"
    secret.write_text("secret")
    ways = ["../secret.txt", str(secret), f"../{folder.name}/../secret.txt", "./../secret.txt", "..", "a\0b", "x" * 999]
    name = rng.choice(ways)
    meta = manifest(folder)
    if rng.random() < .5 or meta["format"] == 3: meta["files"][name] = sha256(secret)
    else: meta["names"] = {"weights.safetensors": name}
    tell(folder, meta)


def header(folder, rng):
    "A header that is longer than the file, or than any memory"
    file = folder/"model.safetensors"
    size = rng.choice([0, 1, file.stat().st_size, 2**26, 2**40, 2**63, 2**64 - 1])
    file.write_bytes(size.to_bytes(8, "little") + file.read_bytes()[8:])


def sparse(folder, rng):
    "A header of 64 MB of zeros, or a file that says it has more bytes than a disk"
    file = folder/"model.safetensors"
    size = rng.choice([2**26, 2**41])
    with file.open("wb") as f:
        f.write(size.to_bytes(8, "little"))
        f.truncate(size + 8)


def declared(folder, rng):
    "A header whose shapes or places are not those of the data"
    head, about, data = parts(folder)
    one = head[rng.choice([name for name in head if name != "__metadata__"])]
    shapes = [2**40, 2**40], [10**9], "all", [2**62, 4, 0]
    places = [0, 2**50], [-1, 4]
    one |= rng.choice([dict(dtype="F4"), *[dict(shape=v) for v in shapes], *[dict(data_offsets=v) for v in places]])
    put(folder, head, json.dumps({**about, "checksum": EMPTY.decode()}), data)


HUGE = dict(hidden=[10**6] * 2, latent=10**9, n_components=10**7, n_importance=10**10, disc_hidden=[10**7, 10**7])
MANY = dict(hidden=[1] * 10**5, disc_hidden=[1] * 10**5)


def sizes(folder, rng):
    "Settings or a shape that ask for more memory than there is"
    settings = parts(folder)[1]["settings"]
    of_scorer = settings["rule"] == "bound"
    choices = [(name, v) for sizes in (HUGE, MANY) for name, v in sizes.items() if not (of_scorer and "disc" in name)]
    shapes = [10**9], [10**5, 10**5, 10**5], [-1], []
    name, value = rng.choice([*choices, *[("shape", shape) for shape in shapes]])
    says(folder, **{name: value} if name == "shape" else dict(settings=settings | {name: value}))


DEEP = "[" * 10**5, '{"a":' * 10**5
LARGE = "[" + "1," * 10**7 + "1]", "[" + "[]," * 10**7 + "[]]", " " * 2**26, "9" * 10**6
OTHER = ["[]", "{}", '"text"', "-1", "null", '{"recipe": Infinity}', '{"hidden": {"a": 1}}', '[{"sizes": "many"}]']
NONE = ["NaN", "", "\0", "1e999", '"\\ud800"', '{"format": 2, "files": []}']


def garbage(folder, rng):
    "JSON that is none, or something else, or too much: the manifest, all that a model says, or a part of it"
    name, text = rng.choice(["run.json", "all", "settings", "history"]), rng.choice([*DEEP, *LARGE, *OTHER, *NONE])
    if name == "run.json": return (folder/name).write_text(text)
    head, about, data = parts(folder)
    about["checksum"] = EMPTY.decode()
    put(folder, head, text if name == "all" else json.dumps({**about, name: 0})[:-1] + f', "{name}": {text}}}', data)


OF_REPORT = [{"far": 3}, {"far": {"typical": 0, "below": "low"}}, {"restarts": {"agreement": ["high"]}}]
WRONG = dict(format=[4, "2", None, -1], files=[None, 3, [], "all"])
WRONG_OF_MODEL = dict(
    iteration=["one", -1, None, 1e9], phase=[3, None, ["done"]], lower_bound=["low", [1]],
    params=[3, None, {"colour": 1}, {"hidden": 3}], shape=["ab", None, [2.5], [[1]]], settings=[3, None, ["a"]],
    report=[3, ["a"], {"recipe": 1}, {"starts": 3}, *OF_REPORT])


def told(folder, rng):
    "A manifest, or a model, that says something else than it should, with the right checksum"
    name = rng.choice(sorted(WRONG | WRONG_OF_MODEL))
    if name in WRONG: tell(folder, manifest(folder) | {name: rng.choice(WRONG[name])})
    else: says(folder, **{name: rng.choice(WRONG_OF_MODEL[name])})


def crowd(folder, rng):
    "A manifest with thousands of names"
    meta = manifest(folder)
    meta["files"] |= {f"{i}.json": "0" for i in range(rng.choice([3000, 10**5]))}
    tell(folder, meta)


def partition(folder, rng):
    "A partition of other points, or among other experts"
    tensors, about = load_file(folder/"model.safetensors"), parts(folder)[1]
    name = rng.choice(["c", "members", "member_sizes", "alpha", "log_z", "visited"])
    held = tensors.get(f"state.{name}", tensors["state.c"][None])
    wrong = [held + 10**6, held[..., :0], torch.zeros(1, 1, 1)]
    if name in ("alpha", "log_z"): wrong = wrong[1:]
    del about["checksum"]
    tensors[f"state.{name}"] = rng.choice(wrong).contiguous()
    write_whole(folder/"model.safetensors", tensors, about)


ACCIDENTS = [truncated, flipped, grown, noise, gone, exchanged, linked, no_file, outside, crowd]
DAMAGES = [*ACCIDENTS, header, sparse, declared, sizes, garbage, told, partition]


# ---- what is seen while it is opened

SEEN, WATCHED = [], []
FORBIDDEN = {"exec", "compile", "import", "pickle.find_class", "subprocess.Popen", "os.system", "os.exec",
             "os.posix_spawn", "os.fork", "socket.connect", "ctypes.dlopen"}


def audit(event, args):
    "Python tells of every file that is opened and of all that is executed"
    if not WATCHED: return
    if event in FORBIDDEN: SEEN.append((event, str(args)[:99]))
    if event != "open" or not isinstance(args[0], (str, bytes)): return
    inside = str(WATCHED[0]), "/proc/self/"  # where threadpoolctl looks for libraries
    if not os.fsdecode(args[0]).startswith(inside): SEEN.append((event, args[0]))


sys.addaudithook(audit)


def peak():
    "Bytes that this process has had at most"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def opened(folder):
    "The model, the recording and the source, or None for each that is refused"
    answers = []
    WATCHED.append(folder)
    try:
        for open_it in (KVAE.load, lambda path: list(SavedRecording(path)), source_of):
            try: answers.append(open_it(folder))
            except ValueError: answers.append(None)
    finally: WATCHED.clear()
    return answers


# ---- the tests

@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    "Whole run directories, with their frames"
    root = tmp_path_factory.mktemp("runs")
    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    images = np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8), dtype=np.uint8)
    for name, settings in RUNS.items():
        data = root/f"{name}.npy"
        np.save(data, images if name == "conv" else X)
        more = dict(network="conv", recipe="paper") if name == "conv" else {}
        with warnings.catch_warnings(action="ignore"):
            train(str(data), 3, str(root/name), frames=True, **FEW, **settings, **more)
    return root


@pytest.mark.parametrize("name", RUNS)
def test_whole_ones_are_opened(runs, name, capsys):
    "What all others are measured against; a copy under other checksums is opened, too"
    model, frames, source = opened(runs/name)
    assert len(model.labels_) == 60 and len(frames) > 1 and source["data"] == str(runs/f"{name}.npy")
    SEEN.clear()
    model, *_ = opened(runs/name)
    assert model and not SEEN


def refused(cases, damages, tmp_path):
    "Damage copies of some run directories; what was not refused as it should be"
    SEEN.clear()
    before, failed = peak(), []
    for i, run in enumerate(cases):
        rng, damage, folder = random.Random(i), damages[i % len(damages)], tmp_path/str(i)/"run"
        shutil.copytree(run, folder)
        damage(folder, rng)
        with warnings.catch_warnings(action="ignore"): model, *_ = opened(folder)
        wrong = dict(opened=model is not None, large=peak() - before > BYTES, seen=SEEN[:3])
        if any(wrong.values()): failed.append((i, damage.__name__, wrong))
        SEEN.clear()
        shutil.rmtree(folder.parent)
    return failed


def test_damaged_ones_are_refused(runs, request, tmp_path, record_property):
    n = 500 if request.config.getoption("--slow") else 100
    for name in RUNS: opened(runs/name)  # what is imported late is there
    cases = [runs/random.Random(i).choice(sorted(RUNS)) for i in range(n)]
    assert not refused(cases, DAMAGES, tmp_path)
    record_property("damaged run directories, all refused", n)


def test_damaged_ones_of_format_2_are_refused(tmp_path, record_property):
    "Any of their files"
    opened(ROOT/"tests/format2/stopped")
    assert not refused([ROOT/"tests/format2/stopped"] * 60, ACCIDENTS, tmp_path)
    record_property("damaged run directories of format 2, all refused", 60)
