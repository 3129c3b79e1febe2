"""The formulas of a script, run on from other numbers."""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.frontends.numpy_script.aliases import Place
from bpdebug.frontends.numpy_script.recording import Statement


class Replay:
    """Statements that go on from values.

    Args:
        later: they, in order, each with a formula.
    """

    def __init__(self, later: Sequence[Statement]) -> None:
        self._later, self._reading = later, defaultdict[str, list[int]](list)
        for place, one in enumerate(later):
            for name in one.formula.names if one.formula else ():
                self._reading[name].append(place)

    def readers(self, name: str) -> list[Statement]:
        """The statements that read a value."""
        return [self._later[place] for place in self._reading[name]]

    def run(self, values: Mapping[str, Array], put: Mapping[str, Array], since: Mapping[str, Place]) -> dict[str, Array] | None:
        """Values with some of them replaced, each from some place on; None where the formulas do not go on from there."""
        made, changed = {**values, **put}, {*put}
        waiting = sorted({place for name in put for place in self._reading[name]})
        while waiting:
            one = self._later[heappop(waiting)]
            reads = one.formula.names if one.formula and one.name not in changed else ()
            before = {name: values[name] for name in reads if name in since and not since[name].is_read_by(one)}
            if one.formula and any(name in changed and name not in before for name in reads):
                try:
                    made[one.name] = evaluate(one.formula, ChainMap(before, made) if before else made)
                except FormulaError:
                    return None
                changed.add(one.name)
                for reader in self._reading[one.name]:
                    heappush(waiting, reader)
        return made


__all__ = ["Replay"]
