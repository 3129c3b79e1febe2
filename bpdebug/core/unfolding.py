"""A line that calls a layer, written out: the lines of the layer's text, over the names and numbers of the call."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Protocol

from bpdebug.core.errors import LineError
from bpdebug.core.expansion import constant_of
from bpdebug.core.macros import LAYERS
from bpdebug.core.misfits import shape_text
from bpdebug.core.parser import parse
from bpdebug.core.record import Record
from bpdebug.core.standins import StandIns, Vocabulary
from bpdebug.core.statements import Text
from bpdebug.core.structure import UNKNOWN, Form, Shape
from bpdebug.core.words import suggestion


class Host(Protocol):
    """Who reads the lines."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The names so far that are no names to Python."""

    @property
    def text(self) -> Text:
        """The program, for what is wrong with it."""

    def called(self, target: str) -> str:
        """What a tensor that is assigned under that name next is called."""

    def shapes_of(self, text: str) -> list[Form]:
        """The shape of a formula, for each number of samples that is tried.

        Raises:
            LineError: where it has none.
        """

    def assign(self, target: str, text: str, places: Sequence[int], comment: str) -> None:
        """Read a line whose formula has its letters at these places of the program.

        Raises:
            LineError: for what is wrong with it.
        """

    def declared(self, name: str, start: str) -> bool:
        """Whether there is a tensor of that name; as a parameter that is given by its shape alone it starts so."""

    def declare(self, name: str, start: str, shape: Shape) -> None:
        """Make a parameter that starts as ``ones``, as ``zeros`` or ``drawn``."""


class Template(Record):
    """The text of a layer.

    Attributes:
        definition: as Python reads it.
        comments: what stands behind each of its lines.
    """

    definition: ast.FunctionDef
    comments: Mapping[int, str]

    @property
    def parameters(self) -> dict[str, ast.expr | None]:
        """What it takes, in order, with what each is if it is left out."""
        given = self.definition.args
        usual = [None] * (len(given.args) - len(given.defaults)) + given.defaults
        return {one.arg: value for one, value in zip(given.args, usual, strict=True)}

    @property
    def signature(self) -> str:
        """How it is called."""
        return f"{self.definition.name}({ast.unparse(self.definition.args)})"


@cache
def layers() -> dict[str, Template]:
    """All layers, by name."""
    comments = {number: line.partition("  # ")[2].strip() for number, line in enumerate(LAYERS.split("\n"), 1)}
    return {node.name: Template(node, comments) for node in ast.parse(LAYERS).body if isinstance(node, ast.FunctionDef)}


def calls_layer(text: str) -> bool:
    """Whether there may be a call of a layer in a formula."""
    return any(found[1] in layers() for found in re.finditer(r"(\w+)\s*\(", text))


def unfold(host: Host, target: str, text: str, place: int, comment: str) -> None:
    """Have a host read what a line stands for: the lines of the layers that it calls, then itself over their results.

    Args:
        host: who reads them.
        target: what the line assigns.
        text: its formula.
        place: where that begins in the program.
        comment: what is said of the line.
    """
    names, called = StandIns(text, host.vocabulary), host.called(target)
    whole, places, end = "", list[int](), 0
    for count, call in enumerate(_outermost(names.parsed())):
        first, last = names.span(call)
        layer = call.func.id  # type: ignore[attr-defined]
        if (first, last) == (0, len(text)):
            _Call(host, target, called, layers()[layer], place, comment).run(call, names, place)
            return
        name = f"{called}.{layer}" + f"{count + 1}" * bool(count)
        _Call(host, name, name, layers()[layer], place + first, "").run(call, names, place)
        whole += text[end:first] + name
        places += [*range(place + end, place + first), *[place + first] * len(name)]
        end = last
    host.assign(target, whole + text[end:], [*places, *range(place + end, place + len(text) + 1)], comment)


def _outermost(tree: ast.AST | None) -> Iterator[ast.Call]:
    """The calls of layers that stand in no other one."""
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in layers():
        yield tree
        return
    for child in ast.iter_child_nodes(tree) if tree else ():
        yield from _outermost(child)


def names_in(tree: ast.AST) -> list[str]:
    """The names in an expression of Python's."""
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]


