"""Moving through time, forwards and back."""

from __future__ import annotations

from collections.abc import Callable

from bpdebug.look.folds import folds_of
from bpdebug.session.commands.game import single_step
from bpdebug.session.session import Session
from bpdebug.session.table import command
from bpdebug.time.moves import Move, by_boundaries, by_stages, by_updates, until
from bpdebug.time.position import Location
from bpdebug.time.results import Result

Way = Callable[[Session, int], int]
"""The clock so many stages, layers, phases, updates or epochs from here; back, where the number is negative."""


@command("step [n]", "move", keys="s ]", aliases="s", label="step")
def step(session: Session, count: int = 1) -> Result | Move:
    """Run the next stage (or n stages)."""
    return single_step(session) if count == 1 else Move(_stages(session, count), "step")


def _stages(session: Session, count: int) -> int:
    return by_stages(session.position, count)


def _layers(session: Session, count: int) -> int:
    program = session.program
    bounds = session.cursor.rows.starts if folds_of(program).by_rows else program.bounds(by_group=True)[:-1]
    return by_boundaries(bounds, session.position, count)


def _phases(session: Session, count: int) -> int:
    return by_boundaries(session.program.bounds(by_group=False)[:-1], session.position, count)


def _updates(session: Session, count: int) -> int:
    return by_updates(session.position, count)


def _epochs(session: Session, count: int) -> int:
    return by_updates(session.position, count, session.position.batches)


def _moving(name: str, keys: str, aliases: str, label: str, way: Way, text: str) -> None:
    """Register a move by a number, which is 1 where none is given."""
    back = name.startswith("reverse-")
    reason = name.removeprefix("reverse-")

    def move(session: Session, count: int = 1) -> Move:
        return Move(way(session, -count if back else count), reason, jump=back)

    move.__doc__ = text
    command(f"{name} [n]", "back" if back else "move", keys, aliases, label=label)(move)


_moving(
    "next",
    "n",
    "n",
    "layer",
    _layers,
    "Run to the end of this layer's stages in this phase; in a script, to the next row, over a closed fold.",
)
_moving("finish", "f", "f", "phase", _phases, "Run to the end of this phase.")
_moving("update", "u", "u", "update", _updates, "Run to the end of this gradient update.")
_moving("epoch", "e", "e", "epoch", _epochs, "Run to the end of this epoch.")


@command("continue", "move", keys="c", aliases="c", label="continue")
def continue_(session: Session) -> Move:
    """Run until a stop: breakpoint, watch, condition, the first non-finite value, or the end of training."""
    return Move(session.timeline.end, "end")


@command("until LOCATION", "move", keys="t", aliases="t", asks="run forward to (dz2, backward, layer 2, 40:dz2, update 40, epoch 3)")
def until_(session: Session, location: Location) -> Move:
    """Run forward to a location: dz2, dW1[1,0], backward, layer 2, 40:dz2, 40 or update 40, epoch 3, end."""
    return Move(until(session.program, session.position, location), "location", tell=_told(session, location), cell=location.cell)


def _told(session: Session, location: Location) -> Callable[[Result], Result]:
    """What opens the folds that the stage is in, and adds to the answer that the location is another one than was asked for."""

    def told(result: Result) -> Result:
        session.cursor.reveal((location.after and session.position.stage) or "")
        return result.also(f"{location.note}\n{result.text}", note=location.note) if location.note else result

    return told


@command("goto LOCATION", "move", keys="g", aliases="g", asks="jump to (dz2, dW1[1,0], 40:dz2, 40, start, end)", label="goto")
def goto(session: Session, location: Location) -> Move:
    """Jump to a location, forwards or back, without stops on the way."""
    position = session.position
    target = location.clock(session.program, min(position.update, position.updates - 1), 0 if position.at_end else position.done)
    return Move(target, "location", jump=True, tell=_told(session, location), cell=location.cell)


_moving("reverse-step", "[ S", "rs back", "back", _stages, "Go back one stage (or n stages).")
_moving("reverse-next", "N", "rn", "", _layers, "Go back to the beginning of a layer's stages.")
_moving("reverse-finish", "F", "rf", "", _phases, "Go back to the beginning of a phase.")
_moving("reverse-update", "U", "ru", "update back", _updates, "Go back to the beginning of a gradient update.")
_moving("reverse-epoch", "E", "re", "epoch back", _epochs, "Go back to the beginning of an epoch.")


@command("reverse-continue", "back", keys="C", aliases="rc")
def reverse_continue(session: Session) -> Move:
    """Go back to the last stop: breakpoint, watch (where did it change last?), condition, non-finite value, or the start."""
    return Move(0, "start", search=True)
