"""A recorded step as a program: forward pass, gradients and update as stages, with the numbers that torch has computed."""

from __future__ import annotations

import gc
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from bpdebug.core.description import Lines, Loss, Optimizer, Training
from bpdebug.core.errors import BpdebugError
from bpdebug.core.network import Network, Phase
from bpdebug.core.optimizers import OWN as OWN_RULE
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import Level, Stage
from bpdebug.core.tensors import Naming
from bpdebug.core.tree import Name, literal, substitute
from bpdebug.frontends.numpy_script.lines import RecordedScenario
from bpdebug.frontends.numpy_script.program import RecordedProgram, Spelling
from bpdebug.frontends.torch_step.broken import harmless_of
from bpdebug.frontends.torch_step.numbers import Kept, kind_of_number
from bpdebug.frontends.torch_step.passes import TOTAL, alone, forward_first, handed, last_alone, summed, whole_gradients, within
from bpdebug.frontends.torch_step.reading import Step, read_step
from bpdebug.frontends.torch_step.severed import unjudged_of
from bpdebug.frontends.torch_step.sources import Texts
from bpdebug.frontends.torch_step.statements import OWN, Statement, Statements
from bpdebug.frontends.torch_step.told import told_of

_ROOM = 2**26
"""Numbers that are shown in double precision."""
_ORDER = [Phase.FORWARD, Phase.LOSS, Phase.BACKWARD, Phase.UPDATE]
_GRADIENT, _NO_LOSS = "{}.grad", "no_loss"


def load_step(path: str | Path) -> RecordedScenario:
    """The scenario of a recording.

    Raises:
        FileError: where it is none, or is damaged.
        BpdebugError: where there is nothing in it.
    """
    with _uncollected():
        step = read_step(Path(path))
        whole = _Assembled(within(step), str(path))
        whole = _Assembled(last_alone(step), str(path)) if whole.is_apart and step.passes else whole
        asides = [alone(step, one) for one in whole.step.passes if one.aside and one.roots]
        made = whole.program(tuple(cache(lambda one=one: _Assembled(one, str(path)).program()) for one in asides))
    scenario = replace(made.scenario, ready=lambda: made, read_again=partial(load_step, path))
    return cast("RecordedScenario", scenario)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looks for what is garbage, which take a third of the time where so much is made that stays: it is called old, unseen."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        (gc.enable if was else gc.disable)()


