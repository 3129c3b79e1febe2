"""Randomness held still: a dropout mask has to be the same mask in each call, or there is no function to differentiate."""

from __future__ import annotations

import gc
import random
from collections import deque
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

_MOST = 2000
"""Objects that are looked through."""


class Frozen:
    """The state of every generator of random numbers that some code can reach, put back before each call.

    Args:
        roots: functions and objects: what they hold, their closures and the globals that they name are looked through.
    """

    def __init__(self, *roots: Any) -> None:
        self._numpy, self._python = np.random.get_state(), random.getstate()
        self._own = [(generator, _access(generator)[0]()) for generator in _generators(roots)]

    def restore(self) -> None:
        """Put every generator back."""
        np.random.set_state(self._numpy)
        random.setstate(self._python)
        for generator, state in self._own:
            _access(generator)[1](state)


def _access(generator: Any) -> tuple[Any, Any]:
    """How to get its state, and how to set it."""
    if isinstance(generator, np.random.Generator):
        bits = generator.bit_generator
        return lambda: bits.state, lambda state: setattr(bits, "state", state)
    if isinstance(generator, random.Random):
        return generator.getstate, generator.setstate
    return generator.get_state, generator.set_state


def _generators(roots: tuple[Any, ...]) -> Iterator[Any]:
    """Those that can be reached, the nearest first."""
    queue, seen = deque(roots), set[int]()
    while queue and len(seen) < _MOST:
        value = queue.popleft()
        if id(value) in seen or isinstance(value, ModuleType | str | int | float | np.ndarray):
            continue
        seen.add(id(value))
        if isinstance(value, np.random.Generator | np.random.RandomState | random.Random):
            yield value
        elif isinstance(value, FunctionType):
            queue.extend(map(value.__globals__.get, value.__code__.co_names))
            queue.extend((value.__closure__, value.__defaults__, value.__kwdefaults__))
        else:
            queue.extend(gc.get_referents(value)[:100])
