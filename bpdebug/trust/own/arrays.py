"""The arrays and numbers in what a user's code takes, keeps and gives, each with the way to it: ``x``, ``params['W1']``, ``net.W[0]``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import copy, deepcopy
from functools import cache
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from bpdebug.core.description import Array

_DEEP = 6
_CLOSED = (str, bytes, complex, type, ModuleType, FunctionType, MethodType, type(None))
"""What has no numbers in it."""


def is_tensor(value: Any) -> bool:
    """Whether it turns into an array by itself: an array, or a tensor of some framework."""
    return hasattr(value, "__array__") and not isinstance(value, type)


def as_array(value: Any) -> Array:
    """The numbers of an array, of a number, or of a tensor of some framework, with no tie to the original."""
    value = value.detach() if hasattr(value, "detach") else value
    return np.array(value.cpu() if hasattr(value, "cpu") else value, copy=True)


def is_float(value: Any) -> bool:
    """Whether it is a number, or an array of numbers, that can be varied: integers are labels."""
    return isinstance(value, float) or ((_is_numbers(value) or is_tensor(value)) and as_array(value).dtype.kind == "f")


def _is_numbers(value: Any) -> bool:
    """Whether it is a list of numbers."""
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(part, int | float) for part in value)


def like(given: Any, array: Array) -> Any:
    """The numbers in the clothes of what was given: a float for a float, a tensor for a tensor, and an array else."""
    if isinstance(given, float | list):
        return array.tolist()
    if isinstance(given, np.ndarray | np.generic):
        return array.view(type(given)) if isinstance(given, np.ndarray) else array[()]
    with suppress(Exception):  # whatever a class that is not ours does with an array
        return (getattr(given, "new_tensor", None) or type(given))(array)
    return array


def leaves(value: Any, name: str, depth: int = 0, inside: frozenset[int] = frozenset()) -> Iterator[tuple[str, Any]]:
    """The tensors, numbers and lists of numbers in a value; dicts, lists and objects are opened."""
    numbers = _is_numbers(value)
    if numbers or isinstance(value, int | float) or is_tensor(value):
        yield name, value if not numbers else list(value)
        for gradient in ("grad", "g") if type(value) is not np.ndarray and is_tensor(value) else ():
            if is_tensor(getattr(value, gradient, None)):
                yield f"{name}.{gradient}", getattr(value, gradient)
    elif not isinstance(value, _CLOSED) and depth < _DEEP and id(value) not in inside:
        for path, part in _opened(value, name):
            yield from leaves(part, path, depth + 1, inside | {id(value)})


def _opened(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return ((f"{name}[{key!r}]", part) for key, part in value.items())
    if isinstance(value, list | tuple):
        return ((f"{name}[{place}]", part) for place, part in enumerate(value))
    slots = {key: getattr(value, key) for key in getattr(type(value), "__slots__", ()) if hasattr(value, key)}
    fields = {**getattr(value, "__dict__", {}), **slots}
    return ((f"{name}.{key}", part) for key, part in fields.items() if not key.startswith("__"))


def copied(value: Any) -> Any:
    """A copy that shares nothing with the original but what cannot be copied: locks, modules, open files."""
    with suppress(Exception):
        return value.copy() if type(value) is np.ndarray else deepcopy(value)
    with suppress(Exception):
        made = copy(value)
        vars(made).update({name: copied(part) for name, part in vars(value).items()})
        return made
    return value


def shapes_in(value: Any) -> Any:
    """The shape of an array or number, or those of all that are in a list or dict; None where there are none."""
    return (
        as_array(value).shape if is_float(value) else tuple(as_array(leaf).shape for _, leaf in leaves(value, "") if is_float(leaf)) or None
    )


def rebound(function: Any, old: Any, new: Any) -> Any:
    """A function that has another object where it names one, in its closure or among the globals."""
    if old is None or not isinstance(function, FunctionType):
        return function
    cells = tuple(CellType(new) if cell.cell_contents is old else cell for cell in function.__closure__ or ())
    named = {name: new for name in function.__code__.co_names if function.__globals__.get(name) is old}
    return FunctionType(function.__code__, {**function.__globals__, **named}, function.__name__, function.__defaults__, cells)


def read(things: Mapping[str, Any], path: str) -> Any:
    """What stands at the end of a way that begins with the name of a thing."""
    *way, last = _steps(path)
    holder: Any = things
    for step in (*way, last):
        holder = _get(holder, step)
    return holder


def write(things: dict[str, Any], path: str, array: Array) -> None:
    """Put other numbers there, into an array of an object itself where it can hold them, so that whoever else has it sees them, too."""
    *way, last = _steps(path)
    holder: Any = things
    for step in way:
        holder = _get(holder, step)
    old = _get(holder, last)
    if way and isinstance(old, np.ndarray) and old.flags.writeable and old.dtype == array.dtype:
        old[...] = array
    elif last[0] != ".":
        holder[last[1]] = like(old, array.copy())
    else:
        setattr(holder, last[1], like(old, array.copy()))


def _get(holder: Any, step: tuple[str, Any]) -> Any:
    return getattr(holder, step[1]) if step[0] == "." else holder[step[1]]


@cache
def _steps(path: str) -> list[tuple[str, Any]]:
    """The ways from one holder to the next: by ``.``, an attribute; else an item."""
    found = re.findall(r"(\.?)(\w+)|\[(?:'(.*?)'|(\d+))\]", path)
    return [(dot, name) if name else ("[", int(place) if place else key) for dot, name, key, place in found]
