"""A recording as statements under the names of his own storage: the first update's, which the others share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, reduce
from operator import or_
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula, parse
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Level
from bpdebug.core.shapes import Shape
from bpdebug.core.tree import Name, Tree, substitute
from bpdebug.frontends.numpy_script.alike import is_sound
from bpdebug.frontends.numpy_script.child import Recorded, ScriptError
from bpdebug.frontends.numpy_script.ending import ending_of, nothing, printed_of, seeded, squares_of, unseen
from bpdebug.frontends.numpy_script.lost import lost_steps
from bpdebug.frontends.numpy_script.names import PLACE, Names
from bpdebug.frontends.numpy_script.statement import Line, Statement, long_lines


class Recording(Record, eq=False):
    """What a script computes.

    Attributes:
        script: its path.
        loop: the line of the loop of updates.
        body: the first and the last line of that loop's body.
        statements: of an update, in order.
        carried: the tensors that live from update to update, and the statement that is the next version of each.
        start: what they are at first.
        kept: the numbers of the updates that are kept.
        given: for each of them the numbers that no statement computes.
        starts: where updates before are not kept, what the carried tensors are then; by number.
        values: for the first updates every number.
        ended: how the script ended: ``ended``, ``enough``, or what it raised.
        ending: where it did not come to its own end, why.
        traceback: of what it raised, as Python has it.
        breakpoints: the lines at which it calls ``breakpoint()``.
        remarks: what is said of the run, and leaves nothing in doubt.
        squares: where a flat list met a column, by the line, and the shapes.
        where: the file and line of an exception.
        notes: what else there is to say.
        losses: of what may be a loss, by its line, the value in each update.
        files: the text of each of his files that has run.
        printed: the lines that it has printed: in which update, the line that prints it, and what.
        grown: what has more numbers than in an update before: its shapes then, and now.
        total: the sum of the losses of its samples, which it does not compute itself, or "".
        bounded: whether the last values are of smaller parameters, since with his a bound is reached that keeps a logarithm finite.
    """

    script: str
    loop: Line
    body: tuple[int, int]
    statements: tuple[Statement, ...]
    carried: Mapping[str, str]
    start: Mapping[str, Array]
    kept: tuple[int, ...]
    given: tuple[Mapping[str, Array], ...]
    starts: Mapping[int, Mapping[str, Array]]
    values: tuple[Mapping[str, Array], ...]
    ended: str
    where: tuple[str, int] | None = None
    notes: tuple[str, ...] = ()
    losses: Mapping[str, Mapping[int, float]] = {}
    files: Mapping[str, str] = {}
    printed: tuple[tuple[int, str, str], ...] = ()
    ending: str = ""
    traceback: str = ""
    squares: Mapping[str, str] = {}
    breakpoints: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    grown: Mapping[str, tuple[Shape, Shape]] = {}
    total: str = ""
    bounded: bool = False

    @cached_property
    def inner(self) -> Mapping[str, Tree]:
        """What values without a name are computed by."""
        return {one.name: one.formula.tree for one in self.statements if one.inner and one.formula}

    @cached_property
    def shares(self) -> Mapping[str, int]:
        """Of each value what lives from update to update and has a share in it, a bit each."""
        found = {name: 1 << place for place, name in enumerate(self.start)}
        for one in self.statements:
            found[one.name] = reduce(or_, (found.get(name, 0) for name in one.reads), 0)
        return found


def _alike(text: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]], int, list[str]]:
    """The statements of the update that was asked for, else those that most make; the updates that make them of arrays of the same shapes,
    numbered from the first of those where none was asked for; by how much that is off; and what there is to say."""
    updates, order = text["updates"], _kinds(text)
    usual = dict(zip([update["number"] for update in updates], order, strict=True)).get(text["at"] or -1)
    usual = usual or max(dict.fromkeys(order), key=order.count)
    same = [update for update, made in zip(updates, order, strict=True) if made == usual]
    first = 0 if text["at"] else same[0]["number"]
    said = f"{len(same)} of {len(order)} updates are kept: the others have other statements, or a batch of another size"
    notes = [said] * (len(same) < len(order))
    notes += [*lost_steps(text["files"]), *unseen(text)]
    notes += [] if text.get("traceback") else [f"{place}: {told}" for place, told in squares_of(text).items()]
    return text["listings"][usual[0]], [update | {"number": update["number"] - first} for update in same], first, notes


def _kinds(text: Mapping[str, Any]) -> list[tuple[int, tuple[Any, ...]]]:
    """The listing of each update, and the shapes of the arrays that each one with these statements is given: a last batch may be short."""
    shared = dict[int, set[str]]()
    for update in text["updates"]:
        listing, values = update["listing"], update["values"]
        given = {place for place in text["listings"][listing]["given"] if values.get(place) is not None}
        shared[listing] = shared.get(listing, given) & given
    return [
        (update["listing"], tuple(tuple(text["arrays"][update["values"][place]][1]) for place in sorted(shared[update["listing"]])))
        for update in text["updates"]
    ]


def _with_numbers(listing: dict[str, Any], same: Sequence[Mapping[str, Any]], arrays: Sequence[Array]) -> dict[str, Any]:
    """The listing with the numbers that have no name, such as ``1 / m``, written out where they are the same in all updates."""
    told = dict[str, str]()
    for place, one in listing["given"].items() if same else ():
        found = [arrays[n] for update in same if (n := update["values"].get(place)) is not None]
        if one["plain"] and not one["slots"] and found and all(value == found[0] for value in found):
            told[place] = repr(found[0].item())
    said = [one | {"text": PLACE.sub(lambda found: told.get(found[0], found[0]), one["text"])} for one in listing["statements"]]
    return listing | {"statements": said, "given": {place: one for place, one in listing["given"].items() if place not in told}}


def read(recorded: Recorded, script: str) -> Recording:
    """The statements of what was recorded.

    Raises:
        ScriptError: where no update was found.
    """
    text = recorded.text
    if not text["updates"]:
        raise ScriptError(*nothing(text, script))
    listing, same, before, notes = _alike(text)
    if (count := len(listing["statements"])) > _MOST:
        raise ScriptError(
            f"{script}: an update of the loop at {Line(*text['loop'])} makes {count:,} statements; with more than {_MOST:,}"
            " it is not analysed, as where each number is a statement of its own"
        )
    listing = _with_numbers(listing, same, recorded.arrays)
    names = Names(listing, {*text["top"]})
    statements = list[Statement]()
    every = [
        {names.of[place]: recorded.arrays[n] for place, n in one["values"].items() if place in names.of and n is not None} for one in same
    ]
    seen = {**every[0]}
    for statement in _statements(names, listing, {str(file): str(content) for file, content in text["files"]}):
        statements.append(_checked(statement, seen))
    opaque = {statement.name for statement in statements if statement.formula is None}
    made = {statement.name for statement in statements} - opaque
    carried = {names.of[old]: names.of[new] if new != old else f"{names.of[old]} later" for old, new in listing["carried"]}
    wanted = ({*names.of.values()} & {*every[0]}) - made - {*carried}
    read = {name for statement in statements for name in statement.reads}
    wanted -= opaque - read  # such as the places of a condition, where what they choose is told by the condition itself
    there = [place for place, one in enumerate(every) if _is_like(one, every[0], wanted, opaque)]
    every, kept = [every[place] for place in there], [int(same[place]["number"]) for place in there]
    given = [{name: one.get(name, every[0][name]) for name in wanted} for one in every]
    behind = [(n, one) for old, n, one in zip([-1, *kept], kept, every, strict=False) if n != old + 1]
    starts = {number: {name: one[name] for name in carried} for number, one in behind}
    whole = [one for one in every if {*made} & {*every[0]} <= {*one}]
    sound = [all(is_sound(one[name], every[0][name]) for name in carried if name in one) for one in whole]
    whole = whole[: max(sound.index(False), 1)] if False in sound else whole  # what starts from NaN tells nothing apart
    whole = [seen, *filter(None, (_filled(statements, values) for values in whole[1:]))]
    while len(whole) > 1 and all(np.array_equal(whole[-1][old], whole[-1][new]) for old, new in carried.items() if new in whole[-1]):
        whole.pop()  # what moves nothing tells nothing
    return Recording(
        str(text["script"]),
        Line(*text["loop"]),
        tuple(text["body"]),
        tuple(statements),
        carried,
        {name: every[0][name] for name in carried},
        tuple(kept),
        tuple(given),
        starts,
        tuple(whole),
        text["ended"],
        tuple(text["where"]) if "where" in text else None,
        tuple(notes),
        {str(Line(*place)): {int(n) - before: float(value) for n, value in values} for place, values in text["losses"]},
        {str(file): str(content) for file, content in text["files"]},
        (*printed_of(text, before),),
        ending_of(text),
        text.get("traceback", ""),
        squares_of(text),
        tuple(map(str, text["breakpoints"])),
        tuple(seeded(text)),
        dict(_grown(text, {name: every[0][name].shape for name in carried})),
    )


def _grown(text: Mapping[str, Any], shapes: Mapping[str, Shape]) -> Iterator[tuple[str, tuple[Shape, Shape]]]:
    """What has more numbers than in an update before, as after ``b - rate * delta`` where delta has a row for each sample; both shapes."""
    for update in text["updates"][:_FIRST]:
        for place, name in Names(text["listings"][update["listing"]], {*text["top"]}).of.items():
            if name in shapes and (n := update["values"].get(place)) is not None:
                shape = tuple(text["arrays"][n][1])
                yield from [(name, (shape, shapes[name]))] if 1 < np.prod(shape) < np.prod(shapes[name]) else []


def _is_like(one: Mapping[str, Array], other: Mapping[str, Array], names: set[str], needed: set[str]) -> bool:
    """Whether values have the shapes that they have in another update, and those that no formula gives are known: how many samples a mask
    leaves may change."""
    return all(one[name].shape == other[name].shape if name in one else name not in needed for name in names)


_MOST = 10_000
"""Statements of an update that can be analysed in a time that one waits."""
_FIRST, _DEEPEST = 3, 12
"""Updates in which something may grow; calls and loops within each other that are told apart."""


def _paths(listing: Mapping[str, Any], statements: Sequence[Mapping[str, Any]]) -> list[tuple[Level, ...]]:
    """Of each of some statements the calls and loops that it stands in, but for those that all stand in."""
    levels: list[tuple[Level, ...]] = [()]
    for above, title, line, number, turn in listing["levels"]:
        levels.append((*levels[above + 1], Level(title, str(Line(*line)), number, turn)))
    paths = [levels[one["level"] + 1] for one in statements]
    shared = 0
    while paths and len({path[shared : shared + 1] for path in paths}) == 1 and len(paths[0]) > shared:
        shared += 1
    return [path[shared : shared + _DEEPEST] for path in paths]


_NEAR = 1e-12
"""Relative: a distance that another layout in memory makes, in double precision."""


def _checked(statement: Statement, values: dict[str, Array]) -> Statement:
    """A statement whose formula gives the recorded numbers from the recorded operands; another one is opaque.

    Args:
        statement: which.
        values: the recorded numbers; that of a value which the script does not name is added.
    """
    if statement.formula is None:
        return statement
    due = values.get(statement.name)
    dtype = due.dtype if due is not None and due.dtype.kind == "f" else np.dtype(float)
    if missing := [name for name in statement.formula.names if name not in values]:
        return replace(statement, formula=None, reason=f"the numbers of {missing[0]} are not known", opaque=statement.formula.names)
    try:
        found = evaluate(statement.formula, values, dtype)
    except (FormulaError, KeyError, TypeError) as error:
        return replace(statement, formula=None, reason=str(error), opaque=statement.formula.names)
    due = values.setdefault(statement.name, found)
    near = max(_NEAR, 32 * float(np.finfo(dtype.char).eps))
    size = np.max(np.abs(due), initial=0, where=np.isfinite(due))
    if found.shape == due.shape and np.allclose(found, due, near, near * size, equal_nan=True):
        return statement
    return replace(statement, formula=None, reason="its formula gives other numbers", opaque=statement.formula.names)


def _filled(statements: Sequence[Statement], values: Mapping[str, Array]) -> dict[str, Array]:
    """The numbers of an update with those of values that the script does not name; none where they are not all known."""
    found = {**values}
    for one in statements:
        if one.formula and one.name not in found:
            if not found.keys() >= {*one.formula.names}:
                return {}
            found[one.name] = evaluate(one.formula, found)
    return found


def _statements(names: Names, listing: Mapping[str, Any], files: Mapping[str, str]) -> Iterator[Statement]:
    """Each statement, with its formula where the language has it."""
    ends = long_lines(files)
    called = {f"place_{place[1:-1]}": Name(name) for place, name in names.of.items()}
    for one, path in zip(names.said, _paths(listing, names.said), strict=True):
        formula, reason = None, one["reason"]
        if not reason:
            try:
                formula = parse(PLACE.sub(lambda found: f"place_{found[0][1:-1]}", one["text"]))
                formula = Formula.of(substitute(formula.tree, called))
            except FormulaError as error:
                reason = error.message
        read, line, made = one["reads"] or PLACE.findall(one["text"]), Line(*one["line"]), Line(*one["from"])
        within = (made.file, made.function) == (line.file, line.function)
        here = within and line.number <= made.number <= ends.get((line.file, line.number), 0)  # of several lines, that which computes it
        yield Statement(
            names.of[one["place"]],
            formula,
            reason,
            made if here else line,
            made,
            not one["slots"],
            one["live"],
            one["partial"],
            () if formula else tuple(names.of[place] for place in read if place in names.of),
            path,
            one["order"],
            tuple((name, Line(*line), order) for name, line, order in one["renamed"]),
        )


__all__ = ["Line", "Recording", "ScriptError", "Statement", "read"]
