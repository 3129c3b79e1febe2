"""Values on the way to the loss that he takes as given, so that no gradient flows through them: targets, advantages, importance weights."""

from __future__ import annotations

import re
from collections import ChainMap, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import assigned
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.tree import Binary, Call, Name, Unary, substitute
from bpdebug.core.tree import names as names_in
from bpdebug.frontends.numpy_script.alike import laid_out
from bpdebug.frontends.numpy_script.fits import Differentiated, differentiated
from bpdebug.frontends.numpy_script.lines import RecordedScenario, reached, start_of, used
from bpdebug.frontends.numpy_script.multiples import agreement_of, scale
from bpdebug.frontends.numpy_script.recording import Line, Recording, Statement

_MOST, _SEVERAL = 60, 3
"""Lines that are tried, and of which values are taken as given at the same time."""
_MOSTLY = 0.5
"""The share of the parameters whose gradients are right then, at least: a wrong gradient may be that of fewer by chance."""


def with_given(recording: Recording, scenario: RecordedScenario, loss: Differentiated) -> Differentiated:
    """The loss with ``stop_gradient`` around what he takes as given, if more of his gradients are right with that.

    What may be taken as given is no part of the model's answer: it comes from a forward pass of its own, or is compared with an answer,
    or weighs it, at the very end. A statistic of what it is subtracted from, as in batch normalization, is none.
    """
    if loss.said or loss.agreement == 1:
        return loss
    stops = _Stops(recording, loss)
    while len(stops.held) < _SEVERAL and stops.agreement < 1 and stops.go_on():
        pass
    if not stops.held or stops.agreement < _MOSTLY:
        return loss
    name = loss.program.loss.removesuffix(".sum")
    text = f"sum({name})" * (name != loss.program.loss)
    try:
        return replace(differentiated(with_held(recording, stops.held), scenario, text, (name,), "", loss.line), held=(*stops.held,))
    except BpdebugError:
        return loss


def with_held(recording: Recording, held: Sequence[tuple[str, ...]], apart: Sequence[tuple[str, str]] = ()) -> Recording:
    """The recording with ``stop_gradient`` around some values, those of a line together, and a note on each line.

    Args:
        recording: of the script.
        held: the values.
        apart: lines, and what each reads as given, though it is not so elsewhere.
    """
    lines, names = {one.name: one.line for one in recording.statements}, {name for names in held for name in names}
    said = {one.name: one.formula.text if one.inner and one.formula else one.name for one in recording.statements}
    told = [f"{said[names[0]]} is taken as given, no gradient flows through it ({lines[names[0]]})" for names in held]
    told += [f"{name} is taken as given, no gradient flows through it ({lines[line]})" for line, name in apart]
    statements = tuple(_stopped(_parted(one, apart), one.name in names) for one in recording.statements)
    return replace(recording, statements=statements, notes=(*recording.notes, *told))


def _stopped(one: Statement, whole: bool) -> Statement:
    return replace(one, formula=Formula.of(Call("stop_gradient", (one.formula.tree,)))) if one.formula and whole else one


def _parted(one: Statement, apart: Sequence[tuple[str, str]]) -> Statement:
    given = {name: Call("stop_gradient", (Name(name),)) for line, name in apart if line == one.name}
    return replace(one, formula=Formula.of(substitute(one.formula.tree, given))) if one.formula and given else one


