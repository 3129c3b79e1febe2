"""The user's own numbers on the screen: badges, cells beside ours, sentences, and the report."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from ui_app import SMALL, debugger, press, shown
from ui_views import role_of, session, text, view

from bpdebug.core.schedule import Stage
from bpdebug.look.folds import rows_of
from bpdebug.session.commands.check import compared
from bpdebug.ui.draw.check import folded, off_cells, report_notes, report_table, report_title, theirs_of
from bpdebug.ui.draw.layers import deltas_of
from bpdebug.ui.draw.matrix import layout_line
from bpdebug.ui.draw.matrix_layout import make_layout
from bpdebug.ui.draw.program import program_line
from bpdebug.ui.draw.spans import plain
from bpdebug.ui.draw.why import why_lines
from bpdebug.ui.report_screen import ReportScreen

FAULT = "formula dz1 = da1 * a1 * (1 - z1)"


@cache
def numbers(*commands, stages=13):
    """A user's arrays: all that an update of XOR has computed after these commands."""
    opened = session("xor", *commands, f"step {stages}")
    return {name: value for name, value in opened.values().items() if name in opened.program.index or name in ("x", "y")}


def beside(arrays, *commands):
    """A view after a comparison with the first update, and commands."""
    opened = session("xor")
    compared(opened, arrays)
    for command in commands:
        opened.execute(command)
    return opened.view()


def badges(moment):
    rows = {row.name: program_line(moment, row, 60) for row in rows_of(moment.program, moment.folds).all if isinstance(row, Stage)}
    return {name: plain(line)[2] for name, line in rows.items() if plain(line)[2] != " "}


def why(moment, columns=76):
    return " ".join(text(why_lines(moment, columns, 20)).split())


def drawn(moment, names, columns=60):
    layout = make_layout(moment, names, columns)
    return [layout_line(moment, layout, y, 0, columns) for y in range(layout.height)]


def test_the_listing_marks_the_stage_that_is_off_and_those_that_follow():
    signs = badges(beside(numbers(FAULT), "goto db1"))
    assert (signs["dz1"], signs["dW1"], signs["db1"]) == ("✗", "↳", "↳")
    assert {signs[name] for name in ("z1", "a1", "z2", "a2", "loss", "da2", "dz2", "dW2", "db2", "da1")} == {"✓"}


def test_what_agrees_is_praised_only_where_it_is_computed():
    moment = beside(numbers(), "goto a1")
    assert set(badges(moment)) == {"z1", "a1"}
    row = next(row for row in rows_of(moment.program, moment.folds).all if isinstance(row, Stage) and row.name == "z1")
    assert role_of(program_line(moment, row, 60), "✓") == "good"


def test_in_another_update_nothing_is_marked():
    moment = beside(numbers(FAULT), "goto 4:db1")
    assert not badges(moment)
    assert "yours" not in why(moment) + text(drawn(moment, deltas_of(moment)))


def test_their_numbers_stand_beside_ours_and_the_cells_that_are_off_are_marked():
    moment = beside(numbers(FAULT), "goto dz1")
    lines = drawn(moment, ["dz1"])
    shown_text = text(lines)
    assert "yours dz1 4×4" in shown_text
    first = plain(next(line for line in lines if "−0.0372" in plain(line)))
    assert first.count("✗") == 4
    assert "0.0186" in shown_text


def test_only_the_cells_that_are_off_are_marked():
    arrays = dict(numbers())
    arrays["dz2"] = arrays["dz2"] * np.array([[1.0], [2.0], [1.0], [1.0]])
    moment = beside(arrays, "goto dz2")
    assert off_cells(moment.matches["dz2"]).ravel().tolist() == [False, True, False, False]
    assert text(drawn(moment, ["dz2"])).count("✗") == 1


def test_numbers_that_are_the_same_are_not_shown_twice():
    moment = beside(numbers(), "goto dz1")
    assert theirs_of(moment, "dz1") is None
    assert "yours" not in text(drawn(moment, deltas_of(moment)))


def test_numbers_that_are_not_computed_yet_are_not_given_away():
    moment = beside(numbers(FAULT), "goto da1")
    assert theirs_of(moment, "dz1") is None
    assert "yours" not in text(drawn(moment, ["dz1"]))


