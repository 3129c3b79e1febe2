"""Only what has changed is painted, and all of that."""

from __future__ import annotations

from ui_app import debugger

from bpdebug.ui.panes import Pane


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
