"""What is said of a number is true: a small change does to the loss what the sentence says, the update to the parameter."""

from __future__ import annotations

import re

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS
from turns import by_day

from bpdebug.core.evaluate import evaluate
from bpdebug.core.network import Phase
from bpdebug.frontends import load_scenario, shipped
from bpdebug.look.explanation import explain
from bpdebug.session.session import Session

NUMBER = r"−?\d+(?:\.\d+)?(?:e−?\d+)?"
RATE = re.compile(rf"raise \S+ by (?P<change>{NUMBER}) and the loss (?P<moves>rises|falls) by (?P<effect>{NUMBER})")
ABOUT = re.compile(
    rf"raise \S+ a little and the loss (?P<moves>rises|falls), at this rate by (?P<effect>{NUMBER}) for each (?P<change>{NUMBER})"
)
STEP = re.compile(rf"the update (?P<moves>lowers|raises) it, by (?P<step>{NUMBER})")
MOST_CELLS = 200
"""Of all tensors of an update together."""


def number(text):
    return float(text.replace("−", "-"))


def unit(text):
    """What the last digit of a number stands for."""
    digits, _, exponent = text.replace("−", "-").lstrip("-").partition("e")
    return 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))


def true_change(session, stage, index, change):
    """What the loss does, by a second forward pass in extended precision with the one cell changed."""
    program = session.program
    known = {name: np.asarray(value, np.longdouble) for name, value in session.values().items()}
    losses = []
    for step in (0.0, change):
        values, raised = dict(known), known[stage.of].copy()
        raised[index] += np.longdouble(step)
        if stage.of in program.persistent and not stage.through:
            values[stage.of] = raised
        for one in program.stages[: program.end_of(Phase.LOSS)]:
            seen = values | {stage.of: raised} if one.name == stage.through else values
            values[one.name] = np.asarray(evaluate(one.formula, seen, np.longdouble))
            if one.name == stage.of and not stage.through:
                values[one.name] = values[one.name].copy()
                values[one.name][index] += np.longdouble(step)
        losses.append(values[program.loss])
    return float(losses[1] - losses[0])


def gradients_of(scenario, updates):
    """Every explained gradient cell of some updates, or some of each large tensor."""
    session = Session(scenario)
    most = MOST_CELLS // len(session.program.stages)
    for update in (update for update in updates if update < session.position.updates):
        for stage in session.program.stages:
            if stage.of:
                session.execute(f"goto {update}:{stage.name}")
                places = [*np.ndindex(*np.shape(session.value(stage.name)))]
                for index in places[:: max(1, len(places) // most)]:
                    yield session, stage, index, explain(session.timeline, stage.name, index)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", by_day([*(entry.name for entry in shipped()), *SCENARIOS], 4))
def test_a_small_change_does_to_the_loss_what_is_said(name):
    told = about = 0
    scenario = SCENARIOS[name] if name in SCENARIOS else load_scenario(name)
    for session, stage, index, explained in gradients_of(scenario, (0, 1, 40)):
        if not np.isfinite(explained.value):
            continue
        told += 1
        said = explained.meaning
        if explained.value == 0:  # of what is left to the user no reason is told, which would be the answer
            assert ("the loss stays as it is" if explained.stage.left else ": 0, because") in said, said
            continue
        if found := RATE.search(said):
            change = number(found["change"])
            true = true_change(session, stage, index, change)
            effect = number(found["effect"]) * (1 if found["moves"] == "rises" else -1)
            assert abs(true - effect) <= 0.5001 * unit(found["effect"]) + 1e-14, (said, true)
            claims_rate = "while by this gradient it would" not in said
            assert claims_rate == (abs(effect - explained.value * change) <= 0.5001 * unit(found["effect"])), said
            if change < 0.01 and claims_rate:  # the next larger change is not true
                more = true_change(session, stage, index, 10 * change)
                assert f"{more:.1e}" != f"{10 * change * explained.value:.1e}", said
        else:
            found = ABOUT.search(said)
            assert found, said
            about += 1
            rate = number(found["effect"]) / number(found["change"]) * (1 if found["moves"] == "rises" else -1)
            assert rate == pytest.approx(explained.value, rel=0.06)
    assert told > 10 or name in ("one_neuron", "exam_graph")
    print(name, told, about)
    assert about <= 0.1 * told
