"""Units of columns, over tables that Hypothesis makes: nobody is left out for the unit that it was measured in.

    pytest tests/test_columns.py"""
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from kvae_nb import KVAE
from kvae_nb.points.columns import columns_of, natural_units
from kvae_nb.points.far import standardise
from kvae_nb.points.ties import disagreeing

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
DRAWS = dict(uniform=lambda rng, size: rng.uniform(size=size), normal=lambda rng, size: rng.normal(size=size),
             lognormal=lambda rng, size: rng.lognormal(0, .4, size))


def beside(seed, noise, columns, scale):
    "Three clusters in three columns, in any order beside wider ones that say nothing; which columns are which"
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=300)
    told = np.eye(3)[y] * 10 + rng.normal(size=(300, 3)) + 50
    other = DRAWS[noise](rng, (300, columns))
    order = rng.permutation(3 + columns)
    return np.c_[told / told.std(0), scale * (other / other.std(0) + 3)][:, order], y


@EXAMPLES
@given(SEEDS, st.sampled_from(list(DRAWS)), st.integers(2, 20), st.floats(1, 5))
def test_narrow_columns_are_not_left_out(seed, noise, columns, power):
    X, y = beside(seed, noise, columns, 10**power)
    centre, unit = natural_units(X)
    assert np.allclose(((X - centre) / unit).std(0), 1, atol=.2)
    assert adjusted_rand_score(y, KMeans(3, n_init=5, random_state=0).fit_predict(standardise(X))) > .95


@EXAMPLES
@given(SEEDS, st.integers(2, 30), st.integers(0, 3), st.floats(1e-6, 1e6), st.booleans())
def test_principal_components_share_a_unit(seed, components, kinds, scale, single):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(1 + kinds, 40)) * 3
    X = centres[rng.integers(1 + kinds, size=300)] + rng.normal(size=(300, 40)) * np.linspace(3, 1, 40)
    P = scale * PCA(components, random_state=0).fit_transform(X.astype(np.float32) if single else X)
    assert columns_of(P.astype(float)).shared
    assert len(set(natural_units(P.astype(float))[1])) == 1


@EXAMPLES
@given(SEEDS, st.integers(40, 200), st.floats(.1, .3), st.floats(0, .05), st.floats(1e-6, 1e6))
def test_curves_share_a_unit(seed, d, width, noise, scale):
    "With noise alone at their ends, too"
    rng = np.random.default_rng(seed)
    peaks = np.exp(-(np.linspace(0, 1, d) - rng.uniform(.4, .6, (300, 1)))**2 / (2 * width**2))
    X = scale * (rng.lognormal(0, .5, (300, 1)) * peaks + noise * rng.normal(size=(300, d)))
    assert columns_of(X).shared and len(set(natural_units(X)[1])) == 1


@EXAMPLES
@given(SEEDS, st.integers(1, 12), st.floats(-3, 3), st.floats(-50, 50))
def test_one_unit_or_own_is_kept_under_a_common_change_of_unit(seed, columns, power, shift):
    X, _ = beside(seed, "normal", columns, 10.**(seed % 4))
    assert columns_of(X).shared == columns_of(10**power * (X + shift)).shared


@EXAMPLES
@given(SEEDS, st.lists(st.floats(.05, .95), min_size=1, max_size=3))
def test_flags_beside_numbers_are_no_clusters(seed, shares):
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=400)
    numbers = np.array([[0, 0], [8, 0], [0, 8]])[y] + rng.normal(size=(400, 2))
    X = np.c_[numbers, rng.random((400, len(shares))) < shares]
    assert all(len(np.unique(column)) > 300 or np.ptp(column) == 0 for column in standardise(X).T)


TIED = dict(  # columns of `n` rows that have nothing to do with the clusters
    flags=lambda rng, n: rng.random((n, 3)) < rng.uniform(.1, .6, 3),
    one_hot=lambda rng, n: np.eye(m := int(rng.integers(3, 9)))[rng.choice(m, n, p=rng.dirichlet(np.full(m, 3)))],
    first_level_left_out=lambda rng, n: np.eye(4)[rng.integers(4, size=n)][:, 1:],
    two_blocks=lambda rng, n: np.c_[np.eye(4)[rng.integers(4, size=n)], np.eye(3)[rng.integers(3, size=n)]],
    rare_counts=lambda rng, n: rng.poisson(.1, (n, 2)),
    mostly_zero=lambda rng, n: rng.lognormal(3, 1, (n, 3)) * (rng.random((n, 3)) < rng.uniform(.3, .7)))


def clusters(rng, n=400, far=5):
    "Three Gaussians in two columns, and which they are"
    y = rng.integers(3, size=n)
    return np.array([[0, 0], [far, 0], [0, far]])[y] + rng.normal(size=(n, 2)), y


def worse_of_two(Z, y):
    "The lower adjusted Rand index of what k-means and full Gaussians make of points"
    methods = KMeans(3, n_init=10, random_state=0), GaussianMixture(3, n_init=5, random_state=0)
    return min(adjusted_rand_score(y, method.fit_predict(Z)) for method in methods)


@settings(EXAMPLES, max_examples=20)
@given(SEEDS, st.sampled_from(list(TIED)))
def test_ties_beside_clusters_of_numbers_are_no_clusters(seed, kind):
    rng = np.random.default_rng(seed)
    X, y = clusters(rng)
    assert worse_of_two(standardise(np.c_[X, TIED[kind](rng, len(y))]), y) > .85


@EXAMPLES
@given(SEEDS, st.sampled_from(list(TIED)), st.floats(0, 6))
def test_what_nothing_depends_on_is_no_cluster(seed, kind, far):
    "However close the clusters of the numbers, and without any"
    rng = np.random.default_rng(seed)
    X, y = clusters(rng, far=far)
    assert disagreeing(np.c_[X, TIED[kind](rng, len(y))])[0] == []


@settings(EXAMPLES, max_examples=20)
@given(SEEDS, st.integers(3, 6))
def test_a_block_counts_no_more_than_one_column(seed, levels):
    rng = np.random.default_rng(seed)
    X, y = clusters(rng)
    Z = standardise(np.c_[X, np.eye(levels)[rng.integers(levels, size=len(y))]])
    assert Z.shape == (len(y), 3)
    assert np.allclose(Z.var(0), 1, atol=.05)


@settings(EXAMPLES, max_examples=20)
@given(SEEDS, st.integers(0, 3))
def test_flags_that_carry_the_clusters_still_do(seed, numbers):
    "Latent classes of eight flags, alone or beside numbers that say nothing"
    rng = np.random.default_rng(seed)
    y, on = rng.integers(3, size=400), np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]].T
    flags = rng.random((400, 8)) < np.where(on[y] > 0, .95, .05)
    Z = standardise(np.c_[rng.normal(size=(400, numbers)), flags])
    assert Z.shape[1] == numbers + 8
    assert adjusted_rand_score(y, KMeans(3, n_init=10, random_state=0).fit_predict(Z)) > .8


@settings(EXAMPLES, max_examples=2)
@given(st.sampled_from(["one_hot", "two_blocks"]), SEEDS)
def test_a_fit_keeps_the_clusters_of_the_numbers(kind, seed):
    rng = np.random.default_rng(seed)
    X, y = clusters(rng, 250, 6)
    model = KVAE(3, random_state=0, verbose=False, device="cpu").fit(np.c_[X, TIED[kind](rng, len(y))])
    assert adjusted_rand_score(y, model.labels_) > .9
