"""Which updates of a run are recorded: the first ones, the last ones as far as there is room, and few between; there the hooks rest."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Collection
from contextlib import suppress
from itertools import pairwise
from math import inf
from typing import Any

from bpdebug.recorder.graph import Node
from bpdebug.recorder.hooks import Hooks
from bpdebug.recorder.likeness import Likeness, Origins, UnlikeError
from bpdebug.recorder.lineage import Lineage
from bpdebug.recorder.run import Enough
from bpdebug.recorder.stream import Recording
from bpdebug.recorder.updates import Update, find_updates, is_passing, living, same
from bpdebug.recorder.writer import Writer

FIRST = 3
"""Updates at the beginning that are kept whatever comes."""
_NODES, _SECONDS = 300_000, 15.0
_BYTES, _HELD = 256 * 2**20, 2**30
"""What is kept of the updates, and copied of the first ones, at most; and held in memory in search of these."""
_MOST, _SOME = 500, 20
"""Updates at the end that are kept, at most; and where the end is not known, now and then, in a row."""
_NOWHERE, _AFTER = -2, 10**9
"""The place of no loop, and an update after all others."""
_KINDS = 50
"""Different things that updates do whose text is remembered."""
_BESIDE = 2
"""Updates on either side of one that is asked for."""
_PATIENCE = 10.0
"""Seconds of the processor that recording the last updates may take."""
_FIRST_LOOK = 2_000
"""Nodes after which it is looked whether enough updates are there; then after twice as many, and so on."""

_WAITS = 2
"""For how many loops that are too much and have no update the hooks rest until they end, as where gradients are checked by differences."""
_ANEW = 4
"""How often it is looked for updates anew, where what was recorded is too much and has none."""
_PATIENT = 50_000
"""Nodes up to which a loop that carries only what an outer one's turn has made is taken for a part of that turn."""


