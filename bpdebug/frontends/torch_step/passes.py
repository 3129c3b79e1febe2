"""What a backward pass begins with: several losses, as of micro-batches, or of what is real and what is fake, or other gradients than 1 of
them; and the one loss the step of which that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Binary, Call, Name, Tree
from bpdebug.frontends.torch_step.reading import Operation, Pass, Step
from bpdebug.frontends.torch_step.statements import Statement

_MOST = 64
"""Losses that are added up."""
TOTAL = "losses"


def within(step: Step) -> Step:
    """The step, with what passes aside compute under forward, since something forward is made of it."""
    inside = {place for one in step.passes if one.aside for place in range(one.first, one.last)}
    return replace(step, operations=tuple(_forward(one) if place in inside else one for place, one in enumerate(step.operations)))


def last_alone(step: Step) -> Step:
    """The step of the last backward pass alone, where something forward is made of what those before it have given."""
    *_, last = (one for one in step.passes if not one.aside)
    passes = tuple(one if one is last else replace(one, aside=True) for one in step.passes)
    return replace(within(alone(step, last, len(step.operations))), passes=passes)


def alone(step: Step, one: Pass, end: int = -1) -> Step:
    """What there is up to the end of a backward pass, or up to another end: all before it is forward."""
    operations = step.operations[: one.last if end < 0 else end]
    made = tuple(_forward(operation) if place < one.first else operation for place, operation in enumerate(operations))
    return replace(step, operations=made, roots=one.roots, gradients=one.gradients, passes=step.passes if end >= 0 else ())


def _forward(operation: Operation) -> Operation:
    return replace(operation, phase="forward") if operation.phase != "forward" else operation


def forward_first(statements: Sequence[Statement], step: Step) -> list[Statement]:
    """The statements with all forward passes before the backward passes, which add up their gradients; [] where there is only one, or a
    forward pass reads what a backward pass has given."""
    if not 1 < len({*step.roots}) <= _MOST:
        return []
    ahead, behind, late = list[Statement](), list[Statement](), set[int]()
    for one in statements:
        if one.operation.phase != "forward" or not late.isdisjoint(one.reads):
            late.add(one.place)
            behind.append(one)
        else:
            ahead.append(one)
    return [*ahead, *behind] if late.isdisjoint(step.roots) else []


def whole_gradients(statements: Sequence[Statement], step: Step) -> dict[int, int]:
    """The gradients of several backward passes: of a parameter after the last one, and none of what more than one of them goes through."""
    last, names = dict[int, int](), {step.values[place].name: place for place in step.gradients.values()}
    for one in statements:
        if one.operation.phase == "backward" and one.place in one.operation.writes:
            last[names.get(step.values[one.place].name.partition("'")[0], -1)] = one.place
    through = defaultdict[int, set[int]](set, {root: {root} for root in step.roots})
    for one in reversed(statements):
        for place in one.reads if one.operation.phase == "forward" else ():
            through[place] |= through[one.place]
    parameters = {place for place in step.gradients if step.values[place].kind == "parameter"}
    alone = {place: gradient for place, gradient in step.gradients.items() if place not in parameters and len(through[place]) < 2}
    return alone | {place: last.get(step.gradients[place], step.gradients[place]) for place in parameters}


def handed(step: Step) -> set[int]:
    """The gradients that backward passes are given to begin with, in the place of 1."""
    own = {place for one in step.operations if one.phase == "backward" for place in one.outs}
    return {step.gradients[root] for root in step.roots if root in step.gradients} - own


def summed(roots: Sequence[int], names: Mapping[int, str], step: Step, given: Collection[int]) -> Stage:
    """The one loss: the sum of several, each times the gradient of it that is ``given``."""
    terms = list[Tree]()
    for root in roots:
        tree: Tree = Name(names[root])
        if (gradient := step.gradients.get(root, -1)) in given:
            tree = Binary("*", tree, Name(names[gradient]))
        terms.append(Call("sum", (tree,)) if step.values[root].shape else tree)
    whole = terms[0]
    for tree in terms[1:]:
        whole = Binary("+", whole, tree)
    meaning = "What the gradients are those of: several backward passes add theirs up, each times the gradient that it is given."
    return Stage(TOTAL, Formula.of(whole), Phase.LOSS, 0, meaning, "", "line")


__all__ = ["TOTAL", "alone", "forward_first", "handed", "last_alone", "summed", "whole_gradients", "within"]
