"""A worked solution as Markdown with LaTeX formulas, as GitHub shows it.

Displayed formulas stand in fenced ``math`` blocks: between dollar signs GitHub takes backslashes and underscores for Markdown first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import indent

from bpdebug.export.blocks import Block, Code, Contents, Display, Heading, Mark, Maths, Notes, Paragraph, Table, Text
from bpdebug.export.drawing import Drawing


def to_markdown(blocks: Sequence[Block]) -> str:
    """The document."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return "---\n\n" * block.page + f"{'#' * block.level} {_text(block.text)}"
        case Paragraph():
            return f"**{block.about}.** " * bool(block.about) + _text(block.text)
        case Contents():
            return "**Stages.** " + ", ".join(_piece(name) for _, name in block.stages)
        case Display() | Drawing():
            return _shown(block)
        case Table():
            rows = [list(map(_piece, row)) for row in block.rows]
            for place in block.marked:
                rows[place] = [f"**{cell}**" if cell else cell for cell in rows[place]]
            lines = [[*map(_piece, block.heads)], ["---:"] * len(block.heads), *rows]
            return "\n".join(f"| {' | '.join(line)} |" for line in lines)
        case Notes():
            return "\n".join(f"[^{number}]: {_piece(item)}" for number, item in enumerate(block.items, 1))


def _shown(block: Display | Drawing) -> str:
    """What stands on lines of its own."""
    if isinstance(block, Drawing):
        return indent("\n".join(block.text()), "    ")
    return f"```math\n\\begin{{aligned}}\n{block.rows}\n\\end{{aligned}}\n```"


def _text(text: Text) -> str:
    return "".join(map(_piece, text))


def _piece(piece: str | Maths | Code | Mark) -> str:
    match piece:
        case Maths(latex=latex):
            # Markdown might take a part of the formula for its own: an escape, an emphasis, the border of a table's cell
            hazardous = re.search(r"\\[^A-Za-z]|[^A-Za-z0-9]_|\*|\||<", latex)
            return f"$`{latex}`$" if hazardous else f"${latex}$"
        case Code():
            return f"`{piece.text}`"
        case Mark():
            return f"[^{piece.number}]"
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", piece)
