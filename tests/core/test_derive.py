"""The derived backward pass: it reads as a teacher writes it, and it is the adjoint, by dot products with the complex step."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bpdebug.core.derive import derived
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula, parse, parse_assignment
from bpdebug.core.record import replace
from bpdebug.core.shapes import GENERIC_ROWS, infer
from bpdebug.core.tree import Binary, Name, Number

FOLDER = Path(__file__).parent / "derived"
ROWS = 5
"""Samples in the numeric tests."""


def axes(text):
    """``m×3`` as a shape."""
    return tuple(GENERIC_ROWS if axis == "m" else int(axis) for axis in text.split("×") if axis)


class Block:
    """Some lines of a golden file over the same tensors."""

    def __init__(self, text):
        self.notes = [line for line in text.splitlines() if line.startswith("#")]
        rest = [line for line in text.splitlines() if not line.startswith(("#", "    "))]
        self.tensors, self.lines = rest[0], [parse_assignment(line) for line in rest[1:]]
        wanted, _, given = self.tensors.partition("|")
        self.wanted, self.shapes = [], {"m": ()}
        for part in re.split(r"\s{2,}", f"{wanted}  {given}".strip()):
            name, _, shape = part.partition(" ")
            self.shapes[name] = axes(shape)
            self.wanted += [name] if f"  {part}  " in f"  {wanted}  " else []

    def derivations(self):
        """Each line with its derivation and all shapes before it; what a line makes is wanted by those after it."""
        shapes, wanted = dict(self.shapes), list(self.wanted)
        for target, formula in self.lines:
            yield target, formula, derived(target, formula, shapes, wanted), dict(shapes)
            shapes[target] = infer(formula, shapes)
            wanted = [*dict.fromkeys([*wanted, target])]

    def written(self):
        yield from self.notes
        yield self.tensors
        for target, formula, found, _ in self.derivations():
            yield f"{target} = {formula.text}"
            yield from (f"    {name} = {helper.text}" for name, helper in found.inner)
            yield from (f"    d{name} = {gradient.text}" for name, gradient in found.gradients.items())
            yield from (f"    no d{name}: {reason}" for name, reason in found.blocked.items())


def blocks(path):
    return [Block(text) for text in path.read_text("utf-8").strip().split("\n\n")]


def rewritten(path):
    return "\n\n".join("\n".join(block.written()) for block in blocks(path)) + "\n"


FILES = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_derived_pass_is_what_stands_in_the_file(path):
    assert rewritten(path) == path.read_text("utf-8")


KINKED = ("abs", "max", "min", "norm", ">")


def moved_by(formula, values, name, way):
    """How the formula's value moves, by the complex step, or by central differences where a function has no complex extension."""
    if any(kink in formula.text for kink in KINKED):
        ends = [evaluate(formula, values | {name: values[name] + side * way}).astype(float) for side in (1e-6, -1e-6)]
        return (ends[0] - ends[1]) / 2e-6, 1e-8
    return evaluate(formula, values | {name: values[name] + 1e-30j * way}, complex).imag / 1e-30, 1e-12


def off(target, formula, found, shapes, seed=0):
    """By how many times what is allowed ⟨g, J v⟩ and ⟨Jᵀ g, v⟩ are apart, for random cotangents and directions."""
    random = np.random.default_rng(seed)
    own = {name: tuple(ROWS if n == GENERIC_ROWS else n for n in shape) for name, shape in shapes.items()}
    values = {name: random.uniform(0.2, 0.8, shape) for name, shape in own.items()} | {"m": np.array(float(ROWS))}
    values[target] = np.asarray(evaluate(formula, values))
    values["g"] = random.standard_normal(values[target].shape)
    for name, helper in found.inner:
        values[name] = evaluate(helper, values)
    worst = 0.0
    for name, gradient in found.gradients.items():
        way = random.standard_normal(own[name])
        moved, allowed = moved_by(formula, values, name, way)
        forwards, backwards = (values["g"] * moved).sum(), (np.broadcast_to(evaluate(gradient, values), own[name]) * way).sum()
        worst = max(worst, abs(forwards - backwards) / max(abs(forwards), abs(backwards), 1e-3) / allowed)
    return worst


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_line_of_the_files_passes_the_dot_product_test(path):
    for block in blocks(path):
        for target, formula, found, shapes in block.derivations():
            assert off(target, formula, found, shapes) < 1, formula.text


def test_the_dot_product_test_notices_a_factor():
    shapes = {"u": (GENERIC_ROWS, 3), "v": (3,)}
    formula = parse("exp(u) * v")
    found = derived("r", formula, shapes, ["u", "v"])
    wrong = found.gradients | {"v": Formula.of(Binary("*", Number(1.001), found.gradients["v"].tree))}
    assert off("r", formula, found, shapes) < 1 < off("r", formula, replace(found, gradients=wrong), shapes)


def test_what_has_no_derivative_passes_no_gradient_and_says_so():
    shapes = {"u": (4, 3), "v": (4, 3), "k": ()}
    found = derived("r", parse("v * (u > k) + argmax(u)"), shapes, ["u", "v", "k"])
    assert {name: gradient.text for name, gradient in found.gradients.items()} == {"v": "g * (u > k)"}
    assert found.blocked == {"u": "u > k has no derivative", "k": "u > k has no derivative"}


def test_what_arrives_may_have_a_name_of_its_own_or_be_the_literal_1():
    shapes = {"g": (GENERIC_ROWS, 1), "y": (GENERIC_ROWS, 1)}
    formula = parse("mean((g - y) ** 2)")
    assert derived("loss", formula, shapes, ["g"], Number(1.0)).gradients["g"].text == "2 * (g - y) / m"
    assert derived("loss", formula, shapes, ["g"], Name("dloss")).gradients["g"].text == "2 * dloss * (g - y) / m"


def test_a_function_without_a_rule_is_refused_with_its_column():
    with pytest.raises(FormulaError, match="the derivative of") as refused:
        derived("r", parse("2 * u[0:1]"), {"u": (4, 3)}, ["u"])
    assert refused.value.column == 5


if __name__ == "__main__":
    for file in FILES:
        file.write_text(rewritten(file), "utf-8")
