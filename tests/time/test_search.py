"""Going back to the last stop in slices, as the app does: it arrives where an uninterrupted search does, or leaves no trace."""

from __future__ import annotations

import pytest
from turns import by_day

import bpdebug

CASES = {
    "watch far back": ("watch dW1[1,0] sign", "goto 998:dW1"),
    "watch at the end": ("watch dW1[1,0] sign", "goto end"),
    "condition": ("break loss if loss > 2.7", "goto 700:a1"),
    "breakpoint": ("tbreak dz2", "goto 5:a1"),
    "nothing": ("break loss if loss > 99", "goto 300:a1"),
    "catch": ("catch vanishing 0.01", "goto end"),
}


def opened(*commands, name="xor"):
    session = bpdebug.Session(bpdebug.load_scenario(name))
    for command in commands:
        session.execute(command)
    return session


def moment(session):
    return session.timeline.clock, {name: value.tobytes() for name, value in session.values().items()}


def at_once():
    return True


@pytest.mark.parametrize("name", by_day([*CASES][::-1], 3))
def test_slices_of_no_time_at_all_arrive_where_one_search_does(name):
    whole, sliced = opened(*CASES[name]), opened(*CASES[name])
    expected = whole.execute("reverse-continue")
    result, slices = sliced.execute("reverse-continue", at_once), 1
    while sliced.journey.pending:
        assert result.type == "progress"
        assert result.text.startswith("searching back: update ")
        result, slices = sliced.resume(at_once), slices + 1
        assert slices < 5000
    assert result == expected
    assert moment(sliced) == moment(whole)
    assert [stop.hits for stop in sliced.stops.all.values()] == [stop.hits for stop in whole.stops.all.values()]
    assert slices > 1


def test_the_first_non_finite_value_is_found_in_slices_too():
    session = opened("goto end", name="saturation")
    session.execute("reverse-continue", at_once)
    while session.journey.pending:
        session.resume(at_once)
    assert session.timeline.clock == session.timeline.first_nonfinite


def test_a_search_that_is_given_up_ends_where_it_began():
    session = opened(*CASES["watch far back"])
    before = moment(session)
    session.execute("reverse-continue", at_once)
    assert moment(session) != before
    assert session.journey.leave().startswith("stopped searching back: update ")
    assert moment(session) == before
    assert session.journey.pending is None
    assert session.selected[0] == "dW1"
    assert session.journey.leave() == ""


def test_another_move_gives_it_up():
    session = opened(*CASES["watch far back"])
    session.execute("reverse-continue", at_once)
    session.execute("step")
    assert (session.position.update, session.position.stage) == (998, "db1")


def test_commands_of_a_stop_are_carried_out_and_noted_when_a_run_in_slices_arrives(tmp_path):
    session = opened("break dz2 if loss < 2.7", "commands 1 print loss; bookmark found")
    session.transcribe(tmp_path / "session.txt")
    result = session.execute("continue", at_once)
    while session.journey.pending:
        result = session.resume(at_once)
    assert "loss = 2.6" in result.text
    assert session.bookmarks == {"found": session.timeline.clock}
    assert (tmp_path / "session.txt").read_text("utf-8").count("(bpdebug) continue") == 1
    assert "breakpoint 1" in (tmp_path / "session.txt").read_text("utf-8")


def test_why_it_stopped_is_known_until_the_next_move():
    session = opened("watch dW1[1,0] sign", "continue")
    assert session.journey.stopped.startswith("watchpoint 1: dW1[1,0] changed its sign")
    session.execute("step")
    assert session.journey.stopped == ""


def test_the_cell_that_was_watched_is_looked_at():
    session = opened("goto 3:dW1", "select dW1[0,3]", "watch dW1[1,0] sign", "watch W1[0,2]", "disable 2", "continue")
    assert session.selected == ("dW1", (1, 0))
    session.execute("disable 1")
    session.execute("enable 2")
    session.execute("continue")
    assert (session.position.stage, session.selected) == ("W1", ("W1", (0, 2)))


def test_where_a_stop_and_the_first_non_finite_value_fall_together_the_stop_is_named():
    session = opened("break loss if loss != loss", "goto 8:da2", name="saturation")
    first = session.timeline.first_nonfinite
    assert first == 8 * session.position.stages + session.program.index["loss"] + 1
    result = session.execute("reverse-continue")
    assert session.timeline.clock == first
    assert result.stops == [1]


def test_updates_in_a_row_have_no_gap_between_them():
    session = opened("catch large-update 0 for 3")
    (stop,) = session.stops.all.values()
    struck = []
    for update in (0, 1, 3, 4, 5, 6):
        session.execute(f"goto {update}:dW1")
        if stop.strikes(session.timeline.machine):
            struck.append(update)
    assert struck == [5]
