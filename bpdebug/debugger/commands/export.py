"""Exports as a command."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from bpdebug.debugger.export.formats import FORMATS, exporting
from bpdebug.debugger.files import path_of
from bpdebug.debugger.results import Result
from bpdebug.debugger.table import CommandError, command
from bpdebug.debugger.tasks import Task

if TYPE_CHECKING:
    from bpdebug.debugger.session import Session


@command("export FILE.md|.tex|.html|.py|.npz|.jsonl", "session", asks="export this update to a file (.md .tex .html .py .npz .jsonl)")
def export_(session: Session, arguments: str) -> Task:
    """Write this update to a file: a worked solution (.md .tex .html), a PyTorch script (.py), data (.npz .jsonl)."""
    if not arguments:
        endings = ", ".join(row.ending for row in FORMATS.values())
        raise CommandError(f"export to which file? Its ending tells the format: {endings}")
    return Task(_exported(session, arguments))


def _exported(session: Session, arguments: str) -> Generator[str, None, Result]:
    chosen = yield from exporting(session.timeline, path_of(arguments), style=session.style)
    update = min(session.position.update, session.position.updates - 1)
    data = {"file": arguments, "format": chosen.name, "exported": update}
    return Result("export", f"update {update} exported to {arguments}: {chosen.help}", data)
