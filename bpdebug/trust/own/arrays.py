"""What a user's code takes and gives, as named arrays: numbers, lists and dicts of arrays, tensors of a framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from bpdebug.core.description import Array

_DEEP = 6


def is_tensor(value: Any) -> bool:
    """Whether it turns into an array by itself: an array, or a tensor of some framework."""
    return isinstance(value, np.ndarray | np.generic) or (hasattr(value, "__array__") and not isinstance(value, type))


def as_array(value: Any) -> Array:
    """The numbers of an array, of a number, or of a tensor of some framework, with no tie to the original."""
    while hasattr(value, "detach"):
        value = value.detach()
        value = value.cpu() if hasattr(value, "cpu") else value
        break
    return np.array(value, copy=True)


def is_number(value: Any) -> bool:
    """Whether it is an array, a tensor or a plain number."""
    return is_tensor(value) or isinstance(value, int | float)


def is_float(value: Any) -> bool:
    """Whether it is an array of floats, or becomes one: what can be differentiated."""
    return is_tensor(value) and as_array(value).dtype.kind == "f"


def like(given: Any, array: Array) -> Any:
    """The numbers in the clothes of what was given: a float for a float, a tensor for a tensor, and an array else."""
    if isinstance(given, float | np.generic):
        return array.item() if isinstance(given, float) else array[()]
    if isinstance(given, np.ndarray):
        return array if type(given) is np.ndarray else array.view(type(given))
    make = getattr(given, "new_tensor", None) or type(given)
    try:
        return make(array)
    except Exception:  # whatever a class that is not ours does with an array
        return array


def leaves(value: Any, name: str, wanted: Callable[[Any], bool] = is_float, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The arrays of floats in it, by name: ``W``, ``params['W1']``, ``W[0]``."""
    if wanted(value):
        yield name, value
    elif isinstance(value, Mapping) and depth < _DEEP:
        for key, part in value.items():
            yield from leaves(part, f"{name}[{key!r}]", wanted, depth + 1)
    elif isinstance(value, list | tuple) and depth < _DEEP:
        for place, part in enumerate(value):
            yield from leaves(part, f"{name}[{place}]", wanted, depth + 1)


def rebuilt(value: Any, name: str, values: Mapping[str, Array]) -> Any:
    """A copy of it with other numbers in those leaves that have some; nothing in it is shared with the original."""
    if name in values:
        return like(value, values[name].copy())
    if type(value) is dict:
        return {key: rebuilt(part, f"{name}[{key!r}]", values) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(rebuilt(part, f"{name}[{place}]", values) for place, part in enumerate(value))
    try:
        return deepcopy(value)
    except Exception:  # locks, modules, open files: shared, since they cannot be copied
        return value


def bits_equal(first: Array, second: Array) -> bool:
    """Whether two arrays hold the same numbers, NaN at the same places."""
    if first.shape != second.shape:
        return False
    return bool(np.array_equal(first, second, equal_nan=first.dtype.kind in "fc" and second.dtype.kind in "fc"))
