"""Names of columns, labels and titles in pictures: any text is drawn as it is, and no warning of matplotlib is left."""
import io
import unicodedata
import warnings

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from kvae_nb.instrument.frames import Frame
from kvae_nb.instrument.pictures import draw
from kvae_nb.instrument.recording import Recording, Scene
from kvae_nb.instrument.scenes import seen
from kvae_nb.report import plots
from kvae_nb.report.plots import plain_text, plot_composition, plot_partition, plot_rows, write
from kvae_nb.settings import Settings

C = np.array([0, 0, 1])
LABELS = st.lists(st.text(max_size=30), min_size=3, max_size=3)
DOLLARS = ["$0 - $10", "$$", "Ba$$in \\$ x_1^2 {"]
quick = settings(max_examples=25, deadline=None)


def drawn(figure):
    "Draw it; the warnings, of which only that of characters without a font may come"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        figure.savefig(io.BytesIO(), dpi=40)
    assert not said, [str(w.message) for w in said]
    return figure


def shown(artist):
    "The text that a reader sees"
    assert not mpl.cbook.is_math_text(artist.get_text())
    return artist.get_text().replace(r"\$", "$")


def is_as_given(seen, text):
    "The same, but for what has no look or no font"
    seen, given = ([char for char in t if unicodedata.category(char) != "Cf"] for t in (seen, text))
    return len(seen) == len(given) and all(a == b or a in "? " for a, b in zip(seen, given, strict=True))


def quiet(make, *args, **kwargs):
    "Make a picture; characters without a font are named once, in one sentence"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        made = make(*args, **kwargs)
    assert all(str(w.message).startswith("pictures show ? for ") for w in said), [str(w.message) for w in said]
    return made, len(said)


@given(st.text())
@example("$a$")
@example("\\$5 and $6")
@example("a\tb\nc\x00\udc80")
@quick
def test_a_text_is_drawn_as_it_is(text):
    figure = Figure(figsize=(3, 1))
    artist, _ = quiet(write, figure.text(0, .5, ""), text)
    drawn(figure)
    assert is_as_given(shown(artist), text)


@given(LABELS)
@example(DOLLARS)
@quick
def test_labels_of_a_composition(labels):
    y = np.array(labels, dtype=object)
    ax, n_said = quiet(plot_composition, C, y, title=labels[0], ax=Figure().subplots())
    drawn(ax.figure)
    assert n_said <= 2  # for the title, and for all labels
    for tick, label in zip(ax.get_xticklabels(), np.unique(y), strict=True):
        assert is_as_given(shown(tick), label) or (is_as_given(shown(tick)[:-1], label[:23]) and len(label) > 24)


@given(LABELS)
@example(DOLLARS)
@quick
def test_names_of_rows_and_titles(labels):
    ax, _ = quiet(plot_rows, np.zeros((3, 1, 1, 4, 4)), labels, labels[0], Figure().subplots())
    drawn(ax.figure)
    for tick, label in zip(ax.get_yticklabels(), labels, strict=True): assert is_as_given(shown(tick), label)
    ax, _ = quiet(plot_partition, np.zeros((3, 2)), C, title=labels[0], ax=Figure().subplots())
    assert is_as_given(shown(ax.title), labels[0])


def scene_of(labels, shape):
    "Three points, with labels, columns and a title of one's own"
    plane = dict(log_r=np.zeros((2, 2, 2), np.float16), log_z=np.zeros(2), winner=np.eye(2, dtype=np.uint8))
    samples, margin = np.zeros((2, 2, *shape), np.uint8), np.ones(3, np.float16)
    frame = Frame(0, "pretrain", C, 1 - C, margin, np.array([2, 1]) / 3, samples, **plane if shape == (2,) else {})
    grid = (np.array([0., 1]),) * 2 if shape == (2,) else None
    source = dict(columns=labels[1:])
    recording = Recording(Settings(2, recipe="paper"), shape, labels[0], grid, source, [frame])
    return Scene(recording, np.random.default_rng(0).random((3, *shape)), np.array(labels, dtype=object))


@pytest.mark.parametrize("shape", [(2,), (3,), (1, 4, 4)])
@given(labels=LABELS)
@example(labels=DOLLARS)
@settings(max_examples=8, deadline=None)
def test_the_instrument(shape, labels):
    "Its title, its axes, its notes"
    figure = Figure((9, 6))
    quiet(draw, figure, seen(scene_of(labels, shape)), 0)
    drawn(figure)
    assert figure.get_size_inches().tolist() == [9, 6]
    assert any(is_as_given(shown(text), labels[0]) for text in figure.texts)


def test_what_has_no_font_is_said_once():
    plots.SAID.clear()
    with pytest.warns(UserWarning, match="^pictures show \\? for \U0010fffd: no font that is installed has them$"):
        assert plain_text(["\U0010fffd a", "\U0010fffd"])[0] == ["? a", "?"]
    with warnings.catch_warnings(action="error"): assert plain_text(["b \U0010fffd"])[0] == ["b ?"]
