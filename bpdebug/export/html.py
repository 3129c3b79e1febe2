"""A worked solution as one HTML page: formulas in MathML, no scripts, nothing from elsewhere; it prints on A4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from bpdebug.export.blocks import Block, Code, Contents, Display, Heading, Mark, Maths, Notes, Paragraph, Table, Text, plain
from bpdebug.export.mathml import to_display, to_mathml

_STYLE = Path(__file__).with_name("export.css")


def to_html(blocks: Sequence[Block]) -> str:
    """The page."""
    title = next((plain(block.text) for block in blocks if isinstance(block, Heading)), "")
    style = _STYLE.read_text("utf-8")
    head = f'<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/><title>{escape(title)}</title>'
    body = "\n".join(_bodies(blocks))
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}<style>\n{style}</style></head>\n<body>\n{body}\n</body>\n</html>\n'


def _bodies(blocks: Sequence[Block]) -> Iterator[str]:
    """Each block; a stage's are in a section of their own."""
    within = False
    for block in blocks:
        if within and isinstance(block, Heading | Notes):
            within = False
            yield "</section>"
        if isinstance(block, Heading) and block.anchor:
            within = True
            yield f'<section class="stage" id="{_identity(block.anchor)}">'
        yield _block(block)


def _identity(anchor: str) -> str:
    return escape(anchor.replace("@", "-"))


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{_text(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        about = f'<span class="about">{escape(block.about)}</span>' if block.about else ""
        return f"<p>{about}{_text(block.text)}</p>"
    if isinstance(block, Contents):
        links = "".join(f'<a href="#{_identity(anchor)}">{_piece(name)}</a>' for anchor, name in block.stages)
        return f"<nav>{links}</nav>"
    if isinstance(block, Display):
        return f'<div class="display">{to_display(block)}</div>'
    return _table(block) if isinstance(block, Table) else _notes(block)


def _text(text: Text) -> str:
    return "".join(map(_piece, text))


def _piece(piece: str | Maths | Code | Mark) -> str:
    if isinstance(piece, Maths):
        return to_mathml(piece.box)
    if isinstance(piece, Code):
        return f"<code>{escape(piece.text)}</code>"
    return f'<sup><a href="#note-{piece.number}">{piece.number}</a></sup>' if isinstance(piece, Mark) else escape(piece)


def _table(table: Table) -> str:
    heads = "".join(f"<th>{_text(head)}</th>" for head in table.heads)
    rows = "\n".join(_row(row, place in table.marked) for place, row in enumerate(table.rows))
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'


def _row(row: Sequence[Text], marked: bool) -> str:
    cells = "".join(f"<td>{_text(cell)}</td>" for cell in row)
    return f'<tr class="marked">{cells}</tr>' if marked else f"<tr>{cells}</tr>"


def _notes(notes: Notes) -> str:
    items = "\n".join(f'<li id="note-{number}">{escape(item)}</li>' for number, item in enumerate(notes.items, 1))
    return f'<h2>Sources</h2>\n<ol class="notes">\n{items}\n</ol>'
