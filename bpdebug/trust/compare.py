"""A user's own numbers against ours: which stage of his update is the first wrong one, and what the mistake is.

The arrays of a file stand beside those of the program under the same names. Their batch and their parameters, as far as the file has
them, are what the update starts from; so another initialisation is no fault. A stage that is wrong only because one before it is
wrong is told from one that is wrong by itself by computing it from the user's own numbers.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.network import Phase
from bpdebug.core.record import replace
from bpdebug.core.shapes import shape_text
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.faults import FAULTS
from bpdebug.trust.finding import Finding, Suspect
from bpdebug.trust.judge import Judge, worst
from bpdebug.trust.moments import moments
from bpdebug.trust.names import of_unknown
from bpdebug.trust.notes import SAME, advice, sources, unseen
from bpdebug.trust.reading import ComparisonError, readings
from bpdebug.trust.report import COMPARISON, Report
from bpdebug.trust.scene import Scene, scene_of
from bpdebug.trust.suspects import Evidence, diagnose

__all__ = ["ComparisonError", "compare", "comparing"]


def compare(timeline: Timeline, arrays: Mapping[str, Array]) -> Report:
    """What :func:`comparing` comes to, in one piece."""
    return whole(comparing(timeline, arrays))


def comparing(timeline: Timeline, arrays: Mapping[str, Array]) -> Generator[str, None, Report]:
    """Compare a user's numbers with the present update.

    Args:
        timeline: where we are; it stays there.
        arrays: by our names; ``W1_new`` is a parameter after the update, ``W1`` before it.

    Raises:
        ComparisonError: where the arrays are of another network, or none of them is computed by a stage.
    """
    scene, found = scene_of(timeline), list[Finding]()
    yield "reading the arrays"
    with np.errstate(all="ignore"):
        judge = _likeliest(scene, arrays)
    for finding in judge.findings:
        yield f"comparing {finding.name}"
        with np.errstate(all="ignore"):
            found.append(_diagnosed(scene, judge, finding))
    understood = (*scene.notes, *judge.reading.notes, *judge.notes)
    notes = (*understood, *sources(judge, scene.update), *of_unknown(arrays, scene.meant), *advice(judge))
    return Report(COMPARISON, scene.update, tuple(found), notes)


def _likeliest(scene: Scene, arrays: Mapping[str, Array]) -> Judge:
    """The way to understand the file in which the fewest stages are off; the plainest of those."""
    plain = list(readings(scene.meant, arrays, len(scene.state["x"])))
    if not plain[0].computed:
        unknown = "; ".join(of_unknown(arrays, scene.meant))
        expected = "expected arrays such as z1, a1, dz1, dW1"
        raise ComparisonError(f"there is nothing to compare: {expected}" + (f" ({unknown})" if unknown else ""))
    judges = [Judge(scene, reading) for reading in plain]
    if min(judge.off for judge in judges):
        judges += [Judge(scene, moment) for judge in judges for moment in moments(scene, judge.reading)]
    return min(judges, key=lambda judge: (judge.off, sum(finding.status == "follows" for finding in judge.findings)))


def _diagnosed(scene: Scene, judge: Judge, finding: Finding) -> Finding:
    """The match with its suspects, where it is off by itself."""
    if finding.theirs is None or not finding.says.accuses or not np.isfinite(finding.right).any():
        return finding
    values = {**{f.stage.name: f.ours for f in judge.findings if f.stage.phase is not Phase.UPDATE}, **judge.seen[finding.stage.name]}
    evidence = Evidence(
        program=judge.program,
        stage=finding.stage,
        wrong=finding.theirs,
        right=finding.right,
        values=values,
        after=judge.after(),
        previous=_previous(scene, judge),
        tolerance=max(1e-6, 10 * judge.tolerance),
        unseen=frozenset(name for name in unseen(judge, finding) if judge.program.stage(name).of),
    )
    return replace(finding, suspects=diagnose(evidence) or _turned(finding, finding.theirs))


def _turned(finding: Finding, theirs: Array) -> tuple[Suspect, ...]:
    """A vector that lies where it should stand: its numbers are right, so that only its shape tells."""
    if theirs.T.shape != finding.ours.shape or worst(theirs.T, finding.right)[0] > SAME:
        return ()
    due = f"{finding.name} is {shape_text(theirs.shape)} and has the numbers of the {shape_text(finding.ours.shape)} that is due"
    return (Suspect("transposed", FAULTS["transposed"].title, due),)


def _previous(scene: Scene, judge: Judge) -> dict[str, Array]:
    """The update before, if it is one that led to what the user starts from."""
    if not scene.before or any(judge.differs(name) for name in judge.reading.given):
        return {}
    return {**scene.program(len(scene.before["x"])).run(scene.before), **scene.before}
