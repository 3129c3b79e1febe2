"""Recorded numbers: what they lose beside double precision; and two recordings of one step beside each other: the first stage that differs,
and whether it computes something else or was given something else: two versions of a script, two precisions, two machines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.numbers import digits_apart, short
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.trust.differences import Probe
from bpdebug.trust.finding import ROUNDING, Finding, Suspect, error_text, worst
from bpdebug.trust.report import COMPARISON, Report, counted, listed

_CLOSE = 1e-5
"""Numbers that are as close as this, relative to the largest, differ by rounding."""
_ZERO = 1e-6
"""A gradient that is smaller than this, beside the recorded one, is 0 in double precision."""
_NAMED = 3
"""Tensors that a note names."""


def compare_recordings(ours: Program, theirs: Program) -> Report:
    """What a recording says beside ours, stage by stage; a stage is off by itself where, given their own numbers, ours gives others.

    Raises:
        BpdebugError: where they have no stage in common, or ours is no recording.
    """
    if not ours.recorded or not theirs.recorded:
        raise BpdebugError("a recording is compared with a recording, and arrays with what is computed")
    given, others = ({**program.fixed, **program.initial} for program in (ours, theirs))
    stages = [stage for stage in ours.stages if stage.name in theirs.recorded]
    if not stages:
        raise BpdebugError("the two have no tensor in common: are they of one model?")
    with np.errstate(all="ignore"):
        before = {name: _distance(given[name], others[name]) for name in given if name in others and not name.endswith(".torch")}
        findings = tuple(_finding(stage, ours, theirs, others) for stage in stages)
    apart = [f"{name} (relative error {short(error, 2)})" for name, error in before.items() if error > ROUNDING]
    notes = [f"given other numbers: {', '.join(apart[:_NAMED])}" + f" and {len(apart) - _NAMED} more" * (len(apart) > _NAMED)] * bool(apart)
    lacking = [stage.name for stage in ours.stages if stage.name not in theirs.recorded]
    more = [stage.name for stage in theirs.stages if stage.name not in ours.recorded]
    notes += [f"in this recording only: {listed(lacking)}"] * bool(lacking) + [f"in the other one only: {listed(more)}"] * bool(more)
    notes.append(f"{sum(one.status == 'exact' for one in findings)} of {counted(len(findings), 'stage')} have the same bits")
    first = next((one for one in findings if not one.says.agrees), None)
    said = ""
    if first and not any(one.says.accuses for one in findings):
        ours_, theirs_ = first.numbers or (np.nan, np.nan)
        place, digits = f", at {cell_name(first.name, first.cell)}", digits_apart(ours_, theirs_, 8)
        place = f"{place}: {short(theirs_, digits)} there, {short(ours_, digits)} here" * bool(first.numbers)
        said = f"first stage that differs: {first.stage}: relative error {error_text(first.error)}{place}; the formulas are the same"
    return Report(COMPARISON, 0, findings, (*notes,), said=said)


def told_of_recorded(probe: Probe, found: list[Finding], unjudged: Mapping[str, str], edited: bool) -> tuple[list[Finding], list[str]]:
    """What a check finds with what recorded numbers lose, and notes on that and on what the recording does not tell.

    Args:
        probe: the step in double precision.
        found: the findings.
        unjudged: the gradients that are not judged, and why.
        edited: whether numbers or formulas are not those of the recording.
    """
    lost = {} if edited else dict(_lost(probe))
    zero = [name for name, (_, left) in lost.items() if left < _ZERO]
    worst_of = max((name for name in lost if name not in zero), key=lambda name: lost[name][0], default="")
    together = defaultdict[str, list[str]](list)
    for name, why in sorted(unjudged.items()):
        together[why].append(name)
    notes = [f"not judged: {listed(names)}: {why}" for why, names in together.items()]
    said = f"in double precision {'they are' if len(zero) > 1 else 'it is'} 0, as for a bias before a batch norm"
    notes += [f"rounding noise: {listed(zero)}: {said}"] * bool(zero)
    if worst_of:
        notes.append(f"farthest from double precision: {worst_of}, by {short(lost[worst_of][0], 2)} of its largest number")
    return [replace(one, lost=lost.get(one.name, (np.nan, 0.0))[0]) for one in found], notes


def _lost(probe: Probe) -> Iterator[tuple[str, tuple[float, float]]]:
    """Of each recorded gradient, how far its numbers are from what double precision gives from the start on, relative to the largest, and
    how large that is beside the recorded ones; not of what depends on a formula that is not what was recorded."""
    others = set[str]()
    for stage in probe.running.stages:
        recorded = probe.program.recorded.get(stage.name)
        if recorded is None or not recorded.agrees or not others.isdisjoint(stage.formula.names):
            others.add(stage.name)
        elif stage.of:
            exactly, value = probe.values[stage.name], recorded.value
            there, kept = (float(np.abs(numbers).max(initial=0.0)) for numbers in (exactly, value))
            if np.isfinite([there, kept]).all() and kept:
                yield stage.name, (float(np.abs(exactly - value).max()) / max(there, kept), there / kept)


def _distance(one: Array, other: Array) -> float:
    return worst(np.asarray(other, float), np.asarray(one, float))[0]


def _finding(stage: Stage, ours: Program, theirs: Program, others: dict[str, Array]) -> Finding:
    """One stage: whether its numbers agree, and where they do not, whether its formula gives theirs of what they have before it."""
    mine, his = ours.recorded[stage.name], theirs.recorded[stage.name]
    value, other = np.asarray(mine.value), np.asarray(his.value)
    error, cell = worst(other, value)

    def found(status: str, said: str = "", suspects: tuple[Suspect, ...] = ()) -> Finding:
        return Finding(stage, stage.name, status, error, cell, value, other, value, said=said, suspects=suspects)

    if value.shape == other.shape and np.array_equal(value, other, equal_nan=value.dtype.kind == "f"):
        return found("exact")
    if error <= _CLOSE or (value.shape == other.shape and np.abs(value - 1.0 * other).max() <= max(mine.near, his.near)):
        return found("approximate")
    there, opaque = theirs.stage(stage.name), stage.formula.text.endswith(".torch")
    known = {name: theirs.recorded[name].value for name in theirs.recorded} | others
    if not {*stage.formula.names} <= known.keys() or opaque:
        return found("unsure", said="here or there, no formula says what it computes")
    read = {name: np.asarray(known[name]) for name in stage.formula.names}
    wide = {name: value.astype(np.float64) if value.dtype.kind == "f" else value for name, value in read.items()}
    right = np.asarray(evaluate(stage.formula, wide))
    close = right.shape == other.shape and (_distance(right, other) <= _CLOSE or np.abs(right - other).max() <= his.near)
    if close or (there.formula.text == stage.formula.text and his.agrees):
        return found("follows")
    text = f"it is {there.formula.text}" if his.agrees and not there.formula.text.endswith(".torch") else "no formula gives it"
    suspect = Suspect("formula", "another formula", f"in the other recording {text}" + f", {there.line}" * bool(there.line))
    return found("off", suspects=(suspect,))
