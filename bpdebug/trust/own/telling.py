"""What is said of a user's code: a report where it is right, and a failure with everything that leads to the mistake."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.numbers import short
from bpdebug.core.record import Record
from bpdebug.files import write_file
from bpdebug.trust.finding import Finding
from bpdebug.trust.own.snapshot import npz
from bpdebug.trust.own.verdict import Verdict


class Judgement(Record, eq=False):
    """What ``check_backward`` and ``check_chain`` have found; printed, a line each.

    Attributes:
        verdicts: one for each pair.
    """

    verdicts: tuple[Verdict, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the layers and of their inputs."""
        return tuple(finding for verdict in self.verdicts for finding in verdict.findings)

    @property
    def ok(self) -> bool:
        """Whether something was judged, and nothing is wrong."""
        return any(finding.says.agrees for finding in self.findings) and not any(finding.says.accuses for finding in self.findings)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The gradients that could not be judged."""
        several = len(self.verdicts) > 1
        pairs = [(verdict.piece.name, finding) for verdict in self.verdicts for finding in verdict.findings]
        return tuple(f"{name}: " * several + finding.name for name, finding in pairs if finding.says.untold)

    @property
    def doubts(self) -> tuple[Finding, ...]:
        """What is to be warned of: what could not be told, what is right in a convention, and what is missed."""
        told = [finding for finding in self.findings if finding.says.untold or finding.status == "convention"]
        return tuple(finding for finding in told if finding.status != "missing" or finding.said)

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be understood on the way."""
        return tuple(dict.fromkeys(note for verdict in self.verdicts for note in verdict.piece.notes))

    def __str__(self) -> str:
        lines = list[str]()
        for verdict in self.verdicts:
            words = ", ".join(map(_word, verdict.findings))
            lines += [f"{verdict.piece.name}: {words}", *(f"  note: {note}" for note in verdict.piece.notes)]
        return "\n".join([*lines, *[f"not judged: {', '.join(self.unjudged)}"] * bool(self.unjudged)])


def _word(finding: Finding) -> str:
    word = "not given" if finding.status == "missing" else finding.says.word
    more = [f"{finding.kinks} cell{'s' * (finding.kinks != 1)} on a corner"] * bool(finding.kinks and finding.says.agrees)
    more += [f"{finding.checked} of {finding.ours.size} cells looked at"] * (0 < finding.checked < finding.ours.size)
    return f"{finding.name} {word}" + f" ({', '.join(more)})" * bool(more)


def failure(verdict: Verdict, where: str = "") -> list[str]:
    """That a gradient is wrong, in which cell, and what its numbers show."""
    wrong = [finding for finding in verdict.findings if finding.says.accuses]
    *most, last = [finding.name for finding in wrong]
    names = f"{', '.join(most)} and {last} are" if most else f"{last} is"
    lines = [f"{where}{verdict.piece.name}: {names} wrong"]
    for finding in wrong:
        lines += [] if finding.misshapen else [f"  {_numbers(finding)}"]
        lines += [f"  {line}" for line in finding.suspected("this input", "these numbers")]
    for words, some in (
        ("right", [finding.name for finding in verdict.findings if finding.says.agrees]),
        ("not judged", [finding.name for finding in verdict.findings if finding.says.untold]),
    ):
        lines += [f"  {words}: {', '.join(some)}"] if some else []
    return [*lines, *(f"  note: {note}" for note in verdict.piece.notes)]


def _numbers(finding: Finding) -> str:
    """The worst cell, and how many are off."""
    right, cell = np.asarray(finding.theirs), cell_name(finding.name, finding.cell)
    told = np.isfinite(right) & np.isfinite(finding.ours)
    off = int((np.abs(right - finding.ours)[told] > 1e-6 * np.abs(finding.ours[told])).sum())
    looked = f" that were looked at, of {finding.ours.size}" * (finding.checked < finding.ours.size)
    count = f"; {off} of {int(told.sum())} cells{looked} are off" * (finding.ours.size > 1 and off > 0)
    return f"{cell}: yours {short(float(finding.ours[finding.cell]), 8)}, by {finding.method} {short(float(right[finding.cell]), 8)}{count}"


def saved(verdict: Verdict, place: str | Path) -> list[str]:
    """Save all arrays of a failure, and say how to see it again.

    Args:
        verdict: the failure.
        place: a directory, or a file that ends in ``.npz``.

    Returns:
        Lines for the message; what went wrong, where the file could not be written.
    """
    path = Path(place)
    if path.suffix != ".npz":
        path /= f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', verdict.piece.name).strip('_')}.npz"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.name == ".bpdebug":  # our own is not to be committed
            write_file(path.parent / ".gitignore", "*\n")
        write_file(path, npz(dict(_arrays(verdict))))
    except (OSError, BpdebugError) as error:
        return [f"  (its arrays could not be saved: {error})"]
    shown = os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else str(path)
    wrong = next(finding for finding in verdict.findings if finding.says.accuses)
    title = f"  saved: {shown} (what went in, dout, {wrong.name}, {wrong.name}_right); to see it again:"
    return [title, *(f"    {line}" for line in (f's = numpy.load("{shown}")', *verdict.piece.lines(wrong.stage.of, verdict.answer)))]


def _arrays(verdict: Verdict) -> Iterator[tuple[str, Array]]:
    yield from verdict.piece.values.items()
    for name, value in verdict.piece.given.items():
        if name not in verdict.piece.values and isinstance(value, np.ndarray | int | float):
            yield name, np.asarray(value)
    for place, (output, u) in enumerate(zip(verdict.answer.outputs, verdict.piece.cotangents, strict=True)):
        number = f"{place}" * (len(verdict.piece.cotangents) > 1)
        yield from ((f"out{number}", output), (f"dout{number}", u))
    for finding in verdict.findings:
        yield from [(finding.name, finding.ours)] * (finding.ours.size > 0)
        if finding.theirs is not None:
            yield f"{finding.name}_right", finding.theirs
