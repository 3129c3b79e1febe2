"""Columns of a data file to arrays: numbers stay numbers, class labels become one output a class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpdebug.debugger.arrays import MAXIMUM_CELLS
from bpdebug.engine.description import Array
from bpdebug.engine.record import Record
from bpdebug.scenario.report import WHOLE_FILE, Mark
from bpdebug.scenario.scalars import number_of

MAXIMUM_CLASSES = 1000


class DataError(Exception):
    """What is wrong in a data file; ``mark`` is a place in it, or the file as a whole."""

    def __init__(self, message: str, mark: Mark = WHOLE_FILE) -> None:
        self.message, self.mark = message, mark
        super().__init__(message)


class Cell(Record):
    """A text in a CSV file."""

    text: str
    mark: Mark


class Data(Record, eq=False):
    """Inputs and targets, with the names of their columns where the file has them."""

    x: Array
    y: Array
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


def numbers(name: str, cells: Sequence[Cell], advice: str = "") -> Array:
    """A column of numbers.

    Raises:
        DataError: at the first cell that is no finite number.
    """
    return np.array([_number(name, cell, advice) for cell in cells], dtype=float)


def _number(name: str, cell: Cell, advice: str) -> float:
    try:
        value = float(cell.text) if "_" not in cell.text else np.nan
    except ValueError:
        value = np.nan
    if np.isfinite(value):
        return value
    if not cell.text.strip():
        raise DataError(f"the value of '{name}' is missing; fill the cell or remove the row", cell.mark)
    raise DataError(f"expected a finite number in the column '{name}'; found '{cell.text[:60]}'{advice}", cell.mark)


def target(name: str, cells: Sequence[Cell], one_hot: bool) -> tuple[Array, tuple[str, ...]]:
    """A target column as an array with its output names: one column of numbers, or one-hot classes.

    Raises:
        DataError: for a missing value, for a text among numbers, for too many classes.
    """
    texts = [number_of(cell.text.strip()) is None for cell in cells]
    if one_hot or all(texts):
        return _classes(name, cells, not any(texts))
    advice = " (one_hot: true makes classes of such a column)" if any(texts) else ""
    return numbers(name, cells, advice)[:, None], (name,)


def _classes(name: str, cells: Sequence[Cell], numeric: bool) -> tuple[Array, tuple[str, ...]]:
    if missing := [cell for cell in cells if not cell.text.strip()]:
        raise DataError(f"the class of '{name}' is missing; fill the cell or remove the row", missing[0].mark)
    labels = numbers(name, cells) if numeric else np.array([cell.text.strip() for cell in cells])
    return one_hot_of(name, labels)


def one_hot_of(name: str, labels: Array) -> tuple[Array, tuple[str, ...]]:
    """Class labels as 0 and 1, a column a class in sorted order, and the classes' names.

    Raises:
        DataError: where there are too many classes for that.
    """
    classes, place = np.unique(labels, return_inverse=True)
    if len(classes) > MAXIMUM_CLASSES or len(classes) * len(labels) > MAXIMUM_CELLS:
        raise DataError(f"'{name}' has {len(classes):,} different values: too many for classes (at most {MAXIMUM_CLASSES:,})")
    table = np.zeros((len(labels), len(classes)))
    table[np.arange(len(labels)), place.reshape(-1)] = 1.0
    return table, tuple(_label(value) for value in classes.tolist())


def _label(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
