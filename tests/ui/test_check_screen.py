"""What the check has found, on the screen: badges, sentences and the table as text, then journeys by key."""

from __future__ import annotations

import numpy as np
import pytest
from ui_app import LARGE, SMALL, debugger, errors, messages, press, settled, shown, until
from ui_views import NAMES, big, role_of, session, text, view

from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.look.folds import rows_of
from bpdebug.trust.finding import STATUSES, Finding, Suspect
from bpdebug.trust.report import CHECK, Report
from bpdebug.ui.draw.check import cause, folded, report_notes, report_table, report_title, verdict_lines
from bpdebug.ui.draw.program import program_line
from bpdebug.ui.draw.spans import plain, width
from bpdebug.ui.draw.why import why_lines
from bpdebug.ui.report_screen import ReportPane, ReportScreen

WRONG_DZ1 = ("formula dz1 = da1 * a1 * (1 - z1)", "goto dz1", "check")


def of_stage(moment, name, columns=60):
    return next(
        program_line(moment, row, columns)
        for row in rows_of(moment.program, moment.folds).all
        if isinstance(row, Stage) and row.name == name
    )


def badge(moment, name):
    return plain(of_stage(moment, name))[2]


def verdict(moment, name, status, **changes):
    stage = moment.program.stage(name)
    shape = moment.shapes[name]
    ones = np.ones(shape)
    usual = Finding(stage, name, status, 0.5, (0,) * len(shape), 2 * ones, ones, ones, ones.size, 0, "complex step")
    return replace(usual, **changes)


def judged(moment, **verdicts):
    """A view with verdicts of these statuses, or these verdicts, in the order of the program."""
    made = [verdict(moment, name, one) if isinstance(one, str) else one for name, one in verdicts.items()]
    return replace(moment, check=Report(CHECK, moment.position.update, tuple(made)))


def table(moment, columns=76, rows=100):
    return text(report_table(moment, moment.check, folded(moment.check.shown, rows), columns)).splitlines()


def notes(moment, columns=76):
    return text(report_notes(moment.check, columns))


def title(moment):
    return report_title(moment, moment.check)


def groups(moment, rows):
    return [len(group) for group in folded(moment.check.shown, rows)]


def why(moment, columns=76):
    return text(why_lines(moment, columns, 20))


def test_the_listing_tells_the_wrong_stage_from_those_that_follow_and_those_that_are_right():
    moment = view("xor", *WRONG_DZ1)
    badges = {stage.name: badge(moment, stage.name) for stage in moment.program.stages if stage.of}
    assert badges == {"da2": "✓", "dz2": "✓", "dW2": "✓", "db2": "✓", "da1": "✓", "dz1": "✗", "dW1": "↳", "db1": "↳"}
    assert role_of(of_stage(moment, "dz2"), "✓") == "good"
    assert badge(moment, "a2") == " "
    assert "bad" in role_of(of_stage(moment, "dz1"), "✗")


@pytest.mark.parametrize(("status", "sign"), [("unsure", "?"), ("kink", "∧"), ("noise", " "), ("wrong", "✗"), ("follows", "↳")])
def test_each_verdict_has_its_sign(status, sign):
    assert badge(judged(view("xor", "goto dz1"), dz2=status), "dz2") == sign


def test_what_is_not_finite_is_marked_as_such_and_not_as_unknown():
    moment = view("saturation", "continue", "check")
    assert badge(moment, "loss") == "⚠"
    assert {v.status for v in moment.verdicts.values()} == {"non-finite"}


def test_a_fault_is_marked_before_its_stage_has_run_and_in_other_updates_but_praise_is_not():
    opened = session("xor", *WRONG_DZ1, "goto a1")
    assert (badge(opened.view(), "dz1"), badge(opened.view(), "dz2")) == ("✗", " ")
    opened.execute("goto 5:dW2")
    assert (badge(opened.view(), "dz1"), badge(opened.view(), "dW1")) == ("✗", "↳")
    assert badge(opened.view(), "dz2") == " "


def test_an_edit_takes_the_verdicts_away():
    opened = session("xor", *WRONG_DZ1, "formula dz1 = da1 * a1 * (1 - a1)")
    assert "✗" not in text([of_stage(opened.view(), name) for name in ("dz1", "dW1")])


def test_a_fault_does_not_hide_behind_other_signs():
    moment = judged(view("xor", "goto dz1"), dz2="wrong")
    assert badge(replace(moment, stale=frozenset({"dz2"}), warnings={"dz2": ("overflow",)}), "dz2") == "✗"
    right = judged(view("xor", "goto dz1"), dz2="good")
    assert badge(replace(right, stale=frozenset({"dz2"})), "dz2") == "~"


