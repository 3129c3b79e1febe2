"""Which sample of the batch is looked at."""

from __future__ import annotations

import re

from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command, no_arguments
from bpdebug.time.results import Result


@command("sample [N]", "look", keys=".")
def sample(session: Session, arguments: str) -> Result:
    """Look at the next sample of the batch (or at row N of it, from 0); after the last comes the first."""
    rows = _samples(session)
    if not arguments:
        return _look(session, (session.cursor.sample + 1) % len(rows))
    if not re.fullmatch(r"\d{1,12}", arguments) or int(arguments) >= len(rows):
        raise CommandError(f"a row of the batch is expected, from 0 to {len(rows) - 1}; found '{arguments}'")
    return _look(session, int(arguments))


@command("reverse-sample", "look", keys=",")
def reverse_sample(session: Session, arguments: str) -> Result:
    """Look at the previous sample of the batch; before the first comes the last."""
    no_arguments(arguments, "reverse-sample")
    return _look(session, (session.cursor.sample - 1) % len(_samples(session)))


def _samples(session: Session) -> list[int]:
    """The rows of the data that the batch holds."""
    machine = session.timeline.machine
    return [int(row) for row in machine.batches.samples(machine.update)]


def _look(session: Session, row: int) -> Result:
    """Look at a row of the batch; the cell cursor goes there, where its tensor has samples."""
    session.cursor.row = row
    if session.cursor.selected and session.cursor.selected[0] in session.program.sampled:
        name, index = session.cursor.selected
        session.cursor.select(name, (row, *index[1:]))
    samples = _samples(session)
    text = f"row {row} of the batch (0 to {len(samples) - 1}): sample {samples[row]} of the data"
    return Result("position", text, {"row": row, "rows": len(samples), "sample": samples[row]})
