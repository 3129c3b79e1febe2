"""Layers as objects: where their parameters and gradients are, and that none of them is touched."""

from __future__ import annotations

import numpy as np
import pytest
from testing import layers

from bpdebug.testing import GradientError, Untold, check_backward, check_chain

NORMAL = np.random.default_rng(7).standard_normal
X = NORMAL((4, 3))


def names(judgement):
    return [finding.name for finding in judgement.findings if finding.says.agrees]


class Affine:
    """Gradients as attributes."""

    wrong = 1.0

    def __init__(self, inputs=3, units=2):
        self.W, self.b = NORMAL((inputs, units)), NORMAL(units)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.wrong * self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class Lists:
    """Parameters and gradients in lists, filled in place."""

    def __init__(self, inputs=3, units=2):
        self.params = [NORMAL((inputs, units)), NORMAL(units)]
        self.grads = [np.zeros((inputs, units)), np.zeros(units)]

    def forward(self, x):
        W, b = self.params
        self.x = x
        return x @ W + b

    def backward(self, dout):
        self.grads[0][...] = self.x.T @ dout
        self.grads[1][...] = dout.sum(axis=0)
        return dout @ self.params[0].T


class Dicts(Lists):
    """Parameters and gradients in dicts, added up and cleared by itself."""

    def __init__(self, inputs=3, units=2):
        self.params = {"W": NORMAL((inputs, units)), "b": NORMAL(units)}
        self.grads = {"W": NORMAL((inputs, units)), "b": NORMAL(units)}

    def zero_grad(self):
        self.grads["W"][...] = self.grads["b"][...] = 0

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dout):
        self.grads["W"] += self.x.T @ dout
        self.grads["b"] += dout.sum(axis=0)
        return dout @ self.params["W"].T


class Parameter:
    """An array with its gradient."""

    def __init__(self, data):
        self.data, self.grad = data, None


class WithParameters:
    """Parameters as objects."""

    def __init__(self, inputs=3, units=2):
        self.weight, self.bias = Parameter(NORMAL((inputs, units))), Parameter(NORMAL(units))

    def forward(self, x):
        self.x = x
        return x @ self.weight.data + self.bias.data

    def backward(self, grad_output):
        self.weight.grad, self.bias.grad = self.x.T @ grad_output, grad_output.sum(axis=0)
        return grad_output @ self.weight.data.T


class ReturningAll(Affine):
    """All gradients returned."""

    def backward(self, dout):
        return dout @ self.W.T, self.x.T @ dout, dout.sum(axis=0)


class ReturningDict(Affine):
    """The input's gradient, and the others in a dict."""

    def backward(self, dout):
        return dout @ self.W.T, {"dW": self.x.T @ dout, "db": dout.sum(axis=0)}


class Named(Affine):
    """Gradients under other names."""

    def backward(self, dout):
        self.grad_W, self.b_grad = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class NeverCleared(Affine):
    """Gradients that are added up, once in an array that is there already."""

    def __init__(self):
        super().__init__()
        self.dW, self.db = np.zeros_like(self.W), None

    def backward(self, dout):
        self.dW += self.x.T @ dout
        self.db = dout.sum(axis=0) + (0 if self.db is None else self.db)
        return dout @ self.W.T


def test_gradients_that_are_never_cleared_are_told():
    with pytest.warns(Untold, match="layer.dW is added to what it held before") as told:
        judgement = check_backward(NeverCleared(), X, save=None)
    assert [finding.status for finding in judgement.findings] == ["good", "convention", "convention"]
    assert "layer.db is added" in str(told[0].message)
    with pytest.raises(GradientError, match="not plainly right"):
        check_backward(NeverCleared(), X, save=None, strict=True)


@pytest.mark.parametrize("kind", [Affine, Lists, Dicts, WithParameters, ReturningAll, ReturningDict, Named])
def test_where_parameters_and_gradients_are(kind):
    layer = kind()
    judgement = check_backward(layer, X, save=None)
    assert len(names(judgement)) == 3, str(judgement)
    assert judgement.ok
    assert not judgement.doubts
    before = kind.backward

    class Wrong(kind):
        def backward(self, dout):
            dx = before(self, 2 * dout)
            return dx / 2 if isinstance(dx, np.ndarray) else (dx[0] / 2, *dx[1:])

    with pytest.raises(GradientError) as failure:
        check_backward(Wrong(), X, save=None)
    wrong = [finding.name for finding in failure.value.judgement.findings if finding.says.accuses]
    assert len(wrong) == 2
    assert "dx" not in wrong


def test_bound_methods_name_the_object():
    layer = Affine()
    assert names(check_backward(layer.forward, layer.backward, X)) == ["dx", "dW", "db"]


