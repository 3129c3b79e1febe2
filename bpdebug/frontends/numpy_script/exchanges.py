"""Other tensors than those that a line reads, or that a function is given: what a slip may have been meant as, the same in each turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record
from bpdebug.core.tree import Binary, Call, Index, Name, Transpose, Tree, substitute
from bpdebug.core.tree import names as names_in
from bpdebug.frontends.numpy_script.alike import bare
from bpdebug.frontends.numpy_script.names import unversioned
from bpdebug.frontends.numpy_script.recording import Line, Statement

Group = Sequence[Statement]
TurnShapes = tuple[tuple[int, ...], ...]
"""The shape of a value in each turn of its loop."""
_PARTLY = 0.25
"""The share of its cells that a value has in common with what it is meant to be, at least."""


class Passed(Record):
    """That a function is given another tensor.

    Attributes:
        line: of the call.
        function: what is called, such as ``relu_grad()``.
        old, new: what is passed, and what would be right.
    """

    line: Line
    function: str
    old: str
    new: str


class Slip(Record, eq=False):
    """A line that is wrong by one slip.

    Attributes:
        line: where it stands.
        name: the value that is wrong.
        formula: that would be right.
        longer: by how many nodes.
        forward: whether the loss depends on it.
        unread: whether it brings in a parameter that nothing reads as it is.
        passed: what a function is to be given there, where it is not the formula that is wrong.
        apart: whether each gradient is another multiple of the right one then, so that there is a further mistake.
        kind: "once" where it is right after its loop, "slope" where it is the derivative of another activation, "summed"
            where another sum is meant, else "".
    """

    line: Line
    name: str
    formula: Formula
    longer: float
    forward: bool
    unread: bool = False
    passed: Passed | None = None
    kind: str = ""
    apart: bool = False


class Exchanges:
    """The tensors that may stand in the place of others.

    Args:
        statements: of an update, in order, each with a formula.
        groups: those that one part of one line makes, in its turns and calls.
        values: of all tensors.
        singles: numbers that have a name.
    """

    def __init__(self, statements: Group, groups: Iterable[Group], values: Mapping[str, Array], singles: Iterable[str]) -> None:
        self._statements, self._values, self._singles = statements, values, [*singles]
        self._results, last = dict[str, str](), dict[Line, str]()
        for one in reversed(statements):  # what the line of an inner value makes in the end
            if not one.inner:
                last[one.made] = one.name
            elif one.made in last:
                self._results[one.name] = last[one.made]
        self._place = {one.name: place for place, one in enumerate(statements)}
        self._alike, self._every = (defaultdict[tuple[int, ...], dict[tuple[str, ...], None]](dict) for _ in range(2))
        self._lone = [name for name, value in values.items() if name not in self._place and np.ndim(value)]
        self._turns, self._windows = list[list[str]](), dict[TurnShapes, list[tuple[str, ...]]]()
        for group in groups:
            self._turns += [[one.name for one in group]] * (len(group) > 1 and _is_written(group[0]))
            by_shape = defaultdict[tuple[int, ...], list[str]](list)
            for one in group:
                by_shape[np.shape(values[one.name])].append(one.name)
            for shape, names in by_shape.items():
                turns = {(*names,): None, (*names[::-1],): None}  # the way back goes the other way
                for alike in (self._every, self._alike)[: 1 + _is_written(group[0])] if shape else ():
                    alike[len(names), *shape] |= turns
                    alike[1, *shape] |= {(name,): None for name in names}

    def _fitting(self, shapes: TurnShapes) -> Iterable[tuple[str, ...]]:
        """The tensors of some shapes, one for each turn; one that no line makes is the same in all."""
        if len({*shapes}) == 1:
            lone = ((name,) * len(shapes) for name in self._lone if np.shape(self._values[name]) == shapes[0])
            return chain(self._alike.get((len(shapes), *shapes[0]), ()), lone)
        if shapes not in self._windows:  # layers of several sizes
            ways = [way for names in self._turns for way in (names, names[::-1])]
            runs = [(*way[start : start + len(shapes)],) for way in ways for start in range(len(way) - len(shapes) + 1)]
            self._windows[shapes] = [run for run in runs if self._shapes(run) == shapes]
        return self._windows[shapes]

    def _shapes(self, names: Iterable[str]) -> TurnShapes:
        return tuple(np.shape(self._values.get(name, 0.0)) for name in names)

    def _is_before(self, others: Sequence[str], group: Group) -> bool:
        return all(self._place.get(name, -1) < self._place[one.name] for name, one in zip(others, group, strict=True))

    def factors(self, group: Group, trees: Sequence[Tree]) -> Iterator[tuple[Tree, ...]]:
        """The formulas of a line with a further factor or divisor, one that is stretched along the last axis, too."""
        shapes = self._shapes(one.name for one in group)
        fewer = tuple((*shape[:-1], 1) for shape in shapes), tuple(shape[:-1] for shape in shapes)
        for due in dict.fromkeys((shapes, *fewer) if all(shapes) else ()):
            for names in self._fitting(due) if any(length > 1 for shape in due for length in shape) else ():
                if self._is_before(names, group):
                    parts = [Name(name) if len(due[0]) == len(shapes[0]) else Index(Name(name), (..., None)) for name in names]
                    for sign in "*/":
                        yield tuple(Binary(sign, tree, part) for tree, part in zip(trees, parts, strict=True))
        for name in self._singles:
            for sign in "*/":
                yield tuple(Binary(sign, tree, Name(name)) for tree in trees)

    def others(self, group: Group, trees: Sequence[Tree]) -> Iterator[tuple[Tree, ...]]:
        """The formulas of a line with another tensor in the place of one that it reads."""
        values = self._values
        for place in range(len(group[0].formula.names) if group[0].formula else 0):
            read = [formula.names[place] for formula in (one.formula for one in group) if formula and len(formula.names) > place]
            if len(read) == len(group) and np.ndim(values.get(read[0], 0.0)):
                made = self._shapes(self._results.get(one.name, one.name) for one in group)
                due = dict.fromkeys((self._shapes(read), made, *self._summed(trees[0], self._shapes(read))))
                for names in chain(*(self._fitting(shapes) for shapes in due if all(shapes))):
                    if names[0] != read[0] and self._is_before(names, group):
                        news = zip(trees, read, names, strict=True)
                        yield tuple(substitute(tree, {old: Name(new)}) for tree, old, new in news)

    def _summed(self, tree: Tree, shapes: TurnShapes) -> Iterator[TurnShapes]:
        """The shapes of what may be summed instead: along the axis of the sum they may have another length."""
        if isinstance(tree, Call) and tree.reduces and tree.axis in (0, 1) and {*map(len, shapes)} == {2}:
            for count, *shape in self._alike:
                if count == len(shapes) and len(shape) == 2 and all(shape[1 - tree.axis] == one[1 - tree.axis] for one in shapes):
                    yield (tuple(shape),) * count

    def twins(self, group: Group) -> Iterator[tuple[Tree, ...]]:
        """The tensors with which a line has a part of its cells in common, and not by chance."""
        own, values = [one.name for one in group], self._values
        for names in self._every.get((len(group), *np.shape(values[own[0]])), ()):
            alike = all(np.shape(values[mine]) == np.shape(values[other]) for mine, other in zip(own, names, strict=True))
            if names[0] != own[0] and alike and self._is_before(names, group):
                same = [values[mine] == values[other] for mine, other in zip(own, names, strict=True)]
                told = all(np.mean(one) >= _PARTLY and np.any(values[name][one]) for one, name in zip(same, own, strict=True))
                if told and not np.all(same):
                    yield tuple(map(Name, names))

    def passed(self, trees: Mapping[str, Tree]) -> Iterator[tuple[Passed, Group, tuple[Tree, ...]]]:
        """The lines of a function with another tensor in the place of one that it is given, the same in each call from a line."""
        lines = {str(one.line): one.line for one in self._statements}
        for (line, title), runs in self._calls().items():
            inside = {one.name for run in runs for one in run}
            given = [[*dict.fromkeys(name for one in run for name in one.reads if name not in inside)] for run in runs]
            for place, old in enumerate(given[0] if line in lines else ()):
                read = [names[place] for names in given if len(names) > place]
                if len(read) < len(runs) or not np.ndim(self._values.get(old, 0.0)):
                    continue
                for names in self._fitting(self._shapes(read)):
                    if names[0] != old and self._is_before(names, [run[0] for run in runs]):
                        made = {
                            one.name: (one, substitute(trees[one.name], {was: Name(new)}))
                            for run, was, new in zip(runs, read, names, strict=True)
                            for one in run
                            if was in one.reads and one.name in trees
                        }
                        if made:  # else what reads it is no formula
                            ones, news = zip(*made.values(), strict=True)
                            yield Passed(lines[line], title, old, names[0]), ones, news

    def _calls(self) -> dict[tuple[str, str], list[list[Statement]]]:
        """What each function computes, by the line that calls it, call by call."""
        found = defaultdict[tuple[str, str], dict[object, list[Statement]]](lambda: defaultdict(list))
        for one in self._statements:
            for depth, level in enumerate(one.path):
                if not level.turn and level.title.removesuffix("()") == one.made.function.rpartition(".")[2]:
                    found[level.line, level.title][one.path[: depth + 1]].append(one)
        return {key: [*runs.values()] for key, runs in found.items()}


def _is_written(one: Statement) -> bool:
    """Whether another line may read a value: it has a name there, or is the transpose of one that has, or comes from a ``return``."""
    return one.formula is not None and (not one.inner or isinstance(one.formula.tree, Transpose))


def grouped(statements: Iterable[Statement]) -> list[list[Statement]]:
    """The statements that one part of one line makes, in each turn of its loop and each call of its function."""
    found, times = defaultdict[object, list[Statement]](list), defaultdict[object, int](int)
    for one in statements:
        kind = one.made, Formula.of(bare(one.formula.tree)).text if one.formula else ""
        turn = *kind, one.path, one.line
        found[*kind, times[turn]].append(one)
        times[turn] += 1
    return [*found.values()]


def once(groups: Iterable[Group], trees: Mapping[str, Tree]) -> Iterator[tuple[Group, tuple[Tree, ...]]]:
    """Lines that scale in each turn what the loop adds up, ``dW = dW / m``, each as one that does so in the last turn alone; all those of a
    loop at the same time, too."""
    found = list[tuple[Group, tuple[Tree, ...]]]()
    for group in groups:
        of = [_scaled(one.name, one.formula.tree) if one.formula else None for one in group]
        if len(group) > 1 and None not in of:
            found.append((group, (*(Name(one or "") for one in of[:-1]), trees[group[-1].name])))
    if len(found) > 1:
        yield [one for group, _ in found for one in group], tuple(tree for _, trees in found for tree in trees)
    yield from found


def is_another_sum(old: Tree | None, new: Tree, values: Mapping[str, Array]) -> bool:
    """Whether something of another shape is summed, as the weights' gradient in the place of that of the values below them."""
    match old, new:
        case Call(_, (Name(one),)), Call(_, (Name(other),)):
            return np.shape(values.get(one, 0.0)) != np.shape(values.get(other, 0.0))
    return False


def _scaled(name: str, tree: Tree) -> str | None:
    """The version of a value of which another one is a multiple."""
    match tree:
        case Binary("*" | "/", Name(old), other) | Binary("*", other, Name(old)):
            return old if unversioned(old) == unversioned(name) and unversioned(name) not in map(unversioned, names_in(other)) else None
    return None


__all__ = ["Exchanges", "Group", "Passed", "Slip", "grouped", "is_another_sum", "once"]
