"""A path or a name to a checked scenario."""

from __future__ import annotations

import difflib
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from bpdebug.core.description import Scenario
from bpdebug.core.record import replace
from bpdebug.files import FileError, read_file
from bpdebug.frontends.assemble import assemble, cross_check, refuse_batch, refuse_size
from bpdebug.frontends.data import load_data
from bpdebug.frontends.nodes import parse, place
from bpdebug.frontends.report import WHOLE_FILE, Report
from bpdebug.frontends.schema import ROOT
from bpdebug.frontends.shipped import shipped

MAXIMUM_BYTES = 2**20


def load_scenario(source: str | Path) -> Scenario:
    """The scenario in a file, or the shipped one of that name.

    Args:
        source: a path, or a name such as ``xor``; where a file has that very name, it is the file.

    Raises:
        ScenarioError: with every problem that could be found at once, each with file, line and column.
    """
    path, report = _find(source)
    root = parse(read_text(path, report, "a scenario file"), report)
    sections: dict[str, Any] = ROOT.check(root, report)
    report.settle()
    refuse_size(sections, root, report)
    data = load_data(sections["data"], root, path.parent, report)
    refuse_batch(sections, data, root, report)
    scenario = assemble(sections, data, str(path), path.stem)
    cross_check(scenario, sections, root, report)
    report.settle()
    return replace(scenario, read_again=partial(load_scenario, path))


def _find(source: str | Path) -> tuple[Path, Report]:
    """The file that is meant; whether it is there is seen when it is read."""
    path = Path(source)
    with suppress(RuntimeError):
        path = path.expanduser()
    named = () if os.path.isfile(path) else [entry.path for entry in shipped() if entry.name == str(source)]  # noqa: PTH113 - any text
    return (named[0], Report(str(named[0]))) if named else (path, Report(str(source)))


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
