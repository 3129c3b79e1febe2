"""What a source would change, read and not run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator


def changed(source: str) -> Iterator[str]:
    """Patterns of the names of what a source makes anew from itself: ``W[l] -= …``, ``self.W = self.W - …``."""
    for node in ast.walk(ast.parse(source)):
        targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            text, value = ast.unparse(target), getattr(node, "value", node)
            if isinstance(node, ast.AugAssign) or any(ast.unparse(one) == text for one in ast.walk(value) if isinstance(one, ast.expr)):
                yield _pattern(target)


def _pattern(target: ast.AST) -> str:
    """The names that a target may stand for: any object's attribute, any item where the key is computed."""
    match target:
        case ast.Attribute():
            return rf".*\.{target.attr}"
        case ast.Subscript(value, ast.Constant(key)):
            return _pattern(value) + re.escape(f"[{key!r}]")
        case ast.Subscript(value):
            return rf"{_pattern(value)}\[.*\]"
    return re.escape(ast.unparse(target))
