from __future__ import annotations

import pytest
from ui_app import LARGE, debugger, press, settled, shown

from bpdebug.ui.draw.network import cell_at


async def click(pilot, x, y):
    """A click on a place of what the network's pane shows."""
    await pilot.click("#network", offset=(x + 2, y + 1))
    await settled(pilot)


def place_of(app, cell):
    """A place at which a cell is drawn."""
    size = app.query_one("#network").size
    places = ((x, y) for x in range(size.width) for y in range(size.height))
    return next(place for place in places if cell_at(app.view, size.width, size.height, *place) == cell)


@pytest.mark.parametrize("cell", [("a1", (0, 2)), ("W1", (1, 1))])
async def test_a_click_selects_what_is_drawn_there(cell):
    async with debugger(size=LARGE) as (app, pilot):
        await press(pilot, "s", "s")
        app.perform("sample 0")
        await settled(pilot)
        await click(pilot, *place_of(app, cell))
        assert app.session.selected == cell


async def test_a_click_on_nothing_changes_nothing():
    async with debugger(size=LARGE) as (app, pilot):
        await press(pilot, "s")
        before = app.session.selected
        await click(pilot, 0, 0)
        assert app.session.selected == before


async def test_the_comma_and_the_full_stop_change_the_sample():
    async with debugger(size=LARGE) as (app, pilot):
        title = app.query_one("#network")
        await press(pilot, "s", "s")
        app.perform("sample 0")
        await settled(pilot)
        assert "sample 0 of 4" in title.border_title
        await press(pilot, ".")
        assert "sample 1 of 4" in title.border_title
        assert app.session.selected == ("a1", (1, 0))
        before = shown(app, "network")
        await press(pilot, ",", ",")
        assert "sample 3 of 4" in title.border_title
        assert shown(app, "network") != before


async def test_of_a_mini_batch_the_row_and_the_place_in_the_data_are_told():
    async with debugger("iris", LARGE) as (app, pilot):
        await press(pilot, "s", ".")
        sample = int(app.view.samples[1])
        assert app.query_one("#network").border_title.endswith(f"row 1 of 16: sample {sample}")


@pytest.mark.parametrize("stage", ["dW1", pytest.param("db1", marks=pytest.mark.long), pytest.param("W1", marks=pytest.mark.long)])
async def test_another_sample_is_another_picture_also_where_the_selected_tensor_has_none(stage):
    async with debugger(size=LARGE) as (app, pilot):
        app.perform(f"goto 30:{stage}")
        app.perform("sample 0")
        await settled(pilot)
        before = shown(app, "network")
        await press(pilot, ".")
        assert shown(app, "network") != before
        assert "sample 1 of 4" in app.query_one("#network").border_title


async def test_the_arrow_keys_move_the_cell_cursor_in_the_network():
    async with debugger(size=LARGE) as (app, pilot):
        await press(pilot, "s", "s", "2")
        app.perform("select a1[0,0]")
        await settled(pilot)
        await press(pilot, "down", "down")
        assert app.session.selected == ("a1", (0, 2))
        await press(pilot, "left")
        assert app.session.selected == ("x", (0, 1))
