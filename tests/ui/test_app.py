"""Journeys through the app by key and by mouse; what a pane draws is tested without an app."""

from __future__ import annotations

import asyncio

import pytest
from rich.cells import cell_len
from textual.widgets import Input
from turns import by_day
from ui_app import LARGE, NAMED, SMALL, debugger, errors, messages, press, settled, shown, until
from ui_views import NAMES, STAGES, loaded

from bpdebug.core.description import Training
from bpdebug.core.record import replace
from bpdebug.session.commands import COMMANDS
from bpdebug.session.session import Session
from bpdebug.ui.app import DebuggerApp
from bpdebug.ui.arrangement import PaneScreen
from bpdebug.ui.chooser_screen import ChooserScreen
from bpdebug.ui.draw.glyphs import HATCH
from bpdebug.ui.draw.spans import plain
from bpdebug.ui.pane import Pane
from bpdebug.ui.panes import PANES
from bpdebug.ui.panes.program import ProgramPane
from bpdebug.ui.panes.tensors import MatrixPane
from bpdebug.ui.prompt_screen import PromptScreen
from bpdebug.ui.screens import _CLOSING as CLOSING
from bpdebug.ui.screens import TextScreen, broken

LONG = pytest.mark.long


def endless():
    return replace(loaded("xor"), training=Training(10**6))


@pytest.mark.parametrize("size", [pytest.param(LARGE, marks=LONG), SMALL], ids=["large", "small"])
async def test_the_first_update_stage_by_stage_and_back(size):
    async with debugger(size=size) as (app, pilot):
        assert "stage 0/17 start" in shown(app, "header")
        for done, name in enumerate(STAGES[:-1], 1):
            await press(pilot, "s")
            assert f"stage {done}/17" in shown(app, "header")
            assert f" {name} " in shown(app, "header")
            lines = shown(app, "program").splitlines()
            assert any(line.startswith(f"    {name} =") for line in lines), name
            assert [line.split(" =")[0] for line in lines if "▶" in line] == [f"▶   {STAGES[done]}"], name
            assert any(row.startswith(name) for row in shown(app, "why").splitlines()[:2]), name  # a fraction is three rows high
            assert app.view.position.stage == name
        await press(pilot, "s")
        assert "update 1/1000" in shown(app, "header")
        assert "▶   z1 =" in shown(app, "program")
        for name in reversed(STAGES[:-1]):
            await press(pilot, "left_square_bracket")
            assert app.view.position.stage == name
        await press(pilot, "S")
        assert app.view.position.t == 0


@pytest.mark.parametrize("size", [LARGE, pytest.param(SMALL, marks=LONG)], ids=["large", "small"])
async def test_the_nan_is_found_with_one_key(size):
    async with debugger("saturation", size) as (app, pilot):
        await press(pilot, "c")
        await until(pilot, lambda: messages(app))
        assert app.view.position.stage == "loss"
        assert app.view.position.t == app.session.timeline.first_nonfinite
        assert "⚠ loss" in shown(app, "program")
        assert "non-finite value: loss" in messages(app)[0]
        assert "divide by zero" in messages(app)[0]
        await settled(pilot)
        assert "loss nan" in shown(app, "header")
        drawn = "\n".join(plain(line) for line in app.query_one("#why").lines)
        assert f"nan comes from {app.view.explanation.culprit}".replace(" ", "") in "".join(drawn.split())
        assert "nan comes from" in shown(app, "why")


async def test_origin_and_return_by_key():
    async with debugger() as (app, pilot):
        app.perform("goto 3:dW2")
        app.perform("select dW2[1,0]")
        clock = app.view.position.t
        await press(pilot, "enter")
        assert app.view.selected == ("dz2", (0, 0)), "the largest term"
        assert app.view.position.stage == "dz2"
        await press(pilot, "enter")
        assert app.view.selected == ("da2", (0, 0))
        await press(pilot, "backspace", "backspace")
        assert app.view.selected == ("dW2", (1, 0))
        assert app.view.position.t == clock
        await press(pilot, "backspace")
        assert messages(app) == ["there is nowhere to return to: Enter (origin) has not been used since"]
        await press(pilot, "o", "enter")
        assert app.view.selected == ("dz2", (3, 0))


