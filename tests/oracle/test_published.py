"""Numbers that others have published, each with its source; none of them was computed with this engine."""

from __future__ import annotations

import numpy as np
import pytest

from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase


def scenario(layers, x, y, loss, rate=1.0, **more):
    x, y = np.array(x, float), np.array(y, float)
    inputs = tuple(f"x{i}" for i in range(1, x.shape[1] + 1))
    return Scenario("published", inputs, tuple(layers), x, y, loss=loss, optimizer=Optimizer("sgd", {"learning_rate": rate}), **more)


def machine_of(described):
    return Machine(make_program(described))


def before_update(machine):
    """Every tensor when all gradients are known and no parameter has moved."""
    while machine.program.stages[machine.done].phase is not Phase.UPDATE:
        machine.step()
    return {name: value.copy() for name, value in machine.values().items()}


def printed(value, expected, digits):
    """Equal in as many decimals as were printed."""
    np.testing.assert_allclose(np.squeeze(value), expected, rtol=0, atol=0.5000001 * 10.0**-digits)


class TestTutorial:
    """The web tutorial that bpdebug brings to life: XOR with 2-4-1 sigmoid units, numpy.random.seed(0), learning rate 0.1,
    summed cross-entropy; its numbers recomputed independently with a column of targets."""

    def machine(self):
        return machine_of(
            scenario(
                [Layer(4, "sigmoid"), Layer(1, "sigmoid")],
                [[0, 0], [0, 1], [1, 0], [1, 1]],
                [[0], [1], [1], [0]],
                Loss("binary_cross_entropy"),
                0.1,
                generator="legacy",
                seed=0,
            )
        )

    def test_the_first_update(self):
        values = before_update(self.machine())
        printed(values["W1"][0, 0], 1.764052346, 9)
        printed(values["W1"][1, 3], -0.151357208, 9)
        printed(values["W2"], [-0.1032188518, 0.4105985019, 0.1440435712, 1.454273507], 9)
        printed(values["z2"], [0.9528483641, 0.7989526736, 1.5768780232, 1.4669915814], 10)
        printed(values["a2"], [0.7216876461, 0.6897504033, 0.8287619154, 0.8125996905], 10)
        printed(values["loss"], 3.51276731988, 11)
        printed(values["da2"], [3.5930852011, -1.4497998047, -1.2066191525, 5.3361704831], 10)
        printed(values["dz2"], [0.7216876461, -0.3102495967, -0.1712380846, 0.8125996905], 10)
        printed(values["dW2"], [0.7375666006, 0.4656940906, 0.722143493, 0.7857784863], 9)
        printed(values["db2"], 1.0527996553, 10)
        printed(values["db1"], [-0.0148109965, 0.1087165478, 0.0250715197, 0.2443914643], 10)

    def test_the_thousandth_forward_pass(self):
        machine = self.machine()
        for _ in range(999):
            machine.run_update()
        values = before_update(machine)
        printed(values["a2"], [0.06192353, 0.93050246, 0.94005384, 0.08835896], 8)
        printed(values["loss"], 0.290281457686, 12)


