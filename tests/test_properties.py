"""Whatever comes: a model whose promises hold, or a `ValueError` before anything is trained.

Shapes, dtypes, scales, duplicates, constant columns, outliers, NaN, sizes and parameters are drawn by Hypothesis: 200
cases, and 2000 with --slow."""
import tempfile
import warnings
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from kvae_nb import KVAE, competition

FEW = dict(n_iters=2, pretrain_steps=3, vae_steps=3, disc_steps=3, refine_steps=3, init_steps=3, verbose=False)
DTYPES = "float64", "float32", "float16", ">f8", "int64", "int8", "uint8", "bool", "object"
BLEMISHES = *["none"] * 6, "duplicates", "two values", "constant column", "outlier", "all equal", "NaN", "infinite"
EXPONENTS = *[0] * 9, -6, 4, -200, 120, 160
VECTORS = st.tuples(st.integers(1, 6))
IMAGES = st.tuples(st.sampled_from([1, 1, 2, 3, 16]), st.sampled_from([1, 5, 6, 9]), st.sampled_from([3, 5, 8, 9]))


@st.composite
def points(draw):
    "What an array is made of"
    pick = lambda *values: draw(st.sampled_from(values))
    about = dict(n=pick(1, 2, 3, 5, 8, 13, 20, 20, 30, 40), shape=draw(pick(VECTORS, VECTORS, IMAGES)))
    about |= dict(dtype=pick(*DTYPES), exponent=pick(*EXPONENTS), offset=pick(0, 0, 0, 1, 1e6))
    return about | dict(blemish=pick(*BLEMISHES), seed=draw(st.integers(0, 999)))