async def test_the_arrow_keys_move_the_cell_cursor_across_tensors():
    async with debugger() as (app, pilot):
        app.perform("goto dW2")
        seen = []
        for key in ("down", "down", "up", "left", "left", "right", "home", "end", "shift+down", "shift+up"):
            await press(pilot, key)
            seen.append(app.view.selected)
        assert seen == [
            ("dW2", (1, 0)),
            ("dW2", (2, 0)),
            ("dW2", (1, 0)),
            ("dz2", (1, 0)),
            ("da2", (1, 0)),
            ("dz2", (1, 0)),
            ("dz2", (1, 0)),
            ("dz2", (1, 0)),
            ("dz2", (3, 0)),
            ("dz2", (0, 0)),
        ]
        await press(pilot, "4", "down")
        assert app.view.selected[0] in ("a1", "dz2")


async def test_the_arrow_keys_never_leave_the_tensors():
    async with debugger("two_outputs", SMALL) as (app, pilot):
        for key in ["down", "right", "up", "left"] * 3 + ["down"] * 15 + ["up"] * 30:
            app.focused.action_cursor(*{"down": (1, 0), "up": (-1, 0), "left": (0, -1), "right": (0, 1)}[key])
            await settled(pilot)
            name, index = app.view.selected
            assert all(0 <= place < length for place, length in zip(index, app.view.shapes[name], strict=True))


async def test_digits_choose_the_pane_beside_the_listing():
    async with debugger(size=SMALL) as (app, pilot):
        for digit, name in enumerate(("program", "network", "loss", "values", "deltas", "why"), 1):
            await press(pilot, str(digit))
            assert app.focused.id == name
            assert app.focused.display
            beside = [pane.id for pane in app.query(Pane) if pane.is_on_screen and pane.id not in ("program", "why")]
            assert len(beside) == 1


async def test_the_pane_beside_the_listing_follows_the_stage():
    async with debugger(size=SMALL) as (app, pilot):
        for stage in STAGES[:-1]:
            app.perform("step")
            await settled(pilot)
            assert app.panes.layout_of.slot == ("deltas" if stage.startswith("d") else "values")
            assert app.focused.id == app.panes.layout_of.slot


async def test_a_pane_without_cells_that_the_user_has_chosen_stays():
    async with debugger(size=SMALL) as (app, pilot):
        await press(pilot, "2", "s", "s")
        assert app.panes.layout_of.slot == "network"
        assert app.query_one("#network").display
        assert not app.query_one("#values").display


ANSWERS = {
    "set": "W1[0,0] = 0.5",
    "jump": "here",
    "print": "W1",
    "explain": "W1[0,0]",
    "history": "loss",
    "until": "a2",
    "goto": "a2",
    "watch": "loss",
    "display": "norm(W1)",
    "accuse": "dz2",
}


async def test_a_key_whose_command_needs_more_asks_for_it():
    async with debugger() as (app, pilot):
        app.session.execute("update")
        app.session.execute("bookmark here")
        for name, answer in ANSWERS.items():
            if name == "accuse":
                app.perform("hunt 3")
                await press(pilot, "escape")
            await press(pilot, NAMED.get(COMMANDS[name].keys[0], COMMANDS[name].keys[0]))
            assert isinstance(app.screen, PromptScreen), name
            app.screen.query_one(Input).value = answer
            await press(pilot, "enter")
            assert not isinstance(app.screen, PromptScreen), name
            assert not errors(app), name
            if isinstance(app.screen, TextScreen):
                await press(pilot, "escape")


def test_each_command_that_asks_is_answered_in_the_tests():
    assert set(ANSWERS) == {command.name for command in COMMANDS.values() if command.asks and command.keys}


