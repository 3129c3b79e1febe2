"""Files that were saved too late: parameters and slots as they are after the update, under the names of those before it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.description import Array
from bpdebug.trust.reading import Reading, restarted
from bpdebug.trust.scene import Scene


def moments(scene: Scene, reading: Reading) -> Iterator[Reading]:
    """The reading with the parameters, the slots or both taken as those after the update."""
    parameters, slots = _late(scene, reading, set(scene.meant.parameters)), _late(scene, reading, _slots(scene))
    if parameters:
        yield _as_after(scene, reading, parameters)
    if slots:
        yield _as_after(scene, reading, slots)
    if parameters and slots:
        yield _as_after(scene, reading, parameters | slots)
    if parameters and (before := _undone(scene, reading, parameters)):
        names = " ".join(before)
        note = f"your {names} were saved after the update: they fit the rest of your numbers with your own step taken back"
        yield restarted(reading, before, {}, note)


def _slots(scene: Scene) -> set[str]:
    return {name for name in scene.meant.persistent if name in scene.meant.index} - set(scene.meant.parameters)


def _late(scene: Scene, reading: Reading, names: set[str]) -> dict[str, Array]:
    """Those of the names that may be of after the update: the file has no others for that moment, and the update changes them."""
    given = {name: array for name, array in reading.given.items() if name in names & set(scene.meant.index)}
    return {name: array for name, array in given.items() if np.array_equal(reading.computed.get(name, array), array)}


def _as_after(scene: Scene, reading: Reading, late: dict[str, Array]) -> Reading:
    """The scenario's own in their place."""
    note = f"your {' '.join(late)} were saved after the update: they count as {' '.join(f'{name}_new' for name in late)}"
    return restarted(reading, {name: scene.state[name] for name in late}, late, note)


def _undone(scene: Scene, reading: Reading, late: dict[str, Array]) -> dict[str, Array]:
    """The parameters from before a step of plain gradient descent with the user's own gradients; nothing for another optimizer."""
    program, gradients = scene.meant, {name: reading.computed.get(f"d{name}") for name in late}
    rate = reading.given.get("learning_rate", scene.state.get("learning_rate"))
    steps = {name: rate * g for name, g in gradients.items() if rate is not None and g is not None and g.shape == late[name].shape}
    return {name: late[name] + steps[name] for name in steps} if program.rule.name == "sgd" and len(steps) == len(late) else {}
