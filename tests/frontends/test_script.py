"""Scripts of one's own: run once, recorded, and debugged under their own names."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bpdebug.core.errors import BpdebugError
from bpdebug.core.network import Phase
from bpdebug.frontends.numpy_script import child
from bpdebug.frontends.numpy_script.asked import Asked
from bpdebug.frontends.numpy_script.recording import read
from bpdebug.frontends.numpy_script.rows import with_rows
from bpdebug.frontends.numpy_script.script import load_script, scenario_of
from bpdebug.session.command_completion import complete_command
from bpdebug.session.session import Session

SCRIPTS = Path(__file__).parents[1] / "cases" / "scripts"
TRUTHS = {
    line.split()[0]: line.split(maxsplit=3)[1:] for line in (SCRIPTS / "truths.txt").read_text("utf-8").splitlines() if line[0] != "#"
}
NAMES = tuple(path.stem for path in sorted(SCRIPTS.glob("*.py")))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def copied(name, old="", new=""):
    """A script in the present folder, with one place changed; its name."""
    text = (SCRIPTS / f"{name}.py").read_text("utf-8")
    assert old in text
    Path(f"{name}.py").write_text(text.replace(old, new, 1) if old else text, "utf-8")
    return f"{name}.py"


def judged(name, *change):
    """What a check says of a script in each of its first updates: the data of the first that accuses, else of the first update."""
    session = Session(load_script(copied(name, *change), [], 3))
    found = []
    for update in range(session.position.updates):
        session.execute(f"goto update {update}")
        found.append(session.execute("check"))
        if found[-1].wrong:
            return found[-1]
    return found[0]


OFTEN = ("adam", "classes", "dropout", "layers", "lists", "momentum", "noloss", "polyfit")
"""Tried each time; the others in a long run."""
SLOW = ("appended", "batchnorm", "engine", "flow", "functions", "gates", "gru", "nielsen", "pooled", "ppo", "prenorm", "rnn", "vae")
SINGLE = {"b1", "b2", "b3"}
PARTLY = {"scalars": SINGLE, "nesterov": {"velocity"}, "lstm": {"by"}, "partition": {"W"}, "triplet": {"b[1]"}}
"""Parameters without a gradient stage of their own: it is 0, of some rows only, or another tensor's gradient under a second name."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name not in OFTEN)) for name in NAMES])
def test_right_code_is_judged_and_not_accused_and_stepping_gives_the_recorded_numbers(name):
    asked = Asked(copied(name), updates=3)
    recording = read(child.record(asked), asked.source)
    session = Session(scenario_of(recording, asked))
    program, bits, end = session.program, 0, session.program.end_of(Phase.BACKWARD)
    assert {*program.parameters} - {*program.gradients} == PARTLY.get(name, set())
    loop, line, pairs = TRUTHS[name]
    assert session.program.scenario.description.startswith(f"loop {name}.py:{loop}, ")
    assert re.search(rf"loss = [^;]*?\b{line}\)?;", session.program.scenario.description)
    assert ", ".join(f"{tensor}: {gradient}" for tensor, gradient in program.gradients.items() if tensor in program.parameters) == pairs
    for update, values in zip(recording.kept, with_rows(recording).values, strict=False):
        session.execute(f"goto update {update}")
        result = session.execute("check")
        assert result.data["ok"] is True, update
        assert "does not depend" not in result.text, result.text
        assert "only here" not in result.text, result.text  # gradients with the same numbers belong to the tensor that lines go on from
        session.timeline.seek(session.timeline.calendar.clock(update, end))
        for stage in [stage for stage in program.stages[:end] if stage.name in values]:
            ours = session.timeline.machine.tensor(stage.name)
            near, zero = (1e-5, 1e-6) if program.scenario.precision == "float32" else (1e-12, 1e-15)  # he multiplies in float64
            np.testing.assert_allclose(ours, values[stage.name], near, zero, err_msg=f"{stage.name}, update {update}")
            bits += ours.tobytes() == np.asarray(values[stage.name], ours.dtype).tobytes()
    assert bits > 2 * len(recording.values)


