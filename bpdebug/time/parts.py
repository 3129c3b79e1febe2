"""What of a program learns: its layers, or the parameters of its lines, each with what is made of it and how that is bent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from bpdebug.core.network import Phase
from bpdebug.core.operations import ACTIVATIONS, OPERATIONS
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tree import Binary, Call, Name, Operation, Tree, literal, names, substitute, walk

_WITH_UNITS = (1, 2, 3)
"""Numbers of axes of values whose last one counts units: samples and units, perhaps with positions between."""


class Part(Record):
    """A layer, or a parameter of a program of lines.

    Attributes:
        number: from 1.
        name: as it is typed and shown, such as ``layer 2``, or the parameter.
        weight: the parameter; of a layer its weights.
        bias: the layer's other parameter, or "".
        source: what comes in, or "".
        z: the value that is made of it, or "" where another part has told of that.
        a: the same after its activation, or "".
        activation: of which kind that is, or "".
        units: how many there are along the last axis.
        axes: how many axes the activations have, the last of which counts units; 0 where that one counts samples, or there are more
            than samples, positions and units.
        learns: whether its start is a size that its steps can be compared with: it was not 0.
        feeds: the weights that its units are multiplied with, a unit a row.
        delta: the gradient of ``z``, or where that is not kept, of the sum that ``z`` does nothing but go into; "" where neither is.
    """

    number: int
    name: str
    weight: str
    bias: str
    source: str
    z: str
    a: str
    activation: str
    units: int
    axes: int = 2
    learns: bool = True
    feeds: tuple[str, ...] = ()
    delta: str = ""

    @property
    def short(self) -> str:
        """A layer's number, or the parameter."""
        return str(self.number) if self.name != self.weight else self.name


@lru_cache(8)
def parts_of(program: Program) -> tuple[Part, ...]:
    """The parts of a program, in the order of computation."""
    if program.layers:
        return (*_layers(program),)
    parts, told, lines = list[Part](), set[str](), _lines(program)
    for line in lines:
        own = [name for name in line.reads if name in program.parameters and name not in told]
        told.update(own)
        parts += _of_line(program, lines, line, own, len(parts) + 1)
    return (*parts,)


class _Line(NamedTuple):
    """A line of a forward pass: what it makes, how, and of what."""

    output: str
    value: Tree
    reads: tuple[str, ...]


def _lines(program: Program) -> list[_Line]:
    """Those of a program: of a recorded step, whose passes are derived from nothing, its stages."""
    nodes, forward = program.network.nodes, program.stages[: program.end_of(Phase.LOSS)]
    made = [_Line(node.output, node.value, (*node.inputs.values(),)) for node in nodes]
    return made or [_Line(stage.name, stage.formula.tree, stage.formula.names) for stage in forward]


def _of_line(program: Program, lines: Sequence[_Line], line: _Line, own: list[str], number: int) -> Iterator[Part]:
    """The parameters that a line reads first; one of one axis beside weights of several is their bias, and so is one that is added where a
    scale of one axis is."""
    shapes = program.shapes(program.batches.largest)
    added = names(line.value.right) if isinstance(line.value, Binary) and line.value.operator == "+" else ()
    beside = len(own) > 1 and max(len(shapes[name]) for name in own) == 1  # as a norm has a scale and a shift
    biases = [name for name in own if len(own) > 1 and len(shapes[name]) == 1 and (not beside or added == (name,))][:1]
    z, a, activation = line.output, *_bent(lines, line)
    axes = len(shapes[a]) if len(shapes[a]) in _WITH_UNITS and program.tensors[a].batch_axis != len(shapes[a]) - 1 else 0
    made, bias, delta = (z, a, activation, shapes[a][-1] if axes else 1, axes), "".join(biases), _delta(program, lines, z)
    for name in (name for name in own if name not in biases):
        feeds = (*_multiplied(program, lines, made[1]),) if axes and shapes[name][-1:] == made[3:4] else ()
        yield Part(number, name, name, bias, "", *made, learns=bool(program.initial[name].any()), feeds=feeds, delta=delta)
        number, made, bias, delta = number + 1, ("", "", "", 1, 0), "", ""


def _layers(program: Program) -> Iterator[Part]:
    following = [(names.weight,) for names in program.layers[1:]]
    for at, feeds in zip(program.layers, [*following, ()], strict=True):
        own = at.weight, at.bias, at.source, at.z, at.a, at.layer.activation, at.layer.units
        yield Part(at.number, program.network.group_of(at.number), *own, feeds=feeds, delta=program.gradients.get(at.z, ""))


def _delta(program: Program, lines: Sequence[_Line], name: str) -> str:
    """The gradient that arrives at a value: PyTorch keeps one for a sum and for what only goes into it, such as a residual branch."""
    readers, shapes = [line for line in lines if name in line.reads], program.shapes(program.batches.largest)
    match readers:
        case [_Line(output, Binary("+", left, right))] if (
            name not in program.gradients and Name(name) in (left, right) and shapes[name] == shapes[output]
        ):
            return _delta(program, lines, output)
    return program.gradients.get(name, "")


def _multiplied(program: Program, lines: Sequence[_Line], name: str) -> Iterator[str]:
    """The parameters that a tensor is multiplied with."""
    for product in (part for line in lines for part in walk(line.value)):
        match product:
            case Binary("@", Name(left), Name(right)) if left == name and right in program.parameters:
                yield right


def _bent(lines: Sequence[_Line], line: _Line) -> tuple[str, str]:
    """What becomes of a value cell by cell, in its own line or in the only one that reads it, and by which activation."""
    if function := activation_of(line.value):
        return line.output, function[0]
    readers = [reader for reader in lines if line.output in reader.reads]
    function = activation_of(readers[0].value) if len(readers) == 1 else None
    return (readers[0].output, function[0]) if function and function[1] == Name(line.output) else (line.output, "")


def activation_of(tree: Tree) -> tuple[str, Tree] | None:
    """The activation that a formula is, called or written out, and what it is taken of; None for any other formula."""
    for name in ACTIVATIONS[1:] if isinstance(tree, Operation) else ():
        found = list[Tree]()
        if isinstance(tree, Call) and tree.function == name:
            return name, tree.arguments[0]
        if _fits(_written_out(name), tree, found):
            return name, found[0]
    return None


@cache
def _written_out(name: str) -> Tree:
    """An activation's formula over ``z``, with the usual constants."""
    row = OPERATIONS[name]
    return substitute(row.forward.tree, {constant: literal(value) for constant, value in row.constants.items()})


def _fits(pattern: Tree, tree: Tree, found: list[Tree]) -> bool:
    """Whether a formula is a pattern with the same part wherever ``z`` stands."""
    if pattern == Name("z"):
        found.append(tree)
        return tree == found[0]
    children, others = pattern.children(), tree.children()
    if type(pattern) is not type(tree) or len(children) != len(others):
        return False
    rest = iter(others)
    alike = pattern.rebuilt(lambda _: next(rest)) == tree
    return alike and all(_fits(one, other, found) for one, other in zip(children, others, strict=True))
