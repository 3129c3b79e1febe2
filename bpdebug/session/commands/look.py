"""Looking: the cells of a stage one by one, values, where they come from, and where we are."""

from __future__ import annotations

import re

from bpdebug.core.cells import Cell, NamedCell, Term, cell_name
from bpdebug.core.evaluate import evaluate
from bpdebug.core.misfits import shape_text
from bpdebug.core.numbers import exact, short, sparkline, table
from bpdebug.core.shapes import infer
from bpdebug.core.tensors import Role
from bpdebug.look.explanation import Explanation
from bpdebug.look.folds import Fold
from bpdebug.look.into import Stand, walk
from bpdebug.look.listing import listing
from bpdebug.look.sums import Sum, signed, sum_of
from bpdebug.session.arrival import describe, describe_stop
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, Work, command, count_of
from bpdebug.time.moves import Move
from bpdebug.time.position import Location
from bpdebug.time.recording import recording
from bpdebug.time.results import Result
from bpdebug.time.runner import Outcome
from bpdebug.time.tasks import SLICE

_LOOKED_AT = 256
"""Updates of a history between two looks at whether to stop."""
_MOST_TERMS = 10_000
"""Of a longer sum, these are written as data."""


@command("into [n]", "move", keys="i", aliases="i", label="into")
def into(session: Session, count: int = 1) -> Result | Move:
    """Open the next fold (a loop, a call); else run the next stage and stand on its first cell; there, go to the next (or n)."""
    stand = walk(session.cursor, count)
    hiding = session.cursor.hiding(stand.name) if count == 1 and stand.t != session.position.t else None
    return _chosen(session, hiding, True) if hiding else _go(session, stand)


@command("reverse-into [n]", "back", keys="I", aliases="ri")
def reverse_into(session: Session, count: int = 1) -> Result | Move:
    """Go back one cell (or n); at a stage's first, close the loop or call around it, else go to the last of the stage before."""
    stand, position, cursor = walk(session.cursor, -count), session.position, session.cursor
    around = [fold for name in (position.next, position.stage) if (fold := cursor.holding(name or "")) and fold.called]
    if count == 1 and around and (stand.t != position.t or cursor.inside != position.t):
        cursor.inside = None
        return _chosen(session, max(around, key=lambda fold: fold.key[1]), False)
    return _go(session, stand)


@command("unfold [LOCATION]", "look", aliases="open")
def unfold(session: Session, location: Location | None = None) -> Result:
    """Open the outermost closed fold (loop, call, turn of a loop, group) at a location, by default at the next stage."""
    return _folded(session, location, True)


@command("fold [LOCATION]", "look", aliases="close")
def fold_(session: Session, location: Location | None = None) -> Result:
    """Close the innermost open fold (loop, call, turn of a loop, group) at a location, by default at the next stage."""
    return _folded(session, location, False)


def _folded(session: Session, location: Location | None, is_open: bool) -> Result:
    position, cursor = session.position, session.cursor
    name = location.after if location else position.next or position.stage or ""
    fold = cursor.hiding(name) if is_open else cursor.holding(name)
    if fold is None:
        raise CommandError(f"no fold is {'closed' if is_open else 'open'} at {name or 'this location'}")
    return _chosen(session, fold, is_open)


def _chosen(session: Session, fold: Fold, is_open: bool) -> Result:
    """Open a fold, or close it."""
    session.cursor.chosen_folds[fold.key] = is_open
    place = f" {fold.place}" * bool(fold.place)
    text = f"{fold.title}{place} is {'open' if is_open else 'closed'}: {fold.count}"
    return Result("fold", text, {"title": fold.title, "first": fold.key[0], "open": is_open, "stages": fold.end - fold.first})