LATE = [
    """            delta = delta @ self.weights[i].T * sigmoid_prime(a)
            self.weights[i] -= lr * dW
""",
    """            self.weights[i] -= lr * dW
            delta = delta @ self.weights[i].T * sigmoid_prime(a)
""",
]
"""A weight that is updated before the gradient of what it is multiplied with, beside a loss of twice the gradients."""
FAULTS = {
    ("lists", "da * sigmoid_derivative(a[l + 1])", "da * sigmoid_derivative(z[l])"): "30",
    ("lists", "np.sum(dz[l], axis=0, keepdims=True)", "np.mean(dz[l], axis=0, keepdims=True)"): "32",
    ("lists", "b[l] -= lr * db[l]", "b[l] += lr * db[l]"): "36",
    ("lists", "return a * (1 - a)", "return a * (1 + a)"): "17",
    ("nielsen", "* sigmoid_prime(zs[-1])", "* sigmoid_prime(activations[-1])"): "41",
    ("functions", "dZ2[np.arange(m), y] -= 1", "dZ2[np.arange(m), y] -= 2"): "31",
    ("functions", 'dA1 * (1 - cache["A1"] ** 2)', 'dA1 * (1 - cache["Z1"] ** 2)'): "37",
    ("classes", "dz2 = 2 * (self.z2 - y) / n", "dz2 = 2 * (y - self.z2) / n"): "27",
    ("classes", "self.vW2 - self.rate * self.dW2", "self.vW2 + self.rate * self.dW2"): "38",
    ("layers", "return grad * self.out * (1 - self.out)", "return grad * (1 - self.out)"): "30",
    ("layers", "grad_b = grad.sum(axis=0, keepdims=True)", "grad_b = grad.sum(keepdims=True)"): "17",
    ("adam", "dW1 = X.T @ dpre", "dW1 = X.T @ dh"): "23",
    ("jacobians", "        g2 = np.einsum", "        self.W3 = self.W3 - self.lr * dl_dW3\n        g2 = np.einsum"): "24",
    ("batchnorm", "dvar * 2 * xc / 32", "dvar * xc / 32"): "37",
    ("rnn", "(1 - hs[t] * hs[t]) * dh", "(1 - hs[t]) * dh"): "36",
    ("rnn", "dhnext = np.dot(Whh.T, dhraw)", "dhnext = np.dot(Whh, dhraw)"): "40",
    ("nielsen", "sigmoid(z)*(1-sigmoid(z))", "sigmoid(z)*(1+sigmoid(z))"): "56",
    ("batchnorm", "dxhat = dout * gamma", "dxhat = dout"): "34",
    ("adam", "param -= lr", "param += lr"): "30",
    ("rnn", "dWhh += np.dot(dhraw, hs[t - 1].T)", "dWhh += np.dot(dhraw, hs[t].T)"): "39",
    ("columns", "np.dot(dZ1, X.T) / m", "np.dot(dZ1, X.T)"): "43",
    ("linear", "db = (1 / n) * np.sum(error)", "db = np.sum(error)"): "16",
    ("twolayer", "    grad_h[h < 0] = 0\n", ""): "19",
    ("noloss", "l1_error = l2_delta.dot(syn1.T)", "l1_error = l2_error.dot(syn1.T)"): "21",
    ("cells", "dh * (1 - v * v)", "dh * (1 + v * v)"): "22",
    ("quotient", "grad * (1.0 - self.out ** 2)", "grad * (1.0 - self.out)"): "23",
    ("quotient", "self.out * (grad - along)", "self.out * grad"): "34",
    ("course", "return dA * s * (1 - s)", "return dA * s * (1 + s)"): "27",
    ("course", "1.0 / m * np.sum(dZ, axis=1, keepdims=True)", "np.sum(dZ, axis=1, keepdims=True)"): "35",
    ("course", "np.dot(W.T, dZ)", "np.dot(W.T, dZ) / m"): "36",
    ("mean_of_squares", "return s * (1 - s)", "return s * (1 + s)"): "7",
    ("mean_of_squares", *LATE): "30",
    ("qlearning", "(1 - hidden ** 2)", "(1 - hidden)"): "26",
    ("dqn", "dh[h <= 0] = 0", "pass"): "26",
    ("manytoone", "dh = W.T @ da", "dh = W @ da"): "20",
    ("epochend", "gw += err * a", "gw += err * a * a"): "14",
    ("adamclass", "y) / n", "y) * self.cache[f'a{self.L}'] / n"): "37",
    ("adamclass", "return (z > 0).astype(float)", "return z.astype(float)"): "8",
    ("adamclass", "(1 - b2) * grads[k] ** 2", "(1 - b2) * grads[k]"): "50",
    ("adamclass", "self.m[k] / (1 - b1 ** self.t)", "self.m[k] * (1 - b1 ** self.t)"): "51",
    ("adamclass", "(np.sqrt(vh) + eps)", "(vh + eps)"): "53",
    ("adamclass", "(1 - b1) * grads[k]", "b1 * grads[k]"): "49",
    ("layers", "grad = 2 * (out - Y)", "grad = 2 * (Y - out)"): "41",
    ("bncourse", "layer.beta -= 0.1 * layer.dbeta", "layer.beta -= 0.1 * layer.dgamma"): "65",
    ("minibatch", "xb.T.dot(dh) + reg * W1", "xb.T.dot(dh) + reg * W1 ** 2"): "30",
    ("minibatch", "    dh[h <= 0] = 0\n", ""): "28",
    ("adamclass", 'grads[f"b{l}"] = dz.sum(axis=0)', 'grads[f"b{l}"] = dz.sum()'): "40",
    ("propagate", "db = 1 / m * np.sum(A - Y)", "db = np.sum(A - Y)"): "15",
    ("tape", "other.grad += self.data.T @ out.grad", "other.grad = -self.data.T @ out.grad"): "18",
    ("adam", "h = np.tanh(X @ W1 + b1)", "h = -np.tanh(X @ W1 + b1)"): "15",
    ("classes", "self.a1 = np.maximum(0, self.z1)", "self.a1 = np.minimum(0, self.z1)"): "21",
    ("conv", "s = flat @ W + b", "s = flat @ W"): "21",
    ("functions", "np.sum(exp, axis=1, keepdims=True)", "np.sum(exp)"): "19",
    ("penalty", ' + lambd / m * p["W2"]', ""): "19",
    ("penalty", 'lambd / m * p["W1"]', 'lambd / m * np.square(p["W1"])'): "22",
    ("penalty", "np.max(Z2, axis=0", "np.max(Z2, axis=1"): "8",
    ("adamw", "/ (1 - self.b1 ** self.t)", "/ (1 - self.b1)"): "84",
    ("adamw", "(np.sqrt(vhat) + self.eps)", "(vhat + self.eps)"): "87",
    ("adamw", "w -= self.lr * self.wd * w", "w += self.lr * self.wd * w"): "86",
    ("contexts", "np.outer(h, EI)", "np.outer(h, y_pred)"): "31",
    ("gates", "dc = dc + dh", "dc = dh"): "31",
    ("gates", "df = dc * c[t - 1]", "df = dc * c[t]"): "32",
    ("gates", '(1 - a[t]["g"] ** 2)', 'a[t]["g"] * (1 - a[t]["g"])'): "34",
    ("gates", "dz += W[k].T @ d", "dz = W[k].T @ d"): "39",
    ("rows", "-err * P[u] + lam * Q[i]", "-err * P[u] - lam * Q[i]"): "15",
    ("hinge", "b = b - eta * grad_b", "b = -(b - eta * grad_b)"): "13",
    ("hinge", "-C * np.sum(active * y)", "C * np.sum(active * y)"): "11",
    ("batches", "np.where(z1 > 0, z1", "np.where(0 > z1, z1"): "18",
    ("closures", "np.exp(-x)", "(-x)"): "17",
    ("einsum", "mixed, M) + bias", "mixed, M) - bias"): "11",
    ("adam", "(p - Y) / len(X)", "(Y - p) / len(X)"): "18",
    ("gru", "np.tanh(Wc", "np.sin(Wc"): "29",
    ("im2col", "dact * (self.pre > 0)", "(self.pre > 0)"): "36",
    ("conv", "-np.log(p[y])", "-p[y]"): "23",
    ("hinge", "np.maximum(0, margin)", "np.minimum(0, margin)"): "8",
    ("arguments", "1 / (1 + np.exp(", "1 * (1 + np.exp("): "20",
    ("scalars", "math.exp(-x)", "(-x)"): "5",
    ("word2vec", "outside -= lr *", "outside = lr *"): "22",
    ("negative", "np.exp(-x)", "np.exp(x)"): "9",
    ("lists", "b[l] -= lr * db[l]", "b[l] -= lr * loss"): "36",
    ("clipvalue", "2 * (pred - y) / len(y)", "2 * (pred - y) * len(y)"): "11",
    ("clipvalue", "2 * (pred - y) / len(y)", "7 * (pred - y) / len(y)"): "11",
    ("logistic", "np.exp(-x)", "np.sinh(-x)"): "21",
    ("tied", "np.exp(-t)", "np.exp(t)"): "7",
    ("last", "X.dot(W) + b", "X.dot(W) - b"): "9",
    ("recursive", '+ w["b"]', '- w["b"]'): "13",
    ("tape", "np.tanh", "np.sin"): "34",
    ("ratings", "e * Q[j] - beta", "e * Q[j] ** 2 - beta"): "13",
    ("places", "grad_w = w - C", "grad_w = C * w - 2 * C"): "13",
    ("faint", "(1 - a1 ** 2)", "(1 - np.tanh(a1) ** 2)"): "17",
    ("faint", " * (1 - a1 ** 2)", ""): "17",
    ("spiral", "np.maximum(0, np.dot(X, W) + b)", "np.maximum(0, np.dot(X, W))"): "17",
    ("scalars", "s2 = w3 * x1 + w4 * x2 + b2", "s2 = b2"): "28",
    ("prenorm", "self.inv / n * (n * dxhat - dxhat.sum(axis=-1, keepdims=True) -", "self.inv / n * (n * dxhat -"): "43",
    ("prenorm", "(1 + 3 * 0.044715 * self.x ** 2)", "(1 + 0.044715 * self.x ** 2)"): "56",
    ("prenorm", "return grad + g", "return g"): "77",
    ("pooled", "+= cols[:, :, i, j]", "= cols[:, :, i, j]"): "24",
    ("pooled", "np.put_along_axis(d, self.arg[..., None], dout[..., None], axis=-1)", "d += dout[..., None] / 4"): "69",
    ("pooled", "dcols = d @ self.W.reshape", "dcols = d @ self.W[:, :, ::-1, ::-1].reshape"): "45",
    ("pooled", 'v = beta * v + getattr(layer, "d" + key)', 'v = v + getattr(layer, "d" + key)'): "111",
    ("vae", "dmu = dz + mu / n", "dmu = dz"): "46",
    ("gan", "df = pf / m", "df = (pf - 1) / m"): "33",
    ("gan", "dhr = dr @ D2.T * (hr > 0)", "dhr = dr @ D2.T"): "36",
    ("gan", "dp = (pf - 1) / m", "dp = (pf - 1) / m * pf"): "49",
    ("gan", "dh = dp @ D2.T * (hf > 0)", "dh = dp @ D2.T * (hr > 0)"): "50",
    ("critic", "dlogits *= adv[:, None] / T", "dlogits *= returns[:, None] / T"): "36",
    ("critic", "dba1 = dha.sum(0)", "dba1 = dhc.sum(0)"): "41",
    ("replay", "db2 = dq.sum(axis=0)", "db2 = dq.mean(axis=0)"): "31",
    ("replay", "da1 * (self.z1 > 0)", "da1"): "33",
    ("matrix", "- y\n", "- y * 2\n"): "23",
    ("matrix", "(lam / len(X)) * theta\n", "- (lam / len(X)) * theta\n"): "24",
    ("matrix", "X[:, 0])) / len(X)", "X[:, 1])) / len(X)"): "25",
    ("compre", "b1=d1.sum(0)", "b1=d1.mean(0)"): "37",
    ("compre", "(h1 - h1 ** 2)", "(h1 - h1 ** 3)"): "35",
    ("engine", "+= other.data * out.grad", "+= self.data * out.grad"): "27",
    ("engine", "+= -0.05", "+= 0.05"): "104",
    ("engine", "self.grad += other.data * out.grad", "self.grad = other.data * out.grad"): "27",
    ("solo", "(o - t) * o * (1 - o)", "(o - t) * sigmoid(o) * (1 - sigmoid(o))"): "14",
    ("solo", "delta_o = (o - t)", "delta_o = (t - o)"): "14",
    ("dropout", "dh = dhd * mask", "dh = dhd * (mask > 0)"): "18",
    ("penalty", 'lambd / m * p["W1"]', 'lambd * p["W1"]'): "22",
    ("unroll", "sigmoid(z2) * (1 - sigmoid(z2))", "sigmoid(z2)"): "32",
    ("unroll", "d3.dot(t2)[:, 1:]", "d3.dot(t2)[:, :-1]"): "32",
    ("unroll", "d2.T.dot(a1) / m", "d2.T.dot(a1)"): "33",
    ("unroll", "g1[:, 1:] += lam / m * t1[:, 1:]", "g1 += lam / m * t1"): "35",
    ("sorted", "h = X @ W", "h = -(X @ W)"): "9",
    ("sorted", "W -= 0.1 * dW", "W += 0.1 * dW"): "20",
    ("tied", "delta_v.sum(axis=0)", "delta_v.sum()"): "20",
    ("ownnorm", '"b2": d.sum(0)', '"b2": d.mean(0)'): "20",
    ("contrast", "dlog_tau = dscale * scale", "dlog_tau = dscale"): "37",
    ("tsne", "PQ[:, i] * num[:, i]", "PQ[:, i]"): "52",
    ("contrast", "dW = xa.T @ dza + xb.T @ dzb", "dW = xa.T @ dza"): "43",
    ("triplet", "dep = -2 * on * (ea - ep)", "dep = 2 * on * (ea - ep)"): "34",
    ("triplet", "den = 2 * on * (ea - en)", "den = on * (ea - en)"): "35",
    ("triplet", "grads[k] = grads[k] + g", "grads[k] = g"): "40",
    ("solver", 'grads[f"W{i}"] += self.reg * W', 'grads[f"W{i}"] += 2 * self.reg * W'): "83",
    ("solver", "dx /= n", "dx /= x.shape[1]"): "44",
    ("unet", "da2 = dup.reshape(6, 4, 4, 2).sum(axis=3)", "da2 = dup.reshape(6, 4, 4, 2).mean(axis=3)"): "45",
    ("unet", "w[:, :, k])", "w[:, :, 2 - k])"): "18",
    ("ppo", "dz += ent_coef * dent / 40", "dz -= ent_coef * dent / 40"): "40",
    ("ppo", "2 * vf_coef * (v - reward)", "vf_coef * (v - reward)"): "44",
    ("ownnorm", "h.T @ d,", "h.T @ d / 2,"): "20",
    ("twice", "return p * (1 - p)", "return p * (1 + p)"): "13",
    ("twice", "return d @ w.T", "return d @ self.w.T"): "39",
    ("vae", " + dlogvar @ self.Ws.T", ""): "52",
    ("vae", "dz * eps * 0.5 * std + ", ""): "47",
    ("encoder", "0.1 * grads[k]", "grads[k]"): "80",
    ("encoder", "0.9 ** t", "0.9 * t"): "82",
    ("encoder", "dh1 = dh2 + dz", "dh1 = dz"): "55",
    ("sequence", "(m * dxhat - np.sum(dxhat, axis=0) - self.xhat * np.sum(dxhat * self.xhat, axis=0)) / (m *", "dxhat / ("): "31",
    ("sequence", "np.dot(self.x.T, dout) + self.l2", "np.dot(self.x.T, dout) + 2 * self.l2"): "46",
    ("appended", "* h * (1 - h)", "* h * (1 - o)"): "21",
    ("appended", "db1 += dh", "db1 += d"): "23",
    ("flow", "df = dt * adj", "df = adj"): "25",
    ("flow", "adj = adj + dpre.dot(theta1.T)", "adj = dpre.dot(theta1.T)"): "31",
    ("spread", "draw = dsd / (1 + np.exp(-raw))", "draw = dsd"): "41",
    ("spread", "gelu_grad(pres[l - 1])", "gelu_grad(acts[l])"): "47",
    ("memory", "dh * np.where(self.h > 0, 1.0, 0.01)", "dh * np.where(self.h > 0, 1.0, 0.0)"): "36",
    ("heavyball", "dout = (out - y) / len(X)", "dout = out / len(X)"): "11",
    ("last", "W += learning_rate", "W =+ learning_rate"): "23",
    ("rows", "P[u] -= eta * gp", "P[u] =- eta * gp"): "16",
    ("evaluated", "self.w2 -= lr * h.T @ delta2", "self.w2 =- lr * h.T @ delta2"): "20",
    ("negative", "W_in[center] -= lr", "W_in[center] = lr"): "23",
    ("logistic", "self.weights -= self.lr * dw", "self.weights = -self.lr * dw"): "18",
    ("places", "b = b - lr * grad_b", "b = -lr * grad_b"): "16",
    ("decay", "+ l2 * w\n", "- l2 * w\n"): "11",
    ("clipped", "+ 2 * weight_decay", "- 2 * weight_decay"): "19",
    ("nielsen", "nabla_w[-1] = np.dot(delta, activations[-2].transpose())", "pass"): "28",
    ("crf", "du[np.arange(T), y] -= 1", "du[np.arange(T), y] -= 2"): "32",
}


