"""Gradients of which a recorded step cannot tell whether they are right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from bpdebug.core.derive import reached
from bpdebug.core.tree import Name
from bpdebug.frontends.torch_step.numbers import Numbers, kind_of_number
from bpdebug.frontends.torch_step.reading import Step
from bpdebug.frontends.torch_step.statements import Statement

_HIDDEN = "the forward pass of the function that reads it does not show what comes back (a step, a choice, NumPy)"


def unjudged_of(statements: Sequence[Statement], pairs: Mapping[int, int], step: Step, numbers: Numbers) -> dict[int, str]:
    """The places of gradients of which nothing can tell whether they are right, and why: on the way from the value to the next one that
    has a gradient, or to the loss, something has no formula, or another one than torch, or the numbers go on where no gradient flows back,
    or a function of the user's own gives back what its forward pass does not show; or the gradient itself has no formula, or a hook
    changes it.

    Args:
        statements: of the step.
        pairs: the places of values, and of their gradients.
        step: the recording.
        numbers: of its values.
    """
    if any(_differentiates_gradients(statements, one) for one in step.roots):
        return dict.fromkeys(pairs.values(), "the loss is computed from gradients, or after a step")
    if any(one.operation.hooked and one.live and one.operation.phase == "forward" for one in statements):
        return dict.fromkeys(pairs.values(), "a forward pass is run again, or a hook, in a pass that the loss is made of (checkpoint)")
    if any(step.values[root].shape and root not in step.gradients for root in step.roots):
        return dict.fromkeys(pairs.values(), "what the backward pass begins with was not recorded")
    readers, made = defaultdict[int, list[Statement]](list), {one.place: one for one in statements}
    for one in statements:
        if one.operation.phase == "forward":
            for place in one.reads:
                readers[place].append(one)
    opaque = {one.place: _opaque(one, step) for one in statements if one.reason or not _agrees(numbers, one.place)}
    leading = {*step.roots}  # running statistics are read again where a layer is called twice, but no loss is made of them
    for one in reversed(statements):
        leading.update(one.reads if one.place in leading else ())
    changed = {one.place: f"a hook changes {_said(one, step)}" for one in statements if one.operation.hooked} | opaque
    floats = {place for place in leading if kind_of_number(step.values[place]) == "f"}
    ends = {*pairs, *step.roots}
    hidden = dict.fromkeys(_Own(step, numbers, readers, floats - {*opaque}).hidden(), _HIDDEN)
    unknown = opaque | {place: why for place, why in hidden.items() if place not in ends}
    found = dict[int, str]()
    for value, gradient in pairs.items():
        why = (
            hidden.get(value)
            or _severed(value, readers, ends, floats, unknown, step)
            or _broken(gradient, made, {*pairs.values()}, changed)
        )
        if why:
            found[gradient] = why
    return found


def _opaque(one: Statement, step: Step) -> str:
    return f"{'there is no formula for' if one.reason else 'torch has computed something else in'} {_said(one, step)}"


def _said(one: Statement, step: Step) -> str:
    """A statement in a sentence; its line is that of the forward pass."""
    back = one.operation.forward
    line = (step.operations[back] if back >= 0 else one.operation).line
    return step.values[one.place].name + (f" at {line[0]}:{line[1]}" if line else "")


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
    """Whether the loss itself is computed from gradients, in a recording that does not tell the passes from one another."""
    wanted = {root}
    for one in reversed(statements):
        if one.place in wanted:
            if one.operation.phase != "forward":
                return True
            wanted.update(one.reads)
    return False


def _severed(
    value: int,
    readers: Mapping[int, list[Statement]],
    ends: Collection[int],
    floats: Collection[int],
    unknown: Mapping[int, str],
    step: Step,
) -> str:
    """Why a gradient does not tell of all that is made of a value; "" where it does."""
    stack, seen = [value], set[int]()
    while stack:
        place = stack.pop()
        for one in readers[place] if place not in seen else ():
            if one.place not in floats:  # through whole numbers no gradient flows
                continue
            if one.place in unknown:
                return unknown[one.place]
            if place not in one.live and place in floats:
                return f"no gradient flows back through {_said(one, step)} (detach, no_grad)"
            if one.place not in ends:
                stack.append(one.place)
        seen.add(place)
    return ""


def _broken(gradient: int, made: Mapping[int, Statement], whole: Collection[int], changed: Mapping[int, str]) -> str:
    """What a gradient is made of that is no gradient, and is not known; "" where there is none."""
    stack, seen = [gradient], set[int]()
    while stack:
        place = stack.pop()
        one = made.get(place)
        if one and one.operation.phase == "backward" and place not in seen:
            if place in changed:
                return changed[place]
            stack += [read for read in one.reads if read not in whole]
        seen.add(place)
    return ""


__all__ = ["unjudged_of"]
