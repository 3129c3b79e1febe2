"""Kinds of mistakes that came in with what is fast, and would come again: what is remembered must be forgotten in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpdebug import BpdebugError, Session, load_scenario
from bpdebug.core.description import Loss
from bpdebug.core.record import replace
from bpdebug.session.rescue import Mark
from bpdebug.time.checkpoints import Checkpoints


def test_edits_stay_in_order_when_a_reload_moves_some_of_them(tmp_path):
    path = tmp_path / "s.yaml"
    text = (Path(__file__).parents[2] / "scenarios/xor.yaml").read_text("utf-8")
    path.write_text(text.replace("name: sgd", "name: adam"), "utf-8")
    session = Session(load_scenario(path))
    for command in ("goto 3:dz2", "set W1[0,0] = 1", "goto 3:mW1", "set W2[0,0] = 2"):
        session.execute(command)
    path.write_text(text, "utf-8")
    session.execute("reload")
    assert [edit.t for edit in session.timeline.edits] == sorted(edit.t for edit in session.timeline.edits)
    found = {}
    for way in (("goto 3", "goto 5"), ("goto start", "goto 8", "goto 5")):
        for command in way:
            session.execute(command)
        found[way] = session.value("W2").tobytes()
    assert len(set(found.values())) == 1


def test_targets_for_which_the_fused_derivative_is_none_are_refused():
    session = Session(replace(load_scenario("iris"), loss=Loss("categorical_cross_entropy", "mean", from_logits=True)))
    session.execute("step 2")
    before = session.timeline.machine.persistent_flat.copy()
    with pytest.raises(BpdebugError, match="add up to 1"):
        session.execute("set y[0,0] = 0.5")
    assert not session.timeline.edits
    np.testing.assert_array_equal(session.timeline.machine.persistent_flat, before)
    assert session.execute("check").data["ok"]


@pytest.mark.parametrize("formula", ["x @ W1 + sum(b1, axis=0).T", "x @ W1 + b1[0, 0].T", "x @ W1 + b1 + mean(W1, axis=0).T"])
def test_a_flat_list_and_a_number_are_their_own_transpose(formula):
    session = Session(load_scenario("xor"))
    session.execute(f"formula z1 = {formula}")
    stages = {stage["name"]: stage for stage in session.execute("check").data["stages"]}
    assert {name for name in ("da2", "dz2", "dW2", "da1", "dz1") if stages[name]["status"] != "good"} == set()


def test_what_was_looked_at_in_a_future_that_is_given_up_is_forgotten():
    session = Session(load_scenario("xor"))
    session.execute("goto 5:dz2")
    mark = Mark(session)
    session.execute("set a1[0,0] = 7")
    session.execute("step")
    t = session.position.t
    session.timeline.before(t, ("a1", "dz2"))
    mark.return_to()
    session.execute("step")
    fresh = Session(load_scenario("xor"))
    fresh.execute("goto 5:dz2")
    np.testing.assert_array_equal(session.timeline.before(t, ("a1", "dz2"))["a1"], fresh.value("a1"))


def test_an_interrupted_snapshot_is_none():
    store = Checkpoints(2, np.dtype(float), 8 * 16)
    for update in range(40):
        store.save(update, np.full(2, float(update)))
    for ring in (store._ring, store._close):
        if len(ring.updates):
            slot = int(ring.updates.argmax())
            with pytest.raises(KeyboardInterrupt):
                ring.put(slot, 99, _Torn())
            assert ring.updates[slot] == -1
    for update in range(40):
        kept, state = store.nearest(update)
        np.testing.assert_array_equal(state, np.full(2, float(kept)))


class _Torn:
    def __array__(self, dtype=None, copy=None):
        raise KeyboardInterrupt


def test_the_finished_update_keeps_the_data_that_it_ran_on():
    session = Session(load_scenario("iris"))
    session.execute("goto 1")
    rows = session.timeline.machine.batches.samples(0)
    before = session.view().finished.tensors["x"].copy()
    session.execute("goto epoch 1")
    last = session.timeline.machine.batches.samples(session.position.update - 1)
    now = session.timeline.machine.batches.samples(session.position.update)
    shared = [int(np.flatnonzero(now == sample)[0]) for sample in last if sample in now]
    before = session.view().finished.tensors["x"].copy()
    for row in shared or [0]:
        session.execute(f"set x[{row},0] = 99")
    np.testing.assert_array_equal(session.view().finished.tensors["x"], before)
    assert len(rows)
