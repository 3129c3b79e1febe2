from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ui_views import big, random_chain, role_of, text, view

from bpdebug.ui.draw_network import network_lines
from bpdebug.ui.spans import plain, width


def network(columns, rows, *moment, sample=0):
    return text(network_lines(view(*moment), columns, rows, sample))


def test_the_nodes_of_xor():
    start = network(40, 10, "xor")
    assert (start.count("●"), start.count("○")) == (2, 5)
    assert start.splitlines()[-1].split() == ["x", "a1", "a2"]
    assert "x1 ● +0.000" in start
    assert "x2 ● +0.000" in start


def test_the_forward_phase_shows_activations():
    shown = network(40, 10, "xor", "goto a1")
    assert (shown.count("●"), shown.count("○")) == (6, 1)
    assert shown.count("+0.500") == 4
    assert "+0.722" in network(40, 10, "xor", "goto a2")


def test_the_backward_phase_shows_deltas():
    shown = network(40, 10, "xor", "goto dz2")
    assert shown.splitlines()[-1].split() == ["x", "dz1", "dz2"]
    assert (shown.count("●"), shown.count("○")) == (3, 4)
    assert "● +0.722" in shown


def test_another_sample_of_the_batch():
    assert "x1 ● +1.000" in network(40, 10, "xor", "goto a2", sample=2)
    assert network(40, 10, "xor", sample=99) == network(40, 10, "xor", sample=3)


def test_a_residual_layer_shows_its_sum():
    assert " r2" in network(60, 12, "residual", "goto r2")


def test_the_layer_in_focus_has_its_name_lit():
    last = network_lines(view("xor", "goto a2"), 40, 10)[-1]
    assert [role_of(last, name) for name in ("x", "a1", "a2")] == ["dim", "dim", "next"]


@pytest.mark.parametrize("units", [1, 4, 9, 12])
def test_narrow_layers_have_a_node_for_each_unit(units):
    shown = network(40, 16, random_chain(2, (units, units), epochs=1), "finish")
    assert shown.count("●") == 2 * units


def test_wide_layers_are_strips_with_their_number_of_units():
    shown = network(40, 10, big(), "goto a2")
    assert "784" in shown
    assert "128" in shown
    assert shown.count("█") == 27
    assert network(40, 10, big()).count("░") == 18


def test_more_units_than_rows_are_a_strip():
    shown = network(40, 8, random_chain(2, (2, 9, 1), epochs=1), "goto a2")
    assert shown.count("●") == 3
    assert shown.count("█") == 7


def test_a_deep_network_is_shown_around_the_layer_in_focus():
    deep = random_chain(2, (2,) + (3,) * 9, epochs=1)
    first, middle, last = (network(44, 10, deep, f"goto {name}") for name in ("a1", "a5", "a9"))
    assert first.splitlines()[-1].split()[:2] == ["x", "a1"]
    assert "layers ›" in first
    assert "‹" not in first
    assert "a5" in middle.splitlines()[-1]
    assert "‹" in middle
    assert "›" in middle
    assert last.splitlines()[-1].split()[-1] == "a9"
    assert "›" not in last


def test_a_weight_that_is_not_finite_stands_out():
    shown = view("xor", "goto a2")
    weights = shown.tensors["W1"].copy()
    weights[0, 1], weights[1, 2] = np.nan, np.inf
    lines = network_lines(replace(shown, tensors=dict(shown.tensors) | {"W1": weights}), 40, 10)
    assert any(role == "bad" for line in lines for _, role in line)
    assert not any(role == "bad" for line in network_lines(shown, 40, 10) for _, role in line)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nodes_and_strips_that_are_not_finite_are_drawn(value):
    for scenario in (random_chain(2, (3, 3), epochs=1), random_chain(2, (30, 30), epochs=1)):
        shown = view(scenario, "finish")
        tensors = {name: np.full(array.shape, value) for name, array in shown.tensors.items()}
        lines = network_lines(replace(shown, tensors=tensors), 40, 10)
        assert any("bad" in role for line in lines for _, role in line)


def test_edges_have_the_colour_of_their_sign():
    lines = network_lines(view("xor"), 60, 12)
    roles = {role for line in lines for text, role in line if text[0] >= "\u2800"}
    assert any(role.startswith("ink:+") for role in roles)
    assert any(role.startswith("ink:-") for role in roles)


@pytest.mark.parametrize("columns", [12, 20, 38, 80])
@pytest.mark.parametrize("rows", [3, 6, 20])
def test_the_drawing_has_the_size_asked_for(columns, rows):
    for scenario in ("xor", "iris", "deep_sigmoid", big()):
        lines = network_lines(view(scenario, "goto a2"), columns, rows)
        assert [width(line) for line in lines] == [columns] * rows


@pytest.mark.parametrize("value", [1e7, -2.5e6, 1e-100, 1e100])
def test_a_number_in_a_node_is_never_cut_to_another_one(value):
    shown = view(random_chain(1, (1, 1), epochs=1))
    line = plain(network_lines(replace(shown, tensors=dict(shown.tensors) | {"x": np.array([[value]])}), 40, 4)[1])
    written = float(line.split("●")[1].split("⠠")[0].split()[0].replace("−", "-"))
    assert written == pytest.approx(value, rel=0.1)


def test_the_count_of_hidden_layers_leaves_the_nodes_in_sight():
    shown = network(38, 10, "residual", "goto dz3")
    assert shown.count("●") + shown.count("○") == 8 + 8 + 1
