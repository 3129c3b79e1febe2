"""ctrl+c from the thread that reads the keys meets a command that goes on in one piece, or nothing."""

from __future__ import annotations

import signal
from time import perf_counter

import pytest
from ui_app import debugger

from bpdebug.core.interruption import Interrupted


@pytest.fixture
def sent(monkeypatch):
    """The signals that are sent; they arrive when the test says so."""
    numbers = []
    monkeypatch.setattr("os.kill", lambda _, number: numbers.append(number))
    monkeypatch.setattr("bpdebug.core.interruption.heed", lambda answer: None)
    return numbers


async def ends(app, monkeypatch):
    """Whether SIGINT is taken as a request to end."""
    asked = []
    with monkeypatch.context() as patch:
        patch.setattr(app, "ask_to_end", asked.append)
        app._signalled(signal.SIGINT, None)
    return asked == [128 + signal.SIGINT]


@pytest.mark.parametrize("next_piece", [None, 0.0])
async def test_what_ctrl_c_was_to_stop_may_have_ended_by_itself(next_piece, sent, monkeypatch):
    async with debugger() as (app, _):
        app.work.piece = perf_counter() - 10
        assert app.interrupt()
        assert app.interrupt()
        app.work.piece = next_piece
        assert sent == [signal.SIGINT]
        assert not await ends(app, monkeypatch)
        app.work.piece = None
        assert await ends(app, monkeypatch)


async def test_what_goes_on_is_stopped_each_time(sent):
    async with debugger() as (app, _):
        for _time in range(2):
            app.work.piece = perf_counter() - 10
            assert app.interrupt()
            with pytest.raises(Interrupted):
                app._signalled(signal.SIGINT, None)
        app.work.piece = None
        assert not app.interrupt()
        assert len(sent) == 2
