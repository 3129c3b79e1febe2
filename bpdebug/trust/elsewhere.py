"""A formula of the user's own beside the one that is meant: on the numbers of this update, and on others.

A batch may hide what is wrong: a relu whose units are all active is no relu, of one sample the sum is the mean, and at the first
update, when every slot is 0, half of a wrong optimizer cannot show. Other numbers are such as occur: they are made by the program
itself, from other parameters, or, for an optimizer, by the right rule from other gradients (a running mean of squares is never
negative). The samples stay what they are, since a formula may rely on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Binary, Call, Number, Tree, names, walk
from bpdebug.core.words import are
from bpdebug.core.writing import to_text
from bpdebug.trust.differences import Probe
from bpdebug.trust.finding import Finding
from bpdebug.trust.perturbed import EPSILON, Rounded, Rounding

METHOD = "the derived formula"
ALONE, EVEN = "the batch is a single sample", "equals its own transpose"
"""What hides a mistake."""
SAFETY = 16
"""How many times the largest deviation that was seen under rounding counts as rounding."""
DRAWS = 4
"""So many other numbers, or updates with other gradients, are looked at."""
_SAMPLES = 64

Values = Mapping[str, Array]


def meant(stage: Stage) -> Formula:
    """The formula that a stage is meant to have."""
    return stage.derived or stage.formula


class Beside(Record, eq=False):
    """A stage's formula beside the one that is meant.

    Attributes:
        stage: which.
        values: the numbers that it reads.
    """

    stage: Stage
    values: Values

    @cached_property
    def ours(self) -> Array:
        """What the user's formula gives."""
        return _value(self.stage.formula, Rounded(self.values))

    @cached_property
    def right(self) -> Array:
        """What the meant one gives."""
        return _value(meant(self.stage), Rounded(self.values)) if self.stage.edited else self.ours

    @cached_property
    def blur(self) -> Array:
        """How far rounding may bring them apart."""
        bits, found = Rounding(np.random.default_rng(0)), np.zeros(self.ours.shape)
        for formula, value in ((self.stage.formula, self.ours), (meant(self.stage), self.right)):
            moved = [np.abs(_value(formula, Rounded(self.values, bits)) - value) for _ in range(4)]
            found = found + SAFETY * np.maximum(np.max(moved, axis=0), EPSILON * np.abs(value))
        return found

    @cached_property
    def differ(self) -> bool:
        """Whether they are apart by more than rounding explains; of what is finite in neither nothing is said."""
        known = np.isfinite(self.ours) | np.isfinite(self.right)
        return self.stage.edited and bool((known & ~(np.abs(self.ours - self.right) <= self.blur)).any())

    def finding(self, stage: Stage) -> Finding:
        """The two, with the cell in which they are farthest apart; of a stage as it is shown."""
        ours, right = self.ours, self.right
        size = np.maximum(np.abs(ours), np.abs(right))
        error = np.where(ours == right, 0.0, np.abs(ours - right) / np.where(size > 0, size, 1.0))
        error = np.where(np.isfinite(error), error, np.inf)
        cell = tuple(map(int, np.unravel_index(int(np.argmax(error)), error.shape)))
        return Finding(stage, stage.name, "good", float(error[cell]), cell, ours, right, right, ours.size, method=METHOD)


def _value(formula: Formula, at: Rounded) -> Array:
    return np.asarray(at.value(formula.tree), float)


def updated(program: Program, values: Values, own: bool) -> Iterator[Beside]:
    """The update stages one after the other, from what comes before them; each hands on the user's number or the right one."""
    known = dict(values)
    for stage in program.stages[program.end_of(Phase.BACKWARD) :]:
        found = Beside(stage, dict(known))
        known[stage.name] = found.ours if own else found.right
        yield found


def course(
    program: Program, values: Values, size: float, own: bool = False, small: bool = False, runs: Sequence[Values] = ()
) -> Iterator[Beside]:
    """The stages of a few updates from slots of 0, with random gradients, or those of some runs.

    Args:
        program: as it runs.
        values: of the present update.
        size: of the gradients, as a multiple of the present ones; 0: about 1, whatever these are.
        own: whether the user's numbers are handed on, or the right ones.
        small: with parameters of 0 in each update, since a large one hides what a small step does to it.
        runs: whole updates up to the gradients, where formulas read more than these.
    """
    known = {**values} | {name: np.asarray(program.initial[name], float) for name in (*program.slots, "t") if name in program.initial}
    for number in range(DRAWS):
        generator = np.random.default_rng(number)
        for run in runs[number : number + 1]:
            known |= {name: value for name, value in run.items() if name not in program.slots and name not in program.constants}
        for name in () if runs else program.free:
            gradient = values[program.gradients[name]]
            known[program.gradients[name]] = generator.standard_normal(gradient.shape) * (size * size_of(gradient) if size else 1.0)
            known |= {name: np.zeros(known[name].shape)} if small else {}
        for found in updated(program, known, own):
            known[found.stage.name] = found.ours if own else found.right
            yield found


def size_of(value: Array, otherwise: float = 1.0) -> float:
    """The root of the mean square, where that is a size."""
    size = float(np.sqrt(np.mean(np.square(value)))) if value.size else 0.0
    return size if np.isfinite(size) and size > 0 else otherwise


