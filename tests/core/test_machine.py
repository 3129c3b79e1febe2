from __future__ import annotations

import numpy as np
import pytest
from engine_strategies import same_bits, scenarios, xor
from hypothesis import given, settings
from hypothesis import strategies as st

from bpdebug import BpdebugError, load_scenario
from bpdebug.core.compiler import Compiler
from bpdebug.core.description import Layer, Loss, Optimizer, Training
from bpdebug.core.evaluate import evaluate
from bpdebug.core.fast import Check
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.operations import ACTIVATIONS
from bpdebug.core.record import replace
from bpdebug.core.workspace import UNCHECKED


def update_by_steps(machine):
    before = machine.update
    while machine.update == before:
        machine.step()


def final(machine):
    return {name: machine.last(name).copy() for name in machine.program.index} | {n: v.copy() for n, v in machine.persistent.items()}


def assert_same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        assert same_bits(left[name], right[name]), name


@settings(max_examples=30, deadline=None)
@given(scenario=scenarios(), updates=st.integers(1, 4))
def test_stepping_and_running_whole_updates_have_the_same_bits(scenario, updates):
    program = make_program(scenario)
    stepping, running = Machine(program), Machine(program)
    for _ in range(updates):
        update_by_steps(stepping)
        running.run_update()
        assert_same(final(stepping), final(running))


def test_only_what_is_run_is_compiled_and_once(monkeypatch):
    made, routine = [], Compiler.routine
    monkeypatch.setattr(Compiler, "routine", lambda self, lines: made.append(1) or routine(self, lines))
    machine = Machine(make_program(xor()))
    assert len(made) == 0
    machine.step()
    assert len(made) == 1
    for _ in range(2):
        update_by_steps(machine)
    assert len(made) == len(machine.program.stages)
    for _ in range(3):
        machine.run_update()
    assert len(made) == len(machine.program.stages) + 2, "what runs once a batch, and what runs in every update"


def test_whether_something_is_checked_on_the_way_makes_no_difference_in_any_order():
    generator, samples = np.random.default_rng(0), 20_000  # so many that what nobody has computed is 0, and not left over from before
    x, y = generator.standard_normal((samples, 2)), generator.random((samples, 1))
    program = make_program(xor(x=x, y=y, loss=Loss("binary_cross_entropy", "mean")))
    checked = {program.index[program.loss] + 1: [Check(program.parse("loss < 0"))]}
    plain, mixed = Machine(program), Machine(program)
    for checks in (UNCHECKED, checked, UNCHECKED, dict(checked), checked):
        plain.run_update()
        assert mixed.run_unguarded(checks)
        assert_same(final(mixed), final(plain))


def test_what_occurs_twice_is_computed_anew_when_a_tensor_in_it_has_changed():
    program = make_program(xor())
    for name, more in (("z1", "x @ (W1 * W1)"), ("W1", "W1 - norm(W1 * W1) * dW1"), ("W2", "W2 - norm(W1 * W1) * dW2")):
        program = program.with_formula(name, more)
    stepping, running = Machine(program), Machine(program)
    for _ in range(2):
        update_by_steps(stepping)
        running.run_update()
        assert_same(final(stepping), final(running))


@settings(max_examples=25, deadline=None)
@given(scenario=scenarios())
def test_stepping_has_the_bits_of_evaluating_each_formula(scenario):
    machine = Machine(make_program(scenario))
    for stage in machine.program.stages[:-1]:
        expected = evaluate(stage.formula, machine.values(), scenario.dtype)
        assert machine.step() == stage.name
        assert same_bits(machine.values()[stage.name], expected.astype(scenario.dtype)), stage.formula.text


@settings(max_examples=25, deadline=None)
@given(scenario=scenarios(), update=st.integers(0, 5))
def test_from_the_persistent_values_any_update_can_be_started_again(scenario, update):
    program = make_program(scenario)
    straight, jumping = Machine(program), Machine(program)
    kept = []
    for _ in range(update + 2):
        kept.append(straight.persistent_flat.copy())
        straight.run_update()
    jumping.start(update, kept[update])
    assert (jumping.update, jumping.done) == (update, 0)
    jumping.run_update()
    update_by_steps(jumping)
    assert same_bits(jumping.persistent_flat, straight.persistent_flat)
    assert_same(final(jumping), final(straight))


@settings(max_examples=25, deadline=None)
@given(scenario=scenarios())
def test_the_batch_is_the_rows_that_are_its_turn(scenario):
    machine = Machine(make_program(scenario))
    for update in range(scenario.batches + 1):
        chosen = machine.batches.rows(update)
        values = machine.values()
        expected = slice(None) if chosen is None else chosen
        np.testing.assert_array_equal(values["x"], scenario.x[expected].astype(scenario.dtype))
        np.testing.assert_array_equal(values["y"], scenario.y[expected].astype(scenario.dtype))
        assert values["m"] == len(values["x"])
        machine.run_update()


