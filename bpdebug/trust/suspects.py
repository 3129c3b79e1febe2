"""The diagnosis of a wrong stage: which mistake gives exactly the numbers that are there.

Every formula of the catalogue with one mistake in it is evaluated on this batch, and those that give the user's numbers in every
cell are named; then come patterns that no formula expresses. Nothing is guessed: where no mistake gives these numbers, the answer
is empty, and where several do, this batch cannot tell them apart and all of them are named.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.core.record import replace
from bpdebug.core.render import to_text
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Binary, Name, Number, Tree, literal, product, substitute, total
from bpdebug.trust.case import Evidence, fitted
from bpdebug.trust.faults import FAULTS, mistakes
from bpdebug.trust.finding import Suspect
from bpdebug.trust.site import AFTER, PREVIOUS, RESHAPED, Mistake, Site, is_term

_LONG = 20_000_000
"""Cells to be computed in a search over the samples; beyond that there is none."""
_SCALE = ("sum_for_mean", "mean_for_sum", "m_twice", "outputs_factor", "learning_rate", "stray_factor")
_OF_PENALTY = ("l2_factor", "sign", "updated_before_used", "wrong_layer", "stale")
_WITHIN = " (in "
"""Begins the name of the stage in which a mistake was made, where it is not the one that is off."""
_MOST_PAIRS = 4_000_000
"""Cells of a table of all pairs of samples that are looked at."""
_VERSIONS = {AFTER: "as it is after the update", PREVIOUS: "of the update before", RESHAPED: "reshaped instead of transposed"}


def diagnose(evidence: Evidence) -> tuple[Suspect, ...]:
    """What the mistake probably is, the likeliest first.

    Returns:
        Nothing where no mistake of the catalogue gives these numbers, or where they are right; several where this batch cannot
        tell them apart.
    """
    site, wrong, right = evidence.site, np.asarray(evidence.wrong), np.asarray(evidence.right)
    if not wrong.size or wrong.dtype.kind not in "biuf" or not np.isfinite(wrong).all():
        return ()
    with np.errstate(all="ignore"):
        terms = {
            name: evidence.value(Site(site.program, site.program.stage(name)).tree) for name in site.reads if is_term(site.program, name)
        }
        case = replace(evidence, values={**evidence.values, **{name: value for name, value in terms.items() if value is not None}})
        derived, edited, wrong = case.value(site.tree), _edited(site), wrong.astype(np.float64)
        right = right if derived is None or (edited and not _agree(derived, right)) else derived
        same = fitted(wrong, right.shape) if wrong.size == right.size else None
        case = replace(case, wrong=wrong if same is None else same, right=right)
        if case.distance <= case.tolerance * max(case.size, _largest(right)):
            return ()
        if edited and derived is not None and not _agree(derived, right) and case.explains(derived):
            old = f"{edited} is your own formula, and {site.stage.name} is still the derivative of the old one"
            return (suspect("forward_changed", old),)
        return _named(case) or pattern(case)


def _largest(right: Array) -> float:
    return float(np.nanmax(np.abs(right), initial=0.0))


def _agree(derived: Array, right: Array) -> bool:
    """Whether two right values are the same, where both are known, as far as differences of the loss can tell."""
    known = np.isfinite(right)
    if derived.shape != right.shape or not known.any():
        return False
    return bool(np.allclose(derived[known], right[known], 1e-4, 1e-6 * _largest(right)))


def _edited(site: Site) -> Stage | None:
    """The formula that a user has replaced, where the stage is a derivative of it, so that the derived one may not be right."""
    program = site.program
    parts = [program.tensors[name].through for name in site.reads if name in program.tensors]
    through = [part for part in parts if part] if site.node is None else [site.node.output]
    last = [program.loss] if site.loss or site.penalties & set(through) else []
    stages = [program.stage(name) for name in (*through, *last) if name in program.index and site.stage.of]
    return next((stage for stage in stages if stage.edited), None)


def _named(case: Evidence) -> tuple[Suspect, ...]:
    """The rows of the catalogue that give these numbers; what says little only where nothing says more."""
    for general in (False, True):
        found: dict[str, list[tuple[Mistake, float]]] = {}
        for made in _mistakes(case.site, case.unseen, general):
            affordable = made.kind != "y_broadcast" or case.samples**2 <= _MOST_PAIRS
            if affordable and (error := case.error(case.value(made.tree, made.overrides))) is not None:
                found.setdefault(made.kind, []).append((made, error))
        if found:
            return tuple(_suspect(case, kind, found[kind]) for kind in FAULTS if kind in found)
    return ()


def _mistakes(site: Site, unseen: frozenset[str], general: bool) -> Iterator[Mistake]:
    """The mistakes that can be made in a stage, and in what it reads that the user does not show."""
    yield from mistakes(site, general)
    for name in site.reads:
        term = is_term(site.program, name)
        if name not in site.program.index or not (term or name in unseen):
            continue
        inner = Site(site.program, site.program.stage(name))
        penalty = inner.stage.operation == "penalty"
        for made in _mistakes(inner, unseen, general):
            if made.kind != "zero" and (not penalty or made.kind in _OF_PENALTY):
                where = "" if term or _WITHIN in made.evidence else f"{_WITHIN}{name})"
                yield replace(made, tree=site.put({name: made.tree}), evidence=made.evidence + where)


def _suspect(case: Evidence, kind: str, found: list[tuple[Mistake, float]]) -> Suspect:
    """One kind: what is seen in the numbers, and the simplest of its formulas that fit."""
    (made, error), name = found[0], case.site.stage.name
    said = {mistake.evidence.partition(_WITHIN)[0]: mistake.evidence for mistake, _ in reversed(found)}
    clauses = list(reversed(said.values()))[:2]
    clause = ", or ".join([clauses[0], *(clause.removeprefix("this is ") for clause in clauses[1:])])
    if not case.size:
        seen = f"{name} is 0 in every cell, where the right values reach {short(_largest(case.right))}"
    elif kind in _SCALE and (factor := times(case)) is not None:
        seen = larger(case, factor)
        if kind in ("sum_for_mean", "mean_for_sum", "m_twice"):
            seen += f", and the batch has m = {case.samples} samples"
        elif kind == "learning_rate":
            seen += f", and the learning rate is {short(float(case.values['learning_rate']))}"
    else:
        versions = "".join(f" with {tensor} {_VERSIONS[version]}" for tensor, version in made.overrides.items() if tensor != name)
        old = {name: Name(f"the {name} of the update before")} if name in made.overrides else {}
        exactly = f"to {error:.0e}" if error else "to the last bit"
        seen = f"{name} equals {to_text(substitute(made.tree, old))}{versions} in every cell, {exactly}"
    return suspect(kind, f"{seen}: {clause}", None if made.overrides else made.tree)


def suspect(kind: str, evidence: str, tree: Tree | None = None) -> Suspect:
    """A row of the catalogue, with what speaks for it."""
    return Suspect(kind, FAULTS[kind].title, evidence, "" if tree is None else to_text(tree))


def pattern(case: Evidence) -> tuple[Suspect, ...]:
    """What the numbers themselves show; empty where nothing."""
    of_any_shape = (_not_summed, _reshaped)
    cell_by_cell = (_samples, _rows, _clipped, _penalty, _factor, _one_cell) if case.comparable else ()
    return next(filter(None, (tuple(look(case)) for look in (*of_any_shape, *cell_by_cell))), ())


def times(case: Evidence) -> float | None:
    """The factor by which all cells, or an update's whole step, are larger than they should be; None where it is not one factor."""
    if not case.comparable:
        return None
    known, start = np.isfinite(case.right), np.zeros(case.right.shape)
    if case.site.updates:
        still = case.value(case.site.put(dict.fromkeys(case.site.moves, Number(0.0))))
        if still is None or still.shape != start.shape:
            return None
        start = still
    wrong, right = (case.wrong - start)[known], (case.right - start)[known]
    norm = float(np.vdot(right, right))
    factor = float(np.vdot(wrong, right)) / norm if norm > 0 else 0.0
    near = factor != 0 and float(np.abs(wrong - factor * right).max()) <= case.allowed
    return factor if near else None