@pytest.mark.parametrize(
    "fault",
    [pytest.param(one, marks=[pytest.mark.long] * (n % 3 > 0 or one[0] in SLOW)) for n, one in enumerate(FAULTS)],
    ids=[f"{fault[0]}-{line}" for fault, line in FAULTS.items()],
)
def test_a_planted_mistake_is_named_first_with_its_line(fault):
    result = judged(*fault)
    assert result.wrong
    assert re.match(rf"{fault[0]}\.py:{FAULTS[fault]}: WRONG ", result.text), result.text[:200]
    assert any(stage.get("line") == f"{fault[0]}.py:{FAULTS[fault]}" for stage in result.data["stages"])


SCIPY = """
import numpy as np
from scipy.special import expit, log_softmax, softmax

rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.integers(0, 4, 20)
W1, W2 = rng.normal(size=(3, 5)), rng.normal(size=(5, 4))
for epoch in range(9):
    h = expit(X @ W1)
    z = h @ W2
    loss = -np.mean(log_softmax(z, axis=1)[np.arange(20), y])
    dz = softmax(z, axis=1)
    dz[np.arange(20), y] -= 1
    dz = dz / 20
    dW2 = h.T @ dz
    dh = dz @ W2.T
    dW1 = X.T @ (dh * h * (1 - h))
    W1 = W1 - 0.1 * dW1
    W2 = W2 - 0.1 * dW2
"""


