"""What is said of a line that is typed: around a formula the place of a mistake, the verdict, and the names that fit; under the prompt what
went wrong, the command, and what the word before the cursor may become."""

from __future__ import annotations

from rich.cells import cell_len

from bpdebug.core.misfits import shape_text
from bpdebug.core.render import render
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shape
from bpdebug.core.tree import names
from bpdebug.session.completion import Candidate, Completion, Draft
from bpdebug.session.table import Command
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line, fit, line, table, width, with_more, wrap, wrap_lines


def editor_title(view: View, stage: Stage, columns: int) -> Line:
    """Whose formula it is, and how the editor is left; then the other keys that there is room for."""
    keys = [("Enter", "takes it"), ("Esc", "leaves"), ("Tab", "names"), ("ctrl+d", "derived")]
    drawn = line(("formula of ", "dim"), (view.named(stage.name), "name"), (f" {_sized(view.shapes[stage.name])}".rstrip(), "dim"))
    return with_more(drawn, columns, *(line("  ", (key, "key"), (f" {label}", "dim")) for key, label in keys))


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
    name = view.named(stage.name)
    role = "dim" if draft.message else ""
    written = wrap(render(draft.tree, view.style, view.shapes), columns, role, "    ", f"  {name} = ") if draft.tree else []
    if draft.message:
        return [*wrap_lines(draft.message, columns, "bad", "✗ "), *written]
    note = "   this is the derived formula" if draft.derived else "   this is what runs now" if draft.running else ""
    fits = line(("✓ ", "good"), (f"fits: {name} is {shape_text(draft.shape or ())}", "good"), (note, "changed"))
    operands = names(draft.tree) if draft.tree else ()
    shapes = "   " + "   ".join(f"{view.named(n)} {_sized(view.shapes[n])}" for n in operands if view.shapes.get(n))
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


MOST = 6
"""Candidates that are shown at once."""
_HELP = 2
"""Lines that a command's help takes at most."""


def prompt_lines(command: Command | None, mistake: str, completion: Completion, chosen: int | None, columns: int, rows: int) -> list[Line]:
    """The lines under the prompt.

    Args:
        command: the one that is being typed, as far as it is known.
        mistake: why the line as it stands was refused, or "".
        completion: of the word before the cursor.
        chosen: which candidate stands in the line, or None.
        columns, rows: the room.
    """
    said: list[Line] = []
    if mistake:  # its own lines stay lines
        first, _, others = mistake.partition("\n")
        said = [*wrap_lines(first, columns, "bad", "✗ "), *wrap_lines(others, columns, "dim", "  ")][:rows]
    elif command and cell_len(command.usage) + cell_len(command.help) + 2 <= columns:
        said = [line((command.usage, "bold"), ("  ", ""), (command.help, "dim"))]
    elif command:
        said = [*wrap(command.usage, columns, "bold"), *wrap(command.help, columns, "dim")][: _HELP + 1]
    return [*said, *candidate_lines(completion.found, chosen, columns, min(rows - len(said), MOST))]


def candidate_lines(found: tuple[Candidate, ...], chosen: int | None, columns: int, rows: int) -> list[Line]:
    """The candidates, a line each, with what they are; where there are more of them than lines, the last line says how many."""
    if rows <= 0 or not found:
        return []
    shown = rows if len(found) <= rows else max(rows - 1, 1)
    first = max((chosen or 0) - shown + 1, 0)
    part = found[first : first + shown]
    cells = []
    for place, candidate in enumerate(part, first):
        note = f"{shape_text(candidate.shape) if candidate.shape else ''} {candidate.note}".strip()
        cells.append([line((candidate.word, "cursor" if place == chosen else "name")), line((note, "dim"))])
    lines, rest = [fit(line("  ", *drawn), columns) for drawn in table(cells)], len(found) - len(part)
    return [*lines, line((f"  … {rest} more", "faint"))] if rest and rows > 1 else lines
