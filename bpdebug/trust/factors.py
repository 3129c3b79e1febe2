"""Factors that have a name: the numbers by which right gradients differ from ours, since a loss may be a sum, a mean or a half."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache, cached_property
from itertools import combinations, permutations
from itertools import product as each_of

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.evaluate import Evaluator, assigned
from bpdebug.core.numbers import short
from bpdebug.core.parser import parse
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.tree import Binary, Number, Tree, literal, substitute, walk
from bpdebug.core.tree import names as names_in

NEAR = 1e-6
"""Numbers that are as close as this, relatively, may be the same; whether they are, the judge tells."""
_MOST = 3
"""Factors in a product that people still write."""
TOLD = 4
"""Names of one number that are told."""

RATE = "learning_rate"

_parsed = cache(parse)


class Factor(Record):
    """By how much something of a user's is larger than ours.

    Attributes:
        value: a number that has a name is that number to the last bit.
        name: such as ``2/m``, without its sign; "" where it is nothing that people use.
        parts: of how many named numbers it is made, its sign being one; the larger, the less likely.
        others: what else it may be.
        rate: the learning rate, where that may be one of the numbers, else 1.
    """

    value: float
    name: str = ""
    parts: int = _MOST + 2
    others: tuple[str, ...] = ()
    rate: float = 1.0

    @property
    def text(self) -> str:
        """Such as ``2/m = 0.5``, with what it may be as well: ``m (or 2·outputs) = 4``."""
        sign, number = "−" * (self.value < 0), short(self.value).replace("-", "−")
        others = f" (or {', or '.join(self.others)})" * bool(self.others)
        return number if not self.name or (sign + self.name == number and not others) else f"{sign}{self.name}{others} = {number}"


ONE = Factor(1.0, "1", 0)


class Names(Record, eq=False):
    """The numbers that may be a convention, the simplest first.

    Attributes:
        factors: all above 0.
        near: how far from one a number may be, relative to it.
        program, values: with numbers that are no convention, and may have the same value.
    """

    factors: tuple[Factor, ...]
    near: float
    program: Program
    values: Values

    @cached_property
    def _others(self) -> list[tuple[str, float]]:
        own = [name for name in constants(self.program) if name != RATE]
        known = ((text, number_of(tree, self.values)) for text, tree in numbers(self.program, own, ()))
        return [(text, value) for text, value in known if value]

    def of(self, number: float, near: float = 0.0) -> Factor:
        """What a factor is that may be as far off as that, or as :attr:`near`."""
        near = max(near, self.near)
        first, *more = [*(one for one in self.factors if abs(abs(number) / one.value - 1) <= near), Factor(abs(number))]
        known = first
        if more and first != ONE:
            also = (name for name, value in self._others if abs(first.value / value - 1) <= near)
            others = tuple([*(one.name for one in more[:-1]), *also][: TOLD - 1])
            known = replace(first, others=others, rate=next((one.rate for one in (first, *more) if one.rate != 1), 1.0))
        return replace(known, value=-known.value, parts=known.parts + 1) if number < 0 else known


def names_of(program: Program, values: Values, near: float, rate: bool = True) -> Names:
    """The names that factors have in a program on a batch.

    Args:
        program, values: with the constants and ``m``.
        near: how far from one a number may be.
        rate: whether the learning rate may be in it.
    """
    words, found = {"2": 2.0, "m": float(values["m"]), "outputs": float(outputs_of(program))}, [ONE]
    words = ({RATE: float(values.get(RATE, 1.0))} if rate else {}) | words
    words = {word: size for word, size in words.items() if size != 1}
    for exponents in each_of(*((0, 1) if word == RATE else (0, 1, -1) for word in words)):
        value = float(np.prod([size**power for size, power in zip(words.values(), exponents, strict=True)]))
        if 0 < (parts := sum(map(abs, exponents))) <= _MOST and value > 0 and abs(value - 1) > NEAR:
            above = [word for word, power in zip(words, exponents, strict=True) if power > 0]
            below = [word for word, power in zip(words, exponents, strict=True) if power < 0]
            over = "/" * bool(below) + ("·".join(below) if len(below) < 2 else f"({'·'.join(below)})")
            found.append(Factor(value, ("·".join(above) or "1") + over, parts, rate=words[RATE] if RATE in above else 1.0))
    likely = sorted(found, key=lambda one: (one.parts, "outputs" in one.name))  # of m and outputs, where both fit, m is more usual
    return Names(tuple(likely), near, program, values)


def outputs_of(program: Program) -> int:
    """How many outputs a network has; numbers in the target of a sample, where it has no layers."""
    if program.layers:
        return program.layers[-1].layer.units
    return int(np.prod(program.data[program.target].shape[1:], initial=1.0)) if program.target else 1


def constants(program: Program) -> list[str]:
    """The constants of a training that are no count."""
    return [name for name in program.constants if name != "t"]


def numbers(program: Program, names: Sequence[str], sizes: Sequence[str] = ("2", "m", "outputs")) -> Iterator[tuple[str, Tree]]:
    """Numbers that people multiply or divide by, the simpler ones first, made of constants of a training, of sizes, and of what stands
    in formulas of the user's own."""
    sizes = [size for size in sizes if (size != "outputs" or outputs_of(program) > 1) and (size != "m" or program.samples)]
    texts = [*sizes, *names, *(f"1 {sign} {name}" for sign in "-+" for name in names), *["m**2", "m - 1", "(m - 1) / m"] * ("m" in sizes)]
    texts += [f"{one} * {other}" for one, other in combinations(sizes, 2)] + [
        f"1 - {one} * {other}" for one, other in combinations(names, 2)
    ]
    texts += [form.format(f"1 - {name}**t") for name in names for form in ("{}", "sqrt({})")] if "t" in program.constants else []
    texts = [form for text in texts for form in (text, f"1 / ({text})" if " " in text else f"1/{text}")]
    texts += [f"{one} / {other}" for one, other in permutations(sizes, 2)] + [f"{one} * {other}" for one, other in combinations(names, 2)]
    for text in (*texts, *(form for size in sizes for name in names for form in (f"{size} * {name}", f"{name} / {size}"))):
        read = program.parse(text) if program.vocabulary.joined else _parsed(text)
        tree = substitute(read.tree, {"outputs": literal(outputs_of(program))})
        yield text.replace("outputs", "the number of outputs"), tree
    for stage in program.stages:
        for node in walk(stage.formula.tree) if stage.edited and not stage.of else ():
            if isinstance(node, Number) and node.value not in (0.0, 1.0):
                whose = f"the {node.value:g} of your formula of {stage.name}"
                yield whose, node
                yield f"1/{node.value:g}, {whose}", Binary("/", Number(1), node)


