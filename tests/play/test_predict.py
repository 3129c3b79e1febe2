from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, xor
from programs import program_in
from turns import by_day

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import load_scenario
from bpdebug.play.predict import Predictions, Question, is_right, question_of, read_answer, why_shape
from bpdebug.session.script import session_script
from bpdebug.session.session import Session


def predicting(scenario=None, *commands):
    session = Session(scenario or xor())
    for command in (*commands, "predict on"):
        session.execute(command)
    return session


def truth(session):
    """The right answer to the open question, from a session that has gone on."""
    question, ahead = session.question, Session(session.program.scenario)
    ahead.execute(f"goto {session.place_of(session.position.t)}")
    ahead.execute("step")
    value = ahead.timeline.machine.tensor(question.stage)
    if question.kind == "shape":
        return "x".join(map(str, value.shape))
    cell = float(value[question.cell])
    return f"{cell!r}" if question.kind == "value" else "+" if cell > 0 else "-" if cell < 0 else "0"


def test_a_single_step_asks_first_and_does_not_move():
    session = predicting()
    asked = session.execute("step")
    assert asked.type == "question"
    assert session.position.t == 0
    assert session.question is not None
    assert session.question.stage == "z1"
    assert session.question.prompt in asked.text
    assert asked.data["question"] == {
        "name": "z1",
        "index": list(session.question.cell),
        "kind": session.question.kind,
        "prompt": session.question.prompt,
    }


def test_without_predicting_and_for_several_stages_nothing_is_asked():
    session = Session(xor())
    assert session.execute("step").type == "stop"
    session.execute("predict on")
    assert session.execute("step 2").type == "stop"
    assert session.execute("next").type == "stop"
    assert session.execute("goto 3:dz2").type == "stop"
    assert session.question is None
    session.execute("predict off")
    assert session.execute("step").type == "stop"


@pytest.mark.parametrize("name", by_day(["xor", "residual", "adamw elu", "short last batch"], 2))
def test_the_right_answer_runs_the_stage_and_counts(name):
    session = predicting(SCENARIOS[name], "goto 2:z1")
    kinds = Counter()
    for count in range(1, 18):
        session.execute("step")
        kinds[session.question.kind] += 1
        t, stage = session.position.t, session.question.stage
        told = session.execute(f"answer {truth(session)}")
        assert told.type == "stop"
        assert told.text.startswith("right: "), told.text
        assert told.data["answer"]["right"] is True
        assert told.data["answer"]["name"] == stage
        assert session.position.t == t + 1
        assert session.question is None
        assert session.predictions.tally == f"{count}/{count}"
    assert set(kinds) == {"shape", "sign", "value"}


def test_a_wrong_answer_runs_the_stage_too_and_is_explained():
    session = predicting(None, "goto a2")
    while session.execute("step").type != "question" or session.question.kind != "value":
        session.execute("step")
    question = session.question
    told = session.execute("answer 1234")
    cell = f"{question.stage}[{','.join(map(str, question.cell))}]" if question.cell else question.stage
    assert told.text.startswith(f"wrong: {cell} = ")
    assert told.text.splitlines()[0].endswith(", not 1234")
    assert "\n".join(session.explain(question.stage, question.cell).lines()) in told.text
    assert told.data["answer"]["right"] is False
    assert told.data["answer"]["actual"] == session.value(cell)
    assert session.predictions == Predictions(True, 0, 1)


def test_a_second_step_skips_the_question_and_says_so():
    session = predicting()
    session.execute("step")
    told = session.execute("step")
    assert told.type == "stop"
    assert told.text.startswith("the question is skipped\n")
    assert session.position.t == 1
    assert session.predictions == Predictions(on=True)


def test_a_question_is_void_when_somebody_goes_elsewhere():
    session = predicting()
    session.execute("step")
    session.execute("goto dz2")
    with pytest.raises(BpdebugError, match="nothing is asked"):
        session.execute("answer 0")


def test_the_same_seed_and_clock_ask_the_same():
    stage = Session(xor()).program.stage("a1")
    asked = [question_of(stage, (4, 4), 7, t) for t in range(60)]
    assert asked == [question_of(stage, (4, 4), 7, t) for t in range(60)]
    assert len({(question.kind, question.cell) for question in asked}) > 20
    assert asked != [question_of(stage, (4, 4), 8, t) for t in range(60)]


SHAPES = ["4x1", "4×1", "(4,1)", "(4, 1)", "4 1", "4, 1", " 4 x 1 ", "[4, 1]", "4*1"]


@pytest.mark.parametrize("text", SHAPES)
def test_a_shape_may_be_written_in_many_ways(text):
    assert read_answer("shape", text) == (4, 1)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("shape", "4x"),
        ("shape", "four by one"),
        ("shape", ""),
        ("sign", "up"),
        ("sign", "2"),
        ("value", "x"),
        ("value", ""),
        ("value", "1,5"),
    ],
)
def test_an_answer_of_another_kind_is_refused(kind, text):
    with pytest.raises(BpdebugError, match=r"is expected.*; found"):
        read_answer(kind, text)


