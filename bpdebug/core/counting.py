"""The number of samples, where a line has it as a literal: ``eye(4)`` is ``eye(m)``, if the line fits any other batch so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, combinations

from bpdebug.core.errors import FormulaError
from bpdebug.core.parser import Formula
from bpdebug.core.tree import Call, Listing, Name, Number, Tree, walk

Formulas = Mapping[str, Formula]
_MOST = 8
"""So many literals are tried, each and together."""


def fitting(formula: Formula, sizes: Sequence[int], check: Callable[[Formula], None]) -> Formula:
    """The formula, with ``m`` in the place of such literals where it needs that.

    Args:
        formula: what is to fit a batch of any size.
        sizes: how many samples the batches have; where these differ no literal counts them.
        check: raises where a formula does not fit.

    Raises:
        FormulaError: as ``check``.
    """

    def fit(put: Formulas) -> bool:
        try:
            check(put[""])
        except FormulaError:
            return False
        return True

    own = {"": formula}
    if not fit(own) and not (own := dict(in_samples(own, sizes, fit))):
        check(formula)
    return own[""]


def in_samples(formulas: Formulas, sizes: Sequence[int], fit: Callable[[Formulas], bool]) -> Formulas:
    """The formulas with ``m`` in the place of as few lengths as it takes for them to fit; {} where none do, or batches differ in size."""
    lengths = [node for formula in formulas.values() for node in _lengths(formula.tree) if (node.value,) == (*sizes,)][:_MOST]
    for chosen in chain.from_iterable(combinations(lengths, count) for count in range(1, len(lengths) + 1)):
        changed = {name: _counting(formula, {*map(id, chosen)}) for name, formula in formulas.items()}
        if fit(changed):
            return changed
    return {}


def _lengths(tree: Tree) -> list[Number]:
    """The whole numbers that are arguments, or stand in a list of them."""
    calls = (node for node in walk(tree) if isinstance(node, Call | Listing))
    return [child for node in calls for child in node.children() if isinstance(child, Number) and isinstance(child.value, int)]


def _counting(formula: Formula, places: set[int]) -> Formula:
    def put(node: Tree) -> Tree:
        return Name("m", column=node.column) if id(node) in places else node.rebuilt(put)

    tree = put(formula.tree)
    return formula if tree is formula.tree else Formula.of(tree)
