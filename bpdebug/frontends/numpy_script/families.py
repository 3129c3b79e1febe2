"""Tensors that belong together, since one line makes them turn by turn: what the values of a line on the way back are meant to be."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.parser import Formula
from bpdebug.frontends.numpy_script.alike import bare
from bpdebug.frontends.numpy_script.recording import Recording


class Families:
    """The gradients of the tensors that one part of one line makes.

    Args:
        recording: the script.
        gradients, parts: the derived ones, by the tensor; and what comes back to one by some paths.
    """

    def __init__(self, recording: Recording, gradients: Mapping[str, Array], parts: Mapping[str, Array]) -> None:
        found, of = defaultdict[object, list[str]](list), defaultdict[str, list[str]](list)
        for part in parts:
            of[part.removeprefix("∂").partition("@")[0]].append(part)
        for one in recording.statements:
            if one.formula and one.name in gradients:
                calls = tuple(level.line for level in one.path if not level.turn)
                line = one.made, Formula.of(bare(one.formula.tree)).text, calls, re.sub(r"'?\d+", "", one.name)  # a['f'] at t, not a['i']
                found[line].append(one.name)
                for place, part in enumerate(of[one.name]):
                    found[*line, len(of[one.name]), place].append(part)
        self._all, self._gradients = [names for names in found.values() if len(names) > 1], {**gradients, **parts}

    def puts(self, theirs: Mapping[str, Array]) -> Iterator[tuple[dict[str, str], dict[str, Array]]]:
        """As many tensors in a row as there are values, one for each, and their gradients; from the last to the first, too."""
        shapes, count = [np.squeeze(value).shape for value in theirs.values()], len(theirs)
        for names in self._all if count > 1 else ():
            fitting = [name for name in names if np.squeeze(self._gradients[name]).shape in shapes]
            for begin in range(len(fitting) - count + 1):
                part = fitting[begin : begin + count]
                for turns in (part[::-1], part):
                    if [np.squeeze(self._gradients[name]).shape for name in turns] == shapes:
                        meant = dict(zip(theirs, turns, strict=True))
                        yield meant, {name: self._gradients[meant[name]].reshape(value.shape) for name, value in theirs.items()}


__all__ = ["Families"]