async def test_breakpoints_are_set_and_taken_away_in_the_listing():
    async with debugger() as (app, pilot):
        app.perform("goto dz2")
        await settled(pilot)
        await press(pilot, "b")
        assert " ●  dz2 =" in shown(app, "program")
        _, y = place_of(app, "program", "da2 =")
        await pilot.click("#program", offset=(3, y))
        await settled(pilot)
        assert " ●  da2 =" in shown(app, "program")
        assert app.view.position.stage == "dz2"
        await press(pilot, "c")
        await until(pilot, lambda: app.view.position.update == 1)
        assert app.view.position.stage == "da2"
        await pilot.click("#program", offset=(3, y))
        await settled(pilot)
        assert "\n    da2 =" in shown(app, "program")
        assert "\n▶●  dz2 =" in shown(app, "program")
        await press(pilot, "c")
        assert app.view.position.stage == "dz2"


async def test_long_answers_are_shown_until_a_key():
    async with debugger() as (app, pilot):
        for key, command in zip(CLOSING, ("print W1", "explain W1[0,1]", "list", "where"), strict=True):
            app.perform(command)
            await settled(pilot)
            assert isinstance(app.screen, TextScreen), command
            await press(pilot, "down", key)
            assert not isinstance(app.screen, TextScreen), command
        assert app.session.position.t == 0


async def test_a_key_of_the_debugger_closes_an_answer_and_does_what_it_does():
    async with debugger() as (app, pilot):
        app.perform("print W1")
        await settled(pilot)
        await press(pilot, "s")
        assert not isinstance(app.screen, TextScreen)
        assert app.session.position.t == 1
        app.perform("print W1")
        await settled(pilot)
        await press(pilot, ":")
        assert isinstance(app.screen, PromptScreen)


def test_an_answer_that_is_too_wide_is_broken_and_not_cut():
    assert [*broken("one two three four five six\n  a b", 20)] == ["one two three four", "  five six", "  a b"]


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_a_key_quits(key):
    async with debugger() as (app, pilot):
        await press(pilot, key)
        await settled(pilot)
        assert app._exit


async def test_a_long_run_leaves_the_app_alive_and_any_key_stops_it():
    async with debugger(endless()) as (app, pilot):
        await press(pilot, "c")
        seen = set()
        for _ in range(6):
            seen.add(shown(app, "header"))
            await pilot.pause(0.02)
        assert len(seen) > 2
        assert app.session.journey.pending
        await press(pilot, "x")
        await until(pilot, lambda: app.session.journey.pending is None)
        await pilot.pause(0.1)
        update = app.session.position.update
        assert 0 < update < 10**6
        assert not isinstance(app.screen, PromptScreen)
        assert messages(app) == [f"stopped in update {update}"]
        await press(pilot, "U")
        await until(pilot, lambda: app.session.journey.pending is None and not app.work.busy)
        assert app.session.position.update <= update


async def test_a_long_jump_arrives_where_it_should(monkeypatch):
    monkeypatch.setattr("bpdebug.ui.long_runs._SLICE", 0.005)
    async with debugger(endless()) as (app, pilot):
        app.perform("goto 3000:dz2")
        assert app.session.journey.pending
        await until(pilot, lambda: app.session.journey.pending is None and not app.work.busy)
        assert (app.view.position.update, app.view.position.stage) == (3000, "dz2")
        expected = Session(loaded("xor"))
        expected.execute("step")
        app.perform("goto 0:z1")
        await until(pilot, lambda: app.session.journey.pending is None and not app.work.busy)
        assert (app.view.tensors["z1"] == expected.value("z1")).all()


async def test_the_end_of_the_training_is_said():
    async with debugger("one_neuron") as (app, pilot):
        await press(pilot, "c")
        await until(pilot, lambda: messages(app))
        assert "training is complete" in messages(app)[0]
        assert "training complete" in shown(app, "header")
        await press(pilot, "s", "u", "c", "n", "f", "e")
        assert app.view.position.at_end


def place_of(app, pane, text):
    """Where a text stands in a pane, relative to it with its border and padding."""
    for y, line in enumerate(shown(app, pane).splitlines()):
        if text in line:
            return (2 + cell_len(line[: line.index(text)]), 1 + y)
    raise AssertionError(text)


