"""A guided tour over the real commands: what to press, and how to tell that it has been done. Its steps are a file, ours or a teacher's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.tensors import Role
from bpdebug.core.tree import Binary, Number, is_product, names
from bpdebug.core.writing import to_text
from bpdebug.files import FileError, read_file
from bpdebug.frontends.kinds import Key, choice, flag, list_of, text
from bpdebug.frontends.loader import MAXIMUM_BYTES, read_text
from bpdebug.frontends.nodes import Mapping as Node
from bpdebug.frontends.nodes import Sequence, parse
from bpdebug.frontends.report import Report
from bpdebug.frontends.tables import table
from bpdebug.look.cursor import Cursor
from bpdebug.time.position import parse_location
from bpdebug.time.stops import Breakpoint, Stops

if TYPE_CHECKING:
    from bpdebug.trust.report import Report as Verdict

OURS = Path(__file__).with_suffix(".yaml")
"""The steps of the tour that comes along."""
_COUNTS = ("once", "twice", *(f"{count} times" for count in ("three", "four", "five", "six", "seven", "eight", "nine")))
_OTHERS = "'bpdebug tour' goes through xor"
_UPDATES, _SMALL = 30, 10_000
"""Updates that are run to see how low the loss comes, and numbers of an update that may be run so often."""
_NEAR = 2
"""Stages that may have run since a step's place, so that its text still fits."""
_UNTIL = (
    Key("after", text(numbers=True), "the program has come to a location, such as loss or 40:dz2, or beyond it"),
    Key("at", text(numbers=True), "it stands at a location"),
    Key("origin", text(), "Enter was pressed on a cell of this tensor"),
    Key("stopped", flag(), "a breakpoint has been hit"),
    Key("check", choice(("wrong", "right")), "the last check has found this"),
)
_EXAMPLE = "steps:\n- title: one stage at a time\n  text: Press s five times.\n  until: {after: loss}"
_STEPS = list_of(
    table(
        "a step",
        (
            Key("title", text(), "what it is about", required=True),
            Key("text", text(), "what to press, and what to look at", required=True),
            Key("at", text(numbers=True), "where it begins: whoever is elsewhere is told how to get there", ""),
            Key("until", table("until", _UNTIL, example="until: {after: loss}"), "how to tell that it has been done"),
        ),
    ),
    least=1,
    example="[{title: …, text: …}]",
)
_TOUR = table(
    "a tour",
    (
        Key("scenario", text(), "a file, or the name of a shipped scenario", "xor"),
        Key("steps", _STEPS, "one after the other", required=True),
        Key("end", text(), "what is said after the last one", "That was the tour: the next command closes it."),
    ),
    example=_EXAMPLE,
)


class Step(Record):
    """One step.

    Attributes:
        title: what it is about.
        text: what to press, and what to look at.
        at: where it begins, or "" for anywhere.
        until: what tells that it has been done, by the keys of the file; nothing where only ``tour next`` goes on.
    """

    title: str
    text: str
    at: str
    until: Mapping[str, str | bool]

    def done(self, cursor: Cursor, stops: Stops, check: Verdict | None) -> bool:
        """Whether all that tells it is so."""
        return bool(self.until) and all(_TESTS[name](cursor, stops, check, wanted) for name, wanted in self.until.items())

    def lead(self, cursor: Cursor) -> str:
        """What to do first where the user is somewhere else than where the step begins."""
        if not self.at:
            return ""
        position, place = cursor.position, parse_location(self.at, cursor.program)
        ahead = position.t - place.clock(cursor.program, position.update)
        return "" if 0 <= ahead <= _NEAR else f"This step begins elsewhere: press g, type {self.at} and press Enter. Then: "


def _clock(cursor: Cursor, text: Any, current: int) -> int:
    return parse_location(str(text), cursor.program).clock(cursor.program, current)


