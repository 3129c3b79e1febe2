"""The diagnosis of a wrong stage: which mistake gives exactly the numbers that are there.

Every formula of the catalogue with one mistake in it is evaluated on this batch, and those that give the user's numbers in every
cell are named; then come patterns that no formula expresses, and two mistakes at once. Nothing is guessed: where no mistake gives
these numbers, the answer is empty, and where several do that other numbers would tell apart, all of them are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain, islice

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.misfits import shape_text
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.parser import Formula
from bpdebug.core.products import without_ones
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Name, Tree, Unary, substitute, walk
from bpdebug.core.writing import to_text
from bpdebug.trust.case import Evidence, Operands, fitted, world
from bpdebug.trust.factors import TOLD, scale
from bpdebug.trust.faults import FAULTS, mistakes
from bpdebug.trust.finding import Suspect, largest
from bpdebug.trust.patterns import larger, pattern, scaled, suspect, times
from bpdebug.trust.report import counted
from bpdebug.trust.rules import written
from bpdebug.trust.site import AFTER, LAGGING, PREVIOUS, RESHAPED, SHIFTED, TURNED, Mistake, Site, is_term

_OVER_SAMPLES = ("sum_for_mean", "mean_for_sum", "m_twice")
SCALE = (*_OVER_SAMPLES, "outputs_factor", "learning_rate", "stray_factor")
"""Kinds that are a factor."""
_OF_PENALTY = ("l2_factor", "sign", "updated_before_used", "wrong_layer", "stale")
WITHIN = " (in "
"""Begins the name of the stage in which a mistake was made, where it is not the one that is off."""
_MOST_PAIRS = 4_000_000
"""Cells of a table of all pairs of samples that are looked at."""
_MOST_ROWS = 200
"""Samples of a batch that is made up, if the present one has more."""
_CHANCE = 1e-3
"""How probable a coincidence may be without being spoken of."""
_EXACTLY, _NEAR = 1e-13, 1e-10
"""Where one mistake gives the numbers as exactly as the first, one that is further off than the second is none."""
_ALONE = (*SCALE, "sign", "zero", "another_loss_sum")
"""Kinds that are a factor, or make one of no account."""
_LIKELY = (
    "sign sum_for_mean mean_for_sum m_twice activation_missing activation_part another_activation another_loss transposed pre_activation "
    "da_for_dz wrong_layer coefficient value_for_slope another_slope exchanged term_missing factor_missing"
)
"""Kinds of which two are made at once."""
_MOST_TWICE, _LONGEST, _SHOWN = 1500, 2000, 200
"""Pairs of mistakes that are tried; nodes of a formula in which a part is looked for that is to be changed;
characters of a formula that is shown."""
_MOST_TOLD = 3
"""Mistakes that are named where they cannot be told apart."""
_VERSIONS = {
    AFTER: "as it is after the update",
    PREVIOUS: "of the update before",
    RESHAPED: "reshaped instead of transposed",
    TURNED: "from the other end of the window",
    SHIFTED: "of the row before",
    LAGGING: "of the row after",
}


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
        terms = {name: evidence.value(_of(site, name).tree) for name in site.reads if is_term(site.program, name)}
        case = replace(evidence, values={**evidence.values, **{name: value for name, value in terms.items() if value is not None}})
        derived, edited, wrong = case.value(site.tree), _edited(site), wrong.astype(np.float64)
        same = fitted(wrong, right.shape) if wrong.size == right.size else None
        old = edited is not None and derived is not None and not _agree(derived, right)
        right = right if derived is None or old else derived
        case = replace(case, wrong=wrong if same is None else same, right=right)
        if case.distance <= case.tolerance * max(case.size, largest(right)):
            shape, due = evidence.wrong.shape, right.shape
            says = f"{site.stage.name} is {shape_text(shape)} and has the numbers of the {shape_text(due)} that is due"
            return (suspect("transposed", says),) * (shape != due and shape[::-1] == due)
        if edited and old and case.explains(derived):
            if site.stage.of in edited.formula.names and edited.name not in _used_by(site):
                more = f"{edited} is your own formula, and reads {site.stage.of}, too: what comes back on that path is left out"
                return (suspect("path_missing", more),)
            says = f"{edited} is your own formula, and {site.stage.name} is still the derivative of the old one"
            return (suspect("forward_changed", says),)
        return _Search(case).suspects()


class _Search:
    """Goes through the catalogue with one case."""

    def __init__(self, case: Evidence) -> None:
        self.case, self.tried = case, 0
        self.near: list[Mistake] = []

    def suspects(self) -> tuple[Suspect, ...]:
        """One mistake, a pattern, or two mistakes."""
        case = self.case
        one = self._told(filter(self._fits, chain(_mistakes(case.site, case.unseen), scaled(case)))) or pattern(case)
        if one or (case.single and case.formula is None):
            return one
        kinds = _LIKELY.split()
        alone = [] if case.site.updates else [made for made in self.near if made.kind not in _ALONE]
        likely = (made for made in mistakes(case.site) if made.kind in kinds and not made.overrides)
        again = partial(mistakes, only=kinds, again=True)
        return self._told(self._twice(alone, _sizes))[:1] or self._told(self._twice(likely, again))[:1] or self._mended()

    def _mended(self) -> tuple[Suspect, ...]:
        """The user's own formula with one part of it changed so that it is right, or a multiple of that: here, and on other numbers."""
        if (case := self.case).formula is None or sum(1 for _ in islice(walk(case.formula), _LONGEST)) == _LONGEST:
            return ()
        others = [one for one in _worlds(case, min(case.samples, _MOST_ROWS) + 1) if one]
        due, found = [value for one in others if (value := one.value(case.site.tree)) is not None], dict[float, Suspect]()
        meant = replace(
            case, stage=replace(case.stage, formula=Formula.of(case.formula), original=None), wrong=case.right, right=case.wrong
        )
        for made in mistakes(meant.site, again=True) if due else ():
            with suppress(IndexError, ValueError):
                value = meant.value(made.tree) if 1.0 not in found and meant.in_proportion(made) else None
                times = scale(value, case.right, _NEAR) or 0.0 if value is not None else 0.0
                times = 1.0 if abs(times - 1) < _NEAR else times
                if times <= 0 or not replace(meant, wrong=times * case.right).explains(value):
                    continue
                if all(_same(times * right, one.value(made.tree)) for right, one in zip(due, others, strict=False)):
                    says = f"{case.stage.name} = {to_text(made.tree)} is right" + f", {short(times, 6)} times it" * (times != 1)
                    found.setdefault(times, suspect("one_part", says, case.formula))
        return (found[min(found, key=lambda times: abs(times - 1))],) if found else ()

    def _fits(self, made: Mistake) -> bool:
        """Whether a mistake gives the wrong numbers; one that gives them in another size is remembered."""
        case = self.case
        self.tried += 1
        try:
            if (made.kind == "y_broadcast" and case.samples**2 > _MOST_PAIRS) or not case.in_proportion(made):
                return False
        except (IndexError, ValueError):  # a place that is not there, which only the run can tell
            return False
        fits = case.explains(case.value(made.tree, made.overrides))
        self.near += [made] * (not fits)
        return fits

    def _twice(self, firsts: Iterable[Mistake], seconds: Callable[[Site], Iterable[Mistake]]) -> Iterator[Mistake]:
        """Two mistakes in one formula, and only so many of them."""
        case, left, known = self.case, _MOST_TWICE, {self.case.site.tree}
        for first in firsts:
            if (first.tree in known and not first.overrides) or case.operands.cells(first.tree) is None:
                continue
            known.add(first.tree)
            stage = replace(case.stage, formula=first.formula, original=None)
            for second in islice(seconds(Site(case.program, stage, case.samples)), left):
                left -= 1
                says = f"{first.evidence}; besides, {second.evidence}"
                made = Mistake(f"{first.kind}+{second.kind}", second.tree, says, first.overrides)
                yield from [made] * self._fits(made)

    def _told(self, fits: Iterable[Mistake]) -> tuple[Suspect, ...]:
        """Each mistake that other numbers would tell from the rest; those alone that are the user's own formula, where that is known."""
        case, formula, found = self.case, self.case.formula, self._nearest([*fits])
        others = _worlds(case, min(case.samples, _MOST_ROWS) + 1) if len(found) > 1 else []
        groups: list[tuple[list[Array | None], list[Mistake]]] = []
        for made in found:
            values = [None if one is None else one.value(made.tree, made.overrides) for one in others]
            group = next((members for known, members in groups if all(map(_same, known, values))), None)
            if group is None:
                groups.append((values, [made]))
            else:
                group.append(made)
        told = [members for _, members in groups]
        if told and formula is not None and case.samples <= _MOST_ROWS:
            own = [(one, one.value(formula)) for one in _worlds(case, case.samples) if one]
            told = [some for some in told if all(_same(value, one.value(some[0].tree, some[0].overrides)) for one, value in own)]
        kinds = [same for members in told for same in _by_kind(members, formula and without_ones(formula))]
        factors = [made for same in kinds if same[0].kind == "stray_factor" for made in same]  # one suspect, whichever number it is
        kinds = [same for same in kinds if same[0].kind != "stray_factor"] + [factors] * bool(factors)
        return tuple(map(self._suspect, kinds))[:_MOST_TOLD]

    def _nearest(self, found: list[Mistake]) -> list[Mistake]:
        """Those that give the numbers but for rounding, where some do: what only comes near them besides is another mistake."""
        errors = [self.case.error(self.case.value(made.tree, made.overrides)) or 0.0 for made in found]
        far = _NEAR if min(errors, default=0.0) < _EXACTLY else np.inf
        return [made for made, error in zip(found, errors, strict=True) if error <= far]

    def _suspect(self, found: list[Mistake]) -> Suspect:
        """One mistake: what is seen in the numbers, and the simplest of its formulas that fit."""
        case, made, said = self.case, found[0], dict[str, str]()
        name, factor = case.site.stage.name, times(case) if made.kind in SCALE else None
        weak = " (a single number: weak evidence)" * self._weak
        for one in found:
            said.setdefault(one.evidence.partition(WITHIN)[0], one.evidence)
        first, *more = list(said.values())[:2]
        if not case.size:
            seen = f"{name} is 0 in every cell, where the right values reach {short(largest(case.right))}"
        elif factor is not None:
            seen = larger(case, factor)
            if meanings := [one.says for one in found if one.parts.get("factor")]:
                seen += f", which is {', or '.join(meanings[:TOLD])}"
                return suspect(made.kind, seen + weak, None if case.site.updates else made.tree)
            if made.kind in _OVER_SAMPLES:
                seen += f", and the batch has m = {counted(case.samples)}"
            elif made.kind == "learning_rate":
                seen += f", and the learning rate is {short(float(case.values['learning_rate']))}"
        else:
            error = case.error(case.value(made.tree, made.overrides))
            versions = "".join(f" with {tensor} {_VERSIONS[version]}" for tensor, version in made.overrides.items() if tensor != name)
            old = {name: Name(f"the {name} of the update before")} if name in made.overrides else {}
            exactly = f"to {error:.0e}" if error else "to the last bit"
            shown = f"{name} equals {text} " if len(text := to_text(substitute(made.tree, old))) <= _SHOWN else ""
            seen = f"{shown}{versions.lstrip() + ' ' if versions else ''}in every cell, {exactly}"
        clause = ", or ".join([first, *(other.removeprefix("this is ") for other in more)])
        return suspect(made.kind, f"{seen}: {clause}{weak}", None if made.overrides else made.tree)

    @property
    def _weak(self) -> bool:
        """Whether so many formulas were tried that one of them may have hit a single number, of so few digits, by chance."""
        case = self.case
        if not case.single or not case.size or (case.formula is not None and case.samples <= _MOST_ROWS):
            return False
        digits = len(np.format_float_scientific(case.size, trim="-").partition("e")[0].replace(".", ""))
        places = case.wrong.size * (np.unique(np.sign(case.wrong)).size > 1)  # zeros and signs have to be at the right ones, too
        return self.tried * max(10.0**-digits, case.allowed / case.size) * 0.5**places > _CHANCE


