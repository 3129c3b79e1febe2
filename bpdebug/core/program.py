"""A program: the stages of one gradient update with every tensor's shape, checked before anything runs."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from bpdebug.core.batches import Batches
from bpdebug.core.description import Array, Scenario
from bpdebug.core.errors import FormulaError, SetupError, ShapeError
from bpdebug.core.initializers import initial_values
from bpdebug.core.network import Network, Phase, build
from bpdebug.core.optimizers import Rule, rule_of
from bpdebug.core.parser import Formula, parse, suggestion
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Skipped, Stage, backward_stages, forward_stages, update_stages
from bpdebug.core.shapes import Shape, infer, keepdims_hint, shape_text
from bpdebug.core.tensors import Role, Tensor
from bpdebug.core.tree import Name, walk

_GENERIC_ROWS = 10007
"""A batch size that no layer has: a formula must fit with it too, not only because a batch happens to have as many rows
as a layer has units."""


class Program(Record, eq=False):
    """What one update does.

    Attributes:
        scenario: where it comes from.
        network: the forward nodes.
        rule: the optimizer's row.
        lines: stages and skipped stages, as a listing shows them.
    """

    scenario: Scenario
    network: Network
    rule: Rule
    lines: tuple[Stage | Skipped, ...]

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """What is executed, in order."""
        return tuple(line for line in self.lines if isinstance(line, Stage))

    @cached_property
    def index(self) -> dict[str, int]:
        """Stage name to place in the update."""
        return {stage.name: place for place, stage in enumerate(self.stages)}

    @cached_property
    def joined(self) -> frozenset[str]:
        """The names that are none to Python: partial gradients, names with dots or brackets."""
        return frozenset(name for name in self.tensors if not name.isidentifier())

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """What each tensor is, by its name: what is given, what lives from update to update, what the stages compute."""
        naming, network, layer_of = self.scenario.naming, self.network, self.network.layer_of
        known = [Tensor(naming.input, Role.INPUT), Tensor(naming.target, Role.TARGET), Tensor("m", Role.COUNT)]
        known += [Tensor(name, Role.PARAMETER, layer_of[name]) for name in network.parameters]
        slots = ((naming.slot.format(slot, name), name) for name in self.free for slot in self.rule.slots)
        known += [Tensor(name, Role.SLOT, layer_of[of], of) for name, of in slots]
        known += [Tensor(name, Role.CONSTANT) for name in self.constants]
        for stage in self.stages:
            if stage.phase is not Phase.UPDATE:
                role = Role.GRADIENT if stage.of else Role.LOSS if stage.name == network.loss else Role.VALUE
                known.append(Tensor(stage.name, role, stage.layer, stage.of, stage.through))
        return {tensor.name: tensor for tensor in known}

    @cached_property
    def gradients(self) -> dict[str, str]:
        """The whole gradient of each tensor that has one, by the tensor's name."""
        return {tensor.of: name for name, tensor in self.tensors.items() if tensor.role is Role.GRADIENT and not tensor.through}

    @cached_property
    def free(self) -> tuple[str, ...]:
        """The parameters that the update changes."""
        return tuple(name for name in self.network.parameters if name not in self.scenario.frozen)

    @cached_property
    def persistent(self) -> dict[str, Shape]:
        """The tensors that live from update to update: parameters, optimizer slots, constants."""
        naming, parameters = self.scenario.naming, self.network.parameters
        slots = {naming.slot.format(slot, name): parameters[name] for name in self.free for slot in self.rule.slots}
        return dict(self.network.parameters) | slots | dict.fromkeys(self.constants, ())

    @cached_property
    def constants(self) -> dict[str, float]:
        """The named numbers: the optimizer's, ``l2``, and the update count ``t``."""
        given = dict(self.scenario.optimizer.constants)
        values = {name: given.get(name, usual) for name, usual in self.rule.constants.items()}
        values |= {"l2": self.scenario.loss.l2} if self.scenario.loss.l2 else {}
        return values | ({"t": 0.0} if "t" in self.index else {})

    def given(self, rows: int) -> dict[str, Shape]:
        """The shapes of what an update is given: the batch and its number of samples ``m``."""
        naming = self.scenario.naming
        return {naming.input: (rows, len(self.scenario.inputs)), naming.target: (rows, self.scenario.layers[-1].units), "m": ()}

    def shapes(self, rows: int) -> dict[str, Shape]:
        """The shape of every tensor for a batch of that many rows."""
        shapes = self.given(rows) | self.persistent
        for stage in self.stages:
            if stage.name not in self.persistent:
                shapes[stage.name] = infer(stage.derived or stage.formula, shapes)
        return shapes

    @cached_property
    def sampled(self) -> frozenset[str]:
        """The tensors that have a row for each sample of the batch."""
        few, more = self.shapes(2), self.shapes(3)
        return frozenset(name for name, shape in few.items() if shape != more[name])

    def transient(self, rows: int) -> dict[str, Shape]:
        """The shapes of what the stages of one update compute and forget."""
        return {name: shape for name, shape in self.shapes(rows).items() if name in self.index and name not in self.persistent}

    def parse(self, text: str) -> Formula:
        """A formula over this program's names."""
        return parse(text, self.joined)

    def stage(self, name: str) -> Stage:
        """The stage of that name.

        Raises:
            SetupError: with a suggestion, where there is none.
        """
        if name in self.index:
            return self.stages[self.index[name]]
        skipped = [line for line in self.lines if isinstance(line, Skipped) and line.name == name]
        if skipped:
            raise SetupError(f"there is no stage {name}: {skipped[0].reason}")
        raise SetupError(f"there is no stage '{name}'{suggestion(name, self.index) or '; there are ' + ' '.join(self.index)}")

    def with_formula(self, name: str, text: str) -> Program:
        """This program with a stage's formula replaced by the user's.

        Raises:
            SetupError: where there is no such stage.
            FormulaError: where the formula does not parse or fit; nothing is changed then.
        """
        stage = self.stage(name)
        return self._with(stage.with_formula(self._fitting(stage, text)))

    def with_number(self, name: str, place: tuple[int, ...], value: float) -> Program:
        """This program with one number of its data (``x`` or ``y``) changed.

        Raises:
            SetupError: where the loss has no derivative of that form for such targets.
        """
        data = np.array(getattr(self.scenario, name), float)
        data[place] = value
        scenario = replace(self.scenario, **{name: data})
        _check_loss(scenario)
        return replace(self, scenario=scenario)

    def with_fault(self, name: str, text: str) -> Program:
        """This program with a fault planted in a stage: it runs in the place of the stage's formula, and nothing shows it. What a
        listing shows then is what the author of the program meant.

        Raises:
            SetupError, FormulaError: as for :meth:`with_formula`.
        """
        stage = self.stage(name)
        return self._with(replace(stage, planted=self._fitting(stage, text)))

    @cached_property
    def shown(self) -> Program:
        """This program without a planted fault, for all that looks at it and does not run it."""
        planted = [stage for stage in self.stages if stage.planted]
        return self._with(*(replace(stage, planted=None) for stage in planted)) if planted else self

    @property
    def revealed(self) -> Program:
        """This program with a planted fault made visible: marked as a user's formula is, with the one that was meant beside it."""
        planted = [(stage, stage.planted) for stage in self.stages if stage.planted]
        meaning = "Planted for the hunt, in the place of {}."
        return self._with(*(replace(s.with_formula(fault), meaning=meaning.format(s.formula.text)) for s, fault in planted))

    def _with(self, *changed: Stage) -> Program:
        stages = {stage.name: stage for stage in changed}
        return replace(self, lines=tuple(stages.get(line.name, line) if isinstance(line, Stage) else line for line in self.lines))

    def _fitting(self, stage: Stage, text: str) -> Formula:
        formula = self.parse(text)
        for rows in (*Batches(self.scenario).sizes, _GENERIC_ROWS):
            self._check(stage, formula, rows)
        return formula

    def later(self, name: str) -> set[str]:
        """The tensors that have no value yet when a stage runs: its own and those after it, unless they outlive the update."""
        return {stage.name for stage in self.stages[self.index[name] :]} - set(self.persistent)

    def _check(self, stage: Stage, formula: Formula, rows: int) -> None:
        shapes, later = self.shapes(rows), self.later(stage.name)
        for node in walk(formula.tree):
            if isinstance(node, Name) and node.name in later:
                raise FormulaError(f"{node.name} is not computed yet when {stage.name} runs", formula.text, node.column)
        try:
            found = infer(formula, shapes)
        except ShapeError as error:
            raise ShapeError(_general(error.message, rows), error.text, error.column) from None
        if found != shapes[stage.name]:
            remedy = keepdims_hint(formula.tree) if len(found) < len(shapes[stage.name]) else ""
            message = f"{stage.name} is {shape_text(shapes[stage.name])}; this formula gives {shape_text(found)}{remedy and f': {remedy}'}"
            raise ShapeError(_general(message, rows), formula.text, 1)

    @cached_property
    def initial(self) -> dict[str, Array]:
        """The persistent tensors before the first update, in the scenario's precision."""
        scenario = self.scenario
        how = {
            names.weight: (names.number, layer.initializer or scenario.initializer)
            for names, layer in zip(self.network.layers, scenario.layers, strict=True)
        }
        values: dict[str, Array] = {name: np.zeros(shape) for name, shape in self.persistent.items()}
        values |= initial_values(self.network.parameters, how, scenario.seed, scenario.generator)
        values |= {name: np.array(value) for name, value in self.constants.items()}
        values |= {name: np.asarray(value, dtype=float) for name, value in scenario.values.items()}
        return {name: np.array(value, dtype=scenario.dtype) for name, value in values.items()}

    def groups(self, by_layer: bool) -> list[int]:
        """Where phases, or layers within phases, begin; and the end."""
        keys = [(stage.phase, stage.layer if by_layer else 0) for stage in self.stages]
        return [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]] + [len(keys)]


