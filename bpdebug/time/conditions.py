"""Named conditions to stop at: each a formula over the program's tensors, with a threshold.

The vocabulary is that of the literature on why training fails: vanishing and exploding gradients (Hochreiter 1991; Bengio et
al. 1994), dead relu units (Maas et al. 2013), saturated units (Glorot and Bengio 2010), and the ratio of an update to its
weights, which should be about 1e-3 (Karpathy, CS231n, "Neural Networks 3").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bpdebug.core.errors import BpdebugError
from bpdebug.core.fast import Check
from bpdebug.core.machine import Machine
from bpdebug.core.numbers import short
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.time.parts import Part, parts_of
from bpdebug.time.stop import Stop, value_of
from bpdebug.time.timeline import Timeline

DEAD = {"relu": "{} <= 0"}
"""By activation: which of its values are off; a unit is dead where all of them are, for the whole batch."""
SATURATED = {"sigmoid": "mean({0} * (1 - {0}) < 0.01)", "tanh": "mean(1 - {} ** 2 < 0.01)"}
"""By activation: the share of the batch's activations that are so near an asymptote that hardly any gradient passes."""


@dataclass(kw_only=True)
class Counted(Stop):
    """Stops at what holds in so many updates in a row, at the last of them.

    Attributes:
        lasting: in how many.
        streak, seen: in how many it has held up to now, and the last update in which it was looked at.
    """

    lasting: int = 1
    streak: int = 0
    seen: int = -1

    kind = "catchpoint"

    @property
    def counts(self) -> bool:
        """Whether it has to know the updates before."""
        return True

    def holds(self, machine: Machine) -> bool:
        """Whether it is so at this moment."""
        raise NotImplementedError

    def told(self, machine: Machine) -> str:
        """What to say when it strikes."""
        raise NotImplementedError

    def check(self) -> Check:
        """Where updates are counted, it is looked at in any case."""
        return Check(None)

    def recall(self, timeline: Timeline) -> None:
        """See the updates before now again, as many as it counts."""
        (done,), here, self.streak, self.seen = self.moments(timeline.program), timeline.machine, 0, -1
        first, end = max(here.update - self.lasting - 2, 0), here.update + (here.done >= done)
        for update in range(first, end) if self.counts else ():
            with timeline.at(timeline.calendar.clock(update, done)) as machine:
                self.strikes(machine)

    def strikes(self, machine: Machine) -> str:
        """Whether this update is the last of the row; where nothing is counted, whether it holds."""
        holds = self.holds(machine)
        if machine.update != self.seen:
            self.streak = (self.streak + 1 if machine.update == self.seen + 1 else 1) if holds else 0
            self.seen = machine.update
        return self.told(machine) if holds and (self.streak == self.lasting or not self.counts) else ""


@dataclass(kw_only=True)
class Catchpoint(Counted):
    """Stops at a named condition of the training, such as vanishing gradients.

    Attributes:
        condition: when it strikes.
        shown: the number that is compared.
        after: the stage after which it is looked at, "" at the start of an update.
        threshold: what the number is compared with.
    """

    condition: Formula
    shown: Formula
    after: str
    threshold: float

    @property
    def counts(self) -> bool:
        """Whether the condition must last."""
        return self.lasting > 1

    def moments(self, program: Program) -> frozenset[int]:
        """The one that it was made for."""
        done = program.index.get(self.after, -2) + 1 if self.after else 0
        return frozenset((program.calendar.moment(done),) if done >= 0 else ())

    def fits(self, program: Program) -> bool:
        """Whether there is what the condition reads, and the stage after which it does."""
        return bool(self.moments(program)) and program.tensors.keys() >= {*self.condition.names, *self.shown.names}

    def check(self) -> Check:
        """The condition; where it must last, it is looked at in any case."""
        return super().check() if self.counts else Check(self.condition)

    def holds(self, machine: Machine) -> bool:
        """The condition."""
        return bool(value_of(self.condition, machine))

    def told(self, machine: Machine) -> str:
        """The number, its threshold, and how long it has lasted."""
        value = short(float(value_of(self.shown, machine)), 6)
        lasting = f" in {self.lasting} updates in a row" if self.counts else ""
        return f"{self.text}: {self.shown.text} = {value}, threshold {self.threshold:g}{lasting}"


@dataclass(kw_only=True)
class LossRising(Counted):
    """Stops when the loss has risen in so many updates in a row.

    Attributes:
        last: the loss of the update before.
    """

    last: float | None = None

    def moments(self, program: Program) -> frozenset[int]:
        """When the loss has been computed."""
        return frozenset((program.index[program.loss] + 1,))

    def recall(self, timeline: Timeline) -> None:
        """As every counted stop, and know no loss from before that."""
        self.last = None
        super().recall(timeline)

    def holds(self, machine: Machine) -> bool:
        """Whether the loss has risen; remembers it."""
        old, self.last = self.last, float(machine.values()[machine.program.loss])
        return old is not None and self.last > old

    def told(self, machine: Machine) -> str:
        """How often it has risen, and to what."""
        loss = short(float(machine.values()[machine.program.loss]), 6)
        return f"{self.text}: loss rose {self.streak} times in a row, to {loss}, threshold {self.lasting}"


