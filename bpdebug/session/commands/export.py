"""Exports as a command."""

from __future__ import annotations

from collections.abc import Generator

from bpdebug.export.formats import FORMATS, exporting
from bpdebug.files import path_of
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result
from bpdebug.time.tasks import Task

_NAMED = 5
"""Changes that are named."""


@command("export FILE.md|.tex|.html|.py|.npz|.jsonl", "session", asks="export this update to a file (.md .tex .html .py .npz .jsonl)")
def export_(session: Session, arguments: str) -> Task:
    """Write this update to a file: a worked solution (.md .tex .html), a PyTorch script (.py), data (.npz .jsonl)."""
    if not arguments:
        endings = ", ".join(row.ending for row in FORMATS.values())
        raise CommandError(f"export to which file? Its ending tells the format: {endings}")
    return Task(_exported(session, arguments))


def _exported(session: Session, arguments: str) -> Generator[str, None, Result]:
    chosen, left_out = yield from exporting(session.timeline, path_of(arguments), style=session.cursor.style)
    update = min(session.position.update, session.position.updates - 1)
    data = {"file": arguments, "format": chosen.name, "exported": update, "left_out": list(left_out)}
    told = _without(left_out) if left_out else chosen.help
    return Result("export", f"update {update} exported to {arguments}: {told}", data)


def _without(left_out: tuple[str, ...]) -> str:
    """What a script is that does not go along with everything that the user has changed."""
    more = f" and {len(left_out) - _NAMED} more" * (len(left_out) > _NAMED)
    changes = "; ".join(left_out[:_NAMED]) + more
    return f"a PyTorch script of this update as it is without what was changed in it ({changes}), so that its numbers may differ"
