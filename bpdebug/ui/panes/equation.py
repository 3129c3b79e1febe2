"""The pane of the equation: a stage as matrices, with the cell cursor in its result."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import numpy as np
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Size

from bpdebug.core.cells import NamedCell
from bpdebug.look.equation import Equation
from bpdebug.session.view import View
from bpdebug.ui.draw.bars import ARROWS, ORIGIN, command_keys, own_keys
from bpdebug.ui.draw.equation import Picture, equation_picture
from bpdebug.ui.draw.glyphs import key_of
from bpdebug.ui.draw.matrix_block import nearest, step_in
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.pane import ListPane, pane
from bpdebug.ui.pointing import CELL_KEYS, CellChosen

_CELL = own_keys("cell", *ARROWS, when=lambda view: view.equation is not None)


@pane("equation", "7", "instead", needs=["equation"], hints=[_CELL, command_keys("into"), command_keys("axes"), *ORIGIN], cells=True)
class EquationPane(ListPane):
    """A stage as an equation of matrices."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *CELL_KEYS,
        Binding("pageup", "cursor(-10, 0)", "ten rows up", show=False),
        Binding("pagedown", "cursor(10, 0)", "ten rows down", show=False),
    ]

    picture = Picture([], {})

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.equation`."""
        self.scroll_to(0, 0, animate=False)
        title = f"{self.title}  {view.equation.result.caption}" if view.equation else self.title
        self.frame(title, _walked(view.equation))
        self.picture = equation_picture(view, size.width, size.height, self.app.has_class("alone"))
        return self.picture.lines

    def action_cursor(self, down: int, right: int) -> None:
        """Move the cell cursor in the result; the first key puts it there."""
        equation = self.view.equation if self.view else None
        if equation is None:
            return
        part, (row, column) = equation.result.part, equation.cell or (-down, -right)
        found = step_in(part, row, column, down, right)
        self.post_message(CellChosen(equation.result.name, nearest(part, row + down, column + right) if found is None else found))

    def cell_under(self, place: Offset) -> NamedCell | None:
        """The cell of the result or of an operand that the mouse points at."""
        found = self.picture.cells.get((place.x, place.y + self.scroll_offset.y))
        return found if found and self.view and found[0] in self.view.tensors else None


def _walked(equation: Equation | None) -> str:
    """How far the walk through the cells is."""
    if equation is None or not equation.inside or equation.cell is None:
        return ""
    part = equation.result.part
    place = int(np.ravel_multi_index(part.index(*equation.cell), part.shape)) if part.shape else 0
    return f"cell {place + 1} of {prod(part.shape)}  {key_of('reverse-into')} back  Esc leaves"
