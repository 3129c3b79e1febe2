"""The user's script while it runs: his file with the line that it is at, and what it prints."""

from __future__ import annotations

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

from bpdebug.core.description import Scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.frontends.numpy_script.child import Run
from bpdebug.session.rescue import UnforeseenError, told
from bpdebug.session.session import Session
from bpdebug.time.position import Place
from bpdebug.ui.draw.source import running_lines
from bpdebug.ui.draw.spans import fit, line, wrap_lines
from bpdebug.ui.painting import Lines
from bpdebug.ui.screens import Sized

Begin = Callable[[Run, Callable[[Scenario], None]], Scenario]
"""Runs a script: is given the run, and what to do with its first updates where it goes on for long; what it computes is the answer."""
Start = tuple[str, Begin, Callable[[Scenario], Session]]
"""A script's name, what runs it, and what makes a session of it."""
_PATIENCE = 2.0
"""Seconds in which a script that is ended has to be gone."""
_PERIOD = 0.1
"""Seconds between two looks at the script."""
_LARGEST = 2**20
"""Bytes of a file that is shown."""


class Job:
    """A run in a thread of its own, which begins at once.

    Args:
        source: the script's name.
        begin: runs it.

    Attributes:
        run: how it goes.
        place: the line that it is at.
        early: what its first updates are, where they are known before all is.
        answer: what came of it, or what is wrong; None as long as neither is known.
    """

    def __init__(self, source: str, begin: Begin) -> None:
        self.source, self.run, self.place = source, Run(), Place(f"{source}:0")
        self.early: Scenario | None = None
        self.answer: Scenario | BpdebugError | None = None
        self._begin, self._since = begin, monotonic()
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.answer = self._begin(self.run, self._found)
        except BpdebugError as error:
            self.answer = error
        except Exception as error:
            self.answer = UnforeseenError(told(None, error))

    def _found(self, early: Scenario) -> None:
        self.early = early

    @property
    def state(self) -> str:
        """What is going on, where, and since when."""
        seconds = int(monotonic() - self._since)
        clock = f"{seconds // 60}:{seconds % 60:02}"
        if not self.run.running:
            return f"it has run; looking for its updates {clock}"
        line, called = self.run.place()
        self.place = Place(line) if line else self.place
        number = f"line {self.place.number}" if self.place.file == self.source else self.place
        return f"running {clock}{f', {number} {called}'.rstrip() if self.place.number else ''}"

    @property
    def failed(self) -> BpdebugError | None:
        """What is wrong."""
        return self.answer if isinstance(self.answer, BpdebugError) else None

    def end(self) -> None:
        """Leave nothing of it behind."""
        if self.run.running:
            self.run.end()
            self._thread.join(_PATIENCE)


class RunningScreen(Sized):
    """A script while it runs.

    Args:
        source: the script's name.
        begin: runs it.
        first: whether there is nothing to go back to: an error stays on the screen then.
        takes: whether its first updates will do, where it runs on for long.

    Attributes:
        found: what came of it, or the error; None where the run was given up.
        job: how it goes.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("R", "again", "run it again", show=False)]
    found: Scenario | BpdebugError | None = None
    job: Job | None = None

    def __init__(self, source: str, begin: Begin, first: bool, takes: Callable[[Scenario], bool]) -> None:
        super().__init__()
        self._source, self._begin, self._first, self._takes = source, begin, first, takes
        self._texts, self._error = dict[str, str](), ""

    def compose(self) -> ComposeResult:
        """A line that says how it goes, the file, what is printed, and the keys."""
        yield from (Lines(id=name) for name in ("state", "file", "printed", "keys"))

    def on_mount(self) -> None:
        """Run it, as soon as the file is on the screen."""
        self.query_one("#printed").border_title = "O Output"
        self.call_after_refresh(self._start)
        self.set_interval(_PERIOD, self._look)

    def on_unmount(self) -> None:
        """Nothing is left behind, unless it goes on."""
        if self.job and self.found is None:
            self.job.end()

    def _start(self) -> None:
        self._error = ""
        self._texts.clear()
        self.job = Job(self._source, self._begin)

    def on_resize(self) -> None:
        """Draw for the new size, once it is known."""
        self.call_after_refresh(self._draw)

    def _look(self) -> None:
        """See how it goes: whether it has run, or could not, or whether its first updates will do."""
        job = self.job
        if not job or self._error or self.found:
            return
        if self._first and job.failed and job.failed.status == 1:
            self._error = str(job.failed)
        elif job.answer or (job.early and self._takes(job.early)):
            self.found = job.answer or job.early
            self.dismiss(None)
            return
        self._draw()

    @property
    def status(self) -> int:
        """With which the app ends now."""
        return int(bool(self._error))

    def action_again(self) -> None:
        """Run it again after it has failed."""
        if self._error:
            self._start()
            self._draw()

    def stop_script(self) -> None:
        """Stop the script; where it has run already, do without what it has computed."""
        if self.job and self.job.run.running and not self._error:
            self.job.run.stop()
        elif self._first:
            self.app.exit(return_code=self.status or 130)
        else:
            self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        """What the keys of the debugger are for comes later."""
        if event.is_printable and not self._error and event.key not in ("q", "R"):
            self.query_one("#keys", Lines).show(line((" the keys work as soon as its updates are found; ctrl+c stops it now", "changed")))

    def _draw(self) -> None:
        """Show all that is known."""
        job = self.job
        state, file, printed, keys = (self.query_one(f"#{name}", Lines) for name in ("state", "file", "printed", "keys"))
        name, number = (job.place.file, job.place.number) if job else (self._source, 0)
        if name not in self._texts:
            self._texts[name] = _text_on_disk(name)
        error = wrap_lines(self._error, file.size.width, "bad", "✗ ")
        file.show(*running_lines(self._texts[name], number, file.size.width, max(file.size.height - len(error), 1)), *error)
        file.border_title = f"L Source  {name}"
        said = [fit(((text, ""),), printed.size.width) for text in job.run.printed] if job else []
        printed.styles.height = min(max(len(said), 1), max(self.app.size.height // 3, 1)) + 2
        printed.show(*said[-max(printed.size.height, 1) :] or [(("nothing printed yet", "dim"),)])
        going = job.state if job and not self._error else "it has run: nothing to step through" if self._error else "running"
        state.show(line((" bpdebug ", "heading"), (self._source, "bold"), (f"   {going}", "bad" if self._error else "next")))
        stops = "ctrl+c stops the script, " * bool(not job or job.run.running)
        keys.show(line((f" {'R runs it again, ' if self._error else stops}q quits", "next")))


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
