"""A derived backward pass repeats nothing: what would stand in it more than once gets a name, as a person would give it one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record
from bpdebug.core.tree import Call, Name, Operation, Tree, is_product, names, substitute, walk


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


def named(output: str, forward: Tree, gradients: Mapping[str, Tree], blocked: Mapping[str, str]) -> Derivation:
    """The gradients, with names for what would stand in them more than once, or in them and, at some expense, in the forward line."""
    inner: dict[str, Tree] = {}
    trees, computed = dict(gradients), list[str]()
    while again := _repeated([*trees.values(), *inner.values()], forward):
        name = Name(f"{output}.{len(inner) + 1}")
        before, forward = forward, _put(forward, again, name)
        computed += [name.name] * (forward is not before)
        trees = {key: _put(tree, again, name) for key, tree in trees.items()}
        inner = {key: _put(tree, again, name) for key, tree in inner.items()} | {name.name: again}
    order = _readable(inner, computed)
    numbered = {name: Name(f"{output}.{place}") for place, name in enumerate(order, 1)}
    formulas = {name: Formula.of(substitute(tree, numbered) if inner else tree) for name, tree in (inner | trees).items()}
    return Derivation(tuple((numbered[name].name, formulas[name]) for name in order), {name: formulas[name] for name in trees}, blocked)


def _readable(inner: Mapping[str, Tree], first: Iterable[str]) -> list[str]:
    """The helpers, each after those that it reads; what the forward line has computed comes first."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in inner and name not in order:
            for other in names(inner[name]):
                visit(other)
            order.append(name)

    for name in (*first, *inner):
        visit(name)
    return order


class _Kind:
    """Equal nodes of some trees.

    Attributes:
        node: one of them.
        work, size: how much it does, and of how many nodes it is made.
        folds: whether it goes along an axis, so that it is not worked out again at sight.
        count: how often it occurs.
    """

    __slots__ = ("count", "folds", "node", "size", "work")

    def __init__(self, node: Tree, below: list[_Kind]) -> None:
        self.node, self.count = node, 0
        self.size: int = 1 + sum(kind.size for kind in below)
        self.work: int = (_weight(node) if isinstance(node, Operation) else 0) + sum(kind.work for kind in below)
        self.folds: bool = _folds(node) or any(kind.folds for kind in below)


def _folds(node: Tree) -> bool:
    if isinstance(node, Call):
        row = FUNCTIONS[node.function]
        return bool(row.axes and not row.structural) or node.function == "einsum"
    return is_product(node)


def _repeated(trees: Iterable[Tree], forward: Tree) -> Tree | None:
    """The largest expression that occurs more than once and is not trivial; the forward line counts for what goes along an axis."""
    kinds: dict[object, _Kind] = {}

    def kind_of(node: Tree) -> _Kind:
        below: list[_Kind] = []

        def part(value: object) -> object:
            if isinstance(value, Tree):
                below.append(kind_of(value))
                return id(below[-1])
            return tuple([part(one) for one in value]) if isinstance(value, tuple) else value

        key = (type(node), *[part(getattr(node, name)) for name in node.__slots__])
        kind = kinds.get(key)
        if kind is None:
            kind = kinds[key] = _Kind(node, below)
        kind.count += 1
        return kind

    for tree in trees:
        kind_of(tree)
    found = [(kind, kind.count) for kind in kinds.values() if kind.work > TRIVIAL and isinstance(kind.node, Operation)]
    kind_of(forward)
    several = [kind for kind, before in found if before > 1 or (kind.folds and kind.count > before)]
    return max(several, key=lambda kind: kind.size).node if several else None


TRIVIAL = 2
"""Work that a person would rather write twice than give a name to: two operations with signs."""


def work(tree: Tree) -> int:
    """How much an expression does: signs count once, functions and products of matrices more."""
    return sum(_weight(node) for node in walk(tree) if isinstance(node, Operation))


def _weight(node: Operation) -> int:
    if isinstance(node, Call):
        return 1 if node.function in _SIMPLE else 3
    return 3 if is_product(node) else 1


_SIMPLE = ("arange", "zeros", "ones", "zeros_like", "ones_like", "eye")
"""Functions that compute nothing."""


def _put(tree: Tree, what: Tree, name: Name) -> Tree:
    """The tree with a name in the place of what it stands for."""
    return name if tree == what else tree.rebuilt(lambda child: _put(child, what, name))
