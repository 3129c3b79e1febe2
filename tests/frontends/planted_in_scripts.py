"""Mistakes planted into right scripts: each changes one expression or exchanges two statements, and all lines stay where they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple, cast

_OTHERS = {"tanh": "sin", "maximum": "minimum", "minimum": "maximum", "exp": "sinh", "max": "min", "outer": "inner", "dot": "inner"}


class Planted(NamedTuple):
    """A script with a mistake.

    Attributes:
        line, kind, place: where it stands, what it is, and the how many'th of that kind on that line.
        lines: that may be named for it.
        text: the whole script.
    """

    line: int
    kind: str
    place: int
    lines: frozenset[int]
    text: str


def _written(node: ast.expr) -> str:
    return f"({ast.unparse(node)})" if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare) else ast.unparse(node)


def _without(call: ast.Call, *keywords: str) -> str:
    kept = [one for one in call.keywords if one.arg not in keywords]
    return ast.unparse(ast.Call(call.func, call.args, kept))


def _renamed(call: ast.Call, name: str) -> str:
    function: Any = call.func
    return ast.unparse(ast.Call(ast.Attribute(function.value, name, ast.Load()), call.args, call.keywords))


def _of_operation(node: ast.BinOp) -> Iterator[tuple[str, str]]:
    left, right = _written(node.left), _written(node.right)
    numbers = isinstance(node.left, ast.Constant), isinstance(node.right, ast.Constant)
    match node.op:
        case ast.Mult():
            yield from [("factor dropped", left)] * (not numbers[0]) + [("factor dropped", right)]
        case ast.Div():
            yield from (("division dropped", left), ("multiplied", f"({left} * {right})"))
        case ast.Sub():
            yield "plus for minus", f"({left} + {right})"
            yield from [("exchanged", f"({right} - {left})"), ("term dropped", left)] * (not numbers[0])
        case ast.Add():
            yield from (("term dropped", left), ("term dropped", right), ("minus for plus", f"({left} - {right})"))
        case ast.Pow() if numbers[1]:
            yield "power dropped", left
        case ast.MatMult():
            yield from (("operands exchanged", f"({right} @ {left})"), ("transpose doubled", f"({left}.T @ {right})"))


def _of_call(node: ast.Call) -> Iterator[tuple[str, str]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name == "copy":
        yield "copy dropped", ast.unparse(node.args[0] if node.args else cast(ast.Attribute, node.func).value)
    if name in ("sqrt", "exp", "log", "tanh", "sigmoid") and len(node.args) == 1:
        yield "function dropped", _written(node.args[0])
    if name in _OTHERS:
        yield "another function", _renamed(node, _OTHERS[name])
    if name in ("sum", "mean"):
        yield "mean for sum" if name == "sum" else "sum for mean", _renamed(node, "mean" if name == "sum" else "sum")
        for one in (one for one in node.keywords if one.arg == "axis" and isinstance(one.value, ast.Constant)):
            yield "axis dropped", _without(node, "axis", "keepdims")
            yield "another axis", ast.unparse(node).replace(ast.unparse(one), "axis=1" if one.value.value == 0 else "axis=0")  # type: ignore[attr-defined]
    if name == "dot" and len(node.args) == 2:
        yield "operands exchanged", f"np.dot({_written(node.args[1])}, {_written(node.args[0])})"


def _of(node: ast.AST, names: list[str]) -> Iterator[tuple[str, str]]:
    """What may stand in the place of an expression, each with what is wrong with it."""
    match node:
        case ast.BinOp():
            yield from _of_operation(node)
        case ast.Compare():
            yield "comparison turned", ast.unparse(ast.Compare(node.comparators[0], node.ops, [node.left]))
        case ast.Call():
            yield from _of_call(node)
        case ast.Attribute(attr="T"):
            yield "transpose dropped", _written(node.value)
        case ast.UnaryOp(op=ast.USub()) if not isinstance(node.operand, ast.Constant):
            yield "minus dropped", _written(node.operand)
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            yield "another number", repr(number + 1)
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) | ast.Subscript(ctx=ast.Load()) if (
            name := ast.unparse(node)
        ) in names:
            yield from (("another tensor", other) for other in names if other != name)


def _statements(tree: ast.Module) -> Iterator[tuple[ast.stmt, list[str]]]:
    """Each statement that computes something, with the names that its function assigns."""
    for body in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]:
        inner = [node for node in ast.walk(body) if isinstance(node, ast.stmt)]
        if body is tree:
            functions = {one for node in inner if isinstance(node, ast.FunctionDef) for one in ast.walk(node)}
            inner = [node for node in inner if node not in functions]
        bound = {
            ast.unparse(name): None
            for node in inner if isinstance(node, ast.Assign)
            for target in node.targets for name in ast.walk(target)
            if isinstance(name, ast.Name | ast.Attribute | ast.Subscript) and isinstance(name.ctx, ast.Store)
        }  # fmt: skip
        for node in inner:
            if isinstance(node, ast.Assign | ast.AugAssign | ast.Return) and node.value:
                yield node, [*bound]


def planted(source: str, lines: set[int]) -> Iterator[Planted]:
    """Every mistake that can be planted into some lines of a script."""
    tree, rows, count = ast.parse(source), source.split("\n"), dict[tuple[int, str], int]()

    def made(node: Any, text: str, kind: str, statement: ast.stmt) -> Iterator[Planted]:
        if node.lineno != node.end_lineno:
            return
        line, changed = statement.lineno, [*rows]
        row = rows[node.lineno - 1]
        changed[node.lineno - 1] = row[: node.col_offset] + text + row[node.end_col_offset :]
        count[line, kind] = place = count.get((line, kind), -1) + 1
        yield Planted(line, kind, place, frozenset(range(line, (statement.end_lineno or line) + 1)), "\n".join(changed))

    for statement, names in _statements(tree):
        if statement.lineno not in lines:
            continue
        value: Any = statement.value  # type: ignore[attr-defined]
        if not isinstance(value, ast.Tuple | ast.List | ast.Dict | ast.Name | ast.Constant):
            for kind, text in (("sign", f"-({ast.unparse(value)})"), ("thrice", f"3.0 * ({ast.unparse(value)})")):
                yield from made(value, text, kind, statement)
        for node in ast.walk(value):
            for kind, text in _of(node, names):
                yield from made(node, f"({text})" if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare) else text, kind, statement)
        if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
            target, more = ast.unparse(statement.target), ast.unparse(value)
            turned = "-" if isinstance(statement.op, ast.Add) else "+"
            yield from made(statement, f"{target} {turned}= {more}", "step turned", statement)
            yield from made(statement, f"{target} = {more}", "overwritten", statement)
        if isinstance(statement, ast.AugAssign) or (isinstance(statement, ast.Assign) and not isinstance(statement.targets[0], ast.Name)):
            beside = _beside(tree, statement)
            yield from (one._replace(lines=one.lines | beside) for one in made(statement, "pass", "left out", statement))
    yield from _exchanged(tree, rows, lines)
    yield from _early(tree, rows, lines)


def _beside(tree: ast.Module, left_out: ast.Assign | ast.AugAssign) -> set[int]:
    """Of what a statement would have changed, the last line before that makes it and the first after that reads it: there is no other."""
    target: Any = left_out.target if isinstance(left_out, ast.AugAssign) else left_out.targets[0]
    while isinstance(target, ast.Subscript):
        target = target.value
    before, after, name = set[int](), set[int](), ast.unparse(target)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) == name and node.lineno != left_out.lineno:
            (before if node.lineno < left_out.lineno else after).add(node.lineno)
    return {*sorted(before)[-1:], *sorted(after)[:1]}


def _exchanged(tree: ast.Module, rows: list[str], lines: set[int]) -> Iterator[Planted]:
    """Two statements in a row, in the other order."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for one, other in pairwise(body) if isinstance(body, list) else ():
            if all(isinstance(part, ast.Assign | ast.AugAssign) and part.lineno == part.end_lineno for part in (one, other)):
                first, second = one.lineno, other.lineno
                if second == first + 1 and {first, second} & lines:
                    changed = [*rows]
                    changed[first - 1], changed[second - 1] = rows[second - 1], rows[first - 1]
                    yield Planted(first, "order", 0, frozenset((first, second)), "\n".join(changed))


def _early(tree: ast.Module, rows: list[str], lines: set[int]) -> Iterator[Planted]:
    """A statement that changes something, before one that reads what it changes, which may be named, too."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for place, one in enumerate(body if isinstance(body, list) else ()):
            if isinstance(one, ast.AugAssign) and one.lineno == one.end_lineno and one.lineno in lines:
                target = ast.unparse(one.target)
                for other in body[max(0, place - 6) : max(0, place - 1)]:
                    if other.lineno in lines and target in ast.unparse(other):
                        changed = [*rows]
                        changed.insert(other.lineno - 1, changed.pop(one.lineno - 1))
                        named = {other.lineno, other.lineno + 1}
                        yield Planted(one.lineno, "too early", other.lineno, frozenset(named), "\n".join(changed))
