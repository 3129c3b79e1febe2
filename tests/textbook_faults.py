"""The mistakes that people make in a training step, planted by hand in plain NumPy: one function a kind.

Each takes the update so far, the tensor's name and its right value, and gives the wrong one, or None where the mistake cannot
be made. Nothing here comes from the program under test.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

import numpy as np
from textbook_step import ACTIVATE, BETA1, BETA2, EPSILON, MOMENTUM, RATE, back_through, loss_slope, slope, terms


def planted(run, kind, stage):
    """A tensor of an update with a mistake in it, everything before it being right; None where the mistake cannot be made there, or
    changes nothing."""
    before = takewhile(lambda item: item[0] != stage, run.tensors.items())
    right = run.tensors[stage]
    try:
        wrong = PLANT[kind](replace(run, tensors=dict(before)), stage, right)
    except KeyError:  # it takes a tensor that is not computed yet
        return None
    same = wrong is None or (np.shape(wrong) == right.shape and np.allclose(wrong, right, 1e-6, 1e-9))
    return None if same else np.asarray(wrong)


def split(name):
    """``dz``, 2 for ``dz2``; ``loss``, 0 for ``loss``."""
    letters = name.rstrip("0123456789")
    return letters, int(name[len(letters) :] or 0)


def is_gradient(name):
    return name[0] == "d"


def is_update(name):
    return split(name)[0] in ("W", "b")


def is_slot(name):
    return split(name)[0] in ("vW", "vb", "mW", "mb")


def with_gradient(run, name, change):
    """An update stage, done with another gradient."""
    w = name.lstrip("vm")
    old, g = run.before, change(run.tensors[f"d{w}"])
    if is_slot(name):
        first = name[0] == "m"
        if run.net.optimizer == "momentum":
            return MOMENTUM * old[name] + g
        return BETA1 * old[name] + (1 - BETA1) * g if first else BETA2 * old[name] + (1 - BETA2) * g**2
    if run.net.optimizer == "sgd":
        return old[w] - RATE * g
    return old[w] - RATE * change(run.tensors[f"v{w}"]) if run.net.optimizer == "momentum" else None


def scale(run, name, right, factor):
    if is_update(name) or is_slot(name):
        return with_gradient(run, name, lambda g: g * factor)
    return right * factor if is_gradient(name) or name == "loss" else None


PLANT = {}


def plant(function):
    PLANT[function.__name__] = function
    return function


@plant
def sum_for_mean(run, name, right):
    return scale(run, name, right, run.net.m) if run.net.samples == "mean" else None


@plant
def mean_for_sum(run, name, right):
    return scale(run, name, right, 1 / run.net.m) if run.net.samples == "sum" else None


@plant
def m_twice(run, name, right):
    return scale(run, name, right, 1 / run.net.m) if run.net.samples == "mean" else None


@plant
def outputs_factor(run, name, right):
    k = run.net.widths[-1]
    return None if k == 1 else scale(run, name, right, k if run.net.outputs == "mean" else 1 / k)


@plant
def stray_factor(run, name, right):
    return scale(run, name, right, 3.7)


@plant
def learning_rate(run, name, right):
    if is_update(name) and run.net.optimizer == "sgd":
        return run.before[name] - run.tensors[f"d{name}"]
    return right * RATE if is_gradient(name) else None


@plant
def sign(run, name, right):
    if is_update(name) and run.net.optimizer != "adam":
        return 2 * run.before[name] - right
    if split(name)[0] == "z":
        return right - 2 * run.before[f"b{split(name)[1]}"]
    return -right if is_gradient(name) or name == "loss" else None


@plant
def transposed(run, name, right):
    return right.T if split(name)[0] in ("z", "a", "da", "dz", "dW") and min(right.shape) > 1 else None


@plant
def reshaped(run, name, right):
    letters, n = split(name)
    if letters in ("da", "dr") and f"dr{n}" not in run.tensors and n + 1 not in run.net.residual:
        w = run.before[f"W{n + 1}"]
        return run.tensors[f"dz{n + 1}"] @ w.reshape(w.shape[::-1])
    rows, columns = right.shape or (1, 1)
    return right.T.reshape(right.shape) if letters == "dW" and rows != columns and min(rows, columns) > 1 else None


def local(run, name):
    """Layer, its activation, arriving gradient, z and a of a dz stage that goes through an activation; else None."""
    letters, n = split(name)
    if letters != "dz" or f"da{n}" not in run.tensors:
        return None
    return n, run.net.activations[n - 1], run.tensors[f"da{n}"], run.tensors[f"z{n}"], run.tensors[f"a{n}"]


@plant
def activation_missing(run, name, right):
    letters, n = split(name)
    if letters == "a":
        return run.tensors[f"z{n}"]
    here = local(run, name)
    return here and here[2]


@plant
def activation_twice(run, name, right):
    letters, n = split(name)
    if letters == "a":
        return ACTIVATE[run.net.activations[n - 1]](right)
    if letters == "dz" and run.net.fused and n == run.net.depth:
        return back_through(run.net.activations[n - 1], right, run.tensors[f"z{n}"])
    here = local(run, name)
    return here and back_through(here[1], right, here[3])


@plant
def activation_at_a(run, name, right):
    here = local(run, name)
    return here[2] * slope(here[1], here[4]) if here and here[1] in ("sigmoid", "tanh", "relu") else None


@plant
def activation_at_z(run, name, right):
    here = local(run, name)
    if not here or here[1] not in ("sigmoid", "tanh"):
        return None
    _, activation, g, z, _ = here
    return g * (z * (1 - z) if activation == "sigmoid" else 1 - z**2)


@plant
def another_activation(run, name, right):
    letters, n = split(name)
    own = run.net.activations[n - 1] if n else ""
    other = {"sigmoid": "tanh", "tanh": "relu", "relu": "sigmoid", "softmax": "sigmoid"}.get(own)
    if not other:
        return None
    if letters == "a":
        return ACTIVATE[other](run.tensors[f"z{n}"])
    here = local(run, name)
    if not here:
        return None
    _, _, g, z, a = here
    return g * a * (1 - a) if own == "softmax" else g * slope(other, z)


@plant
def wrong_layer(run, name, right):
    letters, n = split(name)
    here = local(run, name)
    if here and here[1] in ("sigmoid", "tanh"):
        others = [run.tensors[f"a{k}"] for k in range(1, run.net.depth + 1) if k != n]
        fitting = [a for a in others if a.shape[1] in (1, here[4].shape[1])]
        return here[2] * (fitting[0] * (1 - fitting[0]) if here[1] == "sigmoid" else 1 - fitting[0] ** 2) if fitting else None
    if letters == "dW" and n > 1 and not run.net.l2:
        return run.tensors["x"].T @ run.tensors[f"dz{n}"]
    if letters == "db":
        others = [run.tensors[f"dz{k}"].sum(axis=0, keepdims=True) for k in range(n + 1, run.net.depth + 1)]
        return next((b for b in others if b.shape == right.shape), None)
    return None


@plant
def pre_activation(run, name, right):
    letters, n = split(name)
    if n < 2 or n - 1 in run.net.residual:
        return None
    z = run.tensors[f"z{n - 1}"]
    if letters == "z":
        return z @ run.before[f"W{n}"] + run.before[f"b{n}"]
    return z.T @ run.tensors[f"dz{n}"] + 2 * run.net.l2 * run.before[f"W{n}"] if letters == "dW" else None


@plant
def da_for_dz(run, name, right):
    letters, n = split(name)
    if letters == "dW" and f"da{n}" in run.tensors:
        return run.layer_input(n)[0].T @ run.tensors[f"da{n}"] + 2 * run.net.l2 * run.before[f"W{n}"]
    return run.tensors[f"da{n}"].sum(axis=0, keepdims=True) if letters == "db" and f"da{n}" in run.tensors else None


@plant
def updated_before_used(run, name, right):
    letters, n = split(name)
    if letters == "z":
        return run.layer_input(n)[0] @ run.after[f"W{n}"] + run.after[f"b{n}"]
    if letters in ("da", "dr") and f"dr{n}" not in run.tensors:
        dz = run.tensors[f"dz{n + 1}"]
        return right + dz @ (run.after[f"W{n + 1}"] - run.before[f"W{n + 1}"]).T
    return None


@plant
def bias_missing(run, name, right):
    letters, n = split(name)
    return right - run.before[f"b{n}"] if letters == "z" else np.zeros_like(right) if letters == "db" else None


@plant
def zero(run, name, right):
    return np.zeros_like(right) if is_gradient(name) and split(name)[0] != "db" else None


@plant
def bias_not_summed(run, name, right):
    letters, n = split(name)
    if letters != "db":
        return None
    g = run.tensors[f"dz{n}"]
    return (g, g[2:3], np.full_like(right, g.sum()), g.sum(axis=1))[(run.net.m + n) % 4]


@plant
def not_summed(run, name, right):
    letters, n = split(name)
    if letters == "dW" and not run.net.l2:
        return run.layer_input(n)[0][:, :, None] * run.tensors[f"dz{n}"][:, None, :]
    if name == "loss" and not run.net.l2:
        return terms(run.net.loss, run.layer_input(run.net.depth + 1)[0], run.tensors["y"]) / run.net.over
    return None


@plant
def another_loss(run, name, right):
    last, key = run.layer_input(run.net.depth + 1)
    y = run.tensors["y"]
    if name == f"d{key}":
        return (last - y) / run.net.over
    if name == "loss" and not run.net.l2:
        return 0.5 * ((last - y) ** 2).sum() / run.net.over
    if name == f"dz{run.net.depth}" and run.net.fused:
        return loss_slope(run.net.loss, last, y) / run.net.over
    return None


@plant
def y_broadcast(run, name, right):
    last, key = run.layer_input(run.net.depth + 1)
    flat, net = run.tensors["y"][:, 0], run.net
    if net.widths[-1] > 1:
        return None
    if name == "loss" and not net.l2:
        return terms(net.loss, last, flat).sum() / net.over / (net.m if net.samples == "mean" else 1)
    table = loss_slope(net.loss, last, flat) / net.over
    if name == f"d{key}":
        return (table, table.sum(axis=1, keepdims=True), table.mean(axis=1))[net.m % 3]
    return (last - flat) / net.over if name == f"dz{net.depth}" and net.fused else None


@plant
def l2_missing(run, name, right):
    letters, n = split(name)
    w = run.before.get(f"W{n}")
    if name == "loss":
        return right - run.net.l2 * sum((run.before[f"W{k}"] ** 2).sum() for k in range(1, run.net.depth + 1))
    return right - 2 * run.net.l2 * w if letters == "dW" else None


@plant
def l2_on_biases(run, name, right):
    letters, n = split(name)
    if name == "loss":
        return right + run.net.l2 * sum((run.before[f"b{k}"] ** 2).sum() for k in range(1, run.net.depth + 1))
    return right + 2 * run.net.l2 * run.before[f"b{n}"] if letters == "db" else None


@plant
def l2_factor(run, name, right):
    letters, n = split(name)
    less = (1.0, 2 - 1 / run.net.m, 2 - 2 / run.net.m, -2.0)[(run.net.m + n) % 4]
    return right - less * run.net.l2 * run.before[f"W{n}"] if letters == "dW" and run.net.l2 else None


@plant
def l2_unasked(run, name, right):
    letters, n = split(name)
    return right + 0.037 * run.before[f"W{n}"] if letters == "dW" and not run.net.l2 else None


@plant
def path_missing(run, name, right):
    letters, n = split(name)
    if letters == "r":
        return run.tensors[f"a{n}"]
    if n + 1 in run.net.residual and letters in ("da", "dr") and f"dr{n}" not in run.tensors:
        by_weights = run.tensors[f"dz{n + 1}"] @ run.before[f"W{n + 1}"].T
        return by_weights if run.net.m % 2 else right - by_weights
    if letters == "dW" and n - 1 in run.net.residual:
        return run.tensors[f"a{n - 1}"].T @ run.tensors[f"dz{n}"] + 2 * run.net.l2 * run.before[f"W{n}"]
    return None


@plant
def stale(run, name, right):
    letters, n = split(name)
    if is_update(name):
        return run.before[name] - RATE * run.previous[f"d{name}"] if run.net.optimizer == "sgd" else None
    if letters == "dW" and n % 2:
        return run.layer_input(n)[0].T @ run.previous[f"dz{n}"] + 2 * run.net.l2 * run.before[f"W{n}"]
    return None if is_slot(name) else run.previous[name]


@plant
def accumulated(run, name, right):
    return right + run.previous[name] if split(name)[0] in ("dW", "db") else None


@plant
def sample_missing(run, name, right):
    letters, n = split(name)
    g = run.tensors.get(f"dz{n}")
    if letters == "db":
        return right - g[1:2]
    if letters == "dW":
        h = run.layer_input(n)[0]
        return h[:-1].T @ g[:-1] + 2 * run.net.l2 * run.before[f"W{n}"] if n % 2 else right - h[2:3].T @ g[2:3]
    if letters == "dz":
        return np.where(np.arange(run.net.m)[:, None] == 1, 0, right)
    return None


@plant
def clipped(run, name, right):
    if not is_gradient(name) or right.size < 4:
        return None
    if run.net.m % 2:
        return right * (0.5 * 10.0 ** np.floor(np.log10(np.linalg.norm(right))) / np.linalg.norm(right))
    limit = np.sort(np.abs(right).ravel())[-3] * 0.9
    return np.clip(right, -limit, limit)


@plant
def one_cell(run, name, right):
    if not is_gradient(name) or right.size < 4:
        return None
    return np.where(np.arange(right.size).reshape(right.shape) == 2, 1.3 * right + 0.1, right)


@plant
def not_updated(run, name, right):
    return run.before[name] if is_update(name) else None


@plant
def momentum_missing(run, name, right):
    if run.net.optimizer != "momentum":
        return None
    if is_slot(name):
        return run.tensors[f"d{name[1:]}"]
    return run.before[name] - RATE * run.tensors[f"d{name}"] if is_update(name) else None


@plant
def another_optimizer(run, name, right):
    if run.net.optimizer == "momentum" and is_slot(name):
        return MOMENTUM * run.before[name] + (1 - MOMENTUM) * run.tensors[f"d{name[1:]}"]
    return run.before[name] - RATE * run.tensors[f"d{name}"] if run.net.optimizer == "adam" and is_update(name) else None


@plant
def correction_missing(run, name, right):
    if run.net.optimizer != "adam" or not is_update(name):
        return None
    return run.before[name] - RATE * run.tensors[f"m{name}"] / (np.sqrt(run.tensors[f"v{name}"]) + EPSILON)


@plant
def wrong_axis(run, name, right):
    letters, n = split(name)
    if letters == "a" and run.net.activations[n - 1] == "softmax":
        e = np.exp(run.tensors[f"z{n}"])
        return e / e.sum(axis=0, keepdims=True)
    here = local(run, name)
    if here and here[1] == "softmax":
        return here[4] * (here[2] - (here[2] * here[4]).sum(axis=0, keepdims=True))
    return None


@plant
def gradient_missing(run, name, right):
    here = local(run, name)
    return slope(here[1], here[3]) if here and here[1] in ("sigmoid", "tanh", "relu") else None


@plant
def parentheses(run, name, right):
    here = local(run, name)
    if here and here[1] in ("sigmoid", "tanh"):
        return here[2] * here[4] * 1 - here[4] if here[1] == "sigmoid" else here[2] * 1 - here[4] ** 2
    return None


@plant
def activation_part(run, name, right):
    here = local(run, name)
    return here[2] * (here[4] if run.net.m % 2 else 1 - here[4]) if here and here[1] == "sigmoid" else None


@plant
def factor_missing(run, name, right):
    last, key = run.layer_input(run.net.depth + 1)
    y, over = run.tensors["y"], run.net.over
    if name != f"d{key}":
        return None
    if run.net.loss == "binary_cross_entropy":
        return (-y + (1 - y) / (1 - last)) / over
    return -y / over if run.net.loss == "categorical_cross_entropy" else None


@plant
def term_missing(run, name, right):
    last, key = run.layer_input(run.net.depth + 1)
    if name == f"d{key}" and run.net.loss == "binary_cross_entropy":
        return (1 - run.tensors["y"]) / (1 - last) / run.net.over
    if is_update(name) and run.net.optimizer == "sgd":
        return -RATE * run.tensors[f"d{name}"]
    return None


def exact(run):
    """The last layer's prediction, the targets, and what the loss is divided by; None where the loss is fused."""
    last, key = run.layer_input(run.net.depth + 1)
    return (last, key, run.tensors["y"], run.net.over)


