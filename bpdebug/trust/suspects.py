"""The diagnosis of a wrong stage: which mistake gives exactly the numbers that are there.

Every formula of the catalogue with one mistake in it is evaluated on this batch, and those that give the user's numbers in every
cell are named; then come patterns that no formula expresses, and two mistakes at once. Nothing is guessed: where no mistake gives
these numbers, the answer is empty, and where several do that other numbers would tell apart, all of them are named.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.render import to_text
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import shape_text
from bpdebug.core.tree import ONE, Name, Unary, product, substitute
from bpdebug.trust.case import Evidence, fitted
from bpdebug.trust.faults import FAULTS, mistakes
from bpdebug.trust.finding import Suspect
from bpdebug.trust.multiples import larger, scale_of, times
from bpdebug.trust.operands import Operands, world
from bpdebug.trust.patterns import pattern, suspect
from bpdebug.trust.site import AFTER, PREVIOUS, RESHAPED, Mistake, Site, is_term

_SCALE = ("sum_for_mean", "mean_for_sum", "m_twice", "outputs_factor", "learning_rate", "stray_factor")
_OF_PENALTY = ("l2_factor", "sign", "updated_before_used", "wrong_layer", "stale")
_WITHIN = " (in "
"""Begins the name of the stage in which a mistake was made, where it is not the one that is off."""
_MOST_PAIRS = 4_000_000
"""Cells of a table of all pairs of samples that are looked at."""
_MOST_ROWS = 200
"""Samples of a batch that is made up, if the present one has more."""
_CHANCE = 1e-3
"""How probable a coincidence may be without being spoken of."""
_ALONE = ("sign", "zero", "stray_factor", "sum_for_mean", "mean_for_sum", "m_twice", "outputs_factor", "learning_rate", "another_loss_sum")
"""Kinds that are a factor, or make one of no account."""
_LIKELY = (
    "sign sum_for_mean mean_for_sum m_twice activation_missing activation_part another_activation another_loss transposed pre_activation",
    "da_for_dz wrong_layer coefficient value_for_slope another_slope exchanged term_missing factor_missing",
)
"""Kinds of which two are made at once."""
_MOST_TWICE = 1500
"""Pairs of mistakes that are tried."""
_MOST_TOLD = 3
"""Mistakes that are named where they cannot be told apart."""
_VERSIONS = {AFTER: "as it is after the update", PREVIOUS: "of the update before", RESHAPED: "reshaped instead of transposed"}


class Fit(Record, eq=False):
    """A mistake that gives the wrong numbers, and how exactly."""

    made: Mistake
    error: float


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
            return _lying(evidence.wrong.shape, right.shape, site.stage.name)
        if edited and derived is not None and not _agree(derived, right) and case.explains(derived):
            if site.stage.of in edited.formula.names and edited.name not in _used_by(site):
                more = f"{edited} is your own formula, and reads {site.stage.of}, too: what comes back on that path is left out"
                return (suspect("path_missing", more),)
            old = f"{edited} is your own formula, and {site.stage.name} is still the derivative of the old one"
            return (suspect("forward_changed", old),)
        return _Search(case).suspects()


class _Search:
    """Goes through the catalogue with one case."""

    def __init__(self, case: Evidence) -> None:
        self.case, self.tried = case, 0
        self._made: dict[tuple[int, int], tuple[Operands | None, ...]] = {}
        self.scaled: list[tuple[Mistake, float]] = []

    def suspects(self) -> tuple[Suspect, ...]:
        """One mistake, a pattern, or two mistakes."""
        one = self._told(list(self._fits(_mistakes(self.case.site, self.case.unseen)))) or pattern(self.case)
        return one or self._told(list(self._scaled_fits()))[:1] or self._told(list(self._twice()))[:1]

    def _scaled_fits(self) -> Iterator[Fit]:
        """Mistakes that are too large or too small by a factor, or have the other sign, besides."""
        case = self.case
        for made, ratio in () if case.site.updates or (case.single and case.formula is None) else self.scaled:
            also = None if made.kind in _ALONE else scale_of(case, ratio)
            if also is None:
                continue
            kind, factor, says = also
            tree = Unary("-", made.tree) if factor == Unary("-", ONE) else product(factor, made.tree)
            if (error := case.error(case.value(tree, made.overrides))) is not None:
                both = replace(made, kind=f"{made.kind}+{kind}", tree=tree, says=f"{made.says}; besides, {says}")
                yield Fit(both, error)

    def _twice(self) -> Iterator[Fit]:
        """Two mistakes in one formula: of the likelier kinds, and only so many."""
        case, known = self.case, {self.case.site.tree}
        if case.single and case.formula is None:
            return
        left, kinds = _MOST_TWICE, " ".join(_LIKELY).split()
        for first in mistakes(case.site):
            if first.kind not in kinds or first.overrides or first.tree in known or case.operands.shape(first.tree) is None:
                continue
            known.add(first.tree)
            stage = replace(case.stage, formula=Formula.of(first.tree), original=None)
            for second in mistakes(Site(case.program, stage, case.samples), kinds, again=True):
                left -= 1
                if left < 0:
                    return
                made = replace(second, kind=f"{first.kind}+{second.kind}", says=f"{first.evidence}; besides, {second.evidence}", parts={})
                ratio = None if second.overrides else case.ratio(made)
                error = None if ratio is None else case.error(case.value(made.tree))
                if error is not None:
                    yield Fit(made, error)

    def _fits(self, found: Iterator[Mistake]) -> Iterator[Fit]:
        for made in found:
            if made.kind == "y_broadcast" and self.case.samples**2 > _MOST_PAIRS:
                continue
            self.tried += 1
            ratio = self.case.ratio(made)
            if ratio is None:
                continue
            error = self.case.error(self.case.value(made.tree, made.overrides))
            if error is not None:
                yield Fit(made, error)
            else:
                self.scaled.append((made, ratio))

    def _told(self, fits: list[Fit]) -> tuple[Suspect, ...]:
        """Each mistake that other numbers would tell from the rest; those alone that are the user's own formula, where that is known."""
        groups: list[tuple[list[Array | None], list[Fit]]] = []
        for fit in fits:
            values = [None if one is None else one.value(fit.made.tree, fit.made.overrides) for one in self._worlds(len(fits))]
            group = next((members for known, members in groups if all(map(_same, known, values))), None)
            if group is None:
                groups.append((values, [fit]))
            else:
                group.append(fit)
        told = [members for _, members in groups]
        if self.case.formula is not None and self.case.samples <= _MOST_ROWS:
            told = [members for members in told if self._is_own(members[0].made)]
        return tuple(self._suspect(same) for members in told for same in _by_kind(members))[:_MOST_TOLD]

    def _worlds(self, fits: int) -> tuple[Operands | None, ...]:
        """Other numbers, and another number of samples."""
        return self._others(min(self.case.samples, _MOST_ROWS) + 1, 2) if fits > 1 else ()

    def _is_own(self, made: Mistake) -> bool:
        """Whether it is the user's own formula on any numbers."""
        formula = self.case.formula
        if formula is None:
            return False
        others = [one for one in self._others(self.case.samples, 2) if one is not None]
        return all(_same(one.value(formula), one.value(made.tree, made.overrides)) for one in others)

    def _others(self, rows: int, count: int) -> tuple[Operands | None, ...]:
        case, key = self.case, (rows, count)
        if key not in self._made:
            self._made[key] = tuple(world(case.program, case.stage, case.values, rows, seed) for seed in range(count))
        return self._made[key]

    def _suspect(self, found: list[Fit]) -> Suspect:
        """One mistake: what is seen in the numbers, and the simplest of its formulas that fit."""
        case, made, error = self.case, found[0].made, found[0].error
        kind, name = made.kind, case.site.stage.name
        said = {fit.made.evidence.partition(_WITHIN)[0]: fit.made.evidence for fit in reversed(found)}
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
        weak = " (a single number: weak evidence)" * self._weak
        return suspect(kind, f"{seen}: {clause}{weak}", None if made.overrides else made.tree)

    @property
    def _weak(self) -> bool:
        """Whether so many formulas were tried that one of them may have hit a single number, of so few digits, by chance."""
        case = self.case
        if not case.single or not case.size or (case.formula is not None and case.samples <= _MOST_ROWS):
            return False
        digits = len(np.format_float_scientific(case.size, trim="-").partition("e")[0].replace(".", ""))
        return self.tried * max(10.0**-digits, case.allowed / case.size) > _CHANCE


