from __future__ import annotations

import numpy as np
import pytest
from engine_strategies import xor
from renamed import NONSENSE

from bpdebug.core.description import Layer, Loss, Optimizer, Training
from bpdebug.core.errors import BpdebugError, FormulaError, SetupError, ShapeError
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase
from bpdebug.core.workspace import Memory

X4, Y3 = np.eye(4), np.eye(3)
CONTRADICTIONS = {
    "inputs that are not as many as the data's columns": (
        {"x": np.zeros((4, 3))},
        "the network has 2 inputs; the data is 4×3",
        ("data", "inputs"),
    ),
    "flat inputs": ({"x": np.zeros(4)}, "the data is 4", ("data", "inputs")),
    "flat targets": ({"y": np.zeros(4)}, "the targets are 4; 4 samples and 1 outputs need 4×1", ("data", "targets")),
    "too few targets": ({"y": np.zeros((3, 1))}, "the targets are 3×1; 4 samples and 1 outputs need 4×1", ("data", "targets")),
    "targets as a row": ({"y": np.zeros((1, 4))}, "the targets are 1×4", ("data", "targets")),
    "targets wider than the output": ({"y": np.zeros((4, 2))}, "the targets are 4×2", ("data", "targets")),
    "a residual layer of another width": (
        {"layers": (Layer(4, "tanh", residual=True), Layer(1, "sigmoid"))},
        r"\(2 wide\) to its output \(4 wide\)",
        ("network", "layers", 0, "residual"),
    ),
    "a second residual layer of another width": (
        {"layers": (Layer(4, "tanh"), Layer(1, "sigmoid", residual=True))},
        r"\(4 wide\) to its output \(1 wide\)",
        ("network", "layers", 1, "residual"),
    ),
    "logits of a loss without": ({"loss": Loss("huber", from_logits=True)}, "huber has no from_logits form", ("loss", "from_logits")),
    "logits without the activation": (
        {"layers": (Layer(1, "tanh"),), "loss": Loss("binary_cross_entropy", from_logits=True)},
        "activation must be sigmoid",
        ("loss", "from_logits"),
    ),
    "logits with the other activation": (
        {"layers": (Layer(1, "sigmoid"),), "loss": Loss("categorical_cross_entropy", from_logits=True)},
        "activation must be softmax",
        ("loss", "from_logits"),
    ),
    "logits behind a residual sum": (
        {"layers": (Layer(1, "tanh"), Layer(1, "sigmoid", residual=True)), "loss": Loss("binary_cross_entropy", from_logits=True)},
        "without residual",
        ("loss", "from_logits"),
    ),
    "fused softmax with targets that are no distribution": (
        {"layers": (Layer(1, "softmax"),), "loss": Loss("categorical_cross_entropy", from_logits=True)},
        "add up to 1",
        ("data", "targets"),
    ),
    "a frozen parameter that is none": ({"frozen": ("w1",)}, "no parameter 'w1'; did you mean 'W1'?", ("parameters", "frozen")),
    "a frozen parameter far from any": ({"frozen": ("qqq",)}, "there are W1 b1 W2 b2", ("parameters", "frozen")),
    "a value for no tensor": (
        {"values": {"B2": np.zeros((1, 1))}},
        "no tensor 'B2' to give a value; did you mean 'b2'?",
        ("parameters", "values", "B2"),
    ),
    "a value for a tensor that is computed": ({"values": {"z1": np.zeros((4, 4))}}, "no tensor 'z1'", ("parameters", "values", "z1")),
    "a value of another shape": ({"values": {"W1": np.zeros((4, 2))}}, "W1 is 2×4; this value is 4×2", ("parameters", "values", "W1")),
    "a flat bias": ({"values": {"b1": np.zeros(4)}}, "b1 is 1×4; this value is 4", ("parameters", "values", "b1")),
    "a slot of another optimizer": ({"values": {"vW1": np.zeros((2, 4))}}, "no tensor 'vW1'", ("parameters", "values", "vW1")),
    "a formula of no stage": ({"formulas": {"dw2": "a1.T @ dz2"}}, "no stage 'dw2'; did you mean 'dW2'?", ("formulas", "dw2")),
    "a formula that does not parse": ({"formulas": {"da2": "a2 -"}}, "column", ("formulas", "da2")),
    "a formula that does not fit": ({"formulas": {"da2": "a2 @ y"}}, "@ needs", ("formulas", "da2")),
    "a formula of a skipped stage": (
        {"formulas": {"da2": "a2 - y"}, "loss": Loss("binary_cross_entropy", from_logits=True)},
        "fused with sigmoid",
        ("formulas", "da2"),
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_contradiction_is_refused_with_the_keys_that_lead_to_it(case):
    changes, message, path = CONTRADICTIONS[case]
    with pytest.raises(SetupError, match=message) as caught:
        make_program(xor(**changes))
    assert caught.value.path == path


def test_every_contradiction_is_an_error_that_a_user_can_put_right():
    assert issubclass(SetupError, BpdebugError)
    assert issubclass(ShapeError, FormulaError)
    assert issubclass(FormulaError, BpdebugError)


class TestWithFormula:
    def test_the_user_s_formula_takes_the_place_of_the_derived_one(self):
        original = make_program(xor())
        program = original.with_formula("da2", " a2 - y ")
        stage = program.stage("da2")
        assert (stage.formula.text, stage.edited) == ("a2 - y", True)
        assert stage.derived == original.stage("da2").formula
        assert str(stage) == "da2 = a2 - y"
        assert not original.stage("da2").edited
        assert [s.name for s in program.stages] == [s.name for s in original.stages]

    def test_replaced_twice_the_derived_formula_is_still_the_engine_s(self):
        program = make_program(xor()).with_formula("da2", "a2 - y").with_formula("da2", "y - a2")
        assert program.stage("da2").derived == make_program(xor()).stage("da2").formula

    def test_the_derived_formula_put_back_is_no_formula_of_the_user_s(self):
        stage = make_program(xor()).stage("dz1")
        program = make_program(xor()).with_formula("dz1", "da1 * a1").with_formula("dz1", "da1*a1 * (1-a1)")
        assert program.stage("dz1") == stage

    def test_the_machine_runs_it(self):
        machine = Machine(make_program(xor(formulas={"dz2": "a2 - y", "dW2": "2 * a1.T @ dz2"})))
        machine.run_update()
        np.testing.assert_array_equal(machine.last("dz2"), machine.last("a2") - machine.last("y"))
        np.testing.assert_allclose(machine.last("dW2"), 2 * machine.last("a1").T @ machine.last("dz2"), rtol=1e-15)

    @pytest.mark.parametrize(
        ("stage", "text", "name"),
        [("z2", "a1 @ W2 + a2", "a2"), ("a1", "a1", "a1"), ("da2", "a2 - y + dz2", "dz2"), ("loss", "sum(da2)", "da2")],
    )
    def test_what_is_not_computed_yet_is_refused_at_its_column(self, stage, text, name):
        with pytest.raises(FormulaError, match=f"{name} is not computed yet when {stage} runs") as caught:
            make_program(xor()).with_formula(stage, text)
        assert caught.value.column == text.index(name) + 1

    def test_the_column_is_that_of_the_name_and_not_of_a_longer_one(self):
        program = make_program(xor(loss=Loss("binary_cross_entropy", l2=0.1)))
        with pytest.raises(FormulaError, match="loss is not computed yet") as caught:
            program.with_formula("penalty1", "data_loss + loss")
        assert caught.value.column == 13

    def test_persistent_tensors_are_known_at_every_stage(self):
        program = make_program(xor(optimizer=Optimizer("adam"))).with_formula("z1", "x @ W1 + b1 + 0 * mb1 * t")
        assert program.stage("z1").edited

    def test_an_unknown_name_is_refused_with_a_suggestion(self):
        with pytest.raises(FormulaError, match="unknown name 'dz3'; did you mean 'dz"):
            make_program(xor()).with_formula("dW2", "a1.T @ dz3")

    @pytest.mark.parametrize(
        ("stage", "text"), [("da2", "sum(a2)"), ("da2", "(a2 - y).T"), ("db2", "dz2"), ("loss", "a2 - y"), ("W1", "dW1.T")]
    )
    def test_a_value_of_another_shape_is_refused(self, stage, text):
        with pytest.raises(ShapeError, match=f"{stage} is .*this formula gives"):
            make_program(xor()).with_formula(stage, text)

    def test_it_must_fit_the_short_last_batch_too(self):
        program = make_program(xor(training=Training(1, 3)))
        with pytest.raises(ShapeError):
            program.with_formula("da2", "(a2 - y) * x[0:3, 0:1]")

    def test_partials_can_be_named_and_replaced(self):
        layers = (Layer(3, "tanh"), Layer(3, "tanh", residual=True), Layer(1, "sigmoid"))
        program = make_program(xor(layers=layers)).with_formula("da1@z2", "(W2 @ dz2.T).T").with_formula("da1", "da1@z2+da1@r2")
        assert program.stage("da1").formula.names == ("da1@z2", "da1@r2")


class TestInitialValues:
    def test_explicit_values_win(self):
        values = {"W2": np.full((4, 1), 0.25), "b1": np.full((1, 4), 0.5)}
        initial = make_program(xor(values=values)).initial
        assert (initial["W2"] == 0.25).all()
        assert (initial["b1"] == 0.5).all()
        assert initial["W1"][0, 0] == pytest.approx(1.764052346)

    def test_slots_start_at_zero_and_constants_at_what_is_given_or_usual(self):
        initial = make_program(xor(optimizer=Optimizer("adam", {"learning_rate": 0.3}))).initial
        assert not initial["mW1"].any()
        assert (initial["learning_rate"], initial["beta1"], initial["t"]) == (0.3, 0.9, 0.0)

    def test_the_l2_weight_is_a_tensor_only_where_there_is_a_penalty(self):
        assert "l2" not in make_program(xor()).persistent
        assert make_program(xor(loss=Loss("squared_error", l2=0.5))).initial["l2"] == 0.5

    def test_the_precision_is_the_scenario_s(self):
        assert {value.dtype.name for value in make_program(xor(precision="float32")).initial.values()} == {"float32"}

    def test_the_given_arrays_are_copied(self):
        given = np.zeros((4, 1))
        program = make_program(xor(values={"W2": given}))
        Machine(program).run_update()
        assert not given.any()
        assert not program.initial["W2"].any()


class TestStage:
    def test_a_stage_that_is_none_is_refused_with_a_suggestion(self):
        with pytest.raises(SetupError, match="no stage 'dw2'; did you mean 'dW2'"):
            make_program(xor()).stage("dw2")

    def test_a_skipped_stage_is_refused_with_its_reason(self):
        with pytest.raises(SetupError, match="no stage W1: W1 is frozen"):
            make_program(xor(frozen=("W1",))).stage("W1")


def test_shapes_for_any_number_of_rows():
    shapes = make_program(xor()).shapes(7)
    assert {shapes[name] for name in ("z1", "a1", "da1", "dz1")} == {(7, 4)}
    assert (shapes["loss"], shapes["dW1"], shapes["db1"], shapes["W1"], shapes["y"]) == ((), (2, 4), (1, 4), (2, 4), (7, 1))


class TestNames:
    def test_what_a_program_is_given_goes_by_its_own_names(self):
        program = make_program(xor(naming=NONSENSE["misleading"]))
        assert (program.input, program.target, program.loss, program.prediction) == ("t0", "b0", "dense", "W2")
        assert list(program.data) == ["t0", "b0"]
        assert program.shapes(7)["b0"] == (7, 1)
        assert program.letters == {"w": list(program.parameters), "g": [program.gradients[name] for name in program.parameters]}

    def test_a_number_of_the_data_is_changed_in_a_program_of_its_own(self):
        program = make_program(xor(naming=NONSENSE["dotted"]))
        changed = program.with_number("want", (1, 0), 0.25)
        assert changed.data["want"][1, 0] == 0.25
        assert program.data["want"][1, 0] == program.scenario.y[1, 0] == 1.0
        assert changed.data["batch.in"] is program.data["batch.in"]

    def test_a_target_that_the_fused_loss_has_no_derivative_for_is_refused(self):
        loss = Loss("categorical_cross_entropy", from_logits=True)
        program = make_program(xor(layers=(Layer(3, "softmax"),), y=np.eye(3)[[0, 1, 2, 0]], loss=loss))
        with pytest.raises(SetupError, match="add up to 1"):
            program.with_number("y", (0, 0), 0.5)


class TestRun:
    @pytest.mark.parametrize("precision", ["float64", "float32"])
    def test_aside_from_the_machine_the_bits_are_the_same(self, precision):
        program = make_program(xor(precision=precision, optimizer=Optimizer("adam"), training=Training(2, 3, True)))
        machine, start = Machine(program), program.initial | program.batch(0)
        made = program.run(start)
        machine.run_update()
        assert list(made) == list(program.index)
        for name in program.index:
            assert made[name].tobytes() == machine.last(name).tobytes(), name

    def test_it_ends_where_it_is_told_to(self):
        program = make_program(xor())
        start = program.initial | program.batch(0)
        assert list(program.run(start, program.end_of(Phase.LOSS))) == ["z1", "a1", "z2", "a2", "loss"]
        assert [*program.run(start, program.end_of(Phase.BACKWARD))][-1] == program.stages[program.end_of(Phase.BACKWARD) - 1].name
        assert program.end_of(Phase.UPDATE) == len(program.stages)

    def test_what_is_changed_is_what_the_next_stage_reads(self):
        program = make_program(xor())
        start = program.initial | program.batch(0)
        made = program.run(start, change=lambda name, value: 0 * value if name == "a1" else value)
        assert not made["dW2"].any()
        np.testing.assert_array_equal(made["z2"], np.broadcast_to(start["b2"], (4, 1)))
        assert program.initial["W1"].any()


def test_named_tensors_lie_end_to_end_in_the_order_that_is_asked_for():
    memory = Memory({"a": (2, 3), "b": (), "c": (4,)}, np.dtype("float32"), ("c", "a"))
    memory.flat[...] = np.arange(11)
    assert memory.tensors["c"].tolist() == [0, 1, 2, 3]
    assert memory.tensors["a"].tolist() == [[4, 5, 6], [7, 8, 9]]
    assert memory.tensors["b"] == 10
    assert memory.stretch(("c", "a")).tolist() == [*range(10)]
    copy = memory.flat.copy()
    memory.tensors["a"][...] = 0
    assert memory.views(copy)["a"].sum() == 39
