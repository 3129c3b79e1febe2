"""What is to be said of a step's parameters: which are frozen, tied, read by nothing, cut off from the loss, or in no optimizer."""

from __future__ import annotations

import linecache
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from bpdebug.torch_recorder.operations import Operation
from bpdebug.torch_recorder.places import Value
from bpdebug.torch_recorder.private import UNSAID_WRITES

Told = list[tuple[str, list[str], str, tuple[str, int, str] | None]]


def lacking(
    owned: Mapping[str, Any],
    moved: Collection[int],
    others: Collection[int],
    values: Sequence[Value],
    operations: Sequence[Operation],
    gradients: Mapping[int, int],
    roots: Sequence[int],
) -> Told:
    """What is to be said: its kind (``tied``, ``frozen``, ``unused``, ``cut``, ``ends``, ``unmoved``), the names of parameters, and
    of a path that does not lead back from the loss, the value at which it ends and the line.

    Args:
        owned: the parameters of the models that were called, by all their names.
        moved: the ids of those that the optimizer has.
        others: the ids of those that others have.
        values, operations: of the step.
        gradients: the numbers of the values that have one, and of these.
        roots: those of which a backward pass has run.
    """
    names, numbers = defaultdict[int, list[str]](list), defaultdict[str, list[int]](list)
    for name, one in owned.items():
        names[id(one)].append(name)
    for value in values:
        numbers[value.name.partition("'")[0]].append(value.number)
    found, paths = defaultdict[Any, list[str]](list), cache(lambda: _Paths(operations, roots))
    for key, together in names.items():
        name, own = together[0], [number for one in together for number in numbers[one]]
        if len(together) > 1:
            found["tied", name, None] = together
        if not owned[name].requires_grad:
            found["frozen", "", None].append(name)
        elif key in others and key not in moved:  # it is not their turn
            continue
        elif roots and gradients.keys().isdisjoint(own):
            kind, at, line = paths().end(own)
            found[kind, values[at].name if at >= 0 else "", line].append(name)
        elif moved and key not in moved:
            found["unmoved", "", None].append(name)
    return [(kind, together, "" if kind == "tied" else at, line) for (kind, at, line), together in found.items()]


class _Paths:
    """Where what comes of values ends.

    Args:
        operations: of the step.
        roots: what a backward pass begins with.
    """

    def __init__(self, operations: Sequence[Operation], roots: Sequence[int]) -> None:
        self._cut, self._last = dict[int, tuple[int, Operation]](), dict[int, tuple[int, Operation]]()
        live, leading = {*roots}, {*roots}
        self._detached = {number: one.line for one in operations if one.same for number in one.outs if _says_detach(one.line)}
        for one in reversed([one for one in operations if one.phase != "update" and not one.same]):
            flows, leads = not live.isdisjoint(one.outs), not leading.isdisjoint(one.outs)
            cut = next((self._cut[out] for out in one.outs if out in self._cut), None)
            last = max((self._last[out] for out in one.outs if out in self._last), key=lambda end: end[0], default=(one.outs[-1], one))
            read = [number for number in one.inputs if one.name not in UNSAID_WRITES or number not in one.overwrites]
            for number in read:  # not running statistics, of which an earlier call has made something
                if flows and number in one.live:
                    live.add(number)
                elif leads:
                    self._cut[number] = cut if cut and number in one.live else (number, one)
                if number not in self._last or self._last[number][0] < last[0]:
                    self._last[number] = last
            leading.update(read if leads else ())

    def end(self, numbers: Sequence[int]) -> tuple[str, int, tuple[str, int, str] | None]:
        """Where the way from a parameter to the loss is cut, or else what comes of it last; the kind, the value and the line."""
        for kind, ends in (("cut", self._cut), ("ends", self._last)):
            for at, one in (ends[number] for number in numbers if number in ends):
                return kind, at, (self._detached.get(at) if kind == "cut" else None) or one.line
        return "unused", -1, None


def _says_detach(line: tuple[str, int, str] | None) -> bool:
    return line is not None and "detach" in linecache.getline(line[0], line[1])


__all__ = ["Told", "lacking"]
