"""What a worked solution is made of, whatever it is written as: headings, paragraphs, displayed formulas, tables, notes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Maths:
    """A formula within a line, in LaTeX."""

    latex: str


@dataclass(frozen=True)
class Code:
    """Something as a person types it."""

    text: str


@dataclass(frozen=True)
class Mark:
    """A reference to a note, counted from 1."""

    number: int


Text = tuple[str | Maths | Code | Mark, ...]


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title, level 4 a stage, which can be linked to by its ``anchor``."""

    level: int
    text: Text
    anchor: str = ""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, perhaps with a word at its head that says what it is about."""

    text: Text
    about: str = ""


@dataclass(frozen=True)
class Contents:
    """The stages in order, each with its anchor."""

    stages: tuple[tuple[str, Maths], ...]


@dataclass(frozen=True)
class Display:
    """A formula on lines of its own, aligned where they have an ``&``."""

    lines: tuple[str, ...]

    @property
    def rows(self) -> str:
        """The lines as LaTeX sets them within an environment that aligns."""
        return " \\\\\n".join(self.lines)


@dataclass(frozen=True)
class Table:
    """A table; ``marked`` rows stand out."""

    heads: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]
    marked: tuple[int, ...] = ()


@dataclass(frozen=True)
class Notes:
    """The notes that the marks refer to, in order."""

    items: tuple[str, ...]


Block = Heading | Paragraph | Contents | Display | Table | Notes


def plain(text: Text) -> str:
    """A text without its formulas, for the title of a page."""
    return "".join(piece if isinstance(piece, str) else piece.text if isinstance(piece, Code) else "" for piece in text)
