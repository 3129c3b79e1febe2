"""What an update has done: the loss of its samples before and after, what the gradients promised, and what has moved most."""

from __future__ import annotations

import math
from collections import ChainMap

import numpy as np

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.numbers import exact, spoken
from bpdebug.core.record import Record
from bpdebug.core.texts import PHRASES
from bpdebug.look.aside import cost_of
from bpdebug.time.timeline import Timeline

_AFFORDABLE = 10_000_000
"""What the loss after an update may cost, in multiplications; more is not worked out unasked."""
_MOVED = 3


class Effect(Record, eq=False):
    """What an update has done.

    Attributes:
        update: which one.
        before, after: the loss of its samples with the parameters before and after it.
        predicted: what the change of the loss would be if the gradients held all along the step: the sum of gradient times step.
        moved: the parameter cells that have moved most, with their steps.
    """

    update: int
    before: float
    after: float
    predicted: float
    moved: tuple[tuple[str, Cell, float], ...]

    @property
    def losses(self) -> str:
        """The loss before and after, and the change in percent."""
        change = self.after - self.before
        share = f" ({_signed(100 * change / abs(self.before))} %)" if math.isfinite(change) and self.before else ""
        return f"{spoken(self.before, 5)} → {spoken(self.after, 5)}{share}"

    def lines(self) -> list[str]:
        """It in words."""
        real = self.after - self.before
        told = [PHRASES["predicted"].format(predicted=_signed(self.predicted), real=_signed(real))] * math.isfinite(real)
        cells = ", ".join(f"{cell_name(name, index)} {_signed(step)}" for name, index, step in self.moved)
        return ["; ".join([PHRASES["effect"].format(losses=self.losses), *told]), *[PHRASES["moved"].format(cells=cells)] * bool(cells)]

    @property
    def data(self) -> dict[str, object]:
        """It for a script."""
        moved = [{"name": name, "index": list(index), "step": exact(step)} for name, index, step in self.moved]
        numbers = {"loss_before": exact(self.before), "loss_after": exact(self.after), "predicted": exact(self.predicted)}
        return {"update": self.update, **numbers, "real": exact(self.after - self.before), "moved": moved}


def _signed(value: float) -> str:
    return "+" * (value > 0) + spoken(value)


def effect_of(timeline: Timeline) -> Effect | None:
    """What the update that has just been completed has done; None elsewhere, and where it would take long to say."""
    machine, position = timeline.machine, timeline.position
    update = position.update - 1
    if position.done or machine.finished != update:
        return None
    start, program = timeline.calendar.clock(update), timeline.program_at(timeline.calendar.clock(update))
    forward = program.stages[: program.index[program.loss] + 1]  # of a penalty on gradients, these, too
    left, now = machine.left_behind(program), machine.values()  # the loss is that of the same draw, which may be as it was
    given = now | program.batch(update) | {name: left.get(name, now[name]) for name in program.draws}
    sizes = ChainMap(given, machine.last_workspace().tensors)
    if sum(cost_of(stage, sizes) for stage in forward) > _AFFORDABLE:
        return None
    old = timeline.at_hand(start + 1, program.free)
    gradients = {name: program.gradients[name] for name in program.free if program.gradients.get(name) in program.index}
    if not old or not gradients:
        return None
    steps = {name: machine.persistent[name].astype(float) - old[name] for name in program.free}
    with np.errstate(all="ignore"):
        predicted = sum(float(np.vdot(machine.last(gradient), steps[name])) for name, gradient in gradients.items())
        after = float(program.run(given, len(forward))[program.loss])
    found = list[tuple[str, Cell, float]]()  # the cells with the largest steps, of a few of each parameter
    for name, step in steps.items():
        sizes = np.abs(step).ravel()
        for place in np.argpartition(-sizes, min(_MOVED, sizes.size) - 1)[:_MOVED]:
            index = tuple(int(i) for i in np.unravel_index(place, step.shape))
            found += [(name, index, float(step[index]))] if step[index] and math.isfinite(step[index]) else []
    moved = tuple(sorted(found, key=lambda cell: -abs(cell[2]))[:_MOVED])
    return Effect(update, float(machine.last(program.loss)), after, predicted, moved)
