"""The backward pass of a formula: for each tensor that it reads the gradient of the loss, derived from the rows of its functions.

The walk is that of reverse-mode differentiation over the nodes of one formula (Griewank and Walther, "Evaluating Derivatives" (2008),
section 3.2), carried out on trees: what comes back to a node is a formula over ``g``, the gradient that arrives at the output.
Such a formula may be smaller than the node's value where all cells of an axis get the same number; it is spread only where nothing
else does that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import cast

from bpdebug.core.adjoints import RULES, flipped, of_product, of_subscript
from bpdebug.core.errors import FormulaError
from bpdebug.core.expansion import expanded, filled
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.inner import TRIVIAL, Derivation, named, work
from bpdebug.core.parser import Formula, parse
from bpdebug.core.products import ZERO, Product, added, minus, over, times
from bpdebug.core.record import replace
from bpdebug.core.shapes import GENERIC_ROWS, Shapes
from bpdebug.core.spread import Spread, subscript
from bpdebug.core.structure import Form, axes_of, kind_of, multiplied
from bpdebug.core.tree import (
    ONE,
    WHOLE,
    Binary,
    Call,
    Index,
    Listing,
    Name,
    Number,
    Operation,
    Text,
    Transpose,
    Tree,
    Unary,
    View,
    literal,
    names,
    operation,
    signed,
    substitute,
    walk,
)

FLAT = ("sign", "floor", "//", "stop_gradient", "zeros_like", "ones_like", "one_hot")
"""Functions whose derivative is 0 wherever there is one."""
_SAMPLES = Form.of((), "i", GENERIC_ROWS)
ARRIVING = Name("g")
"""The gradient that arrives at the output."""


def derived(output: str, formula: Formula, shapes: Shapes, wanted: Collection[str], arriving: Name | Number = ARRIVING) -> Derivation:
    """The gradients that a forward line passes to the tensors that it reads.

    Args:
        output: the tensor that the line assigns.
        formula: what it computes.
        shapes: of every tensor that it reads; a length that is a multiple of ``GENERIC_ROWS`` counts the samples, ``m``.
        wanted: the tensors whose gradients are asked for, in that order; a name that occurs several times gets one formula.
        arriving: what the gradient that arrives at the output is called, where a tensor is called ``g``; 1 for the loss.

    Raises:
        FormulaError: for a function of which no derivative is known.
        ShapeError: for a formula whose shapes do not fit.
    """
    walked = _Backward(output, formula, shapes, wanted, arriving)
    plain: dict[str, Tree] = {name: Name(name) for name in walked.truths}
    gradients = {name: substitute(tree, plain) for name, tree in walked.gradients().items()}
    return named(output, substitute(walked.root, plain), gradients, walked.blocked)


class _Backward:
    """What comes back to each node of a formula."""

    def __init__(self, output: str, formula: Formula, shapes: Shapes, wanted: Collection[str], arriving: Name | Number) -> None:
        self.formula, self.wanted, self.arriving, self.blocked = formula, wanted, arriving, dict[str, str]()
        known = {"m": _SAMPLES, **shapes}
        self.shapes = Spread(formula.text, known)
        known[output] = self.shapes.shape(formula.tree)
        known |= {arriving.name: known[output]} if isinstance(arriving, Name) else {}
        calls = {node.function for node in walk(formula.tree) if isinstance(node, Call)}
        made = any(name in ("split", "tensordot") or FUNCTIONS[name].formula for name in calls)
        self.truths = {name: Name(name, truth=True) for name in formula.names if name in known and kind_of(known[name]) == "b"}
        tree = substitute(formula.tree, self.truths) if self.truths else formula.tree
        self.root = self.shapes.counted(_spelt_out(self.shapes, tree, frozenset(wanted)) if made else tree)
        self.output, self._quotient = Name(output), _quotient(self.root)
        self._order = _children_first(self.root)
        self._live: set[Tree] = set()
        self._short: dict[int, tuple[Tree, Tree]] = {}
        for node in self._order:
            if (isinstance(node, Name) and node.name in wanted) or any(child in self._live for _, child in _passing(node)):
                self._live.add(node)

    def gradients(self) -> dict[str, Tree]:
        """The gradient of each wanted tensor to which a way leads."""
        arrived: dict[Tree, list[Tree]] = {self.root: [self.arriving]}
        for node in reversed(self._order):
            if node in arrived and node in self._live and not isinstance(node, Name):
                back = self._added(node, arrived[node])
                for place, child in _passing(node):
                    if child in self._live:
                        arrived.setdefault(child, []).append(self._shortened(self._part(node, place, back, child)))
        asked = [Name(name) for name in self.wanted if name in self.formula.names]
        self.blocked |= {name.name: f"{self._obstacle(name.name)} has no derivative" for name in asked if name not in arrived}
        return {name.name: self.shapes.whole(self._added(name, arrived[name]), name) for name in asked if name in arrived}

    def _added(self, node: Tree, terms: list[Tree]) -> Tree:
        """What comes back to a node from all that read it."""
        for place in range(1, len(terms)):
            terms[0], terms[place] = self.shapes.beside(terms[0], terms[place], node)
        return added(terms)

    def _obstacle(self, name: str) -> str:
        """What stops the gradient on the way to a tensor, as a person calls it."""
        nodes = (*walk(self.formula.tree), *walk(self.root))  # in the one as it is written, in the other as functions are made of others
        reading = (node for node in nodes if not isinstance(node, Name) and name in names(node))
        stops = [node for node in reading if not any(name in names(child) for _, child in _passing(node))]
        stop = min(
            stops, key=lambda node: any(_passing(node)), default=Name(name)
        )  # rather what passes nothing on than what passes it to others
        return stop.function if isinstance(stop, Call) else Formula.of(stop).text

    def _shortened(self, tree: Tree) -> Tree:
        """The tree with the output's name for what the line computes, and means for what is added up and divided by its number."""
        if id(tree) not in self._short:
            self._short[id(tree)] = tree, self._made_shorter(tree)
        return self._short[id(tree)][1]

    def _made_shorter(self, tree: Tree) -> Tree:
        if tree == self.root and not isinstance(tree, Name | Number):
            return self.output
        if isinstance(tree, Binary) and tree.operator in "*/":
            factors = Product(tree)
            changed = self._quotient is not None and factors.exchange(self._quotient, self.output)
            for base in [*factors.powers]:
                if isinstance(base, Call) and base.function == "sum" and factors.powers[base] == 1:
                    changed |= factors.average(base, self.shapes.count(base))
            tree = factors.tree() if changed else tree
        return tree.rebuilt(self._shortened)

    def _part(self, node: Tree, place: int, back: Tree, child: Tree) -> Tree:
        """What a node passes back to an operand, of the shape of the operand or of one that can be spread to it."""
        wanted = self.shapes.shape(child)
        match node:
            case Transpose():
                return back if self.shapes.same(back) else flipped(self.shapes.whole(back, node), len(wanted))
            case Index():
                return of_subscript(self.shapes, node, back)
            case Binary("@"):
                return of_product(self.shapes, node, place, back)
            case Call(function) if function in RULES:
                return RULES[function](self.shapes, node, place, back)
            case Binary("+" | "-" as sign, left, right) if {left, right} <= self._live and work(node) > 1:
                whole = self.shapes.reduced(back, node, wanted, shared=True)  # the same goes to both, and from one of them further
                return minus(whole) if (sign, place) == ("-", 1) else whole
        found, row = self._rule(node, place, back), operation(cast(Operation, node))[0]
        return self.shapes.reduced(found, node, wanted) if row.cellwise or (row.formula and not row.axes) else found

    def _rule(self, node: Tree, place: int, back: Tree) -> Tree:
        """What a node passes back to one of its operands, of the shape of the node or of one that can be spread to it."""
        found: Tree | None = None
        match node:
            case Unary("-"):
                found = minus(back)
            case Binary("+" | "-" as sign):
                found = minus(back) if (sign, place) == ("-", 1) else back
            case Binary():
                found = self._scaled(node, place, back)
            case Call("where", (condition, *_)):
                found = Call("where", (condition, *((back, ZERO) if place == 1 else (ZERO, back))))
            case Call("maximum" | "minimum" as name, operands):
                found = times(back, Binary(self._wins(name, place, operands), operands[place], operands[1 - place]))
            case Call() if operation(node)[0].adjoint:
                found = self._told(node, back)
            case Call(arguments=arguments) if slopes := operation(node)[0].slopes:
                found = times(back, substitute(parse(slopes[place]).tree, dict(zip("uvw", arguments, strict=False))))
        if found is None:
            what = node.function if isinstance(node, Call) else Formula.of(node).text
            raise FormulaError(f"the derivative of {what} is not known", self.formula.text, node.column)
        return found

    def _wins(self, name: str, place: int, operands: tuple[Tree, ...]) -> str:
        """The sign that tells where an operand is the larger, or smaller, one: of two equal ones that are both followed, the second."""
        return {"maximum": ">", "minimum": "<"}[name] + "=" * (place == 1 and operands[0] in self._live)

    def _scaled(self, node: Binary, place: int, back: Tree) -> Tree:
        """What a product, a quotient or a power passes back."""
        left, right = node.left, node.right
        back, other = self.shapes.beside(back, right if place == 0 else left, node)
        match node.operator, place:
            case "*", _:
                found = times(back, other)
            case "/", 0:
                found = over(back, other)
            case "/", _ if node == self.root and self._quotient:
                found = minus(over(times(back, self.output), right))
            case "/", _:
                found = minus(over(times(back, other), Binary("**", right, Number(2))))
            case _, 0:
                number = signed(right)
                found = times(back, other, Binary("**", left, Binary("-", right, ONE)) if number is None else _lowered(left, number))
            case _:
                found = times(back, node, Call("log", (left,)))
        return found

    def _told(self, node: Call, back: Tree) -> Tree:
        """What the text of a row says."""
        row, operand = operation(node)[0], node.arguments[0]
        value: Tree = self.output if node == self.root else node
        if row.reduces:
            rank = self.shapes.rank(operand)
            gone = () if node.keepdims else node.folded(rank)
            value = self.shapes.opened(self.output, rank, gone) if node == self.root else replace(node, keepdims=node.axis is not None)
            back = self.shapes.opened(back, rank, gone)
        elif row.axes or row.structural:
            back = self.shapes.whole(back, node)
        divided = any(isinstance(one, Binary) and (one.operator, one.right) == ("/", node) for one in self._order)
        divisor = value if divided else Call("where", (Binary("==", value, ZERO), ONE, value))
        return times(self.shapes.counted(filled(node, row.adjoint, g=back, value=value, divisor=divisor)))


