"""The backward pass of a formula: for each tensor that it reads the gradient of the loss, derived from the rows of its functions.

The walk is that of reverse-mode differentiation over the nodes of one formula (Griewank and Walther, "Evaluating Derivatives" (2008),
section 3.2), carried out on trees: what comes back to a node is a formula over ``g``, the gradient that arrives at the output.
Such a formula may be smaller than the node's value where all cells of an axis get the same number; it is spread only where nothing
else does that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from bpdebug.core.errors import FormulaError
from bpdebug.core.expansion import spelled_out
from bpdebug.core.inner import TRIVIAL, Derivation, named, work
from bpdebug.core.parser import Formula, parse
from bpdebug.core.products import ZERO, Product, added, minus, over, times
from bpdebug.core.record import replace
from bpdebug.core.shapes import Shape
from bpdebug.core.spread import Spread
from bpdebug.core.tree import (
    ONE,
    Binary,
    Call,
    Name,
    Number,
    Operation,
    Transpose,
    Tree,
    Unary,
    View,
    literal,
    names,
    operation,
    substitute,
    walk,
)

ARRIVING = Name("g")
"""The gradient that arrives at the output."""


def derived(
    output: str, formula: Formula, shapes: Mapping[str, Shape], wanted: Collection[str], arriving: Name | Number = ARRIVING
) -> Derivation:
    """The gradients that a forward line passes to the tensors that it reads.

    Args:
        output: the tensor that the line assigns.
        formula: what it computes.
        shapes: of every tensor that it reads; a length that is a multiple of ``GENERIC_ROWS`` counts the samples, ``m``.
        wanted: the tensors whose gradients are asked for; a name that occurs several times gets one formula.
        arriving: what the gradient that arrives at the output is called, where a tensor is called ``g``; 1 for the loss.

    Raises:
        FormulaError: for a function of which no derivative is known.
        ShapeError: for a formula whose shapes do not fit.
    """
    walked = _Backward(output, Formula(formula.text, spelled_out(formula.tree)), shapes, wanted, arriving)
    return named(output, walked.gradients(), walked.blocked)


class _Backward:
    """What comes back to each node of a formula."""

    def __init__(
        self, output: str, formula: Formula, shapes: Mapping[str, Shape], wanted: Collection[str], arriving: Name | Number
    ) -> None:
        self.formula, self.wanted, self.arriving, self.blocked = formula, wanted, arriving, dict[str, str]()
        first = Spread(formula.text, shapes).shape(formula.tree)
        own = {arriving.name: first} if isinstance(arriving, Name) else {}
        self._shapes = Spread(formula.text, {"m": (), **shapes, output: first} | own)
        self.output, self._quotient = Name(output), _quotient(formula.tree)
        self._order = _children_first(formula.tree)
        self._live: set[Tree] = set()
        for node in self._order:
            if (isinstance(node, Name) and node.name in wanted) or any(child in self._live for _, child in self._passing(node)):
                self._live.add(node)

    def gradients(self) -> dict[str, Tree]:
        """The gradient of each wanted tensor to which a way leads."""
        root = self.formula.tree
        arrived: dict[Tree, list[Tree]] = {root: [self.arriving]}
        for node in reversed(self._order):
            if node in arrived and node in self._live and not isinstance(node, Name):
                back = added(arrived[node])
                for place, child in self._passing(node):
                    if child in self._live:
                        arrived.setdefault(child, []).append(self._shortened(self._part(node, place, back, child)))
        for name in self.wanted:
            if Name(name) not in arrived and name in self.formula.names:
                self.blocked[name] = f"{self._obstacle(name)} has no derivative"
        found = {name: added(arrived[Name(name)]) for name in self.wanted if Name(name) in arrived}
        return {name: self._shapes.spread(tree, self._shapes.shape(Name(name))) for name, tree in found.items()}

    def _obstacle(self, name: str) -> str:
        """What stops the gradient on the way to a tensor, as a person calls it."""
        stops = (node for node in walk(self.formula.tree) if isinstance(node, Operation) and not [*self._passing(node)])
        node = next(node for node in stops if name in names(node))
        return node.function if isinstance(node, Call) else Formula.of(node).text

    def _shortened(self, tree: Tree) -> Tree:
        """The tree with the output's name for what the line computes, and means for what is added up and divided by its number."""
        if tree == self.formula.tree and not isinstance(tree, Name | Number):
            return self.output
        if isinstance(tree, Binary) and tree.operator in "*/":
            factors = Product(tree)
            if self._quotient:
                factors.exchange(self._quotient, self.output)
            for base in [*factors.powers]:
                if isinstance(base, Call) and base.function == "sum" and factors.powers[base] == 1:
                    factors.average(base, self._shapes.count(base))
            tree = factors.tree()
        return tree.rebuilt(self._shortened)

    def _passing(self, node: Tree) -> Iterator[tuple[int, Tree]]:
        """The operands that a gradient may go back to: none of what gives truth values or places."""
        if isinstance(node, View):
            yield 0, node.operand
        elif isinstance(node, Operation):
            row, operands = operation(node)
            if row.result in ("float", "same") and row.name != "sign":
                yield from ((place, operand) for place, operand in enumerate(operands) if place not in row.truths)

    def _part(self, node: Tree, place: int, back: Tree, child: Tree) -> Tree:
        """What a node passes back to an operand, of the shape of the operand or of one that can be spread to it."""
        given, wanted = self._shapes.shape(node), self._shapes.shape(child)
        if isinstance(node, Binary) and node.operator in "+-" and {node.left, node.right} <= self._live and work(node) > 1:
            whole = self._shapes.reduced(back, given, wanted, shared=True)  # the same goes to both operands, and from one of them further
            return minus(whole) if node.operator == "-" and place == 1 else whole
        found = self._rule(node, place, back)
        stretches = isinstance(node, Operation) and operation(node)[0].name != "@" and not (isinstance(node, Call) and node.reduces)
        return self._shapes.reduced(found, given, wanted) if stretches else found

    def _rule(self, node: Tree, place: int, back: Tree) -> Tree:
        """What a node passes back to one of its operands, of the shape of the node or of one that can be spread to it."""
        found: Tree | None = None
        match node:
            case Transpose():
                found = _flipped(back)
            case Unary("-"):
                found = minus(back)
            case Binary("@", left, right):
                whole = self._shapes.spread(back, self._shapes.shape(node))
                found = Binary("@", whole, turned(right)) if place == 0 else Binary("@", turned(left), whole)
            case Binary(sign) if sign in ("+", "-"):
                found = minus(back) if (sign, place) == ("-", 1) else back
            case Binary():
                found = self._scaled(node, place, back)
            case Call("where", (condition, *_)):
                found = Call("where", (condition, *((back, ZERO) if place == 1 else (ZERO, back))))
            case Call("maximum" | "minimum" as name, operands):
                found = times(back, Binary(self._wins(name, place, operands), operands[place], operands[1 - place]))
            case Call(arguments=arguments):
                row = operation(node)[0]
                if row.adjoint:
                    found = self._folded(node, back)
                elif row.slopes:
                    found = times(back, substitute(parse(row.slopes[place]).tree, dict(zip("uvw", arguments, strict=False))))
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
        match node.operator, place:
            case "*", _:
                found = times(back, right if place == 0 else left)
            case "/", 0:
                found = over(back, right)
            case "/", _ if node == self.formula.tree and self._quotient:
                found = minus(over(times(back, self.output), right))
            case "/", _:
                found = minus(over(times(back, left), Binary("**", right, Number(2))))
            case _, 0:
                number = _number(right)
                found = times(back, right, Binary("**", left, Binary("-", right, ONE)) if number is None else _lowered(left, number))
            case _:
                found = times(back, node, Call("log", (left,)))
        return found

    def _folded(self, node: Call, back: Tree) -> Tree:
        """What a fold passes back: the text of its row, in which whatever is folded is folded along the same axes, which stay."""
        kept, operand = replace(node, keepdims=node.axis is not None), node.arguments[0]
        whole = node == self.formula.tree
        value = self._shapes.opened(self.output, node) if whole else kept
        put = {"g": self._shapes.opened(back, node), "u": operand, "y": value, "n": self._shapes.count(node)}
        return times(_refold(parse(operation(node)[0].adjoint).tree, kept, put))