def test_a_refused_answer_leaves_the_question_open():
    session = predicting()
    session.execute("step")
    question = session.question
    with pytest.raises(BpdebugError, match="expected"):
        session.execute("answer perhaps")
    assert session.question == question
    assert session.position.t == 0
    assert session.predictions.answered == 0


def of(kind, cell=(0, 0)):
    return Question(0, "z1", cell, kind, "")


@pytest.mark.parametrize(
    ("actual", "text", "right"),
    [
        (0.5, "0.51", True),
        (0.5, "0.4899", False),
        (0.5, "-0.5", False),
        (0.1249, "0.12", True),
        (0.1251, "0.12", False),
        (-3.5128, "−3.5", True),
        (-3.5128, "-3.4", False),
        (0.0, "0", True),
        (0.0, "1e-9", False),
        (1e-18, "0", True),
        (math.inf, "inf", True),
        (math.inf, "1e300", False),
        (-math.inf, "inf", False),
        (math.nan, "nan", True),
        (math.nan, "0", False),
        (1.0, "nan", False),
    ],
)
def test_a_value_is_right_within_two_percent_or_two_digits(actual, text, right):
    tensor = np.array([[actual, 1.0]])
    assert is_right(of("value"), read_answer("value", text), tensor) is right


@pytest.mark.parametrize(
    ("actual", "right", "wrong"),
    [
        (2.0, ["+", "plus", "positive"], ["-", "0"]),
        (-2.0, ["-", "−", "negative"], ["+", "0"]),
        (0.0, ["0", "zero"], ["+", "-"]),
        (1e-18, ["0", "+"], ["-"]),
    ],
)
def test_a_sign_is_plus_minus_or_nothing(actual, right, wrong):
    tensor = np.array([[actual, 1.0]])
    assert all(is_right(of("sign"), read_answer("sign", text), tensor) for text in right)
    assert not any(is_right(of("sign"), read_answer("sign", text), tensor) for text in wrong)


def test_a_number_that_is_not_finite_can_be_predicted():
    session = Session(load_scenario("saturation"))
    session.execute("continue")
    session.execute("reverse-step")
    session.execute("predict on")
    session.execute("step")
    assert session.question.stage == "loss"
    told = session.execute("answer nan")
    assert told.text.startswith("right: loss = nan")


def test_the_last_stage_of_an_update_and_the_end_of_training():
    session = predicting(xor(1), "goto W2")
    assert session.execute("step").type == "question"
    told = session.execute(f"answer {truth(session)}")
    assert told.text.startswith("right: b2")
    assert session.position.at_end
    assert session.execute("step").type == "stop", "nothing is left to ask about"


def test_a_saved_session_keeps_the_tally_and_the_question():
    session = predicting(None, "goto 3:a1")
    for text in ("nan", "nan"):
        session.execute("step")
        session.execute(f"answer {text if session.question.kind != 'shape' else '1x1'}")
    session.execute("step")
    fresh = Session(xor())
    for line in session_script(session).splitlines()[1:]:
        fresh.execute(line)
    assert fresh.predictions == session.predictions
    assert fresh.question == session.question
    assert session_script(fresh) == session_script(session)


@pytest.mark.parametrize("text", ["maybe", "on 5/3", "on 3", "on x/y", "off off"])
def test_what_predict_does_not_understand_changes_nothing(text):
    session = predicting()
    with pytest.raises(BpdebugError, match="is expected; found"):
        session.execute(f"predict {text}")
    assert session.predictions == Predictions(on=True)


def test_commands_of_a_breakpoint_may_meet_a_question():
    session = predicting(None, "break dz2", "commands 1 step; print loss")
    told = session.execute("continue")
    assert session.position.stage == "dz2"
    assert [one["type"] for one in told.data["commands"]] == ["question", "value"]
    assert session.question.stage == "dW2"


def test_a_shape_is_answered_with_its_reason():
    session = Session(xor())
    shapes, program = session.timeline.machine.shapes(), session.program
    reasons = {name: why_shape(program.stage(name).formula, shapes) for name in ("z1", "db2", "loss", "dz1", "dW1")}
    assert reasons["z1"].startswith("4×2 @ 2×4: the rows of the left by the columns of the right")
    assert reasons["dW1"].startswith("2×4 @ 4×4: ")
    assert reasons["db2"] == "the sum over the samples leaves one row"
    assert reasons["loss"] == "the sum over all cells leaves one number"
    assert reasons["dz1"].startswith("cell by cell")


@pytest.mark.parametrize(
    ("name", "stage", "reason"),
    [
        ("masked", "before", "zeros makes 3×2 of what its argument says"),
        ("masked", "dE", "add_at leaves the shape as it is"),
        ("masked", "dP", "einsum makes 2×2 of 3×2×2 and 3×2"),
        ("masked", "loss", "the sum over all cells leaves one number"),
        ("batched", "a", "softmax leaves the shape as it is"),
        ("three axes", "s", "the mean over axis 0 leaves 3×4"),
        ("chosen", "picked", "the cells of 3×3 are picked"),
    ],
)
def test_a_shape_has_a_reason_in_any_program(tmp_path, name, stage, reason):
    session = Session(program_in(tmp_path, name))
    shapes = session.timeline.machine.shapes()
    reasons = {one.name: why_shape(one.formula, shapes) for one in session.program.stages}
    assert reasons[stage] == reason