async def test_a_click_on_a_stage_goes_there():
    async with debugger() as (app, pilot):
        for name in ("dz2", "z1", "W2"):
            await pilot.click("#program", offset=place_of(app, "program", f" {name} ="))
            await settled(pilot)
            assert app.view.position.stage == name
        clock = app.view.position.t
        await pilot.click("#program", offset=place_of(app, "program", "BACKWARD"))
        assert app.view.position.t == clock


async def test_a_click_in_the_margin_sets_a_breakpoint_and_takes_it_away():
    async with debugger() as (app, pilot):
        across, down = place_of(app, "program", " dz2 =")
        margin = (2, down)
        await pilot.click("#program", offset=margin)
        assert [stop.text for stop in app.session.stops.all.values()] == ["dz2"]
        assert "●" in shown(app, "program")
        assert app.session.position.t == 0
        await pilot.click("#program", offset=margin)
        assert not app.session.stops.all
        assert across > margin[0]


async def test_a_click_on_a_cell_selects_it():
    async with debugger() as (app, pilot):
        app.perform("goto dW2")
        await settled(pilot)
        await pilot.click("#deltas", offset=place_of(app, "deltas", "0.8126"))
        await settled(pilot)
        assert app.view.selected == ("dz2", (3, 0))
        await pilot.click("#values", offset=place_of(app, "values", "0.6898"))
        await settled(pilot)
        assert app.view.selected == ("a2", (1, 0))
        await pilot.click("#deltas", offset=place_of(app, "deltas", HATCH))
        await settled(pilot)
        assert app.view.selected == ("a2", (1, 0)), "what is not computed cannot be selected"


async def test_a_stage_can_be_chosen_in_the_listing_by_key():
    async with debugger() as (app, pilot):
        await press(pilot, "1", "down", "down", "enter")
        assert isinstance(app.focused, ProgramPane)
        assert app.view.position.stage == "z2"
        await press(pilot, "up", "enter")
        assert app.view.position.stage == "a1"


def cursor_place(app):
    """Where the cell cursor is drawn in its pane, and the room there."""
    name, index = app.view.selected
    pane = next(pane for pane in app.query(MatrixPane) if pane.layout_of.find(name))
    block, (row, column) = pane.layout_of.find(name), (0, 0, *index)[-2:]
    x, y = block.left + block.edge + column * block.cell - pane.scroll_offset.x, block.first + row - pane.scroll_offset.y
    return x, y, pane.area.width - block.cell, pane.area.height - 1


async def test_the_cursor_of_a_scrolled_matrix_stays_in_sight():
    async with debugger("residual", SMALL) as (app, pilot):
        app.perform("goto z2")
        for key in ("pagedown", "end", "pageup", "home", "down", "right"):
            await press(pilot, key)
            x, y, right, bottom = cursor_place(app)
            assert 0 <= x <= right
            assert 0 <= y <= bottom


async def test_the_cursor_is_in_sight_when_the_scrollbars_have_just_appeared():
    async with debugger("residual") as (app, pilot):
        app.perform("goto da1")
        await settled(pilot)
        x, y, right, bottom = cursor_place(app)
        assert 0 <= x <= right
        assert 0 <= y <= bottom