def _flipped(tree: Tree) -> Tree:
    """The transpose; of a product of matrices that of each."""
    if isinstance(tree, Binary) and tree.operator == "@":
        return Binary("@", turned(tree.right), turned(tree.left))
    return turned(tree)


def _quotient(tree: Tree) -> Product | None:
    """The factors of a quotient in whose derivative it is met again: both sides read the same, or the numerator is long."""
    if not isinstance(tree, Binary) or tree.operator != "/":
        return None
    return Product(tree) if work(tree.left) > TRIVIAL or {*names(tree.left)} & {*names(tree.right)} else None


def turned(tree: Tree) -> Tree:
    """The transpose, of a transpose what it was."""
    return tree.operand if isinstance(tree, Transpose) else Transpose(tree)


def _lowered(base: Tree, number: float) -> Tree:
    return ONE if number == 1 else base if number == 2 else Binary("**", base, literal(number - 1))


def _number(tree: Tree) -> float | None:
    """The literal that a tree is, with its sign."""
    match tree:
        case Number(value):
            return value
        case Unary("-", Number(value)):
            return -value
    return None


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


def _refold(tree: Tree, fold: Call, put: Mapping[str, Tree]) -> Tree:
    """The text of a row with its letters put in and its folds along the axes of the fold."""
    match tree:
        case Name(name):
            return put.get(name, tree)
        case Call(function, arguments) if tree.reduces:
            return replace(fold, function=function, arguments=tuple(_refold(a, fold, put) for a in arguments))
    return tree.rebuilt(lambda child: _refold(child, fold, put))
