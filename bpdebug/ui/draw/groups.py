"""A program as the graph of its groups, a row each in the order of computation: who reads whom, what each group computes, and the size
of every unit of the sample in sight. Groups are those of the tensors: layers, or any other parts of a program."""

from __future__ import annotations

from functools import cached_property, partial
from math import prod

import numpy as np

from bpdebug.core.cells import NamedCell
from bpdebug.core.misfits import shape_text
from bpdebug.core.network import Phase
from bpdebug.core.numbers import brief, narrow, written
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tensors import Array, Role
from bpdebug.look.groups import group_of
from bpdebug.look.once import once
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.glyphs import HATCH
from bpdebug.ui.draw.layers import focus, is_past, values_in
from bpdebug.ui.draw.network_parts import Scene, heat_role, norm
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.spans import Line, Span, width

_BARS = " ▁▂▃▄▅▆▇█"
"""From 0 to the largest size; those of negative numbers hang, as the rest of a reversed one."""
_WIDEST, _LEAST = 7, 6
"""Columns of a unit's bar at most, and of all bars of a group at least."""
_NUMBERS = range(8, 13)
"""Columns that a unit must have, and may have, where its number is written, with the blank behind it."""
_HIGHEST = 3
"""Rows of a bar at most."""
_LANES = 4
"""Lines around groups that there is room for."""
Edge = tuple[int, int]


class Group(Record):
    """A part of the program.

    Attributes:
        name: as it is typed; of a tensor that belongs to no group its own.
        values, gradients: what it is given or computes forward, and on the way back, in the order of computation.
        parameters: what it has been trained to.
    """

    name: str
    values: tuple[str, ...]
    gradients: tuple[str, ...]
    parameters: tuple[str, ...]


class Graph(Record):
    """The groups in the order of computation, and by their places who is read by whom.

    Attributes:
        chain: the groups that the next one reads.
        further: other such pairs, also of what goes around the statements of a group, as in a residual layer.
    """

    groups: tuple[Group, ...]
    chain: frozenset[int]
    further: tuple[Edge, ...]


def drawn_in(program: Program, name: str) -> str:
    """The group that a tensor is drawn in: of all that makes the loss that of the loss; an input is one of its own."""
    if name in program.index and program.stage(name).phase is Phase.LOSS:
        return program.loss
    return name if program.tensors[name].role is Role.INPUT else group_of(program, name) or name


def graph_of(program: Program) -> Graph:
    """The graph of a program, from the groups and roles of its tensors and from what its forward statements read."""
    tensors = program.tensors
    forward = [stage for stage in program.stages if stage.phase in (Phase.FORWARD, Phase.LOSS)]
    values = [name for name, tensor in tensors.items() if tensor.role is Role.INPUT] + [stage.name for stage in forward]
    names = list(dict.fromkeys(drawn_in(program, name) for name in values))
    places = {name: place for place, name in enumerate(names)}
    members: list[list[str]] = [[] for _ in names]
    for name in tensors:
        if drawn_in(program, name) in places:
            members[places[drawn_in(program, name)]].append(name)
    computed = {name: places[drawn_in(program, name)] for name in values}
    known = computed | {name: place for place, own in enumerate(members) for name in own if tensors[name].role is Role.PARAMETER}
    groups = []
    for name, own in zip(names, members, strict=True):
        back = (each for each in own if tensors[each].role is Role.GRADIENT and tensors[each].of in computed)
        trained = (each for each in own if tensors[each].role is Role.PARAMETER)
        groups.append(Group(name, tuple(each for each in own if each in computed), tuple(back), tuple(trained)))
    edges: dict[Edge, None] = {}
    around: list[Edge] = []
    reached: dict[str, set[int]] = {}
    for stage in forward:
        place, read = computed[stage.name], [name for name in stage.formula.names if name in known]
        sources = {known[name] for name in read} - {place}
        inner = set[int]().union(*(reached.get(name, set()) for name in read if known[name] == place))
        edges |= dict.fromkeys((source, place) for source in sorted(sources))
        around += [(source, place) for source in sorted(sources & inner)]
        reached[stage.name] = sources | inner
    chain = frozenset(start for start, end in edges if end == start + 1)
    return Graph(tuple(groups), chain, (*(edge for edge in edges if edge[1] != edge[0] + 1), *around))