@pytest.mark.parametrize(("right", "wrong", "line"), [("", "", 0), ("h * (1 - h)", "h", 17), ("dz / 20", "dz * h.shape[0]", 0)])
def test_what_scipy_computes_is_a_formula(right, wrong, line):
    pytest.importorskip("scipy")
    Path("special.py").write_text(SCIPY.replace(right, wrong), "utf-8")
    result = Session(load_script("special.py", [], 3)).execute("check")
    assert "no formula" not in result.text
    assert result.text.startswith(f"special.py:{line}: WRONG ") if line else not result.wrong


def test_a_penalty_with_a_wrong_sign_before_clipping_is_no_all_clear():
    result = judged("clipped", "+ 2 * weight_decay * W[l]", "- 2 * weight_decay * W[l]")
    assert result.wrong or "not judged: the gradient of W[2], W[1], W[0] was not found" in result.text


def test_a_penalty_that_no_gradient_has_is_said():
    result = judged("sequence", ' + self.l2 * self.params["W"]', "")
    assert "note: these are the derivatives of data (sequence.py:89), not of the loss at sequence.py:95" in result.text


def test_what_moves_though_the_loss_does_not_depend_on_it_is_not_judged():
    result = judged("conv", "s = flat @ W + b", "s = b")
    assert "not judged: K, W, on which the loss at conv.py:23 does not depend" in result.text, result.text
    assert "out " not in result.text, "a value of the forward pass is no gradient"


