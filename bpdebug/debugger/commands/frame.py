"""Where we are, from the inside out, as a stack of frames: the stage, its layer's stages, the phase, the update."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpdebug.debugger.moves import describe
from bpdebug.debugger.numbers import short
from bpdebug.debugger.results import Result
from bpdebug.debugger.table import command, count_of, no_arguments
from bpdebug.engine.schedule import Stage

if TYPE_CHECKING:
    from bpdebug.debugger.session import Session


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
    position, stages = session.position, session.program.stages
    here = stages[max(position.done - 1, 0)]
    phase = tuple(stage for stage in stages if stage.phase is here.phase)
    layer = tuple(stage for stage in phase if stage.layer == here.layer)
    of_layer = [Frame("layer", f"layer {here.layer} in the {here.phase} phase", layer)] if here.layer else []
    update = Frame("update", describe(session.timeline).partition(",")[0] + f", epoch {position.epoch}", stages)
    return [Frame("stage", str(here), (here,)), *of_layer, Frame("phase", f"{here.phase} phase", phase), update]


@command("bt", "look", aliases="backtrace frame")
def bt(session: Session, arguments: str) -> Result:
    """List the frames around the present stage: stage, layer, phase, update; the selected one is marked (up and down select)."""
    no_arguments(arguments, "bt")
    found, chosen = frames(session), session.frame
    lines = [f"{'>' if level == chosen else ' '} #{level} {_line(session, frame)}" for level, frame in enumerate(found)]
    return Result("frames", "\n".join(lines), _data(session, found))


@command("up [n]", "look")
def up(session: Session, arguments: str) -> Result:
    """Select the frame around the selected one (stage, layer, phase, update), and show its stages."""
    return _select(session, count_of(arguments))


@command("down [n]", "look")
def down(session: Session, arguments: str) -> Result:
    """Select the frame within the selected one (update, phase, layer, stage), and show its stages."""
    return _select(session, -count_of(arguments))


def _select(session: Session, by: int) -> Result:
    """Go out or in, not beyond the ends; the selection lasts until something moves."""
    found = frames(session)
    level = min(max(session.frame + by, 0), len(found) - 1)
    session.frame = level
    frame = found[level]
    lines = [f"#{level} {_line(session, frame)}", *(f"  {_stage(session, stage)}" for stage in frame.stages)]
    return Result("frames", "\n".join(lines), _data(session, found))


def _line(session: Session, frame: Frame) -> str:
    done = sum(session.program.index[stage.name] < session.position.done for stage in frame.stages)
    return f"{frame.kind}: {frame.text}" + (f" ({done} of {len(frame.stages)} stages done)" if frame.kind != "stage" else "")


def _stage(session: Session, stage: Stage) -> str:
    """A stage with its value, or of a tensor its norm, where it has run."""
    position, place = session.position, session.program.index[stage.name]
    mark = "*" if place < position.done else ">" if place == position.done and position.next else " "
    if mark != "*":
        return f"{mark} {stage}"
    value = session.timeline.machine.tensor(stage.name)
    return f"{mark} {stage}   {'norm ' * (value.ndim > 0)}{short(float(np.linalg.norm(value) if value.ndim else value), 6)}"


def _data(session: Session, found: list[Frame]) -> dict[str, object]:
    rows = [
        {"level": level, "kind": frame.kind, "text": frame.text, "stages": [stage.name for stage in frame.stages]}
        for level, frame in enumerate(found)
    ]
    return {"selected": session.frame, "frames": rows}
