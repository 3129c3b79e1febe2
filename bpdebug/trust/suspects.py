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
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Name, substitute
from bpdebug.trust.case import Evidence, fitted
from bpdebug.trust.faults import FAULTS, mistakes
from bpdebug.trust.finding import Suspect
from bpdebug.trust.patterns import larger, pattern, suspect, times
from bpdebug.trust.site import AFTER, PREVIOUS, RESHAPED, Mistake, Site, is_term

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
    last = [program.loss] if site.loss or site.kin.penalties & set(through) else []
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
