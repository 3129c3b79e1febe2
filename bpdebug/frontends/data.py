"""The data section: inline rows, or a file beside the scenario."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from pathlib import Path
from typing import Any

from bpdebug.files import FileError
from bpdebug.frontends.columns import Data, DataError
from bpdebug.frontends.csvfile import ColumnError, read_csv
from bpdebug.frontends.kinds import likely
from bpdebug.frontends.locate import entry, mark_of
from bpdebug.frontends.nodes import Mapping, Scalar, Sequence
from bpdebug.frontends.npzfile import read_npz
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
    return read_npz(path, names[0], names[1], section["one_hot"])


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
