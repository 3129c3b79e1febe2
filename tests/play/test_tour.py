"""The tour goes on by itself when a step has been done, by whatever command."""

from __future__ import annotations

import pytest
from debugger_scenarios import line

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import load_scenario
from bpdebug.play.tour import STEPS
from bpdebug.session.session import Session

WAY = (
    ("step 5",),
    ("step", "select da2[0,0]", "origin", "return"),
    ("goto dW2", "select dW2[1,0]", "step"),
    ("break loss if loss < 2", "continue"),
    ("formula dz1 = da1 * a1", "check"),
)


def test_the_five_steps_as_they_are_told():
    session = Session(load_scenario("xor"))
    assert session.execute("tour").data["step"] == 0
    for place, commands in enumerate(WAY):
        assert session.tour.at == place
        for text in commands:
            session.execute(text)
    assert session.tour.at == len(STEPS) == 5
    assert session.view().tour[0] == "all five steps are done"
    assert "hunt hides a mistake" in session.view().tour[1]
    session.execute("step")
    assert session.view().tour is None, "the end is shown once"


def test_the_origin_of_another_number_is_not_what_the_second_step_asks_for():
    session = Session(load_scenario("xor"))
    for text in ("tour", "step 5", "goto a2", "origin"):
        session.execute(text)
    assert session.tour.at == 1


def test_every_key_that_a_step_names_is_bound_to_what_it_says():
    from bpdebug.session.commands import COMMANDS

    keys = {key: name for name, command in COMMANDS.items() for key in command.keys}
    expected = {"s": "step", "[": "reverse-step", "g": "goto", "c": "continue", "C": "reverse-continue", "y": "formula", "v": "check"}
    assert {key: keys[key] for key in expected} == expected
    text = " ".join(step.text for step in STEPS)
    for key in (*expected, "Enter", "Backspace", "Z", "7", "4", ":"):
        assert f" {key}" in text or f"({key}" in text


def test_a_step_may_be_skipped_and_the_tour_left():
    session = Session(load_scenario("xor"))
    session.execute("tour")
    assert session.execute("tour next").data["step"] == 1
    assert session.execute("tour off").data["step"] is None
    assert session.view().tour is None


def test_where_the_tour_does_not_fit_it_says_so():
    with pytest.raises(BpdebugError, match="two layers"):
        Session(line(3, 0.1)).execute("tour")
    with pytest.raises(BpdebugError, match="tour next"):
        Session(load_scenario("xor")).execute("tour backwards")
