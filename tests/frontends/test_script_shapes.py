"""How people write things down: losses that nothing adds up, differences that are no loss, outer products that NumPy makes by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpdebug.core.errors import BpdebugError

ONE_BY_ONE = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(8, 3))
Y = np.sin(X.sum(axis=1, keepdims=True))
Y[0] = 0
W1, b1 = rng.normal(size=(3, 5)), np.zeros((1, 5))
W2, b2 = rng.normal(size=(5, 1)), np.zeros((1, 1))
X[0] = 0
for epoch in range(5):
    for x, y in zip(X, Y):
        x = x.reshape(1, 3)
        a = np.tanh(x @ W1 + b1)
        out = a @ W2 + b2
        d = out - y
        shown = out - y
        dW2 = a.T @ d
        dW1 = x.T @ (d @ W2.T * (1 - a**2))
        W1, b1 = W1 - 0.1 * dW1, b1 - 0.1 * (d @ W2.T * (1 - a**2))
        W2, b2 = W2 - 0.1 * dW2, b2 - 0.1 * d
"""


def test_a_difference_that_is_printed_is_no_loss_though_of_one_sample_its_gradients_are_multiples(checked):
    found, result = checked(ONE_BY_ONE)
    assert "loss = half the squared error of out, implied by line 14" in found
    assert result.data["ok"] is True
    assert "WRONG" not in result.text


SOFTMAX = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(12, 4)), rng.integers(0, 3, 12)
W, b = rng.normal(size=(4, 3)), np.zeros(3)
rows = np.arange(12)
for epoch in range(20):
    e = np.exp(X @ W + b)
    p = e / e.sum(axis=1, keepdims=True)
    {change}
    W = W - 0.1 * (X.T @ p)
    b = b - 0.1 * p.sum(axis=0)
"""


@pytest.mark.parametrize("change", ["p[rows, y] = -(1 - p[rows, y])", "p[rows, y] = p[rows, y] - 1", "p[rows, y] -= 1"])
def test_one_less_at_the_labels_implies_the_cross_entropy_however_it_is_written(checked, change):
    found, result = checked(SOFTMAX.format(change=change))
    assert "loss = the cross-entropy of p, implied by line 9" in found
    assert result.data["ok"] is True


def test_another_number_less_at_the_labels_implies_none(checked):
    with pytest.raises(Exception, match="no loss was found"):
        checked(SOFTMAX.format(change="p[rows, y] = -(1 - 2 * p[rows, y])"))


STRETCHED = """import numpy as np
rng = np.random.default_rng(0)
X, T = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
W = rng.normal(size=(3, 3))
for epoch in range(9):
    out = np.tanh(X @ W)
    loss = 0.5 * np.sum((out - T) ** 2)
    slope = np.eye(3) * (1 - out**2).reshape(6, 1, 3)
    d = np.einsum("kij,kj->ki", slope, out - T)
    W = W - 0.1 * X.T @ d
"""


@pytest.mark.parametrize(
    "text",
    [
        STRETCHED,
        STRETCHED.replace("X, T = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))", "X, T = rng.normal(size=(2, 1, 3))").replace(
            "reshape(6, 1, 3)", "reshape(1, 1, 3)"
        ),
    ],
)
def test_operands_that_numpy_stretches_both_may_have_different_ranks(checked, text):
    assert checked(text)[1].data["ok"] is True


SMALL = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(9, 4)), np.eye(4)[rng.integers(0, 4, 9)]
W, b = 0.01 * rng.normal(size=(4, 4)), np.zeros(4)
for epoch in range(9):
    z = X @ W + b + 1e-12
    e = np.exp(z)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(p + {small}) + (1 - Y) * np.log(1 - p + {small}))
    dp = -Y / p + (1 - Y) / (1 - p)
    dz = {slope}
    dW, db = X.T @ dz, dz.sum(axis=0)
    W = W - 1e-3 * dW
    b = b - 1e-3 * db
"""
RIGHT = "p * (dp - (dp * p).sum(axis=1, keepdims=True))"


@pytest.mark.parametrize("small", ["1e-12", "1e-8", "1e-5"])
def test_a_small_number_in_the_loss_that_is_left_out_on_the_way_back_is_no_mistake(checked, small):
    assert checked(SMALL.format(small=small, slope=RIGHT))[1].data["ok"] is True


@pytest.mark.parametrize("slope", ["dp * 1", "p * dp"])
def test_a_small_number_that_changes_next_to_nothing_hides_no_mistake(checked, slope):
    """Where all probabilities are nearly the same, the gradients without the softmax are nearly a multiple of the right ones."""
    result = checked(SMALL.format(small="1e-12", slope=slope))[1]
    assert result.wrong
    assert "line 11" in result.text or "net.py:11" in result.text


