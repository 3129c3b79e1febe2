"""Randomness held still: a dropout mask has to be the same mask in each call, or there is no function to differentiate."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType
from typing import Any

import numpy as np

_DEEP = 4


class Frozen:
    """The state of every generator of random numbers that some code can reach, put back before each call.

    Args:
        roots: functions and objects: their attributes, arguments, closures and the globals that they name are looked through.
    """

    def __init__(self, *roots: Any) -> None:
        found: dict[int, Any] = {}
        for root in roots:
            for generator in _generators(root, 0, set()):
                found[id(generator)] = generator
        self._numpy, self._python = np.random.get_state(), random.getstate()
        self._own: list[tuple[Any, Any]] = [(generator, _state(generator)) for generator in found.values()]

    def restore(self) -> None:
        """Put every generator back."""
        np.random.set_state(self._numpy)
        random.setstate(self._python)
        for generator, state in self._own:
            _put(generator, state)


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.getstate() if isinstance(generator, random.Random) else generator.get_state()


def _put(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, random.Random):
        generator.setstate(state)
    else:
        generator.set_state(state)


def _generators(value: Any, depth: int, seen: set[int]) -> Iterator[Any]:
    if id(value) in seen or depth > _DEEP or isinstance(value, np.ndarray | str | bytes | int | float | type(None) | type(np)):
        return
    seen.add(id(value))
    if isinstance(value, np.random.Generator | np.random.RandomState | random.Random):
        yield value
        return
    for part in _parts(value):
        yield from _generators(part, depth + 1, seen)


def _parts(value: Any) -> Iterator[Any]:
    """What can be reached from a value in one step."""
    if isinstance(value, MethodType):
        yield from (value.__self__, value.__func__)
    elif isinstance(value, FunctionType):
        yield from _of_function(value)
    elif isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list | tuple | set):
        yield from list(value)[:100]
    elif isinstance(value, type):
        yield from (part for part in vars(value).values() if isinstance(part, FunctionType | staticmethod | classmethod))
    elif isinstance(value, staticmethod | classmethod):
        yield value.__func__
    elif hasattr(value, "__dict__"):
        yield from (*vars(value).values(), type(value))


def _of_function(function: FunctionType) -> Iterator[Any]:
    reach: Callable[[str], Any] = function.__globals__.get
    yield from (reach(name) for name in function.__code__.co_names)
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
