from __future__ import annotations

import json
import time

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, X, Y, line, program_of
from random_networks import COMBINATIONS, scenario_of
from turns import by_day, by_turns

from bpdebug import cli
from bpdebug.core.description import Initializer, Layer, Loss, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario, shipped
from bpdebug.session.session import Session
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.check import check
from bpdebug.trust.finding import DOTS

RIGHT = [entry.name for entry in shipped() if entry.name not in ("tutorial_as_written", "saturation")]
WIDE = Scenario(
    "wide",
    tuple(f"p{i}" for i in range(300)),
    (Layer(100, "tanh"), Layer(1, "sigmoid")),
    np.random.default_rng(5).standard_normal((5, 300)),
    np.full((5, 1), 0.3),
    initializer=Initializer("xavier_normal"),
)


def report_of(timeline, only="", everything=False):
    return whole(check(timeline, only, everything))


def verdicts_of(*arguments, **more):
    return report_of(*arguments, **more).findings


def derivatives(program):
    return [stage.name for stage in program.stages if stage.of]


@pytest.mark.parametrize(("name", "update"), by_turns(RIGHT, [0, 3]))
def test_no_false_alarm_on_what_is_shipped(name, update):
    timeline = Timeline(make_program(load_scenario(name)))
    timeline.seek(update * len(timeline.program.stages))
    verdicts = verdicts_of(timeline)
    assert [verdict.stage.name for verdict in verdicts] == derivatives(timeline.program)
    assert {verdict.status for verdict in verdicts} <= {"good", "noise", "kink"}


def planted():
    """A stage for every rule of the operation table, for each of its arguments, alone and as one of several paths: the first that is not 0
    in every cell, where a factor would change nothing."""
    found = {}
    for number in range(len(COMBINATIONS)):
        program = make_program(scenario_of(number))
        stages = {(stage.operation, stage.of[:1], "@" in stage.name): stage.name for stage in reversed(program.stages) if stage.of}
        if new := stages.keys() - found.keys():
            values = program.run(dict(program.batch(0)) | program.initial, program.end_of(Phase.BACKWARD))
            found |= {rule: (program, stages[rule]) for rule in new if np.abs(values[stages[rule]]).max()}
    return {"-".join([rule[0], f"d{rule[1]}"] + ["path"] * rule[2]): where for rule, where in found.items()}


def test_a_factor_of_1_001_in_any_rule_is_found_and_is_the_first_wrong_stage():
    rules = planted()
    assert {name.rsplit("-d", 1)[0] for name in rules} >= set(OPERATIONS) | {"sum"}
    assert {"affine-dW", "affine-db", "affine-da", "linear-dW", "add-da", "penalty-dW-path", "affine-da-path", "sum-dW"} <= set(rules)
    for rule, (program, stage) in rules.items():
        timeline = Timeline(program.with_formula(stage, f"1.001 * ({program.stage(stage).formula.text})"))
        report = whole(check(timeline, named=False))
        assert [finding.stage.name for finding in report.findings if finding.status == "wrong"] == [stage], rule
        assert report.culprit.error == pytest.approx(0.001, rel=0.01), rule
        assert whole(check(timeline, stage, named=False)).findings[0].status == "wrong", rule


@pytest.mark.parametrize("number", by_day(range(0, len(COMBINATIONS), 5), 3))
def test_no_false_alarm_on_random_networks(number):
    timeline = Timeline(make_program(scenario_of(number)))
    assert {verdict.status for verdict in verdicts_of(timeline)} <= {"good", "kink", "noise"}


def test_what_only_passes_a_wrong_number_on_is_told_from_what_is_wrong_itself():
    program = program_of("xor").with_formula("dz2", "-(da2 * a2 * (1 - a2))").with_formula("dz1", "da1 * a1")
    status = {verdict.stage.name: verdict.status for verdict in verdicts_of(Timeline(program))}
    assert status == {
        "da2": "good",
        "dz2": "wrong",
        "dW2": "follows",
        "db2": "follows",
        "da1": "follows",
        "dz1": "wrong",
        "dW1": "follows",
        "db1": "follows",
    }


