"""Checked sections to the engine's description, and the checks that need more than one section."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Dictionary
from itertools import pairwise
from typing import Any

import numpy as np

from bpdebug.core.description import Array, Debug, Initializer, Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.errors import BpdebugError, FormulaError, LineError, ProgramError, SetupError
from bpdebug.core.initializers import INITIALIZERS
from bpdebug.core.keeping import with_given
from bpdebug.core.layers import make_program, objections
from bpdebug.core.optimizers import RATE
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.frontends.csvfile import Data, one_hot_of
from bpdebug.frontends.nodes import Mapping, Path, Scalar, entry, mark_of
from bpdebug.frontends.programs import MAXIMUM_PARAMETERS, inside, mark_of_line, written
from bpdebug.frontends.report import Mark, Report
from bpdebug.frontends.schema import AUTO, CROSS_ENTROPY
from bpdebug.time.stop import Stop
from bpdebug.time.stop_text import breakpoint_of, watchpoint_of

MAXIMUM_INTERMEDIATE = 100_000_000

Section = Dictionary[str, Any]


def refuse_size(sections: Section, data: Data, root: Mapping, report: Report) -> None:
    """Refuse a network, or a batch, that is too large before anything of it is made.

    Raises:
        ScenarioError: with the place of the layers, or of the batch size or what stands for it.
    """
    inputs, units = sections["network"]["inputs"], [layer["units"] for layer in sections["network"]["layers"]]
    first = inputs if isinstance(inputs, int) else len(inputs or data.x[0])
    parameters = sum(a * b + b for a, b in pairwise([first, *units]))
    if parameters > MAXIMUM_PARAMETERS:
        message = f"the network has {parameters:,} parameters; expected at most {MAXIMUM_PARAMETERS:,}"
        report.fail(mark_of(root, ("network", "layers")), message)
    rows = min(sections["training"]["batch_size"] or len(data.x), len(data.x))
    numbers = rows * sum(units)
    if numbers > MAXIMUM_INTERMEDIATE:
        message = f"a batch of {rows:,} samples has {numbers:,} intermediate values; expected at most {MAXIMUM_INTERMEDIATE:,}"
        report.fail(mark_of(root, ("training", "batch_size")), f"{message} (a smaller batch_size helps)")


def assemble(sections: Section, data: Data | None, source: str, title: str) -> Scenario:
    """The scenario that checked sections and their data describe; a program of lines has its data among the sections."""
    common = {
        "name": sections["name"] or title,
        "description": sections["description"],
        "precision": sections["precision"],
        "optimizer": _optimizer(dict(sections["optimizer"])),
        "formulas": sections["formulas"],
        "debug": Debug(**sections["debug"]),
        "source": source,
    }
    initializer = {"initializer": _initializer(sections["parameters"]["initializer"])}
    if data is None:
        return written(sections, {**common, "parameters": {**sections["parameters"], **initializer}})
    network, parameters, inputs = sections["network"], sections["parameters"], sections["network"]["inputs"] or len(data.x[0])
    if isinstance(inputs, int):
        inputs = data.inputs if len(data.inputs) == inputs else tuple(f"x{n}" for n in range(1, inputs + 1))
    layers = [_made(Layer, layer | {"initializer": _initializer(layer["initializer"])}) for layer in network["layers"]]
    loss = _decided(layers, _made(Loss, sections["loss"]))
    y, outputs = _targets(data, layers[-1], loss)
    return Scenario(
        inputs=inputs,
        layers=tuple(layers),
        x=data.x,
        y=y,
        loss=loss,
        training=Training(**sections["training"]),
        outputs=network["outputs"] or outputs,
        **common,
        **parameters | initializer,
    )


_SUITS = {"binary_cross_entropy": "sigmoid", "categorical_cross_entropy": "softmax"}
"""The activation of the last layer that a loss is meant for; any other loss takes the sums as they are."""


def _decided(layers: list[Layer], loss: Loss) -> Loss:
    """Decide what is left to the network: which cross-entropy it is, and the activations of layers of which only the width is given."""
    several = layers[-1].units > 1
    if loss.function == CROSS_ENTROPY:
        loss = replace(loss, function="categorical_cross_entropy" if several else "binary_cross_entropy")
    usual = [*("sigmoid" for _ in layers[1:]), _SUITS.get(loss.function, "identity")]
    layers[:] = [replace(layer, activation=name) if layer.activation == AUTO else layer for layer, name in zip(layers, usual, strict=True)]
    return loss


def _targets(data: Data, last: Layer, loss: Loss) -> tuple[Array, tuple[str, ...]]:
    """The targets as the last layer has them, and the names of the outputs: class numbers before a softmax are one output a class, and two
    classes are one output that says how far it is the second. Where classes have names, a hinge gets its -1 for no."""
    y, outputs, meant = data.y, data.outputs, "softmax" in (last.activation, _SUITS.get(loss.function))
    if last.units > 1 == y.shape[1] and meant and (y == np.round(y)).all():
        within = ((y >= 0) & (y < last.units)).all()
        classes, which = (np.arange(float(last.units)), y[:, 0].astype(int)) if within else (y[:, 0], None)
        y, outputs = one_hot_of("targets", classes, which)
    if last.units == 1 and data.labels and len(outputs) == 2:
        y, outputs = y[:, 1:], outputs[1:]
    return 2 * y - 1 if data.labels and loss.function == "hinge" else y, outputs


def _optimizer(section: dict[str, Any]) -> Optimizer:
    """The update rule, with the schedule that its learning rate may be."""
    section["clip"] = {kind: bound for kind, bound in (section["clip"] or {}).items() if bound is not None}
    if isinstance(rate := section.get(RATE), dict):
        section[RATE] = rate.pop("start")
        section["schedule"] = rate.pop("schedule"), rate
    made: Optimizer = _made(Optimizer, section)
    return made


def _initializer(given: Section | None) -> Any:
    return given and _made(Initializer, given)


def _made(kind: Any, section: Section) -> Any:
    """A record whose own fields are keys of the section; the other keys are the constants of its row."""
    own = {key: value for key, value in section.items() if key in kind.record_fields}
    return kind(**own, constants={key: value for key, value in section.items() if key not in own})


def cross_check(scenario: Scenario, sections: Section, root: Mapping, report: Report) -> None:
    """Note what contradicts itself across sections: the engine's own checks, brought back to their place."""
    for path, message in _objections(scenario, sections):
        report.add(mark_of(root, path), message)
    program = None
    contradictions: list[SetupError] = [*objections(scenario)] if scenario.lines is None else []
    if not contradictions:
        program, contradictions = _program(scenario)
    told = {(problem.line, problem.column) for problem in report.problems}
    for found in contradictions:
        mark = mark_of_line(root, found, report.text) if isinstance(found, LineError) else _mark(root, found)
        if mark not in told:
            report.add(mark, found.message)
    if program is None:
        return
    before = len(report.problems)
    for name, text in scenario.formulas.items():  # one by one, so that all mistakes are told
        try:
            program = with_given(program, name, text)
        except FormulaError as error:
            report.add(_formula_mark(root, name, error.column, report.text), f"formula of {name}: {error.message}")
        except BpdebugError as error:
            report.add(mark_of(root, ("formulas", name)), str(error))
    if len(report.problems) > before:
        return
    reading: dict[str, Callable[[Program, str], Stop]] = {"breakpoints": breakpoint_of, "watches": watchpoint_of}
    for key, read in reading.items():
        for place, text in enumerate(sections["debug"][key]):
            try:
                read(program, text.strip())
            except BpdebugError as error:
                report.add(mark_of(root, ("debug", key, place)), str(error))


