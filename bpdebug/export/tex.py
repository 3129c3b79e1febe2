"""A worked solution as a LaTeX article that compiles by itself; amsmath and geometry are all that it needs."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from bpdebug.core.boxes import SYMBOLS
from bpdebug.export.blocks import Block, Code, Contents, Display, Heading, Mark, Maths, Notes, Paragraph, Table, Text
from bpdebug.export.drawing import RADIUS, Drawing

_HEAD = r"""\documentclass[10pt,a4paper,fleqn]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath}
\usepackage[margin=2cm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5em}
\setlength{\tabcolsep}{4pt}
\setlength{\jot}{6pt}
\setlength{\mathindent}{1em}
\allowdisplaybreaks
\raggedbottom
\sloppy
\begin{document}
"""
_LEVELS = {2: "section", 3: "subsection", 4: "subsubsection"}
_TEXT = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "…": r"\dots{}",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "’": "'",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_SIGNS = SYMBOLS | {
    "±": r"\pm",
    "≈": r"\approx",
    "√": r"\surd",
    "∈": r"\in",
    "→": r"\to",
    "½": r"\frac12",
    "ᵀ": r"^\top",
}
_SMALL = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega"
_LARGE = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
_GREEK = {*_SMALL.split(), *_LARGE.split()}


def to_tex(blocks: Sequence[Block]) -> str:
    """The document."""
    return f"{_HEAD}{to_lines(blocks)}\n\\end{{document}}\n"


def to_lines(blocks: Sequence[Block]) -> str:
    """What stands in a document."""
    return "\n".join(map(_block, blocks))


def _block(block: Block) -> str:
    match block:
        case Heading():
            text = _text(block.text)
            page = "\\newpage\n" * block.page
            return rf"{page}\{_LEVELS[block.level]}*{{{text}}}" if block.level > 1 else rf"{{\LARGE\bfseries {text}\par}}"
        case Paragraph():
            return "\n" + rf"\textbf{{{_plain(block.about)}.}} " * bool(block.about) + _text(block.text)
        case Contents():
            return "\n\\textbf{Stages.} " + ", ".join(_piece(name) for _, name in block.stages) + ".\n"
        case Display() | Drawing():
            return f"\\begin{{align*}}\n{block.rows}\n\\end{{align*}}" if isinstance(block, Display) else _picture(block)
        case Table():
            rows = [" & ".join(map(_piece, row)) for row in block.rows]
            for place in block.marked:
                rows[place] = " & ".join(rf"\textbf{{{_piece(cell)}}}" for cell in block.rows[place])
            lines = rf"{' & '.join(map(_plain, block.heads))} \\ \hline" + "\n" + " \\\\\n".join(rows)
            return f"\\begin{{tabular}}{{{'r' * len(block.heads)}}}\n{lines}\n\\end{{tabular}}\n"
        case Notes():
            items = "\n".join(rf"\item {_plain(item)}" for item in block.items)
            return f"\\section*{{Sources}}\n\\begin{{enumerate}}\n{items}\n\\end{{enumerate}}" if items else ""


def _picture(drawing: Drawing) -> str:
    """The network in LaTeX's own ``picture``; a negative weight is dotted."""
    gap = min(110.0, 380.0 / max(len(drawing.columns) - 1, 1))
    top = drawing.height
    lines = [rf"\begin{{picture}}({gap * (len(drawing.columns) - 1) + 90:.0f},{top + 30:.0f})(-45,-30)"]
    for (x, y), (right, below), width, negative in drawing.lines(gap):
        dots = f"[{math.hypot(right - x, below - y) / 4:.0f}]" * negative
        between = f"({(x + right) / 2:.1f},{top - (y + below) / 2:.1f})"
        lines.append(
            rf"\linethickness{{{0.3 + 1.2 * width:.1f}pt}}\qbezier{dots}({x:.1f},{top - y:.1f}){between}({right:.1f},{top - below:.1f})"
        )
    lines.append(r"\thinlines")
    for column, label, x, y in drawing.circles(gap):
        aside = {0: (-RADIUS - 3, "[r]"), len(drawing.columns) - 1: (RADIUS + 3, "[l]")}.get(column, (0, ""))
        circle = rf"\put({x:.1f},{top - y:.1f}){{\circle{{{2 * RADIUS:.0f}}}}}" if label != "⋮" else ""
        place, shift = (aside[1], aside[0]) if circle else ("", 0)
        text = _plain(label) if circle else r"$\vdots$"
        lines.append(rf"{circle}\put({x + shift:.1f},{top - y:.1f}){{\makebox(0,0){place}{{{text}}}}}")
    for text, x, y in drawing.captions(gap, 12):
        lines.append(rf"\put({x:.1f},{top - y - 10:.1f}){{\makebox(0,0){{\small {_plain(text)}}}}}")
    said = "A thick line is a large weight, a dotted line a negative one."
    return "\n".join(["", *lines, r"\end{picture}", "", said, ""])


def _text(text: Text) -> str:
    return "".join(map(_piece, text))


def _piece(piece: str | Maths | Code | Mark) -> str:
    match piece:
        case Maths():
            return f"${piece.latex}$"
        case Code():
            return rf"\texttt{{{_plain(piece.text)}}}"
        case Mark():
            return f"$^{{{piece.number}}}$"
    return _plain(piece)


def _plain(text: str) -> str:
    return "".join(map(_character, text))


def _character(character: str) -> str:
    """What LaTeX prints as that character; a question mark for what its usual fonts do not have."""
    if character in _TEXT:
        return _TEXT[character]
    if character.isascii():
        return character if character.isprintable() else " "
    if character in _SIGNS:
        return f"${_SIGNS[character]}$"
    words = unicodedata.name(character, "").replace("LAMDA", "LAMBDA").split()
    letter = words[-1].lower() if words[:3] == ["GREEK", "SMALL", "LETTER"] else words[-1].title() if words[:1] == ["GREEK"] else ""
    if letter in _GREEK:
        return rf"$\{letter}$"
    kind, _, code = unicodedata.decomposition(character).partition(" ")
    if kind in ("<super>", "<sub>") and len(code) == 4:
        return f"${'^' if kind == '<super>' else '_'}{{{_plain(chr(int(code, 16))).strip('$')}}}$"
    return character if "\xa1" < character <= "\u017e" else "?"
