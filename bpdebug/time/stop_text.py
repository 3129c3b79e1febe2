"""Stops as they are written: ``dz2 if max(abs(dz2)) > 1``, ``dW1[1,0] sign``, ``loss ratio 0.5``."""

from __future__ import annotations

import re

from bpdebug.core.errors import BpdebugError
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.shapes import infer, infer_condition
from bpdebug.time.position import parse_location
from bpdebug.time.stops import Breakpoint, Watchpoint

_MODE = re.compile(r"(.*\S)\s+(sign|ratio\s+(\S+))", re.DOTALL)


def breakpoint_of(program: Program, text: str, temporary: bool = False, update: int = 0) -> Breakpoint:
    """Read a location, perhaps with a condition; the stop has no number yet.

    Args:
        program: the stages.
        text: as it is typed.
        temporary: whether it goes away when it strikes.
        update: whose shapes a message speaks of first.

    Raises:
        BpdebugError: where there is no such place, or the condition does not parse or fit, or needs what is not computed then.
    """
    place, _, condition = text.partition(" if ")
    if not place.strip():
        raise BpdebugError("break where? For example: break dz2, break backward, break 40:dz2, break dz2 if max(abs(dz2)) > 1")
    location = parse_location(place, program)
    formula = _formula_at(program, condition, location.done, True, update) if condition else None
    return Breakpoint(number=0, text=" ".join(text.split()), temporary=temporary, location=location, condition=formula)


def watchpoint_of(program: Program, text: str, update: int = 0) -> Watchpoint:
    """Read an expression, perhaps with what change of it counts; see :func:`breakpoint_of`."""
    if not text:
        raise BpdebugError("watch what? For example: watch W1[0,1], watch dW1[1,0] sign, watch loss ratio 0.1")
    found = _MODE.fullmatch(text)
    watched, mode = (found[1], found[2].split()[0]) if found else (text, "change")
    ratio = positive(found[3], "a ratio") if found and mode == "ratio" else 0.0
    formula = _formula_at(program, watched, program.calendar.length, False, update)
    return Watchpoint(number=0, text=" ".join(text.split()), formula=formula, mode=mode, ratio=ratio)


def positive(text: str, what: str) -> float:
    """Read a number from 0.

    Raises:
        BpdebugError: for anything else.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise BpdebugError(f"{what} is a number from 0; found '{text}'")
    return value


def _formula_at(program: Program, text: str, done: int, condition: bool, update: int) -> Formula:
    """An expression that can be computed when so many stages of an update have run."""
    formula, batches = program.parse(text), program.batches
    (infer_condition if condition else infer)(formula, program.shapes(batches.size(update)))
    for rows in batches.sizes:
        infer(formula, program.shapes(rows))
    for name in formula.names:
        if name in program.index and name not in program.persistent:
            place, total = program.index[name], program.calendar.length
            if place >= done:
                raise BpdebugError(f"{name} is not computed yet at that moment; 'break {name} if …' looks right after it is")
            if done == total and (condition or place == total - 1):
                gone = f"{name} is gone once the update is complete, after its last stage"
                raise BpdebugError(f"{gone}; 'break {program.stages[max(total - 2, 0)].name} if …' looks just before")
    return formula
