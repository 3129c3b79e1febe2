"""Each stage of an update beside a user's numbers for it: right, right given his earlier numbers, or off by itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.evaluate import assigned
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.trust.digits import ROUNDINGS
from bpdebug.trust.factors import NEAR, PLAIN, Convention, Names, loss_factors, mask_of, names_of, powers
from bpdebug.trust.finding import Finding
from bpdebug.trust.names import file_name
from bpdebug.trust.reading import ComparisonError, Reading
from bpdebug.trust.scene import Scene, rounding, sensitivity

_RELATIVE = {2: 2e-2, 4: 1e-5, 8: 1e-9}
"""What counts as rounding, relative to the largest number of a tensor, by the bytes of a number."""
_BARELY = 0.02
"""Numbers of which less is known show no factor."""
_LARGEST = 2000
"""The longest axis of a tensor of the wrong shape with which it is tried what follows from it."""


class Judge:
    """Goes through one update beside a file: through the forward pass when it is made, on through the rest in a convention.

    Args:
        scene: what is right.
        reading: how the file is understood.

    Attributes:
        program, start: what is executed, and from where.
        right: what the stages give from there.
        convention: how what is seen after the forward pass is read.
        findings: one a stage, in the order of the program; without suspects.
        notes: what had to be understood on the way.
        seen: for each stage, the user's values before it where they have the right shape, ours elsewhere; read in the convention.
        dropped: by activation, what it is without the mask that the user's code has laid over it, and that mask.
        meant: by activation that is off, what it should be: his derivative may go by that, too.

    Raises:
        ComparisonError: where inputs and targets do not belong together.
    """

    def __init__(self, scene: Scene, reading: Reading) -> None:
        self.scene, self.reading = scene, reading
        self.start = {**scene.state, **reading.given}
        x, y = scene.meant.input, scene.meant.target
        rows, expected = len(self.start[x]), len(self.start[y])
        if expected != rows:
            raise ComparisonError(f"{x} in your file has {rows} samples, but {y} is not there, and the scenario's has {expected}")
        self.start["m"] = reading.given.get("m", np.array(float(rows)))
        self.program = scene.program(rows)
        self.right = self.program.run(self.start)
        self.convention = PLAIN
        self.notes: list[str] = []
        self.seen: dict[str, dict[str, Array]] = {}
        self.dropped: dict[str, tuple[Array, Array]] = {}
        self.meant: dict[str, Array] = {}
        self.findings: list[Finding] = []
        self.printed = reading.printed.beside({file_name(self.program, name): value for name, value in self.right.items()})
        if self.printed.formats:
            words = " or ".join(sorted({str(one) for one in self.printed.formats.values()}))
            self.notes.append(f"your numbers have {words}: they are judged as printed so")
        carried = {name: one for name, one in scene.printed.items() if name not in reading.given}
        self.printed = replace(self.printed, formats={**carried, **self.printed.formats}) if carried else self.printed
        self._rounding = rounding(self.program, self.start, self.right, self.printed)
        self._chain, self.values = dict(self.start), dict(self.start)
        self._tainted: set[str] = set()
        self._go_on(Phase.FORWARD, Phase.LOSS)

    def backward(self, convention: Convention = PLAIN) -> Judge:
        """A judge that has gone on through the backward pass."""
        return self.under(convention)._go_on(Phase.BACKWARD)

    def update(self, convention: Convention) -> Judge:
        """A judge that has gone on from there through the optimizer's steps."""
        twin = self.under(convention)
        for known in (twin.values, twin._chain):
            for name in twin.program.gradients.values():
                known[name] = known[name] * convention.step
            for name, power in powers(twin.program).items() if convention.step != 1 else ():
                known[name] = known[name] if name in self.reading.given else known[name] * convention.step**power
            for name in twin.program.slots:
                known[name] = known[name] / (convention.of(name) if name in self.reading.given else 1.0)
        return twin._go_on(Phase.UPDATE)

    def under(self, convention: Convention) -> Judge:
        """A judge that has come as far, and goes on in that convention."""
        twin = copy(self)
        twin.convention, twin.findings, twin.seen = convention, [*self.findings], {**self.seen}
        twin.meant = {**self.meant}
        twin._chain, twin.values, twin._tainted = {**self._chain}, {**self.values}, {*self._tainted}
        return twin

    def _go_on(self, *phases: Phase) -> Judge:
        self.findings += [self._finding(stage) for stage in self.program.stages if stage.phase in phases]
        return self

    @property
    def off(self) -> int:
        """How many stages are off by themselves."""
        return sum(finding.says.accuses for finding in self.findings)

    @property
    def count(self) -> int:
        """How many faults that are."""
        return self.off + self.convention.stray

    @property
    def surprises(self) -> int:
        """How many gradients are right although they are computed from others that are not."""
        backward = [f for f in self.findings if f.stage.phase is Phase.BACKWARD and f.theirs is not None and f.says.agrees]
        return sum(bool(self._tainted & {*finding.stage.formula.names}) for finding in backward)

    @property
    def near(self) -> float:
        """How far from a factor's name a number may be that is read off the file."""
        return max(NEAR, 100 * self.tolerance, self.printed.coarse)

    def visible(self, name: str, theirs: Array) -> float:
        """How exactly the numbers of an array show a factor: those of few decimals may be small."""
        printed = self.printed.formats.get(file_name(self.program, name))
        half = 0.5 * 10.0**-printed.count if printed and printed.fixed else 0.0
        return max(self.near, min(_BARELY, 10 * half / (_largest(theirs) or 1.0)))

    @cached_property
    def names(self) -> Names:
        """The names that factors have here."""
        return names_of(self.program, self.start, self.near)

    def after(self) -> dict[str, Array]:
        """The parameters after the update, theirs where the file has them."""
        return {name: self.values[name] for name in self.program.parameters}

    def differs(self, name: str) -> bool:
        """Whether what the file gives as a start is not the scenario's."""
        return worst(self.start[name], self.scene.state[name])[0] > 10 * self.tolerance

    def computed(self, stage: Stage, values: Mapping[str, Array]) -> Array:
        """What a stage gives in the user's convention."""
        found = assigned(stage.formula, self.unmasked(stage, values))
        return found * self.convention.masks[stage.name] if stage.name in self.convention.masks else found

    def shown(self, name: str) -> float:
        """The factor of what a finding tells of a stage: a stray one is a fault, and not read out of the numbers."""
        return 1.0 if self.convention.stray else self.convention.of(name)

    def unmasked(self, stage: Stage, values: Mapping[str, Array]) -> Mapping[str, Array]:
        """The values with the activation as it is before its mask, where the stage is its derivative."""
        of = self._activation(stage)
        return {**values, of: self.dropped[of][0]} if of in self.dropped else values

    def _activation(self, stage: Stage) -> str:
        """The activation that a stage is the derivative of, or ""."""
        return next((layer.a for layer in self.program.layers if layer.z == stage.of), "")

    def _finding(self, stage: Stage) -> Finding:
        name, factor = stage.name, self.convention.of(stage.name)
        self.seen[name] = dict(self.values)
        due = self.computed(stage, self.values)
        follows = None  # the value given the user's numbers, of whatever shape, unless these do not go together
        with suppress(ValueError, IndexError):
            follows = self.computed(stage, self._chain)
        scaled = stage.phase is Phase.UPDATE and self.convention.step != 1
        moved = (
            scaled or self.dropped or (stage.phase is Phase.UPDATE and any(self.convention.of(slot) != 1 for slot in self.program.slots))
        )
        ours = due if moved else self.right[name]  # as we compute it, from our slots, it need not be
        theirs = self._theirs(stage, ours)
        read = None if theirs is None else theirs / factor
        status = self._status(stage, read, follows, ours)
        if status == "off" and (meant := self._meant(stage, due, read)):
            status, said, ours = meant
        else:
            said = ""
        if status == "off" and theirs is not None:
            self.meant[name] = due
        if status == "off" or (status in ("follows", "missing") and self._tainted & set(stage.formula.names)):
            self._tainted.add(name)
        if status in ("exact", "approximate") and (factor != 1 or scaled):
            status = "convention"
        elif status in ("exact", "approximate") and name in self.convention.masks:
            status, said = "own", "with that mask"
        shown = self.shown(name)
        found = Finding(stage, file_name(self.program, name), status, 0.0, (), ours * shown, theirs, due * shown, said=said)
        self.values[name], self._chain[name] = due, due if follows is None else follows
        if read is None or theirs is None:
            return found
        if not found.misshapen:
            self.values[name] = read
        if not found.misshapen or max(read.shape, default=0) <= _LARGEST:
            self._chain[name] = read
        error, cell = worst(theirs, found.ours)
        return replace(found, error=error, cell=cell, checked=theirs.size)

    def _theirs(self, stage: Stage, ours: Array) -> Array | None:
        """The file's numbers; of a loss that has one number a sample, their sum or mean where that is right."""
        theirs = self.reading.computed.get(stage.name)
        if theirs is None or stage.phase is not Phase.LOSS or theirs.size in (0, 1):
            return theirs
        for word, total in (("sum", theirs.sum()), ("mean", theirs.mean())):
            if self.close(np.asarray(total), ours, self._rounding[stage.name]):
                self.notes.append(f"your {stage.name} holds {theirs.size} numbers, not one; their {word} is right")
                return np.asarray(total)
        self.notes.append(f"your {stage.name} holds {theirs.size} numbers, and neither their sum nor their mean is right")
        return theirs

    def _meant(self, stage: Stage, due: Array, theirs: Array | None) -> tuple[str, str, Array] | None:
        """What is right in a way of its own, with what is then due: a loss with a factor, an activation under a mask."""
        if theirs is None or theirs.shape != due.shape:
            return None
        layer = next((layer for layer in self.program.layers if layer.a == stage.name != self.program.prediction), None)
        biases = [layer.bias for layer in self.program.layers if layer.z == stage.name and layer.bias not in ("", *self.reading.given)]
        more = theirs - due
        if biases and self.close(more, np.broadcast_to(more[:1], more.shape), self._rounding[stage.name]):
            return "unsure", f"right with another {biases[0]}, which is not in your file: save it, too", theirs
        if stage.name == self.program.loss:
            terms = [self.program.stage(name) for name in stage.formula.names if name in self.program.index]
            penalty = sum(self.values[term.name] for term in terms if term.operation == "penalty")
            names = names_of(self.program, self.start, self.near, rate=False)
            for factor, expected in loss_factors(names, due, due - penalty, theirs):
                if self.close(theirs, expected, self._rounding[stage.name] * max(1.0, factor.value)):
                    return "convention", f"{factor.text} times ours", expected
        elif layer and (mask := mask_of(due, theirs, self.values[layer.z] > 0, self.near)) is not None:
            self.dropped[stage.name] = due, mask
            return "own", f"it is {stage.formula.text} times 0 or {short(float(mask.max()))}: a dropout mask", due * mask
        return None

    def _status(self, stage: Stage, theirs: Array | None, follows: Array | None, right: Array) -> str:
        if theirs is None:
            return "missing"
        if self.close(theirs, right, self._rounding[stage.name] * self._blown_up(stage)):
            kind = self.reading.kinds[stage.name]
            rounded = right.astype(kind) if kind.kind == "f" else right
            return "exact" if np.array_equal(theirs, rounded.astype(np.float64), equal_nan=True) else "approximate"
        if follows is None:
            return "off"
        if follows.shape != right.shape and np.squeeze(theirs).shape == np.squeeze(follows).shape:
            theirs = theirs.reshape(follows.shape)  # of a wrong shape, both may lack an axis of length 1
        meant = self.meant.get(self._activation(stage))
        again = meant is not None and self.close(theirs, self.computed(stage, {**self.values, self._activation(stage): meant}), 0.0)
        # a loss of the logits does not read what he makes of them, and his may
        again = again or (stage.phase is Phase.LOSS and bool(self.program.network.fused) and self.program.prediction in self.meant)
        if not again and not self.close(theirs, follows, self._cancelled(stage)):
            return "off"
        return "follows" if again or self._tainted & set(stage.formula.names) else "approximate"

    def _cancelled(self, stage: Stage) -> Array:
        """How far a stage may be off, given the user's numbers, for every relative error of 1 in a single rounding."""
        values = self.unmasked(stage, self._chain)
        mask = self.convention.masks.get(stage.name, np.ones(()))
        return (
            sensitivity(self.program, stage, values, assigned(stage.formula, values), self.printed)
            * float(np.max(mask, initial=1.0))
            * self._blown_up(stage)
        )

    def _blown_up(self, stage: Stage) -> float:
        """By how much what is lost in printing grows when a factor is taken out."""
        return (
            max(1.0, *(abs(1 / self.convention.of(name)) for name in (stage.name, *stage.formula.names))) if self.printed.formats else 1.0
        )

    def close(self, theirs: Array, right: Array, cancelled: Array | float) -> bool:
        """Whether only rounding is between them, where some of it is blown up by what has cancelled."""
        if theirs.shape != right.shape:
            return False
        precision: Any = np.finfo(self.reading.precision)
        rounded = right.astype(precision.dtype).astype(np.float64)
        right = np.where(np.isinf(rounded), rounded, right)
        room = self.tolerance * _largest(right) + ROUNDINGS * float(precision.eps) * cancelled + 2 * float(precision.smallest_subnormal)
        return bool(np.all(_distance(theirs, right) <= room))

    @property
    def tolerance(self) -> float:
        """What counts as rounding in the file's precision, relative to the largest number of a tensor."""
        return _RELATIVE[self.reading.precision.itemsize]


def worst(theirs: Array, right: Array) -> tuple[float, Cell]:
    """The largest difference relative to the largest number, and its cell."""
    if theirs.shape != right.shape:
        return np.inf, ()
    off = _distance(theirs, right)
    cell = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
    return float(off[cell] / (max(_largest(right), _largest(theirs)) or 1.0)), cell


def _distance(left: Array, right: Array) -> Array:
    """The absolute difference: 0 between two values of the same kind that are not finite, inf where only one is."""
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    off = np.abs(left - right)
    return np.where(same, 0.0, np.where(np.isfinite(off), off, np.inf))


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))
