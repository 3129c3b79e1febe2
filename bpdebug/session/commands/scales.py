"""On which scale the loss is drawn, how numbers are written, which axes are shown, and which sample of the batch is looked at."""

from __future__ import annotations

import re
from itertools import combinations

from bpdebug.core.misfits import shape_text
from bpdebug.core.numbers import NumberStyle
from bpdebug.core.words import suggestion
from bpdebug.look.slices import owner_of, slice_at
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result

_DIGITS = {"fixed": 4, "scientific": 3}
"""Digits after the decimal point where the command gives none."""
_MOST_DIGITS = 17
_MANY_AXES = 3
"""From so many on a table shows two of them."""
_KINDS = ("auto", "fixed", "scientific", "full")
_SCALES = ("auto", "log", "linear")


@command("scale [auto|log|linear]", "look")
def scale(session: Session, chosen: str = "") -> Result:
    """Draw the loss curve on a logarithmic scale, on a linear one, or on whichever fits; without an argument, the next of these."""
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


@command("axes [N N | NAME N N]", "look", keys="A", label="axes")
def axes(session: Session, arguments: str = "") -> Result:
    """Show one axis of a tensor (the selected one) as rows and another as columns; without an argument, the next two."""
    found = re.fullmatch(r"(?:(.*\S)\s+)?(-?\d{1,2})[\s,]+(-?\d{1,2})", arguments)
    if arguments and not found:
        raise CommandError(f"two axes are expected, such as axes 0 2 or axes scores 0 2; found '{arguments}'")
    selected, index = session.selected or ("", ())
    name = (found[1] if found else "") or selected
    shape, owner = session.shapes.get(name), owner_of(session.program, name)
    if shape is None:
        raise CommandError(f"there is no tensor '{name}'" if name else "no cell is selected: name a tensor, such as axes scores 0 2")
    if len(shape) < _MANY_AXES:
        return Result(
            "axes", f"{name} is {shape_text(shape)}: all its axes are shown" if shape else f"{name} is a single number", {"name": name}
        )
    pairs = list(combinations(range(len(shape)), 2))[::-1]
    if found:
        rows, columns = (int(axis) + len(shape) * axis.startswith("-") for axis in found.groups()[1:])
        if rows == columns or not {rows, columns} <= {*range(len(shape))}:
            raise CommandError(f"{name} is {shape_text(shape)}: two of the axes 0 to {len(shape) - 1} are expected; found '{arguments}'")
    else:
        now = session.cursor.axes.get(owner, pairs[0])
        rows, columns = pairs[(pairs.index((min(now), max(now))) + 1) % len(pairs)]
    session.cursor.axes[owner] = rows, columns
    part = slice_at(shape, index if name == selected else (0,) * len(shape), chosen=(rows, columns))
    text = f"{name}{part.subscript} of {shape_text(shape)}: axis {rows} down, axis {columns} across"
    return Result("axes", text, {"name": name, "rows": rows, "columns": columns})


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
    samples = machine.samples.tolist()
    row %= len(samples)
    session.cursor.look_at_sample(row)
    text = f"row {row} of the batch (0 to {len(samples) - 1}): sample {samples[row]} of the data"
    return Result("position", text, {"row": row, "rows": len(samples), "sample": samples[row]})