class _Assembled:
    """The parts of a program that a step becomes; ``is_apart`` where its backward passes are not those of one loss."""

    def __init__(self, step: Step, source: str) -> None:
        self.step, self._source = step, source
        self._made = Statements(step)
        self._several = forward_first(self._made.all, step)
        self._made.all = self._several or self._made.all
        self.is_apart = len(step.roots) > 1 and not self._several
        self._handed = handed(step)
        self._total = bool(self._several) or (len(step.roots) == 1 and bool(self._handed or step.values[step.roots[0]].shape))
        gradients = whole_gradients(self._made.all, step) if self._several else step.gradients
        self._of = {gradient: place for place, gradient in [*gradients.items()][::-1]}  # of views, that which arrives first
        self._names = {place: value.name for place, value in enumerate(step.values)}
        self._parameters = {
            place: self._made.numbers[place]
            for place in self._made.given
            if step.values[place].kind == "parameter" and self._is_float(place)
        }
        self._calls = {one.line for one in step.operations if one.back and one.forward < 0}
        self._rename_updated()
        self._all = self._by_parameter()

    def _is_float(self, place: int) -> bool:
        return place in self._made.numbers and kind_of_number(self.step.values[place]) == "f"

    def _rename_updated(self) -> None:
        """The last version of a parameter goes by the parameter's own name."""
        last = dict[str, Statement]()
        for one in self._made.all:
            name = self.step.values[one.place].name.partition("'")[0]
            if one.place in one.operation.writes:
                last[name] = one
        for place in self._parameters:
            written = last.get(self._names[place])
            if written and written.operation.phase == "update" and self.step.values[written.place].shape == self.step.values[place].shape:
                self._names[written.place] = self._names[place]

    def _owner(self, one: Statement) -> str:
        """The parameter that a statement of the update belongs to, by its name; "" for none."""
        name = self.step.values[one.place].name.partition("'")[0] if one.operation.phase == "update" else ""
        while name and name not in self._names_of_parameters:
            name = name.rpartition(".")[0]
        return name

    def _by_parameter(self) -> list[Statement]:
        """The statements, those of the update parameter by parameter, where none of them needs what comes later then."""
        owners = {one.place: self._owner(one) for one in self._made.all}
        order = {name: place for place, name in enumerate(["", *self._names_of_parameters])}
        sorted_ = sorted(self._made.all, key=lambda one: order.get(owners[one.place], 0) if one.operation.phase == "update" else -1)
        made, all_made = set[int](), {one.place for one in self._made.all}
        for one in sorted_:
            if not made.issuperset(all_made.intersection(one.reads)):
                return self._made.all
            made.add(one.place)
        return sorted_

    @cached_property
    def _names_of_parameters(self) -> list[str]:
        return [self.step.values[place].name for place in self._parameters]

    def program(self, passes: tuple[Callable[[], Program], ...] = ()) -> RecordedProgram:
        """The program, with those of the passes that are judged alone.

        Raises:
            BpdebugError: where there is nothing in it.
        """
        step, numbers, names = self.step, self._made.numbers, self._names
        if not self._made.all and not step.ended:
            raise BpdebugError(f"{self._source}: there is no operation in this recording")
        stages = own = tuple(self._stages())
        if not (loss := self._loss(stages)):
            stages = (Stage(_NO_LOSS, Formula.of(literal(0)), Phase.FORWARD, 0, "No loss was computed.", "", "line"), *own)
            loss = _NO_LOSS
        elif self._total:
            end = next((place for place, one in enumerate(own) if one.phase is Phase.BACKWARD), len(own))
            stages, loss = (*own[:end], summed([*dict.fromkeys(step.roots)], names, step, self._handed), *own[end:]), TOTAL
        # what is recorded is shown as it is, and what a change makes of it is computed in double precision, if there is room
        double = self._size() < _ROOM or any(value.dtype == "float64" for value in step.values)
        dtype = np.dtype(np.float64 if double else np.float32)
        fixed = {names[place]: numbers[place] for place in self._made.given if place not in self._parameters}
        for one, stage in zip(self._all, own, strict=True):
            if one.reason:
                fixed[stage.formula.names[0]] = numbers[one.place]
        parameters = {names[place]: array for place, array in self._parameters.items()}
        shapes = {name: array.shape for name, array in parameters.items()}
        spelling = Spelling(_GRADIENT)
        spelling.his = {stage.of: stage.name for stage in stages if stage.of}
        naming = Naming(input="", target="", gradient=spelling, partial="{}.grad@{}")
        empty = np.zeros((2, 0))
        scenario = RecordedScenario(
            f"{step.script}, step {step.number}",
            (),
            (),
            empty,
            empty,
            description=self._said(stages),
            optimizer=Optimizer(OWN_RULE.name),
            training=Training(1),
            source=self._source,
            naming=naming,
            precision=dtype.name,
            values=parameters,
            lines=Lines("", shapes, {}, {}, loss),
            files=step.files,
            ending=f"the script ended with {step.ended}" if step.ended else "",
        )
        network = Network((), shapes, {}, (), naming, Loss(), loss, generic=False)
        notes = (
            f"recorded from {step.script}, step {step.number}, with torch {step.torch}",
            *told_of(self._all, step, numbers, bool(self._several)),
        )
        made = {"scenario": scenario, "network": network, "data": {}, "dtype": dtype, "fixed": fixed, "rule": OWN_RULE, "lines": stages}
        unjudged = cache(lambda: unjudged_of(self._all, self._pairs(own), step, numbers))
        recorded = {
            stage.name: Kept(numbers, one.place, step.values[one.place].dtype, unjudged) for one, stage in zip(self._all, own, strict=True)
        }
        return RecordedProgram(**cast("Any", made), notes=notes, recorded=recorded, passes=passes)

    def _size(self) -> int:
        return sum(math.prod(self.step.values[one.place].shape) for one in self._all)

    def _pairs(self, stages: Iterable[Stage]) -> dict[int, int]:
        """The values that the program has a gradient of, by their places, and the gradients."""
        return {self._of[one.place]: one.place for one, stage in zip(self._all, stages, strict=True) if stage.of}

    def _stages(self) -> Iterator[Stage]:
        """A stage a statement; what has run between the backward pass and the update belongs to what has begun already."""
        reached, harmless = 0, harmless_of(self._all, self.step, *self._made.numbers.broken)
        for one in self._all:
            own = Phase.LOSS if one.place in self.step.roots and not self._total else Phase(one.operation.phase)
            reached = max(reached, _ORDER.index(own))
            yield self._stage(one, _ORDER[reached], one.place in harmless)

    def _stage(self, one: Statement, phase: Phase, harmless: bool) -> Stage:
        place, operation, values = one.place, one.operation, self.step.values
        renamed = {values[read].name: Name(self._names[read]) for read in one.reads if values[read].name != self._names[read]}
        name = self._names[place]
        formula = one.formula
        if renamed or one.reason:
            formula = Formula.of(Name(OWN.format(name)) if one.reason else substitute(formula.tree, renamed))
        where = self.step.operations[operation.forward] if operation.forward >= 0 else operation
        line, beside = where.line, None
        if own := self._own_line(one):  # a backward pass that the user has written
            line, beside = own, where.line if where is not operation else None
        read = ", ".join(self._names[number] for number in one.reads[:6])
        back = "" if where is operation else f", the way back through {where.name}" if where.name != operation.name else ", on the way back"
        meaning = f"torch's {operation.name}{back}"
        meaning += f" of {read}: torch's own numbers, since {one.reason}." if one.reason else "."
        of = self._names[self._of[place]] if phase is Phase.BACKWARD and self._is_judged(place) else ""
        return Stage(
            name,
            formula,
            phase,
            0,
            meaning,
            "",
            "line",
            of=of,
            line=_place(line),
            beside=_place(beside),
            path=self._levels(one, where.module, line),
            harmless=harmless,
        )

    def _own_line(self, one: Statement) -> tuple[str, int, str] | None:
        """The line of a backward pass of the user's own that computes a value, or what it is computed from that is no gradient itself."""
        stack, seen = [one] if one.operation.back else [], set[int]()
        while stack:
            by = stack.pop()
            if by.operation.line not in (None, *self._calls):
                return by.operation.line
            inner = [place for place in by.reads if place in self._backward and not self._is_judged(place) and place not in seen]
            seen.update(inner)
            stack += [self._backward[place] for place in inner]
        return None

    @cached_property
    def _backward(self) -> dict[int, Statement]:
        return {one.place: one for one in self._made.all if one.operation.back}

    def _levels(self, one: Statement, module: str, line: tuple[str, int, str] | None) -> tuple[Level, ...]:
        """The modules that a statement lies in, the outermost first, and the user's line that computes it; of an update, its parameter."""
        rule = self.step.optimizer
        if rule and (owner := self._owner(one)):
            return (Level(rule), Level(f"{rule}({owner})"))
        parts = module.split(".") if module else []
        levels = tuple(Level(".".join(parts[: end + 1])) for end in range(len(parts)))
        if line is None or (module and len(self._lines[module]) == 1):  # a layer of torch's is called in one line
            return levels
        return (*levels, Level(self._texts.of(line[0], line[1])))

    @cached_property
    def _lines(self) -> dict[str, set[tuple[str, int, str]]]:
        """The user's lines that run in each module."""
        found = defaultdict[str, set[tuple[str, int, str]]](set)
        for one in self.step.operations:
            if one.phase == "forward" and one.line:
                found[one.module].add(one.line)
        return found

    @cached_property
    def _texts(self) -> Texts:
        return Texts(self.step.files)

    @cached_property
    def _there(self) -> set[int]:
        """The values that the program has a gradient to give to: not those of which something reads only another view."""
        read = {place for one in self._made.all if one.operation.phase == "forward" for place in one.reads}
        return read & ({one.place for one in self._made.all} | {*self._parameters}) - {*self.step.roots} - self.step.aliased

    def _is_judged(self, place: int) -> bool:
        return self._of.get(place, -1) in self._there

    def _loss(self, stages: Iterable[Stage]) -> str:
        """The tensor whose backward pass has run; where none has, the last single number of the forward pass; "" for none."""
        found = [self._names[place] for place in self.step.roots]
        forward = [one for one in self._made.all if one.operation.phase == "forward"] or self._made.all
        single = [self._names[one.place] for one in forward if not self.step.values[one.place].shape and self._is_float(one.place)]
        names = {stage.name for stage in stages}
        return next((name for name in (*found, *reversed(single)) if name in names), "")

    def _said(self, stages: tuple[Stage, ...]) -> str:
        step = self.step
        opaque = sum(bool(one.reason) for one in self._made.all)
        count = f"{len(stages)} statement{'s' * (len(stages) != 1)}" + (f", {opaque} of them without a formula" if opaque else "")
        return f"step {step.number} of {step.script}, torch {step.torch}: {count}"


def _place(line: tuple[str, int, str] | None) -> str:
    return f"{line[0]}:{line[1]}" if line else ""


__all__ = ["load_step"]
