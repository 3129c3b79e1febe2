"""A factor of a gradient that another line or function computes, and whether that is the one to name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Binary, Name, Tree, substitute
from bpdebug.frontends.numpy_script.fits import Differentiated
from bpdebug.frontends.numpy_script.multiples import NEAR
from bpdebug.frontends.numpy_script.pairs import Pairing
from bpdebug.frontends.numpy_script.recording import Line, Statement

_CELLS = 4
"""Cells that are right by chance, at most."""


def is_foreign(pairing: Pairing, loss: Differentiated, parameters: Mapping[str, Array]) -> bool:
    """Whether nothing that he computes is a derivative of a loss, and no line of his mends that: he may well follow another one."""
    fitting = loss.agreement or any(pair.factor and loss.gradients[pair.tensor].size > 1 for pair in pairing.pairs.values())
    within = any(not {*one.meant.values()} <= {*parameters} for one in pairing.blame.found)
    values, ends = pairing.recording.values[-1], pairing.blame.ends.items()
    return not (fitting or within or any(_is_partly(values[end], loss.gradients[name]) for name, end in ends if name in loss.gradients))


def _is_partly(theirs: Array, right: Array) -> bool:
    """Whether many cells of a gradient are right, such as the rows of one of two matrices that are kept in one."""
    told = right != 0
    if theirs.size != right.size or not told.any():
        return False
    same = np.isclose(theirs.reshape(right.shape)[told], right[told], NEAR, 0)
    return bool(same.sum() >= max(_CELLS, same.size / 4))


def helper_of(pairing: Pairing, formulas: Mapping[str, Tree], statement: Statement, due: Tree) -> Statement | None:
    """The value that alone makes a gradient wrong: what it is multiplied with is right, and no other argument helps.

    Args:
        pairing: with the lines that are blamed.
        formulas: of his statements, with inner values put in.
        statement: the gradient.
        due: the formula that is right, over his gradients.
    """
    statements = {one.name: one for one in pairing.recording.statements}
    helper = statements.get(pairing.blame.through.get(statement.name, ""))
    if helper and helper.made in {one.made for one in pairing.recording.statements if one.name in pairing.forward}:
        return None  # which is right where it is used forward
    match statement.formula and statement.formula.tree:
        case Binary("*", Name(one), Name(other)) if helper and helper.made != statement.made:
            arriving = other if one == helper.name else one
            elsewhere = arriving in statements and statements[arriving].inner and helper.made.function != statement.made.function
            if arriving in Formula.of(due).names or elsewhere:
                values, right = pairing.recording.values[-1], pairing.given[statement.name]
                values = {
                    name: value for name, value in values.items() if name in (arriving, helper.name) or not _is_inner(statements, name)
                }
                return None if _helps(formulas[helper.name], helper.name, values, arriving, right) else helper
    return None


def called(stage: Stage, made: Line, line: Line) -> Stage:
    """A stage that a function computes, for the line that calls it."""
    meaning = f"Computed by {made.function}(), line {made.number}, for line {line.number}."
    return replace(stage, meaning=meaning, line=str(made), beside=str(line))


def _is_inner(statements: Mapping[str, Statement], name: str) -> bool:
    return name in statements and statements[name].inner


def _helps(tree: Tree, factor: str, values: Mapping[str, Array], arriving: str, right: Array) -> bool:
    """Whether a factor would be the right one, were it computed from another tensor."""
    alike = [name for name, value in values.items() if value.shape == values[factor].shape]
    for argument in {*alike} & {*Formula.of(tree).names}:
        for name in alike:
            tried = evaluate(Formula.of(substitute(tree, {argument: Name(name)})), values) * values[arriving]
            if tried.shape == right.shape and np.allclose(tried, right, NEAR, NEAR * np.max(np.abs(right), initial=0)):
                return True
    return False


__all__ = ["called", "helper_of"]