def _go(session: Session, stand: Stand) -> Result | Move:
    """Move to the moment of a cell, and select it."""
    position = session.position

    def arrived(result: Result, moved: bool = True) -> Result:
        """Select the cell and say what it is made of; where a stop came first, only that."""
        if session.position.t != stand.t or not stand.name:
            return result
        session.cursor.select(stand.name, stand.index)
        session.cursor.inside = stand.t
        explained = session.explain(stand.name, stand.index)
        lines = [*[result.text] * moved, f"cell {stand.number + 1} of {stand.cells}", *explained.arithmetic()]
        cell = {"name": stand.name, "index": list(stand.index), "value": exact(explained.value)}
        cell |= {"place": stand.number, "cells": stand.cells}
        return result.also("\n".join(lines), into=cell)

    if stand.t == position.t and stand.name:
        return arrived(describe_stop(session.timeline, Move(stand.t, "cell"), position, Outcome()), moved=False)
    return Move(stand.t, "cell", jump=stand.t < position.t, tell=arrived)


@command(
    "print EXPRESSION",
    "look",
    keys="p",
    aliases="p",
    asks="print (a2, dz2[0,0], max(abs(dW1)))",
    missing="print needs an expression, for example: print a2, print max(abs(dz2))",
)
def print_(session: Session, arguments: str) -> Result:
    """Show the value of a tensor or an expression."""
    if arguments.endswith(".shape"):  # as NumPy writes it, be the expression computed already or not
        shape = infer(session.program.parse(arguments.removesuffix(".shape")), session.shapes)
        return Result("value", f"{arguments} = {shape}", {"name": arguments, "shape": [len(shape)], "value": list(shape)})
    value = session.value(arguments)
    lines = table(value, session.number_style.plain)
    text = "\n  ".join([f"{arguments} ({shape_text(value.shape)})", *lines]) if value.ndim else f"{arguments} = {lines[0]}"
    return Result("value", text, {"name": arguments, "shape": list(value.shape), "value": exact(value)})


@command("explain [NAME[i,j]]", "look", keys="x", aliases="x", asks="explain (dW2[1,0], loss)")
def explain(session: Session, cell: NamedCell | None = None) -> Result:
    """Show where a number comes from (default: the selected one): its formula with the numbers put in."""
    cell = cell or session.selected
    if cell is None:
        raise CommandError("no cell is selected: name one, such as explain dW2[1,0]")
    return _explained(session.explain(*cell))


def _explained(explanation: Explanation) -> Result:
    values, arithmetic = dict[NamedCell, float](), dict[str, object]()
    if term := explanation.term:  # the sum that it is (of one term, where it is none), what is done with it, and the whole
        values = {(cell.name, cell.index): cell.value for cell in term.cells()}
        found = sum_of(term) or Sum((("+", term),), "", term.value)
        terms = [{"value": exact(signed(sign, part)), "operands": [*map(_tree, part.cells())]} for sign, part in found.terms[:_MOST_TERMS]]
        arithmetic = {"sum": exact(found.value), "around": found.around, "terms": terms, "term": _tree(term)}
    data = {
        "name": explanation.name,
        "index": list(explanation.index),
        "value": exact(explanation.value),
        "computed_by": explanation.stage.name if explanation.stage else None,
        "formula": explanation.stage.formula.text if explanation.stage else None,
        "symbolic": explanation.symbolic,
        "numbers": explanation.numbers,
        "meaning": explanation.meaning,
        "rule": explanation.rule,
        "operands": [{"name": name, "index": list(at), "value": exact(values[name, at])} for name, at in explanation.operands],
        **arithmetic,
        **({"line": explanation.stage.line} if explanation.stage and explanation.stage.line else {}),
    }
    return Result("explanation", "\n".join(explanation.lines()), data)


def _tree(term: Term) -> dict[str, object]:
    """A number with what it is made of: a cell of a tensor, a number, or an operator's parts."""
    own = {"operator": term.operator, "value": exact(term.value)}
    cell = {"name": term.name, "index": list(term.index)} if term.operator == "cell" else {}
    return own | cell | ({"parts": [*map(_tree, term.parts[:_MOST_TERMS])]} if term.parts else {})


