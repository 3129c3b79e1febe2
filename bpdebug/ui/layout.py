"""Which panes are on the screen, and where: as many as there is room for, at the least the listing, one beside it, and Why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from textual.geometry import Region

Side = Literal["left", "right", "top", "bottom"]
Spot = Literal["left", "below", "top", "turn", "middle", "instead", "bottom", "source", "output"]
"""Where a pane stands: left of all others, or below that; in the top row, or right of that, where one at a time is shown; in the middle
row, or instead of all that stand there, and on a very large screen below them; at the bottom. What finds no room below the listing
stands in turn with others. Of a script, its source stands beside the listing, or in turn with it, and what it prints below that."""

WIDE, TALL = 110, 30
"""From this size on most panes are shown at once."""
_VERY_WIDE, _VERY_TALL = 160, 48
"""From this size on all are."""
BARS = 2
"""Rows of the header and the footer."""
_USUAL = 34
"""Rows of all panes together in which their usual heights are meant."""
_NO_CURVE = 28
"""Columns of the loss pane that has no curve to show."""
_BELOW = 8
"""Rows below the listing that are worth a pane."""
LEAST_COLUMNS, LEAST_ROWS = 16, 4
"""A pane's border and what can still be read in it."""


class Part(NamedTuple):
    """A pane, or several parts side by side or one above the other, of which one takes what the others leave.

    Attributes:
        pane: which; "" for several.
        name: of its size, which can be chosen.
        usual: its columns or rows; as a fraction, of the room that the parts share; below 0, what it leaves of that; None for what the
            others leave.
        parts: from left to right, or where ``down`` from top to bottom.
        lines: the rows that are enough, where that is fewer than usual.
    """

    pane: str
    name: str = ""
    usual: float | None = None
    parts: tuple[Part, ...] = ()
    down: bool = False
    lines: int = 0

    def holds(self, pane: str) -> bool:
        """Whether it is a pane, or one is in it."""
        return pane == self.pane or any(part.holds(pane) for part in self.parts)

    def least(self, down: bool) -> int:
        """The rows, or columns, that it needs."""
        own = [min(LEAST_ROWS, self.lines or LEAST_ROWS) if down else LEAST_COLUMNS, *(part.least(down) for part in self.parts)]
        return sum(own[1:]) if self.parts and self.down == down else max(own)


class Placed(NamedTuple):
    """A part on the screen, and along the direction of those beside it its extent and the room of all of them."""

    part: Part
    region: Region
    extent: int
    room: int


