"""What is done with scripts that compute very much: nothing runs on in silence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bpdebug.core.errors import BpdebugError
from bpdebug.core.tree import Binary, Name, names
from bpdebug.frontends.numpy_script import patience, recording
from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.session.session import Session

SCRIPTS = Path(__file__).parents[1] / "cases" / "scripts"
DEEP = """
import numpy as np
def total(values):
    return values[0] + total(values[1:]) if values else 0.0
w = np.ones(3)
x = np.arange(3.0)
for epoch in range(9):
    loss = total([0.001 * np.sum((w * x - k) ** 2) for k in range(450)])
    dw = sum(0.002 * (w * x - k) * x for k in range(450))
    w = w - 0.01 * dw
"""
SAMPLES = """
import numpy as np
rng = np.random.default_rng(0)
xs = rng.random(COUNT)
ys = 3 * xs + 1
m, b = 0.0, 0.0
for epoch in range(20):
    dm = db = 0.0
    for i in range(len(xs)):
        error = ys[i] - (m * xs[i] + b)
        dm += -2 * xs[i] * error
        db += -2 * error
    m = m - dm / len(xs) * 0.1
    b = b - db / len(xs) * 0.1
"""
SCALARS = """
import random
w = [random.random() for _ in range(400)]
for epoch in range(50):
    grads = [0.0] * 400
    for sample in range(400):
        out = 0.0
        for k in range(400):
            out = out + w[k] * (k % 7)
        for k in range(400):
            grads[k] = grads[k] + 2 * (out - sample) * (k % 7)
    for k in range(400):
        w[k] = w[k] - 1e-9 * grads[k]
"""


@pytest.fixture(autouse=True)
def _somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_search_that_takes_too_long_is_ended_and_said_so(monkeypatch):
    text = (SCRIPTS / "lists.py").read_text("utf-8")
    Path("lists.py").write_text(text.replace("da * sigmoid_derivative(a[l + 1])", "da * sigmoid_derivative(z[l])"), "utf-8")
    said = "not every repair was tried, since the search ends after"
    assert said not in Session(load_script("lists.py", [], 3)).execute("check").text
    monkeypatch.setattr(patience, "_SECONDS", 0.0)
    assert said in Session(load_script("lists.py", [], 3)).execute("check").text


def test_an_update_of_too_many_statements_is_not_analysed_and_the_number_said(monkeypatch):
    monkeypatch.setattr(recording, "_MOST", 20)
    with pytest.raises(BpdebugError, match=r"lists\.py: an update of the loop at .*lists\.py:\d+ makes \d+ statements; with more than 20 "):
        load_script(str(SCRIPTS / "lists.py"), [], 3)


CHECKED = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(40, 200)), rng.normal(size=(40, 10))
P = {"W1": 0.1 * rng.normal(size=(200, 60)), "W2": 0.1 * rng.normal(size=(60, 10))}
def loss_of(P):
    h = np.tanh(X @ P["W1"])
    return np.mean((h @ P["W2"] - Y) ** 2)
def gradients(P):
    h = np.tanh(X @ P["W1"])
    o = h @ P["W2"]
    d = 2 * (o - Y) / o.size
    return {"W2": h.T @ d, "W1": X.T @ (d @ P["W2"].T * (1 - h ** 2))}
def numerical(f, x):
    g, it = np.zeros_like(x), np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        i = it.multi_index
        old = x[i]
        x[i] = old + 1e-4
        up = f(P)
        x[i] = old - 1e-4
        down = f(P)
        x[i] = old
        g[i] = (up - down) / 2e-4
        it.iternext()
    return g
back = gradients(P)
for key in P:
    print(key, np.abs(numerical(loss_of, P[key]) - back[key]).mean())
for epoch in range(200):
    loss = loss_of(P)
    grads = gradients(P)
    for key in P:
        P[key] -= 0.1 * grads[key]
"""


@pytest.mark.long
def test_a_training_is_found_after_its_gradients_were_checked_by_differences():
    Path("checked.py").write_text(CHECKED, "utf-8")
    session = Session(load_script("checked.py", [], 3))
    assert "parameters P['W1'] P['W2']" in session.program.scenario.description and not session.execute("check").wrong


@pytest.mark.long
def test_an_update_of_too_large_arrays_is_told_with_what_would_fit():
    text = (
        "import numpy as np\nW, X = np.ones(4000), np.ones((4000, 4000))\nfor epoch in range(9):\n    Z = X * W\n    dW = Z.sum(axis=0)\n"
    )
    Path("large.py").write_text(f"{text}    A, B = Z + 1, Z - 1\n    W = W - 1e-3 * dW\n", "utf-8")
    with pytest.raises(BpdebugError, match="its arrays take more than 256 MB; with a smaller batch"):
        load_script("large.py", [], 3)


@pytest.mark.long
def test_a_script_of_single_numbers_is_given_up_before_it_has_taken_a_minute():
    Path("scalars.py").write_text(SCALARS, "utf-8")
    with pytest.raises(BpdebugError, match=re.escape("no whole update was found in what could be recorded")):
        load_script("scalars.py", [], 3)


def test_a_loss_of_more_samples_than_are_added_up_is_no_part_of_it():
    Path("some.py").write_text(SAMPLES.replace("COUNT", "20"), "utf-8")
    assert not Session(load_script("some.py", [], 3)).execute("check").wrong
    Path("many.py").write_text(SAMPLES.replace("COUNT", "220"), "utf-8")
    with pytest.raises(BpdebugError, match="no loss was found"):
        load_script("many.py", [], 3)


def test_a_recursion_that_python_allows_is_allowed():
    Path("deep.py").write_text(DEEP, "utf-8")
    assert load_script("deep.py", [], 3).ending == ""


def test_the_names_of_a_formula_that_stands_within_itself_many_times_are_found_at_once():
    tree = Binary("+", Name("a"), Name("b"))
    for _ in range(60):
        tree = Binary("*", tree, tree)
    assert names(tree) == ("a", "b")
