"""The one slip, such as a sign, that explains all wrong gradients: undone in one line of his, forward or back, all of them are right.

For a forward line nothing is derived anew: along two directions in which a parameter is moved, the loss of the mended forward pass must
change as the gradient says that his own formulas compute from its values.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain, takewhile

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import Evaluator, evaluate
from bpdebug.core.parser import Formula
from bpdebug.core.tree import Binary, Call, Name, Tree, names, substitute, walk
from bpdebug.frontends.numpy_script.alike import Directions
from bpdebug.frontends.numpy_script.exchanges import Exchanges, Group, Passed, Slip, grouped, is_another_sum, once
from bpdebug.frontends.numpy_script.fits import Differentiated, due_at, elsewhere
from bpdebug.frontends.numpy_script.likely import UNLIKELY, slips, slopes
from bpdebug.frontends.numpy_script.likely import longer as longer_than
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.multiples import scale
from bpdebug.frontends.numpy_script.patience import Patience
from bpdebug.frontends.numpy_script.recording import Recording, Statement
from bpdebug.frontends.numpy_script.scalings import is_usual

_ANOTHER = 1.0
"""What a tensor in the place of another one counts, beside the length of the formula."""
_AROUND, _NEXT = 6, 4
"""Nodes of a formula, between the value that is another one and the whole line; statements that are looked at from there."""
_SEVERAL = 3
"""Gradients that a slip makes multiples of the right ones, at least, where it does not make all right."""
_STEP, _NEAR, _ALIKE, _LEAST = 1e-5, 1e-5, 1e-3, 1e-8
"""How far a parameter is moved, relative to its largest number; slopes, and factors of several, that are as near are the same."""


class Slips:
    """The search for a slip.

    Args:
        recording, loss: the script, and what is derived from it.
        ends: the value that a parameter is moved by, by the parameter.
        wrong: the parameters whose gradients are wrong as it is.
        rates: what these values are multiplied with, so that they are as many times the gradients; none for those on which the loss does
            not depend, which a slip must bring in.
        usual: how many times the right ones the others are; 0 where there are none.
        odd: whether all are as many times the right ones, which is no convention: if it is the same in each update, only a forward
            line may be wrong.
        patience: for how long it is looked for.
    """

    def __init__(
        self,
        recording: Recording,
        loss: Differentiated,
        ends: Mapping[str, str],
        wrong: Sequence[str],
        rates: Mapping[str, float],
        usual: float,
        odd: bool,
        patience: Patience,
    ) -> None:
        self._unread, self._rates = [name for name in ends if name not in rates], rates
        self._usual, self._odd, self._recording = usual, odd, recording
        self._forward_only = odd and not loss.odd
        self._ends, self._patience, self._loss, self._program = ends, patience, loss.program.loss, loss.program
        self._wrong, self._parameters = {*wrong}, [*wrong, *(name for name in ends if name not in wrong)]
        known = {one.name for one in recording.statements}
        more = [(name, loss.program.stage(name).formula) for name, _ in loss.forward if name not in known]
        self._formulas = [(one.name, one.formula) for one in recording.statements if one.formula] + more
        self._values = dict(recording.values[-1])
        for name, formula in more:
            self._values[name] = evaluate(formula, self._values)
        self._to_loss = {name for name, _ in loss.forward}
        self._to_all = self._to_loss | used(recording.statements, ends.values())
        self._needed = {name: used(recording.statements, [end]) for name, end in ends.items()} | {self._loss: self._to_loss}
        self._parameters.sort(key=lambda name: (name not in self._wrong, len(self._needed[name])))
        self._single = all(self._values[name].size == 1 for name in ends)
        self._inner = {one.name for one in recording.statements if one.inner and one.formula}
        self._made = {one.name: one.made for one in recording.statements}
        self._trees = {name: formula.tree for name, formula in self._formulas}
        self._readers = {name: one.name for one in reversed(recording.statements) if one.formula for name in one.formula.names}
        self._longer = partial(longer_than, parameters={*recording.carried}, known={})
        self._place = {name: place for place, (name, _) in enumerate(self._formulas)}
        looked = self._to_all - {*recording.carried.values()}
        self._groups, self._due = grouped(one for one in recording.statements if one.name in looked and one.formula), loss.gradients
        self._told = Directions([*self._due.values(), *loss.parts.values()])
        statements = [one for one in recording.statements if one.name in self._values]
        singles = [name for name, value in recording.given[0].items() if value.ndim == 0 and value.dtype.kind == "f"]
        self._exchanges = Exchanges(statements, grouped(statements), self._values, singles)

    @cached_property
    def _others(self) -> list[tuple[dict[str, Array], dict[str, Array]]]:
        """The values of the other updates, and the gradients that are due in them."""
        found = []
        for place in elsewhere(self._recording):
            due = due_at(self._recording, self._program, place)
            found += [({**self._values, **self._recording.values[place]}, due)] if {*self._ends} <= {*due, *self._unread} else []
        return found

    def found(self, blamed: str) -> Slip | None:
        """The slip after which all his gradients are right, the one that leaves the shortest formula; best in a line that is blamed. Else
        one after which all that were no multiples of the right ones are some."""
        ranked = sorted(self._candidates(blamed), key=lambda one: one[0])
        several = len(self._unlike) >= _SEVERAL and not self._odd
        tries = [(one, False) for one in ranked] + [(one, True) for one in ranked if several and not one[0][-1] and one[0][0] < UNLIKELY]
        for ((longer, _, _, forward), group, trees, passed), apart in takewhile(lambda _: self._patience.lasts, tries):
            formulas = dict(zip((part.name for part in group), map(Formula.of, trees), strict=True))
            if self._aligns(formulas) if apart else self._mends(formulas, forward) and (forward or self._lasts(formulas)):
                line, first = passed.line if passed else group[0].made, group[0].name
                kind = "once" * (isinstance(trees[0], Name) and trees[-1] == self._trees.get(group[-1].name))
                kind = kind or "slope" * (first in self._trees and trees[0] in slopes(self._filled(self._trees[first], first)))
                kind = kind or "summed" * is_another_sum(self._trees.get(first), trees[0], self._values)
                return Slip(line, first, formulas[first], longer, forward, bool(self._unread), passed, kind, apart)
        return None

    def _candidates(self, blamed: str) -> Iterator[tuple[tuple[float, bool, bool, bool], Group, tuple[Tree, ...], Passed | None]]:
        """What is tried, each with its rank: by how much a line gets longer, whether it makes no gradient then that is right, whether it is
        another one than is blamed, whether forward."""
        for group in self._groups:
            one = group[0]
            whole, elsewhere, forward = self._whole(one.name), str(one.made) != blamed, one.name in self._to_loss
            if (self._forward_only and not forward) or not self._patience.lasts:
                continue
            old = whole(one.formula.tree) if one.formula else Name(one.name)
            for trees in zip(*map(self._tried, group), strict=False):
                yield (self._longer(old, whole(trees[0])), False, elsewhere, forward), group, trees, None
            trees = tuple(self._trees[part.name] for part in group)
            others = () if forward or self._unread else chain(self._exchanges.factors(group, trees), self._exchanges.others(group, trees))
            for news in others:
                longer, poor = _ANOTHER + self._longer(old, whole(news[0])), not self._promises(one.name, news[0])
                yield (longer, poor, elsewhere, forward), group, news, None
            of = [slopes(self._filled(tree, part.name)) for tree, part in zip(trees, group, strict=True)]
            for news in () if forward or self._unread else chain(self._exchanges.twins(group), zip(*of, strict=False)):
                yield (_ANOTHER, False, elsewhere, forward), group, news, None
        backward = [one for one in self._groups if one[0].name not in self._to_loss]
        for lines, news in () if self._odd or self._unread else once(backward, self._trees):
            yield (_ANOTHER, False, False, False), lines, news, None
        for passed, calls, news in () if self._odd or self._unread else self._exchanges.passed(self._trees):
            if self._to_loss.isdisjoint(one.name for one in calls):
                yield (_ANOTHER, False, str(passed.line) != blamed, False), calls, news, passed

    @np.errstate(all="ignore")
    def _promises(self, name: str, tree: Tree) -> bool:
        """Whether a value with another formula, or what is computed from it next, is a derived gradient."""
        values, value = ChainMap[str, Array](self._values), None
        for _ in range(_NEXT):
            try:
                value = np.asarray(Evaluator(values).value(tree))
            except (FormulaError, TypeError, KeyError, ValueError, IndexError):
                return False
            if self._told.have(value) or name not in self._readers:
                break
            values, name = values.new_child({name: value}), self._readers[name]
            tree = self._trees[name]
        return value is not None and self._told.have(value)

    def _whole(self, name: str) -> Callable[[Tree], Tree]:
        """What the line of a value computes, with another formula for that value: the inner ones around it, and below it, put in."""
        above, last = list[Tree](), name
        while last in self._inner and last in self._readers and len(above) < _AROUND:
            reader = self._readers[last]
            if self._made[reader] != self._made[name]:
                break
            above.append(substitute(self._trees[reader], {last: Name("")}))
            last = reader

        def whole(tree: Tree) -> Tree:
            for outer in above:
                tree = substitute(outer, {"": tree})
            return self._filled(tree, name)

        return whole

    def _filled(self, tree: Tree, name: str) -> Tree:
        """A formula with the inner values of a line put in."""
        parts = [part for part in names(tree) if part in self._inner and self._made[part] == self._made[name] and part != name]
        return substitute(tree, {part: self._trees[part] for part in parts})

    def _tried(self, one: Statement) -> Iterator[Tree]:
        tree = one.formula.tree if one.formula else Name(one.name)
        yield from () if self._unread else (new for new in slips(tree) if not self._bends(tree, new))
        yield from (Binary(sign, tree, Name(name)) for name in self._unread if self._fits(self._values[one.name], name) for sign in "+*")

    def _bends(self, tree: Tree, new: Tree) -> bool:
        """Whether a slip would be an activation of a single number, such as of a penalty, though the parameters are arrays."""
        if self._single:
            return False
        old = {*walk(tree)}
        made = [node for node in walk(new) if isinstance(node, Call) and node.function in ("exp", "tanh") and node not in old]
        return any(np.size(evaluate(Formula.of(node.arguments[0]), self._values)) == 1 for node in made)

    def _fits(self, value: Array, name: str) -> bool:
        try:
            return np.broadcast_shapes(value.shape, self._values[name].shape) == value.shape
        except ValueError:
            return False

    def _run(
        self, wanted: set[str], values: Mapping[str, Array], put: Mapping[str, Array], formulas: Mapping[str, Formula]
    ) -> dict[str, Array]:
        """His values, where some have other formulas or are replaced.

        Raises:
            FormulaError: where his formulas do not go on from there.
        """
        made, changed = {**values, **put}, {*put}
        self._go_on(wanted - put.keys(), made, changed, formulas)
        return made

    def _go_on(self, wanted: set[str], made: dict[str, Array], changed: set[str], formulas: Mapping[str, Formula]) -> None:
        """Compute what is wanted and has changed, or depends on what has."""
        for name, formula in self._formulas:
            if name in wanted:
                chosen = formulas.get(name, formula)
                if not changed.isdisjoint((name, *chosen.names)):
                    made[name] = evaluate(chosen, made)
                    changed.add(name)

    @np.errstate(all="ignore")
    def _mends(self, formulas: Mapping[str, Formula], forward: bool) -> bool:
        """Whether all his gradients are right with other formulas, but for one factor."""
        values = dict(self._values)
        told = self._factors(formulas, forward, values, self._due)
        if not told:
            return False
        *_, usual = told.values()
        return (
            not all(np.array_equal(values[name], self._values[name]) for name in formulas)
            and 2 * len(self._wrong.intersection(told)) >= len(self._wrong)
            and (self._usual > 0 or (abs(usual - 1) < _NEAR if self._odd else is_usual(self._recording, usual, _NEAR)))
        )

    @np.errstate(all="ignore")
    def _lasts(self, formulas: Mapping[str, Formula]) -> bool:
        """Whether nothing is wrong with other formulas of gradients in another update: where a target is 0, ``y - p`` is like ``y + p``."""
        return all(self._factors(formulas, False, dict(values), due) is not None for values, due in self._others)

    def _factors(
        self, formulas: Mapping[str, Formula], forward: bool, values: dict[str, Array], due: Mapping[str, Array]
    ) -> dict[str, float] | None:
        """How many times the right ones the gradients are with other formulas, those that take least to compute first; None where one is
        wrong. The values become those with these formulas."""
        base, usual, told, changed, known = dict(values), self._usual, dict[str, float](), {*formulas}, set[str]()
        try:
            for name in (self._loss, *self._parameters) if forward else self._parameters:
                self._go_on(self._needed[name] - known, values, changed, formulas)
                known |= self._needed[name]
                if name == self._loss:
                    if not self._is_loss(values[name]):
                        return None
                    continue
                theirs = values[self._ends[name]]
                untouched = name not in self._wrong and theirs is base[self._ends[name]]
                if untouched and np.size(theirs) == 1 and not (forward or self._single):
                    continue  # any number is a multiple of another one
                factor = self._factor(name, values, formulas, usual) if forward else scale(theirs, due[name])
                factor = factor and factor * self._rates.get(name, 1.0)
                if factor == 0 and np.size(theirs) > 1 and name in due:
                    return None  # all of it gone: no repair, but a cut
                if factor == 0 or not (forward or due[name].any()):
                    continue
                if factor is None or factor < 0 or (usual and name not in self._unread and abs(factor / usual - 1) > _ALIKE):
                    return None
                told[name] = factor
                usual = usual if name in self._unread else factor  # that may be the step, with its rate
        except (FormulaError, TypeError, KeyError, ValueError):
            return None
        return told

    @cached_property
    def _unlike(self) -> list[str]:
        """The parameters whose gradients are no multiples of the right ones."""
        told = [name for name in self._parameters if name in self._due and self._due[name].size > 1 and self._due[name].any()]
        return [name for name in told if not scale(self._values[self._ends[name]], self._due[name])]

    @np.errstate(all="ignore")
    def _aligns(self, formulas: Mapping[str, Formula]) -> bool:
        """Whether those that are no multiples of the right ones all become multiples of them."""
        values, changed, known = dict(self._values), {*formulas}, set[str]()
        try:
            for name in self._unlike:
                self._go_on(self._needed[name] - known, values, changed, formulas)
                known |= self._needed[name]
                if not (scale(values[self._ends[name]], self._due[name]) or 0.0) > 0:
                    return False
        except (FormulaError, TypeError, KeyError, ValueError):
            return False
        return True

    def _is_loss(self, value: Array) -> bool:
        """Whether a loss is finite, not below 0 where it was above, and as many numbers as it was."""
        before, size = self._values[self._loss], float(np.sum(value))
        return bool(np.isfinite(size)) and not size < 0 <= float(np.sum(before)) and np.shape(value) == np.shape(before)

    def _factor(self, name: str, values: Mapping[str, Array], formulas: Mapping[str, Formula], usual: float) -> float | None:
        """What his gradient of a parameter is times the true one; None where it is no multiple of it, or not as usual a one; 0 where
        both are less than what is left of the loss by rounding."""
        old, theirs, slopes = values[name], values[self._ends[name]], list[float]()
        step = _STEP * max(1.0, float(np.abs(old).max(initial=0)))
        for seed in range(1 + (old.size > 1)):
            drawn = np.random.default_rng(seed).normal(size=old.shape)
            sides = [self._run(self._to_loss, values, {name: old + sign * step * drawn}, formulas)[self._loss] for sign in (1, -1)]
            slope, his = float(np.sum(sides[0] - sides[1])) / (2 * step), float(np.sum(theirs.reshape(old.shape) * drawn))
            if max(abs(slope), abs(his)) < _LEAST * (1 + np.abs(sides[0]).max()):
                return 0.0
            slopes.append(his / slope if slope else np.nan)
            expected = usual / self._rates.get(name, 1.0) if usual and name not in self._unread else slopes[0]
            if not slopes[0] or not abs(slopes[-1] / slopes[0] - 1) < _NEAR or not abs(slopes[-1] / expected - 1) < _ALIKE:
                return None
        return slopes[0]


__all__ = ["Slip", "Slips"]