def test_a_layer_is_left_as_it_was():
    layer = Affine()
    layer.steps, kept = 0, layer.W.copy()

    def forward(x):
        layer.steps += 1
        return x

    check_backward(layer, X)
    assert (kept == layer.W).all()
    assert not hasattr(layer, "x")
    assert not hasattr(layer, "dW")


def test_a_parameter_without_a_gradient_is_not_passed_over():
    class Forgetful(Affine):
        def backward(self, dout):
            self.dW = self.x.T @ dout
            return dout @ self.W.T

    with pytest.warns(Untold, match="b is not judged"):
        check_backward(Forgetful(), X, save=None)


class BatchNorm:
    """Running statistics, which every call in training changes."""

    def __init__(self, units):
        self.gamma, self.beta, self.running_mean, self.training = NORMAL(units), NORMAL(units), np.zeros(units), True

    def forward(self, x):
        mean = x.mean(axis=0)
        self.running_mean = 0.9 * self.running_mean + 0.1 * mean
        self.hat, self.std = (x - mean) / np.sqrt(x.var(axis=0) + 1e-5), np.sqrt(x.var(axis=0) + 1e-5)
        return self.gamma * self.hat + self.beta + self.running_mean * 0

    def backward(self, dout):
        dx, self.dgamma, self.dbeta = layers.batchnorm_backward(dout, (self.hat, self.gamma, self.std))
        return dx


class Dropout:
    """Its own generator, moved on by each call."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, x):
        self.mask = self.rng.random(x.shape) < 0.5
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class Relu:
    """No parameters."""

    slope = 0.0

    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        return dout * np.where(self.mask, 1, self.slope)


class CrossEntropy:
    """A loss whose backward begins with 1."""

    def forward(self, x, y):
        self.loss, self.dx = layers.softmax_loss(x, y)
        return self.loss

    def backward(self, dout=1):
        return dout * self.dx


def chain():
    return [Affine(3, 5), BatchNorm(5), Relu(), Dropout(), Lists(5, 4)]


def test_a_chain_is_right():
    y = np.array([0, 1, 3, 3])
    for loss in (CrossEntropy(), layers.softmax_loss):
        judgement = check_chain(chain(), X, y, loss=loss)
        assert judgement.ok
        assert not judgement.doubts
        assert len(judgement.verdicts) == 6


@pytest.mark.parametrize("place", [0, 2, 5])
def test_a_chain_names_the_first_wrong_layer(place):
    made = [*chain(), CrossEntropy()]
    if place == 0:
        made[0].wrong = 1.001
    elif place == 2:
        made[2].slope = 0.1
    else:

        class Wrong(CrossEntropy):
            def backward(self, dout=1):
                return 4 * self.dx

        made[5] = Wrong()
    with pytest.raises(GradientError) as failure:
        check_chain(made[:5], X, np.array([0, 1, 3, 3]), loss=made[5], save=None)
    assert ("the loss, Wrong.backward" if place == 5 else f"layer {place + 1} of 5, ") in str(failure.value).splitlines()[0]
    accused = [n for n, verdict in enumerate(failure.value.judgement.verdicts) if any(f.says.accuses for f in verdict.findings)]
    assert accused == [place]


def test_a_chain_of_functions():
    affine = (layers.affine_forward, layers.affine_backward, NORMAL((3, 5)), NORMAL(5))
    assert check_chain([affine, (layers.relu_forward, layers.relu_backward)], X, np.array([0, 1, 2, 3]), loss=layers.softmax_loss).ok


class Multiply:
    """As a framework's functions are written."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        ctx.shape = x.shape
        return x * w

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        return grad_output * w, grad_output * x


def test_a_function_class_with_a_context():
    assert names(check_backward(Multiply, X, NORMAL((4, 3)))) == ["dx", "dw"]

    class Wrong(Multiply):
        @staticmethod
        def backward(ctx, grad_output):
            x, w = ctx.saved_tensors
            return grad_output * x, grad_output * w

    with pytest.raises(GradientError, match=r"two gradients exchanged"):
        check_backward(Wrong, X, NORMAL((4, 3)), save=None)


def test_a_class_is_made_where_that_needs_nothing():
    assert names(check_backward(Relu, X)) == ["dx"]


def test_what_has_no_backward_is_refused():
    with pytest.raises(TypeError, match="no forward and backward"):
        check_backward(3.0, X)
    with pytest.raises(TypeError, match="returns no gradient"):
        check_backward(np.tanh, X)


