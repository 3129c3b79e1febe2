"""What the gradient check says of a stage, and what it suspects: plain records that commands, panes and tests read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage


class Suspect(Record):
    """What a mistake probably is.

    Attributes:
        kind: a key of the catalogue of faults, such as ``mean_for_sum``.
        title: the mistake in a few words: ``the mean where the sum belongs``.
        evidence: what speaks for it, with numbers, in a sentence.
        formula: a formula that gives the wrong value, or "" where none can be written.
    """

    kind: str
    title: str
    evidence: str
    formula: str = ""


class Verdict(Record, eq=False):
    """What the check says of one stage.

    Attributes:
        stage: the derivative stage.
        status: ``good``; ``wrong``, by its own fault; ``follows``, only because a stage before it is wrong; ``unsure``, between
            the two; ``kink``, wrong only where the loss has a corner; ``noise``, too small for differences to tell;
            ``non-finite``, where there is nothing to compare.
        error: the largest relative error; where it is, what the stage says there, and what the check found.
        cells, checked: how many cells the tensor has, and how many were perturbed.
        kinks: perturbed cells at which the loss has a corner.
        method: ``complex step`` or ``central differences``.
        zero: whether every cell of the stage is 0.
        right: the derivative that was found, of the tensor's shape; NaN where a cell was not perturbed or lies on a kink.
        suspects: for a wrong stage, what the mistake probably is: none where nothing fits, several where this batch cannot tell
            them apart.
    """

    stage: Stage
    status: str
    error: float
    cell: Cell
    ours: float
    numeric: float
    cells: int
    checked: int
    kinks: int
    method: str
    zero: bool
    right: Array
    suspects: tuple[Suspect, ...] = field(default=())


def culprit(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The first wrong stage, or None."""
    return next((verdict for verdict in verdicts if verdict.status == "wrong"), None)
