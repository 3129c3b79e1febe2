"""What the numbers of a wrong array show by themselves: patterns that no single formula expresses, and factors.

Each look yields what may have been made of the right array, and what that would be; the looks that give the wrong numbers count.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array
from bpdebug.core.numbers import digits_apart, short
from bpdebug.core.products import product
from bpdebug.core.tree import Binary, Name, Number, Tree, Unary, literal, total
from bpdebug.core.writing import to_text
from bpdebug.trust.case import Evidence
from bpdebug.trust.factors import TOLD, called, scale
from bpdebug.trust.faults import FAULTS
from bpdebug.trust.finding import Suspect
from bpdebug.trust.site import Mistake, Site, is_term

_NEAR_ONE = 0.01
"""A factor that differs from 1 by less is named only where it is something."""
_NAMED = 1e-9
"""How near a factor has to come to a number with a name, relatively, to be it."""
_MOST_SAMPLES = 5000
"""Samples that are left out one by one, at most: of more a single one is hardly seen."""
_LONG = 20_000_000
"""Cells to be computed in a search over the samples; beyond that there is none."""

Look = Iterator[tuple[str, Array, str, Tree | None]]
"""Kind, what the numbers would be, what is seen, and the formula, where there is one."""


def suspect(kind: str, evidence: str, tree: Tree | None = None) -> Suspect:
    """A row of the catalogue, or two of them, with what speaks for it."""
    return Suspect(kind, ", and ".join(FAULTS[one].title for one in kind.split("+")), evidence, "" if tree is None else to_text(tree))


def pattern(case: Evidence) -> tuple[Suspect, ...]:
    """What the numbers themselves show; empty where nothing."""
    for look in (_shapes, *((_masked, _samples, _clipped, _multiples, _one_cell) if case.comparable else ())):
        if found := tuple(suspect(kind, says, tree) for kind, value, says, tree in look(case) if case.explains(value)):
            return found
    return ()


def times(case: Evidence) -> float | None:
    """The factor by which all cells, or an update's whole step, are larger than they should be; None where it is not one factor."""
    start = case.value(case.site.put(dict.fromkeys(case.site.moves, Number(0)))) if case.site.updates else np.zeros(case.right.shape)
    if not case.comparable or start is None or start.shape != case.right.shape:
        return None
    known = np.isfinite(case.right)
    return _multiple(case, (case.wrong - start)[known], (case.right - start)[known])


def larger(case: Evidence, factor: float) -> str:
    """That every cell, or a step, is so many times what it should be."""
    number = short(factor, digits_apart(factor, 1.0, 6))
    if not case.site.updates:
        return f"every cell is {number} times the right value"
    parameter = case.site.stage.name in case.site.program.parameters
    return f"the step is {number} times the right one" if parameter else f"what the gradient adds is {number} times the right value"


def _multiple(case: Evidence, more: Array, of: Array) -> float | None:
    """How many times another array an array is, as nearly as the wrong numbers show it."""
    size = float(np.abs(more).max(initial=0.0))
    return scale(more, of, case.allowed / size) if size > 0 else None


def scaled(case: Evidence) -> Iterator[Mistake]:
    """The formula, or an update's whole step, times each number with a name that is the factor by which it is larger."""
    site, factor = case.site, times(case)
    near = max(_NAMED, case.allowed / case.size if case.size else 0.0)
    still = site.put(dict.fromkeys(site.moves, Number(0))) if site.updates else None
    for text, number in called(site.program, case.values, factor, near).items() if factor is not None else ():
        times_over = Unary("-", number) if factor and factor < 0 else number
        tree = product(times_over, site.tree) if still is None else total(still, product(times_over, Binary("-", site.tree, still)))
        yield Mistake("stray_factor", tree, text, parts={"factor": number})


def _shapes(case: Evidence) -> Look:
    """One value for each sample that is not summed, and numbers in their order in another shape."""
    wrong, right = case.wrong, case.right
    axes = None if right.size == 1 else 0
    for said, found in (("sum", wrong.sum(axis=axes)), ("mean", wrong.mean(axis=axes))) if wrong.size > right.size else ():
        if found.size == right.size and np.allclose(found.reshape(right.shape), right, case.tolerance, 0):
            shape = "×".join(map(str, wrong.shape))
            yield "not_summed", wrong, f"the shape is {shape}, and the {said} over the samples is the right value", None
    if right.ndim == 2 and min(right.shape) > 1:
        turned, back = right.reshape(right.T.shape), right.T.reshape(right.shape)
        yield "reshaped", turned, "the right numbers are here in their order, in the shape of the transpose", None
        yield "reshaped", back, "the transpose's numbers are here in their order, in the shape of the right array", None


def _samples(case: Evidence) -> Look:
    """One sample left out of a sum, or nothing but one sample in it."""
    program, tree = case.site.program, case.site.tree
    parts = [Site(program, program.stage(name)) for name in case.site.reads if is_term(program, name)]
    for site in (case.site, *parts) if 1 < case.samples <= min(_MOST_SAMPLES, _LONG / case.right.size) else ():
        whole = case.value(site.tree) if site.sums_samples else None
        for row in range(case.samples) if whole is not None else ():
            alone = site.of_samples(row, row + 1)
            if (one := case.value(alone)) is None:
                break
            yield "sample_missing", case.right - one, f"row {row} of the batch is left out of the sum", Binary("-", tree, alone)
            kind = "bias_not_summed" if site.argument == "b" else "sample_missing"
            found = alone if site is case.site else case.site.put({site.stage.name: alone})
            yield kind, case.right - whole + one, f"only row {row} of the batch is counted", found


