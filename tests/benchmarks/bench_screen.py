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

from bench_run import XOR, digits  # noqa: F401 - also for the programs that are run

import bpdebug  # isort: skip

import numpy as np

from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario, Training
from bpdebug.session.session import Session
from bpdebug.ui.app import DebuggerApp

COLUMNS, LINES = 120, 36
HERE = Path(__file__).parent
XOR_APP = [sys.executable, "-m", "bpdebug", "xor", "--fresh"]
IMPORTS = [sys.executable, "-c", "import os, numpy, textual.app; os._exit(0)"]
LAST_PANE = b"6 Why"
KEYS = [b"s"] * 16 + [b"["] * 4
LAYERS, WIDTHS = (2, 10, 20, 50, 100, 200), (10, 100, 320, 1000, 2048, 4096)
INSTALLED = ("wheel" if "site-packages" in (bpdebug.__file__ or "") else "editable") + ", without .pyc" * sys.dont_write_bytecode
_PAGE, _QUIET = 65536, 0.06


def app_on(scenario, *commands):
    """The command that opens the app on what an expression over this module's names gives, after some commands."""
    lines = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})",
        "from bench_screen import *; from bpdebug.subcommands import open_app",
        f"session = Session({scenario}); [session.execute(text) for text in {commands!r}]; open_app(session, fresh=True, theme=None)",
    )
    return [sys.executable, "-c", "; ".join(lines)]


def deep(layers):
    """That many layers of 8 units."""
    return stack([8] * (layers + 1))


def stack(widths, samples=16, epochs=2000):
    """Layers of these widths, the inputs first, on random data."""
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((samples, widths[0])), generator.standard_normal((samples, widths[-1]))
    layers, names = tuple(Layer(units, "tanh") for units in widths[1:]), tuple(f"x{i}" for i in range(widths[0]))
    loss, sgd = Loss("squared_error", samples="mean"), Optimizer("sgd", {"learning_rate": 0.01})
    start = Initializer("xavier_normal")
    return Scenario("stack", names, layers, x, y, initializer=start, loss=loss, optimizer=sgd, training=Training(epochs))


@contextmanager
def terminal(command):
    """A program on a pseudo-terminal; gives its file and its process."""
    process, file = pty.fork()
    if process == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS), LINES=str(LINES))
        os.execvp(command[0], command)  # noqa: S606
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    try:
        yield file, process
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(file)


def read_until(file, text, seconds=120):
    seen = b""
    while text not in seen:
        assert select.select([file], [], [], seconds)[0], "nothing more is written"
        seen += os.read(file, _PAGE)


def drain(file):
    """Read until nothing more comes for a while; when the last byte came."""
    last = perf_counter()
    while select.select([file], [], [], _QUIET)[0]:
        os.read(file, _PAGE)
        last = perf_counter()
    return last


def cpu(process):
    """Milliseconds that all threads of a process have worked."""
    return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in Path(f"/proc/{process}/task").iterdir()) / 1e6


def answers(file, process, keys):
    """Of each key: milliseconds from its writing to the last byte that answers it, and of work."""
    sleep(0.5)
    drain(file)
    found = []
    for key in keys:
        begin, before = perf_counter(), cpu(process)
        os.write(file, key)
        assert select.select([file], [], [], 60)[0], f"{key!r} is not answered"
        found.append(((drain(file) - begin) * 1e3, cpu(process) - before))
    return found


def said(found):
    waited, worked = (sorted(column) for column in zip(*found, strict=True))
    high = int(0.95 * len(found))
    return f"CPU median {median(worked):.0f} ms, 95th percentile {worked[high]:.0f}; wall {median(waited):.0f}, {waited[high]:.0f} ms"


def test_the_first_picture(measured):
    worked, waited = [], []
    for _ in range(9):
        begin, before = perf_counter(), sum(os.times()[2:4])
        run(IMPORTS, check=True)
        usual, work = perf_counter() - begin, (sum(os.times()[2:4]) - before) * 1e3
        begin = perf_counter()
        with terminal(XOR_APP) as (file, process):
            read_until(file, LAST_PANE)
            waited.append((drain(file) - begin) / usual)
            worked.append(cpu(process) / work)
    what = f"XOR at 120×36 ({INSTALLED}), first picture to its last byte, to a process that imports numpy and textual.app and leaves"
    measured(what, f"CPU {median(worked):.2f} ×, wall {median(waited):.2f} ×", "≤ 1.6 ×")


def test_a_key_is_answered(measured):
    with terminal(XOR_APP) as (file, process):
        read_until(file, LAST_PANE)
        found = answers(file, process, [b"s"] * 120 + [b"["] * 60)
    measured("XOR at 120×36 on a pseudo-terminal, key to the last byte of its picture", said(found), "≤ 33 ms")


def test_a_large_matrix_scrolls(measured):
    with terminal(app_on("digits()", "step 2", "select W1[0,0]")) as (file, process):
        read_until(file, LAST_PANE)
        answers(file, process, [b"4", b"z"])
        found = answers(file, process, [b"\x1b[B", b"\x1b[C"] * 50)
    measured("784×128 over the whole screen, cursor key to the last byte of its picture", said(found), "≤ 16 ms")


def work_of_a_key(scenario):
    """Milliseconds of work of a key, and megabytes of the app then."""
    with terminal(app_on(scenario)) as (file, process):
        read_until(file, LAST_PANE)
        found = answers(file, process, KEYS)
        return median(worked for _, worked in found), resident(process)


def test_a_key_by_layers_and_by_width(measured):
    usual, _ = work_of_a_key("XOR")
    layers = [(f"{layers} layers of 8", f"deep({layers})", "≤ 1.5 ×" * (layers == 50) or "≤ 2 ×" * (layers == 200)) for layers in LAYERS]
    widths = [(f"{width}-{width}-10", f"stack(({width}, {width}, 10))", "") for width in WIDTHS]
    for what, scenario, target in [*layers, *widths, ("784-2048-1024-10", "stack((784, 2048, 1024, 10))", "≤ 2 ×")]:
        work, memory = work_of_a_key(scenario)
        measured(f"{what}, CPU of a key to XOR's", f"{work / usual:.2f} × ({work:.0f} ms; {memory:.0f} MB)", target)


def test_the_memory_of_the_app(measured):
    with terminal(app_on("stack((784, 512, 256, 10))", "update 1000")) as (file, process):
        read_until(file, LAST_PANE)
        answers(file, process, KEYS)
        measured("784-512-256-10, memory of the app after 1,000 updates and 20 keys", f"{resident(process):.0f} MB", "≤ 120 MB")


def resident(process="self"):
    """Megabytes of a process."""
    pages = Path(f"/proc/{process}/statm").read_text("ascii").split()[1]
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
