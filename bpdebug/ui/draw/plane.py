"""The answers over the plane of two inputs: half blocks in the colour of the output, the border of its two sides as a line of
dots, the samples on top, that in sight the widest. Without colours the outputs are shades.

Over one input: a curve for each output, and the samples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from itertools import groupby
from operator import itemgetter
from typing import cast

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.core.tensors import Role
from bpdebug.look.groups import group_of
from bpdebug.look.surface import Surface
from bpdebug.session.view import View
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.scales import Plot, even_ticks, ticks
from bpdebug.ui.draw.spans import Line, Span, line, width

HIGHER, LOWER, NEAR = "▲", "▼", "◆"
"""Of numbers: where the target lies from the answer."""
_NEAR = 0.05
"""Share of what the outputs reach within which an answer counts as that of the target."""


def letters(labels: Sequence[str]) -> tuple[str, ...]:
    """A character for each label: their first ones or their last ones where those differ, else whatever differs, or a digit."""
    for place in (0, -1):
        found = [label[place : place + 1 or None].upper() for label in labels]
        if len(set(found)) == len(labels) and "".join(found).isalnum():
            return tuple(found)
    chosen: list[str] = []
    spare = iter("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" * (1 + len(labels) // 36))
    for label in labels:
        own = (character for character in label.upper() if character.isalnum() and character not in chosen)
        chosen.append(next(own, None) or next(spare))
    return tuple(chosen)


class Sight(Record, eq=False):
    """The answers, and which sample and which output of them the user looks at."""

    view: View
    surface: Surface

    @cached_property
    def present(self) -> int | None:
        """Which of the asked samples is the one that is looked at: of the batch whose numbers are in sight, also of one that is
        finished."""
        found = np.flatnonzero(self.surface.samples == self.view.sample_shown)
        return int(found[0]) if len(found) else None

    @cached_property
    def output(self) -> int:
        """The output that is looked at: the selected cell's column where that tensor has a column for each output, else the first."""
        program, (name, index) = self.view.program, self.view.selected or ("", ())
        tensor = program.tensors.get(name)
        own = tensor and (tensor.role is Role.TARGET or group_of(program, tensor.name) == group_of(program, program.prediction))
        return index[1] if own and len(index) > 1 else 0

    @property
    def grid(self) -> Array:
        """The answers over the axes, where there are any."""
        return cast(Array, self.surface.grid)

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """A character for each label."""
        return letters(self.surface.labels)

    def is_right(self, place: int) -> bool:
        """Whether a sample's answer is on the right side; of numbers, always."""
        return self.surface.right is None or bool(self.surface.right[place])

    def mark(self, place: int) -> Span:
        """The mark of a sample: the letter of its class, of a number in the plane whether the target is above the answer, below it, or
        near. And its role: whether the answer is right."""
        surface = self.surface
        role = "point" if self.is_right(place) else "point missed"
        if surface.task != "numbers":
            return self.letters[int(surface.wanted[place])], role
        away = float(surface.y[place, self.output] - surface.outputs[place, self.output]) / surface.reach
        if len(surface.axes) < 2:
            return NEAR, "bold"
        return NEAR if abs(away) <= _NEAR else HIGHER if away > 0 else LOWER, role

    @property
    def order(self) -> list[int]:
        """The places of the samples in the order in which they are drawn: the wrong ones over the others, the present one last."""
        return sorted(range(len(self.surface.samples)), key=lambda place: (place == self.present, not self.is_right(place)))


_DOTS = np.array(((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80)))
"""The dots of a braille character by row and column."""
SHADES = " ░▒▓█"
"""In the place of colours, from the lowest output to the highest; classes take theirs in turn."""
_STEPS = HEAT_STEPS + 1
_UNKNOWN = -1
"""The side of an answer that is not finite; it is filled with ``?``."""
_TOLERANCE = 1e-9
_LARGEST = 1e100
"""Beyond that no output is drawn over one input."""


