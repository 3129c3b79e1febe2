"""CSV files: a header, then one row a sample; a bad cell is told with its line and column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bpdebug.debugger.arrays import MAXIMUM_CELLS
from bpdebug.scenario.columns import Cell, Data, DataError, numbers, target
from bpdebug.scenario.report import Mark

MAXIMUM_BYTES = 256 * 2**20


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
        DataError: for anything else, with the place in the CSV file.
    """
    header, rows = _read(path)
    for name in (*inputs, *targets):
        if name not in header:
            raise ColumnError(name, header)
    columns = {name: [row[header.index(name)] for row in rows] for name in (*inputs, *targets)}
    x = np.column_stack([numbers(name, columns[name]) for name in inputs])
    made = [target(name, columns[name], one_hot) for name in targets]
    y = np.column_stack([values for values, _ in made])
    return Data(x, y, tuple(inputs), tuple(output for _, outputs in made for output in outputs))


def _read(path: Path) -> tuple[list[str], list[list[Cell]]]:
    if path.stat().st_size > MAXIMUM_BYTES:
        raise DataError(f"the file has more than {MAXIMUM_BYTES // 2**20} MiB; use an npz file")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"expected UTF-8 text; found the byte {error.object[error.start]:#04x}") from None
    rows = list(_rows(text))
    if len(rows) < 2:
        raise DataError("expected a header and at least one row of data", Mark(1, 1))
    return _header(rows[0]), rows[1:]


def _header(row: list[Cell]) -> list[str]:
    names = [cell.text.strip() for cell in row]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise DataError(f"two columns have the name '{name}'", row[place].mark)
    if all(_is_number(name) for name in names):
        raise DataError("expected a header with the columns' names in the first line; found numbers", Mark(1, 1))
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _rows(text: str) -> Iterator[list[Cell]]:
    import csv  # noqa: PLC0415 - a start does without

    reader = csv.reader(text.splitlines(), strict=True, skipinitialspace=True)
    width = cells = 0
    try:
        for row in reader:
            if not row:
                continue
            width, cells = width or len(row), cells + len(row)
            if len(row) != width:
                raise DataError(f"expected {width} values as the header has; found {len(row)}", Mark(reader.line_num, 1))
            if cells > MAXIMUM_CELLS:
                raise DataError(f"more than {MAXIMUM_CELLS:,} values; use an npz file")
            yield _cells(row, reader.line_num)
    except csv.Error as error:
        raise DataError(f"this is not CSV: {error}", Mark(max(reader.line_num, 1), 1)) from None


def _cells(row: list[str], line: int) -> list[Cell]:
    """The cells with the columns at which they begin (as if nothing were quoted)."""
    made, column = [], 1
    for text in row:
        made.append(Cell(text, Mark(line, column)))
        column += len(text) + 1
    return made
