"""Files whose arrays are of two moments, or hold what in our way to compute it is not finite: diagnosed, and no stage accused."""

from __future__ import annotations

import numpy as np
import pytest
from turns import by_turns

from bpdebug.core.description import Loss
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.time.timeline import Timeline
from bpdebug.trust.compare import compare


def step(program, size=1.0):
    """An update from a start of its own."""
    generator = np.random.default_rng(3)
    start = {**program.initial, **program.batch(0)}
    start |= {name: size * generator.standard_normal(shape) for name, shape in program.parameters.items()}
    with np.errstate(all="ignore"):
        return start, program.run(start)


@pytest.mark.parametrize(
    ("kept", "late"), by_turns(["everything", "activations", "prediction"], [("weight", "bias"), ("weight",), ("bias",), 0, 1])
)
def test_parameters_of_which_some_were_saved_after_the_update(late, kept):
    program = make_program(load_scenario("xor"))
    start, made = step(program)
    layers = program.layers if isinstance(late, tuple) else [program.layers[late]]
    names = {getattr(layer, part) for layer in layers for part in (late if isinstance(late, tuple) else ("weight", "bias"))}
    wanted = {*program.data, *program.parameters, program.loss, *(program.gradients[name] for name in program.free)}
    wanted |= {"everything": {*program.index}, "activations": {layer.a for layer in program.layers}}.get(kept, {program.prediction})
    mine = {name: made[name] if name in names or name not in start else start[name] for name in wanted}
    report = compare(Timeline(program), mine)
    assert not report.accused, report.result().text
    assert f"{' '.join(name for name in program.parameters if name in names)} were saved after the update" in " ".join(report.notes)


@pytest.mark.parametrize("times", [1.0, 4.0])
def test_what_is_finite_by_a_better_way_to_compute_it_is_not_accused(times):
    program = make_program(replace(load_scenario("xor"), loss=Loss("binary_cross_entropy", "mean")))
    better = make_program(replace(program.scenario, loss=Loss("binary_cross_entropy", "mean", from_logits=True)))
    start, made = step(better, 2000.0)
    assert not np.isfinite(program.run(start)["loss"])
    deltas = {program.gradients[name] for layer in program.layers for name in (layer.z, layer.a) if name in program.gradients}
    mine = {name: value * (times if name in deltas else 1.0) for name, value in made.items() if name not in start}
    mine |= {name: start[name] for name in (*program.data, *program.parameters)} | {"loss": np.array(np.nan)}
    mine |= {f"{name}_new": made[name] for name in program.free}
    report = compare(Timeline(program), mine)
    assert not report.accused, report.result().text
    delta = program.gradients[program.layers[-1].z]
    assert (report.stages[delta].status, report.stages[delta].said) == ("unsure", "ours is not finite")
    assert (times == 1.0) == (not any("convention" in note for note in report.notes))
    wrong = mine | {program.gradients[program.layers[0].weight]: 2 * made[program.gradients[program.layers[0].weight]] + 1}
    assert compare(Timeline(program), wrong).accused


def test_a_parameter_under_a_name_that_says_nothing_is_not_compared():
    program = make_program(load_scenario("xor"))
    start, made = step(program)
    first, *others = program.parameters
    mine = made | {name: start[name] for name in (*others, *program.data)} | {"u1": start[first]}
    report = compare(Timeline(program), {name: value for name, value in mine.items() if name != first})
    assert not report.accused
    assert "u1" in report.result().data["unjudged"]
