"""Parameters in one flat array, as SciPy's optimizers take them, and penalties that are small."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.recorder.keys import KEYS
from bpdebug.session.session import Session

SPARSE = """import numpy as np
from scipy import optimize
rng = np.random.default_rng(0)
visible, hidden, m = 8, 4, 40
rho, lam, beta = 0.05, 1e-4, 3.0
patches = rng.uniform(0.1, 0.9, (visible, m))
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
def cost(theta, data):
    W1 = theta[:hidden * visible].reshape(hidden, visible)
    W2 = theta[hidden * visible:2 * hidden * visible].reshape(visible, hidden)
    b1 = theta[2 * hidden * visible:2 * hidden * visible + hidden]
    b2 = theta[2 * hidden * visible + hidden:]
    a2 = sigmoid(W1 @ data + b1[:, None])
    a3 = sigmoid(W2 @ a2 + b2[:, None])
    rho_hat = a2.mean(axis=1)
    kl = rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))
    J = np.sum((a3 - data) ** 2) / (2 * m) + lam / 2 * (np.sum(W1 ** 2) + np.sum(W2 ** 2)) + beta * np.sum(kl)
    d3 = (a3 - data) * a3 * (1 - a3)
    sparsity = beta * (-rho / rho_hat + (1 - rho) / (1 - rho_hat))
    d2 = (W2.T @ d3 + sparsity[:, None]) * a2 * (1 - a2)
    gW2 = d3 @ a2.T / m + lam * W2
    gW1 = d2 @ data.T / m + lam * W1
    gb2 = d3.mean(axis=1)
    gb1 = d2.mean(axis=1)
    return J, np.concatenate([gW1.ravel(), gW2.ravel(), gb1, gb2])
theta = np.concatenate([rng.uniform(-0.6, 0.6, 2 * hidden * visible), np.zeros(hidden + visible)])
"""
MINIMIZE = 'result = optimize.minimize(cost, theta, args=(patches,), jac=True, method="L-BFGS-B", options={"maxiter": 5})\n'
WAYS = (
    MINIMIZE,
    "best = optimize.fmin_cg(lambda t: cost(t, patches)[0], theta, lambda t: cost(t, patches)[1], maxiter=5, disp=False)\n",
    "best, value, info = optimize.fmin_l_bfgs_b(func=cost, x0=theta, args=(patches,), maxiter=5)\n",
    "result = optimize.minimize(fun=lambda t: cost(t, patches)[0], x0=theta, jac=lambda t: cost(t, patches)[1], options={'maxiter': 5})\n",
)


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """What a check says of a script."""
    pytest.importorskip("scipy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)

    def check(text):
        Path("sparse.py").write_text(text, "utf-8")
        session = Session(load_script("sparse.py", [], 3))
        return session.program, session.execute("check")

    return check


@pytest.mark.parametrize("way", WAYS)
def test_what_an_optimizer_of_scipy_minimizes_is_judged_part_by_part(checked, way):
    program, result = checked(SPARSE + way)
    assert result.data["ok"] is True
    assert {*program.parameters} == {"W1", "W2", "b1", "b2"}
    assert "not judged" not in result.text
    assert "steps of plain gradient descent with the function that" in program.scenario.description


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("+ lam * W1\n", "\n", 23),
        ("gW2 = d3 @ a2.T / m", "gW2 = d3 @ a2.T", 22),
        ("(a3 - data) * a3 * (1 - a3)", "(a3 - data) * (1 - a3)", 19),
        ("gb1 = d2.mean(axis=1)", "gb1 = d2.sum(axis=1)", 25),
    ],
)
def test_a_mistake_in_what_it_minimizes_is_named_first(checked, right, wrong, line):
    assert right in SPARSE
    _, result = checked(SPARSE.replace(right, wrong) + MINIMIZE)
    assert result.text.startswith(f"sparse.py:{line}: WRONG"), result.text


def test_without_a_gradient_there_is_no_update(checked):
    with pytest.raises(Exception, match="no loop was found"):
        checked(SPARSE + "optimize.minimize(lambda t: cost(t, patches)[0], theta, method='Nelder-Mead', options={'maxiter': 3})\n")


UNWRITTEN = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
W1, W2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for i in range(10):
    h = np.tanh(X @ W1)
    p = h @ W2
    loss = 0.5 * np.mean(np.sum((p - Y) ** 2, axis=1))
    d = (p - Y) / len(X)
    dW2 = np.apply_along_axis(np.sum, 0, h[:, :, None] * d[:, None, :])
    dz = d @ W2.T * (1 - h ** 2)
    dW1 = X.T @ dz
    W1 -= 0.1 * dW1
    W2 -= 0.1 * dW2
"""
OTHERS = (
    "optimize.fsolve(lambda t: t**3 - np.array([1.0, 8.0]), [0.5, 3.0], fprime=lambda t: np.diag(3 * t**2))",
    "optimize.root(lambda t: (t**2 - 2, np.diag(2 * t)), np.ones(3), jac=True)",
    "optimize.curve_fit(lambda x, a: a * x, np.arange(4.0), 2 * np.arange(4.0), jac=lambda x, a: x[:, None])",
    "optimize.linear_sum_assignment(np.eye(3))",
    "optimize.minimize(lambda t: 1 / 0 if t[0] > 1.02 else (t[0] ** 2, -2 * t), np.ones(2), jac=True, options={'maxiter': 0})",
)


