"""Tensors as heat-coloured tables in shelves: which block stands where, and one line of the drawing at a time.

A layout knows places and formats only, so that a line of 784×128 costs what is visible of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpdebug.debugger.numbers import cell as cell_text
from bpdebug.debugger.numbers import number_format, short
from bpdebug.debugger.view import View
from bpdebug.engine.cells import Cell
from bpdebug.engine.description import Array
from bpdebug.engine.render import render_name
from bpdebug.engine.shapes import shape_text
from bpdebug.ui.roles import HEAT_STEPS
from bpdebug.ui.spans import Line, Span, crop, fit, line

_GAP = 2
_LARGE = 400
"""Cells from which on a tensor's title has its range."""


@dataclass(frozen=True)
class Block:
    """A tensor's place in the pane.

    Attributes:
        name: the tensor.
        rows, columns: its shape (a number is 1×1, a list one row).
        left, top: where its title stands.
        width: of the block in columns of the terminal.
        cell: of one number, with the mark before it.
        form: how its numbers are written.
        scale: the largest absolute value, for the heat.
    """

    name: str
    rows: int
    columns: int
    left: int
    top: int
    width: int
    cell: int
    form: str
    scale: float

    @property
    def bottom(self) -> int:
        """The line after the block."""
        return self.top + 1 + self.rows


@dataclass(frozen=True, eq=False)
class Layout:
    """All blocks of a pane."""

    blocks: tuple[Block, ...]

    @cached_property
    def width(self) -> int:
        """Columns that everything takes."""
        return max((block.left + block.width for block in self.blocks), default=0)

    @cached_property
    def height(self) -> int:
        """Lines that everything takes."""
        return max((block.bottom for block in self.blocks), default=0)

    def find(self, name: str) -> Block | None:
        """The block of a tensor."""
        return next((block for block in self.blocks if block.name == name), None)

    def cell_at(self, x: int, y: int) -> tuple[str, tuple[int, int]] | None:
        """The tensor, row and column drawn at a place."""
        for block in self.blocks:
            row, column = y - block.top - 1, (x - block.left) // block.cell
            if 0 <= row < block.rows and 0 <= column < block.columns and x >= block.left:
                return block.name, (row, column)
        return None


def make_layout(view: View, names: list[str], columns: int) -> Layout:
    """Blocks side by side as long as they fit, then on the next shelf."""
    blocks: list[Block] = []
    left = top = bottom = 0
    for name in names:
        block = _block(view, name, left, top)
        if left and left + block.width > columns:
            left, top = 0, bottom
            block = _block(view, name, left, top)
        blocks.append(block)
        left, bottom = left + block.width + _GAP, max(bottom, block.bottom)
    return Layout(tuple(blocks))


def _block(view: View, name: str, left: int, top: int) -> Block:
    shape = view.shapes[name]
    rows, columns = (1, 1) if not shape else (1, *shape) if len(shape) == 1 else shape
    form, cell, scale = _format(view.tensors.get(name))
    width = max(columns * cell, len(_title(view, name)) + 1)
    return Block(name, rows, columns, left, top, width, cell, form, scale)


def _format(values: Array | None) -> tuple[str, int, float]:
    """How to write the numbers, the width of a cell with its mark, and the scale of the heat."""
    if values is None or not values.size:
        return "", 8, 1.0
    form = number_format(values)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return form, 8, 1.0
    extremes = (float(finite.min()), float(finite.max()))
    nonzero = finite[finite != 0]
    smallest = float(nonzero[np.argmin(np.abs(nonzero))]) if nonzero.size else 0.0
    widest = max(len(cell_text(value, form)) for value in (*extremes, smallest))
    return form, max(widest, 6) + 1, max(abs(extremes[0]), abs(extremes[1])) or 1.0


def _title(view: View, name: str) -> str:
    shape = view.shapes[name]
    text = f"{render_name(name, view.style)} {shape_text(shape) if shape else ''}".strip()
    values = view.tensors.get(name)
    if values is None or values.size < _LARGE or not np.isfinite(values).all():
        return text
    return f"{text}  min {short(float(values.min()))} max {short(float(values.max()))}".replace("-", "−")


def layout_line(view: View, layout: Layout, y: int, start: int, columns: int) -> Line:
    """One line of the pane, from column ``start`` on."""
    spans: list[Span] = []
    place = start
    for block in layout.blocks:
        if not block.top <= y < block.bottom or block.left + block.width <= start or block.left >= start + columns:
            continue
        spans.append((" " * max(block.left - place, 0), ""))
        offset = max(start - block.left, 0)
        visible = min(block.width - offset, start + columns - max(block.left, start))
        spans += _block_line(view, block, y - block.top - 1, offset, visible)
        place = max(block.left, start) + visible
    return tuple(spans)


