"""The recording as a file: a line that says what it is, the length of a JSON text, that text, and the numbers of the arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bpdebug.recorder.graph import Array, Level, Node, Slot
from bpdebug.recorder.hooks import Hooks
from bpdebug.recorder.spelled import UnwritableError
from bpdebug.recorder.writer import Writer

MAGIC = b"bpdebug recording 1\n"
_NUMBERS = "fiub"
_DEEP = 3
"""Objects within objects whose names are looked at."""
_FILE = 2**20
"""Characters of the longest file whose text is kept."""


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

    Args:
        hooks: the run.

    Attributes:
        loop: the place of the loop of which an update is a turn; -1 where none was found.
        loops: the files and lines of all that ran until then.
        updates: of each its number, the listing that it shares, the arrays of its places, and how many bytes they take.
        listings: different lists of statements.
        bytes: what the updates take.
        large: 0, or why the search for updates was ended: the bytes that were too few, 1 for too many operations.
    """

    def __init__(self, hooks: Hooks) -> None:
        self._hooks, self.loop, self.bytes, self.large = hooks, -1, 0, 0
        self.loops: list[tuple[str, int]] = []
        self.updates: list[dict[str, Any]] = []
        self.listings: list[dict[str, Any]] = []
        self._known: dict[str, int] = {}

    def add(self, writer: Writer, number: int, whole: bool) -> None:
        """Note an update, with the numbers of every tensor if that is asked for."""
        levels = _Levels(self._hooks, self.loop)
        order = sorted(writer.order, key=lambda node: node not in writer.live)
        statements = [self._statement(writer, node) | {"level": levels.place(node.level)} for node in order]
        for old in writer.update.carried:
            writer.give(old, old, "")
        carried = [[writer.place(old), writer.place(new)] for old, new in writer.update.carried.items()]
        live = [(one["text"], one["place"]) for one in statements if one["live"]]
        key = json.dumps([live, carried])
        if key not in self._known:
            self._known[key] = len(self.listings)
            self.listings.append({"statements": [], "levels": [], "carried": carried, "given": {}})
        listing = self.listings[self._known[key]]
        if len(statements) > len(listing["statements"]):
            listing["statements"], listing["levels"] = statements, levels.told
        values, opaque = dict[str, Any](), {one["place"] for one in statements if one["reason"]}
        for given, (value, slots, text) in writer.given.items():
            values[place := f"§{given}§"] = value
            labels = [*self._labels(slots), *[(text, True)] * (text[:1] not in ("", "("))]
            listing["given"].setdefault(place, {"slots": labels, "plain": not isinstance(value, np.ndarray)})
        for node in writer.order:
            if ((whole and node.slots) or writer.place(node) in opaque) and not node.changed:
                values[writer.place(node)] = node.numbers()
        self.put(number, self._known[key], values)

    def put(self, number: int, listing: int, values: dict[str, Any]) -> None:
        """Note the numbers of an update."""
        before = {id(value) for value in self.updates[-1]["values"].values()} if self.updates else set[int]()
        size = sum(value.nbytes for value in values.values() if isinstance(value, np.ndarray) and id(value) not in before)
        self.updates.append({"number": number, "listing": listing, "values": values, "bytes": size})
        self.bytes += size

    def forget(self, place: int) -> None:
        """Give up an update."""
        self.bytes -= self.updates.pop(place)["bytes"]

    def write(self, path: Path, told: dict[str, Any]) -> None:
        """Write what was recorded to a file, which is there when it is whole.

        Args:
            path: the file.
            told: what is said beside it.
        """
        hooks, arrays = self._hooks, dict[int, tuple[int, Array]]()
        updates = [one | {"values": {place: _placed(value, arrays) for place, value in one["values"].items()}} for one in self.updates]
        found = {
            "updates": updates,
            "listings": self.listings,
            "arrays": [(array.dtype.str, array.shape) for _, array in arrays.values()],
            "top": [*hooks.top],
            "squares": [*hooks.squares.items()],
            "files": [text for text in hooks.files.values() if len(text[1]) <= _FILE],
            "printed": [*hooks.printed],
            "losses": [(hooks.sites[site][:2], values) for site, values in hooks.losses.items()],
            "asked": hooks.asked,
            "loops": self.loops,
            "large": self.large,
            **told,
        }
        if self.loop >= 0:
            *place, _, (_, first, last) = hooks.sites[self.loop]
            found |= {"loop": place, "body": (int(first), int(last))}
        text = json.dumps(found).encode()
        with (whole := path.with_suffix(".part")).open("wb") as file:
            file.write(MAGIC + b"%d\n" % len(text) + text)
            for _, array in arrays.values():
                file.write(array.tobytes())
        whole.replace(path)

    def _statement(self, writer: Writer, node: Node) -> dict[str, Any]:
        try:
            text, reason = writer.text(node), ""
        except UnwritableError as error:
            text, reason = "", str(error)
        slots = [(slot, visited) for slot, _, visited in node.slots]
        site = node.slots[0][1] if node.slots and node.slots[0][1] >= 0 else node.site  # what is changed in place keeps its names
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
            "renamed": [
                (name, self._hooks.sites[where][:3], order) for name, where, order in self._hooks.graph.renamed.get(node.number, ())
            ],
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


def _placed(value: Any, arrays: dict[int, tuple[int, Array]]) -> int | None:
    """The place of an array among those that are written, once each; None for what is no numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in _NUMBERS:
        return None
    return arrays.setdefault(id(value), (len(arrays), array))[0]
