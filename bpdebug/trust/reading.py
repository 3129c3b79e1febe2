"""A user's arrays in our orientation and shapes: batches as rows, weights as inputs × units, biases as 1 × units.

A file in another convention is recognised by its shapes and turned round as a whole: all batch tensors, or all weights with their
gradients. What then has another shape than it should is left as it is; that is a finding, not a convention.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.shapes import Shape, shape_text
from bpdebug.trust.names import AFTER, known_names
from bpdebug.trust.scene import Scene


class ComparisonError(BpdebugError):
    """A file that cannot be compared with this network, with what was expected."""


class Reading(Record, eq=False):
    """A file as it is understood.

    Attributes:
        given: what the update starts from, as far as the file has it: ``x``, ``y``, parameters, slots, constants.
        computed: what its stages have given, by stage; of any shape.
        kinds: the type of number that the file has it in, by stage.
        precision: the coarsest type of its parameters and computed numbers.
        notes: what has been understood, for the user.
    """

    given: Mapping[str, Array]
    computed: Mapping[str, Array]
    kinds: Mapping[str, np.dtype[np.generic]]
    precision: np.dtype[np.generic]
    notes: tuple[str, ...]


class _Layout(Record, eq=False):
    """One way to understand the shapes of a file.

    Attributes:
        arrays: the arrays with known names.
        columns: whether a sample is a column.
        turned: the weights that are stored as units × inputs.
    """

    program: Program
    arrays: Mapping[str, Array]
    rows: int
    columns: bool
    turned: frozenset[str]

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        return self.program.shapes(self.rows)


def readings(program: Program, arrays: Mapping[str, Array], rows: int) -> Iterator[Reading]:
    """The ways to understand a file, the likeliest first; more than one only where shapes do not tell.

    Args:
        program: what it is compared with.
        arrays: the file.
        rows: the samples of the scenario's batch, which is taken where the file has no ``x``.

    Raises:
        ComparisonError: where it is of another network.
    """
    names = known_names(program)
    known = {name: array for name, array in arrays.items() if name in names}
    for name, array in known.items():
        if array.dtype.kind == "U":
            raise ComparisonError(f"{name} holds text; expected numbers")
    for columns, count in _batches(program, known, rows):
        for turned in _weights(program, known):
            yield _read(_Layout(program, known, count, columns, turned))


def _batches(program: Program, arrays: Mapping[str, Array], rows: int) -> list[tuple[bool, int]]:
    """Whether samples are columns, and how many there are: by what fits most of the tensors."""
    widths = {name: shape[1] for name, shape in program.shapes(rows).items() if name in program.sampled and name in arrays}
    x = arrays.get(program.input)
    options = [(columns, rows if x is None else _rows(program, x, columns)) for columns in (False, True)]
    fits = [
        sum(arrays[name].shape == ((width, count) if columns else (count, width)) for name, width in widths.items())
        for columns, count in options
    ]
    if fits[0] == fits[1]:
        return options if fits[0] else options[:1]
    return options[:1] if fits[0] > fits[1] else options[1:]


def _rows(program: Program, x: Array, columns: bool) -> int:
    """How many samples the file's inputs hold."""
    name, width = program.input, len(program.inputs)
    for turned in (columns, not columns):
        if x.ndim == 2 and x.shape[0 if turned else 1] == width and x.size:
            return int(x.shape[1 if turned else 0])
    if x.ndim == 1 and x.size and width in (1, x.size):
        return x.size // width
    raise ComparisonError(f"{name} is {shape_text(x.shape)}; the network has {width} inputs, and a row a sample is expected: m×{width}")


def _weights(program: Program, arrays: Mapping[str, Array]) -> list[frozenset[str]]:
    """The weights that are stored transposed: each where its own shape tells, a square one as the others are."""
    shapes = {layer.weight: program.parameters[layer.weight] for layer in program.layers}
    own, gradients = dict[str, bool](), dict[str, bool]()
    for votes, named in ((own, lambda name: (name, name + AFTER)), (gradients, lambda name: (program.gradients.get(name, ""),))):
        for name, expected in shapes.items():
            for array in (arrays[form] for form in named(name) if form in arrays):
                if array.shape in (expected, expected[::-1]) and len(set(expected)) == 2:
                    votes.setdefault(name, array.shape != expected)
    if not own and not gradients:
        square = any(_forms(program, name) & set(arrays) for name, shape in shapes.items() if shape[0] == shape[1] > 1)
        return [frozenset(), frozenset(shapes)] if square else [frozenset()]
    most = 2 * sum(own.values()) > len(own) if own else all(gradients.values())
    return [frozenset(name for name in shapes if own.get(name, most))]


