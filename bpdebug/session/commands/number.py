"""How the numbers of tables are written."""

from __future__ import annotations

import re

from bpdebug.core.numbers import NumberStyle
from bpdebug.core.parser import suggestion
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result

_DIGITS = {"fixed": 4, "scientific": 3}
"""Digits after the decimal point where the command gives none."""
_MOST_DIGITS = 17
_KINDS = ("auto", "fixed", "scientific", "full")


@command("format [auto | fixed N | scientific N | full]", "look")
def format_(session: Session, arguments: str) -> Result:
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
