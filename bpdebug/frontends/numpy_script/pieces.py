"""Parameters that are kept in one flat array, ``theta``: what its parts are moved by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import numpy as np

from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.tree import Call, Listing, Name, Tree
from bpdebug.frontends.numpy_script.fits import Differentiated
from bpdebug.frontends.numpy_script.recording import Recording

Range = tuple[int, int]


def with_pieces(recording: Recording, loss: Differentiated, ends: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What parameters are moved by, and the parts of flat ones; and which of all of them are to be looked at.

    Args:
        recording, loss: the script, and what is derived from it.
        ends: the value that each parameter is moved by.
    """
    whole = {name: _pieces(recording, loss, name, end) for name, end in ends.items() if name in loss.program.parameters}
    parts = {part: end for pieces in whole.values() for part, end in pieces.items()}
    return {**ends, **parts}, [*(name for name in loss.program.parameters if name in ends and not whole[name]), *parts]


def _pieces(recording: Recording, loss: Differentiated, parameter: str, end: str) -> dict[str, str]:
    """The value that each matrix is moved by of which a flat parameter is made; nothing where it is not made so, whole and in order."""
    trees = {one.name: one.formula.tree for one in recording.statements if one.formula}
    parts = dict(_parts(recording, trees, parameter))
    found, begin = dict[str, str](), 0
    for name in _joined(trees, end):
        size = recording.values[-1][name].size
        fitting = [part for part, cells in parts.items() if cells == (begin, begin + size) and part in loss.gradients]
        found |= dict.fromkeys(fitting[-1:], name)
        begin += size
    return found if len(found) > 1 and begin == recording.start[parameter].size else {}


def _parts(recording: Recording, trees: Mapping[str, Tree], parameter: str) -> Iterator[tuple[str, Range]]:
    """The values that are some cells of a flat array in a row, laid out; the last for each is the one that is used."""
    known = {parameter: np.arange(recording.start[parameter].size)}
    for one in recording.statements:
        if one.formula and len(one.formula.names) == 1 and one.formula.names[0] in known and one.name in recording.values[-1]:
            with suppress(FormulaError):
                cells = evaluate(one.formula, {name: known[name] for name in one.formula.names})
                row = np.ravel(cells)
                if row.size and cells.dtype.kind == "i" and np.array_equal(row, np.arange(row[0], row[0] + row.size)):
                    known[one.name] = cells
                    yield one.name, (int(row[0]), int(row[0]) + row.size)


def _joined(trees: Mapping[str, Tree], name: str) -> Iterator[str]:
    """What a flat array is joined from, each before it is laid flat."""
    tree = trees.get(name)
    match tree:
        case Call("concatenate", (Listing(parts), *_)):
            for part in parts:
                yield from _flat(trees, part)


def _flat(trees: Mapping[str, Tree], part: Tree) -> Iterator[str]:
    while isinstance(part, Name) and isinstance(inner := trees.get(part.name), Call) and inner.function == "reshape":
        part = inner
    match part:
        case Call("reshape", (Name(name), *_)) | Name(name):
            yield name


__all__ = ["with_pieces"]