@plant
def epsilon_added(run, name, right):
    last, key, y, over = exact(run)
    if name == "loss" and run.net.loss == "binary_cross_entropy" and not run.net.l2:
        return -(y * np.log(last + 1e-8) + (1 - y) * np.log(1 - last + 1e-8)).sum() / over
    if run.net.loss == "categorical_cross_entropy" and name in ("loss", f"d{key}") and not run.net.l2:
        return -(y * np.log(last + 1e-5)).sum() / over if name == "loss" else -y / (last + 1e-5) / over
    return None


def adam_step(run, name, change):
    if run.net.optimizer != "adam" or not is_update(name):
        return None
    count = run.before.get("t", 0) + 1
    return run.before[name] - RATE * change(run.tensors[f"m{name}"], run.tensors[f"v{name}"], 1 - BETA1**count, 1 - BETA2**count)


@plant
def epsilon_place(run, name, right):
    steps = (
        lambda m, v, first, second: m / first / np.sqrt(v / second + EPSILON),
        lambda m, v, first, second: np.sqrt(second) / first * m / (np.sqrt(v) + EPSILON),
        lambda m, v, first, second: m / first / np.sqrt((v + EPSILON) / second),
    )
    return adam_step(run, name, steps[run.net.m % 3])


@plant
def inverted(run, name, right):
    return adam_step(run, name, lambda m, v, first, second: m * first / (np.sqrt(v / second) + EPSILON))


