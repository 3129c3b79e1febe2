"""What is typed ahead arrives, in its order, whatever opens in between: at once, in two pieces, or key by key, it comes to the same."""

from __future__ import annotations

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.widgets import Input
from turns import by_turns
from ui_app import LARGE, debugger, settled, until

NAMES = {"\r": "enter", "\x1b": "escape", "\t": "tab", "\x10": "ctrl+p"}
TYPED = (
    ":hint\r",
    "g40:dz1\r",
    "6z",
    "?filter",
    "?tern\r\rW1\r",
    ":print a2\r:print z1\r",
    ":print 1+1\rs:print z1\rs",
    "sg5:dz1\rys\x1bu",
    "vjs[",
    "gbad\r\x1bs4z",
    ":goto 3:dz2\r\r[s",
    "Ps4x4\rs1\rs",
    ":st\t 3\r2,5",
    "\x10notation\r",
    "y\x1b7zi",
)


def key(character):
    name = NAMES.get(character)
    return events.Key(name or _character_to_key(character), None if name else character)


async def typed(app, pilot, pieces):
    """Type pieces, each in one breath, and wait until all is done in between."""
    for piece in pieces:
        for character in piece:
            app.post_message(key(character))
        await pilot.pause(0)
        await until(pilot, lambda: not app.typed._letting_in and not app.work.busy and app.typed.others_rest())


def state(app):
    inputs = [widget.value for widget in app.screen.query(Input)]
    return {
        "place": (
            app.session.position,
            app.session.selected,
            app.session.cursor.sample,
            app.session.cursor.style,
            len(app.session.stops.all),
        ),
        "screens": [type(screen).__name__ for screen in app.screen_stack],
        "inputs": inputs,
        "focus": app.focused.id if app.focused else None,
        "alone": app.panes.layout_of.maximised,
        "said": [note.text for note in app.notes],
        "typed": app.history.lines,
    }


async def after(pieces):
    async with debugger("xor", LARGE) as (app, pilot):
        await settled(pilot)
        app.perform("goto 2:dW1")
        await settled(pilot)
        await typed(app, pilot, pieces)
        return state(app)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        *by_turns(TYPED[::3], (1, 2)),
        *(pytest.param(text, pieces, marks=pytest.mark.long) for place, text in enumerate(TYPED) if place % 3 for pieces in (1, 2)),
    ],
)
async def test_it_comes_to_the_same(text, pieces):
    half = len(text) // pieces
    assert await after([text[:half], text[half:]]) == await after(text)


async def test_in_two_pieces_split_anywhere():
    text = "g40:dz1\r6z:print a2\r\x1b"
    expected = await after(text)
    for place in range(1, len(text), 15):
        assert await after([text[:place], text[place:]]) == expected


async def test_what_is_typed_before_a_run_says_that_it_runs_waits_for_its_end():
    expected = await after("cs[")
    assert await after(["cs["]) == expected


async def test_what_waits_is_let_in_after_an_exception(monkeypatch):
    monkeypatch.delenv("BPDEBUG_DEBUG")
    async with debugger("xor", LARGE) as (app, pilot):
        await settled(pilot)
        with monkeypatch.context() as patch:
            patch.setattr(app.typed, "_rest", lambda *_: 1 / 0)
            app.typed._held_back.append(key("s"))
            await app.on_event(key("s"))
            await until(pilot, lambda: not app.typed._letting_in)
        assert "ZeroDivisionError" in app.notes[0].text
        await typed(app, pilot, ["s"])
        assert app.session.position.t == 3


async def test_keys_go_on_after_the_task_has_been_cancelled_before_it_began():
    async with debugger("xor", LARGE) as (app, pilot):
        await settled(pilot)
        app.typed._held_back.append(key("s"))
        await app.on_event(key("s"))
        app.typed._letting_in.cancel()
        await pilot.pause(0)
        await typed(app, pilot, ["s"])
        assert app.session.position.t == 3