def _mark(root: Mapping, found: SetupError) -> Mark:
    """The place of what is wrong with a section; a constant that is a whole number is one of the tensors to the program."""
    constant = ("constants", *found.path[1:])
    whole = found.path[:1] == ("tensors",) and entry(root, constant)[0] != entry(root, constant[:1])[0]
    return mark_of(root, constant if whole else found.path, found.message)


def _program(scenario: Scenario) -> tuple[Program | None, list[SetupError]]:
    """The program without the user's formulas, or all that is wrong with it."""
    try:
        return make_program(replace(scenario, formulas={})), []
    except ProgramError as error:
        return None, [*error.errors]
    except SetupError as error:
        return None, [error]


def _objections(scenario: Scenario, sections: Section) -> Iterator[tuple[Path, str]]:
    """What is wrong, each with the keys that lead to it."""
    places: list[tuple[Path, Initializer | None]] = [(("parameters", "initializer"), scenario.initializer)]
    places += [(("network", "layers", n, "initializer"), layer.initializer) for n, layer in enumerate(scenario.layers)]
    for path, initializer in places:
        constants = dict(INITIALIZERS[initializer.name].constants) | dict(initializer.constants) if initializer else {}
        if constants.get("low", 0.0) > constants.get("high", 0.0):
            yield path, f"low ({constants['low']:g}) is above high ({constants['high']:g})"
    limit = float(np.finfo(scenario.dtype).max)
    arrays: list[tuple[Path, Array]] = [(("data", "inputs"), scenario.x), (("data", "targets"), scenario.y)]
    arrays = [(path, array) for path, array in arrays if array.size]
    arrays += [(("parameters", "values", name), value) for name, value in scenario.values.items()]
    for path, array in arrays:  # a number that the precision cannot hold would start as infinity
        largest = float(np.max(np.abs(array)))
        if largest > limit:
            yield path, f"{largest:g} is more than {scenario.precision} can hold ({limit:g})"
    if scenario.lines is not None:
        return
    function, units, outputs, y = scenario.loss.function, scenario.layers[-1].units, scenario.outputs, scenario.y
    if outputs and len(outputs) != units:
        message = f"{len(outputs)} outputs ({', '.join(outputs[:5])}) need as many units in the last layer; found {units}"
        yield ("network", "outputs") if sections["network"]["outputs"] else ("data", "targets"), message
    # targets for which a loss means nothing: a frequent slip, which trains all the same
    if function == "binary_cross_entropy" and (off := y[(y < 0) | (y > 1)]).size:
        yield ("data", "targets"), f"binary_cross_entropy takes targets from 0 to 1, the probability of yes; found {off[0]:g}"
    if function == "hinge" and (off := y[np.abs(y) != 1]).size:
        yield ("data", "targets"), f"hinge takes targets -1 and 1, the two sides; found {off[0]:g}"
    if function == "categorical_cross_entropy" and units == 1:
        message = "categorical_cross_entropy takes an output for each class, at least 2; for yes or no use binary_cross_entropy"
        yield ("loss", "function"), message


def _formula_mark(root: Mapping, name: str, column: int, text: str) -> Mark:
    """The place of a column in the text of a formula."""
    node = entry(root, ("formulas", name))[1]
    if not isinstance(node, Scalar):
        return node.mark
    return inside(node, len(node.text) - len(node.text.lstrip()) + column - 1, text)
