from __future__ import annotations

import pytest
from ui_app import SMALL, debugger, press, settled, shown

from bpdebug.ui.curve_panes import LossPane


async def test_a_click_on_the_curve_goes_to_its_loss():
    async with debugger() as (app, pilot):
        app.perform("goto update 400")
        await settled(pilot)
        pane = app.query_one(LossPane)
        await pilot.click(pane, offset=(2 + pane.size.width // 2, 4))
        assert app.view.position.stage == "loss"
        assert 150 < app.view.position.update < 250
        text = shown(app, "loss").splitlines()
        column = next(line.index("●") for line in text if "●" in line)
        assert column == pytest.approx(pane.size.width // 2, abs=1)
        before = app.view.position
        await pilot.click(pane, offset=(2, 4))
        assert app.view.position == before, "beside the curve nothing happens"


async def test_left_and_right_go_along_the_curve():
    async with debugger() as (app, pilot):
        app.perform("goto update 300")
        await press(pilot, "3", "left", "left")
        first = app.view.position
        assert first.stage == "loss"
        assert 270 < first.update < 298
        await press(pilot, "right")
        assert first.update < app.view.position.update <= 299
        await press(pilot, "right", "right", "right")
        assert app.view.position.update == 299, "the last loss that is known"


async def test_before_the_first_loss_the_arrows_do_nothing():
    async with debugger() as (app, pilot):
        await press(pilot, "3", "left", "right")
        assert app.view.position.t == 0


async def test_health_and_surface_are_worked_out_where_they_are_shown():
    async with debugger() as (app, pilot):
        app.perform("goto update 30")
        await settled(pilot)
        assert app.view.health is None
        assert app.view.surface is None
        await press(pilot, "8")
        assert app.query_one("#health").border_title == "8 Health · updates 6 to 29"
        assert "━" in shown(app, "health")
        await press(pilot, "9")
        assert app.query_one("#surface").border_title == "9 Surface · a2 over x1, x2"
        assert "of 4 right" in shown(app, "surface")
        assert app.view.health is None
        await press(pilot, "u")
        assert app.view.surface is not None


@pytest.mark.parametrize("size", [SMALL, (156, 48)])
async def test_the_panes_fill_their_place_at_other_sizes(size):
    async with debugger("iris", size) as (app, pilot):
        app.perform("goto update 60")
        await press(pilot, "9")
        assert "sample" in shown(app, "surface")
        await press(pilot, "8")
        assert "layer" in shown(app, "health") or "1 " in shown(app, "health")
