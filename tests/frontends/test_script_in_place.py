"""Arrays that are written over, and functions that are called for each cell."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.recorder.graph import Graph
from bpdebug.recorder.lineage import Lineage
from bpdebug.session.session import Session


def some(*ways):
    """A third of these each time, all of them in a long run."""
    return [
        pytest.param(*(way if isinstance(way, tuple) else (way,)), marks=[pytest.mark.long] * (n % 3 > 0)) for n, way in enumerate(ways)
    ]


IN_PLACE = """import numpy as np
rng = np.random.default_rng(0)
x, lr, W, g = rng.normal(size=(6, 3)), 0.5, np.eye(3), np.zeros(3)
y, w = (x[:, 0] > 0) * 1.0, rng.normal(size=3)
for epoch in range(6):
    p = 1 / (1 + np.exp(-x @ W @ w))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    g += W @ x.T @ (p - y) / 6
    w -= lr * g
    {}
"""


@pytest.mark.parametrize(
    "change",
    some(
        "g.fill(0)",
        "g[:] = 0",
        "np.copyto(g, 0.0)",
        "w[1:] *= 0.9\n    g[:] = 0",
        "w[1:] /= 2; g.fill(0)",
        "g.fill(0)\n    np.fill_diagonal(W, 1)",
    ),
)
def test_an_array_that_is_written_over_at_the_end_of_an_update_has_its_numbers(checked, change):
    _, result = checked(IN_PLACE.format(change))
    assert result.data["ok"] is True and "g" in result.text, result.text


CELLS = """import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=(6, 2))
y, w, g = (x[:, 0] > 0) * 1.0, rng.normal(size=2), np.zeros(2)
for epoch in range(20):
    for i in range(6):
        p = 1 / (1 + np.exp(-np.dot(x[i], w)))
        d = (p - y[i]) * p * (1 - p)
        g[0] += d * x[i][0]
        g[1] += d * x[i][1]
    w[0] -= 0.5 * g[0]
    w[1] -= 0.5 * g[1]
    {}
"""


@pytest.mark.parametrize(
    "change", some("g.fill(0)", "g[:] = 0", "g *= 0", "np.put(g, [0, 1], 0)", "g[g != 0] = 0", "np.place(g, g != 0, [0])")
)
def test_gradients_of_single_cells_are_cleared_in_any_way(checked, change):
    _, result = checked(CELLS.format(change))
    assert result.data["ok"] is True and "half the squared error of p, added up over 6 samples" in result.text, result.text


LABELS = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(7, 3))
y = (X[:, 0] + X[:, 1] > 0).astype(int)
w, b = np.zeros(3), 0.0
for epoch in range(5):
    dw, db = np.zeros(3), 0.0
    for i in range(7):
        p = 1 / (1 + np.exp(-(np.dot(X[i], w) + b)))
        err = p - y[i]
        dw = dw + err * X[i]
        db = db + err
    w = w - 0.1 * dw / 7
    b = b - 0.1 * db / 7
"""


def test_a_label_that_is_the_number_that_a_bias_had_is_none_that_momentum_keeps(checked):
    _, result = checked(LABELS)
    assert result.data["ok"] is True and "the binary cross-entropy of p, added up over 7 samples" in result.text


BY_CELL = """import math
from math import exp

import numpy as np

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 1))
W1, W2, W3 = rng.normal(size=(4, 8)), rng.normal(size=(8, 6)), rng.normal(size=(6, 1))


def hard(x):
    if x > 1:
        return 1.0
    elif x < -1:
        return -1.0
    return x


def slope(x):
    return 1.0 if -1 <= x <= 1 else 0.0


def sigmoid(x):
    if x >= 0:
        return 1 / (1 + exp(-x))
    return exp(x) / (1 + math.exp(x))


relu, drelu = np.vectorize(lambda x: max(0.0, x)), np.vectorize(lambda x: 1.0 if x > 0 else 0.0)
for epoch in range(20):
    z1 = X @ W1
    a = np.vectorize(hard)(z1)
    z2 = a @ W2
    h = relu(z2)
    o = np.vectorize(sigmoid)(h @ W3)
    loss = np.sum((o - Y) ** 2) / 2
    do = (o - Y) * o * (1 - o)
    dz2 = do @ W3.T * drelu(z2)
    dz1 = dz2 @ W2.T * np.vectorize(slope)(z1)
    W3 -= 0.01 * h.T @ do
    W2 -= 0.01 * a.T @ dz2
    W1 -= 0.01 * X.T @ dz1
"""


def test_a_function_of_a_number_is_seen_as_one_of_arrays_whatever_it_asks_of_a_cell(checked):
    _, result = checked(BY_CELL)
    assert result.data["ok"] is True and {stage["name"] for stage in result.data["stages"]} >= {"dz1", "dz2", "do"}, result.text


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    some(("-1 <= x <= 1", "-1 <= x", 39), ("1.0 if x > 0", "1.0 if x > 0.3", 38), ("o * (1 - o)", "(1 - o)", 37)),
)
def test_a_mistake_beside_such_a_function_is_found(checked, right, wrong, line):
    _, result = checked(BY_CELL.replace(right, wrong))
    assert result.text.startswith(f"net.py:{line}: WRONG"), result.text


