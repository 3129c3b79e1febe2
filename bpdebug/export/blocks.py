"""What a worked solution is made of, whatever it is written as: headings, paragraphs, displayed formulas, tables, notes."""

from __future__ import annotations

from collections.abc import Sequence

from bpdebug.core.boxes import QUAD, Piece, pieces, to_latex
from bpdebug.core.record import Record
from bpdebug.export.drawing import Drawing


class Maths(Record):
    """A formula within a line."""

    box: Piece

    @property
    def latex(self) -> str:
        """The same in LaTeX."""
        return to_latex(self.box).strip()


class Code(Record):
    """Something as a person types it."""

    text: str


class Mark(Record):
    """A reference to a note, counted from 1."""

    number: int


Text = tuple[str | Maths | Code | Mark, ...]


class Heading(Record):
    """A heading; level 1 is the title, level 4 a stage, which can be linked to by its ``anchor``; ``page``: it begins a page."""

    level: int
    text: Text
    anchor: str = ""
    page: bool = False


class Paragraph(Record):
    """A paragraph, perhaps with a word at its head that says what it is about."""

    text: Text
    about: str = ""


class Contents(Record):
    """The stages in order, each with its anchor."""

    stages: tuple[tuple[str, Maths], ...]


class Display(Record):
    """A formula on lines of its own: the left side of each, or nothing, and what is aligned beside it."""

    lines: tuple[tuple[Piece, Piece], ...]

    @property
    def rows(self) -> str:
        """The lines as LaTeX sets them within an environment that aligns."""
        shown: list[str] = []
        for left, right in self.lines:  # aligned at a sign, or as a whole
            beside = to_latex(right).lstrip() if pieces(right)[0] in (" = ", " ← ", " ≈ ", QUAD) else f" {to_latex(right)}"
            shown.append(f"{to_latex(left)} &{beside}".strip())
        return " \\\\\n".join(shown)


class Table(Record):
    """A table; ``marked`` rows stand out."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str | Maths]]
    marked: tuple[int, ...] = ()


class Notes(Record):
    """The notes that the marks refer to, in order."""

    items: tuple[str, ...]


Block = Heading | Paragraph | Contents | Display | Drawing | Table | Notes
