"""Which line of a script is wrong where the gradients of its parameters are: the one whose repair mends them. Repaired are all values
that a line makes, in each turn of its loop and in each call of its function: in their place the derived numbers are put, and the script's
own formulas run on. The line is named after whose repair the most parameters have the right gradient.
"""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.tree import Transpose
from bpdebug.frontends.numpy_script.aliases import Blamed, Place, renamed
from bpdebug.frontends.numpy_script.alike import Directions, multiplies
from bpdebug.frontends.numpy_script.families import Families
from bpdebug.frontends.numpy_script.fits import Differentiated
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.multiples import penalized, scale, told_apart
from bpdebug.frontends.numpy_script.names import unversioned
from bpdebug.frontends.numpy_script.paths import Paths
from bpdebug.frontends.numpy_script.patience import Patience
from bpdebug.frontends.numpy_script.recording import Line, Recording, Statement
from bpdebug.frontends.numpy_script.replay import Replay
from bpdebug.frontends.numpy_script.scalings import arriving, different, frequent, plainness, usual_of
from bpdebug.frontends.numpy_script.statement import adds

_LINES, _FAULTS = 40, 4
"""Lines that are tried; mistakes that are looked for."""
_ALIKE = 1e-3
"""Relative: factors that are as near are the same."""
Values = Mapping[str, Array]
Search = Callable[[Statement, Values], Iterator[tuple[str, str, Array]]]
"""What a value may be meant to be: by which gradient of his that shows, of which tensor that is the gradient, and the right numbers."""
Repaired = tuple[dict[str, Array], dict[str, str], dict[str, str]]
"""Values, and what is meant and through what, as in :class:`Blamed`."""


