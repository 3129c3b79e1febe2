"""Right updates in other conventions than the scenario's: none is accused, each is named; and what looks like one and is a mistake."""

from __future__ import annotations

import numpy as np
import pytest
from random_networks import COMBINATIONS, scenario_of
from restated import computed, restated

from bpdebug.core.layers import make_program
from bpdebug.time.timeline import Timeline
from bpdebug.trust.compare import compare

ADDED = {"v": -1.0}


def conventions(program, arrays):
    """What may be written, as arguments of ``restated``, with a word of the note that names it ("" where the numbers are ours)."""
    rate, m, k = float(arrays["learning_rate"]), float(arrays["m"]), float(program.layers[-1].layer.units)
    yield {}, ""
    yield {"delta": m}, "" if m == 1 else "have the 1/m"
    for factor in (m, 1 / m, k, 1 / k, 2.0, 0.5, 2 / m, 1 / (m * k)):
        word = "times ours" if factor != 1 else ""
        yield {"delta": factor, "own": factor, "feed": factor, "loss": factor}, word
        yield {"own": factor, "feed": factor}, word
        yield {"delta": factor, "own": factor}, word
    yield {"own": rate}, "learning rate in them"
    yield {"delta": rate, "own": rate}, "learning rate in them"
    yield {"top": m}, ""
    yield {"delta": -1, "own": -1}, "other sign"
    yield {"delta": -m, "own": -1}, "other sign"
    yield {"delta": -1, "own": -rate}, "other sign"
    if program.rule.name in ("momentum", "nesterov"):
        for units in (rate, -rate):
            yield {"slots": {"v": units}}, "takes that back" if units > 0 else "hold the step itself"
            yield {"delta": m, "slots": {"v": units}}, "takes that back" if units > 0 else "hold the step itself"
        yield {"delta": m, "own": m, "feed": m, "slots": {"v": -rate}}, "hold the step itself"
        yield {"delta": -1, "own": -1, "slots": ADDED}, "other sign"
        yield {"delta": -m, "own": -1, "slots": {"v": rate}}, "other sign"
    if program.rule.name.startswith("adam"):
        yield {"delta": -1, "own": -1, "slots": {"m": -1.0}}, "other sign"


def between(program, name):
    """Whether it is a gradient of something that is no parameter."""
    return name in program.index and bool(program.stage(name).of) and program.stage(name).of not in program.parameters


KEPT = {
    "all": lambda program, arrays: arrays,
    "float32": lambda program, arrays: {name: np.asarray(value).astype(np.float32) for name, value in arrays.items()},
    "no step": lambda program, arrays: {name: value for name, value in arrays.items() if not name.endswith("_new")},
    "no deltas": lambda program, arrays: {name: value for name, value in arrays.items() if not between(program, name)},
}


def accused_in(number, kept):
    """The right updates of one network that are accused, and those whose convention is not named."""
    program, generator = make_program(scenario_of(number)), np.random.default_rng(number)
    update = int(generator.integers(0, min(4, program.updates)))
    timeline, arrays = Timeline(program), computed(program, update)
    timeline.seek(update * len(program.stages))
    for factors, word in conventions(program, arrays):
        mine = KEPT[kept](program, restated(program, arrays, **factors))
        report = compare(timeline, mine)
        told = word in " ".join(report.notes) or kept in ("no step", "no deltas")
        if not report.ok or not told:
            yield number, update, factors, [finding.name for finding in report.accused], report.notes


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("number", [152])
def test_right_code_in_another_convention_is_not_accused_and_told_which(number, kept):
    assert not list(accused_in(number, kept))


@pytest.mark.long
@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("number", range(3, len(COMBINATIONS), 11))
def test_right_code_in_any_convention_in_any_network_is_not_accused(number, kept):
    assert not list(accused_in(number, kept))