class Elsewhere:
    """The formulas of an update with other parameters, of a single sample with several that resemble it, and of data that would not show
    that they are turned round with some rows twice and others not at all."""

    def __init__(self, probe: Probe) -> None:
        self._program, self._running, self._values, self._start = probe.program, probe.running, probe.values, probe.start
        self._drawn = dict[tuple[int, bool], Values]()

    def at(self, number: int, several: bool = False) -> Values:
        """Other numbers up to the gradients, of which there are several."""
        if (number, several) not in self._drawn:
            generator, start = np.random.default_rng([number, several]), {**self._start}
            for name, shape in self._program.parameters.items():
                start[name] = generator.standard_normal(shape) * size_of(start[name], (*shape, 1)[0] ** -0.5)
            start |= self._resembling(generator) if several else {}
            even = [name for name, value in start.items() if name not in self._program.persistent and _is_even(value)]
            start |= {name: start[name][generator.integers(0, len(start[name]), len(start[name]))] for name in even}
            with np.errstate(all="ignore"):
                self._drawn[number, several] = start | self._running.run(start, self._running.end_of(Phase.BACKWARD))
        return self._drawn[number, several]

    def _resembling(self, generator: np.random.Generator) -> Values:
        """Several samples: those that there are, or, where there is but one, others around it with the same target."""
        program, data = self._program, self._program.samples
        rows = min(self._program.scenario.plan.total, _SAMPLES)
        if rows > 1:
            return {name: values[:rows] for name, values in data.items()} | {"m": np.array(float(rows))}
        several = {name: np.repeat(self._start[name], 3, axis=0) for name in data}
        if (given := several[program.input]).dtype.kind not in "biu":
            several[program.input] = given * (1 + 0.5 * generator.standard_normal(given.shape))
        return several | {"m": np.array(3.0)}

    def found(self, wrong: Callable[[Values, Collection[str]], bool], stages: Sequence[Stage]) -> tuple[Values, str]:
        """Numbers on which something is wrong that is right here, and why it is so; these numbers and "" where there are none.

        Args:
            wrong: whether it is wrong on some numbers, of which some are given, whatever their stages make of the others.
            stages: that it depends on.
        """
        alone = int(self._values["m"]) == 1 and self._program.input and self._program.network.generic
        for several in (False, True) if alone else (False,):
            for number in range(DRAWS):
                if wrong(other := self.at(number, several), ()):
                    # a reason is one only if what it speaks of makes the difference
                    seen = () if several else self._seen(stages, other)
                    reasons = (said for read, said in seen if wrong(self._with({name: other[name] for name in read}), read))
                    return other, next(reasons, ALONE if several else "with other parameters it is wrong")
        return self._values, ""

    def _with(self, given: Values) -> Values:
        """The numbers of this update, had some tensors been others."""
        start = self._start | {name: value for name, value in given.items() if name in self._start}
        return start | self._running.run(start, self._running.end_of(Phase.BACKWARD), given.get)

    def _seen(self, stages: Sequence[Stage], other: Values) -> Iterator[tuple[Collection[str], str]]:
        """What of these numbers may hide a mistake, with the tensors of which it speaks: a comparison that comes out alike in every cell,
        a tensor that is 0, or the same when it is turned round."""
        for tree in (node for stage in stages for node in _compared(stage)):
            here, there = (_side(tree, values) for values in (self._values, other))
            if here and here != there:
                left, right = tree.children() if len(tree.children()) == 2 else (tree.children()[0], Number(0))
                said = f"{to_text(left)} {here} {to_text(right)} in every cell"
                layer = next((layer for layer in self._program.layers if to_text(left) == layer.z and right == Number(0)), None)
                active = "active" if here == ">" else "inactive"
                yield names(tree), f"every unit of layer {layer.number} is {active} ({said})" if layer else said
        for stage in stages:
            read = [name for name in dict.fromkeys((*stage.formula.names, *meant(stage).names)) if name in other]
            for name in (name for name in read if _is_even(self._values[name]) and not _is_even(other[name])):
                yield [name], f"{name} {EVEN}"
            if zero := [name for name in read if not self._values[name].any() and other[name].any()]:
                yield zero, f"{' and '.join(zero)} {are(zero)} 0"


def _is_even(value: Array) -> bool:
    """Whether a matrix equals its own transpose, and not by what it is: of neighbours, distances and one-hot rows the diagonal is even."""
    square = value.ndim == 2 and value.shape[0] == value.shape[1] > 1
    return square and len({*np.diagonal(value).tolist()}) > 1 and np.array_equal(value, value.T)


def _compared(stage: Stage) -> Iterator[Tree]:
    """Where a formula, the user's or the meant one, decides between two numbers."""
    for node in (node for formula in (stage.formula, meant(stage)) for node in walk(formula.tree)):
        decides = isinstance(node, Binary) and node.operator in ("<", "<=", ">", ">=")
        if decides or (isinstance(node, Call) and node.function in ("maximum", "minimum", "abs", "sign")):
            yield node


def one_sided(stage: Stage, seen: Sequence[Values]) -> Iterator[str]:
    """The comparisons of a user's formula that come out alike in every cell of all these numbers: the other branch is never taken."""
    for tree in walk(stage.formula.tree):
        if isinstance(tree, Binary) and tree.operator in ("<", "<=", ">", ">="):
            sides = {_side(tree, values) for values in seen}
            if len(sides) == 1 and (side := sides.pop()):
                left, right = map(to_text, tree.children())
                yield f"{left} {side} {right} in every cell, here and with other gradients"


def _side(tree: Tree, values: Values) -> str:
    """Which of the two numbers is larger in every cell; "" where that differs."""
    known, (left, *right) = Evaluator(values), tree.children()
    distance = np.asarray(known.value(left)) - (np.asarray(known.value(right[0])) if right else 0.0)
    return ">" if (distance > 0).all() else "<" if (distance < 0).all() else ""
