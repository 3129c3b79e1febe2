"""A walk through the app on a scenario: every pane, popup and export at several sizes, and what is painted on the way."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import NamedTuple

from scripts import WRONG, recorded
from textual.widgets import Static
from ui_app import debugger, press, settled

from bpdebug.core.errors import BpdebugError
from bpdebug.export.formats import FORMATS, exported
from bpdebug.ui import painting
from bpdebug.ui.pane import Pane
from bpdebug.ui.panes import PANES

SIZES = ((80, 24), (120, 36), (160, 48))
MOMENTS = (
    ("where",),
    ("update 2", "goto dz1", "break da1 if da1[0,0] > 2", "tbreak dz1", "sample 1"),
    ("update 40", "goto 40:dz1", "formula dz1 = da1 * a1", "check"),
    ("goto end",),
)
"""The start; within a backward pass, with stops; after some training, with a formula that is wrong; and the end."""


class Painted(NamedTuple):
    """A line as it was painted: the pane or popup, and its spans."""

    place: str
    spans: tuple


def place_of(widget):
    """The pane or bar a widget is, or else the popup that it belongs to."""
    screen = type(widget.screen).__name__.removesuffix("Screen").lower()
    return widget.id if screen == "pane" else screen


HALVES = (0, 1)
"""Of a walk: the first two moments and the popups, or the last two and the documents."""


async def walk(name, half, monkeypatch, at_stop=None):
    """The lines that are painted on half a walk through a scenario; ``at_stop`` is awaited wherever it stops."""
    seen = set()

    def noted(widget, drawn, columns, base):
        seen.add(Painted(place_of(widget), drawn))
        return kept(widget, drawn, columns, base)

    kept = painting.to_strip
    for module in [module for key, module in sys.modules.items() if key.startswith("bpdebug.ui")]:
        if getattr(module, "to_strip", None) is kept:
            monkeypatch.setattr(module, "to_strip", noted)
    async with debugger(recorded(*WRONG) if name == "script" else name) as (app, pilot):

        async def stop():
            await settled(pilot)
            for pane in app.screen.query(Pane) if app.screen is app.panes else ():
                if pane.display:
                    seen.update(Painted(pane.id, ((str(text), ""),)) for text in (pane.border_title, pane.border_subtitle) if text)
            seen.update(
                Painted(place_of(part), ((line, ""),)) for part in app.screen.query(Static) for line in str(part.content).splitlines()
            )
            if at_stop:
                await at_stop(app, pilot)

        for place, commands in [*enumerate(MOMENTS)][2 * half : 2 * half + 2]:
            for command in commands:
                with suppress(BpdebugError):  # what a scenario has not, it cannot show
                    app.session.execute(command)
            columns, rows = SIZES[place % len(SIZES)]
            await pilot.resize_terminal(columns, rows)
            app.show()
            await stop()
            unseen = [pane.key for key, pane in PANES.items() if not app.screen.query_one(f"#{key}").display]
            for key in [*unseen * bool(place % 3), "z"]:
                await press(pilot, key)
                await stop()
            await press(pilot, "z")
        for command in () if half else ("paths", "check", "help"):
            app.perform(command)
            await stop()
            await press(pilot, "escape")
        for key in () if half else ("y", ":"):
            await press(pilot, key)
            await stop()
            await press(pilot, "escape")
        for chosen in FORMATS.values() if half else ():
            text = exported(app.session.timeline, chosen) if chosen.document else ""
            seen.update(Painted("export", ((line, ""),)) for line in str(text).splitlines())
    return seen
