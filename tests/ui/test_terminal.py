"""On a real pseudo-terminal: whatever bytes, signals and hangups come, the session stands, or ends in order."""

from __future__ import annotations

import os
import random
import shlex
import signal
import sys
from pathlib import Path
from time import sleep

import pytest
from pseudo_terminal import APP, Terminal
from turns import by_day

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
GARBAGE = {
    "a byte of Latin-1": b"\xe9",
    "all bytes that are no ASCII": bytes(range(0x80, 0x100)),
    "halves of UTF-8": b"\xce\xe2\x88\xf0\x9f\x92",
    "truncated sequences": b"\x1b[\x1bO\x1b[1;\x1b[<0;5\x1b]0;\x1b[M\x1b",
    "numbers that are none": b"\x1b[999999999999u\x1b[;;;u\x1b[1;;99999999999u\x1b[<9;9;9\x1b[-1;-1R\x1b[48;99999;99999;1;1t\x1b[48;;;;t",
    "a paste without an end": b"\x1b[200~step",
    "noise": bytes(byte for byte in random.Random(0).randbytes(800) if byte not in b"q\x11\x1a"),  # noqa: S311
}


@pytest.fixture
def started(tmp_path):
    """The app on XOR, with its first picture."""
    with started_in(tmp_path) as terminal:
        yield terminal


def started_in(folder, *options, command=None, size=(80, 24)):
    terminal = Terminal(command or [*APP, "xor", *options], size, XDG_STATE_HOME=str(folder))
    terminal.until("5 Gradients" if size[0] > 80 else "quit")
    terminal.quiet()
    return terminal


def quit_by_key(terminal):
    while terminal.poll() is None:  # one that follows upon an escape too soon is another key
        terminal.write("\x11")
        terminal.quiet(0.3)
    assert terminal.wait() == 0
    assert terminal.restored()


def test_no_byte_from_the_keyboard_ends_the_session(started):
    for name, data in GARBAGE.items():
        started.write(data)
        sleep(0.25)
        started.write("\x1b")
        sleep(0.25)
        started.quiet(0.3)
        assert started.poll() is None, (name, started.picture[-2000:])
    assert "Traceback" not in started.picture
    quit_by_key(started)


def test_a_letter_in_two_halves_is_a_letter(started):
    started.write(b":print \xce")
    sleep(0.2)
    started.write(b"\xb4")
    started.until("δ")
    quit_by_key(started)


@pytest.mark.parametrize("name", by_day(["SIGTERM", "SIGHUP", "SIGINT"], 2))
def test_a_signal_ends_in_order(name, tmp_path):
    with started_in(tmp_path) as terminal:
        before = terminal.theirs_at_first
        assert terminal.modes() != before
        terminal.write(":break dz2\r")
        terminal.until("breakpoint")
        os.kill(terminal.process, getattr(signal, name))
        assert terminal.wait() == 128 + getattr(signal, name)
        assert terminal.restored()
        assert terminal.modes() == before
    assert kept(tmp_path) == ["break dz2"]


def kept(folder):
    return [line for path in Path(folder).rglob("*.stops") for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]


def test_a_terminal_that_is_closed_ends_it_with_the_stops_kept(tmp_path):
    with started_in(tmp_path) as terminal:
        terminal.write(":break dz2\r")
        terminal.until("breakpoint")
        terminal.hang_up()
        assert terminal.wait() == 128 + signal.SIGHUP
    assert kept(tmp_path) == ["break dz2"]


def test_a_terminal_that_goes_without_a_word_ends_it_too(tmp_path):
    with started_in(tmp_path, command=["sh", "-c", f"trap '' HUP; exec {shlex.join([*APP, 'xor'])}"]) as terminal:
        terminal.hang_up()
        assert terminal.wait() == 128 + signal.SIGHUP