def test_a_stage_alone_is_told_to_follow_from_those_before_it():
    timeline = Timeline(program_of("xor").with_formula("dz2", "da2"))
    assert verdicts_of(timeline, "dW1")[0].status == "follows"
    assert verdicts_of(timeline, "dz2")[0].status == "wrong"


def test_a_path_that_is_left_out_is_the_fault_of_the_sum():
    program = program_of("residual")
    joined = next(name for name in program.index if f"{name}@" in "".join(program.vocabulary.joined) and name.startswith("da"))
    kept = next(name for name in program.vocabulary.joined if name.startswith(f"{joined}@"))
    assert report_of(Timeline(program.with_formula(joined, kept))).culprit.name == joined


def test_a_stage_that_is_right_is_judged_by_a_dot_product_over_all_of_its_cells():
    for verdict in verdicts_of(Timeline(program_of("residual"))):
        assert verdict.method == DOTS
        assert verdict.checked == verdict.ours.size
        assert verdict.error < 1e-13
        assert verdict.numbers is None


@pytest.mark.parametrize("name", RIGHT)
def test_cell_by_cell_the_derivatives_are_the_same_to_the_last_bits(name):
    for verdict in verdicts_of(Timeline(make_program(load_scenario(name))), everything=True):
        assert verdict.method == "complex step"
        rounding = np.abs(verdict.ours).max() < 1e-12  # what is nothing but rounding has no relative error
        assert verdict.error < 1e-12 or (rounding and verdict.status == "noise")


def test_the_gradient_of_the_input_is_checked_on_request():
    session = Session(load_scenario("residual"))
    result = session.execute("check x")
    assert [stage["name"] for stage in result.data["stages"]] == ["dx"]
    assert result.data["ok"]
    session.execute("formula dz1 = -da1")
    assert session.execute("check dx").data["stages"][0]["status"] == "follows"


def test_a_derivative_that_is_entirely_zero_says_so():
    session = Session(load_scenario("dead_relu"))
    session.execute("goto update 100")
    zero = [stage for stage in session.execute("check").data["stages"] if stage["zero"]]
    program = program_of("xor").with_formula("db1", "0 * b1")
    wrong = report_of(Timeline(program)).culprit
    assert wrong.stage.name == "db1"
    assert wrong.zero
    assert all(stage["status"] in ("good", "kink") for stage in zero)


def test_of_a_loss_that_is_not_finite_nothing_is_claimed():
    session = Session(load_scenario("saturation"))
    session.execute("continue")
    result = session.execute("check")
    assert {stage["status"] for stage in result.data["stages"]} == {"non-finite"}
    assert "the loss is not finite" in result.text


def test_a_saturated_unit_is_no_fault_though_rounding_is_large():
    layers = (Layer(2, "sigmoid"), Layer(1, "sigmoid"))
    values = {"W1": np.array([[30.0, -33.0], [31.0, -35.0]]), "W2": np.array([[9.0], [9.0]])}
    scenario = Scenario("saturated", ("p", "q"), layers, X, Y, values=values, loss=Loss("squared_error"))
    assert {v.status for v in verdicts_of(Timeline(make_program(scenario)))} <= {"good", "noise"}


def test_a_fault_in_a_single_cell_of_a_large_tensor_is_found_and_named():
    program = make_program(WIDE)
    timeline = Timeline(program.with_formula("dW1", f"({program.stage('dW1').formula.text}) * (1 + 1e-6 * (W1 == max(W1)))"))
    place = np.unravel_index(np.argmax(program.initial["W1"]), (300, 100))
    found = report_of(timeline)
    assert [finding.name for finding in found.accused] == ["dW1"]
    assert (found.culprit.cell, found.culprit.checked) == (place, 30_000)
    assert found.culprit.error == pytest.approx(1e-6, rel=1e-3)


def test_the_sweep_shows_the_v_of_curvature_and_rounding():
    errors = Session(load_scenario("xor")).execute("check dW1 sweep").data["errors"]
    assert errors[0] > 100 * min(errors) < errors[-2] / 100
    assert errors[-1] < 1e-13  # the complex step


@pytest.mark.parametrize(("scenario", "order"), [("xor", 2), ("tutorial_as_written", 1)])
def test_taylors_remainder_shrinks_with_the_square_only_under_a_right_gradient(scenario, order):
    result = Session(load_scenario(scenario)).execute("check slope")
    assert result.data["order"] == pytest.approx(order, abs=0.05)