@plant
def miscounted(run, name, right):
    count = run.before.get("t", 0)
    return adam_step(run, name, lambda m, v, _, __: m / (1 - BETA1**count) / (np.sqrt(v / (1 - BETA2**count)) + EPSILON))


@plant
def coefficient(run, name, right):
    if run.net.optimizer == "momentum" and is_slot(name):
        return run.before[name] + MOMENTUM * run.tensors[f"d{name[1:]}"]
    if run.net.optimizer == "adam" and is_slot(name) and name[0] == "m":
        return (1 - BETA1) * run.before[name] + BETA1 * run.tensors[f"d{name[1:]}"]
    return None


@plant
def complement(run, name, right):
    if run.net.optimizer == "adam" and is_slot(name) and name[0] == "m":
        return BETA1 * run.before[name] + BETA1 * run.tensors[f"d{name[1:]}"]
    return None


@plant
def another_function(run, name, right):
    if run.net.optimizer == "adam" and is_slot(name) and name[0] == "v":
        return BETA2 * run.before[name] + (1 - BETA2) * np.abs(run.tensors[f"d{name[1:]}"])
    return None


@plant
def n_minus_one(run, name, right):
    m = run.net.m
    return right * m / (m - 1) if is_gradient(name) and run.net.samples == "mean" and not run.net.l2 else None


