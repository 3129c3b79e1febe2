"""What his gradients are times the right ones: whose they are, which factors are conventions, and which a line has invented."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.core.tree import Binary, Length, Name, Number, Tree, Unary, walk
from bpdebug.frontends.numpy_script.fits import Differentiated
from bpdebug.frontends.numpy_script.multiples import NEAR, scale
from bpdebug.frontends.numpy_script.recording import Line, Recording, Statement

_CLOSE, _ALIKE = 1e-9, 1e-3
"""Relative: numbers that are the same, and factors that are."""


class Pair(Record):
    """A gradient of his.

    Attributes:
        tensor: whose gradient it is.
        factor: what it is times the right one, given his own earlier ones; None where its numbers are others.
        near: how far these may be off.
        whole: whether it is right though his earlier ones are multiples, since not all of it comes from these: there is a penalty.
    """

    tensor: str
    factor: float | None
    near: float = NEAR
    whole: bool = False


def divided(tree: Tree, times: float | None) -> Tree:
    """A gradient of his without the factor that it has too much: a whole number where it is one, or a part in so many."""
    if not times or abs(times - 1) < NEAR:
        return tree
    size, tree = abs(times), Unary("-", tree) if times < 0 else tree
    more, by = size > 1, max(size, 1 / size)
    by = float(round(by)) if abs(round(by) / by - 1) < NEAR else by
    return tree if by == 1 else Binary("/" if more else "*", tree, Number(by))


def different(recording: Recording, loss: Differentiated) -> dict[str, Array]:
    """The derived gradients, those that he names first, of equal ones the first; parts only where they are no multiple."""
    inner = {one.name for one in recording.statements if one.inner}
    order = sorted([*loss.gradients], key=lambda name: name in inner)
    found, near = dict[str, Array](), defaultdict[tuple[int, int], list[Array]](list)
    for name, value in [*((name, loss.gradients[name]) for name in order), *loss.parts.items()]:
        length = float(np.linalg.norm(value))
        place = round(math.log(length) / (2 * _ALIKE)) if length and math.isfinite(length) else 0
        times = (scale(value, other, _ALIKE) or 0.0 for step in (-1, 0, 1) for other in near[value.size, place + step])
        if all(abs((abs(one) if name in loss.parts else one) - 1) > _ALIKE for one in times):
            found[name] = value
            near[value.size, place].append(value)
    return found


def arriving(one: Statement, matched: Mapping[str, list[float]], inner: Mapping[str, tuple[Line, Iterable[str]]]) -> list[float]:
    """How many times derived gradients that is of which a value is computed.

    Args:
        one: that value.
        matched: how many times some a value is, by its name.
        inner: the lines that make values without a name, and what these read.
    """
    found, reads = list[float](), [*one.reads]
    while reads:
        made, more = inner.get(name := reads.pop(), (None, ()))
        arrives = name in matched and made != one.made  # what the line itself makes first does not
        found += matched[name] if arrives else ()
        reads += () if arrives else more
    return found


def plainness(factor: float) -> float:
    """How usual a factor is: 1, then one over a whole number, as a mean has it, the smaller the more so, then others; below 0 none is."""
    if factor <= 0:
        return 0
    return 2 + factor if factor < 1.5 and abs(1 / factor - round(1 / factor)) < 1e-3 else 1


def is_plain(factor: float) -> bool:
    """Whether a factor is a number that people write, or divide by: a few digits, or one over a whole number or over twice one."""
    return factor != 0 and any(abs(one - round(one)) < _CLOSE * abs(one) for one in (1000 * factor, 2 / factor))


def is_usual(recording: Recording, factor: float, near: float) -> bool:
    """Whether a factor is a single number of the script, or 1, 2, ½ times or over the length of an axis, as nearly as is given."""
    sizes, given = {1.0, *_sizes(recording)} - {0.0}, (value for value in recording.given[0].values() if value.ndim == 0)
    known = {times * one for size in sizes for one in (size, 1 / size) for times in (0.5, 1.0, 2.0)}
    return any(abs(factor - one) < near * one for one in known | {abs(float(value)) for value in given})


def is_invented(recording: Recording, gradient: str, factor: float) -> bool:
    """Whether a gradient is so many times the right one because of a number that only its own line has, and that stands for nothing.

    Sizes, powers of 2 and of 10, and numbers that have a name in the script are conventions: m, the outputs, ½, the learning rate. So is
    any number where the step takes the gradient as it is: that is the rate, then. A factor that no line shows is not accused either. The
    square of a size is none where the line multiplies with that size: it belongs below.
    """
    times_of, others = _written(recording, gradient)
    if any(one > 2 and _is_close(factor, one * one) and factor > 1 for one in times_of.intersection(_sizes(recording))):
        return True
    named = [
        *_sizes(recording),
        *(abs(float(one)) for one in recording.given[0].values() if one.ndim == 0 and one.dtype.kind in "iuf" and one),
    ]

    def stands_for_something(number: float) -> bool:
        power = any(_is_close(math.log(number, base) % 1.0 or 1.0, 1.0) for base in (2, 10))
        return power or any(_is_close(number, one) for one in named)

    if factor <= 0 or stands_for_something(factor) or _is_rate(recording):
        return False
    return any(one and not stands_for_something(one) and _is_close(times * factor, one) for one in times_of | others for times in (1, 2))


def _is_close(factor: float, number: float) -> bool:
    """Whether a factor is that number, or one part in so many."""
    return number > 0 and min(abs(factor / number - 1), abs(factor * number - 1)) < _CLOSE


def _written(recording: Recording, gradient: str) -> tuple[set[float], set[float]]:
    """The single numbers that the line of a gradient multiplies with, and the others that stand there."""
    known, single = {one.name: one for one in recording.statements}, _single(recording)
    waiting, times, others = [gradient], set[float](), set[float]()
    while waiting:
        one = known.get(waiting.pop())
        if one and one.formula and one.made == known[gradient].made and (one.inner or one.name == gradient):
            nodes = [*walk(one.formula.tree)]
            others |= {abs(node.value) for node in nodes if isinstance(node, Number)}
            sides = (side for node in nodes if isinstance(node, Binary) and node.operator == "*" for side in (node.left, node.right))
            times |= {value for side in sides if (value := single(side)) is not None}
            waiting += [name for name in one.formula.names if name != one.name]
    return times, others


def _single(recording: Recording) -> Callable[[Tree], float | None]:
    """What gives the size of a single number that is written, or has a name, and None of anything else."""
    values: Mapping[str, Array] = {**recording.given[0], **recording.values[-1]}

    def single(tree: Tree) -> float | None:
        match tree:
            case Number(value):
                return abs(value)
            case Name(name) if name in values and values[name].ndim == 0:
                return abs(float(values[name]))
            case Length(Name(name), int() as axis) if name in values:
                return float(values[name].shape[axis])
        return None

    return single


def _sizes(recording: Recording) -> Iterator[float]:
    """The lengths of axes, and how often a line runs."""
    values: Mapping[str, Array] = {**recording.given[0], **recording.values[-1]}
    yield from {float(length) for value in values.values() for length in (*np.shape(value), np.size(value))}
    yield from map(float, Counter(one.line for one in recording.statements if not one.inner).values())


def _is_rate(recording: Recording) -> bool:
    """Whether a step takes a gradient as it is, without a rate."""
    made = {one.name: one for one in recording.statements}

    def is_scaled(name: str) -> bool:
        one = made.get(name)
        match one.formula.tree if one and one.formula and one.inner else None:
            case Binary("*" | "/"):
                return True
        return False

    for parameter, new in recording.carried.items():
        formula = made[new].formula if new in made else None
        match formula.tree if formula else None:
            case Binary("-" | "+", Name(old), Name(step)) if old == parameter and not is_scaled(step):
                return True
    return False


def usual_of(factors: Mapping[str, float]) -> float:
    """The factor that most gradients share, a plain one of several."""
    counts = Counter(float(f"{factor:.4g}") for factor in factors.values())
    return max(counts, key=lambda one: (counts[one], plainness(one)), default=1.0)


def frequent(factors: Iterable[float]) -> list[float]:
    """The three most frequent of some factors, each as it is, and not rounded: a number with fewer digits would look plainer."""
    alike = defaultdict[float, list[float]](list)
    for factor in factors:
        alike[float(f"{factor:.4g}")].append(factor)
    return [same[0] for same in sorted(alike.values(), key=len, reverse=True)[:3]]


__all__ = ["Pair", "arriving", "different", "divided", "frequent", "is_invented", "is_plain", "is_usual", "plainness", "usual_of"]
