"""Views of moments, and their drawings as text, for the tests of what is drawn."""

from __future__ import annotations

from functools import cache

import numpy as np

from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario, Training
from bpdebug.frontends import load_scenario, shipped
from bpdebug.session.session import Session
from bpdebug.ui.draw.network import network_drawing
from bpdebug.ui.draw.spans import plain

NAMES = [entry.name for entry in shipped()]
STAGES = ["z1", "a1", "z2", "a2", "loss", "da2", "dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1", "W1", "b1", "W2", "b2"]


def session(scenario, *commands):
    """A session after some commands; the scenario may be the name of a shipped one."""
    opened = Session(loaded(scenario) if isinstance(scenario, str) else scenario)
    for command in commands:
        opened.execute(command)
    return opened


@cache
def view(scenario, *commands):
    return session(scenario, *commands).view()


loaded = cache(load_scenario)


@cache
def big(hidden=128, epochs=3):
    """Sixteen random pictures of 28×28 in ten classes."""
    generator = np.random.default_rng(3)
    x = np.round(generator.random((16, 784)), 3)
    y = np.eye(10)[generator.integers(0, 10, 16)]
    names = tuple(f"p{i}" for i in range(784))
    return chain((hidden, 10), x, y, names, activation="relu", epochs=epochs)


def chain(widths, x, y, inputs=(), activation="tanh", epochs=3, **changes):
    """Layers one after the other, trained on the whole batch."""
    layers = tuple(Layer(units, activation if place < len(widths) - 1 else "identity") for place, units in enumerate(widths))
    usual = {"initializer": Initializer("he_normal"), "loss": Loss("squared_error", samples="mean"), "training": Training(epochs)}
    names = inputs or tuple(f"x{i + 1}" for i in range(x.shape[1]))
    return Scenario("chain", names, layers, x, y, optimizer=Optimizer("sgd", {"learning_rate": 0.1}), **(usual | changes))


def random_chain(samples, widths, **changes):
    """A network of these widths, the inputs first, on random data."""
    generator = np.random.default_rng(5)
    return chain(widths[1:], generator.standard_normal((samples, widths[0])), generator.standard_normal((samples, widths[-1])), **changes)


def network_lines(shown, columns, rows):
    """The lines of the network's drawing."""
    return network_drawing(shown, columns, rows)[0]


def text(drawn):
    """Drawn lines as one text, without the blanks at their ends."""
    return "\n".join(plain(line).rstrip() for line in drawn)


def role_of(line, part):
    """The role of the span that a text begins in."""
    place = plain(line).index(part)
    for shown, role in line:
        if place < len(shown):
            return role
        place -= len(shown)
    raise AssertionError(part)


def whole(parts):
    """A drawing of which some lines stay in sight, and the others scroll below them."""

    def lines(*arguments, **named):
        fixed, below = parts(*arguments, **named)
        return [*fixed, *below]

    return lines