class TestTutorial:
    def test_the_first_update_stage_by_stage(self):
        machine = Machine(make_program(xor()))
        while machine.step() != "db1":
            pass
        values = machine.values()
        expected = {
            "W2": [-0.1032188518, 0.4105985019, 0.1440435712, 1.454273507],
            "z2": [0.9528483641, 0.7989526736, 1.5768780232, 1.4669915814],
            "a2": [0.7216876461, 0.6897504033, 0.8287619154, 0.8125996905],
            "da2": [3.5930852011, -1.4497998047, -1.2066191525, 5.3361704831],
            "dz2": [0.7216876461, -0.3102495967, -0.1712380846, 0.8125996905],
            "dW2": [0.7375666006, 0.4656940906, 0.722143493, 0.7857784863],
            "db2": [1.0527996553],
            "db1": [-0.0148109965, 0.1087165478, 0.0250715197, 0.2443914643],
        }
        for name, numbers in expected.items():
            np.testing.assert_allclose(values[name].ravel(), numbers, rtol=0, atol=5.1e-11, err_msg=name)
        assert float(values["loss"]) == pytest.approx(3.51276731988, abs=5.1e-12)
        assert values["W1"][0, 0] == pytest.approx(1.764052346, abs=5.1e-10)
        assert values["W1"][1, 3] == pytest.approx(-0.151357208, abs=5.1e-10)

    def test_the_thousandth_forward_pass(self):
        machine = Machine(make_program(xor()))
        for _ in range(999):
            machine.run_update()
        while machine.step() != "loss":
            pass
        values = machine.values()
        np.testing.assert_allclose(values["a2"].ravel(), [0.06192353, 0.93050246, 0.94005384, 0.08835896], rtol=0, atol=5.1e-9)
        assert float(values["loss"]) == pytest.approx(0.290281457686, abs=5.1e-13)

    def test_its_published_target_shape_is_what_the_shapes_refuse_and_its_wrong_derivative_still_trains(self):
        program = make_program(xor(formulas={"da2": "a2 - y"}))
        machine, right = Machine(program), Machine(make_program(xor()))
        machine.run_update()
        first = float(machine.last("loss"))
        for _ in range(2000):
            machine.run_update()
            right.run_update()
        assert first > float(machine.last("loss")) > float(right.last("loss"))


class TestValues:
    def test_only_what_is_computed_has_a_value(self):
        machine = Machine(make_program(xor()))
        assert set(machine.values()) == {"x", "y", "m", "W1", "b1", "W2", "b2", "learning_rate"}
        machine.step()
        machine.step()
        assert set(machine.values()) == {"x", "y", "m", "W1", "b1", "W2", "b2", "learning_rate", "z1", "a1"}

    def test_after_the_last_stage_a_new_update_begins_and_the_old_values_can_be_read(self):
        machine = Machine(make_program(xor()))
        update_by_steps(machine)
        assert (machine.update, machine.done) == (1, 0)
        assert "z1" not in machine.values()
        assert float(machine.last("loss")) == pytest.approx(3.51276731988)

    def test_the_old_values_can_be_read_where_the_next_batch_has_another_size(self):
        machine = Machine(make_program(xor(training=Training(2, 3))))
        machine.run_update()
        assert machine.last("a2").shape == (3, 1)
        assert machine.values()["x"].shape == (1, 2)
        machine.run_update()
        assert machine.last("a2").shape == (1, 1)

    def test_parameters_are_updated_only_after_all_gradients(self):
        machine = Machine(make_program(xor()))
        before = machine.persistent["W2"].copy()
        while machine.step() != "db1":
            pass
        assert np.array_equal(machine.persistent["W2"], before)
        np.testing.assert_allclose(machine.values()["da1"], machine.values()["dz2"] @ before.T, rtol=1e-15)

    def test_frozen_parameters_stay(self):
        machine = Machine(make_program(xor(frozen=("W1",))))
        before = machine.persistent["W1"].copy()
        for _ in range(3):
            machine.run_update()
        assert np.array_equal(machine.persistent["W1"], before)
        assert machine.persistent["b1"].any()

    def test_shapes_are_those_of_the_values(self):
        machine = Machine(make_program(xor()))
        shapes = machine.shapes()
        while machine.step() != "db1":
            pass
        assert all(shapes[name] == value.shape for name, value in machine.values().items())

    def test_two_machines_share_nothing(self):
        program = make_program(xor())
        first, second = Machine(program), Machine(program)
        first.run_update()
        assert np.array_equal(second.persistent["W1"], program.initial["W1"])
        assert not np.array_equal(first.persistent["W1"], program.initial["W1"])

    def test_the_data_is_never_written(self):
        scenario = xor()
        before = scenario.x.copy(), scenario.y.copy()
        Machine(make_program(scenario)).run_update()
        assert np.array_equal(scenario.x, before[0])
        assert np.array_equal(scenario.y, before[1])

    @settings(max_examples=40, deadline=None)
    @given(scenario=scenarios())
    def test_every_tensor_has_the_scenario_s_precision(self, scenario):
        machine = Machine(make_program(scenario))
        for _ in range(len(machine.program.stages) - 1):
            machine.step()
        assert {value.dtype for value in machine.values().values()} == {scenario.dtype}


