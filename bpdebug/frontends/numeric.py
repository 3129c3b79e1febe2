"""The kinds of a scenario's values that are numbers in rows, or arrays of any rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import replace
from bpdebug.frontends.kinds import Kind, Schema, is_number, real, refuse, text
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
    """Numbers, or truth values, in brackets within brackets to any depth; whole numbers stay whole."""
    expected = "a number, or an array in brackets such as [[1, 2], [3, 4]]"

    def check(node: Node, report: Report) -> Any:
        if isinstance(node, Sequence):
            parts = [check(item, report) for item in node.items]
            for item, part in zip(node.items, parts, strict=True):
                if part is not None and parts[0] is not None and part.shape != parts[0].shape:
                    first, other = (f"{'×'.join(map(str, one.shape)) or 'one number'}" for one in (parts[0], part))
                    return report.add(item.mark, f"expected as many numbers as before, {first}; found {other}")
            return None if any(part is None for part in parts) else np.array(parts) if parts else np.zeros(0)
        value = value_of(node) if isinstance(node, Scalar) else None
        if isinstance(value, bool | int) and not isinstance(value, float) and abs(value) < 2**63:
            return np.array(value)
        made = None if isinstance(node, Mapping) or not is_number(value) else _FINITE.check(node, report)
        return np.array(made) if made is not None else refuse(node, report, expected)

    return Kind(expected, check, lambda: {"type": ["number", "boolean", "array"]})


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
