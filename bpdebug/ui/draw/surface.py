"""What the network answers: the plane of two inputs, the line of one, or the samples; above it how many answers are right."""

from __future__ import annotations

import numpy as np

from bpdebug.core.numbers import short
from bpdebug.core.render import render_name
from bpdebug.look.surface import Surface
from bpdebug.session.view import View
from bpdebug.ui.draw.answers import answer_parts
from bpdebug.ui.draw.plane import SHADES, plane_lines
from bpdebug.ui.draw.response import response_lines
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.sample_marks import HIGHER, LOWER, RIGHT, WRONG, current_place, letters, output_shown
from bpdebug.ui.draw.spans import Line, Span, crop, fit, line, width, wrap

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


def surface_lines(view: View, columns: int, rows: int, shades: bool = False) -> list[Line]:
    """The picture in that much room; a table of the samples goes on below it. With ``shades`` no colour is needed to read it."""
    fixed, below = surface_parts(view, columns, rows, shades)
    return fixed + below


def surface_parts(view: View, columns: int, rows: int, shades: bool = False) -> tuple[list[Line], list[Line]]:
    """What stays in sight, and what scrolls below it."""
    surface = view.surface
    if surface is None:
        return [], []
    if not np.isfinite(surface.outputs).any():
        return wrap("No answer is finite any more: the parameters are not. U goes back an update.", columns, "bad"), []
    head = summary(view, surface, columns, 1 + (rows >= _SPACIOUS and columns >= _NARROWEST), shades)
    if surface.grid is None:
        fixed, below = answer_parts(view, surface, columns, rows - 1)
        return head + fixed, below
    if columns < _NARROWEST or rows < 4:
        return head, []
    room = rows - len(head)
    drawn = plane_lines(view, surface, columns, room, shades) if len(surface.axes) == 2 else response_lines(view, surface, columns, room)
    return head + [crop(line, 0, columns) for line in drawn], []


def summary(view: View, surface: Surface, columns: int, most: int, shades: bool = False) -> list[Line]:
    """How good the answers are, the present sample's, the meaning of the marks and of the colours, in so many lines at
    most; the marks alone are worth a line of their own."""
    lines = [_score(surface, view.program.batches.total)]
    for part in [_sample(view, surface), _marks(surface), _ramp(surface, shades)] if surface.grid is not None else []:
        fitting = next((place for place, drawn in enumerate(lines) if width(drawn) + 3 + width(part) <= columns), None)
        if part and fitting is not None:
            lines[fitting] = (*lines[fitting], ("   ", ""), *part)
        elif part == _marks(surface) and len(lines) < most and width(part) <= columns:
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


def _sample(view: View, surface: Surface) -> Line:
    """The answer to the sample that is looked at."""
    place = current_place(view, surface)
    if place is None:
        return ()
    outputs, target, number = surface.outputs[place], surface.y[place], int(surface.samples[place])
    head: Span = (f"sample {number}: ", "dim")
    if surface.task == "classes":
        decided, right = int(surface.decided[place]), int(surface.wanted[place])
        if not np.isfinite(outputs).all():
            return (head, ("no number ", "bold"), (f"✗ not {surface.labels[right]}", "bad"))
        verdict: Span = ("✓", "good") if surface.right is not None and surface.right[place] else (f"✗ not {surface.labels[right]}", "bad")
        return (head, (f"{surface.labels[decided]} {short(float(outputs[decided]), 3)} ", "bold"), verdict)
    shown = output_shown(view) if len(surface.labels) > 1 and surface.task == "numbers" else 0
    values = (
        head,
        (short(float(outputs[shown]), 3).replace("-", "−"), "bold"),
        (f" for {short(float(target[shown]), 3)}".replace("-", "−"), "dim"),
    )
    if surface.right is None:
        return values
    return (*values, (" ✓", "good") if surface.right[place] else (" ✗", "bad"))


def _marks(surface: Surface) -> Line:
    """What the marks of the samples mean."""
    if surface.task == "binary":
        low, high = surface.labels
        return line(RIGHT[1], (f" {high}  ", "dim"), RIGHT[0], (f" {low}  ", "dim"), WRONG[1] + WRONG[0], (" wrong", "dim"))
    if surface.task == "numbers" and len(surface.axes) == 2:
        return line(HIGHER + LOWER, (" target higher, lower", "dim"))
    if surface.task == "numbers":
        return line(RIGHT[1], (" target", "dim"))
    return line(*(span for letter, label in zip(letters(surface.labels), surface.labels, strict=True) for span in _entry(letter, label)))


def _entry(letter: str, label: str) -> tuple[Span, ...]:
    if letter == label:
        return ((letter, "bold"), ("  ", ""))
    return ((letter, "bold"), (f" {label}  ", "dim"))


def _ramp(surface: Surface, shades: bool) -> Line:
    """The colours of the outputs, from the lowest to the highest."""
    if surface.task == "classes" or len(surface.axes) < 2:
        return ()
    low, high = (short(surface.middle + sign * surface.reach, 2).replace("-", "−") for sign in (-1, 1))
    if shades:
        return line((f"{low} ", "dim"), (SHADES, ""), (f" {high}", "dim"))
    levels = range(-HEAT_STEPS, HEAT_STEPS + 1, 2)
    return line((f"{low} ", "dim"), *((" ", f"heat:{level:+d}") for level in levels), (f" {high}", "dim"))