def array_of(about):
    "Three blobs, and what is wrong with them"
    rng, size = np.random.default_rng(about["seed"]), (about["n"], *about["shape"])
    X = rng.normal(size=size) + 5 * rng.integers(3, size=(about["n"], *[1] * len(about["shape"])))
    blemish, flat = about["blemish"], X.reshape(about["n"], -1)
    if blemish == "duplicates": X = X[rng.integers(max(1, about["n"] // 4), size=about["n"])]
    if blemish == "two values": X = np.round(X > 2)
    if blemish == "all equal": X[:] = X[0]
    if blemish == "constant column": flat[:, 0] = 3.7
    if blemish == "outlier": flat[0, 0] = 10.**rng.integers(2, 18)
    small = np.dtype(about["dtype"]).kind in "biu"  # an integer or a truth has no scale
    with np.errstate(all="ignore"): X = X if small else (X + about["offset"]) * 10.**about["exponent"]
    if blemish in ("NaN", "infinite"): X.flat[rng.integers(X.size)] = np.nan if blemish == "NaN" else -np.inf
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"): return X.astype(about["dtype"])


OPTIONS = dict(
    n_components=[1, 2, 3, 5, "auto", (1, 3), (2, 2)], random_state=[0, 1, 2, 2**40],
    recipe=["auto", "paper", "clusters"], rule=["ratio", "raw", "bound", "nearest", "both"],
    init=["kmeans", "latent", "portfolio", "own"], n_init=[1, 2, 3],
    bound_iters=[0, 1, 3], weighted=[False, True], balance=["revive", "keep", "none"], final=["last", "best"],
    min_share=[0, .2, 1], holdout=[.01, .1, .5], tol=[0, .5], patience=[1, 2], experts=["vae", "adaptive"],
    hidden=[(), (3,), (2, 4)], latent=[1, 2, 3], likelihood=["gaussian", "bernoulli"], noisy_samples=[False, True],
    n_importance=[1, 2, 3], rule_importance=[1, 2, 3], prior=["standard", "fitted"], prior_components=[1, 2, 3],
    pretrain_steps=[0, 1, 2], refine_steps=[0, 1, 4], batch_size=[1, 7, 256],
    lr=[1e-4, 1e-2],  # .1 may overflow, which a FloatingPointError tells
    network=["mlp", "conv"], discriminator=["independent", "shared"], disc_hidden=[(), (3,)], disc_dropout=[0, .5],
    disc_noise=[0, 1], disc_pool=[1, 2, 3], dtype=["float32", "float64"],
    init_latent=[1, 2, 3], init_components=[1, 4, 9],
)
WRONG = dict(n_components=[0, 2.5, "many", (3, 1), (1, 2, 3)], random_state=[-1, .5, "seed"], lr=[0, -1, np.nan],
             init=["labels", "own, too large"], hidden=[(0,), 5, "many"], recipe=["best"], latent=[1e9, True])


@st.composite
def parameters(draw):
    "Up to six options, of which one may be wrong"
    names = draw(st.lists(st.sampled_from(sorted(OPTIONS)), max_size=6, unique=True))
    given = {name: draw(st.sampled_from(OPTIONS[name])) for name in names}
    wrong = draw(st.sampled_from([*[None] * 40, *WRONG]))
    return given | ({wrong: draw(st.sampled_from(WRONG[wrong]))} if wrong else {})


def model_of(parameters, n):
    own = {"own": np.arange(n) % 2, "own, too large": np.arange(n)}
    init = parameters.get("init")
    given = dict(parameters, init=own[init]) if init in own else parameters
    return KVAE(**{"n_components": 3, "random_state": 0, **FEW, **given})


def fitted(model, X):
    "The model, or None where a ValueError refused it before the competition began"
    began = []
    def watched(*args, **kwargs):
        began.append(True)
        return whole(*args, **kwargs)
    whole, competition.fit = competition.fit, watched
    try: return model.fit(X)
    except ValueError:
        if began: raise
    finally: competition.fit = whole


def check_promises(model, X):
    "What `KVAE` promises of a fitted model, on its training data"
    n, k, shape = len(X), model.settings_.n_components, np.shape(X)[1:]
    assert model.labels_.shape == (n,) and model.labels_.min() >= 0 and model.labels_.max() < k
    assert (model.labels_ == model.predict(X)).all()
    shared = model.predict_proba(X)
    assert shared.shape == (n, k) and np.allclose(shared.sum(1), 1) and (shared >= 0).all()
    assert (shared.argmax(1) == model.labels_).all()
    assert np.isfinite(model.score_samples(X)).all() and np.isfinite([model.score(X), model.lower_bound_]).all()
    assert np.isclose(model.weights_.sum(), 1)
    for component in (None, k - 1):
        drawn, expert = model.sample(5, component, random_state=1)
        assert drawn.shape == (5, *shape) and np.isfinite(drawn).all()
        assert ((expert >= 0) & (expert < k)).all() and (component is None or (expert == component).all())
    assert model.summary() and len(model.history_) == model.n_iter_


def check_saved(model, X):
    "What comes back from a run directory answers as the model does"
    with tempfile.TemporaryDirectory() as d:
        model.save(Path(d)/"run")
        assert (KVAE.load(Path(d)/"run").predict(X) == model.labels_).all()


def check(about, parameters):
    X = array_of(about)
    with warnings.catch_warnings(action="ignore"):
        model = fitted(model_of(parameters, len(X)), X)
        if model is None: return
        check_promises(model, X)
        if about["seed"] % 4 == 0: check_saved(model, X)


def test_promises_hold_or_it_is_refused(request, record_property):
    n = 2000 if request.config.getoption("--slow") else 200
    quick = settings(max_examples=n, derandomize=n == 200, deadline=None, database=None)
    patient = settings(quick, suppress_health_check=HealthCheck)
    patient(given(points(), parameters())(check))()
    record_property("cases of Hypothesis: a model whose promises hold, or a ValueError before training", n)


RNG = np.random.default_rng(0)
CORRELATED = RNG.normal(size=(200, 4)) @ RNG.normal(size=(4, 4))
POINTS = np.concatenate([CORRELATED, CORRELATED[::2] + 9])


def test_what_is_known_has_the_density_of_the_sub_vector(request, record_property):
    "Whatever is missing, the score is that of the mixture's marginal, and what is filled in its mean; the known stays"
    model = KVAE(2, experts="gaussian", random_state=0, verbose=False).fit(POINTS)
    moments, scale = model.state_.experts.moments(), np.broadcast_to(model.scaling_.scale, 4)
    means = [m.numpy() * scale + model.scaling_.shift for m in moments.mean]
    covs = [c.numpy() * np.outer(scale, scale) for c in moments.cov]

    def check(i, missing):
        o, m = [j for j in range(4) if j not in missing], sorted(missing)
        x = POINTS[i].copy()
        x[m] = np.nan
        weight, mean = np.zeros(2), np.zeros((2, len(m)))
        for j in range(2):
            density = multivariate_normal(means[j][o], covs[j][np.ix_(o, o)]).pdf(x[o]) if o else 1
            weight[j] = model.weights_[j] * density
            gain = covs[j][np.ix_(m, o)] @ np.linalg.inv(covs[j][np.ix_(o, o)]) if o else np.zeros((len(m), 0))
            mean[j] = means[j][m] + gain @ (x[o] - means[j][o])
        assert np.isclose(model.score_samples(x[None])[0], np.log(weight.sum()), atol=1e-3)
        filled = model.impute(x[None])[0]
        assert np.allclose(filled[m], weight / weight.sum() @ mean, atol=1e-2) and (filled[o] == x[o]).all()

    n = 500 if request.config.getoption("--slow") else 50
    quick = settings(max_examples=n, derandomize=True, deadline=None, database=None)
    quick(given(st.integers(0, len(POINTS) - 1), st.sets(st.integers(0, 3)))(check))()
    record_property("cases of Hypothesis: scores of points with holes are those of the marginal", n)
