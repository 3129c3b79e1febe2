"""What the formula editor shows around its line: the place of a mistake, the verdict, and the names that fit."""

from __future__ import annotations

from rich.cells import cell_len

from bpdebug.core.misfits import shape_text
from bpdebug.core.render import render, render_name
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shape
from bpdebug.core.tree import names
from bpdebug.session.completion import Candidate, Draft
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line, first_that_fits, line, width, wrap


def editor_title(view: View, stage: Stage, columns: int) -> Line:
    """Whose formula it is, and how the editor is left; then the other keys that there is room for."""
    keys = [("Enter", "takes it"), ("Esc", "leaves"), ("Tab", "names"), ("ctrl+d", "derived")]
    drawn = line(
        ("formula of ", "dim"), (render_name(stage.name, view.style), "name"), (f" {_sized(view.shapes[stage.name])}".rstrip(), "dim")
    )
    for key, label in keys:
        drawn = first_that_fits([(*drawn, ("  ", ""), (key, "key"), (f" {label}", "dim"))], columns, drawn)
    return drawn


def mistake_line(draft: Draft, start: int, columns: int) -> Line:
    """A caret under the column of the mistake, where that is in sight.

    Args:
        draft: the text with its verdict.
        start: the column of the line in which the text begins; negative where it is scrolled.
        columns: the width of the line.
    """
    place = start + cell_len(draft.text[: draft.column - 1])
    return line(" " * place, ("^", "bad")) if draft.message and 0 <= place < columns else ()


def draft_lines(view: View, stage: Stage, draft: Draft, columns: int) -> list[Line]:
    """The verdict on a formula, then how it reads in mathematics."""
    name = render_name(stage.name, view.style)
    role = "dim" if draft.message else ""
    written = wrap(render(draft.tree, view.style, view.shapes), columns, role, "    ", f"  {name} = ") if draft.tree else []
    if draft.message:
        return [*wrap(draft.message, columns, "bad", "  ", "✗ "), *written]
    note = "   this is the derived formula" if draft.derived else "   this is what runs now" if draft.running else ""
    fits = line(("✓ ", "good"), (f"fits: {name} is {shape_text(draft.shape or ())}", "good"), (note, "changed"))
    operands = names(draft.tree) if draft.tree else ()
    shapes = "   " + "   ".join(f"{render_name(n, view.style)} {_sized(view.shapes[n])}" for n in operands if view.shapes.get(n))
    return [(*fits, (shapes, "dim")) if width(fits) + cell_len(shapes) <= columns else fits, *written]


def candidates_line(found: tuple[Candidate, ...], chosen: int | None, columns: int) -> Line:
    """The candidates with their shapes, as many as fit; the chosen one is always among them."""
    drawn: list[Line] = []
    for place, candidate in enumerate(found):
        size = f" {_sized(candidate.shape)}".rstrip()
        drawn.append(((candidate.word, "cursor" if place == chosen else "name"), (size, "dim"), ("   ", "")))
    spans: Line = ()
    for place in range(chosen or 0, len(found)):
        spans = (*spans, *drawn[place])
        rest = len(found) - place - 1
        more = (f"… {rest} more", "faint")
        if rest and width((*spans, *drawn[place + 1])) + len(more[0]) > columns:
            return (*spans, more)
    return spans


def _sized(shape: Shape | None) -> str:
    """A shape beside a name; a single number has none worth a word."""
    return shape_text(shape) if shape else ""
