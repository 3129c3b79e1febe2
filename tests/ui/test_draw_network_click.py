from __future__ import annotations

import re

import numpy as np
import pytest
from ui_views import big, network_lines, random_chain, session, text, view

from bpdebug.ui.draw.network import cell_at, cell_beside
from bpdebug.ui.draw.spans import plain

SIZES = [(24, 6), (38, 10), (80, 14), (160, 40)]


def places(shown, columns, rows, character):
    """Where a character is drawn."""
    lines = enumerate(network_lines(shown, columns, rows))
    return [(x, y) for y, line in lines for x, drawn in enumerate(plain(line)) if drawn == character]


def pointed(shown, columns, rows, character):
    return [cell_at(shown, columns, rows, x, y) for x, y in places(shown, columns, rows, character)]


@pytest.mark.parametrize("size", SIZES[1:])
def test_a_click_on_a_neuron_means_its_number(size):
    shown = view("xor", "goto a2", "sample 1")
    found = pointed(shown, *size, "●")
    assert sorted(found) == sorted([("x", (1, 0)), ("x", (1, 1)), *(("a1", (1, unit)) for unit in range(4)), ("a2", (1, 0))])
    for (name, index), (x, y) in zip(found, places(shown, *size, "●"), strict=True):
        beside = re.match(r" ?([-+.\d]+)", plain(network_lines(shown, *size)[y])[x + 1 :].replace("−", "-"))
        assert float(beside[1]) == pytest.approx(shown.tensors[name][index], abs=0.0006)


@pytest.mark.parametrize(("stage", "name"), [("z1", "z1"), ("a1", "a1"), ("da1", "da1"), ("dz1", "dz1"), ("W1", "dz1"), ("b1", "dz1")])
def test_a_click_means_what_the_neurons_show(stage, name):
    shown = view("xor", f"goto {stage}")
    assert {found[0] for glyph in "●◐" for found in pointed(shown, 60, 10, glyph)} >= {name}


def test_a_neuron_that_is_not_computed_has_no_cell():
    assert pointed(view("xor"), 60, 10, "○") == [None] * 5


def test_a_click_on_a_target_or_a_bias_means_it():
    shown = view("two_outputs", "goto a2")
    lines = text(network_lines(shown, 80, 14)).splitlines()
    at = [(line.index("target 0."), y) for y, line in enumerate(lines) if "target 0." in line]
    assert [cell_at(shown, 80, 14, *place) for place in at] == [("y", (0, 0)), ("y", (0, 1))]
    at = [(line.rindex("b +0.600"), y) for y, line in enumerate(lines) if "b +0.600" in line]
    assert [cell_at(shown, 80, 14, *place) for place in at] == [("b2", (0, 0)), ("b2", (0, 1))]


def test_a_target_beside_its_number_is_another_cell():
    shown = view(random_chain(1, (2, 4), epochs=1), "goto a1")
    line = text(network_lines(shown, 60, 5)).splitlines()[0]
    assert cell_at(shown, 60, 5, line.index(" target ") + 1, 0) == ("y", (0, 0))
    assert cell_at(shown, 60, 5, line.rindex("●"), 0) == ("a1", (0, 0))


@pytest.mark.parametrize("size", SIZES[:2])
def test_each_edge_can_be_clicked(size):
    shown = view("xor")
    found = {cell_at(shown, *size, x, y) for x in range(size[0]) for y in range(size[1])}
    assert {("W1", (i, j)) for i in range(2) for j in range(4)} | {("W2", (i, 0)) for i in range(4)} <= found


@pytest.mark.parametrize("weight", [(0, 0), (1, 2), (0, 3)])
def test_a_click_on_the_edge_that_stands_out_means_its_weight(weight):
    shown = view("xor", "goto a1", f"select W1[{weight[0]},{weight[1]}]")
    lines = network_lines(shown, 80, 14)
    lit = []
    for y, line in enumerate(lines):
        x = 0
        for part, role in line:
            lit += [(x + by, y) for by in range(len(part)) if role.startswith("path")]
            x += len(part)
    found = [cell_at(shown, 80, 14, *place) for place in lit]
    assert found.count(("W1", weight)) > len(found) / 2


