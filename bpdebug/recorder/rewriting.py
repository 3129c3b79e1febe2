"""The user's source with a hook at every operation, call, subscript and assignment; values and line numbers are what they were.

Bodies of functions and of loops stand twice, with hooks and as they were, so that a recorder that rests costs next to nothing: which of
the two runs is asked where a body begins.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

from bpdebug.recorder.trees import HOOKS, Scope, anew, copied, hook, key_of, laid, literal, loaded, parts_of, renamed, text_of, told, within

_UNTOUCHED = ("super", "locals", "globals", "vars", "dir", "eval", "exec")
"""Functions that look at the frame that calls them."""
_LOSS = re.compile(r"loss|cost|likelihood|err|mse|nll|objective|xent|entropy|^(J|L|E|ll|ce|bce)$", re.IGNORECASE)
"""What losses are called: their values are noted in all updates."""
_DEEPEST = 3
"""Loops within loops of a function that can change between hooks and none: each doubles what stands within."""
_COMPARED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_SPAN = ("lineno", "col_offset", "end_lineno", "end_col_offset")
Site = tuple[str, int, str, tuple[str, ...]]
"""File, line, function, and how operands are written; of a loop, its head, and the first and the last line of its body."""


def rewritten(source: str, file: str, sites: list[Site]) -> ast.Module:
    """The tree of a module with its hooks.

    Args:
        source, file: the module.
        sites: to which the places of the hooks are added; a hook gets its place in this list.

    Raises:
        SyntaxError: Python's own.
    """
    tree: ast.Module = _Rewriter(file, sites).visit(ast.parse(source, file))
    _locate(tree, ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=0))
    return tree


def _locate(node: ast.AST, above: ast.AST) -> None:
    """Give new nodes the place of the node above, or, of statements, of the first old one within."""
    if "lineno" in node._attributes:
        if not hasattr(node, "lineno"):
            old = next((one for one in ast.walk(node) if hasattr(one, "lineno")), above) if isinstance(node, ast.stmt) else above
            ast.copy_location(node, old)
        above = node
    for child in ast.iter_child_nodes(node):
        _locate(child, above)


def _on() -> ast.expr:
    """Whether there are hooks now."""
    return ast.Attribute(ast.Name(HOOKS, ast.Load()), "on", ast.Load())


class _Rewriter(ast.NodeTransformer):
    def __init__(self, file: str, sites: list[Site]) -> None:
        self.file, self.sites, self.functions, self.classes = file, sites, [""], list[str]()
        self.depth, self._places = 0, dict[tuple[Any, ...], int]()

    def _site(self, node: ast.AST, *operands: ast.expr) -> ast.expr:
        return self._placed(node, *map(text_of, operands))

    def _placed(self, node: ast.AST, *texts: str) -> ast.expr:
        """The place of a node, which its copies share."""
        line, key = getattr(node, "lineno", 0), (type(node), *(getattr(node, name, 0) for name in _SPAN), texts)
        if key not in self._places:
            self._places[key] = len(self.sites)
            self.sites.append((self.file, line, self.functions[-1], texts))
        return ast.Constant(self._places[key])

    def _mangled(self, name: str) -> str:
        private = self.classes and name.startswith("__") and not name.endswith("__")
        return f"_{self.classes[-1].lstrip('_')}{name}" if private else name

    def visit(self, node: ast.AST) -> Any:
        """What stands in the place of a node, at its place in the file."""
        made = super().visit(node)
        for one in made if isinstance(made, list) else [made]:
            if isinstance(one, ast.stmt) and not hasattr(one, "lineno"):
                ast.copy_location(one, node)
        return ast.copy_location(made, node) if isinstance(made, ast.expr) and made is not node else made

    # expressions

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        site = self._placed(node, *(text_of(one, True) for one in (node.left, node.right)))
        return hook("op", site, ast.Constant(type(node.op).__name__), self.visit(node.left), self.visit(node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if isinstance(node.op, ast.Not) or isinstance(node.operand, ast.Constant):
            return self.generic_visit(node)
        return hook("op", self._site(node, node.operand), ast.Constant(type(node.op).__name__), self.visit(node.operand))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if len(node.ops) > 1 and all(isinstance(one, ast.Name | ast.Constant) for one in node.comparators[:-1]):
            sides = zip([node.left, *node.comparators], node.ops, node.comparators, strict=False)
            parts: list[ast.expr] = [ast.copy_location(ast.Compare(left, [sign], [right]), node) for left, sign, right in sides]
            return self.generic_visit(ast.copy_location(ast.BoolOp(ast.And(), parts), node))  # as Python has it
        if len(node.ops) != 1 or not isinstance(node.ops[0], _COMPARED):
            return self.generic_visit(node)
        site, sign = self._site(node, node.left, *node.comparators), ast.Constant(type(node.ops[0]).__name__)
        return hook("op", site, sign, self.visit(node.left), self.visit(node.comparators[0]))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr == "T" and isinstance(node.ctx, ast.Load):
            return hook("transposed", self._site(node), node.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        site = self._site(node, *parts_of(node.slice), node)
        self.generic_visit(node)
        return hook("item", site, node.value, key_of(node.slice)) if isinstance(node.ctx, ast.Load) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in _UNTOUCHED:
            return self.generic_visit(node)
        site = self._site(node, *node.args)
        if isinstance(node.func, ast.Name) and node.func.id == "setattr" and len(node.args) == 3:
            return hook("set", site, ast.Constant(ast.unparse(node.args[0])), *map(self.visit, node.args))
        if isinstance(node.func, ast.Attribute):
            made = hook("method", site, self.visit(node.func.value), ast.Constant(self._mangled(node.func.attr)))
        else:
            made = hook("call", site, self.visit(node.func))
        made.args += [self.visit(argument) for argument in node.args]
        made.keywords = [self.visit(keyword) for keyword in node.keywords]
        return made

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        return ast.NamedExpr(node.target, hook("bound", self._site(node), ast.Constant(node.target.id), self.visit(node.value)))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        return node

    # statements

    def _named(self, target: ast.expr, site: ast.expr, how: str = "named") -> list[ast.stmt]:
        """What tells the names that a target has bound."""
        match target:
            case ast.Name():
                return [told(how, site, ast.Constant(target.id), loaded(target))]
            case ast.Starred():
                return self._named(target.value, site, how)
            case ast.Tuple() | ast.List():
                return [said for part in target.elts for said in self._named(part, site, how)]
            case ast.Attribute():
                text, owner = ast.Constant(ast.unparse(target)), loaded(target.value)
                return [told("attribute", site, text, owner, loaded(target))]
            case ast.Subscript():
                key = key_of(loaded(target).slice)  # type: ignore[attr-defined]
                return [told("kept", site, ast.Constant(ast.unparse(target.value)), loaded(target.value), key)]
        return []

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        site, value, target = self._site(node), anew(node.value, self.visit), node.targets[0]
        if len(node.targets) == 1 and isinstance(target, ast.Subscript):
            text, base, key = ast.Constant(ast.unparse(target.value)), self.visit(target.value), self._visited_key(target)
            return told("put", self._site(node, *parts_of(target.slice)), text, base, key, value)
        several = next((target for target in node.targets if isinstance(target, ast.Tuple | ast.List)), None)
        value = hook("parts", site, value, literal(within(several))) if several else laid(target, value)
        if any(isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store) for target in node.targets for one in ast.walk(target)):
            return self._one_by_one(node, value, site)
        said = [one for target in node.targets for one in (*self._named(target, site), *self.losses(target, site))]
        return [ast.Assign(node.targets, value), *said]

    def _one_by_one(self, node: ast.Assign, value: ast.expr, site: ast.expr) -> list[ast.stmt]:
        """An assignment to several targets of which one is an item: the values get names first, then each target is assigned."""
        names = dict[str, ast.expr]()
        statements: list[ast.stmt] = [ast.Assign([renamed(target, names) for target in node.targets], value)]
        for name, target in names.items():
            read = ast.Name(name, ast.Load())
            if isinstance(target, ast.Subscript):
                text, base, key = ast.Constant(ast.unparse(target.value)), self.visit(target.value), self._visited_key(target)
                statements.append(told("put", self._site(node, *parts_of(target.slice)), text, base, key, read))
            else:
                statements += [ast.Assign([target], read), *self._named(target, site), *self.losses(target, site)]
        return [*statements, ast.Delete([ast.Name(name, ast.Del()) for name in names])]

    def losses(self, target: ast.expr, site: ast.expr) -> list[ast.stmt]:
        """What tells the values of targets that are called as losses are."""
        if isinstance(target, ast.Tuple):
            return [said for part in target.elts for said in self.losses(part, site)]
        name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
        return [told("lost", site, loaded(target))] if _LOSS.search(name) else []

    def place(self, node: ast.AST) -> ast.expr:
        """The place of a statement that has no hooks here, and has them elsewhere."""
        return self._site(node)

    def _visited_key(self, target: ast.Subscript) -> ast.expr:
        return key_of(self.generic_visit(ast.Expr(target.slice)).value)  # type: ignore[attr-defined]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | list[ast.stmt]:
        if node.value is None:
            return node
        site, node.value = self._site(node), self.visit(node.value)
        return [node, *self._named(node.target, site)]

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.stmt]:
        target, sign = node.target, ast.Constant(type(node.op).__name__)
        site, value = self._site(node, target, node.value), self.visit(node.value)
        if isinstance(target, ast.Subscript):
            text, base = ast.Constant(ast.unparse(target.value)), self.visit(target.value)
            site = self._site(node, *parts_of(target.slice))
            return told("put_more", site, text, sign, base, self._visited_key(target), value)
        made: ast.stmt = ast.Assign([target], laid(target, hook("more", site, sign, loaded(target), value)))
        return [made, *self._named(target, site)]

    def _loop(self, node: ast.For | ast.While) -> list[ast.stmt]:
        empty = ast.For(node.target, node.iter, [], []) if isinstance(node, ast.For) else ast.While(node.test, [], [])
        head = ast.unparse(ast.copy_location(empty, node)).rstrip(":")
        site, names = self._placed(node, head, str(node.body[0].lineno), str(node.end_lineno)), list[ast.stmt]()
        gives = any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in ast.walk(node))  # its turns are those of who asks for them
        plain = self._plain(node.body)
        if isinstance(node, ast.For):
            names, node.iter = self._named(node.target, site, "visited"), hook("rows", self._site(node), self.visit(node.iter))
        else:
            node.test = self._either(node.test)
        begins = [ast.copy_location(one, node) for one in names]
        body = self._choice(_on() if gives else hook("turn", site), [*begins, *self._block(node.body)], plain)
        node.body = [one if hasattr(one, "lineno") else ast.copy_location(one, node) for one in body]
        node.orelse = self._block(node.orelse)
        self.depth -= 1
        if gives:
            return [node]
        return [told("loop", site), ast.Try([node], [], [], [told("looped", site)])]

    def _plain(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """What stands in a body without its hooks; nothing where it lies too deep."""
        self.depth += 1
        return _Plain(self).block(copied(body)) if self.depth <= _DEEPEST else []

    def _choice(self, hooked: ast.expr, body: list[ast.stmt], plain: list[ast.stmt]) -> list[ast.stmt]:
        """A body that has hooks where an expression says so."""
        return [ast.If(hooked, body, plain)] if plain else [ast.Expr(hooked), *body]

    def _either(self, node: ast.expr) -> ast.expr:
        """An expression that has hooks if they are on."""
        plain = _Plain(self).visit(copied(node))
        return ast.IfExp(_on(), self.visit(node), plain)

    def visit_For(self, node: ast.For) -> list[ast.stmt]:
        return self._loop(node)

    def visit_While(self, node: ast.While) -> list[ast.stmt]:
        return self._loop(node)

    def _block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        made = [self.visit(statement) for statement in body]
        return [one for part in made for one in (part if isinstance(part, list) else [part])]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.classes.append(node.name)
        self.generic_visit(node)
        self.classes.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        above, self.depth = self.depth, -1
        self.functions.append(".".join([*self.classes[-1:], node.name]) if self.functions[-1] == "" else node.name)
        scope, begin = Scope(node).said, ast.get_docstring(node, clean=False) is not None
        plain, body = self._plain(node.body[begin:]), node.body[begin:]
        node.body = [*node.body[:begin], *scope, *self._choice(_on(), self._block(body), plain)]
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        self.functions.pop()
        self.depth = above
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST | list[ast.stmt]:
        value, site = node.value, self._site(node)
        said = [told("returned", site, ast.Constant(value.id), loaded(value))] if isinstance(value, ast.Name) else []
        return [*said, ast.copy_location(ast.Return(self.visit(value)), node)] if value else node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.body = self._either(node.body)
        return node


class _Plain(ast.NodeTransformer):
    """What stands twice, without hooks; functions and loops within have both."""

    def __init__(self, hooked: _Rewriter) -> None:
        self._hooked = hooked

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """A body."""
        made = [self.visit(statement) for statement in body]
        return [one for part in made for one in (part if isinstance(part, list) else [part])]

    def visit_For(self, node: ast.For) -> Any:
        return self._hooked.visit(node) if self._hooked.depth < _DEEPEST else node

    def visit_While(self, node: ast.While) -> Any:
        return self._hooked.visit(node) if self._hooked.depth < _DEEPEST else node

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.generic_visit(node)
        return [node, *(said for target in node.targets for said in self._hooked.losses(target, self._hooked.place(node)))]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return self._hooked.visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return self._hooked.visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        return self._hooked.visit(node)


__all__ = ["HOOKS", "Site", "rewritten"]
