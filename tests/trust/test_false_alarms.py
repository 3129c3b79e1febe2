"""The check accuses nothing that is right, however nasty the numbers, and misses nothing that is wrong."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
import yaml
from nasty_networks import NASTY, nasty
from planted_faults import SHAPES, network, planted, same, wrong_formulas
from turns import by_day, by_turns

from bpdebug.core.description import Initializer, Layer, Loss, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust import check as checking
from bpdebug.trust.check import check
from bpdebug.trust.faults import FAULTS
from bpdebug.trust.slopes import slope

ONE = (
    "network: {{inputs: 1, layers: [{{units: 1, activation: {}}}]}}, parameters: {{values: {{W1: [[{}]]}}}}, "
    "data: {{inputs: {}, targets: {}}}"
)
BCE, ABSOLUTE = ", loss: {function: binary_cross_entropy}", ", loss: {function: absolute_error}"
SOFTMAX = (
    "network: {inputs: 1, layers: [{units: 5, activation: softmax}, {units: 1, activation: sigmoid}]}, parameters: {values: "
    "{W1: [[0, 0, 0, 0, 0]], W2: [[0.3], [0.3], [0.3], [0.3], [0.3]]}}, data: {inputs: [1, 0.3], targets: [1, 0]}" + BCE
)
CAUSES = {
    "elu where its slope bends": ONE.format("elu", 1, "[0]", "[1]"),
    "a corner that hardly shows": ONE.format("relu", 1, "[1, 0]", "[0, 0.0005]"),
    "a corner on a dead sample": ONE.format("relu", 1, "[0, 1]", "[0, 3]"),
    "a corner along the direction": ONE.format("relu", 1, "[1, 0]", "[0, 1]"),
    "silu before a corner": ONE.format("silu", 1, "[0]", "[0]") + ABSOLUTE,
    "a derivative of 0 by cancellation": SOFTMAX,
    "large inputs": ONE.format("gelu", 0.0001, "[10000]", "[0]"),
    "1 - a near 0": ONE.format("sigmoid", 1, "[25, -25]", "[0, 1]") + BCE,
    "denormal numbers": ONE.format("silu", 1, "[-700]", "[0]"),
}
"""A whole scenario for each way in which a difference of losses was once believed too much."""


def scenario_file(tmp_path, text):
    path = tmp_path / "one.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load("{" + text + "}")), "utf-8")
    return load_scenario(str(path))


@pytest.mark.parametrize("command", ["check", "check all", "check x", "check slope"])
@pytest.mark.parametrize("cause", CAUSES)
def test_no_cause_of_a_false_alarm_is_left(tmp_path, cause, command):
    result = Session(scenario_file(tmp_path, CAUSES[cause])).execute(command)
    assert not result.data.get("culprit")
    assert not {"wrong", "follows", "hidden", "unsure"} & {stage["status"] for stage in result.data.get("stages", ())}
    assert "is wrong" not in result.text.replace("no derivative is wrong", "")


@pytest.mark.parametrize("command", ["check", "check all", "check x", "check slope"])
def test_a_saturated_network_is_not_accused(command):
    session = Session(load_scenario("saturation"))
    for update in (1, 6, 7):
        session.execute(f"goto update {update}")
        result = session.execute(command)
        assert not result.data.get("culprit"), result.text
        assert "the gradient is wrong" not in result.text


def accusations(number, ways=("x", "all", "slope")):
    """What is said against a right network, of its stages, its input, cell by cell and along a direction."""
    scenario, update = nasty(number)
    timeline = Timeline(make_program(scenario))
    timeline.seek(update * len(timeline.program.stages))
    checks = [check(timeline), *[check(timeline, "dx")] * ("x" in ways), *[check(timeline, everything=True)] * ("all" in ways)]
    said = [f"{f.name} {f.status}" for report in map(whole, checks) for f in report.findings if f.notable or f.status == "hidden"]
    return said + ["slope"] * ("slope" in ways and "the gradient is wrong" in whole(slope(timeline, "")).text)


@pytest.mark.parametrize("tenth", by_day(range(10), 5))
def test_right_networks_are_not_accused(tenth):
    """Each by the check of all stages and by one of the others; all of them are for the long run."""
    numbers = range(20 * tenth, 20 * tenth + 20)
    assert {number: said for number in numbers if (said := accusations(number, (("x", "all", "slope")[number % 3],)))} == {}


@pytest.mark.long
@pytest.mark.parametrize("hundred", range(10, 40))
def test_three_thousand_right_networks_are_not_accused(hundred, tally):
    found = {number: accusations(number) for number in range(100 * hundred, 100 * hundred + 100)}
    for number, said in found.items():
        tally("right networks, checked", NASTY[number % len(NASTY)], {"networks": 1, "accused": int(bool(said))})
    assert {number: said for number, said in found.items() if said} == {}


CALLED = {"factor 1 + 1e-6": "stray_factor", "one cell by 1e-6": "one_cell"}


def located(program, name, text):
    """``located``, ``elsewhere`` or ``missed``; ``the same`` where the formula gives the right numbers, here or whatever it reads, or in
    another convention."""
    wrong = planted(program, name, text)
    accused = [finding.name for finding in whole(check(Timeline(wrong))).accused]
    if accused:
        return "located" if accused == [name] else "elsewhere"
    return "the same" if any(same(program, name, text, here) for here in (False, True)) or otherwise(program, wrong) else "missed"


def otherwise(program, wrong):
    """Whether all gradients of parameters are larger by one and the same factor, which 2, m and the outputs make up."""
    start = program.batch(0) | program.initial
    ours, theirs = (made.run(start, made.end_of(Phase.BACKWARD)) for made in (program, wrong))
    cells = [np.concatenate([made[program.gradients[one]].ravel() for one in program.free]) for made in (ours, theirs)]
    factor = cells[0] @ cells[1] / (cells[0] @ cells[0])
    sizes = (2.0, float(start["m"]), float(program.data[program.target].shape[1]))
    known = {np.prod(np.power(sizes, powers)) for powers in product((-1, 0, 1), repeat=3)}
    return np.allclose(cells[1], factor * cells[0], 1e-9) and any(np.isclose(factor, one, 1e-9) for one in known)


@pytest.fixture
def unnamed(monkeypatch):
    """No search for what a mistake is."""
    monkeypatch.setattr(checking, "diagnose", lambda evidence: ())


@pytest.mark.parametrize(("shape", "third"), by_turns(SHAPES, range(3), every=2))
def test_a_fault_of_each_kind_is_located(shape, third, unnamed):
    program, found, kinds = network(shape, 99), {}, [*FAULTS, *CALLED][third::3]
    for kind, name, text in wrong_formulas(program):
        if kind in kinds and found.get(kind, "the same") == "the same" and planted(program, name, text):
            found[kind] = located(program, name, text)
    assert {kind: what for kind, what in found.items() if what not in ("located", "the same")} == {}
    assert list(found.values()).count("located") >= 5


ANSWERS = ("named", "listed", "unknown", "cannot tell", "wrong")


def verdict(program, kind, name, text):
    """One of the answers: ``listed`` is among others, or one that says less by what says more; ``wrong`` is not accused, another stage
    accused or another mistake named. "" where the numbers are the right ones."""
    timeline, general = Timeline(planted(program, name, text)), {kind for kind, row in FAULTS.items() if row.general}
    timeline.seek(2 * len(program.stages))
    report, kind = whole(check(timeline)), CALLED.get(kind, kind)
    if not report.accused:
        start = program.batch(2) | timeline.machine.persistent
        right = any(same(program, name, text, here, start) for here in (False, True))
        right = right or otherwise(program, planted(program, name, text))
        untold = any(finding.name == name and finding.says.untold for finding in report.findings)
        return "" if right else "cannot tell" if untold else "wrong"
    kinds = [suspect.kind for suspect in report.accused[0].suspects]
    if kind == "stray_factor" and "penalty" in name:
        kinds = ["stray_factor" if one == "l2_factor" else one for one in kinds]
    if [finding.name for finding in report.accused] != [name]:
        return "wrong"
    told = kind in kinds or kind in general or kinds == ["one_part"]  # which says what would be right
    return "unknown" if not kinds else "named" if kinds == [kind] else "listed" if told else "wrong"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("shape", SHAPES)
def test_each_kind_of_mistake_is_located_and_never_called_another(shape, seed, tally):
    """One formula of each kind; which one goes round with the seed, and so does the optimizer."""
    program, kinds, wrong = network(shape, seed, [*OPTIMIZERS][seed % len(OPTIMIZERS)]), defaultdict(list), []
    for kind, name, text in wrong_formulas(program, updates=True):
        kinds[kind].append((name, text))
    for kind, made in kinds.items():
        for name, text in (made[(seed * 7 + further) % len(made)] for further in range(len(made))):
            if planted(program, name, text) and (said := verdict(program, kind, name, text)):
                located = {"located": int(said in ANSWERS[:3])}
                tally("mistakes", kind, located | {answer: int(answer == said) for answer in ANSWERS})
                wrong += [(kind, name, text)] * (said == "wrong")
                break
    assert wrong == []


def test_a_factor_that_hardly_differs_from_1_is_no_slip_in_the_largest_row_alone():
    program = network("residual", 8, [*OPTIMIZERS][8 % len(OPTIMIZERS)])
    assert verdict(program, "factor 1 + 1e-6", "da1", "(da1@r2 + da1@z2) * (1 + 1e-6)") == "named"


DIGITS = Scenario(
    "digits",
    tuple(f"p{i}" for i in range(784)),
    (Layer(128, "relu"), Layer(10, "softmax")),
    np.random.default_rng(1).random((32, 784)),
    np.eye(10)[np.random.default_rng(2).integers(10, size=32)],
    initializer=Initializer("he_normal"),
    loss=Loss("categorical_cross_entropy", "mean", from_logits=True),
)


def test_one_of_a_hundred_thousand_cells_that_is_off_by_a_millionth_is_found_and_named():
    program = make_program(DIGITS)
    place = np.unravel_index(np.argmax(program.initial["W1"]), (784, 128))
    wrong = program.with_formula("dW1", "(x.T @ dz1) * (1 + 1e-6 * (W1 == max(W1)))")
    report = whole(check(Timeline(wrong)))
    assert [finding.name for finding in report.accused] == ["dW1"]
    assert (report.culprit.cell, report.culprit.error) == (place, pytest.approx(1e-6, rel=1e-3))
    assert whole(check(Timeline(program))).ok
