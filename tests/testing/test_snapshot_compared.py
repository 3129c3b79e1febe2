"""A training step of the tutorial's network, as a user writes it, saved in one line and read by ``bpdebug compare``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bpdebug.cli import main
from bpdebug.testing import snapshot

X, Y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def with_variables(path, factor=1.0):
    """Everything is a local variable."""
    x, y, learning_rate = X, Y, 0.1
    np.random.seed(0)
    W1, b1 = np.random.randn(2, 4), np.zeros((1, 4))
    W2, b2 = np.random.randn(4, 1), np.zeros((1, 1))
    z1 = x @ W1 + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    loss = -np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2))
    dz2 = a2 - y
    dW2, db2 = a1.T @ dz2, dz2.sum(axis=0, keepdims=True)
    dz1 = factor * (dz2 @ W2.T) * a1 * (1 - a1)
    dW1, db1 = x.T @ dz1, dz1.sum(axis=0, keepdims=True)
    W1_new, b1_new = W1 - learning_rate * dW1, b1 - learning_rate * db1
    W2_new, b2_new = W2 - learning_rate * dW2, b2 - learning_rate * db2
    snapshot(locals(), path)
    return loss, W1_new, b1_new, W2_new, b2_new


def with_dicts(path, factor=1.0):
    """Parameters, activations and gradients are in dicts."""
    np.random.seed(0)
    params = {"W1": np.random.randn(2, 4), "b1": np.zeros(4), "W2": np.random.randn(4, 1), "b2": np.zeros(1)}
    cache = {"z1": X @ params["W1"] + params["b1"]}
    cache["a1"] = sigmoid(cache["z1"])
    cache["z2"] = cache["a1"] @ params["W2"] + params["b2"]
    cache["a2"] = sigmoid(cache["z2"])
    loss = float(-np.sum(Y * np.log(cache["a2"]) + (1 - Y) * np.log(1 - cache["a2"])))
    grads = {"dz2": cache["a2"] - Y}
    grads["dW2"], grads["db2"] = cache["a1"].T @ grads["dz2"], grads["dz2"].sum(axis=0)
    grads["dz1"] = factor * (grads["dz2"] @ params["W2"].T) * cache["a1"] * (1 - cache["a1"])
    grads["dW1"], grads["db1"] = X.T @ grads["dz1"], grads["dz1"].sum(axis=0)
    x, y = X, Y
    snapshot(locals(), path)
    return loss, x, y


@pytest.mark.parametrize("step", [with_variables, with_dicts])
def test_names_pair_and_right_numbers_agree(step, tmp_path, capsys):
    step(tmp_path / "mine.npz")
    status = main(["compare", "xor", str(tmp_path / "mine.npz"), "--json"])
    told = json.loads(capsys.readouterr().out)
    stages = {stage["name"]: stage["status"] for stage in told["stages"]}
    named = ("z1", "a1", "z2", "a2", "loss", "dz2", "dW2", "db2", "dz1", "dW1", "db1")
    assert {stages[name] for name in named} <= {"exact", "approximate"}, stages
    assert set(stages.values()) <= {"exact", "approximate", "missing"}, stages
    assert status == 0
    step(tmp_path / "mine.npz", 2.0)
    assert main(["compare", "xor", str(tmp_path / "mine.npz"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["culprit"] == "dz1"
