"""The engine's LaTeX as MathML, which every current browser shows by itself."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from bpdebug.export.maths import UNARY_AFTER, Node, read

_LIMITS = ("∑", "max", "min", "mean", "argmax", "any", "all")
"""What an index stands below."""
_FENCES = "()|‖[]{}"


def to_mathml(latex: str) -> str:
    """A formula within a line."""
    return f"<math>{_write(read(latex))}</math>"


def to_display(rows: str) -> str:
    """Formulas on lines of their own, aligned where they have an ``&``; ``rows`` as in an aligning environment of LaTeX."""
    grid = read(rf"\begin{{aligned}}{rows}\end{{aligned}}")
    return f'<math display="block">{_write(grid)}</math>'


def _write(node: Node) -> str:
    return _WRITERS[node.kind](node)


def _row(node: Node) -> str:
    """A row; a minus that is no subtraction is told, since the browser takes it for one."""
    written, before = list[str](), ""
    for part in node.parts:
        unary = part.text in ("−", "+") and (not written or before in UNARY_AFTER)
        written.append(_sign(part, ' form="prefix"') if unary else _write(part))
        before = part.text
    return written[0] if len(written) == 1 else f"<mrow>{''.join(written)}</mrow>"


def _scripts(node: Node) -> str:
    base, below, above = node.parts
    there = {kind: part for kind, part in (("sub", below), ("sup", above)) if part.source}
    kind = "under" if base.text in _LIMITS and not above.source else "".join(there)
    return f"<m{kind}>{''.join(map(_write, (base, *there.values())))}</m{kind}>"


def _fence(node: Node) -> str:
    """Brackets that grow with what is between them; those of a matrix are drawn by the style sheet."""
    if node.text == "[]" and [part.text for part in node.parts[0].parts] == ["array"]:
        return _write(node.parts[0])
    before, after = (f"<mo>{escape(sign)}</mo>" if sign != " " else "" for sign in node.text)
    return f"<mrow>{before}{_write(node.parts[0])}{after}</mrow>"


def _grid(node: Node) -> str:
    rows = "".join(f"<mtr>{''.join(f'<mtd>{_write(cell)}</mtd>' for cell in row.parts)}</mtr>" for row in node.parts)
    large = ' displaystyle="true"' * (node.text == "aligned")
    table = f'<mtable class="{node.text}"{large}>{rows}</mtable>'
    return f"<mrow><mo>{{</mo>{table}</mrow>" if node.text == "cases" else table


def _sign(node: Node, more: str = "") -> str:
    still = ' stretchy="false"' * (node.text in _FENCES)
    return f"<mo{still}{more}>{escape(node.text)}</mo>"


def _tagged(tag: str) -> Callable[[Node], str]:
    return lambda node: f"<{tag}>{escape(node.text)}</{tag}>"


def _around(tag: str, more: str = "") -> Callable[[Node], str]:
    return lambda node: f"<{tag}{more}>{''.join(map(_write, node.parts))}</{tag}>"


_WRITERS: dict[str, Callable[[Node], str]] = {
    "number": _tagged("mn"),
    "letter": _tagged("mi"),
    "word": lambda node: f'<mi mathvariant="normal">{escape(node.text)}</mi>',
    "text": _tagged("mtext"),
    "sign": _sign,
    "space": lambda node: f'<mspace width="{node.text}"/>',
    "row": _row,
    "fraction": lambda node: f"<mfrac>{_write(node.parts[0])}{_write(node.parts[1])}</mfrac>",
    "root": _around("msqrt"),
    "under": lambda node: f"<munder>{_write(node.parts[1])}{_write(node.parts[0])}</munder>",
    "scripts": _scripts,
    "fence": _fence,
    "grid": _grid,
    "lit": _around("mrow", ' class="lit"'),
}
