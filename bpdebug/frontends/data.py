"""The data section: inline rows, or a CSV or npz file beside the scenario."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from pathlib import Path
from typing import Any

import numpy as np

from bpdebug.arrays import ArrayError, Arrays
from bpdebug.core.description import Array
from bpdebug.files import FileError
from bpdebug.frontends.csvfile import ColumnError, Data, DataError, one_hot_of, read_csv
from bpdebug.frontends.kinds import likely
from bpdebug.frontends.nodes import Mapping, Scalar, Sequence, entry, mark_of
from bpdebug.frontends.report import Mark, Report

Section = Dictionary[str, Any]


def load_data(section: Section, root: Mapping, folder: Path, report: Report) -> Data:
    """What a checked data section describes.

    Raises:
        ScenarioError: with the place, in the scenario or in the data file.
    """
    if "file" not in section:
        if len(section["inputs"]) != len(section["targets"]):
            message = f"{len(section['inputs'])} rows of inputs need as many rows of targets; found {len(section['targets'])}"
            report.fail(mark_of(root, ("data", "targets")), message)
        return Data(section["inputs"], section["targets"])
    path = folder / section["file"]
    if path.suffix.lower() not in _READERS:
        report.fail(_file_mark(root), f"expected a file whose name ends in {' or '.join(_READERS)}; found '{path.name}'")
    try:
        return _READERS[path.suffix.lower()](path, section)
    except ColumnError as error:
        report.fail(_column_mark(root, error.name), f"the file has no column '{error.name}'{likely(error.name, error.known)}")
    except DataError as error:
        own = error.mark.line == 0
        report.fail(_file_mark(root) if own else error.mark, f"{path}: {error.message}" if own else error.message, "" if own else str(path))
    except FileError as error:
        others = [] if error.kind != "missing" else sorted(other.name for other in path.parent.glob("*") if other.suffix in _READERS)
        hint = likely(path.name, others) if others else ""
        report.fail(_file_mark(root), f"the file {path} does not exist{hint}" if error.kind == "missing" else f"{path}: {error.reason}")
    except MemoryError:
        report.fail(_file_mark(root), f"{path} does not fit into memory")


def _csv(path: Path, section: Section) -> Data:
    for side in ("inputs", "targets"):
        if section[side] is None:
            raise DataError(f"a CSV file needs '{side}: [column, …]' in the scenario's data section")
    inputs, targets = ((given,) if isinstance(given, str) else given for given in (section["inputs"], section["targets"]))
    return read_csv(path, inputs, targets, section["one_hot"])


def _npz(path: Path, section: Section) -> Data:
    names = []
    for side, usual in (("inputs", "x"), ("targets", "y")):
        name = section[side] or usual
        if isinstance(name, tuple) and len(name) > 1:
            raise DataError(f"'{side}' of an npz file is the name of one array; found a list of {len(name)}")
        names.append(name if isinstance(name, str) else name[0])
    return _read_npz(path, names[0], names[1], section["one_hot"])


def _read_npz(path: Path, inputs: str, targets: str, one_hot: bool) -> Data:
    try:
        with Arrays(path) as arrays:
            for name in (inputs, targets):
                if name not in arrays.names:
                    raise DataError(f"there is no array '{name}'{likely(name, arrays.names)}")
            read = arrays.read({inputs, targets}, "fiubU")
    except ArrayError as error:
        raise DataError(str(error)) from None
    x, y = _table(inputs, read[inputs]), _table(targets, read[targets])
    if len(x) != len(y):
        raise DataError(f"'{inputs}' has {len(x)} samples, '{targets}' has {len(y)}")
    if y.dtype.kind == "U" or one_hot:
        labels, names = one_hot_of(targets, _labels(targets, y))
        return Data(_numeric(inputs, x), labels, (), names)
    return Data(_numeric(inputs, x), _numeric(targets, y))


def _table(name: str, array: Array) -> Array:
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(f"the array '{name}' has the shape {array.shape}; expected (samples, columns), or (samples,) for one column")
    return array


def _numeric(name: str, array: Array) -> Array:
    if array.dtype.kind == "U":
        raise DataError(f"the array '{name}' holds text; expected numbers")
    values = array.astype(float, copy=False)
    if not np.isfinite(values).all():
        wrong = np.argwhere(~np.isfinite(values))
        raise DataError(f"expected finite numbers; found {values[tuple(wrong[0])]} in {name}{wrong[0].tolist()}")
    return values if values.ndim == 2 else values[:, None]


def _labels(name: str, array: Array) -> Array:
    if array.ndim == 2 and array.shape[1] != 1:
        raise DataError(f"one_hot needs one class label a sample; '{name}' has the shape {array.shape}")
    return array.reshape(-1) if array.dtype.kind in "Uiub" else _numeric(name, array).reshape(-1)


_READERS = {".csv": _csv, ".npz": _npz}


def _file_mark(root: Mapping) -> Mark:
    return entry(root, ("data", "file"))[1].mark


def _column_mark(root: Mapping, name: str) -> Mark:
    """Where the column is asked for."""
    for side in ("inputs", "targets"):
        node = entry(root, ("data", side))[1]
        for item in node.items if isinstance(node, Sequence) else [node]:
            if isinstance(item, Scalar) and item.text == name:
                return item.mark
    return _file_mark(root)
