from __future__ import annotations

import json

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, X, Y, program_of

from bpdebug import cli
from bpdebug.debugger.check import MOST_CELLS, check, culprit
from bpdebug.debugger.session import Session
from bpdebug.debugger.timeline import Timeline
from bpdebug.engine.description import Initializer, Layer, Loss, Scenario
from bpdebug.engine.program import make_program
from bpdebug.scenario import load_scenario, shipped

RIGHT = [entry.name for entry in shipped() if entry.name not in ("tutorial_as_written", "saturation")]
WIDE = Scenario(
    "wide",
    tuple("abcdefgh"),
    (Layer(60, "tanh"), Layer(1, "sigmoid")),
    np.linspace(-1, 1, 40).reshape(5, 8),
    np.full((5, 1), 0.3),
)


def derivatives(program):
    return [stage.name for stage in program.stages if stage.of and "@" not in stage.name]


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("update", [0, 3])
def test_no_false_alarm_on_what_is_shipped(name, update):
    timeline = Timeline(make_program(load_scenario(name)))
    timeline.seek(update * len(timeline.program.stages))
    verdicts = check(timeline)
    assert [verdict.stage.name for verdict in verdicts] == derivatives(timeline.program)
    assert {verdict.status for verdict in verdicts} <= {"good", "noise", "kink"}


def planted():
    for scenario in ("xor", "residual", "penalty float32", "shuffled momentum"):
        for stage in derivatives(program_of(scenario)):
            yield pytest.param(scenario, stage, id=f"{scenario}-{stage}")


@pytest.mark.parametrize(("scenario", "stage"), list(planted()))
def test_a_factor_of_1_001_in_any_derivative_is_found_and_is_the_first_wrong_stage(scenario, stage):
    program = program_of(scenario)
    text = program.stage(stage).formula.text
    timeline = Timeline(program.with_formula(stage, f"1.001 * ({text})"))
    values = Timeline(program)
    values.seek(len(program.stages) - 1)
    if not np.abs(values.machine.tensor(stage)).max():
        pytest.skip("this derivative is 0")
    if check(Timeline(program), stage)[0].status == "kink":
        pytest.skip("every cell of it lies on a kink, where no difference can tell")
    assert culprit(check(timeline)).stage.name == stage
    assert check(timeline, stage)[0].status == "wrong"


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_present_stays_what_it_is(name):
    timeline = Timeline(program_of(name))
    timeline.seek(2 * len(timeline.program.stages) + 4)
    before = {tensor: value.tobytes() for tensor, value in timeline.machine.values().items()}
    check(timeline)
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
    verdicts = {verdict.stage.name: verdict for verdict in check(Timeline(make_program(scenario)))}
    assert verdicts["dz1"].status == "kink"
    assert verdicts["dz1"].kinks == 4
    assert culprit(list(verdicts.values())) is None


def test_of_a_large_tensor_a_sample_is_checked_and_said():
    session = Session(WIDE)
    verdict = check(session.timeline, "dW1")[0]
    assert (verdict.checked, verdict.cells, verdict.status) == (MOST_CELLS, 480, "good")
    assert "400 of 480 cells" in session.execute("check dW1").text


def test_an_edited_formula_is_checked_from_then_on():
    session = Session(load_scenario("xor"))
    session.execute("formula dz1 = da1 * a1")
    assert session.execute("check").data["culprit"] == "dz1"
    session.execute("undo")
    assert session.execute("check").data["ok"]


@pytest.mark.parametrize("wrong", ["loss", "W1", "nope"])
def test_what_is_no_derivative_is_refused(wrong):
    with pytest.raises(Exception, match=r"no derivative stage|there is no stage"):
        Session(load_scenario("xor")).execute(f"check {wrong}")


def test_on_the_command_line_a_wrong_derivative_is_status_1(capsys):
    assert cli.main(["check", "xor", "--at", "update 40"]) == 0
    assert "no derivative is wrong" in capsys.readouterr().out
    assert cli.main(["check", "tutorial_as_written", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["culprit"] == "da2"
