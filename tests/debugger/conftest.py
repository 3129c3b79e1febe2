"""The confusion table of the diagnosis, shown at the end of a run that has made it."""

from __future__ import annotations

import pytest

ROWS: list[str] = []


@pytest.fixture
def confusion():
    """Adds a row: a planted mistake, how it was called (``right``, ``several``, ``unknown``), on how many shapes rightly."""

    def add(kind, answers, shapes):
        numbers = "".join(f"{answers[answer]:9}" for answer in ("right", "several", "unknown", "wrong"))
        ROWS.append(f"{kind:22}{numbers}{shapes:9}")

    return add


def pytest_terminal_summary(terminalreporter):
    if ROWS:
        terminalreporter.write_line(f"\n{'planted by hand':22}{'right':>9}{'several':>9}{'unknown':>9}{'wrong':>9}{'shapes':>9}")
    for row in ROWS:
        terminalreporter.write_line(row)
