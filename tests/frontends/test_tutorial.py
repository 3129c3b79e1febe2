"""The tutorial's program: as it was printed it stops, and the line to blame is named; mended, it is xor, number by number."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bpdebug.core.network import Phase
from bpdebug.frontends import load_scenario
from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.frontends.shipped import folder
from bpdebug.session.session import Session

PAIRS = {
    "z[0]": "z1", "a[1]": "a1", "z[1]": "z2", "a[2]": "a2", "loss.sum": "loss", "da": "da2", "dz": "dz2", "dW[1]": "dW2", "db[1]": "db2",
    "da'2": "da1", "dz'2": "dz1", "dW[0]": "dW1", "db[0]": "db1", "W[0]": "W1", "b[0]": "b1", "W[1]": "W2", "b[1]": "b2",
}  # fmt: skip
"""The stages of the script, and those of the scenario."""
MORE = {"loss", "da'3"}
"""What the script computes beside: each sample's loss, and the gradient of its inputs."""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def mended(*change):
    text = (folder() / "tutorial.py").read_text("utf-8")
    for old, new in (("np.array([0, 1, 1, 0])", "np.array([[0], [1], [1], [0]])"), *change):
        assert old in text
        text = text.replace(old, new)
    Path("mended.py").write_text(text, "utf-8")
    return Session(load_script("mended.py", [], 1000)), Session(load_scenario("xor"))


def test_as_it_was_printed_it_stops_and_the_line_where_a_flat_list_met_a_column_is_named():
    done = subprocess.run([sys.executable, "-m", "bpdebug", "check", "tutorial.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    text = (folder() / "tutorial.py").read_text("utf-8").splitlines()
    line = next(number for number, code in enumerate(text, 1) if code.strip().startswith("loss ="))
    assert done.stdout.startswith(f"tutorial.py:{line}: WRONG loss = ")
    assert "y (4,) with a[2] (4, 1) gives (4, 4): a flat list met a column" in done.stdout
    assert done.stderr.index("bpdebug: loop ") < done.stderr.index("Traceback (most recent call last):\n")
    assert done.stderr.endswith("ValueError: shapes (4,4) and (1,4) not aligned: 4 (dim 1) != 1 (dim 0)\n")
    assert "bpdebug/recorder" not in done.stderr


def test_the_session_stands_where_it_stopped():
    session = Session(load_script(str(folder() / "tutorial.py"), [], 3))
    assert session.position.next == "db[1]"
    assert session.value("da").shape == (4, 4)
    assert session.execute("step").text.startswith("the script stopped with ValueError: shapes (4,4) and (1,4) not aligned")


DERIVATIVE = ("sigmoid_derivative(z[l])", "a[l + 1] * (1 - a[l + 1])")


@pytest.mark.parametrize("updates", [3, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.parametrize(("change", "near"), [((), 1e-12), ((DERIVATIVE,), 0.0)])
def test_with_a_column_it_is_the_scenario_number_by_number(change, near, updates):
    ours, theirs = mended(("range(1000)", f"range({updates})"), *change)
    names = [stage.name for stage in ours.program.stages]
    assert {*names} == {*PAIRS, *MORE}
    assert len({*PAIRS.values()}) == len(theirs.program.stages)
    for update in {0, 1, 2, updates // 2, updates - 1}:
        for session in (ours, theirs):
            session.timeline.seek(session.timeline.calendar.clock(update, session.program.end_of(Phase.BACKWARD)))
        for name, other in PAIRS.items():
            one, two = ours.value(name), theirs.value(other)
            np.testing.assert_allclose(np.ravel(one), np.ravel(two), near, near, err_msg=f"{name}, update {update}")
    verdicts = [session.execute("check").data for session in (ours, theirs)]
    assert [verdict["ok"] for verdict in verdicts] == [True, True]
    assert {PAIRS[stage["name"]]: stage["status"] for stage in verdicts[0]["stages"]} == {
        stage["name"]: stage["status"] for stage in verdicts[1]["stages"]
    }
