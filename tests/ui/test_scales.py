from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpdebug.ui.draw.scales import bar, log_ticks, nice_step, tick_text, ticks

NUMBERS = st.floats(-1e12, 1e12)


def number(text):
    return float(text.replace("−", "-"))


@pytest.mark.parametrize(
    ("span", "most", "step"), [(10, 5, 2), (10, 4, 5), (1, 3, 0.5), (7, 7, 1), (199, 5, 50), (3e-7, 3, 1e-7), (0, 4, 1)]
)
def test_steps_are_1_2_and_5_times_powers_of_ten(span, most, step):
    assert nice_step(span, most) == pytest.approx(step)


@pytest.mark.parametrize(
    ("low", "high", "most", "texts"),
    [
        (0, 199, 5, ["0", "50", "100", "150"]),
        (-0.3, 0.8, 4, ["0.0", "0.5"]),
        (2.59, 3.51, 3, ["3.0", "3.5"]),
        (2.50001, 2.50002, 3, ["2.50001", "2.500015", "2.50002"]),
        (1e-7, 3e-7, 3, ["1e−7", "2e−7", "3e−7"]),
        (-4, 4, 2, ["0"]),
        (5, 5, 3, ["5"]),
    ],
)
def test_ticks(low, high, most, texts):
    made = ticks(low, high, most)
    assert [text for _, text in made] == texts
    assert [number(text) for text in texts] == pytest.approx([value for value, _ in made], abs=1e-12)


@given(NUMBERS, NUMBERS, st.integers(1, 20))
def test_ticks_lie_between_the_ends_and_are_told_apart(one, other, most):
    low, high = sorted((one, other))
    made = ticks(low, high, most)
    assert len(made) <= most + 2
    slack = 1e-8 * (high - low)
    assert all(low - slack <= value <= high + slack for value, _ in made)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        assert len({text for _, text in made}) == len(made)


@given(st.floats(1e-12, 1e12), st.floats(1.01, 1e12), st.integers(2, 20))
def test_ticks_of_a_logarithmic_scale_lie_between_its_ends(low, ratio, most):
    made = log_ticks(low, low * ratio, most)
    assert len(made) <= most + 2
    assert all(low * (1 - 1e-8) <= value <= low * ratio * (1 + 1e-8) for value, _ in made)


@pytest.mark.parametrize(
    ("low", "high", "most", "texts"), [(1e-3, 3, 4, ["0.001", "0.01", "0.1", "1"]), (0.2, 2, 4, ["0.2", "0.5", "1", "2"])]
)
def test_powers_of_ten_or_their_parts(low, high, most, texts):
    assert [text for _, text in log_ticks(low, high, most)] == texts


def test_a_tick_has_the_digits_of_its_step():
    assert tick_text(3.0, 0.5) == "3.0"
    assert tick_text(-3.0, 1.0) == "−3"


@given(st.floats(0, 1), st.integers(1, 40))
def test_a_bar_is_as_long_as_its_share(share, columns):
    drawn = bar(share, columns)
    assert len(drawn) <= columns
    assert abs(drawn.count("━") + 0.5 * drawn.count("╸") - share * columns) <= 0.5
    assert bool(drawn) == (share > 0)


def test_a_bar_of_what_is_no_number_is_empty():
    assert bar(math.nan, 10) == ""
    assert bar(-3, 10) == ""
    assert bar(7, 3) == "━━━"