@command("select NAME[i,j]", "look")
def select(session: Session, cell: NamedCell) -> Result:
    """Put the cell cursor on a cell, the first one of a tensor if none is named (in the app: the arrow keys)."""
    name, index = cell
    index = index or (0,) * len(session.shapes.get(name, ()))
    session.cursor.select(name, index)
    return _explained(session.explain(name, index))


@command("origin [NAME[i,j]]", "look", keys="enter", label="origin")
def origin(session: Session, cell: tuple[str | None, Cell] = (None, ())) -> Move:
    """Jump to the stage that made the selected cell; from there, to the cell that it was made of."""
    return Move(session.cursor.follow_origin(*cell), "origin", jump=True)


@command("operand [n]", "look", keys="o", aliases="o")
def operand(session: Session, place: int | None = None) -> Result:
    """Choose the next operand of the selected cell (or the nth, from 1) for origin to go to."""
    explained = session.explain(*session.selected) if session.selected else None
    if explained is None or not explained.operands:
        raise CommandError("the selected cell has no operands")
    session.cursor.operand = (place - 1 if place else session.cursor.operand + 1) % len(explained.operands)
    name, index = explained.operands[session.cursor.operand]
    return Result("position", f"origin goes to {cell_name(name, index)}", {"operand": {"name": name, "index": list(index)}})


@command("return", "look", keys="backspace")
def return_(session: Session) -> Move:
    """Go back to where the last origin was asked for."""
    return Move(session.cursor.leave_origin(), "return", jump=True)


@command("hop", "look", keys=";")
def hop(_session: Session) -> Result:
    """Lay letters over the stages, tensors and neurons on the screen; typing them goes there."""
    raise CommandError("hop lays letters over a screen, and there is none: 'goto STAGE' or 'select NAME[i,j]' goes there")


@command("list", "look", keys="l", aliases="l")
def list_(session: Session) -> Result:
    """Show the program: stages with their formulas, folded calls and loops as one line, and how far this update has come."""
    rows, data = listing(session.timeline, session.cursor.open_folds)
    return Result("listing", "\n".join(rows), data)


@command(
    "history EXPRESSION [for N]",
    "look",
    keys="h",
    asks="history of (loss, norm(dz1) for 50)",
    missing="history needs an expression, for example: history loss, history norm(dz1) for 50",
)
def history(session: Session, arguments: str) -> Work:
    """Show the values of an expression over the last N completed updates (default: 24)."""
    found = re.fullmatch(r"(.*\S)\s+for\s+(\S+)", arguments)
    text, count = (found[1], count_of(found[2])) if found else (arguments, 24)
    program, formula = session.program, session.program.parse(text)
    if {program.tensors[name].role for name in formula.names if name in program.tensors} & {Role.INPUT, Role.TARGET, Role.COUNT}:
        raise CommandError("the batches themselves are not recorded: choose parameters or what the stages compute")
    if shape := infer(formula, session.shapes):
        raise CommandError(f"a single number is expected; this is {shape_text(shape)}: write norm(…), or max(abs(…)), or a cell")
    points = list[tuple[int, float]]()
    for made in (yield from recording(session.timeline, count, seconds=SLICE)):
        points.append((made.update, float(evaluate(formula, made.values(), program.dtype))))
        if len(points) % _LOOKED_AT == 0:
            yield f"looking at update {made.update}"
    if not points:
        raise CommandError("no update is complete yet")
    values = [value for _, value in points]
    lines = [f"{text}  {sparkline(values, len(values))}", *(f"  update {update}: {short(value, 8)}" for update, value in points)]
    return Result("history", "\n".join(lines), {"name": text, "updates": [u for u, _ in points], "values": exact(values)})


@command("where", "look", keys="W", aliases="w")
def where(session: Session) -> Result:
    """Show the present moment: update, epoch, batch, stage."""
    p = session.position
    text = f"{describe(session.timeline)}\nepoch {p.epoch}, batch {p.batch + 1}/{p.batches}, t = {p.t}"
    return Result("position", text, {"epoch": p.epoch, "batch": p.batch, "next": p.next, "phase": p.phase, "layer": p.layer})
