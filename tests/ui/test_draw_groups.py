"""A program as the graph of its groups: who reads whom, what is computed, and the size of every unit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from renamed import NONSENSE, renamed
from ui_views import big, loaded, network_lines, random_chain, role_of, text, view

from bpdebug.core.description import Loss
from bpdebug.core.layers import make_program
from bpdebug.core.numbers import narrow
from bpdebug.core.record import replace
from bpdebug.ui.draw.groups import graph_of
from bpdebug.ui.draw.network import cell_at
from bpdebug.ui.draw.spans import plain, width

WIDE = random_chain(5, (8, 16, 16, 8), epochs=1)
SIZE = (60, 10)


def graph(scenario):
    return graph_of(make_program(scenario))


def drawn(moment, size=SIZE):
    return text(network_lines(view(*moment), *size))


def bars(lines, name):
    """The bars in the row of a group: glyphs, levels and whether they hang."""
    line = next(line for line in lines if f" {name} " in plain(line))
    found = [(part, role) for text, role in line if role.startswith("ink") for part in text]
    return [(glyph, int(role.split()[0].removeprefix("ink:")), role.endswith("hang")) for glyph, role in found]


def test_a_chain_of_layers_is_a_chain_of_groups_that_ends_in_the_loss():
    made = graph(WIDE)
    assert [group.name for group in made.groups] == ["x", "layer 1", "layer 2", "layer 3", "loss"]
    assert made.chain == {0, 1, 2, 3}
    assert made.further == ()
    assert [group.parameters for group in made.groups] == [(), ("W1", "b1"), ("W2", "b2"), ("W3", "b3"), ()]
    assert made.groups[2].gradients == ("da2", "dz2")


def test_what_goes_around_the_statements_of_a_group_is_an_edge_of_its_own():
    made = graph(loaded("residual"))
    assert made.further == ((1, 2), (2, 3))
    rails = [line[:2] for line in drawn(("residual", "goto a4"), (38, 10)).splitlines() if re.search("layer|loss|x ", line)]
    assert [rail.strip() for rail in rails] == ["┌", "╭┼", "├┼", "╰┼", "├", "└"]


def test_all_that_makes_the_loss_is_one_group_and_a_penalty_reads_the_layers_whose_weights_it_knows():
    penalised = replace(loaded("xor"), loss=Loss("binary_cross_entropy", l2=0.1))
    made = graph(penalised)
    assert [group.name for group in made.groups] == ["x", "layer 1", "layer 2", "loss"]
    assert made.groups[-1].values == ("data_loss", "penalty1", "penalty2", "loss")
    assert (made.chain, made.further) == ({0, 1, 2}, ((1, 3),)), "the loss reads the weights of layer 1, too"


@pytest.mark.parametrize("naming", NONSENSE)
def test_the_graph_is_the_same_under_other_names(naming):
    for name in ("residual", "xor", "tutorial_as_written"):
        usual, other = graph(loaded(name)), graph(renamed(loaded(name), NONSENSE[naming])[0])
        assert (usual.chain, usual.further) == (other.chain, other.further)
        assert [len(group.values) for group in usual.groups] == [len(group.values) for group in other.groups]


@pytest.mark.parametrize(
    ("scenario", "size", "neurons"),
    [
        ("xor", (38, 10), True),
        ("xor", (24, 6), False),
        ("iris", (38, 10), True),
        ("residual", (38, 10), False),
        ("residual", (120, 30), True),
        ("deep_sigmoid", (150, 40), True),
        ("deep_sigmoid", (80, 40), False),
        (WIDE, (160, 50), False),
        (random_chain(2, (2, 9, 1)), (60, 8), False),
    ],
)
def test_groups_are_drawn_where_neurons_cannot_be_read(scenario, size, neurons):
    assert ("loss" in drawn((scenario, "goto a2"), size)) == (not neurons)


def test_a_bar_is_as_high_as_the_number_is_large_and_hangs_where_that_is_negative():
    shown = view(WIDE, "goto a3", "sample 2", "select x[2,0]")
    for name, group in (("a1", "layer 1"), ("a3", "layer 3")):
        values = shown.tensors[name]
        expected = np.rint(8 * values[2] / np.abs(values).max()).astype(int)
        found = bars(network_lines(shown, 70, 10), group)
        assert [level for _, level, _ in found] == [expected[x * len(expected) // len(found)] for x in range(len(found))]
        for glyph, level, hangs in found:
            assert hangs == (level < 0)
            assert glyph == " ▁▂▃▄▅▆▇█"[8 + level if level < 0 else level]


def test_bars_are_higher_where_there_are_rows_and_of_many_units_the_largest_stand_for_all():
    shown = view(big(), "goto a2", "select y[0,0]")
    lines = network_lines(shown, 120, 17)
    first = next(y for y, line in enumerate(lines) if " layer 1 " in plain(line))
    columns = [[role for text, role in line for _ in text] for line in lines[first : first + 2]]
    inked = [x for x, role in enumerate(columns[0]) if role.startswith("ink")]
    assert inked
    assert all(columns[0][x] == columns[1][x] for x in inked)
    levels = [int(columns[0][x].split()[0].removeprefix("ink:")) for x in inked]
    row = np.abs(shown.tensors["a1"][0]) / np.abs(shown.tensors["a1"]).max()
    count = len(inked)
    assert levels == [round(8 * row[x * 128 // count : max((x + 1) * 128 // count, x * 128 // count + 1)].max()) for x in range(count)]


def test_what_is_not_computed_is_hatched_and_what_is_not_finite_is_told():
    lines = network_lines(view(WIDE, "goto z2"), *SIZE)
    hatched = {name: "╱" in plain(next(line for line in lines if f" {name} " in plain(line))) for name in ("layer 1", "layer 2", "layer 3")}
    assert hatched == {"layer 1": False, "layer 2": False, "layer 3": True}
    shown = view(WIDE, "goto a3")
    broken = replace(shown, tensors=dict(shown.tensors) | {"a1": np.full((5, 16), np.nan)})
    line = next(line for line in network_lines(broken, *SIZE) if " layer 1 " in plain(line))
    assert role_of(line, "?") == "bad"


def test_gradients_share_one_scale_so_that_those_that_vanish_are_low():
    lines = network_lines(view("deep_sigmoid", "goto 3:db1"), 80, 24)
    rows = [next(line for line in lines if f" layer {layer} " in plain(line)) for layer in range(1, 11)]
    highest = [max(int(level) for _, role in line for level in re.findall(r"heat:[+-](\d)", role)) for line in rows]
    assert highest == sorted(highest)
    assert highest[0] <= 2
    assert highest[-1] >= 6


def test_where_there_is_room_each_unit_has_its_number_on_its_heat_below_its_bar():
    shown = view("deep_sigmoid", "goto 3:db1")
    for rows, beneath in ((24, 0), (60, 2)):
        lines = network_lines(shown, 80, rows)
        row = next(y for y, line in enumerate(lines) if " layer 1 " in plain(line))
        found = [(text.strip(), role) for text, role in lines[row + beneath] if role.startswith("heat")]
        gradients = shown.tensors["dz1"][shown.sample]
        assert [text for text, _ in found] == [narrow(float(value), 8) for value in gradients]
        assert [role.startswith("heat:+") for _, role in found] == [value >= 0 for value in gradients]
        assert bool(bars(lines, "layer 1")) == bool(beneath)


@pytest.mark.parametrize("cell", ["W2[3,1]", "dW2[3,1]", "dz2[1,5]", "a2[0,0]", "b2[0,3]"])
def test_the_selected_cell_stands_with_its_number_at_its_group(cell):
    shown = view(WIDE, "goto W1", f"select {cell}")
    line = next(line for line in network_lines(shown, 70, 10) if " layer 2 " in plain(line))
    number = narrow(float(shown.tensors[shown.selected[0]][shown.selected[1]]), 6)
    assert [part for part, role in line if role == "cursor"] == [f"{cell} {number}"]


def test_the_group_and_the_tensor_of_the_stage_are_lit():
    lines = network_lines(view(WIDE, "goto dz2"), 60, 10)
    assert [part.strip() for line in lines for part, role in line if "next" in role] == ["layer 2", "dz2 5×16"]


def test_between_two_groups_stand_the_shapes_of_the_parameters():
    assert "W2 16×16  b2 1×16" in drawn((WIDE, "goto a1"), (60, 10))
    assert "16×16" not in drawn((WIDE, "goto a1"), (60, 8))


@pytest.mark.parametrize("layer", [1, 6, 14])
def test_of_a_deep_program_the_groups_around_the_one_in_focus_are_drawn(layer):
    deep = random_chain(2, (2,) + (3,) * 14)
    shown = drawn((deep, f"goto a{layer}"), (38, 8))
    found = [int(number) for number in re.findall(r"layer (\d+)", shown)]
    assert layer in found
    assert found == list(range(found[0], found[-1] + 1))
    more = [int(number) for number in re.findall(r"⋮ (\d+) more", shown)]
    assert sum(more) + len(found) + shown.count(" x ") + shown.count("loss  ") + shown.count("loss ╱") >= 15


def test_a_click_on_a_bar_means_its_unit_and_on_a_parameter_its_largest_number():
    shown = view(WIDE, "goto a3", "sample 1")
    lines = text(network_lines(shown, 70, 10)).splitlines()
    y, line = next((y, line) for y, line in enumerate(lines) if " layer 1 " in line)
    start = line.index("a1 5×16") + len("a1 5×16 ")
    found = [cell_at(shown, 70, 10, x, y) for x in range(start, 70)]
    cells = list(dict.fromkeys(filter(None, found)))
    assert cells == [("a1", (1, unit)) for unit in range(16)]
    y, line = next((y, line) for y, line in enumerate(lines) if "W2 16×16" in line)
    largest = np.unravel_index(np.abs(shown.tensors["W2"]).argmax(), (16, 16))
    assert cell_at(shown, 70, 10, line.index("W2"), y) == ("W2", tuple(map(int, largest)))


@pytest.mark.parametrize("columns", range(12, 80, 7))
def test_no_two_texts_overlap(columns):
    for scenario in (WIDE, "residual", "deep_sigmoid"):
        for stage in ("start", "a2", "dz2"):
            for line in network_lines(view(scenario, f"goto {stage}"), columns, 9):
                assert width(line) == columns
                assert not re.search(r"[╱▁-█][\w‖]|\w‖|\d‖\w", re.sub(r"‖\S+‖", "", plain(line))), plain(line)


def test_a_tensor_of_truth_values_has_its_bars():
    recording = str(Path(__file__).parents[1] / "cases" / "torch" / "gpt.bpd")
    shown = view(recording, "goto blocks.1.attn.weights.grad")
    assert shown.tensors["blocks.1.attn.gt"].dtype == bool
    assert "█" in next(line for line in text(network_lines(shown, 80, 40)).splitlines() if "blocks.1.attn.gt " in line)
