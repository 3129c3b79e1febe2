"""Mistakes that can be made at any place of any formula: one row a way to write something else.

A row's formulas are patterns. ``A``, ``B`` and ``F`` stand for any part of a formula, ``C`` and ``D`` for a constant of the training,
or what is made of it, and ``E`` for that or a literal. A fold is matched along whatever axis it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache, partial

from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.parser import parse
from bpdebug.core.products import without_ones
from bpdebug.core.record import replace
from bpdebug.core.tree import Call, Name, Number, Transpose, Tree, literal, names, substitute
from bpdebug.trust.site import M, Mistake, Site

_TABLE = """
transposed       | A @ B           | A.T @ B                 | a .T is missing, or one too many
transposed       | A @ B           | A @ B.T                 | a .T is missing, or one too many
transposed       | A @ B           | A.T @ B.T               | a .T is missing, or one too many
transposed       | A @ B           | B @ A                   | the factors of the matrix product have changed places
transposed       | swapaxes(A, -1, -2) | A                   | the last two axes are not exchanged
sign             | A + B           | A - B                   | a + and a − are mixed up
sign             | A - B           | A + B                   | a + and a − are mixed up
sign             | -A              | A                       | a minus sign is left out
epsilon_place    | sqrt(A) + E     | sqrt(A + E)             | {E} is added inside the root
epsilon_place    | sqrt(A / B) + E | (sqrt(A) + E) / sqrt(B) | {E} is added before the division by {B}; so has Adam's shorter form
epsilon_place    | sqrt(A / B) + E | sqrt((A + E) / B)       | {E} is added inside the root, before the division by {B}
coefficient      | C * A + B       | A + C * B               | {C} is the coefficient of {B}, not of {A}
coefficient      | C * A + D * B   | D * A + C * B           | the coefficients {C} and {D} have changed places
coefficient      | C * A + B       | C * (A + B)             | {C} is the coefficient of {B}, too
decay_after      | A * C - B       | (A - B) * C             | what is moved already is multiplied by {C}
branches         | where(A, B, F)  | where(A, F, B)          | the two branches are exchanged
branches         | A > B           | A < B                   | the two branches are exchanged
branches         | A > B           | A >= B                  | ≥ stands where > belongs
branches         | maximum(A, B)   | minimum(A, B)           | the two branches are exchanged
branches         | minimum(A, B)   | maximum(A, B)           | the two branches are exchanged
another_function | A ** 2          | abs(A)                  | abs({A}) stands where {A} ** 2 belongs
another_function | A ** 2          | A                       | the square is left out
another_function | A ** B          | A * B                   | {A} * {B} stands where {A} ** {B} belongs
another_function | C ** B          | C                       | the power {B} is left out
another_function | sqrt(A)         | A                       | the root is left out
another_function | exp(A)          | A                       | exp is left out
another_function | log(A)          | A                       | log is left out
another_function | abs(A)          | A                       | abs is left out
another_function | maximum(A, B)   | A                       | the lower bound {B} is left out
another_function | minimum(A, B)   | A                       | the upper bound {B} is left out
another_function | sum(A)          | mean(A)                 | the mean is taken, where the sum belongs
another_function | mean(A)         | sum(A)                  | the sum is taken, where the mean belongs
another_function | max(A)          | sum(A)                  | the sum is taken, where the maximum belongs
inverted         | A / B           | A * B                   | it is multiplied by {B}, not divided
inverted         | C * A           | A / C                   | it is divided by {C}, not multiplied
complement       | 1 - A           | A                       | {A} stands where 1 - {A} belongs
complement       | C * A           | (1 - C) * A             | 1 - {C} stands where {C} belongs
counted_twice    | A + B           | A + B + B               | {B} is added twice
counted_twice    | A + B           | A + A + B               | {A} is added twice
counted_twice    | A - B           | A - B - B               | {B} is subtracted twice
counted_twice    | A * B           | A * B * B               | {B} is multiplied in twice
counted_twice    | A * B           | A * A * B               | {A} is multiplied in twice
counted_twice    | A / B           | A / B / B               | it is divided by {B} twice
parentheses      | A * (B + F)     | A * B + F               | a pair of parentheses is missing
parentheses      | (A + B) * F     | A + B * F               | a pair of parentheses is missing
parentheses      | A * (B - F)     | A * B - F               | a pair of parentheses is missing
parentheses      | (A - B) * F     | A - B * F               | a pair of parentheses is missing
parentheses      | A / (B + F)     | A / B + F               | a pair of parentheses is missing
parentheses      | (A + B) / F     | A + B / F               | a pair of parentheses is missing
parentheses      | A / (B - F)     | A / B - F               | a pair of parentheses is missing
parentheses      | (A - B) / F     | A - B / F               | a pair of parentheses is missing
parentheses      | A ** (B + F)    | A ** B + F              | a pair of parentheses is missing
parentheses      | (A + B) ** F    | A + B ** F              | a pair of parentheses is missing
parentheses      | A ** (B - F)    | A ** B - F              | a pair of parentheses is missing
parentheses      | (A - B) ** F    | A - B ** F              | a pair of parentheses is missing
term_missing     | A + B           | A                       | {B} is left out
term_missing     | A + B           | B                       | {A} is left out
term_missing     | A - B           | A                       | {B} is left out
term_missing     | A - B           | -B                      | {A} is left out
factor_missing   | A * B * (1 - B) | A                       | {B} * (1 - {B}) is left out
factor_missing   | A * B / F       | A                       | {B} / {F} is left out
factor_missing   | A * B           | A                       | {B} is left out
factor_missing   | A * B           | B                       | {A} is left out
factor_missing   | A / B           | A                       | it is not divided by {B}
"""
"""Kind, what is right, what stands there, and what that is."""
_AXES = {0: "the samples", 1: "the units", None: "everything"}
_EACH = {0: " of each unit", 1: " of each sample"}
_PROTECTED = (("a logarithm", "log(A)", "log(A + E)"), ("a divisor", "A / B", "A / (B + E)"))
_EPSILONS = tuple(10.0**-place for place in range(3, 17))

parsed = cache(parse)
"""The formula of a text, of which each row's is read once."""