def test_edges_that_show_a_gradient_mean_its_cells():
    shown = view("xor", "goto dW1")
    assert ("dW1", (0, 1)) in {cell_at(shown, 60, 10, x, y) for x in range(60) for y in range(10)}


def test_a_click_beside_everything_means_nothing():
    shown = view("xor", "goto a2")
    assert cell_at(shown, 60, 10, 20, 9) is None
    assert cell_at(shown, 160, 40, 159, 0) is None
    assert cell_at(shown, 60, 10, 0, 0) is None


def test_a_click_on_a_strip_means_the_strongest_neuron_of_the_row():
    shown = view(big(), "goto a1")
    strip = sorted({(x, y) for x, y in places(shown, 80, 14, "▀") if x > 4}, key=lambda place: place[1])
    for (name, (sample, unit)), (_, y) in zip([cell_at(shown, 80, 14, *place) for place in strip], strip, strict=True):
        row = shown.tensors["a1"][0]
        group = row[y * 128 // 13 : -(-(y + 1) * 128 // 13)]
        assert (name, sample) == ("a1", 0)
        assert row[unit] in group
        assert row[unit] >= sorted(group)[-2]


def test_a_click_on_a_ribbon_means_one_of_the_edges_on_it_or_the_largest_weight():
    shown = view(big(), "goto z1", "select z1[0,77]")
    found = {cell_at(shown, 80, 14, x, y) for x in range(10, 30) for y in range(13)}
    weights = np.abs(shown.tensors["W1"])
    strongest = {("W1", (int(i), 77)) for i in np.argsort(weights[:, 77])[-5:]}
    assert found == strongest | {("W1", divmod(int(weights.argmax()), 128))}


def test_a_click_on_a_number_below_a_neuron_means_what_is_shown_there():
    shown = view("xor", "goto db1")
    lines = text(network_lines(shown, 60, 10)).splitlines()
    places = [(line.index("db "), y) for y, line in enumerate(lines) if "db " in line]
    assert [cell_at(shown, 60, 10, *place) for place in places] == [("db1", (0, unit)) for unit in range(4)]


@pytest.mark.parametrize(
    ("selected", "down", "right", "goal"),
    [
        ("a1[1,2]", 1, 0, ("a1", (1, 3))),
        ("a1[1,3]", 1, 0, ("a1", (1, 3))),
        ("a1[1,0]", -1, 0, ("a1", (1, 0))),
        ("a1[1,2]", 0, 1, ("a2", (1, 0))),
        ("a1[1,3]", 0, -1, ("x", (1, 1))),
        ("a2[1,0]", 0, 1, ("a2", (1, 0))),
        ("W1[0,1]", 1, 0, ("a1", (0, 2))),
    ],
)
def test_the_arrow_keys_go_from_neuron_to_neuron(selected, down, right, goal):
    assert cell_beside(view("xor", "goto a2", f"select {selected}"), down, right) == goal


def test_the_arrow_keys_pass_over_what_is_not_computed():
    shown = view("xor", "goto dz2")
    assert cell_beside(shown, 0, -1) == ("x", (0, 0))
    assert cell_beside(view("xor"), 1, 0) == ("x", (0, 0))


@pytest.mark.parametrize("name", ["iris", "residual", "deep_sigmoid"])
@pytest.mark.parametrize("moment", ["start", "dW2", "1:dz1"])
def test_whatever_is_clicked_can_be_selected(name, moment):
    opened = session(name, f"goto {moment}", "sample")
    shown = opened.view()
    for columns, rows in ((24, 6), (40, 8)):
        found = {cell_at(shown, columns, rows, x, y) for x in range(0, columns, 3) for y in range(0, rows, 2)} - {None}
        assert found
        for cell in found:
            opened.cursor.select(*cell)
