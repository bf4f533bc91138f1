"""The data of a run, over changes that Hypothesis makes: what opens a run knows its points again, or refuses others."""
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvae_nb.commands.cli import page, train
from kvae_nb.commands.sources import load_source
from kvae_nb.instrument.explorer import SavedRun
from kvae_nb.runs.manifest import read_manifest
from kvae_nb.runs.source import load_again

quick = settings(max_examples=25, derandomize=True, deadline=None, database=None)
FEW = dict(recipe="paper", n_init=1, n_iters=1, pretrain_steps=3, vae_steps=3, disc_steps=3, refine_steps=3)
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(dict(a=RNG.normal(size=30), b=RNG.poisson(5, 30), note="x", kind=np.repeat(["u", "v"], 15)))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "A run of a table, which lies beside it"
    folder = tmp_path_factory.mktemp("data")
    TABLE.to_csv(folder/"t.csv", index=False)
    train(str(folder/"t.csv"), 2, folder/"run", label="kind", drop="note", frames=True, quiet=True, **FEW)
    return folder/"run"


def a_cell(table, i, j): return table.assign(a=table["a"].where(table.index != i, table["a"] + 1e-9 * (1 + j)))
def an_order(table, i, j): return table.iloc[np.r_[j, np.delete(np.arange(30), [j])]] if j else table.iloc[::-1]
def a_label(table, i, j): return table.assign(kind=table["kind"].where(table.index != i, "w"))
def one_less(table, i, j): return table.drop(index=i)
def one_more(table, i, j): return pd.concat([table, table.iloc[[i]]])
def columns_exchanged(table, i, j): return table.assign(a=table["b"], b=table["a"])


OTHERS = [a_cell, an_order, a_label, one_less, one_more, columns_exchanged]


def opened_by(run, data):
    "What each way of opening the run says of a file in place of its own: an error, or None"
    source = read_manifest(run)["source"] | dict(data=str(data))
    for way in (lambda: load_again(source), lambda: load_source(source, run),
                lambda: page(str(run), str(data), str(data.parent/"page.html"))):
        try: way()
        except ValueError as e: yield str(e)
        else: yield None


@quick
@given(st.sampled_from(OTHERS), st.integers(0, 29), st.integers(0, 29))
def test_other_points_are_refused(run, change, i, j):
    "A cell, the order, a label, a row or a column that is another; the file keeps its name"
    with tempfile.TemporaryDirectory() as d:
        change(TABLE, i, j).to_csv(Path(d)/"t.csv", index=False)
        assert all(said and "has changed" in said and "t.csv" in said for said in opened_by(run, Path(d)/"t.csv"))


@quick
@given(st.permutations(list(TABLE)), st.sampled_from(["t.tsv", "u.csv.gz", "v.parquet"]), st.booleans())
def test_the_same_points_are_known_again(run, columns, name, more):
    "In another place, format and order of the columns, with further ones beside"
    with tempfile.TemporaryDirectory() as d:
        table = TABLE[list(columns)].assign(**dict(new=1.) if more else {})
        if name.endswith("parquet"): table.to_parquet(Path(d)/name)
        else: table.to_csv(Path(d)/name, index=False, sep="\t" if ".tsv" in name else ",")
        assert set(opened_by(run, Path(d)/name)) == {None}


@quick
@given(st.sampled_from(OTHERS), st.integers(0, 29), st.integers(0, 29))
def test_the_explorer_shows_no_other_points(run, change, i, j):
    "Neither those of its file, once that is another, nor those that it is given"
    file = run.parent/"t.csv"
    before, (X, y) = file.read_bytes(), load_again(read_manifest(run)["source"])
    assert SavedRun(run).missing == "" and (SavedRun(run, X, y).scene.X == X).all()
    try:
        changed = change(TABLE, i, j)
        changed.to_csv(file, index=False)
        assert "has changed" in SavedRun(run).missing and SavedRun(run).scene.X is None
        with pytest.raises(ValueError, match=r"points that .* was trained on"):
            SavedRun(run, changed[["a", "b"]].to_numpy(), changed["kind"].to_numpy())
    finally: file.write_bytes(before)
