from __future__ import annotations

from collections import Counter
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ui_views import NAMES, big, random_chain, role_of, session, text, view

from bpdebug.core.numbers import NumberStyle
from bpdebug.core.record import replace
from bpdebug.core.render import Style
from bpdebug.look.slices import Slice
from bpdebug.ui.draw import matrix_block
from bpdebug.ui.draw.layers import deltas_of, in_stage, values_in, values_of
from bpdebug.ui.draw.matrix import change_text, layout_line, note_text, past_text, statistics_text
from bpdebug.ui.draw.matrix_block import Look, slice_of
from bpdebug.ui.draw.matrix_layout import make_layout, step_from
from bpdebug.ui.draw.matrix_overview import has_overview, pictured_among
from bpdebug.ui.draw.spans import plain, width

XOR = view("xor", "goto dW2")
SIGNS = str.maketrans("▐▸", "  ")
WIDTHS = st.lists(st.integers(1, 12), min_size=2, max_size=4)


def drawn(shown, names, columns=60, rows=0):
    layout = make_layout(shown, names, columns, rows)
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
        " +3.5931   +0.7217   +0.7376",
        " −1.4498   −0.3102   +0.4657",
        " −1.2066   −0.1712   +0.7221",
        "▸+5.3362  ▸+0.8126   +0.7858",
        "db2 1×1",
        " ╱╱╱╱╱╱╱",
    ]


def test_what_is_not_computed_yet_is_hatched_and_never_0():
    lines = drawn(XOR, ["db2", "da1"])
    assert set("".join(map(plain, lines[1:]))) <= {" ", "╱"}
    assert len(plain(lines[1]).split()) == 1 + 4
    assert role_of(lines[0], "db2") == "dim"


def bold(shown, name):
    """The texts of a tensor's bold numbers."""
    return [part for line in drawn(shown, [name])[1:] for part, role in line if "bold" in role.split()]


def test_what_the_last_command_changed_is_bold_and_without_signs_where_it_is_all_of_a_tensor():
    opened = session("xor", "goto 0:db1", "step")
    shown = opened.view()
    assert len(bold(shown, "W1")) == 8
    assert "▐" not in text(drawn(shown, ["W1", "W2", "x", "dW1"]))
    assert not bold(shown, "W2") + bold(shown, "dW1")
    opened.execute("step")
    assert not bold(opened.view(), "W1")


def test_where_a_part_of_a_tensor_has_changed_its_cells_are_marked():
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
            whole = plain(layout_line(shown, layout, y, 0, layout.width)).translate(SIGNS).split()
            assert set(plain(part).translate(SIGNS).split()) <= {*whole, "…"}


def test_numbers_share_a_form_and_a_width():
    assert cells(with_values(b1=[[1.5, -2.25, 0.0, 1e-9]]), "b1") == [["+1.5000", "−2.2500", "0", "+1e−9"]]
    assert cells(with_values(b1=[[1.5e9, -2.25e-3, 0.0, 1.0]]), "b1") == [["+1.50e9", "−2.25e−3", "0", "+1.00e0"]]
    assert cells(with_values(b1=[[np.nan, np.inf, -np.inf, 1.5]]), "b1") == [["nan", "+inf", "−inf", "+1.5000"]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_stands_out(value):
    assert Look(scale=1.0).heat(value) == "bad"


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(min_value=1e-300, allow_infinity=False, allow_nan=False))
def test_heat_has_the_sign_of_the_number(value, scale):
    role = Look(scale=scale).heat(value)
    assert role == "" or (role[5] == "+") == (value > 0)


def test_a_small_number_between_two_large_ones_leaves_the_others_whole():
    assert cells(with_values(b1=[[-2e4, 1e-10, 2e4]]), "b1") == [["−2.00e4", "+1.00e−10", "+2.00e4"]]


@given(st.lists(st.floats(-1e4, 1e4, allow_subnormal=False), min_size=1, max_size=6))
def test_fixed_point_numbers_stay_in_their_columns(values):
    shown = with_values(b1=[values])
    block = make_layout(shown, ["b1"], 60).find("b1")
    if block.look.form.endswith("f"):
        assert width(layout_line(shown, make_layout(shown, ["b1"], 60), 1, 0, 200)) == block.width


