"""On which scale the loss is drawn, how numbers are written, and which sample of the batch is looked at."""

from __future__ import annotations

import re

from bpdebug.core.numbers import NumberStyle
from bpdebug.core.words import suggestion
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result

_DIGITS = {"fixed": 4, "scientific": 3}
"""Digits after the decimal point where the command gives none."""
_MOST_DIGITS = 17
_KINDS = ("auto", "fixed", "scientific", "full")
_SCALES = ("auto", "log", "linear")


@command("scale [auto|log|linear]", "look")
def scale(session: Session, chosen: str = "") -> Result:
    """Draw the loss curve on a logarithmic scale, on a linear one, or on what fits; without an argument, the next of these."""
    chosen = chosen or _SCALES[(_SCALES.index(session.loss_scale) + 1) % len(_SCALES)]
    if chosen not in _SCALES:
        raise CommandError(f"there is no scale '{chosen}': auto, log or linear")
    session.loss_scale = chosen
    return Result("notation", f"the loss curve's scale: {chosen}", {"scale": chosen})


@command("format [auto | fixed N | scientific N | full]", "look")
def format_(session: Session, arguments: str = "") -> Result:
    """Write the numbers of tables with N digits after the point, with all digits, or as fits them best (auto)."""
    if arguments:
        session.number_style = number_style(arguments)
    style = session.number_style
    return Result("format", f"numbers are written: {style}", {"kind": style.kind, "digits": style.digits})


def number_style(text: str) -> NumberStyle:
    """Read ``fixed 4``, ``scientific``, ``auto`` or ``full``.

    Raises:
        CommandError: with what there is.
    """
    kind, _, count = " ".join(text.split()).partition(" ")
    if kind not in _KINDS:
        raise CommandError(f"there is no format '{kind}'{suggestion(kind, _KINDS) or '; there are auto, fixed N, scientific N, full'}")
    if count and kind not in _DIGITS:
        raise CommandError(f"{kind} takes no number of digits; found '{count}'")
    if count and (not re.fullmatch(r"\d{1,2}", count) or int(count) > _MOST_DIGITS):
        raise CommandError(f"a number of digits from 0 to {_MOST_DIGITS} is expected; found '{count}'")
    return NumberStyle(kind, int(count)) if count else NumberStyle(kind, _DIGITS.get(kind, NumberStyle.digits))


@command("sample [N]", "look", keys=".")
def sample(session: Session, arguments: str = "") -> Result:
    """Look at the next sample of the batch (or at row N of it, from 0); after the last comes the first."""
    machine = session.timeline.machine
    rows = machine.batches.size(machine.update)
    if arguments and (not re.fullmatch(r"\d{1,12}", arguments) or int(arguments) >= rows):
        raise CommandError(f"a row of the batch is expected, from 0 to {rows - 1}; found '{arguments}'")
    return _look(session, int(arguments) if arguments else session.cursor.sample + 1)


@command("reverse-sample", "look", keys=",")
def reverse_sample(session: Session) -> Result:
    """Look at the previous sample of the batch; before the first comes the last."""
    return _look(session, session.cursor.sample - 1)


def _look(session: Session, row: int) -> Result:
    """Look at a row of the batch, round its end; the cell cursor goes there, where its tensor has samples."""
    machine = session.timeline.machine
    samples = machine.batches.samples(machine.update).tolist()
    row %= len(samples)
    session.cursor.look_at_sample(row)
    text = f"row {row} of the batch (0 to {len(samples) - 1}): sample {samples[row]} of the data"
    return Result("position", text, {"row": row, "rows": len(samples), "sample": samples[row]})
