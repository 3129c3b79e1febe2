from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, assert_state, bits, history, line, program_of, states, xor
from hypothesis import given, settings
from hypothesis import strategies as st
from turns import by_day

from bpdebug.core.evaluate import evaluate
from bpdebug.core.layers import make_program
from bpdebug.frontends import load_scenario
from bpdebug.time.timeline import DEFAULT_BUDGET, Timeline

TINY = 1
"""Bytes for checkpoints: so few that only the least number is kept, and the old ones are thinned again and again."""


@pytest.mark.parametrize("name", by_day(SCENARIOS, 2))
@settings(max_examples=10, deadline=None)
@given(data=st.data(), budget=st.sampled_from((TINY, 3000, DEFAULT_BUDGET)))
def test_seek_gives_the_bits_of_a_fresh_run(name, data, budget):
    timeline, expected = Timeline(program_of(name), budget), states(name)
    for t in data.draw(st.lists(st.integers(0, len(expected) - 1), min_size=5, max_size=9)):
        timeline.seek(t)
        assert timeline.clock == t
        assert_state(timeline, expected[t])


@pytest.mark.parametrize("name", by_day(SCENARIOS, 2))
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_mixture_of_moves_gives_the_bits_of_a_fresh_run(name, data):
    timeline, expected = Timeline(program_of(name), TINY), states(name)
    for _ in range(data.draw(st.integers(3, 8))):
        here = timeline.clock
        move = data.draw(st.sampled_from(("seek", "run", "interrupted", "before")))
        t = data.draw(st.integers(here if move in ("run", "interrupted") else 1, len(expected) - 1))
        if move == "seek":
            timeline.seek(t)
        elif move == "run":
            assert not timeline.run(t)
        elif move == "interrupted":
            answers = iter([False])
            timeline.run(t, lambda answers=answers: next(answers, True))
            assert here <= timeline.clock <= t
        else:
            assert bits(timeline.before(t)) == bits(expected[t - 1])
            assert timeline.clock == here
        assert move in ("interrupted", "before") or timeline.clock == t
        assert_state(timeline, expected[timeline.clock])


def test_every_stage_backwards_one_by_one():
    timeline, expected = Timeline(program_of("shuffled momentum"), TINY), states("shuffled momentum")
    timeline.seek(timeline.end)
    for t in range(timeline.end, timeline.end - 150, -1):
        timeline.seek(t)
        assert_state(timeline, expected[t])


def test_clocks_outside_the_training_are_its_start_and_its_end():
    timeline = Timeline(program_of("xor"))
    timeline.seek(10**9)
    assert timeline.clock == timeline.end
    timeline.seek(-5)
    assert timeline.clock == 0


def test_a_run_ends_where_it_was_to_end_and_no_later_than_the_training():
    timeline = Timeline(program_of("xor"))
    assert not timeline.run(100)
    assert timeline.clock == 100
    assert not timeline.run(10**9)
    assert timeline.clock == timeline.end


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_computed_yet_at_the_start_of_an_update(name):
    timeline, program = Timeline(program_of(name)), program_of(name)
    stages = len(program.stages)
    for t in (0, 3 * stages, 5 * stages):
        timeline.seek(t + stages - 1)
        timeline.seek(t)
        assert set(timeline.machine.values()) == {"x", "y", "m", *program.persistent}
        for done in range(1, stages):
            timeline.seek(t + done)
            computed = {stage.name for stage in program.stages[:done]} - set(program.persistent)
            assert set(timeline.machine.values()) == {"x", "y", "m", *program.persistent, *computed}


def test_the_present_survives_a_look_at_the_past():
    timeline, expected = Timeline(program_of("adam float32"), TINY), states("adam float32")
    timeline.seek(200)
    for t in (1, 17, 199, 200, 201, 300):
        assert bits(timeline.before(t)) == bits(expected[t - 1])
        assert timeline.clock == 200
        assert_state(timeline, expected[200])


def finite_until(program):
    """The clock after the first stage that gives a value that is not finite, found by evaluating every one."""
    for t, values in enumerate(history(program)):
        value = evaluate(program.stages[t % len(program.stages)].formula, values, program.dtype)
        if not np.isfinite(value).all():
            return t + 1
    return None


