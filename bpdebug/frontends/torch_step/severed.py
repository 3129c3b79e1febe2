"""Gradients of which a recorded step cannot tell whether they are right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from bpdebug.frontends.torch_step.numbers import Numbers, kind_of_number
from bpdebug.frontends.torch_step.reading import Step
from bpdebug.frontends.torch_step.statements import Statement


def unjudged_of(statements: Sequence[Statement], pairs: Mapping[int, int], step: Step, numbers: Numbers) -> set[int]:
    """The places of gradients of which nothing can tell whether they are right: on the way from the value to the next one that has a
    gradient, or to the loss, something has no formula, or another one than torch, or the numbers go on where no gradient flows back; or the
    gradient itself has no formula.

    Args:
        statements: of the step.
        pairs: the places of values, and of their gradients.
        step: the recording.
        numbers: of its values.
    """
    if len(step.roots) != 1 or _differentiates_gradients(statements, step.roots[0]):
        return {*pairs.values()}
    readers, made = defaultdict[int, list[Statement]](list), {one.place: one for one in statements}
    for one in statements:
        if one.operation.phase == "forward":
            for place in one.reads:
                readers[place].append(one)
    opaque = {one.place for one in statements if one.reason or not _agrees(numbers, one.place)}
    leading = {*step.roots}  # running statistics are read again where a layer is called twice, but no loss is made of them
    for one in reversed(statements):
        leading.update(one.reads if one.place in leading else ())
    floats = {place for place in leading if kind_of_number(step.values[place]) == "f"}
    ends = {*pairs, *step.roots}
    return {
        gradient
        for value, gradient in pairs.items()
        if _is_severed(value, readers, ends, floats, opaque) or _is_opaque(gradient, made, {*pairs.values()}, opaque)
    }


def _agrees(numbers: Numbers, place: int) -> bool:
    distance, near = numbers.agreement(place)
    return distance <= near


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
    value: int, readers: Mapping[int, list[Statement]], ends: Collection[int], floats: Collection[int], opaque: Collection[int]
) -> bool:
    stack, seen = [value], set[int]()
    while stack:
        place = stack.pop()
        for one in readers[place] if place not in seen else ():
            if one.place not in floats:  # through whole numbers no gradient flows
                continue
            if one.place in opaque or (place not in one.live and place in floats):
                return True
            if one.place not in ends:
                stack.append(one.place)
        seen.add(place)
    return False


def _is_opaque(gradient: int, made: Mapping[int, Statement], whole: Collection[int], opaque: Collection[int]) -> bool:
    stack, seen = [gradient], set[int]()
    while stack:
        place = stack.pop()
        one = made.get(place)
        if one and one.operation.phase == "backward" and place not in seen:
            if place in opaque:
                return True
            stack += [read for read in one.reads if read not in whole]
        seen.add(place)
    return False


__all__ = ["unjudged_of"]