def _passing(node: Tree) -> Iterator[tuple[int, Tree]]:
    """The operands that a gradient may go back to: none of what gives truth values or places."""
    if isinstance(node, View):
        yield 0, node.operand
    elif isinstance(node, Operation):
        row, operands = operation(node)
        if row.result in ("float", "same") and row.name not in FLAT:
            given = cast(Listing, operands[0]).items if row.listed else operands
            yield from ((place, one) for place, one in enumerate(given) if place not in row.truths and not row.static_at(place))


def reached(tree: Tree) -> set[str]:
    """The names to which a gradient may go back from a formula: not those of which only the shape is read."""
    if isinstance(tree, Name):
        return {tree.name}
    return set[str]().union(*(reached(child) for _, child in _passing(tree)))


def _ruled(call: Call, wanted: frozenset[str]) -> bool:
    """Whether there is a rule for a function that is made of others, and for all that is wanted of it."""
    told = FUNCTIONS[call.function].adjoint and not any(wanted & {*names(argument)} for argument in call.arguments[1:])
    return bool(told) or call.function in (*RULES, *FLAT)


def _spelt_out(shapes: Spread, tree: Tree, wanted: frozenset[str]) -> Tree:
    """The tree with the formulas of functions that have no rule for what is wanted of them, ``tensordot`` as ``einsum``, and with a part of
    a split as a slice."""
    if not wanted & {*names(tree)}:
        return tree
    if isinstance(tree, Call) and FUNCTIONS[tree.function].formula and not _ruled(tree, wanted):
        return _spelt_out(shapes, expanded(tree), wanted)
    match tree:
        case Call("tensordot", (left, right, *axes)):
            ranks = [shapes.rank(one) for one in (left, right)]
            written = Call("einsum", (Text(multiplied(ranks, *map(shapes.static, axes))), left, right))
            return _spelt_out(shapes, written, wanted)
        case Index(Call("split", (operand, sections), axis), (int(place), *rest)):
            (along,), width = axes_of(axis, shapes.rank(operand)), shapes.shape(tree.operand)[1:]
            first = place % shapes.static(sections) * width[along]
            part = subscript(
                operand, [(first, first + width[along], None) if one == along else WHOLE for one in range(shapes.rank(operand))]
            )
            return _spelt_out(shapes, Index(part, tuple(rest)) if rest else part, wanted)
    return tree.rebuilt(lambda child: _spelt_out(shapes, child, wanted))


def _quotient(tree: Tree) -> Product | None:
    """The factors of a quotient in whose derivative it is met again: both sides read the same, or the numerator is long."""
    if not isinstance(tree, Binary) or tree.operator != "/":
        return None
    return Product(tree) if work(tree.left) > TRIVIAL or {*names(tree.left)} & {*names(tree.right)} else None


def _lowered(base: Tree, number: float) -> Tree:
    return ONE if number == 1 else base if number == 2 else Binary("**", base, literal(number - 1))


def _children_first(tree: Tree) -> list[Tree]:
    """The different nodes of a tree, each after those below it."""
    found: dict[Tree, None] = {}

    def visit(node: Tree) -> None:
        if node not in found:
            for child in node.children():
                visit(child)
            found[node] = None

    visit(tree)
    return [*found]
