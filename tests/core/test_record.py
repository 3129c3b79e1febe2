from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, field

import numpy as np
import pytest

from bpdebug.core.record import Record, replace


class Point(Record):
    x: int
    y: int = 0
    note: str = field(default="", compare=False, kw_only=True)
    seen: list[int] = field(default_factory=list)


class Deep(Point):
    z: int = 3


class Empty(Record):
    pass


class Held(Record, eq=False):
    array: np.ndarray


def test_it_is_made_like_a_dataclass():
    point = Point(1, note="here")
    assert (point.x, point.y, point.note, point.seen) == (1, 0, "here", [])
    assert Point(1).seen is not Point(1).seen
    assert repr(Empty()) == "Empty()"
    assert repr(Deep(1, z=4)) == "Deep(x=1, y=0, note='', seen=[], z=4)"
    for wrong in ({}, {"x": 1, "w": 2}):
        with pytest.raises(TypeError):
            Point(**wrong)
    with pytest.raises(TypeError):
        Point(1, 2, [], "a note has to be named")


def test_it_never_changes():
    point = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert replace(point, x=2) == Point(2)
    assert point == Point(1)


def test_equal_are_those_of_one_class_with_equal_values():
    assert Point(1, note="a") == Point(1, note="b")
    assert Point(1, seen=[1]) != Point(1)
    assert Point(1) != Deep(1)
    assert Empty() == Empty()
    assert len({Empty(), Empty()}) == 1
    held = Held(np.ones(2))
    assert held != Held(held.array)
    assert len({held, Held(held.array)}) == 2


def test_it_is_copied_and_pickled():
    assert pickle.loads(pickle.dumps(Deep(1, z=5))) == copy.copy(Deep(1, z=5)) == copy.deepcopy(Deep(1, z=5))  # noqa: S301
