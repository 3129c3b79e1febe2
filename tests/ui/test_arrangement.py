"""The panes on the screen: sizes by key, what is shown where there is little room, and what an empty pane says."""

from __future__ import annotations

import pytest
from ui_app import LARGE, SMALL, debugger, press, settled, shown, size_of

from bpdebug.look.folds import rows_of
from bpdebug.ui.panes import PANES


async def test_keys_resize_the_pane_in_use_and_one_gives_the_usual_sizes_back():
    async with debugger() as (app, pilot):
        usual = {pane: size_of(app, pane) for pane in ("program", "network", "why")}
        assert usual["program"] == (38, 24)
        await press(pilot, "1", "greater_than_sign", "greater_than_sign")
        assert size_of(app, "program") == (42, 24)
        await press(pilot, "6", "right_curly_bracket")
        assert size_of(app, "why") == (78, 13)
        await press(pilot, "2", "less_than_sign", "left_curly_bracket")
        assert size_of(app, "network").height == 10
        assert size_of(app, "network").width == 48
        await press(pilot, "z")
        assert size_of(app, "network") == (120, 34)
        await press(pilot, "z")
        assert size_of(app, "network") == (48, 10)
        await press(pilot, "0")
        assert {pane: size_of(app, pane) for pane in usual} == usual


async def test_chosen_sizes_are_kept_when_the_terminal_changes():
    async with debugger() as (app, pilot):
        app.panes.layout_of.put("program", 60, *LARGE)
        app.show()
        await settled(pilot)
        assert size_of(app, "program").width == 60
        await pilot.resize_terminal(160, 48)
        await settled(pilot)
        assert size_of(app, "program").width == 80
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
        assert str(app.query_one("#deltas").border_subtitle).startswith("not computed yet: f runs a phase")
        assert len(app.query_one("#deltas").border_subtitle) <= app.query_one("#deltas").size.width
        app.session.execute("goto end")
        app.show()
        await press(pilot, "5")
        assert "of update 999" in app.query_one("#deltas").border_title
        if size == LARGE:
            assert app.query_one("#deltas").border_subtitle == "[ goes back into the last update"
        else:  # what the network answers now is beside the gradients: the pane is not empty
            assert {"a2", "da2"} <= {*shown(app, "deltas").split()}
            assert "[ back" in shown(app, "footer")


async def test_at_the_end_no_pane_is_empty_without_a_word():
    async with debugger("one_neuron") as (app, pilot):
        app.session.execute("goto end")
        app.show()
        for pane in PANES:
            app.panes.action_pane(pane)
            await settled(pilot)
            assert shown(app, pane).strip(), pane


async def test_the_network_makes_room_when_the_loss_curve_begins():
    async with debugger() as (app, pilot):
        assert size_of(app, "loss").width == 28
        app.perform("goto W2")
        await settled(pilot)
        assert size_of(app, "loss").width == 28
        await press(pilot, "u")
        assert size_of(app, "loss").width == size_of(app, "network").width == 41
        app.perform("goto start")
        await settled(pilot)
        assert size_of(app, "loss").width == 41


@pytest.mark.parametrize("name", ["program", "why"])
async def test_a_pane_alone_has_the_whole_body_on_a_small_screen(name):
    async with debugger(size=SMALL) as (app, pilot):
        app.panes.action_pane(name)
        await press(pilot, "z")
        assert size_of(app, name) == (80, 22)


async def test_the_cursor_of_the_listing_is_seen_and_shows_its_formula_to_the_end():
    async with debugger(size=SMALL) as (app, pilot):
        app.perform("goto loss")
        await press(pilot, "1")
        lines = shown(app, "program").splitlines()
        await press(pilot, "down")
        pane = app.query_one("#program")
        under = [y for y in range(len(pane.lines)) if any("cursor" in role for _, role in pane.line_at(app.view, y))]
        assert [pane.lines[y][0].name for y in under] == ["da2", "da2"]
        assert "".join(shown(app, "program").split()).count("da2=−y/a2+(1−y)/(1−a2)") == 1
        assert len(pane.lines) == len(rows_of(app.view.program, app.view.folds).all) + 1
        await press(pilot, "up")
        assert shown(app, "program").splitlines() == lines


async def test_the_cursor_of_the_listing_stays_as_long_as_the_moment_does():
    async with debugger() as (app, pilot):
        app.perform("goto loss")
        pane = app.query_one("#program")
        await press(pilot, "1", "down", "down", "b", "z")
        assert pane.pointed.name == "dz2"
        await press(pilot, "z", "b")
        assert not app.session.stops.all
        await press(pilot, "s")
        assert pane.pointed.name == "da2"
        await press(pilot, "down", "5")
        assert pane.pointed.name == "da2", "the cursor is not seen from another pane"


async def test_a_click_on_any_line_of_a_long_formula_is_one_on_its_stage():
    async with debugger("iris", SMALL) as (app, pilot):
        app.perform("goto 0:W1")
        await settled(pilot)
        pane = app.query_one("#program")
        last = max(y for y, (row, _) in enumerate(pane.lines) if getattr(row, "name", "") == "W1")
        assert last > 0
        await pilot.click("#program", offset=(3, last - pane.scroll_offset.y + 1))
        await settled(pilot)
        assert [stop.text for stop in app.session.stops.all.values()] == ["W1"]


@pytest.mark.parametrize("scenario", ["xor", "iris"])
async def test_the_last_stage_and_the_next_are_in_sight_on_a_small_screen(scenario):
    async with debugger(scenario, SMALL) as (app, pilot):
        for stage in app.view.program.stages[:-1]:
            app.perform(f"goto {stage.name}")
            await settled(pilot)
            lines = shown(app, "program").splitlines()
            assert any(line[4:].startswith(f"{stage.name} = ") for line in lines)
            assert any(line.startswith(f"▶   {app.view.position.next} = ") for line in lines)


async def test_what_the_border_says_is_shorter_before_it_is_cut():
    async with debugger(size=(112, 36)) as (app, _):
        assert app.query_one("#deltas").border_subtitle == "not computed yet"
