"""The parts that rewritten code is made of: hooks, and what they are given."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

HOOKS = "__bpdebug__"
"""What the rewritten code calls the recorder."""


def hook(name: str, *arguments: ast.expr) -> ast.Call:
    """A call of a hook."""
    return ast.Call(ast.Attribute(ast.Name(HOOKS, ast.Load()), name, ast.Load()), [*arguments], [])


def told(name: str, *arguments: ast.expr) -> ast.stmt:
    """A statement that calls a hook."""
    return ast.Expr(hook(name, *arguments))


def laid(target: ast.expr, value: ast.expr) -> ast.expr:
    """A value that is assigned; where it may become the shape of an array, what that is before is kept."""
    match target:
        case ast.Attribute(attr="shape"):
            return hook("shaping", loaded(target.value), value)
    return value


def loaded(target: ast.expr) -> ast.expr:
    """What reads the value that a target has."""
    read = ast.parse(ast.unparse(target), mode="eval").body
    for node in ast.walk(read):
        for place in [place for place in node._attributes if hasattr(node, place)]:
            delattr(node, place)  # it stands where the target does
    return read


def within(target: ast.expr | None) -> tuple[Any, ...] | None:
    """The targets within one, of each its own; None where it has none, or a name takes all that are left."""
    if not isinstance(target, ast.Tuple | ast.List) or any(isinstance(part, ast.Starred) for part in target.elts):
        return None
    return tuple(map(within, target.elts))


def renamed(target: ast.expr, names: dict[str, ast.expr]) -> ast.expr:
    """The same target with a name in the place of each one within, which are added to some, each with what it stands for."""
    match target:
        case ast.Tuple(parts) | ast.List(parts):
            return ast.Tuple([renamed(part, names) for part in parts], ast.Store())
        case ast.Starred(part):
            return ast.Starred(renamed(part, names), ast.Store())
    name = f"{HOOKS}{len(names)}"
    names[name] = target
    return ast.Name(name, ast.Store())


def literal(value: Any) -> ast.expr:
    """Tuples of tuples and None, written out."""
    return ast.Tuple([*map(literal, value)], ast.Load()) if isinstance(value, tuple) else ast.Constant(value)


def key_of(node: ast.expr) -> ast.expr:
    """A subscript as a value."""
    if isinstance(node, ast.Slice):
        bounds = [bound or ast.Constant(None) for bound in (node.lower, node.upper, node.step)]
        return ast.Call(ast.Name("slice", ast.Load()), bounds, [])
    return ast.Tuple([*map(key_of, node.elts)], ast.Load()) if isinstance(node, ast.Tuple) else node


def parts_of(key: ast.expr) -> list[ast.expr]:
    """What stands in a subscript."""
    return key.elts if isinstance(key, ast.Tuple) else [key]


def anew(value: ast.expr, visit: Callable[[ast.expr], ast.expr]) -> ast.expr:
    """What is assigned, rewritten, each number that is written there as an object of its own."""
    if isinstance(value, ast.Tuple):
        return ast.Tuple([anew(one, visit) for one in value.elts], ast.Load())
    return hook("anew", visit(value)) if is_written(value) else visit(value)


def is_written(value: ast.expr) -> bool:
    """Whether it is a number that is written, or a list of such, ``[0.0] * n``, ``[[0.0] * n for _ in W]``: Python has one object for all
    that are written alike in a function."""
    match value:
        case ast.List(elts=parts):
            return any(map(is_written, parts))
        case ast.BinOp(ast.List() as one, ast.Mult(), _) | ast.BinOp(_, ast.Mult(), ast.List() as one) | ast.ListComp(one):
            return is_written(one)
    return isinstance(value, ast.Constant) and isinstance(value.value, float)


def text_of(operand: ast.expr, counted: bool = False) -> str:
    """How an operand is written, "" where that is no name; in brackets, if these are asked for, what may be a number that Python itself
    works out anew each time, such as ``1 - beta1**t``."""
    if isinstance(operand, ast.Name | ast.Attribute | ast.Subscript):
        return ast.unparse(operand)
    made = counted and isinstance(operand, ast.BinOp) and any(isinstance(one, ast.Name) for one in ast.walk(operand))
    return f"({ast.unparse(operand)})" if made else ""


class Scope(ast.NodeTransformer):
    """Takes what a function says of the scope of its names out of its body: it must stand once, before they are used."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self.said = list[ast.stmt]()
        function.body = [self.visit(one) for one in function.body]

    def visit(self, node: ast.AST) -> Any:
        """What stays of a part of it; functions and classes within have scopes of their own."""
        if isinstance(node, ast.Global | ast.Nonlocal):
            self.said.append(node)
            return ast.Pass()
        inner = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
        return node if inner else self.generic_visit(node)


def copied(node: Any) -> Any:
    """A copy of a part of a tree."""
    if isinstance(node, list):
        return [*map(copied, node)]
    if not isinstance(node, ast.AST) or isinstance(node, ast.expr_context | ast.operator):
        return node
    made = type(node).__new__(type(node))
    made.__dict__.update((name, copied(value)) for name, value in vars(node).items())
    return made
