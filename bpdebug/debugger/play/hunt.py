"""The hunt: one wrong formula is planted in the backward pass, nothing shows it, and the player finds it by its numbers.

During a hunt the listing is what the author of the program *meant*. The machine runs the planted formula, and every tensor is what it
has computed: an explanation shows the formula that was meant with the numbers put in, and then the tensor's own value; that the two
do not agree is for the player to see. What he types himself (``print``, conditions, displays) is evaluated as it stands. The
mistakes are those that the diagnosis knows (:mod:`bpdebug.debugger.diagnosis.faults`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bpdebug.debugger.diagnosis.faults import FAULTS, Candidate, candidates
from bpdebug.debugger.numbers import short
from bpdebug.debugger.table import CommandError
from bpdebug.engine.batches import Batches
from bpdebug.engine.cells import Cell, cell_name
from bpdebug.engine.description import Array
from bpdebug.engine.errors import BpdebugError, FormulaError
from bpdebug.engine.evaluate import evaluate
from bpdebug.engine.network import Phase
from bpdebug.engine.program import Program
from bpdebug.engine.schedule import Stage

if TYPE_CHECKING:
    from bpdebug.debugger.session import Session

_Item = TypeVar("_Item")
SEEDS = 10_000
"""How many seeds there are to choose from where none is given."""
TRIES = 3
"""Wrong accusations that lose a hunt."""
LOCKED = ("check", "compare", "formula", "export", "paths")
"""Commands that would tell the fault; during a hunt they are there after ``check anyway``."""
_DIFFERENT, _VISIBLE = 1e-3, 1e-7
"""How far the planted value is from the right one at least: relative to the tensor's largest cell, and to the loss, so that
differences of the loss can tell."""
SORTS = {
    "a factor or a sign is wrong": "sum_for_mean mean_for_sum m_twice outputs_factor sign learning_rate stray_factor l2_factor",
    "something is left out": "zero bias_missing bias_not_summed not_summed activation_missing gradient_missing path_missing l2_missing "
    "sample_missing activation_part term_missing factor_missing parentheses",
    "the derivative is that of something else": "activation_twice activation_at_z activation_at_a another_activation another_loss "
    "another_loss_sum",
}
"""What the last hint says, and of which kinds of mistake; of the others, what follows."""
_OTHER = "something is there that does not belong there"


def _sort_of(kind: str) -> str:
    """What a hint says of a kind of mistake."""
    return next((sort for sort, kinds in SORTS.items() if kind in kinds.split()), _OTHER)


@dataclass(frozen=True)
class Planted:
    """What is planted.

    Attributes:
        stage, layer: where.
        kind, title: the mistake, as in the catalogue of faults.
        formula, meant: what runs, and what the listing shows.
        evidence: what the mistake is, in a sentence.
        cell, value, right: a cell of the first update in which it is seen best: what it is, and what it would have to be.
    """

    stage: str
    layer: int
    kind: str
    title: str
    formula: str
    meant: str
    evidence: str
    cell: Cell
    value: float
    right: float

    def told(self) -> str:
        """What it was, and how it could have been seen."""
        numbers = f"in the first update {cell_name(self.stage, self.cell)} was {short(self.value, 6)}, and the listing's formula gives"
        return (
            f"{self.stage} = {self.formula} ran in the place of {self.meant}\n"
            f"{self.title}: {self.evidence}\n"
            f"{numbers} {short(self.right, 6)}: 'print {self.stage} - ({self.meant})' is not 0"
        )

    def hints(self) -> tuple[str, str, str]:
        """What can be said without telling it: the sort of stage, the layer, the sort of mistake."""
        parameter = self.stage[1] in "Wb"
        sort = (
            "one of the gradients that parameters learn from (dW, db)" if parameter else "one of the gradients that are handed on (da, dz)"
        )
        return f"it is {sort}", f"it is in layer {self.layer}", _sort_of(self.kind)


@dataclass(frozen=True)
class Hunt:
    """One round of the game.

    Attributes:
        seed: of which the fault is a function.
        fault: what is to be found.
        accused: the stages that have been accused.
        hints: how many have been asked for.
        checked: whether the check has been asked for, which costs the point.
        revealed: whether the player has given up.
    """

    seed: int
    fault: Planted
    accused: tuple[str, ...] = ()
    hints: int = 0
    checked: bool = False
    revealed: bool = False

    @property
    def found(self) -> bool:
        """Whether the right stage has been accused."""
        return self.fault.stage in self.accused

    @property
    def tries(self) -> int:
        """Accusations that are left."""
        return TRIES - len(self.accused) + self.found

    @property
    def over(self) -> bool:
        """Whether the fault is known."""
        return self.found or self.revealed or self.tries == 0

    @property
    def point(self) -> int:
        """What it has brought."""
        return int(self.found and not self.checked)

    @property
    def outcome(self) -> str:
        """How it stands, in words."""
        left = f"{self.tries} {'try' if self.tries == 1 else 'tries'} left"
        state = "found" if self.found else "revealed" if self.revealed else "lost" if self.over else left
        return state + ", no point (checked)" * self.checked

    def commands(self) -> list[str]:
        """The commands that lead to it in a fresh session."""
        asked = ["hint"] * self.hints + ["check anyway"] * self.checked
        return [f"hunt {self.seed}", *asked, *(f"accuse {name}" for name in self.accused), *["reveal"] * self.revealed]


@dataclass(frozen=True)
class Game:
    """How the playing goes, for the panes: nothing in it tells the fault.

    Attributes:
        number, seed: of the present hunt, counted from 1.
        tries, hints: left, and asked for.
        points, hunts: the score: hunts that brought a point, and hunts that are over.
        checked, found, over: of the present hunt.
        line: all that in a few words, for a title.
    """

    number: int
    seed: int
    tries: int
    hints: int
    points: int
    hunts: int
    checked: bool
    found: bool
    over: bool
    line: str


def game_of(hunts: tuple[Hunt, ...]) -> Game | None:
    """The state of the game, or None where no hunt has begun; a hunt that another one has followed is over."""
    if not hunts:
        return None
    now, number = hunts[-1], len(hunts)
    points, done = sum(hunt.point for hunt in hunts), number - (not now.over)
    line = f"hunt {number}: {now.outcome} · score {points}/{done}"
    return Game(number, now.seed, now.tries, now.hints, points, done, now.checked, now.found, now.over, line)


def plant(program: Program, seed: int) -> Planted:
    """Choose a stage of the backward pass, and a mistake in its formula that shows in the first update.

    Args:
        program: as it is meant.
        seed: the same one chooses the same mistake.

    Raises:
        BpdebugError: where no mistake would show.
    """
    values = _first_update(program)
    stages = [stage for stage in program.stages if stage.of]
    for glaring in (False, True):
        for stage in _ranked(seed, stages, lambda stage: stage.name):
            for candidate in _shuffled([*candidates(program, stage)], seed):
                if fault := _fault(program, stage, candidate, values, glaring):
                    return fault
    raise BpdebugError("no hunt is possible here: no mistake in the backward pass would show in the first update")


def _first_update(program: Program) -> dict[str, Array]:
    """Every tensor of the first update, up to its gradients."""
    scenario, batches = program.scenario, Batches(program.scenario)
    rows = batches.rows(0)
    chosen = slice(None) if rows is None else rows
    given = {"x": scenario.x[chosen], "y": scenario.y[chosen], "m": batches.size(0)}
    values = program.initial | {name: np.asarray(value, scenario.dtype) for name, value in given.items()}
    for stage in program.stages:
        if stage.phase is not Phase.UPDATE:
            values[stage.name] = evaluate(stage.formula, values, scenario.dtype)
    return values


def _shuffled(found: list[Candidate], seed: int) -> Iterator[Candidate]:
    """Each sort of mistake is as likely as any other, and each kind of a sort, however many formulas make it."""
    kinds: dict[str, list[Candidate]] = {}
    for candidate in found:
        kinds.setdefault(candidate.kind, []).append(candidate)
    for sort in _ranked(seed, set(map(_sort_of, kinds)), str):
        for kind in _ranked(seed, [kind for kind in kinds if _sort_of(kind) == sort], str):
            yield from _ranked(seed, kinds[kind], lambda candidate: candidate.formula.text)


def _ranked(seed: int, items: Iterable[_Item], name: Callable[[_Item], str]) -> list[_Item]:
    """An order that depends on the seed and the names alone, so that a new kind of mistake leaves most hunts as they were."""
    return sorted(items, key=lambda item: sha256(f"{seed} {name(item)}".encode()).digest())


def _fault(program: Program, stage: Stage, candidate: Candidate, values: Mapping[str, Array], glaring: bool) -> Planted | None:
    """The candidate, where it fits, runs and shows; a value that is 0 everywhere shows at a glance."""
    if candidate.overrides:
        return None
    try:
        program.with_fault(stage.name, candidate.formula.text)
    except FormulaError:
        return None
    right, wrong = values[stage.name], evaluate(candidate.formula, values, program.scenario.dtype)
    distance = np.abs(wrong - right)
    least = max(_DIFFERENT * float(np.abs(right).max()), _VISIBLE * max(abs(float(values["loss"])), 1.0))
    if not (np.isfinite(distance).all() and distance.max() > least and right.any() and (glaring or wrong.any())):
        return None
    cell = tuple(int(place) for place in np.unravel_index(int(distance.argmax()), right.shape))
    numbers = cell, float(wrong[cell]), float(right[cell])
    texts = candidate.formula.text, stage.formula.text, candidate.evidence
    return Planted(stage.name, stage.layer, candidate.kind, FAULTS[candidate.kind].title, *texts, *numbers)


def is_locked(session: Session, name: str) -> bool:
    """Whether a command would tell the fault of the present hunt."""
    return name in LOCKED and bool(session.hunts) and not (session.hunts[-1].over or session.hunts[-1].checked)


def admitted(session: Session, name: str, arguments: str) -> str:
    """The arguments that a command is to be run with; ``check anyway`` unlocks what is locked.

    Raises:
        CommandError: where the command is locked.
    """
    anyway = name == "check" and arguments == "anyway" and bool(session.hunts)
    if not anyway and is_locked(session, name):
        raise CommandError(f"{name} is locked during a hunt: 'check anyway' unlocks it and costs the point")
    if anyway and is_locked(session, name):
        session.hunts = (*session.hunts[:-1], replace(session.hunts[-1], checked=True))
    return "" if anyway else arguments


def script_lines(session: Session) -> list[str]:
    """The commands that lead to the hunts and the score in a fresh session: the seeds and the acts, not the faults."""
    return [line for hunt in session.hunts for line in hunt.commands()]