def test_parameters_are_compared_once_they_are_updated():
    arrays = {name: value for name, value in numbers().items() if name not in ("x", "y")} | {
        "W1_new": view("xor", "goto 0:W1").tensors["W1"] + 1
    }
    assert theirs_of(beside(arrays, "goto db1"), "W1") is None
    assert theirs_of(beside(arrays, "goto 0:W1"), "W1") is not None


@pytest.mark.parametrize("shape", [(4, 4), (3,), (2, 2, 2)])
def test_an_array_of_a_wrong_shape_is_shown_as_it_is(shape):
    arrays = dict(numbers()) | {"db1": np.arange(float(np.prod(shape))).reshape(shape)}
    moment = beside(arrays, "goto db1")
    shown_text = text(drawn(moment, ["db1"]))
    assert "yours db1" in shown_text
    assert shown_text.count("✗") == np.prod(shape[-2:]), "of three axes two are shown"
    assert f"✗ yours is {'×'.join(map(str, shape))}, ours 1×4" in why(moment)
    report = moment.comparison
    row = plain(report_table(moment, report, [[report.stages["db1"]]], 120)[1])
    assert row.split()[3:5] == ["×".join(map(str, shape)), "1×4"]
    assert report.stages["db1"].place == "db1[0,0]"


def test_why_says_both_numbers():
    moment = beside(numbers(FAULT), "goto dz1")
    assert "✗ yours −0.037246, ours −0.018623" in why(moment)
    assert "it follows from your own numbers before it" in why(beside(numbers(FAULT), "goto dW1"))
    assert "✓ yours −0.074492, ours −0.074492: exact" in why(beside(numbers(FAULT), "goto da1"))


def test_a_cell_that_agrees_says_that_another_does_not():
    arrays = dict(numbers())
    arrays["dz2"] = arrays["dz2"] * np.array([[1.0], [2.0], [1.0], [1.0]])
    moment = beside(arrays, "goto dz2")
    assert "dz2 is off elsewhere" in why(moment)


def test_numbers_from_another_start_are_judged_by_that_start():
    start = ("set W1[0,0] = 3", "set W1[0,1] = 4")
    arrays = dict(numbers(*start)) | {"W1": session("xor", *start).values()["W1"]}
    moment = beside(arrays, "goto z1", "select z1[3,0]")
    assert moment.matches["z1"].status in ("exact", "approximate")
    assert "(from what yours started from)" in why(moment)
    assert "yours z1" in text(drawn(moment, ["z1"]))
    assert "✗" not in text(drawn(moment, ["z1"]))


def test_the_report_has_a_row_for_each_array_and_names_the_first_that_is_off():
    moment = beside(numbers(FAULT))
    report = moment.comparison
    lines = text(report_table(moment, report, folded(report.shown, 50), 120)).splitlines()
    assert report_title(moment, report) == "Your numbers beside update 0: dz1 is off"
    assert lines[0].split() == ["error", "worst", "cell", "yours", "ours", "cells", "formula"]
    assert [line.split()[1] for line in lines[1:]] == list(moment.matches)
    assert next(line for line in lines if line.startswith("✗")).split()[:7] == ["✗", "dz1", "OFF", "1.1", "[3,3]", "−1.14577", "0.115801"]
    assert [len(group) for group in folded(report.shown, 3)] == [10, 1, 2]
    notes = text(report_notes(report, 76))
    assert notes.startswith("first off stage: dz1")
    assert "note: " not in notes


def test_the_report_on_numbers_that_agree():
    moment = beside(numbers())
    report = moment.comparison
    assert report_title(moment, report) == "Your numbers beside update 0: every number agrees"
    assert report_notes(report, 76)[0] == (("every number agrees", "good"),)


async def test_a_file_is_compared_and_its_fault_looked_at_by_key(tmp_path):
    np.savez(tmp_path / "mine.npz", **numbers(FAULT))
    async with debugger(size=SMALL) as (app, pilot):
        app.perform(f"compare {tmp_path / 'mine.npz'}")
        await press(pilot, "down", "up")
        assert isinstance(app.screen, ReportScreen)
        assert "✗ dz1" in shown(app, "report")
        await press(pilot, "enter")
        assert app.view.position.stage == "dz1"
        assert app.view.selected == ("dz1", (3, 3))
        assert "✗ yours −1.1458, ours 0.1158" in shown(app, "why")
        assert "yours dz1" in shown(app, "deltas")
