"""A worked solution as one HTML page: formulas in MathML, no scripts, nothing from elsewhere; it prints on A4."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from bpdebug.core.boxes import NOTHING, SPACES, Box, Piece, kind_of, pieces
from bpdebug.export.blocks import Block, Code, Contents, Display, Heading, Mark, Maths, Notes, Paragraph, Table, Text
from bpdebug.export.drawing import RADIUS, Drawing

_STYLE = Path(__file__).with_name("export.css")
_LIMITS = ("∑", "max", "min", "mean", "argmax", "any", "all")
"""What an index stands below."""
_FENCES = "()|‖[]{}"


def to_html(blocks: Sequence[Block]) -> str:
    """The page; the blocks of a stage are in a section of their own."""
    title = next(("".join(map(str, block.text)) for block in blocks if isinstance(block, Heading)), "")
    head = f'<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/><title>{escape(title)}</title>'
    lines, within = list[str](), False
    for block in blocks:
        if within and isinstance(block, Heading | Notes):
            within = False
            lines.append("</section>")
        if isinstance(block, Heading) and block.anchor:
            within = True
            lines.append(f'<section class="stage" id="{_identity(block.anchor)}">')
        lines.append(_block(block))
    style, body = _STYLE.read_text("utf-8"), "\n".join(lines)
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}<style>\n{style}</style></head>\n<body>\n{body}\n</body>\n</html>\n'


def _identity(anchor: str) -> str:
    return escape(anchor.replace("@", "-"))


def _block(block: Block) -> str:
    match block:
        case Heading():
            page = ' class="page"' * block.page
            return f"<h{block.level}{page}>{_text(block.text)}</h{block.level}>"
        case Paragraph():
            about = f'<span class="about">{escape(block.about)}</span>' if block.about else ""
            return f"<p>{about}{_text(block.text)}</p>"
        case Contents():
            links = "".join(f'<a href="#{_identity(anchor)}">{_piece(name)}</a>' for anchor, name in block.stages)
            return f"<nav>{links}</nav>"
        case Display() | Drawing():
            return f'<div class="display">{to_display(block) if isinstance(block, Display) else _picture(block)}</div>'
        case Table():
            heads = "".join(f"<th>{escape(head)}</th>" for head in block.heads)
            rows = [f"<tr>{''.join(f'<td>{_piece(cell)}</td>' for cell in row)}</tr>" for row in block.rows]
            for place in block.marked:
                rows[place] = rows[place].replace("<tr>", '<tr class="marked">', 1)
            body = "\n".join(rows)
            return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>\n{body}\n</tbody></table></div>'
        case Notes():
            items = "\n".join(f'<li id="note-{number}">{escape(item)}</li>' for number, item in enumerate(block.items, 1))
            return f'<h2>Sources</h2>\n<ol class="notes">\n{items}\n</ol>'


def _picture(drawing: Drawing) -> str:
    """The network as SVG; a negative weight is dashed."""
    gap = min(150.0, 640.0 / max(len(drawing.columns) - 1, 1))
    wide, high = gap * (len(drawing.columns) - 1) + 220, drawing.height + 44
    parts = [f'<svg class="network" viewBox="-110 -4 {wide:.0f} {high:.0f}" width="{wide:.0f}" height="{high:.0f}">']
    for (x, y), (right, below), width, negative in drawing.lines(gap):
        dashes = ' stroke-dasharray="4 3"' * negative
        parts.append(f'<path d="M{x:.1f} {y:.1f}L{right:.1f} {below:.1f}" stroke-width="{0.4 + 2.6 * width:.2f}"{dashes}/>')
    for column, label, x, y in drawing.circles(gap):
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS:.0f}"/>'] * (label != "⋮")
        inside = "small" * (len(label) > 2)
        side = "" if label == "⋮" else {0: "before", len(drawing.columns) - 1: "behind"}.get(column, inside)
        shift = {"before": -RADIUS - 4, "behind": RADIUS + 4}.get(side, 0)
        parts.append(f'<text x="{x + shift:.1f}" y="{y + 4:.1f}" class="{side}">{escape(label)}</text>')
    for text, x, y in drawing.captions(gap, 15):
        parts.append(f'<text x="{x:.1f}" y="{y + 14:.1f}">{escape(text)}</text>')
    return f"{''.join(parts)}</svg><p>A thick line is a large weight, a dashed line a negative one.</p>"


def _text(text: Text) -> str:
    return "".join(map(_piece, text))


def _piece(piece: str | Maths | Code | Mark) -> str:
    match piece:
        case Maths():
            return to_mathml(piece.box)
        case Code():
            return f"<code>{escape(piece.text)}</code>"
        case Mark():
            return f'<sup><a href="#note-{piece.number}">{piece.number}</a></sup>'
    return escape(piece)


def to_mathml(piece: Piece) -> str:
    """A formula within a line."""
    return f"<math>{_write(piece)}</math>"


def to_display(display: Display) -> str:
    """Formulas on lines of their own, or nothing."""
    if not display.lines:
        return ""
    grid = Box("grid", tuple(Box("row", line) for line in display.lines), "aligned")
    return f'<math display="block">{_write(grid)}</math>'


def _write(piece: Piece) -> str:
    kind = kind_of(piece)
    if isinstance(piece, str) or not piece.parts:
        text = piece.strip(" ") if isinstance(piece, str) else piece.text
        # a minus that is no subtraction is told, since the browser takes it for one
        more = ' stretchy="false"' * (text in _FENCES) + ' form="prefix"' * (piece == "−")
        return _LEAVES[kind].format(SPACES[text][0] if kind == "space" else escape(text), more)
    inner = [_write(part) for part in piece.parts]
    if kind in _AROUND:
        return _AROUND[kind].format(*inner)
    if kind == "blank":
        inner = [f'<mrow class="blank"><mspace width="{2.4 * len(inner):g}em" height="1.2em"/></mrow>']
    if kind == "scripts":
        base, below, above = piece.parts
        if above is NOTHING:
            tag = "munder" if isinstance(base, str) and base.strip() in _LIMITS else "msub"
            inner.pop()
        else:
            tag = "msup" if below is NOTHING else "msubsup"
            inner[1] *= below is not NOTHING
        return f"<{tag}>{''.join(inner)}</{tag}>"
    if kind == "fence" and piece.text != "[]":  # the brackets of a matrix are drawn by the style sheet
        before, after = (f"<mo>{escape(sign)}</mo>" if sign != " " else "" for sign in piece.text)
        return f"<mrow>{before}{inner[0]}{after}</mrow>"
    if kind == "grid":
        lines = ["".join(f"<mtd>{_write(cell)}</mtd>" for cell in pieces(line)) for line in piece.parts]
        large = ' displaystyle="true"' * (piece.text == "aligned")
        table = f'<mtable class="{piece.text}"{large}>{"".join(f"<mtr>{line}</mtr>" for line in lines)}</mtable>'
        return f"<mrow><mo>{{</mo>{table}</mrow>" if piece.text == "cases" else table
    return inner[0] if len(inner) == 1 else f"<mrow>{''.join(inner)}</mrow>"


_LEAVES = {
    "number": "<mn>{}</mn>",
    "letter": "<mi>{}</mi>",
    "word": '<mi mathvariant="normal">{}</mi>',
    "text": "<mtext>{}</mtext>",
    "space": '<mspace width="{}"/>',
    "sign": "<mo{1}>{0}</mo>",
    "row": "<mrow></mrow>",
}
_AROUND = {
    "fraction": "<mfrac>{}{}</mfrac>",
    "root": "<msqrt>{}</msqrt>",
    "under": "<munder>{1}{0}</munder>",
    "lit": '<mrow class="lit">{}</mrow>',
}
