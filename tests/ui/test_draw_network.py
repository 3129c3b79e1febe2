from __future__ import annotations

import re

import numpy as np
import pytest
from ui_views import big, chain, network_lines, random_chain, role_of, text, view

from bpdebug.core.description import Layer
from bpdebug.core.record import replace
from bpdebug.ui.draw.spans import plain, width


def network(columns, rows, *moment):
    return text(network_lines(view(*moment), columns, rows))


def headings(columns, rows, *moment):
    return network(columns, rows, *moment).splitlines()[-1]


def cells(lines):
    """Characters and roles by place."""
    return {
        (x, y): (character, role)
        for y, line in enumerate(lines)
        for x, (character, role) in enumerate((character, role) for part, role in line for character in part)
    }


def dots(lines):
    """Places of braille characters to their dots and roles."""
    return {place: (ord(character) - 0x2800, role) for place, (character, role) in cells(lines).items() if character >= "\u2800"}


def changed(shown, **tensors):
    return replace(shown, tensors=dict(shown.tensors) | {name: np.array(value, float) for name, value in tensors.items()})


def residual_chain(units=3, layers=3):
    generator = np.random.default_rng(5)
    scenario = chain((units,) * layers, generator.standard_normal((2, units)), np.zeros((2, units)))
    return replace(scenario, layers=tuple(Layer(units, "tanh", residual=place > 0) for place in range(layers)))


def test_the_neurons_of_xor_before_anything_is_computed():
    start = network(40, 10, "xor")
    assert (start.count("●"), start.count("○")) == (2, 5)
    assert "x1 ● 0" in start
    assert "x2 ● 0" in start


def test_the_forward_phase_shows_activations():
    shown = network(60, 10, "xor", "goto a1")
    assert (shown.count("●"), shown.count("○")) == (6, 1)
    assert shown.count("+0.500") == 4
    assert "+0.722" in network(60, 10, "xor", "goto a2")


def test_a_layer_with_more_to_compute_is_half_filled():
    assert network(60, 10, "xor", "goto z1").count("◐") == 4
    assert "◐" not in network(60, 10, "xor", "goto a1")
    assert network(60, 10, "xor", "goto da1").count("◐") == 4
    assert "◐" not in network(60, 10, "xor", "goto dz1")


def test_the_backward_phase_shows_deltas():
    shown = network(60, 10, "xor", "goto dz2")
    assert (shown.count("●"), shown.count("○")) == (3, 4)
    assert "● +0.722" in shown


def test_the_update_phase_still_shows_the_deltas():
    assert network(60, 10, "xor", "goto W2").count("●") == 7


@pytest.mark.parametrize(
    ("stage", "names"),
    [
        ("start", "x ─W1─▸ a1 ─W2─▸ a2"),
        ("z1", "x ─W1─▸ z1 ─W2─▸ a2"),
        ("a2", "x ─W1─▸ a1 ─W2─▸ a2"),
        ("dz2", "x ◂─W1─ dz1 ◂─W2─ dz2"),
        ("da1", "x ◂─W1─ da1 ◂─W2─ dz2"),
        ("dW1", "x dW1 dz1 W2 dz2"),
        ("dW2", "x W1 a1 dW2 dz2"),
        ("db1", "x ◂─W1─ dz1 ◂─W2─ dz2"),
        ("W2", "x W1 dz1 W2 dz2"),
    ],
)
def test_the_headings_name_what_is_shown_and_tell_the_way_of_the_phase(stage, names):
    without_norms = re.sub(r" [▁-█](‖\S+‖)?", "", headings(60, 10, "xor", f"goto {stage}"))
    assert re.sub(r"([ ─])\1*", r"\1", without_norms).strip() == names


def test_the_headings_are_in_the_chosen_notation():
    assert "∂L/∂z1" in headings(70, 10, "xor", "notation partial", "goto dz1")


def test_the_sample_in_sight():
    assert "x1 ● 1" in network(60, 10, "xor", "goto a2", "sample 2")
    first, second = (network(60, 10, "xor", "goto a2", f"sample {row}") for row in (0, 1))
    assert "+0.722" in first
    assert "+0.690" in second


