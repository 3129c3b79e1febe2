"""Each stage of an update beside a user's numbers for it: right, right given his earlier numbers, or off by itself."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.evaluate import assigned
from bpdebug.core.network import Phase
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.trust.finding import Finding
from bpdebug.trust.names import file_name
from bpdebug.trust.reading import ComparisonError, Reading
from bpdebug.trust.scene import Scene, rounding, sensitivity

_RELATIVE = {2: 2e-2, 4: 1e-5, 8: 1e-9}
"""What counts as rounding, relative to the largest number of a tensor, by the bytes of a number."""
_ROUNDINGS = 30
"""How many roundings in the direction that hurts most are let pass besides."""
_LARGEST = 2000
"""The longest axis of a tensor of the wrong shape with which it is tried what follows from it."""


class Judge:
    """Goes through one update beside a file.

    Args:
        scene: what is right.
        reading: how the file is understood.

    Attributes:
        program, start: what is executed, and from where.
        findings: one a stage, in the order of the program; without suspects.
        notes: what had to be understood on the way.
        seen: for each stage, the user's values before it where they have the right shape, ours elsewhere.

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
        self.start["m"] = np.array(float(rows))
        self.program = scene.program(rows)
        self.right = self.program.run(self.start)
        self.notes: list[str] = []
        self.seen: dict[str, dict[str, Array]] = {}
        self._rounding = rounding(self.program, self.start, self.right)
        self._chain, self._proper = dict(self.start), dict(self.start)
        self._tainted: set[str] = set()
        self.findings = [self._finding(stage) for stage in self.program.stages]

    @property
    def off(self) -> int:
        """How many stages are off by themselves."""
        return sum(finding.says.accuses for finding in self.findings)

    def after(self) -> dict[str, Array]:
        """The parameters after the update, theirs where the file has them."""
        return {name: self._proper[name] for name in self.program.parameters}

    def differs(self, name: str) -> bool:
        """Whether what the file gives as a start is not the scenario's."""
        return worst(self.start[name], self.scene.state[name])[0] > 10 * self.tolerance

    def _finding(self, stage: Stage) -> Finding:
        name, ours = stage.name, self.right[stage.name]
        self.seen[name] = dict(self._proper)
        due = assigned(stage.formula, self._proper)
        follows = None  # the value given the user's numbers, of whatever shape, unless these do not go together
        with suppress(ValueError, IndexError):
            follows = assigned(stage.formula, self._chain)
        theirs = self._theirs(stage, ours)
        status = self._status(stage, theirs, follows)
        if status == "off" or (status in ("follows", "missing") and self._tainted & set(stage.formula.names)):
            self._tainted.add(name)
        found = Finding(stage, file_name(self.program, name), status, 0.0, (), ours, theirs, due)
        self._proper[name], self._chain[name] = due, due if follows is None else follows
        if theirs is None:
            return found
        if not found.misshapen:
            self._proper[name] = theirs
        if not found.misshapen or max(theirs.shape, default=0) <= _LARGEST:
            self._chain[name] = theirs
        error, cell = worst(theirs, ours)
        return replace(found, error=error, cell=cell, checked=theirs.size)

    def _theirs(self, stage: Stage, ours: Array) -> Array | None:
        """The file's numbers; of a loss that has one number a sample, their sum or mean where that is right."""
        theirs = self.reading.computed.get(stage.name)
        if theirs is None or stage.phase is not Phase.LOSS or theirs.size in (0, 1):
            return theirs
        for word, total in (("sum", theirs.sum()), ("mean", theirs.mean())):
            if self._close(np.asarray(total), ours, self._rounding[stage.name]):
                self.notes.append(f"your {stage.name} holds {theirs.size} numbers, not one; their {word} is right")
                return np.asarray(total)
        self.notes.append(f"your {stage.name} holds {theirs.size} numbers, and neither their sum nor their mean is right")
        return theirs

    def _status(self, stage: Stage, theirs: Array | None, follows: Array | None) -> str:
        if theirs is None:
            return "missing"
        right = self.right[stage.name]
        if self._close(theirs, right, self._rounding[stage.name]):
            kind = self.reading.kinds[stage.name]
            rounded = right.astype(kind) if kind.kind == "f" else right
            return "exact" if np.array_equal(theirs, rounded.astype(np.float64), equal_nan=True) else "approximate"
        if follows is None:
            return "off"
        if follows.shape != right.shape and np.squeeze(theirs).shape == np.squeeze(follows).shape:
            theirs = theirs.reshape(follows.shape)  # of a wrong shape, both may lack an axis of length 1
        if not self._close(theirs, follows, sensitivity(self.program, stage, self._chain, follows)):
            return "off"
        return "follows" if self._tainted & set(stage.formula.names) else "approximate"

    def _close(self, theirs: Array, right: Array, cancelled: float) -> bool:
        """Whether only rounding is between them, where some of it is blown up by what has cancelled."""
        if theirs.shape != right.shape:
            return False
        precision: Any = np.finfo(self.reading.precision)
        rounded = right.astype(precision.dtype).astype(np.float64)
        right = np.where(np.isinf(rounded), rounded, right)
        room = self.tolerance * _largest(right) + _ROUNDINGS * float(precision.eps) * cancelled + 2 * float(precision.smallest_subnormal)
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
