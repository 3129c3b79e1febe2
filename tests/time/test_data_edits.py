"""`set x[1,0] = 2` changes that sample of the data, in every batch from then on, and time keeps its law."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, xor
from turns import by_day

from bpdebug.core.errors import BpdebugError
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.record import replace
from bpdebug.session.script import session_script
from bpdebug.session.session import Session

PLACES = ("start", "2:dz1", "4")


def bits(machine):
    return {name: value.tobytes() for name, value in machine.values().items()}


def changed_run(scenario, edits, t):
    """The machine at a clock by single steps, with the data changed at the clocks of the edits: (clock, name, row, column, value)."""
    machine = Machine(make_program(scenario))
    length = len(machine.program.stages)
    for clock in range(t + 1):
        for at, name, row, column, value in edits:
            if at == clock:
                data = machine.program.data[name].copy()
                data[machine.batches.samples(clock // length)[row], column] = value
                machine.adopt(replace(machine.program, data={**machine.program.data, name: data}))
        if clock < t:
            machine.step()
    return machine


@pytest.mark.parametrize("name", by_day(SCENARIOS, 2))
def test_the_law_of_time_holds_under_edits_of_the_data(name):
    session, edits, generator = Session(SCENARIOS[name], budget=1000), [], np.random.default_rng(len(name))
    length = len(session.program.stages)
    for place, cell, value in zip(PLACES, ("x[1,0]", "y[0,0]", "x[1,1]"), (0.75, 0.3, -0.5), strict=True):
        session.execute(f"goto {place}")
        session.execute(f"set {cell} = {value}")
        edits.append((session.position.t, cell[0], int(cell[2]), int(cell[4]), value))
    for t in (edits[1][0], edits[1][0] - 1, 9 * length + 3, 0, *generator.integers(0, 10 * length, 2).tolist(), edits[2][0]):
        session.timeline.seek(t)
        assert bits(session.timeline.machine) == bits(changed_run(SCENARIOS[name], edits, t)), t
    fresh = Session(SCENARIOS[name])
    for line in session_script(session).splitlines()[1:]:
        fresh.execute(line)
    assert bits(fresh.timeline.machine) == bits(session.timeline.machine)
    assert session_script(fresh) == session_script(session)


def test_the_row_of_the_batch_stands_for_its_sample_through_shuffles_and_epochs():
    session = Session(SCENARIOS["shuffled momentum"])
    session.execute("goto 4")
    sample = int(session.timeline.machine.batches.samples(4)[2])
    assert f"sample {sample} of the data" in session.execute("set x[2,1] = 77").text
    for update in (4, 5, 7, 12, 20):
        session.execute(f"goto {update}")
        samples = session.timeline.machine.batches.samples(update).tolist()
        found = np.argwhere(session.value("x") == 77.0).tolist()
        assert found == ([[samples.index(sample), 1]] if sample in samples else [])
        if found:
            assert session.execute(f"explain x[{found[0][0]},1]").text.endswith("Set by you: set x[2,1] = 77.0.")
    session.execute("goto 3")
    assert not (session.value("x") == 77.0).any()
    assert not (session.program.data["x"] == 77.0).any()


def test_everybody_sees_the_changed_sample_and_undo_takes_it_back():
    session = Session(xor())
    session.execute("goto dW1")
    before = session.view(["surface"])
    session.execute("set x[3,0] = 0.25")
    assert {"z1", "a1", "dW1"} <= session.stale()
    assert session.execute("check").data["ok"] is True
    after = session.view(["surface"])
    assert after.surface.x[3, 0] == 0.25
    assert not np.array_equal(after.surface.outputs, before.surface.outputs)
    assert session.execute("predictions").data["asked"] == 4
    session.execute("undo")
    assert session.value("x")[3, 0] == 1.0
    assert not session.stale()
    session.execute("set y[0,0] = 1")
    session.execute("update 3")
    session.execute("reverse-update 3")
    assert session.execute("hunt 1").data["dropped"] == ["set y[0,0] = 1.0"]
    assert session.value("y")[0, 0] == 0.0


@pytest.mark.parametrize("text", ["x = 2", "x[9,0] = 1", "x[0,2] = 1", "m = 3", "y[0] = 1"])
def test_what_is_no_cell_of_the_data_is_refused(text):
    session = Session(xor())
    with pytest.raises(BpdebugError):
        session.execute(f"set {text}")
    assert session.timeline.edits == []


def test_the_scenario_itself_stays_what_it_is():
    scenario = xor()
    kept = scenario.x.copy()
    Session(scenario).execute("set x[0,0] = 5")
    assert np.array_equal(scenario.x, kept)
    with pytest.raises(FrozenInstanceError):
        scenario.x = kept
