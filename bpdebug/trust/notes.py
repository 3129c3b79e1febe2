"""What is said of a comparison besides its numbers: what was taken from where, and where else a mistake may lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.trust.finding import Finding
from bpdebug.trust.judge import Judge, worst
from bpdebug.trust.site import is_term

SAME = 1e-4
"""Numbers that are as close as this, relative to the largest, are the same to a reader."""
_SHOWN = 20


def sources(judge: Judge, update: int) -> Iterator[str]:
    """Sentences on what the update starts from, and on what the file lacks."""
    given = judge.reading.given
    own = [name for name in given if judge.differs(name)]
    if own:
        verb = "is" if len(own) == 1 else "are"
        yield f"your {_listed(own)} {verb} not the scenario's of update {update}; the update is computed from yours"
    lacking = [name for name in ("x", "y", *judge.program.parameters) if name not in given]
    if lacking:
        yield f"not in your file, so taken from update {update} of the scenario: {_listed(lacking)}"
    absent = [finding.name for finding in judge.findings if finding.status == "missing" and not is_term(judge.program, finding.stage.name)]
    if absent:
        yield f"not in your file, so not compared: {_listed(absent)}"
    broken = [finding.name for finding in judge.findings if finding.says.agrees and not np.isfinite(finding.ours).all()]
    if broken:
        yield f"not finite, yours as ours, so that little can be said of them: {_listed(broken)}"


def advice(judge: Judge) -> Iterator[str]:
    """Sentences on where else the mistake in the first off stage may lie."""
    off = [finding for finding in judge.findings if finding.status == "off"]
    if not off:
        return
    stage, given = off[0].stage, judge.reading.given
    lacking = [name for name in stage.formula.names if name in judge.program.parameters and name not in given]
    if stage.phase is Phase.FORWARD and lacking:
        yield f"{off[0].name} was compared with the scenario's {_listed(lacking)}: save yours too, if they are others"
    if absent := unseen(judge, off[0]):
        verb = "is" if len(absent) == 1 else "are"
        yield f"{_listed(absent)} before {off[0].name} {verb} not in your file: the mistake may be there"
    if len(off) > 1 and stage.name == "loss" and off[1].stage.phase is Phase.BACKWARD:
        yield from _another_reduction(off[0], off[1])


def unseen(judge: Judge, off: Finding) -> list[str]:
    """What was computed and not saved before a stage, and may be wrong: nothing right has come of it."""
    found: list[str] = []
    wanted, right = {*off.stage.formula.names}, set[str]()
    for finding in reversed(judge.findings[: judge.findings.index(off)]):
        stage, missing = finding.stage, finding.status == "missing"
        if finding.says.agrees or (missing and stage.name in right):
            right |= {*stage.formula.names}
        elif missing and stage.name in wanted and stage.phase is not Phase.UPDATE:
            wanted |= {*stage.formula.names}
            found += [stage.name] if not is_term(judge.program, stage.name) else []
    return found[::-1]


def _another_reduction(loss: Finding, derivative: Finding) -> Iterator[str]:
    """A loss and a derivative that are off by the same factor belong together."""
    if loss.theirs is None or derivative.theirs is None or loss.misshapen or derivative.misshapen or not loss.right:
        return
    factor = float(loss.theirs / loss.right)
    if worst(derivative.theirs, factor * derivative.right)[0] < SAME:
        same = f"your loss and your {derivative.name} are both {short(factor)} times ours, so they belong together"
        yield f"{same}: if that loss is the one you mean, change samples, outputs or factor in the scenario's loss section"


def _listed(names: Sequence[str]) -> str:
    return " ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
