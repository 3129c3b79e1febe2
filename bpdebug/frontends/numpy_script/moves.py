"""How a parameter is moved, whatever the rule: his update formulas are tried with other gradients, slots and parameters.

What holds of every rule: the new parameter is the old one, perhaps a little smaller, and something against the gradient; what is averaged
does not grow; what stands below a root is made of squares; and no weight is used for a gradient after it was changed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.numbers import short
from bpdebug.frontends.numpy_script.alike import same, weight_of
from bpdebug.frontends.numpy_script.averages import Remark, corrected, is_corrected
from bpdebug.frontends.numpy_script.lines import kept_before, used
from bpdebug.frontends.numpy_script.names import gradient_of, unversioned
from bpdebug.frontends.numpy_script.recording import Line, Recording, Statement

_NEAR, _ROUNDING = 1e-9, 1e-6
_LITTLE, _HALF, _RATES, _LEAST = 0.1, 0.5, 1e-4, 0.5
"""What is left of a parameter, at least, where a penalty makes it smaller."""
REPLACED = "not the old parameter and a step"


class Moves:
    """The update of each parameter.

    Args:
        recording: the script.
        of: the gradient of each parameter, as he calls it.
        forward: what the loss is computed from.
    """

    def __init__(self, recording: Recording, of: Mapping[str, str], forward: set[str]) -> None:
        self._recording, self._of, self._forward = recording, of, forward
        finite = [one for one in recording.values if all(np.isfinite(one[name]).all() for name in (*of, *of.values()))]
        last = [*recording.values, *finite][-1].items()  # shares and weights are told apart in float64
        self._values = {name: value.astype(float) if value.dtype.kind == "f" else value for name, value in last}
        self._parts = dict[str, list[Statement]]()
        self._statements = {one.name: one for one in recording.statements}
        self._new = {new: old for old, new in recording.carried.items()}
        self._count = recording.kept[len(recording.values) - 1] + 1

    def _part(self, name: str) -> list[Statement]:
        """What is computed between the gradient of a parameter and its next version."""
        if name not in self._parts:
            statements, new = self._recording.statements, self._recording.carried[name]
            wanted = used(statements, [new]) - used(statements, [self._of[name]]) - self._forward
            self._parts[name] = [one for one in statements if one.name in wanted]
        return self._parts[name]

    def _tried(self, name: str, put: Mapping[str, Array]) -> dict[str, Array] | None:
        """What his update makes of other numbers; None where no formula says it."""
        values = {**self._values, **put}
        for one in self._part(name):
            if one.formula is None:
                return None
            if one.name not in put:
                try:
                    values[one.name] = evaluate(one.formula, values)
                except (FormulaError, KeyError):
                    return None
        return values

    @cached_property
    def _slots(self) -> dict[str, list[str]]:
        """What lives from update to update and has a share in how a parameter moves."""
        start = self._recording.start
        return {
            name: [slot for slot in start if slot not in self._of and start[slot].shape == start[name].shape
                   and slot in {read for one in self._part(name) for read in one.reads}]
            for name in self._of
        }  # fmt: skip

    @np.errstate(invalid="ignore")
    def _response(self, name: str, place: str, moved: Array, values: Mapping[str, Array]) -> Array | None:
        """How the values of the update change where those of one tensor do."""
        found = self._tried(name, {place: moved})
        target = self._recording.carried[name]
        return None if found is None or found[target].shape != values[target].shape else found[target] - values[target]

    # what holds of every rule

    def remarks(self, uphill: set[str]) -> Iterator[tuple[str, Remark]]:
        """What is wrong with the updates, by the name of the statement.

        Args:
            uphill: the parameters that are moved so that the loss rises.
        """
        for name in self._of:
            base = self._tried(name, {})
            if base is None:
                continue
            found = [*self._kept(name, base), *self._moved(name, base)] or [*self._averaged(name, base)]
            yield from found or ([self._turned(name, base)] if name in uphill else [])

    def _kept(self, name: str, base: Mapping[str, Array]) -> Iterator[tuple[str, Remark]]:
        """That the new parameter is not the old one and something."""
        new, old = self._recording.carried[name], self._values[name]
        step = np.maximum(np.abs(old), 1.0)
        twice = any(read != name and unversioned(read) == name for one in self._part(name) for read in one.reads)
        change = None if twice else self._response(name, name, old + step, base)
        before = [*self._slots[name], *kept_before(self._recording, name, self._part(name))]
        if change is not None and before:  # W + 0.9 * (W - before) - dW: both are moved
            both = self._tried(name, {one: self._values[one] + step for one in (name, *before)}) or base
            change = step if np.allclose(both[new] - base[new], step) else change
        if change is None or np.max(np.abs(base[new]), initial=0) * _ROUNDING > np.min(step, initial=np.inf):
            return
        left = change / step
        if np.ptp(left) < _NEAR and 1 + _NEAR <= (grown := float(left.flat[0])) < 1 + _LITTLE:
            said = f"{name} grows by {short(grown - 1, 3)} times itself in each update: a penalty that makes it larger, not smaller"
            yield self._first_moved(name, base, old + step), ("a wrong sign", said)
        elif np.ptp(left) < _NEAR and not _LEAST < float(left.flat[0]) < 1 + _NEAR:
            share = float(left.flat[0])
            said = f"the new {name} has {short(share, 6)} times the old one in it, not the old one"
            yield new, (REPLACED, said if abs(share) > _NEAR else f"nothing of the old {name} is left")
        elif (lost := (np.abs(left) < _NEAR) & (old != 0) & (base[new] != 0)).any() and (lost | (np.abs(left - 1) < _NEAR)).all():
            yield new, (REPLACED, f"in the cells of {name} that are changed nothing of the old ones is left")

    def _first_moved(self, name: str, base: Mapping[str, Array], moved: Array) -> str:
        """The first statement with a name that changes where a parameter does."""
        found = self._tried(name, {name: moved}) or base
        changed = (one.name for one in self._part(name) if not one.inner and not np.array_equal(found[one.name], base[one.name]))
        return next(changed, self._recording.carried[name])

    def _moved(self, name: str, base: Mapping[str, Array]) -> Iterator[tuple[str, Remark]]:
        """That the gradient has no share in how a parameter moves."""
        gradient, new = self._of[name], self._recording.carried[name]
        drawn = np.random.default_rng(0).normal(size=self._values[gradient].shape)
        change = self._response(name, gradient, drawn, base)
        if change is None or change.any() or not self._values[gradient].any():
            return
        last, part = self._recording.values[-1], {one.name for one in self._part(name)}
        still = np.array_equal(last[new], last[name])
        again = [one for one in part if unversioned(one) == unversioned(gradient)]
        slots = [] if still else [self._recording.carried[slot] for slot in self._slots[name]]
        place = next((one for one in (*again, *slots) if one in part), new)
        said = f"{name} stays as it is" if still else f"{name} moves, but not by its gradient {gradient}"
        yield place, ("the gradient is not used", said)

    def _averaged(self, name: str, base: Mapping[str, Array]) -> Iterator[tuple[str, Remark]]:
        """That what is kept of the gradients grows, or is no average, or has no squares below a root."""
        gradient, chain = self._of[name], self._part(name)
        part = {one.name for one in chain}
        right = self._values[gradient]
        for slot in self._slots[name]:
            new, old = self._recording.carried[slot], self._values[slot]
            one, other = self._tried(name, {slot: old + 1.0}), self._tried(name, {slot: 0 * old})
            turned, twice = self._tried(name, {slot: 0 * old, gradient: -right}), self._tried(name, {slot: 0 * old, gradient: 2 * right})
            if new not in part or one is None or other is None or turned is None or twice is None or other[new].shape != right.shape:
                continue
            kept, added = one[new] - base[new], other[new]
            if not np.ptp(kept) <= _NEAR or not added.any():
                continue
            share, squared = float(kept.flat[0]), same(turned[new], added) and same(twice[new], 4 * added)
            weight = weight_of(added, right**2 if squared else right)
            root = self._is_below_a_root(name, new, base)
            if not 0 <= share <= 1 + _NEAR:
                yield new, ("a sum that grows", f"{slot} is kept {short(share, 6)} times over in each update, and more is added")
            elif weight is not None and 0 < share < 1 - _NEAR and abs(weight - 1 - share) < _NEAR:
                said = f"{short(share, 6)} and {short(weight, 6)} are no average: they add up to {short(share + weight, 6)}"
                yield new, ("1 + where 1 - belongs", said)
            elif root and squared and (added < 0).any():
                yield new, ("a wrong sign", f"the squares are subtracted from {slot}, whose root is taken")
            elif root and same(turned[new], -added) and same(twice[new], 2 * added):
                yield new, ("the square is missing", f"{slot}, whose root is taken, is made of the gradient and not of its square")
            elif squared and not root and right.size > 1 and self._divides(name, new, base):
                yield self._recording.carried[name], ("the root is missing", f"the step is divided by {slot}, which is made of squares")
            elif weight is not None and 0 < share < 1 - _NEAR and share != _HALF and abs(weight - share) < _NEAR:
                said = f"{short(share, 6)} of the old {slot} and {short(share, 6)} of what is added are no average"
                yield new, ("a share where 1 - it belongs", said)
            elif (
                0 < share < 1 - _NEAR
                and weight is not None
                and abs(weight - 1) < _NEAR
                and is_corrected(chain, new, share, self._count, base)
            ):
                said = f"{slot} is corrected as an average that starts at 0, but {short(1 - share, 6)} times what is added is due in one"
                yield new, ("a sum where an average belongs", said)
            elif 0 < share < 1 - _NEAR and weight is not None and abs(weight - (1 - share)) < _NEAR:
                yield from corrected(chain, new, share, self._count, base)

    def _divides(self, name: str, slot: str, base: Mapping[str, Array]) -> bool:
        """Whether a step is the smaller the larger a slot is, in each cell."""
        found, old = self._tried(name, {slot: 4 * base[slot] + 1.0}), self._values[name]
        target = self._recording.carried[name]
        return found is not None and bool((np.abs(found[target] - old) <= np.abs(base[target] - old)).all())

    def _is_below_a_root(self, name: str, slot: str, base: Mapping[str, Array]) -> bool:
        """Whether numbers below 0 would leave no step: a root is taken of them."""
        with np.errstate(all="ignore"):
            found = self._tried(name, {slot: -1.0 - np.abs(base[slot])})
        return found is not None and bool(np.isnan(found[self._recording.carried[name]]).all())

    def _turned(self, name: str, base: Mapping[str, Array]) -> tuple[str, Remark]:
        """The statement that turns a step uphill."""
        gradient, new = self._of[name], self._recording.carried[name]
        said = "a wrong sign", f"{name} moves along its gradient {gradient}, so that the loss rises"
        other, right = self._tried(name, {gradient: -self._values[gradient]}), self._values[gradient]
        chain = [one.name for one in self._part(name) if not one.inner and base[one.name].shape == right.shape]
        if other is None:
            return new, said
        signs = [(one, float(np.sum((base[one] - other[one]) * right))) for one in chain if one != new]
        signs = [(one, sign) for one, sign in signs if sign]
        for (_, sign), (one, after) in zip([("", 1.0), *signs], signs, strict=False):
            if sign > 0 > after and one not in self._new:
                return one, said
        last = signs[-1][0] if signs else ""
        if last in self._new and signs[-1][1] > 0 and np.allclose(base[new] - self._values[name], base[last]):
            return last, said  # the step itself, with its rate, is what is kept
        return new, said

    def exchanged(self) -> Iterator[tuple[str, Remark]]:
        """That a gradient stands for another one, which nothing reads."""
        for one in self._dead():
            tensor = gradient_of(one.name)
            new = self._statements.get(self._recording.carried.get(tensor, ""))
            for other in self._read_by(new.name) if new and new.order > one.order else ():
                if new and gradient_of(other) in {*self._recording.carried} - {tensor}:
                    yield new.name, ("the gradient of another parameter", f"{tensor} is moved by {other}, and nothing reads {one.name}")

    def _read_by(self, name: str) -> dict[str, None]:
        """What a line reads."""
        waiting, found = [name], dict[str, None]()
        while waiting:
            reads = self._statements[waiting.pop()].reads
            found |= dict.fromkeys(reads)
            waiting += [read for read in reads if self._is_inner(read)]
        return found

    def _dead(self) -> list[Statement]:
        """The values with a name that nothing reads."""
        read = {name for one in self._recording.statements for name in one.reads}
        return [one for one in self._recording.statements if not (one.inner or one.live or one.name in read)]

    # rates

    def rates(self) -> dict[str, float]:
        """How many times its gradient each parameter is moved by, of those that are moved by nothing else."""
        found, single = dict[str, float](), all(self._values[name].size == 1 for name in self._of)
        for name, gradient in self._of.items():
            value, new = self._values[gradient], self._values.get(self._recording.carried[name])
            told = not self._is_inner(gradient) and not self._slots[name] and value.any() and (value.size > 1 or single)
            if told and new is not None and new.shape == value.shape:
                rest = self._values[name] - new
                weight = float(np.sum(rest * value) / np.sum(value * value))
                if np.abs(rest - weight * value).max() <= 1e-6 * np.abs(rest).max(initial=0):
                    found[name] = float(f"{weight:.6g}")
        return found

    def apart(self) -> Iterator[tuple[str, Remark]]:
        """That a parameter moves by its whole gradient, where all others have the same rate."""
        rates = self.rates()
        for name, rate in rates.items():
            others = {other for one, other in rates.items() if one != name}
            if abs(rate) == 1.0 and len(others) == 1 and 0 < (usual := abs(next(iter(others)))) < 1:
                said = f"{name} is moved by 1 times its gradient, the others by {short(usual, 6)} times"
                yield self._recording.carried[name], ("no learning rate", said)

    def notes(self) -> list[str]:
        """What is unusual of the rates, and what is kept for nothing."""
        rates, told = self.rates(), list[str]()
        usual = Counter(rates.values()).most_common(1)
        other = defaultdict[float, list[str]](list)
        for name, rate in rates.items():
            other[rate] += [name] * (abs(rate - usual[0][0]) > _RATES * abs(usual[0][0]))
        for rate, names in [one for one in other.items() if one[1] and (usual[0][1] > 1 or len(rates) == 2)]:
            lines = {str(self._line(one)): one for one in rates if one not in names}
            theirs = next(iter(lines.values())) if len(rates) == 2 else "the others"
            theirs += f" ({next(iter(lines))})" * (len(lines) == 1)
            by = f"is moved by {short(rate, 6)} times its" if len(names) == 1 else f"are moved by {short(rate, 6)} times their"
            said = f"{', '.join(names)} {by} gradient{'s' * (len(names) > 1)} ({self._line(names[0])})"
            told.append(f"{said}, {theirs} by {short(usual[0][0], 6)} times")
        parts = {name: used(self._recording.statements, [self._recording.carried[name]]) for name in self._of}
        for slot in (slot for slot in self._recording.start if slot not in self._of):
            new = self._recording.carried[slot]
            reads = used(self._recording.statements, [new])
            whose = [name for name, gradient in self._of.items() if gradient in reads]
            if len(whose) == 1 and new not in parts[whose[0]] and slot not in parts[whose[0]]:
                told.append(f"{slot} is made of {self._of[whose[0]]} in each update, and nothing reads it")
        known = {**self._recording.given[0], **self._recording.start}
        for one in self._dead():
            tensor, value = gradient_of(one.name), self._values.get(one.name)
            fits = tensor in known and known[tensor].dtype.kind == "f" and value is not None and known[tensor].shape == value.shape
            lone = tensor not in ("", *self._values, *known) and not one.path and "'" not in one.name
            if fits or (lone and (value is None or value.ndim)):  # a single one may be d_loss, the loss of a discriminator
                moved = self._statements.get(self._recording.carried.get(tensor, ""))
                lost = f"{tensor} has moved before" if moved and moved.order < one.order else f"{tensor} is not moved by it"
                told.append(f"{one.name} ({one.line}) is computed in each update, and nothing reads it: {lost}")
        return told

    def _line(self, parameter: str) -> Line:
        return self._statements[self._recording.carried[parameter]].line

    def _is_inner(self, name: str) -> bool:
        return name in self._statements and self._statements[name].inner


__all__ = ["REPLACED", "Moves"]
