"""Parameters that are kept in one flat array, ``theta``: each of its parts is a parameter, and so is each part of what moves with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import cast

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.tree import Call, Listing, Name, Number, Tree, substitute, walk
from bpdebug.frontends.numpy_script.alike import is_cellwise
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.recording import Recording, Statement


class _Part(Record):
    """Some cells of a flat array in a row: the value that they are as a parameter, where, what is joined as its gradient, and what each
    pass that reads them calls them."""

    name: str
    begin: int
    end: int
    shape: tuple[int, ...]
    gradient: Tree
    same: tuple[str, ...]

    def of(self, value: Array) -> Array:
        """Its cells of an array of the same length."""
        return value[self.begin : self.end].reshape(self.shape)

    def called(self, flat: str, theta: str) -> str:
        """What the part of another array of the same length is called."""
        return self.name + flat.removeprefix(theta) if flat.startswith(theta) else f"{flat}.{self.name}"


def with_parts(recording: Recording) -> Recording:
    """The recording with the parts of flat parameters in their place, where the gradient is joined from as many, whole and in order, and
    what is computed from it up to the next version works cell by cell."""
    for name, value in recording.start.items():
        if value.ndim == 1 and value.size > 1 and (made := _parted(recording, name)):
            return with_parts(made)
    return recording


def _parted(recording: Recording, theta: str) -> Recording | None:
    trees = {one.name: one.formula.tree for one in recording.statements if one.formula}
    cells, reads = _cells(recording, theta), used(recording.statements, [recording.carried[theta]])
    joined = next((one for one in reversed(recording.statements) if one.name in reads and isinstance(_items(one), Listing)), None)
    size, values = recording.start[theta].size, recording.values[-1]
    if joined is None or joined.name not in values or values[joined.name].shape != (size,):
        return None
    parts, begin = list[_Part](), 0
    for item in cast(Listing, _items(joined)).items:
        laid, shape = _laid(trees, item), np.shape(evaluate(Formula.of(item), values))
        count, gradient = int(np.prod(shape)), item
        if isinstance(laid, Name):
            gradient, shape = laid, np.shape(values[laid.name])
        fitting = [name for name, (first, last) in cells.items() if (first, last) == (begin, begin + count) and name != theta]
        if not fitting:
            return None
        name = next((name for name in fitting if np.shape(values[name]) == shape), fitting[-1])
        due = np.shape(values[name])
        same = [other for other in fitting if np.shape(values[other]) == due]
        parts.append(_Part(name, begin, begin + count, due, _shaped(gradient, shape, due), (*same,)))
        begin += count
    slots = [name for name, value in recording.start.items() if value.shape == (size,)]
    chain = [*_chain(recording, {joined.name, *slots}, trees)]
    made = {one.name for one in chain}
    beside = {name for one in recording.statements if one.name not in made for name in one.reads}
    whole = {recording.carried[name] for name in slots} <= made and beside.isdisjoint(made | {*slots} - {theta})
    return _replaced(recording, theta, parts, slots, joined, chain, cells) if len(parts) > 1 and begin == size and whole else None


def _items(one: Statement) -> Tree | None:
    """What a flat array is joined from."""
    match one.formula and one.formula.tree:
        case Call("concatenate", (Listing() as items, *_)):
            return items
    return None


def _cells(recording: Recording, theta: str) -> dict[str, tuple[int, int]]:
    """The values that are cells of a flat array in a row."""
    known, found = {theta: np.arange(recording.start[theta].size)}, dict[str, tuple[int, int]]()
    for one in recording.statements:
        if one.formula and len(one.formula.names) == 1 and one.formula.names[0] in known and one.name in recording.values[-1]:
            with suppress(FormulaError):
                cells = evaluate(one.formula, {name: known[name] for name in one.formula.names})
                row = np.ravel(cells)
                if row.size and cells.dtype.kind == "i" and np.array_equal(row, np.arange(row[0], row[0] + row.size)):
                    known[one.name], found[one.name] = cells, (int(row[0]), int(row[0]) + row.size)
    return found


def _laid(trees: Mapping[str, Tree], item: Tree) -> Tree:
    """What was laid flat."""
    while isinstance(item, Name) and isinstance(inner := trees.get(item.name), Call) and inner.function == "reshape":
        item = inner
    return item.arguments[0] if isinstance(item, Call) and item.function == "reshape" else item


def _shaped(tree: Tree, shape: tuple[int, ...], due: tuple[int, ...]) -> Tree:
    return tree if shape == due else Call("reshape", (tree, Listing(tuple(Number(length) for length in due))))


def _chain(recording: Recording, flat: Collection[str], trees: Mapping[str, Tree]) -> Iterator[Statement]:
    """What is computed cell by cell from arrays that are cut into parts, and from single numbers."""
    known, values = {*flat}, recording.values[-1]
    for one in recording.statements:
        if one.name in trees and one.name not in known and not known.isdisjoint(one.reads):
            others = [name for name in one.reads if name not in known]
            if all(np.size(values[name]) == 1 for name in others) and all(map(is_cellwise, walk(trees[one.name]))):
                known.add(one.name)
                yield one


def _replaced(
    recording: Recording,
    theta: str,
    parts: Sequence[_Part],
    slots: Sequence[str],
    joined: Statement,
    chain: Sequence[Statement],
    cells: Collection[str],
) -> Recording:
    flat = {joined.name, *slots, *(one.name for one in chain)}
    called = {part.name: {name: part.called(name, theta) for name in flat} for part in parts}
    made, own = dict[str, list[Statement]](), {name: Name(part.name) for part in parts for name in part.same}
    for one in chain:
        for part in parts:
            names: dict[str, Tree] = {name: Name(new) for name, new in called[part.name].items()} | {joined.name: part.gradient}
            formula = Formula.of(substitute(cast(Formula, one.formula).tree, names))
            made.setdefault(one.name, []).append(replace(one, name=called[part.name][one.name], formula=formula, aliases=()))

    def cut(known: Mapping[str, Array]) -> dict[str, Array]:
        return {**known, **{called[part.name][name]: part.of(known[name]) for part in parts for name in flat if name in known}}

    whole = Formula.of(Call("concatenate", (Listing(tuple(_shaped(Name(part.name), part.shape, (-1,)) for part in parts)),), 0))
    first = replace(joined, name=theta, formula=whole, inner=True, aliases=(), path=())
    left = [_renamed(one, own) for one in recording.statements if one.name not in own]
    every = [first, *(part for one in left for part in made.get(one.name, [one]))]
    new = {called[part.name][name]: called[part.name][recording.carried[name]] for part in parts for name in slots}
    carried = {**new, **{old: one for old, one in recording.carried.items() if old not in slots}}
    return replace(
        recording,
        statements=_read(every, {theta, joined.name, *cells, *joined.reads}),
        carried=carried,
        start={name: value for name, value in cut(recording.start).items() if name in carried},
        starts={number: {name: value for name, value in cut(one).items() if name in carried} for number, one in recording.starts.items()},
        values=tuple(map(cut, recording.values)),
    )


def _renamed(one: Statement, names: Mapping[str, Tree]) -> Statement:
    return one if one.formula is None else replace(one, formula=Formula.of(substitute(one.formula.tree, names)))


def _read(statements: Sequence[Statement], doubtful: Collection[str]) -> tuple[Statement, ...]:
    """Statements without those that nothing reads any more."""
    left, read = list[Statement](), set[str]()
    for one in reversed(statements):
        if one.name not in doubtful or one.name in read:
            left.append(one)
            read.update(one.reads)
    return tuple(reversed(left))


__all__ = ["with_parts"]
