"""A step saved in one line."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from bpdebug.testing import snapshot


def load(path):
    with np.load(path) as found:
        return {name: found[name] for name in found}


def test_names_are_as_they_are_and_only_numbers_are_saved(tmp_path):
    x, loss, m, rate = np.ones((2, 3)), 0.5, 2, np.float32(0.1)
    params, W = {"W1": np.eye(2), "name": "xor"}, [np.zeros(2), np.ones(1)]
    step = {"x": x, "loss": loss, "m": m, "rate": rate, "params": params, "W": W, "text": "no", "np": np, "sin": math.sin, "f": load}
    step |= {"file": np.arange(2), "none": None, "labels": [0, 1, 1], "__name__": "no", "z": 1j, "mask": np.array([True, False])}
    found = load(snapshot(step, tmp_path / "mine.npz"))
    assert set(found) == {"x", "loss", "m", "rate", "params['W1']", "W[0]", "W[1]", "file", "labels", "mask"}
    assert found["labels"].tolist() == [0, 1, 1]
    assert (found["params['W1']"] == np.eye(2)).all()


def test_locals_with_an_object(tmp_path):
    class Net:
        def __init__(self):
            self.W1, self.layer, self.me = np.ones(2), SimpleNamespace(b=np.zeros(1)), self

        def step(self, x):
            dz1 = x * 2
            return snapshot(locals(), tmp_path / "mine", update=3), dz1

    path, _ = Net().step(np.ones(2))
    assert path == tmp_path / "mine-3.npz"
    assert set(load(path)) == {"x", "dz1", "self.W1", "self.layer.b"}


class Tensor:
    """A framework's tensor with its gradient."""

    def __init__(self, value, grad=None):
        self.value, self.grad = np.asarray(value), grad

    def __array__(self, dtype=None, copy=None):
        return np.array(self.value, dtype)


def test_a_tensor_and_its_gradient(tmp_path):
    found = load(snapshot({"W1": Tensor([1.0, 2.0], Tensor([3.0, 4.0]))}, tmp_path / "mine.npz"))
    assert found["W1.grad"].tolist() == [3, 4]


def test_nothing_to_save_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no array"):
        snapshot({"name": "xor", "np": np}, tmp_path / "mine.npz")
