from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, bits, classes, history, line, program_of, xor
from textbook_step import RATE, Net, train

from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.look import health as module
from bpdebug.look.health import HealthLog
from bpdebug.session.session import Session
from bpdebug.time.timeline import Timeline


def after(scenario, updates):
    """A timeline after so many updates."""
    timeline = Timeline(make_program(load_scenario(scenario) if isinstance(scenario, str) else scenario))
    timeline.seek(updates * len(timeline.program.stages))
    return timeline


def found(health):
    """The names of what was found, by layer."""
    return {layer.layer: [finding.name for finding in layer.findings] for layer in health.layers}


@pytest.mark.parametrize("name", ["xor", "short last batch", "residual", "adam float32"])
def test_the_numbers_are_those_of_the_values_that_a_plain_run_computes(name):
    program = program_of(name)
    length = len(program.stages)
    states = list(history(program, 6))
    health = HealthLog().health(after(SCENARIOS[name], 6), 4)
    assert health.updates.tolist() == [2, 3, 4, 5]
    for place, update in enumerate(health.updates.tolist()):
        start, end = states[update * length], states[(update + 1) * length]
        values = states[(update + 1) * length - 1]
        assert health.losses[place] == pytest.approx(float(values["loss"]), rel=1e-6)
        for layer in health.layers:
            number = layer.layer
            change = np.linalg.norm(end[f"W{number}"] - start[f"W{number}"]) / np.linalg.norm(start[f"W{number}"])
            expected = {
                "delta": np.linalg.norm(values[f"dz{number}"]),
                "gradient": np.linalg.norm(values[f"dW{number}"]),
                "step": change,
                "size": np.linalg.norm(end[f"W{number}"]),
                "mean": np.mean(values[f"a{number}"]),
                "deviation": np.std(values[f"a{number}"]),
            }
            for measure, value in expected.items():
                assert getattr(layer, measure)[place] == pytest.approx(value, rel=1e-4, abs=1e-12), (update, number, measure)


@pytest.mark.parametrize("name", SCENARIOS)
def test_looking_leaves_the_present_as_it_is(name):
    timeline = after(SCENARIOS[name], 7)
    timeline.seek(timeline.clock + 3)
    before = bits(timeline.machine.values())
    HealthLog().health(timeline)
    assert timeline.clock == 7 * len(timeline.program.stages) + 3
    assert bits(timeline.machine.values()) == before


def test_before_the_first_update_there_is_nothing_to_look_at():
    health = HealthLog().health(after("xor", 0))
    assert not len(health.updates)
    assert found(health) == {1: [], 2: []}


def test_an_update_that_is_known_is_not_run_again_unless_it_was_edited(monkeypatch):
    counts = []
    recording = module.recording
    monkeypatch.setattr(module, "recording", lambda timeline, count, *more: counts.append(count) or recording(timeline, count, *more))
    session, log = Session(xor(100)), HealthLog()
    for command in ("goto update 30", "step 3", "update", "reverse-update 4", "update", "goto update 28", "set W1[0,0] = 9", "update 2"):
        session.execute(command)
        log.health(session.timeline)
    assert counts == [24, 1, 3, 2], "24 before update 30, then 30 itself; going back to 27, 3 to 5; two that were edited"
    fresh = HealthLog().health(session.timeline)
    kept = log.health(session.timeline)
    assert np.array_equal([layer.size for layer in fresh.layers], [layer.size for layer in kept.layers])
    assert fresh.updates[-1] == kept.updates[-1] == 29


def test_another_session_starts_a_log_anew():
    log = HealthLog()
    assert len(log.health(after("xor", 5)).layers) == 2
    assert len(log.health(after("residual", 5)).layers) == 4


def test_of_large_networks_fewer_updates_are_looked_at(monkeypatch):
    monkeypatch.setattr(module, "_WORK", 1000)
    assert 4 < len(HealthLog().health(after("xor", 50)).updates) < 24
    monkeypatch.setattr(module, "_WORK", 1)
    assert HealthLog().health(after("xor", 50)).updates.tolist() == [46, 47, 48, 49]


def test_xor_is_healthy_at_any_time():
    for updates in (1, 10, 400, 1000):
        health = HealthLog().health(after("xor", updates))
        assert not [finding.name for layer in health.layers for finding in layer.findings if finding.grave]


