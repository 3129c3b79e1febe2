"""A path or a name to a checked scenario, with its data: inline rows, or a CSV or npz file beside it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Dictionary
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bpdebug.core.description import Array, Scenario
from bpdebug.core.record import replace
from bpdebug.files import FileError, read_file, refuse_program
from bpdebug.frontends.assemble import assemble, cross_check, refuse_size
from bpdebug.frontends.csvfile import ColumnError, Data, DataError, labels_of, one_hot_of, read_csv
from bpdebug.frontends.kinds import likely
from bpdebug.frontends.nodes import Mapping, Scalar, Sequence, entry, mark_of, parse, place
from bpdebug.frontends.numeric import read_named, read_raw, refuse_infinite
from bpdebug.frontends.programs import refuse_lines
from bpdebug.frontends.report import WHOLE_FILE, Mark, Report
from bpdebug.frontends.schema import EXAMPLE, ROOT, belongs
from bpdebug.frontends.shipped import shipped

MAXIMUM_BYTES = 2**20
RECORDING = ".bpd"
"""How the names of recordings of ``bpdebug record`` end."""

Section = Dictionary[str, Any]


def load_scenario(source: str | Path) -> Scenario:
    """The scenario in a file, or the shipped one of that name.

    Args:
        source: a path, or a name such as ``xor``; where a file has that very name, it is the file.

    Raises:
        ScenarioError: with every problem that could be found at once, each with file, line and column.
        FileError: for a script, which nothing runs but a command line.
    """
    refuse_program(source)
    path = Path(source)
    with suppress(RuntimeError):
        path = path.expanduser()
    if path.suffix == RECORDING:
        from bpdebug.frontends.torch_step.program import load_step  # noqa: PLC0415 - for recordings alone

        return load_step(path)
    named = () if os.path.isfile(path) else [entry.path for entry in shipped() if entry.name == str(source)]  # noqa: PTH113 - any text
    path, report = (named[0], Report(str(named[0]))) if named else (path, Report(str(source)))
    report.homes = belongs
    root = parse(read_text(path, report, "a scenario file"), report, EXAMPLE)
    sections: dict[str, Any] = ROOT.check(root, report)
    if "program" in sections:
        report.settle()
        if sections["data"] and "file" in sections["data"]:
            data = _load_data(sections["data"], root, path.parent, report, _WHOLE)
            sections["data"] = {"inputs": data.x, "targets": data.y if data.y.size else None}
        refuse_lines(sections, root, report)
        scenario = assemble(sections, None, str(path), path.stem)
        cross_check(scenario, sections, root, report)
        report.settle()
        return replace(scenario, read_again=partial(load_scenario, path))
    if not sections["data"] or "data" not in root.entries:
        report.settle()
    try:
        data = _load_data(sections["data"], root, path.parent, report, _TABLES)
        report.settle()
        refuse_size(sections, data, root, report)
        scenario = assemble(sections, data, str(path), path.stem)
    except DataError as error:
        report.fail(mark_of(root, ("data", "targets")), error.message)
    cross_check(scenario, sections, root, report)
    report.settle()
    return replace(scenario, read_again=partial(load_scenario, path))


def _advice(path: Path) -> str:
    """What may have been meant: a neighbour, or a shipped scenario."""
    names, neighbours = [entry.name for entry in shipped()], list[str]()
    with suppress(OSError, ValueError):
        neighbours = [other.name for other in path.parent.glob("*.y*ml")]
    if near := difflib.get_close_matches(path.name, neighbours, n=1, cutoff=0.7):
        return f": did you mean {path.parent / near[0]}?"
    if near := difflib.get_close_matches(path.stem.lower(), names, n=1):
        return f": did you mean the shipped scenario '{near[0]}'?"
    return f"; expected a path, or a shipped scenario: {', '.join(names)}"


def read_text(path: Path, report: Report, expected: str) -> str:
    """A file as text; what is wrong with it is reported.

    Raises:
        ScenarioError: where it cannot be read, or is no text.
    """
    try:
        content = read_file(path, expected, MAXIMUM_BYTES)
    except FileError as error:
        advice = _advice(path) if error.kind == "missing" else ""
        advice = "; put large data in a CSV or npz file (data: {file: …})" if error.kind == "long" else advice
        report.fail(WHOLE_FILE, f"{error.reason}{advice}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(errors="replace")
        report.fail(place(before, len(before)), f"expected UTF-8 text; found the byte {content[error.start]:#04x}")


def _in_columns(inputs: Any, targets: Any) -> bool:
    """Whether each row of either holds a number for every sample."""
    try:
        one, other = np.shape(inputs), np.shape(targets)
    except ValueError:
        return False
    return len(one) == len(other) == 2 and one[1] == other[1] > 1


def _load_data(section: Section, root: Mapping, folder: Path, report: Report, readers: Readers) -> Data:
    """What a checked data section describes.

    Args:
        section, root, folder, report: the section, the file's tree, where it lies, and what is wrong with it.
        readers: of data files, by the ending of their names.

    Raises:
        ScenarioError: with the place, in the scenario or in the data file.
    """
    if "file" not in section:
        if len(section["inputs"]) != len(section["targets"]):
            message = f"{len(section['inputs'])} rows of inputs need as many rows of targets; found {len(section['targets'])}"
            if _in_columns(section["inputs"], section["targets"]):
                message += f"; your {len(section['inputs'][0])} samples stand in columns: transpose inputs and targets"
            report.fail(mark_of(root, ("data", "targets")), message)
        if isinstance(section["targets"], tuple):
            classes, names = one_hot_of("targets", labels_of(section["targets"]))
            return Data(section["inputs"], classes, (), names, labels=True)
        return Data(section["inputs"], section["targets"])
    path = folder / section["file"]
    if path.suffix.lower() not in readers:
        report.fail(_file_mark(root), f"expected a file whose name ends in {' or '.join(readers)}; found '{path.name}'")
    try:
        if _is_missing(path):
            raise FileError(path, "it does not exist", kind="missing")
        return readers[path.suffix.lower()](path, section)
    except ColumnError as error:
        report.fail(_column_mark(root, error.name), f"the file has no column '{error.name}'{likely(error.name, error.known)}")
    except DataError as error:
        own = error.mark.line == 0
        report.fail(_file_mark(root) if own else error.mark, f"{path}: {error.message}" if own else error.message, "" if own else str(path))
    except FileError as error:
        if error.kind != "missing":
            report.fail(_file_mark(root), f"{path}: {error.reason}")
        others = sorted(other.name for other in path.parent.glob("*") if other.suffix in readers)
        report.fail(_file_mark(root), f"the file {path} does not exist{likely(path.name, others)}")
    except MemoryError:
        report.fail(_file_mark(root), f"{path} does not fit into memory")


def _is_missing(path: Path) -> bool:
    """Whether there is nothing of that name: what is there and cannot be read has a reason of its own."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _csv(path: Path, section: Section) -> Data:
    inputs, targets = _columns(section, *_SIDES)
    return read_csv(path, inputs, targets, section["one_hot"])


