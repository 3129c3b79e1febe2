"""The help and the palette: all that the table has, searched as one types."""

from __future__ import annotations

import pytest
from textual.command import CommandPalette
from textual.widgets import Input, OptionList
from ui_app import LARGE, SMALL, debugger, press, shown, until
from ui_views import text

from bpdebug.look.legend import GROUPS, entries
from bpdebug.session.commands import COMMANDS, in_order
from bpdebug.ui.completing import RowList
from bpdebug.ui.draw.lists import LEGEND, PANE_KEYS, help_rows
from bpdebug.ui.draw.spans import MARKED, marked, plain, width
from bpdebug.ui.help_screen import HelpScreen
from bpdebug.ui.keys import TableCommands
from bpdebug.ui.prompt_screen import FormulaScreen, PromptScreen

NEWCOMERS = ["symbol", "legend", "colour", "orange", "underline", "bold", "neuron", "circle", "sigmoid", "delta", "thickness", "dashed"]
NEWCOMERS += ["stage", "phase", "operand", "BCE", "ln", "natural logarithm", "bold underline", "edge thickness"]
"""What people who do not know the screen have looked for."""


def rows(query="", columns=74):
    return help_rows(in_order(), query, columns, {str(digit): "a pane" for digit in range(1, 10)})


def names(query):
    """The commands that are found."""
    return [row.name for row in rows(query) if row.name in COMMANDS]


def explained(query):
    """What of the legend is found."""
    return [row.name.removeprefix(LEGEND) for row in rows(query) if row.name.startswith(LEGEND)]


def words(drawn):
    return text(drawn).split()


@pytest.mark.parametrize("columns", [60, 74, 116, 150])
def test_every_command_and_key_is_there_and_nothing_is_cut(columns):
    drawn, usages = rows(columns=columns), slice(12, 55 if columns > 110 else 34)
    names = [LEGEND + entry.name for group in GROUPS for entry in entries() if entry.group == group]
    assert [row.name for row in drawn if row.name] == [*names, *(command.name for command in in_order())]
    assert all(width(line) <= columns for row in drawn for line in row.lines)
    for row in drawn:
        if row.name in COMMANDS:
            help_ = " ".join(plain(line)[usages.stop :] for line in row.lines)
            assert help_.split()[: len(COMMANDS[row.name].help.split())] == COMMANDS[row.name].help.split()
            assert "".join(plain(line)[usages] for line in row.lines).replace(" ", "") == COMMANDS[row.name].usage.replace(" ", "")
    shown = words([line for row in drawn for line in row.lines])
    assert all(word in shown for entry in entries() for word in entry.text.split())
    assert all(word in shown for keys, meaning in PANE_KEYS for word in f"{keys} {meaning}".split())


def test_the_rows_are_those_that_say_all_the_words_searched_for():
    assert names("GRADIENT layer") == ["health"]
    assert "reverse-continue" in names("last stop")
    assert names("undo the last edit") == ["undo"]
    assert names("nothing of the kind") == explained("nothing of the kind") == []
    assert "nothing of the kind" in text(rows("nothing of the kind")[0].lines)


@pytest.mark.parametrize("topic", ["⊙", "Σ", "σ", "ᵀ", "η", "▶", "▸", "·", "✎", "~", "δ", "╱", "β₁"])
def test_every_sign_that_is_searched_for_is_explained(topic):
    assert topic in " ".join(plain(line) for row in rows(topic) if row.name.startswith(LEGEND) for line in row.lines)


@pytest.mark.parametrize("topic", NEWCOMERS)
def test_every_word_of_a_newcomer_is_explained(topic):
    assert explained(topic)


def test_headings_stand_only_over_rows():
    assert [plain(row.lines[0]) for row in rows("undo the last edit") if not row.name] == ["Edits"]


def test_what_is_searched_for_is_marked_in_any_capitals():
    assert marked((("Show the Value", "dim"),), ["value", "show"]) == (("Show", MARKED), (" the ", "dim"), ("Value", MARKED))
    assert marked((("a+b", ""),), ["+"]) == (("a", ""), ("+", MARKED), ("b", ""))
    assert MARKED in [role for row in rows("undo") if row.name == "undo" for line in row.lines for _, role in line]