def test_a_number_of_a_large_matrix_costs_what_is_visible(monkeypatch):
    shown = view(big(), "goto z1")
    layout = make_layout(shown, ["x", "W1"], 60)
    block = layout.find("W1")
    assert (block.rows, block.columns) == (784, 128)
    written = []
    write = matrix_block.aligned
    monkeypatch.setattr(matrix_block, "aligned", lambda value, form: written.append(value) or write(value, form))
    line = layout_line(shown, layout, block.top + 400, 300, 60)
    assert width(line) == 60
    assert len(written) <= 60 // block.cell + 2
    started = perf_counter()
    for y in range(30):
        layout_line(shown, layout, block.top + 300 + y, 300, 60)
    assert perf_counter() - started < 0.5


def test_below_the_title_of_a_large_matrix_stand_its_statistics():
    shown = view(big(), "goto z1")
    lines = drawn(shown, ["W1"])
    values = shown.tensors["W1"]
    assert plain(lines[0]).strip() == "W1 784×128"
    expected = f"min {values.min():.3g}  max {values.max():.3g}  mean {values.mean():.2e}  norm {np.linalg.norm(values):.3g}"
    assert plain(lines[1]).strip().split("  ")[:2] == expected.replace("-", "−").split("  ")[:2]
    assert plain(lines[1]).strip().endswith(f"norm {np.linalg.norm(values):.3g}")
    assert plain(drawn(shown, ["b1"])[0]).strip() == "b1 1×128"


def test_statistics_say_what_is_not_finite_first_and_count_zeros():
    shown = with_values(W1=[[np.nan, np.inf, 0.0, 0.0], [-np.inf, np.nan, 3.0, 4.0]])
    assert statistics_text(shown, "W1", 200) == "2 nan  1 inf  1 −inf  min 0  max 4  mean 1.75  norm 5  2 zeros"
    assert statistics_text(shown, "W1", 12) == "2 nan  1 inf"
    assert statistics_text(shown, "W1", 3) == ""
    assert statistics_text(with_values(W1=[[np.nan, np.nan]]), "W1", 80) == "2 nan"
    assert statistics_text(with_values(b1=[[-0.5, -0.5]]), "b1", 80) == "all −0.5"
    assert statistics_text(with_values(loss=1.5), "loss", 80) == "", "a single number is its own statistics"
    assert statistics_text(XOR, "db2", 80) == "", "not computed yet"


def test_statistics_stand_above_smaller_matrices_where_there_are_lines_to_spare():
    names = values_of(XOR)
    tight, roomy = make_layout(XOR, names, 44), make_layout(XOR, names, 44, 40)
    assert {block.head for block in tight.blocks} == {1}
    assert roomy.find("a1").heads == ("title", "statistics", "numbers")
    assert roomy.height <= 40
    line = plain(layout_line(XOR, roomy, roomy.find("a1").top + 1, 0, 44))
    assert line.startswith("min 0.273  max 0.974  mean 0.656")
    same = {block.top: {b.head for b in roomy.blocks if b.top == block.top} for block in roomy.blocks}
    assert all(len(heads) == 1 for heads in same.values()), "rows of one shelf stand side by side"


def test_the_selected_numbers_change_since_the_stop_before_is_said():
    opened = session("xor", "goto 0:db1", "step")
    shown = opened.view()
    now, was = shown.tensors["W1"][0, 1], shown.before["W1"][0, 1]
    text = f"was {was:+.4f}  Δ {now - was:.3g}".replace("-", "−")
    assert change_text(shown, "W1", (0, 1), 40) == text
    assert change_text(shown, "W1", (0, 1)).endswith("Δ −0.00599 since the last stop")
    assert change_text(shown, "W2", (0, 0)) == change_text(shown, "dW2", (0, 0)) == "", "they are what they were"
    assert change_text(XOR, "dW2", (0, 0)) == "", "it had no value then"


def test_the_note_below_a_pane_is_on_its_own_selected_tensor():
    layout = make_layout(XOR, deltas_of(XOR), 44)
    assert note_text(XOR, layout, 40) == "min 0.466  max 0.786  mean 0.678"
    assert note_text(XOR, make_layout(XOR, values_of(XOR), 44), 40) == ""
    shown = view("xor", "goto 0:db1", "step")
    assert note_text(shown, make_layout(shown, values_of(shown), 44), 40).startswith("W1[0,0] was +1.7641  Δ −9.99e")
    assert note_text(shown, make_layout(shown, values_of(shown), 44), 30).startswith("was +1.7641"), "the number goes before its name"


