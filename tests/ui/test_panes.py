"""A pane is registered by its own file: its key, its place, its hints and its line of the help follow."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bpdebug.core.errors import BpdebugError
from bpdebug.ui.keys import refuse_clashes
from bpdebug.ui.pane import ListPane, pane
from bpdebug.ui.panes import PANES

ANOTHER = """
import asyncio
from bpdebug.ui.draw.bars import own_keys
from bpdebug.ui.pane import ListPane, pane

@pane("weather", "{key}", hints=[own_keys("days", "left", "right")])
class WeatherPane(ListPane):
    '''Rain and sun.'''

    def draw(self, view, size):
        return [((f"{{len(view.tensors)}} tensors in {{size.width}} columns", ""),)]

from bpdebug import Session, load_scenario
from bpdebug.ui.app import DebuggerApp

async def main(size):
    app = DebuggerApp(Session(load_scenario("xor")))
    async with app.run_test(size=size) as pilot:
        await pilot.press("{key}")
        await pilot.pause()
        weather = app.query_one("#weather")
        assert weather.border_title == "{key} Weather" and app.focused is weather
        assert "tensors in" in weather.render_line(0).text
        footer = app.query_one("#footer").render_line(0).text
        assert "←→ days" in footer and (size[0] < 120 or "1…9 {key} panes" in footer)
        assert not app.query_one("#loss").display and app.query_one("#program").display
        await pilot.press("question_mark", *"weather")
        await pilot.pause()
        rows = app.screen.query_one("RowList").rows
        assert any("weather: Rain and sun." in "".join(text for text, _ in line) for row in rows for line in row.lines)

for size in ((120, 36), (80, 24)):
    asyncio.run(main(size))
"""


REBOUND = """
import asyncio
from bpdebug import Session, load_scenario
from bpdebug.session.settings import Settings
from bpdebug.session.table import rebind

keys = {"step": ("z",), "update": ("3",), "check": ("j",)}
rebind(keys)
from bpdebug.ui.app import DebuggerApp

async def main():
    app = DebuggerApp(Session(load_scenario("xor")), settings=Settings(keys=keys))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("z", "z", "3")
        await pilot.pause()
        assert app.view.position.update == 1 and not app.panes.layout_of.maximised, app.view.position

asyncio.run(main())
"""


@pytest.mark.parametrize("script", [ANOTHER.format(key="J"), REBOUND], ids=["a pane of one file", "the user's own keys"])
def test_in_a_fresh_process(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("key", ["s", "2", "z", "10", "up", ":"])
def test_a_key_that_is_taken_is_refused_at_the_start(key):
    made = type("Taken", (ListPane,), {"key": key})
    with pytest.raises(BpdebugError, match="needs a key of its own") as refused:
        refuse_clashes(PANES | {"taken": made}, ())
    assert {"s": "by step;", "2": "by taken;", "z": "by maximise;", ":": "by prompt;"}.get(key, "is none;") in str(refused.value)
    assert set(refused.value.args[0].rpartition("free are ")[2].split()) >= {"H", "J"}


def test_a_key_that_the_user_gives_to_a_command_is_the_users():
    refuse_clashes(PANES | {"free": type("Free", (ListPane,), {"key": "v"})}, ["check"])


def test_a_pane_has_a_name_of_its_own_and_needs_what_there_is():
    with pytest.raises(ValueError, match="there already"):
        pane("loss", "d")
    with pytest.raises(ValueError, match="nothing called weather"):
        pane("forecast", "d", needs=["weather"])


def test_the_panes_are_told_in_the_order_of_their_keys():
    assert "".join(made.key for made in PANES.values()).startswith("123456789")
