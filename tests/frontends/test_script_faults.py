"""Mistakes planted at random into right scripts: how many are named first on their line, and that none of them passes in silence.

``cases/planted_in_scripts.txt`` has six of each script that change a number of the first three updates, drawn with a seed: first the kind,
then the place. Some are no mistakes that a program could show: another rate, a factor that all gradients share, another target.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from planted_in_scripts import planted

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.session.session import Session

CASES = Path(__file__).parents[1] / "cases"
ROWS = (CASES / "planted_in_scripts.txt").read_text("utf-8").splitlines()


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def told(row):
    """What is said of a script with a mistake: whether its line is the one that is accused ``first``, is among those that are (``listed``),
    ``another`` one is, or none: then whether a ``note`` is given, or it ``cannot`` be told, or ``nothing`` is said."""
    name, line, place, kind = row.split(" ", 3)
    source = (CASES / "scripts" / f"{name}.py").read_text("utf-8")
    lines = {int(line)} if kind not in ("order", "too early") else {*range(1, source.count("\n") + 1)}
    (fault,) = (one for one in planted(source, lines) if (one.line, one.kind, one.place) == (int(line), kind, int(place)))
    Path(f"{name}.py").write_text(fault.text, "utf-8")
    try:
        session = Session(load_script(f"{name}.py", [], 3))
    except BpdebugError:
        return "cannot"
    results = []
    for update in range(min(3, session.position.updates)):
        results.append(session.execute("check"))
        accused = [stage["lineno"] for stage in results[-1].data["stages"] if stage["status"] == "wrong"]
        if accused:
            return "first" if accused[0] in fault.lines else "listed" if not fault.lines.isdisjoint(accused) else "another"
        if update + 1 < session.position.updates:
            session.execute(f"goto update {update + 1}")
    data = results[0].data
    return "cannot" if data["ok"] is not True else "note" if data["notes"] or data["conventions"] else "nothing"


def shares(rows):
    found = Counter(map(told, rows))
    print(dict(found))
    return {one: times / len(rows) for one, times in found.items()}


def test_most_mistakes_are_named_first():
    found = shares(ROWS[3::45])
    assert found["first"] >= 0.375
    assert found.get("nothing", 0) <= 0.125


@pytest.mark.long
def test_most_mistakes_of_the_table_are_named_first():
    found = shares(ROWS)
    assert found["first"] >= 0.5
    assert found.get("nothing", 0) <= 0.05
