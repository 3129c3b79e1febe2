from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ui_views import session, text, view

from bpdebug.ui.draw_loss import loss_lines
from bpdebug.ui.spans import plain, width

LOSSES = st.lists(st.floats(0, 1e6) | st.sampled_from([float("nan"), float("inf")]), max_size=40)
START = view("xor")


def with_losses(values, update=None):
    """A view after that many updates with these losses."""
    updates = len(values) if update is None else update
    return replace(START, losses=(np.arange(len(values)), np.array(values)), position=replace(START.position, update=updates))


def dots(lines):
    return {(x, y) for y, line in enumerate(lines) for x, character in enumerate(plain(line)) if character > "\u2800"}


def test_before_the_first_loss_it_says_how_to_get_one():
    assert "not computed yet" in text(loss_lines(START, 38, 10))


def test_one_loss_is_a_number():
    lines = loss_lines(view("xor", "goto loss"), 38, 10)
    assert plain(lines[0]) == "loss 3.51276732"
    assert "second update" in " ".join(text(lines).split())


def test_many_losses_are_a_curve_between_the_extremes():
    lines = loss_lines(session("xor", "update 200").view(), 40, 11)
    assert 8 <= len(lines) <= 11
    assert plain(lines[0]).startswith("loss 2.59")
    ticks = [float(plain(line).split("┤")[0]) for line in lines if "┤" in plain(line)]
    assert ticks == [3.5, 3.0]
    assert plain(lines[-1]).split() == ["0", "50", "100", "150"]


def test_the_curve_falls_from_the_upper_left_to_the_lower_right():
    places = dots(loss_lines(with_losses(np.linspace(1, 0, 100), update=0), 48, 11))
    heights = {x: min(y for place, y in places if place == x) for x, _ in places}
    across = sorted(heights)[2:]  # the cursor stands at the left
    assert [heights[x] for x in across] == sorted(heights[x] for x in across)
    assert heights[across[-1]] - heights[across[0]] >= 6


def test_the_present_moment_is_marked_on_the_curve():
    lines = loss_lines(session("xor", "update 100", "goto 50:z1").view(), 48, 11)
    marks = {plain(line).index("●") for line in lines if "●" in plain(line)}
    assert len(marks) == 1
    assert marks.pop() == pytest.approx(4 + 44 / 2, abs=2)


def test_the_loss_of_this_update_is_told_at_once():
    shown = session("xor", "update 3", "goto 3:loss").view()
    assert f"loss {shown.loss:.4f}" in plain(loss_lines(shown, 40, 10)[0])


@pytest.mark.parametrize("value", [0.0, 2.5, 1e-12, 1e12])
def test_a_constant_loss_is_a_level_line(value):
    places = dots(loss_lines(with_losses([value] * 20, update=0), 40, 10))
    right = {y for x, y in places if x > 20}
    assert len(right) == 1


def test_what_is_not_finite_is_said():
    drawn = text(loss_lines(with_losses([3.0, 2.0, float("nan"), 1.0, float("inf")]), 60, 12))
    assert "⚠" in drawn or "not finite" in drawn


def test_no_finite_loss_at_all_is_said():
    assert text(loss_lines(with_losses([float("nan")] * 3), 40, 10)) == "No finite loss."


@given(LOSSES, st.integers(32, 100), st.integers(4, 40))
def test_any_losses_are_drawn_in_the_room_there_is(values, columns, rows):
    lines = loss_lines(with_losses(values), columns, rows)
    assert len(lines) <= rows
    assert all(width(line) <= columns for line in lines)


@pytest.mark.parametrize("scale", ["log", "auto"])
def test_losses_over_many_decades_are_drawn_on_a_logarithmic_scale(scale):
    shown = replace(with_losses(list(np.geomspace(1e3, 1e-9, 60))), loss_scale=scale)
    places = dots(loss_lines(shown, 60, 14))
    heights = [min(y for place, y in places if place == x) for x in sorted({x for x, _ in places})][:-1]
    assert len(set(heights)) >= 8
