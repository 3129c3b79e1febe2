"""Columns of numbers and of class labels, and the CSV files that hold them.

A file is a header, then one row a sample, read in blocks of rows; a bad cell is told with its line and column. Numbers stay
numbers, class labels become one output a class.
"""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path

import numpy as np

from bpdebug.arrays import MAXIMUM_CELLS
from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.files import MEBI, open_file
from bpdebug.frontends.nodes import number_of
from bpdebug.frontends.report import WHOLE_FILE, Mark

MAXIMUM_BYTES = 256 * MEBI
MAXIMUM_CLASSES = 1000
_MOST_COLUMNS = 1_000_000
_MOST_TEXTS = 100_000
"""Different texts of one column that are looked at: more cannot be classes."""
_BLOCK = 10_000
"""Cells that are texts at a time."""
_ADVICE = " (one_hot: true turns such a column into classes)"

Rows = Sequence[tuple[list[str], int]]
"""The cells of rows, each with the line in which it ends."""


class DataError(Exception):
    """What is wrong in a data file; ``mark`` is a place in it, or the file as a whole."""

    def __init__(self, message: str, mark: Mark = WHOLE_FILE) -> None:
        self.message, self.mark = message, mark
        super().__init__(message)


class Data(Record, eq=False):
    """Inputs and targets, with the names of their columns where the file has them; ``labels``: the scenario itself has words as targets."""

    x: Array
    y: Array
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    labels: bool = False


def finite(text: str) -> float | None:
    """The finite number that a text is, or None."""
    try:
        value = float(text) if "_" not in text else np.nan
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def no_number(name: str, text: str, mark: Mark, advice: str = "") -> DataError:
    """What to say of a cell in a column of numbers that is none."""
    if not text.strip():
        return DataError(f"the value of '{name}' is missing; fill the cell or remove the row", mark)
    return DataError(f"expected a finite number in the column '{name}'; found '{text[:60]}'{advice}", mark)


def labels_of(texts: Sequence[str]) -> Array:
    """The different texts of a column of classes as labels: numbers, where all of them are."""
    values = [finite(text) if number_of(text) is not None else None for text in texts]
    return np.array(texts) if None in values else np.array(values, dtype=float)


def one_hot_of(name: str, labels: Array, which: Array | None = None) -> tuple[Array, tuple[str, ...]]:
    """Class labels as 0 and 1, a column a class in sorted order, and the classes' names.

    Args:
        name: of the column.
        labels: one a sample.
        which: where the labels are only the different ones, the place of each sample's among them.

    Raises:
        DataError: where there are too many classes for that.
    """
    classes, place = np.unique(labels, return_inverse=True)
    place = place.reshape(-1) if which is None else place.reshape(-1)[which]
    if len(classes) > MAXIMUM_CLASSES or len(classes) * len(place) > MAXIMUM_CELLS:
        raise DataError(f"'{name}' has {len(classes):,} different values: too many for classes (at most {MAXIMUM_CLASSES:,})")
    table = np.zeros((len(place), len(classes)))
    table[np.arange(len(place)), place] = 1.0
    return table, tuple(f"{value:g}" if isinstance(value, float) else str(value) for value in classes.tolist())