def plane_lines(sight: Sight, columns: int, rows: int, shades: bool = False) -> list[Line]:
    """The plane in that much room, with its axes; with ``shades`` instead of colours."""
    (across, up), names = sight.surface.axes, sight.surface.inputs
    marked = ticks(float(up[0]), float(up[-1]), max((rows - 2) // 2, 1))
    left = min(max(map(width, (names[1], *(text for _, text in marked)))), columns // 4) + 1
    field = _field(sight, rows - 1, columns - left, shades)
    labels = {rows - 2 - _part(up, value, rows - 1): text for value, text in marked}
    labels[next((row for row in range(rows - 1) if row not in labels), 0)] = names[1]
    lines: list[Line] = []
    for row, cells in enumerate(field):
        text = labels.get(row, "")
        label = (text if width(text) < left else text[: max(left - 2, 0)] + "…").rjust(left - 1) + " "
        neighbours = groupby(cells, key=itemgetter(1))
        lines.append(((label, "dim"), *(("".join(character for character, _ in group), role) for role, group in neighbours)))
    return [*lines, line((" " * left + _below(across, names[0], columns - left), "dim"))]


def _below(axis: Array, name: str, columns: int) -> str:
    """The numbers below the plane, and the input's name at the end."""
    name = name[: columns // 2]
    text, room = "", columns - len(name) - 1
    for value, number in ticks(float(axis[0]), float(axis[-1]), max(columns // 10, 1)):
        start = max(_part(axis, value, columns) - len(number) // 2, 0)
        if (start > len(text) or not text) and start + len(number) <= room:
            text = text.ljust(start) + number
    return f"{text.ljust(room)} {name}"


def _field(sight: Sight, rows: int, columns: int, shades: bool) -> list[list[Span]]:
    """The plane as characters with their roles."""
    surface, classes = sight.surface, sight.surface.task == "classes"
    fine = resampled(sight.grid, 4 * rows, 2 * columns)
    shown = fine if classes else fine[[sight.output]]
    # at each dot which label wins; of numbers, whether they are above the middle
    sides = np.argmax(shown, axis=0) if classes else np.asarray(shown[0] > surface.middle, int)
    sides = np.where(np.isfinite(shown).all(axis=0), sides, _UNKNOWN)
    dots = (_border(sides).reshape(rows, 4, columns, 2) * _DOTS[:, None, :]).sum(axis=(1, 3)).tolist()
    halves = _codes(surface, shown.reshape(len(shown), 2 * rows, 2, columns, 2).mean(axis=(2, 4)))
    above, below = halves[0::2].tolist(), halves[1::2].tolist()
    cell = _shade if shades else _cell
    field = [[cell(*codes) for codes in zip(*parts, strict=True)] for parts in zip(above, below, dots, strict=True)]
    for row, column in np.argwhere((sides[2::4, 1::2] == _UNKNOWN) & (np.array(dots) == 0)).tolist():
        field[row][column] = ("?", "faint")
    across, up = surface.axes
    for place in sight.order:
        right, above = surface.x[place].tolist()
        row, column, (mark, role) = rows - 1 - _part(up, above, rows), _part(across, right, columns), sight.mark(place)
        for beside in (-1, 0, 1) if place == sight.present else (0,):
            if 0 <= column + beside < columns:
                field[row][column + beside] = (" " if beside else mark, role)
    return field


def resampled(grid: Array, rows: int, columns: int) -> Array:
    """A grid of values (outputs, up, right) at the middles of so many rows, from the top, and columns; linear in between, NaN beside
    what is not finite in any output."""
    down, across = _weights(grid.shape[1], rows, True), _weights(grid.shape[2], columns, False)
    finite = np.isfinite(grid).all(axis=0)
    known = down.dot(finite.astype(float)).dot(across.T) > 1 - _TOLERANCE
    with np.errstate(all="ignore"):
        return np.stack([np.where(known, down.dot(np.where(finite, values, 0.0)).dot(across.T), np.nan) for values in grid])


@cache
def _weights(points: int, parts: int, down: bool) -> Array:
    """How much each point of an axis counts at the middle of each part of it, from its end where it goes down."""
    places = (np.arange(parts)[:: -1 if down else 1] + 0.5) / parts * (points - 1)
    return np.asarray(np.maximum(1 - np.abs(places[:, None] - np.arange(points)), 0.0))


def _codes(surface: Surface, shown: Array) -> Array:
    """The colours: levels of heat, or the winning class and how far it is ahead."""
    with np.errstate(all="ignore"):
        if surface.task != "classes":
            scaled = np.clip((shown[0] - surface.middle) / surface.reach, -1, 1)
            known = np.nan_to_num(HEAT_STEPS * scaled)  # of both sides of the middle there is a trace up to it
            return np.asarray(np.copysign(np.ceil(np.abs(known) - 0.5 * (np.abs(known) > 1)), known), int)
        ranked = np.sort(shown, axis=0)
        ahead = np.clip(np.nan_to_num(ranked[-1] - ranked[-2]), 0, 1)
        return np.asarray(1000 + _STEPS * np.argmax(shown, axis=0) + np.rint(HEAT_STEPS * ahead), int)


def _border(sides: Array) -> Array:
    """The dots to the right of which, or below which, another side begins."""
    border = np.zeros(sides.shape, int)
    border[:, :-1] |= sides[:, :-1] != sides[:, 1:]
    border[:-1] |= sides[:-1] != sides[1:]
    return border


@cache
def _ground(code: int) -> str:
    """The role of a colour."""
    return f"class:{(code - 1000) // _STEPS}:{(code - 1000) % _STEPS}" if code >= 1000 else f"heat:{code:+d}"


@cache
def _cell(above: int, below: int, dots: int) -> Span:
    """A character: two half blocks, or a piece of the border."""
    if dots:
        return chr(0x2800 + dots), f"{_ground(below)} bold"
    return (" ", _ground(below)) if above == below else ("▀", f"{_ground(below)} upper:{_ground(above)}")


@cache
def _shade(above: int, below: int, dots: int) -> Span:
    """A character: a shade, or a piece of the border."""
    if dots:
        return chr(0x2800 + dots), "bold"
    level = (below - 1000) // _STEPS % len(SHADES) if below >= 1000 else (below + HEAT_STEPS) * len(SHADES) // (2 * HEAT_STEPS + 1)
    return SHADES[level], ""


def _part(axis: Array, value: float, parts: int) -> int:
    """Which part of an axis a value lies in."""
    return min(max(int((value - axis[0]) / (axis[-1] - axis[0]) * parts), 0), parts - 1)


def response_lines(sight: Sight, columns: int, rows: int) -> list[Line]:
    """The curves in that much room, with their axes."""
    surface = sight.surface
    plot, axis = _plot(sight, columns, max(rows - 2, 1)), surface.axes[0]
    canvas = Canvas(plot.left + plot.columns, plot.rows)
    plot.scale(canvas)
    for x in range(2 * plot.left, 2 * canvas.columns, 4) if surface.task == "binary" else ():
        canvas.dot(x, int(plot.y(surface.middle)), "dim")
    for output, values in enumerate(sight.grid):
        chosen, finite = output == sight.output, np.abs(values) < _LARGEST
        role = f"upper:class:{output}:{HEAT_STEPS}" if surface.task == "classes" else "curve" if chosen else "faint"
        dots = list(zip(plot.x(axis[finite]).tolist(), plot.y(values[finite]).tolist(), strict=True))
        plot.path(canvas, dots, (role, ""), 1.0 + chosen)  # the output that is looked at is the brightest
    _targets(sight, plot, canvas)
    below, name = plot.base(2, ticks(float(axis[0]), float(axis[-1]), max(plot.columns // 8, 2))), sight.surface.inputs[0]
    below.write(canvas.columns - len(name) - 1, 0, f" {name} ", "dim")
    return [*canvas.lines(), *below.lines()]


def _plot(sight: Sight, columns: int, rows: int) -> Plot:
    surface = sight.surface
    values = np.concatenate([part[np.abs(part) < _LARGEST] for part in (surface.y, surface.outputs, sight.grid)])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    margin, axis = 0.04 * (high - low) or 1.0, surface.axes[0]
    low, high, marked = even_ticks(low - margin, high + margin, rows)
    left = max((len(text) for _, text in marked), default=0) + 1
    return Plot(left, max(columns - left, 4), rows, axis[0], axis[-1], low, high, marked, log=False)


def _targets(sight: Sight, plot: Plot, canvas: Canvas) -> None:
    """The samples at their targets; the present one with the way from its target to its answer."""
    surface = sight.surface
    for place in sight.order:
        output = int(surface.wanted[place]) if surface.task == "classes" else sight.output
        target, answer = (float(part[place, output]) for part in (surface.y, surface.outputs))
        x, y = int(plot.x(float(surface.x[place, 0]))), int(plot.y(target))
        if place == sight.present and abs(answer) < _LARGEST:
            canvas.segment((x, y), (x, int(plot.y(answer))), "next", 3.0)
        mark, role = sight.mark(place)
        canvas.write(x // 2, min(max(y // 4, 0), plot.rows - 1), mark, "next" if place == sight.present else role)
