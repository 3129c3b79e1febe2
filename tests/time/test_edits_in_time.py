"""The law of time with edits: the state is a function of (program, edits up to now, clock), whatever the way here was."""

from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import assert_state, bits, classes, xor
from hypothesis import given, settings
from hypothesis import strategies as st
from turns import by_day

from bpdebug.core.description import Optimizer
from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.layers import make_program
from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session
from bpdebug.time.timeline import DEFAULT_BUDGET, Timeline

PROGRAMS = {
    "full batch": make_program(xor(14)),
    "short last batch": make_program(classes(4, shuffle=False)),
    "shuffled momentum": make_program(classes(4, shuffle=True, optimizer=Optimizer("momentum", {"learning_rate": 0.2}))),
    "adam float32": make_program(classes(4, shuffle=True, precision="float32", optimizer=Optimizer("adam", {"learning_rate": 0.05}))),
}
BUDGETS = st.sampled_from((1, 3000, DEFAULT_BUDGET))


def batch_of(program, update):
    rows = program.batches.rows(update)
    rows = np.arange(program.batches.total) if rows is None else rows
    given = {"x": program.data["x"][rows], "y": program.data["y"][rows], "m": np.array(len(rows))}
    return {name: value.astype(program.dtype) for name, value in given.items()}


def replay(program, edits):
    """The tensors at each clock, one stage after the other with fresh arrays; each edit is made when its clock is reached."""
    persistent, states = dict(program.initial), []
    for update in range(program.updates + 1):
        values = batch_of(program, update) | persistent
        for done, stage in enumerate(program.stages):
            for edit in [edit for edit in edits if edit[0] == len(states)]:
                program, values = edited(program, values, edit)
            states.append(values)
            if update == program.updates:
                return states
            value = evaluate(program.stages[done].formula, values, program.dtype)
            values = values | {stage.name: value}
        persistent = {name: values[name] for name in persistent}
    raise AssertionError("a program without stages")


def edited(program, values, edit):
    _, name, index, value, formula = edit
    if formula:
        return program.with_formula(name, formula), values
    changed = values[name].copy()
    changed[index] = value
    return program, values | {name: changed}


class Model:
    """A timeline beside a list of edits, replayed from the start after every act."""

    def __init__(self, name, budget):
        self.program = PROGRAMS[name]
        self.timeline = Timeline(self.program, budget)
        self.edits, self.states = [], replay(self.program, [])

    def check(self, clock):
        assert self.timeline.clock == clock
        assert_state(self.timeline, self.states[clock])

    def edit(self, draw):
        here, values = self.timeline.clock, self.timeline.machine.values()
        if draw(st.booleans()):
            name = draw(st.sampled_from(sorted(set(values) - {"x", "y", "m", "t", "loss"})))
            index = tuple(draw(st.integers(0, length - 1)) for length in values[name].shape)
            made = (here, name, index, draw(st.floats(0.05, 0.95)), "")
        else:
            stage = draw(st.sampled_from([stage for stage in self.timeline.program.stages if stage.name != "t"]))
            formulas = (f"({stage.formula.text}) * 0.75", (stage.derived or stage.formula).text)
            made = (here, stage.name, (), None, draw(st.sampled_from(formulas)))
        dropped = self.timeline.edit(*made[1:])
        assert [edit.t for edit in dropped] == [edit[0] for edit in self.edits if edit[0] > here]
        self.edits = [edit for edit in self.edits if edit[0] <= here] + [made]
        self.states = replay(self.program, self.edits)
        return here

    def undo(self, _):
        here = self.timeline.clock
        if not self.edits:
            with pytest.raises(BpdebugError, match="nothing has been edited"):
                self.timeline.undo()
            return here
        self.timeline.undo()
        last = self.edits.pop()
        self.states = replay(self.program, self.edits)
        return min(here, last[0])

    def seek(self, draw):
        t = draw(st.integers(0, len(self.states) - 1))
        self.timeline.seek(t)
        return t

    def near(self, draw):
        t = min(max(self.timeline.clock + draw(st.integers(-20, 20)), 0), len(self.states) - 1)
        self.timeline.seek(t)
        return t

    def run(self, draw):
        t = draw(st.integers(self.timeline.clock, len(self.states) - 1))
        self.timeline.run(t)
        return t

    def to_an_edit(self, draw):
        """Where mistakes are likely: at the moment of an edit, and right before it."""
        t = max(draw(st.sampled_from([edit[0] for edit in self.edits] or [0])) - draw(st.integers(0, 1)), 0)
        self.timeline.seek(t)
        return t

    def look_back(self, draw):
        t = draw(st.integers(1, len(self.states) - 1))
        assert bits(self.timeline.before(t)) == bits(self.states[t - 1])
        return self.timeline.clock


ACTS = (Model.seek, Model.near, Model.run, Model.to_an_edit, Model.look_back, Model.edit, Model.edit, Model.edit, Model.undo)


