"""Products and sums as a person writes them: literal factors first and multiplied out, powers of one base collected, one fraction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from bpdebug.core.functions import COMPARISONS, COUNTING
from bpdebug.core.record import replace
from bpdebug.core.tree import ONE, Binary, Call, Name, Number, Operation, Tree, Unary, View, chained, literal, operation

ZERO: Tree = Number(0)


class Product:
    """The factors of a product.

    Attributes:
        above, below: the literal factors of numerator and denominator, multiplied out.
        powers: the exponent of each other factor, in the order in which they came.
    """

    def __init__(self, *factors: Tree) -> None:
        self.above, self.below = 1.0, 1.0
        self.powers: dict[Tree, float] = {}
        for factor in factors:
            self.take(factor)

    def take(self, tree: Tree, exponent: float = 1.0) -> None:
        """Multiply by a power of a tree; one of exponent 1 or -1 is taken apart."""
        match tree:
            case Number(value) if exponent == 1:
                self.above *= value
            case Number(value) if exponent == -1:
                self.below *= value
            case Unary("-", operand) if abs(exponent) == 1:
                self.above = -self.above
                self.take(operand, exponent)
            case Binary("*" | "/" as sign, left, right) if abs(exponent) == 1:
                self.take(left, exponent)
                self.take(right, exponent if sign == "*" else -exponent)
            case Binary("**", base, Number(power)) if abs(exponent) == 1:
                self.take(base, power * exponent)
            case Call("sqrt", (operand,)):
                self._raise(operand, exponent / 2)
            case _:
                self._raise(tree, exponent)

    def _raise(self, base: Tree, exponent: float) -> None:
        truth = isinstance(base, Binary) and base.operator in COMPARISONS
        total = 1.0 if truth else self.powers.get(base, 0.0) + exponent
        self.powers[base] = total
        if not total:
            del self.powers[base]

    def replace(self, other: Product, tree: Tree) -> None:
        """Put a factor where the first of those of another product stands, which are all among these or all not."""
        powers, self.powers = self.powers, {} if self.powers.keys() & other.powers else {tree: 1.0}
        for base, power in powers.items():
            left = power - other.powers.get(base, 0.0)
            if base in other.powers and tree not in self.powers:
                self.powers[tree] = powers.get(tree, 0.0) + 1
            elif base == tree:
                continue
            if left:
                self.powers[base] = left

    def holds(self, other: Product) -> bool:
        """Whether another product is a part of this one."""
        return all(power * self.powers.get(base, 0.0) >= power * power for base, power in other.powers.items())

    def exchange(self, other: Product, tree: Tree) -> bool:
        """Put a factor in the place of the product that it stands for, if that is a part of this one; whether it is."""
        if found := self.holds(other):
            self.replace(other, tree)
            self.above, self.below = self.above * other.below, self.below * other.above
        return found

    def average(self, total: Call, count: Tree) -> bool:
        """Make a mean of a sum, if it is divided by the number of its terms; whether it is."""
        over = Product(count)
        divided = self.holds(Product(Binary("/", ONE, count))) if over.powers else self.below == over.above != 1
        return divided and self.exchange(Product(Binary("/", total, count)), replace(total, function="mean"))

    def tree(self) -> Tree:
        """The product as one fraction."""
        above, below = self.above, self.below
        if below != 1 and above % below == 0:
            above, below = above / below, 1.0
        if below < 0:
            above, below = -above, -below
        if not above:
            return ZERO
        top = [_power(base, exponent) for base, exponent in self.powers.items() if exponent > 0]
        bottom = [_power(base, -exponent) for base, exponent in self.powers.items() if exponent < 0]
        if abs(above) != 1 or not top:
            top.insert(0, literal(above))
        elif above < 0:  # a truth value has no opposite
            first = next((place for place, factor in enumerate(top) if not is_truth(factor)), 0)
            top.insert(0, minus(top.pop(first)))
        if below != 1:
            bottom.insert(0, literal(below))
        result = chained("*", top)
        return Binary("/", result, chained("*", bottom)) if bottom else result


def _power(base: Tree, exponent: float) -> Tree:
    if exponent == 1:
        return base
    return Call("sqrt", (base,)) if exponent == 0.5 else Binary("**", base, literal(exponent))


def times(*factors: Tree) -> Tree:
    """The product of the factors; a choice between a value and 0 stays outermost, so that what it leaves out cannot be NaN."""
    for place, factor in enumerate(factors):
        match factor:
            case Call("where", (condition, value, other)) if ZERO in (value, other):
                before, after = factors[:place], factors[place + 1 :]
                return Call("where", (condition, *(part if part == ZERO else times(*before, part, *after) for part in (value, other))))
    return Product(*factors).tree()


def over(top: Tree, *below: Tree) -> Tree:
    """The fraction."""
    return times(top, *(Binary("/", ONE, factor) for factor in below)) if below else top


def minus(tree: Tree) -> Tree:
    """The opposite, its sign as far inside as a person would have it."""
    match tree:
        case Number(0):
            return tree
        case Unary("-", operand):
            return operand
        case Binary("*" | "/" as operator, left, right):
            return Binary(operator, minus(left), right)
        case Binary("-", left, right):
            return Binary("-", right, left)
        case Call("where", (condition, value, other)) if ZERO in (value, other):
            return Call("where", (condition, minus(value), minus(other)))
    return Call("where", (tree, literal(-1.0), ZERO)) if is_truth(tree) else Unary("-", tree)


def negative(tree: Tree) -> bool:
    """Whether the text of a product begins with a minus."""
    if isinstance(tree, Binary) and tree.operator in "*/":
        return negative(tree.left)
    return isinstance(tree, Unary) and tree.operator == "-"


def plus(left: Tree, right: Tree) -> Tree:
    """The sum of two terms, without a zero and with no minus after a plus."""
    match left, right:
        case (Number(one), Number(two)):
            return literal(one + two)
        case (Number(0), other) | (other, Number(0)):
            return other
        case Call("where", (condition, one, Number(0))), Call("where", (again, Number(0), two)) if condition == again:
            return Call("where", (condition, one, two))
        case Call("where", (condition, Number(0), two)), Call("where", (again, one, Number(0))) if condition == again:
            return Call("where", (condition, one, two))
    if negative(right):
        return Binary("-", left, minus(right))
    return Binary("-", right, minus(left)) if negative(left) else Binary("+", left, right)


def added(terms: Sequence[Tree]) -> Tree:
    """The sum of the terms, what they have in common taken out, unless truth values would be left: NumPy's sum of those is an "or"."""
    if len(terms) == 1:
        return terms[0]
    products = [Product(term) for term in terms]
    common = [(base, power) for base, power in products[0].powers.items() if all(other.powers.get(base) == power for other in products[1:])]
    for product in products:
        for base, _ in common:
            del product.powers[base]
    rests = [product.tree() for product in products] if common else [*terms]
    if sum(map(is_truth, rests)) > 1:
        return _summed(terms if common else (Call("where", (rest, ONE, ZERO)) if is_truth(rest) else rest for rest in rests))
    total = _summed(rests)
    result = Product()
    for base, power in common:
        result.powers[base] = power
    result.take(total)
    return result.tree()


