"""What stands under the prompt: what went wrong, the command that is being typed, and what the word before the cursor may become."""

from __future__ import annotations

from rich.cells import cell_len

from bpdebug.core.misfits import shape_text
from bpdebug.session.completion import Candidate, Completion
from bpdebug.session.table import Command
from bpdebug.ui.draw.rows import table
from bpdebug.ui.draw.spans import Line, fit, line, wrap

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
        first, *others = mistake.splitlines()
        more = [part for text in others for part in wrap(text, columns, "dim", "    ", "  ")]
        said = [*wrap(first, columns, "bad", "  ", "✗ "), *more][:rows]
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
