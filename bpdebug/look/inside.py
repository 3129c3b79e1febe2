"""Within a line of a program: what an inner value of its backward pass is the gradient of, and the ways that lead to a part of the line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bpdebug.core.errors import FormulaError
from bpdebug.core.network import Node
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import GENERIC_ROWS, infer
from bpdebug.core.tree import ONE, Name, Operation, Tree, substitute, walk
from bpdebug.look.once import once
from bpdebug.time.parts import activation_of

PART = "part#"
"""What a part of a line is called where it is looked at as a tensor of its own."""
Way = tuple[tuple[Tree, Tree], ...]
"""The nodes on the way from a line's result to a part of it, each with the one below it that the way goes on to."""


class Inner(Record):
    """An inner value of a line's backward pass.

    Attributes:
        node: the line.
        part: what it is the gradient of, or None where it is no gradient.
    """

    node: Node
    part: Tree | None


def inner_of(program: Program, name: str) -> Inner | None:
    """What a stage is that is no tensor of the program's own but helps with derivatives; None for any other."""
    node = next((node for node in program.network.nodes if any(name == helper for helper, _ in node.operation.inner)), None)
    return None if node is None else once(program, ("inner", name), lambda: Inner(node, _part(program, node, name)))


def _part(program: Program, node: Node, name: str) -> Tree | None:
    """The part of a line of which an inner value is the gradient: the derivation of that one comes to the same formula."""
    from bpdebug.core.derive import derived  # noqa: PLC0415 - for programs of lines alone

    def put_in(formula: Formula, inner: Mapping[str, Formula]) -> Tree:
        """A formula with its helpers put in."""
        return substitute(formula.tree, {name: put_in(inner[name], inner) for name in formula.names if name in inner})

    known, whole, arriving = dict(node.operation.inner), node.value, node.operation.arriving
    shapes = program.shapes(GENERIC_ROWS if program.network.generic else program.batches.largest)
    for part in dict.fromkeys(part for part in walk(whole) if isinstance(part, Operation) and part != whole):
        try:
            own = {**shapes, PART: infer(Formula.of(part), shapes)}
            made = derived(node.output, Formula.of(_without(whole, part)), own, {PART}, Name(arriving) if arriving else ONE)
        except FormulaError:
            continue
        found = made.gradients.get(PART)
        if found and substitute(put_in(found, dict(made.inner)), {PART: part}) == put_in(known[name], known):
            return part
    return None


def _without(tree: Tree, part: Tree) -> Tree:
    """The line with the name of a part in its place."""
    return Name(PART) if tree == part else tree.rebuilt(lambda child: _without(child, part))


def apart(program: Program, inner: Inner) -> Program:
    """The program with the part in a stage of its own, before its line."""
    lines = list[object]()
    for line in program.lines:
        if isinstance(line, Stage) and line.name == inner.node.output and inner.part:
            lines.append(replace(line, name=PART, formula=Formula.of(inner.part)))
            line = replace(line, formula=Formula.of(_without(line.formula.tree, inner.part)))  # noqa: PLW2901
        lines.append(line)
    return replace(program, lines=tuple(lines))


def ways(tree: Tree, target: Tree) -> Iterator[Way]:
    """The ways from a formula to a part of it; through an activation to what it is taken of."""
    if tree == target:
        yield ()
        return
    taken = activation_of(tree)
    for child in (taken[1],) if taken else tree.children():
        for way in ways(child, target):
            yield ((tree, child), *way)
