"""The app in tests: on a scenario, with keys as a terminal sends them, and what is visible of it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from time import perf_counter

from textual import events
from textual.keys import _character_to_key
from textual.pilot import WaitForScreenTimeout
from ui_views import loaded

from bpdebug.session.session import Session
from bpdebug.ui.app import DebuggerApp

LARGE, SMALL = (120, 36), (80, 24)
NAMED = {
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "?": "question_mark",
    "=": "equals_sign",
    "'": "apostrophe",
    ":": "colon",
    ";": "semicolon",
    ",": "comma",
    ".": "full_stop",
}
"""Keys as Textual names them."""


@asynccontextmanager
async def debugger(scenario="xor", size=LARGE):
    """The app on a scenario, and the pilot."""
    opened = loaded(scenario) if isinstance(scenario, str) else scenario
    app = DebuggerApp(Session(opened) if opened else None)
    async with app.run_test(size=size) as pilot:
        yield app, pilot


def shown(app, name):
    """What is visible of a pane or bar, as text."""
    widget = app.screen.query_one(f"#{name}")
    return "\n".join(widget.render_line(y).text.rstrip() for y in range(widget.content_size.height))


def on_screen(app, pane):
    """What the screen shows of a pane, as text: what has been painted, not what would be."""
    place, strips = pane.scrollable_content_region, app.screen._compositor.render_strips()
    return [strips[y].crop(place.x, place.right).text for y in range(place.y, place.bottom)]


def size_of(app, name):
    """The columns and rows that a pane takes, with its border."""
    return app.query_one(f"#{name}").outer_size


def messages(app):
    return [note.text for note in app.notes]


async def pause(pilot, seconds):
    """Let the app go on; where it has ended nobody answers any more."""
    try:
        await pilot.pause(seconds)
    except WaitForScreenTimeout:
        if not pilot.app._exit:
            raise


async def settled(pilot):
    """Let all messages be dealt with, and those that follow from them."""
    for _ in range(3):
        await pause(pilot, 0)
    for _ in range(1000):
        if not isinstance(pilot.app, DebuggerApp) or at_rest(pilot.app):
            break
        await pause(pilot, 0.001)


def at_rest(app):
    """Whether nothing is under way but a long run."""
    return app._exit or app.work.busy or not (app.typed._letting_in or app.message_queue_size or not app.typed.others_rest())


async def press(pilot, *keys):
    """Keys as the terminal sends them (``pilot.press`` also waits until the process has been idle for a while)."""
    names = {name: character for character, name in NAMED.items()}
    for key in keys:
        character = names.get(key, key)
        pilot.app.post_message(events.Key(_character_to_key(key) if len(key) == 1 else key, character if len(character) == 1 else None))
        await settled(pilot)


async def until(pilot, condition, seconds=60):
    """Let the app go on until something is so."""
    end = perf_counter() + seconds
    while perf_counter() < end:
        if condition():
            return await settled(pilot)
        await pause(pilot, 0.005)
    raise AssertionError("it does not come to pass")


def errors(app):
    return [note.text for note in app.notes if note.severity == "error"]
