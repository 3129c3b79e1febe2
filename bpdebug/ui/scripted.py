"""An app whose program may be a script: that runs before it, again, and on beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from bpdebug.core.description import Scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.session.commands import find_command
from bpdebug.session.commands.again import update_asked
from bpdebug.ui.commanding import Commanding
from bpdebug.ui.panes.output import OutputPane

if TYPE_CHECKING:
    from bpdebug.ui.running_screen import Begin, Job

_PERIOD = 0.2
"""Seconds between two looks at a script that runs on."""


class Scripted(Commanding):
    """An app that runs scripts.

    Attributes:
        lost: what is to be told when the screen is gone, such as why the stops cannot be kept, or "".
    """

    lost = ""
    _job: Job | None = None
    _watching: Timer | None = None

    def perform(self, text: str, others: Sequence[str] = ()) -> None:
        """Carry out a command, and others after it; one that reads a script again as soon as that has run."""
        if self.work.busy or not self.has_script_run(text, others):
            super().perform(text, others)

    def has_script_run(self, text: str, others: Sequence[str]) -> bool:
        """Whether a command reads a script again: then that runs first, while the screen shows it."""
        session = self.session
        scenario = session.timeline.program_at(-1).scenario if session else None
        if not session or not scenario or not scenario.files or not scenario.read_again or session.read_ahead or session.program.recorded:
            return False
        with suppress(BpdebugError):
            asked, arguments = find_command(text)
            told: dict[str, Any] = {}
            if asked.name == "loop" and arguments and (otherwise := getattr(scenario, "told", None)):
                begin, told = otherwise, {"loop": arguments}
            elif asked.name in ("reload", "run"):
                begin, told = scenario.read_again, {"at": update} if (update := update_asked(arguments)) else {}
            else:
                return False

            def carry_out(read: Scenario) -> None:
                session.read_ahead = read
                self.perform(text, others)

            self._end_job()
            self.push_running(scenario.source, partial(begin, **told), carry_out)
            return True
        return False

    def push_running(self, source: str, begin: Begin, then: Callable[[Scenario], None], first: bool = False) -> None:
        """Run a script, while the screen shows it.

        Args:
            source: its name.
            begin: runs it.
            then: is given what came of it.
            first: whether there is nothing else to go back to.
        """
        from bpdebug.ui.running_screen import RunningScreen  # noqa: PLC0415 - for scripts alone

        def takes(early: Scenario) -> bool:
            return self.session is None or self.session.position.update < early.updates

        def ran(_: str | None) -> None:
            found = screen.found or BpdebugError("the script was not run to its end; this is what was recorded before")
            if not isinstance(found, BpdebugError):
                then(found)
                if screen.job and not screen.job.answer:
                    self._job, self._watching = screen.job, self.set_interval(_PERIOD, self._watch)
            elif first:
                printed = screen.job.run.printed if screen.job else ()
                self.lost = "\n".join([*printed, str(found) if found.located else f"bpdebug: {found}"])
                self.exit(return_code=found.status)
            else:
                self.failed(found)

        screen = RunningScreen(source, begin, first, takes)
        self.push_screen(screen, ran)

    def _watch(self) -> None:
        """Show what a script prints that runs on; once all that it computes is known, the session has it."""
        job, output = self._job, self.panes.query_one(OutputPane)
        if job and job.answer and self.session and not self.work.busy and len(self.screen_stack) == 1:
            self._end_job()
            if job.failed:
                self.failed(job.failed)
            elif isinstance(job.answer, Scenario):
                check, stages, self.session.read_ahead = self.session.check, self.session.program.stages, job.answer
                self.perform("reload")
                if [str(stage) for stage in stages] == [str(stage) for stage in self.session.program.stages]:
                    self.session.check = check  # of numbers that are the same
                    self.show()
        elif job:
            output.goes_on([*job.run.printed], job.state)

    def _end_job(self) -> None:
        """No script runs any more."""
        if self._job and self._watching:
            self._watching.stop()
            self._job.end()
            self._job = None
            self.panes.query_one(OutputPane).goes_on([], "")

    def on_unmount(self) -> None:
        """Nothing is left behind."""
        if self._job:
            self._job.end()

    def action_interrupt(self) -> None:
        """Stop a script that runs; else as everywhere."""
        stop = getattr(self.screen, "stop_script", None)
        if not stop and self._job and self._job.run.running and len(self.screen_stack) == 1:
            stop = self._job.run.stop
        (stop or super().action_interrupt)()