class ColumnError(DataError):
    """A column that the file does not have.

    Attributes:
        name: what was asked for.
        known: what there is.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, known
        super().__init__(f"there is no column '{name}'")


def read_csv(path: Path, inputs: Sequence[str], targets: Sequence[str], one_hot: bool) -> Data:
    """The data in some columns of a CSV file.

    Raises:
        ColumnError: for a column that is not there.
        DataError: for anything else in it, with the place in the CSV file.
        FileError: where it cannot be read.
    """
    with open_file(path, "a CSV file", MAXIMUM_BYTES) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as file:
        try:
            return _data(_blocks(file), inputs, targets, one_hot)
        except UnicodeDecodeError as error:
            raise DataError(f"expected UTF-8 text; found the byte {error.object[error.start]:#04x}") from None


def _data(blocks: Iterator[Rows], inputs: Sequence[str], targets: Sequence[str], one_hot: bool) -> Data:
    header, first = next(blocks, []), next(blocks, [])
    if not first:
        raise DataError("expected a header and at least one row of data", Mark(1, 1))
    (row, line), places = header[0], dict[str, int]()
    for place, name in enumerate(map(str.strip, row)):
        if name in places:
            raise DataError(f"two columns have the name '{name}'", _mark(row, place, line))
        places[name] = place
    if all(finite(name) is not None for name in places):
        raise DataError("expected a header with the columns' names in the first line; found numbers", Mark(1, 1))
    for name in (*inputs, *targets):
        if name not in places:
            raise ColumnError(name, list(places))
    x = _Numbers(inputs, [places[name] for name in inputs])
    y = [_target(name, places[name], first[0], one_hot) for name in targets]
    for rows in chain([first], blocks):
        for column in (x, *y):
            column.add(rows)
    inside, made = x.made()[0], [column.made() for column in y]
    values = np.column_stack([table for table, _ in made]) if made else np.zeros((len(inside), 0))
    return Data(inside, values, tuple(inputs), tuple(chain.from_iterable(names for _, names in made)))


def _mark(row: list[str], place: int, line: int) -> Mark:
    """Where a cell begins (as if nothing were quoted)."""
    return Mark(line, sum(len(text) + 1 for text in row[:place]) + 1)


class _Numbers:
    """Columns of numbers side by side, as they grow."""

    def __init__(self, names: Sequence[str], places: Sequence[int], advice: str = "") -> None:
        self.names, self.places, self.advice = names, places, advice
        self.values = array("d")

    def add(self, rows: Rows) -> None:
        """Take more rows in: all cells at once, and one by one only where something is wrong."""
        place = self.places[0]
        chosen = itemgetter(*self.places) if len(self.places) > 1 else itemgetter(slice(place, place + 1))
        texts = list(chain.from_iterable([chosen(row) for row, _ in rows]))
        try:
            found = np.fromiter(map(float, texts), float, len(texts))
        except ValueError:
            found = np.array(np.nan)
        if not np.isfinite(found).all() or "_" in "".join(texts):
            cells = ((name, place, *row) for row in rows for name, place in zip(self.names, self.places, strict=True))
            name, place, row, line = next(cell for cell in cells if finite(cell[2][cell[1]]) is None)
            raise no_number(name, row[place], _mark(row, place, line), self.advice)
        self.values.frombytes(found.tobytes())

    def made(self) -> tuple[Array, Sequence[str]]:
        """The table, and the names of its columns."""
        return np.frombuffer(self.values).reshape(-1, len(self.names)), self.names


class _Classes:
    """A column of class labels as it grows: the different texts, and for each row which of them it has.

    Args:
        mixed: what to say where numbers are among the texts; None where these are texts, too.
    """

    def __init__(self, name: str, place: int, mixed: DataError | None) -> None:
        self.name, self.place, self.mixed = name, place, mixed
        self.which, self.known = array("q"), dict[str, int]()

    def add(self, rows: Rows) -> None:
        """Take more rows in."""
        texts = [row[self.place].strip() for row, _ in rows]
        for text in dict.fromkeys(texts):
            self.known.setdefault(text, len(self.known))
        if "" in self.known:
            row, line = rows[texts.index("")]
            raise DataError(f"the class of '{self.name}' is missing; fill the cell or remove the row", _mark(row, self.place, line))
        if len(self.known) > _MOST_TEXTS:
            raise DataError(f"'{self.name}' has more than {_MOST_TEXTS:,} different values: too many for classes")
        self.which.extend(map(self.known.__getitem__, texts))

    def made(self) -> tuple[Array, Sequence[str]]:
        """A column a class, and their names."""
        texts = list(self.known)
        if self.mixed and any(number_of(text) is not None for text in texts):
            raise self.mixed
        return one_hot_of(self.name, labels_of(texts), np.frombuffer(self.which, np.int64))


def _target(name: str, place: int, first: tuple[list[str], int], one_hot: bool) -> _Numbers | _Classes:
    """A column of targets: one of numbers where its first cell is one (or empty), unless classes are asked for."""
    row, line = first
    if not one_hot and (not row[place].strip() or number_of(row[place].strip()) is not None):
        return _Numbers([name], [place], _ADVICE)
    return _Classes(name, place, None if one_hot else no_number(name, row[place], _mark(row, place, line), _ADVICE))


def _blocks(file: io.TextIOWrapper) -> Iterator[Rows]:
    """The header, then the other rows, many at a time; blank lines are left out."""
    import csv  # noqa: PLC0415 - a start does without

    reader = csv.reader(_lines(file), strict=True, skipinitialspace=True)
    width = cells = 0
    try:
        while block := [(row, reader.line_num) for row in islice(reader, max(1, _BLOCK // width) if width else 1)]:
            rows = [pair for pair in block if pair[0]]
            width = width or len(rows[0][0]) if rows else width
            for row, line in rows:
                if len(row) != width:
                    raise DataError(f"expected {width} values, as many as the header has; found {len(row)}", Mark(line, 1))
            cells += width * len(rows)
            if cells > MAXIMUM_CELLS:
                raise DataError(f"more than {MAXIMUM_CELLS:,} values; use an npz file")
            if rows:
                yield rows
    except csv.Error as error:
        raise DataError(f"this is not CSV: {error}", Mark(max(reader.line_num, 1), 1)) from None


def _lines(file: io.TextIOWrapper) -> Iterator[str]:
    """The lines, none of them with more columns than can be meant."""
    for line in file:
        if line.count(",") > _MOST_COLUMNS:
            raise DataError(f"a line of more than {_MOST_COLUMNS:,} values")
        yield line
