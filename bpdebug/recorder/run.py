"""A run of a script: its loops, and what is known of all of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from bpdebug.recorder.graph import NUMERIC, Array, Graph, Level, Slot, is_followed
from bpdebug.recorder.rewriting import Site

_COUNTED = (range, list, tuple, dict, np.ndarray)
_LOSSES = 100_000
"""Values that are kept of what may be a loss."""
_PRINTED = 5000
"""Lines that are kept of what a script prints."""
Iteration = tuple[tuple[int, int, int], ...]


class Enough(BaseException):
    """What is to be recorded has been recorded."""


class Turns(Protocol):
    """Who is told of loops."""

    def turn(self, site: int) -> None:
        """A turn of a loop begins: says whether it has hooks."""

    def looped(self, site: int) -> None:
        """A loop has ended."""

    def waited(self, *, over: bool) -> None:
        """While the hooks rest in search of updates a turn of a loop begins, or the outermost one is over."""


class Run:
    """What hooks know of the run.

    Args:
        sites: the places of the hooks.
        keeper: who says which turns of loops have hooks.

    Attributes:
        on: whether what begins now has hooks.
        waiting: whether what runs is too much to be recorded and has no update, so that the hooks rest until its loop ends.
        followed: the place of the loop of the updates, once it is known; -1 before.
        update: from then on, which update is under way.
        graph: what was computed.
        iterations: of each loop that runs: (site, which run of the loop, turn), the outermost first; with how many nodes there were.
        top: the names of arrays of the module itself.
        squares: where a flat list met a column: what they are called, and the shapes.
        owners: the names of objects whose attributes are kept.
        files: the user's own files that have run, by their whole paths: what each is called, and its text.
        printed: the lines that were printed last: in which update, or before that is known, how many nodes there were; the line that
            printed it, and what.
        losses: the values of what is called as losses are, by its place: in which update, or how many nodes there were, and the value.
        descents: the lines at which an optimizer is called whose steps are out of sight, and its name.
        asked: the line of the loop whose turns are to be the updates, ``train.py:30``; "" where it is to be found.
    """

    def __init__(self, sites: list[Site], keeper: Turns) -> None:
        self.sites, self.graph, self._keeper = sites, Graph(), keeper
        self.iterations: list[tuple[Iteration, int]] = []
        self.ends: list[tuple[int, int]] = []
        self.squares: dict[tuple[str, int], list[tuple[str, tuple[int, ...]]]] = {}
        self.top: set[str] = set()
        self.owners: dict[int, list[tuple[Any, Slot]]] = {}
        self.files: dict[str, tuple[str, str]] = {}
        self.printed: deque[list[Any]] = deque(maxlen=_PRINTED)
        self.losses: dict[int, list[tuple[int, float]]] = {}
        self.asked, self.descents = "", dict[str, str]()
        self.on, self.followed, self.update = True, -1, -1
        self.waiting = False
        self._loops: list[list[int]] = []
        self._levels: list[Level] = []
        self._count = 0

    def made(self, operation: str, site: int, value: Any, *arguments: Any, **keywords: Any) -> Any:
        """Note what an operation made, where that is an array or a number."""
        if is_followed(value):
            given = tuple(map(self.graph.of, arguments))
            self.graph.add(operation, given, value, site, {key: self.graph.of(one) for key, one in keywords.items()})
        return value

    def shaping(self, owner: Any, value: Any) -> Any:
        """An array, if it is one, is about to have another shape."""
        if isinstance(owner, np.ndarray):
            self.graph.keep(self.graph.of(owner))
        return value

    def reshaped(self, site: int, text: str, owner: Array) -> None:
        """An attribute of an array was assigned: its shape, most often."""
        if text.endswith(".shape"):
            before = self.graph.of(owner)
            node = self.graph.add(".reshape", (before, owner.shape), owner, site)
            node.slots = [(slot, -1, visited) for slot, _, visited in before.slots]
            self.graph.keep(node)

    def _each_of(self, value: Array, made: Callable[..., Any], operands: Sequence[Any]) -> Array:
        """What an operation makes of a list of arrays that is itself an array, array by array, as NumPy does it."""
        if value.ndim == 1:
            for place in range(len(value)):
                value[place] = made(*[one[place] if isinstance(one, np.ndarray) and one.shape == value.shape else one for one in operands])
        return value

    def _look(self, site: int, value: Array, left: Any, right: Any) -> None:
        """Note where a flat list met a column of the same length, if a square came of that."""
        shapes = [np.shape(left), np.shape(right)]
        if sorted(shapes, key=len) == [value.shape[:1], (value.shape[0], 1)]:
            named = [self._name_of(one) for one in (left, right)]
            self.squares.setdefault(self.sites[site][:2], [*zip(named, shapes, strict=True), ("", value.shape)])

    def _name_of(self, value: Any) -> str:
        """The name of a value, else of the one of its shape that it is made of."""
        node = self.graph.known(value)
        while node and not node.slots:
            node = next((one for one in node.parents() if np.shape(one.value) == np.shape(value)), None)
        return node.slots[0][0][1].replace("\0", ".") if node else ""

    def lost(self, site: int, value: Any) -> None:
        """What may be a loss was assigned."""
        known = self.losses.setdefault(site, [])
        if len(known) < _LOSSES and isinstance(value, NUMERIC) and (isinstance(value, float) or value.dtype.kind in "fiu"):
            moment = self.update if self.update >= 0 else len(self.graph.nodes)
            if isinstance(value, np.ndarray):
                with np.errstate(all="ignore"):  # what it overflows is told by the script itself
                    value = value.sum()
            known.append((moment, float(value)))

    def loop(self, site: int) -> None:
        """A loop begins."""
        self._count += 1
        self._loops.append([site, self._count, 0, -1])
        self._levels.append(Level(self.graph.level, site, "", self._count))

    def turn(self, site: int) -> bool:
        """A turn of it begins; whether it is to have hooks."""
        self._loops[-1][2] += 1
        if self.on or site == self.followed:
            self.graph.level = Level(self._levels[-1], site, "", self._loops[-1][2])
            if self.update < 0:
                self.iterations.append((tuple((a, b, c) for a, b, c, _ in self._loops), len(self.graph.nodes)))
            self._keeper.turn(site)
        elif self.waiting:
            self._keeper.waited(over=False)
        return self.on

    def looped(self, site: int) -> None:
        """It has ended."""
        _, run, *_ = self._loops.pop()
        self.graph.level = self._levels.pop().above
        if self.update < 0:
            self.ends.append((run, len(self.graph.nodes)))
        if self.waiting and not self._loops:
            self._keeper.waited(over=True)
        self._keeper.looped(site)

    def remaining(self) -> int | None:
        """The updates that are still to come, that which begins now among them, as far as the loops that are under way tell."""
        count, each = 1, 1
        for _, _, turn, length in reversed(self._loops):
            if length < 0:
                return None
            count, each = count + (length - turn) * each, each * length
        return count

    def rows(self, site: int, values: Any) -> Any:
        """What a loop goes through."""
        if isinstance(values, _COUNTED) or type(values).__module__.startswith("tqdm"):
            self._loops[-1][3] = len(values)
        return self._each(site, values)

    def parts(self, site: int, values: Any, within: tuple[Any, ...] | None) -> Any:
        """What several names are bound to; of each, those within it, or None where it is a single one."""
        found = self._each(site, values)
        if not within or not any(within):
            return found
        several = [*found]
        return [self.parts(site, one, part) if part else one for one, part in zip(several, within, strict=False)] + several[len(within) :]

    def _each(self, site: int, values: Any) -> Any:
        """What is gone through, an array row by row."""
        return self._rows(site, values) if isinstance(values, np.ndarray) and values.ndim and values.dtype != object else values

    def _rows(self, site: int, array: Array) -> Iterator[Any]:
        for place, row in enumerate(array):
            yield self.made("[]", site, row, array, place)
