"""What a view holds of the update before, at the start of the next one."""

from __future__ import annotations

import numpy as np
import pytest

from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session


def session(name, *commands):
    opened = Session(load_scenario(name))
    for command in commands:
        opened.execute(command)
    return opened


def same(one, other):
    assert one.update == other.update
    assert np.array_equal(one.samples, other.samples)
    assert one.tensors.keys() == other.tensors.keys()
    for name, value in one.tensors.items():
        assert np.array_equal(value, other.tensors[name], equal_nan=True), name


@pytest.mark.parametrize("name", ["xor", "iris", "residual"])
def test_what_the_update_before_left_behind_is_the_same_after_a_walk_a_jump_and_a_step_back(name):
    walked = session(name, "goto 11:loss", "step")
    while walked.position.done:
        walked.execute("step")
    assert walked.position.update == 12
    finished = walked.view().finished
    for ways in (
        ("goto update 12",),
        ("goto update 15", "goto update 12"),
        ("update 12",),
        ("goto 12:loss", "reverse-step 99", "goto update 12"),
        ("goto 12:a1", "reverse-step 3", "goto update 12"),
        ("goto 12:z1", "reverse-step"),
    ):
        opened = session(name, *ways)
        assert opened.position.t == walked.position.t, ways
        same(opened.view().finished, finished)


def test_it_is_what_the_last_stages_of_that_update_saw():
    opened = session("iris", "goto 11:db1")
    values = dict(opened.view().tensors)
    samples = opened.view().samples
    opened.execute("update")
    view = opened.view()
    assert view.finished.update == 11
    assert np.array_equal(view.finished.samples, samples)
    assert not np.array_equal(view.samples, samples)
    gone = {name for name in values if name in opened.program.index and name not in opened.program.persistent}
    assert set(view.finished.tensors) == gone | {"x", "y"}
    for name, value in view.finished.tensors.items():
        assert np.array_equal(value, values[name]), name
    rows = opened.program.data["x"][samples]
    assert np.array_equal(view.finished.tensors["x"], rows)


def test_an_edit_in_that_update_is_seen_in_it():
    opened = session("xor", "goto 3:a1", "set a1[0,0] = 0.25", "goto update 4")
    assert opened.view().finished.tensors["a1"][0, 0] == 0.25
    opened.execute("goto update 9")
    opened.execute("goto update 4")
    assert opened.view().finished.tensors["a1"][0, 0] == 0.25
    assert "x" not in opened.view().finished.tensors, "the batch is still the same"


def test_before_the_first_update_and_in_the_middle_of_one_there_is_none():
    opened = session("xor")
    assert opened.view().finished is None
    opened.execute("goto 5:b1")
    assert opened.view().finished is None
    opened.execute("goto end")
    assert opened.view().finished.update == opened.program.updates - 1


def test_looking_at_it_changes_nothing():
    looked, blind = session("iris", "goto update 7"), session("iris", "goto update 7")
    looked.view()
    for opened in (looked, blind):
        opened.execute("step 40")
    assert looked.position == blind.position
    for name, value in looked.values().items():
        assert np.array_equal(value, blind.values()[name]), name


def test_the_layer_looked_at_is_that_of_the_selected_tensor_and_stays_while_the_tensor_is_one_of_its_own():
    opened = session("iris", "goto dz2")
    assert opened.view().group == "layer 2"
    for name, layer in (("a1", 2), ("z1", 1), ("a1", 1), ("x", 1), ("y", 2), ("W1", 1), ("a2", 2)):
        opened.execute(f"select {name}[0,0]")
        assert opened.view().group == f"layer {layer}", name
    opened.execute("goto dz1")
    assert opened.view().group == "layer 1"
