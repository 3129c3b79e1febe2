from __future__ import annotations

import pytest
from debugger_scenarios import SCENARIOS, classes, program_of, xor

from bpdebug.core.layers import make_program
from bpdebug.time.position import LocationError, parse_location, position_at

XOR = make_program(xor())
CLASSES = make_program(classes(12, shuffle=True))
FUSED = program_of("penalty float32")

# XOR's stages: z1 a1 z2 a2 | loss | da2 dz2 dW2 db2 da1 dz1 dW1 db1 | W1 b1 W2 b2


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("z1", 3 * 17 + 1),
        ("dz2", 3 * 17 + 7),
        ("b2", 4 * 17),
        ("0:z1", 1),
        ("40:dz2", 40 * 17 + 7),
        ("999:a2", 999 * 17 + 4),
        ("999:b2", 1000 * 17),
        ("40 : dz2", 40 * 17 + 7),
        ("forward", 3 * 17),
        ("loss", 3 * 17 + 5),  # the stage; the phase of that name has no other
        ("backward", 3 * 17 + 5),
        ("update", 3 * 17 + 13),
        ("40:backward", 40 * 17 + 5),
        ("layer 1", 3 * 17),
        ("layer 2", 3 * 17 + 2),
        ("3:layer 2", 3 * 17 + 2),
        ("layer   2", 3 * 17 + 2),
        ("update 40", 40 * 17),
        ("update 0", 0),
        ("update 1000", 1000 * 17),
        ("epoch 3", 3 * 17),
        ("start", 0),
        ("end", 1000 * 17),
        (" end ", 1000 * 17),
        ("40", 40 * 17),
        ("0", 0),
        ("1000", 1000 * 17),
        ("dW1[1,0]", 3 * 17 + 12),
        ("40:dW1[1,0]", 40 * 17 + 12),
        ("40 : dW1 [ 1 , 0 ]", 40 * 17 + 12),
        ("update 40:dW1[1,0]", 40 * 17 + 12),
        ("W1[1,0]", 3 * 17 + 14),
        ("20:start", 20 * 17),
        ("20:end", 21 * 17),
        ("999:end", 1000 * 17),
    ],
)
def test_a_location_is_a_clock(text, clock):
    assert parse_location(text, XOR).clock(XOR, 3) == clock


def test_an_epoch_has_as_many_updates_as_batches():
    stages = len(CLASSES.stages)
    assert parse_location("epoch 4", CLASSES).clock(CLASSES, 0) == 4 * 3 * stages
    assert parse_location("epoch 12", CLASSES).clock(CLASSES, 0) == parse_location("end", CLASSES).clock(CLASSES, 0)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_stage_is_the_moment_after_it_has_run(name):
    program = program_of(name)
    for stage in program.stages:
        position = position_at(program, parse_location(f"2:{stage.name}", program).clock(program, 0))
        assert position.stage == stage.name or (position.stage is None and stage is program.stages[-1])


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_phase_and_a_layer_are_the_moment_before_their_first_stage(name):
    program = program_of(name)
    for location, belongs in (
        ("backward", lambda stage: stage.phase == "backward"),
        ("update", lambda stage: stage.phase == "update"),
        ("layer 2", lambda stage: stage.layer == 2),
    ):
        done = parse_location(location, program).done
        assert belongs(program.stages[done])
        assert not any(belongs(stage) for stage in program.stages[:done])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dz3", "there is no location 'dz3'; did you mean 'dz2'?"),
        ("DW2", "there is no location 'DW2'; did you mean 'dW2'?"),
        ("backwards", "there is no location 'backwards'; did you mean 'backward'?"),
        ("strat", "there is no location 'strat'; did you mean 'start'?"),
        ("40:dz22", "there is no location 'dz22'; did you mean 'dz2'?"),
        ("qqq", "there is no location 'qqq'; expected a stage (dz2), a cell (dW1[1,0]), 40:dz2"),
        ("", "expected a stage (dz2)"),
        ("x", "there is no location 'x'; expected a stage"),
        ("layer 3", "there is no layer 3: layers are numbered 1 to 2"),
        ("layer 0", "there is no layer 0: layers are numbered 1 to 2"),
        ("update 1001", "'update 1001' is beyond the end of training: there are 1000 updates, counted from 0"),
        ("1000:z1", "'1000:z1' is beyond the end of training: there are 1000 updates, counted from 0"),
        ("1001:forward", "'1001:forward' is beyond the end of training"),
        ("epoch 1001", "'epoch 1001' is beyond the end of training"),
        ("-1:dz2", "there is no location '-1:dz2'; did you mean"),
        ("1001", "'1001' is beyond the end of training"),
        ("1000:end", "'1000:end' is beyond the end of training"),
        ("9" * 5000, "'9999"),
        ("9" * 5000 + ":dz1", "'9999"),
        ("layer " + "9" * 5000, "there is no layer 9999"),
        ("epoch " + "9" * 5000, "'epoch 9999"),
        ("dW3[0,0]", "there is no location 'dW3[0,0]'; did you mean 'dW2'?"),
        ("update x", "there is no location 'update x'; did you mean 'update'?"),
    ],
)
def test_a_location_that_does_not_exist_is_refused_with_what_there_is(text, message):
    with pytest.raises(LocationError) as caught:
        parse_location(text, XOR)
    assert str(caught.value).startswith(message)


def test_a_stage_that_is_left_out_is_refused_with_the_reason():
    with pytest.raises(LocationError, match="there is no stage da2: the loss is fused with sigmoid"):
        parse_location("da2", FUSED)
    with pytest.raises(LocationError, match="there is no stage b1: b1 is frozen"):
        parse_location("7:b1", program_of("residual"))


def test_a_position_spells_the_clock_out():
    stages = len(CLASSES.stages)
    position = position_at(CLASSES, 7 * stages + 2)
    assert (position.t, position.update, position.done, position.stages) == (7 * stages + 2, 7, 2, stages)
    assert (position.epoch, position.batch, position.batches, position.updates) == (2, 1, 3, 36)
    assert (position.stage, position.next, position.phase, position.layer) == ("a1", "z2", "forward", 1)
    assert not position.at_end


def test_at_the_start_of_an_update_no_stage_has_run():
    position = position_at(XOR, 17)
    assert (position.update, position.done, position.stage, position.next) == (1, 0, None, "z1")
    assert (position.phase, position.layer) == ("forward", 1)


def test_at_the_end_of_the_training_nothing_is_next():
    position = position_at(XOR, 17 * 1000)
    assert position.at_end
    assert (position.stage, position.next, position.update, position.epoch) == (None, None, 1000, 1000)
    assert not position_at(XOR, 17 * 1000 - 1).at_end
