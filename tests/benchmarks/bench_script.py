"""What recording a script costs: CPU time of its process over 1,000 updates beside that of the script alone, imports taken off.

While the recorder rests it is over 20,000 updates.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from bpdebug.frontends.numpy_script import child
from bpdebug.frontends.numpy_script.asked import Asked

XOR = """
import numpy as np

np.random.seed(0)
X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
W, b = [np.random.randn(2, 2), np.random.randn(2, 1)], [np.zeros((1, 2)), np.zeros((1, 1))]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


for i in range(1000):
    a1 = sigmoid(np.dot(X, W[0]) + b[0])
    a2 = sigmoid(np.dot(a1, W[1]) + b[1])
    loss = -y * np.log(a2) - (1 - y) * np.log(1 - a2)
    da2 = -y / a2 + (1 - y) / (1 - a2)
    dz2 = da2 * a2 * (1 - a2)
    dW2 = np.dot(a1.T, dz2)
    db2 = np.sum(dz2, axis=0, keepdims=True)
    da1 = np.dot(dz2, W[1].T)
    dz1 = da1 * a1 * (1 - a1)
    dW1 = np.dot(X.T, dz1)
    db1 = np.sum(dz1, axis=0, keepdims=True)
    W[1] -= 0.1 * dW2
    b[1] -= 0.1 * db2
    W[0] -= 0.1 * dW1
    b[0] -= 0.1 * db1
"""
DIGITS = """
import numpy as np

rng = np.random.default_rng(0)
X, Y = rng.random((640, 784)), np.eye(10)[rng.integers(0, 10, 640)]
W1, b1 = rng.standard_normal((784, 128)) * 0.05, np.zeros(128)
W2, b2 = rng.standard_normal((128, 10)) * 0.1, np.zeros(10)
for step in range(1000):
    rows = np.arange(64) + 64 * (step % 10)
    x, t = X[rows], Y[rows]
    z1 = x @ W1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ W2 + b2
    e = np.exp(z2 - z2.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.sum(t * np.log(p + 1e-12), axis=1))
    dz2 = (p - t) / 64
    dW2, db2 = a1.T @ dz2, dz2.sum(axis=0)
    dz1 = (dz2 @ W2.T) * (z1 > 0)
    dW1, db1 = x.T @ dz1, dz1.sum(axis=0)
    W1 -= 0.1 * dW1
    b1 -= 0.1 * db1
    W2 -= 0.1 * dW2
    b2 -= 0.1 * db2
"""
UNKNOWN = "i = 0\nwhile i < 1000:\n    i += 1"
RESTING = "for i in range(1_000_000):\n    if i == 20_000:\n        break"


def cpu(act):
    """The least of three."""

    def once():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        act()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


@pytest.mark.parametrize(
    ("what", "text", "target"),
    [
        ("XOR", XOR, 8),
        ("XOR, in a loop whose end is not known", XOR.replace("for i in range(1000):", UNKNOWN), 8),
        ("XOR, while the recorder rests", XOR.replace("for i in range(1000):", RESTING), 1.5),
        ("784-128-10, batch 64", DIGITS, 2.5),
    ],
)
def test_recording_costs_little(what, text, target, tmp_path, monkeypatch, measured):
    monkeypatch.chdir(tmp_path)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    Path("train.py").write_text(text, "utf-8")
    Path("nothing.py").write_text("import numpy", "utf-8")
    files = ("train.py", "nothing.py")
    plain, empty = (cpu(lambda name=name: subprocess.run([sys.executable, name], check=True, env=os.environ)) for name in files)
    recorded, started = (cpu(lambda name=name: child.record(Asked(name))) for name in files)
    ratio = (recorded - started) / (plain - empty)
    measured(f"{what}: the script recorded to the script alone", f"{ratio:.2f}", f"≤ {target}")
    assert ratio <= 1.3 * target