DIVERGING = {
    "overflow in the loss": line(400, rate=2.0),
    "overflow in float32": line(400, rate=2.0, precision="float32"),
    "overflow of everything but the update": line(300, rate=2.0, frozen=("b1",)),
    "0 * log(0)": xor(60, values={"W2": np.full((4, 1), 12.0), "b2": np.full((1, 1), 20.0)}),
    "in the last stage of the program": line(30, rate=1e155, formulas={"dW1": "W1", "db1": "b1 + 1"}),
    "in the last stage of an update": line(30, rate=0.1, frozen=("W1", "b1"), formulas={"db1": "b1 / 0"}),
}


@pytest.mark.parametrize("name", DIVERGING)
@pytest.mark.parametrize("budget", [TINY, DEFAULT_BUDGET])
def test_the_first_value_that_is_not_finite_is_located(name, budget):
    program = make_program(DIVERGING[name])
    expected = finite_until(program)
    assert expected is not None
    whole, stepped, jumped = Timeline(program, budget), Timeline(program, budget), Timeline(program, budget)
    assert whole.run(whole.end)
    for t in range(1, expected + 3):
        stepped.seek(t)
    jumped.seek(min(expected + 100, jumped.end))
    assert whole.first_nonfinite == stepped.first_nonfinite == jumped.first_nonfinite == expected


@pytest.mark.parametrize("name", DIVERGING)
def test_a_run_stops_at_it_and_only_once(name):
    program = make_program(DIVERGING[name])
    timeline, first = Timeline(program, TINY), finite_until(program)
    assert timeline.run(timeline.end)
    assert timeline.clock == first
    assert not timeline.run(timeline.end)
    assert timeline.clock == timeline.end
    timeline.seek(0)
    assert not timeline.run(first - 1)
    assert timeline.run(timeline.end), "it is passed again after going back"
    assert timeline.clock == first
    assert_state(timeline, list(history(program))[first])


def test_a_jump_does_not_stop_at_it():
    timeline = Timeline(make_program(DIVERGING["overflow in the loss"]))
    timeline.seek(timeline.end)
    assert timeline.clock == timeline.end
    assert timeline.first_nonfinite is not None


def test_the_stage_that_overflows_says_so():
    timeline = Timeline(make_program(DIVERGING["overflow in the loss"]))
    timeline.run(timeline.end)
    stage = timeline.program.stages[timeline.position.done - 1].name
    assert timeline.machine.warnings == {stage: ("overflow",)}


def test_the_losses_are_those_of_the_completed_updates():
    timeline, expected = Timeline(program_of("xor"), TINY), states("xor")
    stages = len(timeline.program.stages)
    timeline.seek(20 * stages + 5)
    timeline.seek(3)
    timeline.seek(30 * stages - 1)
    updates, losses = timeline.losses.points()
    assert updates.tolist() == list(range(29))
    assert losses.tolist() == [float(expected[update * stages + stages - 1]["loss"]) for update in range(29)]


def test_long_trainings_are_thinned_and_stay_right():
    program = make_program(line(20_000, rate=0.001))
    timeline = Timeline(program, budget=4000)
    timeline.seek(timeline.end)
    updates, losses = timeline.losses.points()
    assert updates.tolist() == list(range(0, 20_000, 4))
    weight, bias, slow = program.initial["W1"][0, 0], program.initial["b1"][0, 0], {}
    for update in range(20_000):
        z = np.array([1.0, 2.0]) * weight + bias
        slow[update] = ((z - [2.0, 4.0]) ** 2).sum()
        d = 2 * (z - [2.0, 4.0])
        weight, bias = weight - 0.001 * (d * [1.0, 2.0]).sum(), bias - 0.001 * d.sum()
    np.testing.assert_allclose(losses, [slow[update] for update in updates.tolist()], rtol=1e-6, atol=1e-25)
    for update in (19_999, 12_345, 7, 16_384):
        timeline.seek(update * len(program.stages) + program.index["loss"] + 1)
        np.testing.assert_allclose(timeline.machine.values()["loss"], slow[update], rtol=1e-6, atol=1e-25)


def test_under_an_update_of_ones_own_a_gradient_that_is_not_finite_is_found_at_full_speed_too():
    """The optimizer's own formulas carry it on to the parameter; a formula of one's own need not."""
    timeline = Timeline(make_program(load_scenario("xor")))
    timeline.edit("W1", formula="W1 * 1")
    timeline.edit("dW1", formula="0 * W1 / (W1 - W1)")
    assert timeline.run(timeline.end)
    assert timeline.clock == timeline.program.index["dW1"] + 1