class TestNonFinite:
    def sure(self, bias):
        """One sigmoid unit that is certain, and wrong for some of the samples."""
        values = {"W1": np.zeros((2, 1)), "b1": np.array([[bias]])}
        return Machine(make_program(xor(layers=(Layer(1, "sigmoid"),), values=values)))

    def test_the_logarithm_of_zero_is_noted_at_its_stage_and_raises_nothing(self):
        machine = self.sure(40.0)
        while machine.step() != "da1":
            pass
        assert machine.warnings["loss"] == ("divide by zero", "invalid value")
        assert set(machine.warnings) == {"loss", "da1"}
        assert np.isnan(machine.values()["loss"])

    def test_overflow_is_noted(self):
        machine = self.sure(-1000.0)
        machine.step()
        machine.step()
        assert machine.warnings == {"a1": ("overflow",)}

    def test_notes_are_those_of_the_current_update(self):
        machine = self.sure(40.0)
        update_by_steps(machine)
        assert machine.warnings == {}

    def test_a_harmless_update_notes_nothing(self):
        machine = Machine(make_program(xor()))
        for _ in range(16):
            machine.step()
        assert machine.warnings == {}

    def test_a_full_speed_update_warns_of_nothing_and_the_next_one_sees_that_it_was_not_finite(self):
        machine = self.sure(40.0)
        machine.run_update()
        assert not machine.last_is_finite()

    def test_a_healthy_update_is_finite(self):
        machine = Machine(make_program(xor()))
        machine.run_update()
        assert machine.last_is_finite()

    def test_large_values_are_finite_although_their_squares_are_not(self):
        values = {"W1": np.full((2, 1), 1e200)}
        machine = Machine(make_program(xor(layers=(Layer(1, "tanh"),), loss=Loss(), values=values)))
        machine.run_update()
        with np.errstate(all="ignore"):
            assert machine.last_is_finite()

    def test_a_parameter_that_is_not_finite_is_seen(self):
        machine = Machine(make_program(xor()))
        machine.run_update()
        machine.persistent["b2"][...] = np.inf
        assert not machine.last_is_finite()


def test_adam_counts_its_updates_from_one():
    machine = Machine(make_program(xor(optimizer=Optimizer("adam"))))
    for count in (1, 2, 3):
        machine.run_update()
        assert machine.persistent["t"] == count


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_activation_makes_python_warn(activation):
    machine = Machine(make_program(xor(layers=(Layer(4, activation), Layer(1, "sigmoid")))))
    update_by_steps(machine)
    machine.run_update()
    assert machine.last_is_finite()


def test_a_step_leaves_numpys_error_state_to_its_caller():
    machine = Machine(make_program(xor()))
    with np.errstate(all="raise"):
        before = np.geterr()
        machine.step()
        assert np.geterr() == before
        with pytest.raises(FloatingPointError):
            np.exp(np.array([1e9]))


def test_what_is_large_but_finite_is_no_complaint_and_no_end():
    machine = Machine(make_program(xor()))
    machine.persistent["W1"][...] = 1e300  # its square is not finite, and nor is that of z1
    machine.step()
    assert machine.finite
    assert machine.warnings == {}


PICKING = """
program: |
  e = E[tokens, :] @ W
  loss = mean((e - y) ** 2)
tensors: {tokens: [0, 2, 1]}
parameters: {seed: 1, shapes: {W: [2, 1], E: [3, 2]}}
data: {targets: [[1], [2], [3]]}
training: {epochs: 9}
"""


@pytest.mark.parametrize("late", [False, True])
def test_a_stage_that_cannot_be_computed_is_found_and_nothing_runs_twice(tmp_path, late):
    (tmp_path / "picking.yaml").write_text(PICKING)
    program = make_program(load_scenario(tmp_path / "picking.yaml"))
    own = "E - learning_rate * dE * sum(W[tokens])" if late else ""  # W has no row 2
    program = program.with_formula("E", own) if late else replace(program, fixed={"tokens": np.array([0, 3, 1])})
    machine, by_steps = Machine(program), Machine(program)
    failed = program.index["E"] if late else 0
    with pytest.raises(BpdebugError, match=r"index [23] is out of bounds") as told:
        machine.run_update()
    for _ in range(failed):
        by_steps.step()
    with pytest.raises(BpdebugError) as stepwise:
        by_steps.step()
    assert str(told.value) == str(stepwise.value)
    assert str(told.value).startswith(f"{'E' if late else 'e'} cannot be computed in update 0: ")
    assert (machine.update, machine.done) == (by_steps.update, by_steps.done) == (0, failed)
    np.testing.assert_array_equal(machine.persistent_flat, by_steps.persistent_flat)
    assert late == (not np.array_equal(machine.persistent["W"], program.initial["W"]))