def _lanes(graph: Graph) -> list[list[Edge]]:
    """The lines around groups, one after another where they have room in one column; the first stands next to the groups."""
    lanes: list[list[Edge]] = []
    for edge in sorted(map(sorted, graph.further)):
        lane = next((lane for lane in lanes if lane[-1][1] <= edge[0]), None)
        if lane is None:
            lanes.append(lane := [])
        lane.append((edge[0], edge[1]))
    return lanes[:_LANES]


def _rails(graph: Graph, place: int, between: bool, chosen: int | None) -> Line:
    """The lines before the row of a group, or ``between`` it and the next: who reads whom; bright where they lead to the chosen group or
    away from it."""
    drawn, across = list[Span](), ""
    for lane in reversed(once(graph, "lanes", lambda: _lanes(graph))):
        here = [edge for edge in lane if edge[0] <= place < edge[1] + (not between)]
        begins, ends = (not between and any(edge[side] == place for edge in here) for side in (0, 1))
        sign = "├" if begins and ends else "╭" if begins else "╰" if ends else "│" if here else " "
        role = "bold" if any(chosen in edge for edge in here) else "dim"
        if across and not (begins or ends):
            sign, role = "┼" if here else "─", role if here else across
        across = role if begins or ends else across
        drawn.append((sign, role))
    below, above = (at in graph.chain for at in (place, place - 1))
    bright = chosen is not None and ((below and chosen in (place, place + 1)) or (not between and above and chosen in (place - 1, place)))
    sign = "│ "[not below] if between else ("─┬┴┼" if across else "─┌└├")[below + 2 * above]
    return (*drawn, (sign, "bold" if bright else "dim"))


