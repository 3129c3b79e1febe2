"""The program that a script is: his own statements under his own names, each gradient held against the one that is derived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import replace, values_of
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shape
from bpdebug.core.tensors import Naming
from bpdebug.core.tree import Name, Tree, names, substitute, total, walk
from bpdebug.frontends.numpy_script.aliases import with_aliases
from bpdebug.frontends.numpy_script.due import Due
from bpdebug.frontends.numpy_script.fits import AND, Differentiated
from bpdebug.frontends.numpy_script.helpers import called, helper_of, is_foreign
from bpdebug.frontends.numpy_script.likely import UNLIKELY
from bpdebug.frontends.numpy_script.lines import GRADIENT, RecordedScenario, derived_program, reached, settled, used
from bpdebug.frontends.numpy_script.names import named_alike
from bpdebug.frontends.numpy_script.pairs import Pairing
from bpdebug.frontends.numpy_script.patience import Patience
from bpdebug.frontends.numpy_script.program import RecordedProgram, Spelling
from bpdebug.frontends.numpy_script.recording import Recording, Statement
from bpdebug.frontends.numpy_script.slipped import slip_of, slipped, unread_of
from bpdebug.frontends.numpy_script.steps import Remark, Steps

_LONGEST, _SAID = 60, 160
"""Nodes of a formula into which inner values are put; characters of one that is told."""


class Assembled:
    """The parts of a program that his statements become.

    Args:
        recording: what is judged.
        scenario, loss: of it.
        whole: the recording that it is the beginning of.
        patience: for how long a line that is wrong is looked for.

    Attributes:
        loss: that is assumed.
        doubt: how unlikely the one slip is that explains what is wrong then; as much as can be, where none does.
    """

    def __init__(
        self, recording: Recording, scenario: RecordedScenario, loss: Differentiated, whole: Recording, patience: Patience
    ) -> None:
        pairing = self._pairing = Pairing(recording, loss, patience)
        partly = recording.carried.keys() != whole.carried.keys() or {*recording.carried.values()} != {*whole.carried.values()}
        recording = pairing.recording
        self._recording = with_aliases(whole, pairing.blame.found, {name for name, _ in loss.forward})[0] if partly else recording
        self._judged, self._scenario, self._loss = recording, scenario, loss
        self.loss = loss
        self._pairs, self._steps = pairing.pairs, Steps(recording, loss, pairing)
        self._formulas = {one.name: one.formula.tree for one in self._recording.statements if one.formula}
        self._statements = {one.name: one for one in self._recording.statements}
        self._due_parts, self._unknown = dict[str, Tree](), list[str]()
        self._slip = slip_of(recording, loss, pairing.blame)
        self.doubt = self._slip.longer if self._slip else UNLIKELY
        self._inline()

    def _inline(self) -> None:
        """Put inner values into the formulas that read them, but for those whose gradients he has."""
        loss = self._loss.program.stage(self._loss.program.loss)
        kept = {pair.tensor for pair in self._pairs.values()} | {
            *self._pairs,
            loss.name,
            *(loss.formula.names if loss.name not in self._statements else ()),
        }
        kept |= {self._loss.program.stage(one).through for part in self._pairing.parts.values() for one in part.split(AND)}
        uses = Counter(name for tree in self._formulas.values() for name in Formula.of(tree).names)
        for name in [*self._formulas]:
            tree = substitute(self._formulas[name], {
                read: self._formulas[read] for read in Formula.of(self._formulas[name]).names if self._is_put(read, kept, uses)
            })  # fmt: skip
            self._formulas[name] = tree
        self._named = {name for name in self._formulas if not self._is_put(name, kept, uses)}

    def _is_put(self, name: str, kept: set[str], uses: Counter[str]) -> bool:
        if name not in self._formulas or not self._statements[name].inner or name in kept:
            return False
        return sum(1 for _ in walk(self._formulas[name])) * uses[name] <= _LONGEST

    def _is_inner(self, name: str) -> bool:
        return name in self._statements and self._statements[name].inner

    def program(self) -> Program:
        """The program.

        Raises:
            SetupError: where the language does not have it.
        """
        forward = [(name, Formula.of(self._formulas[name]).text if name in self._formulas else text) for name, text in self._loss.forward]
        forward = [(name, text) for name, text in forward if name in self._named or name not in self._formulas]
        derived = derived_program(self._recording, forward, self._loss.program.loss, self._scenario)
        parameters = derived.parameters
        slots = {name: self._parameter_of(name, parameters) for name in self._recording.start if name not in parameters}
        stages = [self._at(stage) for stage in derived.stages if stage.phase in (Phase.FORWARD, Phase.LOSS)]
        stages += [*self._backward(derived, {name for name, _ in forward}), *self._updates({*parameters, *slots})]
        _, arrays = settled(self._recording)
        varying = {name for name, value in arrays.items() if any(not np.array_equal(one[name], value) for one in self._recording.given)}
        data = {name: np.array([one[name] for one in self._recording.given]) for name in varying}
        spelling = Spelling(GRADIENT)
        spelling.his = {pair.tensor: name for name, pair in self._pairs.items()}
        naming = Naming(input="", target="", gradient=spelling, partial="∂{}@{}")
        whole = {group for name, group in derived.network.parts.items() if name != group and not self._is_inner(name)}
        network = replace(derived.network, naming=naming, parts={n: part for n, part in derived.network.parts.items() if part in whole})
        start = self._recording.start
        scenario = replace(self._scenario, lines=derived.scenario.lines, values=start, naming=naming)
        made = values_of(derived) | {
            "scenario": scenario, "network": network, "lines": tuple(stages),
            "data": data, "fixed": {name: value for name, value in arrays.items() if name not in varying}, "own_slots": slots,
            "sizes": {name: start[name].shape for name in slots}, "allowed": self._steps.allowed(),
            "remarks": self._square(stages) | self._steps.remarks(stages) | self._part_remarks() | self._unread(), "doubts": self._doubts(),
            "settled": self._steps.settled(), "unfound": self._steps.unfound(),
            "guessed": self.loss.guessed, "foreign": not self._slip and is_foreign(self._pairing, self.loss, self._judged.start),
            "notes": (*self._steps.notes(), *self._not_judged(), *self._pairing.blame.patience.notes()),
        }  # fmt: skip
        due = {stage.name: stage.original.formula.tree for stage in stages if stage.original} | self._due_parts
        said = slipped(self._slip, self._pairing.blame, stages, self._formulas, due, self._statements) if self._slip else {}
        return RecordedProgram(**made | said | {"notes": (*made["notes"], *said.get("notes", ()))})

    def _square(self, stages: Sequence[Stage]) -> dict[str, tuple[str, str]]:
        """Where a flat list first met a column, if the script has stopped with an exception."""
        for place, sentence in self._recording.squares.items() if self._recording.traceback else ():
            for stage in stages:
                if place in (stage.line, stage.beside):
                    return {stage.name: ("a flat list where a column belongs", sentence)}
        return {}

    def _parameter_of(self, slot: str, parameters: Mapping[str, Shape]) -> str:
        """The parameter whose next version depends on a slot."""
        new = self._recording.carried[slot]
        for name in parameters:
            if {slot, new} & used(self._recording.statements, [self._recording.carried[name]]):
                return name
        return next(iter(parameters))

    def _at(self, stage: Stage) -> Stage:
        statement = self._statements.get(stage.name)
        beside = str(statement.made) if statement and statement.made != statement.line else ""
        path = statement.path if statement else ()
        return replace(stage, line=str(statement.line if statement else self._loss.line), beside=beside, path=path)

    def _stage(self, statement: Statement, phase: Phase, name: str = "", tree: Tree | None = None) -> Stage:
        formula, line = Formula.of(tree or self._formulas[statement.name]), statement.line
        meaning = f"Your line {line.number}."
        made = Stage(name or statement.name, formula, phase, 0, meaning, "", "line", line=str(line), path=statement.path)
        return called(made, statement.made, line) if statement.made.function != line.function else made

    def _backward(self, derived: Program, forward: set[str]) -> Iterable[Stage]:
        """His gradients and what he computes for them, in his order; what is right is told over those that he has by then."""
        right = {stage.name: stage for stage in derived.stages if stage.phase is Phase.BACKWARD}
        his, inner = dict[str, str](), {name: stage.formula.tree for name, stage in right.items()}
        formulas = Due(self._judged, self._loss, self._pairs, his, inner)
        for statement in self._kept(forward):
            stage = self._stage(statement, Phase.BACKWARD)
            pair, part = self._pairs.get(statement.name), self._pairing.parts.get(statement.name)
            if part and (tree := formulas.of(total(*(right[one].formula.tree for one in part.split(AND))))):
                self._due_parts[statement.name] = tree
            due = right.get(GRADIENT.format(pair.tensor)) if pair else None
            tree = formulas.of(due.formula.tree, pair.whole) if due and pair else None
            if due and pair and tree is None and pair.factor != 1.0:  # whether that is a convention only a formula tells
                self._unknown.append(statement.name)
            elif due and pair:
                stage = replace(stage, of=pair.tensor)
                if tree and (helper := helper_of(self._pairing, self._formulas, statement, tree)):
                    stage = called(stage, helper.made, statement.line)
                if tree and (tree != stage.formula.tree or not self._pairing.parts.keys().isdisjoint(names(tree))):
                    stage = replace(stage, original=replace(due, name=stage.name, formula=Formula.of(tree)))
            yield stage
            if known := part or (pair and GRADIENT.format(pair.tensor)):
                first, *others = known.split(AND)
                his |= {first: statement.name} | dict.fromkeys(others, "")
                for name in (first, *others):
                    inner.pop(name, None)

    def _not_judged(self) -> list[str]:
        """The gradients that too much lies before, of which none of his is a gradient."""
        names = ", ".join(self._unknown)
        return [f"not judged: {names}, since none of the gradients that lead there was found"] if names else []

    def _doubts(self) -> dict[str, Remark]:
        """The line whose repair makes the gradients of parameters right."""
        one, names = next(iter(self._pairing.blame.found), None), [*self._pairing.meant_by]
        said = f"with that of {' '.join(one.meant.values())} in its place, the gradients of {' '.join(one.mended)} are right" if one else ""
        if one and (*one.meant.values(),) == one.mended:
            said = f"it is not the gradient of {' '.join(one.mended)}: it is wrong here, or in one of the lines whose results it adds up"
        return {self._shown([*names, *one.meant][0]): ("not the gradient that is needed", said)} if one and one.mended else {}

    def _unread(self) -> dict[str, Remark]:
        """What is called the gradient of something that nothing reads but its own update, where no single slip says why."""
        unread = {} if self._slip else unread_of(self._judged, self._loss, self._pairing.blame)
        statements, said = self._judged.statements, "nothing reads {} but its own update, so that its gradient is 0"
        found = dict[str, Remark]()
        for name, end in unread.items():
            moves = used(statements, [self._judged.carried[name]]) - used(statements, [end])
            if named_alike(end, name) and end in self._named and moves.issuperset(one.name for one in statements if name in one.reads):
                found[end] = "no gradient", said.format(name)
        return found

    def _shown(self, name: str) -> str:
        """The stage that has a value in it: its own, or that of what it is a part of."""
        while name and name not in self._named:
            name = next((one.name for one in self._recording.statements if name in one.reads), "")
        return next((old for old, new in self._recording.carried.items() if new == name), name)

    def _part_remarks(self) -> dict[str, Remark]:
        """What is said of a part of a gradient that is wrong."""
        mended = {name: one.mended for one in self._pairing.blame.found for name in one.meant}
        due = [(name, Formula.of(tree).text) for name, tree in self._due_parts.items() if name in mended]
        said = "{} belongs here; with that the gradient of {} is right"
        told = {name: text if len(text) <= _SAID else "another formula" for name, text in due}
        return {name: ("another derivative", said.format(text, " ".join(mended[name]))) for name, text in told.items()}

    def _late(self) -> set[str]:
        """What belongs to the update: what depends on its slots or on new versions."""
        slots = [name for name in self._recording.start if name not in self._loss.moved]
        return reached(self._recording.statements, [*slots, *self._recording.carried.values()])

    def _early(self) -> set[str]:
        """What his gradients are made of."""
        blame = self._pairing.blame
        return used(self._recording.statements, [*self._pairs, *(blame.ends.values() if blame.late else ())])

    def _kept(self, forward: set[str]) -> Iterable[Statement]:
        late, recording, known = self._late(), self._recording, self._formulas
        roots = {*self._pairs, *recording.carried.values(), *(one.name for one in recording.statements if not one.inner)}
        put = [replace(one, formula=Formula.of(known[one.name]) if one.name in known else None) for one in recording.statements]
        needed = used(put, roots)
        early = self._early() & late  # read by a gradient: a new version of a parameter
        for one in recording.statements:
            if one.name in self._named & needed - forward and (one.name not in late or one.name in early | {*self._pairs}):
                yield one

    def _updates(self, persistent: set[str]) -> Iterable[Stage]:
        """His update statements, each tensor under its own name."""
        recording, late = self._recording, self._late()
        new = {made: old for old, made in recording.carried.items()}
        early = self._early() & late
        done = {name: Name(old) for name, old in new.items() if name not in early}
        live = used(recording.statements, new)
        for one in recording.statements:
            if one.name in early and one.name in new:
                yield self._stage(one, Phase.UPDATE, new[one.name], Name(one.name))
            elif one.name in late and one.name in live and one.name in self._named and one.name not in early | {*self._pairs}:
                tree = substitute(self._formulas[one.name], {name: tree for name, tree in done.items() if name != one.name})
                yield self._stage(one, Phase.UPDATE, new.get(one.name, one.name), tree)


__all__ = ["Assembled"]
