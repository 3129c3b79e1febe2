"""What an update has done is what two more passes through the network say."""

from __future__ import annotations

import numpy as np
import pytest

from bpdebug.core.network import Phase
from bpdebug.frontends import load_scenario, shipped
from bpdebug.session.session import Session


def loss_with(session, given, update):
    """The loss of an update's batch with some parameters."""
    program = session.program
    return float(program.run({**session.values(), **given, **program.batch(update)}, program.end_of(Phase.LOSS))[program.loss])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("entry", shipped(), ids=lambda entry: entry.name)
def test_the_effect_is_that_of_the_parameters_before_and_after(entry):
    session = Session(load_scenario(entry.name))
    for _ in range(4):
        before = {name: value for name, value in session.values().items() if name in session.program.persistent}
        result = session.execute("update")
        effect, update = result.data["effect"], session.position.update - 1
        after = session.values()
        steps = {name: after[name] - before[name] for name in session.program.free}
        assert effect["update"] == update
        assert effect["loss_before"] == pytest.approx(loss_with(session, before, update), rel=1e-12)
        assert effect["loss_after"] == pytest.approx(loss_with(session, after, update), rel=1e-12)
        with session.timeline.at(session.timeline.clock - 1) as machine:
            gradients = {name: machine.values()[session.program.gradients[name]].copy() for name in steps}
        predicted = sum(float((gradients[name] * step).sum()) for name, step in steps.items())
        assert effect["predicted"] == pytest.approx(predicted, rel=1e-9)
        sizes = sorted((abs(float(cell)) for step in steps.values() for cell in step.flat), reverse=True)
        assert [abs(one["step"]) for one in effect["moved"]] == pytest.approx(sizes[: len(effect["moved"])])
        assert len(effect["moved"]) == min(3, np.count_nonzero(sizes))


def test_the_loss_before_and_after_is_told_when_an_update_ends():
    session = Session(load_scenario("xor"))
    told = "loss of these samples 3.5128 → 3.2360 (−7.9 %); predicted by the gradients −0.31, really −0.28"
    assert told in session.execute("update").text.splitlines()
    session.execute("goto start")
    assert session.execute("step 17").text.splitlines()[1] == told
    assert "effect" not in session.execute("step").data
    assert "effect" not in session.execute("goto 1").data


def test_an_edit_takes_the_effect_away():
    session = Session(load_scenario("xor"))
    session.execute("update")
    assert session.view().effect is not None
    session.execute("set W1[0,0] = 2")
    assert session.view().effect is None


def test_two_updates_that_draw_the_same_mask_have_an_effect_too():
    session = Session(load_scenario("dropout"))
    session.execute("set keep = 1e-9")
    session.execute("update 2")
    effect = session.view().effect
    session.execute("goto 2:loss")
    assert not session.value("mask").any() and effect.after == session.value("loss") != effect.before
