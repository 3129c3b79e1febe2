"""A user's arrays in our orientation and shapes: batches as rows, weights as inputs × units, biases as 1 × units.

A file in another convention is recognised by its shapes and turned round as a whole: all batch tensors, or all weights with their
gradients. What then has another shape than it should is left as it is; that is a finding, not a convention.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array, Values
from bpdebug.core.errors import BpdebugError
from bpdebug.core.misfits import shape_text
from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.shapes import Shape
from bpdebug.core.tree import Name, is_product, walk
from bpdebug.trust.digits import Format, Printed, formats, kind_of
from bpdebug.trust.names import AFTER, file_name, known_names
from bpdebug.trust.pairing import Pairing, pairings
from bpdebug.trust.report import counted, listed
from bpdebug.trust.scene import Scene, typed
from bpdebug.trust.unusual import forms, spread


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
        uncompared: gradients in it that stand for nothing of ours, with the reason.
        printed: how many digits its numbers have.
        odd: what is given in a shape or with a value that it should not have, with a sentence on it.
        shared: gradients of such biases that are one number, and what they are.
        late: whether parameters in it are read as those after the update.
        foreign: whether what the update starts from may be other than the scenario's where the file lacks it.
    """

    given: Values
    computed: Values
    kinds: Mapping[str, np.dtype[np.generic]]
    precision: np.dtype[np.generic]
    notes: tuple[str, ...]
    uncompared: Mapping[str, str]
    printed: Printed
    odd: Mapping[str, str]
    shared: Mapping[str, float]
    late: bool = False
    foreign: bool = False

    def noted(self, note: str, **changes: Any) -> Reading:
        """The reading with other parts, and why."""
        return replace(self, notes=(*self.notes, note), **changes)

    def after(self, made: Values, digits: Mapping[str, Format], note: str, **changes: Any) -> Reading:
        """The reading with more that counts as what the update has made, printed as the same is under these names, and why."""
        kinds = {name: np.dtype(np.float64) for name in made} | dict(self.kinds)
        formats = {**self.printed.formats, **{name + AFTER: digits[name] for name in made if name in digits}}
        printed = replace(self.printed, formats=formats)
        return self.noted(note, computed={**made, **self.computed}, kinds=kinds, printed=printed, **changes)


def readings(scene: Scene, arrays: Values) -> Iterator[Reading]:
    """The ways to understand a file, the likeliest first; more than one only where names and shapes do not tell.

    Args:
        scene: what it is compared with; its batch is taken where the file has no ``x``.
        arrays: the file.

    Raises:
        ComparisonError: where it is of another network.
    """
    refused: ComparisonError | None = None
    made = 0
    for pairing in _pairings(scene, arrays):
        for name, array in pairing.arrays.items():
            if array.dtype.kind == "U":
                raise ComparisonError(f"{pairing.names[name]} holds text; expected numbers")
        try:
            for reading in _of_pairing(scene, pairing):
                made += 1
                yield reading
        except ComparisonError as error:
            refused = refused or error
    if refused and not made:
        raise refused


def _pairings(scene: Scene, arrays: Values) -> list[Pairing]:
    """The ways to pair names, by the numbers too where the names are not ours."""
    program = scene.meant
    if not set(arrays) - known_names(program).keys():
        return pairings(program, arrays, scene.rows)
    found = pairings(program, arrays, scene.rows)
    with suppress(ComparisonError, ValueError):
        first = next(_of_pairing(scene, found[0]))
        start = {**scene.state, **first.given}
        rows = len(start[program.input]) if program.input else scene.rows
        start["m"] = np.array(float(rows))
        if not program.target or len(start[program.target]) == rows:
            made = scene.program(rows).run(start)
            found = pairings(program, arrays, rows, {**start, **{file_name(program, name): value for name, value in made.items()}})
    return found


def _of_pairing(scene: Scene, pairing: Pairing) -> Iterator[Reading]:
    """The ways to understand arrays of known names."""
    program = scene.meant
    if not program.layers:  # the names of lines are the user's own, and so is how their tensors lie
        rows = len(x) if (x := pairing.arrays.get(program.input)) is not None and x.ndim else scene.rows
        for turned in _weights(program, pairing):
            yield from _counted(_read(scene, pairing, rows, False, turned), rows)
        return
    for form in forms(program, pairing, scene.rows):
        for columns, count in _batches(program, form.arrays, scene.rows):
            for turned in _weights(program, form):
                yield from _counted(_read(scene, form, count, columns, turned), count)


def _counted(reading: Reading, rows: int) -> Iterator[Reading]:
    """The reading with the batch's own number of samples, and with the file's, where that is another."""
    count = reading.given.get("m")
    if count is None or float(count) == rows:
        yield reading
        return
    given, said = {name: array for name, array in reading.given.items() if name != "m"}, f"m is {short(float(count))} in your file"
    yield reading.noted(f"{said}, whose batch has {counted(rows)}: nothing in it is computed with that", given=given)
    yield replace(reading, odd={**reading.odd, "m": f"{said}, and its batch has {counted(rows)}"})


