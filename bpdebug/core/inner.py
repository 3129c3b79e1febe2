"""A derived backward pass repeats nothing: what would stand in it more than once gets a name, as a person would give it one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bpdebug.core.parser import Formula
from bpdebug.core.record import Record
from bpdebug.core.tree import Binary, Call, Name, Operation, Tree, names, substitute, walk


class Derivation(Record):
    """The backward pass of one formula.

    Attributes:
        inner: helper values, in order, over the forward names, ``g``, the output and the helpers before them.
        gradients: by the tensors that are wanted and have one, over the same names and all helpers.
        blocked: the others, with what stops the gradient on every way to them.
    """

    inner: tuple[tuple[str, Formula], ...]
    gradients: Mapping[str, Formula]
    blocked: Mapping[str, str]


def named(output: str, gradients: Mapping[str, Tree], blocked: Mapping[str, str]) -> Derivation:
    """The gradients, with names for what would stand in them more than once."""
    inner: dict[str, Tree] = {}
    trees = dict(gradients)
    while again := _repeated([*trees.values(), *inner.values()]):
        name = Name(f"{output}.{len(inner) + 1}")
        trees = {key: _put(tree, again, name) for key, tree in trees.items()}
        inner = {key: _put(tree, again, name) for key, tree in inner.items()} | {name.name: again}
    order = _readable(inner)
    numbered = {name: Name(f"{output}.{place}") for place, name in enumerate(order, 1)}
    formulas = {name: Formula.of(substitute(tree, numbered)) for name, tree in (inner | trees).items()}
    return Derivation(tuple((numbered[name].name, formulas[name]) for name in order), {name: formulas[name] for name in trees}, blocked)


def _readable(inner: Mapping[str, Tree]) -> list[str]:
    """The helpers, each after those that it reads."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in inner and name not in order:
            for other in names(inner[name]):
                visit(other)
            order.append(name)

    for name in inner:
        visit(name)
    return order


def _repeated(trees: list[Tree]) -> Tree | None:
    """The largest expression that occurs more than once and is not trivial."""
    counts = Counter(node for tree in trees for node in walk(tree) if isinstance(node, Operation) and work(node) > TRIVIAL)
    several = [node for node, count in counts.items() if count > 1]
    return max(several, key=lambda node: sum(1 for _ in walk(node)), default=None)


TRIVIAL = 2
"""Work that a person would rather write twice than give a name to: two operations with signs."""


def work(tree: Tree) -> int:
    """How much an expression does: signs count once, functions and products of matrices more."""
    kinds = (node for node in walk(tree) if isinstance(node, Operation))
    return sum(3 if isinstance(node, Call) or (isinstance(node, Binary) and node.operator == "@") else 1 for node in kinds)


def _put(tree: Tree, what: Tree, name: Name) -> Tree:
    """The tree with a name in the place of what it stands for."""
    return name if tree == what else tree.rebuilt(lambda child: _put(child, what, name))
