"""Comparing: the user's own numbers beside those of the present update."""

from __future__ import annotations

from collections.abc import Generator, Mapping

from bpdebug.arrays import read_arrays
from bpdebug.core.description import Array
from bpdebug.files import path_of
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result
from bpdebug.time.tasks import Task, whole


@command("compare FILE.npz", "look", asks="compare with the arrays of an npz file")
def compare_(session: Session, arguments: str) -> Task:
    """Compare your own numbers (an npz file with z1, a1, dz1, dW1, …) with this update, stage by stage."""
    if not arguments:
        raise CommandError("compare with which file? It is an npz file with arrays named z1, a1, dz1, dW1, …")
    return Task(_comparing(session, read_arrays(path_of(arguments))))


def compared(session: Session, arrays: Mapping[str, Array]) -> Result:
    """Compare with arrays that have been read already; the session keeps what was found.

    Raises:
        ComparisonError: where there is nothing to compare.
    """
    return whole(_comparing(session, arrays))


def _comparing(session: Session, arrays: Mapping[str, Array]) -> Generator[str, None, Result]:
    from bpdebug.trust.compare import comparing  # noqa: PLC0415 - a start does without

    session.comparison = yield from comparing(session.timeline, arrays)
    return session.comparison.result()
