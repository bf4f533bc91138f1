"Tables with words: a planted mixture, frames of two libraries, save and load, and the commands."
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from kvae_nb import KVAE
from kvae_nb.commands.cli import impute, predict, sample, train
from kvae_nb.points.kinds import UnseenLevel


def planted(n=240, seed=0):
    "Three clusters that differ in numbers, words and counts, sexes that differ in size in each, and which they are"
    rng = np.random.default_rng(seed)
    y, sex = rng.integers(3, size=n), rng.integers(2, size=n)
    island = np.where(rng.random(n) < .8, np.array(["Biscoe", "Dream", "Torgersen"])[y], "Dream")
    frame = dict(island=island, sex=np.array(["f", "m"])[sex], bill=rng.normal(4. * y + 2 * sex, 1).round(1),
                 mass=np.exp(rng.normal(y, .4)).round(2), chicks=rng.poisson(1 + 2 * y), ringed=rng.random(n) < .5)
    return pd.DataFrame(frame), y


@pytest.fixture(scope="module")
def fitted():
    frame, _ = planted()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return KVAE(3, random_state=0, verbose=False, device="cpu").fit(frame)


def test_planted(fitted):
    frame, y = planted()
    assert adjusted_rand_score(y, fitted.labels_) > .85
    assert (fitted.predict(frame) == fitted.labels_).all()
    assert (fitted.predict(frame[frame.columns[::-1]]) == fitted.labels_).all()
    assert fitted.predict_proba(frame).argmax(1).tolist() == fitted.labels_.tolist()
    assert np.isclose(fitted.score(frame), fitted.lower_bound_, atol=1e-4)
    kinds = "kinds: real bill; positive mass; count chicks; binary sex, ringed; category island (3 levels)"
    assert kinds in fitted.summary()


def test_density_is_that_of_the_units(fitted):
    "Masses in grams: the density falls by the logarithm of 1000, labels stay"
    frame, _ = planted()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grams = KVAE(3, random_state=0, verbose=False, device="cpu").fit(frame.assign(mass=1000 * frame["mass"]))
    assert adjusted_rand_score(grams.labels_, fitted.labels_) == 1
    assert np.isclose(grams.lower_bound_, fitted.lower_bound_ - np.log(1000), atol=.02)


def test_samples(fitted):
    frame, _ = planted()
    drawn, expert = fitted.sample(2000, random_state=0)
    assert drawn.dtypes.tolist() == frame.dtypes.tolist() and len(expert) == 2000
    numbers = ["bill", "mass", "chicks"]
    assert (frame[numbers].min() <= drawn[numbers].min()).all() and (drawn[numbers].max() <= frame[numbers].max()).all()
    for name in ("island", "sex", "ringed"):
        shares = [v[name].value_counts(normalize=True).sort_index() for v in (frame, drawn)]
        assert shares[0].index.tolist() == shares[1].index.tolist() and abs(shares[0] - shares[1]).max() < .06
    assert (drawn["bill"].round(1) == drawn["bill"]).all()


def test_saved(fitted, tmp_path):
    frame, _ = planted()
    fitted.save(tmp_path/"run")
    again = KVAE.load(tmp_path/"run")
    assert (again.predict(frame) == fitted.labels_).all() and again.score(frame) == fitted.score(frame)
    pd.testing.assert_frame_equal(again.sample(9, random_state=1)[0], fitted.sample(9, random_state=1)[0])


def test_polars(fitted):
    frame, _ = planted()
    same = pl.DataFrame({name: frame[name].tolist() for name in frame})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = KVAE(3, random_state=0, verbose=False, device="cpu").fit(same)
    assert (model.labels_ == fitted.labels_).all()
    assert model.sample(5, random_state=0)[0].schema == same.schema


def test_empty_cells(fitted):
    frame, _ = planted()
    rng = np.random.default_rng(1)
    holed = frame.astype(dict(ringed=object)).mask(rng.random(frame.shape) < .1)
    assert adjusted_rand_score(fitted.predict(holed), fitted.labels_) > .75
    full = fitted.impute(holed)
    assert not full.isna().any().any()
    kept = holed.notna()
    assert (full.astype(object).where(kept) == frame.astype(object).where(kept)).where(kept, True).all().all()
    sex = holed["sex"].isna()
    assert (full["sex"] == frame["sex"])[sex].mean() > .6  # by the numbers beside it


def test_unseen(fitted):
    frame, _ = planted()
    other = frame.assign(island="Anvers")
    with pytest.warns(UnseenLevel, match="column 'island': 240 cells hold levels that fit has not seen"):
        assert adjusted_rand_score(fitted.predict(other), fitted.labels_) > .7
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnseenLevel)
        with pytest.raises(ValueError, match="Anvers"): fitted.predict(other)
    with pytest.raises(ValueError, match="columns of fit"): fitted.predict(frame.drop(columns="sex"))


def test_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frame, y = planted()
    frame.assign(kind=np.array(["u", "v", "w"])[y]).mask(np.eye(240, 7, dtype=bool)).to_csv("birds.csv", index=False)
    table = pd.read_csv("birds.csv").dropna(subset="kind")
    table.to_csv("birds.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train("birds.csv", k="3", label="kind", kinds="chicks=ordered", out="run", quiet=True)
    assert "column island holds words, 3 levels" in capsys.readouterr().out
    predict("run", "birds.csv")
    labels = pd.read_csv("labels.csv")["label"]
    assert adjusted_rand_score(labels, table["kind"]) > .8
    impute("run", "birds.csv")
    full = pd.read_csv("filled.csv")
    assert not full.isna().any().any()
    assert ((full == table.reset_index(drop=True)) | table.isna().to_numpy()).all().all()
    sample("run", 20, out="drawn.csv")
    drawn = pd.read_csv("drawn.csv")
    assert drawn.columns.tolist() == [*frame.columns, "component"]
    assert set(drawn["island"]) <= {"Biscoe", "Dream", "Torgersen"}
    with pytest.raises(ValueError, match=r"a \.csv file for a table with words"): sample("run", 3, out="drawn.npz")
