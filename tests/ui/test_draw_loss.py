from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ui_views import role_of, session, text, view

from bpdebug.core.record import replace
from bpdebug.ui.draw.loss import loss_lines, newest, update_at, updates_a_column
from bpdebug.ui.draw.spans import plain, width

LOSSES = st.lists(st.floats(0, 1e6) | st.sampled_from([float("nan"), float("inf")]), max_size=40)
START = view("xor")


def with_losses(values, update=None):
    """A view after that many updates with these losses."""
    updates = len(values) if update is None else update
    return replace(START, losses=(np.arange(len(values)), np.array(values)), position=replace(START.position, update=updates))


def dots(lines):
    return {(x, y) for y, line in enumerate(lines) for x, character in enumerate(plain(line)) if character > "\u2800"}


def test_many_losses_are_a_curve_between_the_extremes():
    lines = loss_lines(session("xor", "update 200").view(), 40, 11)
    assert 8 <= len(lines) <= 11
    assert plain(lines[0]).startswith("loss 2.59")
    ticks = [float(plain(line).split("┤")[0]) for line in lines if "┤" in plain(line)]
    assert ticks == [3.5, 3.0, 2.5]
    assert plain(lines[-1]).split() == ["0", "50", "100", "update", "199"]


@pytest.mark.parametrize("losses", [(3.51, 2.59), (2.82, 2.803), (1e-3, 9e-3), (7.0, 6.99), (4e4, 1.0)])
@pytest.mark.parametrize("rows", range(7, 30, 4))
def test_marked_losses_are_equally_far_apart_and_the_curve_fills_most_of_the_room(losses, rows):
    lines = [plain(line) for line in loss_lines(replace(with_losses(np.linspace(*losses, 30)), loss_scale="linear"), 50, rows)][1:-1]
    marked = [(y, float(line.split("┤")[0].replace("−", "-"))) for y, line in enumerate(lines) if "┤" in line]
    assert len(marked) >= 2
    assert len(set(np.diff([y for y, _ in marked]))) == 1
    steps = np.diff([value for _, value in marked])
    assert steps == pytest.approx(np.full(len(steps), steps[0]), rel=1e-6)
    drawn = [y for y, line in enumerate(lines) if any(character > "\u2800" for character in line[8:46])]
    assert drawn[-1] - drawn[0] >= 0.4 * len(lines)


def test_the_powers_of_ten_of_a_logarithmic_scale_are_equally_far_apart():
    lines = [plain(line) for line in loss_lines(with_losses(np.geomspace(50, 2e-6, 40)), 60, 22)]
    marked = [(y, np.log10(float(line.split("┤")[0].replace("−", "-")))) for y, line in enumerate(lines) if "┤" in line]
    assert len(marked) >= 3
    assert len(set(np.diff([y for y, _ in marked]))) == 1
    assert len({round(step, 6) for step in np.diff([power for _, power in marked])}) == 1


@pytest.mark.parametrize(
    ("losses", "rows"), [((1.7, 0.024), 33), ((1.7, 0.024), 10), ((300.0, 0.2), 33), ((5.0, 1e-9), 33), ((1.3, 0.7), 33), ((1.3, 0.4), 33)]
)
def test_the_curve_fills_a_good_part_of_a_logarithmic_scale(losses, rows):
    shown = replace(with_losses(np.geomspace(*losses, 40)), loss_scale="log")
    drawn = dots(loss_lines(shown, 60, rows))
    heights = {y for x, y in drawn if 8 < x < 58}
    assert max(heights) - min(heights) >= 0.5 * (rows - 3) - 1
    ticks = [plain(line).split("┤")[0] for line in loss_lines(shown, 60, rows) if "┤" in plain(line)]
    assert len(ticks) >= 2


