"""Gradients of which a recorded step cannot tell whether they are right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bpdebug.core.description import Array
from bpdebug.frontends.torch_step.reading import Step
from bpdebug.frontends.torch_step.statements import Statement


def unjudged_of(statements: Sequence[Statement], pairs: Mapping[int, int], step: Step, arrays: Mapping[int, Array]) -> set[int]:
    """The places of values whose gradients nothing can tell: on the way to the next value that has one, or to the loss, something has no
    formula, or the numbers go on where no gradient flows back; or the gradient itself has no formula.

    Args:
        statements: of the step.
        pairs: the places of values, and of their gradients.
        step: the recording.
        arrays: the numbers.
    """
    if len(step.roots) != 1 or _differentiates_gradients(statements, step.roots[0]):
        return {*pairs}
    readers, made = defaultdict[int, list[Statement]](list), {one.place: one for one in statements}
    for one in statements:
        if one.operation.phase == "forward":
            for place in one.reads:
                readers[place].append(one)
    return {
        value for value, gradient in pairs.items() if _is_severed(value, readers, pairs, step, arrays) or _is_opaque(gradient, made, pairs)
    }


def _differentiates_gradients(statements: Sequence[Statement], root: int) -> bool:
    """Whether the loss itself is computed from gradients, as a gradient penalty is."""
    wanted = {root}
    for one in reversed(statements):
        if one.place in wanted:
            if one.operation.phase == "backward":
                return True
            wanted.update(one.reads)
    return False


def _is_severed(
    value: int, readers: Mapping[int, list[Statement]], pairs: Mapping[int, int], step: Step, arrays: Mapping[int, Array]
) -> bool:
    stack, seen = [value], set[int]()
    while stack:
        place = stack.pop()
        for one in readers[place] if place not in seen else ():
            if one.reason or (place not in one.live and arrays[place].dtype.kind == "f"):
                return True
            if one.place not in pairs and one.place not in step.roots and arrays[one.place].dtype.kind == "f":
                stack.append(one.place)
        seen.add(place)
    return False


def _is_opaque(gradient: int, made: Mapping[int, Statement], pairs: Mapping[int, int]) -> bool:
    whole, stack, seen = {*pairs.values()}, [gradient], set[int]()
    while stack:
        place = stack.pop()
        one = made.get(place)
        if one and one.operation.phase == "backward" and place not in seen:
            if one.reason:
                return True
            stack += [read for read in one.reads if read not in whole]
        seen.add(place)
    return False


__all__ = ["unjudged_of"]
