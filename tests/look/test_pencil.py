"""What is shown can be computed again: the shown numbers give the shown result, to its last digit."""

from __future__ import annotations

import re

import numpy as np
import pytest
from turns import by_day

from bpdebug.core.numbers import short
from bpdebug.core.render import Style
from bpdebug.frontends import load_scenario, shipped
from bpdebug.look.explanation import explain
from bpdebug.session.session import Session

MOST_CELLS = 80
"""Of all tensors of an update together."""
NAMES = {name: getattr(np, name) for name in ("exp", "log", "log1p", "expm1", "tanh", "sqrt", "abs", "maximum", "minimum", "where", "sign")}


def maximum(*numbers):
    return np.max(numbers)


def by_hand(text):
    """The text as an ordinary calculation, in Python's own arithmetic."""
    text = re.sub(r"\d+ more, together ", "", text).replace("\N{MINUS SIGN}", "-")
    return float(eval(text, {"__builtins__": {}}, NAMES | {"max": maximum}))  # noqa: S307 - it is our own text


def cells_of(name, epochs):
    """Every explained cell of an update, or some of each large tensor."""
    session = Session(load_scenario(name))
    for update in epochs:
        if update >= session.position.updates:
            continue
        for stage in session.program.stages:
            session.execute(f"goto {update}:{stage.name}")
            session.execute("step")
            shape = np.shape(session.value(stage.name))
            places = [*np.ndindex(*shape)]
            for place in places[:: max(1, len(places) * len(session.program.stages) // MOST_CELLS)]:
                explained = explain(session.timeline, stage.name, place, Style("plain"))
                if np.isfinite(explained.value):
                    yield explained


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("entry", by_day([entry for entry in shipped() if entry.name != "conv"], 3), ids=lambda entry: entry.name)
def test_a_pencil_confirms_what_is_shown(entry):
    rounded = number = 0
    for explained in cells_of(entry.name, (0, 1, 40)):
        number += 1
        rounded += not explained.figures.agree
        result = explained.arithmetic()[-1].rpartition(" ")[2]
        if explained.figures.agree and explained.term:
            digits = explained.figures.result
            assert short(by_hand(explained.numbers), digits) == result, (explained.cell, explained.lines())
            assert 4 <= explained.figures.digits <= 8
    assert number > 10
    if entry.name == "xor":
        assert rounded <= 0.05 * number
    print(entry.name, rounded, number)
