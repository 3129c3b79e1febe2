"""Buffers for one batch size, and the compiled code that works on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from bpdebug.core.compiler import Compiler, Routine
from bpdebug.core.description import Array
from bpdebug.core.fast import Check, UpdateCompiler, fuse_updates, piece_bounds, piece_name
from bpdebug.core.memory import Memory
from bpdebug.core.network import Phase
from bpdebug.core.program import Program

Checks = Mapping[int, Sequence[Check]]
_PROGRAMS = 8
"""Versions of a program whose code is kept; going back and forth over an edit compiles nothing then."""


class Code:
    """A program compiled for one workspace.

    Attributes:
        stages: one function a stage.
        prepare: to be run when a batch has been loaded.
        update: one function for all stages.
    """

    def __init__(self, program: Program, work: Workspace) -> None:
        compiler = Compiler(work.tensors, program.dtype)
        self.stages: list[Routine] = [compiler.routine(compiler.lines(stage.name, stage.formula)) for stage in program.stages]
        self.prepare, self.update = _update(program, work, {})


def _update(program: Program, work: Workspace, checks: Checks) -> tuple[Routine, Callable[[], int | None]]:
    steps = [(stage.name, stage.formula) for stage in program.stages]
    kept = [step for step, stage in zip(steps, program.stages, strict=True) if stage.phase is not Phase.UPDATE]
    fused = fuse_updates(program.stages, program.rule, work.pieces)
    if fused is not None and all(done <= len(kept) for done in checks):
        steps = kept + fused
    return UpdateCompiler(work.tensors | work.long, program.dtype, steps, work.given, checks).routines()


class Workspace:
    """The buffers for one batch size.

    Attributes:
        given: the batch and its size.
        flat: every intermediate tensor, one after the other.
        telling: the part of it that shows whether all is finite: under the optimizer's own formulas, a gradient that is not
            finite makes its parameter so.
        tensors: views by name, with the persistent tensors and the batch among them.
        rows: what each stage computes, as one row.
        long: what the optimizer's steps over all parameters at once work on, in ``pieces`` pieces.
        loaded: the update whose batch is in the buffers, or -1.
        code: the compiled program.
        guarded: one function for all stages that returns how many have run where a check has struck, else None.
    """

    def __init__(self, program: Program, rows: int, persistent: Memory) -> None:
        self.given = Memory(program.given(rows), program.dtype).tensors
        self.given["m"][...] = rows
        self._own, self._persistent = Memory(program.transient(rows), program.dtype, program.letters["g"]), persistent
        self.flat = self._own.flat
        known = self.given | persistent.tensors | self._own.tensors
        self.tensors: dict[str, Array] = {name: known[name] for name in program.shapes(rows)}
        self.rows = [self.tensors[stage.name].reshape(-1) for stage in program.stages]
        self.long: dict[str, Array] = {}
        self.pieces = self._gradients = 0
        for letter, names in program.letters.items() if program.free else ():
            whole = (self._own if letter == "g" else persistent).stretch(names)
            bounds = piece_bounds(whole.size)
            self.pieces, self._gradients = len(bounds) - 1, whole.size
            self.long |= {piece_name(letter, piece): whole[start:end] for piece, (start, end) in enumerate(pairwise(bounds))}
        self.loaded = -1
        self._codes: dict[int, tuple[Program, Code]] = {}
        self.adopt(program)

    def adopt(self, program: Program) -> None:
        """Take another version of the program: the same stages and shapes, other formulas."""
        if id(program) not in self._codes:
            self._codes[id(program)] = (program, Code(program, self))
            for old in list(self._codes)[:-_PROGRAMS]:
                del self._codes[old]
        self._program, self.code = self._codes[id(program)]
        edited = any(stage.edited for stage in program.stages if stage.phase is Phase.UPDATE)
        self.telling = self.flat if edited else self.flat[self._gradients :]
        if self.loaded >= 0:
            self.code.prepare()
        self.guarded: Callable[[], int | None] = self.code.update
        self._checks: Checks = {}

    def named(self, flat: Array, kept: Array) -> dict[str, Array]:
        """Views of copies of the intermediate and of the persistent tensors, by name."""
        return self._persistent.views(kept) | self._own.views(flat)

    def guard(self, checks: Checks) -> None:
        """Compile the checks into the update."""
        if checks is self._checks:
            return
        self._checks = checks
        self.guarded = self.code.update
        if checks:
            prepare, self.guarded = _update(self._program, self, checks)
            self._prepare_guarded = prepare
            prepare()

    def load(self, update: int, data: Mapping[str, Array], chosen: Array | None) -> None:
        """Bring an update's batch into the buffers."""
        for name, values in data.items():
            if chosen is None:
                self.given[name][...] = values
            else:
                values.take(chosen, axis=0, out=self.given[name], mode="clip")
        self.code.prepare()
        if self._checks:
            self._prepare_guarded()
        self.loaded = update
