"""What may take long goes on in slices: it can be given up at once, and between two slices the program stands where the user is."""

from __future__ import annotations

import warnings

import pytest
from debugger_scenarios import SCENARIOS, xor
from turns import by_day, by_turns

from bpdebug.core.errors import BpdebugError
from bpdebug.session.commands import edit, look
from bpdebug.session.session import Session
from bpdebug.time import tasks
from bpdebug.time.results import to_json

LONG = ("check", "check x all", "check dW1 sweep", "check slope", "compare mine.npz", "paths W1[0,0]", "health", "health 30", "predictions")
LONG += ("history loss", "history norm(W1) for 30", "export a.md", "export a.py", "export a.npz", "diff start", "diff 9, end", "hunt 3")


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bpdebug.session.commands.edit.SLICE", 0.0)
    monkeypatch.setattr("bpdebug.session.commands.look.SLICE", 0.0)
    monkeypatch.setattr("bpdebug.export.update.SLICE", 0.0)
    monkeypatch.setattr("bpdebug.look.health.HealthLog.measuring.__defaults__", (24, 0.0))
    session = Session(SCENARIOS["xor"])
    for command in ("goto 20:dW1", "export mine.npz", "goto 30:dz1", "set W1[0,0] = 2"):
        session.execute(command)
    return session


def state(session):
    values = {name: value.tobytes() for name, value in session.timeline.machine.values().items()}
    return session.position, values, list(map(str, session.timeline.edits)), session.hunts, session.timeline.visit


def test_what_is_patched_is_there():
    assert edit.SLICE == look.SLICE == tasks.SLICE


@pytest.mark.parametrize("command", LONG)
def test_a_long_command_is_given_up_at_once_and_leaves_no_trace(session, command, tmp_path):
    before, files = state(session), sorted(tmp_path.iterdir())
    assert session.execute(command, lambda: True).type == "progress"
    assert session.journey.pending
    assert state(session) == before
    assert session.journey.leave().startswith("stopped: ")
    assert state(session) == before
    assert sorted(tmp_path.iterdir()) == files


@pytest.mark.parametrize("command", LONG)
def test_in_the_smallest_slices_the_answer_is_the_same_and_nothing_moves_in_between(session, command):
    whole = to_json(command, session.position, session.execute(command)) if command != "hunt 3" else None
    before, slices, result = state(session), 0, session.execute(command, lambda: True)
    while session.journey.pending:
        assert state(session) == before
        session.view()
        slices += 1
        result = session.resume(lambda: True)
    assert slices > 0
    assert whole is None or to_json(command, session.position, result) == whole


HUGE = ("nan", "inf", "-inf", "1e200", "1e308", "-1e-320")
ANY = ("check", "check slope", "check dW1 sweep", "paths W1[0,0]", "health", "predictions", "history norm(W1)", "list", "bt", "up")
ANY += ("print W1", "display W1", "display norm(a1)", "watch W1[0,0] ratio 0.1", "catch rising", "catch vanishing", "catch large-update")
ANY += ("step", "into 3", "explain W1[0,0]", "explain loss", "diff start", "copy W1", "update 2", "continue", "reverse-continue")
ANY += ("export a.py", "hunt 3")


@pytest.mark.parametrize(("value", "name"), by_turns(HUGE, ["W1[0,0]", "x[0,1]", "y[1,0]", "learning_rate"]))
def test_numbers_that_are_not_finite_or_huge_warn_of_nothing(value, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = Session(xor(5))
    session.execute(f"set {name} = {value}")
    session.execute("goto 1:dW1")
    carried_out = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for command in ANY:
            try:
                to_json(command, session.position, session.execute(command))
                carried_out += 1
            except BpdebugError:
                pass
        session.view(["health", "surface", "equation"])
    assert carried_out > len(ANY) // 2


FORMULAS = ("0 * ({0})", "({0}) > 0", "1e200 * ({0})", "nan * ({0})", "0", "1", "y", "erf({0})", "maximum({0}, 0)")
AFTER = ("check", "check x", "check slope", "compare mine.npz", "paths W1[0,0]", "explain loss", "health", "predictions", "export a.py")
AFTER += ("catch dead", "catch saturated", "step", "continue", "hunt 1")


STAGES = ("z1", "a1", "z2", "a2", "loss", "da2", "dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1", "W1", "b2")


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.long)], ids=["in turn", "all"])
@pytest.mark.parametrize("stage", by_day(STAGES, 3))
def test_whatever_formula_a_stage_has_every_command_answers_or_says_why_not(stage, every, tmp_path, monkeypatch):
    """Each formula of each stage meets one command in eight, each time others, unless all are asked for."""
    monkeypatch.chdir(tmp_path)
    Session(xor(3)).execute("export mine.npz")
    own = Session(xor(3)).program.stage(stage).formula.text
    edited = 0
    for turn, text in enumerate(FORMULAS, STAGES.index(stage)):
        session = Session(xor(3))
        try:
            session.execute(f"formula {stage} = {text.format(own)}")
        except BpdebugError:
            continue
        edited += 1
        session.execute("goto 1:dz1")
        for command in AFTER[turn % every :: every]:
            try:
                session.execute(command)
            except BpdebugError as error:
                assert str(error)
        session.view(["health", "surface", "equation"])
    assert edited >= 4