async def test_the_size_of_the_terminal_may_change():
    async with debugger() as (app, pilot):
        app.perform("goto 2:dW2")
        for size in (SMALL, (160, 48), (40, 12), (110, 30), (20, 8)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            small = size[0] < 110 or size[1] < 30
            assert app.has_class("small") == small
            visible = [pane.id for pane in app.query(Pane) if pane.display]
            standing = [] if small else ["equation", "surface"] if size == (160, 48) else []
            usual = ["program", "deltas", "why"] if small else ["program", "network", "loss", "values", "deltas", "why"]
            assert visible == usual + standing
        assert app.view.position.stage == "dW2"


@pytest.mark.parametrize("name", by_day(NAMES, 4))
@pytest.mark.parametrize("size", [LARGE, pytest.param(SMALL, marks=LONG)], ids=["large", "small"])
async def test_every_scenario_is_shown_at_its_moments(name, size):
    async with debugger(name, size) as (app, pilot):
        for command in ("finish", "goto backward", "update 3", "reverse-next", "continue"):
            app.perform(command)
            await until(pilot, lambda: app.session.journey.pending is None and not app.work.busy)
            for pane in app.query(Pane):
                for y in range(pane.size.height):
                    assert pane.render_line(y).cell_length == pane.area.width


async def test_no_color_is_no_obstacle(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with debugger() as (app, pilot):
        await press(pilot, "s", "s", "question_mark", "escape")
        await settled(pilot)
        assert app.view.position.stage == "a1"
        assert "▸+0.9742" in shown(app, "values"), "the sample is marked by a sign, and not by a colour alone"


async def test_the_light_theme_has_other_colours():
    async with debugger() as (app, pilot):
        dark = app.roles.style("heat:+8")
        app.theme = "bpdebug-light"
        await settled(pilot)
        assert app.roles.style("heat:+8") != dark


def test_every_key_belongs_to_a_command_or_to_the_panes():
    expected = {NAMED.get(key, key): f"command('{command.name}')" for command in COMMANDS.values() for key in command.keys}
    keys = {binding.key: binding.action for binding in (*DebuggerApp.BINDINGS, *PaneScreen.BINDINGS)}
    panes = {key: action for key, action in keys.items() if key not in expected}
    assert {key: keys[key] for key in expected} == expected
    resizing = {"less_than_sign", "greater_than_sign", "left_curly_bracket", "right_curly_bracket"}
    assert set(panes) == {"colon", "ctrl+o", "z", *resizing, "0", *(pane.key for pane in PANES.values())}


def test_no_key_is_bound_twice_and_f11_is_free():
    keys = [key for binding in (*DebuggerApp.BINDINGS, *PaneScreen.BINDINGS) for key in binding.key.split(",")]
    assert len(keys) == len(set(keys))
    for owner in (DebuggerApp, PaneScreen, ProgramPane, MatrixPane, PromptScreen, TextScreen, ChooserScreen):
        assert not any("f11" in binding.key for binding in owner.BINDINGS)


async def test_a_command_given_during_a_long_run_is_refused_quietly():
    async with debugger(endless()) as (app, pilot):
        app.perform("continue")
        await until(pilot, lambda: app.work.busy)
        app.perform("goto start")
        assert app.session.journey.pending
        app.work.interrupted = True
        await until(pilot, lambda: not app.work.busy)
        await asyncio.sleep(0)
        assert app.session.position.update > 0


@pytest.mark.parametrize(
    ("name", "stop", "place", "found"),
    [
        ("xor", "catch exploding 1e9", "98:dW1", "no earlier stop"),
        pytest.param("xor", "watch dW1[1,0] sign", "998:dW1", "watchpoint 1: dW1[1,0] changed its sign", marks=LONG),
        pytest.param("iris", "watch dW1[0,0] ratio 1e9", "60:dW1", "no earlier stop", marks=LONG),
    ],
)
async def test_while_a_stop_is_searched_the_panes_stay_where_they_are(monkeypatch, name, stop, place, found):
    monkeypatch.setattr("bpdebug.ui.long_runs._PICTURE", 0)
    monkeypatch.setattr("bpdebug.ui.long_runs._SLICE", 0.0005)
    async with debugger(name) as (app, pilot):
        for command in (stop, f"goto {place}"):
            app.session.execute(command)
        app.show()
        await settled(pilot)
        before, hints, seen = shown(app, "header"), shown(app, "footer")[:16], set()
        await press(pilot, "C")
        while app.session.journey.pending:
            seen |= {shown(app, "header"), shown(app, "footer")[:16]}
            await pilot.pause(0)
        await until(pilot, lambda: messages(app))
        assert messages(app)[0].startswith(found)
        assert before in seen
        assert seen <= {before, hints, " searching back:", shown(app, "header"), *(text for text in seen if text.startswith(" s step"))}