def _batches(program: Program, arrays: Values, rows: int) -> list[tuple[bool, int]]:
    """Whether samples are columns, and how many there are: by what fits most of the tensors."""
    widths = {name: shape[1] for name, shape in program.shapes(rows).items() if name in program.sampled and name in arrays}
    x = arrays.get(program.input)
    options = [(columns, rows if x is None else _rows(program, x, columns)) for columns in (False, True)]
    due = [{name: (width, count) if columns else (count, width) for name, width in widths.items()} for columns, count in options]
    fits = [sum(arrays[name].shape == shape for name, shape in shapes.items()) for shapes in due]
    best = [option for option, fit in zip(options, fits, strict=True) if fit == max(fits)]
    return best if any(fits) else best[:1]


def _rows(program: Program, x: Array, columns: bool) -> int:
    """How many samples the file's inputs hold."""
    name, width = program.input, len(program.inputs)
    for turned in (columns, not columns):
        if x.ndim == 2 and x.shape[0 if turned else 1] == width and x.size:
            return int(x.shape[1 if turned else 0])
    if x.ndim < 2 and x.size and width in (1, x.size):
        return x.size // width
    raise ComparisonError(f"{name} is {shape_text(x.shape)}; the network has {width} inputs, and one row per sample is expected: m×{width}")


def _matrices(program: Program) -> list[str]:
    """The weights that may be stored transposed: those of layers, and in lines what only ever stands on the right of ``@``."""
    if program.layers:
        return [layer.weight for layer in program.layers]
    nodes = [node for one in program.network.nodes for node in walk(one.value)]
    read = Counter(node.name for node in nodes if isinstance(node, Name))
    right = Counter(node.right.name for node in nodes if is_product(node) and isinstance(node.right, Name))
    return [name for name, shape in program.parameters.items() if len(shape) == 2 and read[name] == right[name] > 0]


def _weights(program: Program, pairing: Pairing) -> list[frozenset[str]]:
    """The weights that are stored transposed: each where its own shape tells, a square one as the others are."""
    arrays, shapes = pairing.arrays, {name: program.parameters[name] for name in _matrices(program)}
    if not program.layers:  # under the names that they have in his lines they lie as there
        others = {name for name in shapes for form in _forms(program, name) if pairing.names.get(form, form) != form}
        shapes = {name: shape for name, shape in shapes.items() if name in others}
    own, gradients = dict[str, bool](), dict[str, bool]()
    for name, expected in shapes.items():
        for form in _forms(program, name) if len(set(expected)) == 2 else ():
            if form in arrays and arrays[form].shape in (expected, expected[::-1]):
                votes = gradients if form == program.gradients.get(name) else own
                votes.setdefault(name, arrays[form].shape != expected)
    if not own and not gradients:
        square = any(form in arrays for name, shape in shapes.items() if shape[0] == shape[1] > 1 for form in _forms(program, name))
        return [frozenset(), frozenset(shapes)] if square else [frozenset()]
    most = 2 * sum(own.values()) > len(own) if own else all(gradients.values())
    return [frozenset(name for name in shapes if own.get(name, most))]


def _forms(program: Program, weight: str) -> tuple[str, ...]:
    """What a file calls arrays that lie as a weight does."""
    return weight, weight + AFTER, program.gradients.get(weight, "")


