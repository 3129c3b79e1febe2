"""An exception that nobody foresaw does not end the app: a message names the file that brings the session back, all else goes on."""

from __future__ import annotations

import pytest
from turns import by_turns
from ui_app import debugger, errors, press, settled, shown, until
from ui_views import loaded

from bpdebug.core.record import replace
from bpdebug.session.commands import COMMANDS
from bpdebug.ui.panes.network import NetworkPane
from bpdebug.ui.panes.why import WhyPane

pytestmark = pytest.mark.usefixtures("painted")


@pytest.fixture(autouse=True)
def told(monkeypatch, tmp_path):
    """As for a user."""
    monkeypatch.delenv("BPDEBUG_DEBUG")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def fail(*_arguments, **_named):
    raise KeyError("y")


async def alive(app, pilot):
    before = app.session.position.t
    await press(pilot, "s")
    return app.session.position.t == before + 1


async def test_a_command_fails(monkeypatch):
    monkeypatch.setitem(COMMANDS, "where", replace(COMMANDS["where"], run=fail))
    async with debugger() as (app, pilot):
        app.perform("goto 3:dz1")
        await press(pilot, "W")
        assert ["xor.rescued-1.bp" in text and "source" in text and "please report it" in text for text in errors(app)] == [True]
        assert app.session.place_of(app.session.position.t) == "3:dz1"
        assert await alive(app, pilot)


async def test_what_the_panes_see_cannot_be_made(monkeypatch):
    async with debugger() as (app, pilot):
        app.perform("goto 3:dz1")
        with monkeypatch.context() as patch:
            patch.setattr("bpdebug.session.session.make_view", fail)
            await press(pilot, "s")
            await settled(pilot)
            assert "KeyError" in errors(app)[0]
        assert await alive(app, pilot)
        assert "3:dW1" in shown(app, "header") or "dW1" in shown(app, "header")


@pytest.mark.parametrize(("pane", "method"), [(WhyPane, "draw"), (NetworkPane, "prepare"), (NetworkPane, "line_at")])
async def test_a_pane_cannot_be_drawn(pane, method, monkeypatch):
    async with debugger() as (app, pilot):
        await settled(pilot)
        with monkeypatch.context() as patch:
            patch.setattr(pane, method, fail)
            await press(pilot, "s", "s")
            name = pane.title.split()[1].lower()
            assert "cannot be drawn: KeyError" in shown(app, name)
            assert len(errors(app)) <= 1
            assert "a1" in shown(app, "header")
            assert await alive(app, pilot)
        await press(pilot, "u", "s")
        assert "cannot be drawn" not in shown(app, name)


async def test_a_message_a_timer_and_a_worker_fail(monkeypatch):
    async with debugger() as (app, pilot):
        await settled(pilot)
        app.perform("step")
        monkeypatch.setattr(app, "on_cell_chosen", fail)
        app.set_timer(0.001, fail)
        app.call_later(fail)
        app.query_one(WhyPane).call_later(fail)
        app.query_one(WhyPane).call_after_refresh(fail)

        async def work():
            fail()

        app.run_worker(work())
        await until(pilot, lambda: errors(app))
        await pilot.pause(0.1)
        assert app.is_running
        assert await alive(app, pilot)


async def test_a_long_run_fails(monkeypatch):
    monkeypatch.setattr("bpdebug.ui.long_runs._SLICE", 0.001)
    async with debugger("iris") as (app, pilot):
        await settled(pilot)
        app.perform("goto 3:dz1")
        await until(pilot, lambda: not app.work.busy)
        app.perform("continue")
        await until(pilot, lambda: app.work.busy or app.session.position.t > 100)
        monkeypatch.setattr(app.session, "resume", fail)
        await until(pilot, lambda: errors(app) or not app.work.busy)
        assert app.is_running
        assert loaded("iris")


def failing_from(monkeypatch, app, call, calls=10**9):
    """The view cannot be made from one call on, for so many calls."""
    made, view = iter(range(1, 10**9)), app.session.view
    monkeypatch.setattr(app.session, "view", lambda panes=(): fail() if call <= next(made) < call + calls else view(panes))


@pytest.mark.parametrize(("keys", "call"), by_turns([["q"], ["ctrl+q"], [*":quit", "enter"]], [1, 2, 3]))
async def test_no_view_can_be_made_any_more(keys, call, monkeypatch, tmp_path):
    async with debugger() as (app, pilot):
        app.perform("goto 3:dz1")
        await settled(pilot)
        failing_from(monkeypatch, app, call)
        for key in ("s", "s", "s", "4", "u", "g"):
            await press(pilot, key)
            if key == "s" and errors(app):
                assert len(errors(app)) == 1
                assert "KeyError" in errors(app)[0]
        assert errors(app)
        await press(pilot, "escape")
        assert len([*tmp_path.rglob("*.rescued-*")]) == 1
        assert app.is_running
        await press(pilot, *keys)
        assert app._exit


@pytest.mark.parametrize(("call", "calls"), by_turns([1, 2, 4], [1, 10**9]))
async def test_pictures_of_a_long_run_fail(call, calls, monkeypatch, tmp_path):
    monkeypatch.setattr("bpdebug.ui.long_runs._SLICE", 0.001)
    monkeypatch.setattr("bpdebug.ui.long_runs._PICTURE", 0.001)
    async with debugger("iris") as (app, pilot):
        app.perform("goto 3:dz1")
        await until(pilot, lambda: not app.work.busy)
        failing_from(monkeypatch, app, call, calls)
        app.perform("goto end")
        await until(pilot, lambda: errors(app) and not app.work.busy)
        assert len(errors(app)) == 1
        assert app.session.journey.pending is None
        assert len([*tmp_path.rglob("*.rescued-*")]) == 1
        if calls == 1:
            assert await alive(app, pilot)
        await press(pilot, "q")
        assert app._exit


async def test_what_comes_after_a_command_that_failed_is_not_carried_out_later(monkeypatch):
    async with debugger() as (app, pilot):
        await settled(pilot)
        with monkeypatch.context() as patch:
            patch.setattr("bpdebug.ui.commanding.screen_of", fail)
            app.call_later(app.answered, "where\nset W1[0,0] = 7")
            await until(pilot, lambda: errors(app))
        await press(pilot, "s")
        assert not app.session.timeline.edits