def _forms(program: Program, weight: str) -> set[str]:
    """What a file calls arrays that lie as a weight does."""
    return {weight, weight + AFTER, program.gradients.get(weight, "")}


def _read(layout: _Layout) -> Reading:
    program, reshaped = layout.program, list[str]()
    given: dict[str, Array] = {}
    computed: dict[str, Array] = {}
    kinds: dict[str, np.dtype[np.generic]] = {}
    for name, tensor in known_names(program).items():
        if name not in layout.arrays:
            continue
        array = _oriented(layout, name, tensor)
        fitted = _fitted(array, layout.shapes[tensor], _parameter(program, tensor) in _biases(program))
        if fitted is not None and fitted.shape != array.shape:
            reshaped.append(f"{name} ({shape_text(array.shape)}) as {shape_text(fitted.shape)}")
        if name in (*program.data, "m", *program.persistent):
            given[name] = _start(layout, name, array, reshaped) if fitted is None else fitted
        else:
            computed[tensor], kinds[tensor] = array if fitted is None else fitted, layout.arrays[name].dtype
    notes = [*_turned(layout), *[f"read {', '.join(reshaped)}"] * bool(reshaped), *_nonfinite(given)]
    return Reading(_without_count(given, layout.rows), computed, kinds, _precision(layout), tuple(notes))


def _parameter(program: Program, tensor: str) -> str:
    """The parameter that a tensor belongs to (itself, its gradient, a slot), or "" for none."""
    meaning = program.tensors.get(tensor)
    return next((name for name in (tensor, meaning.of if meaning else "") if name in program.parameters), "")


def _biases(program: Program) -> set[str]:
    return {layer.bias for layer in program.layers if layer.bias}


def _oriented(layout: _Layout, name: str, tensor: str) -> Array:
    """The array as it lies in our orientation: turned round where its group is, data also where they alone need it."""
    array = np.asarray(layout.arrays[name], np.float64)
    program, expected = layout.program, layout.shapes[tensor]
    parameter = _parameter(program, tensor)
    if array.ndim != 2 or not expected:
        return array
    is_weight = parameter and parameter not in _biases(program)
    turned = array.T if (parameter in layout.turned if is_weight else layout.columns) else array
    return turned.T if name in program.data and turned.shape != expected == turned.T.shape else turned


def _fitted(array: Array, expected: Shape, bias: bool) -> Array | None:
    """The array in the expected shape, where it differs in nothing but an axis of length 1 that is left away; else None."""
    if array.shape == expected:
        return array
    line = max(array.shape, default=1) == array.size == max(expected, default=1) == np.prod(expected)
    return array.reshape(expected) if line and (array.ndim < 2 or bias or array.size == 1) else None


def _start(layout: _Layout, name: str, array: Array, reshaped: list[str]) -> Array:
    """What has another shape than the update can start from: targets in a known form, or an error."""
    program, expected = layout.program, layout.shapes[name]
    if name == program.target and (known := _targets(array, expected)) is not None:
        reshaped.append(f"{name} ({shape_text(array.shape)}) as {shape_text(expected)}: {known[1]}")
        return known[0]
    message = f"{name} is {shape_text(expected)} in this scenario; yours is {shape_text(array.shape)}"
    if name == program.target and program.input not in layout.arrays:
        message += f" (there is no {program.input} in your file: the scenario's {layout.rows} samples are taken)"
    raise ComparisonError(message)


def _targets(array: Array, expected: Shape) -> tuple[Array, str] | None:
    """Targets from class numbers, or from a column that was broadcast to a table; and what was done."""
    rows, outputs = expected
    if array.size == rows and outputs > 1 and np.isin(array, np.arange(outputs)).all():
        return np.eye(outputs)[array.reshape(-1).astype(int)], "the classes as 0 and 1"
    if outputs == 1 and array.shape == (rows, rows) and (array == array[0]).all():
        return array[:1].T, f"its first row, for every row holds all {rows} targets, as where ({rows},) meets ({rows}, 1)"
    return None


