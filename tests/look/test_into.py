"""Stepping into a stage: every cell of every stage is stood on, in order, forwards and back."""

from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, classes, xor

from bpdebug.core.description import Layer, Scenario, Training
from bpdebug.session.session import Session

FROZEN = Scenario(
    "all frozen",
    ("x",),
    (Layer(2),),
    np.array([[1.0], [2.0]]),
    np.array([[1.0, 0.0], [0.0, 1.0]]),
    frozen=("W1", "b1"),
    training=Training(4),
)


def cells_of(session):
    """The clock and the cell that each ``into`` should stand on, from now to the end of training: worked out stage by stage."""
    fresh, found = Session(session.program.scenario), []
    for _ in range(fresh.timeline.end):
        fresh.execute("step")
        name = fresh.program.stages[(fresh.position.t - 1) % fresh.position.stages].name
        values = fresh.values()
        if name in values:
            found += [(fresh.position.t, (name, index)) for index in np.ndindex(values[name].shape)]
        else:
            found.append((fresh.position.t, None))
    return found


def stand(session):
    return session.position.t, session.selected


@pytest.mark.parametrize("scenario", [xor(2), classes(1, shuffle=True), SCENARIOS["adam float32"], FROZEN], ids=lambda s: s.name)
def test_into_stands_on_every_cell_in_order_and_back_again(scenario):
    session = Session(scenario)
    expected = cells_of(session)[:70]
    for place in expected:
        session.execute("into")
        assert stand(session) == place
    for place in expected[-2::-1]:
        session.execute("reverse-into")
        assert stand(session) == place


@pytest.mark.parametrize("count", [1, 2, 7, 40, 161, 1000])
def test_a_count_is_so_many_single_ones(count):
    session, single = Session(classes(3, shuffle=False)), Session(classes(3, shuffle=False))
    expected = cells_of(session)
    session.execute(f"into {count}")
    assert stand(session) == expected[count - 1]
    session.execute("into 5")
    assert stand(session) == expected[count + 4]
    session.execute(f"reverse-into {count}")
    assert stand(session) == expected[4]
    for _ in range(5):
        single.execute("into")
    assert stand(single) == stand(session)


def test_after_a_step_into_goes_into_the_next_stage_and_back_into_the_last_one():
    session = Session(xor(2))
    session.execute("step 2")
    session.execute("into")
    assert (session.position.stage, session.selected) == ("z2", ("z2", (0, 0)))
    session.execute("step")
    session.execute("reverse-into")
    assert (session.position.stage, session.selected) == ("a2", ("a2", (3, 0)))
    session.execute("reverse-into 4")
    assert (session.position.stage, session.selected) == ("z2", ("z2", (3, 0)))


def test_it_goes_on_from_the_cell_that_was_chosen_meanwhile():
    session = Session(xor(2))
    session.execute("into")
    session.execute("select z1[2,1]")
    session.execute("into")
    assert session.selected == ("z1", (2, 2))
    session.execute("select x[0,0]")
    session.execute("into")
    assert session.selected == ("z1", (0, 1)), "another tensor's cell is none of this stage"


def test_a_breakpoint_on_the_way_stops_it_at_its_stage():
    session = Session(xor(2))
    session.execute("break a1")
    answer = session.execute("into 60")
    assert session.position.stage == "a1"
    assert answer.data["reason"] == "breakpoint"
    assert session.cursor.inside is None
    session.execute("into")
    assert (session.position.stage, session.selected) == ("z2", ("z2", (0, 0)))


def test_at_the_end_of_training_and_before_its_start_there_is_nothing_to_go_into():
    session = Session(xor(1))
    session.execute("goto end")
    assert session.execute("into").text.startswith("training is complete")
    session.execute("into 999999999999")
    assert session.position.at_end
    session.execute("goto start")
    session.execute("reverse-into 3")
    assert (session.position.t, session.selected, session.cursor.inside) == (0, None, None)


def test_many_cells_are_passed_at_once():
    session = Session(xor(100_000))
    cells = 8 + 4 + 4 + 1
    one = 16 + 16 + 4 + 4 + 1 + 4 + 4 + 4 + 1 + 16 + 16 + 8 + 4 + cells
    session.execute(f"into {2000 * one + 3}")
    assert stand(session) == (2000 * 17 + 1, ("z1", (0, 2)))


def test_what_is_said_is_the_cell_and_what_it_is_made_of():
    session = Session(xor(2))
    session.execute("step 6")
    answer = session.execute("into 2")
    assert answer.text.splitlines()[1:3] == ["cell 2 of 4", "dz2[1,0] = da2[1,0]·a2[1,0]·(1 − a2[1,0])"]
    value = float(session.value("dz2")[1, 0])
    assert answer.data["into"] == {"name": "dz2", "index": [1, 0], "value": value, "place": 1, "cells": 4}
    again = session.execute("into")
    assert again.type == "stop"
    assert again.text.splitlines()[0] == "cell 3 of 4"
    assert not session.view().changed("a2").any()


def test_within_a_stage_what_has_changed_stays_marked():
    session = Session(xor(2))
    session.execute("goto 0:db1")
    session.execute("into")
    changed = session.view().changed("W1")
    session.execute("into")
    assert changed.all()
    assert np.array_equal(session.view().changed("W1"), changed)