def test_of_losses_that_a_list_keeps_the_sum_is_followed_and_no_output(checked):
    text = Path(__file__).parents[1].joinpath("cases/scripts/appended.py").read_text("utf-8")
    found, result = checked(text.replace("        d = (o", "        seen = o.item()\n        d = (o"))
    assert "loss = line 17" in found
    assert result.data["ok"] is True
    assert "not judged" not in result.text
    np.testing.assert_equal(result.data["unjudged"], [])


UNPACKED = """import numpy as np
x = np.linspace(0, 1, 20)
y = 3 * x + 1
theta = np.array([0.5, 0.2])
for epoch in range(30):
    {unpacked}
    r = w * x + b - y
    loss = 0.5 * np.sum(r**2)
    theta = theta - 0.01 * np.array([np.sum(r * x){w}, np.sum(r){b}])
"""


@pytest.mark.parametrize(("w", "wrong"), [("", False), (" * 2", True)])
@pytest.mark.parametrize("unpacked", ["w, b = theta", "(w, [b]) = theta[0], theta[1:]", "w, *rest = theta; b = rest[0]"])
def test_the_parts_of_an_array_that_is_unpacked_are_its_cells(checked, unpacked, w, wrong):
    result = checked(UNPACKED.format(unpacked=unpacked, w=w, b=""))[1]
    assert result.wrong is wrong
    assert wrong or result.data["ok"] is True


PROCESS = """import numpy as np
rng = np.random.default_rng(0)
R, y = np.exp(-np.subtract.outer(np.arange(5.0), np.arange(5.0)) ** 2), rng.normal(size=5)
theta = np.array([0.5, 0.2])
for epoch in range(9):
    signal, noise = np.exp(theta)
    inverse = np.linalg.inv(signal * R + noise * np.eye(5))
    a = inverse @ y
    total = 0.5 * y @ a + 0.5 * np.linalg.slogdet(inverse)[1]
    S = inverse - np.outer(a, a)
    theta = theta - 0.01 * np.array([np.sum(S * R) * signal, np.trace(S) * noise])
"""


def test_of_a_function_it_is_unpacked_too_and_what_has_no_formula_is_told(checked):
    text = UNPACKED.format(unpacked="w, b = np.exp(theta)", w=" * w", b=" * b")
    assert checked(text)[1].data["ok"] is True
    with pytest.raises(Exception, match=r"no loss was found .*: inverse \(net.py:7\), which they are made of, is no formula: linalg.inv"):
        checked(PROCESS)


def test_only_formulas_that_the_user_has_typed_are_put_back_to_see_a_shared_factor(checked, monkeypatch):
    """A line of a script is its own: with the derived one in its place, what reads it may get another shape."""

    def put_back(*_, **__):
        raise AssertionError

    monkeypatch.setattr("bpdebug.trust.shared.replace", put_back)
    assert checked(SMALL.format(small="1e-12", slope="dp * 1"))[1].wrong


ROW_WRITTEN_OVER = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(6, 3)), rng.normal(size=6)
W, U, v = 0.5 * rng.normal(size=(4, 4)), 0.5 * rng.normal(size=(3, 4)), rng.normal(size=4)
for epoch in range(5):
    state = np.ones((2, 4))
    before = state[0].copy()
    z = X[0] @ U + state[0] @ W
    state[0] = np.tanh(z)
    out = state[0] @ v
    loss = 0.5 * (out - y[0]) ** 2
    d = out - y[0]
    dv = d * state[0]
    dz = d * v * (1 - state[0] ** 2)
    dW = np.outer(before, dz)
    dU = np.outer(X[0], dz)
    W -= 0.1 * dW
    U -= 0.1 * dU
    v -= 0.1 * dv
"""


@pytest.mark.parametrize("write", ["state[0] = np.tanh(z)", "state[0, :] = np.tanh(z)", "np.tanh(z, out=state[0])"])
def test_a_row_is_what_it_was_when_it_was_read_though_it_is_written_over(checked, write):
    _, result = checked(ROW_WRITTEN_OVER.replace("state[0] = np.tanh(z)", write))
    assert result.data["ok"] is True and "dW" in result.text and "not judged" not in result.text, result.text
    _, result = checked(ROW_WRITTEN_OVER.replace("state[0] = np.tanh(z)", write).replace("(1 - state[0] ** 2)", "(1 - state[0])"))
    assert result.text.startswith("net.py:14: WRONG dz"), result.text


SIMULTANEOUS = """import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=20)
y = 3 * x + 1 + 0.1 * rng.normal(size=20)
theta = np.ones(2)
for step in range(30):
    e = theta[0] + theta[1] * x - y
    cost = np.mean(e ** 2) / 2
    g0, g1 = np.mean(e), np.mean(e * x)
    theta[0], theta[1] = theta[0] - 0.1 * g0, theta[1] - 0.1 * g1
