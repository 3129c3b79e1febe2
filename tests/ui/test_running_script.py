"""A script of the user's own in the app: on the screen while it runs, and again when it has been mended."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
from pseudo_terminal import APP, Terminal
from scripts import recorded
from ui_app import debugger, errors, messages, press, settled, shown, until

from bpdebug.frontends.numpy_script.child import Run, ScriptError
from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.session.session import Session
from bpdebug.ui.app import DebuggerApp

SLOW = """
import time
import numpy as np
rng = np.random.default_rng(0)
X, W = rng.normal(size=(8, 2)), np.zeros((2, 1))
y = X @ np.array([[1.0], [2.0]])
for step in range(9):
    p = X @ W
    loss = np.mean((p - y) ** 2)
    dW = 2 * X.T @ (p - y) / len(X)
    W -= 0.1 * dW
    print("step", step)
open("waits", "w").close()
time.sleep(60)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a slow script, in which its processes leave their files."""
    Path(tmp_path, "slow.py").write_text(SLOW, "utf-8")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def opened(folder):
    """The app on the slow script, once that sleeps."""
    command = ("/bin/sh", "-c", f'cd {folder}; exec "$@"', "sh", *APP, "slow.py", "--fresh")
    terminal = Terminal(command, (120, 36), TMPDIR=str(folder), XDG_STATE_HOME=str(folder), VIRTUAL_ENV=None)
    terminal.until("loss = np.mean")
    terminal.until("step 8")
    return terminal


def left_behind(folder):
    """Processes of the script, and what they and the app have put into the folder for temporary files."""
    command = str(Path(sys.modules["bpdebug"].__file__).parent / "recorder").encode()
    found = [path for path in Path("/proc").glob("[0-9]*/cmdline") if _of(path, command, str(folder).encode())]
    return [*found, *folder.glob("bpdebug-*")]


def _of(path, command, folder):
    try:
        line = path.read_bytes()
    except OSError:
        return False
    return command in line and folder in line


@pytest.mark.skipif(not Path("/proc/self/cmdline").is_file(), reason="looks at processes as Linux shows them")
@pytest.mark.parametrize("way", ["q", pytest.param("kill", marks=pytest.mark.long), pytest.param("term", marks=pytest.mark.long)])
def test_whoever_ends_the_app_nothing_of_the_script_is_left(way, here):
    with opened(here) as terminal:
        assert left_behind(here)
        if way == "q":
            terminal.write("q")
        else:
            os.kill(terminal.process, signal.SIGKILL if way == "kill" else signal.SIGTERM)
        terminal.wait()
        end = time.monotonic() + 20
        while (rest := left_behind(here)) and time.monotonic() < end and way != "kill":
            time.sleep(0.05)
        assert way == "kill" or not rest
        if way == "q":
            assert terminal.restored()


def test_ctrl_c_stops_the_script_and_shows_what_was_found_first(here):
    with opened(here) as terminal:
        terminal.until("ctrl+c stops the script")
        terminal.write(b"\x03")
        terminal.until("loop slow.py:7, update = lines 8")
        terminal.until("the script was stopped")
        terminal.write("q")
        assert terminal.wait() == 0


async def on(begin, size=(120, 36)):
    """The app that begins with a script."""
    return DebuggerApp(start=("train.py", begin, Session)).run_test(size=size)


async def test_the_file_is_there_at_once_with_where_it_is_and_what_it_prints(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("import numpy as np\nx = 1  # one\n", "utf-8")
    go_on = []

    def begin(run: Run, early):
        run.say("from the script")
        run.place = lambda: ("train.py:2", "loadtxt")
        while not go_on:
            time.sleep(0.01)
        return recorded("lists")

    async with await on(begin) as pilot:
        app = pilot.app
        await until(pilot, lambda: "line 2 loadtxt" in shown(app, "state"))
        assert "▶  2 x = 1  # one" in shown(app, "file")
        assert "from the script" in shown(app, "printed")
        assert "ctrl+c stops the script, q quits" in shown(app, "keys")
        await press(pilot, "s")
        assert "the keys work as soon as its updates are found" in shown(app, "keys")
        go_on.append(True)
        await until(pilot, lambda: app.session is not None and len(app.screen_stack) == 1)
        assert messages(app)[0].startswith("loop train.py:20, update = lines 21–38, parameters W[0] b[0]")
        assert app.session.position.t == 0
        assert "▶" in shown(app, "source")
        await press(pilot, "s")
        assert app.session.position.t == 1
        assert not messages(app)


async def test_the_first_updates_are_there_to_step_through_while_the_script_runs_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    go_on = []

    def begin(run: Run, early):
        run.say("0 3.5127673198797953")
        run.say("live")
        early(recorded("lists", updates=2))
        while not go_on:
            time.sleep(0.01)
        return recorded("lists")

    async with await on(begin) as pilot:
        app = pilot.app
        await until(pilot, lambda: app.session is not None and "running 0:0" in str(app.query_one("#output").border_subtitle))
        assert messages(app)[0].startswith("loop train.py:20")
        assert "live" in shown(app, "output")
        for command in ("goto 1:loss", "break train.py:36", "check"):
            app.perform(command)
            await settled(pilot)
        await press(pilot, "escape")
        assert app.session.position.updates == 2
        go_on.append(True)
        await until(pilot, lambda: app.session.position.updates == 3 and not app.work.busy)
        assert (app.session.position.update, app.session.position.stage) == (1, "loss")
        assert len(app.session.stops.all) == 1
        assert app.session.check.stages["dW[1]"].status == "good"
        assert "the script has run: loop train.py:20" in messages(app)[-1]
        assert "live" not in shown(app, "output")


async def test_a_script_that_fails_stays_on_the_screen_and_runs_again_when_it_is_mended(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("1 / 0\n", "utf-8")
    runs = []

    def begin(run: Run, early):
        runs.append(run)
        if len(runs) == 1:
            raise ScriptError("train.py: the script stopped with ZeroDivisionError")
        return recorded("lists")

    async with await on(begin) as pilot:
        app = pilot.app
        await until(pilot, lambda: "✗ train.py: the script stopped with ZeroDivisionError" in shown(app, "file"))
        assert "R runs it again, q quits" in shown(app, "keys")
        assert app.screen.status == 1
        await press(pilot, "R")
        await until(pilot, lambda: app.session is not None)
    assert len(runs) == 2


@pytest.mark.parametrize("error", [ScriptError("SyntaxError", 2), ZeroDivisionError("of ours")])
async def test_a_script_that_python_cannot_read_ends_the_app_with_the_message(error):
    def begin(run: Run, early):
        run.say("  File train.py, line 3")
        raise error

    async with await on(begin) as pilot:
        app = pilot.app
        await until(pilot, lambda: app._exit)
    assert app.return_code == 2
    assert app.lost.startswith("  File train.py, line 3\nbpdebug: ")


async def test_reload_runs_a_mended_script_and_comes_back_with_the_breakpoints_on_their_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("slow.py")
    path.write_text(SLOW.partition("open(")[0], "utf-8")
    async with debugger(load_script("slow.py", [], 3)) as (app, pilot):
        for command in ("goto 2:dW", "break slow.py:11", "break line 10 if loss < 3"):
            app.perform(command)
            await settled(pilot)
        path.write_text("# mended\n\n" + path.read_text("utf-8").replace("2 * X.T", "3 * X.T"), "utf-8")
        await press(pilot, "R")
        await until(pilot, lambda: len(app.screen_stack) == 1 and app.session.program.scenario.files["slow.py"][0] == "#")
        assert "the script has run: loop slow.py:9" in "\n".join(messages(app))
        assert (app.session.position.update, app.session.position.stage) == (2, "dW")
        assert [stop.text for stop in app.session.stops.all.values()] == ["slow.py:13", "line 12 if loss < 3"]
        path.write_text("for\n", "utf-8")
        await press(pilot, "R")
        await until(pilot, lambda: len(app.screen_stack) == 1 and errors(app))
        assert (app.session.position.update, app.session.position.stage) == (2, "dW")
