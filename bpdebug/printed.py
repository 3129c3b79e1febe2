"""Arrays as programs print or write them: JSON, and ``name = [[1, 2], [3, 4]]`` in whatever way a language puts it. Nothing is run.

Brackets, braces and parentheses nest; commas, blanks and line ends are between numbers; a semicolon begins a row; a word before a bracket
(``array``, ``tensor``, ``Matrix``, ``new double[][]``) and what is said in ``word=…`` are passed over. Without brackets a line is a row;
the columns of a wide matrix may stand below each other, as in MATLAB and R; a line may hold a single cell, ``W1[0][1] = 0.5``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError, printable
from bpdebug.core.record import Record
from bpdebug.dialects import plain
from bpdebug.files import MEBI, FileError, read_file

_MOST, _DEEP, _ARRAYS, _TOKENS_MOST, _DIGITS = 4 * MEBI, 16, 10_000, 1_500_000, 400
_SPECIAL = {"true": 1.0, "false": 0.0, "nan": np.nan, "inf": np.inf, "infinity": np.inf}
_SUBSCRIPT = r"""\[\s*(?:\d{1,6}|'[^'\n]{0,80}'|"[^"\n]{0,80}"|[^\W\d]\w{0,80})\s*\]"""
_LABEL = r"(?:^[ \t]*\[\d{1,6},\]|(?:^|\n)[ \t]*\[\d{1,6}\])(?=[ \t]+[-+\d.INTF])"
"""What R prints before the numbers of a row, ``[2,]``, or of a line, ``[7]``."""
_TOKENS = re.compile(
    rf"""
    (?P<block>^[ \t]*(?:Columns?[ \t][^\n]{{0,40}}|(?:\[,\d{{1,6}}\][ \t]*)+)$)
  | (?P<blank>{_LABEL}|[ \t\r\f]+|\#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<line>\n)
  | (?P<cut>\.\.\.|…)
  | (?P<number>[-+−]?(?>\d+\.?\d*|\.\d+)(?>(?:(?:[eEdDfF]|\*\^)[-+−]?\d+)?)(?:[fFdDlLuU]|_\w++)?(?!\w)
      | [-+−]?(?i:inf|infinity|nan|true|false)(?!\w))
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<word>[^\W\d]\w*(?:(?:\.|::|->|/)(?=\w)\w+|{_SUBSCRIPT}|\{{\d{{1,6}}\}})*'?)
  | (?P<junk>::)
  | (?P<is>=>|<-|:=|=|:)
  | (?P<open>\(/|[\[{{(])
  | (?P<close>/\)|[\]}})])
  | (?P<comma>,)
  | (?P<row>;)
  | (?P<times>\*)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_CELLS = [re.compile(rf"({name})((?:\[\d{{1,6}}\]){{{axes}}})") for name, axes in ((r"\S+", 2), (r"\S*[\d\]xyXY]", 1))]
"""What a cell of a matrix and of a list is called: ``W[0]`` may be a layer's."""
_OTHERS = {b"\x93NUMPY": "one array without a name, as numpy.save writes it", b"\x80": "a pickle, which could run anything"}
"""How other files of Python begin, and what they are."""


class TextError(BpdebugError):
    """A text that holds no arrays, with line and column."""


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Value(Record, eq=False):
    numbers: list[float]
    shape: tuple[int, ...]


def read_printed(path: Path) -> dict[str, Array]:
    """All arrays of a text file by name.

    Raises:
        TextError: where it holds none; the message begins with path, line and column.
        FileError: where the file cannot be read.
    """
    content = read_file(path, "npz, JSON or a text of at most 4 MiB with arrays as a program prints them", _MOST)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = next((f"; this is {what}" for begin, what in _OTHERS.items() if content.startswith(begin)), "")
        found = what or f"; found the byte {content[error.start]:#04x}"
        raise FileError(path, f"expected an npz file (numpy.savez('mine.npz', W1=W1, dW1=dW1)), JSON or text{found}") from None
    return parse(text, str(path))


def parse(text: str, source: str = "text") -> dict[str, Array]:
    """The arrays of a text by name; see :func:`read_printed`."""
    reader = _Reader(plain(text), source)
    reader.read()
    if not reader.arrays:
        raise reader.error("this holds no arrays; expected npz, JSON, or lines such as W1 = [[0.1, 0.2], [0.3, 0.4]]", 0)
    return _joined(_joined(reader.arrays, _CELLS[0]), _CELLS[1])


def _joined(arrays: dict[str, Array], cell: re.Pattern[str]) -> dict[str, Array]:
    """Numbers with places behind their names, ``W1[0][1]``, as the array whose cells they are."""
    cells = dict[str, dict[tuple[int, ...], str]]()
    for name, array in arrays.items():
        if (found := None if array.ndim else cell.fullmatch(name)) and found[1] not in arrays:
            cells.setdefault(found[1], {})[tuple(map(int, re.findall(r"\d+", found[2])))] = name
    for name, names in cells.items():
        first, *_, last = (places := sorted(names)) * 2
        shape = tuple(b - a + 1 for a, b in zip(first, last, strict=True)) if {*first} in ({0}, {1}) else ()
        if math.prod(shape) == len(places) > first[-1] and places == [tuple(i + first[0] for i in place) for place in np.ndindex(shape)]:
            arrays[name] = np.reshape([arrays.pop(names[place]) for place in places], shape)
    return arrays


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.text, self.source, self.arrays = text, source, dict[str, Array]()
        self.tokens = [_Token(str(found.lastgroup), found[0], found.start()) for found in self._found()]
        if len(self.tokens) > _TOKENS_MOST:
            raise self.error(f"more than {_TOKENS_MOST:,} numbers and signs; put large arrays into an npz file", 0)
        self.place, self.name, self.said, self.quoted = 0, "", False, False
        self.inside: list[str] = []
        self.counts: list[int] = []  # of the objects so far in each of these brackets

    def _found(self) -> Iterator[re.Match[str]]:
        return (found for found in _TOKENS.finditer(self.text) if found.lastgroup not in ("blank", "other", "junk"))

    def error(self, message: str, at: int) -> TextError:
        """With where it is."""
        line = self.text.count("\n", 0, at) + 1
        return TextError(f"{printable(self.source)}:{line}:{at - (self.text.rfind(chr(10), 0, at) + 1) + 1}: {message}")

    def kind(self, ahead: int = 0) -> str:
        """Of a token that comes; "" at the end."""
        return self.tokens[self.place + ahead].kind if self.place + ahead < len(self.tokens) else ""

    def read(self) -> None:
        """Every array of the text, by the name before it."""
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            act = getattr(self, f"_{token.kind}", None)
            if act:
                act(token)
            self.place += not act or token.kind not in ("number", "open")

    def _word(self, token: _Token) -> None:
        called = self.kind(1) == "open" and token.text.split(".")[-1].lower() not in ("w", "b", "x", "y")
        if self.said and self.name:
            return
        follows = self.kind(-1) in ("word", "string") or token.text.lower() in _WRAPPERS  # the name may stand on the line before
        if self.name and called and self.tokens[self.place + 1].text != "{" and follows and self._is_call():
            return  # W1 tensor([[…]])
        before = self.tokens[self.place - 1] if self.place else None
        declared = before is not None and before.kind == "word" and "\n" not in self.text[before.at : token.at]
        self.name = re.sub(r"(\[\d+\])+$", "", token.text) if declared else token.text

    def _is_call(self) -> bool:
        """Whether numbers stand in the parentheses that come."""
        following = self.tokens[self.place + 1 : self.place + 6]
        return any(token.kind == "number" for token in following) and following[0].text in ("(", "[")

    def _string(self, token: _Token) -> None:
        self.name, self.said, self.quoted = ("", False, False) if self.said and self.name else (token.text[1:-1], False, True)

    def _is(self, _: _Token) -> None:
        self.said = bool(self.name)

    def _row(self, _: _Token) -> None:
        self.name, self.said = "", False

    def _comma(self, _: _Token) -> None:
        """After a text, ``('W1', tensor(…))``, the name's array comes."""
        self.name, self.said = ("", False) if self.said else (self.name, self.quoted and bool(self.name))
        self.quoted = False

    def _close(self, _: _Token) -> None:
        self.inside, self.counts = self.inside[:-1], self.counts[:-1]
        self.name, self.said = "", False

    def _cut(self, token: _Token) -> None:
        raise self.error("numbers were left out here when this was printed; print them all (numpy: threshold=sys.maxsize)", token.at)

    def _number(self, token: _Token) -> None:
        if not self.name:
            raise self.error(f"expected a name before the number {printable(token.text[:20])}, as in W1 = [[0.1, 0.2]]", token.at)
        self._keep(self._rows(), token)

    def _open(self, token: _Token) -> None:
        place = self.place + 1
        while place < len(self.tokens) and self.tokens[place].kind in ("line", "open"):
            place += 1
        following = self.tokens[place] if place < len(self.tokens) else None
        if not self.said and token.text == "(" and self.name and (end := self._declared()):
            self.place = end
        elif not self.name or following is None or following.kind == "string" or (following.kind == "word" and self._keyed(place)):
            if len(self.inside) >= _DEEP:
                raise self.error(f"brackets within brackets, more than {_DEEP} deep", token.at)
            numbered = self.inside and self.inside[-1].endswith("[") and token.text == "{"
            inner = next((one.text for one in self.tokens[self.place + 1 :] if one.kind != "line"), "")
            of_objects = self.said and token.text == "[" and inner == "{"
            self.inside.append(f"{self.counts[-1]}]." if numbered else f"{self.name}{'[' if of_objects else '.'}" if self.said else "")
            self.counts = [*self.counts[:-1], *(count + 1 for count in self.counts[-1:]), 0]
            self.name, self.said = "", False
            self.place += 1
        else:
            value = self._value(0, self.place > 0 and self.kind(-1) == "word" and token.text == "(")
            if value.numbers:
                self._keep(value, token)

    def _declared(self) -> int:
        """The place after the shape of a declaration, ``W1(2, 3) =``; 0 where that is none."""
        end = self.place + 1
        while end < len(self.tokens) and self.tokens[end].kind in ("number", "comma", "is"):
            end += 1
        ended = end < len(self.tokens) and self.tokens[end].text == ")" and end > self.place + 1
        return end + 1 if ended and self.kind(-1) == "word" and self.tokens[self.place - 1].text.lower() not in _WRAPPERS else 0

    def _keyed(self, place: int) -> bool:
        """Whether a word is a key: what follows it is = or :."""
        return place + 1 < len(self.tokens) and self.tokens[place + 1].kind == "is"

    def _keep(self, value: _Value, token: _Token) -> None:
        name = printable("".join(self.inside) + self.name)
        if name in self.arrays:
            raise self.error(f"{name} is there a second time; expected the arrays of one update", token.at)
        if len(self.arrays) >= _ARRAYS:
            raise self.error(f"more than {_ARRAYS:,} arrays", token.at)
        self.arrays[name] = np.array(value.numbers, np.float64).reshape(value.shape)
        self.name, self.said = "", False

    def _rows(self) -> _Value:
        """Numbers without brackets: a row a line, perhaps in blocks of columns."""
        rows, scale, start, blocks = [list[float]()], 1.0, self.tokens[self.place], list[list[list[float]]]()
        while self.kind() in ("number", "comma", "line", "times", "block"):
            token = self.tokens[self.place]
            if token.kind == "number":
                rows[-1].append(self._float(token))
            elif token.kind == "times":
                scale, rows = rows[-1].pop() if rows[-1] else scale, [list[float]()]
            elif token.kind == "line" and rows[-1]:
                rows.append([])
            elif token.kind == "block":
                blocks, rows = [*blocks, rows], [[]]
            self.place += 1
        filled = [[row for row in block if row] for block in (*blocks, rows)]
        rows = [[*chain(*row)] for row in zip_longest(*filled, fillvalue=())]
        if len({*map(len, rows)}) > 1:
            raise self.error("expected as many numbers in each row of this array", start.at)
        numbers = [scale * number for row in rows for number in row]
        shape = (len(rows), len(rows[0])) if len(rows) > 1 else (len(numbers),) if len(numbers) > 1 else ()
        return _Value(numbers, shape)

    def _value(self, depth: int, call: bool) -> _Value:
        """What stands in brackets, from the opening one to behind the closing one."""
        begin = self.tokens[self.place]
        if depth > _DEEP:
            raise self.error(f"brackets within brackets, more than {_DEEP} deep", begin.at)
        self.place += 1
        rows, children = [list[float]()], list[_Value]()
        while self.kind() != "close":
            if not self.kind():
                raise self.error(f"this {begin.text} is not closed", begin.at)
            token = self.tokens[self.place]
            if token.kind == "word" and self.kind(1) == "is":
                self._pass_over()
                continue
            if token.kind == "open":
                children.append(self._value(depth + 1, self.kind(-1) == "word" and token.text == "("))
                continue
            if token.kind == "number":
                rows[-1].append(self._float(token))
            elif token.kind == "row":
                rows.append([])
            elif token.kind == "cut":
                self._cut(token)
            self.place += 1
        self.place += 1
        return self._made(begin, [row for row in rows if row], [child for child in children if child.numbers], call)

    def _pass_over(self) -> None:
        """What is said by ``word=…`` among the arguments of a call."""
        depth = 0
        while self.kind() and (depth or self.kind() not in ("comma", "close")):
            depth += (self.kind() == "open") - (self.kind() == "close")
            self.place += 1

    def _made(self, begin: _Token, rows: list[list[float]], children: list[_Value], call: bool) -> _Value:
        if children and (call or not rows):
            alike = len({child.shape for child in children}) == 1
            if call and (len(children) == 1 or not alike or rows):
                return children[0]
            if not alike:
                raise self.error("expected rows of the same length in this array", begin.at)
            return _Value([number for child in children for number in child.numbers], (len(children), *children[0].shape))
        if children:
            raise self.error("numbers and brackets stand side by side in this array", begin.at)
        numbers = [number for row in rows for number in row]
        if len({*map(len, rows)}) > 1:
            raise self.error("expected rows of the same length in this array", begin.at)
        shape = (len(rows), len(rows[0])) if len(rows) > 1 else () if call and len(numbers) == 1 else (len(numbers),)
        return _Value(numbers, shape)

    def _float(self, token: _Token) -> float:
        text = token.text.replace("−", "-").lower()
        bare = text.lstrip("+-")
        if bare in _SPECIAL:
            return -_SPECIAL[bare] if text[0] == "-" else _SPECIAL[bare]
        found = re.match(r"([-+]?[\d.]+)(?:(?:[edf]|\*\^)([-+]?\d+))?", text) if len(text) <= _DIGITS else None
        if not found:
            raise self.error(f"{printable(text[:20])}… has more than {_DIGITS} characters; expected a number", token.at)
        return float(f"{found[1]}e{found[2] or 0}")


_WRAPPERS = frozenset({"array", "matrix", "tensor", "c", "list", "vec", "arrayof", "doublearrayof", "floatarrayof", "vector"})
"""Words before parentheses that hold an array."""
