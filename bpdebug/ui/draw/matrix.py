"""Tensors as heat-coloured tables, one line of the drawing at a time.

A layout knows places and formats only, so that a line of 784×128 costs what is visible of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from bpdebug.debugger.numbers import Statistics, aligned, short
from bpdebug.debugger.view import View
from bpdebug.engine.cells import Cell
from bpdebug.engine.description import Array
from bpdebug.engine.shapes import shape_text
from bpdebug.ui.draw.compare import off_cells
from bpdebug.ui.draw.matrix_cells import as_table
from bpdebug.ui.draw.matrix_layout import Block, Layout, heading, once, statistics_in, values_in
from bpdebug.ui.draw.spans import Line, Span, fit, line


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
        spans += _block_line(view, block, y - block.first, offset, visible)
        place = max(block.left, start) + visible
    return tuple(spans)


def _block_line(view: View, block: Block, row: int, offset: int, visible: int) -> Line:
    if row < 0:
        return _head_line(view, block, row, visible)
    first, last = -(-offset // block.cell), min((offset + visible) // block.cell, block.columns)
    drawn = line(" " * (first * block.cell - offset), *_cells(view, block, row, range(first, last)))
    return fit(drawn, visible)


def _head_line(view: View, block: Block, row: int, visible: int) -> Line:
    """The title or the statistics; they stay in sight while the numbers below are scrolled to the left."""
    if row + block.head > 0:
        return fit(line((statistics_text(view, block.name, visible, block.theirs), "dim")), visible)
    active = block.name == view.position.stage
    role = "changed" if block.theirs else "next" if active else "name" if block.name in view.tensors else "dim"
    shape = f" {shape_text((block.rows, block.columns))}" if view.shapes[block.name] else ""
    return fit(line((heading(view, block.name, block.theirs), role), (shape, "dim")), visible)


def statistics_text(view: View, name: str, columns: int, theirs: bool = False, without: str = "") -> str:
    """The statistics of a tensor, as many of them as that many columns hold; nothing for one that has no value yet."""
    known = statistics_in(view, name, theirs)
    text = ""
    for part in known.parts() if known and known.values.size > 1 else ():
        if part in without:
            continue
        if len(text) + len(part) + 2 * bool(text) <= columns:
            text = f"{text}  {part}" if text else part
    return text


def _cells(view: View, block: Block, row: int, columns: range) -> Iterator[Span]:
    values = values_in(view, block.name, block.theirs)
    if values is None:
        yield from (("·".rjust(block.cell), "faint") for _ in columns)
        return
    numbers = as_table(values, block.turned)[row]
    marks, partly = _marked(view, block)
    marked_row = as_table(marks, block.turned)[row]
    sign, role_of_sign = ("✗", "bad") if block.theirs else ("▐", "changed")
    cursor = cursor_in(view, block)
    lit = set() if block.theirs else once(view, "operands", block.name, False, lambda: _operands_in(view, block))
    for column in columns:
        marked = bool(marked_row[column])
        yield (sign if marked and partly else " "), role_of_sign
        value = numbers[column]
        role = "cursor" if cursor == (row, column) else block.look.heat(float(value))
        emphasis = " bold" * marked + " lit" * ((row, column) in lit)
        yield block.look.text(value), f"{role}{emphasis}".strip()


def _marked(view: View, block: Block) -> tuple[Array, bool]:
    """The cells that have changed, or of the user's numbers those that are off; and whether a sign is put before them: where all
    cells of a tensor have changed, as after every step, the signs would say nothing."""

    def made() -> tuple[Array, bool]:
        cells = off_cells(view.matches[block.name]) if block.theirs else view.changed(block.name)
        return cells, block.theirs or not cells.all()

    found: tuple[Array, bool] = once(view, "marks", block.name, block.theirs, made)
    return found


def cursor_in(view: View, block: Block) -> tuple[int, int] | None:
    """The row and column of the cell cursor, where it is in this block."""
    if view.selected is None or view.selected[0] != block.name:
        return None
    return block.place(view.selected[1])


def _operands_in(view: View, block: Block) -> set[tuple[int, int]]:
    """The cells of this block that the selected number is made of."""
    operands = view.explanation.operands if view.explanation else ()
    return {block.place(index) for name, index in operands if name == block.name}


def note_text(view: View, layout: Layout, columns: int) -> str:
    """What is to be said of the selected number: how it has changed since the stop before, else the statistics of its tensor."""
    block = layout.find(view.selected[0]) if view.selected else None
    if view.selected is None or block is None:
        return ""
    above = statistics_text(view, block.name, block.width) if block.head > 1 else ""
    return change_text(view, *view.selected) or statistics_text(view, block.name, columns, without=above)


def change_text(view: View, name: str, index: Cell) -> str:
    """How a number has changed since the stop before; nothing where it has not, or had no value then."""
    now, was = view.tensors[name], view.before.get(name)
    if was is None or now.shape != was.shape or not view.changed(name)[index]:
        return ""
    earlier = aligned(was[index], view.number_style.form(Statistics(was))).strip()
    return f"was {earlier}  Δ {short(float(now[index]) - float(was[index]), 3)}".replace("-", "−")


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
