"""A right update as someone has it who puts its factors elsewhere."""

from __future__ import annotations

import numpy as np

from bpdebug.core.evaluate import assigned
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase


def computed(program, update=0):
    """Everything that an update starts from and computes, as an all-knowing user would save it."""
    machine = Machine(program)
    for _ in range(update):
        machine.run_update()
    arrays = {name: value.copy() for name, value in machine.values().items()}
    for stage in program.stages:
        machine.step()
        arrays[f"{stage.name}_new" if stage.name in program.persistent else stage.name] = machine.tensor(stage.name).copy()
    return arrays


def restated(program, arrays, delta=1.0, own=1.0, feed=1.0, slots=None, top=None, loss=1.0):
    """The arrays with other factors.

    Args:
        delta, own, top: of the gradients in between, of those of parameters, and of that of the prediction.
        feed: of the gradients as the optimizer gets them.
        slots: by the optimizer's letter, of what its slots hold then.
        loss: of the loss.
    """
    made, slots = dict(arrays), slots or {}
    for stage in program.stages:
        if stage.phase is Phase.BACKWARD:
            factor = own if stage.of in program.parameters else delta if top is None or stage.of != program.prediction else top
            made[stage.name] = arrays[stage.name] * factor
    made[program.loss] = arrays[program.loss] * loss
    return made | moved(program, arrays, feed, slots)


def moved(program, arrays, feed, slots):
    """The optimizer's steps with gradients that are larger by a factor, and slots that are kept in other units."""
    known = {name: np.asarray(arrays[name], float) for name in (*program.persistent, "m")}
    known |= {name: arrays[name] * feed for name in program.gradients.values()}
    start = {}
    for letter, names in program.letters.items():
        for name in names if letter in program.rule.slots else ():
            squared = letter == "v" and program.rule.name not in ("momentum", "nesterov")
            known[name] = known[name] * feed ** (2 if squared else 1)
            start[name] = known[name] * slots.get(letter, 1.0)
    factor = {name: slots.get(letter, 1.0) for letter, names in program.letters.items() for name in names}
    after = {}
    for stage in program.stages:
        if stage.phase is Phase.UPDATE:
            known[stage.name] = assigned(stage.formula, known)
            after[f"{stage.name}_new"] = known[stage.name] * factor.get(stage.name, 1.0)
    return start | after
