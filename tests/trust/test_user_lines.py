"""Lines of a user's own in backward passes: right ones, however they are written, are right; of a wrong one it is said what it is."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
from programs import BATCH_NORM

from bpdebug import Session, load_scenario
from bpdebug.core.network import Phase

LABELS = """
program: |
  h = tanh(E[x].reshape(m, -1) @ W1 + b1)
  logits = h @ W2
  logp = log_softmax(logits, axis=1)
  loss = -mean(logp[arange(m), y])
parameters: {seed: 1, shapes: {E: [5, 2], W1: [6, 4], b1: [4], W2: [4, 5]}}
data: {inputs: [[0, 1, 1], [2, 1, 4], [0, 0, 0], [3, 2, 1]], targets: [1, 4, 0, 2]}
"""
ATTENTION = """
program: |
  q = x @ Wq
  k = x @ Wk
  v = x @ Wv
  s = q @ swapaxes(k, -1, -2) / sqrt(3) + where(mask, 0.0, -1e9)
  a = softmax(s, axis=-1)
  o = a @ v
  loss = mean((o - y) ** 2)
parameters: {seed: 5, shapes: {Wq: [2, 3], Wk: [2, 3], Wv: [2, 3]}}
tensors: {mask: [[true, false], [true, true]]}
data:
  inputs: [[[0.1, 0.2], [0.5, -0.4]], [[1.0, -1.0], [0.3, 0.6]], [[-0.7, 0.2], [0.9, 0.1]]]
  targets: [[[0.1, 0.2, 0.3], [0.5, -0.4, 0]], [[1.0, -1.0, 1], [0.3, 0.6, 0]], [[-0.7, 0.2, 0.1], [0.9, 0.1, 0.2]]]
"""
LAYER_NORM = """
program: |
  h = x @ W1
  mu = mean(h, axis=-1, keepdims=True)
  xc = h - mu
  sd = sqrt(mean(xc ** 2, axis=-1, keepdims=True) + 0.001)
  n = xc / sd
  out = n * gamma + beta
  loss = sum((relu(out) @ W2 - y) ** 2) / m
parameters: {seed: 2, shapes: {W1: [3, 4], W2: [4, 1]}, values: {gamma: [1, 2, 0.5, 1], beta: [0.1, 0.2, 0.3, 0]}}
data: {inputs: [[0.1, -0.3, 0.7], [1.2, 0.4, -0.5], [-0.6, 0.9, 0.2]], targets: [[0], [1], [0.5]]}
"""
CONVOLUTION = """
program: |
  w = sliding_window_view(x, (2, 2), axis=(1, 2))
  c = einsum('bijkl,klf->bijf', w, K) + bc
  r = relu(c)
  p = mean(r, axis=(1, 2))
  loss = mean((p @ W - y) ** 2)
parameters: {seed: 4, shapes: {K: [2, 2, 2], bc: [2], W: [2, 1]}}
data:
  inputs: [[[0.1, 0.2, 0.3], [0.5, -0.4, 0.9], [0.2, 0.7, -0.6]], [[1.0, -1.0, 0.4], [0.3, 0.6, -0.2], [0.8, 0.1, 0.2]]]
  targets: [[0.5], [-0.2]]
"""
GATE = """
program: |
  o = x @ Wo
  c = tanh(x @ Wc)
  h = sigmoid(o) * c
  z = sigmoid(h @ Wz)
  n = (1 - z) * h
  fit = mean((n - y) ** 2)
  decay = 0.1 * sum(Wz ** 2)
  loss = fit + decay
