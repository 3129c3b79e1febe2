"""The kinds of a scenario's values that are numbers in rows, or arrays of any rank."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from bpdebug.arrays import ArrayError, Arrays
from bpdebug.core.description import Array
from bpdebug.core.record import replace
from bpdebug.files import FileError
from bpdebug.frontends.csvfile import DataError
from bpdebug.frontends.kinds import Kind, Schema, is_number, likely, real, refuse, text
from bpdebug.frontends.nodes import Mapping, Node, Scalar, Sequence, found, is_nothing, number_of, value_of
from bpdebug.frontends.report import Report

_FINITE = real(-1e300, 1e300)


def numbers(flat_is_row: bool = False, scalars: bool = False, labels: bool = False) -> Kind:
    """Rows of numbers. A flat list is one column (samples), or one row where ``flat_is_row``; a single number, and a list of words (or of
    true and false), only where allowed."""
    expected = "a number, " * scalars + "a list of numbers or a list of rows ([[1, 2], [3, 4]])"

    def check(node: Node, report: Report) -> Any:
        if scalars and isinstance(node, Scalar):
            value = _FINITE.check(node, report)
            return None if value is None else np.array(value)
        if not isinstance(node, Sequence) or not node.items:
            return refuse(node, report, expected)
        if isinstance(node.items[0], Sequence):
            return _matrix([_row(item, len(node.items[0].items), report) for item in node.items])
        if labels and _words(node.items):
            words = (replace(item, style="'") if isinstance(item, Scalar) and not is_nothing(item) else item for item in node.items)
            return tuple(text().check(word, report) for word in words)
        flat = _matrix([[_FINITE.check(item, report) for item in node.items]])
        return flat if flat is None or flat_is_row else flat.T

    row = {"type": "array", "items": {"type": "number"}, "minItems": 1}
    forms: list[Schema] = [row, {"type": "array", "items": row, "minItems": 1}]
    forms += [{"type": "number"}] * scalars + [{"type": "array", "items": {"type": ["string", "boolean"]}, "minItems": 1}] * labels
    return Kind(expected, check, lambda: {"anyOf": forms})


def array() -> Kind:
    """Numbers, or truth values, in brackets within brackets to any depth, or an array of an npz file; whole numbers stay whole."""
    expected = "a number, or an array in brackets such as [[1, 2], [3, 4]]"

    def check(node: Node, report: Report) -> Any:
        if isinstance(node, Mapping):
            return _filed(node, report)
        if isinstance(node, Sequence):
            parts = [check(item, report) for item in node.items]
            for item, part in zip(node.items, parts, strict=True):
                if part is not None and parts[0] is not None and part.shape != parts[0].shape:
                    first, other = (f"{'×'.join(map(str, one.shape)) or 'one number'}" for one in (parts[0], part))
                    return report.add(item.mark, f"expected as many numbers as before, {first}; found {other}")
            return None if any(part is None for part in parts) else np.array(parts) if parts else np.zeros(0)
        value = _written(node) if isinstance(node, Scalar) else None
        if value is None and isinstance(node, Scalar) and is_number(value_of(node)):
            value = _FINITE.check(node, report)
            return None if value is None else np.array(value)
        return refuse(node, report, expected) if value is None else np.array(value)

    keys = {"file": "an npz file, relative to the scenario file", "name": "of the array; the only one if left out"}
    parts = {name: {"type": "string", "description": said} for name, said in keys.items()}
    filed = {"type": "object", "properties": parts, "required": ["file"], "additionalProperties": False}
    return Kind(expected, check, lambda: {"anyOf": [{"type": ["number", "boolean", "array"]}, filed]})


def constant() -> Kind:
    """A number or a truth value; a whole number stays whole."""

    def check(node: Node, report: Report) -> Any:
        value = _written(node) if isinstance(node, Scalar) else None
        return real().check(node, report) if value is None else value

    return Kind("a number", check, lambda: {"type": ["number", "boolean"]})


def _written(node: Scalar) -> int | bool | None:
    """The whole number or the truth value that stands there, or None."""
    value = value_of(node)
    return value if isinstance(value, bool | int) and abs(value) < 2**63 else None


def _filed(node: Mapping, report: Report) -> Any:
    """The array that ``{file: data.npz, name: mask}`` names; the only one of the file, where no name is given."""
    given = {name: value for name, (_, value) in node.entries.items()}
    for name, (key, value) in node.entries.items():
        if name not in ("file", "name"):
            return report.add(key.mark, f"unknown key '{name}'; expected {{file: data.npz, name: mask}}")
        if not isinstance(value, Scalar) or is_nothing(value):
            return refuse(value, report, "a text")
    if "file" not in given:
        return refuse(node, report, "{file: data.npz, name: mask}, or an array in brackets")
    path, name = Path(report.file).parent / flow_text(given["file"]), flow_text(given["name"]) if "name" in given else ""
    try:
        return next(iter(read_named(path, [name]).values()))
    except DataError as error:
        return report.add(given["file"].mark, f"{path}: {error}")
    except FileError as error:
        return report.add(given["file"].mark, f"{path}: {error.reason}")


def flow_text(node: Node) -> str:
    """The text of a leaf."""
    return node.text if isinstance(node, Scalar) else ""


def read_named(path: Path, names: list[str], optional: Collection[str] = ()) -> dict[str, Array]:
    """Arrays of an npz file, of any rank and kind of number; texts become the numbers of their classes.

    Args, Raises: as for :func:`read_raw`; also for what is no finite number.
    """
    read = read_raw(path, names, optional)
    for name, values in read.items():
        if values.dtype.kind == "U":
            read[name] = np.unique(values, return_inverse=True)[1].reshape(values.shape)
        else:
            refuse_infinite(name, values)
    return read


def refuse_infinite(name: str, values: Array) -> None:
    """Refuse numbers that are not finite.

    Raises:
        DataError: with the first of them, and its place.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        place = tuple(np.argwhere(~np.isfinite(values))[0].tolist())
        raise DataError(f"expected finite numbers; found {values[place]} in {name}{[*place]}")


