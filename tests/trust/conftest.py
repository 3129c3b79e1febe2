"""The confusion table of the diagnosis, shown at the end of a run that has made it."""

from __future__ import annotations

import pytest

ROW = "row of the confusion table"
FOUND, PLACES = "row of the table of planted formulas", ("located", "the same", "missed", "elsewhere")


@pytest.fixture
def confusion(record_property):
    """Adds a row: a planted mistake, how it was called (``right``, ``several``, ``unknown``), on how many shapes rightly.

    The rows travel with the test's report, since the tests run in several processes.
    """

    def add(kind, answers, shapes):
        numbers = "".join(f"{answers[answer]:9}" for answer in ("right", "several", "unknown", "wrong"))
        record_property(ROW, f"{kind:22}{numbers}{shapes:9}")

    return add


@pytest.fixture
def confusion_of(record_property):
    """Adds a row to the table of wrong formulas that were planted: which, and where they were found."""

    def add(kind, answers):
        record_property(FOUND, f"{kind:48}" + "".join(f"{answers[answer]:10}" for answer in PLACES))

    return add


def pytest_terminal_summary(terminalreporter):
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    rows = [value for report in reports for name, value in report.user_properties if name == ROW]
    if rows:
        terminalreporter.write_line(f"\n{'planted by hand':22}{'right':>9}{'several':>9}{'unknown':>9}{'wrong':>9}{'shapes':>9}")
    for row in rows:
        terminalreporter.write_line(row)
    found = [value for report in reports for name, value in report.user_properties if name == FOUND]
    if found:
        terminalreporter.write_line(f"\n{'planted as a formula':48}" + "".join(f"{answer:>10}" for answer in PLACES))
    for row in found:
        terminalreporter.write_line(row)
