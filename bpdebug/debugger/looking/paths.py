"""The gradient of one number as a sum over the paths by which it reaches the loss.

The chain rule over several paths, cell by cell: the derivative is the sum, over all paths, of the product of the local derivatives
along the path (Goodfellow et al., "Deep Learning" (2016), section 6.5.2; Bishop (2006), section 5.3.1). The local derivatives come
from the operation table: what a rule passes back when 1 arrives at a single cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

import numpy as np

from bpdebug.engine.cells import Cell, cell_name
from bpdebug.engine.description import Array
from bpdebug.engine.errors import BpdebugError
from bpdebug.engine.evaluate import Evaluator
from bpdebug.engine.network import Network, Node
from bpdebug.engine.record import Record
from bpdebug.engine.render import Style, render_name
from bpdebug.engine.tree import Name

MOST_CELLS, MOST_PATHS = 400, 512
"""Networks whose tensors are larger are not taken apart; where there are more paths, they are gathered by their first step."""
_ARRIVING = "g#"


class Path(Record):
    """One way from a cell to the loss.

    Attributes:
        cells: from the cell to the loss.
        slopes: the local derivatives, one for each step.
    """

    cells: tuple[tuple[str, Cell], ...]
    slopes: tuple[float, ...]

    @property
    def value(self) -> float:
        """The product of the local derivatives: what this path contributes."""
        return prod(self.slopes)

    def text(self, style: Style) -> str:
        """``W1[0,1] → z1[2,1] → … → loss``."""
        return " → ".join(render_name(cell_name(name, index), style) for name, index in self.cells)


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


def paths_of(network: Network, values: Mapping[str, Array], name: str, index: Cell) -> Sequence[Path | Bundle]:
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
    few = walker.gathered((name, index))[0] <= MOST_PATHS
    return list(walker.ways((name, index), ())) if few else list(walker.bundles((name, index)))


class _Walker:
    """Follows what depends on a cell, node by node."""

    def __init__(self, network: Network, values: Mapping[str, Array]) -> None:
        self.values, self.end = values, network.nodes[-1].output
        self.users: dict[str, list[tuple[Node, str]]] = {}
        for node in network.nodes:
            for argument, tensor in node.inputs.items():
                self.users.setdefault(tensor, []).append((node, argument))
        self._slopes: dict[tuple[str, str, Cell], Array] = {}
        self._gathered: dict[tuple[str, Cell], tuple[int, float]] = {(self.end, ()): (1, 1.0)}

    def ways(self, here: tuple[str, Cell], slopes: tuple[float, ...]) -> Iterator[Path]:
        """The paths from a cell on."""
        if here[0] == self.end:
            yield Path((here,), slopes)
            return
        for cell, slope in self._steps(here):
            for rest in self.ways(cell, (*slopes, slope)):
                yield Path((here, *rest.cells), rest.slopes)

    def bundles(self, here: tuple[str, Cell]) -> Iterator[Bundle]:
        """The paths from a cell on, by their first step."""
        for (name, index), slope in self._steps(here):
            count, gradient = self.gathered((name, index))
            if count:
                yield Bundle(name, index, slope, gradient, count)

    def gathered(self, here: tuple[str, Cell]) -> tuple[int, float]:
        """How many paths there are from a cell on, and what they add up to; each cell is looked at once."""
        if here not in self._gathered:
            onward = [(self.gathered(cell), slope) for cell, slope in self._steps(here)]
            self._gathered[here] = sum(count for (count, _), _ in onward), sum(slope * value for (_, value), slope in onward)
        return self._gathered[here]

    def _steps(self, here: tuple[str, Cell]) -> Iterator[tuple[tuple[str, Cell], float]]:
        """The cells that depend on a cell, with their local derivatives, where these are not 0."""
        name, index = here
        for node, argument in self.users.get(name, ()):
            for cell in np.ndindex(self.values[node.output].shape):
                slope = float(self._passed(node, argument, cell)[index])
                if slope:
                    yield (node.output, cell), slope

    def _passed(self, node: Node, argument: str, cell: Cell) -> Array:
        """What comes back to an argument when 1 arrives at one cell of the output: a row of the Jacobian."""
        key = (node.output, argument, cell)
        if key not in self._slopes:
            arriving = np.zeros(self.values[node.output].shape)
            arriving[cell] = 1.0
            tree = node.operation.gradient(argument, node.arguments, node.output, Name(_ARRIVING))
            with np.errstate(all="ignore"):
                passed = Evaluator({**self.values, _ARRIVING: arriving}).value(tree)
            tensor = node.arguments[argument]
            shape = self.values[tensor].shape if isinstance(tensor, str) else ()
            self._slopes[key] = np.broadcast_to(passed, shape)
        return self._slopes[key]