class TestMazur:
    """Matt Mazur, "A Step by Step Backpropagation Example" (2015): 2-2-2 sigmoid units, half the squared error, learning
    rate 0.5; his biases stay as they are. His w5 and w6 lead to o1, so that they are a column here."""

    def machine(self):
        values = {
            "W1": np.array([[0.15, 0.25], [0.20, 0.30]]),
            "b1": np.full((1, 2), 0.35),
            "W2": np.array([[0.40, 0.50], [0.45, 0.55]]),
            "b2": np.full((1, 2), 0.60),
        }
        layers = [Layer(2, "sigmoid"), Layer(2, "sigmoid")]
        loss = Loss("squared_error", factor=0.5)
        return machine_of(scenario(layers, [[0.05, 0.10]], [[0.01, 0.99]], loss, 0.5, values=values, frozen=("b1", "b2")))

    def test_forward_and_backward(self):
        values = before_update(self.machine())
        printed(values["z1"][0, 0], 0.3775, 9)
        printed(values["a1"], [0.593269992, 0.596884378], 9)
        printed(values["z2"][0, 0], 1.105905967, 9)
        printed(values["a2"], [0.75136507, 0.772928465], 8)
        printed(values["loss"], 0.298371109, 9)
        printed(values["da2"][0, 0], 0.74136507, 8)
        printed(values["dz2"][0, 0], 0.138498562, 9)
        printed(values["dW2"][0, 0], 0.082167041, 9)
        printed(values["da1"][0, 0], 0.036350306, 8)
        printed(values["dW1"][0, 0], 0.000438568, 9)

    def test_the_updated_weights(self):
        machine = self.machine()
        machine.run_update()
        printed(machine.persistent["W2"].T.ravel(), [0.35891648, 0.408666186, 0.511301270, 0.561370121], 8)
        printed(machine.persistent["W1"].T.ravel(), [0.149780716, 0.19956143, 0.24975114, 0.29950229], 8)

    def test_the_error_after_one_update(self):
        machine = self.machine()
        machine.run_update()
        # Printed as 0.291027924. He goes on with rounded weights; from full ones the seventh decimal is another, as
        # mcp-tool-shop-org/backprop-trace found too: 0.29102777369359933.
        values = before_update(machine)
        np.testing.assert_allclose(values["loss"], 0.291027924, atol=2e-7)
        np.testing.assert_allclose(values["loss"], 0.29102777369359933, rtol=1e-14)

    def test_the_ten_thousandth_update(self):
        machine = self.machine()
        for _ in range(10_000):
            machine.run_update()
        values = before_update(machine)
        np.testing.assert_allclose(values["loss"], 0.0000351085, rtol=1e-3)
        np.testing.assert_allclose(values["a2"], [[0.015912196, 0.984065734]], atol=2e-6)


class TestScikitLearn:
    """scikit-learn, sklearn/neural_network/tests/test_mlp.py, test_fit: an example worked out by hand in its comments."""

    def machine(self):
        values = {
            "W1": np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0.0]]),
            "b1": np.array([[0.1, 0.1]]),
            "W2": np.array([[0.1], [0.2]]),
            "b2": np.array([[1.0]]),
        }
        # Its alpha of 0.1 weighs half the squares.
        loss = Loss("binary_cross_entropy", l2=0.05, from_logits=True)
        return machine_of(scenario([Layer(2, "sigmoid"), Layer(1, "sigmoid")], [[0.6, 0.8, 0.7]], [[0]], loss, 0.1, values=values))

    def test_forward_and_backward(self):
        values = before_update(self.machine())
        printed(values["a1"], [0.679178699175393, 0.574442516811659], 15)
        # It goes on with h rounded to 0.679 and 0.574, which gives the 0.76543… it prints.
        rounded = {"W1": np.array([[0.1], [0.2]]), "b1": np.array([[1.0]])}
        again = scenario([Layer(1, "sigmoid")], [[0.679, 0.574]], [[0]], Loss(), values=rounded)
        printed(before_update(machine_of(again))["a1"], 0.7654329236196236, 15)
        printed(values["a2"], 0.7654, 3)
        printed(values["dz2"], 0.765, 3)
        printed(values["dz1"], [0.01667, 0.0374], 4)
        np.testing.assert_allclose(values["dW2"][:, 0], [0.5294, 0.45911], atol=1e-3)
        printed(values["dW1"][:2], [[0.0200, 0.04244], [0.043336, 0.03992]], 4)

    def test_the_updated_parameters_and_the_new_prediction(self):
        machine = self.machine()
        machine.run_update()
        p = machine.persistent
        printed(p["W1"], [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]], 3)
        printed(p["W2"], [0.04706, 0.154089], 3)
        printed(p["b1"], [0.098333, 0.09626], 4)
        printed(p["b2"], 0.9235, 4)
        printed(before_update(machine)["a2"], 0.739, 3)


