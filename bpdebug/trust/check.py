"""The gradient check: whether each stage of an update is the derivative that it should be, and whose fault it is where one is not.

Each stage is judged alone, given what arrives at it (:mod:`bpdebug.trust.dots`), so that one that only passes a wrong number on is told
from one that is wrong itself; only the latter is looked at cell by cell.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import suppress
from time import process_time

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError, FormulaError
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.given import Allowed
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import names
from bpdebug.time.timeline import Timeline
from bpdebug.trust.case import Evidence
from bpdebug.trust.chain import chained, unlearned
from bpdebug.trust.differences import Cells, Probe, cells
from bpdebug.trust.dots import laid
from bpdebug.trust.elsewhere import EVEN, METHOD, meant
from bpdebug.trust.finding import DOTS, ROUNDING, Finding, Suspect
from bpdebug.trust.meant import as_meant, own_steps
from bpdebug.trust.recordings import told_of_recorded
from bpdebug.trust.report import CHECK, Report
from bpdebug.trust.shared import shared
from bpdebug.trust.suspects import diagnose

_SECONDS = 10.0
"""For which it is looked for the mistakes, one by one."""
_LOOKS = 16
"""Stages whose formulas are held against what was recorded between two signs of life."""
_CLOSELY = 20_000
"""Cells times stages behind them, above which a stage that is wrong is held against the derived formula, and no cell is moved."""
_NOISY = 1e-3
"""Right numbers with a larger relative error are nothing but rounding."""
_SHARED = Allowed(said="what follows from the earlier gradients, and in their convention")
_OVERFLOW = "something in it is not finite, or rounding may make it so: there is nothing to compare"


def check(timeline: Timeline, only: str = "", everything: bool = False, named: bool = True) -> Generator[str, None, Report]:
    """Check the derivatives of the present update, in backward order; yields now and then how far it is. Of a recorded step that has
    other backward passes within, each is judged alone, unless its numbers have been changed.

    Args:
        timeline: where we are; it stays there.
        only: one derivative stage's name (the input's too, which no stage computes), or "" for all stages.
        everything: every stage cell by cell, not only those that are wrong.
        named: also what the mistakes are, and whether what is right is so on this batch only; else who is accused, and no more.
    """
    if (program := judged_in(timeline.program, only)) is not timeline.program:
        return (yield from _check(Timeline(program), only, everything, named))
    report = yield from _check(timeline, only, everything, named)
    for make in () if only or timeline.edits else timeline.program.passes:
        more = yield from _check(Timeline(make()), only, everything, named)
        findings = *report.findings, *more.findings
        report = replace(
            report, findings=findings, notes=(*report.notes, *more.left_out), said=report.said if report.findings else more.said
        )
    return report


def _check(timeline: Timeline, only: str, everything: bool, named: bool) -> Generator[str, None, Report]:
    probe, recorded = Probe(timeline), timeline.program.recorded
    for place, one in enumerate(recorded.values()):
        if one.agrees and not place % _LOOKS:
            yield f"holding formulas against what was recorded: {place} of {len(recorded)}"
    told_why = {stage.name: recorded[stage.name].unjudged for stage in probe.program.stages if stage.of and stage.name in recorded}
    unjudged = {name: why for name, why in told_why.items() if why}
    stages = [stage for stage in probe.program.stages if stage.of and stage.name not in unjudged]
    stages += [derivative(probe.program, only)] if only and only not in probe.program.index else []
    wanted = _wanted(probe, stages, only)
    found = yield from _found(probe, [one for one in stages if one.name in wanted], only if everything else None, unjudged)
    with np.errstate(all="ignore"):
        own = as_meant(probe, found) if named or any(finding.says.accuses for finding in found.values()) else {}
    found = {name: finding for name, finding in own.items() if not finding.stage.of} | found | own
    told = [finding for name, finding in found.items() if only in ("", name) or (finding.says.accuses and not finding.stage.of)]
    with np.errstate(all="ignore"):
        accused = {name for name, finding in found.items() if finding.says.accuses}
        alike, conventions = shared(probe, accused) if accused else ({}, [])
        told = _settled(told, alike)
    if named and any(finding.says.accuses for finding in told):
        yield "looking for the mistake"
        after, start, until = probe.after(), timeline.calendar.clock(probe.update), process_time() + _SECONDS
        previous = timeline.before(start) if probe.update else {}
        for place, finding in enumerate(told):
            if finding.says.accuses and finding.name in probe.values and process_time() < until:
                stage, numbers = _beside_what_is_due(probe, finding.stage), (probe.values, after, previous)
                formula = probe.dots.formula(stage) if stage.edited else None
                evidence = Evidence(probe.program, stage, finding.ours, finding.right, *numbers, formula=formula)
                told[place] = replace(finding, suspects=finding.suspects or diagnose(evidence))
    with np.errstate(all="ignore"):
        for finding, known in () if only else own_steps(probe):
            told.append(replace(finding, suspects=diagnose(known)) if known and named else finding)
    remarks = {} if only else probe.program.remarks
    settled = {} if only else probe.program.settled
    told = _settled(told, settled)
    if probe.program.misled:
        told = [replace(one, status="misled", suspects=()) if one.says.accuses and one.name not in remarks else one for one in told]
    told = [replace(one, suspects=_suspects(*remarks[one.name])) if one.says.accuses and one.name in remarks else one for one in told]
    accused = {finding.name for finding in told if finding.says.accuses}
    sure = not (only or accused)
    remarks = remarks or (probe.program.doubts if sure else {})
    told += [_remarked(probe, stage, remarks[stage.name]) for stage in probe.program.stages if stage.name in remarks.keys() - accused]
    accused = {finding.name for finding in told if finding.says.accuses}
    moved = [stage for stage in probe.program.stages if stage.phase is Phase.UPDATE and stage.name in settled.keys() - accused]
    values = probe.running.run(probe.start) if moved else {}
    told += [_moved(stage, np.asarray(values[stage.name]), settled[stage.name]) for stage in moved]
    if probe.program.guessed:
        told = [replace(one, status="guessed", suspects=()) if one.says.accuses else one for one in told]
    if probe.program.foreign:
        told = [replace(one, status="foreign") if one.says.accuses and not one.suspects else one for one in told]
    told, notes = told_of_recorded(probe, told, unjudged, bool(timeline.edits)) if recorded else (told, ())
    said = (_untold(told) or (probe.program.unfound if sure else "")) if told else unlearned(probe.program)
    return Report(CHECK, probe.update, tuple(told), (*probe.program.notes, *notes, *conventions), said=said)


def _found(probe: Probe, stages: list[Stage], closely: str | None, unjudged: dict[str, str]) -> Generator[str, None, dict[str, Finding]]:
    """What is found of stages, the one that is named (all: "") cell by cell; what no formula can be computed of is ``unjudged``."""
    found = dict[str, Finding]()
    for stage in stages:
        try:
            with np.errstate(all="ignore"):
                finding = yield from _inspect(probe, stage, closely in ("", stage.name))
        except RecursionError:  # a backward pass of the user's own that goes round hundreds of times
            unjudged[stage.name] = "its formula goes too deep"
            continue
        read = [found[name].status for name in names(probe.dots.formula(stage)) if name in found]
        follows = finding.status in ("good", "kink") and not {"wrong", "follows"}.isdisjoint(read)
        found[stage.name] = replace(finding, status="follows") if follows else finding
    return found


def _beside_what_is_due(probe: Probe, stage: Stage) -> Stage:
    """A recorded gradient, which nothing has derived, with what its forward pass says."""
    if not stage.of or stage.edited or probe.program.network.nodes:
        return stage
    with suppress(FormulaError, RecursionError):
        if tree := chained(probe.program, stage.of):
            return replace(stage, original=replace(stage, formula=Formula.of(tree)))
    return stage


def _settled(told: list[Finding], settled: Mapping[str, str]) -> list[Finding]:
    """The findings, of which some are known to be right in another way, with what is said of them; what the data hide, no step proves."""
    instead = {"wrong": "convention", "follows": "convention", "hidden": "good"}
    off = {one.name: instead[one.status] for one in told if one.name in settled and one.status in instead and EVEN not in one.said}
    off |= {name: "good" for name in off if not settled[name]}
    return [replace(one, status=off[one.name], said=settled[one.name], suspects=()) if one.name in off else one for one in told]


def _remarked(probe: Probe, stage: Stage, remark: tuple[str, str]) -> Finding:
    """A stage of which the front end knows that it is wrong."""
    ours, suspects = np.asarray(probe.running.run(probe.start)[stage.name]), _suspects(*remark)
    return Finding(stage, stage.name, "wrong", np.inf, (0,) * ours.ndim, ours, None, np.full(ours.shape, np.nan), suspects=suspects)


def _untold(told: list[Finding]) -> str:
    """Why nothing is accused where something fits no loss that is known."""
    reason = next((one.says.untold for one in told if one.status in ("guessed", "foreign")), "")
    return f"it cannot be told what is wrong: {reason}" if reason else ""


def _moved(stage: Stage, ours: Array, said: str) -> Finding:
    """An update stage of which the front end knows that it is right."""
    return Finding(stage, stage.name, "good", 0.0, (0,) * ours.ndim, ours, ours, ours, said=said)


def _suspects(title: str, evidence: str) -> tuple[Suspect, ...]:
    return (Suspect("remark", title, evidence),)


def judged_in(program: Program, asked: str) -> Program:
    """The program that has a gradient: this one, or that of a backward pass within."""
    if not asked or asked in program.gradients or asked in program.gradients.values():
        return program
    return next((one for make in program.passes if asked in (one := make()).gradients.values()), program)


def derivative(program: Program, asked: str) -> Stage:
    """The stage of a gradient, by its name or that of its tensor; that of the input, which an update does not need, is made for it.

    Raises:
        BpdebugError: where there is none.
    """
    name, gradients = program.input, program.gradients
    gradient = program.network.naming.gradient.format(name)
    if not name or asked not in (name, gradient):
        stage = program.stage(gradients.get(asked, asked))
        if not stage.of:
            raise BpdebugError(
                f"{stage.name} is not a gradient; check {next(iter(gradients.values()))} checks one, check alone all of them"
            )
        return stage
    tree = chained(program, name)
    if tree is None:
        raise BpdebugError(f"no path of derivatives leads from {name} to {program.loss}")
    meaning = "What comes back to the inputs: how the loss changes with them."
    return Stage(gradient, Formula.of(tree), Phase.BACKWARD, 1, meaning, "the chain rule", "input", name)


def _wanted(probe: Probe, stages: list[Stage], only: str) -> set[str]:
    """The stages to look at: all, or one and those from which it has its numbers."""
    wanted = {only} if only else {stage.name for stage in stages}
    for stage in reversed(stages):
        wanted |= {*names(probe.dots.formula(stage))} if stage.name in wanted else set()
    return wanted


def _inspect(probe: Probe, stage: Stage, closely: bool) -> Generator[str, None, Finding]:
    """One stage: by a dot product over all cells, and cell by cell where that is asked for or something is wrong."""
    ours, dots = probe.gradient(stage), probe.dots
    nothing, first = np.full(ours.shape, np.nan), (0,) * ours.ndim
    if not np.isfinite(probe.loss):
        return Finding(stage, stage.name, "non-finite", np.nan, first, ours, nothing, nothing)
    yield f"checking {stage.name}"
    status, judged = dots.judge(stage)
    own = status == "non-finite" and dots.own(stage)

    def seen(status: str, theirs: Array, right: Array, said: str = "") -> Finding:
        """What the dot product shows by itself."""
        return Finding(stage, stage.name, status, judged.error, first, ours, theirs, right, ours.size, judged.kinks, DOTS, said)

    def derived() -> Array:
        """What was derived, in the place of which the user has put his own."""
        return laid(np.asarray(Evaluator(probe.values).value(meant(stage).tree), float), ours.shape)

    if not (closely or own or status == "wrong"):
        return seen(status, ours, ours if status == "good" else nothing, _OVERFLOW * (status == "non-finite"))
    if status == "wrong" and probe.program.allowed and stage.derived:  # then what was derived tells, and no cell is moved
        right, allowed = derived(), probe.program.allowed.get(stage.name, _SHARED)
        due = allowed.factor * right + (allowed.decay * probe.values[stage.of] if allowed.decay else 0.0)
        if np.abs(ours - due).max(initial=0) <= allowed.near * np.abs(ours).max(initial=0):
            return seen("convention", right, right, allowed.said)
    if status == "wrong" and not closely and stage.name in probe.program.settled:  # known to be right in another way
        return seen(status, ours, nothing)
    if status == "wrong" and not closely and stage.derived and ours.size * len(dots.reach(stage).steps) > _CLOSELY:
        method, right = METHOD, derived()
        found = Cells(right, right, ROUNDING * np.abs(right))
    else:
        method, found = "complex step", (yield from cells(dots, stage, f"checking {stage.name}: {{}} of {ours.size} cells"))
    ours = laid(ours, found.low.shape)
    excess = found.excess(ours)
    if status == "wrong" or own:
        status = "wrong" if excess.any() else status if own else "unsure"
    theirs = np.clip(ours, found.low, found.high)  # at a corner, the nearest slope
    distance = np.where(np.isfinite(theirs), np.abs(ours - theirs), -1.0)
    size = np.maximum(np.abs(ours), np.abs(theirs)) if excess.any() else np.fmax.reduce(np.abs(theirs), axis=None, initial=0.0)
    errors = np.where(np.isfinite(ours), np.divide(distance, size, out=np.zeros(ours.shape), where=size > 0), np.inf)
    errors = np.where((excess > 0) | ~excess.any(), errors, -1.0)
    cell = tuple(map(int, np.unravel_index(np.argmax(np.where(errors >= 0.999 * errors.max(), distance, -2.0)), ours.shape)))
    error = max(0.0, float(errors[cell]))
    status = "noise" if status == "good" and error > _NOISY else status
    return Finding(stage, stage.name, status, error, cell, ours, theirs, found.right, ours.size, int(found.corners.sum()), method)