def test_where_no_loss_fits_the_number_that_may_be_meant_is_told_and_judges_the_gradients():
    copied("augmented", "dO = O - Y", "dO = O")
    with pytest.raises(BpdebugError, match=re.escape("perhaps E (augmented.py:13) is meant: --loss LINE judges the gradients by it")):
        load_script("augmented.py", [], 3)
    result = Session(load_script("augmented.py", [], 3, loss="augmented.py:13")).execute("check")
    assert result.text.startswith("augmented.py:14: WRONG dO = O"), result.text


def test_a_number_that_moves_by_the_gradient_of_another_is_named():
    lines = ("import numpy as np", "X = np.arange(1.0, 9)", "y, w, b = 3 * X + 2, 0, 0", "for epoch in range(9):", "    p = w * X + b")
    lines += ("    loss = np.mean((y - p) ** 2)", "    dw = -2 * np.mean(X * (y - p))", "    db = -2 * np.mean(y - p)")
    for last, status in (("db", 0), ("dw", 1)):
        Path("two.py").write_text("\n".join([*lines, "    w = w - 0.01 * dw", f"    b = b - 0.01 * {last}", ""]), "utf-8")
        result = Session(load_script("two.py", [], 3)).execute("check")
        assert bool(result.wrong) == bool(status), result.text
    assert result.text.startswith("two.py:10: WRONG b = b - 0.01 * dw"), result.text


def test_a_line_that_is_wrong_for_each_parameter_is_named_once_in_the_words_of_the_script():
    text = judged("adamw", "(np.sqrt(vhat) + self.eps)", "(vhat + self.eps)").text
    assert text.count(": WRONG ") == 1 and "self.lr * mhat / (vhat + self.eps)" in text
    assert "likewise w.2, w.3, w.4, w.5, w.6, which the same line computes" in text


def test_gradients_that_are_never_cleared_are_no_momentum():
    assert "gradients never cleared" in judged("tape", "        p.grad = np.zeros_like(p.data)\n", "        pass\n").text


def test_a_bias_that_becomes_one_for_each_sample_is_wrong():
    text = judged("columns", "db1 = np.sum(dZ1, axis=1, keepdims=True)", "db1 = dZ1").text
    assert "a sum left out" in text, text


def test_sums_that_are_never_set_back_are_no_gradients():
    result = judged("accum", "        sums = [np.zeros_like(p) for p in (W1, b1, W2, b2)]\n", "")
    assert result.data["ok"] is False
    assert "sums[0] (accum.py:21) has in it what earlier turns left" in result.text


def test_a_mistake_at_the_only_output_accuses_no_line_that_goes_on_from_it():
    wrong = judged("solo", "(o - t) * o * (1 - o)", "(o - t) * o").text
    assert wrong.count(": WRONG ") == 1, wrong


HINGE = """
import numpy as np
rng = np.random.default_rng(4)
X, y = rng.normal(size=(7, 5)), rng.integers(0, 3, 7)
W = 0.01 * rng.normal(size=(5, 3))
for turn in range(9):
    dW, loss = np.zeros(W.shape), 0.0
    for x, k in zip(X, y):
        s = x @ W
        for j in range(3):
            if j != k and s[j] - s[k] + 1 > 0:
                loss += s[j] - s[k] + 1
                dW[:, j] += x
        dW[:, k] -= x
    loss = loss / 7 + 0.01 * np.sum(W * W)
    dW = dW / 7 + 0.02 * W
    W -= 0.1 * dW
"""
OUTER = """
import numpy as np
rng = np.random.default_rng(4)
V, W = rng.normal(size=(4, 6)), rng.normal(size=(3, 4))
for x, t in zip(rng.normal(size=(9, 6)), rng.random((9, 3))):
    h = np.tanh(V @ x)
    o = 1 / (1 + np.exp(-(W @ h)))
    do = (o - t) * o * (1 - o)
    W -= 0.1 * np.outer(do, h)
    dh = W.T @ do * (1 - h ** 2)
    V -= 0.1 * np.outer(dh, x)
"""


