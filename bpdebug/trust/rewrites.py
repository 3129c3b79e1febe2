"""Mistakes that can be made at any place of any formula: one row a way to write something else.

A row's formulas are patterns. ``A``, ``B`` and ``F`` stand for any part of a formula, ``C`` and ``D`` for a constant of the training,
or what is made of it, and ``E`` for that or a literal. A fold is matched along whatever axis it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial

from bpdebug.core.parser import parse
from bpdebug.core.tree import Call, Name, Number, Transpose, Tree, names, substitute, walk
from bpdebug.trust.site import M, Mistake, Site, everywhere, one_changed

_OVER_SAMPLES, _OVER_UNITS = "over the samples, where it should be over the units", "over the units, where it should be over the samples"
_ROOT, _BEFORE = "{E} is added inside the root", "{E} is added before the division by {B}"
_MIXED, _OPEN = "one + and − are mixed up", "a pair of parentheses is missing"
_TURNED, _BRANCHES = "a .T is missing, or one too many", "the two branches are exchanged"

_ROWS = (
    ("transposed", "A @ B", "A.T @ B", _TURNED),
    ("transposed", "A @ B", "A @ B.T", _TURNED),
    ("transposed", "A @ B", "A.T @ B.T", _TURNED),
    ("transposed", "A @ B", "B @ A", "the factors of the matrix product have changed places"),
    ("sign", "A + B", "A - B", _MIXED),
    ("sign", "A - B", "A + B", _MIXED),
    ("sign", "-A", "A", "a minus sign is left out"),
    ("epsilon_place", "sqrt(A) + E", "sqrt(A + E)", _ROOT),
    ("epsilon_place", "sqrt(A / B) + E", "(sqrt(A) + E) / sqrt(B)", _BEFORE),
    ("epsilon_place", "sqrt(A / B) + E", "sqrt((A + E) / B)", f"{_ROOT}, before the division by {{B}}"),
    ("coefficient", "C * A + B", "A + C * B", "{C} is the coefficient of {B}, not of {A}"),
    ("coefficient", "C * A + D * B", "D * A + C * B", "the coefficients {C} and {D} have changed places"),
    ("coefficient", "C * A + B", "C * (A + B)", "{C} is the coefficient of {B}, too"),
    ("decay_after", "A * C - B", "(A - B) * C", "what is moved already is multiplied by {C}"),
    ("branches", "where(A, B, F)", "where(A, F, B)", _BRANCHES),
    ("branches", "A > B", "A < B", _BRANCHES),
    ("branches", "A > B", "A >= B", "≥ stands where > belongs"),
    ("branches", "maximum(A, B)", "minimum(A, B)", _BRANCHES),
    ("branches", "minimum(A, B)", "maximum(A, B)", _BRANCHES),
    ("another_function", "A ** 2", "abs(A)", "abs({A}) stands where {A} ** 2 belongs"),
    ("another_function", "A ** 2", "A", "the square is left out"),
    ("another_function", "A ** B", "A * B", "{A} * {B} stands where {A} ** {B} belongs"),
    ("another_function", "C ** B", "C", "the power {B} is left out"),
    ("another_function", "sqrt(A)", "A", "the root is left out"),
    ("another_function", "exp(A)", "A", "exp is left out"),
    ("another_function", "log(A)", "A", "log is left out"),
    ("another_function", "sum(A)", "mean(A)", "the mean is taken, where the sum belongs"),
    ("another_function", "mean(A)", "sum(A)", "the sum is taken, where the mean belongs"),
    ("another_function", "max(A)", "sum(A)", "the sum is taken, where the maximum belongs"),
    ("inverted", "A / B", "A * B", "it is multiplied by {B}, not divided"),
    ("inverted", "C * A", "A / C", "it is divided by {C}, not multiplied"),
    ("complement", "1 - C", "C", "{C} stands where 1 - {C} belongs"),
    ("complement", "C * A", "(1 - C) * A", "1 - {C} stands where {C} belongs"),
    ("counted_twice", "A + B", "A + B + B", "{B} is added twice"),
    ("counted_twice", "A + B", "A + A + B", "{A} is added twice"),
    ("counted_twice", "A - B", "A - B - B", "{B} is subtracted twice"),
    ("counted_twice", "A * B", "A * B * B", "{B} is multiplied in twice"),
    ("counted_twice", "A * B", "A * A * B", "{A} is multiplied in twice"),
    ("counted_twice", "A / B", "A / B / B", "it is divided by {B} twice"),
    *(
        ("parentheses", *(f"{text.format(outer, inner)}" for text in texts), _OPEN)
        for outer in ("*", "/", "**")
        for inner in "+-"
        for texts in (("A {0} (B {1} F)", "A {0} B {1} F"), ("(A {1} B) {0} F", "A {1} B {0} F"))
    ),
    ("term_missing", "A + B", "A", "{B} is left out"),
    ("term_missing", "A + B", "B", "{A} is left out"),
    ("term_missing", "A - B", "A", "{B} is left out"),
    ("term_missing", "A - B", "-B", "{A} is left out"),
    ("factor_missing", "A * B", "A", "{B} is left out"),
    ("factor_missing", "A * B", "B", "{A} is left out"),
    ("factor_missing", "A / B", "A", "it is not divided by {B}"),
)
"""Kind, what is right, what stands there, and what that is."""
_AXES = (
    (1, 0, _OVER_SAMPLES),
    (0, 1, _OVER_UNITS),
    (1, None, "over everything, where it should be over the units of each sample"),
    (0, None, "over everything, where it should be over the samples of each unit"),
)
_PROTECTED = (("a logarithm", "log(A)", "log(A + E)"), ("a divisor", "A / B", "A / (B + E)"))
_EPSILONS = tuple(10.0**-place for place in range(3, 17))


@cache
def _rules() -> tuple[tuple[str, Tree, Tree, str], ...]:
    return tuple((kind, parse(right).tree, parse(wrong).tree, says) for kind, right, wrong, says in _ROWS)


def rewrites(site: Site) -> Iterator[Mistake]:
    """The formula of a stage with one of its parts written otherwise."""
    program, tree = site.program, site.tree
    constants = {*program.constants, M.name}
    for kind, right, wrong, says in _rules():
        change = partial(_rewritten, right, wrong, constants)
        climbing = {new for new, _ in change(tree)} if kind == "sign" and site.updates else set()
        for new, parts in _each(tree, change):
            yield Mistake(kind, new, "the step goes up the gradient" if new in climbing else says, parts=parts)
    yield Mistake("transposed", Transpose(tree), "rows and columns have changed places")
    opened = [(right, wrong) for kind, right, wrong, _ in _rules() if kind == "parentheses"]
    yield Mistake("parentheses", everywhere(tree, lambda node: _any(node, opened, constants)), _OPEN)
    yield from _axes(site)


def _each(tree: Tree, change: Callable[[Tree], Iterator[tuple[Tree, Mapping[str, Tree]]]]) -> Iterator[tuple[Tree, Mapping[str, Tree]]]:
    """The whole tree with one node changed, and the parts of that node."""
    found: list[Mapping[str, Tree]] = []

    def kept(node: Tree) -> Iterator[Tree]:
        for new, parts in change(node):
            found.append(parts)
            yield new

    for new in one_changed(tree, kept):
        yield new, found[-1]


def _any(node: Tree, rules: list[tuple[Tree, Tree]], constants: set[str]) -> Iterator[Tree]:
    for right, wrong in rules:
        for new, _ in _rewritten(right, wrong, constants, node):
            yield new


def _rewritten(right: Tree, wrong: Tree, constants: set[str], node: Tree) -> Iterator[tuple[Tree, Mapping[str, Tree]]]:
    """A node that a pattern fits, written in another one."""
    parts: dict[str, Tree] = {}
    if _fits(right, node, parts, constants):
        yield _filled(wrong, parts, node), parts


def _fits(pattern: Tree, tree: Tree, parts: dict[str, Tree], constants: set[str]) -> bool:
    match pattern, tree:
        case Name(letter), _:
            known, numbers = parts.setdefault(letter, tree), names(tree) if letter in "CDE" else ()
            constant = constants.issuperset(numbers) and (bool(numbers) or (letter == "E" and isinstance(tree, Number)))
            return known == tree and (letter not in "CDE" or constant)
        case Call(name), Call(function):
            same = name == function
        case (Number(value), Number(other)):
            same = value == other
        case _:
            same = type(pattern) is type(tree) and getattr(pattern, "operator", "") == getattr(tree, "operator", "")
    return same and all(_fits(*pair, parts, constants) for pair in zip(pattern.children(), tree.children(), strict=True))


def _filled(pattern: Tree, parts: Mapping[str, Tree], node: Tree) -> Tree:
    match pattern:
        case Name(letter) if letter in parts:
            return parts[letter]
        case Transpose(Name(letter)):
            part = parts[letter]
            return part.operand if isinstance(part, Transpose) else Transpose(part)
        case Call() if pattern.reduces and isinstance(node, Call):
            return Call(pattern.function, (_filled(pattern.arguments[0], parts, node),), node.axis, node.keepdims)
    return pattern.rebuilt(lambda child: _filled(child, parts, node))


def _axes(site: Site) -> Iterator[Mistake]:
    """A fold along another axis."""
    if site.affine:  # a bias has a fault of its own for that
        return
    for old, new, where in _AXES:
        for tree in one_changed(site.tree, partial(_along, old, new)):
            yield Mistake("wrong_axis", tree, f"a sum or a maximum is taken {where}")
    if sum(isinstance(node, Call) and node.axis == 1 for node in walk(site.tree)) > 1:
        yield Mistake("wrong_axis", everywhere(site.tree, partial(_along, 1, 0)), f"the sums are taken {_OVER_SAMPLES}")


def _along(old: int, new: int | None, tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Call) and tree.axis == old:
        yield Call(tree.function, tree.arguments, new, tree.keepdims and new is not None)


def protected(site: Site) -> Iterator[Mistake]:
    """A small number added in logarithms, or to divisors, so that none is 0; an update has one of its own."""
    for epsilon in () if site.updates else _EPSILONS:
        for where, right, wrong in _PROTECTED:
            change = partial(_changed, _parsed(right), substitute(_parsed(wrong), {"E": Number(epsilon)}))
            for new in (everywhere(site.tree, change), *one_changed(site.tree, change)):
                yield Mistake("epsilon_added", new, f"{epsilon:g} is added in {where}, so that nothing becomes infinite")


@cache
def _parsed(text: str) -> Tree:
    return parse(text).tree


def _changed(right: Tree, wrong: Tree, node: Tree) -> Iterator[Tree]:
    yield from (new for new, _ in _rewritten(right, wrong, set(), node))
