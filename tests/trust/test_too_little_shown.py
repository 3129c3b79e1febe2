"""Files that show too little: what may be right in another convention, or from another start, is neither accused nor praised."""

from __future__ import annotations

import numpy as np
import pytest
from restated import computed
from test_user_lines import CONVOLUTION, LABELS

from bpdebug.core.description import Layer, Loss, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.time.timeline import Timeline
from bpdebug.trust.compare import compare

GENERATOR = np.random.default_rng(5)
NET = Scenario(
    "net", ("a", "b"), (Layer(3, "tanh"), Layer(2, "sigmoid")), GENERATOR.normal(size=(5, 2)), GENERATOR.integers(0, 2, (5, 2)) * 1.0,
    loss=Loss("binary_cross_entropy", samples="mean"), training=Training(4),
)  # fmt: skip


def answers(program, arrays):
    report = compare(Timeline(program), arrays)
    return report, {finding.name: finding.status for finding in report.findings if finding.theirs is not None}


def dead(program):
    """Parameters with which only the last bias has a gradient."""
    values = {name: np.zeros(shape) for name, shape in program.parameters.items()}
    return make_program(replace(program.scenario, values=values))


def test_a_factor_that_one_bias_alone_shows_is_no_convention():
    program = dead(make_program(NET))
    arrays, bias = computed(program), program.gradients[program.layers[-1].bias]
    report, found = answers(program, {name: arrays[name] for name in arrays if not name.endswith("_new")} | {bias: arrays[bias] / 5})
    assert found[bias] == "unsure" and bias in report.unjudged, report.result().text
    deltas = {name: arrays[name] * 5 for name in (program.gradients[layer.z] for layer in program.layers)}
    report, found = answers(program, {name: arrays[name] for name in program.parameters} | deltas | {bias: arrays[bias] / 5})
    assert found[bias] == "unsure" and bias in report.unjudged, report.result().text


@pytest.mark.parametrize("kept", ["biases", "weights"])
def test_a_factor_that_is_seen_in_biases_or_in_weights_alone_is_not_judged(kept):
    program = make_program(NET)
    arrays = computed(program)
    names = [layer.bias if kept == "biases" else layer.weight for layer in program.layers]
    some = {name: arrays[name] for name in program.parameters} | {program.gradients[n]: arrays[program.gradients[n]] / 5 for n in names}
    report, found = answers(program, some)
    assert {found[program.gradients[name]] for name in names} == {"unsure"}, report.result().text
    both = some | {program.gradients[name]: arrays[program.gradients[name]] / 5 for name in program.free}
    report, found = answers(program, both)
    assert report.ok and {found[program.gradients[name]] for name in names} == {"convention"}, report.result().text


def start_elsewhere(program, seed=3, change=None):
    """What the program gives from other parameters, which are not in the file."""
    generator, start = np.random.default_rng(seed), program.initial | program.batch(0)
    start |= {name: generator.normal(size=shape) for name, shape in program.parameters.items()}
    made = program.run(start, change=(change or {}).get)
    return {name: value for name, value in made.items() if name not in program.parameters}


KEPT = {
    "all": lambda stage: True,
    "gradients": lambda stage: stage.phase is Phase.BACKWARD,
    "gradients of parameters": lambda stage: stage.name.startswith(("dW", "db")),
}


@pytest.mark.parametrize("kept", KEPT)
def test_a_file_without_parameters_that_began_elsewhere_accuses_nobody(kept):
    program = make_program(NET)
    arrays = start_elsewhere(program)
    some = {name: value for name, value in arrays.items() if KEPT[kept](program.stage(name))}
    report, _ = answers(program, some)
    assert not report.accused and report.unjudged, report.result().text


def test_what_is_wrong_in_such_a_file_is_still_found():
    program = make_program(NET)
    arrays, first = start_elsewhere(program), program.layers[0]
    report, _ = answers(program, start_elsewhere(program, change={first.a: arrays[first.a] * 1.5}))
    assert [finding.name for finding in report.accused] == [first.a], report.result().text
    given = {name: value for name, value in computed(program).items() if name not in program.parameters}  # the scenario's own start
    report, _ = answers(program, given | {first.z: given[first.z] + 1.0})
    assert report.culprit and report.culprit.name == first.z, report.result().text


@pytest.mark.parametrize("text", [LABELS, CONVOLUTION], ids=["labels", "convolution"])
def test_of_a_program_the_gradient_is_accused_that_is_doubled(tmp_path, text):
    """Alone, or with all that comes of it; all of them doubled are a convention."""
    (tmp_path / "program.yaml").write_text(text, "utf-8")
    program = make_program(load_scenario(tmp_path / "program.yaml"))
    start = program.initial | program.batch(0)
    arrays = start | program.run(start)
    stages = [stage for stage in program.stages if stage.phase is Phase.BACKWARD and np.abs(arrays[stage.name]).max() > 1e-9]
    for stage in stages:
        for carried in (False, True):
            changed = {stage.name: arrays[stage.name] * 2}
            made = start | program.run(start, change=changed.get) if carried else arrays | changed
            later = {name + "_new": made[name] for name in program.parameters}
            report, _ = answers(program, made | later | {name: start[name] for name in program.parameters})
            culprit = report.culprit.name if report.culprit else ""
            assert culprit == stage.name or (carried and stage is stages[0]), (stage.name, carried, report.result().text)