@pytest.mark.parametrize("far", [1.0, 1e6, 1e9])
def test_a_straight_loss_has_nothing_but_rounding_left_however_large_it_is(far):
    scenario = line(3, 0.1, loss=Loss("absolute_error"))
    scenario = replace(scenario, x=scenario.x / 3 + 0.1, y=scenario.y - far / 3)
    assert Session(scenario).execute("check slope").text.endswith("nothing but rounding is left: the gradient is right")


def test_a_long_check_goes_on_in_slices_and_tells_how_far_it_is():
    session = Session(load_scenario("iris"))
    result = session.execute("check", lambda: True)
    assert (result.type, bool(session.journey.pending)) == ("progress", True)
    assert result.text == "checking da2"
    while session.journey.pending:
        result = session.resume(lambda: True)
    assert result.data["ok"]
    assert set(session.check.stages) == set(derivatives(session.program))


def test_an_edit_makes_what_was_checked_unknown_again():
    session = Session(load_scenario("xor"))
    session.execute("check")
    session.execute("formula dz1 = da1")
    assert session.check is None


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_present_stays_what_it_is(name):
    timeline = Timeline(program_of(name))
    timeline.seek(2 * len(timeline.program.stages) + 4)
    before = {tensor: value.tobytes() for tensor, value in timeline.machine.values().items()}
    verdicts_of(timeline)
    assert timeline.clock == 2 * len(timeline.program.stages) + 4
    assert {tensor: value.tobytes() for tensor, value in timeline.machine.values().items()} == before


def test_the_derivative_of_another_loss_is_found_where_it_stands():
    session = Session(load_scenario("tutorial_as_written"))
    result = session.execute("check")
    assert result.data["culprit"] == "da2"
    assert "first wrong stage: da2 = a2 - y" in result.text


def test_a_kink_is_no_fault():
    layers = (Layer(4, "relu"), Layer(1, "sigmoid"))
    scenario = Scenario("kink", ("x1", "x2"), layers, X, Y, initializer=Initializer("he_normal"), loss=Loss("binary_cross_entropy"))
    report = report_of(Timeline(make_program(scenario)))
    verdicts = report.stages
    assert verdicts["dz1"].status == "kink"
    assert verdicts["dz1"].kinks == 4
    assert report.culprit is None
    assert report.unjudged == ()  # its other cells are judged


def test_an_edited_formula_is_checked_from_then_on():
    session = Session(load_scenario("xor"))
    session.execute("formula dz1 = da1 * a1")
    assert session.execute("check").data["culprit"] == "dz1"
    session.execute("undo")
    assert session.execute("check").data["ok"]


@pytest.mark.parametrize("wrong", ["loss", "z9", "nope", "dW1 dW2", "dW1 all sweep"])
def test_what_is_no_derivative_is_refused(wrong):
    with pytest.raises(Exception, match=r"is not a gradient|there is no stage|expected one stage"):
        Session(load_scenario("xor")).execute(f"check {wrong}")


def test_on_the_command_line_a_wrong_derivative_is_status_1(capsys):
    assert cli.main(["check", "xor", "--at", "update 40"]) == 0
    assert "no derivative is wrong" in capsys.readouterr().out
    assert cli.main(["check", "tutorial_as_written", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["culprit"] == "da2"


def test_where_nothing_could_be_compared_no_derivative_is_called_right():
    opened = Session(load_scenario("saturation"))
    opened.execute("goto 40:dW1")
    result = opened.execute("check")
    assert result.text.splitlines()[-1] == "nothing could be compared: the loss is not finite"
    assert (result.data["ok"], result.data["culprit"]) == (False, None)


def test_the_time_of_a_check_grows_as_the_number_of_layers():
    def seconds(layers):
        inputs = np.random.default_rng(0).normal(size=(8, 4))
        timeline = Timeline(make_program(Scenario("deep", tuple("abcd"), (Layer(4, "tanh"),) * layers, inputs, inputs)))
        begin = time.process_time()
        assert whole(check(timeline)).ok
        return time.process_time() - begin

    assert min(seconds(160) for _ in range(2)) < 7 * min(seconds(40) for _ in range(2))
