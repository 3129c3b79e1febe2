"""Columns of a data file to arrays: numbers stay numbers, class labels become one output a class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpdebug.arrays import MAXIMUM_CELLS
from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.frontends.report import WHOLE_FILE, Mark
from bpdebug.frontends.scalars import number_of

MAXIMUM_CLASSES = 1000


class DataError(Exception):
    """What is wrong in a data file; ``mark`` is a place in it, or the file as a whole."""

    def __init__(self, message: str, mark: Mark = WHOLE_FILE) -> None:
        self.message, self.mark = message, mark
        super().__init__(message)


class Data(Record, eq=False):
    """Inputs and targets, with the names of their columns where the file has them."""

    x: Array
    y: Array
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


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
    return table, tuple(_label(value) for value in classes.tolist())


def _label(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
