"""The gradient check of every stage against the loop over the parameters that everybody writes first; the numbers are compared."""

from __future__ import annotations

from statistics import median

import numpy as np
from bench_run import XOR, digits, timed

from bpdebug.core.layers import make_program
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.check import check
from bpdebug.trust.differences import Probe

NAMES = ("W1", "b1", "W2", "b2")
STEP = 1e-5


def xor_loss(p, x, y):
    a1 = 1 / (1 + np.exp(-(x @ p["W1"] + p["b1"])))
    a2 = 1 / (1 + np.exp(-(a1 @ p["W2"] + p["b2"])))
    return np.sum(-y * np.log(a2) - (1 - y) * np.log(1 - a2))


def digits_loss(p, x, y):
    z2 = np.maximum(x @ p["W1"] + p["b1"], 0) @ p["W2"] + p["b2"]
    e = np.exp(z2 - np.max(z2, axis=1, keepdims=True))
    return np.sum(-y * np.log(e / np.sum(e, axis=1, keepdims=True))) / len(x)


def naive(loss, parameters, x, y, cells):
    """Two forward passes a cell."""
    found = {}
    for name, places in cells.items():
        tensor = parameters[name] = parameters[name].copy()
        slopes = found[name] = np.full(tensor.shape, np.nan)
        for place in places:
            old = tensor.flat[place]
            tensor.flat[place] = old + STEP
            up = loss(parameters, x, y)
            tensor.flat[place] = old - STEP
            slopes.flat[place] = (up - loss(parameters, x, y)) / (2 * STEP)
            tensor.flat[place] = old
    return found


def compare(scenario, loss, cells, repetitions):
    """Microseconds a parameter of both, the median ratio, and the milliseconds of a whole check; and that both find the same."""
    timeline = Timeline(make_program(scenario))
    probe = Probe(timeline)
    parameters = {name: probe.values[name] for name in NAMES}
    some = {name: np.sort(np.random.default_rng(1).permutation(value.size)[:cells]) for name, value in parameters.items()}
    count, times = sum(map(len, some.values())), []
    for _ in range(repetitions):
        slow, expected = timed(lambda: naive(loss, parameters, probe.values["x"], probe.values["y"], some))
        fast, found = timed(lambda: whole(check(timeline)))
        assert {finding.status for finding in found.findings} == {"good"}
        for name, places in some.items():
            assert np.abs(probe.values[f"d{name}"].flat[places] - expected[name].flat[places]).max() < 1e-9
        times.append((slow / count, fast / sum(value.size for value in parameters.values()), fast))
    slow, fast, whole_time = (median(column) for column in zip(*times, strict=True))
    return slow * 1e6, fast * 1e6, median(fast / slow for slow, fast, _ in times), whole_time * 1e3


def row(checked, what, slow, fast, ratio, milliseconds, target):
    checked(what, slow, fast, ratio, f"{milliseconds:.2f} ms" if milliseconds < 100 else f"{milliseconds / 1e3:.2f} s", target)


def test_checking_all_parameters_of_xor(checked):
    row(checked, "XOR, 17 parameters", *compare(XOR, xor_loss, 100, 51), "10 ms")


def test_checking_all_parameters_of_digits(checked):
    row(checked, "784-128-10, 101,770 parameters", *compare(digits(32), digits_loss, 40, 3), "50 ms")
