"""Stops, seeking and stepping back, as ratios and as times, in one process with one BLAS thread."""

from __future__ import annotations

import random
from statistics import median

import pytest
from bench_run import REPETITIONS, XOR, digits, timed

from bpdebug.core.description import Training
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.session.session import Session
from bpdebug.time.timeline import Timeline

MILLION = 10**6
CONDITIONS = {
    "XOR, continue under `break dz2 if max(abs(dz2)) > 99`": (XOR, 4000, ("break dz2 if max(abs(dz2)) > 99",)),
    "XOR, continue under `break loss if loss < 0`": (XOR, 4000, ("break loss if loss < 0",)),
    "XOR, continue under three conditions": (
        XOR,
        4000,
        ("break dz2 if max(abs(dz2)) > 99", "break loss if loss < 0", "break dW1 if norm(dW1) < 1e-9"),
    ),
    "XOR, continue under `catch vanishing`": (XOR, 4000, ("catch vanishing 1e-12",)),
    "XOR, continue under `watch max(abs(dW1)) sign`": (XOR, 4000, ("watch max(abs(dW1)) sign",)),
    "XOR, continue under `watch learning_rate` (looked at between updates)": (XOR, 2000, ("watch learning_rate",)),
    "784-128-10, continue under `break dz1 if norm(dz1) > 1e9`": (digits(), 100, ("break dz1 if norm(dz1) > 1e9",)),
}


def free_run(scenario):
    timeline = Timeline(make_program(scenario))
    return timed(lambda: timeline.run(timeline.end))[0]


def stopped_run(scenario, commands):
    session = Session(scenario)
    for command in commands:
        session.execute(command)
    seconds, answer = timed(lambda: session.execute("continue"))
    assert answer.data["reason"] == "end"
    return seconds


@pytest.mark.parametrize("name", CONDITIONS)
def test_continuing_under_a_condition_that_never_holds(name, measured):
    scenario, updates, commands = CONDITIONS[name]
    epochs = updates // (len(scenario.x) // scenario.batch_size)
    scenario = replace(scenario, training=replace(scenario.training, epochs=epochs))
    pairs = [(free_run(scenario), stopped_run(scenario, commands)) for _ in range(REPETITIONS)]
    measured(name, f"{median(free / stopped for free, stopped in pairs):.2f} of full speed", "≥ 0.50")


def seeks(timeline, clocks):
    """Milliseconds of each."""
    return [1e3 * timed(lambda t=t: timeline.seek(t))[0] for t in clocks]


def test_any_moment_of_a_million_updates(measured):
    scenario = replace(XOR, training=Training(MILLION))
    timeline = Timeline(make_program(scenario))
    seconds, _ = timed(lambda: timeline.seek(timeline.end))
    choose = random.Random(0)  # noqa: S311
    times = seeks(timeline, [choose.randrange(timeline.end) for _ in range(1000)])
    measured("XOR, 1,000 random moments of 10⁶ updates", f"median {median(times):.2f} ms, max {max(times):.2f} ms", "≤ 2 ms")
    size = timeline._checkpoints.bytes / 2**20
    measured("XOR, checkpoints of 10⁶ updates", f"{size:.2f} MB", "≤ 4 MB")
    fresh = 1e3 * seconds / 2
    measured("XOR, a fresh run to the middle instead of a seek", f"{fresh:.0f} ms, {fresh / median(times):,.0f} × as long", "")


def test_any_of_the_last_thousand_updates_of_digits(measured):
    scenario = digits()
    scenario = replace(scenario, training=replace(scenario.training, epochs=150))
    timeline = Timeline(make_program(scenario))
    timeline.seek(timeline.end)
    length, choose = len(timeline.program.stages), random.Random(0)  # noqa: S311
    times = seeks(timeline, [timeline.end - choose.randrange(1000 * length) for _ in range(60)])
    measured("784-128-10, random moments of the last 1,000 updates", f"median {median(times):.1f} ms, max {max(times):.1f} ms", "≤ 50 ms")


@pytest.mark.parametrize(("name", "scenario", "updates"), [("XOR", XOR, 300), ("784-128-10", digits(), 60)])
def test_stepping_back_costs_little_more_than_stepping_on(name, scenario, updates, measured):
    epochs = updates // (len(scenario.x) // scenario.batch_size)
    scenario = replace(scenario, training=replace(scenario.training, epochs=epochs))
    ratios = []
    for _ in range(7):
        timeline = Timeline(make_program(scenario))
        timeline.seek(timeline.end)
        end = timeline.end
        back, _ = timed(lambda timeline=timeline, end=end: [timeline.seek(t) for t in range(end - 1, end - 201, -1)])
        on, _ = timed(lambda timeline=timeline, end=end: [timeline.seek(t) for t in range(end - 199, end + 1)])
        ratios.append(back / on)
    measured(f"{name}, 200 reverse steps to 200 steps", f"{median(ratios):.2f} ×", "≤ 3 ×")


def test_torch_eager_beside_a_run_of_xor(measured):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    scenario = replace(XOR, training=Training(1000))
    program = make_program(scenario)
    x, y = torch.from_numpy(scenario.x), torch.from_numpy(scenario.y)

    def eager():
        names = ("W1", "b1", "W2", "b2")
        parameters = [torch.from_numpy(program.initial[name].copy()).requires_grad_() for name in names]
        optimizer = torch.optim.SGD(parameters, lr=0.1)
        loss_of = torch.nn.BCELoss(reduction="sum")
        for _ in range(scenario.updates):
            W1, b1, W2, b2 = parameters
            loss = loss_of(torch.sigmoid(torch.sigmoid(x @ W1 + b1) @ W2 + b2), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    eager()
    pairs = [(timed(eager)[0], free_run(scenario)) for _ in range(7)]
    measured("XOR, torch eager to our run", f"{median(theirs / ours for theirs, ours in pairs):.1f} ×", "≥ 8 ×")