def test_the_curve_falls_from_the_upper_left_to_the_lower_right():
    places = dots(loss_lines(with_losses(np.linspace(1, 0, 100), update=0), 48, 11))
    heights = {x: min(y for place, y in places if place == x) for x, _ in places}
    across = sorted(heights)[2:]  # the cursor stands at the left
    assert [heights[x] for x in across] == sorted(heights[x] for x in across)
    assert heights[across[-1]] - heights[across[0]] >= 6


def test_the_present_moment_is_marked_on_the_curve():
    lines = loss_lines(session("xor", "update 100", "goto 50:z1").view(), 48, 11)
    marks = {plain(line).index("◉") for line in lines if "◉" in plain(line)}
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


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ([4.0, 3.0], "loss 3  −1 (−25 %)"),
        ([3.0, 4.5], "loss 4.5  +1.5 (+50 %)"),
        ([2.0, 2.0], "loss 2  ±0"),
        ([0.0, 1.0], "loss 1  +1"),
        ([2.0, float("nan")], "loss nan"),
    ],
)
def test_what_the_last_update_has_changed_is_told(losses, told):
    head = loss_lines(with_losses(losses), 40, 10)[0]
    assert plain(head).strip() == f"update 1  {told}"


@pytest.mark.parametrize(
    ("update", "told"),
    [
        (1, "batch 2 of 4"),
        (4, "epoch 0 mean 2.5"),
        (6, "epoch 0 mean 2.5"),
        (8, "epoch 1 mean 1.25 (−50 %) on epoch 0"),
        (12, "epoch 2 mean 1.5 (+20 %) on epoch 1"),
    ],
)
def test_of_mini_batches_whole_epochs_are_compared(update, told):
    losses = [4.0, 3.0, 2.0, 1.0, 2.0, 1.5, 1.0, 0.5, 3.0, 0.5, 1.5, 1.0, 9.0][:update]
    shown = with_losses([*losses, 7.0], update)
    shown = replace(
        shown, position=replace(shown.position, batches=4, batch=update % 4, update=update), losses=(np.arange(update), np.array(losses))
    )
    shown = replace(shown, tensors=dict(shown.tensors) | {"loss": np.array(7.0)})
    head = loss_lines(shown, 90, 10)[0]
    assert plain(head).strip() == f"update {update}  loss 7  {told}"
    if "%" in told:
        assert plain(loss_lines(shown, 28, 10)[0]).strip() == told[: told.index(" on ")]
        assert role_of(head, " (") == ("good" if "−" in told else "bad")


def test_where_the_loss_has_fallen_or_risen_is_told_by_sign_and_colour():
    for losses, sign, role in (([4.0, 3.0], "−1", "good"), ([3.0, 4.0], "+1", "bad")):
        assert role_of(loss_lines(with_losses(losses), 40, 10)[0], sign) == role


def test_with_little_room_the_loss_comes_before_what_it_changed():
    shown = with_losses(np.linspace(1, 0.123456, 200))
    heads = [plain(loss_lines(shown, columns, 10)[0]).strip() for columns in (60, 38, 28, 20, 12)]
    assert heads[0] == "update 199  loss 0.12346  −0.0044 (−3.4 %)"
    assert heads[1:4] == ["loss 0.12346  −0.0044 (−3.4 %)", "loss 0.12346  −0.0044", "loss 0.12346"]
    assert heads[4] == "loss 0.12346"


def test_of_a_long_run_the_change_is_over_several_updates():
    shown = replace(START, losses=(np.arange(0, 80, 4), np.linspace(2, 1, 20)), position=replace(START.position, update=78))
    assert "over 4 updates" in plain(loss_lines(shown, 70, 10)[0])


def test_after_going_back_the_later_losses_are_faint():
    lines = loss_lines(session("xor", "update 100", "goto 50:loss").view(), 48, 12)[1:-2]
    roles = {}
    for drawn in lines:
        place = 0
        for part, role in drawn:
            roles |= {place + offset: role for offset, character in enumerate(part) if character > "\u2800"}
            place += len(part)
    assert {role for place, role in roles.items() if place < 24} == {"curve"}
    assert {role for place, role in roles.items() if place > 28} == {"faint"}


