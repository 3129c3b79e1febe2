"""The scenario's file is read again: from the start, or back to the moment, the cell, the stops and the edits."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session

XOR = Path(__file__).parents[2] / "scenarios" / "xor.yaml"
PREPARED = ("break dz2 if max(abs(dz2)) > 9", "tbreak 50:dW1[1,0]", "watch dW1[1,0] sign", "catch vanishing", "disable 4", "ignore 1 3")
PREPARED += ("commands 1 print loss", "display norm(W1)", "bookmark here", "goto 3:a1", "bookmark there", "set W1[0,0] = 0.5")
PREPARED += ("goto 5", "formula da2 = a2 - y", "set x[1,0] = 2", "goto 7:dW1[1,2]", "set dW1[0,0] = 1")


@pytest.fixture
def session(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(XOR.read_text("utf-8"), "utf-8")
    session = Session(load_scenario(path))
    for command in PREPARED:
        session.execute(command)
    return session


def rewrite(session, *changes):
    path = Path(session.program.scenario.source)
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


def stops(session):
    return [(s.number, s.kind, s.text, s.enabled, s.ignore, s.hits, s.commands) for s in session.stops.all.values()]


def state(session):
    values = {name: value.tobytes() for name, value in session.timeline.machine.values().items()}
    edits = [(edit.t, str(edit)) for edit in session.timeline.edits]
    return session.position, values, stops(session), dict(session.displays), session.bookmarks, session.selected, edits


def test_the_same_file_again_changes_nothing(session):
    before = state(session)
    answer = session.execute("reload")
    assert state(session) == before
    assert answer.data["dropped"] == []


def test_another_number_in_the_file_is_there_at_the_same_place(session):
    before = state(session)
    rewrite(session, ("learning_rate: 0.1", "learning_rate: 0.2"))
    session.execute("reload")
    after = state(session)
    assert (after[0].t, *after[2:]) == (before[0].t, *before[2:])
    assert session.value("learning_rate") == 0.2
    assert after[1] != before[1]
    assert session.program.stage("da2").edited


def test_what_no_longer_fits_is_dropped_and_told(session):
    rewrite(session, ("units: 4", "units: 2"))
    answer = session.execute("reload")
    assert session.position.stage == "dW1"
    assert answer.data["dropped"] == []
    rewrite(session, ("    - {units: 2, activation: sigmoid}\n", ""))
    answer = session.execute("reload")
    dropped = answer.data["dropped"]
    assert "formula da2 = a2 - y" in dropped
    assert any(text.startswith("break dz2") for text in dropped)
    assert answer.text.startswith("the scenario has been read again\ndropped: ")
    assert session.position.update == 7
    session.execute("step 30")
    session.view(["surface", "health", "equation"])


@pytest.mark.parametrize("command", ["run", "reload"])
@pytest.mark.parametrize("change", [("units: 4", "units: four"), ("network:", "\tnetwork"), ("activation: sigmoid", "activation: sigmiod")])
def test_a_file_that_is_broken_now_changes_nothing_and_is_told_with_its_place(session, command, change):
    before = state(session)
    rewrite(session, change)
    with pytest.raises(BpdebugError, match=r"mine\.yaml:\d+:\d+: "):
        session.execute(command)
    assert state(session) == before


def test_a_file_that_is_gone_changes_nothing(session):
    before = state(session)
    Path(session.program.scenario.source).unlink()
    with pytest.raises(BpdebugError, match="no such file"):
        session.execute("reload")
    assert state(session) == before


def test_run_starts_over_under_the_same_stops(session):
    before, gone = stops(session), [f"bookmark {name}" for name in session.bookmarks]
    answer = session.execute("run")
    assert gone
    assert (session.position.t, stops(session), session.timeline.edits, session.bookmarks) == (0, before, [], {})
    assert answer.data["dropped"] == ["set W1[0,0] = 0.5", "formula da2 = a2 - y", "set x[1,0] = 2.0", "set dW1[0,0] = 1.0", *gone]
    assert session.value("W1").tobytes() == Session(load_scenario("xor")).value("W1").tobytes()


def test_a_scenario_without_a_file_and_a_hunt_are_not_read_again(session):
    session.execute("hunt 3")
    with pytest.raises(BpdebugError, match="reveal"):
        session.execute("run")
    session.execute("reveal")
    session.execute("run")
    assert session.hunts == ()
    from debugger_scenarios import xor

    with pytest.raises(BpdebugError, match="does not come from a file"):
        Session(xor()).execute("reload")
