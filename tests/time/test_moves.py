from __future__ import annotations

import pytest
from debugger_scenarios import SCENARIOS, assert_state, line, program_of, states
from hypothesis import given, settings
from hypothesis import strategies as st

from bpdebug.session.session import Session
from bpdebug.time.moves import by_boundaries, by_stages, by_updates, until
from bpdebug.time.position import LocationError, parse_location, position_at

NAMES = st.sampled_from(tuple(SCENARIOS))
COUNTS = st.integers(-12, 12).filter(bool)


def walk(t, count, is_boundary):
    """One stage after the other, until so many boundaries have been met."""
    direction = 1 if count > 0 else -1
    while count:
        t += direction
        count -= direction * is_boundary(t)
    return t


def begins_group(program, key):
    """Whether a clock stands between two stages of different groups."""
    stages = program.stages

    def is_boundary(t):
        done = t % len(stages)
        return done == 0 or key(stages[done]) != key(stages[done - 1])

    return is_boundary


def naive(program, command, t, count):
    """Where a command leads, by walking."""
    length = len(program.stages)
    boundaries = {
        "step": lambda t: True,
        "next": begins_group(program, lambda stage: (stage.phase, stage.layer)),
        "finish": begins_group(program, lambda stage: stage.phase),
        "update": lambda t: t % length == 0,
        "epoch": lambda t: t % (length * program.batches.each_epoch) == 0,
    }
    return walk(t, count, boundaries[command])


@settings(max_examples=120, deadline=None)
@given(name=NAMES, count=COUNTS, data=st.data())
def test_each_move_leads_where_walking_leads(name, count, data):
    program = program_of(name)
    t = data.draw(st.integers(0, len(states(name)) - 1))
    position = position_at(program, t)
    assert by_stages(position, count) == naive(program, "step", t, count)
    layers, phases = (program.bounds(by_group)[:-1] for by_group in (True, False))
    assert by_boundaries(layers, position, count) == naive(program, "next", t, count)
    assert by_boundaries(phases, position, count) == naive(program, "finish", t, count)
    assert by_updates(position, count) == naive(program, "update", t, count)
    assert by_updates(position, count, program.batches.each_epoch) == naive(program, "epoch", t, count)


@settings(max_examples=100, deadline=None)
@given(name=NAMES, data=st.data())
def test_until_is_the_next_moment_of_that_name(name, data):
    program = program_of(name)
    t = data.draw(st.integers(0, len(states(name)) - 1))
    stage = data.draw(st.sampled_from(program.stages))
    expected = walk(t, 1, lambda t: (t - 1) % len(program.stages) == program.index[stage.name])
    assert until(program, position_at(program, t), parse_location(stage.name, program)) == expected


def test_until_does_not_go_back():
    program = program_of("xor")
    with pytest.raises(LocationError, match="'3:dz2' is not ahead: 'goto 3:dz2' goes back"):
        until(program, position_at(program, 200), parse_location("3:dz2", program))
    here = parse_location("3:dz2", program)
    with pytest.raises(LocationError, match="is not ahead"):
        until(program, position_at(program, here.clock(program, 0)), here)


@settings(max_examples=25, deadline=None)
@given(name=NAMES, data=st.data())
def test_any_walk_by_commands_arrives_where_walking_arrives_with_the_same_bits(name, data):
    session, program, expected = Session(SCENARIOS[name], budget=1), program_of(name), states(name)
    t = 0
    for _ in range(data.draw(st.integers(2, 8))):
        command = data.draw(st.sampled_from(("step", "next", "finish", "update", "epoch")))
        count = data.draw(COUNTS)
        t = min(max(naive(program, command, t, count), 0), len(expected) - 1)
        result = session.execute(f"{'reverse-' * (count < 0)}{command} {abs(count)}")
        assert session.position == position_at(program, t)
        assert result.type == "stop"
        assert_state(session.timeline, expected[t])


@pytest.mark.parametrize("command", ["step", "next", "finish", "update", "epoch"])
def test_the_reverse_of_a_move_undoes_it_on_a_boundary(command):
    session = Session(SCENARIOS["short last batch"])
    session.execute("epoch 2")
    here = session.position
    session.execute(f"{command} 3")
    session.execute(f"reverse-{command} 3")
    assert session.position == here


def test_the_reason_of_a_stop():
    session = Session(SCENARIOS["xor"])
    commands = ("step", "next", "finish", "update", "epoch", "until dz2", "goto start", "reverse-step", "continue", "reverse-continue")
    reasons = [session.execute(command).data["reason"] for command in commands]
    assert reasons == ["step", "next", "finish", "update", "epoch", "location", "location", "start", "end", "start"]


def test_a_move_that_is_interrupted_says_so():
    session = Session(line(10**6, rate=0.001))
    assert session.execute("continue", stop=lambda: True).data["reason"] == "interrupted"
    assert 0 < session.position.update < 10**6
    session.execute("goto 20000:loss")
    assert session.execute("goto start", stop=lambda: True).data["reason"] == "location"
