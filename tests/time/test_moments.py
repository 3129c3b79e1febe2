"""A moment is what the tensors were, and costs what is looked at of it."""

from __future__ import annotations

import numpy as np
import pytest

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.moments import Copies
from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session

WAYS = (
    "step",
    "step 3",
    "reverse-step",
    "update 2",
    "goto 3:dW1",
    "reverse-update",
    "set W1[0,0] = 3",
    "goto end",
    "goto 1:loss",
    "undo",
    "epoch",
)


@pytest.mark.parametrize("name", ["xor", "iris", "residual"])
@pytest.mark.parametrize("looked", [(), ("W1", "x")])
def test_whatever_happens_afterwards_a_view_shows_its_own_moment(name, looked):
    session, known = Session(load_scenario(name)), []
    for way in WAYS:
        view = session.view()
        for tensor in looked:
            view.tensors[tensor]
        past = dict(view.finished.tensors) if view.finished else {}
        known.append((view, {tensor: value.copy() for tensor, value in session.timeline.machine.values().items()}, past))
        session.execute(way)
    for view, values, past in known:
        assert view.tensors.keys() == values.keys()
        for tensor, value in values.items():
            assert np.array_equal(view.tensors[tensor], value, equal_nan=True), (view.position, tensor)
        for tensor, value in past.items():
            assert np.array_equal(view.finished.tensors[tensor], value, equal_nan=True), (view.position, tensor)


def test_what_has_not_changed_since_is_one_copy_that_nobody_can_write_to():
    session = Session(load_scenario("xor"))
    session.execute("step 2")
    first = session.view()
    session.execute("step")
    second = session.view()
    assert first.tensors["W1"] is second.tensors["W1"]
    assert not first.tensors["W1"].flags.writeable
    session.execute("goto W1")
    assert session.view().tensors["W1"] is not first.tensors["W1"]


def test_a_step_copies_no_more_than_what_is_looked_at_and_what_the_stage_overwrites(monkeypatch):
    copied, copy = [], Copies.of
    monkeypatch.setattr(
        Copies, "of", lambda made, buffer: (copied.append(buffer.size) if id(buffer) not in made._made else None, copy(made, buffer))[1]
    )
    layers = (Layer(200, "tanh"), Layer(100, "tanh"), Layer(5))
    data = np.random.default_rng(0).standard_normal((4, 305))
    sgd, loss = Optimizer("sgd", {"learning_rate": 0.1}), Loss("squared_error")
    names = tuple(f"p{place}" for place in range(300))
    session = Session(Scenario("wide", names, layers, data[:, :300], data[:, 300:], loss=loss, optimizer=sgd, training=Training(3)))
    for _ in range(session.position.stages):
        copied.clear()
        session.execute("step")
        session.view()
        name = session.position.stage or session.program.stages[-1].name
        written = session.timeline.machine.shapes()[name] if name in session.program.persistent else ()
        looked = [session.timeline.machine.shapes()[operand] for operand in session.program.stage(name).formula.names]
        assert sum(copied) <= sum(map(np.prod, looked)) + np.prod(written) + 1, name


@pytest.mark.parametrize("way", ["goto update 5", "goto 4:b1", "goto 6:z1"])
def test_looking_again_at_the_start_of_an_update_runs_nothing(way, monkeypatch):
    session = Session(load_scenario("xor"))
    session.execute(way)
    session.execute("update")
    session.execute("reverse-step")
    session.execute("goto update 5")
    session.cursor.select("W2", (1, 0))
    session.view()
    for name in ("step", "run_unguarded", "start"):
        monkeypatch.setattr(type(session.timeline.machine), name, lambda *_: pytest.fail("something runs"))
    session.cursor.select("W2", (2, 0))
    assert session.view().finished.update == 4
