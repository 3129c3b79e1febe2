"""A recording's file: what it holds is checked before anything is made of it, and nothing of it runs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bpdebug.arrays import ArrayError, Arrays
from bpdebug.core.description import Array
from bpdebug.core.errors import printable
from bpdebug.core.record import Record
from bpdebug.core.statements import is_name
from bpdebug.files import MEBI, FileError

FORMAT = 1
_TEXT = 64 * MEBI
_MOST, _RANK = 200_000, 32
"""Operations and values of a step, and axes of a value, at most."""
_PHASES = ("forward", "backward", "update")
_TAKEN = "m"
_shown = cache(printable)


class Value(Record):
    """A tensor of the step.

    Attributes:
        name, shape: as they were recorded.
        dtype: torch's name of its kind of number.
        kind: ``parameter``, ``buffer``, ``slot``, ``given``, ``loss`` or "".
        inner: whether neither the user nor a module has a name for it.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    kind: str
    inner: bool


class Operation(Record, eq=False):
    """One operation, as the recorder notes it; ``forward`` is the place of that of the forward pass to which it belongs, or -1; ``hooked``
    is what a hook runs in the backward pass, ``back`` whether it was computed on the way back."""

    name: str
    arguments: list[Any]
    keywords: dict[str, Any]
    live: frozenset[int]
    outs: tuple[int, ...]
    slots: tuple[int, ...]
    writes: tuple[int, ...]
    phase: str
    module: str
    line: tuple[str, int, str] | None
    forward: int
    hooked: bool = False
    back: bool = False


class Pass(Record, eq=False):
    """A backward pass.

    Attributes:
        first, last: how many operations stand before it, and up to its end.
        aside: whether it is not what the step is made of, such as one that makes a part of the loss.
        roots: the values that it begins with.
        gradients: a value's place to that of its gradient in this pass.
    """

    first: int
    last: int
    aside: bool
    roots: tuple[int, ...]
    gradients: Mapping[int, int]


class Step(Record, eq=False):
    """A recorded step.

    Attributes:
        torch, script, optimizer: the version of torch, the script's name, and the class of the optimizer.
        number: which step of the optimizer's.
        ended: how the script ended where it has not come to the step's end, or "".
        values, operations: in their order.
        arrays: the numbers of values, by their place, read when they are asked for; those of views are missing.
        gradients: a value's place to that of its gradient.
        roots: the values whose backward pass has run.
        files: the texts of the user's files, by their names.
        broken: the places of values that are not finite, and whether it is ``nan`` or ``inf``; None where the recording does not say.
        lacking: of parameters, the kind of what is to be said, their names, and a value and a line, or "".
        sizes: of values whose numbers were left out, the smallest and the largest of the finite ones, and their norm.
        own: of backward passes that the user has written, what the forward pass of each reads, and what it gives.
        aliased: the values the gradients of which are those of others, too: of what is looked at again as it was before.
        passes: the backward passes, in their order.
    """

    torch: str
    script: str
    optimizer: str
    number: int
    ended: str
    values: tuple[Value, ...]
    operations: tuple[Operation, ...]
    arrays: Mapping[int, Array]
    gradients: Mapping[int, int]
    roots: tuple[int, ...]
    files: Mapping[str, str]
    broken: Mapping[int, str] | None
    lacking: tuple[tuple[str, tuple[str, ...], str, str], ...] = ()
    sizes: Mapping[int, tuple[float, float, float]] = {}
    aliased: frozenset[int] = frozenset()
    own: tuple[tuple[tuple[int, ...], ...], ...] = ()
    passes: tuple[Pass, ...] = ()


def read_step(path: Path) -> Step:
    """What a recording holds.

    Raises:
        FileError: where it is none, or is damaged.
    """
    with _told(path):
        archive = Arrays(path)
        text = json.loads(archive.text("program.json", _TEXT))
        if text["format"] != FORMAT:
            raise FileError(path, f"this recording has format {int(text['format'])}, which a newer bpdebug reads; this one reads {FORMAT}")
        values = tuple(_value(place, *one) for place, one in enumerate(_few(text["values"])))
        count = len(values)
        hooked = {*_few(text.get("hooked", []))}
        operations = tuple(_operation(one, place, count, place in hooked) for place, one in enumerate(_few(text["operations"])))
        arrays = _Numbers(path, archive, values)
        gradients = _pairs(text["gradients"], count)
        roots = tuple(_place(one, count) for one in text["roots"])
        files = {printable(str(name)): str(content) for name, content in text["files"].items()}
        told = text.get("broken")
        broken = None if told is None else {_place(place, count): kind for kind in ("inf", "nan") for place in told[kind]}
        lacking = tuple(_lacking(*one) for one in _few(text.get("lacking", [])))
        sizes = {
            _place(place, count): (float(least), float(most), float(norm)) for place, _, least, most, norm in _few(text.get("sizes", []))
        }
        aliased = frozenset(_place(place, count) for place in _few(text.get("aliased", [])))
        own = tuple(tuple(tuple(_place(place, count) for place in _few(side)) for side in one[:2]) for one in _few(text.get("own", [])))
        passes = tuple(_pass(len(operations), count, *one) for one in _few(text.get("passes", [])))
        said = [printable(str(text[key])) for key in ("torch", "script", "optimizer", "ended")]
        parts = _unique(values), operations, arrays, gradients, roots, files, broken, lacking, sizes, aliased, own, passes
        return Step(said[0], said[1], said[2], int(text["step"]), said[3], *parts)