def draw_groups(parts: Scene, canvas: Canvas) -> None:
    """The groups around the one that is looked at, a row each; where there is room, between two the parameters of the second."""
    graph, (chosen, count, rows) = _graph(parts), (_chosen(parts), len(_graph(parts).groups), canvas.rows)
    room, spaced = count if count <= rows else max(rows - 2, 1), 2 * count - 1 <= rows
    start = min(max((chosen or 0) - room // 2, 0), count - room)
    places = range(start, start + room)
    high = max(min((rows - (count - 1) * spaced) // room, _HIGHEST), 1)
    stride = high + spaced
    top = (rows - stride * room + spaced) // 2
    table = _Table(parts, [_Row(parts, graph.groups[place], _rails(graph, place, False, chosen)) for place in places], canvas.columns)
    scale = parts.scale(_shown(parts, group) for group in graph.groups)
    for y, (place, row) in zip(range(top, rows, stride), zip(places, table.rows, strict=True), strict=False):
        rail = _rails(graph, place, True, chosen)
        for below in range(y + 1, min(y + stride, rows)) if place + 1 < count else ():
            canvas.put(0, below, rail)
        if spaced and place + 1 < count:
            _parameters(parts, canvas, graph.groups[place + 1], width(rail) + 2, y + high)
        table.draw(canvas, row, range(y, y + high), scale)
    for y, left_out in ((0, start), (rows - 1, count - start - room)):
        canvas.write(0, y, f"⋮ {left_out} more" * bool(left_out), "dim")


def _graph(parts: Scene) -> Graph:
    return once(parts.program, "graph", lambda: graph_of(parts.program))


def group_beside(parts: Scene, down: int, right: int) -> NamedCell | None:
    """The cell so many groups below the one that is looked at, and so many units to the right of the selected cell; groups without values
    are passed over. None where no group has any."""
    groups, here, chosen = _graph(parts).groups, parts.view.tensors, _chosen(parts) or 0
    known = [place for place, group in enumerate(groups) if _shown(parts, group) in here and not is_past(parts.view, _shown(parts, group))]
    if not known:
        return None
    first = sum(place < chosen for place in known)
    name = _shown(parts, groups[known[min(max(first + down, 0), len(known) - 1)]])
    selected, index = parts.view.selected or ("", ())
    units, unit, shape = prod(parts.one(name)), 0, parts.one(selected) if selected in here else (0,)
    if prod(shape):
        same = int(np.ravel_multi_index([min(place, n - 1) for place, n in zip(index, shape, strict=True)], shape))
        unit = same if parts.unit_cell(selected, same) == index else 0
    return (name, parts.unit_cell(name, min(max(unit + right, 0), units - 1))) if units else None


class _Row(Record, eq=False):
    """What is said of a group: the lines before it, the tensor that it shows, and a number of that or of the selected cell."""

    parts: Scene
    group: Group
    rail: Line

    @cached_property
    def name(self) -> str:
        """The tensor."""
        return _shown(self.parts, self.group)

    @cached_property
    def is_selected(self) -> bool:
        """Whether the selected cell is one of the group's."""
        name = self.parts.name
        return name in self.parts.view.tensors and drawn_in(self.parts.program, name) == self.group.name

    def titles(self) -> tuple[str, str]:
        """The tensor with its shape, and alone; the name of what is a group by itself is there already."""
        name, shape = self.parts.view.named(self.name) * (self.name != self.group.name), self.parts.view.shapes[self.name]
        return f"{name} {shape_text(shape)}".strip() if shape else name, name

    def numbers(self) -> tuple[str, str]:
        """The selected cell with its number, or how large the tensor is; and the number alone."""
        view = self.parts.view
        if self.is_selected and view.selected:
            number = narrow(float(view.tensors[self.parts.name][view.selected[1]]), 6)
            return f"{view.named(self.parts.name, view.selected[1])} {number}", number
        values = values_in(view, self.name)
        text = "" if values is None else written(float(values), 4) if values.ndim == 0 else f"‖{written(norm(values), 2)}‖"
        return text, text


class _Table:
    """The rows in so many columns."""

    def __init__(self, parts: Scene, rows: list[_Row], columns: int) -> None:
        self.parts, self.rows = parts, rows
        self.names = 3 + max(width((*row.rail, (row.group.name, ""))) for row in rows)
        ways: tuple[tuple[int | None, int], ...] = ((0, 0), (1, 0), (1, 1), (None, 1))
        for self.title, self.number in ways:
            self.numbers = max(width(row.numbers()[self.number]) for row in rows)
            self.bars = self.names if self.title is None else self.names + 1 + max(width(row.titles()[self.title]) for row in rows)
            self.room = columns - self.bars - self.numbers - 1
            if self.room >= _LEAST:
                break

    def draw(self, canvas: Canvas, row: _Row, rows: range, scale: tuple[float, float]) -> None:
        """One group, its bars as high as some rows: its name in the colour of its state, the tensor, its units, the number."""
        y, view, values = rows[0], self.parts.view, values_in(self.parts.view, row.name)
        here = view.position.stage in (*row.group.values, *row.group.gradients, *row.group.parameters)
        canvas.put(0, y, row.rail)
        canvas.write(width(row.rail), y, f" {row.group.name} ", f"here {'next' if here else '' if values is not None else 'dim'}".strip())
        if self.title is not None:
            canvas.write(self.names, y, row.titles()[self.title], "next" if view.position.stage == row.name else "dim")
        if values is None:
            axis = self.parts.program.tensors[row.name].batch_axis
            units = prod(length for place, length in enumerate(view.shapes[row.name]) if place != axis)
            for each in rows:
                canvas.write(self.bars, each, HATCH * min(self.room, _WIDEST * units), "faint")
        elif values.ndim:
            self._units(canvas, row.name, values, rows, scale)
        text = row.numbers()[self.number]
        canvas.write(canvas.columns - width(text), y, text, "cursor" if row.is_selected else "dim")

    def _units(self, canvas: Canvas, name: str, values: Array, rows: range, scale: tuple[float, float]) -> None:
        """The units of the sample in sight as bars, of many the largest of each few; bars of negative numbers hang."""
        past = is_past(self.parts.view, name)
        axis = self.parts.program.tensors[name].batch_axis
        own = values if axis is None else values.take(min(self.parts.view.sample, values.shape[axis] - 1), axis)
        levels = self.parts.levels(name, own.ravel(), scale)
        wide, number = min(self.room // max(len(levels), 1), _NUMBERS.stop - 1), 0
        if wide in _NUMBERS:  # there is room for the numbers themselves, below their bars
            number, rows, given = rows[-1], rows[:-1], self.parts.program.tensors[name].role is Role.INPUT
            for unit, value in enumerate(own.ravel().tolist()):
                means = None if past else (name, self.parts.unit_cell(name, unit))
                role = "cursor" if means and means == self.parts.view.selected else heat_role(int(levels[unit]))
                text = f"{(brief if given else narrow)(value, wide - 2):^{wide - 1}}"
                canvas.write(self.bars + unit * wide, number, text, f"{role} dim" if past else role, means)
        sizes, columns = np.abs(levels), max(min(self.room, (wide if number else _WIDEST) * len(levels)), 0)
        for x in range(columns):
            first = x * len(levels) // columns
            unit = first + int(sizes[first : max((x + 1) * len(levels) // columns, first + 1)].argmax())
            means = None if past else (name, self.parts.unit_cell(name, unit))
            for y, drawn in zip(rows, _bar(int(levels[unit]), len(rows)), strict=True):
                canvas.write(self.bars + x, y, *drawn, means)


def _bar(level: int, rows: int) -> list[Span]:
    """A bar of so many rows from above: of a negative number it hangs."""
    if level > HEAT_STEPS:
        return [("?", "bad")] * rows
    filled = [min(max(abs(level) * rows - HEAT_STEPS * row, 0), HEAT_STEPS) for row in range(rows)]
    if level < 0:
        return [(_BARS[HEAT_STEPS - part], f"ink:{level:+d} hang") for part in filled]
    return [(_BARS[part], f"ink:{level:+d}") for part in reversed(filled)]


def _shown(parts: Scene, group: Group) -> str:
    """The tensor that a group shows: the selected one, else the last that is computed, on the way back of the gradients, as soon as
    one is."""
    if parts.name in (*group.values, *group.gradients):
        return parts.name
    names = (*group.values, *(group.gradients if parts.backward else ()))
    return next((name for name in reversed(names) if values_in(parts.view, name) is not None), group.values[-1])


def _largest(values: Array) -> int:
    return int(np.abs(values).argmax())


def _parameters(parts: Scene, canvas: Canvas, group: Group, x: int, y: int) -> None:
    """The shapes of a group's parameters; each stands for its largest number."""
    for name in group.parameters:
        values = parts.view.tensors[name]
        largest = np.unravel_index(once(values, "most", partial(_largest, values)), values.shape)
        text = f"{parts.view.named(name)} {shape_text(values.shape)}  "
        canvas.write(x, y, text, "dim", (name, tuple(map(int, largest))))
        x += width(text)


def _chosen(parts: Scene) -> int | None:
    """The place of the group that is looked at: that of the selected cell, of the last stage, or the one in focus."""
    groups = {group.name: place for place, group in enumerate(_graph(parts).groups)}
    names = [drawn_in(parts.program, name) for name in (parts.name, parts.view.position.stage or "") if name in parts.program.tensors]
    return next((groups[name] for name in (*names, focus(parts.view)) if name in groups), None)
