"""Boxes as MathML, which every current browser shows by itself."""

from __future__ import annotations

from html import escape

from bpdebug.core.boxes import NOTHING, SPACES, Box, Piece, kind_of, pieces
from bpdebug.export.blocks import Display

_LIMITS = ("∑", "max", "min", "mean", "argmax", "any", "all")
"""What an index stands below."""
_FENCES = "()|‖[]{}"


def to_mathml(piece: Piece) -> str:
    """A formula within a line."""
    return f"<math>{_write(piece)}</math>"


def to_display(display: Display) -> str:
    """Formulas on lines of their own."""
    grid = Box("grid", tuple(Box("row", line) for line in display.lines), "aligned")
    return f'<math display="block">{_write(grid)}</math>'


def _write(piece: Piece) -> str:
    kind = kind_of(piece)
    if isinstance(piece, str) or not piece.parts:
        text = piece.strip(" ") if isinstance(piece, str) else piece.text
        return _sign(piece, text) if kind == "sign" else _LEAVES[kind].format(SPACES[text][0] if kind == "space" else escape(text))
    inner = [_write(part) for part in piece.parts]
    if kind in _AROUND:
        return _AROUND[kind].format(*inner)
    if kind in _WRITERS:
        return _WRITERS[kind](piece, inner)
    return inner[0] if len(inner) == 1 else f"<mrow>{''.join(inner)}</mrow>"


def _sign(piece: Piece, text: str) -> str:
    """A sign; a minus that is no subtraction is told, since the browser takes it for one."""
    more = ' stretchy="false"' * (text in _FENCES) + ' form="prefix"' * (piece == "−")
    return f"<mo{more}>{escape(text)}</mo>"


_LEAVES = {
    "number": "<mn>{}</mn>",
    "letter": "<mi>{}</mi>",
    "word": '<mi mathvariant="normal">{}</mi>',
    "text": "<mtext>{}</mtext>",
    "space": '<mspace width="{}"/>',
    "row": "<mrow></mrow>",
}
_AROUND = {
    "fraction": "<mfrac>{}{}</mfrac>",
    "root": "<msqrt>{}</msqrt>",
    "under": "<munder>{1}{0}</munder>",
    "lit": '<mrow class="lit">{}</mrow>',
}


def _scripts(box: Box, inner: list[str]) -> str:
    (base, below, above), (lower, upper) = box.parts, inner[1:]
    if above is NOTHING:
        tag = "munder" if isinstance(base, str) and base.strip() in _LIMITS else "msub"
        return f"<{tag}>{inner[0]}{lower}</{tag}>"
    return f"<msup>{inner[0]}{upper}</msup>" if below is NOTHING else f"<msubsup>{''.join(inner)}</msubsup>"


def _fence(box: Box, inner: list[str]) -> str:
    """Brackets that grow with what is between them; those of a matrix are drawn by the style sheet."""
    if box.text == "[]":
        return inner[0]
    before, after = (f"<mo>{escape(sign)}</mo>" if sign != " " else "" for sign in box.text)
    return f"<mrow>{before}{inner[0]}{after}</mrow>"


def _grid(grid: Box, _: list[str]) -> str:
    lines = ["".join(f"<mtd>{_write(cell)}</mtd>" for cell in pieces(line)) for line in grid.parts]
    large = ' displaystyle="true"' * (grid.text == "aligned")
    table = f'<mtable class="{grid.text}"{large}>{"".join(f"<mtr>{line}</mtr>" for line in lines)}</mtable>'
    return f"<mrow><mo>{{</mo>{table}</mrow>" if grid.text == "cases" else table


_WRITERS = {"fence": _fence, "grid": _grid, "scripts": _scripts}