class Condition(Record):
    """One row.

    Attributes:
        name: as it is asked for.
        threshold: the usual one.
        help: one line.
        formulas: condition and shown number as text, and in which moment; ``{}`` in the condition is the threshold.
        lasting: in how many updates in a row it must hold, usually.
    """

    name: str
    threshold: float
    help: str
    formulas: Callable[[Program], tuple[str, str, int]]
    lasting: int = 1


def _gradients(program: Program, sign: str) -> tuple[str, str, int]:
    found = [part.delta for part in parts_of(program) if part.delta]
    if len(found) < 2:
        what = "layers" if program.layers else "lines with parameters"
        raise BpdebugError(f"the gradients of two {what} are compared; this network has {['none', 'one'][len(found)]}")
    first, last = found[0], found[-1]
    return f"norm({first}) {sign} {{}} * norm({last})", f"norm({first}) / norm({last})", program.index[first] + 1


def _units(program: Program, texts: dict[str, str], what: str) -> list[str]:
    own = [part for part in parts_of(program) if part.activation in texts and not program.stage(part.a).edited]
    found = [text for part in own if (text := units_off(part) if texts is DEAD else texts[part.activation].format(part.a))]
    if not found:
        where = "layer" if program.layers else "line with parameters"
        raise BpdebugError(f"no {where} of this network has {what} units ({', '.join(texts)})")
    return found


def units_off(part: Part) -> str:
    """A formula for which units of a part are 0 for the whole batch; "" where that is no mark of what is wrong."""
    folds = part.axes - 1
    return "all(" * folds + DEAD[part.activation].format(part.a) + ", axis=0)" * folds if part.activation in DEAD and part.axes else ""


def _dead(program: Program) -> tuple[str, str, int]:
    counts = " + ".join(f"sum({off})" for off in _units(program, DEAD, "relu"))
    return f"{counts} > {{}}", counts, program.index[program.loss] + 1


def _saturated(program: Program) -> tuple[str, str, int]:
    shares = _units(program, SATURATED, "saturating")
    share = shares[0]
    for other in shares[1:]:
        share = f"maximum({share}, {other})"
    return f"{share} > {{}}", share, program.index[program.loss] + 1


def _update(program: Program, sign: str, relative: bool) -> tuple[str, str, int]:
    weights = [part.weight for part in parts_of(program) if part.weight in program.free and part.learns]
    if not weights:
        raise BpdebugError("every weight is frozen")
    name = weights[0]
    change = f"norm(({program.stage(name).formula.text}) - {name})"
    shown = f"{change} / norm({name})" if relative else change
    return f"{shown} {sign} {{}}", shown, program.index[name]


CONDITIONS: dict[str, Condition] = {
    row.name: row
    for row in (
        Condition("vanishing", 1e-3, "the first layer's deltas are tiny beside the last layer's", lambda p: _gradients(p, "<")),
        Condition("exploding", 1e3, "the first layer's deltas are huge beside the last layer's", lambda p: _gradients(p, ">")),
        Condition("dead", 0, "more relu units than that are 0 for the whole batch", _dead, 3),
        Condition("saturated", 0.5, "a larger share of a layer's sigmoid or tanh units is saturated", _saturated),
        Condition("unchanged", 0, "the first weights are about to stay as they are", lambda p: _update(p, "<=", relative=False)),
        Condition("small-update", 1e-6, "the first weights change by less than that share", lambda p: _update(p, "<", relative=True)),
        Condition("large-update", 0.1, "the first weights change by more than that share", lambda p: _update(p, ">", relative=True)),
    )
}


def make_catchpoint(program: Program, name: str, threshold: float | None, lasting: int | None) -> Stop:
    """The stop for a named condition.

    Raises:
        BpdebugError: where the network has nothing that the condition speaks of.
    """
    if name == "rising":
        count = lasting or (3 if threshold is None else int(threshold))
        if count < 1 or threshold not in (None, count):
            raise BpdebugError(f"rising takes a count from 1: how many times in a row; found {threshold:g}")
        return LossRising(number=0, text=f"rising for {count}", lasting=count)
    row = CONDITIONS[name]
    limit = float(row.threshold if threshold is None else threshold)
    condition, shown, done = row.formulas(program)
    return Catchpoint(
        number=0,
        text=f"{name} {limit!r}" + (f" for {lasting}" if lasting is not None else ""),
        condition=program.parse(condition.format(f"{limit!r}")),
        shown=program.parse(shown),
        after=program.stages[done - 1].name if done else "",
        threshold=limit,
        lasting=row.lasting if lasting is None else lasting,
    )