@pytest.mark.parametrize("name", by_day(PROGRAMS, 2))
@settings(max_examples=6, deadline=None)
@given(data=st.data(), budget=BUDGETS)
def test_edits_formulas_undo_and_seeking_give_the_bits_of_a_fresh_replay(name, data, budget):
    model = Model(name, budget)
    for act in data.draw(st.lists(st.sampled_from(ACTS), min_size=6, max_size=16)):
        model.check(act(model, data.draw))
    for t in (len(model.states) - 1, 0, len(model.states) // 2):
        model.timeline.seek(t)
        model.check(t)


@pytest.mark.parametrize("name", PROGRAMS)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_the_losses_after_an_edit_are_those_of_the_new_future(name, data):
    model = Model(name, 1)
    model.timeline.seek(model.timeline.end)
    for _ in range(3):
        model.seek(data.draw)
        model.edit(data.draw)
    model.timeline.seek(model.timeline.end)
    length = len(model.program.stages)
    expected = [float(model.states[(update + 1) * length - 1]["loss"]) for update in range(model.program.updates)]
    assert model.timeline.losses.points()[1].tolist() == expected


def test_what_was_seen_before_an_edit_is_looked_at_anew():
    model = Model("full batch", DEFAULT_BUDGET)
    t, names = 2 * len(model.program.stages) + 5, ("W1", "a1")
    for edit in (("W1", (0, 0), 0.5, ""), ("W1", (0, 0), None, "W1 - 3 * dW1")):
        seen = model.timeline.before(t, names)
        assert bits(seen) == bits({name: model.states[t - 1][name] for name in names})
        model.timeline.seek(3)
        model.timeline.edit(*edit)
        model.edits = [*model.edits, (3, *edit)]
        model.states = replay(model.program, model.edits)
        again = model.timeline.before(t, names)
        assert bits(again) == bits({name: model.states[t - 1][name] for name in names}) != bits(seen)


def test_a_value_that_is_not_finite_in_a_future_that_was_dropped_is_forgotten():
    session = Session(load_scenario("saturation"))
    session.execute("continue")
    first = session.timeline.first_nonfinite
    assert first == session.timeline.clock
    session.execute("goto 1:loss")
    assert session.timeline.first_nonfinite == first
    session.execute("set learning_rate = 0")
    assert session.timeline.first_nonfinite is None
    assert session.execute("continue").data["reason"] == "end"


def test_an_edit_in_the_past_says_what_it_dropped():
    session = Session(xor(20))
    for command in ("goto 3:dz2", "set dz2[0,0] = 1", "goto 5:W1", "set learning_rate = 0.5", "goto 4:a1"):
        session.execute(command)
    answer = session.execute("set W1[0,0] = 0")
    assert answer.data["dropped"] == ["set learning_rate = 0.5"]
    assert "later edits discarded" in answer.text
    assert [str(edit) for edit in session.timeline.edits] == ["set dz2[0,0] = 1.0", "set W1[0,0] = 0.0"]


def test_what_was_computed_before_an_edit_from_what_it_changes_is_stale_until_the_next_update():
    session = Session(xor(20))
    session.execute("goto 0:dW2")
    assert session.execute("set W1[0,0] = 0.5").data["stale"] == sorted(("z1", "a1", "z2", "a2", "loss", "da2", "dz2", "dW2"))
    assert session.stale() == {"z1", "a1", "z2", "a2", "loss", "da2", "dz2", "dW2"}
    session.execute("step")
    assert "db2" not in session.stale()
    session.execute("update")
    assert session.stale() == set()
    session.execute("goto 0:dz2")
    assert session.stale() == set()


def test_a_number_too_large_for_single_precision_is_infinite_now_and_when_it_is_replayed():
    session = Session(classes(4, shuffle=False, precision="float32"))
    session.execute("goto 1:a1")
    session.execute("set a1[0,0] = 1e300")
    assert np.isinf(session.value("a1[0,0]"))
    session.execute("goto start")
    session.execute("goto 1:a1")
    assert np.isinf(session.value("a1[0,0]"))


def test_the_number_of_samples_cannot_be_set():
    session = Session(xor(3))
    with pytest.raises(BpdebugError, match="m is the number of samples in the batch"):
        session.execute("set m = 1")
    assert not session.timeline.edits


def test_an_edit_in_the_moment_of_a_stop_is_made_again():
    session = Session(xor(20))
    for command in ("goto update 4", "set W1[0,0] = 5", "goto start", "break dz2 if loss < 0", "break update 4", "continue"):
        session.execute(command)
    assert session.value("W1[0,0]") == 5


def test_a_loss_that_is_set_is_the_loss_of_its_update():
    session = Session(xor(20))
    for command in ("goto 9:z1", "goto 3:dW1", "set loss = 99", "goto 9:z1"):
        session.execute(command)
    assert session.timeline.losses.points()[1][3] == 99


WHOLE = """
program: |
  far = x > d
  loss = sum(where(far * mask, x * w, 0) / d)
constants: {d: 2}
tensors: {mask: [[true, false]]}
parameters: {shapes: {w: [2]}}
data: {inputs: [[1, 3], [5, 7]]}
"""


@pytest.mark.parametrize(
    ("cell", "kind"), [("d", "whole numbers"), ("x[0,0]", "whole numbers"), ("mask[0,0]", "truth values"), ("far[0,1]", "truth values")]
)
@pytest.mark.parametrize("value", ["0.5", "1e30", "nan", "-inf"])
def test_a_number_that_a_tensor_cannot_hold_is_refused_and_one_that_it_can_is_set(tmp_path, cell, kind, value):
    (tmp_path / "whole.yaml").write_text(WHOLE)
    session = Session(load_scenario(str(tmp_path / "whole.yaml")))
    session.execute("goto 1:loss")
    before = session.value(cell)
    if value == "0.5" and kind == "whole numbers":  # they count nothing, and pick no cell
        session.execute(f"set {cell} = {value}")
        assert session.value(cell) == 0.5
        session.execute("undo")
    else:
        with pytest.raises(BpdebugError, match=f"holds {kind}"):
            session.execute(f"set {cell} = {value}")
    assert not session.timeline.edits
    assert session.value(cell) == before
    session.execute(f"set {cell} = {int(not before)}")
    assert session.value(cell) == (not before)
