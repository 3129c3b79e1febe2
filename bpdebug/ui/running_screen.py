"""The user's script while it runs: his file with the line that it is at, and what it prints."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends.numpy_script.child import Run
from bpdebug.look.source import Place
from bpdebug.session.session import Session
from bpdebug.ui.draw.source import running_lines
from bpdebug.ui.draw.spans import Line, fit, line, wrap
from bpdebug.ui.painting import Lines
from bpdebug.ui.screens import Sized

Start = tuple[str, Callable[[Run], Session]]
"""A script's name, and what runs it and makes a session of it."""
_PERIOD = 0.1
"""Seconds between two looks at the script."""
_PATIENCE = 2.0
"""Seconds in which a script that is ended has to be gone."""
_LARGEST = 2**20
"""Bytes of a file that is shown."""


class RunningScreen(Sized):
    """A script while it runs.

    Args:
        source: the script's name.
        begin: runs it.
        first: whether there is nothing to go back to: an error stays on the screen then.

    Attributes:
        found: what came of it, or the error; None where the run was given up.
        run: how it goes.
    """

    found: object = None

    BINDINGS: ClassVar[list[BindingType]] = [Binding("R", "again", "run it again", show=False)]

    def __init__(self, source: str, begin: Callable[[Run], object], first: bool) -> None:
        super().__init__()
        self._source, self._begin, self._first = source, begin, first
        self.run, self._thread, self._since, self._texts = Run(), Thread(), monotonic(), dict[str, str]()
        self._place, self._called, self._done, self._error = Place(f"{source}:0"), "", False, ""

    def compose(self) -> ComposeResult:
        """A line that says how it goes, the file, what is printed, and the keys."""
        yield from (Lines(id=name) for name in ("state", "file", "printed", "keys"))

    def on_mount(self) -> None:
        """Run it, as soon as the file is on the screen."""
        self.query_one("#file").border_title = f"L Source  {self._source}"
        self.query_one("#printed").border_title = "O Output"
        self.call_after_refresh(self._start)
        self.set_interval(_PERIOD, self._look)

    def on_unmount(self) -> None:
        """Nothing is left behind."""
        if self.run.running:
            self.run.end()
            if self._thread.is_alive():
                self._thread.join(_PATIENCE)

    def on_resize(self) -> None:
        """Draw for the new size, once it is known."""
        self.call_after_refresh(self._draw)

    def _start(self) -> None:
        loop, run = asyncio.get_running_loop(), self.run

        def work() -> None:
            answer: object
            try:
                answer = self._begin(run)
            except Exception as error:
                answer = error
            with suppress(RuntimeError):  # the app has ended
                loop.call_soon_threadsafe(self._answer, run, answer)

        self._since, self._done, self._error = monotonic(), False, ""
        self._thread = Thread(target=work, daemon=True)
        self._thread.start()

    def _answer(self, run: Run, answer: object) -> None:
        """It has run, or could not; of a run that is given up nothing is wanted."""
        if run is not self.run or not self.is_attached:
            return
        if isinstance(answer, BpdebugError) and answer.status == 1 and self._first:
            self._done, self._error = True, str(answer)
            self._draw()
        else:
            self.found = answer
            self.dismiss(None)

    def action_again(self) -> None:
        """Run it again after it has failed."""
        if self._done:
            self.run, self._place, self._called = Run(), Place(f"{self._source}:0"), ""
            self._texts.clear()
            self._start()
            self._draw()

    def stop_script(self) -> None:
        """Stop the script; where it has run already, do without what it has computed."""
        if self.run.running and not self._done:
            self.run.stop()
        elif self._first:
            self.app.exit(return_code=1 if self._done else 130)
        else:
            self.run = Run()
            self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        """What the keys of the debugger are for comes later."""
        if event.is_printable and not self._done and event.key not in ("q", "R"):
            self.query_one("#keys", Lines).show(line((" the keys work as soon as the script has run; ctrl+c stops it now", "changed")))

    def _look(self) -> None:
        """See where the script is."""
        if not self._done:
            place, called = self.run.place()
            self._place, self._called = Place(place) if place else self._place, called
            self._draw()

    def _text(self) -> str:
        """The file that is shown."""
        if self._place.file not in self._texts:
            self._texts[self._place.file] = _text_on_disk(self._place.file)
        return self._texts[self._place.file]

    def _draw(self) -> None:
        """Show all that is known."""
        state, file, printed, keys = (self.query_one(f"#{name}", Lines) for name in ("state", "file", "printed", "keys"))
        said = [(fit(((text, ""),), printed.size.width)) for text in self.run.printed]
        error, sign = list[Line](), "✗ "
        for text in self._error.splitlines():
            indent = " " * (2 + len(text) - len(text.lstrip()))
            error += wrap(text, file.size.width, "bad", indent, sign + indent[2:])
            sign = "  "
        rows = max(file.size.height - len(error), 1)
        file.show(*running_lines(self._text(), self._place.number, file.size.width, rows), *error)
        file.border_title = f"L Source  {self._place.file}"
        printed.styles.height = min(max(len(said), 1), max(self.app.size.height // 3, 1)) + 2
        printed.show(*said[-max(printed.size.height, 1) :] or [(("nothing printed yet", "dim"),)])
        state.show(self._state())
        ways = "R runs it again, q quits" if self._done else "ctrl+c stops the script, q quits"
        keys.show(fit(line((f" {ways if self._done or self.run.running else 'q quits'}", "next")), self.app.size.width))

    def _state(self) -> Line:
        """What is going on, and since when."""
        seconds = int(monotonic() - self._since)
        clock = f"{seconds // 60}:{seconds % 60:02}"
        if self._done:
            return line(
                (" bpdebug ", "heading"), (self._source, "bold"), ("   the script has run, and there is nothing to step through", "bad")
            )
        number = f", line {self._place.number}" if self._place.file == self._source else f", {self._place}"
        running = f"   running {clock}{number if self._place.number else ''} {self._called}".rstrip()
        said = running if self.run.running else f"   it has run; looking for its updates {clock}"
        return line((" bpdebug ", "heading"), (self._source, "bold"), (said, "next"))


def _text_on_disk(file: str) -> str:
    """What a file holds now; of a notebook's cell, ``nb.ipynb:3``, its lines; "" where that cannot be read."""
    path, _, cell = file.rpartition(":") if ".ipynb:" in file else (file, "", "1")
    with suppress(OSError, ValueError, KeyError, IndexError, TypeError):
        content = Path(path).read_bytes()[:_LARGEST].decode("utf-8-sig", "replace")
        if not path.endswith(".ipynb"):
            return content
        cells = ["".join(one["source"]) for one in json.loads(content)["cells"] if one["cell_type"] == "code"]
        return cells[int(cell) - 1]
    return ""