def test_a_loss_of_which_but_the_penalty_is_left_has_no_part_that_is_taken_as_given():
    Path("hinge.py").write_text(HINGE, "utf-8")
    result = Session(load_script("hinge.py", [], 3)).execute("check")
    assert result.data["ok"] is False and "taken as given" not in result.text, result.text


def test_a_weight_that_is_changed_already_is_told_where_outer_products_move_it():
    Path("outer.py").write_text(OUTER, "utf-8")
    text = Session(load_script("outer.py", [], 3)).execute("check").text
    assert text.startswith("outer.py:10: WRONG dh") and "version 2 of W" in text, text


def test_what_fits_no_loss_that_is_known_is_not_passed():
    lines = ("import numpy as np", "rng = np.random.default_rng(3)", "x, y = rng.normal(size=(9, 3)), rng.integers(0, 2, (9, 1))")
    lines += (
        "w = rng.normal(size=(3, 1))",
        "for _ in range(9):",
        "    p = 1 / (1 + 1 / (1 + np.exp(x @ w)))",
        "    w = w - 0.1 * x.T @ (p - y)",
    )
    Path("odd.py").write_text("\n".join(lines), "utf-8")
    result = Session(load_script("odd.py", [], 3)).execute("check")
    assert result.data["ok"] is False and "cannot be told" in result.text, result.text


@pytest.mark.parametrize("name", ["bag", "batches"])
def test_what_is_below_zero_and_rises_is_a_likelihood_and_no_line_is_accused(name):
    result = judged(name, "-np.log(y[" if name == "bag" else "-np.sum(yb *", "np.log(y[" if name == "bag" else "np.sum(yb *")
    assert result.data["ok"] is True
    assert "all gradients are -1 times those of" in result.text


def test_half_of_what_a_size_explains_is_a_convention():
    result = judged("earlystop", "np.sum((y - t) ** 2) / 50", "np.sum((y - t) ** 2)")
    assert result.data["ok"] is True
    assert "all gradients are 0.02 times" in result.text


def test_a_rate_of_its_own_beside_penalties_is_no_mistake():
    result = judged("moons", "b2 += -epsilon * db2", "b2 += 3.0 * (-epsilon * db2)")
    assert result.data["ok"] is True


def test_of_a_loss_that_is_only_guessed_nothing_is_called_wrong_where_another_is_not_finite():
    softly = "return 0.5 * (1 + np.tanh(x / 2))\nX = 1e5 * rng.randn(60, 3)"
    result = judged("logistic", "return 1 / (1 + np.exp(-x))\nX = rng.randn(60, 3)", softly)
    assert not any(stage["status"] == "wrong" for stage in result.data["stages"])
    assert "nothing could be compared" in result.text


MARGIN = """
import numpy as np
rng = np.random.default_rng(4)
X = rng.normal(size=(30, 3))
y = np.where(X[:, 0] > 0.2, 1.0, -1.0)
w, b = np.zeros(3), 0.0
for x, sign in zip(X, y):
    margin = sign * (x @ w + b)
    if margin < 1:
        w = w + 0.1 * sign * x
        b = b + 0.1 * sign
"""
"""Steps that raise a value which has no least number: it is no loss."""
COUNTED = """
import numpy as np
words, w = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.zeros(2)
for turn in range(9):
    said = np.sign(words[turn % 3] @ w - 0.5)
    w = w + 0.1 * (said < 1) * words[turn % 3]
"""


def test_what_is_raised_and_has_no_least_number_is_no_loss():
    Path("margin.py").write_text(MARGIN, "utf-8")
    result = Session(load_script("margin.py", [], 3)).execute("check")
    assert result.data["ok"] is True
    assert "it moves along its gradient, by 0.1 times that" in result.text


def test_a_rule_without_a_derivative_is_called_one():
    Path("counted.py").write_text(COUNTED, "utf-8")
    with pytest.raises(BpdebugError, match=r"computes: w changes by nothing that has a derivative"):
        load_script("counted.py", [], 3)


EARLY = """
import numpy as np
W, x = np.ones((2, 3)), np.ones((4, 3))
for i in range(9):
    np.zeros(2)[0] = W[0] * x
    W = W - 0.1 * x[:2]
"""


def test_an_exception_before_anything_has_a_name_is_told_as_such():
    Path("early.py").write_text(EARLY, "utf-8")
    with pytest.raises(BpdebugError, match=r"ValueError.* at early\.py:5, before"):
        load_script("early.py", [], 3)


CONTRASTIVE = """
import numpy as np
rng = np.random.RandomState(0)
data = (rng.rand(12, 5) > 0.5).astype(float)
weights = 0.1 * rng.randn(5, 3)
sigmoid = lambda z: 1 / (1 + np.exp(-z))
for epoch in range(9):
    hidden = sigmoid(data @ weights)
    positive = data.T @ hidden
    visible = sigmoid((hidden > rng.rand(12, 3)) @ weights.T)
    negative = visible.T @ sigmoid(visible @ weights)
    weights = weights + 0.1 * (positive - negative) / 12
    error = np.sum((data - visible) ** 2)
"""


