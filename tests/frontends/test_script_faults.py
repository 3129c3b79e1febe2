"""Mistakes planted into right scripts are named first, with the line that has them; ``cases/planted_in_scripts.txt`` is the table."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted_in_scripts import planted

from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.session.session import Session
from bpdebug.trust.check import check

CASES = Path(__file__).parents[1] / "cases"
ROWS = (CASES / "planted_in_scripts.txt").read_text("utf-8").splitlines()
OFTEN = {*ROWS[::14]}
"""Tried each time; the others in a long run."""


def first_accused(path):
    """The line that is named first, in the first update that accuses any."""
    session = Session(load_script(path, [], 3))
    for update in range(session.position.updates):
        session.execute(f"goto update {update}")
        search = check(session.timeline, named=False)
        while True:
            try:
                next(search)
            except StopIteration as end:
                report = end.value
                break
        if accused := [finding for finding in report.findings if finding.says.accuses]:
            return int(accused[0].stage.line.rpartition(":")[2])
    return None


@pytest.mark.parametrize("row", [pytest.param(row, marks=[pytest.mark.long] * (row not in OFTEN)) for row in ROWS])
def test_a_planted_mistake_is_named_first(row, tmp_path, monkeypatch):
    name, line, place, kind = row.split(" ", 3)
    source = (CASES / "scripts" / f"{name}.py").read_text("utf-8")
    (fault,) = (one for one in planted(source, {int(line)}) if (one.line, one.kind, one.place) == (int(line), kind, int(place)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    Path(f"{name}.py").write_text(fault.text, "utf-8")
    assert first_accused(f"{name}.py") in fault.lines, fault.text.splitlines()[fault.line - 1]