def _turned(layout: _Layout) -> Iterator[str]:
    weights = [layer.weight for layer in layout.program.layers]
    stored = [name for name in weights if name in layout.turned and _forms(layout.program, name) & set(layout.arrays)]
    if layout.columns and stored:
        yield "your arrays are in the column convention (a sample a column, W as units × inputs): turned round for the comparison"
    elif layout.columns:
        yield "a sample is a column of your arrays: turned round for the comparison"
    elif stored:
        which = "weights" if len(layout.turned) == len(weights) else f"{' '.join(stored)}, but not your other weights,"
        yield f"your {which} are stored transposed (as torch's Linear does): turned round for the comparison"


def _nonfinite(given: Mapping[str, Array]) -> Iterator[str]:
    for name, array in given.items():
        wrong = np.argwhere(~np.isfinite(array))
        if len(wrong):
            place = tuple(int(i) for i in wrong[0])
            cells = f"{len(wrong)} of its {array.size} cells {'is' if len(wrong) == 1 else 'are'} not finite"
            yield f"your {name} is what the update starts from, and {cells}: {cell_name(name, place)} is {short(float(array[place]))}"


def _without_count(given: Mapping[str, Array], rows: int) -> dict[str, Array]:
    """What is given but for the number of samples, which has to be right."""
    if "m" in given and given["m"] != rows:
        raise ComparisonError(f"m is {short(float(given['m']))} in your file, whose batch has {rows} samples")
    return {name: array for name, array in given.items() if name != "m"}


def _precision(layout: _Layout) -> np.dtype[np.generic]:
    """The coarsest type of number; data may well be stored in a coarser one than is computed with."""
    kinds = [array.dtype for name, array in layout.arrays.items() if name not in (*layout.program.data, "m") and array.dtype.kind == "f"]
    coarsest = min(kinds, key=lambda kind: kind.itemsize, default=np.dtype(np.float64))
    return min(coarsest, np.dtype(np.float64), key=lambda kind: kind.itemsize)


def moments(scene: Scene, reading: Reading) -> Iterator[Reading]:
    """The reading of a file that was saved too late: with the parameters, the slots or both taken as those after the update."""
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
        yield _restarted(reading, before, {}, note)


def _slots(scene: Scene) -> set[str]:
    return {name for name in scene.meant.persistent if name in scene.meant.index} - set(scene.meant.parameters)


def _late(scene: Scene, reading: Reading, names: set[str]) -> dict[str, Array]:
    """Those of the names that may be of after the update: the file has no others for that moment, and the update changes them."""
    given = {name: array for name, array in reading.given.items() if name in names & set(scene.meant.index)}
    return {name: array for name, array in given.items() if np.array_equal(reading.computed.get(name, array), array)}


def _as_after(scene: Scene, reading: Reading, late: dict[str, Array]) -> Reading:
    """The scenario's own in their place."""
    note = f"your {' '.join(late)} were saved after the update: they count as {' '.join(name + AFTER for name in late)}"
    return _restarted(reading, {name: scene.state[name] for name in late}, late, note)


def _undone(scene: Scene, reading: Reading, late: dict[str, Array]) -> dict[str, Array]:
    """The parameters from before a step of plain gradient descent with the user's own gradients; nothing for another optimizer."""
    program, gradients = scene.meant, {name: reading.computed.get(scene.meant.gradients.get(name, "")) for name in late}
    rate = reading.given.get("learning_rate", scene.state.get("learning_rate"))
    steps = {name: rate * g for name, g in gradients.items() if rate is not None and g is not None and g.shape == late[name].shape}
    return {name: late[name] + steps[name] for name in steps} if program.rule.name == "sgd" and len(steps) == len(late) else {}


def _restarted(reading: Reading, given: Mapping[str, Array], after: Mapping[str, Array], note: str) -> Reading:
    """The reading with another start, and more that counts as computed by the update."""
    kinds = {name: np.dtype(np.float64) for name in after} | dict(reading.kinds)
    computed = {**after, **reading.computed}
    return replace(reading, given={**reading.given, **given}, computed=computed, kinds=kinds, notes=(*reading.notes, note))