@plant
def squashed_again(run, name, right):
    last, key, y, over = exact(run)
    if run.net.loss != "categorical_cross_entropy" or run.net.l2 or run.net.fused:
        return None
    again = ACTIVATE["softmax"](last)
    if name == "loss":
        return -(y * np.log(again)).sum() / over
    return (again - y) / over if name == f"d{key}" else None


@plant
def value_for_slope(run, name, right):
    here = local(run, name)
    return here[2] * here[4] if here and here[1] in ("tanh", "relu") else None


@plant
def slope_for_value(run, name, right):
    letters, n = split(name)
    own = run.net.activations[n - 1] if n else ""
    return slope(own, run.tensors[f"z{n}"]) if letters == "a" and own in ("sigmoid", "tanh", "relu") else None


@plant
def another_slope(run, name, right):
    letters, n = split(name)
    if letters == "dW" and n > 1 and run.net.activations[n - 2] in ("sigmoid", "tanh") and n - 1 not in run.net.residual:
        z, l2 = run.tensors[f"z{n - 1}"], 2 * run.net.l2 * run.before[f"W{n}"]
        return (run.tensors[f"a{n - 1}"] * slope(run.net.activations[n - 2], z)).T @ run.tensors[f"dz{n}"] + l2
    return None


@plant
def branches(run, name, right):
    letters, n = split(name)
    own = run.net.activations[n - 1] if n else ""
    if letters == "a" and own == "relu":
        return np.minimum(run.tensors[f"z{n}"], 0)
    here = local(run, name)
    return here[2] * (here[3] < 0) if here and here[1] == "relu" else None


@plant
def exchanged(run, name, right):
    letters, n = split(name)
    if letters == "da" and n < run.net.depth and n + 1 not in run.net.residual and n not in run.net.residual:
        return run.tensors[f"a{n + 1}"] @ run.before[f"W{n + 1}"].T
    return None


@plant
def counted_twice(run, name, right):
    letters, n = split(name)
    if letters == "z":
        return right + run.before[f"b{n}"]
    here = local(run, name)
    return here[2] * here[4] * (1 - here[4]) ** 2 if here and here[1] == "sigmoid" else None
