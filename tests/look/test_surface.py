from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, bits, xor

from bpdebug.core.description import Layer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.look import surface as module
from bpdebug.look.surface import surface_of
from bpdebug.session.session import Session
from bpdebug.time.timeline import Timeline


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def by_hand(values, x):
    """What the tutorial's network answers."""
    return sigmoid(sigmoid(x @ values["W1"] + values["b1"]) @ values["W2"] + values["b2"])


def session(scenario, *commands):
    opened = Session(load_scenario(scenario) if isinstance(scenario, str) else scenario)
    for command in commands:
        opened.execute(command)
    return opened


@pytest.mark.parametrize("moment", ["start", "40:z1", "40:W1", "end"])
def test_the_answers_are_those_of_the_present_parameters(moment):
    opened = session(xor(60), f"goto {moment}")
    surface, values = surface_of(opened.timeline), opened.values()
    assert np.allclose(surface.outputs, by_hand(values, surface.x), rtol=1e-12)
    across, up = surface.axes
    assert surface.grid.shape == (1, len(up), len(across))
    points = np.array([[across[7], up[30]], [across[60], up[2]]])
    assert np.allclose(surface.grid[0, [30, 2], [7, 60]], by_hand(values, points).ravel(), rtol=1e-12)


def test_the_grid_goes_a_little_beyond_the_data():
    across, up = surface_of(session("xor").timeline).axes
    assert (across[0], across[-1]) == pytest.approx((-0.15, 1.15))
    assert np.allclose(np.diff(up), up[1] - up[0])
    lonely = surface_of(session("two_outputs").timeline)
    assert lonely.axes[0][0] < 0.05 < lonely.axes[0][-1], "one sample has no range"


@pytest.mark.parametrize("name", SCENARIOS)
def test_asking_leaves_the_present_as_it_is(name):
    timeline = Timeline(make_program(SCENARIOS[name]))
    timeline.seek(5 * len(timeline.program.stages) + 4)
    before = bits(timeline.machine.values())
    surface = surface_of(timeline)
    assert bits(timeline.machine.values()) == before
    assert timeline.clock == 5 * len(timeline.program.stages) + 4
    assert surface.outputs.dtype == timeline.program.dtype


def test_the_residual_network_answers_over_its_one_input():
    opened = session("residual", "update 5")
    surface, values = surface_of(opened.timeline), opened.values()
    hidden = np.tanh(surface.axes[0][:, None] @ values["W1"] + values["b1"])
    for number in (2, 3):
        hidden = hidden + np.tanh(hidden @ values[f"W{number}"] + values[f"b{number}"])
    assert np.allclose(surface.grid[0], (hidden @ values["W4"] + values["b4"])[:, 0], rtol=1e-10)
    assert surface.prediction == "a4"
    assert surface.labels == ("sin",)


def test_a_formula_of_the_users_shows_its_effect():
    surface = surface_of(session("xor", "formula a2 = z2 * 0 + m").timeline)
    assert (surface.outputs == 4).all(), "m is the size of the batch, not of the grid"
    assert (surface.grid == 4).all()


def test_where_a_formula_reads_the_targets_only_the_samples_are_answered():
    surface = surface_of(session("xor", "formula a2 = z2 * 0 + y").timeline)
    assert surface.grid is None
    assert surface.axes == ()
    assert surface.error.max() == 0


def made(y, activation, **changes):
    """A network with these targets."""
    y = np.array(y, float)
    x = np.arange(2.0 * len(y)).reshape(-1, 2)
    return Scenario("made", ("p", "q"), (Layer(y.shape[1], activation),), x, y, **changes)


@pytest.mark.parametrize(
    ("y", "activation", "task"),
    [
        ([[0], [1], [1]], "sigmoid", ("binary", ("0", "1"))),
        ([[0.01], [0.99]], "sigmoid", ("binary", ("0", "1"))),
        ([[1], [1]], "sigmoid", ("binary", ("0", "1"))),
        ([[0], [1]], "identity", ("binary", ("0", "1"))),
        ([[-1], [1]], "tanh", ("binary", ("−1", "1"))),
        ([[-1], [1]], "identity", ("binary", ("−1", "1"))),
        ([[1], [1]], "tanh", ("binary", ("−1", "1"))),
        ([[0], [1]], "tanh", ("binary", ("0", "1"))),
        ([[1], [1]], "identity", ("numbers", ("0",))),
        ([[0.2], [0.7]], "sigmoid", ("numbers", ("0",))),
        ([[0, 1], [1, 0]], "softmax", ("classes", ("0", "1"))),
        ([[0.05, 0.95]], "sigmoid", ("classes", ("0", "1"))),
        ([[1, 1], [1, 0]], "sigmoid", ("numbers", ("0", "1"))),
        ([[3, 4]], "identity", ("numbers", ("0", "1"))),
    ],
)
def test_the_targets_tell_what_is_asked(y, activation, task):
    surface = surface_of(session(made(y, activation)).timeline)
    assert (surface.task, surface.labels) == task


