"""What all tests of the app have in common."""

from __future__ import annotations

from functools import cache

import pytest
from textual.css.stylesheet import Stylesheet
from textual.screen import Screen

from bpdebug.ui.bars import MessageBar


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A busy machine needs more than a slice of a run for what is done at once otherwise, and longer than a message is to be read;
    endless runs are sliced all the same."""
    monkeypatch.setattr("bpdebug.ui.long_runs._SLICE", 0.1)
    fades = MessageBar.set_timer
    monkeypatch.setattr(MessageBar, "set_timer", lambda bar, seconds, then: fades(bar, 600 * seconds, then))


@pytest.fixture
def painted():
    """What a test asks for that looks at what reaches the terminal."""


@pytest.fixture(autouse=True)
def unseen(request, monkeypatch):
    """Else nothing is painted that nobody looks at, which takes as long as all the rest of a key; tests ask panes for their lines."""
    if "painted" in request.fixturenames:
        return
    refresh = Screen._compositor_refresh

    def leave(screen):
        if screen is not screen.app.screen:
            return refresh(screen)
        screen._compositor._dirty_regions.clear()
        screen._dirty_widgets.clear()
        return screen.app._update_mouse_over(screen)

    monkeypatch.setattr(Screen, "_compositor_refresh", leave)


_parse = Stylesheet._parse_rules


@cache
def _read(variables, *css):
    return _parse(Stylesheet(variables=dict(variables)), *css)


@pytest.fixture(autouse=True)
def read_once(monkeypatch):
    """The style sheets are the same in each app."""

    def read(sheet, css, read_from, is_default_rules, tie_breaker, scope):
        return _read(frozenset(sheet._variables.items()), css, read_from, is_default_rules, tie_breaker, scope)

    monkeypatch.setattr(Stylesheet, "_parse_rules", read)


@pytest.fixture(autouse=True)
def failing(monkeypatch):
    """An exception that nobody foresaw fails the test instead of being told in the app."""
    monkeypatch.setenv("BPDEBUG_DEBUG", "1")
