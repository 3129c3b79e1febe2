"""The panes of tables: tensors of the layer in focus, with the cell cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size

from bpdebug.core.cells import Cell, NamedCell, cell_name
from bpdebug.core.numbers import NumberStyle
from bpdebug.core.record import replace
from bpdebug.look.groups import group_of, groups_of
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.ui.draw.bars import ARROWS, ORIGIN, PARTS, HintOf, command_keys, has_parts, own_keys
from bpdebug.ui.draw.glyphs import nothing_yet
from bpdebug.ui.draw.layers import (
    around,
    counterpart,
    deltas_of,
    focus,
    gradient_names,
    in_order,
    in_stage,
    is_gradient,
    is_past,
    origin_of,
    values_of,
)
from bpdebug.ui.draw.matrix import layout_line, note_text, past_text
from bpdebug.ui.draw.matrix_block import Block, Sight, nearest
from bpdebug.ui.draw.matrix_layout import Layout, blocks_of, make_layout, step_from
from bpdebug.ui.draw.matrix_overview import has_overview, overview_cell, overview_lines, pictured_among
from bpdebug.ui.draw.spans import Line, first_that_fits, fit
from bpdebug.ui.painting import few_colors
from bpdebug.ui.pane import Pane, pane
from bpdebug.ui.pointing import CELL_KEYS, CellChosen

_PICTURE = range(12, 25)
"""Columns that the overview of a large tensor may take; about a fifth of the pane."""
_FURTHER = 8
"""Tensors of other groups that are tried whether there is room for them."""


class MatrixPane(Pane):
    """Tensors as tables, with the cell cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *CELL_KEYS,
        Binding("shift+up,ctrl+up", "cursor(-10, 0)", "ten rows up", show=False),
        Binding("shift+down,ctrl+down", "cursor(10, 0)", "ten rows down", show=False),
        Binding("pageup", "layer(-1)", "the group before", show=False),
        Binding("pagedown", "layer(1)", "the group after", show=False),
        Binding(PARTS[0], "part(-1)", "the part before", show=False),
        Binding(PARTS[1], "part(1)", "the part after", show=False),
    ]

    gradients = False
    layout_of = Layout(())
    _aside = 0
    _names: Sequence[str] = ()

    @property
    def numbers(self) -> Size:
        """The room for the numbers, beside the overview."""
        return Size(max(self.area.width - self._aside, 0), self.area.height)

    def names(self, view: View) -> list[str]:
        """The tensors shown."""
        raise NotImplementedError

    def prepare(self, view: View) -> None:
        """Place the blocks; keep the cursor, or the stage that has just run, in sight."""
        columns, rows = self.size
        names = self._names = self.names(view)
        self._aside = _aside(columns) if has_overview(view, names, columns, rows) else 0
        self.layout_of = make_layout(view, names, columns - self._aside, rows)
        if self.layout_of.height > rows:
            self.layout_of = self._essential(view, names) or make_layout(view, names, self.beside_scrollbar.width - self._aside, rows)
        else:
            self._names, self.layout_of = self._filled(view, names, around(view, names, self.gradients), self.layout_of, _FURTHER)
        self.extend(self.layout_of.width + self._aside, self.layout_of.height)
        note, past, here = (
            note_text(view, self.layout_of, columns - 4),
            past_text(view, names),
            [name for name in names if name in view.tensors],
        )
        if not past or view.position.at_end:
            note = note or nothing_yet(view, names, columns - 2)
        state = "bad" if any(map(view.is_broken, here)) else "past" if past else "" if here else "empty"
        past = f"  {past}".rstrip()
        self.frame(self.heading(view, columns - len(past)) + past, note, state)
        if self._wanted(view):
            self._keep_in_sight()
            self.call_after_refresh(self._keep_in_sight)  # a scrollbar that has just appeared takes room
        else:
            self.scroll_to(0, 0, animate=False, force=True)

    def heading(self, view: View, columns: int) -> str:
        """What the border says of what is shown."""
        return f"{self.title}  {focus(view)}"

    def _essential(self, view: View, names: list[str]) -> Layout | None:
        """What the stage in sight reads and makes, at least the parts around the cells that make the selected number, and as many of the
        other tensors as there is room for beside it; None for large tensors, and where the only one of them can be scrolled to its cell."""
        kept = [name for name in names if name in in_stage(view)]
        if self._aside or not kept or any(block.large for block in blocks_of(view, kept)):
            return None
        digits = (view.number_style.digits, 3, 2) if view.number_style.kind == "auto" else ()
        views = [view, *(replace(view, number_style=NumberStyle("auto", few)) for few in digits[1:])]
        sought = [cell[0] for cell in (view.selected, origin_of(view)) if cell]
        kept.sort(key=lambda name: name not in sought)
        while len(kept) > 1 and make_layout(views[-1], kept, *self.size, 1).height > self.size.height:
            kept.pop()  # not even a row of each has room
        kept = in_order(view.program, kept)
        scrolled = len(kept) == 1 and kept[0] in sought
        for most, seen in product((0, *range(self.size.height - 1, 0, -1)), views[: 1 if scrolled else None]):
            found = make_layout(seen, kept, *self.size, most)
            if found.height <= self.size.height and (most or found.width <= self.size.width):
                break
        if found.height > self.size.height or (scrolled and most):
            return None
        own = sorted(names, key=lambda name: group_of(view.program, name) != focus(view))
        return found if most else self._filled(seen, kept, own, found)[1]

    def _filled(self, view: View, names: list[str], others: list[str], found: Layout, most: int = 1000) -> tuple[list[str], Layout]:
        """As many of other tensors as there is room for beside some, of which so many are tried."""
        for name in [other for other in others if other not in names][:most]:
            more = in_order(view.program, [*names, name])
            wider = make_layout(view, more, self.size.width - self._aside, self.size.height)
            if wider.height <= self.size.height and wider.width <= max(found.width, self.size.width):
                names, found = more, wider
        return names, found

    def _keep_in_sight(self) -> None:
        """Scroll to the cell cursor and the operand."""
        sight = self._wanted(self.view) if self.view else None
        if sight:
            near = Region(*self.scroll_offset, *self.numbers).grow((self.area.height, self.area.width) * 2)
            self.scroll_to_region(sight.grow((0, self._aside, 0, 0)), animate=False, force=True, center=not near.overlaps(sight))

    def _wanted(self, view: View) -> Region | None:
        """What should be visible: the cell cursor and the operand that ``origin`` goes to, as much of their tensors as the pane holds;
        where it does not hold both cells, the cursor's tensor; None where neither is here."""
        cells = [cell for cell in (view.selected, origin_of(view)) if cell and self.layout_of.find(cell[0])]
        if len(cells) == 2:
            first, second = (self._sights(*cell) for cell in cells)
            both = (here.union(there) for here, there in product(first, second))
            found = next((sight for sight in both if sight.height <= self.numbers.height and sight.width <= self.numbers.width), None)
            if found:
                return found
        return self._sights(*cells[0])[0] if cells else None

    def _sights(self, name: str, index: Cell) -> tuple[Region, Region]:
        """As much of a cell's tensor as the pane holds; and the least: the cell's row with what stands above the tensor, or where the
        user's own numbers are compared with it, no less."""
        block = next(block for block in self.layout_of.blocks if block.name == name)
        row, column = block.part.place(index)
        left = block.first_column(column, self.scroll_offset.x, self.numbers.width) * block.cell
        bottom, size = self.layout_of.bottom_of(name), self.numbers
        # all of the tensor's blocks where they fit, else its own, else its beginning, else the cell; of a wide one all columns that fit
        # from there on, so that the first of them is a whole one
        across, width = (block.left + left, size.width) if block.width > size.width else (block.left, block.width)
        heights = [bottom - block.top, block.bottom - block.top, *[size.height] * (block.head + row + 1 <= size.height)]
        height = next((height for height in heights if height <= size.height), 0)
        sight = Region(across, block.top, width, height) if height else _cell_sight(block, row, across, width)
        return sight, sight if bottom > block.bottom else _cell_sight(block, row, sight.x, sight.width)

    def line_at(self, view: View, y: int) -> Line:
        """See :func:`bpdebug.ui.draw.matrix.layout_line`; the overview stands to the right of it and is not scrolled."""
        room, start = self._room.width - self._aside, self.scroll_offset
        drawn = layout_line(view, self.layout_of, y, start.x, room, range(start.y, start.y + self._room.height))
        beside, at = self._overview(view) if self._aside else [], y - start.y
        return (*fit(drawn, room), (" ", ""), *beside[at]) if at < len(beside) else drawn

    @property
    def pictured(self) -> tuple[Block, Sight] | None:
        """The large tensor with the cell cursor in it, or where it is elsewhere, with most of the lines in sight, and what is to be seen
        of it."""
        if not self._aside or self.view is None:
            return None
        known = pictured_among(self.view, [block.name for block in self.layout_of.blocks])
        x, y = self.scroll_offset
        large = (block for block in self.layout_of.blocks if block.large and block.name in known)
        seen = ((block, block.sight(x, y, self.numbers.width, self.numbers.height)) for block in large)
        return max(seen, key=lambda found: found[1].bottom - found[1].top, default=None)

    def _overview(self, view: View) -> list[Line]:
        """The lines of the overview, drawn once for all lines of the pane."""
        found, size, signs = self.pictured, (self._aside - 1, self._room.height), few_colors(self)
        return once(view, ("overview", found, size, signs), lambda: overview_lines(view, *found, *size, signs) if found else [])

    def action_cursor(self, down: int, right: int) -> None:
        """Move the cell cursor; with one step over the edge of a tensor it goes to the next one."""
        view = self.view
        if view is None:
            return
        # also to tensors that there is no room for now: what is come to is in sight
        layout = make_layout(view, [*self._names], self.beside_scrollbar.width - self._aside, self.size.height)
        block, (name, index) = layout.find(view.selected[0]) if view.selected else None, view.selected or ("", ())
        known = {name for name in view.tensors if not is_past(view, name)}
        found: NamedCell | None
        if block is None:
            first = next((block for block in layout.blocks if block.name in known), None)
            found = (first.name, first.part.index(0, 0)) if first else None
        elif abs(down) + abs(right) > 1:
            row, column = block.part.place(index)
            found = name, nearest(block.part, row + down, column + right)
        else:
            found = step_from(layout, known, block, index, down, right)
        if found:
            self.post_message(CellChosen(*found))

    def action_part(self, by: int) -> None:
        """Go to another part of a tensor with more than two axes: the same row and column, at the next place along the others."""
        name, index = self.view.selected or ("", ()) if self.view else ("", ())
        block = self.layout_of.find(name)
        part = block.part.beside(by) if block else None
        if block and part:
            self.post_message(CellChosen(name, part.index(*block.part.place(index))))

    def action_layer(self, by: int) -> None:
        """Go to the same tensor of the group before or after."""
        view = self.view
        if view is None:
            return
        groups, (name, index) = groups_of(view.program), view.selected or ("", ())
        place = groups.index(focus(view)) + by
        there = counterpart(view, name, groups[place]) if 0 <= place < len(groups) else ""
        if there:
            shape = view.shapes[there]
            places = zip((*index, *(0,) * len(shape)), shape, strict=False)
            self.post_message(CellChosen(there, tuple(min(place, length - 1) for place, length in places)))

    def cell_under(self, place: Offset) -> NamedCell | None:
        """The cell that the mouse points at; in the overview, the one in the middle of the patch."""
        view, x = self.view, place.x - self.numbers.width
        if view is None:
            return None
        if self._aside and x >= 0:
            pictured = self.pictured
            cell = overview_cell(pictured[0], self._aside - 1, self.area.height, x - 1, place.y) if pictured else None
            return _cell(pictured[0], *cell) if pictured and cell else None
        name, cell = self.layout_of.cell_at(*(place + self.scroll_offset), begin=self.scroll_offset) or ("", None)
        block = self.layout_of.find(name) if name in view.tensors and not is_past(view, name) else None
        return _cell(block, *cell) if block and cell else None

    def spots(self) -> Iterator[tuple[Offset, str]]:
        """The tables whose titles are in sight."""
        for block in self.layout_of.blocks:
            place = Offset(block.left, block.top) - self.scroll_offset
            if self.view and not block.theirs and self.numbers.contains_point(place):
                there = block.name in self.view.tensors and not is_past(self.view, block.name)
                cell = cell_name(block.name, (0,) * len(self.view.shapes[block.name]))
                yield place, f"select {cell}" if there else f"goto {block.name}"


