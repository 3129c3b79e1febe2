"""The rows of a listing: the headings of phases and groups, the stages, and what stands for those that are folded away."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, groupby, pairwise

from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Skipped, Stage
from bpdebug.look.groups import group_of
from bpdebug.look.once import once
from bpdebug.session.view import View


class Part(Record, eq=False):
    """The stages of a phase that belong to one group: their heading, or where they are folded away, what stands in their place."""

    phase: str
    group: str
    lines: tuple[Stage | Skipped, ...]
    folded: bool

    @property
    def stages(self) -> list[Stage]:
        """Those that run."""
        return [entry for entry in self.lines if isinstance(entry, Stage)]


Row = Stage | Skipped | Part | str
Fold = tuple[str, str]
"""A phase, and a group in it."""


def program_rows(view: View, folded: frozenset[Fold] = frozenset()) -> list[Row]:
    """What there is to show: headings of phases, and of groups that are no layers, stages, skipped ones, and groups that are folded."""
    return once(view.program, ("rows", folded), lambda: list(_rows(view.program, folded)))


def _rows(program: Program, folded: frozenset[Fold]) -> Iterator[Row]:
    titled = set[str]() if program.layers else {tensor.group for tensor in program.tensors.values()} - {""}
    for phase, entries in groupby(program.lines, lambda entry: str(entry.phase)):
        yield phase
        for group, found in groupby(entries, lambda entry: group_of(program, entry.name)):
            part = Part(phase, group, tuple(found), (phase, group) in folded)
            hides = part.folded and len(part.stages) > 1
            if hides or group in titled:
                yield part
            yield from () if hides else part.lines


def fold_of(view: View, name: str) -> Fold:
    """What a stage is folded away with."""
    return str(view.program.stage(name).phase), group_of(view.program, name)


def spans_of(rows: list[Row]) -> list[tuple[int, int]]:
    """The places of the stages that each row stands for, the first and the one after the last."""
    return list(pairwise(accumulate((len(stages_of(row)) for row in rows), initial=0)))


def stages_of(row: Row) -> list[Stage]:
    """The stages that a row stands for."""
    return [row] if isinstance(row, Stage) else row.stages if isinstance(row, Part) and row.folded else []