def _sizes(site: Site) -> Iterator[Mistake]:
    """What makes a formula larger or smaller, or turns its sign."""
    says = "every sign is flipped"
    yield Mistake("sign", Unary("-", site.tree), says)
    for made in written(site, sizes=True):
        yield made
        yield replace(made, tree=Unary("-", made.tree), says=f"{says}, and {made.says}")


def _worlds(case: Evidence, rows: int) -> list[Operands | None]:
    """Other numbers, twice, for batches of so many samples."""
    return [world(case.program, case.stage, case.values, rows, seed) for seed in range(2)]


def _by_kind(found: list[Mistake], own: Tree | None) -> Iterator[list[Mistake]]:
    """The same formula under each name that says something; under one that says little only where it has no other, and then as it is
    written, where that is known."""
    kinds = dict.fromkeys(made.kind for made in found)
    if "+" in found[0].kind:  # two mistakes, of which the first pair that fits is the likeliest
        yield found[:1]
        return
    telling = [kind for kind in kinds if not FAULTS[kind].general]
    telling = [kind for kind in telling if kind != "stray_factor" or any(made.kind == kind and not made.parts for made in found)] or telling
    telling = [kind for kind in telling if kind != "da_for_dz" or "activation_missing" not in telling]  # the same in other words
    telling += ["term_missing"] if telling == ["another_loss"] and "term_missing" in kinds else []
    if not telling:
        found = [made for made in found if made.tree == own] or found
        telling = list(dict.fromkeys(made.kind for made in found))
    yield from ([made for made in found if made.kind == kind] for kind in telling)