def test_an_update_that_follows_no_loss_is_not_accused_for_one_that_is_only_printed():
    Path("boltzmann.py").write_text(CONTRASTIVE, "utf-8")
    result = Session(load_script("boltzmann.py", [], 3)).execute("check")
    assert not any(stage["status"] == "wrong" for stage in result.data["stages"])
    assert "it may follow another one" in result.text


def test_a_search_that_ends_within_a_turn_of_an_outer_loop_goes_by_what_it_has_found():
    result = judged("nielsen", "SGD(data, 4, 3,", "SGD(data, 4, 10,")
    assert not result.wrong
    assert result.data["stages"]


def test_what_would_be_right_is_said_in_his_own_names():
    result = judged("lists", "return a * (1 - a)", "return a * (1 + a)")
    assert "dz[1] = da * (a[2] * (1 - a[2])) is right" in result.text


def test_a_script_is_marked_nowhere_as_ones_own_but_what_is_changed_in_it_is():
    session = Session(load_script(copied("lists"), [], 3))
    written = [stage for stage in session.program.stages if stage.edited]
    assert written and not any("~" in row[:5] for row in session.execute("list").text.splitlines())
    name = written[0].name
    session.execute(f"goto {name}")
    explained = session.execute(f"explain {name}[0,0]").text
    assert "your own formula" not in explained and "From " in explained
    session.execute(f"goto 1:{name}")
    session.execute("reverse-step")
    session.execute(f"formula {name} = 2 * ({written[0].formula.text})")
    assert sum("~" in row[:5] for row in session.execute("list").text.splitlines()) == 1


def test_another_loss_than_the_written_one_is_said_and_is_no_mistake():
    result = judged("lists", "da = -y / a[2] + (1 - y) / (1 - a[2])", "da = a[2] - y")
    assert result.data["ok"] is True
    assert "half the squared error of a[2]" in result.text
    assert "not of the loss at lists.py:26" in result.text


def test_a_weight_that_was_updated_too_early_is_seen():
    old = "        grad_x = grad @ self.W.T\n        self.W = self.W - rate * grad_W\n"
    result = judged("layers", old, "\n".join(reversed(old.rstrip().split("\n"))) + "\n")
    assert "layers.py:19: WRONG grad'3 = grad'2 @ layers[4].W'2.T" in result.text
    assert "grad'3 uses version 2 of layers[4].W, made at layers.py:18; the forward pass used version 1" in result.text


def test_modules_beside_the_script_generators_and_private_names_are_followed():
    shutil.copytree(SCRIPTS / "package", "package")
    session = Session(load_script("package/main.py", [], 3))
    shown = [f"{stage} {stage.line}" for stage in session.program.stages]
    assert "net[1].dW = a.T @ g package/lib/ops.py:25" in shown
    assert "first.W = first.W - lr * first.dW * self.__secret package/lib/ops.py:29" in shown
    assert "out = a @ net[1].W package/main.py:23" in shown
    assert session.execute("check").data["ok"] is True


def test_the_command_runs_the_script_and_says_so():
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "bpdebug",
            "run",
            copied("lists", "1000", "30"),
            "-x",
            "goto 29:lists.py:26",
            "-x",
            "print loss",
            "--",
            "one",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "loss = 2.808034243" in done.stdout
    assert "loop lists.py:20, update = lines 21–38, parameters W[0] b[0] W[1] b[1], loss = line 26; 30 updates are kept" in done.stderr
    assert "running lists.py as a program" in done.stderr
    assert "0 3.5127" in done.stderr


def test_a_line_is_a_location():
    session = Session(load_script(copied("lists", "1000", "30"), [], 9))

    def at(command):
        result = session.execute(command)
        return session.position.update, session.position.stage, result.text

    assert [at(f"goto {line}")[1] for line in ("lists.py:30", "line 30", ":30")] == ["dz[1]", "dz[0]", "dz[1]"]
    assert at("goto 4:lists.py:33")[:2] == (4, "da'2")
    assert at("until :33")[:2] == (4, "da'3")
    assert at("until :33")[:2] == (5, "da'2")
    told = at("goto :27")
    assert told[1] == "da"
    assert told[2].startswith("no stage is computed at lists.py:27; the next line with one is lists.py:28\nupdate 5/9")
    assert at("goto lists.py:13")[1] == "a[1]"  # in sigmoid(), called at line 25
    assert at("goto lists.py:25")[1] == "a[2]"
    session.execute("break lists.py:32 if max(abs(db[1])) > 0")
    assert [at("continue")[:2] for _ in range(3)] == [(5, "db[1]"), (5, "db[0]"), (6, "db[1]")]
    assert at("goto 6:lists.py:32#2")[:2] == (6, "db[0]")
    assert at("goto :30#1")[:2] == (6, "dz[1]")
    with pytest.raises(BpdebugError, match=r"computes lists\.py:30 2 times, counted from 1; found #3"):
        session.execute("goto :30#3")
    assert session.execute("explain lists.py:30[1,0]").text == session.execute("explain dz[1][1,0]").text
    for gone in ("goto :99", "goto other.py:30", "goto :0x"):
        with pytest.raises(BpdebugError):
            session.execute(gone)
    for text in ("break lists.py:3", "explain lists.py:3"):
        assert "lists.py:30" in [one.word for one in complete_command(text, len(text), session).found]


