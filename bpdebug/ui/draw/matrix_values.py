"""Which numbers a table shows of a tensor, and what is worked out of them once."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from bpdebug.core.description import Array
from bpdebug.core.numbers import Statistics
from bpdebug.core.record import replace
from bpdebug.session.view import View
from bpdebug.ui.draw.layers import INPUT, TARGET, kin_of, part_of, values_in
from bpdebug.ui.draw.matrix_cells import NARROWEST, Look, look_of
from bpdebug.ui.draw.once import Made, once


def statistics_in(view: View, name: str, theirs: bool = False) -> Statistics | None:
    """The statistics of a tensor, or None where it has no value yet."""
    values = values_in(view, name, theirs)
    return None if values is None else of_numbers(view, ("statistics", name, theirs), values, lambda: Statistics(values))


def of_numbers(view: View, key: Hashable, values: Array, make: Callable[[], Made]) -> Made:
    """What is worked out of a tensor once for a view, and for those that follow until the tensor changes; the name is in the key."""
    return once(view, key, lambda: once(values, key, make))


def look_in(view: View, name: str, theirs: bool = False) -> Look:
    """How a tensor's numbers are written; those of a layer's weights, biases and sums in one width, since they stand below each other."""
    own = _own_look(view, name, theirs)
    return replace(own, width=max([own.width, *(_own_look(view, other).width for other in kin_of(view.program, name))]))


def _own_look(view: View, name: str, theirs: bool = False) -> Look:
    given = part_of(view.program, name)[0] in (INPUT, TARGET)
    return look_of(statistics_in(view, name, theirs), view.number_style, 2 if given else NARROWEST, not given, given)
