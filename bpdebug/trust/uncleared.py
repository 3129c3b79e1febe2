"""Gradients that are never cleared: those of the updates before, of which there are files, are still in them, times a factor with each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.trust.factors import TOLD, called, scale
from bpdebug.trust.finding import Finding, Suspect, largest
from bpdebug.trust.judge import Judge
from bpdebug.trust.patterns import suspect

_STEPS = 20
"""In so many steps a factor is found, if it is."""
_TELLING = 4
"""So many cells show a factor that has no name."""

Gradients = Mapping[str, Array]


def uncleared(judge: Judge) -> dict[str, Suspect]:
    """By each stage that is off only in that the gradient of a parameter was never cleared, what is to be said of it."""
    off = {f.stage.name: found for f in judge.findings if f.status == "off" and not f.misshapen and (found := _more(judge, f))}
    theirs, near = dict(off.values()), max(1e-7, 10 * judge.tolerance, judge.printed.coarse)
    rights = {name: judge.values[name] for name in theirs}
    a_factor = all(scale(rights[name] + more, rights[name], near) for name, more in theirs.items())  # which would say it, too
    if not theirs or a_factor or not (earlier := judge.scene.earlier):
        return {}

    def before(factor: float) -> Gradients:
        powers = factor ** np.arange(len(earlier), 0, -1)
        return {name: np.asarray(sum(power * one[name] for power, one in zip(powers, earlier, strict=True))) for name in theirs}

    factor = _factor(before, theirs, near)
    meanings = [*called(judge.program, judge.start, factor, near)]
    if factor == 1 or (factor and (meanings or sum(more.size for more in theirs.values()) >= _TELLING)):
        return {stage: _suspect(judge, name, factor, meanings) for stage, (name, _) in off.items()}
    return {}


def _more(judge: Judge, finding: Finding) -> tuple[str, Array] | None:
    """The gradient of a parameter that is off, or that the file does not have and a step is off by, and what is too much of it."""
    stage, computed = finding.stage, judge.reading.computed
    more = (np.asarray(finding.theirs) - finding.right) / judge.shown(stage.name)
    if stage.of in judge.program.free:
        return (stage.name, more) if not stage.through else None
    unseen = [name for name in stage.formula.names if name in judge.program.gradients.values() and name not in computed]
    if stage.phase is not Phase.UPDATE or len(unseen) != 1 or not more.shape:
        return None
    values = judge.seen[stage.name]
    none, one, two = (judge.computed(stage, {**values, unseen[0]: np.full(more.shape, number)}) for number in (0.0, 1.0, 2.0))
    slope = one - none
    return (unseen[0], more / slope) if slope.all() and np.allclose(two - one, slope, 1e-6, 0) else None


def _factor(before: Callable[[float], Gradients], theirs: Gradients, near: float) -> float:
    """The factor with which what is kept gives what is too much; 0 where none does."""

    def flat(parts: Gradients) -> Array:
        return np.concatenate([np.broadcast_to(parts[name], theirs[name].shape).ravel() for name in theirs])

    wanted, factor = flat(theirs), 1.0
    for _ in range(_STEPS):
        found = flat(before(factor))
        if not np.isfinite(found).all():
            return 0.0
        if largest(wanted - found) <= near * largest(wanted):
            return 1.0 if abs(factor - 1) <= near else factor
        slope = (flat(before(factor + 1e-5)) - found) / 1e-5
        step = float(slope @ (wanted - found)) / (float(slope @ slope) or np.inf)
        factor += float(np.clip(step, -1.0, 1.0))
    return 0.0


def _suspect(judge: Judge, name: str, factor: float, meanings: Sequence[str]) -> Suspect:
    count, number = judge.scene.update, short(factor, 6)
    if factor == 1:
        whose = "the update before" if count == 1 else f"all {count} updates before"
        return suspect("accumulated", f"the {name} of {whose} is still in it, as where zero_grad() is forgotten")
    says = f"{number} times the {name} of the update before is still in it" + ", and in that those before it in turn" * (count > 1)
    says += f": {number} is {', or '.join(meanings[:TOLD])}" * bool(meanings)
    return suspect("accumulated", f"{says}. It is never set back to 0, so that it goes on growing")