_TESTS: dict[str, Callable[[Cursor, Stops, Any, Any], bool]] = {
    "after": lambda cursor, stops, check, text: cursor.position.t >= _clock(cursor, text, 0),
    "at": lambda cursor, stops, check, text: cursor.position.t == _clock(cursor, text, cursor.position.update),
    "origin": lambda cursor, stops, check, name: any(cell is not None and cell[0] == name for _, cell in cursor.trail),
    "stopped": lambda cursor, stops, check, on: any(isinstance(stop, Breakpoint) and stop.hits for stop in stops.all.values()) == on,
    "check": lambda cursor, stops, check, found: check is not None and (check.culprit is not None) == (found == "wrong"),
}
"""Whether what a step waits for is so."""


@dataclass
class Tour:
    """How far somebody has come.

    Attributes:
        steps: of the tour.
        end: what is said after the last one.
        at: the step, from 0; the number of steps when all are done.
        first: what is to be done before it, where the user is elsewhere.
    """

    steps: tuple[Step, ...]
    end: str
    at: int = 0
    first: str = ""

    @property
    def text(self) -> str:
        """What to press, and what to look at."""
        return self.first + self.steps[self.at].text if self.at < len(self.steps) else self.end

    @property
    def heading(self) -> str:
        """``2/5 where a number comes from``."""
        count = len(self.steps)
        return f"{self.at + 1}/{count} {self.title}" if self.at < count else f"all {count} steps are done"

    @property
    def title(self) -> str:
        """What the present step is about."""
        return self.steps[self.at].title if self.at < len(self.steps) else "the end"

    def look(self, cursor: Cursor, stops: Stops, check: Verdict | None) -> bool:
        """Go on where a step has been done; whether there is anything left to show, which is not so after the end was shown."""
        if self.at == len(self.steps):
            return False
        while self.at < len(self.steps) and self.steps[self.at].done(cursor, stops, check):
            self.at += 1
        self.first = self.steps[self.at].lead(cursor) if self.at < len(self.steps) else ""
        return True


def is_tour(path: Path) -> bool:
    """Whether a file is a tour, and no scenario."""
    try:
        return path.is_file() and bool(re.search(rb"^steps\s*:", read_file(path, "a file with a tour", MAXIMUM_BYTES), re.MULTILINE))
    except FileError:
        return False


def scenario_of(path: Path) -> str:
    """The scenario that a tour goes through: a file beside it, or a shipped one."""
    source = str(_read(path)[0]["scenario"])
    beside = path.parent / source
    return str(beside) if beside.is_file() else source


def load_tour(program: Program, path: Path = OURS) -> Tour:
    """A tour of a program.

    Raises:
        ScenarioError: with every problem of the file, each with line and column.
        BpdebugError: where the tour that comes along does not fit the program.
    """
    told = _names(program) if path == OURS else {}
    values, root, report = _read(path)
    steps, given = list[Step](), root.entries["steps"][1]
    nodes = [item for item in given.items if isinstance(item, Node)] if isinstance(given, Sequence) else []
    for made, node in zip(values["steps"], nodes, strict=True):
        until = {name: wanted for name, wanted in (made["until"] or {}).items() if wanted is not None}
        put = {key: _put(str(made[key]), told) for key in ("title", "text", "at")}
        step = Step(**put, until={name: _put(wanted, told) if isinstance(wanted, str) else wanted for name, wanted in until.items()})
        steps.append(step)
        _try(step, program, node, report)
    report.settle()
    return Tour((*steps,), values["end"])


def _read(path: Path) -> tuple[dict[str, Any], Node, Report]:
    report = Report(str(path))
    root = parse(read_text(path, report, "a file with a tour"), report, _EXAMPLE)
    values: dict[str, Any] = _TOUR.check(root, report)
    report.settle()
    return values, root, report


def _try(step: Step, program: Program, node: Node, report: Report) -> None:
    """Note what the program does not have of a step's places and tensors, where it stands in the file."""
    until = node.entries["until"][1] if "until" in node.entries else None
    inner = until.entries if isinstance(until, Node) else {}
    places = [(step.at, node.entries["at"][1].mark)] if step.at else []
    places += [(str(step.until[name]), inner[name][1].mark) for name in ("after", "at") if name in step.until]
    for place, mark in places:
        try:
            parse_location(place, program)
        except BpdebugError as error:
            report.add(mark, str(error))
    name = str(step.until.get("origin", ""))
    if name and name not in program.tensors:
        report.add(inner["origin"][1].mark, f"there is no tensor {name}")