def _cell(block: Block, row: int, column: int) -> NamedCell:
    return block.name, block.part.index(row, column)


def _aside(columns: int) -> int:
    """The columns of the overview with the gap before it."""
    return min(max(columns // 5, _PICTURE.start), _PICTURE.stop - 1) + 1


def _cell_sight(block: Block, row: int, left: int, width: int) -> Region:
    """A row with what stays above it."""
    above = len(block.lasting)
    return Region(left, block.first + row - above, width, above + 1)


def _hints(names: Callable[[View], list[str]]) -> list[HintOf]:
    """The arrows where one of the tensors has a value, what goes through its parts where it has several, and where its cells come from."""
    arrows = own_keys("cell", *ARROWS, when=lambda view: any(name in view.tensors for name in names(view)))
    return [arrows, own_keys("part", *PARTS, when=has_parts), command_keys("axes"), *ORIGIN]


@pane("values", "4", "middle", hints=_hints(values_of), cells=True)
class ValuesPane(MatrixPane):
    """Weighted sums, activations, weights and inputs of the layer in focus."""

    def names(self, view: View) -> list[str]:
        """See :func:`bpdebug.ui.draw.layers.values_of`; on a small screen, which hides the other pane, also the gradients that the stage
        reads."""
        return in_order(view.program, [*values_of(view), *(in_stage(view) if self.app.has_class("small") else ())])


@pane("deltas", "5", "middle", hints=_hints(deltas_of), cells=True)
class DeltasPane(MatrixPane):
    """Gradients of the layer in focus."""

    title = "5 Gradients"
    gradients = True

    def names(self, view: View) -> list[str]:
        """See :func:`bpdebug.ui.draw.layers.deltas_of`; on a small screen, which hides the other pane, also the values that the stage
        reads."""
        read = in_stage(view) if self.app.has_class("small") else []
        told = view.position.at_end or any(is_gradient(view.program, name) for name in read)
        return in_order(view.program, [*deltas_of(view), *(read if told else ())])

    def heading(self, view: View, columns: int) -> str:
        """Which gradients they are; that of a weighted sum has a name of its own, δ."""
        told, group = gradient_names(view), focus(view)
        return first_that_fits(("  ".join((self.title, *more)) for more in ((group, *told), told, (group,), ())), columns - 2)
