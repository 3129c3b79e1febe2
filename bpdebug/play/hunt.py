"""The hunt: one wrong formula is planted in the backward pass, nothing shows it, and the player finds it by its numbers.

The program that runs is an ordinary one with another formula, and only how it is shown is a disguise. During a hunt the listing
is what the author of the program *meant*. The machine runs the planted formula, and every tensor is what it has computed: an
explanation shows the formula that was meant with the numbers put in, and then the tensor's own value; that the two do not agree
is for the player to see. What he types himself (``print``, conditions, displays) is evaluated as it stands. The mistakes are
those that the diagnosis knows (:mod:`bpdebug.trust.faults`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.errors import BpdebugError
from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage

SEEDS = 10_000
"""How many seeds there are to choose from where none is given."""
TRIES, _NEAR = 3, 3
"""Wrong accusations that lose a hunt; stages of which a hint says that it is one."""
LOCKED = ("check", "compare", "formula", "export", "paths")
"""Commands that would tell the fault; during a hunt they are there after ``check anyway``."""


class Planted(Record):
    """What is planted.

    Attributes:
        stage, group: where.
        kind, sort, title: the mistake, as in the catalogue of faults.
        formula, meant: what runs, and what the listing shows.
        evidence: what the mistake is, in a sentence.
        cell, value, right: a cell of the first update in which it is seen best: what it is, and what it would have to be.
    """

    stage: str
    group: str
    kind: str
    sort: str
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
            f"{self.stage} = {self.formula} ran in place of {self.meant}\n"
            f"{self.title}: {self.evidence}\n"
            f"{numbers} {short(self.right, 6)}: 'print {self.stage} - ({self.meant})' is not 0"
        )

    def hints(self, program: Program) -> tuple[str, str, str]:
        """What can be said without telling it: the sort of stage, the layer, the sort of mistake."""
        naming, learned = program.network.naming, program.stage(self.stage).of in program.parameters
        patterns = (naming.weight, naming.bias) if learned else (naming.a, naming.z)
        names = [naming.gradient.format(pattern.format("")) for pattern in patterns]
        same = [stage.name for stage in _backward(program) if (stage.of in program.parameters) == learned]
        names = names if program.layers else same[:2]
        sort = f"one of the gradients that {'parameters learn from' if learned else 'are handed on'} ({', '.join(names)})"
        first = max(0, min(same.index(self.stage) - 1, len(same) - _NEAR))
        place = f"in {self.group}" if self.group else f"one of {', '.join(same[first : first + _NEAR])}"
        return f"it is {sort}", f"it is {place}", self.sort


def _backward(program: Program) -> list[Stage]:
    """The stages in which a fault may be planted."""
    return [stage for stage in program.stages if stage.of]


def disguised(program: Program, stage: str, formula: str) -> tuple[Program, Callable[[Program], Program]]:
    """The program with a formula planted in a stage, and how it is shown: as it was meant, as long as the planted formula runs."""
    made = program.with_formula(stage, formula, "Planted for the hunt, in the place of {derived}.")
    planted, meant = made.stage(stage), program.stage(stage)

    @lru_cache(maxsize=16)
    def shown(running: Program) -> Program:
        return running.with_stage(meant) if running.stage(stage) is planted else running

    return made, shown


class Hunt(Record):
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


class Game(Record):
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


def task_lines(hunts: tuple[Hunt, ...], program: Program) -> list[str]:
    """What the player of the last hunt is told at its beginning."""
    shortest = min(_backward(program), key=lambda stage: (len(stage.formula.names) < 2, len(stage.formula.text)))
    return [
        f"hunt {len(hunts)} on {program.scenario.name}, seed {hunts[-1].seed}: "
        "one formula of the backward pass does not compute what the listing shows",
        f"step through it, read Why, and work out what should be there, e.g. print {shortest.name} - ({shortest.formula.text})",
        f"'accuse {shortest.name}' names the stage (you have {TRIES} tries), 'hint' helps, 'reveal' gives up",
    ]


def admitted(hunts: tuple[Hunt, ...], name: str, arguments: str) -> tuple[str, tuple[Hunt, ...]]:
    """The arguments that a command is to be run with, and the hunts then; ``check anyway`` unlocks what is locked.

    Raises:
        BpdebugError: where the command would tell the fault of the present hunt.
    """
    if (name, arguments) == ("check", "anyway"):
        return "", (*hunts[:-1], hunts[-1] if hunts[-1].over else replace(hunts[-1], checked=True))
    if name in LOCKED and not (hunts[-1].over or hunts[-1].checked):
        raise BpdebugError(f"{name} is locked during a hunt: 'check anyway' unlocks it and costs the point")
    return arguments, hunts
