"""The program on a pseudo-terminal: what it writes, what is left of the terminal, and what it ends with."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).parent.parent
APP = (sys.executable, "-m", "bpdebug")
PAGE = 65536
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1003l", b"\x1b[?2004l")
"""What takes the alternate screen, the hidden cursor, the mouse and the bracketed paste back."""


class Terminal:
    """A program that believes to be on a terminal.

    Args:
        command: what to run.
        size: columns and lines.
        environment: variables beside those of this process; None for one that is not to be there.
    """

    def __init__(self, command, size=(120, 36), **environment):
        self.columns, self.lines = size
        ours, theirs = pty.openpty()
        self.theirs, self.theirs_at_first = theirs, termios.tcgetattr(theirs)[:4]
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", self.lines, self.columns, 0, 0))
        self.process, self.file, self.status, self.written, self.known = os.fork(), ours, None, b"", 0
        if self.process == 0:
            os.close(ours)
            self._login(theirs)
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):  # nohup, for one, leaves them ignored
                signal.signal(number, signal.SIG_DFL)
            variables = os.environ | {"TERM": "xterm-256color", "COLUMNS": "", "LINES": ""} | environment
            os.chdir(ROOT)
            os.execvpe(command[0], command, {name: text for name, text in variables.items() if text})  # noqa: S606

    @staticmethod
    def _login(file):
        os.setsid()
        fcntl.ioctl(file, termios.TIOCSCTTY, 0)
        for number in range(3):
            os.dup2(file, number)
        os.close(file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        for file in (self.file, self.theirs):
            with contextlib.suppress(OSError):
                os.close(file)

    def write(self, text):
        os.write(self.file, text if isinstance(text, bytes) else text.encode())

    def read(self, seconds):
        """What has been written within that time, or at once what is there."""
        try:
            if not select.select([self.file], [], [], seconds)[0]:
                return b""
            found = os.read(self.file, PAGE)
        except OSError:
            found = b""
        self.written += found
        return found

    def until(self, text, seconds=30):
        """Wait for something to be written after what was waited for before."""
        end, sought = monotonic() + seconds, text if isinstance(text, bytes) else text.encode()
        while (place := self.written.find(sought, self.known)) < 0:
            assert monotonic() < end, f"{text!r} is not written, but {self.picture[-2000:]}"
            assert self.read(0.1) or self.poll() is None or self.read(0.1), f"it has ended: {self.picture[-3000:]}"
        self.known = place + len(sought)

    def quiet(self, seconds=0.15):
        """Wait until nothing more is written."""
        while self.read(seconds):
            pass
        self.known = len(self.written)

    def hang_up(self):
        """Close the terminal's window."""
        os.close(self.theirs)
        os.close(self.file)

    def poll(self):
        """The exit status, once it has ended; that of a signal is negative."""
        if self.status is None:
            done, status = os.waitpid(self.process, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if done else None
        return self.status

    def wait(self, seconds=30):
        """The exit status, when it ends."""
        end = monotonic() + seconds
        while self.poll() is None:
            assert monotonic() < end, "it does not end"
            self.read(0.02)
        self.quiet(0.02)
        return self.status

    def modes(self):
        """How the terminal treats what is typed."""
        return termios.tcgetattr(self.theirs)[:4]

    def restored(self):
        """Whether the terminal was left as it was found (by what is known)."""
        written = self.written[: self.known]
        return all(written.rfind(back) > written.rfind(back[:-1] + (b"h" if back[-1:] == b"l" else b"l")) for back in RESTORED)

    @property
    def picture(self):
        """The latest text on the screen without colours, roughly: all that was written, in its order."""
        return re.sub(r"\x1b\[[0-9;?<>=]*[a-zA-Z]", "", self.written.decode("utf-8", "replace"))