@pytest.mark.parametrize(
    ("stage", "lit"), [("z1", "W1 z1"), ("a1", "W1 a1"), ("da1", "da1 W2"), ("dW2", "dW2"), ("W1", "W1"), ("db1", ""), ("b1", "")]
)
def test_the_layer_and_the_edges_of_the_stage_are_lit(stage, lit):
    last = network_lines(view("xor", f"goto {stage}"), 60, 10)[-1]
    names = [part.strip(" ─▸◂") for part, role in last if role == "next"]
    assert " ".join(names) == lit


def test_the_edges_of_other_layers_step_back():
    kinds = {role.partition(":")[0] for _, role in dots(network_lines(view("xor", "goto a2"), 60, 10)).values()}
    assert kinds == {"path", "pale"}
    kinds = {role.partition(":")[0] for _, role in dots(network_lines(view("xor", "goto z1", "sample 3"), 60, 10)).values()}
    assert kinds == {"ink", "path", "pale"}
    assert {role.partition(":")[0] for _, role in dots(network_lines(view("xor"), 60, 10)).values()} == {"ink"}


def lit_edges(*moment):
    """Between which layers edges stand out, and in which rows they meet them."""
    lines = network_lines(view(*moment), 60, 10)
    lit = [place for place, (_, role) in dots(lines).items() if role.startswith("path")]
    return min(lit)[0], max(lit)[0], sorted({y for x, y in lit if x == max(lit)[0]})


def test_one_edge_stands_out_for_a_weight():
    left, right, ends = lit_edges("xor", "goto z1", "select W1[1,2]")
    assert (left, right, ends) == (lit_edges("xor", "goto z1")[0], lit_edges("xor", "goto z1")[1], [5])


def test_all_edges_of_a_neuron_stand_out_for_its_number():
    shown = network_lines(view("xor", "goto z1", "select z1[0,2]"), 60, 10)
    row = next(y for y, line in enumerate(shown) if "cursor" in {role for _, role in line})
    assert lit_edges("xor", "goto z1", "select z1[0,2]")[2] == [row]
    behind = lit_edges("xor", "goto da1", "select da1[0,2]")
    assert behind[0] > lit_edges("xor", "goto z1", "select z1[0,2]")[1]


def test_no_edge_stands_out_for_a_bias_or_a_way_around():
    for moment in (("xor", "goto b1"), ("residual", "goto dr2@r3")):
        assert not any(role.startswith("path") for _, role in dots(network_lines(view(*moment), 60, 12)).values())


def single(weight):
    """The drawing of a network of one weight."""
    return network_lines(changed(view(random_chain(1, (1, 1), epochs=1)), W1=[[weight]]), 40, 6)


def test_a_positive_weight_is_a_solid_line_and_a_negative_one_a_broken_line():
    solid, broken = (sum(bits.bit_count() for bits, _ in dots(single(weight)).values()) for weight in (1, -1))
    assert broken < 0.6 * solid
    assert [role for _, role in dots(single(1)).values()] == ["ink:+8"] * len(dots(single(1)))
    assert {role for _, role in dots(single(-1)).values()} == {"ink:-8"}


def test_the_larger_of_two_weights_is_the_wider_line():
    shown = view(random_chain(1, (2, 1), epochs=1))
    counts = []
    for smaller in (0.1, 0.5, 1.0):
        drawn = dots(network_lines(changed(shown, W1=[[1.0], [smaller]]), 60, 20))
        counts.append(sum(bits.bit_count() for bits, _ in drawn.values()))
    assert counts[0] < counts[1] < counts[2]


@pytest.mark.parametrize("i", range(4))
@pytest.mark.parametrize("j", range(3))
def test_even_the_weakest_edge_is_drawn(i, j):
    """Without an edge the drawing would be another one: its colour is changed to that of a weight that is not finite."""
    shown = view(random_chain(1, (4, 3), epochs=1))
    weights = np.full((4, 3), 1e-9)
    weights[0, 0] = weights[3, 2] = 1.0
    weights[i, j] = np.nan
    assert any(role == "bad" for _, role in dots(network_lines(changed(shown, W1=weights), 60, 12)).values())


