"""Two recordings of one step beside each other: the first stage that differs, and whether it computes something else or was given
something else: two versions of a script, two precisions, two machines."""

from __future__ import annotations

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.core.schedule import Stage
from bpdebug.trust.finding import ROUNDING, Finding, Suspect, error_text, worst
from bpdebug.trust.report import COMPARISON, Report, counted, listed

_CLOSE = 1e-5
"""Numbers that are as close as this, relative to the largest, differ by rounding."""
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
        place = f", at {cell_name(first.name, first.cell)}: {short(theirs_, 8)} there, {short(ours_, 8)} here" if first.numbers else ""
        said = f"first stage that differs: {first.stage}: relative error {error_text(first.error)}{place}; the formulas are the same"
    return Report(COMPARISON, 0, findings, (*notes,), said=said)


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
    right = np.asarray(evaluate(stage.formula, {name: np.asarray(known[name], _wide(known[name])) for name in stage.formula.names}))
    close = right.shape == other.shape and (_distance(right, other) <= _CLOSE or np.abs(right - other).max() <= his.near)
    if close or there.formula.text == stage.formula.text:
        return found("follows")
    text = "no formula gives it" if there.formula.text.endswith(".torch") else f"it is {there.formula.text}"
    suspect = Suspect("formula", "another formula", f"in the other recording {text}" + f", {there.line}" * bool(there.line))
    return found("off", suspects=(suspect,))


def _wide(values: Array) -> type[np.float64] | None:
    return np.float64 if values.dtype.kind == "f" else None