def _general(message: str, rows: int) -> str:
    if rows != _GENERIC_ROWS:
        return message
    return (
        message.replace(str(_GENERIC_ROWS), "m")
        + " (m samples: it only seems to fit because this batch has as many rows as a layer has units)"
    )


def make_program(scenario: Scenario) -> Program:
    """The program of a scenario, with the user's formulas in place and every shape checked.

    Raises:
        SetupError: where the scenario contradicts itself; ``path`` names the keys.
    """
    _check_scenario(scenario)
    network = build(scenario)
    rule = rule_of(scenario.optimizer.name, scenario.optimizer.constants)
    lines = (*forward_stages(network), *backward_stages(network), *update_stages(network, rule, scenario.frozen))
    program = Program(scenario, network, rule, lines)
    _check_values(program)
    for name, text in scenario.formulas.items():
        try:
            program = program.with_formula(name, text)
        except (FormulaError, SetupError) as error:
            raise SetupError(str(error), ("formulas", name)) from None
    return program


def _check_scenario(scenario: Scenario) -> None:
    width = len(scenario.inputs)
    if scenario.x.ndim != 2 or scenario.x.shape[1] != width:
        raise SetupError(f"the network has {width} inputs; the data is {shape_text(scenario.x.shape)}", ("data", "inputs"))
    if scenario.y.shape != (len(scenario.x), scenario.layers[-1].units):
        wanted = (len(scenario.x), scenario.layers[-1].units)
        message = f"the targets are {shape_text(scenario.y.shape)}; {wanted[0]} samples and {wanted[1]} outputs need {shape_text(wanted)}"
        raise SetupError(message, ("data", "targets"))
    for number, layer in enumerate(scenario.layers):
        if layer.residual and layer.units != width:
            message = f"residual adds the layer's input ({width} wide) to its output ({layer.units} wide): both need the same width"
            raise SetupError(message, ("network", "layers", number, "residual"))
        width = layer.units
    _check_loss(scenario)


