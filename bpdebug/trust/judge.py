"""Each stage of an update beside a user's numbers for it: right, right given his earlier numbers, or off by itself."""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from functools import cached_property, partial
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from bpdebug.core.description import Array, Values
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import assigned
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.words import together
from bpdebug.trust.clipped import clipped_as_pytorch
from bpdebug.trust.factors import NEAR, PLAIN, Convention, Names, loss_factors, mask_of, names_of, powers
from bpdebug.trust.finding import STATUSES, Finding, distance, largest, worst
from bpdebug.trust.names import file_name
from bpdebug.trust.reading import ComparisonError, Reading
from bpdebug.trust.report import counted
from bpdebug.trust.scene import Scene
from bpdebug.trust.worlds import Worlds, solved, steady

_RELATIVE = {2: 2e-2, 4: 1e-5, 8: 1e-9}
"""What counts as rounding, relative to the largest number of a tensor, by the bytes of a number."""
_BARELY = 0.02
"""Numbers of which less is known show no factor."""
_WIDE = 0.5
"""What may be off by more than this share of itself, or of a step, tells nothing."""
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
        tainted: what is off, and what follows from it.
        surprises: how many gradients are right although they are computed from others that are not.
        meant: by activation that is off, what it should be: his derivative may go by that, too.

    Raises:
        ComparisonError: where inputs and targets do not belong together.
    """

    def __init__(self, scene: Scene, reading: Reading) -> None:
        self.scene, self.reading = scene, reading
        self.start = {**scene.state, **reading.given}
        x, y = scene.meant.input, scene.meant.target
        rows = len(self.start[x]) if x else scene.rows
        expected = len(self.start[y]) if y else rows
        if expected != rows:
            raise ComparisonError(f"{x} in your file has {counted(rows)}, but {y} is not there, and the scenario's has {expected}")
        self.start["m"] = reading.given.get("m", np.array(float(rows)))
        self.program = scene.program(rows)
        self.right = self.program.run(self.start)
        self.convention = PLAIN
        self.seen: dict[str, dict[str, Array]] = {}
        self.dropped, self.meant = dict[str, tuple[Array, Array]](), dict[str, Array]()
        self.findings: list[Finding] = []
        self.printed = reading.printed.beside({file_name(self.program, name): value for name, value in self.right.items()})
        self.notes = [f"your numbers are printed with {self.printed.words}, and judged as such"] * bool(self.printed.formats)
        carried = {name: one for name, one in scene.printed.items() if name not in reading.given}
        self.printed = replace(self.printed, formats={**carried, **self.printed.formats}) if carried else self.printed
        self._worlds = Worlds(self.program, self.printed)
        for name in self.program.constants:  # a small one may have been printed as 0
            meant = scene.state[name]
            if np.all(np.abs(self.start[name] - meant) <= 1.01 * self._worlds.half(name, self.start[name])):
                self.start[name] = meant
        self._chain, self.values = dict(self.start), dict(self.start)
        single = self.start if reading.precision.itemsize < 8 else {}
        self._single: dict[str, Array] = {n: value.astype(np.float32) if value.dtype.kind == "f" else value for n, value in single.items()}
        for name, value in self.start.items():
            self._worlds.follow(name, value, name, 1.0, None)
        self.tainted, self._open, self.surprises = set[str](), set[str](), 0
        self._go_on(Phase.FORWARD, Phase.LOSS)

    def backward(self, convention: Convention = PLAIN, most: float = inf) -> Judge:
        """A judge that has gone on through the backward pass, or given up beyond so many faults."""
        return self.under(convention)._go_on(Phase.BACKWARD, most=most)

    def update(self, convention: Convention, most: float = inf) -> Judge:
        """A judge that has gone on from there through the optimizer's steps, or given up beyond so many faults."""
        twin = self.under(convention)
        scales = dict.fromkeys(twin.program.gradients.values(), convention.step)
        scales |= {n: 1 / convention.of(n) if n in self.reading.given else convention.step**p for n, p in powers(twin.program).items()}
        for name in [name for name, scale in scales.items() if scale != 1]:
            twin._worlds.scale(name, scales[name])
            for known in (twin.values, twin._chain, twin._single):
                known.update({name: known[name] * scales[name]} if name in known else {})
        return twin._go_on(Phase.UPDATE, most=most)

    def under(self, convention: Convention) -> Judge:
        """A judge that has come as far, and goes on in that convention."""
        twin = copy(self)
        vars(twin).update({name: copy(value) for name, value in vars(self).items() if isinstance(value, dict | list | set)})
        twin.convention, twin._worlds = convention, self._worlds.copy()
        return twin

    def _go_on(self, *phases: Phase, most: float = inf) -> Judge:
        for stage in self.program.stages:
            self.findings += [self._finding(stage)] if stage.phase in phases and self.count <= most else []
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
    def near(self) -> float:
        """How far from a factor's name a number may be that is read off the file."""
        return max(NEAR, 100 * self.tolerance, self.printed.coarse)

    def visible(self, name: str, theirs: Array) -> float:
        """How exactly the numbers of an array show a factor: those of few decimals may be small."""
        printed = self.printed.formats.get(file_name(self.program, name))
        half = 0.5 * 10.0**-printed.count if printed and printed.fixed else 0.0
        return max(self.near, min(_BARELY, 10 * half / (largest(theirs) or 1.0)))

    @cached_property
    def names(self) -> Names:
        """The names that factors have here."""
        return names_of(self.program, self.start, self.near)

    def differs(self, name: str) -> bool:
        """Whether what the file gives as a start is not the scenario's."""
        return worst(self.start[name], self.scene.state[name])[0] > 10 * self.tolerance

    def computed(self, stage: Stage, values: Values, dtype: npt.DTypeLike = np.float64) -> Array:
        """What a stage gives in the user's convention."""
        found = assigned(stage.formula, self.unmasked(stage, values), dtype)
        return found * self.convention.masks[stage.name] if stage.name in self.convention.masks else found

    def shown(self, name: str) -> float:
        """The factor of what a finding tells of a stage: a stray one is a fault, and not read out of the numbers."""
        return 1.0 if self.convention.stray else self.convention.of(name)

    def unmasked(self, stage: Stage, values: Values) -> Values:
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
        follows = single = None  # the value given the user's numbers, of whatever shape, unless these do not go together
        with suppress(FormulaError):
            follows = self.computed(stage, self._chain)
            single = self.computed(stage, self._single, np.float32) if self._single else None
        updates = stage.phase is Phase.UPDATE
        scaled = updates and self.convention.step != 1
        moved = scaled or self.dropped or (updates and any(self.convention.of(slot) != 1 for slot in self.program.slots))
        ours = due if moved or not np.isfinite(self.right[name]).all() else self.right[name]  # from our slots, it need not be
        theirs = self._theirs(stage, ours)
        read = None if theirs is None else theirs / factor
        status = self._status(stage, read, follows, ours, single)
        said = "ours is not finite" if status == "unsure" and not np.isfinite(due).all() else ""
        if status == "off" and (meant := self._meant(stage, due, read, single)):
            status, said, ours = meant
        reads = {*stage.formula.names}
        self.meant |= {name: due} if status == "off" else {}
        self._open |= {name} if status == "missing" and (self._lacking | self._open) & reads else set()
        surprise = stage.phase is Phase.BACKWARD and STATUSES[status].agrees and not reads.isdisjoint(self.tainted)
        self.surprises += read is not None and surprise
        self.tainted |= {name} if status == "off" or (status in ("follows", "missing") and self.tainted & reads) else set()
        if status == "approximate" and read is not None and self._beyond(stage, read, ours).any():
            ours = due  # what he starts from is not known
        if status in ("exact", "approximate") and (factor != 1 or scaled or name in self.convention.masks):
            status, said = ("convention", said) if factor != 1 or scaled else ("own", "with that mask")
        self.values[name] = due if (misshapen := read is not None and read.shape != ours.shape) or read is None else read
        # what follows from his numbers is tried with a tensor of the wrong shape, too, unless that is large
        known = read is not None and (not misshapen or max(read.shape, default=0) <= _LARGEST)
        self._chain[name] = read if known and read is not None else due if follows is None else follows
        if self._single:
            self._single[name] = np.asarray(self._chain[name] if known or single is None else single, np.float32)
        key, shown = file_name(self.program, name), self.shown(name)
        run = steady(stage.formula.tree, partial(self.computed, stage), self._chain)
        self._worlds.follow(name, self._chain[name], key, factor, None if known or follows is None else run)
        error, cell = (0.0, ()) if theirs is None else worst(theirs, ours * shown)
        return Finding(stage, key, status, error, cell, ours * shown, theirs, due * shown, 0 if theirs is None else theirs.size, said=said)

    def _theirs(self, stage: Stage, ours: Array) -> Array | None:
        """The file's numbers; of a loss that has one number a sample, their sum or mean where that is right."""
        theirs = self.reading.computed.get(stage.name)
        if theirs is None or stage.phase is not Phase.LOSS or theirs.size in (0, 1):
            return theirs
        for word, total in (("sum", theirs.sum()), ("mean", theirs.mean())):
            if self._agrees(stage, np.asarray(total), ours) is not False:
                self.notes.append(f"your {stage.name} holds {theirs.size} numbers, not one; their {word} is right")
                return np.asarray(total)
        self.notes.append(f"your {stage.name} holds {theirs.size} numbers, and neither their sum nor their mean is right")
        return theirs

    @cached_property
    def _lacking(self) -> set[str]:
        """What the file lacks of a start: parameters, if it has others; without any it means the scenario's, unless these are foreign."""
        parameters, given, foreign = {*self.program.parameters}, self.reading.given.keys(), self.reading.foreign
        lacking = parameters | (set(self.program.data) if foreign else set())
        return lacking - given if foreign or self.reading.uncompared or parameters & given else set()

    def _others(self, stage: Stage, theirs: Array) -> list[str]:
        """What the file lacks, where with some numbers in its place a stage gives theirs; these count from here on."""
        lacking = {name: self.values[name] for name in stage.formula.names if name in self._lacking}
        unknown = [*lacking, *(name for name in stage.formula.names if name in self._open)]
        if not {*unknown} <= {*self.program.parameters}:
            return unknown
        found = solved(lambda put: self.computed(stage, {**self.values, **put}), lacking, theirs) if lacking else None
        if found is None or self._agrees(stage, theirs, self.computed(stage, {**self.values, **found[0]})) is False:
            return []
        if found[1] and stage.phase is Phase.FORWARD:
            self.values |= found[0]
            self._chain |= found[0]
        return unknown

    def _meant(self, stage: Stage, due: Array, theirs: Array | None, single: Array | None) -> tuple[str, str, Array] | None:
        """What is right in a way of its own, with what is then due: a loss with a factor, an activation under a mask."""
        layer = next((layer for layer in self.program.layers if layer.a == stage.name != self.program.prediction), None)
        if theirs is None or theirs.shape != due.shape:
            return None
        torch = clipped_as_pytorch(self.program, stage, self.values, self.reading.computed)
        if torch and self._agrees(stage, theirs, clipped := self.computed(stage, torch)):
            return "own", "the norm is that of PyTorch's clip_grad_norm_, 1e-6 more", clipped
        if others := self._others(stage, theirs):
            return "unsure", f"perhaps right with another {together(others)}, which your file should have, too", theirs
        if stage.name == self.program.loss:
            terms = [name for name in stage.formula.names if name in self.program.index]
            penalty = sum(self.values[term] for term in terms if self.program.stage(term).operation == "penalty")
            for factor, expected in loss_factors(names_of(self.program, self.start, self.near, rate=False), due, due - penalty, theirs):
                lost = single is not None and not self._beyond(stage, theirs, single * (expected / due)).any()
                if lost or self._agrees(stage, theirs, expected, factor.value) is not False:
                    return "convention", f"{factor.text} times ours", expected
        elif layer and (mask := mask_of(due, theirs, self.values[layer.z] > 0, self.near)) is not None:
            self.dropped[stage.name] = due, mask
            return "own", f"it is {stage.formula.text} times 0 or {short(float(mask.max()))}: a dropout mask", due * mask
        return None

    def _status(self, stage: Stage, theirs: Array | None, follows: Array | None, right: Array, single: Array | None) -> str:
        if theirs is None:
            return "missing"
        if not self._beyond(stage, theirs, right).any():
            kind = self.reading.kinds[stage.name]
            rounded = right.astype(kind) if kind.kind == "f" else right
            return "exact" if np.array_equal(theirs, rounded.astype(np.float64), equal_nan=True) else "approximate"
        if follows is None:
            return "off"
        if follows.shape != right.shape and np.squeeze(theirs).shape == np.squeeze(follows).shape:
            theirs = theirs.reshape(follows.shape)  # of a wrong shape, both may lack an axis of length 1
        a = self._activation(stage)
        again = a in self.meant and not self._beyond(stage, theirs, self.computed(stage, {**self.values, a: self.meant[a]})).any()
        # a loss of the logits does not read what he makes of them, and his may
        again = again or (stage.phase is Phase.LOSS and bool(self.program.network.fused) and self.program.prediction in self.meant)
        # an exponential may overflow in single precision, and not in double
        lost = single is not None and not self._beyond(stage, theirs, single).any()
        if not (agrees := again or lost or self._agrees(stage, theirs, follows)):
            return "off" if agrees is False else "unsure"
        return "follows" if again or self.tainted & set(stage.formula.names) else "approximate"

    def _agrees(self, stage: Stage, theirs: Array, due: Array, grown: float = 1.0) -> bool | None:
        """Whether numbers are what a stage makes of the user's before it, times a factor; None where these tell too little."""
        beyond = self._beyond(stage, theirs, due)
        if not beyond.any() or theirs.shape != due.shape:
            return not beyond.any()
        lost = np.isfinite(theirs) & ~np.isfinite(due)  # his way to compute it may be the better one
        worlds, values = self._worlds, self._chain
        run = steady(stage.formula.tree, partial(self.computed, stage), values)
        if stage.phase is Phase.UPDATE:
            room = worlds.ends(stage.formula.names, values, run)
            size = largest(due - values[stage.name]) if stage.name in self.program.parameters else largest(due)
        else:
            room, size = worlds.spread(run, run(values)), largest(due)
        room = np.asarray(room * max(1.0, grown))
        if room.shape == due.shape and not (self._beyond(stage, theirs, due, room) & ~lost).any():
            return None if lost.any() or (self.printed.formats and (beyond & (room > _WIDE * size)).any()) else True
        return False

    def _beyond(self, stage: Stage, theirs: Array, right: Array, room: Array | float = 0.0) -> Array:
        """In which cells more than rounding is between the two, and more than a room besides; all of them where shapes differ."""
        if theirs.shape != right.shape:
            return np.ones(1, bool)
        precision: Any = np.finfo(self.reading.precision)
        right = np.where(np.isinf(rounded := right.astype(precision.dtype).astype(np.float64)), rounded, right)
        half = 1.01 * self._worlds.half(file_name(self.program, stage.name), theirs, self.convention.of(stage.name))
        relative = max(self.tolerance, self.printed.rounding) * largest(right)
        return distance(theirs, right) > relative + half + room + 2 * float(precision.smallest_subnormal)

    @property
    def tolerance(self) -> float:
        """What counts as rounding in the file's precision, relative to the largest number of a tensor."""
        return _RELATIVE[self.reading.precision.itemsize]