def table(text: str) -> list[list[str]]:
    """The cells of a table, a row a line."""
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


@cache
def _rules() -> list[tuple[str, Tree, Tree, str]]:
    return [(kind, parsed(right).tree, parsed(wrong).tree, says) for kind, right, wrong, says in table(_TABLE)]


def _head(tree: Tree) -> tuple[type[Tree], str]:
    """What a node is on top, which a pattern that is more than a letter has, too."""
    return type(tree), getattr(tree, "operator", "") or getattr(tree, "function", "")


def places(tree: Tree) -> Iterator[tuple[Tree, Callable[[Tree], Tree]]]:
    """Each node of a tree, parents first, and what makes the tree with another one in its place."""
    yield tree, lambda new: new
    fixed = FUNCTIONS[tree.function].static if isinstance(tree, Call) else ()
    for place, child in enumerate(tree.children()):
        for node, put in places(child) if place not in fixed else ():
            yield node, partial(_put, tree, place, put)


def _put(tree: Tree, place: int, put: Callable[[Tree], Tree], new: Tree) -> Tree:
    count = iter(range(place + 1))
    return tree.rebuilt(lambda child: put(new) if next(count, None) == place else child)


def everywhere(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """The tree with each of its nodes changed, those below first."""
    return change(tree.rebuilt(lambda child: everywhere(child, change)))


def rewritten(right: Tree, wrong: Tree, node: Tree) -> Tree:
    """A node that a pattern fits, written in another one; any other node as it is."""
    parts: dict[str, Tree] = {}
    return _filled(wrong, parts, node) if _fits(right, node, parts, ()) else node


def rewrites(site: Site) -> Iterator[Mistake]:
    """The formula of a stage with one of its parts written otherwise."""
    tree, constants = site.tree, {*site.program.constants, M.name}
    nodes = list(places(tree))
    heads = [_head(node) for node, _ in nodes]
    for kind, right, wrong, says in _rules():
        head = None if isinstance(right, Name) else _head(right)
        for node, put in (pair for pair, own in zip(nodes, heads, strict=True) if head in (None, own)):
            parts: dict[str, Tree] = {}
            if _fits(right, node, parts, constants):
                left = _filled(wrong, parts, node)
                if kind == "term_missing" and isinstance(left, Number) and without_ones(put(left)) != put(left):
                    continue  # a factor of 1 is left, and that the factor is left out says more
                climbs = kind == "sign" and site.updates and node is tree
                new = Mistake(kind, put(left), "the step goes up the gradient" if climbs else says, parts=parts)
                yield _named(site, new) if kind.endswith("_missing") else new
    yield Mistake("transposed", Transpose(tree), "rows and columns have changed places")
    yield Mistake("parentheses", everywhere(tree, _opened), "a pair of parentheses is missing")
    yield from () if site.affine else _other_axes(site, nodes)  # a bias has a fault of its own for that
    for node, put in () if site.program.layers else nodes:
        if isinstance(node, Number) and node.value in range(3, 10_000):
            yield Mistake("n_minus_one", put(literal(node.value - 1)), f"{node.value - 1:g} stands where {node.value:g} belongs")


def _other_axes(site: Site, nodes: Sequence[tuple[Tree, Callable[[Tree], Tree]]]) -> Iterator[Mistake]:
    """A fold along another axis, and all of them."""
    calls = [(node.axis, node, put) for node, put in nodes if isinstance(node, Call) and isinstance(node.axis, int)]
    folds = [call for call in calls if call[1].reduces or FUNCTIONS[call[1].function].formula]  # a softmax too
    axes = (*range(2 if site.program.layers else 4), *(due for due, *_ in folds))  # of pictures, too
    called: dict[int | None, str] = {axis: f"axis {axis}" for axis in axes}
    called |= _AXES if site.program.layers else {None: "everything"}
    for axis in [axis for axis in called if axis is None or axis >= 0]:
        ways = [(due, put(_along(axis, node))) for due, node, put in folds]
        ways += [(due, everywhere(site.tree, partial(_along, axis))) for due, *_ in folds[: len(folds) > 1]]
        what = "a sum or a maximum" if any(node.reduces for _, node, _ in folds) else "it"
        for due, changed in ways:
            each = _EACH.get(due, "") * (axis is None and bool(site.program.layers))
            says = f"{what} is taken over {called[axis]}, where it should be over {called[due]}{each}"
            yield Mistake("wrong_axis", changed, says)


def _opened(node: Tree) -> Tree:
    """A node without the parentheses in it."""
    forms = (rewritten(right, wrong, node) for kind, right, wrong, _ in _rules() if kind == "parentheses")
    return next((form for form in forms if form is not node), node)


def _named(site: Site, made: Mistake) -> Mistake:
    """What is left out, by the name that it has in this place."""
    node, arriving, left = site.node, names(site.arriving), names(made.tree)
    lost = [name for name in site.reads if name not in left]
    through = {name: site.program.tensors[name].through for name in lost if name in site.program.tensors}
    kind, says = made.kind, made.says
    if kind == "factor_missing":
        if lost and lost == [*arriving]:
            kind, says = "gradient_missing", f"{lost[0]}, the gradient that arrives, is left out"
        elif site.activation and {*arriving} & {*left} and {site.activation.output, site.activation.arguments["z"]} & {*left}:
            kind, says = "activation_part", f"one factor of the derivative of {site.activation.operation.name} is left out"
    elif through and all({name, through.get(name)} & site.penalties for name in lost):
        kind, says = "l2_missing", f"{' + '.join(lost)}, the L2 penalty, is left out"
    elif len(lost) == 1 and through.get(lost[0]):
        kind, says = "path_missing", f"{lost[0]}, what comes back on the path through {through[lost[0]]}, is left out"
    elif lost and node and not site.stage.of and node.operation.name == "add":
        kind, says = "path_missing", f"{lost[0]} is not added"
    elif node and not site.stage.of and lost == [node.arguments.get("b")]:
        kind, says = "bias_missing", f"{lost[0]} is not added"
    return replace(made, kind=kind, says=says)


def _along(axis: int | None, node: Tree) -> Tree:
    """A fold along one axis, along another."""
    if isinstance(node, Call) and isinstance(node.axis, int):
        return replace(node, axis=axis, keepdims=node.keepdims and axis is not None)
    return node


def _fits(pattern: Tree, tree: Tree, parts: dict[str, Tree], constants: Collection[str]) -> bool:
    match pattern, tree:
        case Name(letter), _:
            known, numbers = parts.setdefault(letter, tree), names(tree) if letter in "CDE" else ()
            constant = all(name in constants for name in numbers) and (numbers or (letter == "E" and isinstance(tree, Number)))
            return known == tree and (letter not in "CDE" or bool(constant))
        case Number(), _:
            return pattern == tree
    same = all(getattr(pattern, part, "") == getattr(tree, part, "") for part in ("operator", "function"))
    pairs = zip(pattern.children(), tree.children(), strict=False)
    return same and type(pattern) is type(tree) and all(_fits(*pair, parts, constants) for pair in pairs)


def _filled(pattern: Tree, parts: Mapping[str, Tree], node: Tree) -> Tree:
    match pattern:
        case Name(letter):
            return parts.get(letter, pattern)
        case Transpose(Name(letter)):
            part = parts[letter]
            return part.operand if isinstance(part, Transpose) else Transpose(part)
    filled = pattern.rebuilt(lambda child: _filled(child, parts, node))
    if isinstance(filled, Call) and filled.reduces and isinstance(node, Call):
        return replace(filled, axis=node.axis, keepdims=node.keepdims)
    return filled


def protected(site: Site) -> Iterator[Mistake]:
    """A small number added in logarithms, or to divisors, so that none is 0; an update has one of its own."""
    nodes = list(places(site.tree))
    for epsilon in () if site.updates else _EPSILONS:
        for where, right, wrong in _PROTECTED:
            change = partial(rewritten, parsed(right).tree, substitute(parsed(wrong).tree, {"E": literal(epsilon)}))
            for new in (everywhere(site.tree, change), *(put(change(node)) for node, put in nodes)):
                yield Mistake("epsilon_added", new, f"{epsilon:g} is added in {where}, so that nothing becomes infinite")
