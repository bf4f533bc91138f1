"""Data, ranges and outputs that cannot be used: one clear error each, before anything is trained; nothing is lost."""
import hashlib
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kvae_nb import KVAE, competition
from kvae_nb.commands.cli import explore, page, predict, sample, train, train_command

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2)) + np.repeat([[0, 0], [9, 0]], 20, 0)
NUMBERS = pd.DataFrame(X, columns=["a", "b"])
TABLE = NUMBERS.assign(kind=["u", "v"] * 20)
QUICK = dict(recipe="paper", n_init=1, n_iters=1, pretrain_steps=5, vae_steps=5, disc_steps=5, refine_steps=5)


def with_cell(value):
    "The table, one of its cells another"
    changed = TABLE.astype(dict(b=object))
    changed.loc[3, "b"] = value
    return changed


TABLES = dict(good=TABLE, text=with_cell("many"), gap=with_cell(""), infinite=with_cell("inf"), no_rows=TABLE[:0],
              equal=NUMBERS * 0 + 1, renamed=TABLE.rename(columns=dict(b="c")),
              label_gap=TABLE.replace(dict(kind={"v": None})))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    "A folder with a run and much that is wrong"
    folder = tmp_path_factory.mktemp("files")
    for name, table in TABLES.items(): table.to_csv(folder/f"{name}.csv", index=False)
    NUMBERS.to_csv(folder/"no_header.csv", index=False, header=False)
    for name in ("empty.csv", "page.html"): (folder/name).touch()
    np.save(folder/"wide.npy", RNG.normal(size=(9, 3)))
    for name in ("no_images", "sizes", "broken"): (folder/name).mkdir()
    (folder/"no_images"/"readme.txt").write_text("none here")
    for i, side in enumerate((8, 8, 9)): Image.new("L", (8, side)).save(folder/"sizes"/f"{i}.png")
    Image.new("L", (8, 8)).save(folder/"broken"/"0.png")
    (folder/"broken"/"1.png").write_bytes(b"no image")
    train(str(folder/"good.csv"), 2, folder/"run", label="kind", quiet=True, **QUICK)
    return folder


def held(folder):
    "Every file below, by its content"
    return {f.relative_to(folder): hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.rglob("*") if f.is_file()}


@pytest.fixture
def refused(files, monkeypatch):
    "What a call says that is refused: nothing was trained, nothing written, nothing lost"
    def trained(*_, **__): raise AssertionError("this was trained")
    monkeypatch.setattr(competition, "fit", trained)
    monkeypatch.chdir(files)
    def call(f, *args, **options):
        before = held(files)
        with pytest.raises(ValueError) as said: f(*args, **options)
        assert held(files) == before
        return str(said.value)
    return call


TRAIN = {  # data and options -> what is said
    "text in a column": (dict(data="text.csv", label="kind"), "'many' in column 'b' in row 4"),
    "an infinite value": (dict(data="infinite.csv", label="kind"), "infinite values in column 'b', the first in row 4"),
    "kinds of no column": (dict(data="good.csv", kinds="c=count"), "kinds should be made of columns of the table"),
    "a kind that is none": (dict(data="good.csv", kinds="a=colour"), "one of 'real', 'positive', 'count'"),
    "kinds of an array": (dict(data="wide.npy", kinds="a=count"), "only tables have columns"),
    "no header": (dict(data="no_header.csv"), "a table with a header"),
    "an empty file": (dict(data="empty.csv"), "a CSV file with a header"),
    "no rows": (dict(data="no_rows.csv", label="kind"), "a table with rows"),
    "no file": (dict(data="none.csv"), "an existing .csv, .parquet, .npy or .npz file or a folder of images"),
    "equal points": (dict(data="equal.csv"), "data that vary; got 40 points that are all equal"),
    "a wrong label": (dict(data="good.csv", label="sort"), "label should be one of the columns ['a', 'b', 'kind']"),
    "missing labels": (dict(data="label_gap.csv", label="kind"), "label should be a column without gaps"),
    "a wrong column": (dict(data="good.csv", drop="id"), "drop should be one of the columns"),
    "no column left": (dict(data="good.csv", drop="a,b,kind"), "some of the columns, not all"),
    "no images": (dict(data="no_images"), "a folder with images, or with a folder of images for each class"),
    "images of two sizes": (dict(data="sizes"), "images of one size"),
    "an image that is none": (dict(data="broken"), "images that can be read; got broken/1.png"),
    "k = 0": (dict(k="0"), "k should be a number from 1, 'auto', or a range"),
    "a range from 0": (dict(k="0-3"), "k should be a number from 1, 'auto', or a range"),
    "a range backwards": (dict(k="4-2"), "from the smaller to the larger, such as 2-12; got 4-2"),
    "a range beyond n": (dict(k="2-41"), "k should be at most 40, the number of points; got (2, 41)"),
    "k beyond n": (dict(k="41"), "k should be at most 40, the number of points; got 41"),
    "a run that exists": (dict(out="run"), "a run directory that does not exist yet; got run, which exists"),
    "a file in the way": (dict(out="good.csv/run"), "below a folder"),
}


