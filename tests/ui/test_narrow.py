from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from bpdebug.core.numbers import brief, narrow
from bpdebug.ui.draw.spans import short_names

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-10, 10)


@given(NUMBERS, st.integers(1, 8))
def test_a_number_has_its_room_and_its_sign(value, room):
    text = narrow(value, room)
    assert len(text) <= room
    assert (text[0] == "−") == (value < 0) or not text.startswith(("+", "−"))
    assert value or text == "0"


@given(st.floats(-1e300, 1e300) | st.floats(-10, 10), st.sampled_from([5, 6]))
def test_a_number_is_never_another_one(value, room):
    text = narrow(value, room)
    if "~" in text or "big" in text:
        assert not 1e-9 < abs(value) < 1e9
    else:
        assert float(text.replace("−", "-")) == pytest.approx(value, rel=0.5 if abs(value) < 0.01 or "e" in text else 0.06)


@pytest.mark.parametrize(
    ("value", "room", "text"),
    [
        (0.7217, 6, "+.7217"),
        (0.00462, 6, "+.0046"),
        (-0.7217, 5, "−.722"),
        (12.34, 6, "+12.34"),
        (12.34, 5, "+12.3"),
        (-4.0, 6, "−4.000"),
        (0.0006, 6, "+6e-4"),
        (1e100, 6, "+1e100"),
        (-1e100, 5, "−big"),
        (-1e-100, 5, "~0"),
        (0.5, 1, "+"),
        (-2.5, 2, "−"),
        (0.0, 6, "0"),
        (math.nan, 6, "nan"),
        (math.inf, 6, "+inf"),
        (-math.inf, 1, "−"),
        (math.nan, 1, "?"),
    ],
)
def test_numbers_in_their_room(value, room, text):
    assert narrow(value, room).replace("-", "−") == text.replace("-", "−")


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (-1.0, "−1"), (0.05, "0.05"), (5.843333, "5.843"), (-0.598, "−0.6"), (123456.0, "1.2e5")]
)
def test_a_given_number_is_as_short_as_it_is(value, text):
    assert brief(value, 5) == text


SPECIES = ("setosa", "versicolor", "virginica")
PARTS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


@pytest.mark.parametrize(
    ("names", "room", "short"),
    [
        (SPECIES, 10, SPECIES),
        (SPECIES, 7, ("setosa", "versic…", "virgin…")),
        (SPECIES, 3, ("y1", "y2", "y3")),
        (PARTS, 7, ("sep…gth", "sep…dth", "pet…gth", "pet…dth")),
        (PARTS, 5, ("y1", "y2", "y3", "y4")),
        (("a", "a"), 5, ("a", "a")),
    ],
)
def test_names_are_whole_cut_or_counted(names, room, short):
    assert short_names(names, room, "y") == short


@settings(max_examples=40)
@given(st.lists(st.text("abc_é入", min_size=1, max_size=20), min_size=1, max_size=6), st.integers(3, 20))
def test_short_names_fit_and_stay_different(names, room):
    short = short_names(names, room, "x")
    assert all(cell_len(name) <= room for name in short)
    assert len(set(short)) >= min(len(set(names)), len(short))
