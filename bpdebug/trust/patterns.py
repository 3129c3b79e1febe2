"""What the numbers of a wrong array show by themselves: patterns that no single formula expresses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.numbers import short
from bpdebug.core.render import to_text
from bpdebug.core.tree import Binary, Name, Tree, literal, product, total
from bpdebug.trust.case import Evidence
from bpdebug.trust.faults import FAULTS
from bpdebug.trust.finding import Suspect
from bpdebug.trust.multiples import larger, named, times
from bpdebug.trust.site import Site, is_term

_NEAR_ONE = 0.01
"""A factor that differs from 1 by less is named only where it is something."""
_LONG = 20_000_000
"""Cells to be computed in a search over the samples; beyond that there is none."""


def suspect(kind: str, evidence: str, tree: Tree | None = None) -> Suspect:
    """A row of the catalogue, with what speaks for it."""
    return Suspect(kind, ", and ".join(FAULTS[one].title for one in kind.split("+")), evidence, "" if tree is None else to_text(tree))


def pattern(case: Evidence) -> tuple[Suspect, ...]:
    """What the numbers themselves show; empty where nothing."""
    of_any_shape = (_not_summed, _reshaped)
    cell_by_cell = (_samples, _rows, _clipped, _penalty, _earlier, _factor, _one_cell) if case.comparable else ()
    return next(filter(None, (tuple(look(case)) for look in (*of_any_shape, *cell_by_cell))), ())


def _not_summed(case: Evidence) -> Iterator[Suspect]:
    if case.wrong.size <= case.right.size or not np.isfinite(case.right).all():
        return
    axes = None if case.right.size == 1 else 0
    for said, found in (("sum", case.wrong.sum(axis=axes)), ("mean", case.wrong.mean(axis=axes))):
        if found.size == case.right.size and np.allclose(found.reshape(case.right.shape), case.right, case.tolerance, 0):
            shape = "×".join(map(str, case.wrong.shape))
            yield suspect("not_summed", f"the shape is {shape}, and the {said} over the samples is the right value")


def _reshaped(case: Evidence) -> Iterator[Suspect]:
    right = case.right
    if right.ndim != 2 or min(right.shape) < 2:
        return
    if case.wrong.shape == right.T.shape and case.explains(right.reshape(right.T.shape)):
        yield suspect("reshaped", "the right numbers are here in their order, in the shape of the transpose")
    elif case.comparable and case.explains(right.T.reshape(right.shape)):
        yield suspect("reshaped", "the transpose's numbers are here in their order, in the shape of the right array")


def _samples(case: Evidence) -> Iterator[Suspect]:
    """One sample left out of a sum, or nothing but one sample in it."""
    if not 1 < case.samples <= _LONG / case.right.size:
        return
    parts = [Site(case.site.program, case.site.program.stage(name)) for name in case.site.reads if is_term(case.site.program, name)]
    for site in (case.site, *parts):
        whole = case.value(site.tree) if site.sums_samples else None
        for row in range(case.samples) if whole is not None else ():
            tree = site.of_samples(row, row + 1)
            one = case.value(tree)
            if one is None:
                break
            if case.explains(case.right - one):
                yield suspect("sample_missing", f"row {row} of the batch is left out of the sum", Binary("-", case.site.tree, tree))
            if case.explains(case.right - whole + one):
                kind = "bias_not_summed" if site.argument == "b" else "sample_missing"
                found = tree if site is case.site else case.site.put({site.stage.name: tree})
                yield suspect(kind, f"only row {row} of the batch is counted", found)


def _rows(case: Evidence) -> Iterator[Suspect]:
    """Rows of zeros, where each sample has a row."""
    stage = case.site.stage
    if stage.name not in case.site.program.sampled or not np.isfinite(case.right).all():
        return
    empty = np.asarray(~case.wrong.any(axis=1) & case.right.any(axis=1))
    if empty.any() and not empty.all() and case.explains(np.where(empty[:, None], 0.0, case.right)):
        numbers = ", ".join(map(str, np.flatnonzero(empty)[:5]))
        yield suspect("sample_missing", f"row {numbers} of {stage.name} is 0, and the other rows are right")


def _clipped(case: Evidence) -> Iterator[Suspect]:
    limit = case.size
    if not np.isfinite(case.right).all():
        return
    off = np.abs(case.wrong - case.right) > case.allowed
    if off.sum() > 1 and case.explains(np.clip(case.right, -limit, limit)):
        yield suspect("clipped", f"{off.sum()} cells are cut off at ±{short(limit)}, and the other cells are right")
    norm, factor = float(np.linalg.norm(case.wrong)), times(case)
    if factor is not None and 0 < factor < 1 and case.wrong.size > 1 and abs(norm - float(f"{norm:.1g}")) <= 1e-6 * norm:
        yield suspect("clipped", f"every cell is {short(factor)} times the right value, which makes the norm exactly {short(norm)}")


def _penalty(case: Evidence) -> Iterator[Suspect]:
    """What is too much or too little is in proportion to the parameter itself."""
    program, parameter = case.site.program, case.site.stage.of
    if parameter not in program.parameters or parameter not in case.values or case.right.size < 2 or case.single:
        return
    weight, more = case.values[parameter], case.wrong - case.right
    norm = float(np.vdot(weight, weight))
    factor = float(np.vdot(more, weight)) / norm if norm > 0 and np.isfinite(more).all() else 0.0
    if factor and case.explains(case.right + factor * weight):
        kind = "l2_on_biases" if parameter in {layer.bias for layer in program.layers} else "l2_factor"
        kind = kind if program.network.asked.l2 else "l2_unasked"
        tree = total(case.site.tree, product(literal(float(f"{factor:.6g}")), Name(parameter)))
        yield suspect(kind, f"every cell is {short(factor, 6)} times {parameter} more than the right value", tree)


def _factor(case: Evidence) -> Iterator[Suspect]:
    factor = times(case)
    if factor is None:
        return
    meaning = named(case, factor)
    if not case.size or (not meaning and (case.single or abs(abs(factor) - 1) < _NEAR_ONE)):
        return
    tree = None if case.site.updates else product(literal(float(f"{factor:.6g}")), case.site.tree)
    yield suspect("stray_factor", larger(case, factor) + (f", which is {meaning}" if meaning else ""), tree)


def _earlier(case: Evidence) -> Iterator[Suspect]:
    """What is too much is in proportion to the gradient of the update before."""
    name, parameter = case.site.stage.name, case.site.stage.of
    before = case.previous.get(name)
    if parameter not in case.site.program.parameters or before is None or case.single or before.shape != case.right.shape:
        return
    more, norm = case.wrong - case.right, float(np.vdot(before, before))
    factor = float(np.vdot(more, before)) / norm if norm > 0 and np.isfinite(more).all() else 0.0
    meaning = named(case, factor)
    if factor and (meaning or times(case) is None) and case.explains(case.right + factor * before):
        seen = f"{short(factor, 6)} times the {name} of the update before is still in it" + f": {short(factor, 6)} is {meaning}" * bool(
            meaning
        )
        yield suspect("accumulated", f"{seen}. It is never set back to 0, so that it goes on growing")


def _one_cell(case: Evidence) -> Iterator[Suspect]:
    if case.wrong.size < 3:
        return
    off = np.flatnonzero(~(np.abs(case.wrong - case.right) <= case.allowed))
    if len(off) == 1 and np.isfinite(case.right).all():
        place = np.unravel_index(int(off[0]), case.wrong.shape)
        cell = cell_name(case.site.stage.name, tuple(map(int, place)))
        theirs, right = short(float(case.wrong[place])), short(float(case.right[place]))
        yield suspect("one_cell", f"only {cell} is off: {theirs} where {right} is right; the other {case.wrong.size - 1} are right")
