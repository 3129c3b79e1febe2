"""The app under every key, on networks whose tensors are called otherwise: it shows the same with the other names, and nothing fails."""

from __future__ import annotations

from functools import cache

import pytest
from renamed import NONSENSE, in_words, renamed
from ui_app import LARGE, NAMED, debugger, press, until
from ui_views import NAMES, loaded

from bpdebug.session.commands import COMMANDS
from bpdebug.ui.panes import PANES

LEAVING = {"quit", "save", "export", "copy", "suspend"}
KEYS = [key for command in COMMANDS.values() if command.name not in LEAVING and not command.asks for key in command.keys]
OF_PANES = [pane.key for pane in PANES.values()]
WALK = [*"sss", *OF_PANES, "z", *KEYS, "u", *OF_PANES, "right", "down", "enter", "c"]


@cache
def other(name, naming):
    return renamed(loaded(name), NONSENSE[naming])


async def screens(scenario, keys):
    """What is on the screen after each key, as text."""
    async with debugger(scenario, LARGE) as (app, pilot):
        for key in keys:
            await press(pilot, NAMED.get(key, key))
            await until(pilot, lambda: app.session.journey.pending is None and not app.work.busy)
            yield key, "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())
            while len(app.screen_stack) > 1:
                app.pop_screen()


WALKED = (("saturation", "misleading"),)
OTHERS = [pytest.param(name, "dotted", marks=pytest.mark.long) for name in NAMES]


@pytest.mark.parametrize(("name", "naming"), [*WALKED, *OTHERS])
async def test_under_every_key_the_app_goes_on(name, naming, monkeypatch):
    monkeypatch.setenv("BPDEBUG_DEBUG", "1")
    scenario, _ = other(name, naming)
    assert [key async for key, _ in screens(scenario, WALK)] == WALK


@pytest.mark.parametrize(
    ("name", "keys"), [pytest.param("xor", WALK, marks=pytest.mark.long, id="xor"), pytest.param("residual", WALK[::2], id="residual")]
)
async def test_what_is_shown_differs_in_the_names_alone(name, keys):
    scenario, names = other(name, "neighbours")
    usual = [shown async for shown in screens(loaded(name), keys)]
    found = [shown async for shown in screens(scenario, keys)]
    for (key, wanted), (_, shown) in zip(usual, found, strict=True):
        assert in_words(shown, names) == in_words(wanted, names), key
