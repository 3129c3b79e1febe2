"""Only what has changed is painted, and all of that."""

from __future__ import annotations

import pytest
from ui_app import LARGE, SMALL, debugger, on_screen, press, settled

from bpdebug.ui.pane import Pane
from bpdebug.ui.panes.why import WhyPane

pytestmark = pytest.mark.usefixtures("painted")


async def test_a_cursor_key_paints_no_line_that_stays_as_it_is(monkeypatch):
    painted, paint = [], Pane.render_line
    async with debugger() as (app, pilot):
        app.perform("goto dW2")
        await pilot.pause()
        monkeypatch.setattr(Pane, "render_line", lambda pane, y: (painted.append(pane.id), paint(pane, y))[1])
        await pilot.press("down")
        await pilot.pause()
        assert app.session.selected == ("dW2", (1, 0))
    assert {"deltas", "why"} <= set(painted) <= {"values", "deltas", "why", "network"}
    assert painted.count("deltas") == 2


async def test_what_has_been_painted_line_by_line_is_what_is_painted_at_once():
    async with debugger() as (app, pilot):
        for order in (
            "goto 2:dz2",
            "select W2[3,0]",
            "break dW1",
            "convention columns",
            "set W2[3,0] = 7",
            "format scientific 2",
            "step",
        ):
            app.perform(order)
            await pilot.pause()
            if len(app.screen_stack) > 1:
                await pilot.press("escape")
            if order == "step":
                app.theme = "bpdebug-light"
                await pilot.pause()
            by_lines = app.export_screenshot(simplify=True)
            for pane in app.query(Pane):
                pane.refresh()
            await pilot.pause()
            assert app.export_screenshot(simplify=True) == by_lines, order


def unlike(app):
    """The panes in sight that are empty, or show other lines than their view has."""
    wrong = []
    for pane in app.query(Pane):
        lines = on_screen(app, pane) if pane.display and pane.region else []
        drawn = [pane.render_line(y).text for y in range(len(lines))]
        if lines and (lines != drawn or not "".join(lines).strip()):
            wrong.append(pane.id)
    return wrong


@pytest.mark.parametrize(("size", "step"), [(SMALL, "s"), pytest.param(LARGE, "", marks=pytest.mark.long)], ids=["small", "large"])
async def test_a_pane_that_comes_back_into_sight_shows_its_lines(size, step):
    async with debugger("xor", size) as (app, pilot):
        await press(pilot, *"uss")
        for key in f"5495{step}4zz6zz{step}1zz29z{step}389z7z{step}5z6412{step}z83z976":
            await press(pilot, key)
            assert unlike(app) == [], key


async def test_a_pane_that_can_be_drawn_again_shows_its_lines(monkeypatch):
    monkeypatch.delenv("BPDEBUG_DEBUG")
    async with debugger() as (app, pilot):
        await settled(pilot)
        before = on_screen(app, app.query_one(WhyPane))
        with monkeypatch.context() as patch:
            patch.setattr(WhyPane, "draw", lambda *_: 1 / 0)
            app.show()
            await settled(pilot)
            assert "cannot be drawn" in on_screen(app, app.query_one(WhyPane))[0]
        app.message.hush()
        app.show()
        await settled(pilot)
        assert on_screen(app, app.query_one(WhyPane)) == before
