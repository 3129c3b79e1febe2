"""The network: its neurons with their numbers and the weighted edges between them, for one sample of the batch; where that cannot be
read, the groups of its statements (:mod:`bpdebug.ui.draw.groups`). And which cell is pointed at in it, by a click or by the arrow keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from bpdebug.core.cells import NamedCell
from bpdebug.core.numbers import brief, narrow, written
from bpdebug.core.record import Record
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.time.position import called
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.glyphs import HATCH
from bpdebug.ui.draw.groups import draw_groups, group_beside
from bpdebug.ui.draw.layers import ANSWERS, TARGET, WEIGHT, is_past
from bpdebug.ui.draw.network_parts import Parts, heat_role
from bpdebug.ui.draw.network_plan import Column, Edges, Plan, plan_of
from bpdebug.ui.draw.spans import Line, first_that_fits, width

LEAST_COLUMNS, LEAST_ROWS = 12, 3
_CORNERS = 4
"""Columns of the border that stay beside what is said below the drawing."""


class _Picture(Record, eq=False):
    """A drawing in the making; without a plan, or edges, it is that of the groups."""

    parts: Parts
    canvas: Canvas
    plan: Plan | None
    edges: tuple[Edges, ...] = ()


def _picture(view: View, columns: int, rows: int) -> _Picture:
    """The drawing in that much room, or in the least that one needs."""

    def made() -> _Picture:
        parts, canvas = Parts(view), Canvas(max(columns, LEAST_COLUMNS), max(rows, LEAST_ROWS))
        plan = plan_of(parts, canvas.columns, canvas.rows)
        if plan is None:
            draw_groups(parts, canvas)
            return _Picture(parts, canvas, plan)
        drawn = _Picture(parts, canvas, plan, tuple(Edges(parts, left, right) for left, right in pairwise(plan.shown)))
        for edges in drawn.edges:
            edges.draw(canvas)
            for label in edges.labels():
                canvas.write(*label)
            if parts.names(edges.right.layer).layer.residual:
                _shortcut(drawn, edges)
        scale = parts.scale(map(parts.tensor, range(1, parts.depth + 1)))
        for column in plan.shown:
            _neurons(drawn, column, scale)
        _headings(drawn, plan)
        return drawn

    return once(view, ("network", columns, rows), made)


def network_drawing(view: View, columns: int, rows: int) -> tuple[list[Line], str]:
    """The drawing in that much room, the names of the tensors shown below it. And what is said in the border: of which update it is,
    what the sample gives to the selected gradient, which edges are drawn where not all are."""
    drawn = _picture(view, columns, rows)
    notes = [f"of {called(view.program, view.finished.update)}"] if view.finished else []
    notes += _given(drawn.parts, columns - _CORNERS)
    if any(edges.crowded(drawn.canvas.rows) for edges in drawn.edges):
        notes.append("grey: the largest into each")
    fitting = ("  ".join(notes[:count]) for count in range(len(notes), 0, -1))
    return drawn.canvas.lines(), first_that_fits(fitting, columns - _CORNERS, "")


def _given(parts: Parts, room: int) -> Iterator[str]:
    """What the sample in sight gives to the selected gradient."""
    view = parts.view
    if parts.given_by_sample is not None and view.selected:
        number = f"{'+' * (parts.given_by_sample > 0)}{written(parts.given_by_sample, 3)}"
        gives = f"sample {int(view.samples[view.sample])} gives {number}"
        yield first_that_fits((f"{gives} to {view.named(parts.name, view.selected[1])}", gives, number), room)


def _neurons(drawn: _Picture, column: Column, scale: tuple[float, float]) -> None:
    """The neurons of a layer, each its number on the colour of it, hatched as long as it is not computed; with what stands around."""
    parts, canvas, name = drawn.parts, drawn.canvas, drawn.parts.tensor(column.layer)
    values, written_as, number = parts.row(name), narrow if column.layer else brief, column.number
    heat = [] if values is None else [heat_role(level) for level in parts.levels(name, values, scale).tolist()]
    for unit, row in enumerate(column.rows):
        if values is None or parts.to_come(name, unit):
            canvas.write(column.left, row, HATCH * (number + 2), "faint")
        else:
            role = f"{heat[unit].replace('heat', 'faded')} dim" if is_past(parts.view, name) else heat[unit]
            chosen = parts.emphasis(name, unit)
            role = chosen if chosen == "cursor" else f"{role} {chosen} {'bold' * parts.is_chosen(column.layer, unit)}".strip()
            canvas.write(column.left, row, f" {written_as(float(values[unit]), number):^{number}} ", role, parts.cell(name, unit))
        for x, y, said in _around(drawn, column, unit):
            canvas.write(x, y, f"{said[0]} ", "")
            canvas.write(x, y, *said)


def _around(drawn: _Picture, column: Column, unit: int) -> Iterator[tuple[int, int, tuple[str, str, object]]]:
    """Name, target and other numbers of a neuron, as far as there is room: column, row, text, role and cell of each."""
    parts, plan, row, last = drawn.parts, drawn.plan, column.rows[unit], column.layer == drawn.parts.depth
    if plan is None:
        return
    if not column.layer:
        yield column.left - 1 - width(plan.inputs[unit]), row, (plan.inputs[unit], "dim", None)
        return
    more = iter(parts.beside(column.layer))
    for below, letter in enumerate(column.below, row + 1):
        if letter == "n":
            yield column.left, below, (plan.outputs[unit], "dim", None)
        else:
            name = parts.program.target if letter == "y" else next(more)
            yield column.left + (letter != "y"), below, _number(parts, name, unit, column.number)
    behind = column.right + 1
    if last and "y" not in column.below:
        text, role, means = _number(parts, parts.program.target, unit, column.number)
        yield behind, row, (text.replace("target", "t"), role, means)
        behind = column.left + column.width + 1
    if last and plan.outputs and "n" not in column.below:
        yield behind, row, (plan.outputs[unit], "dim", None)


def _number(parts: Parts, name: str, unit: int, room: int) -> tuple[str, str, object]:
    """A neuron's target, bias or answer, with the letter that tells it: text, role and cell."""
    values, stage = parts.row(name), parts.view.position.stage
    if name == parts.program.target:
        text = "" if values is None else f"target {brief(float(values[unit]), 5)}"
        return text, parts.emphasis(name, unit) or ("next" if parts.stage[0] == TARGET else "dim"), parts.cell(name, unit)
    text = "" if values is None else f"{parts.letters(name)} {narrow(float(values[unit]), room - 1)}"
    if "~" in text and values is not None:  # where there is room for its power of ten in the place of the blank
        text = f"{parts.letters(name)}{narrow(float(values[unit]), room)}"
    return text, parts.emphasis(name, unit) or ("next" if name == stage else "faint"), parts.cell(name, unit)


