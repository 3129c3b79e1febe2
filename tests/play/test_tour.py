"""The tour goes on by itself when a step has been done, by whatever command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from turns import by_day

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import load_scenario
from bpdebug.play.tour import load_tour, scenario_of
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
    assert session.tour.at == len(session.tour.steps) == 5
    assert session.view().tour[0] == "all 5 steps are done"
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
    text = " ".join(step.text for step in load_tour(Session(load_scenario("xor")).program).steps)
    for key in (*expected, "Enter", "Backspace", "Z", "7", "4", ":"):
        assert f" {key}" in text or f"({key}" in text


def test_a_step_may_be_skipped_and_the_tour_left():
    session = Session(load_scenario("xor"))
    session.execute("tour")
    assert session.execute("tour next").data["step"] == 1
    assert session.execute("tour off").data["step"] is None
    assert session.view().tour is None


PROGRAMS = ("exam_graph", "exam_softmax", "batch_norm", "dropout", "conv", "rnn", "attention", "deep_sigmoid")


@pytest.mark.parametrize("name", by_day(PROGRAMS, 2))
def test_what_each_step_says_of_any_program_can_be_done(name):
    session = Session(load_scenario(name))
    session.execute("tour")
    steps, program = session.tour.steps, session.program
    first = steps[1].until["origin"]
    cell = f"[{','.join('0' * len(session.timeline.machine.shapes()[first]))}]".replace("[]", "")
    shown = re.search(r"g, type (\S+) and", steps[2].text)[1]
    following = program.index[steps[2].until["at"]] - program.index[shown]
    breakpoint = re.search("type  (break .*?)  and Enter", steps[3].text)[1]
    wrong = re.search("put  (.*?)  in the line", steps[4].text)[1]
    way = (
        [f"goto {program.loss}"],
        [f"step {program.index[first] - program.index[program.loss]}", f"select {first}{cell}", "origin", "return"],
        [f"goto {shown}", f"step {following}"],
        [breakpoint, "continue"],
        [f"formula {wrong}", "check"],
    )
    for place, commands in enumerate(way):
        assert session.tour.at == place
        for text in commands:
            session.execute(text)
    assert session.position.update > 0, "the breakpoint was not hit at once"
    assert session.tour.at == len(steps)


def test_where_the_tour_does_not_fit_it_says_so():
    with pytest.raises(BpdebugError, match="needs a loss that falls, and loss does not; 'bpdebug tour' goes through xor"):
        Session(load_scenario("saturation")).execute("tour")
    with pytest.raises(BpdebugError, match="tour next"):
        Session(load_scenario("xor")).execute("tour backwards")


def test_whoever_did_something_else_is_told_how_to_come_to_where_the_step_begins():
    session = Session(load_scenario("xor"))
    for text in ("tour", "step", "update"):
        session.execute(text)
    assert session.tour.at == 1
    assert session.view().tour[1].startswith("This step begins elsewhere: press g, type loss and press Enter. Then: Press s once more: da2")
    session.execute("goto loss")
    assert session.view().tour[1].startswith("Press s once more: da2")
    for text in ("step", "select da2[1,0]", "origin"):
        session.execute(text)
    assert session.tour.at == 2


OWN = """
scenario: lesson/two.yaml
steps:
- title: the loss
  text: Go to the loss.
  until: {at: 3:loss}
- title: a talk
  text: Now listen, then type  tour next
- title: the check
  at: dz1
  text: Press v.
  until: {check: right}
end: Well done.
"""


def test_a_tour_of_ones_own(tmp_path):
    (tmp_path / "lesson").mkdir()
    (tmp_path / "lesson" / "two.yaml").write_text(Path(load_scenario("xor").source).read_text())
    (tmp_path / "own.yaml").write_text(OWN)
    session = Session(load_scenario(scenario_of(tmp_path / "own.yaml")))
    assert session.execute(f"tour {tmp_path / 'own.yaml'}").data == {"step": 0, "title": "the loss", "text": "Go to the loss."}
    session.execute("goto 3:loss")
    assert session.view().tour == ("2/3 a talk", "Now listen, then type  tour next")
    session.execute("update")
    assert session.execute("tour next").data["text"] == "This step begins elsewhere: press g, type dz1 and press Enter. Then: Press v."
    session.execute("check")
    assert session.view().tour == ("all 3 steps are done", "Well done.")


@pytest.mark.parametrize(
    ("mistaken", "told"),
    [
        (OWN.replace("3:loss", "3:lose"), "own.yaml:6:15: there is no location 'lose'; did you mean 'loss'?"),
        (OWN.replace("at: dz1", "at: dz7"), "own.yaml:10:7: there is no location 'dz7'"),
        (OWN.replace("{check: right}", "{origin: da9}"), "own.yaml:12:19: there is no tensor da9"),
        (OWN.replace("title: the check", "titel: the check"), "own.yaml:9:3: unknown key 'titel'"),
        (OWN.replace("{check: right}", "{checked: right}"), "own.yaml:12:11: unknown key 'checked'"),
        ("steps: []", "own.yaml:1:8: expected a list of 1 to"),
        ("scenario: xor", "own.yaml:1:1"),
        ("steps: [", "own.yaml:2:1: this is not YAML"),
    ],
)
def test_mistakes_in_a_tour_are_told_with_line_and_column(mistaken, told, tmp_path):
    (tmp_path / "own.yaml").write_text(mistaken)
    session = Session(load_scenario("xor"))
    with pytest.raises(BpdebugError) as caught:
        session.execute(f"tour {tmp_path / 'own.yaml'}")
    assert told in str(caught.value)
    assert session.tour is None
