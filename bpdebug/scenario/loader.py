"""A path or a name to a checked scenario."""

from __future__ import annotations

import difflib
from functools import partial
from pathlib import Path
from typing import Any

from bpdebug.engine.description import Scenario
from bpdebug.engine.record import replace
from bpdebug.scenario.assemble import assemble, cross_check, refuse_batch, refuse_size
from bpdebug.scenario.data import load_data
from bpdebug.scenario.nodes import parse, place
from bpdebug.scenario.report import WHOLE_FILE, Report
from bpdebug.scenario.schema import ROOT
from bpdebug.scenario.shipped import shipped

MAXIMUM_BYTES = 2**20


def load_scenario(source: str | Path) -> Scenario:
    """The scenario in a file, or the shipped one of that name.

    Args:
        source: a path, or a name such as ``xor``; where a file has that very name, it is the file.

    Raises:
        ScenarioError: with every problem that could be found at once, each with file, line and column.
    """
    path = _find(source)
    report = Report(str(path))
    root = parse(read_text(path, report), report)
    sections: dict[str, Any] = ROOT.check(root, report)
    report.settle()
    refuse_size(sections, root, report)
    data = load_data(sections["data"], root, path.parent, report)
    refuse_batch(sections, data, root, report)
    scenario = assemble(sections, data, str(path), path.stem)
    cross_check(scenario, root, report)
    report.settle()
    return replace(scenario, read_again=partial(load_scenario, path))


def _find(source: str | Path) -> Path:
    path, names = Path(source), {entry.name: entry.path for entry in shipped()}
    kind = _kind(path)
    if kind != "file" and str(source) in names:
        return names[str(source)]
    if not kind:
        Report(str(source)).fail(WHOLE_FILE, f"there is no such file{_advice(path, names)}")
    return path


def _kind(path: Path) -> str:
    """What stands at a path: "file", "other", or "" for nothing (or nothing that could be a path)."""
    try:
        return "file" if path.is_file() else "other" if path.exists() else ""
    except (OSError, ValueError):
        return ""


def _advice(path: Path, names: dict[str, Path]) -> str:
    """What may have been meant: a neighbour, or a shipped scenario."""
    neighbours = [other.name for other in path.parent.glob("*.y*ml")] if _kind(path.parent) else []
    if near := difflib.get_close_matches(path.name, neighbours, n=1, cutoff=0.7):
        return f": did you mean {path.parent / near[0]}?"
    if near := difflib.get_close_matches(path.stem.lower(), names, n=1):
        return f": did you mean the shipped scenario '{near[0]}'?"
    return f"; expected a path, or a shipped scenario: {', '.join(names)}"


def read_text(path: Path, report: Report) -> str:
    """A file as text; what is wrong with it is reported."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except IsADirectoryError:
        report.fail(WHOLE_FILE, "this is a directory; expected a scenario file")
    except OSError as error:
        report.fail(WHOLE_FILE, f"the file cannot be read: {error.strerror or error}")
    if len(content) > MAXIMUM_BYTES:
        report.fail(WHOLE_FILE, "a scenario file of more than 1 MiB; put large data in a CSV or npz file (data: {file: …})")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(errors="replace")
        report.fail(place(before, len(before)), f"expected UTF-8 text; found the byte {content[error.start]:#04x}")
