"""Files whose parameters, or what an optimizer keeps of them, were saved after the update: what they were before it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import assigned
from bpdebug.core.network import Phase
from bpdebug.trust.names import AFTER
from bpdebug.trust.reading import Reading
from bpdebug.trust.scene import Scene


def moments(scene: Scene, reading: Reading, some: Collection[str] = ()) -> Iterator[Reading]:
    """The reading of a file that was saved too late: with the parameters, the slots or both taken as those after the update; or with
    some of the parameters, where these alone are."""
    parameters = _late(scene, reading, set(some or scene.meant.parameters))
    slots = {} if some else _late(scene, reading, set(scene.meant.persistent) - set(scene.meant.parameters))
    for late in (parameters, slots, parameters | slots if parameters and slots else {}):
        if late:  # the scenario's own in their place
            note = f"your {' '.join(late)} were saved after the update: they count as {' '.join(name + AFTER for name in late)}"
            given = {**reading.given, **{name: scene.state[name] for name in late}}
            yield reading.after(late, reading.printed.formats, note, given=given, late=bool(late.keys() & parameters.keys()))
    known = not scene.update or bool(scene.previous) or not _own(scene, reading)  # what the slots were before the update
    if not known and (before := _undone(scene, reading, slots)):
        note = f"your {' '.join(before)} are those after the update; those before it are not in your file: how they changed is not judged"
        yield reading.noted(note, given={**reading.given, **before})
    for late in (parameters, parameters | slots) if parameters and slots else (parameters,):
        if before := _undone(scene, reading, late):
            note = f"your {' '.join(late)} were saved after the update: they fit the rest of your numbers with your own step taken back"
            given = {**reading.given, **before, **({name: scene.state[name] for name in slots} if known and late != parameters else {})}
            yield reading.after(late if known else parameters, reading.printed.formats, note, given=given, late=True)


def _own(scene: Scene, reading: Reading) -> bool:
    """Whether the file has other parameters than the scenario."""
    given, state = reading.given, scene.state
    return any(not np.allclose(given[name], state[name], 1e-6) for name in scene.meant.parameters if name in given)


def _late(scene: Scene, reading: Reading, names: set[str]) -> dict[str, Array]:
    """Those of the names that may be of after the update: the file has no others for that moment, and the update changes them."""
    given = {name: array for name, array in reading.given.items() if name in names & set(scene.meant.index) - reading.odd.keys()}
    return {name: array for name, array in given.items() if np.array_equal(reading.computed.get(name, array), array)}


def _undone(scene: Scene, reading: Reading, late: Values) -> dict[str, Array]:
    """Parameters and slots from before the update that has made them what they are in the file, by the user's own gradients; nothing
    where these are not there, or where a step is not in proportion to what it starts from, cell by cell."""
    program, before = scene.meant, dict[str, Array]()
    values = {**scene.state, **reading.given, **reading.computed}
    if any(program.gradients.get(program.slots.get(name, name), name) not in values for name in late):
        return {}
    for stage in program.stages:
        known, of = values.keys() >= {*stage.formula.names}, program.slots.get(stage.name, stage.name)
        if stage.operation == "clip" and known:
            values.setdefault(stage.name, assigned(stage.formula, values))
        elif stage.phase is Phase.UPDATE and known and program.gradients.get(of, stage.name) in values:
            after, made = late.get(stage.name), [dict[str, Array]()]
            if after is not None:
                made = [{stage.name: np.full(after.shape, number)} for number in (0.0, 1.0)]
            try:
                rest, *moved = (assigned(stage.formula, {**values, **own}) for own in made)
            except FormulaError:  # of a wrong shape
                return {}
            values[stage.name] = rest if after is None else after
            if after is not None and (rest.shape != after.shape or not np.all(moved[0] != rest)):
                return {}
            before |= {} if after is None else {stage.name: (after - rest) / (moved[0] - rest)}
    return before