STYLES = {
    "fixed 2": ["+1.50", "−0.12", "0", "+0.00", "−2.00e12"],
    "scientific 1": ["+1.5e0", "−1.2e−1", "0", "+1.0e−9", "−2.0e12"],
    "full": ["+1.5", "−0.125", "0", "+1e−9", "−2000000000000.0"],
}


@pytest.mark.parametrize("style", STYLES)
def test_numbers_are_written_as_the_user_wants_them(style):
    kind, _, digits = style.partition(" ")
    shown = replace(with_values(b1=[[1.5, -0.125, 0.0, 1e-9, -2e12]]), number_style=NumberStyle(kind, int(digits or 4)))
    assert cells(shown, "b1") == [STYLES[style]]
    line = drawn(shown, ["b1"])[1]
    assert width(line) == make_layout(shown, ["b1"], 200).find("b1").width


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_all_digits_of_a_number_give_it_back(value):
    shown = replace(with_values(b1=[[value, 0.5]]), number_style=NumberStyle("full"))
    assert float(cells(shown, "b1")[0][0].replace("−", "-")) == value


def test_whole_numbers_have_no_decimals():
    assert cells(with_values(y=[[0.0], [1.0], [-12.0]]), "y") == [["0"], ["+1"], ["−12"]]
    assert cells(with_values(y=[[0.0], [1e4]]), "y")[1] == ["+1.00e4"]


def test_in_the_column_convention_tables_are_turned_and_cells_keep_their_names():
    shown = replace(view("iris", "goto dW1", "select dW1[3,6]"), style=Style("unicode", columns=True))
    names = [*deltas_of(shown), *values_of(shown)]
    layout = make_layout(shown, names, 300)
    block = layout.find("dW1")
    assert (block.rows, block.columns) == (8, 4)
    assert block.part.place((3, 6)) == (6, 3)
    assert block.part.index(6, 3) == (3, 6)
    lines = drawn(shown, ["dW1"])
    assert plain(lines[0]).strip() == "dW1 8×4"
    numbers = [[float(part.replace("−", "-")) for part in plain(line).split()] for line in lines[1:]]
    assert np.allclose(numbers, shown.tensors["dW1"].T, atol=1e-4)
    assert [role for part, role in lines[7] if role.startswith("cursor")] == ["cursor bold"]
    lit = [sum("lit" in role for _, role in line) for line in drawn(shown, ["x"])[1:]]
    assert lit == [0, 0, 0, 16], "a sample is a column"


def test_a_picture_of_the_whole_stands_beside_what_is_larger_than_the_pane():
    shown = view(big(), "goto z1")
    assert has_overview(shown, values_of(shown), 42, 10)
    assert not has_overview(shown, values_of(shown), 30, 10), "no room"
    assert not has_overview(shown, ["b2"], 42, 10)
    assert not has_overview(XOR, values_of(XOR), 42, 3)


@settings(max_examples=30)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 70), st.integers(1, 30), st.sampled_from([0, 14]))
def test_what_is_in_sight_is_what_is_drawn_whole(x, y, columns, rows, room):
    shown = view(big(hidden=12), "finish")
    layout = make_layout(shown, ["x", "z1"], 90, room)
    places = ((left, line) for left in range(x, x + columns) for line in range(y, y + rows))
    seen = Counter(layout.cell_at(*place, begin=(x, y)) for place in places)
    for block in layout.blocks:
        sight = block.sight(x, y, columns, rows)
        expected = {found[1] for found, count in seen.items() if found and found[0] == block.name and count == block.cell}
        assert {(i, j) for i in range(sight.top, sight.bottom) for j in range(sight.left, sight.right)} == expected


@given(st.integers(0, 127), st.integers(0, 1100), st.integers(12, 120))
def test_wherever_a_wide_tensor_is_scrolled_to_the_column_asked_for_is_in_sight(column, x, columns):
    block = make_layout(view(big(), "goto dW1"), ["dW1"], columns, 14).find("dW1")
    first = block.first_column(column, x, columns)
    seen = block.sight(block.left + first * block.cell, 0, columns, 14)
    assert seen.left == first
    assert seen.left <= column < seen.right
    again = block.first_column(column, block.left + first * block.cell, columns)
    assert again == first, "what is in sight is not scrolled"


