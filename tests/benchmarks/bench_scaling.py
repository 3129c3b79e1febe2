"""What the debugger below the screen costs by depth and by width, in milliseconds of CPU; the exponent is that of the last two columns."""

from __future__ import annotations

from math import log
from statistics import median
from time import process_time

import numpy as np
import pytest
from bench_screen import LAYERS, WIDTHS, deep, stack

from bpdebug.core.description import Initializer, Lines, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.frontends import load_scenario
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


BLOCK = """
mu{n} = mean(h{p}, axis=-1, keepdims=True)
xc{n} = h{p} - mu{n}
var{n} = mean(xc{n} ** 2, axis=-1, keepdims=True)
sd{n} = sqrt(var{n} + 1e-5)
xn{n} = xc{n} / sd{n}
ln{n} = gain{n} * xn{n} + shift{n}
qp{n} = ln{n} @ Wq{n}
kp{n} = ln{n} @ Wk{n}
vp{n} = ln{n} @ Wv{n}
qs{n} = reshape(qp{n}, (-1, 32, 4, 16))
ks{n} = reshape(kp{n}, (-1, 32, 4, 16))
vs{n} = reshape(vp{n}, (-1, 32, 4, 16))
q{n} = transpose(qs{n}, (0, 2, 1, 3))
k{n} = transpose(ks{n}, (0, 2, 3, 1))
v{n} = transpose(vs{n}, (0, 2, 1, 3))
raw{n} = q{n} @ k{n} / 4
s{n} = where(causal, raw{n}, -1e9)
top{n} = max(s{n}, axis=-1, keepdims=True)
e{n} = exp(s{n} - top{n})
z{n} = sum(e{n}, axis=-1, keepdims=True)
w{n} = e{n} / z{n}
o{n} = w{n} @ v{n}
t{n} = transpose(o{n}, (0, 2, 1, 3))
c{n} = reshape(t{n}, (-1, 32, 64))
r{n} = h{p} + c{n} @ Wo{n}
f{n} = r{n} @ Wf{n} + bf{n}
g{n} = gelu(f{n})
u{n} = g{n} @ Wg{n} + bg{n}
h{n} = r{n} + u{n}
"""
BLOCKS = 4


def blocks():
    """A language model of blocks of formulas: 64 wide, 32 tokens, 4 heads."""
    shapes = {"E": (16, 64), "P": (32, 64), "out": (64, 16)}
    for n in range(1, BLOCKS + 1):
        shapes |= {f"W{letter}{n}": (64, 64) for letter in "qkvo"} | {f"gain{n}": (64,), f"shift{n}": (64,)}
        shapes |= {f"Wf{n}": (64, 256), f"bf{n}": (256,), f"Wg{n}": (256, 64), f"bg{n}": (64,)}
    text = "h0 = E[x] + P\n" + "".join(BLOCK.format(n=n, p=n - 1).strip() + "\n" for n in range(1, BLOCKS + 1))
    text += f"logits = h{BLOCKS} @ out\nlp = log_softmax(logits, axis=-1)\nloss = -sum(one_hot(y, 16) * lp) / y.size\n"
    tokens = np.random.default_rng(0).integers(0, 16, (2, 33))
    lines = Lines(text, shapes, {}, {"causal": np.tril(np.ones((32, 32))) > 0})
    start = Initializer("normal", {"std": 0.02})
    return Scenario("blocks", ("x",), (), tokens[:, :-1], tokens[:, 1:], initializer=start, lines=lines)


def test_a_block_of_formulas(capsys):
    """A stage is built in at most 0.3 ms, and a key costs at most twice what it does on XOR."""
    scenario, xor = blocks(), load_scenario("xor")
    stages = len(make_program(scenario).stages)
    build = milliseconds(lambda: make_program(scenario), 5) / stages
    keys = []
    for one in (scenario, xor):
        session = Session(one)
        session.execute("goto 1:loss")
        keys.append(milliseconds(lambda session=session: (session.execute("step"), session.view())))
    with capsys.disabled():
        print(f"\n{stages} stages, {build:.2f} ms a stage to build, a step and its view {keys[0]:.2f} ms, {keys[0] / keys[1]:.1f} of XOR's")