def test_the_names_of_the_outputs_label_them():
    assert surface_of(session("iris").timeline).labels == ("setosa", "versicolor", "virginica")


def test_the_middle_of_two_sides_and_of_numbers():
    surface = surface_of(session(made([[-1], [1]], "tanh")).timeline)
    assert (surface.middle, surface.reach) == (0.0, 1.0)
    numbers = surface_of(session("residual", "update 40").timeline)
    shown = np.concatenate([numbers.y.ravel(), numbers.outputs.ravel(), numbers.grid.ravel()])
    assert numbers.middle - numbers.reach == pytest.approx(shown.min())
    assert numbers.middle + numbers.reach == pytest.approx(shown.max())


def test_right_wrong_and_the_worst_first():
    opened = session("iris", "update 200")
    surface = surface_of(opened.timeline)
    scenario, values = opened.program.scenario, opened.values()
    z = np.tanh(scenario.x @ values["W1"] + values["b1"]) @ values["W2"] + values["b2"]
    answers = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert np.allclose(surface.outputs, answers)
    assert surface.right.tolist() == (answers.argmax(axis=1) == scenario.y.argmax(axis=1)).tolist()
    assert surface.mean_error == pytest.approx(np.abs(answers - scenario.y).mean())
    errors = surface.error[surface.worst]
    assert (np.diff(errors) <= 0).all()
    assert errors[0] == pytest.approx(np.abs(answers - scenario.y).max())


def test_answers_that_are_no_numbers_are_wrong_and_come_first():
    surface = replace(surface_of(session("xor").timeline), outputs=np.array([[0.0], [np.nan], [1.0], [np.inf]]))
    assert surface.right.tolist() == [True, False, True, False]
    assert set(surface.worst[:2].tolist()) == {1, 3}


def test_of_much_data_the_present_batch_and_a_share_are_asked(monkeypatch):
    generator = np.random.default_rng(1)
    x = generator.standard_normal((3000, 3))
    scenario = Scenario("much", tuple("abc"), (Layer(1, "sigmoid"),), x, (x[:, :1] > 0) * 1.0, training=Training(2, 32, True))
    timeline = session(scenario, "update 5").timeline
    surface = surface_of(timeline)
    assert 0.95 * module.MOST_SAMPLES < len(surface.samples) <= module.MOST_SAMPLES
    assert len(set(surface.samples.tolist())) == len(surface.samples)
    assert surface.samples[:32].tolist() == timeline.machine.batches.rows(5).tolist()
    assert surface.samples.max() > 2900
    assert np.array_equal(surface.x, x[surface.samples])
    monkeypatch.setattr(module, "_WORK", 1)
    assert len(surface_of(timeline).samples) == 16


def test_wide_networks_get_a_coarser_grid(monkeypatch):
    monkeypatch.setattr(module, "_WORK", 20_000)
    surface = surface_of(session("xor").timeline)
    assert 9 <= surface.grid.shape[1] < 20
    assert len(surface.samples) == 4


def test_how_often_each_class_is_taken_for_each():
    surface = surface_of(session("iris", "update 200").timeline)
    expected = np.zeros((3, 3), int)
    for target, answer in zip(surface.y.argmax(axis=1), surface.outputs.argmax(axis=1), strict=True):
        expected[target, answer] += 1
    assert surface.confusion.tolist() == expected.tolist()
    assert surface.confusion.trace() == surface.right.sum()
    two = replace(surface_of(session("xor").timeline), outputs=np.array([[0.0], [np.nan], [0.2], [1.0]]))
    assert two.confusion.tolist() == [[1, 1], [1, 0]], "an answer that is no number is none"


def test_the_answers_are_worked_out_anew_only_where_they_may_be_others():
    opened = Session(load_scenario("xor"))

    def seen():
        return opened.view(["surface"]).surface

    opened.execute("goto 3:z1")
    first = seen()
    opened.execute("goto 3:db1")
    assert seen() is first
    for command in ("step 2", "set W1[0,0] = 5", "undo", "set x[1,0] = 2", "formula a1 = tanh(z1)", "goto 1:z1", "update"):
        opened.execute(command)
        now, fresh = seen(), surface_of(opened.timeline)
        assert now is not first
        assert np.array_equal(now.grid, fresh.grid)
        assert np.array_equal(now.x, fresh.x)
        first = now