def _masked(case: Evidence) -> Look:
    """Another mask than the one that is drawn."""
    draws = case.site.program.draws
    for name in (name for name in case.site.reads if name in draws and draws[name].recipe == "bernoulli"):
        turned = case.site.put({name: Binary("-", Number(1), Name(name))})
        if (value := case.value(turned)) is not None:
            yield "mask_turned", value, f"it passes where {name} is 0, and nothing where it is 1", turned
            if case.explains(value):
                return
        passed, let = case.value(case.site.put({name: Number(1)})), np.abs(case.wrong) > case.allowed
        if passed is not None and passed.shape == case.right.shape and 1 < np.count_nonzero(let) < np.count_nonzero(passed):
            says = f"each cell is 0 or right without {name}, but not where {name} is 0 or 1: the mask of the forward pass belongs here"
            yield "mask_anew", np.where(let, passed, 0.0), says, None


def _clipped(case: Evidence) -> Look:
    limit, off = case.size, np.abs(case.wrong - case.right) > case.allowed
    if 1 < off.sum() < off.size:
        says = f"{off.sum()} cells are cut off at ±{short(limit)}, and the other cells are right"
        yield "clipped", np.clip(case.right, -limit, limit), says, None
    norm, factor = float(np.linalg.norm(case.wrong)), times(case)
    if factor is not None and 0 < factor < 1 and case.wrong.size > 1 and abs(norm - float(f"{norm:.1g}")) <= 1e-6 * norm:
        says = f"every cell is {short(factor)} times the right value, which makes the norm exactly {short(norm)}"
        yield "clipped", case.wrong, says, None


def _multiples(case: Evidence) -> Look:
    """What is too much is in proportion to the parameter, to the gradient of the update before, or to what is right."""
    program, stage, tree = case.site.program, case.site.stage, case.site.tree
    parameter, more, factor = stage.of, case.wrong - case.right, times(case)
    weight, before = case.values.get(parameter), case.previous.get(stage.name)
    if parameter in program.parameters and not case.single:
        if weight is not None and weight.shape == more.shape and more.size > 1 and (extra := _multiple(case, more, weight)):
            kind = "l2_on_biases" if parameter in {layer.bias for layer in program.layers} else "l2_factor"
            added = total(tree, product(literal(float(f"{extra:.6g}")), Name(parameter)))
            says = f"every cell is {short(extra, 6)} times {parameter} more than the right value"
            yield kind if program.network.asked.l2 else "l2_unasked", case.wrong, says, added
            return
        if before is not None and before.shape == more.shape and (extra := _multiple(case, more, before)):
            meaning = ", or ".join([*called(program, case.values, extra, _NAMED)][:TOLD])
            if meaning or factor is None:
                says = f"{short(extra, 6)} times the {stage.name} of the update before is still in it"
                says += f": {short(extra, 6)} is {meaning}" * bool(meaning)
                yield "accumulated", case.wrong, f"{says}. It is never set back to 0, so that it goes on growing", None
                return
    if factor is not None and not (case.single or abs(abs(factor) - 1) < _NEAR_ONE):
        larger_by = None if case.site.updates else product(literal(float(f"{factor:.6g}")), tree)
        yield "stray_factor", case.wrong, larger(case, factor), larger_by


def alone(name: str, wrong: Array, off: Array) -> tuple[str, Array, int]:
    """Where all that is off lies, if that is one cell, or not all places along an axis, with these and the axis; "" if it is more."""
    places = np.argwhere(off)
    if len(places) == 1:
        return cell_name(name, tuple(map(int, places[0]))), places[0, :1], 0
    for axis in range(wrong.ndim) if 0 < len(places) < wrong.size > 2 else ():
        lines = np.unique(places[:, axis])
        if len(lines) <= max(1, wrong.shape[axis] // 2) < wrong.shape[axis]:
            run = f"{lines[0]}:{lines[-1] + 1}" if len(lines) > 1 and lines[-1] - lines[0] < len(lines) else ", ".join(map(str, lines[:5]))
            return f"{name}[{', '.join(run if one == axis else ':' for one in range(wrong.ndim))}]", lines, axis
    return "", places[:0], 0


def _one_cell(case: Evidence) -> Look:
    """One cell, or some places along an axis, while the others are right."""
    wrong, right, name = case.wrong, case.right, case.site.stage.name
    off = ~(np.abs(wrong - right) <= case.allowed)
    where, lines, axis = alone(name, wrong, off)
    if not where or not np.isfinite(right).all() or not right[~off].any():
        return
    nothing, tensor, factor = not wrong[off].any(), case.site.program.tensors.get(name), times(case)
    alike = factor is not None and 10 * np.abs(wrong - factor * right)[~off].sum() < np.abs(wrong - right)[~off].sum()
    if factor is not None and alike:  # the other cells have it, too, and are small
        yield "stray_factor", wrong, larger(case, factor), None
    elif nothing and axis == 0 and tensor and tensor.batch_axis == 0:
        yield "sample_missing", wrong, f"row {', '.join(map(str, lines[:5]))} of {name} is 0, and the other rows are right", None
    else:
        numbers = f": {short(float(wrong[off][0]))} where {short(float(right[off][0]))} is right" if off.sum() == 1 else ""
        said = f"only {where} is off{numbers or ', which is 0 there' * nothing}; the other {wrong.size - int(off.sum())} cells are right"
        yield "one_cell", wrong, said, None
