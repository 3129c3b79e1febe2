"""The picture of the neurons: their numbers, one bright path through their edges, and nothing that overlaps."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from turns import by_turns
from ui_views import big, chain, network_lines, random_chain, role_of, session, text, view

from bpdebug.core.description import Layer
from bpdebug.core.numbers import narrow
from bpdebug.core.record import replace
from bpdebug.ui.draw.network import cell_at, network_drawing
from bpdebug.ui.draw.spans import plain, width

SMALL = ["xor", "iris", "residual", "one_neuron", "two_outputs", "dead_relu"]


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
    return {place: (ord(character) - 0x2800, role) for place, (character, role) in cells(lines).items() if "\u2800" <= character < "\u2900"}


def kinds(lines):
    return {role.partition(":")[0] for _, role in dots(lines).values()}


def changed(shown, **tensors):
    return replace(shown, tensors=dict(shown.tensors) | {name: np.array(value, float) for name, value in tensors.items()})


def numbers(shown, name, row=0):
    return [narrow(float(value), 6) for value in shown.tensors[name][row]]


def residual_chain(units=3, layers=3):
    generator = np.random.default_rng(5)
    scenario = chain((units,) * layers, generator.standard_normal((2, units)), np.zeros((2, units)))
    return replace(scenario, layers=tuple(Layer(units, "tanh", residual=place > 0) for place in range(layers)))


def test_before_anything_is_computed_the_structure_is_there():
    start = network(60, 10, "xor")
    assert len(re.findall("╱+", start)) == 5
    assert re.search(r"x1  0 [\u2800-\u28ff]", start)
    assert kinds(network_lines(view("xor"), 60, 10)) == {"pale"}
    assert "target 0" in start


@pytest.mark.parametrize(
    ("stage", "shown", "hatched"),
    [("z1", ["z1"], 1), ("a1", ["a1"], 1), ("a2", ["a1", "a2"], 0), ("dz2", ["dz2"], 4), ("dz1", ["dz1", "dz2"], 0), ("b1", ["dz1"], 0)],
)
def test_the_neurons_show_what_the_phase_has_computed_and_the_rest_is_hatched(stage, shown, hatched):
    drawn, moment = network(60, 10, "xor", f"goto 40:{stage}"), view("xor", f"goto 40:{stage}")
    assert all(number in drawn for name in shown for number in numbers(moment, name))
    assert len(re.findall("╱+", drawn)) == hatched


@pytest.mark.parametrize(
    ("stage", "names"),
    [
        ("start", "x ─W1─▷ a1 ─W2─▷ a2"),
        ("z1", "x ─W1─▷ z1 ─W2─▷ a2"),
        ("dz2", "x ◁─W1─ dz1 ◁─W2─ dz2"),
        ("da1", "x ◁─W1─ da1 ◁─W2─ dz2"),
        ("dW1", "x dW1 dz1 W2 dz2"),
        ("dW2", "x W1 a1 dW2 dz2"),
        ("db1", "x ◁─W1─ dz1 ◁─W2─ dz2"),
        ("W2", "x W1 a1 W2 dz2"),
    ],
)
def test_the_headings_name_what_is_shown_and_tell_the_way_of_the_phase(stage, names):
    assert re.sub(r"([ ─])\1*", r"\1", headings(60, 10, "xor", f"goto {stage}")).strip() == names


def test_the_headings_are_in_the_chosen_notation():
    assert "∂L/∂z1" in headings(70, 10, "xor", "notation partial", "goto dz1")


@pytest.mark.parametrize(
    ("stage", "lit"), [("z1", "W1 z1"), ("a1", "W1 a1"), ("da1", "da1 W2"), ("dW2", "dW2"), ("W1", "W1"), ("db1", ""), ("b1", "")]
)
def test_the_layer_and_the_edges_of_the_stage_are_lit(stage, lit):
    last = network_lines(view("xor", f"goto {stage}"), 60, 10)[-1]
    assert " ".join(re.findall(r"\w+", " ".join(part for part, role in last if role == "next"))) == lit


@pytest.mark.parametrize(
    ("selected", "found"),
    [
        ("W1[1,2]", {"rest", "path", "ink"}),
        ("W2[1,0]", {"rest", "path"}),
        ("z1[0,2]", {"rest", "path", "ink"}),
        ("x[0,1]", {"rest", "ink"}),
        ("y[0,0]", {"rest"}),
        ("b1[0,1]", {"rest", "ink"}),
    ],
)
def test_what_is_chosen_and_where_it_goes_on_stand_out_and_all_else_is_grey(selected, found):
    assert kinds(network_lines(view("xor", "goto 40:a2", f"select {selected}"), 60, 10)) == found


def bright(lines, kind="path"):
    """The columns between which edges stand out, and the rows in which they end."""
    lit = [place for place, (_, role) in dots(lines).items() if role.startswith(kind)]
    first, last = min(lit)[0], max(lit)[0]
    return first, last, {y for x, y in lit if x == first}, {y for x, y in lit if x == last}


def rows_of(lines, texts):
    return {y for y, line in enumerate(lines) for part in texts if part in plain(line)}


def test_of_a_weight_one_edge_is_bright_with_its_number_and_its_gradient():
    shown = view("xor", "goto 40:dW1", "sample 1", "select W1[1,2]")
    lines = network_lines(shown, 76, 18)
    _, _, starts, ends = bright(lines)
    assert starts == rows_of(lines, ["x2"])
    assert ends == rows_of(lines, [numbers(shown, "dz1", 1)[2]])
    drawn = text(lines)
    assert role_of(next(line for line in lines if narrow(shown.tensors["W1"][1, 2], 6) in plain(line)), "+.9273") == "cursor"
    assert f"dW1 {narrow(shown.tensors['dW1'][1, 2], 6)}" in drawn
    assert bright(lines, "ink")[2] == ends, "from where it leads to, it goes on"


def test_of_the_gradient_of_a_weight_its_number_stands_on_the_edge_and_the_weight_below():
    shown = view("xor", "goto 40:dW1", "sample 1", "select dW1[1,0]")
    lines = network_lines(shown, 76, 18)
    line = next(line for line in lines if "+.0046" in plain(line))
    assert role_of(line, "+.0046") == "cursor"
    assert "W1 +1.823" in text(lines)
    assert [part.strip() for line in lines for part, role in line if "lit" in role] == [numbers(shown, "dz1", 1)[0], "1"]


@pytest.mark.parametrize(("stage", "kind"), [("z1", "path"), ("dz1", "ink")])
def test_of_a_neuron_all_its_edges_stand_out_with_their_numbers(stage, kind):
    shown = view("xor", f"goto 40:{stage}", f"select {stage}[1,2]")
    lines = network_lines(shown, 76, 18)
    weights = [narrow(value, 6) for value in (*shown.tensors["W1"][:, 2], shown.tensors["W2"][2, 0])]
    assert all(number in text(lines) for number in weights)
    assert bright(lines, kind)[2] == rows_of(lines, ["x1", "x2"])
    assert rows_of(lines, [number for number, role in cells(lines).values() if role == "cursor"])


def test_no_edge_stands_out_for_what_comes_back_around_a_residual_layer():
    assert kinds(network_lines(view(residual_chain(), "goto dr2@r3"), 110, 30)) == {"rest"}


@pytest.mark.parametrize(("name", "size"), by_turns(SMALL, [(38, 10), (46, 10), (76, 20), (118, 32), (198, 56)]))
def test_no_number_is_touched_by_an_edge_and_none_is_missing(name, size):
    columns, rows = size
    opened = session(name, "goto 3:z1")
    for stage in ("z1", "a1", "dW1", "dz1", "db1"):
        opened.execute(f"goto 3:{stage}")
        shown = opened.view()
        lines = network_lines(shown, columns, rows)
        if "─W" not in plain(lines[-1]).replace("▷ ", "") and "W1" not in plain(lines[-1]):
            continue
        places = cells(lines)
        for (x, y), (character, _) in places.items():
            if character.isdigit():
                beside = {places.get((x + by, y), ("", ""))[0] for by in (-1, 1)}
                assert not any("\u2800" <= each < "\u2900" for each in beside), (stage, plain(lines[y]))


def single(weight):
    """The drawing of a network of one weight."""
    return network_lines(changed(view(random_chain(1, (1, 1), epochs=1)), W1=[[weight]]), 40, 6)


def test_a_positive_weight_is_a_solid_line_and_a_negative_one_a_broken_line():
    solid, broken = (sum(bits.bit_count() for bits, _ in dots(single(weight)).values()) for weight in (1, -1))
    assert broken < 0.7 * solid
    assert {role for _, role in dots(single(1)).values()} == {"pale:+8"}
    assert {role for _, role in dots(single(-1)).values()} == {"pale:-8"}


def test_only_the_chosen_edge_is_wide():
    shown = view("xor", "goto 40:a2", "select W2[0,0]")
    drawn = dots(network_lines(shown, 100, 24))
    wide, thin = ([bits.bit_count() for bits, role in drawn.values() if role.startswith(kind)] for kind in ("path", "rest"))
    assert np.mean(wide) > 1.5 * np.mean(thin)


@pytest.mark.parametrize(("i", "j"), list(product(range(4), range(3))))
def test_even_the_weakest_edge_is_drawn(i, j):
    """Without an edge the drawing would be another one: its colour is changed to that of a weight that is not finite."""
    shown = view(random_chain(1, (4, 3), epochs=1))
    weights = np.full((4, 3), 1e-9)
    weights[0, 0] = weights[3, 2] = 1.0
    weights[i, j] = np.nan
    assert any(role == "bad" for _, role in dots(network_lines(changed(shown, W1=weights), 60, 12)).values())


def test_where_the_edges_would_be_a_blur_the_largest_into_each_neuron_are_drawn_and_those_of_the_selected_cell():
    for moment in (("iris",), ("iris", "goto 3:dW1")):
        lines, note = network_drawing(view(*moment), 38, 10)
        assert len(dots(lines)) < 0.6 * 10 * 17, "most of the two gaps is free"
        assert ("grey: the largest into each" in note) == (len(moment) == 1), "where there is room for it, that is told"
        edges = {cell for x, y in dots(lines) if (cell := cell_at(view(*moment), 38, 10, x, y))}
        assert len(edges) > 8
        assert "grey" not in network_drawing(view(*moment), 76, 18)[1]


def test_the_target_stands_at_the_output_and_is_lit_at_the_loss():
    assert "target 1" in network(40, 10, "xor", "sample 1")
    assert network(60, 5, random_chain(1, (2, 4), epochs=1)).count(" t ") == 4
    line = next(line for line in network_lines(view("xor", "goto loss"), 60, 10) if "target 0" in plain(line))
    assert role_of(line, "target 0") == "next"


def test_biases_and_on_the_way_back_answers_stand_at_their_neurons_where_there_is_room():
    assert network(60, 10, "xor", "goto 9:a1").count(" b ") == 5
    assert "b +.350" in network(60, 10, "two_outputs")
    assert len(re.findall(r" a \+\.\d", network(60, 10, "xor", "goto 9:dz1"))) == 5
    unbiased = replace(random_chain(2, (2, 2), epochs=1), layers=(Layer(2, "identity", bias=False),))
    assert " b " not in network(60, 12, unbiased)


@pytest.mark.parametrize(("selected", "shown"), [("a1[0,2]", "+.5000"), ("y[0,0]", "target 0"), ("b2[0,0]", "b 0"), ("x[0,1]", "0")])
def test_the_cell_cursor_is_on_the_selected_number(selected, shown):
    lines = network_lines(view("xor", "goto a2", f"select {selected}"), 60, 10)
    assert [part.strip() for line in lines for part, role in line if role == "cursor"] == [shown]


def test_names_of_inputs_are_shortened_rather_than_left_out():
    assert "sepal_length  " in network(80, 12, "iris")
    assert re.search(r"x1  \d", network(38, 10, "iris"))
    for columns in range(38, 80):
        names = re.findall(r"^ *(\S+) +\d", network(columns, 10, "iris").replace(" b 0", ""), re.MULTILINE)
        assert len(set(names)) == 4, columns
        assert all(re.fullmatch(r"x\d|(sep|pet).*", name) for name in names), columns


def test_names_of_outputs_stand_beside_or_below_them():
    assert re.search(r"[+−]\S+ +versicolor", network(110, 12, "iris", "goto a2"))
    assert "setosa" in network(38, 10, "iris")
    assert re.search(r"virgi\w*…", network(38, 10, "iris"))


def test_a_residual_layer_has_an_arc_around_it():
    forward, back = (network_lines(view(residual_chain(), f"goto {name}"), 70, 12) for name in ("r2", "dr2@r3"))
    top = next(line for line in forward if "╭" in plain(line))
    assert "+a1▷" in plain(top)
    assert role_of(top, "+a1▷") == "next"
    top = next(line for line in back if "╭" in plain(line))
    assert role_of(top, "◁dr3") == "next"
    assert role_of(top, "◁dr2") == "dim"


@pytest.mark.parametrize("rows", range(5, 30, 3))
def test_neurons_stand_equally_far_apart(rows):
    shown = view(random_chain(2, (2, 4, 1), epochs=1), "goto z1")
    lines = text(network_lines(shown, 60, rows)).splitlines()
    places = [next(y for y, line in enumerate(lines) if number in line) for number in numbers(shown, "z1")]
    assert len(set(np.diff(places))) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stands_out(value):
    shown = view("xor", "goto a2")
    weights = shown.tensors["W1"].copy()
    weights[0, 1] = value
    assert any(role == "bad" for line in network_lines(changed(shown, W1=weights, a1=np.full((4, 4), value)), 76, 18) for _, role in line)
    assert not any(role == "bad" for line in network_lines(shown, 76, 18) for _, role in line)


@pytest.mark.parametrize("columns", [12, 38, 160])
@pytest.mark.parametrize("rows", [3, 6, 40])
def test_the_drawing_has_the_size_asked_for(columns, rows):
    small = random_chain(3, (4, 5, 3), epochs=1)
    for scenario in (*SMALL, "deep_sigmoid", small, big()):
        for moment in ("start", "a1", "dz1"):
            lines = network_lines(view(scenario, f"goto {moment}"), columns, rows)
            assert [width(line) for line in lines] == [columns] * rows


@pytest.mark.parametrize("sample", range(4))
def test_in_a_walk_through_cells_the_answers_that_lie_ahead_are_not_told(sample):
    opened = session("xor", "goto 40:dW2", f"sample {sample}", "step 1", "into")
    for walked in range(1, 5):
        shown = opened.view({"equation"})
        row = shown.selected[1][0]
        drawn = text(network_lines(shown, 70, 12))
        assert [number in drawn for number in numbers(shown, "da1", row)] == [place < walked for place in range(4)]
        opened.execute("into")


@pytest.mark.parametrize(("bias", "written"), [("-0.00002", "b−2e−5"), ("0.00002", "b 2e−5"), ("-1e-100", "b~0")])
def test_a_tiny_bias_has_its_power_of_ten_however_narrow_it_is(bias, written):
    assert written in network(36, 10, "xor", f"set b1[0,0] = {bias}", "finish")
