"""Running and stepping against the loop that a textbook would write: in one process, by CPU time; the bits are compared."""

from __future__ import annotations

from statistics import median
from time import process_time

import numpy as np

import bpdebug
from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.session.session import Session
from bpdebug.time.recording import record
from bpdebug.time.timeline import Timeline

REPETITIONS = 15
XOR = bpdebug.load_scenario("xor")


def xor_textbook(initial, x, y, updates, rate=0.1):
    """The tutorial's loop."""
    W1, b1, W2, b2 = (initial[name] for name in ("W1", "b1", "W2", "b2"))
    losses = []
    for _ in range(updates):
        z1 = x @ W1 + b1
        a1 = 1 / (1 + np.exp(-z1))
        z2 = a1 @ W2 + b2
        a2 = 1 / (1 + np.exp(-z2))
        losses.append(np.sum(-y * np.log(a2) - (1 - y) * np.log(1 - a2)))
        da2 = -y / a2 + (1 - y) / (1 - a2)
        dz2 = da2 * a2 * (1 - a2)
        dW2 = a1.T @ dz2
        db2 = np.sum(dz2, axis=0, keepdims=True)
        da1 = dz2 @ W2.T
        dz1 = da1 * a1 * (1 - a1)
        dW1 = x.T @ dz1
        db1 = np.sum(dz1, axis=0, keepdims=True)
        W1 = W1 - rate * dW1
        b1 = b1 - rate * db1
        W2 = W2 - rate * dW2
        b2 = b2 - rate * db2
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}, losses


def digits(samples=320, epochs=10):
    """784-128-10 on random data in batches of 32."""
    generator = np.random.default_rng(0)
    x, y = generator.random((samples, 784)), np.eye(10)[generator.integers(0, 10, samples)]
    return Scenario(
        "digits",
        tuple(f"p{i}" for i in range(784)),
        (Layer(128, "relu"), Layer(10, "softmax")),
        x,
        y,
        initializer=Initializer("he_normal"),
        loss=Loss("categorical_cross_entropy", samples="mean"),
        optimizer=Optimizer("sgd", {"learning_rate": 0.1}),
        training=Training(epochs=epochs, batch_size=32),
    )


def digits_textbook(initial, data, targets, updates, rate=0.1, size=32):
    """The same with relu, softmax and batches."""
    W1, b1, W2, b2 = (initial[name] for name in ("W1", "b1", "W2", "b2"))
    losses, batches = [], len(data) // size
    for update in range(updates):
        batch = slice(update % batches * size, (update % batches + 1) * size)
        x, y, m = data[batch], targets[batch], size
        z1 = x @ W1 + b1
        a1 = np.maximum(z1, 0)
        z2 = a1 @ W2 + b2
        e = np.exp(z2 - np.max(z2, axis=1, keepdims=True))
        a2 = e / np.sum(e, axis=1, keepdims=True)
        losses.append(np.sum(-y * np.log(a2)) / m)
        da2 = -y / a2 / m
        dz2 = a2 * (da2 - np.sum(da2 * a2, axis=1, keepdims=True))
        dW2 = a1.T @ dz2
        db2 = np.sum(dz2, axis=0, keepdims=True)
        da1 = dz2 @ W2.T
        dz1 = da1 * (z1 > 0)
        dW1 = x.T @ dz1
        db1 = np.sum(dz1, axis=0, keepdims=True)
        W1 = W1 - rate * dW1
        b1 = b1 - rate * db1
        W2 = W2 - rate * dW2
        b2 = b2 - rate * db2
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}, losses


def run(timeline):
    """At full speed, with checkpoints, the losses and a look at every value for NaN."""
    timeline.run(timeline.end)


def step(timeline):
    """Stage by stage, as the step command goes."""
    for t in range(1, timeline.end + 1):
        timeline.run(t)


def timed(work):
    start = process_time()
    result = work()
    return process_time() - start, result


def compare(scenario, textbook, move, repetitions=REPETITIONS, make=Timeline):
    """Seconds of CPU of both, taken in turns, and the median of their ratios; the bits must be the same."""
    program, times = make_program(scenario), []
    for _ in range(repetitions):
        mover = make(program)
        theirs, (parameters, losses) = timed(lambda: textbook(program.initial, scenario.x, scenario.y, scenario.updates))
        ours, _ = timed(lambda mover=mover: move(mover))
        times.append((theirs, ours))
        timeline = getattr(mover, "timeline", mover)
        assert all(timeline.machine.values()[name].tobytes() == value.tobytes() for name, value in parameters.items())
        assert np.array(losses).tobytes() == timeline.losses.points()[1].tobytes()
    theirs, ours = (median(column) * 1e6 / scenario.updates for column in zip(*times, strict=True))
    return theirs, ours, median(ours / theirs for theirs, ours in times)


def execute(session):
    """Stage by stage, as a script does it."""
    for _ in range(session.timeline.end):
        session.execute("step")


def test_running_xor(report):
    report("XOR, run", *compare(replace(XOR, training=Training(2000)), xor_textbook, run), "0.55")


def test_stepping_xor(report):
    report("XOR, `timeline.run(t)` for each t", *compare(replace(XOR, training=Training(500)), xor_textbook, step), "2.30")


def test_stepping_xor_from_a_script(report):
    scenario = replace(XOR, training=Training(100))
    report('XOR, `session.execute("step")`', *compare(scenario, xor_textbook, execute, make=lambda _: Session(scenario)), "12.00")


def test_recording_xor(report):
    scenario = replace(XOR, training=Training(2000))
    program, times = make_program(scenario), []
    for _ in range(REPETITIONS):
        timeline = Timeline(program)
        timeline.seek(timeline.end)
        theirs, _ = timed(lambda: xor_textbook(program.initial, scenario.x, scenario.y, scenario.updates))
        ours, made = timed(lambda timeline=timeline: record(timeline, scenario.updates))
        assert len(made) == scenario.updates
        times.append((theirs, ours))
    theirs, ours = (median(column) * 1e6 / scenario.updates for column in zip(*times, strict=True))
    report("XOR, run with every intermediate recorded", theirs, ours, median(ours / theirs for theirs, ours in times), "0.60")


def test_running_digits(report):
    report("784-128-10 in batches of 32, 1,000 updates", *compare(digits(epochs=100), digits_textbook, run, repetitions=7), "0.98")
