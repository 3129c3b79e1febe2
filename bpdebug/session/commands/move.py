"""Moving through time, forwards and back."""

from __future__ import annotations

from bpdebug.session.commands.game import single_step
from bpdebug.session.session import Session
from bpdebug.session.table import command
from bpdebug.time.moves import Move, by_boundaries, by_stages, by_updates, until
from bpdebug.time.position import Location
from bpdebug.time.results import Result


@command("step [n]", "move", keys="s ]", aliases="s", label="step")
def step(session: Session, count: int = 1) -> Result | Move:
    """Run the next stage (or n stages)."""
    return single_step(session) if count == 1 else Move(by_stages(session.position, count), "step")


@command("next [n]", "move", keys="n", aliases="n", label="layer")
def next_layer(session: Session, count: int = 1) -> Move:
    """Run to the end of this layer's stages in this phase."""
    return Move(by_boundaries(session.program, session.position, count, by_layer=True), "next")


@command("finish [n]", "move", keys="f", aliases="f", label="phase")
def finish(session: Session, count: int = 1) -> Move:
    """Run to the end of this phase."""
    return Move(by_boundaries(session.program, session.position, count, by_layer=False), "finish")


@command("update [n]", "move", keys="u", aliases="u", label="update")
def update(session: Session, count: int = 1) -> Move:
    """Run to the end of this gradient update."""
    return Move(by_updates(session.position, count), "update")


@command("epoch [n]", "move", keys="e", aliases="e", label="epoch")
def epoch(session: Session, count: int = 1) -> Move:
    """Run to the end of this epoch."""
    return Move(by_updates(session.position, count, session.position.batches), "epoch")


@command("continue", "move", keys="c", aliases="c", label="continue")
def continue_(session: Session) -> Move:
    """Run until a stop: breakpoint, watch, condition, the first non-finite value, or the end of training."""
    return Move(session.timeline.end, "end")


@command("until LOCATION", "move", keys="t", aliases="t", asks="run forward to (dz2, backward, layer 2, 40:dz2, update 40, epoch 3)")
def until_(session: Session, location: Location) -> Move:
    """Run forward to a location: dz2, dW1[1,0], backward, layer 2, 40:dz2, 40 or update 40, epoch 3, end."""
    return Move(until(session.program, session.position, location), "location", cell=location.cell)


@command("goto LOCATION", "move", keys="g", aliases="g", asks="jump to (dz2, dW1[1,0], 40:dz2, 40, start, end)", label="goto")
def goto(session: Session, location: Location) -> Move:
    """Jump to a location, forwards or back, without stops on the way."""
    target = location.clock(session.program, min(session.position.update, session.position.updates - 1))
    return Move(target, "location", jump=True, cell=location.cell)


@command("reverse-step [n]", "back", keys="[ S", aliases="rs back", label="back")
def reverse_step(session: Session, count: int = 1) -> Move:
    """Go back one stage (or n stages)."""
    return Move(by_stages(session.position, -count), "step", jump=True)


@command("reverse-next [n]", "back", keys="N", aliases="rn")
def reverse_next(session: Session, count: int = 1) -> Move:
    """Go back to the beginning of a layer's stages."""
    return Move(by_boundaries(session.program, session.position, -count, by_layer=True), "next", jump=True)


@command("reverse-finish [n]", "back", keys="F", aliases="rf")
def reverse_finish(session: Session, count: int = 1) -> Move:
    """Go back to the beginning of a phase."""
    return Move(by_boundaries(session.program, session.position, -count, by_layer=False), "finish", jump=True)


@command("reverse-update [n]", "back", keys="U", aliases="ru", label="update back")
def reverse_update(session: Session, count: int = 1) -> Move:
    """Go back to the beginning of a gradient update."""
    return Move(by_updates(session.position, -count), "update", jump=True)


@command("reverse-epoch [n]", "back", keys="E", aliases="re", label="epoch back")
def reverse_epoch(session: Session, count: int = 1) -> Move:
    """Go back to the beginning of an epoch."""
    return Move(by_updates(session.position, -count, session.position.batches), "epoch", jump=True)


@command("reverse-continue", "back", keys="C", aliases="rc")
def reverse_continue(session: Session) -> Move:
    """Go back to the last stop: breakpoint, watch (where did it change last?), condition, non-finite value, or the start."""
    return Move(0, "start", search=True)