@dataclass
class Layout:
    """What the user has chosen to see. Every size is one of the screen, ``columns`` and ``rows`` with its bars.

    Attributes:
        spots: where each pane stands, in the order in which they are told.
        slot: the pane beside the listing where there is little room.
        upper: the pane beside the network.
        instead: the pane that has the whole middle row, or "".
        maximised: the pane that has the whole body, or "".
        shares: the sizes that the user has chosen, as parts of the room there is.
        curve: whether the loss curve has begun; before that its pane leaves most of its room to the network.
        further: the pane that stands below the listing where that leaves room, on a very large screen else beside the explanation.
        formulas: the columns, with their border, in which nearly all formulas of the listing can be seen.
        listing, matrices: the rows, with their borders, in which the whole listing and the matrices of a stage can be seen.
        script: whether the program is a script, and how many lines it has printed; None where it is none.
        left: of a script where there is little room, the listing or the source.
    """

    spots: Mapping[str, Spot]
    slot: str = "values"
    upper: str = "loss"
    instead: str = ""
    maximised: str = ""
    shares: dict[str, float] = field(default_factory=dict)
    curve: bool = True
    further: str = "surface"
    formulas: int = 38
    listing: int = 100
    matrices: int = 8
    script: int | None = None
    left: str = "source"

    def at(self, *spots: Spot) -> list[str]:
        """The panes that stand there."""
        return [name for name, spot in self.spots.items() if spot in spots]

    def choose(self, name: str, columns: int, rows: int) -> None:
        """Bring a pane to the screen."""
        alone, self.maximised = self.maximised, ""
        spot, stands = self.spots[name], name in self._standing(columns, rows)
        if self.script is None and spot in ("source", "output"):
            spot = "turn"
        if spot in ("left", "source"):
            self.left, spot = name, "left"
        if spot in ("turn", "below") and not stands:
            self.upper = name
        if spot in ("middle", "instead") and not stands:
            self.instead = name if spot == "instead" else ""
        if spot not in ("left", "bottom") and not stands:
            self.slot = name
        if alone:
            self.maximised = name

    def maximise(self, name: str) -> None:
        """Give a pane the whole body, or take it back."""
        self.maximised = "" if self.maximised else name

    def _standing(self, columns: int, rows: int) -> list[str]:
        """The panes that there is room for besides the usual ones."""
        large = columns >= _VERY_WIDE and rows >= _VERY_TALL
        if self.script is not None:
            shown = self.at("source", "instead") + self.at("output") * bool(self.script)
            return [] if is_small(columns, rows) else [*shown, *[self.upper] * large]
        return [self.further] * (large or self._below(rows)) + self.at("instead") * large

    def _below(self, rows: int) -> bool:
        """Whether the listing leaves room for a pane."""
        return rows - BARS - self.listing >= _BELOW

    def _whole(self, columns: int, rows: int) -> Part:
        """All that is on the screen."""
        if self.maximised:
            return Part(self.maximised)
        if self.script is not None:
            return self._beside_source(columns, rows)
        small, standing, more = is_small(columns, rows), self._standing(columns, rows), rows - BARS - _USUAL
        # what the usual formulas take, and on a very wide screen what the longest take
        listing = 34 if small else max(38, min(columns - 140, 60), min(self.formulas, columns // 3))
        (program,), (why,) = self.at("left"), self.at("bottom")
        left, explained = Part(program, "program", listing), Part(why, "why", 10 if small else _grown(12, more, 8))
        if self._below(rows):
            left = Part("", "program", listing, (Part(program, "listing", self.listing), Part(self.further)), down=True)
        elif self.further in standing:
            explained = Part("", "why", explained.usual, (Part(why, "explained", 0.6), Part(self.further)))
        upper, instead = (("loss" if name in standing else name) for name in (self.upper, "" if self.instead in standing else self.instead))
        slot = self.slot if self.slot not in standing else "values"
        (values, deltas), chosen = self.at("middle"), slot if small else instead
        middle = [Part(slot) if small else Part("", parts=(Part(values, "values", 0.5), Part(deltas)))]
        for name in self.at("instead"):  # the matrices have as many rows as they need
            if name == chosen:
                middle, explained = [Part(name, "equation", min(self.matrices, (rows - BARS) // 2))], Part(why)
            elif name in standing:
                middle.append(Part(name, "equation", min(self.matrices, rows // 5)))
        network = -_NO_CURVE if upper == "loss" and not self.curve else 0.5
        top = Part("", "top", _grown(11, more, 8), (Part(self.at("top")[0], "network", network), Part(upper)))
        return Part("", parts=(left, Part("", parts=(*[top][small:], *middle, explained), down=True)))

    def _beside_source(self, columns: int, rows: int) -> Part:
        """All that is on the screen where the program is a script."""
        (program,), (source,), (output,) = self.at("left"), self.at("source"), self.at("output")
        (values, deltas), (why,), (equation,) = self.at("middle"), self.at("bottom"), self.at("instead")
        slot = Part(self.slot)
        if is_small(columns, rows):
            left = Part(self.left, "source" if self.left == source else "program", 0.56 if self.left == source else 34)
            return Part("", parts=(left, Part("", parts=(slot, Part(why, "why", 10)), down=True)))
        standing, more = self._standing(columns, rows), rows - BARS - _USUAL
        if self.slot in (values, deltas, *standing):
            slot = Part("", parts=(Part(values, "values", 0.5), Part(deltas)), down=True)
        said = [Part(output, "output", min((self.script or 0) + 2, max(rows // 6, 3)), lines=3)] * (output in standing)
        left = Part(program, "program", min(max(self.formulas, 30), int(columns * 0.28)))
        upper = (left, Part("", "source", 0.42, (Part(source), *said), down=True), slot)
        last = [Part(self.upper, "loss", 0.25)] if self.upper in standing else []
        lower = (Part(why), Part(equation, "equation", 0.37 if last else 0.45), *last)
        return Part("", parts=(Part("", parts=upper), Part("", "why", _grown(12, more, 8), lower)), down=True)

    def _placed(self, part: Part, region: Region) -> Iterator[Placed]:
        """The parts of one, and theirs, in their places."""
        room = region.height if part.down else region.width
        sizes, left, others = dict[Part, int](), room, sum(one.least(part.down) for one in part.parts)
        for one in reversed([one for one in part.parts if one.usual is not None]):
            usual = (one.usual or 0) * (room if isinstance(one.usual, float) else 1)
            wanted = round(self.shares[one.name] * room) if one.name in self.shares else int(usual if usual >= 0 else room + usual)
            # a size that leaves room for the others; where there is too little for all, at most half
            least = one.least(part.down)
            others -= least
            sizes[one] = max(min(wanted, left - others), min(least, room // 2), 0)
            left -= sizes[one]
        for one in part.parts:
            size = sizes.get(one, left)
            taken, region = region.split_horizontal(size) if part.down else region.split_vertical(size)
            yield Placed(one, taken, size, room)
            yield from self._placed(one, taken)

    def regions(self, columns: int, rows: int, height: int | None = None) -> dict[str, Region]:
        """The places of all panes that are on a screen of that size, whose body has so many rows where the bars take more than usual."""
        whole = self._whole(columns, rows)
        region = Region(0, 0, columns, max(rows - BARS if height is None else height, 0))
        return {part.pane: place for part, place, *_ in (Placed(whole, region, 0, 0), *self._placed(whole, region)) if part.pane}

    def _sized(self, name: str, columns: int, rows: int) -> Placed:
        found = self._placed(self._whole(columns, rows), Region(0, 0, columns, max(rows - BARS, 0)))
        return next(placed for placed in found if placed.part.name == name)

    def edge(self, pane: str, side: Side, columns: int, rows: int) -> tuple[str, int]:
        """The size that changes when a side of a pane is moved, and by how much it does for each place to the right or down: 1, or -1;
        "" for a side at the end of the screen."""
        part, found = self._whole(columns, rows), ("", 0)
        while part.parts and part.holds(pane):
            place = next(place for place, one in enumerate(part.parts) if one.holds(pane))
            before = place if side in ("right", "bottom") else place - 1
            if part.down == (side in ("top", "bottom")) and 0 <= before < len(part.parts) - 1:
                others = next(place for place, one in enumerate(part.parts) if one.usual is None)
                found = (part.parts[before].name, 1) if before < others else (part.parts[before + 1].name, -1)
            part = part.parts[place]
        return found

    def extent(self, split: str, columns: int, rows: int) -> int:
        """The present size of that name."""
        return self._sized(split, columns, rows).extent

    def put(self, split: str, size: int, columns: int, rows: int) -> None:
        """Choose a size; one that leaves too little to another pane becomes the nearest that does not."""
        room = max(self._sized(split, columns, rows).room, 1)
        self.shares[split] = size / room
        self.shares[split] = self.extent(split, columns, rows) / room

    def resize(self, pane: str, wider: int, taller: int, columns: int, rows: int) -> None:
        """Make a pane wider and taller, or narrower and shorter; one that reaches from end to end stays as it is."""
        sides: tuple[tuple[int, Side, Side], ...] = ((wider, "right", "left"), (taller, "bottom", "top"))
        for by, far, near in sides:
            outwards = bool(self.edge(pane, far, columns, rows)[0])
            split, grows = self.edge(pane, far if outwards else near, columns, rows)
            if by and split:
                self.put(split, self.extent(split, columns, rows) + grows * (by if outwards else -by), columns, rows)


def _grown(usual: int, more: int, part: int) -> int:
    """A height with its part of the rows that a large screen has beyond :data:`_USUAL`, or a third of those it lacks."""
    return usual + (more // part if more > 0 else -(-more // 3))


def is_small(columns: int, rows: int) -> bool:
    """Whether there is too little room for most panes at once."""
    return columns < WIDE or rows < TALL