def _by_kind(found: list[Fit]) -> Iterator[list[Fit]]:
    """The same formula under each name that says something; under one that says little only where it has no other."""
    kinds = dict.fromkeys(fit.made.kind for fit in found)
    if "+" in found[0].made.kind:  # two mistakes, of which the first pair that fits is the likeliest
        yield found[:1]
        return
    telling = [kind for kind in kinds if not FAULTS[kind].general]
    telling += ["term_missing"] if telling == ["another_loss"] and "term_missing" in kinds else []
    telling = telling or [*kinds]
    yield from ([fit for fit in found if fit.made.kind == kind] for kind in telling)


def _same(one: Array | None, other: Array | None) -> bool:
    """Whether two values are the same but for rounding."""
    if one is None or other is None or one.shape != other.shape:
        return False
    size = float(np.max(np.abs(one), initial=0.0, where=np.isfinite(one)))
    return bool(np.allclose(one, other, 1e-9, 1e-11 * size, equal_nan=True))


def _lying(shape: tuple[int, ...], due: tuple[int, ...], name: str) -> tuple[Suspect, ...]:
    """Of a vector that lies where it should stand the numbers are right, and only its shape tells."""
    turned = shape != due and shape[::-1] == due
    return (suspect("transposed", f"{name} is {shape_text(shape)} and has the numbers of the {shape_text(due)} that is due"),) * turned


