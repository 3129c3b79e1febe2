"""A stage as an equation of matrices: what goes into the selected number is lit, the rest is dim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bpdebug.core.cells import Cell
from bpdebug.core.numbers import minus
from bpdebug.core.record import Record
from bpdebug.core.render import render_name
from bpdebug.look.equation import COLUMN, ROW, Equation, Operand
from bpdebug.session.view import View
from bpdebug.ui.draw.equation_fit import Fit, Group, fit
from bpdebug.ui.draw.formula_lines import formula_lines
from bpdebug.ui.draw.glyphs import HATCH, key_of
from bpdebug.ui.draw.layers import origin_of
from bpdebug.ui.draw.matrix_cells import Look
from bpdebug.ui.draw.program import formula_text
from bpdebug.ui.draw.spans import Line, Span, line, plain, width, wrap
from bpdebug.ui.draw.spans import fit as fitted
from bpdebug.ui.draw.why import why_lines


class Spot(Record):
    """Where a cell of a tensor is drawn."""

    x: int
    y: int
    width: int
    name: str
    index: Cell


@dataclass(eq=False)
class Picture:
    """A drawn equation: its lines, and which cell stands where."""

    lines: list[Line] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)

    def cell_at(self, x: int, y: int) -> tuple[str, Cell] | None:
        """The tensor and the cell drawn at a place."""
        return next(((spot.name, spot.index) for spot in self.spots if spot.y == y and spot.x <= x < spot.x + spot.width), None)


def equation_picture(view: View, columns: int, rows: int, alone: bool = False) -> Picture:
    """The equation of the view in that many columns; ``alone`` on the screen, it has below it how the selected number comes about."""
    equation = view.equation
    if equation is None:
        return Picture([fitted(drawn, columns) for drawn in _empty(view, columns)])
    drawing = _Drawing(view, equation, fit(equation, view.number_style, _centres(view, equation), columns, rows - alone * rows // 3))
    lines = drawing.lines()
    if alone:
        lines += [(), *why_lines(view, columns, rows - len(lines) - 1)]
    return Picture([fitted(drawn, columns) for drawn in lines], drawing.spots)


def _empty(view: View, columns: int) -> list[Line]:
    name = view.position.next
    if name is None:
        return wrap(f"The training is complete: {key_of('reverse-step')} goes back to its last stage.", columns, "dim")
    into, back = key_of("into"), key_of("reverse-into")
    first = line((into, "key"), " runs a stage and goes into it")
    formula = line(": ", (render_name(name, view.style), "name"), f" = {formula_text(view, view.program.stage(name))}")
    lines = wrap(f"There each {into} goes on to the next cell, and {back} back: what goes into the cell is lit.", columns, "dim")
    if width((*first, *formula)) <= columns:
        return [(*first, *formula), *lines]
    return [first, *formula_lines(plain(formula[1:]), columns, "", "    "), *lines]


def _centres(view: View, equation: Equation) -> dict[str, int]:
    """Where on each axis what is looked at stands: the cell of the result, and the operand that Enter goes to."""
    row, column = equation.cell or (0, 0)
    centres = {ROW: row, COLUMN: column}
    for operand in equation.operands:
        chosen = _chosen(view, operand)
        for axis, place in zip(operand.axes, chosen, strict=True) if chosen else ():
            centres.setdefault(axis, place)
    return centres


def _chosen(view: View, operand: Operand) -> tuple[int, int] | None:
    """The row and column of the cell that Enter goes to, where it is in this operand."""
    name, index = origin_of(view) or ("", ())
    return operand.place(index) if name and name == operand.name else None


class _Drawing:
    """The lines of an equation, and where its cells stand."""

    def __init__(self, view: View, equation: Equation, chosen: Fit) -> None:
        self._view, self._equation, self._fit = view, equation, chosen
        self.spots: list[Spot] = []

    def lines(self) -> list[Line]:
        """All shelves, one below the other."""
        drawn: list[Line] = []
        for place, shelf in enumerate(self._fit.shelves):
            drawn += self._shelf(shelf, len(drawn), 2 if place else 0)
        return drawn

    def _shelf(self, shelf: tuple[Group, ...], top: int, left: int) -> list[Line]:
        """The groups side by side, each matrix in the middle of the height."""
        canvas: list[Line] = [()] * self._fit.height(shelf)
        tallest = self._fit.matrix_height(shelf)

        def put(place: int, drawn: Line) -> None:
            if width(drawn):
                canvas[place] += ((" " * (left - width(canvas[place])), ""), *drawn)

        for group in shelf:
            middle, (before, after) = 1 + (tallest - 1) // 2, self._fit.signs(group)
            put(middle, line((before, "bold")))
            left += len(before)
            start = 1 + (tallest - len(self._fit.windows[group][0])) // 2
            for place, drawn in enumerate(self._block(group, left, top + start), start - 1):
                put(place, drawn)
            left += self._fit.width(group)
            put(middle, line((after, "bold")))
            left += len(after)
        return [tuple(span for span in drawn if span[0]) for drawn in canvas]

    def _block(self, group: Group, left: int, top: int) -> Iterator[Line]:
        """An operand: the caption, then what stands below it from line ``top`` on."""
        operand = group.operand
        caption = line((operand.caption, "next" if group.is_result else "name" if operand.name else ""), (group.shape_text, "dim"))
        room = self._fit.width(group)
        yield caption if width(caption) <= room + 1 else fitted(caption[:-1], room)
        if group.is_number:
            self._spot(operand, left, top, len(group.number), 0, 0)
            yield line((group.number, "cursor" if group.is_result and self._equation.cell else "bold" if operand.caption else ""))
            return
        (rows, columns), shape, folded = self._fit.windows[group], group.shape, operand.folded
        sides = ("…" if columns.start else "", "…" if columns.stop < shape[1] else "")
        for y, row in enumerate(rows, top):
            first, last = row == rows[0], row == rows[-1]
            shapes = "[]" if first and last else "⎡⎤" if first else "⎣⎦" if last else "⎢⎥"
            more = (first and rows.start > 0) or (last and rows.stop < shape[0])
            opened, closed = "⋮⋮" if more else (side or bracket for side, bracket in zip(sides, shapes, strict=True))
            cells = self._row(group, row, left, y)
            arrow = ("→", self._arrow(group, row, 0)) if folded == 1 else ("", "")
            yield ((opened, "dim"), *cells, (self._fit.gap, ""), (closed, "dim"), arrow)
        if folded == 0:  # an arrow below each column that is summed
            wide = self._fit.looks[group].width
            yield ((" " + self._fit.gap, ""), *(("↓".center(wide) + " ", self._arrow(group, 0, column)) for column in columns))

    def _row(self, group: Group, row: int, left: int, y: int) -> Iterator[Span]:
        """The cells of a row, after the bracket at the left."""
        look, gap, x = self._fit.looks[group], self._fit.gap, left + 1
        cell, part = self._equation.cell, self._equation.result.part
        walked = group.is_result and self._equation.inside and cell is not None
        for column in self._fit.windows[group][1]:
            hidden = walked and part.index(row, column) > part.index(*cell or (0, 0))  # it lies ahead
            yield gap, ""
            text = HATCH * look.width if hidden else minus(look.text(group.operand.value[row, column]))
            yield text, "faint" if hidden else self._role(group, look, row, column)
            self._spot(group.operand, x + len(gap), y, look.width, row, column)
            x, gap = x + len(gap) + look.width, " "

    def _spot(self, operand: Operand, x: int, y: int, columns: int, row: int, column: int) -> None:
        cell = operand.cell(row, column)
        if cell:
            self.spots.append(Spot(x, y, columns, *cell))

    def _role(self, group: Group, look: Look, row: int, column: int) -> str:
        """The look of a cell: the result's selected one, those that make it, and the rest."""
        cell, heat = self._equation.cell, look.heat(float(group.operand.value[row, column]))
        if cell is None:
            return heat
        if group.is_result:
            return "cursor" if cell == (row, column) else heat
        if not self._lit(group, row, column):
            return heat if heat == "bad" else f"{heat.replace('heat', 'faded')} dim".strip()
        return f"{heat} bold" + " lit" * (_chosen(self._view, group.operand) == (row, column))

    def _lit(self, group: Group, row: int, column: int) -> bool:
        """Whether a cell goes into the selected number, or none is selected."""
        rows, columns = group.operand.parts_of(self._equation.cell) if self._equation.cell else (None, None)
        return rows in (None, row) and columns in (None, column)

    def _arrow(self, group: Group, row: int, column: int) -> str:
        return "next" if self._lit(group, row, column) else "faint"