@pytest.mark.parametrize(("updates", "layer"), [(1, 2), (12, 2), (1, 1), (100, 1)])
def test_a_step_that_is_not_usual_is_told_even_where_it_does_no_harm(updates, layer):
    health = HealthLog().health(after("xor", updates)).layers[layer - 1]
    said = [finding.text for finding in health.findings]
    assert said == (["step large"] if health.step[-1] > 1e-2 else ["step small"] if health.step[-1] < 1e-4 else [])


def test_of_the_update_under_way_the_gradients_that_it_has_are_looked_at():
    session = Session(load_scenario("deep_sigmoid"))
    session.execute("goto 8:dz4")
    health = HealthLog().health(session.timeline)
    assert (health.under_way, health.updates.tolist()) == (True, list(range(9)))
    assert [layer.waiting for layer in health.layers] == [True] * 3 + [False] * 7
    for layer in health.layers[3:]:
        assert layer.delta[-1] == pytest.approx(np.linalg.norm(session.value(f"dz{layer.layer}")), rel=1e-12)
        assert layer.step[-1] == layer.step[-2], "its own step is not made yet"
    expected = [n for n in range(4, 11) if session.value(f"norm(dz{n}) / norm(dz10)") < 1e-3]
    assert [layer for layer, names in found(health).items() if "vanishing" in names] == expected == [4, 5]
    session.execute("goto 8:z3")
    assert HealthLog().health(session.timeline).updates.tolist() == list(range(8)), "nothing has come back yet"


@pytest.mark.parametrize(("location", "layers"), [("a1", 0), ("a2", 2), ("dz2", 2), ("W1", 2)])
def test_in_the_first_update_there_is_something_to_see_as_soon_as_all_layers_have_activations(location, layers):
    session = Session(load_scenario("xor"))
    session.execute(f"goto {location}")
    health = HealthLog().health(session.timeline)
    assert len(health.updates) == (layers > 0)
    if layers:
        assert health.layers[1].mean[-1] == pytest.approx(session.value("mean(a2)"))
        assert not any(finding.grave for layer in health.layers for finding in layer.findings)


def test_a_gradient_under_way_that_is_no_number_is_told():
    session = Session(load_scenario("saturation"))
    for command in ("catch non-finite off", "goto 8:dz2"):
        session.execute(command)
    names = found(HealthLog().health(session.timeline))
    assert (names[2], "non-finite" in names[1]) == (["non-finite"], False)


def test_vanishing_is_what_catch_calls_so():
    session = Session(load_scenario("deep_sigmoid"))
    session.execute("update 8")
    health = HealthLog().health(session.timeline)
    vanishing = [layer for layer, names in found(health).items() if "vanishing" in names]
    session.execute("reverse-update")
    session.execute("finish 3")
    assert session.position.phase == "backward"
    expected = [n for n in range(1, 11) if session.value(f"norm(dz{n}) / norm(dz10)") < 1e-3]
    assert vanishing == expected == [1, 2, 3, 4, 5]
    assert "‖dz1‖ is 9.5e-7 of ‖dz10‖" in health.layers[0].findings[0].why


def test_relu_units_that_stay_at_0_are_dead():
    assert "dead" not in found(HealthLog().health(after("dead_relu", 2)))[1]
    health = HealthLog().health(after("dead_relu", 8))
    assert found(health)[1] == ["dead"]
    assert health.layers[0].findings[0].text == "dead 5 of 6"
    assert health.layers[0].dead.tolist()[-3:] == [5, 5, 5]
    assert np.isnan(health.layers[1].dead).all(), "an identity layer has no dead units"


def test_a_unit_that_some_sample_of_the_epoch_wakes_is_not_dead():
    x, y = np.array([[1.0], [-1.0], [2.0], [-2.0]]), np.ones((4, 1))
    values = {"W1": np.array([[1.0, -1.0, 0.0]]), "b1": np.array([[0.0, 0.0, -9.0]])}
    layers = (Layer(3, "relu"), Layer(1))
    scenario = Scenario(
        "one by one", ("x",), layers, x, y, values=values, optimizer=Optimizer("sgd", {"learning_rate": 1e-4}), training=Training(9, 1)
    )
    health = HealthLog().health(after(scenario, 12))
    assert health.layers[0].dead.min() >= 2, "in each update one of the two live units is off"
    assert [finding.text for finding in health.layers[0].findings if finding.name == "dead"] == ["dead 1 of 3"]


