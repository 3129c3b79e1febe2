"""Tables of what was found how often, shown at the end of a run that has made them, and written to the file ``BPDEBUG_TABLES``."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

COUNTED = "counted"


@pytest.fixture
def tally(record_property):
    """Adds to a row of a table, by their titles, how often each answer was given; answers that were never given may be among them.

    What is added travels with the test's report, since the tests run in several processes.
    """

    def add(table, row, answers):
        record_property(COUNTED, [table, row, dict(answers)])

    return add


@pytest.fixture
def undiagnosed(monkeypatch):
    """Wrong stages are found, and nobody asks which mistake it is, which takes longer than all the rest."""
    monkeypatch.setattr("bpdebug.trust.compare.diagnose", lambda _: ())


def tables(reports):
    """The tables that tests have made, with their sums."""
    found = {}
    for table, row, answers in (value for report in reports for name, value in report.user_properties if name == COUNTED):
        for name in (row, "in all"):
            found.setdefault(table, {}).setdefault(name, Counter()).update(answers)
    for table, rows in found.items():
        columns, width = [*rows["in all"]], max(len(table), *map(len, rows))
        yield f"\n{table:{width}}" + "".join(f"{column:>12}" for column in columns)
        for row in sorted(rows, key=lambda row: (row == "in all", row)):
            yield f"{row:{width}}" + "".join(f"{rows[row][column]:12}" for column in columns)


def pytest_terminal_summary(terminalreporter):
    lines = [*tables(terminalreporter.getreports("passed") + terminalreporter.getreports("failed"))]
    for line in lines:
        terminalreporter.write_line(line)
    if lines and (file := os.environ.get("BPDEBUG_TABLES")):
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
