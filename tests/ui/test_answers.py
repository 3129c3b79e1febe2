"""What the app makes of answers: questions, games, edits, and what is beside or over the panes."""

from __future__ import annotations

import pytest
from textual.widgets import Input
from ui_app import LARGE, SMALL, debugger, errors, messages, press, settled, shown, until
from ui_views import session

from bpdebug.core.errors import BpdebugError
from bpdebug.session.commands import COMMANDS
from bpdebug.time.results import Result
from bpdebug.time.tasks import Task
from bpdebug.ui.answers import note_of, screen_of
from bpdebug.ui.draw.bars import header_line
from bpdebug.ui.draw.spans import plain, width
from bpdebug.ui.prompt_screen import FormulaScreen, PromptScreen
from bpdebug.ui.report_screen import ReportScreen
from bpdebug.ui.screens import TextScreen


def hint(app):
    return str(app.screen.query_one("#hint").content)


def an_answer(app):
    return {"shape": "4x4", "sign": "+", "value": "0.5"}[app.session.question.kind]


async def test_a_question_is_asked_before_the_stage_and_answered_at_a_prompt():
    async with debugger() as (app, pilot):
        app.perform("predict on")
        await press(pilot, "s")
        assert isinstance(app.screen, PromptScreen)
        assert app.session.question.prompt in hint(app)
        assert app.session.position.t == 0
        await press(pilot, *an_answer(app), "enter")
        assert app.session.position.stage == "z1"
        assert "z1" in messages(app)[0]
        assert app.session.predictions.answered == 1


async def test_an_answer_that_says_nothing_is_refused_and_the_question_asked_again():
    async with debugger() as (app, pilot):
        app.perform("predict on")
        await press(pilot, "s", *"perhaps", "enter")
        assert isinstance(app.screen, PromptScreen)
        assert "expected; found 'perhaps'" in shown(app, "offers")
        assert app.session.question.prompt in hint(app)
        assert app.session.position.t == 0
        assert app.session.predictions.answered == 0
        await press(pilot, "ctrl+u", *an_answer(app), "enter")
        assert app.session.position.stage == "z1"


async def test_escape_and_a_second_step_leave_the_question_unanswered():
    async with debugger() as (app, pilot):
        app.perform("predict on")
        await press(pilot, "s", "escape")
        assert not isinstance(app.screen, PromptScreen)
        await press(pilot, "s")
        assert app.session.position.stage == "z1"
        assert app.session.predictions.answered == 0


async def test_right_and_wrong_answers_are_told_apart():
    async with debugger() as (app, pilot):
        app.perform("predict on")
        severities = set()
        for _ in range(6):
            await press(pilot, "s")
            app.screen.query_one(Input).value = an_answer(app)
            await press(pilot, "enter")
            said = [note for note in app.notes if note.text.startswith(("right: ", "wrong: "))]
            assert len(said) == 1
            assert (said[0].severity == "information") == said[0].text.startswith("right")
            severities.add(said[0].severity)
        assert severities == {"information", "warning"}


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["large", "small"])
async def test_the_header_tells_how_the_hunt_goes(size):
    async with debugger(size=size) as (app, pilot):
        app.perform("hunt 3")
        await settled(pilot)
        assert isinstance(app.screen, TextScreen)
        await press(pilot, "escape")
        assert "hunt 1" in shown(app, "header")
        assert "update 0/1000" in shown(app, "header")


async def test_in_a_hunt_the_editor_and_the_check_are_locked():
    async with debugger() as (app, pilot):
        app.perform("hunt 3")
        await press(pilot, "escape", "y")
        assert not isinstance(app.screen, FormulaScreen)
        assert errors(app)
        await press(pilot, "v")
        assert not isinstance(app.screen, ReportScreen)
        app.perform("check anyway")
        await until(pilot, lambda: isinstance(app.screen, ReportScreen))


