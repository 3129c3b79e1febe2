"""The app as a terminal sees it: how soon it stands there, how soon a key is answered, and what stays behind after many steps."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from subprocess import run
from time import perf_counter, sleep

from bench_run import XOR

from bpdebug.debugger.session import Session
from bpdebug.ui.app import DebuggerApp

COLUMNS, LINES = 120, 36
XOR_APP = [sys.executable, "-m", "bpdebug", "xor", "--fresh"]
DIGITS_APP = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "]
DIGITS_APP[-1] += "from bench_run import digits; from bpdebug.subcommands import open_app; from bpdebug import Session; "
DIGITS_APP[-1] += "session = Session(digits()); session.execute('step 2'); session.execute('select W1[0,0]'); open_app(session, fresh=True)"
LAST_PANE = b"6 Why"
_PAGE, _QUIET = 65536, 0.06


@contextmanager
def terminal(command):
    """A program on a pseudo-terminal; gives its file."""
    process, file = pty.fork()
    if process == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS), LINES=str(LINES))
        os.execvp(command[0], command)  # noqa: S606
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    try:
        yield file
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(file)


def read_until(file, text, seconds=20):
    seen = b""
    while text not in seen:
        assert select.select([file], [], [], seconds)[0], "nothing more is written"
        seen += os.read(file, _PAGE)


def drain(file):
    while select.select([file], [], [], _QUIET)[0]:
        os.read(file, _PAGE)


def milliseconds_to_paint(file, keys):
    """From writing each key to the first output that answers it."""
    sleep(0.5)
    drain(file)
    found = []
    for key in keys:
        begin = perf_counter()
        os.write(file, key)
        assert select.select([file], [], [], 5)[0], f"{key!r} is not answered"
        found.append((perf_counter() - begin) * 1e3)
        drain(file)
    return sorted(found)


def said(times):
    return f"median {median(times):.0f} ms, 95th percentile {times[int(0.95 * len(times))]:.0f} ms"


def test_the_first_picture(measured):
    ratios = []
    for _ in range(9):
        begin = perf_counter()
        run([sys.executable, "-c", "import numpy, textual.app"], check=True)
        middle = perf_counter()
        with terminal(XOR_APP) as file:
            read_until(file, LAST_PANE)
            ratios.append((perf_counter() - middle) / (middle - begin))
    measured("XOR at 120×36, first picture to a process that imports numpy and textual.app", f"{median(ratios):.2f} ×", "≤ 1.6 ×")


def test_a_key_is_answered(measured):
    with terminal(XOR_APP) as file:
        read_until(file, LAST_PANE)
        times = milliseconds_to_paint(file, [b"s"] * 120 + [b"["] * 60)
    measured("XOR at 120×36 on a pseudo-terminal, key to picture", said(times), "≤ 33 ms")


def test_a_large_matrix_scrolls(measured):
    with terminal(DIGITS_APP) as file:
        read_until(file, LAST_PANE)
        milliseconds_to_paint(file, [b"4", b"z"])
        times = milliseconds_to_paint(file, [b"\x1b[B", b"\x1b[C"] * 50)
    measured("784×128 over the whole screen, cursor key to picture", said(times), "≤ 16 ms")


def resident():
    """Megabytes of this process."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def test_nothing_stays_behind(measured):
    app = DebuggerApp(Session(XOR))
    async with app.run_test(size=(COLUMNS, LINES)) as pilot:

        async def widgets_after(command, times):
            for _ in range(times):
                app.perform(command)
                await pilot.pause(0)
            return len(list(app.screen.walk_children()))

        at_first, at_last = await widgets_after("step", 10), await widgets_after("step", 990)
        measured("XOR, widgets after 10 and after 1,000 steps", f"{at_first}, {at_last}", "equal")
        app.perform("goto 10")
        await widgets_after("step 100", 100)
        before = resident()
        await widgets_after("step 100", 900)
        measured("XOR, memory of the app from 10,000 to 100,000 steps", f"{resident() - before:+.1f} MB", "flat")
