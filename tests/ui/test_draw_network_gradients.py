"""What the network's drawing shows in the backward phase and in the update: gradients of all layers on one scale."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ui_views import network_lines, random_chain, text, view

from bpdebug.core.numbers import narrow
from bpdebug.core.record import replace
from bpdebug.ui.draw.network import cell_at, network_drawing


def levels(shown, size):
    """The heat of the neurons by the columns where they stand, from the left."""
    found = {}
    for line in network_lines(shown, *size)[:-1]:
        x = 0
        for part, role in line:
            if role.startswith("heat:"):
                found.setdefault(x, []).append(abs(int(role.split()[0].removeprefix("heat:"))))
            x += len(part)
    return [found[x] for x in sorted(found)]


def test_gradients_that_vanish_are_paler_from_layer_to_layer():
    columns = levels(view("deep_sigmoid", "goto 3:db1"), (190, 20))[1:]
    strongest = [max(column) for column in columns]
    assert len(strongest) >= 10
    assert strongest == sorted(strongest)
    assert (strongest[0], strongest[-1]) == (1, 8) or strongest[-1] - strongest[0] >= 5


def test_the_shade_of_a_gradient_is_its_power_of_ten():
    shown = view(random_chain(1, (1, 1, 1), epochs=1), "goto db1")
    for small, level in ((1.0, 8), (0.1, 5), (0.01, 3), (1e-9, 1)):
        tensors = dict(shown.tensors) | {"dz1": np.array([[small]]), "dz2": np.array([[1.0]])}
        assert levels(replace(shown, tensors=tensors), (60, 10))[1:] == [[level], [8]]


def test_activations_keep_the_scale_of_their_own_layer():
    shown = view("xor", "goto a2")
    tensors = dict(shown.tensors) | {"a1": np.full((4, 4), 1e-6)}
    assert levels(replace(shown, tensors=tensors), (60, 10))[1] == [8, 8, 8, 8]


@pytest.mark.parametrize("selected", ["dW1[0,1]", "dW2[1,0]", "db1[0,1]", "db2[0,0]", "W1[0,0]", "b2[0,0]"])
def test_another_sample_is_another_picture_whatever_is_selected(selected):
    first, second = (text(network_lines(view("xor", "goto 40:W2", f"sample {row}", f"select {selected}"), 38, 10)) for row in (0, 1))
    assert first != second


def test_the_gradient_of_a_bias_stands_in_its_place():
    shown = view("xor", "goto 40:db1")
    lines = network_lines(shown, 70, 10)
    texts = [f"db {narrow(float(value), 5)}" for value in shown.tensors["db1"][0]]
    assert all(each in text(lines) for each in texts)
    assert [part for line in lines for part, role in line if role == "cursor"] == texts[:1]


@pytest.mark.parametrize("scenario", ["xor", "iris"])
def test_when_an_update_is_complete_what_it_has_answered_stays_in_sight(scenario):
    shown = view(scenario, "goto update 30", "sample 2")
    last = view(scenario, "goto 29:da2").tensors
    lines = network_lines(shown, 70, 12)
    outputs = [narrow(float(value), 6) for value in last["a2"][2]]
    assert all(output in text(lines) for output in outputs)
    dimmed = {part.strip() for line in lines for part, role in line if "dim" in role.split()}
    assert set(outputs) <= dimmed
    assert f"target {last['y'][2, 0]:g}" in text(lines)
    y, row = next((y, row) for y, row in enumerate(text(lines).splitlines()) if outputs[0] in row)
    assert cell_at(shown, 70, 12, row.rindex(outputs[0]), y) is None, "it is no cell of this update"
    assert "╱" not in text(lines)
    assert network_drawing(shown, 70, 12)[1].startswith("of update 29")
    assert "╱" in text(network_lines(view(scenario, "goto 30:z1"), 70, 12)), "as soon as the next one computes, its own are shown"


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
    assert notes[1:] == [f"{sample} gives {number}"] * 2 + [number]


@pytest.mark.parametrize("selected", ["W1[0,0]", "dz1[0,0]", "x[0,0]", "b1[0,0]"])
def test_of_what_is_no_sum_over_the_samples_none_is_told(selected):
    assert "gives" not in network_drawing(view("xor", "goto 40:db1", f"select {selected}"), 60, 10)[1]


def test_of_a_formula_of_ones_own_no_part_is_guessed():
    edited = view("xor", "formula dW2 = 2 * (a1.T @ dz2)", "goto 40:dW2")
    assert "gives" not in network_drawing(edited, 60, 10)[1]