@pytest.mark.parametrize("call", OTHERS)
def test_what_is_no_minimum_or_fails_out_of_the_way_does_not_stop_a_script(checked, call):
    script = f"from scipy import optimize\n{UNWRITTEN.replace('for i in', f'{call}{chr(10)}for i in')}"
    _, result = checked(script)
    assert result.data["ok"] is True


def test_the_subscripts_take_the_cells_that_numpy_takes():
    rng = np.random.default_rng(1)
    for shape, k in itertools.product([(3, 5), (5, 3), (4, 4)], range(-3, 4)):
        x = rng.normal(size=shape)
        assert np.array_equal(x[KEYS["diag"](x, k)], np.diag(x, k))


def test_a_gradient_that_no_formula_gives_is_held_against_the_derived_one(checked):
    _, right = checked(UNWRITTEN)
    assert right.data["ok"] is True
    assert {one["name"]: one["status"] for one in right.data["stages"]}["dW2"] == "good"
    _, wrong = checked(UNWRITTEN.replace("d[:, None, :])", "d[:, None, :] ** 2)"))
    assert wrong.text.startswith("sparse.py:10: WRONG dW2"), wrong.text
    again = "d = np.add.reduceat(X, [0])[0] * 0 + 1\nfor i in range(10):\n    h = np.apply_along_axis(np.tanh, 1, X @ W1)"
    _, before = checked(UNWRITTEN.replace("for i in range(10):\n    h = np.tanh(X @ W1)", again))
    assert "not judged: what leads to W1, since h" in before.text  # a forward line that no formula gives
    assert before.data["ok"] is True


def test_rows_that_a_subscript_adds_once_are_told_from_those_that_add_at_adds(checked):
    script = """import numpy as np
rng = np.random.default_rng(0)
E, W = rng.normal(size=(6, 3)), rng.normal(size=(3, 2))
T = rng.normal(size=(9, 2))
words = np.array([0, 2, 2, 5, 1, 0, 3, 3, 2])
for i in range(10):
    x = E[words]
    p = x @ W
    loss = 0.5 * np.sum((p - T) ** 2)
    dp = p - T
    dW = x.T @ dp
    dx = dp @ W.T
    dE = np.zeros_like(E)
    np.add.at(dE, words, dx)
    W -= 0.01 * dW
    E -= 0.01 * dE
"""
    assert checked(script)[1].data["ok"] is True
    _, wrong = checked(script.replace("np.add.at(dE, words, dx)", "dE[words] += dx"))
    assert wrong.text.startswith("sparse.py:14: WRONG dE"), wrong.text
