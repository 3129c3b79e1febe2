"""The prompt: what is drawn under it, its history, its completion, and what becomes of a mistake."""

from __future__ import annotations

from functools import cache

import pytest
from textual import events
from textual.widgets import Input
from ui_app import SMALL, debugger, errors, press, settled, shown, until
from ui_views import role_of, session, text

from bpdebug.session.command_completion import complete_command, meant
from bpdebug.session.commands import COMMANDS
from bpdebug.session.completion import Candidate, Completion
from bpdebug.session.prompt_history import history_file
from bpdebug.ui.app import DebuggerApp
from bpdebug.ui.draw.spans import plain, width
from bpdebug.ui.draw.typed import candidate_lines, prompt_lines
from bpdebug.ui.prompt_screen import PromptScreen

NOTHING = Completion(0, 0, ())


@cache
def known():
    return session("xor")


def drawn(line, columns=78, rows=8, mistake=""):
    completion = complete_command(line, len(line), known())
    return prompt_lines(meant(line), mistake, completion, None, columns, rows)


def test_the_command_that_is_typed_is_explained_above_the_candidates():
    lines = text(drawn("watch W1 ")).splitlines()
    assert lines[0] == "watch EXPRESSION [sign | ratio R]"
    assert lines[1].startswith("Stop when a value changes")
    assert [line.strip() for line in lines[-2:]] == ["sign", "ratio"]


def test_where_there_is_room_usage_and_help_share_a_line():
    assert text(drawn("goto ", 120)).splitlines()[0] == "goto LOCATION  Jump to a location, forwards or back, without stops on the way."


@pytest.mark.parametrize("columns", [38, 78, 118])
def test_what_stands_under_the_prompt_fits(columns):
    for name in COMMANDS:
        for line in (name, f"{name} ", f"{name} d"):
            lines = drawn(line, columns)
            assert len(lines) <= 8, line
            assert all(width(part) <= columns for part in lines), line


def test_a_mistake_takes_the_place_of_the_help_and_keeps_its_lines():
    lines = text(drawn("stpe", mistake="there is no command 'stpe'\ndid you mean 'step'?")).splitlines()
    assert lines == ["✗ there is no command 'stpe'", "  did you mean 'step'?"]
    assert len(prompt_lines(None, "word " * 300, NOTHING, None, 40, 8)) == 8


def test_more_candidates_than_lines_are_counted_and_the_chosen_one_is_in_sight():
    found = tuple(Candidate(f"name{place}") for place in range(20))
    lines = text(candidate_lines(found, None, 40, 6)).splitlines()
    assert lines == [*(f"  name{place}" for place in range(5)), "  … 15 more"]
    for chosen in range(20):
        lines = candidate_lines(found, chosen, 40, 6)
        assert [role_of(line, "name") for line in lines[:-1]].count("cursor") == 1
        assert any(plain(line).strip() == f"name{chosen}" and role_of(line, "name") == "cursor" for line in lines)


def test_a_candidate_says_its_shape_and_what_it_is():
    assert text(candidate_lines((Candidate("W1", (2, 4), "the first weights"),), None, 60, 3)) == "  W1  2×4 the first weights"
    assert candidate_lines((Candidate("W1"),), None, 60, 0) == []


def field(app):
    assert isinstance(app.screen, PromptScreen)
    return app.screen.query_one(Input)


async def test_a_mistake_gives_the_line_back_with_the_reason_and_nothing_is_lost():
    async with debugger(size=SMALL) as (app, pilot):
        await press(pilot, "colon", *"goto 40:dz2", "enter")
        assert (app.view.position.update, app.view.position.stage) == (40, "dz2")
        await press(pilot, "colon", *"stpe 3", "enter")
        assert field(app).value == "stpe 3"
        await until(pilot, lambda: "did you mean 'step'?" in shown(app, "offers"))
        assert not errors(app)
        assert app.view.position.stage == "dz2"
        await press(pilot, "home", "delete", "delete", "delete", "delete", *"step", "enter")
        assert not isinstance(app.screen, PromptScreen)
        assert app.view.position.stage == "da1"


async def test_the_reason_goes_when_the_line_is_changed():
    async with debugger() as (app, pilot):
        await press(pilot, "colon", *"goto nowhere", "enter")
        await until(pilot, lambda: "there is no location" in shown(app, "offers"))
        await press(pilot, "backspace")
        assert "there is no location" not in shown(app, "offers")
        await press(pilot, "escape", "s")
        assert app.view.position.stage == "z1"


async def test_after_a_mistake_the_command_before_it_is_one_key_away():
    async with debugger() as (app, pilot):
        app.history.lines = ["print loss", "step 2"]
        await press(pilot, "colon", *"stpe", "enter", "up")
        assert field(app).value == "step 2"
        await press(pilot, "up", "down", "down")
        assert field(app).value == "stpe"
        await press(pilot, "down")
        assert field(app).value == ""