def window(shown, names, columns, rows, x=0, y=0):
    """What a pane of that size shows, scrolled to a place."""
    layout = make_layout(shown, names, columns, rows)
    return [plain(layout_line(shown, layout, line, x, columns, range(y, y + rows))) for line in range(y, y + rows)]


def test_the_edges_of_a_tensor_have_the_numbers_of_its_rows_and_columns():
    shown = view("xor", "goto dW1", "select dW1[1,2]")
    lines = window(shown, deltas_of(shown), 40, 25)
    place = next(y for y, text in enumerate(lines) if text.startswith("dW1"))
    assert lines[place + 1].split() == ["0", "1", "2", "3"]
    assert [text.split()[0] for text in lines[place + 2 : place + 4]] == ["0", "1"]
    lit = drawn(shown, deltas_of(shown), 40, 25)[place + 1 : place + 4]
    assert [role_of(lit[0], digit) for digit in "0123"] == ["faint", "faint", "name", "faint"]
    assert [role_of(line, digit) for line, digit in zip(lit[1:], "01", strict=True)] == ["faint", "name"]


def test_samples_have_their_numbers_in_the_data():
    opened = session("iris", "goto 5:dz1")
    shown = opened.view()
    samples = opened.timeline.machine.batches.samples(5)
    rows = [text.replace("▸", " ").split()[0] for text in window(shown, ["dz1"], 90, 18)[2:]]
    assert rows == [f"#{sample}" for sample in samples]
    assert [text.split()[0] for text in window(shown, ["dW1"], 90, 6)[2:]] == ["0", "1", "2", "3"]
    turned = replace(shown, style=Style("unicode", columns=True))
    assert window(turned, ["dz1"], 200, 10)[1].split() == [f"#{sample}" for sample in samples]


def test_without_room_there_are_no_numbers_at_the_edges():
    shown = view("xor", "goto dW1")
    assert window(shown, ["dW1"], 32, 3)[1].split()[0].startswith(("+", "−"))
    assert window(shown, ["dW1"], 33, 3)[1].split()[0] == "0"
    assert window(shown, ["dW1"], 33, 4)[1].split() == ["0", "1", "2", "3"]


def test_columns_stand_below_columns():
    shown = view("xor", "goto dW1", "sample 2")
    lines = [text for text in window(shown, ["dz1", "dW1", "db1", "x", "W1"], 40, 30) if "." in text]
    assert len({tuple(i for i, character in enumerate(text) if character == ".") for text in lines}) == 1


def test_the_name_of_a_tensor_and_the_numbers_of_its_columns_stay_in_sight():
    shown = view(big(), "goto dW1")
    lines = window(shown, ["dW1"], 40, 8, x=80, y=300)
    layout = make_layout(shown, ["dW1"], 40, 8)
    block = layout.find("dW1")
    first = 300 + 2 - block.first
    assert lines[0].split() == ["dW1", "784×128", "rows", f"{first}–{first + 5},", "columns", "10–13"]
    assert lines[1].split() == ["10", "11", "12", "13"]
    assert [text.split()[0] for text in lines[2:]] == [str(first + i) for i in range(6)]
    expected = [f"{value:+.4f}".replace("-", "−") for value in shown.tensors["dW1"][first, 10:14]]
    assert [float(part.replace("−", "-")) for part in lines[2].split()[1:]] == pytest.approx([float(e.replace("−", "-")) for e in expected])


def test_the_sample_that_is_looked_at_is_marked_in_every_tensor_of_the_batch():
    shown = view("xor", "goto dW1", "sample 2", "select dW1[0,1]")
    lines = window(shown, values_of(shown) + deltas_of(shown), 40, 60)
    marked = [text for text in lines if "▸" in text]
    assert len(marked) == sum(name in shown.program.sampled for name in ("x", "z1", "a1", "da1", "dz1"))
    assert all(text.split()[0].startswith("2▸") for text in marked)
    turned = window(replace(shown, style=Style("unicode", columns=True)), ["dz1"], 40, 6)
    assert [text.count("▾") for text in turned[:3]] == [0, 0, 1]
    assert "▸" not in "".join(window(view("one_neuron", "finish"), ["x", "z1"], 40, 20))