def number_of(tree: Tree, values: Values) -> float:
    """What such a number is; 0 where it is none, or 1 or less than nothing."""
    with np.errstate(all="ignore"):
        value = float(Evaluator(values).value(tree)) if all(name in values for name in names_in(tree)) else 0.0
    return value if 0 < value < np.inf and abs(value - 1) > NEAR else 0.0


def called(program: Program, values: Values, factor: float, near: float) -> dict[str, Tree]:
    """What a factor is, such as ``1/m``: every number of that value that a program has, by its name."""
    known = ((text, tree, number_of(tree, values)) for text, tree in numbers(program, constants(program)))
    return {"minus " * (factor < 0) + text: tree for text, tree, value in known if abs(abs(factor) - value) <= near * value}


def scale(theirs: Array, ours: Array, near: float) -> float | None:
    """The one factor by which all of his cells are larger than ours, where these are finite; None where there is none."""
    if theirs.shape == ours.shape and not (known := np.isfinite(ours)).all():
        theirs, ours = theirs[known], ours[known]
    size = float(np.abs(ours).max(initial=0.0))
    if theirs.shape != ours.shape or not 0 < size < np.inf or not np.isfinite(theirs).all():
        return None
    unit = ours / size  # squares of large or tiny numbers are none
    factor = float(np.vdot(unit, theirs / size)) / float(np.vdot(unit, unit))
    return factor if factor and float(np.abs(theirs - factor * ours).max()) <= near * float(np.abs(theirs).max()) else None


def common_factor(each: Sequence[Sequence[float]], near: float) -> float | None:
    """The factor that gradients share, of each of which it may be one of several; None where there is none."""
    if not each or not all(each):
        return None
    return next((one for one in each[0] if all(any(abs(f / one - 1) <= near for f in factors) for factors in each)), None)


def powers(program: Program) -> dict[str, int]:
    """With which power of the gradient each slot grows."""
    found, numbers = dict[str, int](), {name: np.array(value) for name, value in program.rule.constants.items()}
    numbers |= {letter: np.zeros(()) for letter in ("w", *program.rule.slots)} | {"t": np.ones(())}
    for letter, formula in program.rule.steps:
        if letter in program.rule.slots:
            one, two = (float(assigned(formula, numbers | {"g": np.array(g)})) for g in (1.0, 2.0))
            found |= dict.fromkeys(program.letters[letter], round(np.log2(two / one)) if one else 1)
    return found


def loss_factors(names: Names, whole: Array, data: Array, theirs: Array) -> Iterator[tuple[Factor, Array]]:
    """By how much a loss may be larger than ours, and what is due then: all of it, or what is not the penalty."""
    for part in (whole, data):
        factor = names.of(float((theirs - (whole - part)) / part)) if part else ONE
        if factor.name and factor.value > 0 and factor != ONE:
            yield factor, factor.value * part + (whole - part)


def mask_of(due: Array, theirs: Array, positive: Array, near: float) -> Array | None:
    """What an activation has been multiplied by, where that is one number of 1 or more in some cells and 0 in others.

    Args:
        due, theirs: without, and with it.
        positive: where the weighted sum is: zeros by its sign are another activation, and no mask.
        near: how far the numbers may be from one.
    """
    if not np.isfinite(theirs).all() or not np.isfinite(due).all():
        return None
    live, kept = due != 0, theirs != 0
    ratios = theirs[live & kept] / due[live & kept]
    if len(ratios) < 2 or (live & ~kept).sum() < 2 or (kept & ~live).any():
        return None
    factor = float(np.median(ratios))
    even = factor >= 1 - near and float(np.abs(ratios - factor).max()) <= near * factor
    by_sign = any(np.array_equal(kept[live], side[live]) for side in (positive, ~positive))
    return np.where(live, kept * factor, factor) if even and not by_sign else None


class Convention(Record, eq=False):
    """How a user's numbers stand to ours: they are read divided by these factors.

    Attributes:
        factors: by the name of a gradient, or of an optimizer's slot; 1 where nothing is said.
        step: the factor with which the gradients reach his optimizer.
        masks: by the name of a gradient, what it is multiplied by besides (0 where a unit has been dropped).
        stray: whether the factor that all his gradients share is none that people use on purpose.
    """

    factors: Mapping[str, float] = {}
    step: float = 1.0
    masks: Values = field(default_factory=dict)
    stray: bool = False

    def of(self, name: str) -> float:
        """The factor of a tensor."""
        return self.factors.get(name, 1.0)


PLAIN = Convention()
"""His numbers are ours."""
