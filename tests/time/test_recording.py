from __future__ import annotations

import pytest
from debugger_scenarios import SCENARIOS, program_of

from bpdebug.time import recording
from bpdebug.time.recording import record
from bpdebug.time.timeline import Timeline


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_recorded_is_what_the_stages_computed_and_the_present_stays(name):
    program = program_of(name)
    timeline, fresh = Timeline(program), Timeline(program)
    length = len(program.stages)
    timeline.seek(7 * length + 3)
    before = {tensor: value.tobytes() for tensor, value in timeline.machine.values().items()}
    recorded = record(timeline, 5)
    assert [made.update for made in recorded] == [2, 3, 4, 5, 6]
    assert {tensor: value.tobytes() for tensor, value in timeline.machine.values().items()} == before
    for made in recorded:
        fresh.seek(made.update * length)
        assert all(made.before()[tensor].tobytes() == value.tobytes() for tensor, value in fresh.machine.persistent.items())
        fresh.seek((made.update + 1) * length - 1)
        computed = fresh.machine.values()
        transient = set(program.index) - set(program.persistent)
        assert all(made.values()[tensor].tobytes() == computed[tensor].tobytes() for tensor in transient)
        fresh.seek((made.update + 1) * length)
        assert all(made.values()[tensor].tobytes() == value.tobytes() for tensor, value in fresh.machine.persistent.items())


def test_a_recording_takes_no_more_memory_than_it_may(monkeypatch):
    timeline = Timeline(program_of("xor"))
    timeline.seek(timeline.end)
    size = timeline.machine.last_workspace().flat.nbytes + timeline.machine.persistent_flat.nbytes
    monkeypatch.setattr(recording, "MOST_BYTES", 3 * size)
    assert [made.update for made in record(timeline, 10)] == [37, 38, 39]