def test_a_right_number_has_its_error_beside_it():
    line = next(line for line in why(view("xor", "goto dW2", "check")).splitlines() if "= 0.73757" in line)
    praised = line.partition("✓ ")[2]
    assert praised.endswith(" by dot product")
    assert praised.split()[0] == "<1e-12"


def test_where_there_is_little_room_the_error_alone_stands_there():
    shown_lines = why(view("xor", "goto dW2", "check"), 38).splitlines()
    assert any("= 0.73757   ✓ " in line and "by" not in line for line in shown_lines)
    assert all(len(line) <= 38 for line in shown_lines)


def test_a_wrong_number_stands_beside_the_right_one():
    moment = view("xor", *WRONG_DZ1, "select dz1[2,0]")
    assert "✗ complex step gives 0.0022073, this says −0.011529" in why(moment)
    lines = why_lines(moment, 76, 20)
    assert role_of(next(line for line in lines if "= −0.0115" in plain(line)), "−0.0115") == "bad"


def test_a_right_cell_of_a_wrong_stage_points_to_the_wrong_one():
    numbers = np.ones((4, 1))
    moment = view("xor", "goto dz2", "select dz2[1,0]")
    numbers[1, 0] = moment.tensors["dz2"][1, 0]
    sentence = why(judged(moment, dz2=verdict(moment, "dz2", "wrong", right=numbers, cell=(0, 0))))
    assert "✗ this cell is right; dz2[0,0] is 2, complex step gives 1" in sentence


def test_a_cell_that_was_not_compared_says_so():
    moment = view("xor", "goto dz2")
    nothing = np.full((4, 1), np.nan)
    assert "this cell was not compared" in why(judged(moment, dz2=verdict(moment, "dz2", "wrong", right=nothing)))


def test_a_number_from_before_the_edit_is_not_judged():
    opened = session("xor", "goto dz2", "formula dz2 = da2 * a2 * (2 - a2)", "check")
    assert "✗ computed before the edit; with it dz2[" in " ".join(why(opened.view()).split())
    opened = session("xor", "goto dz2", "formula dz2 = da2 * (a2 - a2 * a2)", "check")
    assert badge(opened.view(), "dz2") == "~"
    assert "complex step" not in why(opened.view())


def test_the_suspicion_is_told_beside_the_number():
    moment = view("xor", "goto dz2")
    suspects = (Suspect("stray_factor", "a stray factor", "every cell is 2 times the right value"), Suspect("sign", "the sign", "none"))
    shown_text = " ".join(why(judged(moment, dz2=verdict(moment, "dz2", "wrong", suspects=suspects))).split())
    assert "probably a stray factor: every cell is 2 times the right value" in shown_text
    assert "the sign" not in shown_text


@pytest.mark.parametrize(
    ("status", "changes", "said"),
    [
        ("kink", {"kinks": 3}, "∧ a kink: 3 of 4 cells are at a corner of the loss"),
        ("kink", {"ours": np.zeros((4, 1))}, "entirely zero"),
        ("noise", {}, "too small to tell"),
        ("unsure", {}, "? complex step gives 1, this says"),
        ("non-finite", {}, "the loss is not finite"),
        ("wrong", {"ours": np.zeros((4, 1))}, "entirely zero"),
    ],
)
def test_the_other_verdicts_are_said_in_words(status, changes, said):
    moment = view("xor", "goto dz2")
    assert said in " ".join(why(judged(moment, dz2=verdict(moment, "dz2", status, **changes))).split())


def test_a_verdict_of_another_update_says_of_which():
    opened = session("xor", *WRONG_DZ1, "goto 7:dz1")
    assert "✗ WRONG when update 0 was checked" in why(opened.view())
    assert "complex step" not in why(opened.view())


def test_what_follows_names_the_stage_that_it_follows_from():
    moment = view("xor", *WRONG_DZ1, "goto dW1")
    assert "↳ follows from dz1: its own formula is right" in why(moment)
    assert (cause(moment, "dW1"), cause(moment, "db1")) == ("dz1", "dz1")


def test_of_two_faults_the_nearer_one_is_the_cause():
    opened = session("xor", "formula dz2 = 2 * da2 * a2 * (1 - a2)", "formula dz1 = da1 * a1", "check")
    moment = opened.view()
    assert [name for name, one in moment.verdicts.items() if one.status == "wrong"] == ["dz2", "dz1"]
    assert {name: cause(moment, name) for name in ("dW2", "da1", "dW1")} == {"dW2": "dz2", "da1": "dz2", "dW1": "dz1"}