def _headings(drawn: _Picture, plan: Plan) -> None:
    """What the neurons and the edges show, and the way that the numbers go."""
    parts, canvas, end = drawn.parts, drawn.canvas, 0
    way = parts.direction * (parts.selected[0] != WEIGHT or not parts.view.position.stage)
    for column in plan.shown:
        heading = parts.view.named(parts.tensor(column.layer))
        start = max(min(column.left + 1, plan.columns - len(heading)), 0)
        lit = parts.stage[0] in ANSWERS and parts.stage[1] == column.layer
        canvas.write(start, plan.bottom, heading, "next" if lit else "dim")
        room = start - end - 2 - abs(way)
        if column.layer and room + abs(way) >= 1:  # the name of the weights on an arrow, as much of it as there is room for
            name = first_that_fits((parts.view.named(parts.edges(column.layer)), ""), room).center(room, "─" if way else " ")
            text, role = "◁" * (way < 0) + name + "▷" * (way > 0), "next" if parts.active == column.layer else "dim"
            canvas.write(end + 1, plan.bottom, text, role)
        end = max(start + len(heading), column.right)


def _shortcut(drawn: _Picture, edges: Edges) -> None:
    """An arc above a residual layer, from its input to its sum: what goes around it, or on the way back the gradient of its sum."""
    parts, view, output = drawn.parts, drawn.parts.view, drawn.parts.names(edges.right.layer).output
    name = view.named(parts.program.gradients[output] if parts.backward else parts.tensor(edges.left.layer))
    text = f"◁{name}" if parts.backward else f"+{name}▷"
    start, room = edges.left.left + 2, edges.right.left - edges.left.left - 2
    row = min(*edges.left.rows, *edges.right.rows) - 1
    lit = view.position.stage and output in (view.position.stage, parts.program.stage(view.position.stage).through)
    drawn.canvas.write(start, row, f"╭{first_that_fits((text, ''), room).center(room, '─')}╮", "next" if lit else "dim")


def cell_at(view: View, columns: int, rows: int, x: int, y: int) -> NamedCell | None:
    """The cell that is drawn at a place of :func:`network_drawing`, or None; only such that have a value."""
    drawn = _picture(view, columns, rows)
    meant = drawn.canvas.meant.get((x, y))
    between = (edges for edges in drawn.edges if edges.left.right <= x < edges.right.left and y < drawn.canvas.rows - 1)
    return meant or next((edges.nearest(x, y) for edges in between), None)


def cell_beside(view: View, columns: int, rows: int, down: int, right: int) -> NamedCell | None:
    """The neuron's cell that is so many places below and to the right of the selected one; layers without values are passed over. None
    where there is none."""
    drawn = _picture(view, columns, rows)
    parts, (part, layer, index) = drawn.parts, drawn.parts.selected
    if drawn.plan is None:
        return group_beside(parts, down, right)
    layers = [place for place in range(parts.depth + 1) if parts.row(parts.tensor(place)) is not None]
    if not part or layer not in layers:
        return parts.cell(parts.tensor(layers[-1]), 0)
    goal = layers[max(min(layers.index(layer) + right, len(layers) - 1), 0)]
    return parts.cell(parts.tensor(goal), max(min(index[-1] + down, parts.units(goal) - 1), 0))
