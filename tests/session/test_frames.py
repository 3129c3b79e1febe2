"""gdb's words: frames from the stage outwards, locations that name a cell, and what a few letters stand for."""

from __future__ import annotations

import json
import operator
from itertools import pairwise

import pytest
from debugger_scenarios import SCENARIOS, xor
from turns import by_turns

from bpdebug.core.errors import BpdebugError
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, find_command
from bpdebug.time.results import to_json


def after(*commands, scenario=None):
    session = Session(scenario or xor())
    return session, [session.execute(command) for command in commands]


def test_bt_lists_the_frames_and_up_and_down_select_one_and_move_nothing():
    session, (_, listed, up, update, down) = after("goto 40:dW1", "bt", "up", "up 2", "down")
    assert listed.text.splitlines() == [
        "> #0 stage: dW1 = x.T @ dz1",
        "  #1 layer: layer 1 in the backward phase (3 of 4 stages done)",
        "  #2 phase: backward phase (7 of 8 stages done)",
        "  #3 update: update 40/1000, epoch 40 (12 of 17 stages done)",
    ]
    assert [line.split()[1] for line in up.text.splitlines()[1:]] == ["da1", "dz1", "dW1", "db1"]
    assert [result.data["selected"] for result in (listed, up, update, down)] == [0, 1, 3, 2]
    assert session.position.t == 40 * 17 + 12
    session.execute("step")
    assert session.execute("bt").data["selected"] == 0


def test_there_is_nothing_around_the_update_and_nothing_within_the_stage():
    session, (_, *selected) = after("goto dz1", "up 9", "down 9", "up 2", "down 9")
    assert [result.data["selected"] for result in selected] == [3, 0, 2, 0]
    with pytest.raises(CommandError, match="innermost frame, the stage; you cannot go down"):
        session.execute("down")
    session.execute("up 9")
    with pytest.raises(CommandError, match="outermost frame, the update; you cannot go up"):
        session.execute("up 2")
    assert session.frame == 3


def test_a_frame_is_selected_by_its_number_and_the_selected_one_is_shown():
    session, (_, second, shown, listed) = after("goto dW1", "frame 2", "frame", "bt")
    assert second.text.startswith("#2 phase: backward phase (7 of 8 stages done)")
    assert second.text == shown.text
    assert listed.text.splitlines()[2].startswith("> #2 ")
    for wrong in ("4", "-1", "dz1", "1 2", "9" * 30):
        with pytest.raises(CommandError, match="there is no frame"):
            session.execute(f"frame {wrong}")


@pytest.mark.parametrize(("name", "ways"), by_turns(SCENARIOS, [("goto end",), ("continue",), ("goto end", "reverse-step", "step")]))
def test_when_training_is_complete_the_frames_are_those_of_the_last_stage(name, ways):
    session, found = after("catch non-finite off", *ways, "bt", "frame 0", "up 9", scenario=SCENARIOS[name])
    last, stages = session.position.updates - 1, session.program.stages
    lines = found[-3].text.splitlines()
    assert lines[0] == f"> #0 stage: {stages[-1]}"
    assert f"update: update {last}/{last + 1}, epoch " in lines[-1]
    assert lines[-1].endswith(f", the last one: training is complete ({len(stages)} of {len(stages)} stages done)")
    assert all(line.startswith("  * ") for result in found[-2:] for line in result.text.splitlines()[1:])


@pytest.mark.parametrize(("name", "place"), by_turns(SCENARIOS, ["start", "loss", "1:backward", "2:end", "end"]))
def test_there_are_frames_at_every_moment(name, place):
    session, (_, listed) = after(f"goto {place}", "bt", scenario=SCENARIOS[name])
    frames = listed.data["frames"]
    assert [frame["kind"] for frame in frames if frame["kind"] != "layer"] == ["stage", "phase", "update"]
    assert all(set(inner["stages"]) <= set(outer["stages"]) for inner, outer in pairwise(frames))
    for _ in frames[1:]:
        session.execute("up")


