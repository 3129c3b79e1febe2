"""The recording as a file: a line that says what it is, the length of a JSON text, that text, and the numbers of the arrays."""

from __future__ import annotations

import json
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bpdebug.recorder.graph import Level, Node, Slot
from bpdebug.recorder.hooks import Hooks
from bpdebug.recorder.updates import Update, find_updates
from bpdebug.recorder.writer import UnwritableError, Writer

MAGIC = b"bpdebug recording 1\n"
WHOLE = 3
"""Updates of which the numbers of every tensor are kept; of later ones, what is given."""
_NUMBERS = "fiub"
_DEEP = 3
"""Objects within objects whose names are looked at."""
_BYTES = 512 * 2**20
_FILE = 2**20
"""Characters of the longest file whose text is kept."""


def write(path: Path, hooks: Hooks, most: int, told: dict[str, Any]) -> None:
    """Write what was recorded.

    Args:
        path: the file.
        hooks: the recording.
        most: updates at most.
        told: what is said beside it.
    """
    updates = find_updates(hooks, told["ended"] not in ("ended", "enough"))
    recording = Recording(hooks, _loop(hooks, updates) if updates else -1)
    for number, update in enumerate(updates[:most]):
        recording.add(Writer(hooks, update), number < WHOLE)
    found = {
        "updates": recording.updates,
        "listings": recording.listings,
        "arrays": recording.layout,
        "top": [*hooks.top],
        "squares": [*hooks.squares.items()],
        "files": [text for text in hooks.files.values() if len(text[1]) <= _FILE],
        "printed": _printed(hooks, updates[:most]),
        "asked": hooks.asked,
        "loops": sorted({hooks.sites[loops[-1][0]][:2] for loops, _ in hooks.iterations}),
        **told,
    }
    if updates:
        *place, _, (_, first, last) = hooks.sites[recording.loop]
        found |= {"loop": place, "body": (int(first), int(last))}
    text = json.dumps(found).encode()
    with path.open("wb") as file:
        file.write(MAGIC + b"%d\n" % len(text) + text)
        for array in recording.arrays:
            file.write(array.tobytes())


def _printed(hooks: Hooks, updates: list[Update]) -> list[tuple[int, str, str]]:
    """What was printed, each line with the update in which it was, from -1 for before the first."""
    begins = [*(update.start for update in updates), *(update.end for update in updates[-1:])]
    return [(bisect_right(begins, count) - 1, place, text) for count, place, text in hooks.printed]


def _loop(hooks: Hooks, updates: list[Update]) -> int:
    """The place of the loop of which an update is a turn: the outermost one that goes on from an update to the next in the same epoch."""
    if updates[0].run:
        return next(loops[-1][0] for loops, _ in hooks.iterations if loops[-1][1] == updates[0].run)
    counts = [count for _, count in hooks.iterations]
    within = [hooks.iterations[max(bisect_right(counts, update.start) - 1, 0)][0] for update in updates]
    turned = [next((n for n, pair in enumerate(zip(*two, strict=False)) if pair[0] != pair[1]), 0) for two in pairwise(within)]
    return within[0][max(turned, default=-1)][0]


class _Levels:
    """The calls, loops and turns that statements stand within, from the loop of the updates inwards; ``told`` is of each the place of the
    one above or -1, what it is called, where it stands, which one it is, and whether it is a turn of the loop above."""

    def __init__(self, hooks: Hooks, loop: int) -> None:
        self._hooks, self._loop = hooks, loop
        self.told: list[tuple[int, str, tuple[str, int, str], int, bool]] = []
        self._places: dict[int, int] = {}

    def place(self, level: Level | None) -> int:
        """The place of a level, which is told before those within it; -1 for none."""
        within = list[Level]()
        while level and level.site != self._loop:
            within.append(level)
            level = level.above
        above = -1
        for one in reversed(within):
            if id(one) not in self._places:
                self._places[id(one)] = len(self.told)
                file, line, function, texts = self._hooks.sites[one.site]
                turn = one.above is not None and one.above.site == one.site
                said = one.said or (f"turn {one.number}" if turn else texts[0])
                self.told.append((above, said, (file, line, function), one.number, turn))
            above = self._places[id(one)]
        return above