async def test_a_stage_is_accused_by_key_and_the_fault_is_shown():
    async with debugger() as (app, pilot):
        app.perform("hunt 3")
        await until(pilot, lambda: app.session.hunts and not app.work.busy)
        await press(pilot, "escape", "a", *app.session.hunts[-1].fault.stage, "enter")
        assert isinstance(app.screen, TextScreen)
        await press(pilot, "escape")
        assert "found" in shown(app, "header")
        assert "✎" in shown(app, "program")


def test_the_header_of_a_hunt_fits():
    opened = session("xor", "hunt 3")
    for columns in (80, 100, 160):
        assert width(header_line(opened.view(), columns)) == columns
    assert "hunt 1  3 left  0/0" in plain(header_line(opened.view(), 80))


def screen(command, result):
    moment = session("xor").view()
    return screen_of(COMMANDS[command], result, moment)


def test_long_answers_are_shown_over_the_panes_and_short_ones_beside_them():
    assert screen("print", Result("value", "loss = 3")) is None
    assert note_of(COMMANDS["print"], Result("value", "loss = 3"), False).text == "loss = 3"
    assert isinstance(screen("print", Result("value", "a\nb")), TextScreen)
    assert isinstance(screen("print", Result("value", "x" * 200)), TextScreen)


def test_an_edit_is_told_beside_the_panes_with_what_to_do_next():
    opened = session("xor", "goto dz2")
    result = opened.execute("formula dz2 = da2")
    assert screen("formula", result) is None
    assert note_of(COMMANDS["formula"], result, False).text.endswith("v checks it")
    assert "v checks" not in note_of(COMMANDS["set"], opened.execute("set W1[0,0] = 1"), False).text


def test_what_the_panes_show_is_not_said_again():
    opened = session("xor")
    for command in ("step", "select x[0,0]"):
        result = opened.execute(command)
        name = command.split()[0]
        assert screen(name, result) is None
        assert note_of(COMMANDS[name], result, False) is None


def test_of_a_stop_its_reason_is_said_and_what_its_commands_answer_but_not_where_the_panes_are():
    opened = session("xor", "break dz2 if loss < 2.7", "commands 1 print loss")
    note = note_of(COMMANDS["continue"], opened.execute("continue"), False)
    assert [line.split(" ")[0] for line in note.text.splitlines()] == ["breakpoint", "loss"]


def test_a_key_that_changes_nothing_is_answered_all_the_same():
    opened = session("xor")
    back = note_of(COMMANDS["reverse-step"], opened.execute("reverse-step"), False, moved=False)
    assert back.text.startswith("already at the start of training")
    assert "sample 1" in note_of(COMMANDS["sample"], opened.execute("sample"), False).text


async def test_an_answer_that_takes_long_is_shown_at_its_end():
    async with debugger() as (app, pilot):
        app.perform("check dW1 slope")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "power" in app.screen.text
        assert not app.work.busy


async def test_what_fails_after_a_while_is_told_and_the_app_goes_on():
    def fails():
        yield "working"
        yield "still working"
        raise BpdebugError("it cannot be done")

    async with debugger() as (app, pilot):
        app.session.journey.pending = Task(fails())
        app.go_on(app.session)
        await until(pilot, lambda: bool(errors(app)))
        assert errors(app) == ["it cannot be done"]
        await press(pilot, "s")
        assert app.session.position.stage == "z1"


async def test_a_run_that_has_met_nan_asks_before_it_runs_on_with_it():
    async with debugger("saturation") as (app, pilot):
        await press(pilot, "c")
        await until(pilot, lambda: not app.work.busy and app.session.journey.stopped)
        there = app.session.position.t
        await press(pilot, "c")
        assert "runs on with such numbers" in app.screen.text
        await press(pilot, "[")
        assert app.session.position.t == there - 1
        app.perform("continue")
        await until(pilot, lambda: not app.work.busy and app.session.journey.stopped)
        await press(pilot, "c", "c")
        await until(pilot, lambda: not app.work.busy)
        assert app.session.position.t > there
