"""The panes on the screen: sizes by key, what is shown where there is little room, and what an empty pane says."""

from __future__ import annotations

import pytest
from ui_app import LARGE, SMALL, debugger, press, settled, shown, size_of

from bpdebug.ui.layout import PANES


async def test_keys_resize_the_pane_in_use_and_one_gives_the_usual_sizes_back():
    async with debugger() as (app, pilot):
        usual = {pane: size_of(app, pane) for pane in ("program", "network", "why")}
        assert usual["program"] == (38, 34)
        await press(pilot, "1", "greater_than_sign", "greater_than_sign")
        assert size_of(app, "program") == (42, 34)
        await press(pilot, "6", "right_curly_bracket")
        assert size_of(app, "why") == (78, 11)
        await press(pilot, "2", "less_than_sign", "left_curly_bracket")
        assert size_of(app, "network").height == 11
        assert size_of(app, "network").width == 37
        await press(pilot, "z")
        assert size_of(app, "network") == (120, 34)
        await press(pilot, "z")
        assert size_of(app, "network") == (37, 11)
        await press(pilot, "0")
        assert {pane: size_of(app, pane) for pane in usual} == usual


async def test_chosen_sizes_are_kept_when_the_terminal_changes():
    async with debugger() as (app, pilot):
        app.layout_of.put("program", 60, *LARGE)
        app.arrange()
        await settled(pilot)
        assert size_of(app, "program").width == 60
        await pilot.resize_terminal(160, 48)
        await settled(pilot)
        assert size_of(app, "program") == (80, 46)
        await pilot.resize_terminal(*SMALL)
        await settled(pilot)
        assert size_of(app, "program") == (40, 22)


async def test_a_pane_of_cells_that_was_chosen_stays_until_the_next_step():
    async with debugger(size=SMALL) as (app, pilot):
        await press(pilot, "s", "s", "5")
        assert app.query_one("#deltas").display
        assert app.focused.id == "deltas"
        await press(pilot, "s")
        assert app.query_one("#values").display
        assert app.focused.id == "values"


EMPTY = {
    "3": ("loss", "u runs"),
    "6": ("why", "runs the first stage"),
    "7": ("equation", "i runs a stage"),
    "8": ("health", "u runs"),
}


@pytest.mark.parametrize("size", [LARGE, SMALL])
async def test_an_empty_pane_says_what_to_press(size):
    async with debugger(size=size) as (app, pilot):
        for key, (pane, words) in EMPTY.items():
            await press(pilot, key)
            assert words in " ".join(shown(app, pane).split()), pane
        await press(pilot, "5")
        assert app.query_one("#deltas").border_subtitle == "not computed yet: f runs a phase, u all"
        app.session.execute("goto end")
        app.show()
        await press(pilot, "5")
        assert app.query_one("#deltas").border_subtitle == "[ goes back into the last update"


async def test_at_the_end_no_pane_is_empty_without_a_word():
    async with debugger("one_neuron") as (app, pilot):
        app.session.execute("goto end")
        app.show()
        for pane in PANES:
            app.action_pane(pane)
            await settled(pilot)
            assert shown(app, pane).strip(), pane
