"""The layers front end: the program of a scenario, whose chain of layers is a list of nodes; a layer is a function that adds some."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.description import Initializer, Lines, Loss, Scenario
from bpdebug.core.errors import FormulaError, SetupError
from bpdebug.core.keeping import with_given
from bpdebug.core.misfits import shape_text
from bpdebug.core.network import LayerNames, Network, Node, Phase, loss_row, sum_row
from bpdebug.core.operations import FUSED, OPERATIONS
from bpdebug.core.optimizers import rule_of
from bpdebug.core.parser import Formula
from bpdebug.core.products import product
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import backward_stages, forward_stages, update_stages
from bpdebug.core.tensors import Naming
from bpdebug.core.tree import Name, literal
from bpdebug.core.words import suggestion


def make_program(scenario: Scenario) -> Program:
    """The program of a scenario, with the user's formulas in place and every shape checked.

    Raises:
        SetupError: where the scenario contradicts itself; ``path`` names the keys.
    """
    if scenario.ready:
        made: Program = scenario.ready()
        return replace(made, scenario=replace(scenario, ready=None))
    network, scenario = _read(scenario, scenario.lines) if scenario.lines else (build(scenario), scenario)
    rule = rule_of(scenario.optimizer)
    lines = (*forward_stages(network), *backward_stages(network), *update_stages(network, rule, scenario.frozen))
    program = Program(scenario, network, scenario.data, scenario.dtype, scenario.lines.given if scenario.lines else {}, rule, lines)
    program = replace(program, relined=_relined) if scenario.lines else program
    if scenario.lines and scenario.lines.backward.strip():
        from bpdebug.core.own_lines import with_own_lines  # noqa: PLC0415 - for programs of lines alone

        program = with_own_lines(program, scenario.lines.backward)
    network.check_targets(scenario.y)
    _check_values(program)
    for name, text in scenario.formulas.items():
        try:
            program = with_given(program, name, text)
        except (FormulaError, SetupError) as error:
            raise SetupError(str(error), ("formulas", name)) from None
    return program


def _relined(program: Program, name: str, formula: Formula) -> Program:
    from bpdebug.core.relined import relined  # noqa: PLC0415 - for programs of lines alone

    return relined(program, name, formula)


def _read(scenario: Scenario, lines: Lines) -> tuple[Network, Scenario]:
    """The network of a program of lines, with its layers written out; what derives their gradients is loaded for it alone."""
    from bpdebug.core.lines import read_lines  # noqa: PLC0415 - for programs of lines alone

    return read_lines(scenario, lines)


def build(scenario: Scenario) -> Network:
    """The network that a scenario describes.

    Raises:
        SetupError: where the scenario contradicts itself; ``path`` names the keys.
    """
    for error in objections(scenario):
        raise error
    nodes: list[Node] = []
    parameters: dict[str, tuple[int, int]] = {}
    drawn: dict[str, tuple[int, Initializer]] = {}
    layers: list[LayerNames] = []
    naming, source, width = scenario.naming, scenario.naming.input, len(scenario.inputs)
    for number, layer in enumerate(scenario.layers, 1):
        bias, a = naming.bias.format(number) if layer.bias else "", naming.a.format(number)
        output = naming.sum.format(number) if layer.residual else a
        names = LayerNames(number, layer, source, naming.weight.format(number), bias, naming.z.format(number), a, output)
        parameters |= {names.weight: (width, layer.units)} | ({names.bias: (1, layer.units)} if names.bias else {})
        drawn[names.weight] = (number, layer.initializer or scenario.initializer)
        nodes += _layer(names)
        layers.append(names)
        source, width = names.output, layer.units
    nodes += _loss(scenario.loss, layers, naming, width)
    return Network(tuple(nodes), parameters, drawn, tuple(layers), naming, scenario.loss, nodes[-1].output)


def _layer(names: LayerNames) -> list[Node]:
    layer = names.layer
    arguments = {"x": names.source, "W": names.weight} | ({"b": names.bias} if names.bias else {})
    activation = OPERATIONS[layer.activation]
    constants = {k: literal(v) for k, v in (dict(activation.constants) | dict(layer.constants)).items()}
    nodes = [
        Node(names.z, OPERATIONS["affine" if names.bias else "linear"], arguments, Phase.FORWARD, names.number),
        Node(names.a, activation, {"z": names.z, **constants}, Phase.FORWARD, names.number),
    ]
    if layer.residual:
        nodes.append(Node(names.output, OPERATIONS["add"], {"a": names.a, "x": names.source}, Phase.FORWARD, names.number))
    return nodes


def _loss(loss: Loss, layers: list[LayerNames], naming: Naming, outputs: int) -> list[Node]:
    over = product(*([Name("m")] if loss.samples == "mean" else []), literal(outputs if loss.outputs == "mean" else 1))
    row = loss_row(loss.function + "_from_logits" * loss.from_logits, literal(loss.factor), over)
    constants = {k: literal(v) for k, v in (dict(row.constants) | dict(loss.constants)).items()}
    arguments, depth = {"a": layers[-1].output, "z": layers[-1].z, "y": naming.target} | constants, len(layers)
    if not loss.l2:
        return [Node(naming.loss, row, arguments, Phase.LOSS, depth)]
    terms = [Node(naming.data_loss, row, arguments, Phase.LOSS, depth)]
    penalty = OPERATIONS["penalty"]
    terms += [Node(naming.penalty.format(layer.number), penalty, {"W": layer.weight}, Phase.LOSS, depth) for layer in layers]
    added = {f"t{place}": node.output for place, node in enumerate(terms)}
    return [*terms, Node(naming.loss, sum_row(naming.loss, len(terms)), added, Phase.LOSS, depth)]


def objections(scenario: Scenario) -> Iterator[SetupError]:
    """What contradicts itself before anything is made of it."""
    width = len(scenario.inputs)
    if scenario.x.ndim != 2 or scenario.x.shape[1] != width:
        yield SetupError(f"the network has {width} inputs; the data is {shape_text(scenario.x.shape)}", ("data", "inputs"))
    wanted = (len(scenario.x), scenario.layers[-1].units)
    if scenario.y.shape != wanted:
        message = f"the targets are {shape_text(scenario.y.shape)}; {wanted[0]} samples and {wanted[1]} outputs need {shape_text(wanted)}"
        yield SetupError(message, ("data", "targets"))
    for number, layer in enumerate(scenario.layers):
        if layer.residual and layer.units != width:
            message = f"residual adds the layer's input ({width} wide) to its output ({layer.units} wide): both need the same width"
            yield SetupError(message, ("network", "layers", number, "residual"))
        width = layer.units
    loss, last = scenario.loss, scenario.layers[-1]
    fused = FUSED.get(loss.function)
    if loss.from_logits and not fused:
        yield SetupError(f"{loss.function} has no from_logits form; {' and '.join(FUSED)} have", ("loss", "from_logits"))
    elif loss.from_logits and (last.activation != fused or last.residual):
        message = f"from_logits fuses {loss.function} with {fused}: the last layer's activation must be {fused} without residual"
        yield SetupError(message, ("loss", "from_logits"))


def _check_values(program: Program) -> None:
    parameters, known = program.parameters, program.persistent
    for name in program.frozen:
        if name not in parameters:
            message = f"there is no parameter '{name}'{suggestion(name, parameters) or '; there are ' + ' '.join(parameters)}"
            raise SetupError(message, ("parameters", "frozen"))
    for name, value in program.scenario.values.items():
        path = ("parameters", "values", name)
        if name not in known:
            message = f"there is no tensor '{name}' to give a value{suggestion(name, known) or '; there are ' + ' '.join(known)}"
            raise SetupError(message, path)
        if np.shape(value) != known[name]:
            raise SetupError(f"{name} is {shape_text(known[name])}; this value is {shape_text(np.shape(value))}", path)