def _read(scene: Scene, pairing: Pairing, rows: int, columns: bool, turned: frozenset[str]) -> Reading:
    """The file as it is understood, where samples are columns or not, and these weights are stored as units × inputs."""
    arrays, program = pairing.arrays, scene.meant
    shapes, biases = program.shapes(rows), [layer.bias for layer in program.layers if layer.bias]
    given, computed, reshaped, flat = dict[str, Array](), dict[str, Array](), list[str](), list[str]()
    odd, shared = dict[str, str](), dict[str, float]()
    for name, tensor in known_names(program).items():
        if name not in arrays:
            continue
        kind = program.kind(name) if name in program.sources else np.dtype(np.float64)
        array = np.asarray(arrays[name], kind if kind.kind in "biu" else np.float64)
        expected, meaning = shapes[tensor], program.tensors.get(tensor)
        parameter = next((one for one in (tensor, meaning.of if meaning else "") if one in program.parameters), "")
        if array.ndim == 2 and expected:  # turned round where its group is, data also where they alone need it
            array = array.T if (parameter in turned if parameter and parameter not in biases else columns) else array
            array = array.T if name in program.data and array.shape != expected == array.T.shape else array
        fitted, how = _fitted(array, expected, parameter in biases, name == program.target)
        if fitted is not array and array.ndim == 1 and parameter in biases:
            flat.append(name)
        elif fitted is not array and array.ndim:
            reshaped.append(f"{name} ({shape_text(array.shape)}) as {shape_text(expected)}{how}")
        if parameter in biases and array.size == 1 < np.prod(expected) and name != parameter:
            shared[name] = float(array.reshape(()))
        elif name not in (*program.sources, "m", *program.persistent):
            computed[tensor] = fitted
        elif fitted.shape == expected:
            given[name] = fitted
        elif name in biases and (found := spread(name, fitted, expected, rows)):
            given[name], reason = found
            odd |= {name: reason} if reason else {}
            reshaped += [] if reason else [f"{name} ({shape_text(array.shape)}) as {shape_text(expected)}: all its rows are alike"]
        else:
            message = f"{name} is {shape_text(expected)} in this scenario; yours is {shape_text(array.shape)}"
            if name == program.target and program.input not in arrays:
                taken = f"{counted(rows)} {'is' if rows == 1 else 'are'} taken"
                message += f" (there is no {program.input} in your file: the scenario's {taken})"
            raise ComparisonError(message)
    drawn = [*_masks(program, given)]
    notes = [*drawn, *_turned(program, arrays, columns, turned), *[f"read {', '.join(reshaped)}"] * bool(reshaped)]
    rows_of = "is read as a row" if len(flat) == 1 else "are read as rows"
    notes += [*[f"your flat {listed(flat)} {rows_of}"] * bool(flat), *_nonfinite(given)]
    kinds = {tensor: arrays[file_name(program, tensor)].dtype for tensor in computed}
    # data may well be stored in a coarser type than is computed with
    own = {name: array for name, array in arrays.items() if name not in (*program.sources, "m")}
    printed = formats({name: array for name, array in arrays.items() if name != "m"}, typed(scene, given), [*program.constants])
    kinds_of = [array.dtype for array in own.values() if array.dtype.kind == "f"]
    told = kind_of({name: array for name, array in own.items() if name not in given}, printed)
    precision = min([*kinds_of, *([told] if told else []), np.dtype(np.float64)], key=lambda kind: kind.itemsize)
    if told:
        notes.append(f"your numbers have the precision of {told.name}, and are judged as such")
    digits = Printed(printed, precision)
    return Reading(given, computed, kinds, precision, (*notes, *pairing.notes), pairing.uncompared, digits, odd, shared)


def _fitted(array: Array, expected: Shape, bias: bool, target: bool) -> tuple[Array, str]:
    """The array in the expected shape, where it differs in nothing but an axis of length 1 that is left away, and targets also from
    class numbers, or from a column that was broadcast to a table, with what was done; else as it is."""
    line = max(array.shape, default=1) == array.size == max(expected, default=1) == np.prod(expected)
    if array.shape == expected:
        return array, ""
    if line and (array.ndim < 2 or bias or array.size == 1):
        return array.reshape(expected), ""
    rows, outputs = expected if target and len(expected) == 2 else (0, 0)
    first = int(array.size == rows > 0 and array.max() == outputs)  # MATLAB, Julia and R count from 1
    if array.size == rows and outputs > 1 and np.isin(array, np.arange(outputs) + first).all():
        return np.eye(outputs)[array.reshape(-1).astype(int) - first], ": the classes as 0 and 1" + ", counted from 1" * first
    if outputs == 1 and array.shape == (rows, rows) and (array == array[0]).all():
        return array[:1].T, f": its first row, for every row holds all {rows} targets, as where ({rows},) meets ({rows}, 1)"
    return array, ""


def _turned(program: Program, arrays: Values, columns: bool, turned: frozenset[str]) -> Iterator[str]:
    weights = _matrices(program)
    stored = [name for name in weights if name in turned and not arrays.keys().isdisjoint(_forms(program, name))]
    if columns and stored:
        yield "your arrays are in the column convention (one column per sample, W as units × inputs): transposed for the comparison"
    elif columns:
        yield "a sample is a column of your arrays: transposed for the comparison"
    elif stored:
        which = "weights" if len(turned) == len(weights) else f"{' '.join(stored)}, but not your other weights,"
        yield f"your {which} are stored transposed (as torch's Linear does): transposed for the comparison"


def _masks(program: Program, given: dict[str, Array]) -> Iterator[str]:
    """Take over what the user has drawn: a mask that is divided by the share that is kept already is read as the mask.

    Raises:
        ComparisonError: where something that is drawn is not in the file, for ours is another one.
    """
    for name, draw in program.draws.items():
        if name not in given:
            raise ComparisonError(f"{name} is drawn, and yours is not ours: save it in your file too, as {name}")
        sizes = np.unique(given[name])
        if draw.recipe == "bernoulli" and len(sizes) <= 2 and sizes[-1] not in (0, 1) and {*sizes[:-1]} <= {0}:
            given[name] = np.asarray(given[name] != 0, float)
            yield f"read {name}, which is 0 and {short(float(sizes[-1]))} in your file, as 0 and 1"


def _nonfinite(given: Values) -> Iterator[str]:
    for name, array in given.items():
        wrong = np.argwhere(~np.isfinite(array))
        if len(wrong):
            place = tuple(int(i) for i in wrong[0])
            cells = f"{len(wrong)} of its {counted(array.size, 'cell')} {'is' if len(wrong) == 1 else 'are'} not finite"
            yield f"your {name} is what the update starts from, and {cells}: {cell_name(name, place)} is {short(float(array[place]))}"
