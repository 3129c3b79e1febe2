"""What a user does in his first hour, by key alone: one update, the NaN, the wrong formula, the tour."""

from __future__ import annotations

import numpy as np
import pytest
from test_app import STAGES
from ui_app import LARGE, SMALL, debugger, errors, messages, press, settled, shown, until

from bpdebug.ui.report_screen import ReportScreen

SIZES = {"large": LARGE, "small": SMALL}


def usually(size):
    """Each journey is usually made at one size, and at the other in the long run."""
    sizes = [pytest.param(SIZES[name], id=name, marks=[pytest.mark.long] * (name != size)) for name in SIZES]
    return pytest.mark.parametrize("size", sizes)


@usually("large")
async def test_one_update_by_hand(size):
    """A student with a pencil: each line of the program, the sum behind a number, and back to where it began."""
    async with debugger(size=size) as (app, pilot):
        scenario, first = app.session.program.scenario, app.view.tensors["W1"].copy()
        for name in STAGES:
            await press(pilot, "s")
            assert name in (app.view.position.stage, STAGES[-1])
            assert f"{name} =" in shown(app, "why") or name in shown(app, "why")
            if name == "z1":
                z1 = scenario.x @ first + app.view.tensors["b1"]
                assert np.array_equal(app.view.tensors["z1"], z1)
        assert "update 1/1000" in shown(app, "header")
        assert not np.array_equal(app.view.tensors["W1"], first)
        await press(pilot, *["["] * 17)
        assert np.array_equal(app.view.tensors["W1"], first)
        assert not errors(app)


@usually("small")
async def test_the_origin_of_a_nan(size):
    """The loss becomes NaN: where, when, of which cell, and what made that cell."""
    async with debugger("saturation", size) as (app, pilot):
        await press(pilot, "c")
        await until(pilot, lambda: messages(app))
        found = app.view.position.t
        assert "non-finite value: loss" in messages(app)[0]
        assert "loss nan" in shown(app, "header")
        assert app.view.selected[0] == "loss"
        await press(pilot, "enter")
        assert app.view.position.stage == "a2"
        saturated = float(app.view.tensors["a2"][app.view.selected[1]])
        assert saturated in (0.0, 1.0)
        await press(pilot, "enter")
        assert app.view.position.stage == "z2"
        assert abs(float(app.view.tensors["z2"][app.view.selected[1]])) > 30
        await press(pilot, "backspace", "backspace")
        assert app.view.position.t == found
        assert not errors(app)


@usually("large")
async def test_the_wrong_formula_of_the_tutorial(size):
    """The published tutorial's derivative of the loss: the check names it, the user writes the right one, the check agrees."""
    async with debugger("tutorial_as_written", size) as (app, pilot):
        await press(pilot, "v")
        await until(pilot, lambda: isinstance(app.screen, ReportScreen))
        assert "first wrong stage: da2" in " ".join(shown(app, "report").split())
        await press(pilot, "enter")
        assert app.view.position.stage == "da2"
        assert "✗" in shown(app, "why")
        await press(pilot, "y", *"-y/a2 + (1-y)/(1-a2)", "enter")
        assert not app.session.program.stage("da2").edited
        await press(pilot, "v")
        await until(pilot, lambda: isinstance(app.screen, ReportScreen))
        assert "no derivative is wrong" in shown(app, "report")
        assert not errors(app)


@usually("small")
async def test_the_tour(size):
    """Exactly the keys that its five steps name."""
    async with debugger(size=size) as (app, pilot):
        await press(pilot, ":", *"tour", "enter")
        await settled(pilot)
        for number, keys in enumerate(
            (
                ["s"] * 5 + ["[", "]"],
                ["s", "down", "enter", "backspace"],
                ["7", "g", *"dW2", "enter", "down", "4", "s"],
                [":", *"break loss if loss < 2", "enter", "c"],
                ["y", *"dz1 = da1 * a1", "enter", "v"],
            )
        ):
            tour = app.session.tour
            assert tour.at == number, tour.title
            assert f"{number + 1}/{len(tour.steps)} {tour.steps[number].title}" in shown(app, "tour")
            await press(pilot, *keys)
            await until(pilot, lambda: app.session.journey.pending is None and not app.work.busy)
        await until(pilot, lambda: isinstance(app.screen, ReportScreen))
        assert "first wrong stage: dz1" in " ".join(shown(app, "report").split())
        await press(pilot, "escape")
        assert "all 5 steps are done" in shown(app, "tour")
        assert not errors(app)