def test_a_fault_that_reaches_a_layer_by_one_of_two_ways_is_found():
    moment = view("residual", "formula dr2 = dr2@z3 + 0 * dr2@r3", "check")
    assert {cause(moment, name) for name, one in moment.verdicts.items() if one.status == "follows"} == {"dr2"}


def test_nothing_is_said_of_what_has_not_been_checked():
    moment = view("xor", "goto dz2")
    assert verdict_lines(moment, "dz2", (0, 0), 60) == []
    assert "complex step" not in why(moment)


def test_the_table_has_a_row_for_each_stage_in_the_order_of_the_program():
    moment = view("xor", *WRONG_DZ1)
    lines = table(moment, 120)
    assert lines[0].split() == ["error", "worst", "cell", "this", "stage", "the", "check", "cells", "formula"]
    assert [line.split()[1] for line in lines[1:]] == list(moment.verdicts)
    row = next(line for line in lines if line.startswith("✗"))
    assert row.split()[:7] == ["✗", "dz1", "WRONG", "1.2", "[2,0]", "−0.0115291", "0.00220734"]
    assert row.endswith("16/16  da1 ⊙ a1 ⊙ (1 − z1)")


def test_where_there_is_little_room_the_less_needed_columns_go():
    moment = view("xor", *WRONG_DZ1)
    for columns in (120, 76, 68, 60, 50):
        lines = table(moment, columns)
        assert all(len(line) <= columns for line in lines)
        assert ("formula" in lines[0], "cells" in lines[0], "worst cell" in lines[0]) == (columns > 76, columns > 65, columns > 55)


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_any_scenario_is_wider_than_a_small_screen(name):
    moment = view(name, "check")
    report = moment.check
    for line in [*report_table(moment, report, folded(report.shown, 20), 76), *report_notes(report, 76)]:
        assert width(line) <= 76


def test_a_long_table_folds_what_is_right_and_then_what_follows():
    moment = view("residual", "formula dr2 = dr2@z3 + 0 * dr2@r3", "check")
    assert groups(moment, 22) == [1] * 22
    assert groups(moment, 21) == [11] + [1] * 11
    assert groups(moment, 5) == [11, 1, 10]
    findings = moment.check.shown
    assert [finding for group in folded(findings, 5) for finding in group] == list(findings)
    assert table(moment, rows=5)[1].startswith("✓ 11: da4 … dr2@z3  ok")


def test_a_table_of_which_all_is_right_is_not_folded():
    assert groups(view("residual", "check"), 5) == [1] * 22


def test_the_title_says_what_it_has_come_to():
    assert title(view("xor", *WRONG_DZ1)) == "Check of update 0 by complex step and dot product: dz1 is wrong"
    assert title(view("xor", "goto 3:dz1", "check")) == "Check of update 3 by dot product"
    assert title(view("saturation", "continue", "check")) == "Check of update 8"


def test_the_notes_name_every_wrong_stage_with_all_suspects():
    moment = view("xor", "goto dz1")
    suspects = (Suspect("stray_factor", "a stray factor", "every cell is 2 times the right value"), Suspect("sign", "the sign", "turned"))
    said = notes(judged(moment, dz2=verdict(moment, "dz2", "wrong", suspects=suspects), dz1="wrong", dW1="follows"), 100)
    assert said.startswith("first wrong stage: dz2 = da2 * a2 * (1 - a2)")
    assert "probably a stray factor: every cell is 2 times the right value" in said
    assert "or it is the sign: turned" in said
    assert "wrong by itself too: dz1" in said
    assert "↳ follows: its own formula is right" in said


def test_where_nothing_could_be_compared_nothing_is_called_right():
    assert notes(view("saturation", "goto 40:dW1", "check"), 100) == "nothing could be compared: the loss is not finite"
    moment = view("xor", "goto dz1")
    assert notes(judged(moment, dz2="kink"), 100).startswith("nothing could be compared: the loss has a corner there")
    assert notes(judged(moment, dz2="kink", dz1="good"), 100).startswith("no derivative is wrong")
    assert "no derivative is wrong" not in notes(judged(moment, dz1="follows"), 100)


def test_columns_without_entries_are_left_out():
    assert table(view("xor", "goto 3:dz1", "check"))[0].split() == ["error", "cells", "formula"]
    assert table(view("saturation", "goto 40:dW1", "check"))[0].split() == ["formula"]
    heads = table(view("xor", *WRONG_DZ1), columns=100)[0]
    assert all(head in heads for head in ("worst cell", "this stage", "the check"))