def _put(text: str, told: Mapping[str, str]) -> str:
    """The text with the names of the tensors put in."""
    return re.sub(r"\{(\w+)\}", lambda found: told.get(found[1], found[0]), text)


def _names(program: Program) -> dict[str, str]:
    """What our tour says of this program: its loss, its first gradient, one that is a product, and a formula with a mistake in it.

    Raises:
        BpdebugError: where there is no gradient, or no loss that falls.
    """
    stages, end = program.stages, program.index[program.loss] + 1
    backward = [stage for stage in stages if stage.phase is Phase.BACKWARD and stage.of and stage.formula.names]
    if not backward:
        raise BpdebugError(f"the tour needs a gradient to look at, and this program has none; {_OTHERS}")
    if any(stage.left for stage in backward):
        raise BpdebugError(f"the tour would tell what is left to you to fill in; {_OTHERS}")
    products = [stage for stage in backward if is_product(stage.formula.tree)]
    shown = next((stage for stage in products if stage.of in program.parameters), (products or backward)[0])
    # the terms of a sum that picks cells have come from no other number
    first = next((stage.name for stage in backward if getattr(stage.formula.tree, "function", "") != "add_at"), backward[0].name)
    again = program.index[first] + 1 - end
    wrong, mistake = _mistaken(program, backward)
    return {
        "loss": program.loss,
        "presses": f"s {_COUNTS[end - 1]}" if end <= len(_COUNTS) else f"s a few times, then g, type {program.loss} and press Enter",
        "again": "s once more" if again == 1 else f"s {_COUNTS[again - 1]}" if again <= len(_COUNTS) else f"s until it has run {first}",
        "first": first,
        "which": "the first gradient" if first == backward[0].name else "a gradient",
        "shown": shown.name,
        "lit": "the row and the column that are lit make" if products else "the cells that are lit make",
        "form": "a product" if products else "an equation",
        "next": stages[program.index[shown.name] + 1].name,
        "low": _low(program),
        "wrong": wrong,
        "mistake": mistake,
    }


def _mistaken(program: Program, backward: list[Stage]) -> tuple[str, str]:
    """A gradient with a mistake in its formula, which gives other numbers of the right shape, and what the mistake is."""
    known = {**program.initial, **program.batch(0)}
    known |= program.run(known, program.end_of(Phase.BACKWARD))
    for stage in reversed(backward):
        match stage.formula.tree:
            case Binary("*", left, _) if any(program.tensors[name].role is Role.GRADIENT for name in names(left)):
                value = evaluate(Formula.of(left), known)
                if value.shape == known[stage.name].shape and not np.array_equal(value, known[stage.name]):
                    return f"{stage.name} = {to_text(left)}", "has forgotten a factor"
    return f"{backward[-1].name} = {to_text(Binary('*', Number(2), backward[-1].formula.tree))}", "counts twice"


def _low(program: Program) -> str:
    """A loss that is reached only after some updates, or after one where many would take long.

    Raises:
        BpdebugError: where the loss does not fall in these.
    """
    machine, losses = Machine(program), list[float]()
    for _ in range(min(_UPDATES if machine.last_workspace().flat.size < _SMALL else 2, program.updates)):
        machine.run_update()
        losses.append(float(machine.last(program.loss)))
    lowest = np.minimum.accumulate(losses)
    falls = np.flatnonzero(lowest[1:] < lowest[:-1])
    if not len(falls):
        raise BpdebugError(f"the tour needs a loss that falls, and {program.loss} does not; {_OTHERS}")
    steps = ((float(lowest[place]), float(lowest[place + 1])) for place in reversed(falls))
    return min((_between(*step) for step in steps), key=len)


def _between(high: float, low: float) -> str:
    """A number that is above one and not above another, with as few digits as may be."""
    return next(text for digits in range(2, 18) if low < float(text := f"{(high + low) / 2:.{digits}g}") <= high)