@pytest.mark.parametrize(
    ("typed", "name"), [("i", "into"), ("inf", "info"), ("up", "up"), ("u", "update"), ("backtrace", "bt"), ("r", None), ("upd", "update")]
)
def test_a_few_letters_stand_for_what_gdb_and_the_keys_mean(typed, name):
    if name:
        assert find_command(typed)[0].name == name
    else:
        with pytest.raises(BpdebugError, match="could be"):
            find_command(typed)


def test_info_tells_what_gdbs_info_would():
    session, _ = after("break dz2", "display loss", "bookmark here", "watch loss")
    assert session.execute("info display").text == "display 1: loss"
    assert session.execute("info br").text.splitlines()[:2] == ["breakpoint 1: dz2", "watchpoint 2: loss"]
    assert session.execute("info stops").text == session.execute("info watchpoints").text == session.execute("info br").text
    assert session.execute("info bookmarks").text == "bookmark here: start"
    assert session.execute("info locals").text == session.execute("list").text
    assert session.execute("info frame").text == session.execute("bt").text
    with pytest.raises(BpdebugError, match="info nothing: there are info breakpoints"):
        session.execute("info nothing")
    with pytest.raises(BpdebugError, match=r"'print dW1\[0,0\]' shows it"):
        session.execute("info dW1[0,0]")


@pytest.mark.parametrize("command", ["goto 2:dW1[1,0]", "until 2:dW1[1,0]", "goto 2:dW1[1,0]"])
def test_a_location_with_a_cell_selects_it(command):
    session, _ = after("goto 1", command)
    assert (session.position.update, session.position.stage, session.selected) == (2, "dW1", ("dW1", (1, 0)))


@pytest.mark.parametrize("command", ["break dW1[1,2]", "tbreak dW1[1,2]", "break 0:dW1[1,2]", "break dW1[1,2] if 1 > 0"])
def test_a_breakpoint_at_a_cell_selects_it(command):
    session, _ = after(command, "continue")
    assert (session.position.stage, session.selected) == ("dW1", ("dW1", (1, 2)))


def test_what_is_no_cell_is_refused_and_the_row_of_a_longer_batch_is_not_looked_at():
    session, _ = after()
    with pytest.raises(BpdebugError, match="dW1\\[2,0\\] is outside dW1, which is 2×4"):
        session.execute("goto dW1[2,0]")
    with pytest.raises(BpdebugError, match="dW1 has 2 axes"):
        session.execute("break dW1[2]")
    short, _ = after("goto 2:dz1[3,1]", scenario=SCENARIOS["short last batch"])
    assert short.position.stage == "dz1"


@pytest.mark.parametrize("expression", ["da2", "W1", "da2.T", "x @ W1", "sum(W1)"])
def test_the_shape_of_what_is_not_computed_yet(expression):
    session, _ = after()
    result = session.execute(f"print {expression}.shape")
    session.execute("goto dW1")
    assert result.data["value"] == list(session.value(expression).shape)
    assert result.text == f"{expression}.shape = {session.value(expression).shape}"


def test_initials_are_guessed():
    with pytest.raises(BpdebugError, match="did you mean 'learning_rate'"):
        after("print lr")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_script_can_check_the_sum_that_a_number_is(name):
    """The terms' values add up to the sum, each is made of its operands, and the whole arithmetic gives the value."""
    session, _ = after("goto 1:loss", scenario=SCENARIOS[name])
    while session.position.next:
        if session.position.stage and session.position.update > 1:
            break
        session.execute("step")
        if not session.selected:
            continue
        result = session.execute("explain")
        data = json.loads(to_json("explain", session.position, result))
        if "terms" not in data:
            continue
        terms = [number(term["value"]) for term in data["terms"]]
        assert sum(terms) == pytest.approx(number(data["sum"]), rel=1e-6, abs=1e-12)
        assert recomputed(data["term"]) == pytest.approx(number(data["value"]), rel=1e-5, abs=1e-9)
        assert all({"name", "index", "value"} <= set(operand) for operand in data["operands"])


def number(value):
    return float(value)


def recomputed(tree):
    """The value of a tree's parts put together, where that is arithmetic."""
    parts = [recomputed(part) for part in tree.get("parts", ())]
    if tree["operator"] == "sum":
        return sum(parts)
    if tree["operator"] in "+-*/" and len(parts) == 2:
        return {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[tree["operator"]](*parts)
    return number(tree["value"])