def test_ctrl_z_goes_back_to_the_shell_and_fg_draws_the_screen_again(tmp_path):
    command = shlex.join([*APP, "xor", "--fresh"])
    with Terminal(["bash", "--norc", "-i"], (80, 24), XDG_STATE_HOME=str(tmp_path), PS1="ready ", HISTFILE="/dev/null") as terminal:
        terminal.until("ready")
        terminal.write(f"{command}\r")
        terminal.until("quit")
        terminal.quiet()
        terminal.write("s\x1a")
        terminal.until("Stopped")
        assert terminal.restored()
        terminal.until("ready")
        terminal.write("fg\r")
        terminal.until("Why")
        terminal.until("quit")
        terminal.quiet()
        terminal.write("s")
        terminal.until("a1")
        terminal.write("\x1a")
        terminal.until("Stopped")
        terminal.until("ready")
        terminal.write("fg\r")
        terminal.until("Why")
        terminal.write("q")
        terminal.until("ready")
        terminal.write("echo status=$?\r")
        terminal.until("status=0")
        terminal.write("exit\r")
        terminal.wait()


def test_stopped_and_woken_from_outside_it_goes_on(started):
    os.kill(started.process, signal.SIGSTOP)
    sleep(0.1)
    os.kill(started.process, signal.SIGCONT)
    started.until("Why")
    started.quiet()
    started.write("s")
    started.until("z1")
    quit_by_key(started)


def test_ctrl_c_says_how_to_quit_and_stops_a_run(tmp_path):
    endless = tmp_path / "endless.yaml"
    endless.write_text(Path("scenarios/xor.yaml").read_text("utf-8").replace("epochs: 1000", "epochs: 100000000"), "utf-8")
    with started_in(tmp_path, command=[*APP, str(endless)]) as terminal:
        terminal.write("\x03")
        terminal.until("q quits")
        terminal.write("c")
        terminal.until("any key stops")
        terminal.write("\x03")
        terminal.until("stopped in update")
        terminal.write(":pri\x03")
        terminal.quiet(0.5)
        terminal.write("c")
        terminal.until("any key stops")
        terminal.write("\x11")
        assert terminal.wait() == 0


@pytest.mark.parametrize("kind", ["dumb", None])
def test_a_terminal_that_cannot_draw_is_refused_with_what_to_do_instead(kind, tmp_path):
    with Terminal([*APP, "xor"], TERM=kind, XDG_STATE_HOME=str(tmp_path)) as terminal:
        assert terminal.wait() == 2
        assert "bpdebug run xor -x" in terminal.picture
        assert "\x1b" not in terminal.picture


_START = """
import gc, sys
from bpdebug.__main__ import main

def at_rest():  # what a start does first when it can be interrupted
    print("here", flush=True)

gc.disable = at_rest
sys.argv = ["bpdebug", "xor", "--fresh"]
sys.exit(main())
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_start_can_be_interrupted_at_any_moment(name, tmp_path):
    number = getattr(signal, name)
    for moment in range(7):
        with Terminal([sys.executable, "-c", _START], XDG_STATE_HOME=str(tmp_path)) as terminal:
            terminal.until("here")
            sleep(0.002 + moment * 0.08)
            os.kill(terminal.process, number)
            assert terminal.wait() in (128 + number, -number if number == signal.SIGTERM else None), terminal.picture
            assert "Traceback" not in terminal.picture
            assert b"\x1b[?1049h" not in terminal.written or terminal.restored()


AHEAD = (":print a2\r:print z1\r\rs", "g40:dz1\r6z:print a2\r\x0d", ":hint\r", "?filter\x11")


def transcript(folder, pieces, pause):
    file = folder / f"{len(list(folder.iterdir()))}.txt"
    with started_in(folder, "--fresh", "--transcript", str(file), size=(120, 36)) as terminal:
        for piece in pieces:
            terminal.write(piece)
            terminal.quiet(pause)
        while terminal.poll() is None:
            terminal.quiet(0.5)
            terminal.write("\x11")
    return file.read_text("utf-8")


@pytest.mark.parametrize("text", by_day(AHEAD, 4))
def test_what_is_typed_ahead_is_carried_out_in_its_order(text, tmp_path):
    expected = transcript(tmp_path, text, 0.15)
    assert transcript(tmp_path, [text], 0) == expected