class TestTrask:
    """Andrew Trask, "A Neural Network in 11 lines of Python" (2015), parts 1 and 2: numpy.random.seed(1), weights uniform in
    [-1, 1), no biases, and l1_delta = (y - l1) * l1 * (1 - l1), which is half the squared error with a learning rate of 1."""

    X = ((0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1))

    def machine(self, targets, *units):
        layers = [Layer(n, "sigmoid", bias=False) for n in units]
        loss = Loss("squared_error", factor=0.5)
        uniform = Initializer("uniform", {"low": -1.0, "high": 1.0})
        return machine_of(scenario(layers, self.X, np.array([targets]).T, loss, generator="legacy", seed=1, initializer=uniform))

    def test_two_layers_after_ten_thousand_updates(self):
        machine = self.machine([0, 0, 1, 1], 1)
        for _ in range(10_000):
            machine.run_update()
        printed(machine.last("a1"), [0.00966449, 0.00786506, 0.99358898, 0.99211957], 8)

    def test_the_errors_of_three_layers(self):
        machine = self.machine([0, 1, 1, 0], 4, 1)
        machine.run_update()
        printed(np.mean(np.abs(machine.last("a2") - machine.last("y"))), 0.496410031903, 12)
        for _ in range(10_000):
            machine.run_update()
        printed(np.mean(np.abs(machine.last("a2") - machine.last("y"))), 0.00858452565325, 11)


class TestStanford:
    def test_one_sigmoid_neuron(self):
        """CS231n, "Backpropagation, Intuitions": w = [2, -3, -3], x = [-1, -2]; its gradient of the output itself is that of
        the absolute error against 0."""
        values = {"W1": np.array([[2.0], [-3.0]]), "b1": np.array([[-3.0]])}
        loss = Loss("absolute_error")
        found = before_update(machine_of(scenario([Layer(1, "sigmoid")], [[-1, -2]], [[0]], loss, values=values)))
        printed(found["z1"], 1.00, 2)
        printed(found["a1"], 0.73, 2)
        printed(found["dz1"], 0.19661193324148185, 15)
        printed(found["dW1"], [-0.19661193324148185, -0.3932238664829637], 15)
        printed(found["db1"], 0.20, 2)

    def test_the_gradient_of_that_neuron_s_inputs(self):
        """The same neuron behind an identity layer, whose da is the gradient of the inputs."""
        values = {"W1": np.eye(2), "W2": np.array([[2.0], [-3.0]]), "b2": np.array([[-3.0]])}
        layers = [Layer(2, "identity", bias=False), Layer(1, "sigmoid")]
        found = before_update(machine_of(scenario(layers, [[-1, -2]], [[0]], Loss("absolute_error"), values=values)))
        printed(found["da1"], [0.3932238664829637, -0.5898357997244456], 15)

    def test_a_softmax_classifier(self):
        """CS231n, "Linear Classification": the picture of scores and cross-entropy for class 2 of 3."""
        values = {
            "W1": np.array([[0.01, -0.05, 0.1, 0.05], [0.7, 0.2, 0.05, 0.16], [0.0, -0.45, -0.2, 0.03]]).T,
            "b1": np.array([[0.0, 0.2, -0.3]]),
        }
        for logits in (False, True):
            loss = Loss("categorical_cross_entropy", from_logits=logits)
            found = before_update(machine_of(scenario([Layer(3, "softmax")], [[-15, 22, -44, 56]], [[0, 0, 1]], loss, values=values)))
            printed(found["z1"], [-2.85, 0.86, 0.28], 2)
            printed(found["a1"][0, 1:], [0.631, 0.353], 3)
            np.testing.assert_allclose(found["a1"][0, 0], 0.016, atol=1e-3)  # made of 0.058 / (0.058 + 2.36 + 1.32)
            printed(found["loss"], 1.04, 2)