def _check_loss(scenario: Scenario) -> None:
    loss, last = scenario.loss, scenario.layers[-1]
    fused = {"binary_cross_entropy": "sigmoid", "categorical_cross_entropy": "softmax"}.get(loss.function)
    if not loss.from_logits:
        return
    if fused is None:
        raise SetupError(
            f"{loss.function} has no from_logits form; binary_cross_entropy and categorical_cross_entropy have", ("loss", "from_logits")
        )
    if last.activation != fused or last.residual:
        message = f"from_logits fuses {loss.function} with {fused}: the last layer's activation must be {fused} without residual"
        raise SetupError(message, ("loss", "from_logits"))
    if fused == "softmax" and not np.allclose(scenario.y.sum(axis=1), 1.0, atol=1e-6):
        raise SetupError("from_logits needs targets that add up to 1 in each row, such as one-hot classes", ("data", "targets"))


def _check_values(program: Program) -> None:
    parameters = program.network.parameters
    for name in program.scenario.frozen:
        if name not in parameters:
            raise SetupError(
                f"there is no parameter '{name}'{suggestion(name, parameters) or '; there are ' + ' '.join(parameters)}",
                ("parameters", "frozen"),
            )
    for name, value in program.scenario.values.items():
        path = ("parameters", "values", name)
        if name not in program.persistent:
            known = program.persistent
            raise SetupError(
                f"there is no tensor '{name}' to give a value{suggestion(name, known) or '; there are ' + ' '.join(known)}", path
            )
        if np.shape(value) != program.persistent[name]:
            raise SetupError(f"{name} is {shape_text(program.persistent[name])}; this value is {shape_text(np.shape(value))}", path)
