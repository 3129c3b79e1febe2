from __future__ import annotations

from pathlib import Path

import pytest
from debugger_scenarios import classes, xor

from bpdebug import cli
from bpdebug.core.description import Debug
from bpdebug.core.errors import BpdebugError
from bpdebug.files import FileError
from bpdebug.session.script import ScriptError, run_script, session_script
from bpdebug.session.session import Session
from bpdebug.session.state import keep_stops, restore_stops, state_file


@pytest.fixture
def script(tmp_path):
    """Writes a script and gives its path as text."""

    def write(text, name="script.bp"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return str(path)

    return write


@pytest.fixture
def state(tmp_path, monkeypatch):
    """An empty state directory that does not exist yet."""
    home = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    return home


ERRORS = [
    ("stpe", 1, "there is no command 'stpe'; did you mean 'step'?"),
    ("  step x", 3, "a count from 1 is expected; found 'x'"),
    ("print W1 + W9", 12, "unknown name 'W9'"),
    ("   print (W1", 10, "'(' was never closed"),
    ("break dz2 if dz2 > 1", 14, "a condition is one value"),
    ("break dz2 if max(dz9) > 1", 18, "unknown name 'dz9'"),
    ("watch W1 + W2", 10, "W1 is 2×4 and W2 is 4×1"),
    ("formula dz2 = a2 - Y", 20, "unknown name 'Y'"),
    ("display norm(a9)", 14, "unknown name 'a9'"),
    ("set W1[0,0] = x", 1, "a number is expected; found 'x'"),
    ("goto nowhere", 1, "there is no location 'nowhere'"),
]


@pytest.mark.parametrize(("line", "column", "message"), ERRORS)
def test_an_error_of_a_script_names_file_line_and_column(line, column, message, script):
    path = script(f"# a comment\n\nstep\n{line}\nstep\n")
    session = Session(xor())
    with pytest.raises(ScriptError) as caught:
        session.execute(f"source {path}")
    assert str(caught.value).startswith(f"{path}:4:{column}: {message}")
    assert session.position.t == 1, "what comes before is done, what comes after is not"


def test_an_error_of_a_script_within_a_script_names_the_inner_one(script):
    inner = script("step 2\nprint nothing\n", "inner.bp")
    outer = script(f"step\nsource {inner}\nstep\n", "outer.bp")
    session = Session(xor())
    with pytest.raises(ScriptError, match="unknown name 'nothing'") as caught:
        session.execute(f"source {outer}")
    assert str(caught.value).startswith(f"{inner}:2:7: ")
    assert session.position.t == 3


def test_a_script_that_calls_itself_is_stopped(script, tmp_path):
    path = tmp_path / "endless.bp"
    session = Session(xor())
    script(f"step\nsource {path}\n", "endless.bp")
    with pytest.raises(ScriptError, match="scripts call one another more than 8 deep"):
        session.execute(f"source {path}")
    assert session.position.t == 8
    assert session.depth == 0


def test_quit_ends_a_script_and_whoever_called_it(script):
    inner = script("step\nquit\nstep\n", "inner.bp")
    outer = script(f"source {inner}\nstep\n", "outer.bp")
    session = Session(xor())
    assert session.execute(f"source {outer}").type == "quit"
    assert session.position.t == 1


def test_a_failed_script_ends_a_headless_run_with_status_1(script, capsys):
    path = script("step\n  print W1 + W9\nstep\n")
    assert cli.main(["run", "xor", "--script", path]) == 1
    assert capsys.readouterr().err.startswith(f"{path}:2:14: unknown name 'W9'")
    assert cli.main(["run", "xor", "-x", f"source {path}", "-x", "step"]) == 1
    output, errors = capsys.readouterr()
    assert f"{path}:2:14: unknown name 'W9'" in errors
    assert output == ""


@pytest.mark.parametrize(("name", "content"), [("none.bp", None), (".", None), ("binary.bp", b"step\n\xff\xfe\n"), ("nul\0.bp", None)])
def test_a_script_that_cannot_be_read_is_refused(name, content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if content:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=r"there is no such file|\.bp:2: expected UTF-8|is not the name of a file"):
        run_script(Session(xor()), name)


def test_a_script_may_begin_with_a_byte_order_mark_and_end_its_lines_as_windows_does(tmp_path):
    (tmp_path / "windows.bp").write_bytes("\ufeffstep\r\nstep 2\r\n".encode())
    session = Session(xor())
    session.execute(f"source {tmp_path / 'windows.bp'}")
    assert session.position.t == 3


def test_a_saved_session_is_written_whole_in_place_of_what_was_there(tmp_path):
    session, path = Session(xor()), tmp_path / "kept.bp"
    path.write_text("old\n")
    session.execute("goto 3:dz2")
    session.execute(f"save {path}")
    assert path.read_text("utf-8") == session_script(session)
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept.bp"]


def test_the_scenarios_own_stops_are_not_set_twice_by_a_script():
    scenario = xor(debug=Debug(("dz2",), ("loss ratio 0.5",)))
    session = Session(scenario)
    assert [line for line in session_script(session).splitlines()[1:] if not line.startswith("goto")] == []
    session.execute("break dz1")
    fresh = Session(scenario)
    for line in session_script(session).splitlines()[1:]:
        fresh.execute(line)
    assert [stop.text for stop in fresh.stops.all.values()] == ["dz2", "loss ratio 0.5", "dz1"]
    fresh.execute("delete all")
    again = Session(scenario)
    for line in session_script(fresh).splitlines()[1:]:
        again.execute(line)
    assert not again.stops.all


def opened(tmp_path, **changes):
    return Session(xor(source=str(tmp_path / "my scenario.yaml"), **changes))


def test_nothing_is_created_before_there_is_something_to_keep(state, tmp_path):
    session = opened(tmp_path)
    session.execute("goto 3:dz2")
    keep_stops(session)
    assert restore_stops(session) == (0, [])
    assert not state.exists()


def test_stops_and_displays_come_back_at_the_next_start(state, tmp_path):
    session = opened(tmp_path)
    lines = ("break dz2 if loss < 1", "ignore 1 3", "commands 1 print loss; where", "watch W1[0,0] sign", "disable 2", "catch rising 4")
    for command in (*lines, "tbreak 3:z1", "display norm(dz1)", "catch non-finite off"):
        session.execute(command)
    keep_stops(session)
    fresh = opened(tmp_path)
    assert restore_stops(fresh)[0] > 0
    kept = [[(s.command, s.text, s.enabled, s.ignore, s.commands) for s in each.stops.all.values()] for each in (session, fresh)]
    assert kept[0] == kept[1]
    assert not fresh.stops.catch_nonfinite
    assert list(fresh.displays.values()) == ["norm(dz1)"]
    assert [path.name for path in state.rglob("*") if path.is_file()] == [state_file(session.program.scenario.source).name]


def test_when_nothing_is_left_to_keep_the_file_goes_away(state, tmp_path):
    session = opened(tmp_path)
    session.execute("break dz2")
    keep_stops(session)
    session.execute("delete all")
    keep_stops(session)
    assert not [path for path in state.rglob("*") if path.is_file()]


def test_what_no_longer_fits_the_scenario_is_left_out_with_what_belongs_to_it(state, tmp_path):
    session = opened(tmp_path)
    path = state_file(session.program.scenario.source)
    path.parent.mkdir(parents=True)
    text = "break dz2\nbreak dz7\ncommands last print loss\nignore last 5\ndisable last\nwatch W8\ndisable last\nwatch W1\nignore last 2\n"
    path.write_text(f"# stops\n{text}display a9\n", "utf-8")
    done, wrong = restore_stops(session)
    assert done == 3
    assert [line.removeprefix(str(path))[:14] for line in wrong] == [":3: break dz7:", ":7: watch W8: ", ":11: display a"]
    assert [(s.text, s.enabled, s.ignore, s.commands) for s in session.stops.all.values()] == [("dz2", True, 0, ()), ("W1", True, 2, ())]
    assert not session.displays


def test_each_scenario_has_a_file_of_its_own_under_the_state_directory(state, monkeypatch):
    files = {state_file(name) for name in ("/a/xor.yaml", "/b/xor.yaml", "/a/iris.yaml")}
    assert len(files) == 3
    assert all(file.parent == state / "bpdebug" for file in files)
    for value in ("", "not/absolute"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert state_file("/a/xor.yaml").parent == Path.home() / ".local" / "state" / "bpdebug"


def test_a_scenario_without_a_file_keeps_nothing(state):
    session = Session(classes(2, shuffle=False))
    session.execute("break dz2")
    keep_stops(session)
    assert restore_stops(session) == (0, [])
    assert not state.exists()


def test_a_state_directory_that_cannot_be_made_is_told(state, tmp_path):
    state.write_text("a file")
    session = opened(tmp_path)
    session.execute("break dz2")
    with pytest.raises(BpdebugError, match="cannot be made"):
        keep_stops(session)


def test_the_stops_that_the_scenario_sets_are_not_kept_but_their_deletion_is(state, tmp_path):
    session = opened(tmp_path, debug=Debug(("dz2",)))
    keep_stops(session)
    assert not state.exists()
    session.execute("delete all")
    keep_stops(session)
    fresh = opened(tmp_path, debug=Debug(("dz2",)))
    restore_stops(fresh)
    assert not fresh.stops.all


def run_headless(capsys, scenario, *commands):
    assert cli.main(["run", scenario, *(part for command in commands for part in ("-x", command))]) == 0
    return capsys.readouterr().out


def test_one_command_finds_the_first_nan_of_saturation_and_says_why(capsys):
    output = run_headless(capsys, "saturation", "continue", "explain loss")
    assert "non-finite value: loss = " in output
    assert "in update 8" in output
    assert "0·(−inf) = nan" in output


def test_a_condition_finds_the_vanished_gradient_of_deep_sigmoid(capsys):
    output = run_headless(capsys, "deep_sigmoid", "break dz1 if norm(dz1) < 1e-6", "continue", "print norm(dz1) < 1e-6")
    assert "(norm(dz1) = 3.16395e-7)" in output
    assert output.endswith("norm(dz1) < 1e-6 = True\n")


def test_watching_going_back_and_editing_make_a_new_future(capsys):
    commands = ("goto end", "watch dW1[1,0] sign", "reverse-continue", "goto 900:loss", "set learning_rate = 1", "goto 53:dW1")
    output = run_headless(capsys, "xor", *commands, "set dW1[1,0] = 0.01", "delete all", "goto 900:loss", "print learning_rate")
    assert "dW1[1,0] changed its sign: 0.00018584701 -> -0.00016728888\nupdate 53/1000" in output
    assert "later edits discarded: set learning_rate = 1.0" in output
    assert output.endswith("learning_rate = 0.1\n")
