"""By which of his values each parameter is moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula
from bpdebug.core.tree import Binary, Call, Index, Listing, Name
from bpdebug.frontends.numpy_script.alike import is_mixed
from bpdebug.frontends.numpy_script.fits import Differentiated
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.multiples import NEAR, penalized, scale
from bpdebug.frontends.numpy_script.recording import Recording, Statement

_ALIKE, _SAME = 1e-3, 1e-9
"""Factors that are as near are the same; of values without a name, which are many, they have to be nearer."""


def ends_of(recording: Recording, loss: Differentiated, own: Sequence[Statement], subtracted: Mapping[str, str]) -> dict[str, str]:
    """The value that each parameter is moved by, by the parameter: one with the numbers of its gradient, if there is one.

    Args:
        recording, loss: the script, and what is derived from it.
        own: what may be a gradient of his, in his order.
        subtracted: the parameter that a value is subtracted from, by the value's name.
    """
    values, inner = recording.values[-1], {one.name for one in recording.statements if one.inner}
    of, found = {tensor: name for name, tensor in subtracted.items()}, dict[str, str]()
    due, factors, exactly = loss.gradients, Counter[float](), dict[float, float]()
    for parameter in sorted(recording.carried.keys() & due.keys(), key=lambda name: due[name].size == 1):
        reads = used(recording.statements, [recording.carried[parameter]])
        first = [of[name] for name in (parameter,) if name in of]
        tried = [*first, *(one.name for one in reversed(own) if one.name in reads and not one.partial)]
        scales = {name: factor for name in tried if (factor := scale(values[name], due[parameter]))}
        for name in first:  # with a penalty on the parameter
            share = penalized(values[name], due[parameter], values[parameter])
            scales |= {name: share[0]} if share and due[parameter].size > 1 else {}
        if due[parameter].size == 1:  # any number is a multiple of it
            usual = max(factors, key=factors.__getitem__, default=1.0)
            near = {n: abs(factor / exactly.get(usual, usual) - 1) for n, factor in scales.items()}
            scales = {n: factor for n, factor in scales.items() if near[n] < (_SAME if n in inner else _ALIKE)}
        chosen = [*sorted(scales, key=lambda name: name in inner), *first]
        factors.update(rounded := [float(f"{scales[name]:.4g}") for name in chosen[:1] if name in scales])
        exactly |= dict.fromkeys(rounded, scales.get(chosen[0], 0.0)) if rounded else {}
        found |= dict.fromkeys([parameter][: len(chosen)], next(iter(chosen), ""))
    return found


def subtracted_by(
    recording: Recording, loss: Differentiated, own: Sequence[Statement], forward: Collection[str], single: bool
) -> dict[str, str]:
    """The parameter from which a value is subtracted, by the value's name: the one that he names, else the innermost of its shape.

    Args:
        recording, loss, own: see ``ends_of``.
        forward: what the loss is computed from.
        single: whether all parameters are single numbers.
    """
    found, names, values = dict[str, str](), {one.name for one in own}, recording.values[-1]
    inner = {one.name for one in recording.statements if one.inner}
    formulas = {one.name: one.formula for one in recording.statements if one.formula and one.name not in forward}
    moved = [name for name in recording.carried if name in loss.gradients]
    read = {name: _seen(recording.carried[name], formulas, names, inner, values) for name in moved}
    times = {name: _times(name, [one for one in seen if one in names - inner], loss, values) for name, seen in read.items() if single}
    common = {1.0}.union(set[float].intersection(*({*map(_rounded, one.values())} for one in times.values()))) if len(times) > 1 else {1.0}
    for parameter, seen in read.items():
        size = values[parameter].size
        fitting = [name for name in seen if name in names and values[name].size == size and name not in found]
        named = [name for name in fitting if name not in inner]
        if size == 1 and parameter in loss.steps:  # any value is a multiple of the gradient: that which it is, or the whole step
            factors, step = _times(parameter, fitting, loss, values), abs(loss.steps[parameter])
            same = [name for name in fitting if _rounded(factors[name]) in common]
            fitting = [name for name in fitting if name in same or abs(factors[name] / step - 1) < NEAR] if single else fitting
            named = [name for name in fitting if name in named] if single else same or named
        found |= dict.fromkeys(named[:1] or fitting[-1:], parameter)
    return found


def _seen(
    new: str, formulas: Mapping[str, Formula], names: Collection[str], inner: Collection[str], values: Mapping[str, Array]
) -> list[str]:
    """What the next version of a parameter is made of, up to the values that may be its gradient; of what is laid one behind the other only
    the part that it is made of."""
    stack, seen = [(new, range(0))], dict[str, None]()
    while stack:
        name, span = stack.pop(0)
        if name in names and name not in formulas:
            seen[name] = None
        elif name in formulas and (name not in seen or span):
            further = _parts(formulas[name], span, values)
            if not span:
                seen[name] = None
            whole = is_mixed(formulas[name].tree) or _is_product(formulas[name], {*names})
            stack += further if span or name not in names or (name in inner and not whole) else ()
    return [*seen]


def _parts(formula: Formula, span: range, values: Mapping[str, Array]) -> list[tuple[str, range]]:
    """What a value, or a part of a flat one, is made of, each with the part of that; an empty span is all of it."""
    match formula.tree:
        case Index(Name(whole), ((int() | None as start, int() | None as stop, None),)) if values[whole].ndim == 1:
            return [(whole, range(values[whole].size)[start:stop])]
        case Call("concatenate", (Listing(items), *_)) if span:
            begins = accumulate((np.size(values[one.name]) for one in items if isinstance(one, Name)), initial=0)
            parts = [(one.name, begin) for one, begin in zip(items, begins, strict=False) if isinstance(one, Name)]
            return [(name, range(0)) for name, begin in parts if range(begin, begin + np.size(values[name])) == span]
    return [(name, span) for name in formula.names if not span or (name in values and values[name].size >= span.stop)]


def _times(parameter: str, names: Iterable[str], loss: Differentiated, values: Mapping[str, Array]) -> dict[str, float]:
    """How many times the gradient of a single number others are, without a sign."""
    due = float(loss.gradients[parameter].item()) if loss.gradients[parameter].size == 1 else 0.0
    return {name: abs(float(values[name].item()) / due) if due else 1.0 for name in names if values[name].size == 1}


def _rounded(factor: float) -> float:
    return float(f"{factor:.6g}")


def step_of(recording: Recording, parameter: str, end: str, values: Mapping[str, Array]) -> Array:
    """How a parameter moves in an update, but for what carries it on without its gradient, as momentum does, where formulas tell that.

    Args:
        recording: the script.
        parameter, end: it, and the value that it is moved by, or "".
        values: of the update.
    """
    new, still, changed = recording.carried[parameter], {**values, end: np.zeros_like(values.get(end, 0.0))}, {end}
    part = used(recording.statements, [new]) - used(recording.statements, [end])
    with suppress(FormulaError, KeyError), np.errstate(all="ignore"):
        for one in recording.statements:
            if one.name in part and not changed.isdisjoint(one.reads):
                still[one.name] = evaluate(one.formula, still) if one.formula else still["no formula"]
                changed.add(one.name)
        if new in changed and np.isfinite(still[new]).all():
            return np.asarray(values[new] - still[new])
    return np.asarray(values.get(new, values[parameter]) - values[parameter])


def _is_product(formula: Formula, gradients: set[str]) -> bool:
    """Whether it is the chain rule itself, ``dloss_da * da_dw``, of which no factor is the whole gradient."""
    return isinstance(formula.tree, Binary) and formula.tree.operator == "*" and len(gradients.intersection(formula.names)) > 1


__all__ = ["ends_of", "step_of", "subtracted_by"]
