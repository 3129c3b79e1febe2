"""The text of a program, statement by statement: where each begins, what it assigns, and what is said of one that assigns nothing."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from bpdebug.core.errors import LineError
from bpdebug.core.functions import CONSTANTS
from bpdebug.core.record import Record

MAXIMUM_LINES = 5000
_NAME = re.compile(r"[A-Za-z_]\w*('\d+(?=\.))?(\.\w+|\[[^\[\]=]*\])*")
_OWN = re.compile(_NAME.pattern + r"('\d+)?(@[A-Za-z_][\w.]*('\d+)?)?")
"""What may be assigned: a tensor, and in a backward pass also a version of one or a part of a gradient."""
_SIGNS = re.compile(r"(?<![\w')\]])'[^'\n]*'|\"[^\"\n]*\"|#[^\n]*|\\\n|[()\[\]{}\n;]")
_ASSIGNS = re.compile(r"(?<![=!<>+\-*/@%&|^:])=(?!=)")
_CHANGES = re.compile(r"\s*([A-Za-z_]\w*)(?:\s*(?:\*\*|//|[+\-*/@])(=)[^=].*)", re.DOTALL)
_ADDS = re.compile(r"\s*(?:np|numpy)\.(add\.at\(\s*([A-Za-z_]\w*)\s*,.*\)\s*)", re.DOTALL)
_AUGMENTED = re.compile(r"\s*([^=]*?)\s*(\*\*|//|[+\-*/@%&|])=")
_LOOP = "a program has no loops: write each step as a line of its own (h_1 = …, h_2 = …), or work along a whole axis at once"
_CHOICE = "a program has no branches: write where(condition, a, b) for a choice"
_HINTS = {
    "import": "leave it out: the functions of NumPy are there, with and without np.",
    "from": "leave it out: the functions of NumPy are there, with and without np.",
    "def": "a program is one straight run of lines: leave the def out and write its body, line by line",
    "class": "a program is one straight run of lines: leave the class out and write its formulas, line by line",
    "for": _LOOP,
    "while": _LOOP,
    "if": _CHOICE,
    "elif": _CHOICE,
    "else": _CHOICE,
    "with": "a program is one straight run of lines: leave it out",
    "return": "leave it out: the loss is the line called loss, or the one that the key loss: names",
    "print": "leave it out: the debugger shows every value, and its command print any formula",
    "assert": "leave it out: a stop of the debugger, such as `watch`, can look at any condition",
    "del": "leave it out: each update computes everything anew",
    "pass": "leave it out",
}
"""What is said of a statement that is none of a formula, by its first word."""


class Line(Record):
    """A statement as it is written.

    Attributes:
        section: the key under which it stands.
        number: the line of the text on which it begins, from 1.
        targets: the names that it assigns, each with its place in the text.
        parts: what they are given, each with the place in the text where that begins: as many as there are targets, or one from which
            all are taken; none where the line is not to be read.
        comment: what stands behind ``#``, or "".
        errors: what is wrong with it already.
        changes: whether it changes the array of that name: ``h *= mask``, ``np.add.at(dE, x, de)``.
    """

    section: str
    number: int
    targets: tuple[tuple[str, int], ...]
    parts: tuple[tuple[str, int], ...] = ()
    comment: str = ""
    errors: tuple[LineError, ...] = ()
    changes: bool = False


class Text(Record):
    """The lines of a section of a scenario."""

    section: str
    text: str

    def error(self, message: str, place: int) -> LineError:
        """What is wrong at a character."""
        before = self.text[:place]
        return LineError(message, before.count("\n") + 1, place - before.rfind("\n"), self.section)

    def lines(self) -> Iterator[Line]:
        """The statements: what stands in brackets goes on, comments and empty lines are left out."""
        inside = -1  # how far the head of a block is indented, whose lines are passed over
        for code, start, comment in self._statements():
            indent = len(code) - len(code.lstrip())
            if 0 <= inside < indent:
                yield Line(self.section, self._number(start), self._targets(code, start)[0])
                continue
            line = self._line(code, start, comment)
            word = re.match(r"\s*(\w*)", code)
            inside = indent if line.errors and code.rstrip().endswith(":") and word and word[1] in _HINTS else -1
            yield line

    def _number(self, place: int) -> int:
        return self.text.count("\n", 0, place) + 1

    def _statements(self) -> Iterator[tuple[str, int, str]]:
        """Each statement, its place and its comment; it is as long as in the text, blanks standing for comments and line ends."""
        rows = self.text.count("\n") + self.text.count(";") + 1
        if rows > MAXIMUM_LINES + 1:
            raise LineError(f"{rows:,} lines; at most {MAXIMUM_LINES:,} are read", MAXIMUM_LINES + 1, 1, self.section)
        start, end = 0, len(self.text)
        while start < end:
            stop, code, comment, opened = self._statement(start)
            if opened:  # nothing closes the bracket: only its own line is lost
                stop = self.text.find("\n", start) % (end + 1)
                code = code[: stop - start].partition("#")[0]
            if code.strip():
                yield code.rstrip(), start, comment
            start = stop + 1

    def _statement(self, start: int) -> tuple[int, str, str, bool]:
        """Where a statement ends, its text and comment, and whether a bracket is open still at the end of all text."""
        depth, stop, blanks, comments = 0, len(self.text), list[tuple[int, int]](), list[str]()
        for sign in _SIGNS.finditer(self.text, start):
            if sign[0] in "\n;" and depth <= 0:
                stop = sign.start()
                break
            if sign[0][0] == "#":
                comments += [said] if (said := sign[0].strip("# ")) else []
            if sign[0][0] in "#\n\\":
                blanks.append(sign.span())
            depth += (sign[0] in "([{") - (sign[0] in ")]}")
        code = list(self.text[start:stop])
        for first, last in blanks:
            code[first - start : last - start] = " " * (last - first)
        return stop, "".join(code), " ".join(comments), depth > 0

    def _targets(self, code: str, start: int) -> tuple[tuple[tuple[str, int], ...], int]:
        """The names before the sign, each with its place, and where the sign stands; -1 where there is none."""
        shown = _masked(code)
        sign = _ASSIGNS.search(shown)
        if not sign:
            meant = re.match(r"\s*([A-Za-z_]\w*)(?=\[_*\]\s*\S*=|\s*\S*=)", shown)
            return ((meant[1], start + meant.start(1)),) if meant else (), -1
        left = code[: sign.start()]
        if bracketed := re.fullmatch(r"\s*[(\[](.*)[)\]]\s*", left):
            left = " " * bracketed.start(1) + bracketed[1]
        found = [(part, place) for part, place in split_at_commas(left, start) if part.strip()]
        named = [(re.sub(r"\s*:[^\]]*$", "", part.strip()), place + len(part) - len(part.lstrip())) for part, place in found]
        return tuple(named), sign.start()

    def _line(self, code: str, start: int, comment: str) -> Line:
        if changed := self._changing(code):  # each letter stands where it stood
            name, text, place = changed
            at = start + code.index(name, place)
            return Line(self.section, self._number(start), ((name, at),), ((text, start + place),), comment, (), True)
        targets, sign = self._targets(code, start)
        errors = [*self._wrong(code, start, targets, sign)]
        known = tuple((name, place) for name, place in targets if _OWN.fullmatch(name) or name.isidentifier())
        if errors:
            return Line(self.section, self._number(start), known, (), comment, tuple(errors[:1]))
        right, place = code[sign + 1 :], start + sign + 1
        parts = [(part, at) for part, at in split_at_commas(right, place) if part.strip()]
        if len(parts) != len(targets):
            parts = [(right, place)]
        laid = tuple((part.strip(), at + len(part) - len(part.lstrip())) for part, at in parts)
        return Line(self.section, self._number(start), targets, laid, comment)

    def _changing(self, code: str) -> tuple[str, str, int] | None:
        """The name whose array a statement changes, what it makes of it as a formula, and where that begins; None for any other."""
        if (found := _CHANGES.fullmatch(code)) and _unclosed(code) < 0:
            sign = found.start(2)
            return found[1], f"{code[found.start(1) : sign]}({code[sign + 1 :]})", found.start(1)
        if found := _ADDS.fullmatch(code):
            return found[2], found[1].replace(".", "_", 1), found.start(1)
        return None

    def _wrong(self, code: str, start: int, targets: tuple[tuple[str, int], ...], sign: int) -> Iterator[LineError]:
        """What is wrong before any formula is read."""
        first = start + len(code) - len(code.lstrip())
        word = re.match(r"\s*(\w*)", code)
        if word and word[1] in _HINTS and not re.match(r"\s*\w+\s*=", code):
            yield self.error(f"a line is NAME = FORMULA; found '{_short(code)}': {_HINTS[word[1]]}", first)
        if augmented := _AUGMENTED.match(_masked(code)):
            name = code[: augmented.end(1)].strip()
            whole = re.sub(r"\[.*", "", name)
            meant = f"{whole} = add_at({whole}, …)" if "[" in name else f"{name} = {name} {augmented[2]} …"
            message = f"{augmented[2]}= changes a tensor in its place, which no line does: write {meant}"
            yield self.error(message, start + augmented.start(2))
        if sign < 0:
            bracket = _unclosed(code)
            if bracket >= 0:
                yield self.error(f"nothing closes this '{code[bracket]}'", start + bracket)
            above = ", or, to go on with the line above, put both in brackets" * (code.strip()[0] in "+-*/@.)")
            doubled = ", a single one" * bool(re.match(r"\s*\w+\s*==", code))
            yield self.error(f"a line is NAME = FORMULA; found '{_short(code)}': begin it with a name and ={above}{doubled}", first)
        if not code[sign + 1 :].strip():
            yield self.error("a formula is expected behind '='; found nothing", start + len(code))
        for name, place in targets:
            if keyword.iskeyword(name) or name in CONSTANTS:
                what = "a word of Python's own" if keyword.iskeyword(name) else f"the number {CONSTANTS[name]:.6g}"
                yield self.error(f"'{name}' is {what}: give the value another name", place)
            elif not _OWN.fullmatch(name):
                foreign = name.isidentifier() and not name.isascii()
                what = "written in letters from a to z" if foreign else "expected before '='"
                yield self.error(f"a tensor's name is {what}; found '{_short(name)}'", place)
        if (bracket := _unclosed(code)) >= 0:
            yield self.error(f"nothing closes this '{code[bracket]}'", start + bracket)


def is_name(text: str) -> bool:
    """Whether a tensor can be called so."""
    return bool(_NAME.fullmatch(text)) and not keyword.iskeyword(text) and text not in CONSTANTS


def _short(code: str) -> str:
    text = " ".join(code.split())
    return text if len(text) <= 40 else f"{text[:40]}…"


def _masked(code: str) -> str:
    """The text with strings, and what stands in brackets, blanked out."""
    shown, depth = list(code), 0
    for sign in _SIGNS.finditer(code):
        if sign[0][0] in "'\"":
            shown[sign.start() : sign.end()] = "_" * len(sign[0])
    for place, letter in enumerate(shown):
        depth = max(depth - (letter in ")]}"), 0)
        if depth:
            shown[place] = "_"
        depth += letter in "([{"
    return "".join(shown)


def _unclosed(code: str) -> int:
    """Where a bracket opens that nothing closes; -1 where there is none."""
    opened = list[int]()
    for sign in _SIGNS.finditer(code):
        if sign[0] in "([{":
            opened.append(sign.start())
        elif sign[0] in ")]}" and opened:
            opened.pop()
    return opened[-1] if opened else -1


def split_at_commas(code: str, start: int) -> Iterator[tuple[str, int]]:
    """The parts between commas that stand in no bracket, each with its place."""
    begun = 0
    for comma in [*re.finditer(",", _masked(code)), None]:
        end = comma.start() if comma else len(code)
        yield code[begun:end], start + begun
        begun = end + 1


def parts_of(line: Line) -> Iterator[tuple[str, int]]:
    """What each target of a line is given, and where that begins in the text: a formula of its own, or its place in what one gives."""
    for place, _ in enumerate(line.targets if len(line.parts) == 1 < len(line.targets) else ()):
        text, start = line.parts[0]
        yield f"({text})[{place}]", start - 1
    if len(line.parts) == len(line.targets):
        yield from line.parts