def test_saturation_explosion_and_the_end_are_told_in_turn():
    assert "saturated" in found(HealthLog().health(after("saturation", 5)))[1]
    names = found(HealthLog().health(after("saturation", 8)))
    assert names[1][:2] == ["vanishing", "exploding"], "first what the bar of the gradient shows"
    assert "large-update" in names[1]
    broken = HealthLog().health(after("saturation", 20))
    assert found(broken) == {1: ["non-finite"], 2: ["non-finite"]}
    assert "since update 8." in broken.layers[0].findings[0].why
    assert "or earlier" in HealthLog().health(after("saturation", 90)).layers[0].findings[0].why


def test_a_gradient_that_grows_from_layer_to_layer_explodes():
    generator = np.random.default_rng(0)
    layers = tuple(Layer(4) for _ in range(4))
    x = generator.standard_normal((5, 4))
    scenario = Scenario(
        "growing", tuple("abcd"), layers, x, x, initializer=Initializer("normal", {"std": 50.0}), optimizer=Optimizer("sgd"), frozen=("W1",)
    )
    health = HealthLog().health(after(scenario, 1))
    assert "exploding" in found(health)[1]
    assert "exploding" not in found(health)[4]
    assert "frozen" in found(health)[1]


def test_growth_with_a_falling_loss_is_no_explosion():
    scenario = line(20, 0.05, values={"W1": np.array([[1e-3]])})
    health = HealthLog().health(after(scenario, 3))
    assert health.layers[0].size[-1] > 100 * 1e-3
    assert "exploding" not in found(health)[1]


def test_weights_that_do_not_move_are_at_rest():
    health = HealthLog().health(after("one_neuron", 5))
    assert found(health)[1] == ["small-update"]
    assert not health.layers[0].findings[0].grave


def test_a_certain_output_is_no_fault_but_its_share_is_told():
    health = HealthLog().health(after(replace(xor(), training=Training(3000), optimizer=Optimizer("sgd", {"learning_rate": 5.0})), 3000))
    assert health.layers[1].saturated[-1] == 1.0
    assert "saturated" not in found(health)[2]


def test_of_softmax_the_certain_samples_are_counted():
    scenario = replace(classes(200, shuffle=False), optimizer=Optimizer("adam", {"learning_rate": 0.1}))
    timeline = after(scenario, 599)
    health = HealthLog().health(timeline)
    timeline.seek(599 * len(timeline.program.stages) - 1)
    answers = timeline.machine.values()["a2"]
    assert health.layers[1].saturated[-1] == np.mean(answers.max(axis=1) > 0.99)


def test_each_kind_is_noted_once_for_the_first_layer_that_has_it():
    notes = HealthLog().health(after("deep_sigmoid", 20)).notes
    assert [note.name for note in notes] == ["vanishing", "small-update", "unusual-update"]
    assert "‖dz1‖" in notes[0].why


def test_an_infinite_loss_does_not_disturb():
    scenario = replace(xor(10), loss=Loss("binary_cross_entropy"), values={"b2": np.array([[2000.0]])})
    health = HealthLog().health(after(scenario, 2))
    assert len(health.updates) == 2
    assert "non-finite" in found(health)[2]


def measured_by_hand(net, run):
    """The measures of each layer after an update that the textbook has made."""
    for n, activation in enumerate(net.activations, 1):
        a, old, new = run.tensors[f"a{n}"], run.before[f"W{n}"], run.after[f"W{n}"]
        slope = {"sigmoid": lambda a: a * (1 - a), "tanh": lambda a: 1 - a * a}.get(activation)
        certain = np.mean([max(row) > 0.99 for row in a]) if activation == "softmax" else np.nan
        yield {
            "delta": np.sqrt((run.tensors[f"dz{n}"] ** 2).sum()),
            "gradient": np.sqrt((run.tensors[f"dW{n}"] ** 2).sum()),
            "bias_gradient": np.sqrt((run.tensors[f"db{n}"] ** 2).sum()),
            "step": np.sqrt(((new - old) ** 2).sum()) / np.sqrt((old**2).sum()),
            "size": np.sqrt((new**2).sum()),
            "mean": a.mean(),
            "deviation": np.sqrt(((a - a.mean()) ** 2).mean()),
            "saturated": (slope(a) < 0.01).sum() / a.size if slope else certain,
            "dead": sum(all(a[:, unit] == 0) for unit in range(a.shape[1])) if activation == "relu" else np.nan,
        }


