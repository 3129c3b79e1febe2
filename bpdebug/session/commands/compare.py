"""Comparing: the user's own numbers beside those of the present update."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from bpdebug.arrays import read_arrays
from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array
from bpdebug.core.numbers import exact, short
from bpdebug.core.shapes import shape_text
from bpdebug.files import path_of
from bpdebug.session.commands.check import suspected, suspects_data
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result
from bpdebug.time.tasks import Task, whole

if TYPE_CHECKING:
    from bpdebug.session.session import Session
    from bpdebug.trust.compare import Comparison, Match


@command("compare FILE.npz", "look", asks="compare with the arrays of an npz file")
def compare_(session: Session, arguments: str) -> Task:
    """Compare your own numbers (an npz file with z1, a1, dz1, dW1, …) with this update, stage by stage."""
    if not arguments:
        raise CommandError("compare with which file? It is an npz file with arrays named z1, a1, dz1, dW1, …")
    return Task(_comparing(session, read_arrays(path_of(arguments))))


def compared(session: Session, arrays: Mapping[str, Array]) -> Result:
    """Compare with arrays that have been read already; the session keeps what was found.

    Raises:
        ComparisonError: where there is nothing to compare.
    """
    return whole(_comparing(session, arrays))


def _comparing(session: Session, arrays: Mapping[str, Array]) -> Generator[str, None, Result]:
    from bpdebug.trust.compare import comparing  # noqa: PLC0415 - a start does without

    comparison = session.comparison = yield from comparing(session.timeline, arrays)
    culprit = comparison.culprit
    stages = [_data(match) for match in comparison.matches]
    data = {"ok": comparison.ok, "culprit": culprit.name if culprit else None, "compared": comparison.update, "stages": stages}
    return Result("compare", "\n".join(_lines(comparison)), data | {"notes": list(comparison.notes)})


def _data(match: Match) -> dict[str, Any]:
    """A stage for programs; where shapes differ, ``theirs`` is the whole array's shape."""
    ours, theirs = _numbers(match)
    shape = None if match.theirs is None else list(match.theirs.shape)
    return {
        "name": match.name,
        "stage": match.stage.name,
        "status": match.status,
        "error": None if match.theirs is None else exact(match.error),
        "cell": None if theirs is None else list(match.cell),
        "ours": exact(ours),
        "theirs": exact(theirs),
        "shape": shape,
        "suspects": suspects_data(match.suspects),
    }


def _numbers(match: Match) -> tuple[float | None, float | None]:
    """Ours and theirs in the worst cell, where there is one."""
    if match.theirs is None or match.misshapen:
        return None, None
    return float(match.ours[match.cell]), float(match.theirs[match.cell])


_WORDS = {"off": "OFF"}


def _lines(comparison: Comparison) -> list[str]:
    shown = [match for match in comparison.matches if match.theirs is not None]
    width = max(len(match.name) for match in shown)
    lines = [f"{_WORDS.get(match.status, match.status):<12} {match.name:<{width}}  {_finding(match)}".rstrip() for match in shown]
    notes = [f"note: {note}" for note in comparison.notes]
    return [*lines, *notes, *conclusion(comparison)]


def _finding(match: Match) -> str:
    """A stage's numbers."""
    if match.misshapen and match.theirs is not None:
        return f"is {shape_text(match.theirs.shape)}; {shape_text(match.ours.shape)} is due"
    if match.status == "exact":
        return ""
    ours, theirs = _numbers(match)
    error = f"relative error {short(match.error, 2)}"
    if match.status == "approximate" or ours is None or theirs is None:
        return error
    return f"{error}, at {cell_name(match.name, match.cell)}: yours {short(theirs, 8)}, ours {short(ours, 8)}"


def conclusion(comparison: Comparison) -> list[str]:
    """Which stages are off by themselves, and what the mistakes probably are."""
    off = [match for match in comparison.matches if match.status == "off"]
    unjudged = ", ".join(comparison.unjudged)
    if not off and not comparison.ok:
        return [f"nothing could be judged: no number is finite, neither yours nor ours ({unjudged})"]
    if not off:
        return ["every number agrees" + f", but nothing is finite in {unjudged}" * bool(unjudged)]
    lines = [f"first off stage: {off[0].stage}", *suspected(off[0].suspects)]
    for match in off[1:]:
        lines += [f"also off, given your own numbers before it: {match.stage}", *suspected(match.suspects)]
    return lines
