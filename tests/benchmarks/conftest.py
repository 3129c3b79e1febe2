"""``python -m pytest tests/benchmarks`` measures and prints a table; a plain ``pytest`` leaves this folder alone."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROWS: list[str] = []
MEASURED: list[str] = []
CHECKED: list[str] = []
SCALED: dict[str, list[str]] = {}


def pytest_collect_file(file_path, parent):
    asked = any(Path(argument.split("::")[0]).resolve().is_relative_to(HERE) for argument in parent.config.args)
    if asked and file_path.match("bench_*.py") and not parent.session.isinitpath(file_path):
        return pytest.Module.from_parent(parent, path=file_path)
    return None


def pytest_xdist_auto_num_workers():
    """Measure in one process, with nothing beside it."""
    return 0


@pytest.fixture
def report():
    """Adds a row to the table: what, microseconds an update of the textbook's loop and of ours, their ratio, its target."""

    def add(what, textbook, ours, ratio, target):
        ROWS.append(f"| {what} | {textbook:.1f} µs | {ours:.1f} µs | {ratio:.2f} | ≤ {target} |")

    return add


@pytest.fixture
def measured():
    """Adds a row to the second table: what, measured values as text, their target."""

    def add(what, values, target):
        MEASURED.append(f"| {what} | {values} | {target} |")

    return add


@pytest.fixture
def checked():
    """Adds a row to the table of gradient checks: what, microseconds a parameter of the loop and of ours, their ratio, ours in all."""

    def add(what, loop, ours, ratio, whole, target):
        CHECKED.append(f"| {what} | {loop:.1f} µs | {ours:.1f} µs | {ratio:.3f} | {whole} | ≤ {target} |")

    return add


@pytest.fixture
def scaled():
    """Adds a row to the table of an axis: what, milliseconds at each of its values, the exponent between the last two."""

    def add(axis, values, what, row, exponent):
        if axis not in SCALED:
            SCALED[axis] = [f"| {axis} | {' | '.join(map(str, values))} | exponent |", "|---" * (len(values) + 2) + "|"]
        SCALED[axis].append(f"| {what} | {' | '.join(f'{figure:.2g}' for figure in row)} | {exponent:.1f} |")

    return add


def pytest_terminal_summary(terminalreporter):
    updates = ["", "| an update of | textbook loop | bpdebug | ratio | target |", "|---|---|---|---|---|", *ROWS] if ROWS else []
    others = ["", "| what | measured | target |", "|---|---|---|", *MEASURED] if MEASURED else []
    head = ["", "| gradient check, a parameter | loop over all | bpdebug | ratio | all of them | target |", "|---|---|---|---|---|---|"]
    checks = [*head, *CHECKED] if CHECKED else []
    scaling = [row for table in SCALED.values() for row in ["", *table]]
    for row in updates + checks + others + scaling:
        terminalreporter.write_line(row)
