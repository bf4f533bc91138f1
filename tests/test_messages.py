"""Errors that need another machine, a damaged package or two processes: `make coverage` looks that every one is met."""
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.sparse import eye_array
from scipy.sparse.linalg import ArpackError

from kvae_nb import KVAE
from kvae_nb.commands import cli, labelling
from kvae_nb.experiments import clusters, frechet
from kvae_nb.instrument import codes
from kvae_nb.instrument.explorer import Explorer
from kvae_nb.instrument.session import Session
from kvae_nb.points import files, layout
from kvae_nb.runs import checkpoint, manifest, training
from kvae_nb.scale import ranks, shards
from kvae_nb.starts import communities

X = np.random.default_rng(0).normal(size=(30, 2))


def fails(error):
    "A function that raises this"
    def call(*_, **__): raise error
    return call


def two_hold_a_run(folder, monkeypatch):
    with manifest.hold_run(folder), manifest.hold_run(folder): pass


def no_voila(folder, monkeypatch):
    monkeypatch.setattr(cli, "find_spec", lambda _: None)
    cli.explore(None, None, "five_modes", 3)


def another_device_without_voila(folder, monkeypatch):
    monkeypatch.setattr(cli, "find_spec", lambda _: None)
    cli.explore(None, None, "five_modes", 3, device="tpu")


def no_embedding(folder, monkeypatch):
    monkeypatch.setattr(communities, "proposals", fails(ArpackError(-1)))
    communities.communities(eye_array(30).tocsr(), 3, 0)


def pooled_beyond_the_image(folder, monkeypatch):
    KVAE(2, recipe="paper", disc_pool=9, verbose=False).fit(np.random.default_rng(0).random((30, 1, 8, 8)))


def no_umap(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    clusters.gmm_on_umap(X, 2, 0)


def no_clustpy(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "clustpy", None)
    clusters.deep_row("DEC", X, None, 2, 0, clusters.EPOCHS)


def label_of_an_array(folder, monkeypatch):
    np.save(folder/"X.npy", X)
    files.read_numpy(folder/"X.npy", "y")


def no_weights_of_inception(folder, monkeypatch):
    fidelity, fid = ModuleType("torch_fidelity.feature_extractor_inceptionv3"), ModuleType("torchmetrics.image.fid")
    fidelity.URL_INCEPTION_V3, fid.FrechetInceptionDistance = "https://example.org", fails(OSError("no such file"))
    for module in (fidelity, fid):
        parents = module.__name__.split(".")[:-1]
        for i in range(len(parents)):
            monkeypatch.setitem(sys.modules, ".".join(parents[:i + 1]), ModuleType(".".join(parents[:i + 1])))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    frechet._inception(folder/"none.pth")


def nothing_to_explore(folder, monkeypatch):
    field = SimpleNamespace(value=" ")
    Explorer._open(SimpleNamespace(path=field, other=field))


def codes_of_no_vae(folder, monkeypatch): codes.latent_plane(None, SimpleNamespace(k=3, experts=object()), 0)
def never_ready(folder, monkeypatch): Session.wait(SimpleNamespace(busy=True), 0)


def no_points_to_label(folder, monkeypatch):
    model = SimpleNamespace(weights_=[1.], scaling_=SimpleNamespace(shape=(2,)))
    labelling.write_labels(model, iter(()), folder/"l.csv")


def a_scale_of_zero(folder, monkeypatch):
    held = dict(low=0, high=1, shift=[0.], scale=[0.])
    checkpoint.scaling_from(dict(shape=[1], tensors={f"scaling.{k}": torch.tensor(v) for k, v in held.items()}))


def a_checkpoint_alone(folder, monkeypatch):
    monkeypatch.setattr(checkpoint, "read_state", lambda *_, **__: (None, dict(phase="compete")))
    KVAE.load(folder)


def not_in_utf_8(folder, monkeypatch):
    (folder/"a.csv").write_bytes("a,b\n".encode("utf-16"))
    layout.csv_layout(folder/"a.csv")


def nine_ranks(monkeypatch):
    "This process believes that it is the first of nine; the others know of other data"
    for name, value in dict(is_initialized=True, get_world_size=9, get_rank=0).items():
        monkeypatch.setattr(shards.dist, name, lambda value=value: value)
    def gather(found, about): found[:] = [about, *8 * [dict.fromkeys(about, "other")]]
    monkeypatch.setattr(shards.dist, "all_gather_object", gather)


def experts_for_nine_ranks(folder, monkeypatch):
    nine_ranks(monkeypatch)
    shards.sharded_parts(SimpleNamespace(n_components=8), (2,))


def a_state_for_nine_ranks(folder, monkeypatch):
    nine_ranks(monkeypatch)
    shards.sharded_state(SimpleNamespace(k=7))


def ranks_that_differ(folder, monkeypatch):
    nine_ranks(monkeypatch)
    ranks.check_agreement(dict(data="mine"))


def frames_of_ranks(folder, monkeypatch):
    nine_ranks(monkeypatch)
    training.Training(folder, {}, watch=print)


MET = {
    two_hold_a_run: "path should be a run that no other process trains",
    no_voila: "voila should be installed, to serve the page: pip install",
    another_device_without_voila: "device should be",
    no_embedding: "the graph of neighbours has no embedding",
    pooled_beyond_the_image: "disc_pool should be at most the images' side, 8; got 9",
    no_umap: "pip install umap-learn",
    no_clustpy: "pip install clustpy",
    label_of_an_array: "label should be left out: an .npy file holds points alone; got 'y'",
    no_weights_of_inception: "example.org",
    nothing_to_explore: "run should be a run directory; got nothing",
    codes_of_no_vae: "object",
    never_ready: "still busy after 0 s",
    no_points_to_label: "data should be a file with points; got none",
    a_scale_of_zero: "scale should be positive",
    a_checkpoint_alone: "a run directory of a fitted KVAE; got",
    not_in_utf_8: "data should be a text file in UTF-8",
    experts_for_nine_ranks: "n_components should be at least the number of ranks, 9; got 8",
    a_state_for_nine_ranks: "n_components should be at least the number of ranks, 9; got 7",
    ranks_that_differ: "data should be the same on all ranks: mine on rank 0; got other on rank 1",
    frames_of_ranks: "frames should be off: several ranks keep none; got True",
}


@pytest.mark.parametrize("act", MET, ids=lambda act: act.__name__)
def test_met(act, tmp_path, monkeypatch):
    with pytest.raises((ValueError, ImportError, RuntimeError, TimeoutError)) as said: act(tmp_path, monkeypatch)
    assert MET[act] in str(said.value)
