"""Where we are, from the inside out, as a stack of frames: the stage, its layer's stages, the phase, the update."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from bpdebug.core.numbers import short
from bpdebug.core.schedule import Stage
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result


class Frame(NamedTuple):
    """A frame.

    Attributes:
        kind: ``stage``, ``layer``, ``phase`` or ``update``.
        text: what it is.
        stages: what runs in it, in order.
    """

    kind: str
    text: str
    stages: tuple[Stage, ...]


def frames(session: Session) -> list[Frame]:
    """The frames of the stage that has run last (at an update's start, of the next one), the innermost first."""
    program, (update, done) = session.program, _reached(session)
    stages = program.stages
    here = stages[max(done - 1, 0)]
    phase = tuple(stage for stage in stages if stage.phase is here.phase)
    group = program.tensors[here.name].group
    within = tuple(stage for stage in phase if program.tensors[stage.name].group == group)
    of_group = [Frame("layer", f"{group} in the {here.phase} phase", within)] if group else []
    complete = ", the last one: training is complete" if session.position.at_end else ""
    whole = Frame("update", f"update {update}/{program.updates}, epoch {program.batches.place(update)[0]}{complete}", stages)
    return [Frame("stage", str(here), (here,)), *of_group, Frame("phase", f"{here.phase} phase", phase), whole]


def _reached(session: Session) -> tuple[int, int]:
    """The update, and how many of its stages have run; when training is complete, all of the last one."""
    return session.timeline.calendar.under_way(session.timeline.clock)


@command("bt", "look", aliases="backtrace")
def bt(session: Session) -> Result:
    """List the frames around the present stage: stage, layer, phase, update; the selected one is marked (up and down select)."""
    found = frames(session)
    lines = [f"{'>' if level == session.frame else ' '} #{level} {_line(session, frame)}" for level, frame in enumerate(found)]
    return _told(session, found, lines)


@command("frame [N]", "look")
def frame_(session: Session, arguments: str = "") -> Result:
    """Select frame N of those that bt lists, and show its stages; without a number, show the selected one."""
    most = len(frames(session)) - 1
    if arguments and (not re.fullmatch(r"\d{1,9}", arguments) or int(arguments) > most):
        raise CommandError(f"there is no frame '{arguments}': 0 is the stage, {most} the update ('bt' lists them)")
    return _select(session, int(arguments or session.frame))


@command("up [n]", "look")
def up(session: Session, count: int = 1) -> Result:
    """Select the frame around the selected one (stage, layer, phase, update), and show its stages."""
    if session.frame == len(frames(session)) - 1:
        raise CommandError("this is the outermost frame, the update; you cannot go up")
    return _select(session, session.frame + count)


@command("down [n]", "look")
def down(session: Session, count: int = 1) -> Result:
    """Select the frame within the selected one (update, phase, layer, stage), and show its stages."""
    if session.frame == 0:
        raise CommandError("this is the innermost frame, the stage; you cannot go down")
    return _select(session, session.frame - count)


def _select(session: Session, level: int) -> Result:
    """Select a frame, or the last one on the way to it; the selection lasts until something moves.

    A stage is told with its value, or of a tensor its norm, where it has run and that is still known.
    """
    found, done, values = frames(session), _reached(session)[1], session.timeline.machine.values()
    session.frame = min(max(level, 0), len(found) - 1)
    lines = [f"#{session.frame} {_line(session, found[session.frame])}"]
    for stage in found[session.frame].stages:
        place = session.program.index[stage.name]
        line, value = f"  {'*' if place < done else '>' if place == done else ' '} {stage}", values.get(stage.name)
        if place < done and value is not None:
            line += f"   {'norm ' * (value.ndim > 0)}{short(float(np.linalg.norm(value) if value.ndim else value), 6)}"
        lines.append(line)
    return _told(session, found, lines)


def _line(session: Session, frame: Frame) -> str:
    done = sum(session.program.index[stage.name] < _reached(session)[1] for stage in frame.stages)
    return f"{frame.kind}: {frame.text}" + (f" ({done} of {len(frame.stages)} stages done)" if frame.kind != "stage" else "")


def _told(session: Session, found: list[Frame], lines: list[str]) -> Result:
    rows = [
        {"level": level, "kind": frame.kind, "text": frame.text, "stages": [stage.name for stage in frame.stages]}
        for level, frame in enumerate(found)
    ]
    return Result("frames", "\n".join(lines), {"selected": session.frame, "frames": rows})