"""


def test_cells_that_are_assigned_at_the_same_time_are_a_step(checked):
    found, result = checked(SIMULTANEOUS)
    assert "parameters theta" in found and result.data["ok"] is True and "g1" in result.text, (found, result.text)


def test_items_among_several_targets_are_assigned_in_python_s_order(checked, capfd):
    text = """import numpy as np
i, x, a, d = 0, [5, 6, 7, 8], np.zeros((2, 2)), {}
x[i], i = 2, 1
i, x[i] = 2, 9
a[0], d["k"], *a[1] = [1, 2], 3, 4, 5
a[0, 0] = a[1, 1] = 7.5
(x[0], (x[1], n)), m = (1, (2, 3)), 4
print(i, x, a.tolist(), d, n, m, [name for name in globals() if "bpdebug" in name and name[-1].isdigit()])
"""
    with pytest.raises(BpdebugError, match="no loop was found"):
        checked(text)
    assert "2 [1, 2, 9, 8] [[7.5, 2.0], [4.0, 7.5]] {'k': 3} 3 4 []" in capfd.readouterr().err


UNWRITTEN = """import numpy as np
rng = np.random.default_rng(0)
W1, b1 = rng.normal(size=(4, 6)), np.zeros(6)
W2, b2 = rng.normal(size=(6, 5)), np.zeros(5)
W3, b3 = rng.normal(size=(5, 3)), np.zeros(3)

def sigmoid(x):
    x = np.clip(x, -500, 500)
    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))

def slope(x):
    return sigmoid(x) * (1 - sigmoid(x))

for step in range(6):
    x, y = rng.normal(size=4), np.eye(3)[step % 3]
    a1 = sigmoid(x @ W1 + b1)
    a2 = sigmoid(a1 @ W2 + b2)
    e = np.exp(a2 @ W3 + b3)
    p = e / e.sum()
    d3 = p - y
    d2 = d3 @ W3.T * slope(a2)
    d1 = d2 @ W2.T * slope(a1)
    W3 -= 0.1 * np.outer(a2, d3)
    W2 -= 0.1 * np.outer(a1, d2)
    W1 -= 0.1 * np.outer(x, d1)
    b3 -= 0.1 * d3
    b2 -= 0.1 * d2
    b1 -= 0.1 * d1
"""


def test_of_losses_that_no_line_writes_down_the_one_that_some_gradients_follow_is_meant(checked):
    """The loss is the cross-entropy, and two derivatives are wrong; half the squared error would accuse all six lines."""
    found, result = checked(UNWRITTEN)
    assert "the cross-entropy of p" in found and not result.data["ok"], result.text
    wrong = {stage["name"]: stage["status"] for stage in result.data["stages"] if stage["status"] != "follows"}
    assert wrong["d3"] == "good" and wrong["d2"] == "wrong", result.text
    assert max(map(len, result.text.splitlines())) < 300


TWO_CLASSES = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(30, 4)), (rng.random((30, 1)) > 0.5) * 1.0
W1, W2, b2, m = rng.normal(size=(4, 8)), rng.normal(size=(8, 1)), np.zeros(1), 30
for epoch in range(20):
    h = np.tanh(X @ W1)
    A = 1 / (1 + np.exp(-(h @ W2 + b2)))
    dA = {}
    dz = dA * A * (1 - A)
    cost_W2, cost_b2, cost_W1 = h.T @ dz, dz.sum(axis=0), X.T @ (dz @ W2.T * (1 - h ** 2))
    W1 -= 0.002 * cost_W1
    W2 -= 0.002 * cost_W2
    b2 -= 0.002 * cost_b2
"""


@pytest.mark.parametrize(
    "slope",
    [
        "-(np.divide(Y, A) - np.divide(1 - Y, 1 - A))",
        pytest.param("(1 - Y) / (1 - A) - Y / A", marks=pytest.mark.long),
        pytest.param("(-Y / A + (1 - Y) / (1 - A)) / m", marks=pytest.mark.long),
        "(1 / m) * (-1 * (Y / A) + (1 - Y) / (1 - A))",
        pytest.param("(A - Y) / (A * (1 - A))", marks=pytest.mark.long),
        pytest.param("-(Y / (A + 1e-9)) + (1 - Y) / (1 - A + 1e-9)", marks=pytest.mark.long),
    ],
)
def test_the_derivative_of_an_entropy_implies_it_and_no_gradient_is_a_loss_though_it_is_called_cost(checked, slope):
    found, result = checked(TWO_CLASSES.format(slope))
    assert "the binary cross-entropy of A" in found and result.data["ok"] is True, result.text
    found, result = checked(TWO_CLASSES.format(slope).replace("dA * A * (1 - A)", "dA * (1 - A)"))
    assert result.text.startswith("net.py:9: WRONG dz"), result.text


