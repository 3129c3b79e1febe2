from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ui_views import role_of, session, text, view

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
    opened = session("xor", "update 200")
    lines = loss_lines(opened.view(), 40, 11)
    assert len(lines) == 11
    assert plain(lines[0]).split()[0] == "3.513"
    assert float(plain(lines[9]).split()[0]) == pytest.approx(2.7, abs=0.2)
    assert plain(lines[10]).split() == ["0", "update", "199"]


def test_the_curve_falls_from_the_upper_left_to_the_lower_right():
    lines = loss_lines(with_losses(np.linspace(1, 0, 100), update=0), 48, 11)
    places = dots(lines)
    assert (8, 0) in places
    assert (47, 9) in places
    assert (47, 0) not in places


def test_the_present_moment_is_marked_on_the_curve():
    opened = session("xor", "update 100", "goto 50:z1")
    lines = loss_lines(opened.view(), 48, 11)
    marks = {sum(len(text) for text, _ in line[:place]) for line in lines for place, span in enumerate(line) if span[1] == "next"}
    assert marks == {8 + 20}


def test_the_loss_of_this_update_is_on_the_curve_at_once():
    assert plain(loss_lines(session("xor", "update 3", "goto 3:loss").view(), 40, 10)[-1]).endswith("update 3")


@pytest.mark.parametrize("value", [0.0, 2.5, 1e-12, 1e12])
def test_a_constant_loss_is_a_level_line(value):
    lines = loss_lines(with_losses([value] * 20, update=0), 40, 10)
    assert {y for x, y in dots(lines) if x > 8} == {8}


def test_what_is_not_finite_is_left_out_and_said():
    lines = loss_lines(with_losses([3.0, 2.0, float("nan"), 1.0, float("inf")]), 40, 10)
    assert plain(lines[0]).split()[0] == "3"
    assert "⚠ not finite" in plain(lines[-1])
    assert role_of(lines[-1], "⚠") == " bad".strip() or "bad" in role_of(lines[-1], "not finite")


def test_no_finite_loss_at_all_is_said():
    assert text(loss_lines(with_losses([float("nan")] * 3), 40, 10)) == "No finite loss."


@given(LOSSES, st.integers(32, 100), st.integers(4, 40))
def test_any_losses_are_drawn_in_the_room_there_is(values, columns, rows):
    lines = loss_lines(with_losses(values), columns, rows)
    assert len(lines) <= rows
    assert all(width(line) <= columns for line in lines)


@pytest.mark.parametrize("low", [1.234e-10, 1.234e-5])
def test_a_label_of_the_axis_is_never_cut_to_another_number(low):
    label = plain(loss_lines(with_losses([1.0, 0.5, low]), 40, 10)[8]).split()[0]
    assert float(label.replace("−", "-")) == pytest.approx(low, rel=0.05)
