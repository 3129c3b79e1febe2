"""What stands literally in a text: whole numbers, lists."""

from __future__ import annotations

import ast


def whole(node: ast.expr) -> int | None:
    """A literal whole number of a size that an axis or a place may have."""
    sign, inner = (-1, node.operand) if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else (1, node)
    fits = isinstance(inner, ast.Constant) and type(inner.value) is int and abs(inner.value) <= 10**9
    return sign * inner.value if fits else None  # type: ignore[attr-defined]


def stacked(node: ast.expr) -> ast.expr:
    """What NumPy makes of a list in the place of a value, as in ``sum([a, b], axis=0)``."""
    if not isinstance(node, ast.List) or not node.elts:
        return node
    parts = ast.List([*map(stacked, node.elts)], ast.Load())
    return ast.fix_missing_locations(ast.copy_location(ast.Call(ast.Name("stack", ast.Load()), [parts], []), node))