def _largest(right: Array) -> float:
    return float(np.nanmax(np.abs(right), initial=0.0))


def _agree(derived: Array, right: Array) -> bool:
    """Whether two right values are the same, where both are known, as far as differences of the loss can tell."""
    known = np.isfinite(right)
    if derived.shape != right.shape or not known.any():
        return False
    return bool(np.allclose(derived[known], right[known], 1e-4, 1e-6 * _largest(right)))


def _used_by(site: Site) -> list[str]:
    """The tensors through which a gradient comes back, as it was derived."""
    program = site.program
    parts = [program.tensors[name].through for name in site.reads if name in program.tensors]
    return [part for part in parts if part] if site.node is None else [site.node.output]


def _edited(site: Site) -> Stage | None:
    """The formula that a user has replaced, where the stage is a derivative of it, so that the derived one may not be right."""
    program, through = site.program, _used_by(site)
    last = [program.loss] if site.loss or site.penalties & set(through) else []
    stages = [program.stage(name) for name in (*through, *last) if name in program.index and site.stage.of]
    more = [stage for stage in program.stages if not stage.of and stage.phase is not Phase.UPDATE and site.stage.of in stage.formula.names]
    return next((stage for stage in (*stages, *more) if stage.edited), None)


def _mistakes(site: Site, unseen: frozenset[str]) -> Iterator[Mistake]:
    """The mistakes that can be made in a stage, and in what it reads that the user does not show."""
    yield from mistakes(site)
    for name in site.reads:
        term = is_term(site.program, name)
        if name not in site.program.index or not (term or name in unseen):
            continue
        inner = Site(site.program, site.program.stage(name), site.rows)
        penalty = inner.stage.operation == "penalty"
        for made in _mistakes(inner, unseen):
            if made.kind != "zero" and (not penalty or made.kind in _OF_PENALTY):
                where = "" if term or _WITHIN in made.says else f"{_WITHIN}{name})"
                yield replace(made, tree=site.put({name: made.tree}), says=made.says + where)
