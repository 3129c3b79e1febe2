"""The gradient check as commands: all stages, one, every cell, and how the differences themselves behave."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from bpdebug.core.cells import cell_name
from bpdebug.core.numbers import exact, short
from bpdebug.core.parser import suggestion
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result
from bpdebug.time.tasks import Task
from bpdebug.trust.verdict import Suspect, Verdict, culprit

if TYPE_CHECKING:
    from bpdebug.session.session import Session

MARKS = {
    "good": "ok",
    "wrong": "WRONG",
    "follows": "follows",
    "unsure": "unsure",
    "kink": "kink",
    "noise": "too small to tell",
    "non-finite": "not finite",
}
"""What is said of each status of a verdict."""
_UNTOLD = {
    "non-finite": "the loss is not finite",
    "kink": "the loss has a corner there",
    "noise": "the derivatives are smaller than what rounding leaves of a difference of losses",
}
"""Why a stage could not be compared."""
_ROUNDING = 1e-12
_HOW = ("all", "sweep", "slope")


@command("check [GRADIENT] [all|sweep|slope]", "look", keys="v", aliases="v")
def check_(session: Session, arguments: str) -> Task:
    """Check the derivatives of this update against differences of the loss: each stage, or one; every cell of large ones (all)."""
    from bpdebug.trust.steps import slope, sweep  # noqa: PLC0415 - a start does without

    words = arguments.split()
    how = [word for word in words if word in _HOW]
    names = [word for word in words if word not in _HOW]
    if len(names) > 1 or len(how) > 1:
        raise CommandError("expected one stage and one of all, sweep, slope: check, check dz2, check dW1 all, check dW1 sweep")
    name = _stage_name(session, names[0]) if names else ""
    if how == ["sweep"]:
        return Task(sweep(session.timeline, name or "dW1"))
    if how == ["slope"]:
        return Task(slope(session.timeline, name))
    return Task(_checked(session, name, how == ["all"]))


def _stage_name(session: Session, name: str) -> str:
    """The derivative stage that is meant; a tensor stands for its derivative."""
    if name in ("x", "dx"):
        return "dx"
    derivatives = {stage.name: stage.of for stage in session.program.stages if stage.of}
    if name in derivatives:
        return name
    if f"d{name}" in derivatives:
        return f"d{name}"
    if name in session.program.index:
        raise CommandError(f"{name} is no derivative stage; check dz2, or check alone for all")
    session.program.stage(name)
    raise CommandError(f"there is no derivative stage '{name}'{suggestion(name, derivatives)}")


def _checked(session: Session, name: str, everything: bool) -> Generator[str, None, Result]:
    from bpdebug.trust.check import check  # noqa: PLC0415 - a start does without

    session.verdicts, update = {}, session.position.update
    verdicts = yield from check(session.timeline, name, everything)
    session.verdicts = {verdict.stage.name: verdict for verdict in verdicts}
    session.checked = min(update, session.position.updates - 1)
    return report(verdicts)


def report(verdicts: list[Verdict]) -> Result:
    """The verdicts as an answer: the first wrong stage with what is suspected, and every stage with its numbers."""
    wrong = culprit(verdicts)
    lines = [f"{MARKS[v.status]:<7} {v.stage.name:<6} {finding(v)}" for v in verdicts]
    lines += [line for verdict in verdicts if verdict.status == "wrong" for line in accusation(verdict, verdict is wrong)]
    statuses = {verdict.status for verdict in verdicts}
    fine = not statuses & {"wrong", "follows"} and not statuses <= _UNTOLD.keys()
    lines += [conclusion(verdicts)] * (wrong is None)
    stages = [
        {"name": v.stage.name, "status": v.status, "error": exact(v.error), "cell": list(v.cell), "ours": exact(v.ours)}
        | {"numeric": exact(v.numeric), "cells": v.cells, "checked": v.checked, "kinks": v.kinks, "method": v.method, "zero": v.zero}
        | {"suspects": suspects_data(v.suspects)}
        for v in verdicts
    ]
    data = {"ok": fine, "culprit": wrong.stage.name if wrong else None, "stages": stages}
    return Result("check", "\n".join(lines), data)


def conclusion(verdicts: Sequence[Verdict]) -> str:
    """What it comes to where no stage is wrong by itself."""
    statuses = [verdict.status for verdict in verdicts]
    if "follows" in statuses:
        return "it is right given what arrives, and what arrives is wrong: check names the first wrong stage"
    if any(status not in _UNTOLD for status in statuses):
        return "no derivative is wrong"
    return "nothing could be compared: " + ", ".join(dict.fromkeys(_UNTOLD[status] for status in statuses))


def error_text(error: float) -> str:
    """A relative error; below what rounding leaves, its digits say nothing."""
    return short(error, 2) if not error < _ROUNDING else f"below {short(_ROUNDING)}"


def finding(verdict: Verdict) -> str:
    """A verdict's numbers."""
    if verdict.status == "non-finite":
        return "the loss is not finite: there is nothing to compare"
    if verdict.status == "follows" and verdict.error < _ROUNDING:
        return "right given the gradients that arrive, and these are wrong"
    parts = ["entirely zero, as it should be"] if verdict.zero and verdict.status == "good" else []
    parts += [f"relative error {error_text(verdict.error)}"] if not parts else []
    parts += ["entirely zero"] if verdict.zero and verdict.status != "good" else []
    if verdict.status in ("wrong", "follows", "unsure"):
        at = cell_name(verdict.stage.name, verdict.cell)
        parts.append(f"at {at}: {short(verdict.ours, 8)}, by {verdict.method} {short(verdict.numeric, 8)}")
    parts += [sampled(verdict)] * (verdict.checked < verdict.cells)
    parts += [f"{verdict.kinks} cells on a kink of the loss"] * (verdict.kinks > 0)
    return ", ".join(parts)


def sampled(verdict: Verdict) -> str:
    """How much a sample of the cells says."""
    missed = (1 - 0.01) ** verdict.checked
    return f"{verdict.checked} of {verdict.cells} cells (a fault in 1% of them would show with a probability of {1 - missed:.0%})"


def accusation(verdict: Verdict, first: bool) -> list[str]:
    """Which stage is wrong, and what the mistake probably is."""
    title = "first wrong stage" if first else "wrong by itself too"
    return [f"{title}: {verdict.stage}" + ("; what follows from it inherits the error" if first else ""), *suspected(verdict.suspects)]


def suspected(suspects: Sequence[Suspect]) -> list[str]:
    """What the mistake probably is, a line each."""
    lines = [f"  {'or it is' if place else 'probably'} {suspect.title}: {suspect.evidence}" for place, suspect in enumerate(suspects)]
    if len(lines) > 1:
        return [*lines, "  this batch cannot tell these apart"]
    return lines or ["  what the mistake is, its numbers do not tell"]


def suspects_data(suspects: Sequence[Suspect]) -> list[dict[str, str]]:
    """The same for programs."""
    return [{"kind": s.kind, "title": s.title, "evidence": s.evidence, "formula": s.formula} for s in suspects]
