"""What all tests of the app have in common."""

from __future__ import annotations

import pytest

from bpdebug.ui.speaking import MessageBar


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A busy machine needs more than a slice of a run for what is done at once otherwise, and longer than a message is to be read;
    endless runs are sliced all the same."""
    monkeypatch.setattr("bpdebug.ui.long_runs._SLICE", 0.1)
    fades = MessageBar.set_timer
    monkeypatch.setattr(MessageBar, "set_timer", lambda bar, seconds, then: fades(bar, 600 * seconds, then))


@pytest.fixture(autouse=True)
def failing(monkeypatch):
    """An exception that nobody foresaw fails the test instead of being told in the app."""
    monkeypatch.setenv("BPDEBUG_DEBUG", "1")
