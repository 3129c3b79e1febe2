"""What is seen of a script from outside: what it prints, and where it is."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from threading import Thread, main_thread
from types import FrameType

from bpdebug.recorder.hooks import Hooks

_HERE = str(Path(__file__).parent)
_PERIOD = 0.1
"""Seconds between two looks at where the script is."""
_LONGEST = 2000
"""Characters of a line that are kept."""


class Printing(io.TextIOWrapper):
    """A standard stream that notes what is written to it, each line with the user's line that writes it and how much was computed before.

    Args:
        stream: whose place it takes.
        hooks: where that is noted.
    """

    def __init__(self, stream: io.TextIOWrapper, hooks: Hooks) -> None:
        super().__init__(stream.buffer, stream.encoding, stream.errors, line_buffering=True)
        self._hooks, self._open = hooks, False

    def write(self, text: str, /) -> int:
        """Write, and note it."""
        printed, turns, count = self._hooks.printed, self._hooks.iterations, len(self._hooks.graph.nodes)
        begun = count - (0.5 if not turns or turns[-1][1] < count else 0)  # at the begin of a turn this is not the end of the one before
        begun = begun if self._hooks.update < 0 else self._hooks.update
        for part in text.splitlines(keepends=True):
            if not self._open or not printed:
                printed.append([begun, place_of(sys._getframe(1), self._hooks)[0], ""])
            printed[-1][2] = (printed[-1][2] + part)[:_LONGEST]
            self._open = not part.endswith("\n")
        return super().write(text)


def place_of(frame: FrameType | None, hooks: Hooks) -> tuple[str, str]:
    """The user's file and line that a frame belongs to, or "", and the function that is called there, where it is not his."""
    called = ""
    while frame and frame.f_code.co_filename not in hooks.files:
        file = frame.f_code.co_filename
        called = "import" if file.startswith("<frozen importlib") else called if file.startswith(_HERE) else frame.f_code.co_name
        frame = frame.f_back
    return (f"{hooks.files[frame.f_code.co_filename][0]}:{frame.f_lineno}" if frame else "", called)


def tell_where(path: Path, hooks: Hooks) -> None:
    """Write from now on where the script is, its file and line and the function that it has called, to a file, as long as that is there."""

    def tell() -> None:
        whole, script = path.with_suffix(".next"), main_thread().ident or 0
        while path.exists():
            place, called = place_of(sys._current_frames().get(script), hooks)
            if place:
                whole.write_text(f"{place}\n{called}", "utf-8")
                whole.replace(path)
            time.sleep(_PERIOD)

    if path.exists():
        Thread(target=tell, daemon=True).start()
