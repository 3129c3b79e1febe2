"""Where each moving command leads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bpdebug.core.cells import NamedCell
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.time.position import Location, LocationError, Position
from bpdebug.time.results import Result


class Move(Record):
    """A decision where to go.

    Attributes:
        target: the clock.
        reason: what is said on arrival: ``step``, ``location``, …
        jump: whether the way there does not matter (no stops on it).
        search: whether the way is back to the last stop, and ``target`` only where it ends.
        tell: what the command makes of the answer on arrival, where it has something to add.
        cell: the cell to look at there, or None.
    """

    target: int
    reason: str
    jump: bool = False
    search: bool = False
    tell: Callable[[Result], Result] | None = None
    cell: NamedCell | None = None


def by_stages(position: Position, count: int) -> int:
    """``count`` stages on (or back, where it is negative)."""
    return position.t + count


def by_boundaries(bounds: Sequence[int], position: Position, count: int) -> int:
    """The ``count``-th of the places in an update where something begins, after now; before, where it is negative."""
    after = sum(bound <= position.done for bound in bounds)
    before = sum(bound < position.done for bound in bounds)
    turns, place = divmod(after + count - 1 if count > 0 else before + count, len(bounds))
    return position.calendar.clock(position.update + turns, bounds[place])


def by_updates(position: Position, count: int, size: int = 1) -> int:
    """The ``count``-th end of an update (of an epoch of ``size`` updates) after now, or begin before it."""
    begun = position.update if count > 0 else position.update + (position.done > 0) + size - 1
    target = position.calendar.clock((begun // size + count) * size)
    if count < 0 and target == position.t > 0:  # behind a gap
        return position.calendar.clock(position.calendar.ran(position.t)[0])
    return target


def until(program: Program, position: Position, location: Location) -> int:
    """The next moment of a location, after now.

    Raises:
        LocationError: where the location lies in the past.
    """
    target = location.clock(program, position.update, position.done)
    if target <= position.t and location.update is None:
        target = location.clock(program, position.update + 1)
    if target <= position.t:
        raise LocationError(f"'{location.text}' is not ahead: 'goto {location.text}' goes back")
    return target
