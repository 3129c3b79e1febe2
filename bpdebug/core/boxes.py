"""A formula as boxes beside, above and below one another: made once, and written as LaTeX here, as MathML by an export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from bpdebug.core.record import Record

_SIGNS = "− · × ≤ ≥ ≠ ≈ ∞ ⊙ ∂ ∑ ← ∧ ∨ ¬ ⊤ … ⋯ ⋮ ⋱ η μ ϵ λ α β δ π"
_COMMANDS_OF_SIGNS = (
    r"- \cdot \times \le \ge \ne \approx \infty \odot \partial \sum \leftarrow \land \lor \lnot \top \dots \cdots \vdots \ddots "
    r"\eta \mu \epsilon \lambda \alpha \beta \delta \pi"
)
SYMBOLS = dict(zip(_SIGNS.split(), _COMMANDS_OF_SIGNS.split(), strict=True))
"""What LaTeX calls the signs and letters of a formula."""
SPACES = {"\u2009": ("0.167em", r"\,"), "\u2003": ("1em", r"\quad"), "\u2001": ("2em", r"\qquad")}
THIN, QUAD, GAP = SPACES
_OPERATORS = ("exp", "log", "max", "min", "tanh", "sinh", "cosh", "sin", "cos")
"""The functions that LaTeX has a command for."""


class Box(Record):
    """A piece of a formula that has pieces itself; a piece without any is a text: a number, a letter, a word or a sign, with the blanks
    that LaTeX has around it (a minus without blanks is no subtraction).

    Attributes:
        kind: ``row``, ``group`` (a row in braces), ``fraction``, ``root``, ``under`` (what stands below, base), ``scripts`` (base, below,
            above), ``fence`` (its text is the two delimiters), ``grid`` (rows of cells; its text is the environment's name), ``lit`` (the
            cell that is worked out), ``word`` (upright although it is a single letter), ``text``, ``blank`` (a gap as
            wide as its parts).
        parts: what it is made of.
        text: what is to be seen, where it has no parts.
    """

    kind: str
    parts: tuple[Piece, ...] = ()
    text: str = ""


Piece = Box | str
NOTHING, BLANK = Box("row"), Box("blank", (GAP,))
"""Nothing, and nothing yet: a gap to fill in."""


def pieces(piece: Piece) -> tuple[Piece, ...]:
    """What stands beside one another in it."""
    return piece.parts if isinstance(piece, Box) and piece.kind == "row" else (piece,)


def row(*parts: Piece) -> Box:
    """Pieces beside one another."""
    return Box("row", tuple(chain.from_iterable(map(pieces, parts))))


def group(*parts: Piece) -> Box:
    """A row in braces: a script, or the base of one."""
    return Box("group", row(*parts).parts)


def joined(parts: Iterable[Piece], sign: str) -> Box:
    """The pieces with a sign between them."""
    return row(*[piece for part in parts for piece in (sign, part)][1:])


def fence(delimiters: str, inner: Piece) -> Box:
    """Brackets that grow with what is between them; a blank is none."""
    return Box("fence", (inner,), delimiters)


def brackets(*inner: Piece) -> Box:
    """Parentheses, which grow where something tall is between them."""
    tall = any(kind_of(piece) in ("fraction", "grid") for piece in within(row(*inner)))
    return fence("()", row(*inner)) if tall else row("(", *inner, ")")


def lowered(base: Piece, below: Piece | None) -> Piece:
    """A base, with an index where there is one."""
    return base if below is None else Box("scripts", (base, below, NOTHING))


def power(base: Piece, above: Piece) -> Box:
    """A base with a superscript, which stands where LaTeX has it: at the last piece."""
    *before, last = pieces(base)
    bare = isinstance(last, Box) and last.kind == "scripts" and last.parts[2] is NOTHING
    return row(*before, Box("scripts", (*(last.parts[:2] if bare and isinstance(last, Box) else (last, NOTHING)), above)))


def figure(text: str) -> Piece:
    """A number that is written already, such as ``−1.5e-5``, ``(−inf)`` or the ellipsis of a long sum."""
    if text[0] == "(":
        return row("(", figure(text[1:-1]), ")")
    count, together, rest = text.partition(" more, together ")
    if together:
        return row(count, THIN, "more,", THIN, "together", THIN, figure(rest))
    if text[0] in "-−":
        return row("−", figure(text[1:]))
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return row(mantissa, " · ", power("10", group(figure(str(int(exponent.replace("−", "-")))))))
    return "∞" if text == "inf" else text


def within(piece: Piece) -> Iterator[Piece]:
    """The piece and all in it."""
    yield piece
    for part in piece.parts if isinstance(piece, Box) else ():
        yield from within(part)


def kind_of(piece: Piece) -> str:
    """Of a text, whether it is a ``number``, a ``letter``, a ``word``, a ``sign`` or a ``space``."""
    if isinstance(piece, Box):
        return piece.kind
    text = piece.strip(" ")
    if len(text) > 1 or text.isdigit():
        return "number" if text[0].isdigit() else "word"
    return "space" if text in SPACES else "letter" if text.isalpha() or text == "∞" else "sign"


_COMMANDS = {"fraction": r"\frac", "root": r"\sqrt", "under": r"\underset", "lit": r"\mathbf", "word": r"\mathrm", "text": r"\text"}
_DELIMITERS = {" |": (".", r"\rvert"), "‖‖": (r"\|", r"\|")}


def to_latex(piece: Piece) -> str:
    """The piece in LaTeX."""
    if isinstance(piece, str):
        return _leaf(piece)
    if piece.kind == "grid":
        rows = [list(map(to_latex, pieces(line))) for line in piece.parts]
        gap, columns = ("\n", f"{{{'r' * len(rows[0])}}}") if piece.text == "array" else (" ", "")
        lines = f" \\\\{gap}".join(map(" & ".join, rows))
        return f"\\begin{{{piece.text}}}{columns}{gap}{lines}{gap}\\end{{{piece.text}}}"
    inner = [to_latex(part) for part in piece.parts] or [piece.text]
    if piece.kind == "scripts":
        return inner[0] + f"_{inner[1]}" * bool(inner[1]) + f"^{inner[2]}" * bool(inner[2])
    if piece.kind == "fence":
        before, after = _DELIMITERS.get(piece.text, (piece.text[0], piece.text[1]))
        return rf"\left{before}{inner[0]}\right{after}"
    if piece.kind == "blank":
        inner = [rf"\underline{{{''.join(inner)}}}"]
    if piece.kind in _COMMANDS:
        return _COMMANDS[piece.kind] + "".join(f"{{{part}}}" for part in inner)
    return f"{{{''.join(inner)}}}" if piece.kind == "group" else "".join(inner)


def _leaf(text: str) -> str:
    shown, kind = text.strip(" "), kind_of(text)
    if kind == "word":
        return f"\\{shown}" if shown in _OPERATORS else rf"\mathrm{{{shown}}}".replace("_", r"\_")
    return text.replace(shown, SPACES[shown][1] if kind == "space" else SYMBOLS.get(shown, shown))


def width(piece: Piece) -> float:
    """About how wide it is, in digits."""
    kind = kind_of(piece)
    if isinstance(piece, str) or (piece.text and not piece.parts):
        text = piece.strip(" ") if isinstance(piece, str) else piece.text
        return {"sign": 2.8 if text in "+−⊙·≤≥≠≈∧∨×←=<>" else 1.0, "letter": 1.2, "space": 3.0}.get(kind, float(len(text)))
    if kind == "grid":
        columns = zip(*(map(width, pieces(line)) for line in piece.parts), strict=True)
        return sum((max(column) + 2 for column in columns), 2.0)
    inner = [width(part) for part in piece.parts]
    if kind in ("fraction", "under"):
        return max(inner[0] * (0.7 if kind == "under" else 1.0), inner[1]) + 0.5
    if kind == "scripts":
        return inner[0] + 0.7 * max(inner[1:])
    return sum(inner, {"fence": 1.6, "root": 1.8}.get(kind, 0.0))


def lines(piece: Piece, most: float) -> list[Box]:
    """The formula in lines of about that width at most; a line breaks before a plus or minus that stands outside of all brackets."""
    terms, depth = [list[Piece]()], 0
    for part in pieces(piece):
        depth += (part == "(") - (part == ")")
        if not depth and part in (" + ", " − "):
            terms.append([])
        terms[-1].append(part)
    result, room = [NOTHING], most
    for term in terms:
        needed = sum(map(width, term))
        if needed > room and result[-1].parts:
            result.append(NOTHING)
            room = most
        result[-1] = row(result[-1], *term)
        room -= needed
    return result
