"""No key is dead: wherever one presses it, something on the screen changes, or the app says why not. At 80×24, as a new user would."""

from __future__ import annotations

import pytest
from ui_app import NAMED, SMALL, debugger, press, settled, until
from ui_views import loaded

from bpdebug.session.commands import COMMANDS
from bpdebug.session.session import Session
from bpdebug.ui.keys import pane_bindings
from bpdebug.ui.panes import PANES

MOMENTS = {
    "start": ("xor", ()),
    "backward": ("xor", ("goto 40:dW1", "break dz2", "bookmark here", "origin")),
    "end": ("xor", ("goto end",)),
    "not finite": ("saturation", ("continue",)),
}
QUITS = {"quit"}
KEYS = [key for command in COMMANDS.values() if command.name not in QUITS for key in command.keys]
OF_THE_PANES = sorted(["colon", "ctrl+o", *(binding.key for binding in pane_bindings(PANES))])


def picture(app):
    """All that can be seen: every line of every widget of every screen, with its colours, and which screen lies on top."""
    lines = [
        (widget.id, [[*widget.render_line(y)] for y in range(widget.size.height)])
        for screen in app.screen_stack
        for widget in screen.walk_children()
        if widget.display and widget.region.area
    ]
    return [type(screen).__name__ for screen in app.screen_stack], lines, [note.text for note in app.notes]


async def alive(app, pilot, key):
    """Whether a key does something; the app is then brought back to where it was."""
    before = picture(app)
    await press(pilot, key)
    await until(pilot, lambda: app.session.journey.pending is None and not app.work.busy)
    return picture(app) != before or app._exit


@pytest.mark.parametrize(
    ("moment", "share"),
    [
        pytest.param(moment, (place + share) % 3, marks=[pytest.mark.long] * bool(share))
        for place, moment in enumerate(MOMENTS)
        for share in range(3)
    ],
)
async def test_each_key_of_the_table_does_something_or_says_why_not(moment, share):
    """By day each key is tried at one moment or two of the four."""
    name, commands = MOMENTS[moment]
    dead = []
    async with debugger(name, SMALL) as (app, pilot):
        for key in KEYS[share::3]:
            while len(app.screen_stack) > 1:
                app.pop_screen()
            app.message.hush()
            app.session = Session(loaded(name))
            for command in commands:
                app.session.execute(command)
            app.show()
            await settled(pilot)
            if not await alive(app, pilot, NAMED.get(key, key)):
                dead.append(key)
    assert not dead


async def test_each_key_of_the_panes_does_something():
    async with debugger("xor", SMALL) as (app, pilot):
        app.perform("goto 40:dW1")
        await settled(pilot)
        dead = []
        for key in OF_THE_PANES:
            while len(app.screen_stack) > 1:
                app.pop_screen()
            app.panes.action_usual()
            app.panes.action_pane("network")
            await settled(pilot)
            if not await alive(app, pilot, key):
                dead.append(key)
        assert dead == ["0", "2"], "the sizes are the usual ones, and the network is what is shown"
