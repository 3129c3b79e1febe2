"""Gradients of which a recorded step cannot tell whether they are right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from bpdebug.core.derive import reached
from bpdebug.core.tree import Name
from bpdebug.frontends.torch_step.numbers import Numbers, kind_of_number
from bpdebug.frontends.torch_step.passes import forward_first
from bpdebug.frontends.torch_step.reading import Step
from bpdebug.frontends.torch_step.statements import Statement


def unjudged_of(statements: Sequence[Statement], pairs: Mapping[int, int], step: Step, numbers: Numbers) -> set[int]:
    """The places of gradients of which nothing can tell whether they are right: on the way from the value to the next one that has a
    gradient, or to the loss, something has no formula, or another one than torch, or the numbers go on where no gradient flows back, or a
    function of the user's own gives back what its forward pass does not show; or the gradient itself has no formula, or a hook changes it.

    Args:
        statements: of the step.
        pairs: the places of values, and of their gradients.
        step: the recording.
        numbers: of its values.
    """
    whole = len(step.roots) == 1 or forward_first(statements, step)
    if not whole or any(_differentiates_gradients(statements, one) for one in step.roots):
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
    changed = opaque | {one.place for one in statements if one.operation.hooked}
    floats = {place for place in leading if kind_of_number(step.values[place]) == "f"}
    ends = {*pairs, *step.roots}
    hidden = _Own(step, numbers, readers, floats - opaque).hidden()
    return {
        gradient
        for value, gradient in pairs.items()
        if value in hidden
        or _is_severed(value, readers, ends, floats, opaque | (hidden - ends))
        or _is_opaque(gradient, made, {*pairs.values()}, changed)
    }


class _Own:
    """What functions of the user's own read in their forward passes, and give.

    Args:
        step: the recording.
        numbers: of its values.
        readers: the statements that read a value.
        floats: the values that gradients may lead through.
    """

    def __init__(self, step: Step, numbers: Numbers, readers: Mapping[int, Sequence[Statement]], floats: Collection[int]) -> None:
        self._step, self._numbers, self._readers, self._floats = step, numbers, readers, floats
        self._given = {place for place in readers if step.values[place].kind == "given" and step.values[place].shape}

    def hidden(self) -> set[int]:
        """What one reads whose forward pass does not show how its results depend on that: it is a step or a choice, as of straight-through
        gradients, or computed out of torch's sight; or does nothing at all, so that it is there to give back another gradient."""
        found = set[int]()
        for reads, gives in self._step.own:
            ends = {place for one in gives for place in self._sources(one)}
            shapes = {self._step.values[place].shape for place in (*reads, *gives)}
            unseen = {place for place in self._given - {*reads} if self._step.values[place].shape in shapes}
            for read in reads:
                begin = self._sources(read)
                way, same = self._way(begin, ends, {*reads} - {read}), self._way(begin, ends, {*reads} - {read}, alone=True)
                seen = way & ends and not any(
                    unseen.intersection(one.reads) for place in way for one in self._readers[place] if one.place in way
                )
                found |= begin if not seen or same & ends else set()
        return found

    def _sources(self, place: int) -> set[int]:
        """A value that a statement computes, or is given; or those that a view looks at."""
        made = self._numbers.formulas.get(place)
        return {*made[1]} if made and place not in self._readers and place not in self._step.roots else {place}

    def _way(self, begin: Collection[int], ends: Collection[int], others: Collection[int], alone: bool = False) -> set[int]:
        """What comes of values on the way to others, through formulas that have a derivative, or ``alone`` through such that do nothing."""
        way, stack = {*begin}, [*begin]
        while stack:
            place = stack.pop()
            for one in self._readers.get(place, ()) if place not in ends else ():
                tree = one.formula.tree
                flows = isinstance(tree, Name) if alone else self._step.values[place].name in reached(tree)
                if flows and one.place in self._floats and place in one.live and one.place not in way and one.place not in others:
                    way.add(one.place)
                    stack.append(one.place)
        return way


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
