"""Combinations of which each value comes up by day, and all under ``-m long``."""

from itertools import product

import pytest


def by_turns(*axes, every=1):
    """Parameters for every combination of the axes' values; all but those in which each axis goes on by one, or by so many, are long."""
    axes = [[*axis] for axis in axes]
    places = {tuple(turn % len(axis) for axis in axes) for turn in range(0, max(map(len, axes)), every)}
    combinations = [
        (place, [axis[n] for axis, n in zip(axes, place, strict=True)]) for place in product(*(range(len(axis)) for axis in axes))
    ]
    return [pytest.param(*values, marks=() if place in places else pytest.mark.long) for place, values in combinations]


def by_day(values, every):
    """Parameters for all values, of which every so many come up by day; the others are long."""
    return [pytest.param(value, marks=[pytest.mark.long] * (place % every > 0)) for place, value in enumerate(values)]
