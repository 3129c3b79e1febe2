"""A worked solution as a LaTeX article that compiles by itself; amsmath and geometry are all that it needs."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from bpdebug.core.boxes import SYMBOLS
from bpdebug.export.blocks import Block, Code, Contents, Display, Heading, Mark, Maths, Notes, Paragraph, Table, Text

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
    return _HEAD + "\n".join(map(_block, blocks)) + "\n\\end{document}\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            text = _text(block.text)
            return rf"\{_LEVELS[block.level]}*{{{text}}}" if block.level > 1 else rf"{{\LARGE\bfseries {text}\par}}"
        case Paragraph():
            return "\n" + rf"\textbf{{{_plain(block.about)}.}} " * bool(block.about) + _text(block.text)
        case Contents():
            return "\n\\textbf{Stages.} " + ", ".join(_piece(name) for _, name in block.stages) + ".\n"
        case Display():
            return f"\\begin{{align*}}\n{block.rows}\n\\end{{align*}}"
        case Table():
            rows = [" & ".join(map(_piece, row)) for row in block.rows]
            for place in block.marked:
                rows[place] = " & ".join(rf"\textbf{{{_piece(cell)}}}" for cell in block.rows[place])
            lines = rf"{' & '.join(map(_plain, block.heads))} \\ \hline" + "\n" + " \\\\\n".join(rows)
            return f"\\begin{{tabular}}{{{'r' * len(block.heads)}}}\n{lines}\n\\end{{tabular}}\n"
        case Notes():
            items = "\n".join(rf"\item {_plain(item)}" for item in block.items)
            return f"\\section*{{Sources}}\n\\begin{{enumerate}}\n{items}\n\\end{{enumerate}}" if items else ""


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
