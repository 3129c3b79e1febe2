"""Which panes are on the screen, and how large: all of them where there is room, else the listing, one beside it, and Why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Side = Literal["left", "right", "top", "bottom"]
Spot = Literal["left", "top", "turn", "middle", "instead", "bottom"]
"""Where a pane stands: left of all others; in the top row, or right of that, where one at a time is shown; in the middle row, or
instead of all that stand there; at the bottom."""

WIDE, TALL = 110, 30
"""From this size on all panes are shown at once."""
BARS = 2
"""Rows of the header and the footer."""
_USUAL = 34
"""Rows of all panes together in which their usual heights are meant."""
_NO_CURVE = 28
"""Columns of the loss pane that has no curve to show."""
LEAST_COLUMNS, LEAST_ROWS = 16, 4
"""A pane's border and what can still be read in it."""
WIDTHS, HEIGHTS = ("program", "network", "values"), ("top", "why")
"""The panes and rows of panes whose size can be chosen; their neighbours take what is left."""


_Row = list[tuple[str, set[str]]]
"""Parts that share a row or column, each with its size's name and the panes in it."""


@dataclass
class Layout:
    """What the user has chosen to see.

    Attributes:
        spots: where each pane stands, in the order in which they are told.
        slot: the pane beside the listing where there is little room.
        upper: the pane beside the network.
        instead: the pane that has the whole middle row, or "".
        maximised: the pane that has the whole body, or "".
        shares: the sizes that the user has chosen, as parts of the room there is.
        curve: whether the loss curve has begun; before that its pane leaves most of its room to the network.
    """

    spots: Mapping[str, Spot]
    slot: str = "values"
    upper: str = "loss"
    instead: str = ""
    maximised: str = ""
    shares: dict[str, float] = field(default_factory=dict)
    curve: bool = True

    def choose(self, name: str) -> None:
        """Bring a pane to the screen."""
        spot = self.spots[name]
        if spot == "turn":
            self.upper = name
        if spot in ("middle", "instead"):
            self.instead = name if spot == "instead" else ""
        if spot not in ("left", "bottom"):
            self.slot = name
        if self.maximised:
            self.maximised = name

    def maximise(self, name: str) -> None:
        """Give a pane the whole body, or take it back."""
        self.maximised = "" if self.maximised else name

    def shown(self, columns: int, rows: int) -> dict[str, bool]:
        """Whether each pane, and each row of panes, is on a screen of that size."""
        if self.maximised:
            there = {self.maximised}
        elif is_small(columns, rows):
            there = {self.slot} | self.at("left", "bottom")
        else:
            middle = {self.instead} if self.instead else self.at("middle")
            there = {self.upper} | middle | self.at("left", "top", "bottom")
        return {name: name in there for name in self.spots} | {
            "top": bool(there & self.at("top", "turn")),
            "middle": bool(there & self.at("middle", "instead")),
            "right": bool(there - self.at("left")),
        }

    def at(self, *spots: Spot) -> set[str]:
        """The panes that stand there."""
        return {name for name, spot in self.spots.items() if spot in spots}

    def sizes(self, columns: int, rows: int) -> dict[str, int | None]:
        """The columns of :data:`WIDTHS` and the rows of :data:`HEIGHTS` on a screen of that size; None for an equal part, or for all."""
        if self.maximised:
            return dict.fromkeys((*WIDTHS, *HEIGHTS))
        small, body = is_small(columns, rows), rows - BARS
        # what the usual formulas take, and on a very wide screen what the longest take
        listing = min(max(38, columns - 140), 60)
        program = self._size("program", columns, 34 if small else listing, LEAST_COLUMNS, LEAST_COLUMNS * (1 if small else 2))
        why = self._size("why", body, 10 if small else _grown(10, body - _USUAL, 16), LEAST_ROWS, LEAST_ROWS * (1 if small else 2))
        made: dict[str, int | None] = {**dict.fromkeys((*WIDTHS, *HEIGHTS)), "program": program, "why": why}
        if not small:
            made["top"] = self._size("top", body, _grown(12, body - _USUAL, 3), LEAST_ROWS, why + LEAST_ROWS)
            early = ["network"] if self.upper == "loss" and not self.curve else []
            chosen = {name for name in ("network", "values") if name in self.shares or name in early}
            room = columns - program
            made |= {name: self._size(name, room, room - _NO_CURVE, LEAST_COLUMNS, LEAST_COLUMNS) for name in chosen}
        return made

    def _size(self, name: str, room: int, usual: int, least: int, others: int) -> int:
        """A chosen or the usual size that leaves room for the others; where there is too little for all, at most half."""
        wanted = round(self.shares[name] * room) if name in self.shares else usual
        return max(min(wanted, room - others), min(least, room // 2), 0)

    def edge(self, pane: str, side: Side, columns: int, rows: int) -> str:
        """The size that changes when a side of a pane is moved; "" for a side at the end of the screen."""
        small, top, middle = is_small(columns, rows), self.at("top", "turn"), self.at("middle", "instead")
        # what stands side by side, the innermost rows first; or one above the other
        whole: _Row = [("program", self.at("left")), ("right", {*self.spots} - self.at("left"))]
        upper: _Row = [("network", self.at("top")), ("upper", self.at("turn"))]
        across = [whole] if small else [upper, [(name, {name}) for name in self.spots if name in self.at("middle")], whole]
        down: _Row = [("middle", top | middle)] if small else [("top", top), ("middle", middle)]
        parts = across if side in ("left", "right") else [[*down, ("why", self.at("bottom"))]]
        for row in () if self.maximised else parts:
            place = next((place for place, (_, panes) in enumerate(row) if pane in panes), -1)
            other = place + (1 if side in ("right", "bottom") else -1)
            if place >= 0 and 0 <= other < len(row):
                return next((name for name in (row[other][0], row[place][0]) if name in (*WIDTHS, *HEIGHTS)), "")
        return ""

    def extent(self, split: str, columns: int, rows: int) -> int:
        """The present size of one of :data:`WIDTHS` or :data:`HEIGHTS`."""
        size = self.sizes(columns, rows)[split]
        return self._room(split, columns, rows) // 2 if size is None else size

    def _room(self, split: str, columns: int, rows: int) -> int:
        """What the parts on both sides of a border have together."""
        if split in HEIGHTS:
            return rows - BARS
        return columns if split == "program" else columns - self.extent("program", columns, rows)

    def put(self, split: str, size: int, columns: int, rows: int) -> None:
        """Choose a size; one that leaves too little to another pane becomes the nearest that does not."""
        room = max(self._room(split, columns, rows), 1)
        self.shares[split] = size / room
        self.shares[split] = self.extent(split, columns, rows) / room

    def resize(self, pane: str, wider: int, taller: int, columns: int, rows: int) -> None:
        """Make a pane wider and taller, or narrower and shorter; one that reaches from end to end stays as it is."""
        sides: tuple[tuple[int, Side, Side], ...] = ((wider, "right", "left"), (taller, "bottom", "top"))
        for by, far, near in sides:
            outwards = bool(self.edge(pane, far, columns, rows))
            split = self.edge(pane, far if outwards else near, columns, rows)
            if by and split:
                self.put(split, self.extent(split, columns, rows) + moved(split, by if outwards else -by), columns, rows)

    def usual(self) -> None:
        """All panes in their usual sizes again."""
        self.shares.clear()


def _grown(usual: int, more: int, part: int) -> int:
    """A height with its part of the rows that a large screen has beyond :data:`_USUAL`, or a third of those it lacks."""
    return usual + (more // part if more > 0 else -(-more // 3))


def moved(split: str, by: int) -> int:
    """By how much a size grows when its border moves right or down."""
    return -by if split == "why" else by


def is_small(columns: int, rows: int) -> bool:
    """Whether there is too little room for all panes at once."""
    return columns < WIDE or rows < TALL