def read_raw(path: Path, names: list[str], optional: Collection[str] = ()) -> dict[str, Array]:
    """Arrays of an npz file, of any rank and kind of number, or texts.

    Args:
        path: the file.
        names: which; "" is its only one.
        optional: those that may be missing.

    Raises:
        DataError: for a name that it does not have.
        FileError: where it cannot be read.
    """
    try:
        with Arrays(path) as arrays:
            if "" in names and len(arrays.names) != 1:
                raise DataError(f"expected the name of one of its arrays, {', '.join(arrays.names[:10])} (name: …)")
            wanted = [name or arrays.names[0] for name in names]
            for name in wanted:
                if name not in arrays.names and name not in optional:
                    raise DataError(f"there is no array '{name}'{likely(name, arrays.names)}")
            return arrays.read({name for name in wanted if name in arrays.names}, "fiubU")
    except ArrayError as error:
        raise DataError(str(error)) from None


def _words(items: list[Node]) -> bool:
    """Whether a list is one of class labels: different words, and no number among them."""
    single = [item for item in items if isinstance(item, Scalar)]
    return len({item.text for item in single}) > 1 and not any(number_of(item.text) is not None and not item.style for item in single)


def _row(node: Node, width: int, report: Report) -> Any:
    """The numbers of a row."""
    if not isinstance(node, Sequence) or not node.items:
        return report.add(node.mark, f"expected a row of {width or 'some'} numbers; found {found(node)}")
    if len(node.items) != width and width:
        return report.add(node.mark, f"expected a row of {width} numbers, like the first row; found {len(node.items)}")
    return [_FINITE.check(item, report) for item in node.items]


def _matrix(rows: list[list[float | None] | None]) -> Array | None:
    """None where a number or a row was refused."""
    complete = all(row is not None and None not in row for row in rows)
    return np.array(rows, dtype=float) if complete else None
