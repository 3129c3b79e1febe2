from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpdebug.time.checkpoints import Checkpoints, Thinned

LEAST = 2
"""Snapshots that are kept whatever the budget says."""


class Model:
    """Checkpoints beside a plain dictionary of everything that was ever saved."""

    def __init__(self, size, dtype, budget):
        self.size, self.dtype, self.budget = size, np.dtype(dtype), budget
        self.store = Checkpoints(size, self.dtype, budget)
        self.saved = {}
        self.save_until(0, 0)

    def save_until(self, last, future):
        for update in range(len(self.saved), last + 1):
            state = np.full(self.size, update + 1000 * future).astype(self.dtype)
            self.saved[update] = state
            self.store.save(update, state, goal=last)

    def forget_after(self, update):
        self.store.forget_after(update)
        self.saved = {kept: state for kept, state in self.saved.items() if kept <= update}

    def check(self, asked):
        kept, state = self.store.nearest(asked)
        assert 0 <= kept <= asked
        assert state.tobytes() == self.saved[kept].tobytes()
        return kept

    @property
    def room(self):
        return max(self.budget // (self.size * self.dtype.itemsize), LEAST)


@settings(max_examples=50, deadline=None)
@given(
    data=st.data(),
    size=st.integers(1, 6),
    dtype=st.sampled_from(("float64", "float32")),
    budget=st.integers(0, 3000),
)
def test_the_nearest_snapshot_is_not_later_and_has_the_right_bits(data, size, dtype, budget):
    model = Model(size, dtype, budget)
    for future in range(data.draw(st.integers(1, 3))):
        last = data.draw(st.integers(len(model.saved), 700))
        model.save_until(last, future)
        for asked in data.draw(st.lists(st.integers(0, last + 20), min_size=4, max_size=8)):
            model.check(asked)
        assert model.check(last) == last, "the present is always there"
        model.forget_after(data.draw(st.integers(0, last - 1)))
        model.check(last)


@pytest.mark.parametrize("budget", [100, 400, 1024])
def test_nothing_is_kept_of_a_future_that_has_changed(budget):
    for update in range(40):
        model = Model(2, "float64", budget)
        model.save_until(60, 0)
        model.forget_after(update)
        assert model.check(60) <= update


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 50), updates=st.integers(0, 1500), budget=st.integers(0, 20_000))
def test_the_budget_is_kept(size, updates, budget):
    model = Model(size, "float64", budget)
    model.save_until(updates, 0)
    numbers_of_the_ring = 8 * (model.room // 2 + 8)
    assert model.store.bytes <= max(budget, LEAST * size * 8) + numbers_of_the_ring


@pytest.mark.parametrize("updates", [15, 100, 1000, 10_000])
def test_the_past_is_thinned_evenly_and_the_present_is_dense(updates):
    model = Model(2, "float64", 64 * 16)
    model.save_until(updates, 0)
    distances = [asked - model.check(asked) for asked in range(updates + 1)]
    spacing = 1024 // (model.room // 2 - 1) + 1
    assert max(distances) <= max(4 * updates / (model.room / 2), spacing) + 1
    assert max(distances[-1024:]) < spacing
    assert distances[-1] == 0


@pytest.mark.parametrize(("room", "most"), [(4, 50), (6, 12), (15, 3), (25, 3)])
def test_the_way_back_from_a_goal_is_short_even_where_few_snapshots_fit(room, most):
    """Update by update back from 1000, each time with the nearest snapshot run forward."""
    store = Checkpoints(10, np.dtype("float64"), room * 80)
    run = 0
    for goal in range(1000, 900, -1):
        kept = store.nearest(goal)[0] if goal < 1000 else -1
        run += goal - kept
        for update in range(kept + 1, goal + 1):
            store.save(update, np.full(10, float(update)), goal)
        assert store.nearest(goal)[1].tolist() == [goal] * 10
    assert store.bytes <= room * 80 + 8 * room
    assert run - 1000 <= 100 * most


def test_a_snapshot_is_a_copy():
    store, state = Checkpoints(3, np.dtype("float64"), 10_000), np.arange(3.0)
    store.save(0, state)
    state[:] = -1
    assert store.nearest(0)[1].tolist() == [0, 1, 2]


@settings(max_examples=100, deadline=None)
@given(counts=st.lists(st.integers(0, 30_000), min_size=1, max_size=4), cut=st.integers(0, 30_000))
def test_a_thinned_store_holds_what_was_recorded(counts, cut):
    history, known = Thinned(8192), 0
    for count in counts:
        for update in range(max(known - 5, 0), known + count):
            history.record(update, float(update))
        known += count
        updates, values = history.points()
        assert updates.tolist() == values.tolist()
        stride = max(1, int(updates[1])) if len(updates) > 1 else 1
        assert updates.tolist() == list(range(0, known, stride))
        assert len(updates) <= 8192
        assert stride == 1 or known > 8192 * stride // 2
    history.forget_from(cut)
    assert all(update < cut for update in history.points()[0])
    history.record(*[(min(cut, known))] * 2)
    updates, values = history.points()
    assert updates.tolist() == values.tolist()
