from __future__ import annotations

import pytest
from ui_views import network_lines, random_chain, session, text, view

from bpdebug.ui.draw.network import cell_at, cell_beside

SIZES = [(40, 10), (80, 14), (160, 40)]


def pointed(shown, columns, rows, role):
    """What a click on each number in a role means, with its text."""
    found = []
    for y, line in enumerate(network_lines(shown, columns, rows)):
        x = 0
        for part, kind in line:
            if kind.startswith(role):
                found.append((part.strip(), cell_at(shown, columns, rows, x + 1, y)))
            x += len(part)
    return found


@pytest.mark.parametrize("size", SIZES)
def test_a_click_on_a_neuron_means_its_number(size):
    shown = view("xor", "goto a2", "sample 1")
    found = pointed(shown, *size, "heat") + pointed(shown, *size, "cursor")
    cells = [("x", (1, 0)), ("x", (1, 1)), *(("a1", (1, unit)) for unit in range(4)), ("a2", (1, 0))]
    assert sorted(cell for _, cell in found) == sorted(cells)
    for number, (name, index) in found:
        assert float(number.replace("−", "-")) == pytest.approx(shown.tensors[name][index], abs=0.0006)


@pytest.mark.parametrize(("stage", "name"), [("z1", "z1"), ("a1", "a1"), ("da1", "da1"), ("dz1", "dz1"), ("W1", "dz1"), ("b1", "dz1")])
def test_a_click_means_what_the_neurons_show(stage, name):
    shown = view("xor", f"goto {stage}")
    assert name in {cell[0] for _, cell in pointed(shown, 60, 10, "heat") if cell}


def test_a_neuron_that_is_not_computed_has_no_cell():
    assert [cell for text, cell in pointed(view("xor"), 60, 10, "faint") if "╱" in text] == [None] * 5


def test_a_click_on_a_target_or_a_bias_means_it():
    shown = view("two_outputs", "goto a2")
    lines = text(network_lines(shown, 80, 14)).splitlines()
    at = [(line.index("target 0."), y) for y, line in enumerate(lines) if "target 0." in line]
    assert [cell_at(shown, 80, 14, *place) for place in at] == [("y", (0, 0)), ("y", (0, 1))]
    at = [(line.rindex("b +.600"), y) for y, line in enumerate(lines) if "b +.600" in line]
    assert [cell_at(shown, 80, 14, *place) for place in at] == [("b2", (0, 0)), ("b2", (0, 1))]


def test_a_target_beside_its_number_is_another_cell():
    shown = view(random_chain(1, (2, 4), epochs=1), "goto a1")
    line = text(network_lines(shown, 60, 5)).splitlines()[0]
    assert cell_at(shown, 60, 5, line.index(" t ") + 1, 0) == ("y", (0, 0))
    assert cell_at(shown, 60, 5, line.index(" t ") - 3, 0) == ("a1", (0, 0))


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
    assert found.count(("W1", weight)) > len(found) / 3, "nearer to its ends others may be meant"


def test_edges_that_show_a_gradient_mean_its_cells():
    shown = view("xor", "goto dW1")
    assert ("dW1", (0, 1)) in {cell_at(shown, 60, 10, x, y) for x in range(60) for y in range(10)}


def test_a_click_beside_everything_means_nothing():
    shown = view("xor", "goto a2")
    assert cell_at(shown, 60, 10, 20, 9) is None
    assert cell_at(shown, 160, 40, 159, 0) is None
    assert cell_at(shown, 60, 10, 0, 0) is None


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
    assert cell_beside(view("xor", "goto a2", f"select {selected}"), 60, 10, down, right) == goal


def test_in_the_graph_of_groups_which_goes_down_so_do_the_keys():
    shown = view("residual", "goto a4", "select a2[1,2]")
    assert cell_beside(shown, 38, 10, 1, 0) == ("r3", (1, 2))
    assert cell_beside(shown, 38, 10, 0, 1) == ("a2", (1, 3))


def test_the_arrow_keys_pass_over_what_is_not_computed():
    shown = view("xor", "goto dz2")
    assert cell_beside(shown, 60, 10, 0, -1) == ("x", (0, 0))
    assert cell_beside(view("xor"), 60, 10, 1, 0) == ("x", (0, 0))


@pytest.mark.parametrize("name", ["iris", "residual", "deep_sigmoid"])
@pytest.mark.parametrize("moment", ["start", "dW2", "1:dz1"])
def test_whatever_is_clicked_can_be_selected(name, moment):
    opened = session(name, f"goto {moment}", "sample")
    shown = opened.view()
    for columns, rows in ((24, 6), (40, 8)):
        found = {cell_at(shown, columns, rows, x, y) for x in range(columns) for y in range(rows)} - {None}
        assert found
        for cell in found:
            opened.cursor.select(*cell)
