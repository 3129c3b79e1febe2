"""How a formula depends on what arrives: in proportion to it, not at all, or in another way."""

from __future__ import annotations

from collections.abc import Collection

from bpdebug.core.sources import is_layout, operands_of
from bpdebug.core.tree import Length, Name, Number, Operation, Tree, operation


def degree(tree: Tree, arriving: Collection[str]) -> int:
    """1 where a formula is in proportion to what arrives, 0 where it does not use it, 2 where neither can be seen."""
    return _degree(tree, arriving, {})


def _degree(tree: Tree, arriving: Collection[str], known: dict[int, tuple[Tree, int]]) -> int:
    """The same, where that of some parts is known, since a formula may have one many times."""
    if id(tree) not in known:
        known[id(tree)] = tree, _found(tree, arriving, known)
    return known[id(tree)][1]


def _found(tree: Tree, arriving: Collection[str], known: dict[int, tuple[Tree, int]]) -> int:
    if isinstance(tree, Name):
        return int(tree.name in arriving)
    if is_layout(tree):
        return max(_degree(operand, arriving, known) for operand in operands_of(tree))
    if not isinstance(tree, Operation) or isinstance(tree, Length):
        return 0
    row, operands = operation(tree)
    found = [_degree(operand, arriving, known) for operand in operands]
    if max(found) != 1:
        return max(found)
    fits = {
        **dict.fromkeys(("*", "@"), sum(found) == 1),
        "/": found[-1] == 0,
        "where": found[0] == 0,
        **dict.fromkeys(("sum", "mean", "positive", "+", "-"), True),
    }
    added = row.name in ("+", "-", "where")
    whole = all(one or operand == Number(0) for one, operand in list(zip(found, operands, strict=True))[row.name == "where" :])
    return 1 if fits.get(row.name) and (whole or not added) else 2


__all__ = ["degree"]
