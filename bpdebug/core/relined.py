"""Another forward line in a program, and the backward pass that is derived from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bpdebug.core.derive import derived
from bpdebug.core.errors import SetupError
from bpdebug.core.network import Network, Node, Phase
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.schedule import Skipped, Stage, backward_stages, forward_stages
from bpdebug.core.shapes import Shape
from bpdebug.core.tree import ONE, Name

Lines = Sequence[Stage | Skipped]


def relined(network: Network, lines: Lines, name: str, formula: Formula, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """The ``network`` and the ``lines`` of a program with another formula for a forward line.

    The user's own backward formulas stay where they are.

    Raises:
        SetupError: where the backward pass would have other stages than it has, in the middle of a run.
    """
    between = {network.loss, *(read for node in network.nodes for read in node.inputs.values())}
    nodes = [_changed(node, network, between, formula, shapes) if node.output == name else node for node in network.nodes]
    network = replace(network, nodes=tuple(nodes))
    own = {line.name: line for line in lines if isinstance(line, Stage) and line.edited and line.phase is Phase.BACKWARD}
    made: list[Stage | Skipped] = [*forward_stages(network), *backward_stages(network)]
    made = [line.with_formula(own[line.name].formula) if isinstance(line, Stage) and line.name in own else line for line in made]
    made += [line for line in lines if line.phase is Phase.UPDATE]
    if [line.name for line in made] != [line.name for line in lines]:
        raise SetupError(f"the backward pass of this {name} has other stages: change its line in the file, and type reload")
    return {"network": network, "lines": tuple(made)}


def _changed(node: Node, network: Network, between: set[str], formula: Formula, shapes: Mapping[str, Shape]) -> Node:
    """The node with another formula and its gradients, parameters first as one writes them."""
    wanted = sorted(between.intersection(formula.names), key=lambda read: (read not in network.parameters, formula.names.index(read)))
    gradient = network.naming.gradient.format(node.output)
    arriving = ONE if node.output == network.loss and gradient not in network.written else Name(gradient)
    row = replace(node.operation, forward=Formula.of(formula.tree))
    if node.output in between:
        made = derived(node.output, row.forward, shapes, wanted, arriving)
        row = replace(row, gradients=made.gradients, blocked=made.blocked, inner=made.inner)
    return replace(node, operation=row, arguments={read: read for read in formula.names})