@pytest.mark.parametrize("what", TRAIN)
def test_train(refused, what):
    options, message = TRAIN[what]
    usual = {} if "data" in options else dict(data="good.csv", label="kind")
    assert message in refused(train, **{"out": "new", "k": 2, "quiet": True, **usual, **options})


OUTPUTS = {  # command, its arguments -> what is said
    "other columns": (predict, ("run", "renamed.csv", "l.csv"), "the columns of the run, ['a', 'b']; got renamed.csv"),
    "text": (predict, ("run", "text.csv", "l.csv"), "'many' in column 'b' in row 4"),
    "no header": (predict, ("run", "no_header.csv", "l.csv"), "a table with a header"),
    "other features": (predict, ("run", "wide.npy", "l.csv"), "points of shape (2,), as in fit; got (3,)"),
    "images": (predict, ("run", "sizes", "l.csv"), "images of one size"),
    "labels that exist": (predict, ("run", "good.csv", "no_rows.csv"), "does not exist yet; got no_rows.csv"),
    "labels elsewhere": (predict, ("run", "good.csv", "none/l.csv"), "in a folder that exists"),
    "no run": (predict, ("good.csv", "good.csv", "l.csv"), "a run directory (a folder with a run.json)"),
    "samples that exist": (sample, ("run", 9, None, 0, "good.csv"), "does not exist yet; got good.csv, which exists"),
    "a page that exists": (page, ("run", None, "page.html"), "does not exist yet; got page.html, which exists"),
    "k of the page": (explore, (None, None, "wide.npy", 10), "an integer, at least 1 and at most 9; got 10"),
}


@pytest.mark.parametrize("what", OUTPUTS)
def test_outputs(refused, what):
    command, arguments, message = OUTPUTS[what]
    assert message in refused(command, *arguments)


HOLED = NUMBERS.reindex(range(1, 41))
FRAMES = {  # parameters, points -> what is said
    "words, and experts of numbers": (dict(n_components=2, experts="gaussian"), TABLE, "experts should be 'mixed'"),
    "words in numbers": (dict(n_components=2), with_cell("many"), "'many' in row 4"),
    "kinds of no column": (dict(n_components=2, kinds=dict(c="count")), TABLE, "kinds should be made of columns"),
    "a kind that is none": (dict(n_components=2, kinds=dict(a="word")), TABLE, "one of 'real', 'positive', 'count'"),
    "words that are to be real": (dict(n_components=2, kinds="kind=real"), TABLE, "numbers in column 'kind'; got 'u'"),
    "numbers that are no counts": (dict(n_components=2, kinds="a=count"), TABLE, "whole numbers from 0 to 1000 in"),
    "one word": (dict(n_components=2), TABLE.assign(kind="u"), "without column 'kind', which tells nothing"),
    "a word a row": (dict(n_components=2), TABLE.assign(kind=[f"u{i}" for i in range(40)]), "leave the column out"),
    "mixed types": (dict(n_components=2), TABLE.assign(kind=["u", "v", 3] + ["u"] * 37), "number 3 in row 3"),
    "a column without values": (dict(n_components=2), NUMBERS.assign(a=float("nan")), "no value at all in column 'a'"),
    "missing values and flows": (dict(n_components=2, experts="flow"), HOLED, "'adaptive', 'gaussian', 'linear'"),
    "missing values and discriminators": (dict(n_components=2, rule="ratio"), HOLED, "rule should be 'bound'"),
    "a range from 0": (dict(n_components=(0, 3)), NUMBERS, "1 <= low <= high <= 40, the number of points; got (0, 3)"),
    "a range backwards": (dict(n_components=(4, 2)), NUMBERS, "low <= high <= 40, the number of points; got (4, 2)"),
    "a range beyond n": (dict(n_components=(2, 41)), NUMBERS, "<= 40, the number of points; got (2, 41)"),
    "k beyond n": (dict(n_components=41), NUMBERS, "at least n_components=41 points"),
}


@pytest.mark.parametrize("what", FRAMES)
def test_estimator(refused, what):
    params, frame, message = FRAMES[what]
    assert message in refused(KVAE(**params, verbose=False).fit, frame)


def test_columns_that_differ(files, refused):
    "The columns of a table are those of the model that was trained on it"
    model = KVAE.load(files/"run")
    assert (model.predict(NUMBERS) == model.labels_).all()
    assert "in the same order as they were in fit" in refused(model.predict, NUMBERS[["b", "a"]])
    assert "unseen at fit time:\n- c\n" in refused(model.predict, NUMBERS.rename(columns=dict(b="c")))
    assert "should match those that were passed during fit" in refused(model.predict, NUMBERS.assign(c=0))


def test_saved_over(files, refused):
    "A model is never saved over another"
    assert "does not exist yet" in refused(KVAE.load(files/"run").save, files/"run")


def test_one_line(files, monkeypatch, capsys):
    "On the command line it is one line, and no traceback"
    monkeypatch.chdir(files)
    monkeypatch.setattr(sys, "argv", ["kvae-train", "--data", "infinite.csv", "--label", "kind", "--out", "new"])
    with pytest.raises(SystemExit) as ended: train_command()
    said = str(ended.value)
    assert said.startswith("kvae-train: data should be a table of numbers") and "\n" not in said
    assert capsys.readouterr().err == ""