class _Call(ast.NodeTransformer):
    """One call of a layer.

    Attributes:
        target, name: what the call assigns, and what that is called.
        known: what the names of the layer's text stand for.
        past: all that a name has stood for in a loop.
    """

    def __init__(self, host: Host, target: str, name: str, template: Template, place: int, comment: str) -> None:
        self.host, self.target, self.name, self.template, self.place, self.comment = host, target, name, template, place, comment
        self.known: dict[str, ast.expr] = {}
        self.past: dict[str, list[ast.expr]] = {}

    def run(self, call: ast.Call, names: StandIns, place: int) -> None:
        """Have all its lines read."""
        self._bind(call, names, place)
        self._run(self.template.definition.body, self.name)

    def _bind(self, call: ast.Call, names: StandIns, place: int) -> None:
        """Take the arguments: a name and a number as they are, whatever else is computed in a line of its own."""
        wanted, called = self.template.parameters, self.template.definition.name
        given = dict(zip(wanted, call.args, strict=False))
        if len(call.args) > len(wanted):
            raise self._refused(f"{len(call.args)} arguments are too many: it is {self.template.signature}")
        for keyword in call.keywords:
            if keyword.arg not in wanted or keyword.arg in given:
                hint = "" if keyword.arg in given else suggestion(keyword.arg or "**", wanted)
                told = f"{keyword.arg} is given twice" if keyword.arg in given else f"it takes no argument '{keyword.arg}'"
                raise self._refused(f"{told}{hint}: it is {self.template.signature}")
            given[keyword.arg] = keyword.value
        for name, usual in wanted.items():
            if name in given:
                self.known[name] = self._argument(name, given[name], names, place)
            elif usual is not None:
                self.known[name] = self._filled(usual)
        if next(iter(wanted)) not in given:
            raise self._refused(f"{called} of what? It is {self.template.signature}")

    def _argument(self, name: str, node: ast.expr, names: StandIns, place: int) -> ast.expr:
        if isinstance(node, ast.Name):
            return ast.Name(names.meant.get(node.id, node.id))
        if not names_in(node):
            return node
        first, last = names.span(node)
        unfold(self.host, f"{self.name}.{name}", names.text[first:last], place + first, f"what {self.template.definition.name} is given")
        return ast.Name(f"{self.name}.{name}")

    def _run(self, body: Sequence[ast.stmt], group: str) -> None:
        for line in body:
            match line:
                case ast.Assign([ast.Name(target)], value):
                    self._assign(target, f"{group}.{target}", self._filled(value), line)
                case ast.Assign([ast.Tuple(targets)], value):
                    whole = self._filled(value)
                    for place, name in enumerate(map(ast.unparse, targets)):
                        self._assign(name, f"{group}.{name}", ast.Subscript(whole, ast.Constant(place)), line)
                case ast.AnnAssign(ast.Name(target), start):
                    self._declare(target, f"{group}.{target}", start)
                case ast.For(ast.Name(step), ast.Call(_, [count]), steps):
                    self.past.clear()
                    for number in range(self._number(count)):
                        self.known[step] = ast.Constant(number)
                        self._run(steps, f"{group}.{number}")
                case ast.Return(ast.expr() as value):
                    self._assign("", self.target, self._filled(value), line)

    def _assign(self, target: str, name: str, value: ast.expr, line: ast.stmt) -> None:
        """Read a line, but for one that gives another name to what there is."""
        if target and isinstance(value, ast.Name | ast.Constant):
            self.known[target] = value
        else:
            said = self.template.comments.get(line.lineno, "")
            text = ast.unparse(value)
            try:
                self.host.assign(name, text, [self.place] * (len(text) + 1), said if target else self.comment or said)
            except LineError as error:
                raise self._refused(f"{name} = {text}: {error.message}") from None
            self.known[target] = ast.Name(name)
        self.past.setdefault(target, []).append(self.known[target])

    def _declare(self, target: str, name: str, start: ast.expr) -> None:
        match start:
            case ast.Call(ast.Name("axes"), meanings):
                shape = self._shapes(self._filled(ast.Name(target)))[0]
                if len(shape) != len(meanings):
                    axes = f"{len(meanings)} axes ({', '.join(map(ast.unparse, meanings))})"
                    raise self._refused(f"it takes {axes}; {ast.unparse(self.known[target])} is {shape_text(shape)}")
            case ast.Call(ast.Name(how), [shape]):
                self.known[target] = ast.Name(name)
                if not self.host.declared(name, how):
                    self._make(name, how, shape)

    def _make(self, name: str, start: str, shape: ast.expr) -> None:
        missing = [part for part in names_in(shape) if part in self._unbound]
        found = [] if missing else self._shapes(ast.Call(ast.Name("zeros"), [self._filled(shape)], []))
        if len({*found}) != 1:
            say = f"say {'=…, '.join(missing)}=…, or " * bool(missing)
            raise self._refused(f"the shape of {name} is not known: {say}declare {name} under parameters: shapes")
        self.host.declare(name, start, found[0])

    @property
    def _unbound(self) -> set[str]:
        """What is neither given nor has a usual value."""
        return self.template.parameters.keys() - self.known.keys()

    def _filled(self, node: ast.expr) -> ast.expr:
        """An expression of the layer's text over the names of the program."""
        found: ast.expr = self.visit(copy.deepcopy(node))
        return found

    def _number(self, node: ast.expr) -> int:
        found = {shape.number for shape in self._shapes(self._filled(node))}
        if len(found) > 1 or found & {None, UNKNOWN}:
            raise self._refused(f"{ast.unparse(self._filled(node))} has to be a whole number that is known before anything runs")
        return found.pop() or 0

    def _shapes(self, node: ast.expr) -> list[Form]:
        text = ast.unparse(node)
        try:
            return self.host.shapes_of(text)
        except LineError as error:
            raise self._refused(f"{text}: {error.message}") from None

    def _refused(self, message: str) -> Exception:
        return self.host.text.error(f"{self.template.definition.name}: {message}", self.place)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """What a name stands for."""
        if node.id in self._unbound:
            raise self._refused(f"it needs {node.id}=…: it is {self.template.signature}")
        return copy.deepcopy(self.known.get(node.id, node))

    def visit_List(self, node: ast.List) -> ast.expr:
        """A list, in which ``*state`` is all that the name has stood for in a loop."""
        match node.elts:
            case [ast.Starred(ast.Name(name))]:
                return ast.List(self.past[name])
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A call, whose function is none of the names."""
        called = node.func
        node.func = ast.Constant(None)
        self.generic_visit(node)
        node.func = called if isinstance(called, ast.Name) else self.visit(called)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Arithmetic; of numbers alone what it gives."""
        filled = self.generic_visit(node)
        number = None if names_in(filled) else constant_of(parse(ast.unparse(filled)).tree)
        return filled if number is None else ast.Constant(number)  # type: ignore[return-value]

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """The side that is kept."""
        found: ast.expr = self.visit(node.body if self._holds(node.test) else node.orelse)
        return found

    def _holds(self, test: ast.expr) -> bool:
        match self._filled(test):
            case ast.Constant(value):
                return bool(value)
            case ast.Compare(left, [ast.Gt()], [right]):
                return self._number(left) > self._number(right)
            case filled:
                return bool(self._number(filled))
