"""A worked solution as Markdown with LaTeX formulas, as GitHub shows it.

Displayed formulas stand in fenced ``math`` blocks: between dollar signs GitHub takes backslashes and underscores for Markdown first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bpdebug.export.blocks import Block, Code, Contents, Display, Heading, Mark, Maths, Notes, Paragraph, Table, Text


def to_markdown(blocks: Sequence[Block]) -> str:
    """The document."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_text(block.text)}"
    if isinstance(block, Paragraph):
        return f"**{block.about}.** " * bool(block.about) + _text(block.text)
    if isinstance(block, Contents):
        return "**Stages.** " + ", ".join(_piece(name) for _, name in block.stages)
    if isinstance(block, Display):
        return f"```math\n\\begin{{aligned}}\n{block.rows}\n\\end{{aligned}}\n```"
    return _table(block) if isinstance(block, Table) else _notes(block)


def _text(text: Text) -> str:
    return "".join(map(_piece, text))


def _piece(piece: str | Maths | Code | Mark) -> str:
    if isinstance(piece, Maths):
        return f"$`{piece.latex}`$" if _hazardous(piece.latex) else f"${piece.latex}$"
    if isinstance(piece, Code):
        return f"`{piece.text}`"
    if isinstance(piece, Mark):
        return f"[^{piece.number}]"
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", piece)


def _hazardous(latex: str) -> bool:
    """Whether Markdown would take a part of the formula for its own: an escape, an emphasis, the border of a table's cell."""
    return bool(re.search(r"\\[^A-Za-z]|[^A-Za-z0-9]_|\*|\||<", latex))


def _table(table: Table) -> str:
    rows = [[_text(cell) for cell in row] for row in table.rows]
    for place in table.marked:
        rows[place] = [f"**{cell}**" if cell else cell for cell in rows[place]]
    lines = [[_text(head) for head in table.heads], ["---:"] * len(table.heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _notes(notes: Notes) -> str:
    return "\n".join(f"[^{number}]: {_piece(item)}" for number, item in enumerate(notes.items, 1))