class _Stops:
    """The search for what is taken as given.

    Attributes:
        held: the values that are, those of a line together.
        agreement: the share of the parameters whose gradients are right then.
    """

    def __init__(self, recording: Recording, loss: Differentiated) -> None:
        self._recording, self._loss, self.held, self.agreement = recording, loss, list[tuple[str, ...]](), loss.agreement
        forward = {name for name, _ in loss.forward}
        self._forward, self._statements = forward, [one for one in recording.statements if one.name in forward]
        self._known = {**loss.program.initial, **start_of(recording)}
        with np.errstate(all="ignore"):
            self._known |= loss.program.run(self._known)
        self._groups = [*self._lines()][:_MOST]

    def go_on(self) -> bool:
        """Take the values of one more line as given, if more gradients are right with that."""
        for names in self._groups:
            gradients = self._without([name for names in (*self.held, names) for name in names])
            if any(self._is_cut(name, value, gradients[name]) for name, value in self._loss.gradients.items() if value.any()):
                continue
            agreement = agreement_of(self._recording, self._forward, gradients, self._loss.parts)[0]
            if agreement > self.agreement:
                self.agreement, self.held = agreement, [*self.held, names]
                return True
        return False

    def _is_cut(self, name: str, before: Array, after: Array) -> bool:
        """Whether nothing of the gradient of a parameter is left, or but that of a penalty on it."""
        old = self._recording.start.get(name)
        return old is not None and not (after.any() and (scale(before, old) or old.size == 1 or not scale(after, self._known[name])))

    def _without(self, held: Iterable[str]) -> Mapping[str, Array]:
        """The gradients where some values are taken as given."""
        of = self._loss.program.gradients
        found = {of[name]: np.zeros_like(self._known[of[name]]) for name in held}
        at = ChainMap(found, self._known)
        with np.errstate(all="ignore"):
            for stage in self._loss.program.stages:
                if stage.of and stage.name not in found and not found.keys().isdisjoint(stage.formula.names):
                    found[stage.name] = assigned(stage.formula, at, self._loss.program.kind(stage.name))
        return {name: found.get(of[name], value) for name, value in self._loss.gradients.items()}

    def _lines(self) -> Iterator[tuple[str, ...]]:
        """The values that may be taken as given, the last first; those that one line makes belong together."""
        found = defaultdict[tuple[Line, str], list[str]](list)
        for one in reversed(self._statements):
            if one.name in self._loss.program.gradients and one.name not in self._recording.start:
                found[one.line, re.sub(r"\W*\d+\W*$", "", one.name)].append(one.name)
        yield from (tuple(names) for names in found.values() if self._may_be_given({*names}) and not self._is_computed(names))

    def _is_computed(self, names: Sequence[str]) -> bool:
        """Whether he has the gradient of a value, and so does not take it as given."""
        laid = {one.name: laid_out(one.formula.tree) for one in self._statements if one.inner and one.formula}
        of = [self._loss.gradients.get(other) for name in names for other in (name, laid.get(name)) if other]
        values = self._recording.values[-1]
        own = [one.name for one in self._recording.statements if not (one.inner or one.name in self._forward) and one.name in values]
        due = [right for right in of if right is not None and right.size > 1]
        return any((scale(values[name], right) or 0.0) > 0 for name in own for right in due if right.size == values[name].size)

    def _may_be_given(self, held: set[str]) -> bool:
        """Whether nothing is learned after values, and they come from a pass of their own, or from the same one as what they are compared
        with, or weigh."""
        dependent = reached(self._statements, self._recording.start)
        before = used(self._statements, held)
        if before.isdisjoint(name for name, value in self._recording.given[0].items() if value.ndim):
            return False  # a function of the parameters alone, such as a penalty with its rate
        if self._is_added(held, dependent):
            return False
        cut = [replace(one, formula=None, opaque=()) if one.name in held else one for one in self._statements]
        rest = used(cut, [self._loss.program.loss.removesuffix(".sum")])
        after = reached(self._statements, held) - held
        if any(not {*self._recording.start}.isdisjoint(one.reads) for one in self._statements if one.name in after):
            return False  # a part of the answer, such as a hidden state of a moment before
        if before.isdisjoint((rest & dependent) - {*self._recording.start} - held):
            return True
        readers = [one for one in self._statements if not held.isdisjoint(one.reads)]
        return all(self._is_weighed(one, held, before) for one in readers)

    def _is_added(self, held: set[str], dependent: set[str]) -> bool:
        """Whether values are summands of the loss, and of nothing else."""
        found = {*held}
        for one in self._statements:
            if found.isdisjoint(one.reads):
                continue
            match one.formula and one.formula.tree:
                case Binary("+" | "-") | Unary() | Call("sum" | "mean"):
                    found.add(one.name)
                case Binary("*" | "/", Name(left), right) if left in found and dependent.isdisjoint(names_in(right)):
                    found.add(one.name)
                case _:
                    return False
        return True

    def _is_weighed(self, one: Statement, held: set[str], before: set[str]) -> bool:
        """Whether a line compares such a value, or multiplies it, with another one of its shape of which it is not made."""
        match one.formula and one.formula.tree:
            case Binary("-" | "*", Name(left), Name(right)) if (left in held) != (right in held):
                other, shape = (right if left in held else left), np.shape(self._known[left])
                return other not in before and shape == np.shape(self._known[right]) != ()
        return False


__all__ = ["with_given", "with_held"]
