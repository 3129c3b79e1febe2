"""``np.vectorize``: a function of numbers that is called for each cell, seen as what it computes of whole arrays.

Where it asks whether something holds of a number, as in ``x if x > 0 else 0``, one cell decides, and what is computed holds for all cells
that answer alike; another cell then decides for the others.
"""

from __future__ import annotations

import io
import pickle
import random
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from typing import Any, NamedTuple, Protocol

import numpy as np

from bpdebug.recorder.graph import Array

_WAYS, _ASKED = 8, 20
"""Ways through a function that are tried, and questions on each."""
_OTHERS = {"pow": "power", "max": "maximum", "min": "minimum", "float": "asarray"}
"""NumPy's names of functions of numbers, where these are others than Python's."""


class Recording(Protocol):
    """Who records what is computed."""

    on: bool

    def made(self, operation: str, site: int, value: Any, *arguments: Any) -> Any:
        """Note what an operation made."""


class Way(NamedTuple):
    """A way through a function: which cell decides, of what shape, and what was asked, with its answer."""

    leader: tuple[Any, ...]
    shape: tuple[int, ...]
    asked: list[tuple[Array, bool]]


class Cells(np.ndarray[Any, Any]):
    """All cells of an array, in a function of one number."""

    way: Way | None = None

    def __bool__(self) -> bool:
        if (way := Cells.way) is None or len(way.asked) == _ASKED:
            return super().__bool__()
        way.asked.append((self, bool(np.broadcast_to(self, way.shape)[way.leader])))
        return way.asked[-1][1]


def of_cells(function: Any, arguments: tuple[Any, ...]) -> Any:
    """What computes the same as one of Python's functions of numbers, or one of ``math``, where it is given whole arrays; else itself."""
    if Cells.way is None or not any(isinstance(one, Cells) for one in arguments):
        return function
    name = getattr(function, "__name__", "")
    return getattr(np, _OTHERS.get(name, name), function) if getattr(function, "__module__", "") in ("math", "builtins") else function


def by_cell(run: Recording, site: int, function: np.vectorize, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """A call of a function of numbers for each cell; what it computes is seen where it takes whole arrays, too, and draws nothing."""
    on, before = run.on, _states(function.pyfunc)
    run.on = False  # of no single cell is anything noted
    try:
        value = function(*arguments, **keywords)
    finally:
        run.on = on
    if isinstance(value, np.ndarray) and _states(function.pyfunc) == before:
        with suppress(Exception), np.errstate(all="ignore"), redirect_stdout(io.StringIO()):
            whole = _whole(run, site, function.pyfunc, arguments, keywords, value.shape)
            if np.shape(whole) == value.shape:
                run.made("copy", site, value, whole)
    return value


def _states(function: Any) -> bytes:
    """The states of the generators that a function may draw from."""
    bound = [cell for cell in getattr(function, "__closure__", None) or () if cell != type(cell)()]  # an empty one has no contents
    held = getattr(getattr(function, "__self__", None), "__dict__", {})
    known = [*getattr(function, "__globals__", {}).values(), *held.values(), *(cell.cell_contents for cell in bound)]
    states = [one.bit_generator.state for one in known if isinstance(one, np.random.Generator)]
    states += [one.get_state() for one in known if isinstance(one, np.random.RandomState)]
    return pickle.dumps((random.getstate(), np.random.get_state(), states))


def _whole(run: Recording, site: int, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """What a function makes of whole arrays; raises what it raises of them, or a RuntimeError where it has too many ways."""
    given = [run.made(".view", site, one.view(Cells), one) if isinstance(one, np.ndarray) else one for one in arguments]
    left, ways, before = np.ones(shape, bool), list[tuple[list[tuple[Array, bool]], Any]](), Cells.way
    try:
        while left.any():
            if len(ways) == _WAYS:
                raise RuntimeError("too many ways")
            Cells.way = way = Way(np.unravel_index(np.argmax(left), shape), shape, [])
            ways.append((way.asked, function(*given, **keywords)))
            left &= ~np.logical_and.reduce([np.broadcast_to(held == truth, shape) for held, truth in way.asked] or [left])
    finally:
        Cells.way = before
    return _chosen(run, site, ways, 0)


def _chosen(run: Recording, site: int, ways: Sequence[tuple[list[tuple[Array, bool]], Any]], depth: int) -> Any:
    """What the ways that are alike up to some question make together."""
    asked, found = ways[0]
    if len(ways) == 1 or len(asked) <= depth:
        return found
    parts = [[way for way in ways if way[0][depth][1] is truth] for truth in (True, False)]
    made = [_chosen(run, site, part, depth + 1) for part in parts if part]
    held = asked[depth][0]
    return made[0] if len(made) == 1 else run.made("where", site, np.where(held, *made), held, *made)


__all__ = ["Cells", "by_cell", "of_cells"]
