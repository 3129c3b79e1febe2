"""A stage as an equation of matrices: what goes into the selected number is lit, the rest is dim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bpdebug.core.cells import NamedCell
from bpdebug.core.numbers import minus
from bpdebug.look.equation import COLUMN, ROW, Equation, Operand
from bpdebug.session.view import View
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.equation_fit import INDENT, Fit, Group, fit
from bpdebug.ui.draw.formula_lines import formula_behind
from bpdebug.ui.draw.glyphs import HATCH, key_of
from bpdebug.ui.draw.layers import origin_of
from bpdebug.ui.draw.matrix_block import Look
from bpdebug.ui.draw.program import formula_text
from bpdebug.ui.draw.spans import Line, Span, line, width, wrap
from bpdebug.ui.draw.spans import fit as fitted
from bpdebug.ui.draw.why import why_lines


class Picture(NamedTuple):
    """A drawn equation: its lines, and which cell of which tensor stands at a column and row."""

    lines: list[Line]
    cells: Mapping[tuple[int, int], NamedCell]


def equation_picture(view: View, columns: int, rows: int, alone: bool = False) -> Picture:
    """The equation of the view in that many columns; ``alone`` on the screen, it has below it how the selected number comes about."""
    equation = view.equation
    if equation is None:
        return Picture([fitted(drawn, columns) for drawn in _empty(view, columns)], {})
    chosen = fit(equation, view.number_style, _centres(view, equation), columns, rows - alone * rows // 3)
    canvas = _Drawing(view, equation, chosen).canvas
    lines = canvas.lines()
    if alone:
        lines += [(), *why_lines(view, columns, rows - len(lines) - 1)]
    return Picture([fitted(drawn, columns) for drawn in lines], canvas.meant)


def _empty(view: View, columns: int) -> list[Line]:
    name = view.position.next
    if name is None:
        return wrap(f"The training is complete: {key_of('reverse-step')} goes back to its last stage.", columns, "dim")
    into, back = key_of("into"), key_of("reverse-into")
    runs, formula = line((into, "key"), " runs a stage and goes into it:"), formula_text(view, view.program.stage(name))
    lines = wrap(f"There each {into} goes on to the next cell, and {back} back: what goes into the cell is lit.", columns, "dim")
    return [*formula_behind(runs, view.named(name), formula, columns), *lines]


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
    """An equation on a canvas: its shelves, one below the other."""

    def __init__(self, view: View, equation: Equation, chosen: Fit) -> None:
        self._view, self._equation, self._fit = view, equation, chosen
        self.canvas, top = Canvas(chosen.columns, sum(map(chosen.height, chosen.shelves))), 0
        for place, shelf in enumerate(chosen.shelves):
            self._shelf(shelf, top, INDENT * bool(place))
            top += chosen.height(shelf)

    def _shelf(self, shelf: tuple[Group, ...], top: int, left: int) -> None:
        """The groups side by side, each matrix in the middle of the height."""
        tallest = self._fit.matrix_height(shelf)
        for group in shelf:
            for text, columns in zip(self._fit.signs(group), (self._fit.width(group), 0), strict=True):
                self.canvas.write(left, top + 1 + (tallest - 1) // 2, text, "bold")
                left += len(text)
                if columns:
                    self._block(group, left, top + (tallest - len(self._fit.windows[group][0])) // 2)
                left += columns

    def _block(self, group: Group, left: int, top: int) -> None:
        """An operand: the caption in line ``top``, then what stands below it."""
        operand, room, put = group.operand, self._fit.width(group), self.canvas.write
        caption = line((operand.caption, "next" if group.is_result else "name" if operand.name else ""), (group.shape_text, "dim"))
        self.canvas.put(left, top, caption if width(caption) <= room + 1 else fitted(caption[:-1], room))
        if group.is_number:
            role = "cursor" if group.is_result and self._equation.cell else "bold" if operand.caption else ""
            put(left, top + 1, group.number, role, operand.cell(0, 0))
            return
        (rows, columns), shape, look = self._fit.windows[group], group.shape, self._fit.looks[group]
        start = left + 1 + len(self._fit.gap)
        end = start + len(columns) * (look.width + 1) - 1 + len(self._fit.gap)
        sides = ("…" if columns.start else "", "…" if columns.stop < shape[1] else "")
        for y, row in enumerate(rows, top + 1):
            first, last = row == rows[0], row == rows[-1]
            shapes = "[]" if first and last else "⎡⎤" if first else "⎣⎦" if last else "⎢⎥"
            more = (first and rows.start > 0) or (last and rows.stop < shape[0])
            opened, closed = "⋮⋮" if more else (side or bracket for side, bracket in zip(sides, shapes, strict=True))
            put(left, y, opened, "dim")
            for x, column in enumerate(columns):
                put(start + x * (look.width + 1), y, *self._number(group, look, row, column), operand.cell(row, column))
            put(end, y, closed, "dim")
            put(end + 1, y, "→" * (operand.folded == 1), self._arrow(group, row, 0))
        for x, column in enumerate(columns) if operand.folded == 0 else ():  # an arrow below each column that is summed
            put(start + x * (look.width + 1), top + 1 + len(rows), "↓".center(look.width), self._arrow(group, 0, column))

    def _number(self, group: Group, look: Look, row: int, column: int) -> Span:
        """A number as it is written; hatched, where it lies ahead."""
        cell, part = self._equation.cell, self._equation.result.part
        if group.is_result and self._equation.inside and cell and part.index(row, column) > part.index(*cell):
            return HATCH * look.width, "faint"
        return minus(look.text(group.operand.value[row, column])), self._role(group, look, row, column)

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