async def test_the_rest_of_a_command_is_given_back_under_its_own_prompt():
    async with debugger() as (app, pilot):
        await press(pilot, "g", *"dz9", "enter")
        assert field(app).value == "dz9"
        assert app.screen.prefix == "goto"
        await press(pilot, "backspace", *"2", "enter")
        assert app.view.position.stage == "dz2"
        assert app.history.lines == ["goto dz9", "goto dz2"]


@pytest.mark.parametrize("refused", [("colon", *"stpe"), ("g", *"dz9")])
async def test_a_colon_after_what_was_refused_begins_another_command(refused):
    async with debugger() as (app, pilot):
        await press(pilot, *refused, "enter", "colon", *"step")
        assert (app.screen.prefix, field(app).value) == ("", "step")
        await press(pilot, "enter")
        assert app.session.position.t == 1
        assert ":" not in app.history.lines
        assert app.history.lines[-1] == "step"


async def test_a_colon_in_what_is_being_corrected_is_a_part_of_it():
    async with debugger() as (app, pilot):
        await press(pilot, "g", *"dz9", "enter", "backspace", "backspace", "backspace", *"3:dz1", "enter")
        assert app.session.place_of(app.session.position.t) == "3:dz1"


async def test_a_mistake_by_key_is_not_given_to_the_prompt():
    async with debugger() as (app, pilot):
        await press(pilot, "colon", *"step", "enter", "backspace")
        await until(pilot, lambda: errors(app) or len(app.notes))
        assert not isinstance(app.screen, PromptScreen)


async def test_what_is_typed_before_the_line_is_there_is_not_lost():
    async with debugger() as (app, pilot):
        app.action_prompt()
        for letter in "goto":
            app.screen.post_message(events.Key(letter, letter))
        await settled(pilot)
        await press(pilot, *" dz2", "enter")
        assert app.view.position.stage == "dz2"


async def test_keys_that_come_all_at_once_act_in_their_order():
    async with debugger() as (app, pilot):
        await press(pilot, "colon")
        for key, letter in [("g", "g"), ("o", "o"), ("t", "t"), ("tab", None), ("d", "d"), ("tab", None), ("1", "1"), ("up", None)]:
            app.post_message(events.Key(key, letter))
        await settled(pilot)
        assert field(app).value == "goto da21"


async def test_letters_typed_at_the_prompt_are_no_commands():
    async with debugger() as (app, pilot):
        await press(pilot, "colon", "q", "s", "u", "left_square_bracket")
        assert field(app).value == "qsu["
        assert app.session.position.t == 0


async def test_earlier_commands_come_back_those_that_begin_like_this():
    async with debugger() as (app, pilot):
        app.history.lines = ["step 2", "print a2", "step 3", "goto dz2"]
        await press(pilot, "colon", "up")
        assert field(app).value == "goto dz2"
        await press(pilot, "up", "up", "up", "up")
        assert field(app).value == "step 2"
        await press(pilot, *["down"] * 4)
        assert field(app).value == ""
        await press(pilot, *"ste", "up")
        assert field(app).value == "step 3"
        await press(pilot, "up", "up")
        assert field(app).value == "step 2"
        await press(pilot, "down", "down")
        assert field(app).value == "ste"
        await press(pilot, "escape", "g", "up")
        assert field(app).value == "dz2"


async def test_tab_completes_and_then_tries_the_candidates():
    async with debugger(size=SMALL) as (app, pilot):
        await press(pilot, "colon", *"got", "tab")
        assert field(app).value == "goto "
        await press(pilot, *"40:dz", "tab")
        assert field(app).value == "goto 40:dz2"
        await press(pilot, "tab")
        assert field(app).value == "goto 40:dz1"
        assert "dz2" in shown(app, "offers")
        await press(pilot, "shift+tab", "enter")
        await until(pilot, lambda: (app.view.position.update, app.view.position.stage) == (40, "dz2"))


async def test_the_rest_of_a_command_is_completed_too():
    async with debugger() as (app, pilot):
        await press(pilot, "g", *"back", "tab")
        assert field(app).value == "backward"
        assert shown(app, "offers").startswith("goto LOCATION")


async def test_the_history_is_kept_only_by_an_app_that_keeps_things(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for stateful, kept in ((False, False), (True, True)):
        app = DebuggerApp(session("xor"), stateful=stateful)
        async with app.run_test() as pilot:
            await press(pilot, "colon", *"where", "enter")
            await settled(pilot)
        assert history_file().exists() == kept
    app = DebuggerApp(session("xor"), stateful=True)
    assert app.history.lines == ["where"]
    assert DebuggerApp(session("xor")).history.lines == []


async def test_an_answer_that_cannot_be_read_is_given_back_with_the_reason_where_one_types():
    async with debugger() as (app, pilot):
        app.session.execute("predict on")
        await press(pilot, "s", *"dunno", "enter")
        assert isinstance(app.screen, PromptScreen)
        assert app.screen.query_one(Input).value == "dunno"
        assert "is expected" in shown(app, "offers") or "no number" in shown(app, "offers")
        await press(pilot, "escape")
        assert app.session.question
