"""What the network's drawing shows in the backward phase and in the update: gradients of all layers on one scale, and their norms."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ui_views import network_lines, random_chain, text, view

from bpdebug.core.record import replace
from bpdebug.ui.draw.network import cell_at, network_drawing
from bpdebug.ui.draw.network_text import number_text

DEEP = view("deep_sigmoid", "goto 3:db1")


def levels(shown, size):
    """The heat of the neurons, a list for each heading."""
    lines = network_lines(shown, *size)
    found = {}
    for line in lines[:-1]:
        x = 0
        for part, role in line:
            if part == "●" and role.startswith("ink:"):
                found.setdefault(x, []).append(abs(int(role.split()[0].removeprefix("ink:"))))
            x += len(part)
    return [found[x] for x in sorted(found)]


def test_gradients_that_vanish_are_paler_from_layer_to_layer():
    columns = levels(DEEP, (156, 20))[1:]
    strongest = [max(column) for column in columns]
    assert len(strongest) >= 5
    assert strongest == sorted(strongest)
    assert (strongest[0], strongest[-1]) == (1, 8) or strongest[-1] - strongest[0] >= 5


def test_the_shade_of_a_gradient_is_its_power_of_ten():
    shown = view(random_chain(1, (1, 1, 1), epochs=1), "goto db1")
    for small, level in ((1.0, 8), (0.1, 5), (0.01, 3), (1e-9, 1)):
        tensors = dict(shown.tensors) | {"dz1": np.array([[small]]), "dz2": np.array([[1.0]])}
        expected = level if small > 1e-3 else 1
        assert levels(replace(shown, tensors=tensors), (60, 10))[1:] == [[expected], [8]]


def test_activations_keep_the_scale_of_their_own_layer():
    shown = view("xor", "goto a2")
    tensors = dict(shown.tensors) | {"a1": np.full((4, 4), 1e-6)}
    assert levels(replace(shown, tensors=tensors), (60, 10))[1] == [8, 8, 8, 8]


def test_the_norms_of_all_layers_are_told_also_of_those_that_are_not_in_sight():
    note = network_drawing(DEEP, 40, 10)[1]
    first, blocks, last = re.fullmatch(r"‖dz‖ (\S+) ([▁-█]{10}) (\S+)(?: · left out.*)?", note).groups()
    norms = [float(np.linalg.norm(DEEP.tensors[f"dz{layer}"])) for layer in range(1, 11)]
    assert [float(part.replace("−", "-")) for part in (first, last)] == pytest.approx([norms[0], norms[-1]], rel=0.5)
    assert list(blocks) == sorted(blocks)
    assert (blocks[0], blocks[-1]) == ("▁", "█")


def test_norms_that_are_not_computed_yet_are_dots():
    note = network_drawing(view("deep_sigmoid", "goto 3:dz8"), 40, 10)[1]
    assert re.match(r"‖dz‖ \S+ ·······[▁-█]{3} ", note)
    assert "‖" not in network_drawing(view("deep_sigmoid", "goto 3:a10"), 40, 10)[1]


@pytest.mark.parametrize(("scenario", "size"), [("xor", (70, 10)), ("deep_sigmoid", (156, 20))])
def test_beside_the_headings_stand_names_and_arrows_alone(scenario, size):
    headings = text(network_lines(view(scenario, "goto 3:dz1"), *size)).splitlines()[-1]
    assert "dz1" in headings
    assert not re.search("[▁-█‖]", headings)


@pytest.mark.parametrize("stage", ["W1", "b1", "W2"])
def test_in_the_update_the_neurons_keep_their_gradients_and_the_biases_stand_below_them(stage):
    shown = view("xor", f"goto 40:{stage}")
    drawn = text(network_lines(shown, 70, 10))
    for kind, pattern in (("dz", r"● ([+−][\d.e−]+)"), ("b", r"b ([+−][\d.e−]+)")):
        expected = [number_text(float(value), 6) for name in (f"{kind}1", f"{kind}2") for value in shown.tensors[name][0]]
        assert sorted(re.findall(pattern, drawn)) == sorted(expected)


def test_the_gradient_of_a_weight_stands_between_its_two_factors():
    shown = view("xor", "goto 40:dW2", "sample 2", "select dW2[1,0]")
    lines = network_lines(shown, 70, 10)
    lit = [part for line in lines for part, role in line if role == "lit"]
    assert lit == [number_text(float(shown.tensors[name][2, unit]), 6) for name, unit in (("a1", 1), ("dz2", 0))]


@pytest.mark.parametrize("selected", ["dW1[0,1]", "dW2[1,0]", "db1[0,1]", "db2[0,0]", "W1[0,0]", "b2[0,0]"])
def test_another_sample_is_another_picture_whatever_is_selected(selected):
    first, second = (text(network_lines(view("xor", "goto 40:W2", f"sample {row}", f"select {selected}"), 38, 10)) for row in (0, 1))
    assert first != second


def test_the_gradient_of_a_bias_stands_in_its_place():
    shown = view("xor", "goto 40:db1")
    lines = network_lines(shown, 70, 10)
    for value in shown.tensors["db1"][0]:
        assert f"db {number_text(float(value), 6)}" in text(lines)
    assert [part for line in lines for part, role in line if role == "cursor"] == [
        f"db {number_text(float(shown.tensors['db1'][0, 0]), 6)}"
    ]


@pytest.mark.parametrize("scenario", ["xor", "iris"])
def test_when_an_update_is_complete_what_it_has_answered_stays_in_sight(scenario):
    shown = view(scenario, "goto update 30", "sample 2")
    last = view(scenario, "goto 29:da2").tensors
    lines = network_lines(shown, 70, 12)
    outputs = [number_text(float(value), 6) for value in last["a2"][2]]
    assert all(output in text(lines) for output in outputs)
    dimmed = {part for line in lines for part, role in line if role == "dim"}
    assert set(outputs) <= dimmed
    assert f"target {last['y'][2, 0]:g}" in text(lines)
    y, row = next((y, row) for y, row in enumerate(text(lines).splitlines()) if outputs[0] in row)
    assert cell_at(shown, 70, 12, row.rindex(outputs[0]), y) is None, "it is no cell of this update"
    assert "○" not in text(lines)
    assert network_drawing(shown, 70, 12)[1].startswith("of update 29")
    assert "○" in text(network_lines(view(scenario, "goto 30:z1"), 70, 12)), "as soon as the next one computes, its own are shown"


@pytest.mark.parametrize("selected", [("dW1", (1, 2)), ("dW2", (3, 0)), ("db1", (0, 2)), ("db2", (0, 0))])
def test_what_the_samples_give_to_a_gradient_adds_up_to_it(selected):
    name, index = selected
    cell = f"{name}[{','.join(map(str, index))}]"
    given = []
    for sample in range(4):
        shown = view("xor", "goto 40:db1", f"sample {sample}", f"select {cell}")
        given.append(float(re.search(rf"sample {sample} gives (\S+)", network_drawing(shown, 60, 10)[1])[1].replace("−", "-")))
    assert sum(given) == pytest.approx(shown.tensors[name][index], abs=2e-3)
    assert len(set(given)) > 1


def test_what_a_sample_gives_is_told_in_fewer_words_where_there_is_little_room():
    shown = view("iris", "goto dW2", "select dW2[0,2]")
    notes = [network_drawing(shown, columns, 10)[1] for columns in (70, 36, 28, 20)]
    sample, number = re.match(r"(sample \d+) gives (\S+) to dW2\[0,2\]", notes[0]).groups()
    assert [note.split(" · ")[0] for note in notes[1:]] == [f"{sample} gives {number}"] * 2 + [number]


@pytest.mark.parametrize("selected", ["W1[0,0]", "dz1[0,0]", "x[0,0]", "b1[0,0]"])
def test_of_what_is_no_sum_over_the_samples_none_is_told(selected):
    assert "gives" not in network_drawing(view("xor", "goto 40:db1", f"select {selected}"), 60, 10)[1]


def test_of_a_formula_of_ones_own_no_part_is_guessed():
    edited = view("xor", "formula dW2 = 2 * (a1.T @ dz2)", "goto 40:dW2")
    assert "gives" not in network_drawing(edited, 60, 10)[1]
