"""What is wrong with a scenario, and where: problems are collected, so that a file's mistakes are told all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from bpdebug.core.errors import BpdebugError, printable
from bpdebug.core.record import Record

_SHOWN = 50


class Mark(NamedTuple):
    """A place in a file, counted from 1; line 0 is the file as a whole."""

    line: int
    column: int


WHOLE_FILE = Mark(0, 0)


class Problem(Record):
    """One thing to mend; ``line`` is 0 where the file as a whole is meant. Its text is one line that a terminal can show, and below it,
    indented, the lines of YAML that were expected, where there is an ``example``."""

    file: str
    line: int
    column: int
    message: str
    example: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return "\n    ".join(map(printable, [f"{place}: {self.message}", *self.example.splitlines()]))


class ScenarioError(BpdebugError):
    """A scenario that cannot be used.

    Attributes:
        problems: what is wrong, in the order of the file.
    """

    located = True

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        rest = len(problems) - _SHOWN
        lines = [str(problem) for problem in problems[:_SHOWN]]
        super().__init__("\n".join([*lines, f"… and {rest} more problem{'s' * (rest > 1)}"] if rest > 0 else lines))


@dataclass
class Report:
    """The problems of one scenario file, as they are found.

    Attributes:
        file: its name.
        text: what stands in it.
        problems: of it.
        homes: where a key belongs that is not known where it stands: the lines of YAML with which to write it there.
    """

    file: str
    text: str = ""
    problems: list[Problem] = field(default_factory=list)
    homes: Callable[[str, str], dict[str, str]] | None = None

    def add(self, mark: Mark, message: str, file: str = "", example: str = "") -> Any:
        """Note a problem, in the scenario file if no other is named; None stands for the value that is not there."""
        self.problems.append(Problem(file or self.file, mark.line, mark.column, message, example))

    def fail(self, mark: Mark, message: str, file: str = "", example: str = "") -> NoReturn:
        """Note a problem that nothing can follow.

        Raises:
            ScenarioError: with all that was noted.
        """
        self.add(mark, message, file, example)
        self.settle()
        raise AssertionError("a noted problem settles nothing")

    def settle(self) -> None:
        """Go on only if all is well.

        Raises:
            ScenarioError: where anything was noted.
        """
        if self.problems:
            raise ScenarioError(tuple(sorted(self.problems, key=lambda p: (p.file != self.file, p.file, p.line, p.column))))