def _columns(section: Section, *needed: str) -> Iterator[tuple[str, ...]]:
    """The columns of inputs and of targets that are asked for."""
    for side in _SIDES:
        given = section[side]
        if given is None and side in needed:
            raise DataError(f"a CSV file needs '{side}: [column, …]' in the scenario's data section")
        yield (given,) if isinstance(given, str) else given or ()


def _npz(path: Path, section: Section) -> Data:
    inputs, targets = names = _names(section)
    read = read_raw(path, names)
    x, y = (_table(name, read[name]) for name in names)
    if len(x) != len(y):
        raise DataError(f"'{inputs}' has {len(x)} samples, '{targets}' has {len(y)}")
    if y.dtype.kind != "U" and not section["one_hot"]:
        return Data(_numeric(inputs, x), _numeric(targets, y))
    if y.ndim == 2 and y.shape[1] != 1:
        raise DataError(f"one_hot needs one class label per sample; '{targets}' has the shape {y.shape}")
    labels = y if y.dtype.kind in "Uiub" else _numeric(targets, y)
    classes, outputs = one_hot_of(targets, labels.reshape(-1))
    return Data(_numeric(inputs, x), classes, (), outputs)


def _table(name: str, array: Array) -> Array:
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(f"the array '{name}' has the shape {array.shape}; expected (samples, columns), or (samples,) for one column")
    return array


def _numeric(name: str, array: Array) -> Array:
    if array.dtype.kind == "U":
        raise DataError(f"the array '{name}' holds text; expected numbers")
    values = array.astype(float, copy=False)
    refuse_infinite(name, values)
    return values if values.ndim == 2 else values[:, None]


def _names(section: Section) -> list[str]:
    """The arrays that are asked for, one of inputs and one of targets."""
    names = list[str]()
    for side, usual in zip(_SIDES, "xy", strict=True):
        given = section[side] or usual
        if isinstance(given, tuple) and len(given) > 1:
            raise DataError(f"'{side}' of an npz file is the name of one array; found a list of {len(given)}")
        names.append(str(given if isinstance(given, str) else given[0]))
    return names


def _whole_npz(path: Path, section: Section) -> Data:
    """Arrays of any rank and kind of number; there may be no targets."""
    names = _names(section)
    found = read_named(path, names, () if section["targets"] else names[1:])
    x = found[names[0]]
    return Data(x, found.get(names[1], np.zeros((len(x) if x.ndim else 0, 0))))


def _whole_csv(path: Path, section: Section) -> Data:
    """Columns: one that is named alone is a flat list, several in brackets are a table; words are the numbers of their classes."""
    inputs, targets = _columns(section, "inputs")
    data = read_csv(path, inputs, targets, section["one_hot"])
    x, y = data.x, data.y
    if data.outputs != targets and len(targets) == 1 and not section["one_hot"]:
        y = y.argmax(axis=1)[:, None]
    x, y = (_integral(values) for values in (x, y))
    flat = [isinstance(section[side], str) and values.shape[1] == 1 for side, values in zip(_SIDES, (x, y), strict=True)]
    return Data(x[:, 0] if flat[0] else x, y[:, 0] if flat[1] else y)


def _integral(values: Array) -> Array:
    """Whole numbers as such."""
    return values.astype(np.int64) if values.size and (values == np.rint(values)).all() and np.abs(values).max() < 2**53 else values


_SIDES = ("inputs", "targets")
Readers = Dictionary[str, Callable[[Path, Section], Data]]
_TABLES: Readers = {".csv": _csv, ".npz": _npz}
"""How a data file is read for layers, whose data are tables of numbers."""
_WHOLE: Readers = {".csv": _whole_csv, ".npz": _whole_npz}
"""How it is read for a program of lines, whose data are what they are."""


def _file_mark(root: Mapping) -> Mark:
    return entry(root, ("data", "file"))[1].mark


def _column_mark(root: Mapping, name: str) -> Mark:
    """Where the column is asked for."""
    for side in _SIDES:
        node = entry(root, ("data", side))[1]
        for item in node.items if isinstance(node, Sequence) else [node]:
            if isinstance(item, Scalar) and item.text == name:
                return item.mark
    return _file_mark(root)
