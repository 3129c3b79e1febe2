"""The gradient of one number as a sum over the paths by which it reaches the loss.

The chain rule over several paths, cell by cell: the derivative is the sum, over all paths, of the product of the local derivatives
along the path (Goodfellow et al., "Deep Learning" (2016), section 6.5.2; Bishop (2006), section 5.3.1). The local derivatives come
from the operation table: what a rule passes back when 1 arrives at a single cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from bpdebug.core.cells import Cell, NamedCell
from bpdebug.core.description import Array, Values
from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.network import Network, Node
from bpdebug.core.record import Record
from bpdebug.core.render import Style, render_name
from bpdebug.core.tree import Name

MOST_CELLS, MOST_PATHS = 400, 512
"""Networks whose tensors are larger are not taken apart; where there are more paths, they are gathered by their first step."""
_ARRIVING = "g#"


class Path(Record):
    """One way from a cell to the loss.

    Attributes:
        cells: from the cell to the loss.
        slopes: the local derivatives, one for each step.
    """

    cells: tuple[NamedCell, ...]
    slopes: tuple[float, ...]

    @property
    def value(self) -> float:
        """The product of the local derivatives: what this path contributes."""
        return prod(self.slopes)

    def text(self, style: Style) -> str:
        """``W1[0,1] → z1[2,1] → … → loss``."""
        return " → ".join(render_name(name, style, index) for name, index in self.cells)


class Bundle(Record):
    """All paths from a cell that begin with the same step.

    Attributes:
        name, index: where the step leads.
        slope: the local derivative of that cell.
        gradient: the sum over the paths from there on: the gradient of the loss with respect to that cell.
        paths: how many there are.
    """

    name: str
    index: Cell
    slope: float
    gradient: float
    paths: int

    @property
    def value(self) -> float:
        """What these paths contribute together."""
        return self.slope * self.gradient


def finding_paths(network: Network, values: Values, name: str, index: Cell) -> Generator[str, None, Sequence[Path | Bundle]]:
    """All paths from a cell to the loss along which something passes; where they are very many, gathered by their first step.

    Args:
        network: the forward nodes.
        values: all tensors of the forward pass.
        name, index: the cell of a parameter or of what a forward stage computes.

    Raises:
        BpdebugError: where the network is too large for it.
    """
    if max(values[node.output].size for node in network.nodes) > MOST_CELLS or values[name].size > MOST_CELLS:
        raise BpdebugError(
            f"the paths are shown for small networks: this one has tensors of more than {MOST_CELLS} cells; "
            "'explain' and 'origin' follow a number one stage at a time"
        )
    walker = _Walker(network, values)
    yield from walker.gather(name)
    few = walker.count((name, index)) <= MOST_PATHS
    found = walker.ways((name, index)) if few else walker.bundles((name, index))
    return [path for path in found if path.value or not walker.keeps_zeros]


class _Walker:
    """Follows what depends on a cell, node by node.

    Attributes:
        counts, sums: for each cell from which the loss is reached, how many paths there are from it on, and what they add up to.
        keeps_zeros: whether a step with the slope 0 is followed: where something is not finite, 0 times that is not 0.
    """

    def __init__(self, network: Network, values: Values) -> None:
        self.nodes, self.values, self.end = network.nodes, values, network.loss
        self.users = defaultdict[str, list[tuple[Node, str]]](list)
        for node in network.nodes:
            for argument, tensor in node.inputs.items():
                self.users[tensor].append((node, argument))
        self._slopes: dict[tuple[str, str], Array] = {}
        self._leads: dict[tuple[str, str], Array] = {}
        self.keeps_zeros = False
        self.counts: dict[str, Array] = {self.end: np.array(1, object)}
        self.sums: dict[str, Array] = {self.end: np.array(1.0)}

    def gather(self, name: str) -> Iterator[str]:
        """Count and add up what passes from each cell on, from the loss back to a tensor; says how far it is."""
        places = {node.output: place for place, node in enumerate(self.nodes)}
        between = (node.output for node in reversed(self.nodes) if places[self.end] > places[node.output] > places.get(name, -1))
        for tensor in [*between, name]:
            shape = self.values[tensor].shape
            self.counts[tensor], self.sums[tensor] = np.zeros(shape, object), np.zeros(shape)
            for node, argument in self.users[tensor]:
                yield f"following the paths through {node.output}"
                slopes = self._jacobian(node, argument)
                aside = (-1, *(1,) * len(shape))
                counts, sums = self.counts[node.output].reshape(aside), self.sums[node.output].reshape(aside)
                passes = slopes != 0
                if self.keeps_zeros:  # what passes something back, be it 0 times what arrives: where NaN arrives, NaN comes
                    plain = {name: np.full(value.shape, 0.5) for name, value in self.values.items()}
                    came = (np.isnan(self._passed_back(node, argument, values, np.nan)) for values in (plain, self.values))
                    passes = np.logical_and(*came)
                leads = self._leads[node.output, argument] = passes & (counts != 0)
                with np.errstate(all="ignore"):
                    self.counts[tensor] += np.where(leads, counts, 0).sum(axis=0)
                    self.sums[tensor] += np.where(leads, slopes * sums, 0.0).sum(axis=0)
        if not self.keeps_zeros and not all(np.isfinite(numbers).all() for numbers in (*self._slopes.values(), *self.sums.values())):
            self.keeps_zeros = True
            yield from self.gather(name)

    def count(self, cell: NamedCell) -> int:
        """How many paths lead from a cell to the loss."""
        return int(self.counts[cell[0]][cell[1]])

    def ways(self, start: NamedCell) -> Iterator[Path]:
        """The paths from a cell to the loss."""
        begun: list[Path] = [Path((start,), ())]
        while begun:
            path = begun.pop()
            if path.cells[-1][0] == self.end:
                yield path
            else:
                begun += [Path((*path.cells, cell), (*path.slopes, slope)) for cell, slope in reversed([*self._steps(path.cells[-1])])]

    def bundles(self, start: NamedCell) -> Iterator[Bundle]:
        """The paths from a cell on, by their first step."""
        for (name, index), slope in self._steps(start):
            yield Bundle(name, index, slope, float(self.sums[name][index]), self.count((name, index)))

    def _steps(self, here: NamedCell) -> Iterator[tuple[NamedCell, float]]:
        """The cells on the ways from a cell to the loss, with their local derivatives."""
        name, index = here
        for node, argument in self.users[name]:
            at: tuple[Any, ...] = (slice(None), *index)
            slopes, leads = (rows[at] for rows in (self._jacobian(node, argument), self._leads[node.output, argument]))
            for cell, slope, passes in zip(np.ndindex(self.values[node.output].shape), slopes, leads, strict=True):
                if passes:
                    yield (node.output, cell), float(slope)

    def _jacobian(self, node: Node, argument: str) -> Array:
        """What comes back to an argument when 1 arrives at one cell of the output, for each of these."""
        key = (node.output, argument)
        if key not in self._slopes:
            self._slopes[key] = self._passed_back(node, argument, self.values, 1.0)
        return self._slopes[key]

    def _passed_back(self, node: Node, argument: str, values: Values, arriving: float) -> Array:
        tree = node.operation.whole(argument, node.arguments, node.output, Name(_ARRIVING))
        value, shape = values[node.output], values[node.inputs[argument]].shape
        cells = np.where(np.eye(value.size, dtype=bool), arriving, 0.0).reshape(value.size, *value.shape)
        with np.errstate(all="ignore"):
            return np.array([np.broadcast_to(Evaluator({**values, _ARRIVING: one}).value(tree), shape) for one in cells])
