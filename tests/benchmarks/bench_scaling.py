"""What the debugger below the screen costs by depth and by width, in milliseconds of CPU; the exponent is that of the last two columns."""

from __future__ import annotations

from math import log
from statistics import median
from time import process_time

import pytest
from bench_screen import LAYERS, WIDTHS, deep, stack

from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.session.session import Session
from bpdebug.time.timeline import Timeline

_SECONDS = 0.3
"""CPU time to spend on one figure, about; everything is measured once at least."""


def milliseconds(work, most=200):
    """The median of as many goes as fit in."""
    found = []
    while not found or (sum(found) < 1e3 * _SECONDS and len(found) < most):
        start = process_time()
        work()
        found.append(1e3 * (process_time() - start))
    return median(found)


def figures(scenario):
    """What is measured of one scenario, by name."""
    program = make_program(scenario)
    timeline, session = Timeline(program), Session(scenario)
    yield "make the program", milliseconds(lambda: make_program(scenario))
    yield "compile it", milliseconds(lambda: Machine(program))
    length = timeline.calendar.length
    timeline.seek(4 * length)
    yield "run an update", milliseconds(lambda: timeline.run(timeline.clock + length))
    timeline.seek(4 * length)
    yield "run a stage", milliseconds(lambda: [timeline.run(timeline.clock + 1) for _ in range(length)]) / length
    yield (
        "seek 3 updates back, and on again",
        milliseconds(lambda: [timeline.seek(timeline.clock + by * 3 * length) for by in (-1, 1)]),
    )
    session.execute("goto 1:loss")
    yield "execute step", milliseconds(lambda: session.execute("step"))
    session.execute("goto 1:dW1")
    yield "a view at a stage", milliseconds(session.view)
    session.execute("goto 2")
    yield "a view at an update's start", milliseconds(session.view)


AXES = {"layers of 8": (LAYERS, deep), "W-W-10, W": (WIDTHS, lambda width: stack([width, width, 10]))}


@pytest.mark.parametrize("axis", AXES)
def test_scaling(axis, scaled):
    values, make = AXES[axis]
    table = {value: dict(figures(make(value))) for value in values}
    for name in table[values[0]]:
        row = [table[value][name] for value in values]
        scaled(axis, values, name, row, log(row[-1] / row[-2]) / log(values[-1] / values[-2]))
