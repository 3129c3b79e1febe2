"""What a script computes as the loss of each sample, and adds up nowhere though its gradients are: their sum is the loss of an update."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.tree import Binary, Call, Listing, Name, Tree, chained, walk
from bpdebug.frontends.numpy_script.lines import reached, used
from bpdebug.frontends.numpy_script.recording import Recording, Statement

_SAID = re.compile(r"loss|cost|likelihood|err|mse|\bJ\b|\bL\b|nll|objective|b?ce\b|entropy", re.IGNORECASE)
_OTHER = re.compile(r"acc|rate|correct|grad|delta|prime|back|norm|pred|^d[A-Z_]", re.IGNORECASE)
_MOST, _TERMS = 200, 40
"""Samples whose losses are added up, at most; and up to how many are written as a sum."""


def with_total(recording: Recording) -> Recording:
    """The recording with the sum of the losses that a line computes in the turns of a loop of its own, where each turn has a share in the
    update; itself where there are none, or where the script adds them up."""
    statements, read = recording.statements, {name for one in recording.statements for name in one.reads}
    dependent = reached(statements, recording.start)
    groups, values = defaultdict[object, list[Statement]](list), recording.values[-1]
    for one in statements:
        other = any(map(_OTHER.search, (one.name.rpartition(".")[2], one.made.function)))
        shown = one.formula and one.name in dependent - read and not (one.live or other)
        if shown and np.size(values.get(one.name, ())) == 1 and values[one.name].dtype.kind == "f":
            groups[one.made, one.line, len(one.path), np.shape(values[one.name])].append(one)
    for group in sorted(groups.values(), key=lambda group: not _is_called(group)):
        if not (_is_called(group) or _is_compared(recording, group[-1])):
            continue
        complete = all(one.name in known for known in recording.values for one in group)
        if 1 < len(group) <= _MOST and complete and _has_shares(recording, group, dependent):
            return _with(recording, group)
    return recording


def _is_called(group: Sequence[Statement]) -> bool:
    """Whether one of the names of a value is one that losses have, or that of the function that makes it."""
    one = group[0]
    return any(map(_SAID.search, (one.name, one.made.function, *(alias[0] for alias in one.aliases))))


def _is_compared(recording: Recording, one: Statement) -> bool:
    """Whether the line of a value adds up, takes a logarithm, or a distance, and is not only what the network answers."""
    here = used([other for other in recording.statements if other.made == one.made], [one.name])
    trees = [other.formula.tree for other in recording.statements if other.name in here and other.formula]
    return any(_is_distance(node) for tree in trees for node in walk(tree))


def _is_distance(node: Tree) -> bool:
    match node:
        case Call("sum" | "mean" | "log" | "abs" | "square" | "maximum" | "log1p") | Binary("**"):
            return True
    return False


def _has_shares(recording: Recording, group: Sequence[Statement], dependent: set[str]) -> bool:
    """Whether of each turn something else leads to the next parameters, and each has begun where the others did."""
    live = used(recording.statements, recording.carried.values()) & dependent - {*recording.start}
    made = [used(recording.statements, [one.name]) & live for one in group]
    return all(one - other and other - one for one, other in pairwise(made))


def _with(recording: Recording, group: Sequence[Statement]) -> Recording:
    last, known = group[-1], {*recording.start, *recording.given[0], *(one.name for one in recording.statements)}
    base = "total_loss" if _is_called(group) else f"total_{re.sub(r'[^A-Za-z_0-9]+.*', '', group[0].name) or 'of_turns'}"
    name = next(one for one in (base, f"{base}_of_update", "loss_of_update") if one not in known)
    terms = [Name(one.name) for one in group]
    tree = chained("+", terms) if len(terms) <= _TERMS else Call("sum", (Call("stack", (Listing((*terms,)),)),), 0)
    total = replace(last, name=name, formula=Formula.of(tree), inner=False, partial=False, aliases=(), path=last.path[:-1])

    def added(values: Mapping[str, Array]) -> dict[str, Array]:
        return {**values, name: np.asarray(sum(values[one.name] for one in group))}

    place = recording.statements.index(last) + 1
    statements = (*recording.statements[:place], total, *recording.statements[place:])
    return replace(recording, statements=statements, values=tuple(map(added, recording.values)), total=name)


def without_total(recording: Recording, loss: str) -> Recording:
    """The recording without that sum, where another value is the loss."""
    if recording.total in ("", loss.removesuffix(".sum")):
        return recording
    return replace(recording, statements=tuple(one for one in recording.statements if one.name != recording.total), total="")


__all__ = ["with_total", "without_total"]