@pytest.mark.parametrize(
    ("activations", "loss"),
    [
        (("relu", "sigmoid", "identity"), "squared_error"),
        (("tanh", "relu", "softmax"), "categorical_cross_entropy"),
        (("sigmoid", "tanh", "sigmoid"), "binary_cross_entropy"),
    ],
)
def test_each_measure_is_that_of_a_training_by_hand(activations, loss):
    generator = np.random.default_rng(3)
    net = Net((3, 8, 5, 2), 6, activations, loss)
    x, y = 2 * generator.standard_normal((6, 3)), np.eye(2)[generator.integers(0, 2, 6)]
    parameters = {}
    for n, (before, units) in enumerate(pairwise(net.widths), 1):
        parameters |= {f"W{n}": 1.5 * generator.standard_normal((before, units)), f"b{n}": generator.standard_normal((1, units)) - 1}
    layers = tuple(Layer(units, activation) for units, activation in zip(net.widths[1:], activations, strict=True))
    settings = {"loss": Loss(loss, samples="mean"), "optimizer": Optimizer("sgd", {"learning_rate": RATE}), "training": Training(5)}
    health = HealthLog().health(after(Scenario("by hand", ("p", "q", "r"), layers, x, y, values=parameters, **settings), 5))
    for update in range(5):
        run = train(net, parameters, x, y)
        parameters = run.after
        assert health.losses[update] == pytest.approx(float(run.tensors["loss"]))
        for layer, expected in zip(health.layers, measured_by_hand(net, run), strict=True):
            assert set(expected) == set(module.MEASURES)
            for name, value in expected.items():
                assert getattr(layer, name)[update] == pytest.approx(value, rel=1e-9, nan_ok=True), (update, layer.layer, name)


def test_of_activations_that_are_no_numbers_none_is_called_saturated_or_dead():
    for name, inputs in (("saturation", 2), ("dead_relu", 1)):
        opened = load_scenario(name)
        health = HealthLog().health(after(replace(opened, values={"W1": np.full((inputs, opened.layers[0].units), np.nan)}), 2))
        assert np.isnan(health.layers[0].saturated).all()
        assert np.isnan(health.layers[0].dead).all()
        assert found(health)[1] == ["non-finite"]


def test_at_the_end_of_the_training_the_last_updates_are_looked_at():
    health = HealthLog().health(after("xor", 1000))
    assert health.updates.tolist() == list(range(976, 1000))
    assert np.isfinite([layer.delta for layer in health.layers]).all()


def test_units_that_die_one_after_the_other_are_counted_from_then_on():
    counts = [HealthLog().health(after("dead_relu", updates)).layers[0].dead[-1] for updates in range(1, 9)]
    states = list(history(make_program(load_scenario("dead_relu")), 8))
    length = len(states) // 8
    by_hand = [int((states[update * length + length - 1]["a1"] == 0).all(axis=0).sum()) for update in range(8)]
    assert counts == by_hand
    assert counts[0] < counts[-1] == 5


def test_a_gradient_that_is_still_to_come_is_not_called_not_finite(tmp_path):
    program = "\n".join(["  z = x @ W", "  v = z + b", "  loss = mean((v @ u - y) ** 2)"])
    text = f"""program: |
{program}
parameters: {{seed: 1, shapes: {{W: [2, 3], u: [3, 1], b: [3]}}}}
data: {{inputs: [[0, 1], [1, 0]], targets: [[0], [1]]}}
optimizer: {{name: sgd, learning_rate: 0.1}}
"""
    (tmp_path / "late.yaml").write_text(text)
    session = Session(load_scenario(tmp_path / "late.yaml"))
    for name in session.program.index:
        session.execute(f"goto 1:{name}")
        assert "not finite" not in session.execute("health").text, name


def test_what_a_mask_has_picked_is_measured_as_any_other_tensor(tmp_path):
    text = "program: |\n  h = relu(x @ W1)\n  z = h[keep] @ W2\n  loss = mean(z ** 2)\n"
    text += "parameters: {seed: 1, shapes: {W1: [2, 4], W2: [4, 3]}}\n"
    (tmp_path / "s.yaml").write_text(f"{text}tensors: {{keep: [true, false, true]}}\ndata: {{inputs: [[1, 2], [0.5, 1], [-1, 0.3]]}}\n")
    timeline = Timeline(make_program(load_scenario(tmp_path / "s.yaml")))
    timeline.seek(timeline.calendar.clock(3))
    health = HealthLog().health(timeline)
    assert [finding for finding in health.notes if finding.name == "non-finite"] == []
    assert all(np.isfinite(layer.delta).all() for layer in health.layers)
