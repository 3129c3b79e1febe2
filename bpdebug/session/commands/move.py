"""Moving through time, forwards and back."""

from __future__ import annotations

from bpdebug.session.commands.game import single_step
from bpdebug.session.session import Session
from bpdebug.session.table import command, count_of, no_arguments
from bpdebug.time.moves import Move, by_boundaries, by_stages, by_updates, until
from bpdebug.time.position import parse_location
from bpdebug.time.results import Result


@command("step [n]", "move", keys="s ]", aliases="s", label="step")
def step(session: Session, arguments: str) -> Result | Move:
    """Run the next stage (or n stages)."""
    count = count_of(arguments)
    return single_step(session) if count == 1 else Move(by_stages(session.position, count), "step")


@command("next [n]", "move", keys="n", aliases="n", label="layer")
def next_layer(session: Session, arguments: str) -> Move:
    """Run to the end of this layer's stages in this phase."""
    return Move(by_boundaries(session.program, session.position, count_of(arguments), by_layer=True), "next")


@command("finish [n]", "move", keys="f", aliases="f", label="phase")
def finish(session: Session, arguments: str) -> Move:
    """Run to the end of this phase."""
    return Move(by_boundaries(session.program, session.position, count_of(arguments), by_layer=False), "finish")


@command("update [n]", "move", keys="u", aliases="u", label="update")
def update(session: Session, arguments: str) -> Move:
    """Run to the end of this gradient update."""
    return Move(by_updates(session.position, count_of(arguments)), "update")


@command("epoch [n]", "move", keys="e", aliases="e", label="epoch")
def epoch(session: Session, arguments: str) -> Move:
    """Run to the end of this epoch."""
    return Move(by_updates(session.position, count_of(arguments), session.position.batches), "epoch")


@command("continue", "move", keys="c", aliases="c", label="continue")
def continue_(session: Session, arguments: str) -> Move:
    """Run until a stop: breakpoint, watch, condition, the first non-finite value, or the end of training."""
    no_arguments(arguments, "continue")
    return Move(session.timeline.end, "end")


@command("until LOCATION", "move", keys="t", aliases="t", asks="run forward to (dz2, backward, layer 2, 40:dz2, update 40, epoch 3)")
def until_(session: Session, arguments: str) -> Move:
    """Run forward to a location: dz2, dW1[1,0], backward, layer 2, 40:dz2, 40 or update 40, epoch 3, end."""
    location = parse_location(arguments, session.program)
    return Move(until(session.program, session.position, location), "location", cell=location.cell)


@command("goto LOCATION", "move", keys="g", aliases="g", asks="jump to (dz2, dW1[1,0], 40:dz2, 40, start, end)", label="goto")
def goto(session: Session, arguments: str) -> Move:
    """Jump to a location, forwards or back, without stops on the way."""
    location = parse_location(arguments, session.program)
    target = location.clock(session.program, min(session.position.update, session.position.updates - 1))
    return Move(target, "location", jump=True, cell=location.cell)


@command("reverse-step [n]", "back", keys="[ S", aliases="rs back", label="back")
def reverse_step(session: Session, arguments: str) -> Move:
    """Go back one stage (or n stages)."""
    return Move(by_stages(session.position, -count_of(arguments)), "step", jump=True)


@command("reverse-next [n]", "back", keys="N", aliases="rn")
def reverse_next(session: Session, arguments: str) -> Move:
    """Go back to the beginning of a layer's stages."""
    return Move(by_boundaries(session.program, session.position, -count_of(arguments), by_layer=True), "next", jump=True)


@command("reverse-finish [n]", "back", keys="F", aliases="rf")
def reverse_finish(session: Session, arguments: str) -> Move:
    """Go back to the beginning of a phase."""
    return Move(by_boundaries(session.program, session.position, -count_of(arguments), by_layer=False), "finish", jump=True)


@command("reverse-update [n]", "back", keys="U", aliases="ru", label="update back")
def reverse_update(session: Session, arguments: str) -> Move:
    """Go back to the beginning of a gradient update."""
    return Move(by_updates(session.position, -count_of(arguments)), "update", jump=True)


@command("reverse-epoch [n]", "back", keys="E", aliases="re", label="epoch back")
def reverse_epoch(session: Session, arguments: str) -> Move:
    """Go back to the beginning of an epoch."""
    return Move(by_updates(session.position, -count_of(arguments), session.position.batches), "epoch", jump=True)


@command("reverse-continue", "back", keys="C", aliases="rc")
def reverse_continue(session: Session, arguments: str) -> Move:
    """Go back to the last stop: breakpoint, watch (where did it change last?), condition, non-finite value, or the start."""
    no_arguments(arguments, "reverse-continue")
    return Move(0, "start", search=True)