class Recording:
    """The updates of a run.

    Attributes:
        loop: the place of the loop of which an update is a turn.
        updates: of each, the listing that it shares, and the arrays of its places.
        listings: different lists of statements.
        arrays: the numbers; ``layout`` is the type and shape of each.
    """

    def __init__(self, hooks: Hooks, loop: int) -> None:
        self._hooks, self.loop = hooks, loop
        self.updates: list[dict[str, Any]] = []
        self.listings: list[dict[str, Any]] = []
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.layout: list[tuple[str, tuple[int, ...]]] = []
        self._known: dict[str, int] = {}
        self._bytes = 0

    def add(self, writer: Writer, whole: bool) -> None:
        """Note an update, with the numbers of every tensor if that is asked for."""
        levels = _Levels(self._hooks, self.loop)
        order = sorted(writer.order, key=lambda node: node not in writer.live)
        statements = [self._statement(writer, node) | {"level": levels.place(node.level)} for node in order]
        carried = [[writer.place(old), writer.place(new)] for old, new in writer.update.carried.items()]
        live = [(one["text"], one["place"]) for one in statements if one["live"]]
        key = json.dumps([live, carried])
        if key not in self._known:
            self._known[key] = len(self.listings)
            self.listings.append({"statements": [], "levels": [], "carried": carried, "given": {}})
        listing = self.listings[self._known[key]]
        if len(statements) > len(listing["statements"]):
            listing["statements"], listing["levels"] = statements, levels.told
        values, opaque = dict[str, int | None](), {one["place"] for one in statements if one["reason"]}
        for number, (value, slots, text) in writer.given.items():
            place = f"§{number}§"
            values[place] = self._array(value)
            listing["given"].setdefault(
                place, {"slots": [*self._labels(slots), *[(text, True)] * bool(text)], "plain": not isinstance(value, np.ndarray)}
            )
        for node in writer.order:
            if ((whole and node.slots) or writer.place(node) in opaque) and not node.changed:
                values[writer.place(node)] = self._array(node.numbers())
        self.updates.append({"listing": self._known[key], "values": values})

    def _statement(self, writer: Writer, node: Node) -> dict[str, Any]:
        try:
            text, reason = writer.text(node), ""
        except UnwritableError as error:
            text, reason = "", str(error)
        slots = [(slot, visited) for slot, _, visited in node.slots]
        site = next((site for _, site, _ in node.slots if site >= 0), node.site)
        return {
            "place": writer.place(node),
            "text": text,
            "reason": reason,
            "reads": [writer.place(parent) for parent in node.parents() if parent in writer.dependent] if reason else [],
            "slots": self._labels(slots),
            "line": self._hooks.sites[site][:3],
            "from": self._hooks.sites[node.site][:3],
            "live": node in writer.live,
            "partial": node in writer.partial,
            "order": node.number,
            "shape": np.shape(node.value),
        }

    def _labels(self, slots: list[tuple[Slot, bool]]) -> list[tuple[str, bool]]:
        """The names of slots, each with whether it is a loop variable's; an attribute also by the names of its object."""
        found = dict[str, bool]()
        for slot, visited in slots:
            for name in self._names(slot, _DEEP):
                found.setdefault(name, visited)
        return [*found.items()]

    def _names(self, slot: Slot, depth: int) -> list[str]:
        """How a slot is written: as the script does, then by the names of its object, the shortest first."""
        owner, (first, _, attribute) = slot[0], slot[1].partition("\0")
        if not owner or not depth:
            return [f"{first}.{attribute}" if attribute else first]
        others = [name for _, other in self._hooks.owners.get(owner, ()) for name in self._names(other, depth - 1)]
        return [f"{name}.{attribute}" for name in dict.fromkeys([first, *sorted(others, key=len)])]

    def _array(self, value: Any) -> int | None:
        array = np.asarray(value)
        self._bytes += array.nbytes
        if array.dtype.kind not in _NUMBERS or self._bytes > _BYTES:
            return None
        self.arrays.append(np.ascontiguousarray(array).reshape(array.shape))
        self.layout.append((array.dtype.str, array.shape))
        return len(self.arrays) - 1