def larger(case: Evidence, factor: float) -> str:
    """That every cell, or a step, is so many times what it should be."""
    number = short(factor, 6)
    if not case.site.updates:
        return f"every cell is {number} times the right value"
    parameter = case.site.stage.name in case.site.program.parameters
    return f"the step is {number} times the right one" if parameter else f"what the gradient adds is {number} times the right value"


def named(case: Evidence, factor: float) -> str:
    """What a factor is, such as ``1/m``; "" where it is nothing that this program has."""
    constants = {name: float(case.values[name]) for name in ("learning_rate", "l2") if name in case.values}
    numbers = {"m": float(case.samples), "the number of outputs": float(case.site.outputs), **constants}
    numbers |= {"m²": numbers["m"] ** 2, "m times the number of outputs": numbers["m"] * numbers["the number of outputs"]}
    numbers |= {f"1/{name}" if name in ("m", "m²") else f"1 / ({name})": 1 / value for name, value in numbers.items() if value}
    for name, value in numbers.items():
        if value not in (0.0, 1.0) and abs(abs(factor) - value) <= 1e-6 * value:
            return f"{'minus ' if factor < 0 else ''}{name.replace('_', ' ')}"
    return ""


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
    if parameter not in program.parameters or parameter not in case.values or case.right.size < 2:
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
    if not case.size or (np.count_nonzero(np.nan_to_num(case.right)) < 2 and not meaning):
        return
    tree = None if case.site.updates else product(literal(float(f"{factor:.6g}")), case.site.tree)
    yield suspect("stray_factor", larger(case, factor) + (f", which is {meaning}" if meaning else ""), tree)


def _one_cell(case: Evidence) -> Iterator[Suspect]:
    if case.wrong.size < 3:
        return
    off = np.flatnonzero(~(np.abs(case.wrong - case.right) <= case.allowed))
    if len(off) == 1 and np.isfinite(case.right).all():
        place = np.unravel_index(int(off[0]), case.wrong.shape)
        cell = cell_name(case.site.stage.name, tuple(map(int, place)))
        theirs, right = short(float(case.wrong[place])), short(float(case.right[place]))
        yield suspect("one_cell", f"only {cell} is off: {theirs} where {right} is right; the other {case.wrong.size - 1} are right")
