"""An exception that nobody foresaw leaves the session standing, and its commands in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bpdebug import Session, load_scenario
from bpdebug.cli import main
from bpdebug.core.record import replace
from bpdebug.session.commands import COMMANDS
from bpdebug.session.rescue import UnforeseenError, guarded
from bpdebug.session.script import session_script

XOR = Path(__file__).parent.parent.parent / "scenarios" / "xor.yaml"
UNFORESEEN = (KeyError("y"), MemoryError(), RecursionError("too deep"), ZeroDivisionError(), AssertionError("no"))


@pytest.fixture
def scenario(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "mine.yaml"
    path.write_text(XOR.read_text("utf-8"), "utf-8")
    return path


def failing(monkeypatch, error, halfway=lambda session: None):
    """Let ``where`` fail, after it has changed something."""

    def run(session, arguments):
        halfway(session)
        raise error

    monkeypatch.setitem(COMMANDS, "where", replace(COMMANDS["where"], run=run))


def half_done(session):
    session.execute("set W1[0,0] = 100")
    session.timeline.seek(9 * 17)
    session.timeline.machine.step()


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
def test_the_session_stands_where_it_stood_and_source_brings_it_back(error, scenario, monkeypatch):
    session = Session(load_scenario(scenario))
    for command in ("break dz2", "goto 3:dz1", "set W1[0,0] = 2", "goto 5:dz1", "select dz1[1,0]"):
        session.execute(command)
    before, values = session_script(session), session.values()
    failing(monkeypatch, error, half_done)
    with pytest.raises(UnforeseenError, match=r"mine\.rescued-1\.bp"), guarded(session):
        session.execute("where")
    assert session_script(session) == before
    assert all((session.values()[name] == value).all() for name, value in values.items())
    again = Session(load_scenario(scenario))
    again.execute(f"source {scenario.parent / 'mine.rescued-1.bp'}")
    assert all((again.values()[name] == value).all() for name, value in values.items())
    assert type(error).__name__ in (scenario.parent / "mine.rescued-1.bp").read_text("utf-8")


def test_nothing_is_overwritten_and_what_cannot_stand_beside_goes_to_the_state_folder(scenario, monkeypatch, tmp_path):
    failing(monkeypatch, KeyError("y"))
    for number in (1, 2):
        session = Session(load_scenario(scenario))
        session.execute("step")
        with pytest.raises(UnforeseenError, match=f"mine.rescued-{number}.bp"), guarded(session):
            session.execute("where")
    session = Session(load_scenario("xor"))
    session.execute("step")
    with pytest.raises(UnforeseenError, match=r"xor\.rescued-1\.bp"), guarded(session):
        session.execute("where")
    assert not list(XOR.parent.glob("*.bp"))
    assert len(list((tmp_path / "state").rglob("*.bp"))) == 1


def test_the_same_exception_has_one_file_that_is_kept_up_to_date(scenario, monkeypatch):
    session = Session(load_scenario(scenario))
    session.execute("step")
    for error, number in ((KeyError("y"), 1), (KeyError("z"), 2), (KeyError("y"), 1)):
        failing(monkeypatch, error)
        session.execute(f"set W1[0,0] = {number + len(session.timeline.edits)}")
        with pytest.raises(UnforeseenError, match=f"mine.rescued-{number}.bp"), guarded(session):
            session.execute("where")
    assert "W1[0,0] = 3" in (scenario.parent / "mine.rescued-1.bp").read_text("utf-8")
    assert len([*scenario.parent.glob("*.bp")]) == 2


def test_headless_one_message_and_status_1(scenario, monkeypatch, capsys):
    failing(monkeypatch, KeyError("y"))
    assert main(["run", str(scenario), "-x", "where", "--json"]) == 1
    out, errors = capsys.readouterr()
    assert json.loads(out)["type"] == "error"
    assert errors.count("\n") == 1
    assert "please report it" in errors
    assert not list(scenario.parent.glob("*.bp"))
    assert main(["run", str(scenario), "-x", "step", "-x", "where"]) == 1
    assert "mine.rescued-1.bp" in capsys.readouterr().err
    monkeypatch.setenv("BPDEBUG_DEBUG", "1")
    with pytest.raises(KeyError):
        main(["run", str(scenario), "-x", "where"])


def test_what_fails_outside_of_a_command_is_one_message_too(monkeypatch, capsys):
    monkeypatch.setattr("bpdebug.subcommands.Session", lambda scenario: 1 / 0)
    assert main(["explain", "xor", "loss"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