def test_every_status_has_a_word_and_a_badge():
    assert all(status.word and len(status.badge[0]) == 1 for status in STATUSES.values())


async def checked(app, pilot):
    """Wait for the results."""
    await until(pilot, lambda: isinstance(app.screen, ReportScreen) and bool(app.screen.query("#report")))
    await settled(pilot)


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["large", "small"])
async def test_a_fault_is_planted_found_looked_at_and_mended_by_key(size):
    async with debugger(size=size) as (app, pilot):
        app.perform("goto da2")
        await press(pilot, "1", "down", "y", *"da2*a2*(2-a2)", "enter", "v")
        await checked(app, pilot)
        results = shown(app, "report")
        assert "✗ dz2  WRONG" in results
        assert "first wrong stage: dz2 = da2*a2*(2-a2)" in results
        await press(pilot, "enter")
        assert not isinstance(app.screen, ReportScreen)
        assert app.view.position.stage == "dz2"
        assert app.view.selected == ("dz2", app.view.verdicts["dz2"].cell)
        assert "✗ complex step gives" in shown(app, "why")
        await press(pilot, "y", "ctrl+d", "enter", "v")
        await checked(app, pilot)
        assert "no derivative is wrong" in shown(app, "report")
        assert not errors(app)


async def test_the_cursor_chooses_the_stage_to_go_to():
    async with debugger() as (app, pilot):
        app.perform("goto 2:a1")
        await press(pilot, "v")
        await checked(app, pilot)
        await press(pilot, "down", "down", "up", "down", "enter")
        assert (app.view.position.update, app.view.position.stage) == (2, "dW2")
        assert app.view.selected == ("dW2", app.view.verdicts["dW2"].cell)
        await press(pilot, "v")
        await checked(app, pilot)
        await press(pilot, "end", "enter")
        assert app.view.position.stage == "db1"
        assert not messages(app)


async def test_any_other_key_closes_the_results():
    async with debugger() as (app, pilot):
        for key in ("escape", "space", "q"):
            app.perform("check")
            await checked(app, pilot)
            await press(pilot, key)
            assert not isinstance(app.screen, ReportScreen), key
        assert app.session.position.t == 0
        assert app.is_running


async def test_a_click_on_a_row_goes_to_its_stage():
    async with debugger() as (app, pilot):
        app.perform("check")
        await checked(app, pilot)
        await pilot.click("#report", offset=(6, 4))
        await settled(pilot)
        assert app.view.position.stage == "dW2"


async def test_long_results_scroll_to_the_notes():
    async with debugger("residual", (80, 16)) as (app, pilot):
        app.perform("check")
        await checked(app, pilot)
        assert "da4" in shown(app, "report")
        await press(pilot, "end", "down")
        assert "no derivative is wrong" in shown(app, "report")
        await press(pilot, "home")
        assert "error" in shown(app, "report")


async def test_the_results_follow_the_size_of_the_terminal():
    async with debugger("residual", SMALL) as (app, pilot):
        app.perform("formula dr2 = dr2@z3 + 0 * dr2@r3")
        app.perform("check")
        await checked(app, pilot)
        assert "11: da4 … dr2@z3" in shown(app, "report")
        await pilot.resize_terminal(140, 48)
        await settled(pilot)
        assert len(app.screen.query_one(ReportPane).groups) == 22
        assert "formula" in shown(app, "report")
        await pilot.resize_terminal(40, 10)
        await settled(pilot)
        assert "dr2" in shown(app, "report")


async def test_a_check_of_one_stage_shows_that_stage_only():
    async with debugger() as (app, pilot):
        app.perform("check dz1")
        await checked(app, pilot)
        assert [group[0].stage.name for group in app.screen.query_one(ReportPane).groups] == ["dz1"]


async def test_the_gradient_of_the_inputs_is_no_stage_to_go_to():
    async with debugger() as (app, pilot):
        app.perform("check dx")
        await checked(app, pilot)
        await press(pilot, "enter")
        assert app.session.position.t == 0
        assert not errors(app)


async def test_a_long_check_can_be_stopped_by_a_key():
    async with debugger(big(hidden=1000)) as (app, pilot):
        app.perform("check all")  # a minute's work
        await until(pilot, lambda: app.work.busy and "checking" in shown(app, "footer"))
        await press(pilot, "x")
        await until(pilot, lambda: not app.work.busy)
        assert not isinstance(app.screen, ReportScreen)
        assert app.view.verdicts == {}
        assert app.session.journey.pending is None
        assert messages(app)[0].startswith("stopped: checking d")
