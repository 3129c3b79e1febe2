"""A program: the stages of one gradient update with every tensor's shape, checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property, partial
from typing import Any

import numpy as np

from bpdebug.core.calendar import Calendar, Span, spans_between
from bpdebug.core.counting import fitting
from bpdebug.core.description import Array, Values
from bpdebug.core.errors import FormulaError, SetupError
from bpdebug.core.evaluate import assigned
from bpdebug.core.given import Allowed, Given
from bpdebug.core.initializers import initial_values
from bpdebug.core.network import Phase
from bpdebug.core.optimizers import Rule
from bpdebug.core.parser import Formula, parse
from bpdebug.core.record import replace
from bpdebug.core.render import Lexicon
from bpdebug.core.schedule import KEPT, Skipped, Stage
from bpdebug.core.shapes import GENERIC_ROWS, Shape, check_stage, infer
from bpdebug.core.standins import Vocabulary
from bpdebug.core.structure import Form, form_of, kind_of
from bpdebug.core.tensors import Role, Tensor
from bpdebug.core.words import suggestion

Change = Callable[[str, Array], Array]


class Program(Given, eq=False):
    """What one update does.

    Attributes:
        rule, lines, spans: the optimizer's row; stages and skipped stages, as listed; see :class:`bpdebug.core.calendar.Calendar`.
        allowed, settled: of the user's own stages what is no mistake though it is not what was derived, and what the steps prove right.
        remarks, doubts: by their names stages that are wrong, or are if no other is: the mistake in a few words and what speaks for it.
        guessed, foreign, misled: whether nothing may be called wrong; nothing but what a mistake explains; nothing but what is remarked.
        unfound, notes, passes: why it cannot be told whether this learns; what else is said; other backward passes, each as a program.
    """

    rule: Rule
    lines: tuple[Stage | Skipped, ...]
    spans: tuple[Span, ...] = ()
    allowed: Mapping[str, Allowed] = {}
    remarks: Mapping[str, tuple[str, str]] = {}
    doubts: Mapping[str, tuple[str, str]] = {}
    settled: Mapping[str, str] = {}
    guessed: bool = False
    foreign: bool = False
    misled: bool = False
    unfound: str = ""
    notes: tuple[str, ...] = ()
    changed: frozenset[str] = frozenset()  # the given arrays of which numbers were changed
    passes: tuple[Callable[[], Program], ...] = ()
    relined: Callable[[Program, str, Formula], Program] | None = None  # gives a program of lines another forward line

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """What is executed, in order."""
        return tuple(line for line in self.lines if isinstance(line, Stage))

    @cached_property
    def calendar(self) -> Calendar:
        """How the clock goes over the stages of all updates."""
        return Calendar(self.updates, len(self.stages), self.spans or spans_between(self.batches.gaps, self.index))

    @cached_property
    def index(self) -> dict[str, int]:
        """Stage name to place in the update."""
        return {stage.name: place for place, stage in enumerate(self.stages)}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What formulas may be made of: this program's tensors."""
        return Vocabulary(frozenset(name for name in self.tensors if not name.isidentifier()))

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """What each tensor is, by its name: what is given, what lives from update to update, what the stages compute."""
        network, layer_of = self.network, self.network.layer_of
        few, more = map(self.shapes, (GENERIC_ROWS, 2 * GENERIC_ROWS) if network.generic else self.batches.sizes * 2)
        roles = {network.naming.input: Role.INPUT, network.naming.target: Role.TARGET}
        known = [Tensor(name, roles.get(name, Role.GIVEN)) for name in self.data] + [Tensor("m", Role.COUNT)]
        known += [Tensor(name, Role.GIVEN) for name in (*self.fixed, *self.draws)]
        known += [Tensor(name, Role.PARAMETER, layer_of[name]) for name in network.parameters]
        known += [Tensor(name, Role.SLOT, layer_of[of], of) for name, of in self.slots.items()]
        known += [Tensor(name, Role.CONSTANT) for name in self.constants]
        for stage in (stage for stage in self.stages if stage.name not in self.persistent):
            role = Role.GRADIENT if stage.of else Role.LOSS if stage.name == network.loss else Role.VALUE
            known.append(Tensor(stage.name, role, stage.layer, stage.of, stage.through))
        return {
            tensor.name: replace(
                tensor,
                group=network.groups.get(tensor.of or tensor.name) or network.group_of(tensor.layer),
                batch_axis=next((axis for axis, n in enumerate(few[tensor.name]) if GENERIC_ROWS == n != more[tensor.name][axis]), None),
            )
            for tensor in known
        }

    @cached_property
    def gradients(self) -> dict[str, str]:
        """The whole gradient of each tensor that has one, by the tensor's name."""
        return {tensor.of: name for name, tensor in self.tensors.items() if tensor.role is Role.GRADIENT and not tensor.through}

    @cached_property
    def lexicon(self) -> Lexicon:
        """What the names stand for, for notation."""
        return Lexicon(self.tensors, {layer.z: layer.number for layer in self.network.layers}, self.network.naming)

    @cached_property
    def free(self) -> tuple[str, ...]:
        """The parameters that the optimizer changes."""
        updated = {stage.name for stage in self.stages if stage.phase is Phase.UPDATE and stage.operation != KEPT}
        return tuple(name for name in self.network.parameters if name in updated)

    @cached_property
    def letters(self) -> dict[str, list[str]]:
        """What each letter of the optimizer's row stands for, by the parameters that the update changes."""
        each = [self.rule.letters(name, self.network.naming) for name in self.free]
        return {letter: [named[letter] for named in each] for letter in ("w", "g", *self.rule.slots)}

    @cached_property
    def slots(self) -> dict[str, str]:
        """The optimizer's slots, and the parameter of each."""
        return {self.letters[slot][place]: name for place, name in enumerate(self.free) for slot in self.rule.slots}

    @cached_property
    def persistent(self) -> dict[str, Shape]:
        """The tensors that live from update to update: parameters, optimizer slots, constants."""
        slots = {name: self.parameters[of] for name, of in self.slots.items()}
        return dict(self.parameters) | slots | dict.fromkeys(self.constants, ())

    @cached_property
    def memory(self) -> dict[str, Shape]:
        """What is kept from update to update in any version of it: also what the optimizer keeps of parameters that no path reaches now."""
        free = [name for name in self.network.parameters if name not in self.frozen]
        letters = {name: self.rule.letters(name, self.network.naming) for name in free}
        slots = {letters[name][slot]: self.parameters[name] for slot in self.rule.slots for name in free}
        return {**self.persistent, **slots, **({"t": ()} if self.rule.counts else {})}

    @cached_property
    def layout(self) -> tuple[object, ...]:
        """What memory a machine needs for it: of two programs with the same one each can go on where the other is."""
        kinds = tuple((name, self.kind(name)) for name in (*self.data, *self.fixed))
        sizes = self._shapes(self.batches.sizes[0])
        return kinds, tuple((stage.name, tuple(sizes[stage.name]), self.kind(stage.name), stage.unbounded) for stage in self.stages)

    @cached_property
    def constants(self) -> dict[str, float]:
        """The named numbers: the optimizer's, ``l2``, and the update count ``t``."""
        lines, given = self.scenario.lines, dict(self.scenario.optimizer.constants)
        values = {name: given.get(name, usual) for name, usual in self.rule.constants.items()}
        values |= {"l2": self.scenario.loss.l2} if self.scenario.loss.l2 else {}
        return values | (dict(lines.constants) if lines else {}) | ({"t": 0.0} if self.rule.counts and "t" in self.index else {})

    def given(self, rows: int) -> dict[str, Shape]:
        """The shapes of what an update is given: the batch and its number of samples ``m``, whole arrays, and what is drawn for it."""
        given, shapes = self._undrawn(rows), self.shapes(rows) if self.draws else {}
        return given | {name: shapes[name] for name in self.draws}

    def _undrawn(self, rows: int) -> dict[str, Shape]:
        given: dict[str, Shape] = {name: form_of(np.asarray(values, self.kind(name)), rows) for name, values in self.data.items()}
        given["m"] = Form.of((), "i", rows)
        return given | {name: form_of(np.asarray(values, self.kind(name))) for name, values in self.fixed.items()}

    def drawn(self, update: int, constants: Mapping[str, Any]) -> dict[str, Array]:
        """What is drawn for an update.

        Args:
            update: which one.
            constants: the values that hold at its start; only named constants are read.
        """
        shapes = self.shapes(self.batches.size(update)) if self.draws else {}
        made = {name: draw.values(self.scenario.seed, update, shapes[name], constants) for name, draw in self.draws.items()}
        return {name: values.astype(self.dtype) for name, values in made.items()}

    def evaluated(self, rows: int, constants: Mapping[str, Any]) -> dict[str, Array]:
        """What stands for what is drawn where the program is evaluated and not trained, with so many samples: its mean, so that dropout
        is off; ``constants`` as for :meth:`drawn`."""
        shapes = self.shapes(rows) if self.draws else {}
        return {name: np.full(shapes[name], draw.mean(constants), self.dtype) for name, draw in self.draws.items()}

    def kind(self, name: str) -> np.dtype[Any]:
        """The kind of number of a tensor: in a program of lines what is given, and what is computed, may be integers and truth values."""
        if name in self.index and name not in self.persistent:
            return {"f": self.dtype, "i": np.dtype(np.int64), "b": np.dtype(bool)}[kind_of(self._shapes(self.batches.sizes[0])[name])]
        given = self.data.get(name, self.fixed.get(name))
        return self.dtype if given is None or given.dtype.kind not in "biu" else given.dtype

    def batch(self, update: int, constants: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """What an update is given, in the program's precision; ``constants`` as for :meth:`drawn`, by default those of the scenario."""
        rows = self.batches.rows(update)
        given = {name: values if rows is None else values[rows] for name, values in self.data.items()}
        given |= {"m": np.array(float(self.batches.size(update))), **self.fixed}
        given |= self.drawn(update, self.constants if constants is None else constants)
        return {name: np.asarray(value, self.kind(name)) for name, value in given.items()}

    def run(
        self, values: Values, upto: int | None = None, change: Change = lambda _, value: value, quickly: bool = False
    ) -> dict[str, Array]:
        """What the stages compute from the values of tensors, aside from any machine; parameters as they are after the update.

        Args:
            values: what an update starts from.
            upto: how many stages run; all by default.
            change: what becomes of each value, by the name of its stage, before the next stage reads it.
            quickly: whether last bits do not count.

        Raises:
            FormulaError: for a stage that cannot be computed.
        """
        known, made = dict(values), dict[str, Array]()
        for stage in self.stages[:upto]:
            known[stage.name] = made[stage.name] = change(stage.name, assigned(stage.formula, known, self.kind(stage.name), quickly))
        return made

    def end_of(self, phase: Phase) -> int:
        """How many stages have run when a phase is over."""
        return sum([*Phase].index(stage.phase) <= [*Phase].index(phase) for stage in self.stages)

    @cached_property
    def _shapes(self) -> Callable[[int], dict[str, Shape]]:
        return cache(self._inferred)

    def shapes(self, rows: int) -> dict[str, Shape]:
        """The shape of every tensor for a batch of that many rows; a gradient is of real numbers, be its formula 1 or u > v."""
        return dict(self._shapes(rows))

    def _inferred(self, rows: int) -> dict[str, Shape]:
        shapes, waiting = self._undrawn(rows) | self.persistent, [*self.network.draws]
        for stage in (None, *(stage for stage in self.stages if stage.name not in self.persistent)):
            if stage is not None:
                found = infer(stage.formula, shapes)
                shapes[stage.name] = found if self.scenario.lines and not stage.of else Form.of(found, "f")
            while waiting and waiting[0].like in shapes:
                draw = waiting.pop(0)
                shapes[draw.name] = Form.of(shapes[draw.like], "f")
        return shapes

    @cached_property
    def sampled(self) -> frozenset[str]:
        """The tensors that have a place for each sample of the batch."""
        return frozenset(name for name, tensor in self.tensors.items() if tensor.batch_axis is not None)

    def parse(self, text: str) -> Formula:
        """A formula over this program's names."""
        return parse(text, self.vocabulary)

    def stage(self, name: str) -> Stage:
        """The stage of that name.

        Raises:
            SetupError: with a suggestion, where there is none.
        """
        if name in self.index:
            return self.stages[self.index[name]]
        for line in (line for line in self.lines if isinstance(line, Skipped) and line.name == name):
            raise SetupError(f"there is no stage {name}: {line.reason}")
        raise SetupError(f"there is no stage '{name}'{suggestion(name, self.index) or '; there are ' + ' '.join(self.index)}")

    def with_formula(self, name: str, text: str, meaning: str = "") -> Program:
        """This program with a stage's formula replaced by another one.

        Args:
            name, text: the stage, and its formula.
            meaning: what is said of it, by default that it is the user's own; ``{derived}`` is the formula that was derived.

        Raises:
            SetupError, FormulaError: where there is no such stage, or the formula does not parse or fit; nothing is changed then.
        """
        stage, formula = self.stage(name), self.parse(text)
        sizes, relined = self.batches.sizes, self.relined if stage.phase in (Phase.FORWARD, Phase.LOSS) else None
        try:
            for rows in (*sizes, *[GENERIC_ROWS] * self.network.generic):
                formula = fitting(formula, sizes, partial(check_stage, name, shapes=self.shapes(rows), later=self.later(name)))
        except FormulaError:
            if not (self.network.generic and self.scenario.lines) or relined:
                raise  # else it may fit the batches that there are
            return replace(self, network=replace(self.network, generic=False)).with_formula(name, text, meaning)
        return relined(self, name, formula) if relined else self.with_stage(stage.with_formula(formula, meaning))

    def with_number(self, name: str, place: tuple[int, ...], value: float) -> Program:
        """This program with one number of its data changed, or of what is given whole; without a place with all of them.

        Raises:
            SetupError: where the loss has no derivative of that form for such targets.
        """
        values = np.array(self.data.get(name, self.fixed.get(name)), None if self.scenario.lines else float)
        if values.dtype.kind in "iu" and value != np.rint(value):
            values = values.astype(float)  # what only is a number may be any
        values[place or ...] = value
        if name == self.target:
            self.network.check_targets(values)
        if name in self.fixed:
            return replace(self, fixed={**self.fixed, name: values}, changed=self.changed | {name})
        return replace(self, data={**self.data, name: values})

    def with_stage(self, changed: Stage) -> Program:
        """This program with another stage in the place of the one of that name."""
        return replace(self, lines=tuple(changed if isinstance(line, Stage) and line.name == changed.name else line for line in self.lines))

    def later(self, name: str) -> set[str]:
        """The tensors that have no value yet when a stage runs: its own and those after it, unless they outlive the update."""
        return {stage.name for stage in self.stages[self.index[name] :]} - set(self.persistent)

    @cached_property
    def initial(self) -> dict[str, Array]:
        """The persistent tensors before the first update, in the program's precision."""
        drawn = initial_values(self.parameters, self.network.drawn, self.scenario.seed, self.scenario.generator)
        values = {name: np.zeros(shape) for name, shape in self.persistent.items()} | drawn | self.constants | dict(self.scenario.values)
        return {name: np.array(np.asarray(value, dtype=float), dtype=self.dtype) for name, value in values.items()}

    def bounds(self, by_group: bool) -> list[int]:
        """Where phases, or groups within phases, begin; and the end."""
        keys = [(stage.phase, by_group and self.tensors[stage.name].group) for stage in self.stages]
        return [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]] + [len(keys)]
