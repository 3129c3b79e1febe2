"""The derivative of another activation than the one of the forward pass; parameters that are moved all at once; NumPy's other names."""

from __future__ import annotations

import numpy as np
import pytest

from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.spelling import SPELLINGS
from bpdebug.recorder.spelled import SAME, SPECIAL, UnwritableError, called

NET = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(12, 3))
Y, W1, W2 = (X[:, :1] > 0) * 1.0, rng.normal(size=(3, 5)), rng.normal(size=(5, 1))
def slope(v):
    return {slope}
for epoch in range(6):
    z1 = X @ W1
    a1 = {value}
    p = 1 / (1 + np.exp(-a1 @ W2))
    loss = -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p))
    dz2 = (p - Y) / 12
    dW2 = a1.T @ dz2
    {way}
    W1 -= 0.1 * dW1
    W2 -= 0.1 * dW2
"""
VALUES = {"sigmoid": "1 / (1 + np.exp(-z1))", "tanh": "np.tanh(z1)", "relu": "np.maximum(z1, 0)"}
SLOPES = {"sigmoid": "v * (1 - v)", "tanh": "1 - v ** 2", "relu": "np.where(v <= 0, 0, 1)"}
WAYS = {
    "within": ("dW1 = X.T @ (dz2 @ W2.T * slope(a1))", 6),
    "a line": ("s = {}; dW1 = X.T @ (dz2 @ W2.T * s)", 14),
    "inline": ("dW1 = X.T @ (dz2 @ W2.T * ({}))", 14),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("value", "slope"), [(value, slope) for value in VALUES for slope in SLOPES if value != slope])
def test_the_derivative_of_another_activation_is_named_at_its_line(checked, way, value, slope):
    text, line = WAYS[way]
    text = text.format(SLOPES[slope].replace("v", "a1"))
    _, result = checked(NET.format(slope=SLOPES[slope], value=VALUES[value], way=text))
    assert result.data["ok"] is False
    assert f"net.py:{line}: WRONG" in result.text.splitlines()[0]
    assert "the derivative of another activation" in result.text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", VALUES)
def test_the_derivative_of_the_same_activation_is_right(checked, way, value):
    text = WAYS[way][0].format(SLOPES[value].replace("v", "a1"))
    assert checked(NET.format(slope=SLOPES[value], value=VALUES[value], way=text))[1].data["ok"] is True


AT_ONCE = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(12, 3))
Y = (X[:, :1] > 0) * 1.0
weights, biases = [rng.normal(size=(3, 4)), rng.normal(size=(4, 1))], [np.zeros((1, 4)), np.zeros((1, 1))]
velocity = 0
def flat(ws, bs):
    return {join}([w.{flatten} for w in ws] + [b.{flatten} for b in bs])
def apart(theta):
    ws, bs, start = [], [], 0
    for rows, columns in ((3, 4), (4, 1)):
        part = theta[start:start + rows * columns]
        ws.append(part.reshape(rows, columns))
        start += rows * columns
    for columns in (4, 1):
        bs.append(theta[start:start + columns].reshape(1, columns))
        start += columns
    return ws, bs
for epoch in range(6):
    a1 = np.tanh(X @ weights[0] + biases[0])
    p = 1 / (1 + np.exp(-(a1 @ weights[1] + biases[1])))
    loss = -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p))
    d2 = (p - Y) / 12
    d1 = d2 @ weights[1].T * (1 - a1 ** 2)
    grads = flat([X.T @ d1, a1.T @ d2], [d1.sum(0, keepdims=True), d2.sum(0, keepdims=True)])
    {step}
"""
STEPS = (
    "weights, biases = apart(flat(weights, biases) - 0.1 * grads)",
    "velocity = 0.0 * velocity - 0.1 * np.nan_to_num(grads); weights, biases = apart(flat(weights, biases) + velocity)",
    "theta = flat(weights, biases); theta -= 0.1 * grads; weights, biases = apart(theta)",
)


@pytest.mark.parametrize(
    ("join", "flatten"), [("np.concatenate", "flatten()"), ("np.hstack", "ravel()"), ("np.concatenate", "reshape(-1)")]
)
@pytest.mark.parametrize("step", STEPS)
def test_parameters_that_are_laid_in_one_row_moved_and_taken_apart_are_parameters(checked, step, join, flatten):
    text = AT_ONCE.format(step=step, join=join, flatten=flatten)
    _, result = checked(text)
    assert result.data["ok"] is True and "not judged" not in result.text, result.text
    _, wrong = checked(text.replace("(1 - a1 ** 2)", "(1 - a1)"))
    assert wrong.data["ok"] is False and "net.py:24: WRONG" in wrong.text.splitlines()[0], wrong.text


BY_DESIGN = {"arange": "it makes data", "split": "it has a rule of its own", "list": "Python's own"}


def test_what_the_language_reads_of_numpy_is_written_by_the_recorder():
    names = [name for name in (*FUNCTIONS, *SPELLINGS) if hasattr(np, name) or hasattr(np.linalg, name)]
    lacking = list[str]()
    for name in names:
        try:
            called(name, "", ["x"], {})
        except UnwritableError:
            lacking += [name] * (name not in SAME and name not in SPECIAL)
    assert len(names) > 60 and {*lacking} <= {*BY_DESIGN}


