"""Tensors as heat-coloured tables, one line of the drawing at a time.

A layout knows places and formats only, so that a line of 784×128 costs what is visible of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.numbers import Statistics, aligned, short
from bpdebug.core.render import render_name
from bpdebug.core.shapes import shape_text
from bpdebug.session.view import View
from bpdebug.ui.draw.compare import off_cells
from bpdebug.ui.draw.layers import heading, is_past, samples_in, values_in
from bpdebug.ui.draw.matrix_cells import as_table, statistics_in
from bpdebug.ui.draw.matrix_layout import Block, Layout, Sight, label
from bpdebug.ui.draw.matrix_overview import part_text
from bpdebug.ui.draw.once import once
from bpdebug.ui.draw.spans import Line, Span, fit, line

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
    first, last = -(-offset // block.cell), min((offset + visible - block.edge) // block.cell, block.columns)
    cells, row = range(first, max(last, first)), y - block.first
    cursor = cursor_in(view, block) or (-1, -1)
    before = (" " * block.edge, "") if head or not block.edge or block.rows == 1 else _number(view, block, row, row == cursor[0])
    drawn = _numbers(view, block, cells, cursor[1]) if head else _cells(view, block, row, cells)
    return fit(line(before, " " * (first * block.cell - offset), *drawn), visible)


def _number(view: View, block: Block, row: int, lit: bool) -> Span:
    return label(view, block, row).rjust(block.edge), "name" if lit else "faint"


def _numbers(view: View, block: Block, columns: range, lit: int) -> Iterator[Span]:
    """The numbers above the columns."""
    for column in columns:
        yield label(view, block, column, down=False).rjust(block.cell), "name" if column == lit else "faint"


def _title(view: View, block: Block, sight: Sight, visible: int, window: range) -> Line:
    """The name and the shape, and what is in sight of it where that is not all."""
    active = block.name == view.position.stage
    known = block.name in view.tensors and not is_past(view, block.name)
    role = "changed" if block.theirs else "next" if active else "name" if known else "dim"
    shape = f" {shape_text((block.rows, block.columns))}" if view.shapes[block.name] else ""
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
        yield from (("·".rjust(block.cell), "faint") for _ in columns)
        return
    numbers = as_table(values, block.turned)[row]
    marked = as_table(_marked(view, block)[0], block.turned)[row]
    signs = _signs(view, block, row, columns)
    cursor = cursor_in(view, block)
    past = is_past(view, block.name)
    lit = set() if block.theirs else once(view, ("operands", block.name), lambda: _operands_in(view, block))
    for column in columns:
        yield signs.get(column, (" ", ""))
        value = numbers[column]
        role = "cursor" if cursor == (row, column) else block.look.heat(float(value))
        role = f"{role.replace('heat', 'faded')} dim" if past else f"{role} bold" if marked[column] else role
        text = block.look.text(value)
        yield from _number_spans(text, role.strip(), (row, column) in lit)


def _number_spans(text: str, role: str, lit: bool) -> Iterator[Span]:
    """A number, perhaps with its digits underlined; blanks that are look like a form to fill in, and blanks behind have no heat."""
    digits = text.strip()
    before, _, after = text.partition(digits)
    blank = "" if role.startswith(("heat", "faded")) else role
    spans = ((before, role), (digits, f"{role} lit".strip()), (after, blank)) if lit else ((before + digits, role), (after, blank))
    yield from (span for span in spans if span[0])


def _signs(view: View, block: Block, row: int, columns: range) -> dict[int, Span]:
    """What stands before the numbers of a row: that some have changed, or are off, and whether the row is the sample looked at."""
    marks, partly = _marked(view, block)
    sign = ("✗", "bad") if block.theirs else ("▐", "changed")
    marked = as_table(marks, block.turned)[row]
    signs = {column: sign for column in columns if marked[column]} if partly else {}
    sample = once(view, ("sample", block.name, block.theirs), lambda: _sample_in(view, block))
    if block.turned and row == 0 and sample in columns:
        return {sample: (_BELOW, "name")} | signs
    return {columns.start: (_HERE, "name")} | signs if not block.turned and row == sample else signs


def _sample_in(view: View, block: Block) -> int:
    """The row of the block (or where it is turned, the column) of the sample that is looked at; -1 where there are not several."""
    samples = samples_in(view, block.name)
    length = block.columns if block.turned else block.rows
    if block.name not in view.program.sampled or length != len(samples) or length < 2:
        return -1
    found = np.flatnonzero(samples == view.sample_shown)
    return int(found[0]) if len(found) else -1


def _marked(view: View, block: Block) -> tuple[Array, bool]:
    """The cells that have changed, or of the user's numbers those that are off; and whether a sign is put before them: where all
    cells of a tensor have changed, as after every step, the signs would say nothing."""

    def made() -> tuple[Array, bool]:
        if is_past(view, block.name) and not block.theirs:
            return np.zeros_like(values_in(view, block.name), bool), False
        cells = off_cells(view.matches[block.name]) if block.theirs else view.changed(block.name)
        return cells, block.theirs or not cells.all()

    return once(view, ("marks", block.name, block.theirs), made)


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
    above = statistics_text(view, block.name, block.width) if "statistics" in block.heads else ""
    return _named_change(view, *view.selected, columns) or statistics_text(view, block.name, columns, without=above)


def _named_change(view: View, name: str, index: Cell, columns: int) -> str:
    """How a number has changed, and which, since it need not be in sight; the change alone where there is no room for both."""
    cell = f"{render_name(name, view.style, index)} "
    text = change_text(view, name, index, columns - len(cell))
    return cell + text if text and len(cell + text) <= columns else text


_SINCE = "since the last stop"


def change_text(view: View, name: str, index: Cell, columns: int = 1000) -> str:
    """How a number has changed since the stop before, which is said where there is room; nothing where it has not, or had no value then."""
    now, was = view.tensors[name], view.before.get(name)
    if was is None or now.shape != was.shape or not view.changed(name)[index]:
        return ""
    earlier = aligned(was[index], view.number_style.form(Statistics(was))).strip()
    text = f"was {earlier}  Δ {short(float(now[index]) - float(was[index]), 3)}".replace("-", "−")
    return f"{text} {_SINCE}" if len(text) + len(_SINCE) < columns else text


def past_text(view: View, names: list[str]) -> str:
    """Which update the numbers of a pane are of, where that is not the present one."""
    return f"of update {view.finished.update}" if view.finished and any(is_past(view, name) for name in names) else ""