class Dense:
    """Takes its step in backward, as many a first network does."""

    def __init__(self):
        self.weights, self.bias = NORMAL((2, 3)), NORMAL((2, 1))

    def forward(self, x):
        self.x = x
        return self.weights @ x + self.bias

    def backward(self, output_gradient, learning_rate):
        dx = self.weights.T @ output_gradient
        self.weights -= learning_rate * output_gradient @ self.x.T
        self.bias -= learning_rate * output_gradient
        return dx


def test_a_layer_that_takes_its_step_in_backward():
    assert names(check_backward(Dense(), NORMAL((3, 1)))) == ["dx", "dweights", "dbias"]

    class Late(Dense):
        def backward(self, output_gradient, learning_rate):
            super().backward(output_gradient, learning_rate)
            return self.weights.T @ output_gradient

    class Half(Dense):
        def backward(self, output_gradient, learning_rate):
            return super().backward(output_gradient, learning_rate) + self.weights.T @ (self.weights @ self.x * 0)

    assert names(check_backward(Half(), NORMAL((3, 1)))) == ["dx", "dweights", "dbias"]
    with pytest.raises(GradientError) as failure:
        check_backward(Late(), NORMAL((3, 1)), save=None)
    assert failure.value.finding.name == "dx"


def test_the_memory_of_an_optimizer_in_a_layer_is_no_parameter():
    class Momentum(Dense):
        factor = 1

        def __init__(self):
            super().__init__()
            self.filters, self.w_v = self.weights, np.zeros((2, 3))
            del self.weights

        def forward(self, x):
            self.x = x
            return self.filters @ x + self.bias

        def backward(self, output_gradient, learning_rate):
            dx = self.filters.T @ output_gradient
            self.w_v = 0.9 * self.w_v + self.factor * output_gradient @ self.x.T
            self.filters = self.filters - learning_rate * self.w_v
            self.bias = self.bias - learning_rate * output_gradient
            return dx

    assert names(check_backward(Momentum(), NORMAL((3, 1)))) == ["dx", "dbias", "dfilters"]
    Momentum.factor = 2
    with pytest.raises(GradientError) as failure:
        check_backward(Momentum(), NORMAL((3, 1)), save=None)
    assert failure.value.finding.name == "dfilters"


def test_a_step_that_is_added_is_a_convention_and_no_wrong_sign():
    class Upward(Dense):
        factor = 1

        def backward(self, error, learning_rate):
            before = self.weights.copy()
            self.weights += self.factor * learning_rate * error @ self.x.T
            self.bias += learning_rate * error
            return before.T @ error

    with pytest.warns(Untold, match="adds its step: right where what arrives is the negative gradient"):
        judgement = check_backward(Upward(), NORMAL((3, 1)), save=None)
    assert [finding.status for finding in judgement.findings] == ["good", "convention", "convention"]
    Upward.factor = 2
    with pytest.raises(GradientError):
        check_backward(Upward(), NORMAL((3, 1)), save=None)


class Network:
    """Layers in a list."""

    def __init__(self, *layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


def test_a_network_of_layers_is_judged_with_what_is_in_them():
    network = Network(Affine(3, 4), Relu(), Lists(4, 2))
    assert len(names(check_backward(network, X))) == 5
    network.layers[0].wrong = 1.5
    with pytest.raises(GradientError) as failure:
        check_backward(network, X, save=None)
    assert failure.value.finding.name == "d(layers[0].W)"


def test_no_gradient_at_all_is_no_verdict():
    with pytest.raises(TypeError, match="no gradient of x was found"):
        check_backward(lambda x: 2 * x, lambda dout: None, X)


class Lazy:
    """Makes its parameters when it sees the first input."""

    factor = 1

    def __init__(self):
        self.params, self.grads = {"W": None}, {}

    def forward(self, x):
        if self.params["W"] is None:
            self.params["W"] = np.random.randn(x.shape[1], 2)
        self.x = x
        return x @ self.params["W"]

    def backward(self, dout):
        self.grads["W"] = self.factor * self.x.T @ dout
        return dout @ self.params["W"].T


class PRelu:
    """A plain float as parameter."""

    factor = 1

    def __init__(self):
        self.alpha = 0.25

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, dout):
        self.dalpha = self.factor * (dout * self.x * (self.x < 0)).sum()
        return dout * np.where(self.x > 0, 1, self.alpha)


@pytest.mark.parametrize(("kind", "name"), [(Lazy, "dW"), (PRelu, "dalpha")])
def test_parameters_that_are_made_late_or_no_arrays(kind, name):
    assert name in names(check_backward(kind(), X))
    layer = kind()
    layer.factor = 1.2
    with pytest.raises(GradientError) as failure:
        check_backward(layer, X, save=None)
    assert failure.value.finding.name == name
