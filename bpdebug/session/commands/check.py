"""Whether it is right: the gradient check, of all stages or one, and the user's own numbers beside those of the present update."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from bpdebug.arrays import read_arrays
from bpdebug.core.description import Values
from bpdebug.core.layers import make_program
from bpdebug.core.program import Program
from bpdebug.files import path_of
from bpdebug.frontends.loader import RECORDING, load_scenario
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, Work, command
from bpdebug.time.position import LocationError
from bpdebug.time.results import Result
from bpdebug.time.tasks import whole

_HOW = ("all", "sweep", "slope")


@command("check [GRADIENT] [all|sweep|slope]", "look", keys="v", aliases="v")
def check_(session: Session, arguments: str = "") -> Work:
    """Check each derivative of this update, given what arrives at it, and your own formulas; one by name; cell by cell (all)."""
    from bpdebug.trust.check import check, derivative, judged_in  # noqa: PLC0415 - a start does without
    from bpdebug.trust.slopes import slope, sweep  # noqa: PLC0415

    words, program, name = arguments.split(), session.program, ""
    how = [word for word in words if word in _HOW]
    names = [word for word in words if word not in _HOW]
    if len(names) > 1 or len(how) > 1:
        raise CommandError("expected one stage and one of all, sweep, slope: check, check dz2, check dW1 all, check dW1 sweep")
    if names:  # a derivative stage; a tensor stands for its derivative
        name = derivative(judged_in(program, names[0]), names[0]).name
    if how == ["sweep"]:
        free = [program.gradients[one] for one in program.parameters if one in program.gradients]
        return (yield from sweep(session.timeline, name or free[0]))
    if how == ["slope"]:
        return (yield from slope(session.timeline, name))
    session.check = None
    session.check = yield from check(session.timeline, name, how == ["all"])
    return session.check.result()


@command(
    "compare FILE.npz|.json|.txt|.bpd",
    "look",
    asks="compare with the arrays of an npz, JSON or text file, or a recording with another; several are updates that follow each other",
    missing="compare needs a file with arrays named z1, a1, dz1, dW1, …: npz, JSON, or text as they are printed",
)
def compare_(session: Session, arguments: str) -> Work:
    """Compare your numbers (npz, JSON or text with z1, a1, dz1, …) with this update; several files: updates from this one on."""
    return (yield from _comparing(session, [read_numbers(path) for path in _paths(arguments)]))


def read_numbers(path: Path) -> Values | Program:
    """The arrays of a file, or a recording.

    Raises:
        BpdebugError: where it is neither.
    """
    return make_program(load_scenario(path)) if path.suffix == RECORDING else read_arrays(path)


def _paths(text: str) -> list[Path]:
    """The files of a line: all of it, where there is a file of that name, else its words."""
    line = path_of(text.strip())
    if os.path.exists(line) or " " not in text.strip():  # noqa: PTH110 - Path.exists raises for a name that is too long
        return [line]
    try:
        return [path_of(word) for word in shlex.split(text)]
    except ValueError as error:
        raise CommandError(f"{error}: {text}") from None


def checked(session: Session, at: str, on: bool) -> Result:
    """Check the update at a location.

    Args:
        session: which moves there.
        at: the location.
        on: whether to go on to the updates after it until something is wrong: what the first hides, a later one may show.
    """
    session.execute(f"goto {at}")
    first = result = session.execute("check")
    for update in range(session.position.update + 1, session.position.updates if on else 0):
        if result.data["culprit"] or any(one["status"] in ("guessed", "foreign") for one in result.data["stages"]):
            return result
        try:
            session.execute(f"goto update {update}")
        except LocationError:  # of a script it is not kept
            continue
        result = session.execute("check")
        untold = first.wrong and not any(one["status"] == "follows" for one in first.data["stages"])
        first = result if untold and not result.wrong else first  # one update that can be judged is enough
    return result if result.data["culprit"] else first


def compared(session: Session, *files: Values | Program) -> Result:
    """Compare with arrays that have been read already, an update each; the session keeps what was found.

    Raises:
        ComparisonError: where there is nothing to compare.
    """
    return whole(_comparing(session, files))


def _comparing(session: Session, files: Sequence[Values | Program]) -> Work:
    arrays = [one for one in files if not isinstance(one, Program)]
    if session.program.recorded or len(arrays) < len(files):
        from bpdebug.trust.recordings import compare_recordings  # noqa: PLC0415 - a start does without

        if len(files) > 1 or not isinstance(files[0], Program):
            raise CommandError("a recording is compared with one other recording: compare other.bpd")
        yield "comparing"
        session.comparison = compare_recordings(session.program, files[0])
        return session.comparison.result()
    from bpdebug.trust.updates import answer, comparing_updates  # noqa: PLC0415 - a start does without

    reports = yield from comparing_updates(session.timeline, arrays)
    session.comparison = next((report for report in reports if report.culprit), reports[-1])
    return answer(reports)