def test_after_an_update_its_numbers_are_shown_dim_and_those_of_the_next_as_ever():
    opened = session("iris", "goto 4:db1")
    values = dict(opened.view().tensors)
    opened.execute("update")
    shown = opened.view()
    assert past_text(shown, values_of(shown)) == "of update 4"
    for name in ("x", "y", "z2", "a2", "dz1", "dW2"):
        assert np.array_equal(values_in(shown, name), values[name]), name
        block = drawn(shown, [name])
        assert {role.split()[-1] for text, role in block[1] if text.strip(" ▸")} == {"dim"}, name
    assert np.array_equal(values_in(shown, "W2"), opened.value("W2"))
    opened.execute("select x[0,0]")
    assert np.array_equal(values_in(opened.view(), "x"), opened.value("x")), "what is selected is of now"
    opened.execute("step")
    assert past_text(opened.view(), values_of(opened.view())) == ""


def test_at_the_end_of_training_the_answers_are_what_the_panes_show_before_all():
    shown = view("xor", "goto end")
    assert in_stage(shown) == ["a2", "y", "loss"]
    lines = window(shown, in_stage(shown), 36, 10)
    assert [part for part in lines[0].split() if "×" not in part] == ["a2", "y", "loss"]
    answers = view("xor", "goto 999:a2").tensors["a2"][:, 0]
    assert all(f"{answer:+.4f}" in row for row, answer in zip(lines[1:5], answers, strict=True))


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
    found = [
        slice_of(XOR, name, shape).place(index) for name, shape, index in (("loss", (), ()), ("b1", (4,), (3,)), ("a1", (4, 4), (2, 3)))
    ]
    assert found == [(0, 0), (0, 3), (2, 3)]
    assert plain(drawn(XOR, ["loss"])[0]).strip() == "loss"


def test_whole_numbers_of_the_data_take_no_more_room_than_they_need_and_have_little_heat():
    block = make_layout(XOR, ["x"], 40).find("x")
    assert [plain(line) for line in drawn(XOR, ["x"])[1:]] == ["  0  0", "  0 +1", " +1  0", "▸+1 +1"]
    assert 0 < int(role_of(drawn(XOR, ["x"])[2], "+1").removeprefix("heat:")) < 4
    assert block.look.heat(-1.0) == "heat:" + role_of(drawn(XOR, ["x"])[2], "+1").removeprefix("heat:").replace("+", "-")


def test_the_heat_of_whole_numbers_among_fractions_is_below_their_digits_only():
    line = drawn(with_values(a1=[[1.0, -3.0]]), ["a1"])[1]
    assert [(text, role) for text, role in line if text.strip()] == [("+1", "heat:+3"), ("−3", "heat:-8")]
    assert width(line) == make_layout(XOR, ["a1"], 40).find("a1").cell * 2


def test_a_number_of_its_own_has_no_heat():
    line = drawn(with_values(b2=[[-7.25]]), ["b2"])[1]
    assert role_of(line, "−7.2500") == ""
    assert "bad" in role_of(drawn(with_values(b2=[[np.nan]]), ["b2"])[1], "nan")


def test_a_bias_stands_below_its_weights():
    shown = with_values(W1=[[-123.5, 0.25, 3.5, 1.5]] * 2, b1=[[0.0] * 4], z1=[[0.5, 1.5, 2.5, 3.5]] * 4)
    blocks = make_layout(shown, ["W1", "b1", "z1"], 60).blocks
    assert {block.cell for block in blocks} == {len("−123.5000") + 1}


def test_rows_that_one_cannot_count_have_numbers_in_every_tensor_of_a_pane():
    shown = view("iris", "goto 5:da1")
    for rows, columns in ((6, 40), (18, 62), (18, 64), (30, 66), (40, 120)):
        for names in (values_of(shown), deltas_of(shown)):
            blocks = make_layout(shown, names, columns, rows).blocks
            assert all(block.edge for block in blocks if block.rows > 4), (rows, columns)


