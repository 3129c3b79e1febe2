"""Buffers for one batch size, and the compiled code that works on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, pairwise, starmap
from math import prod
from typing import Any

import numpy as np

from bpdebug.core.compiler import Compiler, Routine, failed_line
from bpdebug.core.description import Array, Values
from bpdebug.core.fast import Check, UpdateCompiler, fuse_updates, piece_name
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.shapes import Shapes
from bpdebug.core.structure import Unknown


class StageError(Exception):
    """A stage that cannot be computed, by how many have run before it, and why."""

    def __init__(self, done: int, error: Exception) -> None:
        super().__init__(done, error)
        self.done, self.error = done, error


Checks = Mapping[int, Sequence[Check]]
"""What may end an update early, by how many of its stages have run."""
UNCHECKED: Checks = {}
Whole = tuple[Routine, Callable[[], int | None], tuple[list[int], list[int]]]
_PIECE, _MOST_PIECES = 8192, 64
"""Numbers of a piece of what the optimizer's steps work on, and how many pieces there are at most, then of more numbers."""
_PROGRAMS = 8
"""Versions of a program whose code is kept; going back and forth over an edit compiles nothing then."""


class Memory:
    """Zeros for named tensors of these shapes, end to end in one flat array, so that a copy of all is a copy of that.

    Args:
        shapes: by name.
        dtype: their precision.
        first: the tensors that come first, in order; the others follow in the order of their shapes.

    Attributes:
        flat: every number.
        tensors: views of it by name.
    """

    def __init__(self, shapes: Shapes, dtype: np.dtype[Any], first: Iterable[str] = ()) -> None:
        self._shapes = {name: shapes[name] for name in dict.fromkeys([*first, *shapes])}
        ends = [*accumulate(map(prod, self._shapes.values()), initial=0)]
        self._places = dict(zip(self._shapes, starmap(slice, pairwise(ends)), strict=True))
        self.flat = np.zeros(ends[-1], dtype)
        self.tensors = self.views(self.flat)

    def views(self, flat: Array) -> dict[str, Array]:
        """The tensors of a copy of :attr:`flat`."""
        return {name: flat[place].reshape(self._shapes[name]) for name, place in self._places.items()}

    def stretch(self, names: Sequence[str]) -> Array:
        """The part in which tensors lie that come one after the other."""
        return self.flat[self._places[names[0]].start : self._places[names[-1]].stop]


class Code:
    """A program compiled for one workspace, each part when it is first run: who steps needs no function for all stages.

    Attributes:
        program: which one.
        stages: one function a stage, by its place.
        whole: one function to run when a batch has been loaded, and one for all stages.
    """

    def __init__(self, program: Program, tensors: Values, forms: Shapes) -> None:
        self.program, self._compiler = program, Compiler(tensors, program.dtype, forms)
        self.stages: dict[int, Routine] = {}
        self.whole: Whole | None = None

    def stage(self, place: int) -> Routine:
        """The function of a stage."""
        if place not in self.stages:
            stage = self.program.stages[place]
            self.stages[place] = self._compiler.routine(self._compiler.lines(stage.name, stage.formula))
        return self.stages[place]


def _whole(program: Program, work: Workspace, checks: Checks) -> Whole:
    steps = [(stage.name, stage.formula) for stage in program.stages]
    kept = [step for step, stage in zip(steps, program.stages, strict=True) if stage.phase is not Phase.UPDATE]
    fused = fuse_updates(program.stages, program.rule, work.pieces)
    if fused is not None and all(done <= len(kept) for done in checks):
        steps = kept + fused
    compiler = UpdateCompiler(work.tensors | work.long, program.dtype, steps, work.given, checks, work.forms)
    return compiler.routine(compiler.once_a_batch), compiler.routine(compiler.every_update), compiler.told


