"""The one slip, such as a sign, that explains all wrong gradients: undone in one line of his, forward or back, all of them are right.

For a forward line nothing is derived anew: along two directions in which a parameter is moved, the loss of the mended forward pass must
change as the gradient says that his own formulas compute from its values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Binary, Name, Tree, names, substitute
from bpdebug.frontends.numpy_script.blame import Blame
from bpdebug.frontends.numpy_script.fits import Differentiated, scale
from bpdebug.frontends.numpy_script.likely import UNLIKELY, size_of, slips
from bpdebug.frontends.numpy_script.likely import longer as longer_than
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.recording import Line, Recording, Statement

_MOST = 60_000
"""Formulas that are computed at most."""
_AROUND = 6
"""Nodes of a formula, between the value that is another one and the whole line."""
_STEP, _NEAR, _ALIKE = 1e-5, 1e-5, 1e-3
"""How far a parameter is moved, relative to its largest number; slopes, and factors of several, that are as near are the same."""


class Slip(Record, eq=False):
    """A line that is wrong by one slip.

    Attributes:
        line: where it stands.
        name: the value that is wrong.
        formula: that would be right.
        longer: by how many nodes.
        forward: whether the loss depends on it.
        unread: whether it brings in a parameter that nothing reads as it is.
    """

    line: Line
    name: str
    formula: Formula
    longer: float
    forward: bool
    unread: bool = False


@np.errstate(all="ignore")
def slip_of(recording: Recording, loss: Differentiated, blame: Blame) -> Slip | None:
    """The slip that explains why gradients are wrong, if there is one."""
    values, unread = recording.values[-1], _unread(recording, loss, blame)
    ends = {name: end for name, end in blame.ends.items() if loss.gradients[name].any()}
    factors = {name: scale(values[end], loss.gradients[name]) or 0.0 for name, end in ends.items()}
    wrong = [name for name, factor in factors.items() if abs(factor / blame.times - 1) > _ALIKE]
    moves = {name: values.get(recording.carried[name], values[name]) - values[name] for name in ends}
    down = all(np.sum(move * loss.gradients[name]) <= 0 for name, move in moves.items() if move.shape == loss.gradients[name].shape)
    right = (not wrong and (down or blame.times > 0 or loss.raised)) or (down and {*ends} <= {*loss.steps})
    if (right and not unread) or not blame.live or loss.guessed:
        return None
    usual = max(0.0, blame.times) if len(wrong) < len(ends) else 0.0
    return Slips(recording, loss, unread | ends, [*unread, *wrong], [*unread], usual).found(str(blame.found[0].line) if blame.found else "")


def _unread(recording: Recording, loss: Differentiated, blame: Blame) -> dict[str, str]:
    """What is moved by a gradient, though the loss does not depend on it, and by which."""
    statements, found, known = recording.statements, dict[str, str](), {one.name: one for one in recording.statements}
    moving = used(statements, [recording.carried[name] for name in loss.program.parameters])
    for name, new in recording.carried.items():
        reads, size = used(statements, [new]), recording.start[name].size
        ends = [one.name for one in blame.own if one.name in reads and not one.partial and recording.values[-1][one.name].size == size]
        if ends and not {name, new} & moving and name not in {one for one, _ in loss.forward} | {*loss.gradients}:
            found[name] = max(ends, key=lambda end: not known[end].inner)
    return found


def slipped(
    slip: Slip, blame: Blame, stages: Sequence[Stage], formulas: Mapping[str, Tree], due: Mapping[str, Tree], order: Mapping[str, Statement]
) -> dict[str, Any]:
    """What a program has where a forward line has a slip: what is said of it, instead of derivatives or beside them.

    Args:
        slip, blame: the line, and those of the way back.
        stages: of the program.
        formulas, due: of his statements, with inner values put in; and those that would be right.
        order: his statements.
    """
    at = [one.name for one in stages if one.name in order and str(slip.line) in (one.line, one.beside)]
    name = next((one for one in at if order[one].order >= order[slip.name].order), "")
    old, new = formulas[slip.name], slip.formula.tree
    while inner := {one: formulas[one] for one in (*names(old), *names(new)) if one in formulas and order[one].inner}:
        old, new = substitute(old, inner), substitute(new, inner)
    said = f"with {Formula.of(new).text} there, not {Formula.of(old).text}, every gradient is the right one"
    if name and _is_first(slip, blame, formulas, due, order):
        here = [
            replace(one, line=str(slip.line), beside=one.beside and one.line) if one.name == name and one.line != str(slip.line) else one
            for one in stages
        ]
        return {"remarks": {name: ("a wrong forward line" if slip.forward else "a slip", said)}, "misled": True, "lines": tuple(here)}
    return {"notes": (f"or {slip.line} is wrong: {said}, too",)} if slip.forward else {}


def _is_first(slip: Slip, blame: Blame, formulas: Mapping[str, Tree], due: Mapping[str, Tree], order: Mapping[str, Statement]) -> bool:
    """Whether the line is to be named and not the derivative: no other line explains as much, or what would be left is shorter."""
    if slip.forward and slip.longer >= UNLIKELY:
        return False
    if blame.right:
        return slip.unread or blame.times > 0 or not slip.forward or slip.longer < 0  # all are turned in sign
    if len(blame.found) != 1 or not blame.mended:
        return True
    meant = [name for name in blame.found[0].meant if name in due and name not in blame.through]
    longer = size_of(due[meant[0]]) - size_of(formulas[meant[0]]) if meant else 0
    earlier = min(order[name].order for name in blame.found[0].meant if name in order)
    return slip.longer < longer and (slip.forward or order[slip.name].order < earlier)


class Slips:
    """The search for a slip.

    Args:
        recording, loss: the script, and what is derived from it.
        ends: the value that a parameter is moved by, by the parameter.
        wrong: the parameters whose gradients are wrong as it is.
        unread: those on which the loss does not depend, and which a slip must bring in.
        usual: how many times the right ones the others are; 0 where there are none.
    """

    def __init__(
        self,
        recording: Recording,
        loss: Differentiated,
        ends: Mapping[str, str],
        wrong: Sequence[str],
        unread: Sequence[str],
        usual: float,
    ) -> None:
        self._unread, self._usual = unread, usual
        self._ends, self._left, self._loss = ends, _MOST, loss.program.loss
        self._parameters = [*wrong, *(name for name in ends if name not in wrong)]
        known = {one.name for one in recording.statements}
        more = [(name, loss.program.stage(name).formula) for name, _ in loss.forward if name not in known]
        self._formulas = [(one.name, one.formula) for one in recording.statements if one.formula] + more
        self._values = dict(recording.values[-1])
        for name, formula in more:
            self._values[name] = evaluate(formula, self._values)
        self._to_loss = {name for name, _ in loss.forward}
        self._to_all = self._to_loss | used(recording.statements, ends.values())
        self._inner = {one.name for one in recording.statements if one.inner and one.formula}
        self._trees = {name: formula.tree for name, formula in self._formulas}
        self._readers = {name: one.name for one in reversed(recording.statements) if one.formula for name in one.formula.names}
        self._old = {*recording.carried}
        self._groups, self._due = (
            self._grouped(
                [one for one in recording.statements if one.name in self._to_all - {*recording.carried.values()} and one.formula]
            ),
            loss.gradients,
        )

    @staticmethod
    def _grouped(statements: Sequence[Statement]) -> list[list[Statement]]:
        """The statements that one part of one line makes, in each turn of its loop and each call of its function."""
        found, times = defaultdict[object, list[Statement]](list), defaultdict[object, int](int)
        for one in statements:
            kind = one.made, Formula.of(_bare(one.formula.tree)).text if one.formula else ""
            turn = *kind, one.path
            found[*kind, times[turn]].append(one)
            times[turn] += 1
        return [*found.values()]

    def found(self, blamed: str) -> Slip | None:
        """The slip after which all his gradients are right, the one that leaves the shortest formula; best in a line that is blamed."""
        for (longer, _, forward), group, trees in sorted(self._candidates(blamed), key=lambda one: one[0]):
            formulas = dict(zip((part.name for part in group), map(Formula.of, trees), strict=True))
            if self._left > 0 and self._mends(formulas, forward):
                return Slip(group[0].made, group[0].name, formulas[group[0].name], longer, forward, bool(self._unread))
        return None

    def _candidates(self, blamed: str) -> Iterator[tuple[tuple[float, bool, bool], list[Statement], tuple[Tree, ...]]]:
        """What is tried, each with its rank: by how much a line gets longer, whether it is another one than is blamed, whether forward."""
        for group in self._groups:
            one = group[0]
            whole, elsewhere, forward = self._whole(one.name), str(one.made) != blamed, one.name in self._to_loss
            old = whole(one.formula.tree) if one.formula else Name(one.name)
            for trees in zip(*map(self._tried, group), strict=False):
                yield (longer_than(old, whole(trees[0]), self._old), elsewhere, forward), group, trees

    def _whole(self, name: str) -> Callable[[Tree], Tree]:
        """What the line of a value computes, with another formula for that value: the inner ones around it, and below it, put in."""
        above, last = list[Tree](), name
        while last in self._inner and last in self._readers and len(above) < _AROUND:
            reader = self._readers[last]
            above.append(substitute(self._trees[reader], {last: Name("")}))
            last = reader

        def whole(tree: Tree) -> Tree:
            for outer in above:
                tree = substitute(outer, {"": tree})
            return substitute(tree, {part: self._trees[part] for part in names(tree) if part in self._inner and part != name})

        return whole

    def _tried(self, one: Statement) -> Iterator[Tree]:
        tree = one.formula.tree if one.formula else Name(one.name)
        yield from () if self._unread else slips(tree)
        yield from (Binary(sign, tree, Name(name)) for name in self._unread if self._fits(self._values[one.name], name) for sign in "+*")

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
        for name, formula in self._formulas:
            chosen = formulas.get(name, formula)
            if name in wanted and name not in put and ((name in formulas and not put) or not changed.isdisjoint(chosen.names)):
                self._left -= 1
                made[name] = evaluate(chosen, made)
                changed.add(name)
        return made

    @np.errstate(all="ignore")
    def _mends(self, formulas: Mapping[str, Formula], forward: bool) -> bool:
        """Whether all his gradients are right with other formulas, but for one factor."""
        usual = self._usual
        try:
            values = self._run(self._to_all, self._values, {}, formulas)
            size = float(np.sum(values[self._loss]))
            if not np.isfinite(size) or size < 0 <= float(np.sum(self._values[self._loss])):
                return False
            for name in self._parameters:
                theirs = values[self._ends[name]]
                factor = self._factor(name, values, formulas, usual) if forward else scale(theirs, self._due[name])
                if factor is None or factor <= 0 or (usual and name not in self._unread and abs(factor / usual - 1) > _ALIKE):
                    return False
                usual = usual if name in self._unread else factor  # that may be the step, with its rate
        except (FormulaError, TypeError, KeyError):
            return False
        return True

    def _factor(self, name: str, values: Mapping[str, Array], formulas: Mapping[str, Formula], usual: float) -> float | None:
        """What his gradient of a parameter is times the true one; None where it is no multiple of it, or not as usual a one."""
        old, theirs, slopes = values[name], values[self._ends[name]], list[float]()
        step = _STEP * max(1.0, float(np.abs(old).max(initial=0)))
        for seed in range(1 + (old.size > 1)):
            drawn = np.random.default_rng(seed).normal(size=old.shape)
            sides = [self._run(self._to_loss, values, {name: old + sign * step * drawn}, formulas)[self._loss] for sign in (1, -1)]
            slope = float(np.sum(sides[0] - sides[1])) / (2 * step)
            slopes.append(float(np.sum(theirs.reshape(old.shape) * drawn)) / slope if slope else np.nan)
            expected = usual if usual and name not in self._unread else slopes[0]
            if not slopes[0] or not abs(slopes[-1] / slopes[0] - 1) < _NEAR or not abs(slopes[-1] / expected - 1) < _ALIKE:
                return None
        return slopes[0]


def _bare(tree: Tree) -> Tree:
    """A formula whatever its names."""
    return Name("x") if isinstance(tree, Name) else tree.rebuilt(_bare)


__all__ = ["slip_of", "slipped"]