async def test_typing_searches_and_enter_puts_the_command_into_the_prompt():
    async with debugger(size=SMALL) as (app, pilot):
        await press(pilot, "question_mark", "/", " ", *"bookmark")
        assert isinstance(app.screen, HelpScreen)
        assert app.screen.query_one(RowList).chosen == "bookmark"
        await press(pilot, *" jump", "enter")
        assert isinstance(app.screen, PromptScreen)
        assert app.screen.query_one(Input).value == "bookmark "
        await press(pilot, "escape", "question_mark", *"reverse-continue", "enter")
        assert app.screen.query_one(Input).value == "reverse-continue"


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["large", "small"])
async def test_the_help_is_gone_through_by_key_and_closed_by_escape(size):
    async with debugger(size=size) as (app, pilot):
        await press(pilot, "question_mark")
        rows = app.screen.query_one(RowList)
        await until(pilot, lambda: rows.chosen)
        first = rows.chosen
        await press(pilot, "down", "down", "up")
        assert rows.chosen == [row.name for row in rows.rows if row.name][1]
        await press(pilot, "end")
        assert rows.chosen == in_order()[-1].name
        await until(pilot, lambda: rows.scroll_y == rows.max_scroll_y, 1)
        assert "close what lies over the panes" in shown(app, "rows")
        await press(pilot, "home", "pagedown")
        assert 2 < [row.name for row in rows.rows if row.name].index(rows.chosen) < len(COMMANDS)
        await press(pilot, "pageup", "pageup")
        assert rows.chosen == first
        await press(pilot, "escape")
        assert not isinstance(app.screen, HelpScreen)
        assert app.is_running


async def test_a_click_chooses_a_command():
    async with debugger(size=SMALL) as (app, pilot):
        await press(pilot, "question_mark", *"undo the last")
        await pilot.click("#rows", offset=(4, 1))
        await until(pilot, lambda: isinstance(app.screen, PromptScreen))
        assert app.screen.query_one(Input).value == "undo"


async def palette(app, query=""):
    provider = TableCommands(app.screen)
    found = provider.search(query) if query else provider.discover()
    return {hit.text: hit async for hit in found}


async def test_the_palette_has_the_commands_and_themes_and_nothing_twice():
    async with debugger() as (app, _):
        assert {TableCommands} == app.COMMANDS
        provider = TableCommands(app.screen)
        listed = [hit.text async for hit in provider.discover()]
        themes = [f"theme bpdebug-{name}" for name in ("dark", "light", "contrast")]
        assert listed == [*(command.name for command in in_order()), "open", *themes]
        every = [name for name, *_ in app.entries()]
        assert len(set(every)) == len(every)
        assert "theme nord" in every
        found = await palette(app, "reverse-step")
        assert list(found) == ["reverse-step"]
        assert str(found["reverse-step"].match_display) == "reverse-step [n]"
        found = await palette(app, "expl")
        assert max(found.values(), key=lambda hit: hit.score).text == "explain"
        assert "deriv" not in COMMANDS["check"].name
        assert "check" in await palette(app, "deriv")


async def test_a_command_of_the_palette_runs_or_asks_for_what_it_needs():
    async with debugger() as (app, pilot):
        await press(pilot, "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await press(pilot, *"finish")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 2)
        await press(pilot, "enter")
        await until(pilot, lambda: app.session.position.t > 0)
        assert app.session.position.stage == "a2"
        for name in ("catch", "break"):
            (await palette(app))[name].command()
            await until(pilot, lambda: isinstance(app.screen, PromptScreen))
            assert app.screen.prefix == name
            await press(pilot, "escape")
        (await palette(app))["formula"].command()
        await until(pilot, lambda: isinstance(app.screen, FormulaScreen))


async def test_a_theme_of_the_palette_is_put_on_even_without_a_session():
    async with debugger(None) as (app, _):
        assert all(text.startswith("theme ") for text in await palette(app))
        (await palette(app))["theme bpdebug-light"].command()
        assert app.theme == "bpdebug-light"
