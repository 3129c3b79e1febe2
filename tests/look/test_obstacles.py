"""Right, and yet it does not learn: each reason is found where it is one, and none is said of a network that learns."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from learning_networks import BROKEN, ORDERED, XOR, found, learned, net, network, ordered, shuffled, trained
from random_networks import COMBINATIONS, scenario_of
from turns import by_day

from bpdebug.core.description import Initializer, Layer, Optimizer, Training
from bpdebug.core.errors import BpdebugError
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.look import shuffled as look
from bpdebug.look.curvature import Slope
from bpdebug.look.health import HealthLog
from bpdebug.look.obstacles import OBSTACLES
from bpdebug.session.session import Session
from bpdebug.time.timeline import Timeline

SHIPPED = sorted(path.stem for path in (Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


def said_never(finding):
    """Whether a finding says that training cannot go well."""
    return finding.grave or finding.name != "long-step"


@pytest.mark.parametrize("name", BROKEN)
def test_each_failure_is_found_before_and_after_the_first_update(name):
    for seed in range(3):
        for update in (0, 1):
            findings = found(trained(BROKEN[name](seed), update))
            assert name in findings, (seed, update)
            finding = findings[name]
            assert re.search(r"\d", finding.why), "a number is named"
            assert finding.value >= finding.threshold


@pytest.mark.parametrize("name", sorted(BROKEN.keys() - {"long-step"}))
def test_what_cannot_learn_is_still_said_to_be_so_after_sixty_updates(name):
    for seed in range(3):
        timeline = trained(BROKEN[name](seed), 60)
        if np.isfinite(timeline.machine.persistent_flat).all():
            assert name in found(timeline), seed


@pytest.mark.parametrize("seed", [*range(10), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(10, 24))])
def test_of_a_network_that_learns_nothing_is_said(seed):
    timeline, said = Timeline(make_program(network(seed))), []
    updates = timeline.program.updates
    for update in (0, 1, updates // 4, updates):
        timeline.seek(timeline.calendar.clock(update))
        said += [(update, finding) for finding in found(timeline).values() if said_never(finding)]
    assert not (learned(timeline) and said)


@pytest.mark.long
def test_of_three_hundred_networks_that_learn_nothing_is_said():
    said, count = list[str](), 0
    for seed in range(24, 424):
        timeline = Timeline(make_program(network(seed)))
        updates, found_here = timeline.program.updates, list[str]()
        for update in (0, 1, 7, updates // 4, updates):
            timeline.seek(timeline.calendar.clock(update))
            found_here += [f"{seed} after {update}: {finding.why}" for finding in found(timeline).values() if said_never(finding)]
        if learned(timeline):
            count, said = count + 1, said + found_here
    assert (said, count > 300) == ([], True)


@pytest.mark.long
@pytest.mark.parametrize("name", BROKEN)
def test_each_failure_is_found_in_three_hundred_variants(name):
    missed = [(seed, update) for seed in range(300) for update in (0, 1) if name not in found(trained(BROKEN[name](seed), update))]
    assert len(missed) <= 600 // 50, "a bound may be too weak to be worth saying, and numbers may have overflowed"


def test_most_of_these_networks_do_learn():
    assert sum(learned(trained(network(seed), network(seed).updates)) for seed in range(12)) >= 9


@pytest.mark.parametrize("name", SHIPPED)
def test_of_the_shipped_scenarios_nothing_is_said(name):
    timeline = Timeline(make_program(load_scenario(name)))
    for update in (0, 1, timeline.program.updates):
        timeline.seek(timeline.calendar.clock(update))
        assert not any(map(said_never, found(timeline).values()))


def test_an_activation_that_is_the_users_own_is_neither_saturated_nor_dead():
    x = 50 * np.random.default_rng(0).standard_normal((6, 2))
    for activation in ("tanh", "relu"):
        scenario = net(x, np.ones((6, 1)), Layer(5, activation), Layer(1), rate=1e-9, formulas={"a1": "-abs(z1)"})
        health = HealthLog().health(trained(scenario, 4))
        assert not {"saturated", "dead"} & {finding.name for finding in health.layers[0].findings}
    assert "no layer of this network has saturating units" in failing(Session(replace(scenario, layers=scenario.layers)), "catch saturated")


def failing(session, command):
    """What a command that cannot be carried out says."""
    with pytest.raises(BpdebugError) as error:
        session.execute(command)
    return str(error.value)


def in_order(kind, seed, keep):
    """What is said of targets in their own rows, or in others."""
    generator = np.random.default_rng([10, seed])
    x, y = ordered(kind, generator, int(generator.choice([80, 100, 150, 300])))
    program = make_program(net(x, y if keep else generator.permutation(y), Layer(y.shape[1])))
    return look.shuffled(program, OBSTACLES["shuffled"].threshold)


def counted_in_order(seeds):
    """How often targets in their own rows are called shuffled, and of which kinds, and how often others are."""
    said = [kind for kind in ORDERED for seed in seeds if in_order(kind, seed, keep=True)]
    return said, np.mean([bool(in_order(kind, seed, keep=False)) for kind in ORDERED for seed in seeds])


def test_targets_that_stand_in_other_rows_are_said_to_and_none_that_do_not():
    said, share = counted_in_order(range(3))
    assert (said, share > 0.7) == ([], True)
    (finding,) = in_order("blobs", 2, keep=False)
    assert re.search(r"0\.\d+ of nearest neighbours share their class, shuffled targets give 0\.3\d", finding.why)
    assert not finding.grave


@pytest.mark.long
def test_of_hundreds_of_data_sets_in_their_own_rows_hardly_one_is_called_shuffled():
    said, share = counted_in_order(range(3, 43))
    assert (len(said) <= 3, share > 0.75) == (True, True), (said, share)


def test_of_too_few_rows_or_too_many_inputs_nothing_is_said_of_their_order():
    generator = np.random.default_rng(0)
    for samples, inputs in ((60, 2), (100, 60)):
        x, y = generator.standard_normal((samples, inputs)), generator.integers(0, 2, (samples, 1))
        assert "shuffled" not in found(trained(net(x, y, Layer(1, "sigmoid")), 0))


def test_what_a_network_has_learned_is_not_called_shuffled_whatever_its_rows_look_like():
    values = {"b1": np.full((1, 1), 50.0)}
    scenario = replace(shuffled(2), layers=(Layer(1),), values=values, optimizer=Optimizer("sgd", {"learning_rate": 0.4}))
    assert "shuffled" in found(trained(scenario, 0))
    assert "shuffled" not in found(trained(scenario, 3)), "its loss has been halved"


def test_units_that_are_alike_by_their_incoming_weights_alone_are_no_copies():
    values = {"W1": np.full((2, 3), 0.5), "W2": np.array([[0.1], [0.2], [0.3]])}
    scenario = net(*XOR, Layer(3, "tanh"), Layer(1, "sigmoid"), values=values)
    assert "copies" not in found(trained(scenario, 0))
    values["W2"] = np.array([[0.1], [0.2], [0.1]])
    finding = found(trained(replace(scenario, values=values), 5))["copies"]
    assert "units 0 and 2 of layer 1" in finding.why
    assert (finding.value, finding.layer, finding.grave) == (1, 1, False)


def test_softmax_of_one_unit_is_always_1():
    x, y = XOR
    finding = found(trained(net(x, y, Layer(3, "tanh"), Layer(1, "softmax")), 0))["out-of-range"]
    assert "softmax is always 1 of one unit" in finding.why
    assert finding.value == pytest.approx(2)


def test_a_residual_connection_tells_equal_units_apart():
    values = {"W2": np.full((2, 2), 0.5), "W3": np.full((2, 1), 0.5)}
    layers = (Layer(2, "tanh"), Layer(2, "tanh", residual=True), Layer(1, "sigmoid"))
    assert "copies" not in found(trained(net(*XOR, *layers, values=values), 0))


def test_what_is_found_stands_in_health_with_its_numbers_and_at_its_layer():
    scenario = net(*XOR, Layer(3, "sigmoid"), Layer(1, "sigmoid"), initializer=Initializer("constant", {"value": 0.3}))
    health = HealthLog().health(trained(scenario, 3))
    assert [finding.name for finding in health.layers[0].findings][:1] == ["copies"]
    session = Session(net(*XOR, Layer(1, "sigmoid")))
    before = session.execute("health")
    assert before.text.startswith("linear: there is no hidden layer")
    session.execute("update 3")
    data = session.execute("health").data
    assert [(finding["name"], finding["threshold"]) for finding in data["findings"]] == [("linear", 0.1)]
    assert data["findings"][0]["value"] == pytest.approx(0.25)


def test_what_is_at_rest_says_where():
    (x, y), mean = XOR, {"samples": "mean"}
    layer, loss = Layer(2, "softmax"), "categorical_cross_entropy"
    session = Session(net(x, np.hstack([1 - y, y]), layer, loss=loss, rate=0.5, reductions=mean, training=Training(800)))
    session.execute("continue")
    told = "the loss rests at 0.6931, and the network answers 0.5 0.5 to everything."
    assert told in session.execute("health").text


@pytest.mark.parametrize(
    ("scale", "weights", "told"), [(100.0, 0.5, "scale the inputs to size 1"), (1.0, 50.0, "start with smaller weights")]
)
def test_saturation_names_what_is_too_large(scale, weights, told):
    x = scale * np.random.default_rng(0).standard_normal((6, 2))
    scenario = net(x, np.ones((6, 1)), Layer(5, "tanh"), Layer(1), rate=1e-6, initializer=Initializer("normal", {"std": weights}))
    (why,) = [finding.why for finding in HealthLog().health(trained(scenario, 2)).layers[0].findings if finding.name == "saturated"]
    assert why.endswith(f"{told}.")
    assert "threshold 50 %" in why


@pytest.mark.parametrize("name", OBSTACLES)
def test_catch_stops_once_after_the_first_update_and_finds_it_again_on_the_way_back(name):
    session = Session(replace((BROKEN | {"shuffled": shuffled})[name](2), training=Training(70)))
    session.execute("catch non-finite off")
    session.execute(f"catch {name}")
    answer = session.execute("continue")
    assert answer.text.startswith(f"catchpoint 1: {name}: ")
    assert session.position.t == len(session.program.stages)
    session.execute("continue")
    if not session.position.at_end:
        assert name == "long-step", "only a step comes and goes"
    session.execute("goto update 60")
    assert session.execute("reverse-continue").text.splitlines() == answer.text.splitlines()[:2], "on the way back no update has run"


def test_catch_sees_what_appears_later_between_two_looks():
    session = Session(net(*XOR, Layer(3, "tanh"), Layer(1, "sigmoid"), training=Training(300)))
    session.execute("catch copies")
    session.execute("goto update 100")
    for cell in ("W1[0,1]", "W1[0,2]", "W1[1,1]", "W1[1,2]", "b1[0,1]", "b1[0,2]", "W2[1,0]", "W2[2,0]"):
        session.execute(f"set {cell} = 0.5")
    assert "units 1 and 2 of layer 1" in session.execute("continue").text
    assert session.position.update == 128


def test_looking_runs_the_network_far_more_rarely_than_the_training_does(monkeypatch):
    runs, at = [], Slope.at
    monkeypatch.setattr(Slope, "at", lambda slope, parameters: runs.append(1) or at(slope, parameters))
    session = Session(replace(network(2), training=Training(4096), optimizer=Optimizer("sgd", {"learning_rate": 0.01})))
    for command in ("catch long-step 1e9", "update 2", "continue"):
        session.execute(command)
    assert session.position.at_end
    assert 16 <= len(runs) < 4096 / 8, "a run in a look costs about two in the training"


@pytest.mark.parametrize("number", by_day(range(0, len(COMBINATIONS), 9), 3))
def test_any_network_at_all_can_be_looked_at(number):
    timeline = trained(scenario_of(number), 5)
    for finding in found(timeline).values():
        assert finding.why.endswith(".")


@pytest.mark.parametrize(
    ("name", "updates"), [("deep_sigmoid", 20), ("dead_relu", 8), ("saturation", 5), ("saturation", 8), ("one_neuron", 5)]
)
def test_each_finding_carries_its_number_and_the_threshold_that_it_is_beyond(name, updates):
    below = {"vanishing", "small-update"}
    seen = [finding for layer in HealthLog().health(trained(load_scenario(name), updates)).layers for finding in layer.findings]
    assert seen
    for finding in seen:
        small = finding.name in below or finding.text == "step small"
        assert finding.value < finding.threshold if small else finding.value > finding.threshold


def test_no_more_than_all_is_out_of_reach():
    x = np.array([[0.0], [1.0], [2.0]])
    finding = found(trained(net(x, np.array([[0.0], [5.0], [1.0]]), Layer(1, "sigmoid"), loss="squared_error"), 0))["out-of-range"]
    assert "100 % of what there is to learn" in finding.why
