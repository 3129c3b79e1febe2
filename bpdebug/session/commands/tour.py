"""The guided tour as a command."""

from __future__ import annotations

from bpdebug.core.errors import BpdebugError
from bpdebug.play.tour import STEPS, Tour
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result


@command("tour [next|off]", "session")
def tour(session: Session, arguments: str) -> Result:
    """Show what to press next, in five steps, each going on by itself when it is done (it fits the scenario xor)."""
    if arguments not in ("", "next", "off"):
        raise CommandError("expected tour, tour next (to skip a step) or tour off")
    if arguments == "off":
        session.tour = None
        return Result("tour", "the tour is over", {"step": None})
    if missing := [name for name in ("dW2", "dz1") if name not in session.program.index]:
        raise BpdebugError(f"the tour needs a network of two layers, such as that of xor: there is no stage {missing[0]} here")
    started, session.tour = session.tour is None, session.tour or Tour()
    session.tour.look(session.cursor, session.stops, session.check)
    if arguments == "next" and not started:
        session.tour.at = min(session.tour.at + 1, len(STEPS))
    step = session.tour.step
    return Result("tour", f"{session.tour.heading}\n{step.text}", {"step": session.tour.at, "title": step.title, "text": step.text})
