"""What is said of a recording: which updates it has, why the script did not come to its own end, why there is nothing to step through."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from bpdebug.files import SCRIPT_BYTES, FileError, read_file
from bpdebug.frontends.numpy_script.lost import lost_steps

_RUNS = 6
"""Stretches of updates that are named one by one."""
_LONGEST = 150
"""Characters of an exception's message."""


def ending_of(text: Mapping[str, Any]) -> str:
    """Why the script did not come to its own end, or ""."""
    if text["ended"] in ("ended", "enough", "running"):
        return ""
    place, raised = f" at {text['where'][0]}:{text['where'][1]}" * bool(text["where"][1]), text["ended"].partition("\n")[0][:_LONGEST]
    return f"the script was stopped{place}" if raised == "KeyboardInterrupt" else f"the script stopped with {raised}{place}"


def printed_of(text: Mapping[str, Any], first: int) -> Iterator[tuple[int, str, str]]:
    """What was printed, each line with its update, counted from the first that is kept, and the line that prints it; a traceback last."""
    for update, place, line in text["printed"]:
        yield int(update) - first, str(place), str(line)
    for line in text.get("traceback", "").splitlines():
        yield int(text["updates"][-1]["number"]) - first, "", line


def squares_of(text: Mapping[str, Any]) -> dict[str, str]:
    """Where a flat list met a column, by the line: it is this, and not the line at which the script stops, if it does."""
    told = dict[str, str]()
    for (file, line), found in text["squares"]:
        (one, first), (other, second), (_, made) = [(name or "a value", tuple(shape)) for name, shape in found]
        sentence = f"{one} {first} with {other} {second} gives {made}: a flat list met a column; reshape(-1, 1) makes it one"
        told.setdefault(f"{file}:{line}", sentence)
    return told


def stopped(squares: Mapping[str, str], traceback: str, ending: str, before: str) -> str:
    """That a script stopped too early: what was found, then the traceback, then before what that was."""
    told = [f"{place}: {told}" for place, told in squares.items()] + [traceback.rstrip()] * bool(traceback)
    return "\n".join([*told, f"bpdebug: {ending}, before {before}: there is nothing to step through"])


def _newer(text: Mapping[str, Any]) -> str:
    """That a newer Python reads what an older one has found a mistake in, on a line of its own."""
    theirs = tuple(text["python"])
    with suppress(FileError, SyntaxError, ValueError):
        if theirs < sys.version_info[:2]:
            ast.parse(read_file(Path(text["where"][0]), "a script", SCRIPT_BYTES))
            ours = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
            return f"\nbpdebug: {ours} reads it, and Python {theirs[0]}.{theirs[1]}, which runs it, does not: --python PATH chooses another"
    return ""


def nothing(text: Mapping[str, Any], script: str) -> tuple[str, int, bool]:
    """Why there is nothing to step through, the status, and whether it says whose words these are: Python's of a mistake in the syntax."""
    if text.get("syntax"):
        return text["traceback"].rstrip() + _newer(text), 2, True
    if ending := ending_of(text):
        return stopped(squares_of(text), text["traceback"], ending, "anything was updated"), 1, True
    if text["asked"]:
        loops = ", ".join(f"{file}:{line}" for file, line in text["loops"]) or "none"
        return f"{script}: no loop at {text['asked']} changes an array from turn to turn; the loops that ran: {loops}", 1, False
    said = f"{script}: no loop was found that changes an array from turn to turn: there is no update to step through"
    if text["large"]:
        few = f"its arrays take more than {text['large'] >> 20} MB; with a smaller batch, or with fewer samples, it fits"
        many = few if text["large"] > 1 else "it takes too many operations, such as one for each number"
        said = f"{script}: no whole update was found in what could be recorded: {many}"
    return "\n".join([said, *lost_steps(text["files"]), *unseen(text), *seeded(text)]), 1, False


def unseen(text: Mapping[str, Any]) -> list[str]:
    """What computes out of our sight."""
    names = {"torch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow"}
    told = [f"what {names[name]} computes is not recorded" for name in text.get("frameworks", ()) if name in names]
    return [f"{one}; 'bpdebug record' records a training step of it" if "PyTorch" in one else one for one in told]


def seeded(text: Mapping[str, Any]) -> list[str]:
    """Which generators had no seed, and in whose place other steps are taken."""
    names = text.get("seeded", ())
    said = [f"{' and '.join(names)} had no seed: it is 0 here, so that each run computes the same"] * bool(names)
    told = "these are steps of plain gradient descent with the function that {} is given, before it begins ({})"
    return said + [told.format(name, place) for place, name in text.get("descents", {}).items()]


def kept_of(updates: tuple[int, ...]) -> str:
    """Which updates are kept."""
    ends = [place for place, (one, other) in enumerate(pairwise(updates), 1) if other > one + 1]
    if not ends and not updates[0]:
        return f"{len(updates)} updates are kept" if len(updates) > 1 else "1 update is kept"
    runs = [updates[begin:end] for begin, end in pairwise([0, *ends, len(updates)])]
    if len(runs) > _RUNS:
        return f"{len(updates)} of the updates {updates[0]} to {updates[-1]} are kept"
    told = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return f"updates {' and '.join([', '.join(told[:-1])] * (len(told) > 1) + told[-1:])} are kept"
