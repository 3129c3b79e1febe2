"""What is worked out once: for a view, for a program, or for the numbers of a tensor as long as they stay what they are."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast
from weakref import ref

import numpy as np

from bpdebug.core.description import Array

Made = TypeVar("Made")
_OF_ARRAYS: dict[int, tuple[ref[Array], dict[Hashable, Any]]] = {}


def once(owner: object, key: Hashable, make: Callable[[], Made]) -> Made:
    """What is made of something that does not change, kept as long as that is; of an array only if nobody can write to it."""
    known = _of_array(owner) if isinstance(owner, np.ndarray) else owner.__dict__.setdefault("_once", {})
    if key not in known:
        known[key] = make()
    return cast(Made, known[key])


def _of_array(array: Array) -> dict[Hashable, Any]:
    if array.flags.writeable:
        return {}
    place = id(array)

    def forget(_: ref[Array], known: dict[int, Any] = _OF_ARRAYS) -> None:
        del known[place]

    if place not in _OF_ARRAYS:
        _OF_ARRAYS[place] = (ref(array, forget), {})
    return _OF_ARRAYS[place][1]
