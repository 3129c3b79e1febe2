"""Tensors as heat-coloured tables, one line of the drawing at a time.

A layout knows places and formats only, so that a line of 784×128 costs what is visible of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.numbers import Statistics, aligned, minus, short
from bpdebug.core.record import Record
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.time.position import called
from bpdebug.ui.draw.check import off_cells
from bpdebug.ui.draw.glyphs import HATCH
from bpdebug.ui.draw.layers import heading, is_past, samples_in, values_in
from bpdebug.ui.draw.matrix_block import Block, Sight, statistics_in
from bpdebug.ui.draw.matrix_layout import Layout, batch_axis, label, shape_of
from bpdebug.ui.draw.matrix_overview import part_text
from bpdebug.ui.draw.spans import Line, Span, first_that_fits, fit, line, width

_HERE, _BELOW = "▸", "▾"
"""What marks the row, or the column, of the sample that is looked at."""


def layout_line(view: View, layout: Layout, y: int, start: int, columns: int, window: range = range(0)) -> Line:
    """One line of the pane, from column ``start`` on; ``window`` are the lines in sight, at whose top the names of tables stay."""
    spans: list[Span] = []
    place = start
    for block in layout.blocks:
        if not block.top <= y < block.bottom or block.left + block.width <= start or block.left >= start + columns:
            continue
        spans.append((" " * max(block.left - place, 0), ""))
        offset = max(start - block.left, 0)
        visible = min(block.width - offset, start + columns - max(block.left, start))
        spans += _block_line(view, block, y, (offset, visible), window)
        place = max(block.left, start) + visible
    return tuple(spans)


def _block_line(view: View, block: Block, y: int, across: tuple[int, int], window: range) -> Line:
    """A line of a block: so many of its columns from one on. The numbers of the rows stay in sight when the cells are scrolled."""
    offset, visible = across
    head = block.head_at(y, window.start)
    if head == "title":
        return _title(view, block, block.sight(block.left + offset, window.start, visible, len(window)), visible, window)
    if head == "statistics":
        return fit(line((statistics_text(view, block.name, visible, block.theirs), "dim")), visible)
    first, last = -(-offset // block.cell), min((offset + visible - block.edge) // block.cell, len(block.shown))
    cells, row = block.shown[first : max(last, first)], y - block.first
    cursor = cursor_in(view, block) or (-1, -1)
    labelled = block.edge and block.rows > 1 and not head
    before = _label(view, block, row, block.edge, cursor, 0) if labelled else (" " * block.edge, "")
    drawn = (_label(view, block, column, block.cell, cursor, 1) for column in cells) if head else _cells(view, block, row, cells)
    return fit(line(before, " " * (first * block.cell - offset), *drawn), visible)


def _label(view: View, block: Block, place: int, columns: int, cursor: tuple[int, int], axis: int) -> Span:
    """The number of a row (axis 0) or of a column."""
    return label(view, block, place, axis).rjust(columns), "name" if place == cursor[axis] else "faint"


def _title(view: View, block: Block, sight: Sight, visible: int, window: range) -> Line:
    """The name and the shape, and what is in sight of it where that is not all."""
    active = block.name == view.position.stage
    known = block.name in view.tensors and not is_past(view, block.name)
    role = "changed" if block.theirs else "next" if active else "name" if known else "dim"
    shape = f" {shape_of(block)}" if block.part.shape else ""
    name = heading(view, block.name, block.theirs)
    part = part_text(block, sight, visible - len(name + shape) - 2, block.top < window.start) if window else ""
    return fit(line((name, role), (shape, "dim"), (f"  {part}" if part else "", "dim")), visible)


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
        yield from ((f" {HATCH * block.look.width}", "faint") for _ in columns)
        return
    marks = once(view, ("marks", block.name, block.theirs), lambda: _marks(view, block))
    numbers, marked = (block.part.table(table)[row] for table in (values, marks.changed))
    signs = _signs(block, marks, row, columns, marked)
    cursor, past = cursor_in(view, block), is_past(view, block.name)
    for column in columns:
        yield signs.get(column, (" ", ""))
        value = numbers[column]
        role = "cursor" if cursor == (row, column) else block.look.heat(float(value))
        role = f"{role.replace('heat', 'faded')} dim" if past else f"{role} bold" if marked[column] else role
        yield from _number_spans(block.look.text(value), role.strip(), (row, column) in marks.lit)


def _number_spans(text: str, role: str, lit: bool) -> Iterator[Span]:
    """A number, perhaps with its digits underlined; blanks that are look like a form to fill in, and blanks behind have no heat."""
    digits = text.strip()
    before, _, after = text.partition(digits)
    blank = "" if role.startswith(("heat", "faded")) else role
    spans = ((before, role), (digits, f"{role} lit".strip()), (after, blank)) if lit else ((before + digits, role), (after, blank))
    yield from (span for span in spans if span[0])


def _signs(block: Block, marks: _Marks, row: int, columns: range, marked: Array) -> dict[int, Span]:
    """What stands before the numbers of a row: that some have changed, or are off, and whether the row is the sample looked at."""
    sign = ("✗", "bad") if block.theirs else ("▐", "changed")
    signs = {column: sign for column in columns if marked[column]} if marks.signed else {}
    if marks.down:
        return {columns.start: (_HERE, "name")} | signs if row == marks.sample else signs
    return {marks.sample: (_BELOW, "name")} | signs if row == 0 and marks.sample in columns else signs


class _Marks(Record, eq=False):
    """What is marked in a block.

    Attributes:
        changed: the cells that have changed, or of the user's numbers those that are off.
        signed: whether a sign is put before them: where all cells of a tensor have changed, as after every step, it would say nothing.
        sample: the row or the column of the sample that is looked at; -1 where there are not several.
        down: whether it is a row.
        lit: the cells that the selected number is made of.
    """

    changed: Array
    signed: bool
    sample: int
    down: bool
    lit: Collection[tuple[int, int]]


def _marks(view: View, block: Block) -> _Marks:
    name, samples, axis = block.name, samples_in(view, block.name), batch_axis(view, block)
    found = np.flatnonzero(samples == view.sample_shown).tolist() if axis is not None and len(samples) > 1 else []
    sample = [*found, -1][0]
    if block.theirs:
        return _Marks(off_cells(view.matches[name]), True, sample, axis == 0, ())
    lit = {block.part.place(index) for operand, index in view.operands if operand == name and block.part.holds(index)}
    if is_past(view, name):
        return _Marks(np.zeros_like(values_in(view, name), bool), False, sample, axis == 0, lit)
    changed = view.changed(name)
    return _Marks(changed, not changed.all(), sample, axis == 0, lit)


def cursor_in(view: View, block: Block) -> tuple[int, int] | None:
    """The row and column of the cell cursor, where it is in this block."""
    name, index = view.selected or ("", ())
    return block.part.place(index) if name == block.name and block.part.holds(index) else None


def note_text(view: View, layout: Layout, columns: int) -> str:
    """What is to be said of the selected number: how it has changed since the stop before, else the statistics of its tensor."""
    block = layout.find(view.selected[0]) if view.selected else None
    if view.selected is None or block is None:
        return ""
    above = statistics_text(view, block.name, block.width) if "statistics" in block.heads else ""
    cell = f"{view.named(block.name, view.selected[1])} "  # which need not be in sight
    change = change_text(view, *view.selected, columns - width(cell))
    return (
        first_that_fits((cell + change, change), columns, change) if change else statistics_text(view, block.name, columns, without=above)
    )


_SINCE = "since the last stop"


def change_text(view: View, name: str, index: Cell, columns: int = 1000) -> str:
    """How a number has changed since the stop before, which is said where there is room; nothing where it has not, or had no value then."""
    now, was = view.tensors[name], view.before.get(name)
    if was is None or now.shape != was.shape or not view.changed(name)[index]:
        return ""
    earlier = aligned(was[index], view.number_style.form(Statistics(was))).strip()
    text = minus(f"was {earlier}  Δ {short(float(now[index]) - float(was[index]), 3)}")
    return f"{text} {_SINCE}" if len(text) + len(_SINCE) < columns else text


def past_text(view: View, names: list[str]) -> str:
    """Which update the numbers of a pane are of, where that is not the present one."""
    return f"of {called(view.program, view.finished.update)}" if view.finished and any(is_past(view, name) for name in names) else ""
