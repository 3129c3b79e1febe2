"""The files that the beginning of a path may mean."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from bpdebug.session.completion import Candidate, Completion

_MOST = 2000
"""Entries of a folder that are looked at."""


def complete_path(text: str, endings: Sequence[str] = (), new: bool = False) -> Completion:
    """The folders and files that a path may go on with; hidden ones only where a dot is typed.

    Args:
        text: the path so far; ``~`` is the home directory.
        endings: of the files that are meant (none: of all).
        new: whether the file may have to be made: its name is offered with each ending, too.
    """
    start = text.rfind("/") + 1
    name = text[start:]
    there = [entry for entry in _entries(text[:start]) if entry.startswith(name) and (name.startswith(".") or not entry.startswith("."))]
    fitting = [entry for entry in there if not endings or entry.endswith(("/", *endings))]
    stem = name.rpartition(".")[0] or name
    made = [f"{stem}{ending}" for ending in endings if new and stem and f"{stem}{ending}".startswith(name)]
    return Completion(start, len(text), tuple(Candidate(word) for word in dict.fromkeys([*fitting, *made])))


def _entries(folder: str) -> list[str]:
    """What a folder holds, folders with a slash; nothing where it cannot be read."""
    try:
        with os.scandir(Path(folder or ".").expanduser()) as found:
            return sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in islice(found, _MOST))
    except (OSError, RuntimeError, ValueError):
        return []