DEEP = """import numpy as np
rng = np.random.default_rng(0)
def relu_back(dA, Z):
    dZ = np.array(dA, copy=True)
    dZ[{mask} <= 0] = 0
    return dZ
sizes, P = [2, 5, 6, 6, 4, 1], {{}}
for l in range(1, 6):
    P[f"W{{l}}"], P[f"b{{l}}"] = rng.normal(size=(sizes[l], sizes[l - 1])) * 0.7, rng.normal(size=(sizes[l], 1)) * 0.1
X = rng.normal(size=(2, 40))
Y = (X[:1] * X[1:] > 0) * 1.0
for epoch in range(6):
    M = {{"A0": X}}
    for l in range(1, 6):
        Z = P[f"W{{l}}"] @ M[f"A{{l - 1}}"] + P[f"b{{l}}"]
        M[f"Z{{l}}"] = Z
        M[f"A{{l}}"] = np.maximum(0, Z) if l < 5 else 1 / (1 + np.exp(-Z))
    A = M["A5"]
    cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dA, G = (1 - Y) / (1 - A) - Y / A, {{}}
    for l in range(5, 0, -1):
        Z = M[f"Z{{l}}"]
        dZ = relu_back(dA, Z) if l < 5 else dA / (1 + np.exp(-Z)) * (1 - 1 / (1 + np.exp(-Z)))
        G[f"W{{l}}"] = dZ @ M[f"A{{l - 1}}"].T / {m}
        G[f"b{{l}}"] = np.sum(dZ, axis=1, keepdims=True) / {m}
        dA = P[f"W{{l}}"].T @ dZ
    for k in P:
        P[k] = P[k] - {rate} * G[k]
"""


@pytest.mark.parametrize(
    ("m", "said"), [("40", "every gradient is the right one"), ("len(dZ)", "each gradient is a multiple of the right one")]
)
def test_a_mask_of_the_wrong_value_is_named_in_layers_of_several_sizes_beside_a_wrong_divisor_too(checked, m, said):
    _, result = checked(DEEP.format(mask="dZ", m=m, rate=0.1))
    assert "net.py:5: WRONG" in result.text.splitlines()[0] and said in result.text, result.text


def test_a_net_that_the_first_step_kills_is_judged_by_what_came_before(checked):
    _, result = checked(DEEP.format(mask="dZ", m=40, rate=400))
    assert result.data["ok"] is False and "net.py:5: WRONG" in result.text.splitlines()[0], result.text
    _, right = checked(DEEP.format(mask="Z", m=40, rate=400))
    assert right.data["ok"] is True, right.text


def test_of_what_never_has_a_gradient_is_said_that_it_is_not_judged(checked):
    text = DEEP.format(mask="Z", m=40, rate=0.1).replace("np.maximum(0, Z) if l < 5", "np.maximum(0, Z - 90 * (l == 3)) if l < 5")
    _, result = checked(text)
    assert "not judged: P['W1'], P['b1'], P['W2']" in result.text and "whose gradient is 0 in each update that is kept" in result.text, (
        result.text
    )


BOUNDED = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(30, 2)), rng.integers(0, 3, 30)
W1, b1, W2, b2 = {size} * rng.normal(size=(2, 40)), np.zeros((1, 40)), {size} * rng.normal(size=(40, 3)), np.zeros((1, 3))
for epoch in range(6):
    z1 = X @ W1 + b1
    a1 = np.maximum(0, z1)
    e = np.exp(a1 @ W2 + b2 - np.max(a1 @ W2 + b2, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    loss = np.mean(-np.log({bound}[np.arange(30), Y]))
    d2 = p.copy()
    d2[np.arange(30), Y] -= 1
    d2 /= 30
    d1 = d2 @ W2.T * (z1 > 0)
    W2 -= 0.1 * a1.T @ d2
    b2 -= 0.1 * {bias}
    W1 -= 0.1 * X.T @ d1
    b1 -= 0.1 * np.sum(d1, axis=0, keepdims=True)
"""


@pytest.mark.parametrize("bound", ["np.clip(p, 1e-7, 1 - 1e-7)", "np.maximum(p, 1e-12)", "np.maximum(1e-9, p)", "(p + 1e-12)"])
def test_gradients_that_leave_out_the_bound_of_a_logarithm_are_right_where_it_is_reached(checked, bound):
    bias = "np.sum(d2, axis=0, keepdims=True)"
    _, result = checked(BOUNDED.format(size=2.5, bound=bound, bias=bias))
    assert result.data["ok"] is True and "right where the loss is not bounded" in result.text, result.text
    _, wrong = checked(BOUNDED.format(size=2.5, bound=bound, bias=bias.replace("sum", "mean")))
    assert wrong.data["ok"] is False and "net.py:16: WRONG" in wrong.text.splitlines()[0], wrong.text


BIASES = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
Y = (X[:, :1] > 0) * 1.0
W1, W2, b1, b2 = rng.normal(size=(3, 5)) * 0.5, rng.normal(size=(5, 1)) * 0.5, np.zeros((1, 5)), np.zeros((1, 1))
for epoch in range(6):
    a1 = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-a1 @ W2 - b2))
    error = {} * (Y - p) ** 2
    dz2 = (p - Y) * p * (1 - p)
    dW2 = a1.T @ dz2
    db2 = np.sum(dz2, axis=0, keepdims=True)
    dz1 = dz2 @ W2.T * (1 - a1 ** 2)
    dW1 = X.T @ dz1
    db1 = np.sum({}, axis=0, keepdims=True)
    W1, W2, b1, b2 = W1 - 0.1 * dW1, W2 - 0.1 * dW2, b1 - 0.1 * db1, b2 - 0.1 * db2
"""


def test_a_sum_of_the_weights_gradient_in_the_place_of_that_of_the_values_below_is_named(checked):
    _, result = checked(BIASES.format(0.5, "dW1"))
    assert "net.py:15: WRONG" in result.text.splitlines()[0] and "sum(dz1, axis=0, keepdims=True) there" in result.text, result.text


def test_errors_below_0_are_raised_and_no_sign_of_their_gradients_is_wrong(checked):
    _, result = checked(BIASES.format(-0.5, "dz1"))
    assert result.data["ok"] is True, result.text
