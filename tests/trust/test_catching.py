"""``catch wrong``: the first update, and the first stage in it, that the check accuses."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from debugger_scenarios import classes, xor
from turns import by_turns

from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario, Training
from bpdebug.session.session import Session
from bpdebug.session.stop_lines import stop_blocks
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.check import check

WRONG = "formula dz1 = da1 * (1 - a1)"


def opened(scenario, *commands):
    session = Session(scenario)
    for text in commands:
        session.execute(text)
    return session


def accused(session, update):
    """What a check says at that update."""
    timeline = session.timeline
    with timeline.at(timeline.calendar.clock(update)):
        return [finding.name for finding in whole(check(timeline)).accused]


def fading(epochs=60):
    """A relu layer all of whose units are active at first."""
    x, y = np.array([[1.0, 0.2], [0.5, 1.0], [0.8, 0.7]]), np.array([[-2.0], [-3.0], [-1.0]])
    weights = {"W1": [[0.5, 0.4], [0.3, 0.6]], "b1": [[0.1, 0.2]], "W2": [[1.0], [0.7]]}
    values = {name: np.array(value) for name, value in weights.items()}
    layers = (Layer(2, "relu"), Layer(1, "identity"))
    return Scenario(
        "fading", ("p", "q"), layers, x, y, values=values, training=Training(epochs), optimizer=Optimizer("sgd", {"learning_rate": 0.01})
    )


WHOLE, BATCHES = xor(300), classes(60, shuffle=True)


@pytest.mark.parametrize(
    ("scenario", "update", "looks"),
    [(WHOLE, 0, 1), (WHOLE, 2, 40), (WHOLE, 77, 1), (BATCHES, 1, 40), (BATCHES, 77, 40), (BATCHES, 150, 1)],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_formula_that_goes_wrong_on_the_way_is_caught_at_its_first_update(scenario, update, looks):
    session = opened(scenario, f"goto update {update}", "formula dW1 = -(x.T @ dz1)", "goto start", "catch wrong")
    session.stops.find(1).every = looks
    result = session.execute("continue")
    assert result.stops == [1]
    assert (session.position.update, session.position.stage) == (update, "dW1")
    assert "first wrong stage: dW1 = -x.T @ dz1" in result.text.replace("(", "").replace(")", "")
    assert "a wrong sign" in result.text
    assert session.execute("continue").data["reason"] == "end"  # it is told once


def test_what_is_wrong_before_a_run_begins_is_caught_at_once():
    session = opened(xor(300), WRONG, "catch wrong", "continue")
    assert (session.position.update, session.position.stage) == (0, "dz1")
    session = opened(xor(300), WRONG, "goto 7:dW1", "catch wrong", "continue")  # past it, the next update is the first
    assert (session.position.update, session.position.stage) == (8, "dz1")


def test_a_mistake_that_shows_only_once_a_unit_is_inactive_is_caught_where_it_shows():
    session = opened(fading(), "formula dz1 = da1", "catch wrong")
    session.execute("continue")
    first = next(update for update in range(60) if accused(session, update))
    assert first > 0
    assert (session.position.update, session.position.stage) == (first, "dz1")


def test_two_mistakes_are_caught_one_after_the_other():
    session = opened(xor(300), "goto update 20", "formula dW2 = 2 * a1.T @ dz2", "goto update 45", WRONG, "goto start", "catch wrong")
    places = []
    for _ in range(3):
        session.execute("continue")
        places.append((session.position.update, session.position.stage))
    assert places == [(20, "dW2"), (45, "dz1"), (300, None)]


def test_other_stops_come_in_their_order():
    session = opened(xor(300), "goto update 20", WRONG, "goto start", "catch wrong", "break 10:loss", "break 20:z2", "break 20:dW1")
    found = [(session.execute("continue").stops, session.position.update, session.position.stage) for _ in range(4)]
    assert found == [([2], 10, "loss"), ([3], 20, "z2"), ([1], 20, "dz1"), ([4], 20, "dW1")]


def test_it_is_found_in_slices_and_back_at_the_same_place():
    session = opened(xor(300), "goto update 77", WRONG, "goto start", "catch wrong")
    session.execute("continue", lambda: True)
    while session.journey.pending:
        session.resume(lambda: True)
    assert (session.position.update, session.position.stage) == (77, "dz1")
    session.execute("goto end")
    session.execute("reverse-continue")
    assert (session.position.update, session.position.stage) == (77, "dz1")
    assert session.execute("reverse-continue").data["reason"] == "start"


def test_without_a_mistake_it_never_stops():
    session = opened(classes(40, shuffle=True, loss=Loss("categorical_cross_entropy"), initializer=Initializer("he_normal")), "catch wrong")
    assert session.execute("continue").data["reason"] == "end"
    assert session.stops.find(1).hits == 0


def test_a_listing_says_how_often_it_looks():
    session = opened(xor(300), "catch wrong")
    assert "at most a quarter of the time" in session.execute("info").text
    session.execute("continue")
    assert "looked at every" in session.execute("info").text
    stop = session.stops.find(1)
    assert stop.every > 1


def test_it_is_kept_like_the_others():
    session = opened(xor(), "catch wrong", "ignore 1 2")
    assert stop_blocks(session.stops, session.displays) == [("catch wrong", "ignore last 2")]


def test_during_a_hunt_it_tells_nothing():
    session = opened(xor(300), "hunt 3", "catch wrong", "continue")
    assert session.stops.find(1).hits == 0


def test_it_takes_no_threshold():
    with pytest.raises(Exception, match="wrong takes no threshold"):
        opened(xor(), "catch wrong 3")


LOOK = 1.0
UPDATES = {
    "each longer than a look": lambda update: 2.0,
    "as long as a look": lambda update: 1.0,
    "a third of a look": lambda update: 1 / 3,
    "short": lambda update: 0.01,
    "compiled in the first": lambda update: 3.0 if update == 0 else 0.02,
    "slow, then quick": lambda update: 0.5 if update < 40 else 0.02,
    "quick, then slow": lambda update: 0.02 if update < 600 else 2.0,
    "by turns": lambda update: (0.01, 0.4, 0.002)[update // 50 % 3],
}


@pytest.mark.parametrize(("cost", "slices"), by_turns(UPDATES, [False, True]))
def test_looking_takes_at_most_a_quarter_of_the_time_whatever_an_update_takes(cost, slices, monkeypatch):
    """By a clock of our own; a run of less than six looks has one at its start and one at its end all the same."""
    now, looked = [0.0], [0]
    run = Timeline.run

    def slow(timeline, *arguments):
        before = timeline.machine.update
        bad = run(timeline, *arguments)
        now[0] += sum(map(UPDATES[cost], range(before, timeline.machine.update)))
        return bad

    def look(_):
        now[0] += LOOK
        looked[0] += 1
        return SimpleNamespace(accused=())

    monkeypatch.setattr(Timeline, "run", slow)
    monkeypatch.setattr("bpdebug.trust.catching.whole", look)
    for module in ("time.runner", "trust.catching"):
        monkeypatch.setattr(f"bpdebug.{module}.process_time", lambda: now[0])
    session = opened(xor(1000), "catch wrong")
    session.execute("continue", lambda: slices)
    while session.journey.pending:
        session.resume(lambda: True)
    assert session.timeline.clock == session.timeline.end
    assert looked[0] * LOOK <= now[0] / 4
    assert looked[0] * LOOK > now[0] / 12 or looked[0] == 1000 or "then slow" in cost or "turns" in cost, "what there is time for is done"
    assert looked[0] > 2
