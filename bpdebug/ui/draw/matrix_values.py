"""Which numbers a table shows of a tensor, and what is worked out of them once."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from bpdebug.core.description import Array
from bpdebug.core.numbers import Statistics
from bpdebug.core.record import replace
from bpdebug.core.render import render_name
from bpdebug.session.view import View
from bpdebug.ui.draw.compare import theirs_of
from bpdebug.ui.draw.layers import INPUT, TARGET, kin_of, part_of
from bpdebug.ui.draw.matrix_cells import NARROWEST, Look, look_of
from bpdebug.ui.draw.once import Made, once


def values_in(view: View, name: str, theirs: bool = False) -> Array | None:
    """Our numbers for a tensor, or the user's own; None where there are none yet."""
    if theirs:
        return theirs_of(view, name)
    return view.finished.tensors[name] if view.finished and is_past(view, name) else view.tensors.get(name)


def is_past(view: View, name: str) -> bool:
    """Whether a tensor is shown as the update that has just been completed left it; the one with the cell cursor never is."""
    here = view.selected is not None and view.selected[0] == name
    return view.finished is not None and name in view.finished.tensors and not here


def samples_in(view: View, name: str) -> Array:
    """The samples that the rows of a tensor stand for."""
    return view.finished.samples if view.finished and is_past(view, name) else view.samples


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


def heading(view: View, name: str, theirs: bool) -> str:
    """What a table is called."""
    return f"yours {render_name(name, view.style)}" if theirs else render_name(name, view.style)