RETURNED = """import numpy as np
rng = np.random.default_rng(0)
x, y = rng.normal(size=(5, 4)), rng.normal(size=5)
w, b = np.ones(4), 0.5

def gradients(w, b):
    dw, db = np.zeros(4), 0
    for i in range(5):
        err = np.dot(w, x[i]) + b - y[i]
        dw = dw + err * x[i]
        dw, db = dw / 5, db / 5
        return dw, db

for epoch in range(20):
    dw, db = gradients(w, b)
    w = w - 0.1 * dw
    b = b - 0.1 * db
"""


def test_of_a_gradient_that_moves_nothing_it_is_told_that_the_parameter_stays_and_no_factor(checked):
    _, result = checked(RETURNED)
    assert result.text.startswith("net.py:17: WRONG b") and "b stays as it is in each update" in result.text, result.text
    assert [stage["name"] for stage in result.data["stages"] if stage["status"] == "wrong"] == ["b"]


CENTRED = """import numpy as np
rng = np.random.default_rng(0)
x, y = rng.normal(size=(24, 1)), rng.normal(size=24)
x, y = x - x.mean(), y - y.mean()
w, b = np.zeros(1), 0.0
for epoch in range(20):
    p = np.dot(x, w) + b
    e = p - y
    dw = (1 / 24) * np.dot(x.T, e)
    db = (1 / 24) * np.sum(e)
    w = w - 0.1 * dw
    b = b - 0.1 * db
"""


def test_a_lone_number_beside_a_gradient_that_is_only_rounding_may_have_a_usual_factor(checked):
    """Of centred data the bias has no gradient."""
    _, result = checked(CENTRED)
    assert result.data["ok"] is True and result.data["conventions"] == ["dw"], result.text
    assert checked(CENTRED.replace("* np.dot(x.T, e)", "* -np.dot(x.T, e)"))[1].wrong


NETWORKS = """import numpy as np
rng = np.random.default_rng(0)
X, T = rng.normal(size=(30, 4)), np.eye(3)[rng.integers(0, 3, 30)]


class Net:
    def __init__(self, scale, weight_decay_lambda):
        self.weight_decay_lambda = weight_decay_lambda
        self.W1, self.W2 = scale * rng.normal(size=(4, 8)), scale * rng.normal(size=(8, 3))

    def loss(self):
        self.h = np.tanh(X @ self.W1)
        e = np.exp(self.h @ self.W2)
        self.p = e / e.sum(axis=1, keepdims=True)
        weight_decay = 0
        for W in (self.W1, self.W2):
            weight_decay += 0.5 * self.weight_decay_lambda * np.sum(W ** 2)
        return -np.sum(T * np.log(self.p + 1e-7)) / len(X) + weight_decay

    def gradient(self):
        d = (self.p - T) / len(X)
        dW2 = self.h.T @ d + self.weight_decay_lambda * self.W2
        return {"W1": X.T @ (d @ self.W2.T * (1 - self.h ** 2)) + self.weight_decay_lambda * self.W1, "W2": dW2}


def train(weight_decay, scales):
    nets = {scale: Net(scale, weight_decay) for scale in scales}
    for epoch in range(20):
        for net in nets.values():
            loss = net.loss()
            grads = net.gradient()
            net.W1 -= 0.1 * grads["W1"]
            net.W2 -= 0.1 * grads["W2"]


train(10 ** np.random.default_rng(1).uniform(-6, -4), SCALES)
"""


@pytest.mark.parametrize("scales", ["(1.0,)", "(0.1, 0.5, 1.0)"])
def test_networks_that_are_trained_beside_each_other_have_a_loss_each_and_a_penalty_is_no_parameter(checked, scales):
    """The penalty is made under the name that its share had in the function that chose it."""
    found, result = checked(NETWORKS.replace("SCALES", scales))
    count = scales.count(".")
    assert found.count("W1") == count and "weight_decay" not in found and result.data["ok"] is True, (found, result.text)
    assert len(result.data["stages"]) >= 3 * count and "not judged" not in result.text, result.text
    _, result = checked(NETWORKS.replace("SCALES", scales).replace("(1 - self.h ** 2)", "(1 - self.h)"))
    assert result.text.startswith("net.py:23: WRONG grads['W1']"), result.text
