from __future__ import annotations

import math
import re

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, X, program_of, states, xor
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import program_in

from bpdebug.core.description import Initializer, Layer, Optimizer, Scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.core.functions import FUNCTIONS, OPERATORS
from bpdebug.core.render import render
from bpdebug.frontends import load_scenario
from bpdebug.look.explanation import explain
from bpdebug.look.seen import last_computed, operand_origin
from bpdebug.session.session import Session
from bpdebug.time.timeline import Timeline

NAMES = st.sampled_from(tuple(SCENARIOS))


def combined(operator, parts, dtype):
    """A number made of its parts again."""
    if operator == "sum":
        return math.fsum(parts)
    numbers = [dtype.type(part) for part in parts]
    with np.errstate(all="ignore"):
        if operator in FUNCTIONS:
            function = FUNCTIONS[operator]
            return float(function.run(np.array(numbers)) if function.reduces else function.run(*numbers))
        return float(OPERATORS[operator, len(numbers)].run(*numbers))


def recomputed(term, dtype):
    """A term's number from its cells and literals alone."""
    if term.operator in ("cell", "number"):
        return term.value
    return combined(term.operator, [recomputed(part, dtype) for part in term.parts], dtype)


def assert_parts(term, dtype):
    """Each number of the tree is made of its parts."""
    if term.operator in ("cell", "number"):
        assert term.parts == ()
        return
    parts = [part.value for part in term.parts]
    made, eps = combined(term.operator, parts, dtype), np.finfo(dtype).eps
    scale = sum(map(abs, parts)) * len(parts) if term.operator in ("sum", "norm") else abs(made)
    assert abs(term.value - made) <= 4 * eps * scale, term
    for part in term.parts:
        assert_parts(part, dtype)


@settings(max_examples=60, deadline=None)
@given(name=NAMES, data=st.data())
def test_a_number_is_what_its_explanation_adds_up_to(name, data):
    program, history = program_of(name), states(name)
    t = data.draw(st.integers(0, len(history) - 1))
    timeline = Timeline(program, budget=3000)
    timeline.seek(t)
    tensor = data.draw(st.sampled_from(sorted(history[t])))
    value = history[t][tensor]
    index = data.draw(st.tuples(*[st.integers(0, length - 1) for length in value.shape]))
    explained = explain(timeline, tensor, index)
    assert explained.value == float(value[index])
    assert explained.t == last_computed(program, timeline.position, tensor)
    assert timeline.clock == t
    if explained.t is None:
        assert explained.term is None
        assert explained.origin.endswith(".")
        assert explained.operands == ()
        return
    assert explained.stage is program.stages[program.index[tensor]]
    assert_explained(explained, history[explained.t - 1], program.dtype)


def assert_explained(explained, seen, dtype):
    """The term tree gives the number, out of the cells that the stage saw."""
    assert_parts(explained.term, dtype)
    close = {"rtol": 1e-9, "atol": 1e-12} if dtype == np.float64 else {"rtol": 1e-3, "atol": 1e-6}
    np.testing.assert_allclose(recomputed(explained.term, dtype), explained.value, **close)
    cells = {(cell.name, cell.index): cell.value for cell in explained.term.cells()}
    assert {cell: float(seen[cell[0]][cell[1]]) for cell in cells} == cells
    assert set(explained.operands) <= set(cells)
    assert len(set(explained.operands)) == len(explained.operands)
    assert len(explained.operands) == min(len(cells), len(explained.operands)) > 0 or not cells


def operand_values(explained):
    return {(cell.name, cell.index): cell.value for cell in explained.term.cells()}


def test_old_operands_are_explained_after_they_have_been_replaced():
    session = Session(xor())
    session.execute("goto 5:da1")
    before = session.explain("da1", (1, 2))
    numbers, cells = before.numbers, operand_values(before)
    session.execute("goto 5:W2")
    after = session.explain("da1", (1, 2))
    assert after.numbers == numbers
    assert operand_values(after) == cells
    assert session.value("W2[2,0]") != cells["W2", (2, 0)]


def test_a_new_parameter_is_explained_by_the_old_one():
    session = Session(xor())
    old = float(session.value("W2[1,0]"))
    session.execute("until W2")
    explained = session.explain("W2", (1, 0))
    assert operand_values(explained)["W2", (1, 0)] == old
    assert explained.lines()[0] == "W2[1,0] ← W2[1,0] − learning_rate·dW2[1,0]"
    assert session.position.stage == "W2"


def test_a_parameter_is_explained_by_the_update_before_until_it_is_replaced():
    session = Session(xor())
    session.execute("goto 3:a1")
    assert session.explain("W1", (0, 0)).t == 2 * 17 + 14
    session.execute("goto 3:W1")
    assert session.explain("W1", (0, 0)).t == 3 * 17 + 14


