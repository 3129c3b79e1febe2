"""Steps that are lost, as the source shows: they are given to a name and no parameter, or a sign stands on the wrong side of ``=``."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress

_SIGN = re.compile(r"^(\s*[\w.\[\]'\"]+) =([-+]) +(\S.*)$")
_LONGEST = 60
"""Characters of a line that are shown."""


def lost_steps(files: Iterable[tuple[str, str]]) -> list[str]:
    """What is no step of a parameter, though it was meant as one, each with its line.

    Args:
        files: the names of the sources, and these.
    """
    return [f"{name}:{line}: {said}" for name, source in files for line, said in sorted({**_rebound(source), **_turned(source)}.items())]


def _turned(source: str) -> dict[int, str]:
    """``w =- rate * dw``, which Python reads as ``w = -rate * dw``."""
    lines, found = source.splitlines(), dict[int, str]()
    for one in _nodes(source):
        if isinstance(one, ast.Assign) and one.lineno <= len(lines) and (signed := _SIGN.match(lines[one.lineno - 1])):
            target, sign, step = signed[1].strip(), signed[2], signed[3]
            said = f"'{_short(f'{target} ={sign} {step}')}' keeps nothing of the old {target}"
            found[one.lineno] = f"{said}; '{target} {sign}= …' would be a step"
    return found


def _nodes(source: str) -> list[ast.AST]:
    """What a source is made of; nothing where it cannot be read."""
    with suppress(SyntaxError, ValueError, RecursionError):
        return [*ast.walk(ast.parse(source))]
    return []


def _rebound(source: str) -> dict[int, str]:
    """``for p, g in zip(params, grads): p = p - rate * g``, by which ``p`` is another array, and what ``params`` holds stays as it is; the
    same of what a function is given."""
    found = dict[int, str]()
    for scope in _nodes(source):
        names = {one.id for one in ast.walk(scope.target) if isinstance(one, ast.Name)} if isinstance(scope, ast.For) else set[str]()
        names |= {one.arg for one in ast.walk(scope.args) if isinstance(one, ast.arg)} if isinstance(scope, ast.FunctionDef) else set()
        for one, name in _steps(scope.body, names) if isinstance(scope, ast.For | ast.FunctionDef) else ():
            kept = "what it is taken from" if isinstance(scope, ast.For) else "the caller's"
            said = f"'{_short(ast.unparse(one))}' makes {name} the name of another array, and {kept} stays as it was"
            found[one.lineno] = f"{said}; '{name} -= …' or '{name}[...] = …' changes it"
    return found


def _steps(body: list[ast.stmt], names: Container[str]) -> Iterator[tuple[ast.Assign, str]]:
    """What gives one of some names a new value less something that nothing reads later, outside of inner loops, and that name."""
    read = [node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    waiting = [*body]
    while waiting:
        one = waiting.pop()
        match one:
            case ast.Assign([ast.Name(name)], ast.BinOp(op=ast.Sub() | ast.Add()) as value) if name in names:
                end = one.end_lineno or one.lineno, one.end_col_offset or 0
                within = any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(value))
                if within and not any(node.id == name and (node.lineno, node.col_offset) >= end for node in read):
                    yield one, name
            case ast.If() | ast.With():
                waiting += [*one.body, *getattr(one, "orelse", ())]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


__all__ = ["lost_steps"]