def is_truth(tree: Tree) -> bool:
    """Whether NumPy computes truth values of it."""
    if isinstance(tree, Name | View):
        return tree.truth if isinstance(tree, Name) else is_truth(tree.operand)
    if not isinstance(tree, Operation):
        return False
    row, operands = operation(tree)
    if row.result != "same" or row.name in COUNTING:
        return row.result == "bool"
    if row.listed:
        operands = operands[0].children()
    return all(is_truth(one) for place, one in enumerate(operands) if place not in row.truths and not row.static_at(place))


def _summed(terms: Iterable[Tree]) -> Tree:
    total = ZERO
    for term in terms:
        total = plus(total, term)
    return total


def without_ones(tree: Tree) -> Tree:
    """The tree without factors and divisors that are the literal 1."""
    tree = tree.rebuilt(without_ones)
    match tree:
        case Binary("*" | "/", left, right) if right == ONE:
            return left
        case Binary("*", left, right) if left == ONE:
            return right
    return tree


def product(*factors: Tree, over: Tree | None = None) -> Tree:
    """The product of the factors, divided by ``over``, as a person would write it: literal factors are multiplied out and
    a factor 1 is left away; the order of the rest is kept."""
    constant, rest = 1.0, list[Tree]()
    for part in chain.from_iterable(map(_factors, factors)):
        if isinstance(part, Number):
            constant *= part.value
        else:
            rest.append(part)
    if constant != 1.0 or not rest:
        rest.insert(0, literal(constant))
    result = chained("*", rest)
    return result if over is None or over == ONE else Binary("/", result, over)


def _factors(tree: Tree) -> tuple[Tree, ...]:
    match tree:
        case Binary("*", left, right):
            return _factors(left) + _factors(right)
    return (tree,)