@pytest.mark.parametrize("columns", [80, 110, 160])
def test_no_edge_runs_through_a_number(columns):
    for name in ("xor", "iris", "two_outputs"):
        shown = view(name, "goto a2")
        drawn = text(network_lines(shown, columns, 16))
        for value in (*shown.tensors["a1"][0], *shown.tensors["a2"][0]):
            assert f"● {value:+.3f}".replace("-", "−") in drawn


def test_the_target_stands_at_the_output():
    assert "target 0" in network(40, 10, "xor")
    assert "target 1" in network(40, 10, "xor", "sample 1")
    assert network(60, 5, random_chain(1, (2, 4), epochs=1)).count(" target ") == 4


def test_the_target_is_lit_at_the_loss():
    line = next(line for line in network_lines(view("xor", "goto loss"), 60, 10) if "target 0" in plain(line))
    assert role_of(line, "target 0") == "next"


def test_biases_stand_at_their_neurons_where_there_is_room():
    assert network(60, 10, "xor", "goto 9:a1").count("b ") == 5
    assert "b +0.350" in network(60, 10, "two_outputs")
    assert network(60, 6, "xor").count("b ") == 1
    unbiased = replace(random_chain(2, (2, 2), epochs=1), layers=(Layer(2, "identity", bias=False),))
    assert "b " not in network(60, 12, unbiased)


def test_the_cell_cursor_is_on_the_selected_number():
    for selected, shown in (("a1[0,2]", "+0.500"), ("y[0,0]", "target 0"), ("b2[0,0]", "b 0"), ("x[0,1]", "0")):
        lines = network_lines(view("xor", "goto a2", f"select {selected}"), 60, 10)
        assert [part for line in lines for part, role in line if role == "cursor"] == [shown]


def test_names_of_inputs_are_shortened_rather_than_left_out():
    assert "sepal_length ●" in network(80, 12, "iris")
    assert "x1 ● " in network(38, 10, "iris")
    for columns in range(24, 80):
        names = re.findall(r"(\S+) ● ?[\d+]", network(columns, 10, "iris"))
        assert len(set(names)) == 4, columns
        assert all(re.fullmatch(r"x\d|(sep|pet).*", name) for name in names), columns


def test_names_of_outputs_stand_beside_or_below_them():
    assert re.search(r"● \+\S+ +versicolor", network(110, 12, "iris", "goto a2"))
    assert "setosa" in network(38, 10, "iris")
    assert "virginica" not in network(38, 10, "iris")
    assert re.search(r"virgi\w*…", network(38, 10, "iris"))


def test_a_residual_layer_has_an_arc_around_it():
    forward, back = (network_lines(view(residual_chain(), f"goto {name}"), 70, 12) for name in ("r2", "dr2@r3"))
    top = next(line for line in forward if "╭" in plain(line))
    assert "+a1▸" in plain(top)
    assert role_of(top, "+a1▸") == "next"
    top = next(line for line in back if "╭" in plain(line))
    assert role_of(top, "◂dr3") == "next"
    assert role_of(top, "◂dr2") == "dim"


@pytest.mark.parametrize("units", [1, 4, 9, 12])
def test_narrow_layers_have_a_neuron_for_each_unit(units):
    shown = network(40, 16, random_chain(2, (units, units), epochs=1), "finish")
    assert shown.count("●") == 2 * units


@pytest.mark.parametrize("rows", range(5, 30, 3))
def test_neurons_stand_equally_far_apart(rows):
    lines = network(60, rows, random_chain(2, (2, 4, 1), epochs=1), "goto z1").splitlines()
    places = [y for y, line in enumerate(lines) if "◐" in line]
    assert len(places) == 4
    assert len(set(np.diff(places))) == 1


def test_wide_layers_are_strips_with_their_number_of_units():
    shown = network_lines(view(big(), "goto a2"), 80, 14)
    assert "x 784" in plain(shown[-1])
    assert "a1 128" in plain(shown[-1])
    assert text(shown).count("▀▀") == 2 * 13
    assert text(shown).count("●") == 10
    assert network(80, 14, big()).count("░░") == 13