def test_a_function_of_a_number_has_the_formula_of_its_branches(checked):
    checked(BY_CELL)
    listed = Session(load_script("net.py", [], 3)).execute("list").text
    assert "a = where(z1 > 1, 1.0, where(z1 < -1, -1.0, z1))" in listed and "h = maximum(0.0, z2)" in listed, listed


def test_one_that_goes_another_way_for_each_cell_is_not_followed_and_computes_the_same(checked):
    text = BY_CELL.replace("if x > 1:", "if round(x * 1000) % 97 == 3:")
    with_many = text.replace("    return x\n", "    while x > 1:\n        x = x - 0.05\n    return x\n", 1)
    _, result = checked(with_many)
    assert result.data["ok"] is not True or "not judged" in result.text, result.text


RAGGED = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 1))
W = np.array([rng.normal(size=(4, 8)), rng.normal(size=(8, 1))], dtype=object)
for epoch in range(20):
    h = np.tanh(X @ W[0])
    o = h @ W[1]
    loss = np.mean((o - Y) ** 2)
    do = 2 * (o - Y) / 30
    dW = np.array([X.T @ (do @ W[1].T * (1 - h ** 2)), h.T @ do], dtype=object)
    {}
print(sum(float(one.sum()) for one in W))
"""
STEPS = ["W = W - 0.1 * dW", "W -= 0.1 * dW", "W += -0.1 * dW", "W[0] -= 0.1 * dW[0]; W[1] = W[1] - 0.1 * dW[1]"]
STEPS += ["W = np.array([w - 0.1 * g for w, g in zip(W, dW)], dtype=object)", "for k in range(2): W[k] -= 0.1 * dW[k]"]


@pytest.mark.parametrize("step", some(*STEPS))
def test_an_array_of_arrays_is_a_list_of_them(checked, capfd, step):
    found, result = checked(RAGGED.format(step))
    assert "parameters W[0] W[1]" in found and result.data["ok"] is True, result.text
    told = {stage["name"] for stage in result.data["stages"] if stage["status"] == "good"}
    assert {"dW[0]", "dW[1]"} <= told
    _, result = checked(RAGGED.format(step).replace("(1 - h ** 2)", "(1 - h)"))
    assert result.text.startswith("net.py:10: WRONG dW[0]"), result.text


def test_a_copy_of_data_is_no_next_version_of_it_but_a_changed_copy_is():
    graph, data = Graph(), np.arange(3.0)
    old = graph.add("", (), data, -1)
    copied = graph.add("copy", (old,), data.copy(), 0)
    copied.slots.append(((0, "sample"), 0, False))
    assert Lineage(graph.nodes).carried(1, 2) == {}
    moved = graph.add("-", (copied, 0.5), copied.value - 0.5, 0)
    moved.slots.append(((0, "weights"), 0, False))
    assert Lineage(graph.nodes).carried(1, 3) == {old: moved}


WITHIN = """import numpy as np
rng = np.random.default_rng(0)
x, y = rng.normal(size=(8, {size})), rng.normal(size=8)
w, b, m = np.ones({size}), 0.1, 8
for epoch in range(30):
    dw, db = np.zeros({size}), 0
    for i in range(m):
        f = w @ x[i] + b
        dw += (f - y[i]) * x[i]
        db += f - y[i]
        {within}
    {after}
    w = w - 0.1 * dw
    b = b - 0.1 * db
"""


@pytest.mark.parametrize("size", some(3, 1))
@pytest.mark.parametrize(
    ("within", "after"), some(("dw /= m", "db /= m"), ("dw = dw / m; db = db / m", ""), ("dw *= 1 / m", "db = db / m"))
)
def test_a_mean_that_is_taken_within_the_loop_belongs_after_it(checked, size, within, after):
    _, result = checked(WITHIN.format(size=size, within=within, after=after or "pass"))
    assert result.text.startswith("net.py:11: WRONG dw"), result.text
    assert size == 1 or "done once, after the loop" in result.text  # of a single number many a factor is as good
    assert checked(WITHIN.format(size=size, within="pass", after=f"{within}; {after}"))[1].data["ok"] is True


DRAWN = """import random

import numpy as np

rng = np.random.default_rng(3)
random.seed(3)
x, w = rng.normal(size=(5, 4)), np.ones(4)


def noisy(v):
    print("seen", type(v).__name__)
    return v + 0.01


for epoch in range(9):
    kept = np.vectorize(lambda v: float(rng.random() < 0.5) * v)(x)
    also = np.vectorize(lambda v: v * random.random())(kept)
    z = np.vectorize(noisy)(also @ w)
    loss = np.sum(z ** 2)
    dw = 2 * also.T @ z
    w = w - 0.01 * dw
    print("loss", loss)
"""


def test_what_is_called_for_each_cell_draws_and_prints_no_more_than_it_does_alone(checked, capfd):
    checked(DRAWN)
    seen = capfd.readouterr().err.splitlines()
    alone = subprocess.run([sys.executable, "net.py"], capture_output=True, text=True, check=True).stdout.splitlines()
    count = sum(line.startswith("loss") for line in seen)
    ours = [line for line in seen if line.startswith(("loss", "seen"))]
    assert count >= 3 and ours == alone[: len(ours)]
