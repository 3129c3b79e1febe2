"""A guided tour over the real commands: what to press, and how to tell that it has been done. Its steps are a file, ours or a teacher's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpdebug.core.errors import BpdebugError
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.files import FileError, read_file
from bpdebug.frontends.kinds import Key, choice, flag, list_of, text
from bpdebug.frontends.loader import MAXIMUM_BYTES, read_text
from bpdebug.frontends.nodes import Mapping as Node
from bpdebug.frontends.nodes import Sequence, parse
from bpdebug.frontends.report import Mark, Report
from bpdebug.frontends.tables import table
from bpdebug.look.cursor import Cursor
from bpdebug.time.position import parse_location
from bpdebug.time.stops import Breakpoint, Stops

if TYPE_CHECKING:
    from bpdebug.trust.report import Report as Verdict

OURS = Path(__file__).with_suffix(".yaml")
"""The steps of the tour that comes along."""
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
    names = _names(program) if path == OURS else {}
    values, root, report = _read(path)
    steps = []
    for made, node in zip(values["steps"], _items(root), strict=True):
        until = {name: wanted for name, wanted in (made["until"] or {}).items() if wanted is not None}
        put = {key: _put(str(made[key]), names) for key in ("text", "at")}
        step = Step(made["title"], put["text"], put["at"], {name: _named(wanted, names) for name, wanted in until.items()})
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


def _items(root: Node) -> list[Node]:
    steps = root.entries["steps"][1]
    return [item for item in steps.items if isinstance(item, Node)] if isinstance(steps, Sequence) else []


def _try(step: Step, program: Program, node: Node, report: Report) -> None:
    """Note what the program does not have of a step's places and tensors, where it stands in the file."""
    until = node.entries["until"][1] if "until" in node.entries else None
    inner = until.entries if isinstance(until, Node) else {}
    places = [(step.at, node.entries["at"][1].mark)] if step.at else []
    places += [(str(step.until[name]), inner[name][1].mark) for name in ("after", "at") if name in step.until]
    for place, mark in places:
        _told(lambda place=place: parse_location(place, program), mark, report)  # type: ignore[misc]
    name = str(step.until.get("origin", ""))
    if name and name not in program.tensors:
        report.add(inner["origin"][1].mark, f"there is no tensor {name}")


def _told(act: Callable[[], object], mark: Mark, report: Report) -> None:
    try:
        act()
    except BpdebugError as error:
        report.add(mark, str(error))


def _named(wanted: Any, names: Mapping[str, str]) -> Any:
    return _put(wanted, names) if isinstance(wanted, str) else wanted


def _put(text: str, names: Mapping[str, str]) -> str:
    """The text with the names of the tensors put in."""
    return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], found[0]), text)


def _names(program: Program) -> dict[str, str]:
    """What the tensors are called that our tour speaks of.

    Raises:
        BpdebugError: where there are too few.
    """
    gradient = program.network.naming.gradient.format
    if len(program.layers) < 2:
        missing = f": there is no stage {gradient(program.network.naming.weight.format(2))} here" * bool(program.layers)
        raise BpdebugError(f"the tour needs a network of two layers, such as that of xor{missing}")
    first, second = program.layers[:2]
    of = {"da1": first.a, "dz1": first.z, "da2": second.a, "dW2": second.weight, "db2": second.bias}
    return {"a1": first.a, "loss": program.loss} | {name: gradient(tensor) for name, tensor in of.items()}