def _block_line(view: View, block: Block, row: int, offset: int, visible: int) -> Line:
    if row < 0:
        return _title_line(view, block, offset, visible)
    first, last = -(-offset // block.cell), min((offset + visible) // block.cell, block.columns)
    drawn = line(" " * (first * block.cell - offset), *_cells(view, block, row, range(first, last)))
    return fit(drawn, visible)


def _title_line(view: View, block: Block, offset: int, visible: int) -> Line:
    text = _title(view, block.name)
    name = render_name(block.name, view.style)
    active = block.name == view.position.stage
    role = "next" if active else "name" if block.name in view.tensors else "dim"
    return fit(crop(line((name, role), (text[len(name) :], "dim")), offset, visible), visible)


def _cells(view: View, block: Block, row: int, columns: range) -> Iterator[Span]:
    values = view.tensors.get(block.name)
    if values is None:
        yield from (("·".rjust(block.cell), "faint") for _ in columns)
        return
    table = values.reshape(block.rows, block.columns)
    changed = _changed(view, block.name).reshape(block.rows, block.columns)
    cursor, lit = cursor_in(view, block), _operands_in(view, block)
    for column in columns:
        value = float(table[row, column])
        marked = bool(changed[row, column])
        text = cell_text(value, block.form).replace("-", "−", 1 if "e" not in block.form else -1)
        yield ("▐" if marked else " "), "changed"
        role = "cursor" if cursor == (row, column) else heat_role(value, block.scale)
        emphasis = " bold" * marked + " lit" * ((row, column) in lit)
        yield text.rjust(block.cell - 1), f"{role}{emphasis}".strip()


def _changed(view: View, name: str) -> Array:
    """The changes of a tensor, computed once for a view."""
    cache: dict[str, Array] = view.__dict__.setdefault("_changes", {})
    if name not in cache:
        cache[name] = view.changed(name)
    return cache[name]


def cursor_in(view: View, block: Block) -> tuple[int, int] | None:
    """The row and column of the cell cursor, where it is in this block."""
    if view.selected is None or view.selected[0] != block.name:
        return None
    return as_row_column(view.selected[1])


def _operands_in(view: View, block: Block) -> set[tuple[int, int]]:
    """The cells of this block that the selected number is made of."""
    operands = view.explanation.operands if view.explanation else ()
    return {as_row_column(index) for name, index in operands if name == block.name}


def as_row_column(index: Cell) -> tuple[int, int]:
    """A cell's index in the two axes that everything is drawn in."""
    return (index[-2] if len(index) > 1 else 0, index[-1] if index else 0)


def heat_role(value: float, scale: float) -> str:
    """The background of a number: sign and size relative to the largest of its tensor."""
    if not np.isfinite(value):
        return "bad"
    level = round(HEAT_STEPS * max(-1.0, min(1.0, value / scale)))
    return f"heat:{level:+d}" if level else ""


def values_of(view: View) -> list[str]:
    """The tensors that the Values pane shows: those of the layer in focus, from its input to its output."""
    layer = focus_layer(view)
    last = layer == len(view.program.scenario.layers)
    source = "x" if layer == 1 else _output(view, layer - 1)
    wanted = [source, f"W{layer}", f"b{layer}", f"z{layer}", f"a{layer}", f"r{layer}", *(["y", "data_loss", "loss"] if last else [])]
    return [name for name in wanted if name in view.shapes]


def deltas_of(view: View) -> list[str]:
    """The tensors that the Deltas pane shows: the gradients of the layer in focus, then the optimizer's slots."""
    layer = focus_layer(view)
    bases = [f"r{layer}", f"a{layer}", f"z{layer}", f"W{layer}", f"b{layer}"]
    gradients = [name for base in bases for name in view.shapes if name == f"d{base}" or name.startswith(f"d{base}@")]
    slots = [slot + base for base in bases[3:] for slot in view.program.rule.slots if slot + base in view.shapes]
    return gradients + slots


def focus_layer(view: View) -> int:
    """The layer of the stage that ran last; at an update's start, that of the selected tensor, or the first."""
    if view.position.stage is None and view.selected and view.selected[0] in view.program.index:
        return max(view.program.stages[view.program.index[view.selected[0]]].layer, 1)
    return max(view.position.layer, 1)


def _output(view: View, layer: int) -> str:
    return f"r{layer}" if f"r{layer}" in view.shapes else f"a{layer}"
