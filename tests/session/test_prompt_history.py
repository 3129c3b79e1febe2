from __future__ import annotations

import pytest

from bpdebug.session.prompt_history import MOST, History, earlier, history_file, keep_history, latest, load_history

LINES = ["step", "goto 1:z1", "print a2", "goto dz2"]


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def walked(beginning, by=-1):
    place, seen = len(LINES) if by < 0 else -1, []
    while (place := earlier(LINES, beginning, place, by)) is not None:
        seen.append(LINES[place])
    return seen


def test_the_lines_are_gone_through_backwards_and_forwards():
    assert walked("") == LINES[::-1]
    assert walked("", 1) == LINES


def test_only_lines_that_go_on_from_what_is_typed_are_found():
    assert walked("g") == ["goto dz2", "goto 1:z1"]
    assert walked("step") == []
    assert walked("nothing") == []


def test_a_line_stands_once_at_its_latest_place():
    assert latest(["a", "b", " ", "a"]) == ["b", "a"]
    assert len(latest([str(n) for n in range(2 * MOST)])) == MOST


def test_the_history_is_kept_between_sessions_and_those_of_two_at_once_are_joined(state):
    assert load_history() == History()
    first, second = load_history(), load_history()
    first.add("print a2")
    second.add("goto dz2")
    keep_history(first)
    keep_history(second)
    assert load_history().lines == ["print a2", "goto dz2"]
    assert [path.name for path in history_file().parent.iterdir()] == ["history"]


def test_without_anything_typed_nothing_is_written(state):
    keep_history(load_history())
    assert not history_file().exists()


def test_a_history_that_cannot_be_written_is_done_without(state):
    (state / "bpdebug").write_text("no directory")
    history = load_history()
    history.add("step")
    keep_history(history)
    assert (state / "bpdebug").read_text() == "no directory"


def test_only_lines_that_can_be_shown_come_back(state):
    history_file().parent.mkdir(parents=True)
    history_file().write_text("step\n\x1b[2J\nprint a2\n")
    assert load_history().lines == ["step", "print a2"]