class Workspace:
    """The buffers for one batch size.

    Attributes:
        given: the batch and its size.
        flat: every intermediate tensor, one after the other.
        telling: the part of it that shows whether all is finite: under the optimizer's own formulas, a gradient that is not
            finite makes its parameter so.
        tensors: views by name, with the persistent tensors and the batch among them; integers, truth values, what has a length that
            only the run knows and what is infinite on purpose are arrays of their own, ``apart``.
        forms: of what is known before anything runs, such as the number of samples, and of those last ones.
        rows: what each stage computes, as one row.
        long: what the optimizer's steps over all parameters at once work on, in ``pieces`` pieces.
        loaded: the update whose batch is in the buffers, or -1.
        code: the compiled program.
    """

    def __init__(self, program: Program, rows: int, persistent: Memory) -> None:
        self.given = {name: np.zeros(shape, program.kind(name)) for name, shape in program.given(rows).items()}
        self.given["m"][...] = rows
        shapes = program.shapes(rows)
        told = {name for name, shape in shapes.items() if getattr(shape, "number", None) is not None}
        self.forms = {name: shape for name, shape in shapes.items() if name in told or any(isinstance(n, Unknown) for n in shape)}
        own = {name: shape for name, shape in shapes.items() if name in program.index and name not in program.persistent}
        set_apart = {*self.forms, *(stage.name for stage in program.stages if stage.unbounded)}
        apart = {name: shape for name, shape in own.items() if name in set_apart or program.kind(name) != program.dtype}
        self._own = Memory({name: own[name] for name in own if name not in apart}, program.dtype, program.letters["g"])
        self._persistent, self.flat = persistent, self._own.flat
        known = self.given | persistent.tensors | self._own.tensors
        self.apart = tuple(apart)
        for name, shape in apart.items():
            known[name] = np.zeros([0 if isinstance(n, Unknown) else n for n in shape], program.kind(name))
        self.tensors: dict[str, Array] = {name: known[name] for name in shapes}
        self.rows = [known[stage.name] if stage.name in self.forms else known[stage.name].reshape(-1) for stage in program.stages]
        self.long: dict[str, Array] = {}
        self.pieces = self._gradients = 0
        letters = program.letters if program.free else {}
        stretches = {letter: (self._own if letter == "g" else persistent).stretch(names) for letter, names in letters.items()}
        count = sum(prod(program.parameters[name]) for name in program.free)
        for letter, whole in stretches.items() if all(whole.size == count for whole in stretches.values()) else ():
            length = max(_PIECE, -(-whole.size // _MOST_PIECES))
            bounds = [*range(0, whole.size, length), whole.size]
            self.pieces, self._gradients = len(bounds) - 1, whole.size
            self.long |= {piece_name(letter, piece): whole[start:end] for piece, (start, end) in enumerate(pairwise(bounds))}
        self.loaded = -1
        self._codes: dict[int, Code] = {}
        self.adopt(program)

    def adopt(self, program: Program) -> None:
        """Take another version of the program: the same stages and shapes, other formulas."""
        if id(program) not in self._codes:
            self._codes[id(program)] = Code(program, self.tensors, self.forms)
            for old in list(self._codes)[:-_PROGRAMS]:
                del self._codes[old]
        self.code = self._codes[id(program)]
        edited = any(stage.edited for stage in program.stages if stage.phase is Phase.UPDATE)
        self.telling = self.flat if edited else self.flat[self._gradients :]
        self._checks: Checks = UNCHECKED
        self._prepared: Routine | None = None

    def named(self, flat: Array, kept: Array) -> dict[str, Array]:
        """Views of copies of the intermediate and of the persistent tensors, by name."""
        return self._persistent.views(kept) | self._own.views(flat)

    def run(self, checks: Checks) -> int | None:
        """Run all stages; how many have run where a check has struck, else None.

        Raises:
            StageError: where a stage cannot be computed.
        """
        if not checks:
            self.code.whole = whole = self.code.whole or _whole(self.code.program, self, UNCHECKED)
        else:
            if checks is not self._checks:
                self._guarded, self._checks = _whole(self.code.program, self, checks), checks
            whole = self._guarded
        prepare, update, told = whole
        part = 0
        try:
            if self._prepared is not prepare:
                prepare()
                self._prepared = prepare
            part = 1
            return update()
        except (IndexError, ValueError) as error:  # a place that there is not, lengths that only the run knows
            raise StageError(told[part][failed_line(error)], error) from None

    def load(self, update: int, data: Values, chosen: Array | None, whole: Values) -> None:
        """Bring an update's batch into the buffers, and what is whole in each update or drawn for it."""
        for name, values in data.items():
            if chosen is None:
                self.given[name][...] = values
            else:
                values.take(chosen, axis=0, out=self.given[name], mode="clip")
        for name, values in whole.items():
            self.given[name][...] = values
        self.loaded, self._prepared = update, None
