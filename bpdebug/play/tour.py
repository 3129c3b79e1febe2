"""A guided tour in five steps, over the real commands: what to press, and how to tell that it has been done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.look.cursor import Cursor
from bpdebug.time.stops import Breakpoint, Stops

if TYPE_CHECKING:
    from bpdebug.trust.report import Report


class Step(Record):
    """One step.

    Attributes:
        title: what it is about.
        text: what to press, and what to look at.
        done: whether it has been done.
    """

    title: str
    text: str
    done: Callable[[Cursor, Stops, Report | None], bool]


def names_of(program: Program) -> dict[str, str]:
    """What the tensors are called that the tour speaks of."""
    first, second, gradient = *program.layers[:2], program.network.naming.gradient.format
    own = {"a1": first.a, "loss": program.loss}
    of = {"da1": first.a, "dz1": first.z, "da2": second.a, "dW2": second.weight, "db2": second.bias}
    return own | {name: gradient(tensor) for name, tensor in of.items()}


STEPS: tuple[Step, ...] = (
    Step(
        "one stage at a time",
        "Press s five times. Each press runs one line of the program on the left, forward through the network up to the loss; what has"
        " changed is marked. The key [ goes back.",
        lambda cursor, stops, check: cursor.position.t > cursor.program.index[cursor.program.loss],
    ),
    Step(
        "where a number comes from",
        "Press s once more: {da2}, the first derivative. Choose one of its cells with the arrow keys, read Why, and press Enter: you go to"
        " the stage that made what it is made of. Backspace returns.",
        lambda cursor, stops, check: any(cell is not None and cell[0] == names_of(cursor.program)["da2"] for _, cell in cursor.trail),
    ),
    Step(
        "a gradient as a product",
        "Press 7 for the equation, then g, type {dW2} and press Enter: the row and the column that are lit make the selected cell. The"
        " arrow keys choose another; 4 shows the values again, and s goes on.",
        lambda cursor, stops, check: cursor.position.stage == names_of(cursor.program)["db2"],
    ),
    Step(
        "stop where something happens",
        "Press : and type  break {loss} if {loss} < 2  and Enter; then c: the training runs until that is true for the first time. Going on"
        " and back again, C finds the place where it stopped.",
        lambda cursor, stops, check: any(isinstance(stop, Breakpoint) and stop.hits for stop in stops.all.values()),
    ),
    Step(
        "find the wrong derivative",
        "Press y, put  {dz1} = {da1} * {a1}  in the line, as somebody who has forgotten a factor, and press Enter; then v: the check"
        " names the first wrong stage and what the mistake probably is. Z takes the formula back.",
        lambda cursor, stops, check: check is not None and check.culprit is not None,
    ),
)
_END = Step(
    "the end",
    "That was the tour: the next command closes it. The key ? lists all keys; hunt hides a mistake to find.",
    lambda *_: False,
)


@dataclass
class Tour:
    """How far somebody has come.

    Attributes:
        names: what the tensors are called.
        at: the step, from 0; the number of steps when all are done.
    """

    names: Mapping[str, str]
    at: int = 0

    @property
    def step(self) -> Step:
        """The present step."""
        return STEPS[self.at] if self.at < len(STEPS) else _END

    @property
    def text(self) -> str:
        """What to press, and what to look at."""
        return self.step.text.format(**self.names)

    @property
    def heading(self) -> str:
        """``2/5 where a number comes from``."""
        return f"{self.at + 1}/{len(STEPS)} {self.step.title}" if self.at < len(STEPS) else "all five steps are done"

    def look(self, cursor: Cursor, stops: Stops, check: Report | None) -> bool:
        """Go on where a step has been done; whether there is anything left to show, which is not so after the end was shown."""
        if self.at == len(STEPS):
            return False
        while self.step.done(cursor, stops, check):
            self.at += 1
        return True
