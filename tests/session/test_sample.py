from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, classes, xor

from bpdebug.core.layers import make_program
from bpdebug.frontends import load_scenario
from bpdebug.session.script import session_script
from bpdebug.session.session import Session


def opened(scenario, *commands):
    session = Session(scenario)
    for command in commands:
        session.execute(command)
    return session


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_tensor_is_sampled_if_it_grows_with_the_batch(name):
    program = make_program(SCENARIOS[name])
    grown = {tensor for tensor, shape in program.shapes(9).items() if shape[:1] == (9,) and program.shapes(5)[tensor][:1] == (5,)}
    assert program.sampled == grown
    assert {"x", "y", "z1", "dz1"} <= program.sampled
    assert not program.sampled & {"W1", "b1", "dW1", "db1", "loss", "m"}


def test_the_next_and_the_previous_sample_go_round():
    session = opened(xor())
    seen = []
    for command in ("sample", "sample", "sample", "sample", "reverse-sample"):
        session.execute(command)
        seen.append(session.view().sample)
    assert seen == [1, 2, 3, 0, 3]


def test_the_cell_cursor_goes_to_the_sample():
    session = opened(xor(), "until a1", "select a1[0,2]", "sample 3")
    assert session.selected == ("a1", (3, 2))
    session.execute("sample")
    assert session.selected == ("a1", (0, 2))


def test_the_sample_is_the_row_of_the_cell_cursor():
    session = opened(xor(), "until a1", "select a1[2,1]")
    assert session.view().sample == session.cursor.sample == 2


def test_the_sample_stays_while_stages_without_samples_run():
    session = opened(xor(), "sample 2", "until dW2", "select dW2[0,0]", "until dz1")
    assert session.cursor.sample == 2
    assert session.selected == ("dz1", (2, 0))


def test_a_shorter_batch_has_the_last_of_its_samples():
    session = opened(classes(12, shuffle=False), "sample 3", "update 2")
    assert len(session.view().samples) == 2
    assert session.cursor.sample == 1
    assert session.view().sample == 1


def test_the_answer_names_the_sample_of_the_data():
    session = opened(classes(12, shuffle=True))
    data = session.execute("sample 2").data
    assert data == {"row": 2, "rows": 4, "sample": int(session.view().samples[2])}
    assert np.array_equal(session.view().tensors["x"][2], session.program.data["x"][data["sample"]])


def test_a_script_comes_back_to_the_sample():
    session = opened(xor(), "sample 3", "goto 2:dW1")
    fresh = opened(xor(), *session_script(session).splitlines()[1:])
    assert (fresh.cursor.sample, fresh.selected) == (session.cursor.sample, session.selected) == (3, ("dW1", session.selected[1]))


def test_at_the_first_value_that_is_not_finite_the_sample_is_the_one_it_comes_from():
    session = opened(load_scenario("saturation"), "continue")
    assert session.selected == ("loss", ())
    answers, targets = session.value("a2")[:, 0], session.value("y")[:, 0]
    with np.errstate(all="ignore"):
        terms = targets * np.log(answers) + (1 - targets) * np.log(1 - answers)
    assert session.cursor.sample == np.flatnonzero(np.isnan(terms))[0] != 0


def test_at_the_first_value_that_is_not_finite_such_a_cell_is_selected():
    session = opened(xor(), "until b1", "set W1[1,2] = 1e308", "set b1[0,2] = 1e308", "until z1")
    assert session.timeline.first_nonfinite == session.position.t
    assert session.selected == ("z1", (1, 2))