parameters: {seed: 3, shapes: {Wo: [2, 2], Wc: [2, 2], Wz: [2, 2]}}
data: {inputs: [[0.1, -0.3], [1.2, 0.4], [-0.6, 0.9]], targets: [[0, 1], [1, 0.2], [0.5, 0]]}
"""
RIGHT = [
    (BATCH_NORM, "dout = (2 / y.size) * (tanh(out) @ W2 - y) @ W2.T * (1 - np.tanh(out) ** 2)"),
    (BATCH_NORM, "dxhat = gamma * dout"),
    (BATCH_NORM, "dvar = -0.5 * (dxhat * xc * (var + eps) ** -1.5).sum(0)"),
    (BATCH_NORM, "dgamma = np.sum(dout * xhat, axis=0)\ndbeta = dout.sum(axis=0)"),
    (BATCH_NORM, "dh = (m * dxhat - dxhat.sum(axis=0) - xhat * (dxhat * xhat).sum(axis=0)) / (m * np.sqrt(var + eps))"),
    (BATCH_NORM, "dh = gamma / sqrt(var + eps) / m * (m * dout - dout.sum(0) - xhat * (dout * xhat).sum(0))"),
    (LABELS, "dlogits = (exp(logp) - one_hot(y, 5)) / m"),
    (LABELS, "p = softmax(logits, axis=1)\ndlogits = add_at(p, (arange(m), y), -1) / m"),
    (LABELS, "dz = dh * (1 - h * h)\ndE = add_at(zeros_like(E), x, reshape(dz @ W1.T, (m, 3, 2)))"),
    (LABELS, "dE = einsum('btv,btd->vd', one_hot(x, 5), reshape((dh * (1 - h ** 2)) @ W1.T, (m, 3, 2)))"),
    (ATTENTION, "ds = a * (da - (da * a).sum(-1, keepdims=True))"),
    (ATTENTION, "dq = ds @ k / np.sqrt(3)\ndk = ds.swapaxes(-1, -2) @ q / sqrt(3)"),
    (ATTENTION, "dWq = einsum('btd,bte->de', x, dq)"),
    (LAYER_NORM, "dh = (dn - dn.mean(-1, keepdims=True) - n * (dn * n).mean(-1, keepdims=True)) / sd"),
    (CONVOLUTION, "dK = np.einsum('bijkl,bijf->klf', w, dc)"),
    (CONVOLUTION, "dc = (c > 0) * dr"),
    (LABELS, "dE = add_at(zeros_like(E), x, reshape((dh * (1 - h ** 2)) @ W1.T, (4, 3, 2)))"),
    (GATE, "ones = np.ones((3, 1))\ndn = (2 * ones / 3) * (n - y) / 2"),
    (GATE, "dloss = 1.0\ndn = dloss * (n - y) / m"),
    (GATE, "dfit = dloss\ndn = dfit * (n - y) / m"),
    (CONVOLUTION, "dr = np.broadcast_to(dp[:, None, None, :] / 4, r.shape)"),
]
WRONG = [
    (BATCH_NORM, "dh = dxhat / sqrt(var + eps)", "held_constant"),
    (BATCH_NORM, "dh = (m * dxhat - dxhat.sum(axis=0)) / (m * sqrt(var + eps))", "held_constant"),
    (BATCH_NORM, "dvar = 0.5 * (dxhat * xc * (var + eps) ** -1.5).sum(0)", "sign"),
    (BATCH_NORM, "dgamma = sum(dout * out, axis=0)", "exchanged"),
    (BATCH_NORM, "dmu = sum(dxc, axis=0)", "sign"),
    (BATCH_NORM, "dxc = dxhat / sqrt(var + eps)", "held_constant"),
    (LABELS, "dlogits = (one_hot(y, 5) - exp(logp)) / m", "sign"),
    (LABELS, "dE = add_at(zeros_like(E), x[:, 0], (dh * (1 - h ** 2) @ W1.T)[:, :2])", ""),
    (LABELS, "dh = dlogits @ W2.T * (1 - h ** 2)", "another_slope"),
    (ATTENTION, "ds = da * a * (1 - a)", "another_activation"),
    (ATTENTION, "dq = ds @ k", "factor_missing"),
    (ATTENTION, "dv = a @ do", "transposed"),
    (LAYER_NORM, "dh = (dn - dn.mean(-1, keepdims=True)) / sd", "held_constant"),
    (LAYER_NORM, "dout = 2 / m * (relu(out) @ W2 - y) @ W2.T", "factor_missing"),
    (LAYER_NORM, "dgamma = mean(dout * n, axis=0)", "m_twice"),
    (CONVOLUTION, "dc = dr", "activation_missing"),
    (GATE, "do = dh * c", "factor_missing"),
    (GATE, "dh = dn * z + (dz * z * (1 - z)) @ Wz.T", "complement"),
    (GATE, "dWz = h.T @ (dz * z * (1 - z))", "path_missing"),
    (CONVOLUTION, "dK = einsum('bijkl,bijf->klf', w[:, :, :, ::-1, ::-1], dc)", "kernel_turned"),
]
"""Each with the mistake that is named; "" where it is none of the catalogue."""


@pytest.fixture
def checked(tmp_path):
    """The answer to a check of a program with lines of the user's own."""

    def check(program, lines):
        path = tmp_path / "program.yaml"
        path.write_text(f"{program}backward: |\n{textwrap.indent(lines, '  ')}\n", "utf-8")
        return Session(load_scenario(path)).execute("check").data

    return check