def _same(one: Array | None, other: Array | None) -> bool:
    """Whether two values are the same but for rounding."""
    if one is None or other is None or one.shape != other.shape:
        return False
    return bool(np.allclose(one, other, 1e-9, 1e-11 * largest(one), equal_nan=True))


def _agree(derived: Array, right: Array) -> bool:
    """Whether two right values are the same, where both are known, as far as differences of the loss can tell."""
    known = np.isfinite(right)
    if derived.shape != right.shape or not known.any():
        return False
    return bool(np.allclose(derived[known], right[known], 1e-4, 1e-6 * largest(right)))


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


def _of(site: Site, name: str) -> Site:
    """Another stage of the same program."""
    return Site(site.program, site.program.stage(name), site.rows)


def _mistakes(site: Site, unseen: frozenset[str]) -> Iterator[Mistake]:
    """The mistakes that can be made in a stage, and in what it reads that the user does not show."""
    yield from mistakes(site)
    for name in site.reads:
        term = is_term(site.program, name)
        if name in site.program.index and (term or name in unseen):
            inner = _of(site, name)
            for made in _mistakes(inner, unseen):
                if made.kind != "zero" and (inner.stage.operation != "penalty" or made.kind in _OF_PENALTY):
                    where = "" if term or WITHIN in made.says else f"{WITHIN}{name})"
                    yield replace(made, tree=site.put({name: made.tree}), says=made.says + where)
