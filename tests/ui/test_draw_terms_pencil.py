"""The bars below a number: the shown numbers of each term give its shown value, and these add up to the shown result."""

from __future__ import annotations

import re

import numpy as np
import pytest
from turns import by_day

from bpdebug.core.numbers import short
from bpdebug.frontends import load_scenario, shipped
from bpdebug.look.sums import sum_of
from bpdebug.session.session import Session
from bpdebug.ui.draw.spans import plain
from bpdebug.ui.draw.why_numbers import terms_lines

NAMES = {name: getattr(np, name) for name in ("exp", "log", "log1p", "tanh", "sqrt", "abs", "maximum", "minimum", "where")}
UPDATES, MOST_CELLS = (0, 40), 2


def read(drawn):
    """The sign, the numbers that are put in (or nothing) and the value of a line."""
    text = re.sub(r"\s*[━╸]*$", "", drawn.strip())
    *before, value = text.removeprefix("= ").split(" = " if " = " in text.removeprefix("= ") else "  ")
    sign, numbers = ("−" if text.startswith("−") else "+"), before[-1].strip() if len(before) > 1 else ""
    return sign, numbers, value.strip().replace("−", "-").rstrip(".")


def by_hand(text):
    """The text as an ordinary calculation."""
    return float(eval(text.replace("−", "-").replace("·", "*").replace("²", "**2"), {"__builtins__": {}}, NAMES))  # noqa: S307 - our own text


def terms_of(name):
    """The terms of explained cells, as they are drawn where there is room."""
    session = Session(load_scenario(name))
    for update in (update for update in UPDATES if update < session.position.updates):
        for stage in session.program.stages:
            session.execute(f"goto {update}:{stage.name}")
            places = [*np.ndindex(*np.shape(session.value(stage.name)))]
            for index in places[:: max(1, len(places) // MOST_CELLS)]:
                session.cursor.select(stage.name, index)
                view = session.view()
                explained = view.explanation
                found = sum_of(explained.term)
                if np.isfinite(explained.value) and found and len(found.terms) >= 4:
                    yield explained, terms_lines(view, explained, 240, 400, 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("entry", by_day(shipped(), 3), ids=lambda entry: entry.name)
def test_the_shown_terms_give_the_shown_values_and_these_the_shown_sum(entry):
    number = rounded = 0
    for explained, (drawn, around, figures) in terms_of(entry.name):
        values = []
        for line in map(plain, drawn):
            sign, numbers, value = read(line.replace(" ≈ ", " = "))
            mantissa, _, exponent = value.partition("e")
            last = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
            values.append(-float(value) if sign == "−" else float(value))
            if numbers:
                right = abs(by_hand(numbers) - float(value)) <= 0.5001 * last
                assert right == (" ≈ " not in line), (explained.cell, line)
                number, rounded = number + figures.agree, rounded + (figures.agree and not right)
        assert around or not figures.agree or short(sum(values), figures.result) == short(explained.value, figures.result), explained.cell
    assert rounded <= (0.0 if entry.name == "xor" else 0.1) * number
    assert number > 50 or entry.name != "xor"
