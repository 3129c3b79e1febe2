"""Stepping into a stage: its cells one by one, each explained."""

from __future__ import annotations

from bpdebug.core.numbers import exact
from bpdebug.core.record import replace
from bpdebug.look.into import Stand, walk
from bpdebug.session.arrival import describe_stop
from bpdebug.session.session import Session
from bpdebug.session.table import command, count_of
from bpdebug.time.moves import Move
from bpdebug.time.results import Result
from bpdebug.time.runner import Outcome


@command("into [n]", "move", keys="i", aliases="i", label="into")
def into(session: Session, arguments: str) -> Result | Move:
    """Run the next stage and stand on its first cell; there, go on to the next cell (or n cells), row by row."""
    return _go(session, walk(session.cursor, count_of(arguments)))


@command("reverse-into [n]", "back", keys="I", aliases="ri")
def reverse_into(session: Session, arguments: str) -> Result | Move:
    """Go back one cell (or n cells); before a stage's first cell, to the last one of the stage before it."""
    return _go(session, walk(session.cursor, -count_of(arguments)))


def _go(session: Session, stand: Stand) -> Result | Move:
    """Move to the moment of a cell, and select it."""
    position = session.position
    if stand.t == position.t and stand.name:
        return _arrived(session, stand, describe_stop(session.timeline, Move(stand.t, "cell"), position, Outcome()), moved=False)
    return Move(stand.t, "cell", jump=stand.t < position.t, tell=lambda result: _arrived(session, stand, result, moved=True))


def _arrived(session: Session, stand: Stand, result: Result, moved: bool) -> Result:
    """Select the cell and say what it is made of; where a stop came first, only that."""
    if session.position.t != stand.t or not stand.name:
        return result
    session.cursor.select(stand.name, stand.index)
    session.cursor.inside = stand.t
    explained = session.explain(stand.name, stand.index)
    lines = [f"cell {stand.number + 1} of {stand.cells}", *explained.lines()[:-1]]
    cell = {"name": stand.name, "index": list(stand.index), "value": exact(explained.value), "place": stand.number, "cells": stand.cells}
    return replace(result, text="\n".join([*([result.text] * moved), *lines]), data={**result.data, "into": cell})