def test_an_explanation_stays_what_it_is_when_time_goes_on():
    """The app holds explanations of a moment; the terms of long sums are worked out when they are looked at."""
    x = np.linspace(0, 1, 100).reshape(50, 2)
    session = Session(Scenario("long", ("a", "b"), (Layer(2),), x, x**2, optimizer=Optimizer("sgd", {"learning_rate": 0.01})))
    session.execute("goto 4:loss")
    kept, looked_at = session.explain("loss", ()), session.explain("loss", ())
    expected = operand_values(looked_at)
    session.execute("update 2")
    assert operand_values(kept) == expected


@pytest.mark.parametrize(
    ("scenario", "tensor", "index", "origin"),
    [
        ("xor", "x", (1, 1), "Given: input 1 (x2) of sample 1 of the data."),
        ("xor", "y", (2, 0), "Given: target 0 of sample 2 of the data."),
        ("xor", "m", (), "The number of samples in this batch."),
        ("xor", "W1", (0, 0), "W1[0,0], from input 0 (x1) to hidden unit 0. Initial value: normal, seed 0, generator legacy."),
        ("xor", "b1", (0, 0), "b1[0,0], the bias of hidden unit 0. Initial value: 0."),
        ("xor", "learning_rate", (), "A constant of the scenario."),
        ("adamw elu", "b1", (0, 0), "b1[0,0], the bias of hidden unit 0. Given in the scenario's values."),
        ("adamw elu", "mW1", (0, 0), "Initial value: 0."),
        ("adamw elu", "t", (), "A constant of the scenario."),
        ("residual", "W1", (0, 0), "W1[0,0], from input 0 (a) to unit 0 of layer 1. Initial value: he_normal, seed 0, generator pcg64."),
    ],
)
def test_what_no_stage_has_computed_says_where_it_was_given(scenario, tensor, index, origin):
    explained = Session(SCENARIOS[scenario]).explain(tensor, index)
    assert explained.lines() == [explained.lines()[0], origin]
    assert explained.stage is None


def test_a_shuffled_sample_says_which_one_it_is():
    session = Session(SCENARIOS["shuffled momentum"])
    session.execute("goto 4:z1")
    x, data = session.value("x"), SCENARIOS["shuffled momentum"].x
    for row in range(len(x)):
        sample = int(session.explain("x", (row, 2)).origin.split("sample ")[1].split()[0])
        assert (data[sample] == x[row]).all()


def test_the_initializer_of_a_layer_is_named_where_it_has_its_own():
    own = Scenario("own", ("a", "b"), (Layer(2, initializer=Initializer("xavier_uniform")), Layer(2)), X, X)
    assert Session(own).explain("W1", (0, 0)).origin.startswith("Initial value: xavier_uniform,")
    assert Session(own).explain("W2", (0, 0)).origin.startswith("Initial value: normal,")


