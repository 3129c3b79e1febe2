"""The diagnosis of a wrong stage: which mistake gives exactly the numbers that are there.

Every formula of the catalogue with one mistake in it is evaluated on this batch, and those that give the user's numbers in every
cell are named; then come patterns that no formula expresses. Nothing is guessed: where no mistake gives these numbers, the answer
is empty, and where several do, this batch cannot tell them apart and all of them are named.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.core.record import replace
from bpdebug.core.render import to_text
from bpdebug.core.tree import Name, substitute
from bpdebug.trust.case import Evidence, fitted
from bpdebug.trust.faults import FAULTS, mistakes
from bpdebug.trust.finding import Suspect
from bpdebug.trust.patterns import larger, pattern, suspect, times
from bpdebug.trust.site import AFTER, PREVIOUS, RESHAPED, Mistake, Site, is_term, meant

_SCALE = ("sum_for_mean", "mean_for_sum", "m_twice", "outputs_factor", "learning_rate", "stray_factor")
_OF_PENALTY = ("l2_factor", "sign", "updated_before_used", "wrong_layer", "stale")
_WITHIN = " (in "
"""Begins the name of the stage in which a mistake was made, where it is not the one that is off."""
_VERSIONS = {AFTER: "as it is after the update", PREVIOUS: "of the update before", RESHAPED: "reshaped instead of transposed"}


def diagnose(evidence: Evidence) -> tuple[Suspect, ...]:
    """What the mistake probably is, the likeliest first.

    Returns:
        Nothing where no mistake of the catalogue gives these numbers, or where they are right; several where this batch cannot
        tell them apart.
    """
    with np.errstate(all="ignore"):
        case = _case(evidence)
        if case is None or case.distance <= case.tolerance * max(case.size, _largest(case.right)):
            return ()
        old = _forward_edited(case.site) and case.value(case.site.tree)
        if isinstance(old, np.ndarray) and not _agree(old, case.right) and case.explains(old):
            return _of_changed_formula(case)
        return _named(case) or pattern(case)


def _largest(right: Array) -> float:
    return float(np.nanmax(np.abs(right), initial=0.0))


def _case(evidence: Evidence) -> Evidence | None:
    """The evidence with its right value by the derived formula where that is the right one; None where there is nothing to compare."""
    site, wrong, right = evidence.site, np.asarray(evidence.wrong), np.asarray(evidence.right)
    if not wrong.size or wrong.dtype.kind not in "biuf" or not np.isfinite(wrong).all():
        return None
    terms = {name: evidence.value(meant(site.program.stage(name)).tree) for name in site.reads if is_term(site.program, name)}
    case = replace(evidence, values={**evidence.values, **{name: value for name, value in terms.items() if value is not None}})
    derived, wrong = case.value(site.tree), wrong.astype(np.float64)
    right = right if derived is None or (_forward_edited(site) and not _agree(derived, right)) else derived
    same = fitted(wrong, right.shape) if wrong.size == right.size else None
    return replace(case, wrong=wrong if same is None else same, right=right)


def _agree(derived: Array, right: Array) -> bool:
    """Whether two right values are the same, where both are known, as far as differences of the loss can tell."""
    known = np.isfinite(right)
    if derived.shape != right.shape or not known.any():
        return False
    return bool(np.allclose(derived[known], right[known], 1e-4, 1e-6 * _largest(right)))


def _forward_edited(site: Site) -> bool:
    """Whether the stage is the derivative of a formula that a user has replaced, so that the derived one may not be right."""
    return bool(site.stage.of) and any(site.program.stage(name).edited for name in _consumers(site))


def _consumers(site: Site) -> list[str]:
    """The forward stages that the stage is a derivative of."""
    tensors = site.program.tensors
    parts = [tensors[name].through for name in site.reads if name in tensors]
    through = [part for part in parts if part] if site.node is None else [site.node.output]
    last = site.loss or site.kin.penalties & set(through)
    return [name for name in (*through, *([site.program.loss] if last else [])) if name in site.program.index]


def _of_changed_formula(case: Evidence) -> tuple[Suspect, ...]:
    site = case.site
    changed = next(stage for stage in map(site.program.stage, _consumers(site)) if stage.edited)
    return (suspect("forward_changed", f"{changed} is your own formula, and {site.stage.name} is still the derivative of the old one"),)


def _named(case: Evidence) -> tuple[Suspect, ...]:
    """The rows of the catalogue that give these numbers; what says little only where nothing says more."""
    for general in (False, True):
        found: dict[str, list[tuple[Mistake, float]]] = {}
        for made in _mistakes(case.site, case.unseen, general):
            if (made.kind != "y_broadcast" or case.can_pair) and (error := case.error(case.value(made.tree, made.overrides))) is not None:
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
    """One kind, with the simplest of its formulas that fit."""
    made, error = found[0]
    said = {mistake.evidence.partition(_WITHIN)[0]: mistake.evidence for mistake, _ in reversed(found)}
    clauses = list(reversed(said.values()))[:2]
    clause = ", or ".join([clauses[0], *(clause.removeprefix("this is ") for clause in clauses[1:])])
    tree = None if made.overrides else made.tree
    return suspect(kind, f"{_observed(case, kind, made, error)}: {clause}", tree)


def _observed(case: Evidence, kind: str, made: Mistake, error: float) -> str:
    """What is seen in the numbers."""
    name = case.site.stage.name
    if not case.size:
        return f"{name} is 0 in every cell, where the right values reach {short(_largest(case.right))}"
    factor = times(case) if kind in _SCALE else None
    if factor is not None:
        return larger(case, factor) + _scalars(case, kind)
    versions = "".join(f" with {tensor} {_VERSIONS[version]}" for tensor, version in made.overrides.items() if tensor != name)
    old = {name: Name(f"the {name} of the update before")} if name in made.overrides else {}
    return (
        f"{name} equals {to_text(substitute(made.tree, old))}{versions} in every cell, {f'to {error:.0e}' if error else 'to the last bit'}"
    )


def _scalars(case: Evidence, kind: str) -> str:
    if kind in ("sum_for_mean", "mean_for_sum", "m_twice"):
        return f", and the batch has m = {case.samples} samples"
    return f", and the learning rate is {short(float(case.values['learning_rate']))}" if kind == "learning_rate" else ""
