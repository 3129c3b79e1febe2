from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ui_views import NAMES, big, random_chain, role_of, session, text, view

from bpdebug.ui import draw_matrix
from bpdebug.ui.draw_matrix import as_row_column, deltas_of, heat_role, layout_line, make_layout, values_of
from bpdebug.ui.spans import plain, width

XOR = view("xor", "goto dW2")
WIDTHS = st.lists(st.integers(1, 12), min_size=2, max_size=4)


def drawn(shown, names, columns=60):
    layout = make_layout(shown, names, columns)
    return [layout_line(shown, layout, y, 0, max(columns, layout.width)) for y in range(layout.height)]


def with_values(**tensors):
    """A view whose parameters have other values."""
    values = {name: np.array(value) for name, value in tensors.items()}
    shapes = {name: value.shape for name, value in values.items()}
    return replace(
        XOR, tensors=dict(XOR.tensors) | values, shapes=dict(XOR.shapes) | shapes, before=dict(values), selected=None, explanation=None
    )


def cells(shown, name):
    """The rows of a tensor as they are written."""
    return [plain(line).split() for line in drawn(shown, [name])[1:]]


def test_blocks_stand_side_by_side_as_long_as_they_fit():
    assert text(drawn(XOR, deltas_of(XOR), 30)).splitlines() == [
        "da2 4×1   dz2 4×1   dW2 4×1",
        "▐+3.5931  ▐+0.7217  ▐+0.7376",
        "▐−1.4498  ▐−0.3102  ▐+0.4657",
        "▐−1.2066  ▐−0.1712  ▐+0.7221",
        "▐+5.3362  ▐+0.8126  ▐+0.7858",
        "db2 1×1",
        "       ·",
    ]


def test_what_is_not_computed_yet_is_dots_and_never_0():
    lines = drawn(XOR, ["db2", "da1"])
    assert set("".join(map(plain, lines[1:]))) <= {" ", "·"}
    assert plain(lines[1]).count("·") == 1 + 4
    assert role_of(lines[0], "db2") == "dim"


def test_what_the_last_command_changed_is_marked():
    opened = session("xor", "goto 0:db1", "step")
    shown = opened.view()
    assert all(mark == "▐" for mark in plain(drawn(shown, ["W1"])[1])[::8][:1])
    assert "▐" not in text(drawn(shown, ["W2", "x", "dW1"]))
    opened.execute("step")
    assert "▐" not in text(drawn(opened.view(), ["W1"]))


def test_a_cell_that_kept_its_value_is_not_marked():
    shown = view("dead_relu", "goto update 10", "update")
    assert "▐" not in text(drawn(shown, ["x"]))
    marks = [[plain(line)[column * 8] == "▐" for column in range(6)] for line in drawn(shown, ["b1"])[1:]]
    assert marks == shown.changed("b1").tolist()
    assert any(marks[0])
    assert not all(marks[0])


def test_the_cell_cursor_and_the_operands_have_their_roles():
    lines = drawn(XOR, ["dW2"])
    assert role_of(lines[1], "+0.7376").split()[0] == "cursor"
    assert "cursor" not in role_of(lines[2], "+0.4657")
    operands = drawn(XOR, ["a1"])
    assert "lit" in role_of(operands[1], "+0.5000")
    assert not any("lit" in role for line in operands for text, role in line if "0.2734" in text)


def test_the_tensor_that_has_just_been_computed_has_its_name_lit():
    assert role_of(drawn(XOR, ["dW2"])[0], "dW2") == "next"
    assert role_of(drawn(XOR, ["dz2"])[0], "dz2") == "name"


@settings(max_examples=40)
@given(WIDTHS, st.integers(1, 9), st.integers(1, 120), st.booleans())
def test_no_two_blocks_overlap(widths, samples, columns, deltas):
    shown = view(random_chain(samples, widths, epochs=1), "finish")
    names = deltas_of(shown) if deltas else values_of(shown)
    blocks = make_layout(shown, names, columns).blocks
    assert [block.name for block in blocks] == names
    taken = set()
    for block in blocks:
        places = {(x, y) for x in range(block.left, block.left + block.width) for y in range(block.top, block.bottom)}
        assert not taken & places
        taken |= places
        assert block.left == 0 or block.left + block.width <= columns


@settings(max_examples=40)
@given(WIDTHS, st.integers(1, 9), st.integers(1, 120))
def test_the_cell_under_a_place_is_the_one_drawn_there(widths, samples, columns):
    shown = view(random_chain(samples, widths, epochs=1), "finish")
    layout = make_layout(shown, values_of(shown), columns)
    found = {}
    for y in range(layout.height):
        for x in range(layout.width):
            found.setdefault(layout.cell_at(x, y), []).append((x, y))
    found.pop(None, None)
    expected = {(block.name, (i, j)) for block in layout.blocks for i in range(block.rows) for j in range(block.columns)}
    assert set(found) == expected
    for (name, (row, column)), places in found.items():
        block = layout.find(name)
        left, top = block.left + column * block.cell, block.top + 1 + row
        assert places == [(left + i, top) for i in range(block.cell)]