@pytest.mark.parametrize(("program", "lines"), RIGHT, ids=[lines[:24] for _, lines in RIGHT])
def test_a_right_line_is_right_however_it_is_written(checked, program, lines):
    assert {stage["status"] for stage in checked(program, lines)["stages"]} == {"good"}


@pytest.mark.parametrize(("program", "line", "kind"), WRONG, ids=[line[:24] for _, line, _ in WRONG])
def test_a_wrong_line_is_accused_alone_and_its_mistake_has_a_name(checked, program, line, kind):
    found = checked(program, line)
    assert [stage["name"] for stage in found["stages"] if stage["status"] == "wrong"] == [line.partition(" ")[0]]
    suspects = next(stage["suspects"] for stage in found["stages"] if stage["status"] == "wrong")
    assert [suspect["kind"] for suspect in suspects] == [kind] * bool(kind)


def numbers_of(session):
    """What one update computes, as a person's own file has it: without parts of gradients and inner values."""
    program = session.program
    values = program.initial | program.batch(0)
    values |= program.run(values, program.end_of(Phase.BACKWARD))
    return {name: values[name] for name in (*program.data, *program.parameters, *program.index) if not {*".@"} & {*name}}


@pytest.fixture
def compared(tmp_path):
    """The answer to a comparison of a program with changed numbers of its own."""

    def compare(text, change):
        path = tmp_path / "program.yaml"
        path.write_text(text, "utf-8")
        session = Session(load_scenario(path))
        np.savez(tmp_path / "theirs.npz", **change(numbers_of(session)))
        return session.execute(f"compare {tmp_path / 'theirs.npz'}").data

    return compare


PROGRAMS = [BATCH_NORM, LABELS, ATTENTION, LAYER_NORM, CONVOLUTION]


@pytest.mark.parametrize("text", PROGRAMS, ids=["batch norm", "labels", "attention", "layer norm", "convolution"])
def test_numbers_of_a_program_are_compared_whatever_their_ranks(compared, text):
    assert compared(text, lambda own: own)["ok"]
    half = compared(text, lambda own: {name: value / 2 if name[0] == "d" else value for name, value in own.items()})
    assert half["ok"]
    assert half["conventions"]


OFF = ["dvar", "dE", "ds", "dh", "dK"]


@pytest.mark.parametrize(("text", "name"), [*zip(PROGRAMS, OFF, strict=True)], ids=OFF)
def test_the_first_array_that_is_off_is_found(compared, text, name):
    found = compared(text, lambda own: own | {name: 2 * own[name]})
    assert not found["ok"]
    assert found["culprit"] == name


def test_a_place_that_only_a_wrong_formula_asks_for_ends_no_diagnosis(checked):
    text = "\nprogram: |\n  loss = sum(W[x] * V) + sum(W ** 2)\nparameters: {values: {W: [1.0, 2.0, 3.0], V: [[1.0, 3.0], [0.5, 2.0]]}}\n"
    data = "data: {inputs: [[0, 2], [1, 2]]}\n"
    found = checked(text + data, "dW = add_at(zeros_like(W), x, V ** 2) + 2.5 * W")
    assert found["culprit"] == "dW"


SOFTPLUS = """
program: |
  mu = x @ W1
  raw = x @ W2
  sd = log(1 + exp(raw))
  loss = sum(log(sd) + ((y - mu) / sd) ** 2)
parameters: {seed: 2, shapes: {W1: [3, 1], W2: [3, 1]}}
data: {inputs: [[0.1, -0.3, 0.7], [1.2, 0.4, -0.5], [-0.6, 0.9, 0.2]], targets: [[0], [1], [0.5]]}
"""


@pytest.mark.parametrize("line", ["draw = dsd", "draw = dsd * 1.0"])
def test_a_factor_that_is_left_out_is_told_as_it_would_be_written(checked, line):
    wrong = next(stage for stage in checked(SOFTPLUS, line)["stages"] if stage["status"] == "wrong")
    assert [suspect["kind"] for suspect in wrong["suspects"]] == ["factor_missing"]
    assert wrong["suspects"][0]["evidence"].endswith("exp(raw) / (1 + exp(raw)) is left out")