def test_more_units_than_rows_are_a_strip():
    shown = network(60, 8, random_chain(2, (2, 9, 1), epochs=1), "goto a2")
    assert shown.count("●") == 3
    assert shown.count("▀▀") == 7


def test_a_strip_tells_the_sign_without_colour():
    values = np.ones((2, 20))
    values[:, 2:4], values[:, 8] = -1, -1
    lines = text(network_lines(changed(view(random_chain(2, (2, 20, 1), epochs=1), "goto a1"), a1=values), 60, 11)).splitlines()
    signs = [line[: line.index("▀▀")][-1:].strip() for line in lines[:10]]
    assert signs == ["", "−", "", "", "±", "", "", "", "", ""]


def test_the_selected_neuron_of_a_strip_is_named():
    lines = network_lines(view(big(), "goto a1", "select a1[0,77]"), 80, 14)
    assert "[77]" in text(lines)
    number = next(part for line in lines for part, role in line if role == "cursor")
    assert float(number[1:]) == pytest.approx(view(big(), "goto a1", "select a1[0,77]").tensors["a1"][0, 77], abs=0.0006)


def test_a_strip_of_outputs_marks_the_largest_target():
    shown = view(big(), "goto a2")
    lines = text(network_lines(shown, 40, 8)).splitlines()
    marked = [y for y, line in enumerate(lines[:-1]) if line.endswith("◂ target")]
    assert marked == [int(shown.tensors["y"][0].argmax() * 7 // 10)]


def test_a_deep_network_is_shown_around_the_layer_in_focus():
    deep = random_chain(2, (2,) + (3,) * 9, epochs=1)
    first, middle, last = (headings(38, 10, deep, f"goto {name}") for name in ("a1", "a5", "a9"))
    assert first.split()[0] == "x"
    assert first.endswith("›")
    assert "‹" not in first
    assert "a5" in middle
    assert middle.startswith("‹")
    assert middle.endswith("›")
    assert "a9" in last.split()
    assert not last.endswith("›")


@pytest.mark.parametrize(("stage", "before"), [("a5", "a4"), ("dz5", "dz6")])
def test_the_layer_that_the_numbers_come_from_is_in_sight(stage, before):
    shown = headings(38, 10, random_chain(2, (2,) + (3,) * 9, epochs=1), f"goto {stage}")
    assert {stage, before} <= set(shown.split())


def test_a_weight_that_is_not_finite_stands_out():
    shown = view("xor", "goto a2")
    weights = shown.tensors["W1"].copy()
    weights[0, 1], weights[1, 2] = np.nan, np.inf
    assert any(role == "bad" for line in network_lines(changed(shown, W1=weights), 40, 10) for _, role in line)
    assert not any(role == "bad" for line in network_lines(shown, 40, 10) for _, role in line)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_neurons_and_strips_that_are_not_finite_are_drawn(value):
    for scenario in (random_chain(2, (3, 3), epochs=1), random_chain(2, (30, 30), epochs=1)):
        shown = view(scenario, "finish")
        tensors = {name: np.full(array.shape, value) for name, array in shown.tensors.items()}
        roles = {role for line in network_lines(replace(shown, tensors=tensors), 40, 10) for _, role in line}
        assert any("bad" in role or "patch:9" in role for role in roles)


@pytest.mark.parametrize("columns", [12, 38, 160])
@pytest.mark.parametrize("rows", [3, 6, 40])
def test_the_drawing_has_the_size_asked_for(columns, rows):
    small = random_chain(3, (4, 5, 3), epochs=1)
    for scenario in ("xor", "iris", "residual", "deep_sigmoid", "one_neuron", small, big()):
        for moment in ("start", "a1", "dz1"):
            lines = network_lines(view(scenario, f"goto {moment}"), columns, rows)
            assert [width(line) for line in lines] == [columns] * rows


@pytest.mark.parametrize("scenario", ["xor", "one_neuron", "residual", "dead_relu", "two_outputs"])
def test_at_24_by_6_every_neuron_in_sight_is_there(scenario):
    shown = network(24, 6, scenario, "goto a1")
    assert shown.count("●") + shown.count("○") + shown.count("▀▀") + shown.count("░░") >= 2
    assert "a1" in shown.splitlines()[-1]