@pytest.mark.parametrize(
    ("tensor", "index", "message"),
    [
        ("dW2", (0, 0), "dW2 is not computed yet in update 0: 'until dW2' runs to it"),
        ("dw2", (0, 0), "there is no tensor 'dw2'; did you mean 'dW2'?"),
        ("qqq", (), "there is no tensor 'qqq'; there are x y m"),
        ("W1", (2, 0), "W1[2,0] is outside W1, which is 2×4; rows and columns count from 0"),
        ("W1", (), "W1 has 2 axes: write W1[0,0]"),
        ("W1", (1,), "W1 has 2 axes: write W1[0,0]"),
        ("learning_rate", (0,), "learning_rate is a single number: write learning_rate"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_a_remedy(tensor, index, message):
    with pytest.raises(BpdebugError) as caught:
        Session(xor()).explain(tensor, index)
    assert str(caught.value).startswith(message)


def test_a_stage_that_is_left_out_says_why_it_has_no_value():
    with pytest.raises(BpdebugError, match="there is no stage da2: the loss is fused with sigmoid"):
        Session(SCENARIOS["penalty float32"]).explain("da2", (0, 0))


def test_long_sums_are_cut_in_the_text_and_whole_in_the_tree():
    x = np.linspace(0, 1, 60).reshape(3, 20)
    session = Session(Scenario("wide", tuple(f"x{i}" for i in range(20)), (Layer(2),), x, x[:, :2]))
    session.execute("step")
    explained = session.explain("z1", (1, 1))
    assert explained.numbers.count("·") == 8
    assert "12 more, together 1.1" in explained.numbers
    assert len(explained.operands) == 41
    assert_parts(explained.term, np.dtype("float64"))


def played(name, command):
    session = Session(load_scenario(name))
    session.execute(command)
    return session


def test_the_cells_to_go_on_from_begin_with_those_of_the_largest_term():
    session = played("xor", "goto 40:dW1")
    for index in np.ndindex(2, 4):
        explained = session.explain("dW1", index)
        x, dz1 = session.value("x")[:, index[0]], session.value("dz1")[:, index[1]]
        name, (row, _) = explained.operands[0]
        assert name == "dz1"
        assert abs(x[row] * dz1[row]) == np.abs(x * dz1).max()


@pytest.mark.parametrize("name", ["xor", "iris", "two_outputs"])
def test_of_a_loss_one_goes_on_with_the_sample_that_costs_most(name):
    session = played(name, "goto loss")
    a = next(stage.name for stage in reversed(session.program.stages) if stage.name in ("a2", "a3"))
    a, y = session.value(a), session.value("y")
    costs = (a - y) ** 2 if name == "two_outputs" else -y * np.log(a) - (0 if name == "iris" else (1 - y) * np.log(1 - a))
    named, index = session.explain("loss", ()).operands[0]
    assert named.startswith("a")
    assert index == np.unravel_index(int(costs.argmax()), costs.shape)


def test_what_is_not_finite_first_is_where_one_goes_on():
    session = played("saturation", "continue")
    explained = session.explain("loss", ())
    name, index = explained.operands[0]
    assert name == "a2"
    assert f"{name}[{index[0]},{index[1]}]" in explained.culprit


@pytest.mark.parametrize("convention", ["rows", "columns"])
@pytest.mark.parametrize("stage", ["a2", "db1", "db2"])
def test_a_sum_over_an_axis_has_the_letter_that_it_has_in_the_listing(convention, stage):
    session = Session(load_scenario("iris"))
    for command in (f"convention {convention}", f"goto 0:{stage}", f"select {stage}[0,1]"):
        session.execute(command)
    listed = render(session.program.stage(stage).formula.tree, session.cursor.style)
    (letter,) = set(re.findall("Σ([ᵢⱼₖ])", listed))
    symbolic = session.explain(stage, (0, 1)).symbolic
    assert set(re.findall("Σ([ᵢⱼₖ])", symbolic)) == {letter}
    plain = letter.translate(str.maketrans("ᵢⱼₖ", "ijk"))
    summed = symbolic.partition("Σ")[2]
    assert f",{letter}" in summed or f"{letter}," in summed or f"[{plain}," in summed or f",{plain}]" in summed


def test_an_operand_that_was_given_is_looked_at_while_it_still_has_the_value_that_was_seen():
    session = Session(load_scenario("xor"))
    session.execute("goto 0:a1")
    assert operand_origin(session.timeline, session.explain("z1", (0, 0)).t, "W1") == session.position.t
    session.execute("goto 0:b1")
    assert operand_origin(session.timeline, session.explain("z1", (0, 0)).t, "W1") == 0
    session.execute("goto 1:b1")
    start, stages = session.position.stages, session.program.index
    assert operand_origin(session.timeline, session.explain("z1", (0, 0)).t, "W1") == stages["W1"] + 1
    assert operand_origin(session.timeline, session.explain("a1", (0, 0)).t, "z1") == start + stages["z1"] + 1


def test_what_a_number_means_is_said_the_same_when_time_has_gone_on_or_back():
    session, kept = Session(load_scenario("xor")), []
    for stage in session.program.stages:
        session.execute(f"goto 3:{stage.name}")
        asked = [session.explain(stage.name, (0,) * np.ndim(session.value(stage.name))) for _ in range(3)]
        kept.append((asked[0].meaning, asked[0].rule, *asked[1:]))
    session.execute("update")
    for meaning, rule, later, _ in kept:
        assert (later.meaning, later.rule) == (meaning, rule)
    session.execute("goto 1:a1")
    for meaning, rule, _, earlier in kept:
        assert (earlier.meaning, earlier.rule) == (meaning, rule)


def test_the_cells_of_a_step_are_explained_from_one_look_back(monkeypatch):
    """Its sentence reads more than its formula; both, and those of all other cells of the stage, come of what has been fetched once."""
    session, looked = Session(load_scenario("xor")), []
    session.execute("goto 40:W2")
    at = Timeline.at
    monkeypatch.setattr(Timeline, "at", lambda timeline, *where: (looked.append(where), at(timeline, *where))[1])
    for index in np.ndindex(2, 4):
        assert "lowered" in (told := explain(session.timeline, "W1", index)).meaning or "raised" in told.meaning
    assert len(looked) <= 2


def test_what_a_line_puts_into_a_cell_is_said_to_be_put_there(tmp_path):
    session = Session(program_in(tmp_path, "masked"))
    session.execute("goto 0:gradients")
    assert session.explain("before", (0, 1)).lines()[-2] == "before[0,1], sample 0: 0, as the line puts it there."
    masked = session.explain("s", (0, 0, 1))
    assert masked.lines()[-2] == "s[0,0,1], sample 0: −inf, as the line puts it there." and not masked.culprit
    assert session.execute("explain dE[2,0]")
