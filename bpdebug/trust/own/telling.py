"""What is said of a user's pair of functions: a report where it is right, and a failure with everything that leads to the mistake."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
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

_RIGHT = "right: {}"


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
        return tuple(
            f"{verdict.pair.name}: {finding.name}" if several else finding.name
            for verdict in self.verdicts
            for finding in verdict.findings
            if not finding.says.agrees and not finding.says.accuses and finding.status != "noise"
        )

    @property
    def doubts(self) -> tuple[Finding, ...]:
        """What is to be warned of: what could not be told, what is right in a convention, and parameters without a gradient."""
        return tuple(
            finding
            for verdict in self.verdicts
            for finding in verdict.findings
            if finding.status in ("unsure", "kink", "non-finite", "convention")
            or (finding.status == "missing" and finding.stage.of in verdict.pair.parameters)
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be understood on the way."""
        return tuple(dict.fromkeys(note for verdict in self.verdicts for note in verdict.notes))

    def __str__(self) -> str:
        lines = [line for verdict in self.verdicts for line in verdict_lines(verdict)]
        unjudged = [f"not judged: {', '.join(self.unjudged)}"] * bool(self.unjudged)
        return "\n".join([*lines, *unjudged])


def verdict_lines(verdict: Verdict) -> list[str]:
    """A pair in a few lines."""
    words = [f"{finding.name} {_word(finding)}" for finding in verdict.findings]
    return [f"{verdict.pair.name}: {', '.join(words)}", *(f"  note: {note}" for note in verdict.notes)]


def _word(finding: Finding) -> str:
    word = "not given" if finding.status == "missing" else finding.says.word
    if finding.kinks and finding.says.agrees:
        return f"{word} ({finding.kinks} cells on a corner)"
    return word


def failure(verdict: Verdict, where: str = "") -> list[str]:
    """That a gradient is wrong, in which cell, and what its numbers show."""
    wrong = [finding for finding in verdict.findings if finding.says.accuses]
    right = [finding.name for finding in verdict.findings if finding.says.agrees]
    names = _listed([finding.name for finding in wrong])
    lines = [f"{where}{verdict.pair.name}: {names} {'is' if len(wrong) == 1 else 'are'} wrong"]
    for finding in wrong:
        lines += [f"  {_numbers(finding)}"] if not finding.misshapen else []
        for place, suspect in enumerate(finding.suspects):
            lines.append(f"    {'or it is' if place else 'probably'} {suspect}")
        if not finding.suspects:
            lines.append("    what the mistake is, these numbers do not tell")
        elif len(finding.suspects) > 1:
            lines.append("    this input cannot tell these apart")
    lines += [f"  {_RIGHT.format(', '.join(right))}"] if right else []
    other = [finding.name for finding in verdict.findings if not finding.says.agrees and not finding.says.accuses]
    lines += [f"  not judged: {', '.join(other)}"] if other else []
    return [*lines, *(f"  note: {note}" for note in verdict.notes)]


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _numbers(finding: Finding) -> str:
    """The worst cell."""
    ours, right = float(finding.ours[finding.cell]), float(np.asarray(finding.theirs)[finding.cell])
    cell = cell_name(finding.name, finding.cell)
    told = np.isfinite(np.asarray(finding.theirs)) & np.isfinite(finding.ours)
    gap = np.abs(np.asarray(finding.theirs) - finding.ours)[told]
    off = int((gap > 1e-6 * np.abs(finding.ours[told])).sum())
    count = f"; {off} of {int(told.sum())} cells are off" * (finding.ours.size > 1 and off > 0)
    return f"{cell}: yours {short(ours, 8)}, by {finding.method} {short(right, 8)}{count}"


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
        path /= f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', verdict.pair.name).strip('_')}.npz"
    arrays = dict(_saved_arrays(verdict))
    try:
        _directory(path.parent)
        write_file(path, npz(arrays))
    except (OSError, BpdebugError) as error:
        return [f"  (its arrays could not be saved: {error})"]
    shown = os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else str(path)
    wrong = next(finding for finding in verdict.findings if finding.says.accuses)
    name = wrong.name
    title = f"  saved: {shown} (what went in, dout, {name}, {name}_right); to see it again:"
    return [title, *(f"    {line}" for line in (f's = numpy.load("{shown}")', *verdict.pair.calls(wrong.stage.of)))]


def _saved_arrays(verdict: Verdict) -> Iterable[tuple[str, Array]]:
    yield from verdict.values.items()
    for name, value in verdict.pair.given.items():
        if name not in verdict.values and isinstance(value, np.ndarray | int | float):
            yield name, np.asarray(value)
    single = len(verdict.answer.outputs) == 1
    for place, (output, u) in enumerate(zip(verdict.answer.outputs, verdict.pair.cotangents, strict=True)):
        yield "out" if single else f"out{place}", output
        yield "dout" if single else f"dout{place}", u
    for finding in verdict.findings:
        if finding.ours.size:
            yield finding.name, finding.ours
        if finding.theirs is not None:
            yield f"{finding.name}_right", finding.theirs


def _directory(path: Path) -> None:
    """Make the directory; one of our own is not to be committed."""
    path.mkdir(parents=True, exist_ok=True)
    ignore = path / ".gitignore"
    if path.name == ".bpdebug" and not ignore.exists():
        write_file(ignore, "*\n")