def test_the_picture_is_of_the_cursors_tensor_and_never_of_one_without_a_value():
    shown = view(big(), "goto dW1")
    assert pictured_among(shown, ["dz1", "dW1", "db1"]) == ["dW1"]
    assert pictured_among(shown, ["x", "W1", "z1"]) == ["x", "W1", "z1"], "the cursor is in another pane"
    assert pictured_among(view(big(), "goto z1"), ["dz1", "dW1"]) == []
    assert not has_overview(view(big(), "goto db1"), ["dz1", "dW1", "db1"], 60, 12), "the cursor's tensor is small"


@given(st.lists(st.integers(1, 4), max_size=5), st.randoms(use_true_random=False))
def test_a_part_of_a_tensor_of_any_rank_has_its_cells_where_it_says(shape, chance):
    shape = tuple(shape)
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    cell = tuple(chance.randrange(length) for length in shape)
    axes = chance.sample([*[None] * max(2 - len(shape), 0), *range(len(shape))], 2)
    part = Slice(shape, tuple(axes), cell)
    assert part.holds(cell)
    assert part.index(*part.place(cell)) == cell
    table = part.table(values)
    assert table.shape == part.size
    for row, column in np.ndindex(part.size):
        assert table[row, column] == values[part.index(row, column)]


def test_the_parts_of_a_tensor_come_one_after_another():
    part, met = Slice((2, 3, 4, 5), (2, 3), (0, 0, 3, 4)), []
    while part:
        met.append(part.subscript)
        part = part.beside(1)
    assert met == [f"[{i},{j},:,:]" for i in range(2) for j in range(3)]
    assert Slice((4,), (None, 0), (0,)).beside(1) is None
    assert Slice((4, 5), (0, 1), (0, 0)).subscript == ""


FOUR = np.arange(48.0).reshape(2, 3, 2, 4)


def test_of_four_axes_the_last_two_are_shown_where_the_cursor_is_and_it_crosses_over():
    shown = replace(with_values(W1=FOUR), selected=("W1", (1, 1, 1, 2)))
    lines = drawn(shown, ["W1"])
    assert plain(lines[0]).strip() == "W1 [1,1,:,:] of 2×3×2×4"
    assert [plain(line).split() for line in lines[1:]] == [[f"+{n:.0f}" for n in row] for row in FOUR[1, 1]]
    layout = make_layout(shown, ["W1", "b1"], 60)
    block = layout.find("W1")
    assert step_from(layout, ["W1"], block, (1, 1, 1, 2), 1, 0) == ("W1", (1, 2, 0, 2))
    assert step_from(layout, ["W1"], block, (1, 1, 0, 2), -1, 0) == ("W1", (1, 0, 1, 2))
    shown = replace(shown, selected=("W1", (1, 2, 1, 2)))
    layout = make_layout(shown, ["W1", "b1"], 60)
    assert step_from(layout, ["W1", "b1"], layout.find("W1"), (1, 2, 1, 2), 1, 0) == ("b1", (0, 2))


@pytest.mark.parametrize(("axes", "title"), [((0, 3), "[:,1,1,:]"), ((3, 0), "[:,1,1,:].T"), ((0, 1), "[:,:,1,2]")])
def test_other_axes_are_shown_where_they_are_chosen_and_the_cursor_moves_in_them(axes, title):
    shown = replace(with_values(W1=FOUR), selected=("W1", (1, 1, 1, 2)), axes={"W1": axes})
    lines = drawn(shown, ["W1"])
    assert plain(lines[0]).strip() == f"W1 {title} of 2×3×2×4"
    rows = np.moveaxis(FOUR, axes, (0, 1))[:, :, *(place for axis, place in enumerate((1, 1, 1, 2)) if axis not in axes)]
    assert [plain(line).split() for line in lines[1:]] == [[f"+{n:.0f}" for n in row] for row in rows]
    layout = make_layout(shown, ["W1"], 60)
    there = step_from(layout, ["W1"], layout.find("W1"), (1, 1, 1, 2), -1, 0)[1]
    assert there == tuple(place - (axis == axes[0]) for axis, place in enumerate((1, 1, 1, 2)))


def test_a_gradient_has_the_axes_of_its_tensor_and_what_has_no_such_axes_keeps_its_own():
    shown = replace(with_values(dW1=FOUR), axes={"W1": (0, 1), "b1": (0, 3)})
    assert slice_of(shown, "dW1", (2, 3, 2, 4)).axes == (0, 1)
    assert slice_of(shown, "b1", (4,)).axes == (None, 0)
