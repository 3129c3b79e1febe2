"""What a key costs, in counted work: as much as is in sight, however deep the network is."""

from __future__ import annotations

from collections import Counter

import pytest
from ui_app import debugger, press
from ui_views import random_chain

from bpdebug.ui.draw import groups, program

pytestmark = pytest.mark.usefixtures("painted")

KEYS = ("s", "s", "left_square_bracket", "u", "down", "s", "up")


@pytest.fixture
def calls(monkeypatch):
    counted = Counter()

    def count(module, name):
        work = getattr(module, name)

        def counting(*arguments, **named):
            counted[name] += 1
            return work(*arguments, **named)

        monkeypatch.setattr(module, name, counting)

    count(program, "render")
    count(program, "program_line")
    count(groups, "_rails")
    return counted


async def work_of_keys(calls, layers):
    """The most that one of some keys costs, once the first of them has been pressed."""
    async with debugger(random_chain(3, [4] * (layers + 1))) as (_, pilot):
        await press(pilot, *KEYS)
        most = Counter()
        for key in KEYS:
            calls.clear()
            await press(pilot, key)
            most |= calls
    return most


async def test_a_key_costs_what_is_in_sight_and_not_what_the_network_has(calls):
    few, many = [await work_of_keys(calls, layers) for layers in (8, 24)]
    assert 0 < many["program_line"] <= 2 * 34, "lines of the listing"
    assert many["render"] <= few["render"] + 2 <= 10, "formulas"
    assert 0 < many["_rails"] <= few["_rails"], "groups in the picture of the network"