@pytest.mark.parametrize(
    ("text", "told", "shown"),
    [
        ("x = = 3\n", "SyntaxError", "    x = = 3\n"),
        ("def f():\n    return 1 / 0\n\n\nf()\n", "ZeroDivisionError: division by zero", "in f\n    return 1 / 0"),
        ("print('hello')\n", "no loop was found", "hello"),
    ],
)
def test_what_is_no_training_is_told_as_python_tells_it(text, told, shown, capfd):
    Path("other.py").write_text(text, "utf-8")
    with pytest.raises(BpdebugError, match=re.escape(told)) as raised:
        load_script("other.py", [], 3)
    assert raised.value.status == 1 + ("Syntax" in told)
    assert shown in str(raised.value) + capfd.readouterr().err


def test_an_exception_in_the_first_update_leaves_what_it_has_computed():
    session = Session(load_script(copied("lists", "b[l] -= lr * db[l]", "b[l] -= lr * db[9]"), [], 3))
    assert session.position.updates == 1
    session.execute("goto lists.py:32")
    assert session.position.stage == "db[1]"
    assert "the script stopped with IndexError: list index out of range at lists.py:36" in session.execute("check").text
    assert session.program.scenario.traceback.startswith("Traceback (most recent call last):")


def test_a_traceback_is_the_one_of_python():
    Path("other.py").write_text("import numpy as np\n\n\ndef f(x):\n    return x @ np.ones(3)\n\n\nf(np.ones((2, 2)) * 2)\n", "utf-8")
    with pytest.raises(BpdebugError) as raised:
        load_script("other.py", [], 3)
    ours = str(raised.value).rpartition("bpdebug: ")[0]
    theirs = subprocess.run([sys.executable, "other.py"], capture_output=True, text=True, check=False).stderr
    assert ours == theirs.replace('"other.py"', f'"{Path("other.py").absolute()}"')


def test_the_child_needs_nothing_but_numpy_and_the_standard_library():
    code = "import sys; from pathlib import Path; Path('mods').write_text(' '.join(sys.modules)); import numpy\n"
    Path("mods.py").write_text(code, "utf-8")
    with pytest.raises(BpdebugError):
        load_script("mods.py", [], 3)
    modules = {name.split(".")[0] for name in Path("mods").read_text("utf-8").split()}
    assert "numpy" in modules
    assert not {"yaml", "textual", "rich", "platformdirs"} & modules


def test_what_leads_through_something_that_no_formula_says_is_not_judged():
    result = judged("partition", "ds = dout @ v.T", "ds = 3 * dout @ v.T")
    assert not result.wrong
    assert "not judged: what leads to W, since s (partition.py:11) is no formula: partition" in result.text
    result = judged("partition", "dv = s.T @ dout", "dv = h.T @ dout")
    assert result.wrong


def test_a_recording_has_the_text_that_ran_and_what_it_printed_by_update_and_line():
    name, text = copied("twolayer"), Path("twolayer.py").read_text("utf-8")
    Path(name).write_text(f"import sys\n{text}    print('high', end=' ', file=sys.stderr)\n    print('low', file=sys.stderr)\n", "utf-8")
    session = Session(load_script(name, [], 3))
    Path(name).write_text("", "utf-8")
    scenario = session.program.scenario
    assert scenario.files[name].startswith(f"import sys\n{text[:40]}")
    assert [(update, line) for update, line, _ in scenario.printed[:4]] == [
        (0, "twolayer.py:16"), (0, "twolayer.py:25"), (1, "twolayer.py:16"), (1, "twolayer.py:25")
    ]  # fmt: skip
    assert scenario.printed[1][2] == "high low\n"
    session.execute("goto 1:loss")
    assert float(scenario.printed[2][2].split()[1]) == session.value("loss")


def test_a_statement_knows_the_calls_loops_and_turns_that_it_is_computed_in(tmp_path):
    script = tmp_path / "turns.py"
    script.write_text(
        "import numpy as np\n"
        "rng = np.random.default_rng(0)\n"
        "X, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 1))\n"
        "Ws = [rng.normal(size=(3, 3)), rng.normal(size=(3, 1))]\n"
        "def layer(a, W):\n"
        "    z = a @ W\n"
        "    return np.tanh(z)\n"
        "def main():\n"
        "    for epoch in range(4):\n"
        "        values = [X]\n"
        "        for n, W in enumerate(Ws):\n"
        "            values.append(layer(values[-1], W))\n"
        "        loss = np.sum((values[-1] - y) ** 2)\n"
        "        d = 2 * (values[-1] - y)\n"
        "        n = 2\n"
        "        while n:\n"
        "            n -= 1\n"
        "            d = d * (1 - values[n + 1] ** 2)\n"
        "            dW, d = values[n].T @ d, d @ Ws[n].T\n"
        "            Ws[n] = Ws[n] - 0.1 * dW\n"
        "main()\n"
    )
    stages = load_script(str(script), [], 3).ready().stages
    paths = [[(level.title, level.line.rpartition(":")[2]) for level in stage.path] for stage in stages if stage.phase == "forward"]
    loop, call = ("for n, W in enumerate(Ws)", "11"), ("layer()", "12")
    assert [loop, ("n = 0", "11"), call] in paths and [loop, ("n = 1", "11"), call] in paths, "main() and the loop of updates hold all"
    turns = {tuple(level.title for level in stage.path) for stage in stages if stage.phase == "update"}
    assert turns == {("while n", "turn 1"), ("while n", "turn 2")}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("T, n_in, n_h = 3, 4, 5", "T, n_in, n_h = 25, 4, 5"), 12),
        (("for epoch in range(6):", "for epoch in range(1):"), 34),
    ],
    ids=["sums over time steps are no updates", "where there is no second turn, they are all there is"],
)
def test_a_long_update_is_a_turn_of_the_outer_loop_where_that_carries_the_parameters(change, line):
    asked = Asked(copied("lstm", *change), (), 3)
    assert read(child.record(asked), asked.source).loop.number == line