@settings(max_examples=40)
@given(WIDTHS, st.integers(1, 9), st.integers(1, 120), st.integers(0, 80), st.integers(1, 90))
def test_a_number_is_drawn_whole_or_not_at_all_wherever_the_line_begins_and_ends(widths, samples, columns, start, visible):
    shown = view(random_chain(samples, widths, epochs=1), "finish")
    layout = make_layout(shown, values_of(shown), columns)
    titles = {block.top for block in layout.blocks}
    for y in range(layout.height):
        part = layout_line(shown, layout, y, start, visible)
        assert width(part) <= visible
        if y not in titles:
            whole = plain(layout_line(shown, layout, y, 0, layout.width)).replace("▐", " ").split()
            assert set(plain(part).replace("▐", " ").split()) <= {*whole, "…"}


def test_numbers_share_a_form_and_a_width():
    assert cells(with_values(b1=[[1.5, -2.25, 0.0, 1e-9]]), "b1") == [["+1.5000", "−2.2500", "+0.0000", "+1e−9"]]
    assert cells(with_values(b1=[[1.5e9, -2.25e-3, 0.0, 1.0]]), "b1") == [["+1.50e9", "−2.25e−3", "0", "+1.00e0"]]
    assert cells(with_values(b1=[[np.nan, np.inf, -np.inf, 1.0]]), "b1") == [["nan", "+inf", "−inf", "+1.0000"]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_stands_out(value):
    assert heat_role(value, 1.0) == "bad"


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(min_value=1e-300, allow_infinity=False, allow_nan=False))
def test_heat_has_the_sign_of_the_number(value, scale):
    role = heat_role(value, scale)
    assert role == "" or (role[5] == "+") == (value > 0)


def test_a_small_number_between_two_large_ones_leaves_the_others_whole():
    assert cells(with_values(b1=[[-2e4, 1e-10, 2e4]]), "b1") == [["−2.00e4", "+1.00e−10", "+2.00e4"]]


@given(st.lists(st.floats(-1e4, 1e4, allow_subnormal=False), min_size=1, max_size=6))
def test_fixed_point_numbers_stay_in_their_columns(values):
    shown = with_values(b1=[values])
    block = make_layout(shown, ["b1"], 60).find("b1")
    if block.form.endswith("f"):
        assert width(layout_line(shown, make_layout(shown, ["b1"], 60), 1, 0, 200)) == block.width


def test_a_number_of_a_large_matrix_costs_what_is_visible(monkeypatch):
    shown = view(big(), "goto z1")
    layout = make_layout(shown, ["x", "W1"], 60)
    block = layout.find("W1")
    assert (block.rows, block.columns) == (784, 128)
    written = []
    write = draw_matrix.cell_text
    monkeypatch.setattr(draw_matrix, "cell_text", lambda value, form: written.append(value) or write(value, form))
    line = layout_line(shown, layout, block.top + 400, 300, 60)
    assert width(line) == 60
    assert len(written) <= 60 // block.cell + 2
    started = perf_counter()
    for y in range(30):
        layout_line(shown, layout, block.top + 300 + y, 300, 60)
    assert perf_counter() - started < 0.5


def test_the_title_of_a_large_matrix_has_its_range():
    shown = view(big(), "goto z1")
    title = plain(drawn(shown, ["W1"])[0])
    assert title.startswith("W1 784×128  min ")
    assert " max 0." in title
    assert plain(drawn(shown, ["b1"])[0]).strip() == "b1 1×128"


@pytest.mark.parametrize("name", NAMES)
def test_the_stage_that_has_just_run_is_in_a_pane(name):
    opened = session(name)
    for stage in opened.program.stages[:-1]:
        opened.execute("step")
        shown = opened.view()
        assert stage.name in values_of(shown) + deltas_of(shown) or stage.name == "t"


def test_after_the_last_stage_of_an_update_the_selected_cell_is_in_a_pane():
    shown = view("xor", "step 17")
    assert shown.selected[0] in values_of(shown) + deltas_of(shown)


def test_the_partial_gradients_of_a_fan_out_are_shown_with_their_sum():
    names = deltas_of(view("residual", "goto da1"))
    assert names[:4] == ["da1@r2", "da1@z2", "da1", "dz1"]


def test_a_number_and_a_list_are_drawn_in_two_axes_as_well():
    assert [as_row_column(index) for index in ((), (3,), (2, 3))] == [(0, 0), (0, 3), (2, 3)]
    assert plain(drawn(XOR, ["loss"])[0]).strip() == "loss"