class Blame:
    """The search for the lines that are wrong.

    Args:
        recording, loss: the script, and what is derived from it.
        own: what may be a gradient of his, in his order.
        ends: the value that a parameter is moved by, by the parameter.
        near, patience: how far gradients may be off, and for how long lines are looked for.

    Attributes:
        found: the lines, as they were found; none where all is right, or nothing mends it.
        own, ends, patience: as given; live: the parameters that are looked at.
        right, mended: whether all parameters have it, but for one factor; whether they have with the lines that were found.
        late: whether they have it as soon as no weight is used after it was changed.
        times, factors: that factor, and what each gradient is times the right one, in the end.
        meant, through: those of all lines.
    """

    def __init__(
        self, recording: Recording, loss: Differentiated, own: Sequence[Statement], ends: Mapping[str, str], near: float, patience: Patience
    ) -> None:
        self._recording, self._near, self.own, self.patience = recording, near, own, patience
        self._due, self._paths = {**loss.gradients, **loss.parts}, Paths(recording, loss)
        self._tried, self._families, self.ends = different(recording, loss), Families(recording, loss.gradients, loss.parts), ends
        looked = {name: self._due[name] for name in loss.program.parameters if name in ends and name in self._due}
        live = [name for name in told_apart(looked) if self._due[name].any()]
        several = [name for name in live if self._due[name].size > 1]  # of a single number any other one is a multiple
        self.live = several if len(several) > 2 else live
        self._values = dict(recording.values[-1])
        self._forward, self._told = {name for name, _ in loss.forward}, Directions(self._due.values())
        self._replay = Replay(
            later := [one for one in recording.statements if one.formula and one.name in self._values.keys() - self._forward]
        )
        self._names, self._made_at = {one.name for one in own}, {(one.name, one.made) for one in own}
        self.found, self._inner = list[Blamed](), {one.name: (one.made, one.reads) for one in later if one.inner}
        single = all(self._due[name].size == 1 for name in self.live)  # each is some multiple of any other
        moved = {*self.live} <= {*loss.steps}  # all by one number times the gradient
        self._climbs = moved and all(step < 0 for step in loss.steps.values()) and not loss.raised
        self._odd = usual_of(self._factors(self._values)) if loss.odd else 0.0
        self.right = single or (moved and not self._climbs) or self._is_mended()
        self.late = not self.right and self._is_late()
        self.right = self.right or self.late
        while not self.right and len(self.found) < _FAULTS and not self._is_mended():
            best = self._best()
            if best is None:
                break
            self._values = best[1]
            self.found.append(best[0])
        self.mended, self.factors = self._score(self._values)[0] == len(self.live), self._factors(self._values)
        self.times = usual_of(self.factors)
        self.meant = {name: tensor for one in self.found if not one.places for name, tensor in one.meant.items()}
        self.through = {name: factor for one in self.found for name, factor in one.through.items()}

    # what is right

    def _factors(self, values: Values) -> dict[str, float]:
        """What the gradients of parameters are times the right ones; some of the parameter may be added to each."""
        found, shares = dict[str, float](), dict[tuple[float, float], None]()
        for name in sorted(self.live, key=lambda name: self._due[name].size == 1):  # of single numbers only the share of others tells
            theirs, right = values[self.ends[name]], self._due[name]
            share = penalized(theirs, right, values[name], self._near, shares)
            shares |= {share: None} if share else {}
            if factor := share[0] if share else scale(theirs, right, self._near):
                found[name] = factor
        return {name: found[name] for name in self.live if name in found}

    def _score(self, values: Values) -> tuple[int, float]:
        """How many parameters have the right gradient but for one factor, and how plain that is; none with an odd one."""
        factors = self._factors(values)
        usual = usual_of(factors)
        if self._odd and abs(usual / self._odd - 1) < _ALIKE:
            return 0, 0.0
        return sum(abs(factor / usual - 1) < _ALIKE for factor in factors.values()), plainness(usual)

    def _is_mended(self) -> bool:
        """Whether all parameters have the right gradient but for one factor, which is no sign that turns their steps uphill."""
        factors = self._factors(self._values)
        return self._score(self._values)[0] == len(self.live) and not (self._climbs and usual_of(factors) < 0)

    def _is_late(self) -> bool:
        """Whether all gradients are right where each weight is used as it was before the update."""
        before = self._replay.run(
            self._values, {new: self._values[old] for old, new in self._recording.carried.items() if new in self._values}, {}
        )
        return bool(before and self._score(self._values)[0] < self._score(before)[0] == len(self.live))

    # repairs

    def _gain(self, values: Values, put: Mapping[str, Array]) -> tuple[int, float, int]:
        """How good values are: parameters, plainness of their factor, how many more values are derived gradients than before."""
        changed = [name for name in self._names if name not in put and values[name] is not self._values[name]]
        return *self._score(values), sum(self._told.have(values[name]) - self._told.have(self._values[name]) for name in changed)

    @cached_property
    def _matched(self) -> dict[str, list[float]]:
        """His values that are derived gradients times factors, with these; the nearest to 1 first. Of several those that what arrives
        has, too: what is divided between them is a multiple of both, such as a mask that is scaled."""
        found = dict[str, list[float]]()
        for one in self.own:
            if self._values[one.name].size > 1 and not self._told.have(self._values[one.name], self._near):
                continue
            times = (scale(self._values[one.name], right, self._near) for _, right in self._fitting(self._values[one.name]))
            factors = [1.0 if abs(factor - 1) < self._near else factor for factor in times if factor]
            shared = [one_of for one_of in factors if any(abs(one_of / other - 1) < _ALIKE for other in arriving(one, found, self._inner))]
            found |= {one.name: sorted(shared or factors, key=lambda factor: abs(factor - 1))} if factors else {}
        return found

    def _lines(self) -> Iterator[tuple[Line, int, list[Place]]]:
        """What each line makes of that on which a wrong gradient depends: in his order what is no derived gradient, or one that he has
        already; then what is the gradient of some tensor, if perhaps not of the one that is meant."""
        usual = usual_of(factors := self._factors(self._values))
        wrong = [name for name in self.live if abs(factors.get(name, 0.0) / usual - 1) > _ALIKE or usual != 1.0]
        wanted = used(self._recording.statements, [self.ends[name] for name in wrong])
        told = {name for one in self._recording.statements for name in one.reads if (name, one.made) not in self._made_at}
        told |= {*self.ends.values()}
        suspects, right, known = list[Place](), list[Place](), list[Array]()
        for one in (one for one in self._recording.statements if one.name in wanted and one.formula):
            value, others = self._values[one.name], [*renamed(self._recording, one)]
            if one.name in self._names and (not one.inner or one.name in told):  # else it is a part of what its line makes
                right_part = self._goes_on(one) and not any(np.array_equal(value, other) for other in known)
                lone = right_part and self._is_lone(one)
                if lone and others and self._paths.leaves_out(value, (self._values[two.name] for two in self.own), self._near):
                    lone, others = False, others[-1:]  # that is where it is called the whole
                first = right_part and not lone
                (right if first else suspects).append(Place(one.made, one))
                known += [value] * (first and not one.inner)
            suspects += others
        wrong_at = {place.line for place in suspects}
        several = [*suspects, *(place for place in right if place.line in wrong_at)]  # a part of a gradient is one of another tensor
        for rank, places in enumerate((sorted(several, key=lambda place: place.order), right)):
            lines = defaultdict[Line, list[Place]](list)
            for place in places:
                lines[place.line].append(place)
            yield from ((line, rank, places) for line, places in [*lines.items()][-_LINES:])

    def _goes_on(self, one: Statement) -> bool:
        """Whether a value is a derived gradient, and as many times that as what it is computed from is one."""
        times, others = self._matched.get(one.name, []), arriving(one, self._matched, self._inner)
        single = self._climbs and self._values[one.name].size == 1 and bool(others)  # any other number is a multiple
        if (one.name in self.ends.values() or not others) and not single:
            return times[:1] == [1.0]
        return single or any(abs(own / factor - 1) < _ALIKE for own in times for factor in others)

    def _is_lone(self, one: Statement) -> bool:
        """Whether a value is what comes back by some paths alone, and nothing reads it that adds the others."""
        value = self._values[one.name]
        if one.inner or any(map(adds, [one, *self._readers(one.name)])):
            return False
        halves, through = self._paths.of(value, self._near)
        of = {tensor for tensor, right in self._fitting(value) if scale(value, right, self._near)} if halves else set()
        return bool(halves) and of <= halves | through

    def _best(self) -> tuple[Blamed, dict[str, Array]] | None:
        """The line whose repair mends the most, the first of several; with the values after it."""
        base, before = self._score(self._values), self._factors(self._values)
        best, most, first = None, (*base, 0, 0), (0, 0, 0)
        times = [1.0, *sorted({*before.values()}, key=plainness)[-2:], *frequent(one[0] for one in self._matched.values())]
        times = [one for place, one in enumerate(times) if all(abs(one / other - 1) > _ALIKE for other in times[:place])]
        for number, (line, rank, places) in enumerate(lines := [*self._lines()]):
            self.patience.share(2 * (len(lines) - number))  # as much is left for a slip
            searches = [self._gradients, self._products][: 1 + (not places[0].alias)]
            made = (reader.name for place in places for reader in self._products_with(place.name) if not self._odd)
            for search in searches if not any(self._told.have(self._values[name]) for name in made) else ():  # it has made a right gradient
                values, meant, through = self._repaired(places, search, times)
                gain, put = self._gain(values, {}), {*meant, *through.values()}
                kinds = len({unversioned(name) for name in meant})  # of two lines the one that makes a single value, not several
                ends = put.intersection(self.ends.values()) if kinds > 1 else ()  # what a parameter is moved by can always be put right
                order = min((place.order for place in places if place.name in put), default=0)
                score, place = (*gain[:2], -len(ends), gain[2]), (kinds, rank, order)
                if meant and score[0] > base[0] and (score > most or (score == most and place < first)):
                    after = self._factors(values)
                    mended = tuple(name for name in after if abs(after[name] / (before.get(name) or np.inf) - 1) > _ALIKE)
                    renamed = tuple(place for place in places if place.alias and place.name in meant)
                    best, most, first = (Blamed(line, meant, through, mended, renamed), values), score, place
        return best

    def _fitting(self, theirs: Array) -> Iterator[tuple[str, Array]]:
        for tensor, right in self._tried.items():
            if right.size == theirs.size and np.squeeze(right).shape == np.squeeze(theirs).shape:
                yield tensor, right.reshape(theirs.shape)

    def _repaired(self, places: Sequence[Place], search: Search, times: Sequence[float]) -> Repaired:
        """His values with the right ones in the place of those that a line makes."""
        values, meant, through, put = self._values, dict[str, str](), dict[str, str](), dict[str, Array]()
        since = {place.name: place for place in places}
        if search == self._gradients and (whole := self._together(since, times)):
            return whole
        for place in (place for place in places if not (place.statement.partial and adds(place.statement))):
            base, best, rates = self._gain(values, put), None, self._rates(place.name)
            for name, tensor, right in self._likely(place.name, search(place.statement, values), meant, values):
                for factor in [*times, *rates]:
                    tried = {**put, place.name: factor * right}
                    found = self._replay.run(self._values, tried, since) if self.patience.lasts else None
                    gained = self._gain(found, tried) if found else base
                    if found and gained > base:
                        base, best = gained, (name, tensor, found)
                    elif gained[2] < 0:
                        break  # what is no derived gradient is none with another factor
            if best:
                name, meant[name], values = best[0], best[1], best[2]
                put[place.name] = values[place.name]
                through |= {name: place.name} if name != place.name else {}
        return dict(values), meant, through

    def _together(self, since: Mapping[str, Place], times: Sequence[float]) -> Repaired | None:
        """The same, in all turns at once, where what is meant belongs together too, and all is right then."""
        own = {name: self._values[name] for name in since}

        def promise(values: Mapping[str, Array]) -> int:
            return sum(self._promise(name, value, self._values) for name, value in values.items())

        least = promise(own)
        for meant, put in self._families.puts(own):
            for factor in times if self.patience.lasts and promise(put) > least else ():
                found = self._replay.run(self._values, {name: factor * right for name, right in put.items()}, since)
                if found and self._score(found)[0] == len(self.live):
                    times_of = {name: scale(self._values[name], right, self._near) or 0.0 for name, right in put.items()}
                    return found, {name: meant[name] for name, one in times_of.items() if abs(one / factor - 1) > _ALIKE}, {}
        return None

    def _likely(
        self, name: str, candidates: Iterator[tuple[str, str, Array]], meant: Mapping[str, str], values: dict[str, Array]
    ) -> list[tuple[str, str, Array]]:
        """Of the candidates for a value those with which the most of what reads it is a derived gradient, and that of what it moves."""
        ranked = defaultdict[int, list[tuple[str, str, Array]]](list)
        for one in candidates:
            if one[1] not in meant.values():
                ranked[self._promise(name, one[2], values)].append(one)
        most, moved = max(ranked, default=0), self.ends.get
        own = [one for rank, several in ranked.items() if rank < most for one in several if moved(one[1]) == name]
        return [*own, *ranked[most]] if ranked and (most or name in self.ends.values() or not self._readers(name)) else []

    def _promise(self, name: str, right: Array, values: dict[str, Array]) -> int:
        """How much of what reads a value goes on from other numbers to a derived gradient."""
        found = 0
        for one in self._readers(name) if self.patience.lasts else ():
            with suppress(FormulaError):
                value = evaluate(one.formula, ChainMap({name: right}, values)) if one.formula else right
                laid = one.inner and one.formula and isinstance(one.formula.tree, Transpose)  # the readers of that read it
                found += self._promise(one.name, value, values) if laid else self._told.have(value)
        return found

    def _readers(self, name: str) -> list[Statement]:
        """What may be a gradient and reads a value."""
        return [one for one in self._replay.readers(name) if one.name in self._names]

    def _rates(self, name: str) -> list[float]:
        """By what a value must be larger than a gradient, since a later line divides it."""
        mine = self._values[name]
        readers = [self._values[one.name] for one in self.own if one.formula and one.formula.names[:1] == (name,)]
        return [1 / factor for theirs in readers if mine.size > 1 and (factor := scale(theirs, mine))]

    def _gradients(self, one: Statement, _: Values) -> Iterator[tuple[str, str, Array]]:
        """What a value may be meant to be: the gradient of a tensor."""
        for tensor, right in self._fitting(self._values[one.name]):
            yield one.name, tensor, right

    def _products(self, one: Statement, values: Values) -> Iterator[tuple[str, str, Array]]:
        """What a value may be meant to be: a factor of a gradient that is wrong."""
        mine, known = values[one.name], (self._values[name] for name in self._forward & self._values.keys())
        forward = any(other.shape == mine.shape and np.allclose(other, mine, self._near, 0) for other in known)
        for reader in self._products_with(one.name):
            theirs = values[reader.name]
            if reader.made.function == one.made.function and forward:
                continue
            for tensor, right in self._fitting(theirs) if theirs.shape == mine.shape else ():
                yield reader.name, tensor, mine * np.divide(right, theirs, out=np.ones(theirs.shape), where=theirs != 0)

    def _products_with(self, name: str) -> list[Statement]:
        """What may be a gradient and is a product with a value that is none."""
        return [] if self._matched.get(name) else [one for one in self.own if one.formula and multiplies(one.formula.tree, name)]


__all__ = ["Blame"]