def test_beside_the_first_loss_stand_the_answers_that_it_is_made_of():
    shown = session("xor", "update").view()
    lines = [plain(line).split() for line in loss_lines(shown, 60, 12)]
    at = lines.index(["sample", "target", "a2", "of", "update", "0", "off", "by"])
    assert [line[:3] for line in lines[at + 1 : at + 3]] == [["0", "0", "0.722"], ["1", "1", "0.690"]]


def test_at_the_start_of_a_known_run_no_loss_is_told():
    lines = loss_lines(session("xor", "update 50", "goto start").view(), 48, 12)
    assert plain(lines[0]).strip() == "at the start of the training"


def test_bookmarks_stand_on_the_axis():
    lines = loss_lines(session("xor", "update 100", "bookmark here", "goto update 20", "bookmark a").view(), 60, 12)
    axis = plain(lines[-2])
    assert "▲a" in axis
    assert "▲here" in axis
    assert axis.index("▲a") < axis.index("▲here")


def test_epochs_of_several_updates_are_marked():
    lines = loss_lines(session("iris", "update 300").view(), 60, 12)
    marks = [part for part in plain(lines[1]).split() if part.startswith("e")]
    assert marks == ["epoch", "e10", "e15", "e20", "e25"]
    assert "epoch 5 " in plain(lines[1])
    assert not any("e1" in plain(line) for line in loss_lines(session("xor", "update 300").view(), 60, 12)[1:])


def test_the_place_where_the_loss_is_no_number_any_more_is_marked():
    shown = session("saturation", "catch non-finite off", "goto end").view()
    axis = plain(loss_lines(shown, 60, 12)[-2])
    assert abs(axis.index("⚠") - 60 * 8 / 99) < 4


@pytest.mark.parametrize(("spread", "log"), [(99, False), (101, True)])
def test_from_two_decades_on_the_scale_is_logarithmic_by_itself(spread, log):
    shown = with_losses(np.geomspace(spread, 1, 30))
    assert ("log scale" in plain(loss_lines(shown, 60, 12)[0])) == log
    assert "log scale" not in plain(loss_lines(replace(shown, loss_scale="linear"), 60, 12)[0])
    assert "log scale" in plain(loss_lines(replace(shown, loss_scale="log"), 60, 12)[0])


def test_a_logarithmic_scale_of_losses_at_or_below_0_is_refused():
    shown = replace(with_losses([3.0, 2.0, -1.0, 0.5]), loss_scale="log")
    assert "not all losses are above 0" in plain(loss_lines(shown, 80, 12)[0])


@pytest.mark.parametrize("columns", [30, 60, 157])
def test_the_column_of_an_update_is_the_one_that_a_click_on_it_means(columns):
    opened = session("xor", "update 300")
    for update in (0, 1, 37, 150, 299):
        opened.timeline.seek(opened.program.index["loss"] + 1 + update * len(opened.program.stages))
        shown = opened.view()
        assert newest(shown) == update
        lines = loss_lines(shown, columns, 12)
        column = next(plain(line).index("◉") for line in lines if "◉" in plain(line))
        clicked = update_at(shown, columns, 12, column)
        assert abs(clicked - update) <= updates_a_column(shown, columns, 12)
    assert update_at(shown, columns, 12, 0) is None
    assert update_at(shown, columns, 12, columns) is None
    assert update_at(START, columns, 12, 5) is None


def test_many_losses_are_drawn_in_a_moment_and_none_of_their_peaks_is_lost():
    losses = np.full(8192, 1.0)
    losses[4096] = 9.0
    lines = loss_lines(replace(with_losses(losses), loss_scale="linear"), 60, 12)
    assert any(character > "\u2800" for character in plain(lines[1])), "the peak of a single update reaches the top"
