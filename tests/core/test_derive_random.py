"""Random programs of formulas: each line is an adjoint by the dot-product test, and the chain of all is the slope of the loss."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from random_formulas import FINE, Writer, gradients, run, values_of
from turns import by_day

from bpdebug.core.derive import FLAT, derived
from bpdebug.core.evaluate import evaluate
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.inner import TRIVIAL, work
from bpdebug.core.tree import Operation, walk
from bpdebug.core.writing import to_text

PROGRAMS = 60
LONG = 2000
CONSTANT = {name for name, row in FUNCTIONS.items() if row.result in ("bool", "int")} | {
    *FLAT,
    "arange",
    "eye",
    "zeros",
    "ones",
    "one_hot",
    "cross_entropy",
    "arcsin",
    "arccos",
    "arctan",
}


def functions_of(formula):
    return {*re.findall(r"(\w+)\(", formula.text)} & FUNCTIONS.keys()


def moved_by(formula, values, name, way):
    """How the value moves, and how exactly that is known: by the complex step, or by differences to both sides; None at a corner."""
    if not functions_of(formula) & FINE and ">" not in formula.text:
        return evaluate(formula, values | {name: values[name] + 1e-30j * way}, complex).imag / 1e-30, 1e-10
    there, here, back = (evaluate(formula, values | {name: values[name] + side * way}).astype(float) for side in (1e-6, 0, -1e-6))
    return (there - back) / 2e-6 if smooth(there, here, back) else None, 1e-6


def smooth(there, here, back):
    """Whether the slopes to both sides agree."""
    return bool((np.abs(there - 2 * here + back) <= 1e-4 * np.abs(there - back) + 1e-9).all())


def repeated(found):
    """The expressions of some work that a derivation writes more than once."""
    trees = [formula.tree for formula in (*dict(found.inner).values(), *found.gradients.values())]
    counts = Counter(to_text(node) for tree in trees for node in walk(tree) if isinstance(node, Operation) and work(node) > TRIVIAL)
    return [text for text, count in counts.items() if count > 1]


def lines_that_are_off(writer, seed):
    """The lines of a program whose derived pass is no adjoint of them."""
    random = np.random.default_rng([seed, 3])
    values = run(writer, values_of(writer, seed)) | {"m": np.array(1)}
    for target, formula in writer.lines:
        found = derived(target, formula, writer.shapes, formula.names)
        assert repeated(found) == [], formula.text
        own = values | {"g": random.standard_normal(np.shape(values[target]))}
        for name, helper in found.inner:
            own[name] = evaluate(helper, own)
        for name, gradient in found.gradients.items():
            way, back = random.standard_normal(np.shape(values[name])), evaluate(gradient, own)
            assert np.shape(back) == np.shape(values[name]), f"{target} = {formula.text}: d{name} = {gradient.text}"
            moved, allowed = moved_by(formula, values, name, way)
            if moved is None:
                continue
            forwards, backwards = (own["g"] * moved).sum(), (back * way).sum()
            if not abs(forwards - backwards) <= allowed * (np.abs(own["g"] * moved).sum() + np.abs(back * way).sum() + 1e-3):
                yield f"{target} = {formula.text}: d{name} = {gradient.text}: {backwards} for {forwards}"


def slope_is_off(writer, seed):
    """Whether the gradient of the loss is not its slope, in a random direction of all parameters."""
    values, random = values_of(writer, seed), np.random.default_rng([seed, 5])
    found = gradients(writer, values)
    way = {name: random.standard_normal(np.shape(value)) for name, value in values.items()}
    ends = [run(writer, {name: value + side * way[name] for name, value in values.items()})["loss"] for side in (1e-6, 0, -1e-6)]
    slope, parts = (ends[0] - ends[2]) / 2e-6, [found.get(name, 0.0) * way[name] for name in values]
    claimed, size = sum(part.sum() for part in map(np.asarray, parts)), sum(np.abs(part).sum() for part in parts)
    return smooth(*ends) and not abs(slope - claimed) <= 1e-6 * (size + abs(ends[0]) + 1)


@pytest.mark.parametrize("chunk", by_day(range(6), 2))
def test_each_line_and_the_whole_of_random_programs(chunk):
    for seed in range(chunk, PROGRAMS, 6):
        writer = Writer(seed)
        assert [*lines_that_are_off(writer, seed)] == [], seed
        assert not slope_is_off(writer, seed), seed


def test_the_programs_use_every_function_that_has_a_derivative():
    used = set().union(*(functions_of(formula) for seed in range(3 * PROGRAMS) for _, formula in Writer(seed).lines))
    assert used >= FUNCTIONS.keys() - CONSTANT


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(20))
def test_many_random_programs(chunk):
    for seed in range(1000 + chunk, 1000 + LONG, 20):
        writer = Writer(seed)
        assert [*lines_that_are_off(writer, seed)] == [], seed
        assert not slope_is_off(writer, seed), seed
