"""Files in which something stands in another form than in a program: understood where it can be, and said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.network import LayerNames, Phase
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.trust.finding import Finding, Suspect
from bpdebug.trust.names import AFTER, known_names
from bpdebug.trust.pairing import Pairing
from bpdebug.trust.report import listed

_ENDS = {"last": -1, "first": 0}
"""Which row of the weights may hold the bias."""


class Start(Stage):
    """What an update starts from, in the place of a stage: no formula computes it."""

    def __str__(self) -> str:
        return self.name


def forms(program: Program, pairing: Pairing, rows: int) -> Iterator[Pairing]:
    """A file as it is, and, where shapes say so, with lists as tables, biases taken out of the weights, and tokens as one-hot rows."""
    flat = _flat(program, pairing.arrays, rows)
    for order in ("C", "F") if flat else ("C",):
        arrays = {name: array.reshape(flat[name], order=order) if name in flat else array for name, array in pairing.arrays.items()}
        way = "row by row" if order == "C" else "column by column"
        notes = (*pairing.notes, *[f"your {listed([*flat])} are lists without a shape: read {way}"] * bool(flat))
        yield from _forms(program, replace(pairing, arrays=arrays, notes=notes))


def _flat(program: Program, arrays: Values, rows: int) -> dict[str, tuple[int, ...]]:
    """The tables that stand in a file as lists of as many numbers, and the shapes that they should have."""
    x, names = arrays.get(program.input), known_names(program)
    if x is not None and x.ndim == 1 and x.size % len(program.inputs) == 0 and len(program.inputs) > 1:
        rows = x.size // len(program.inputs)
    elif x is not None and x.ndim == 2:
        rows = x.shape[0] if x.shape[1] == len(program.inputs) else x.shape[1]
    shapes = {name: program.shapes(rows)[names[name]] for name, array in arrays.items() if array.ndim == 1 and array.size}
    return {name: shape for name, shape in shapes.items() if min(shape, default=1) > 1 and np.prod(shape) == arrays[name].size}


def _forms(program: Program, pairing: Pairing) -> Iterator[Pairing]:
    arrays, notes = dict(pairing.arrays), [*pairing.notes]
    deep = {name: np.squeeze(array) for name, array in arrays.items() if array.ndim > 2 and np.squeeze(array).ndim <= 2}
    arrays |= deep
    notes += [f"axes of length 1 are left out of your {listed([*deep])}"] * bool(deep)
    if (tokens := _one_hot(program, arrays)) is not None:
        arrays[program.input] = tokens
        notes.append(f"your {program.input} holds whole numbers: read as tokens, a row with a single 1 for each")
    plain = replace(pairing, arrays=arrays, notes=tuple(notes))
    joined = [layer for layer in program.layers if _with_bias(program, layer, arrays)]
    if not joined:
        yield plain
    for (end, row), turned in product(_ENDS.items(), _turned(program, joined, arrays)) if joined else ():
        apart = dict(arrays)
        for layer in joined:
            _take_apart(program, layer, apart, row, turned)
        names = " ".join(layer.weight for layer in joined)
        verb = "hold their biases as their" if len(joined) > 1 else "holds its bias as its"
        yield replace(plain, arrays=apart, notes=(*notes, f"your {names} {verb} {end} row: taken apart for the comparison"))


def _one_hot(program: Program, arrays: Values) -> Array | None:
    """Inputs that are numbers of rows, one a sample, as these rows."""
    x, width, y = arrays.get(program.input), len(program.inputs), arrays.get(program.target)
    if x is None or width < 2 or x.dtype.kind not in "iuf" or max(x.shape, default=1) != x.size or not x.size:
        return None
    if (x.ndim == 2 and x.shape[1] == width) or (x.size == width and (y is None or max(y.shape, default=1) != width)):
        return None
    return np.eye(width)[x.reshape(-1).astype(int)] if np.isin(x, np.arange(width)).all() else None


def _with_bias(program: Program, layer: LayerNames, arrays: Values) -> bool:
    """Whether a layer's weights have a row more, and its bias is not there."""
    inputs, units = program.parameters[layer.weight]
    array = arrays.get(layer.weight)
    return bool(layer.bias) and layer.bias not in arrays and array is not None and array.shape in ((inputs + 1, units), (units, inputs + 1))


def _turned(program: Program, joined: list[LayerNames], arrays: Values) -> list[bool]:
    """Whether weights that are square with their bias hold it as a column: as the others do, or either."""
    told = {arrays[one.weight].shape[1] != program.parameters[one.weight][1] for one in joined if len({*arrays[one.weight].shape}) == 2}
    return [told.pop()] if len(told) == 1 else [False, True]


def _take_apart(program: Program, layer: LayerNames, arrays: dict[str, Array], row: int, turned: bool) -> None:
    """Take the bias out of the weights, out of their gradient and of what they are after the update, and the 1 out of the inputs;
    ``turned`` tells where it stands in square ones."""
    (inputs, units), gradients = program.parameters[layer.weight], program.gradients
    pairs = {layer.weight: layer.bias, layer.weight + AFTER: layer.bias + AFTER}
    pairs |= {gradients[layer.weight]: gradients[layer.bias]} if layer.weight in gradients and layer.bias in gradients else {}
    for weight, bias in pairs.items():
        array = arrays.get(weight, np.empty(0))
        if array.shape in ((inputs + 1, units), (units, inputs + 1)):
            axis = int(turned) if inputs + 1 == units else int(array.shape != (inputs + 1, units))
            arrays[bias] = np.take(array, row, axis).reshape(1, units)
            arrays[weight] = np.delete(array, row, axis)
    for source in (layer.source, gradients.get(layer.source, "")):
        array = arrays.get(source, np.empty(0))
        if array.ndim == 2 and inputs + 1 in array.shape:
            arrays[source] = np.delete(array, row, 1 if array.shape[1] == inputs + 1 else 0)


def spread(bias: str, array: Array, expected: tuple[int, ...], rows: int) -> tuple[Array, str] | None:
    """A bias that has another shape than a row, as NumPy uses it, with what is wrong with that; None where it fits in no way."""
    units = expected[1]
    if array.size == 1:
        reason = f"one number is the bias of {units} units, as NumPy spreads it: each of them needs one of its own"
        return np.full(expected, array.reshape(())), reason
    if array.shape == (rows, units):
        if (array == array[0]).all():
            return array[:1], ""
        due = "a bias is one row for all, and its gradient a sum over them"
        return array, f"it has a row for each of the {rows} samples, and they differ: {due}"
    return None


def oddities(odd: Mapping[str, str], given: Values, program: Program, state: Values) -> Iterator[Finding]:
    """What the update starts from, where that is wrong by itself."""
    for name, reason in odd.items():
        stage = Start(name, program.parse(name), Phase.FORWARD, program.network.layer_of.get(name, 0), "", "", "")
        kind = "count" if name == "m" else "bias_shape"
        title = "another number of samples" if name == "m" else "a bias of another shape"
        ours, theirs = np.asarray(state.get(name, 0.0)), np.asarray(given[name])
        theirs = theirs if theirs.shape != ours.shape or not theirs.ndim else theirs.reshape(-1)[0].reshape(())
        yield Finding(stage, name, "off", np.inf, (), ours, theirs, ours, suspects=(Suspect(kind, title, reason),))