class Keeper:
    """Says at each turn of a loop whether it is recorded.

    Args:
        first: updates after which the run ends; 0 lets it go on to its own end.
        at: an update that is wanted, with those beside it; with ``first`` the run ends then. 0 for none.
        found: called as soon as the first updates are there.

    Attributes:
        hooks: of the run.
        recording: what is kept.
    """

    def __init__(self, first: int, at: int, found: Callable[[Recording], None]) -> None:
        self.hooks = Hooks([], self)
        self.recording = Recording(self.hooks)
        self._first, self._at, self._found = first, at, found
        self._worked, self._look, self._anew, self._waits, self._passed = 0.0, _FIRST_LOOK, 0, 0, 0
        self._from, self._until, self._room, self._paid = 0.0, inf, _MOST, _MOST
        self._start, self._end, self._cut = 0, -1, -1
        self._read: Collection[Node] | None = None
        self._updates = list[Update]()
        self._late, self._size, self._names = 0, 0, set[object]()
        self._alike: dict[tuple[Any, ...], tuple[int, Origins]] = {}

    def turn(self, site: int) -> None:
        """A turn of a loop begins: says whether it has hooks.

        Raises:
            Enough: what is to be recorded has been.
        """
        if self.hooks.followed < 0:
            self._search()
        if site == self.hooks.followed:
            self._follow()

    def looped(self, site: int) -> None:
        """A loop has ended."""
        if site == self.hooks.followed and self._end < 0:
            self._end = len(self.hooks.graph.nodes)

    def rest(self) -> None:
        """In a process that the script has made nothing is recorded."""
        self.hooks.on, self.hooks.followed = False, _NOWHERE

    def finish(self, stopped: bool) -> Recording:
        """All that is kept, at the end of the run.

        Args:
            stopped: whether it came to no end of its own.
        """
        if self.hooks.update < 0:
            found = self._updates or ([] if self.recording.large else find_updates(self.hooks, stopped))
            self.recording.large = self.recording.large or (0 if found else self._passed)
            self._keep(found)
        elif self.hooks.on:
            self._close()
        return self.recording

    # while the loop of the updates is not known

    def _search(self) -> None:
        hooks, graph, loops = self.hooks, self.hooks.graph, self.hooks.iterations[-1][0]
        self._worked = self._worked or time.process_time()
        long = time.process_time() - self._worked > _SECONDS
        large = graph.bytes > _BYTES or graph.held > _HELD
        full = len(graph.nodes) > _NODES or large or long
        wanted = self._first or FIRST
        if not full and len(graph.nodes) <= self._look and (len(loops) > 1 or loops[0][2] != wanted + 2):
            return
        self._look = max(self._look, 2 * len(graph.nodes))
        updates = find_updates(hooks)
        if is_passing(hooks, updates, len(graph.nodes) <= _PATIENT):
            if not full:
                return
            updates = []
        if full and not updates and not long and self._anew < _ANEW:
            self._forget()
            return
        if full and not updates and self._waits < _WAITS:
            self._waits, self._worked, self.recording.large = self._waits + 1, time.process_time(), _BYTES * large or 1
            hooks.on, hooks.waiting = False, True
            return
        if self._first and not self._at and (full or len(updates) >= wanted):
            self._updates, self.recording.large = updates, _BYTES * large or full  # before the loops that run now are broken off
            raise Enough
        if len(updates) >= wanted or (full and updates):
            hooks.followed = _loop(hooks, updates)
            if self._are_several(updates):
                self._keep(updates)
                self._found(self.recording)
                hooks.on, hooks.followed, hooks.update = False, _NOWHERE, _AFTER
        elif full:
            hooks.on, self.recording.large = False, _BYTES * large or 1

    def waited(self, *, over: bool) -> None:
        """While the hooks rest in search of updates a turn of a loop begins, or the outermost one is over.

        Raises:
            Enough: it has been waited long enough.
        """
        if over:
            self._passed, self.recording.large = self.recording.large, 0
            self.hooks.on, self.hooks.waiting = True, False
            self._worked, self._anew = 0.0, -1
            self._forget()
        elif time.process_time() - self._worked > _SECONDS:
            self.hooks.waiting = False
            if self._first and not self._at:
                raise Enough

    def _forget(self) -> None:
        """Begin anew with the next turn: so much was computed, and no update was among it, as where data are made ready."""
        hooks = self.hooks
        hooks.graph.drop(len(hooks.graph.nodes))
        hooks.iterations.clear()
        hooks.ends.clear()
        for line in hooks.printed:
            line[0] = -1
        hooks.losses = {site: [(-1, value) for _, value in values] for site, values in hooks.losses.items()}
        hooks.graph.bytes, hooks.graph.held, self._look, self._anew = 0, 0, _FIRST_LOOK, self._anew + 1

    def _are_several(self, updates: list[Update]) -> bool:
        """Whether an update takes several turns of its loop; while the hooks rest nobody knows then when one ends."""
        begins = [count for loops, count in self.hooks.iterations if loops[-1][0] == self.hooks.followed]
        return sum(updates[0].start <= count < updates[-1].end for count in begins) > len(updates)

    def _keep(self, updates: list[Update]) -> None:
        """Keep the updates that the search has found, and what was printed in each."""
        hooks, begins = self.hooks, [*(update.start for update in updates), *(update.end for update in updates[-1:])]
        for line in hooks.printed:
            line[0] = bisect_right(begins, line[0]) - 1
        for site, values in hooks.losses.items():
            hooks.losses[site] = [(bisect_right(begins, moment) - 1, value) for moment, value in values]
        self.recording.loops = sorted({hooks.sites[loops[-1][0]][:2] for loops, _ in hooks.iterations})
        if updates:
            self.recording.loop = _loop(hooks, updates)
        for number, update in enumerate(updates[: self._first or None]):
            if number < FIRST or self.recording.bytes < _BYTES:
                self.recording.add(Writer(hooks, update), number, number < FIRST)

    # then

    def _follow(self) -> None:
        """A turn of the loop of the updates begins."""
        hooks = self.hooks
        if hooks.update < 0:
            self._begin()
        elif hooks.on:
            self._close()
        hooks.update += 1
        turn = hooks.update + self._late
        if turn >= self._until + self._late:
            self._plan()
        hooks.on = self._from - 1 <= turn < self._until + self._late
        if not (hooks.on and self._late):
            self._cut = -1
            if hooks.graph.nodes:
                hooks.graph.drop(len(hooks.graph.nodes), self._read)
        self._start, self._end, self._read = len(hooks.graph.nodes), -1, None

    def _begin(self) -> None:
        """From here on an update is known as what the first ones were."""
        hooks, updates = self.hooks, find_updates(self.hooks)
        self._keep(updates)
        self._found(self.recording)
        self._late = int(all(count != updates[0].start for loops, count in hooks.iterations if loops[-1][0] == hooks.followed))
        self._size, self._cut = min(len(update.carried) for update in updates), 0
        self._names = {slot for update in updates for pair in update.carried.items() for node in pair for slot, _, _ in node.slots}
        hooks.graph.drop(updates[-1].end if self._late else len(hooks.graph.nodes))
        hooks.iterations.clear()
        hooks.ends.clear()
        hooks.update = len(updates) - 1
        each = max(one["bytes"] for one in self.recording.updates[-FIRST:])
        self._paid = int(_PATIENCE / max((time.process_time() - self._worked) / len(updates), 1e-9))
        self._room = min(_MOST, _BYTES // max(each, 1), self._paid)
        self._plan(first=True)

    def _plan(self, first: bool = False) -> None:
        """Choose the updates that are recorded next: those that are asked for, the last ones, or, where it is not known which those are,
        some now and then."""
        here, remaining = self.hooks.update + first, self.hooks.remaining()
        last = inf if remaining is None else here + remaining - self._room
        if self._at and self._first and not first:
            raise Enough
        if here <= self._at + _BESIDE:
            self._from, self._until = max(self._at - _BESIDE, here), self._at + _BESIDE + 1
        elif last <= 2 * here + 2:
            self._from, self._until = max(last, here), inf
        elif remaining is not None:
            self._from, self._until = 2 * here, 2 * here + 1
        else:
            self._from = here if first else here + here // 4 + 2
            self._until = self._from + (self._paid if first else min(self._room, _SOME))

    def _close(self) -> None:
        """The turn before has ended: keep the update that it completes, where it is wanted."""
        hooks, nodes = self.hooks, self.hooks.graph.nodes
        lineage, begin, end = Lineage(nodes), self._start, len(nodes) if self._end < 0 else self._end
        if self._late:
            carried = same(lineage.carried(begin, end), self._names)
            begin, end = self._cut, max((new.number + 1 for new in carried.values()), default=end)
        if begin >= 0 and self._from <= hooks.update < self._until:
            self._add(lineage, begin, end)
        if self._late:
            hooks.graph.drop(end)
            self._cut = 0

    def _add(self, lineage: Lineage, begin: int, end: int) -> None:
        """Keep an update; of one that does what another has done only the numbers are taken."""
        hooks, alike = self.hooks, None
        with suppress(UnlikeError):
            alike = Likeness(hooks, begin, end)
            self._read = None if self._late or end < len(hooks.graph.nodes) else alike.before
        if alike and (known := self._alike.get(alike.key)):
            self.recording.put(hooks.update, known[0], alike.values(known[1]))
        else:
            update = Update(begin, end, same(lineage.carried(begin, end), self._names))
            update.carried = living(lineage, update)
            if len(update.carried) < self._size:
                return
            self.recording.add(writer := Writer(hooks, update), hooks.update, False)
            made = self.recording.updates[-1]
            origins = alike.origins(writer, made["values"]) if alike and len(self._alike) < _KINDS else None
            if alike and origins is not None:
                self._alike[alike.key] = made["listing"], origins
        self._make_room()

    def _make_room(self) -> None:
        """Give up the oldest updates but the first ones and those that were asked for."""
        updates = self.recording.updates
        asked = range(self._at - _BESIDE, self._at + _BESIDE + 1) if self._at else range(0)
        while self.recording.bytes > _BYTES or len(updates) > FIRST + len(asked) + _MOST:
            place = next((n for n, one in enumerate(updates) if n >= FIRST and one["number"] not in asked), -1)
            if place < 0:
                break
            self.recording.forget(place)


def _loop(hooks: Hooks, updates: list[Update]) -> int:
    """The place of the loop of which an update is a turn: the outermost one that goes on from an update to the next in the same epoch."""
    if updates[0].run:
        return next(loops[-1][0] for loops, _ in hooks.iterations if loops[-1][1] == updates[0].run)
    counts = [count for _, count in hooks.iterations]
    within = [hooks.iterations[max(bisect_right(counts, update.start) - 1, 0)][0] for update in updates]
    turned = [next((n for n, pair in enumerate(zip(*two, strict=False)) if pair[0] != pair[1]), 0) for two in pairwise(within)]
    return within[0][max(turned, default=-1)][0]
