"""What the formula editor shows around its line: the place of a mistake, the verdict, and the names that fit."""

from __future__ import annotations

from rich.cells import cell_len

from bpdebug.core.render import render, render_name
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shape, shape_text
from bpdebug.core.tree import names
from bpdebug.session.completion import Candidate, Draft
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line, Span, line, width, wrap


def editor_title(view: View, stage: Stage) -> Line:
    """Whose formula it is, and how the editor is left."""
    keys = [("Tab", "names"), ("ctrl+d", "derived"), ("Enter", "takes it"), ("Esc", "leaves")]
    name = render_name(stage.name, view.style)
    spans: list[Span] = [("formula of ", "dim"), (name, "name"), (f" {_sized(view.shapes[stage.name])}".rstrip(), "dim")]
    for key, label in keys:
        spans += [("  ", ""), (key, "key"), (f" {label}", "dim")]
    return tuple(spans)


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
    written = wrap(render(draft.tree, view.style, view.shapes), columns, "", "    ", f"  {name} = ") if draft.tree else []
    if draft.message:
        return [*wrap(draft.message, columns, "bad", "  ", "✗ "), *[((text, "dim"),) for ((text, _),) in written]]
    return [_fits(view, name, draft, columns), *written]


def _fits(view: View, name: str, draft: Draft, columns: int) -> Line:
    verdict = line(("✓ ", "good"), (f"fits: {name} is {shape_text(draft.shape or ())}", "good"))
    note = "   this is the derived formula" if draft.derived else "   this is what runs now" if draft.running else ""
    operands = names(draft.tree) if draft.tree else ()
    shapes = "   " + "   ".join(f"{render_name(n, view.style)} {_sized(view.shapes[n])}" for n in operands if view.shapes.get(n))
    spans: Line = (*verdict, (note, "changed"))
    return (*spans, (shapes, "dim")) if width(spans) + cell_len(shapes) <= columns else spans


def candidates_line(found: tuple[Candidate, ...], chosen: int | None, columns: int) -> Line:
    """The candidates with their shapes, as many as fit; the chosen one is always among them."""
    if not found:
        return ()
    first = chosen or 0
    spans: list[Span] = []
    for place, candidate in enumerate(found[first:], first):
        spans += _candidate(candidate, place == chosen)
        rest = len(found) - place - 1
        more = (f"… {rest} more", "faint")
        if rest and width((*spans, *_candidate(found[place + 1], False))) + len(more[0]) > columns:
            return (*spans, more)
    return tuple(spans)


def _candidate(candidate: Candidate, chosen: bool) -> list[Span]:
    size = "" if candidate.shape is None else _sized(candidate.shape)
    return [(candidate.word, "cursor" if chosen else "name"), (f" {size}".rstrip(), "dim"), ("   ", "")]


def _sized(shape: Shape) -> str:
    """A shape beside a name; a single number has none worth a word."""
    return shape_text(shape) if shape else ""
