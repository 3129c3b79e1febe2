"""The gradient check as commands: all stages, one, every cell, and how the differences themselves behave."""

from __future__ import annotations

from collections.abc import Generator

from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result
from bpdebug.time.tasks import Task

_HOW = ("all", "sweep", "slope")


@command("check [GRADIENT] [all|sweep|slope]", "look", keys="v", aliases="v")
def check_(session: Session, arguments: str = "") -> Task:
    """Check the derivatives of this update against differences of the loss: each stage, or one; every cell of large ones (all)."""
    from bpdebug.trust.steps import slope, sweep  # noqa: PLC0415 - a start does without

    words = arguments.split()
    how = [word for word in words if word in _HOW]
    names = [word for word in words if word not in _HOW]
    if len(names) > 1 or len(how) > 1:
        raise CommandError("expected one stage and one of all, sweep, slope: check, check dz2, check dW1 all, check dW1 sweep")
    name = _stage_name(session, names[0]) if names else ""
    if how == ["sweep"]:
        first = session.program.network.layers[0].weight
        return Task(sweep(session.timeline, name or session.program.gradients[first]))
    if how == ["slope"]:
        return Task(slope(session.timeline, name))
    return Task(_checked(session, name, how == ["all"]))


def _stage_name(session: Session, name: str) -> str:
    """The derivative stage that is meant; a tensor stands for its derivative."""
    from bpdebug.trust.check import input_stage  # noqa: PLC0415 - a start does without

    program, given = session.program, input_stage(session.program)
    derivatives = {given.of: given.name, **program.gradients}
    if name in derivatives:
        return derivatives[name]
    if name == given.name or (name in program.index and program.stage(name).of):
        return name
    program.stage(name)
    raise CommandError(f"{name} is no derivative stage; check dz2, or check alone for all")


def _checked(session: Session, name: str, everything: bool) -> Generator[str, None, Result]:
    from bpdebug.trust.check import check  # noqa: PLC0415 - a start does without

    session.check = None
    session.check = yield from check(session.timeline, name, everything)
    return session.check.result()