class _Numbers(Mapping[int, Array]):
    """The numbers of values by their place, each read when it is asked for.

    Args:
        path: of the recording.
        archive: which is open.
        values: what is expected.

    Raises:
        ArrayError: where they promise more than the file can hold.
        FileError: when one is asked for that is damaged, or of another shape.
    """

    def __init__(self, path: Path, archive: Arrays, values: Sequence[Value]) -> None:
        self._path, self._archive, self._values = path, archive, values
        there = {*archive.names}
        self._names = {place: name for place in range(len(values)) if (name := f"v{place}") in there}
        archive.believe(sum(math.prod(values[place].shape) * _kind(values[place]).itemsize for place in self._names))

    def __getitem__(self, place: int) -> Array:
        value = self._values[place]
        with _told(self._path):
            return self._archive.expected(self._names[place], value.shape, _kind(value))

    def __contains__(self, place: object) -> bool:
        return place in self._names

    def __iter__(self) -> Iterator[int]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _kind(value: Value) -> np.dtype[Any]:
    """The kind of number in the file: bfloat16 and float8, which NumPy has not, are written as float32."""
    kind = np.dtype("float32" if value.dtype.startswith(("bfloat", "float8")) else value.dtype)
    if kind.kind not in "fiub":
        raise ValueError("no numbers")
    return kind


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except ArrayError as error:
        raise FileError(path, f"this is no recording of bpdebug's: {error}") from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError, OverflowError):
        raise FileError(path, "this recording is damaged") from None


def _pass(many: int, count: int, first: int, last: int, aside: bool, roots: list[int], gradients: list[list[int]]) -> Pass:
    return Pass(
        _place(first, many + 1),
        _place(last, many + 1),
        bool(aside),
        tuple(_place(one, count) for one in _few(roots)),
        _pairs(gradients, count),
    )


def _pairs(given: list[list[int]], count: int) -> dict[int, int]:
    return {_place(one, count): _place(other, count) for one, other in _few(given)}


def _lacking(kind: str, names: list[str], at: str, line: list[Any] | None) -> tuple[str, tuple[str, ...], str, str]:
    return (
        str(kind),
        tuple(printable(str(name)) for name in names),
        printable(str(at)),
        f"{printable(str(line[0]))}:{int(line[1])}" if line else "",
    )


def _few(given: list[Any]) -> list[Any]:
    if len(given) > _MOST:
        raise ValueError("too many")
    return given


def _place(given: Any, count: int) -> int:
    if type(given) is not int or not 0 <= given < count:
        raise ValueError("no such place")
    return given


def _value(place: int, name: str, shape: list[int], dtype: str, kind: str, inner: bool) -> Value:
    if len(shape) > _RANK or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError("no shape")
    fits = isinstance(name, str) and len(name) < 200 and is_name(name.partition("'")[0]) and name != _TAKEN
    return Value(name if fits else f"v{place}", tuple(shape), str(dtype), str(kind), bool(inner))


def _unique(values: tuple[Value, ...]) -> tuple[Value, ...]:
    if len({value.name for value in values}) < len(values):
        raise ValueError("two tensors of one name")
    return values


def _operation(one: dict[str, Any], place: int, count: int, hooked: bool) -> Operation:
    line = one["line"]
    if one["phase"] not in _PHASES or type(one["forward"]) is not int or one["forward"] >= place:
        raise ValueError("no phase")
    numbers = {key: tuple(_place(number, count) for number in one[key]) for key in ("live", "outs", "writes")}
    _check(one["arguments"], count)
    _check(list(one["keywords"].values()), count)
    return Operation(
        _shown(str(one["name"])),
        [*one["arguments"]],
        {**one["keywords"]},
        frozenset(numbers["live"]),
        numbers["outs"],
        tuple(int(slot) for slot in one["slots"]),
        numbers["writes"],
        one["phase"],
        _shown(str(one["module"])),
        (_shown(str(line[0])), int(line[1]), _shown(str(line[2]))) if line else None,
        one["forward"],
        hooked,
        one["phase"] == "backward",
    )


def _check(given: Any, count: int) -> None:
    """See that arguments are numbers, texts, values and lists of them."""
    for one in given:
        if isinstance(one, dict) and "t" in one:
            _place(one["t"], count)
        elif isinstance(one, list):
            _check(one, count)
        elif not (one is None or isinstance(one, bool | int | float | str | dict)):
            raise ValueError("no argument")


__all__ = ["FORMAT", "Operation", "Pass", "Step", "Value", "read_step"]
