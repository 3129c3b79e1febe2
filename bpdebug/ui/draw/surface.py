"""What the network answers: the plane of two inputs, the line of one, or the samples; above it how many answers are right."""

from __future__ import annotations

import numpy as np

from bpdebug.core.numbers import short, written
from bpdebug.core.render import render_name
from bpdebug.look.surface import Surface
from bpdebug.session.view import View
from bpdebug.ui.draw.answers import answer_parts
from bpdebug.ui.draw.plane import SHADES, plane_lines, response_lines
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.sample_marks import HIGHER, LOWER, RIGHT, WRONG, Sight, output_shown
from bpdebug.ui.draw.spans import Line, crop, fit, line, width, wrap

_NARROWEST = 16
"""Columns that a picture needs."""
_SPACIOUS = 9
"""Rows from which on what is said above the picture may take two lines."""


def surface_title(view: View, name: str) -> str:
    """The name of the pane, with what it shows."""
    surface = view.surface
    if surface is None:
        return name
    inputs = view.program.inputs
    answer = render_name(surface.prediction, view.style)
    if surface.grid is None:
        return f"{name.replace('Surface', 'Answers')} · {answer} beside {render_name(view.program.target, view.style)}"
    output = f" {surface.labels[output_shown(view)]}" if surface.task == "numbers" and len(surface.labels) > 1 else ""
    return f"{name} · {answer}{output} over {', '.join(inputs)}"


def surface_parts(view: View, columns: int, rows: int, shades: bool = False) -> tuple[list[Line], list[Line]]:
    """What stays in sight in that much room, and what scrolls below it; with ``shades`` no colour is needed to read it."""
    surface = view.surface
    if surface is None:
        return [], []
    if not np.isfinite(surface.outputs).any():
        return wrap("No answer is finite any more: the parameters are not. U goes back an update.", columns, "bad"), []
    sight = Sight(view, surface)
    head = summary(sight, columns, 1 + (rows >= _SPACIOUS and columns >= _NARROWEST), shades)
    if surface.grid is None:
        fixed, below = answer_parts(sight, columns, rows - 1)
        return head + fixed, below
    if columns < _NARROWEST or rows < 4:
        return head, []
    room = rows - len(head)
    drawn = plane_lines(sight, columns, room, shades) if len(surface.axes) == 2 else response_lines(sight, columns, room)
    return head + [crop(line, 0, columns) for line in drawn], []


def summary(sight: Sight, columns: int, most: int, shades: bool = False) -> list[Line]:
    """How good the answers are, the present sample's, the meaning of the marks and of the colours, in so many lines at
    most; the marks alone are worth a line of their own."""
    lines, marks = [_score(sight.surface, sight.view.program.batches.total)], _marks(sight)
    for part in [_sample(sight), marks, _ramp(sight.surface, shades)] if sight.surface.grid is not None else []:
        fitting = next((place for place, drawn in enumerate(lines) if width(drawn) + 3 + width(part) <= columns), None)
        if part and fitting is not None:
            lines[fitting] = (*lines[fitting], ("   ", ""), *part)
        elif part == marks and len(lines) < most and width(part) <= columns:
            lines.append(part)
    return [fit(drawn, columns) for drawn in lines]


def _score(surface: Surface, samples: int) -> Line:
    """How many answers are right; for numbers, how far off they are on average."""
    asked = len(surface.samples)
    among = f", {samples} in all" if asked < samples else ""
    if surface.right is None:
        of = f" of {asked} samples" * bool(among)
        return line(("mean |error| ", "dim"), (short(surface.mean_error, 3), "bold"), (of + among, "faint"))
    right = int(surface.right.sum())
    share = f" ({100 * right / asked:.3g} %)" if asked >= 10 else ""
    return line((f"{right} of {asked}", "good" if right == asked else "bold"), (f" right{share}{among}", "dim"))


def _sample(sight: Sight) -> Line:
    """The answer to the sample that is looked at."""
    place, surface = sight.present, sight.surface
    if place is None:
        return ()
    head, right = (f"sample {surface.samples[place]}: ", "dim"), sight.is_right(place)
    if surface.task == "classes":
        decided, missed = int(surface.decided[place]), (f"✗ not {surface.labels[surface.wanted[place]]}", "bad")
        if not np.isfinite(surface.outputs[place]).all():
            return (head, ("no number ", "bold"), missed)
        answer = f"{surface.labels[decided]} {short(float(surface.outputs[place, decided]), 3)} "
        return (head, (answer, "bold"), ("✓", "good") if right else missed)
    answer, target = (written(float(part[place, sight.output]), 3) for part in (surface.outputs, surface.y))
    sign = () if surface.right is None else ((" ✓", "good") if right else (" ✗", "bad"),)
    return (head, (answer, "bold"), (f" for {target}", "dim"), *sign)


def _marks(sight: Sight) -> Line:
    """What the marks of the samples mean."""
    labels = sight.surface.labels
    if sight.surface.task == "binary":
        return line(RIGHT[1], (f" {labels[1]}  ", "dim"), RIGHT[0], (f" {labels[0]}  ", "dim"), WRONG[1] + WRONG[0], (" wrong", "dim"))
    if sight.surface.task == "numbers":
        plane = len(sight.surface.axes) == 2
        return line(HIGHER + LOWER if plane else RIGHT[1], (" target higher, lower" if plane else " target", "dim"))
    entries = ((letter, "" if letter == label else f" {label}") for letter, label in zip(sight.letters, labels, strict=True))
    return tuple(span for letter, label in entries for span in ((letter, "bold"), (f"{label}  ", "dim" * bool(label))))


def _ramp(surface: Surface, shades: bool) -> Line:
    """The colours of the outputs, from the lowest to the highest."""
    if surface.task == "classes" or len(surface.axes) < 2:
        return ()
    low, high = (written(surface.middle + sign * surface.reach, 2) for sign in (-1, 1))
    levels = range(-HEAT_STEPS, HEAT_STEPS + 1, 2)
    colours = [(SHADES, "")] if shades else [(" ", f"heat:{level:+d}") for level in levels]
    return line((f"{low} ", "dim"), *colours, (f" {high}", "dim"))