def test_wikipedia_s_softmax():
    """Wikipedia, "Softmax function", example: the probabilities of 1, 2, 3, 4, 1, 2, 3."""
    values = {"W1": np.array([[1.0, 2, 3, 4, 1, 2, 3]])}
    described = scenario(
        [Layer(7, "softmax", bias=False)], [[1]], [[0, 0, 0, 1, 0, 0, 0]], Loss("categorical_cross_entropy"), values=values
    )
    found = before_update(machine_of(described))
    printed(found["a1"], [0.02364054, 0.06426166, 0.1746813, 0.474833, 0.02364054, 0.06426166, 0.1746813], 8)


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("kind", ["regression", "binary", "classes"])
def test_scikit_learn_s_own_backpropagation_gives_the_same_loss_and_gradients(activation, kind):
    sklearn = pytest.importorskip("sklearn.neural_network")
    generator = np.random.default_rng(3)
    x = generator.standard_normal((9, 4))
    layers = [Layer(5, activation), Layer(3, activation)]
    alpha = 0.2
    if kind == "regression":
        y = generator.standard_normal((9, 1))
        theirs, last, function, factor = sklearn.MLPRegressor, "identity", "squared_error", 0.5
    else:
        classes = np.arange(9) % (2 if kind == "binary" else 3)
        y = classes[:, None].astype(float) if kind == "binary" else np.eye(3)[classes]
        last, function = ("sigmoid", "binary_cross_entropy") if kind == "binary" else ("softmax", "categorical_cross_entropy")
        theirs, factor = sklearn.MLPClassifier, 1.0
    names = {"sigmoid": "logistic"}
    network = theirs(hidden_layer_sizes=(5, 3), activation=names.get(activation, activation), alpha=alpha, solver="sgd", random_state=0)
    if kind == "regression":
        network.partial_fit(x, y[:, 0])
    else:
        network.partial_fit(x, classes, classes=np.unique(classes))
    depth = 3
    activations = [x] + [np.empty((9, n)) for n in (5, 3, y.shape[1])]
    deltas = [np.empty_like(a) for a in activations[1:]]
    coefficients = [np.empty_like(w) for w in network.coefs_]
    intercepts = [np.empty_like(b) for b in network.intercepts_]
    loss, coefficients, intercepts = network._backprop(x, y, None, activations, deltas, coefficients, intercepts)
    values = {f"W{n + 1}": network.coefs_[n] for n in range(depth)} | {f"b{n + 1}": network.intercepts_[n][None] for n in range(depth)}
    described = Loss(function, samples="mean", factor=factor, l2=0.5 * alpha / len(x))
    found = before_update(machine_of(scenario([*layers, Layer(y.shape[1], last)], x, y, described, values=values)))
    np.testing.assert_allclose(found["loss"], loss, rtol=1e-12)
    for n in range(depth):
        np.testing.assert_allclose(found[f"dW{n + 1}"], coefficients[n], rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(found[f"db{n + 1}"][0], intercepts[n], rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(found[f"dz{n + 1}"] * len(x), deltas[n], rtol=1e-10, atol=1e-13)


def test_online_learning_takes_the_samples_in_order():
    """Widrow and Hoff's rule by hand: one linear unit, w = 0, samples (1, 2) and (2, 2), half the squared error, rate 0.1."""
    loss = Loss("squared_error", factor=0.5)
    values = {"W1": np.array([[0.0]])}
    described = scenario([Layer(1, "identity", bias=False)], [[1], [2]], [[2], [2]], loss, 0.1, values=values, training=Training(1, 1))
    machine = machine_of(described)
    machine.run_update()
    assert machine.persistent["W1"][0, 0] == pytest.approx(0.2)  # 0 - 0.1 * (0 - 2) * 1
    machine.run_update()
    assert machine.persistent["W1"][0, 0] == pytest.approx(0.52)  # 0.2 - 0.1 * (0.4 - 2) * 2
