from __future__ import annotations

import numpy as np
import pytest
from ui_views import NAMES, role_of, session, text, view

from bpdebug.engine.description import Layer, Scenario
from bpdebug.engine.schedule import Skipped, Stage
from bpdebug.ui.draw.program import formula_text, program_line, program_rows
from bpdebug.ui.draw.spans import plain, width


def listing(shown, columns=60):
    return [program_line(shown, row, columns) for row in program_rows(shown)]


def of_stage(shown, name, columns=60):
    return next(program_line(shown, row, columns) for row in program_rows(shown) if isinstance(row, Stage) and row.name == name)


def test_the_listing_of_the_tutorials_update():
    assert text(listing(view("xor", "goto a2"))).splitlines() == [
        "FORWARD",
        "  ✓ z1 = x·W1 + b1",
        "  ✓ a1 = σ(z1)",
        "  ✓ z2 = a1·W2 + b2",
        "  ✓ a2 = σ(z2)",
        "LOSS",
        "▶   loss = Σ BCE(a2, y)",
        "BACKWARD",
        "    da2 = −y/a2 + (1 − y)/(1 − a2)",
        "    dz2 = da2 ⊙ a2 ⊙ (1 − a2)",
        "    dW2 = a1ᵀ·dz2",
        "    db2 = Σᵢ dz2",
        "    da1 = dz2·W2ᵀ",
        "    dz1 = da1 ⊙ a1 ⊙ (1 − a1)",
        "    dW1 = xᵀ·dz1",
        "    db1 = Σᵢ dz1",
        "UPDATE",
        "    W1 = W1 − learning_rate·dW1",
        "    b1 = b1 − learning_rate·db1",
        "    W2 = W2 − learning_rate·dW2",
        "    b2 = b2 − learning_rate·db2",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_stage_stands_under_its_phase_once_and_in_order(name):
    shown = view(name)
    phase, stages = "", []
    for row in program_rows(shown):
        if isinstance(row, str):
            phase = row
        else:
            assert row.phase == phase
            stages += [row.name] * isinstance(row, Stage)
    assert stages == [stage.name for stage in shown.program.stages]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", ["goto start", "step", "goto loss", "update", "goto end"])
def test_one_arrow_at_the_next_stage_and_a_tick_at_each_that_has_run(name, command):
    shown = view(name, command)
    rows = [(row, plain(program_line(shown, row, 60))) for row in program_rows(shown) if isinstance(row, Stage)]
    assert [row.name for row, line in rows if line.startswith("▶")] == [shown.position.next] * (shown.position.next is not None)
    assert sum(line[2] in "✓⚠" for _, line in rows) == shown.position.done


def test_the_stage_that_has_just_run_has_a_background_to_the_end_of_the_line():
    shown = view("xor", "goto dz2")
    assert all("here" in role for _, role in of_stage(shown, "dz2"))
    assert not any("here" in role for _, role in of_stage(shown, "da2"))


def test_the_cursor_of_the_listing_is_seen():
    shown = view("xor", "goto dz2")
    row = next(row for row in program_rows(shown) if isinstance(row, Stage) and row.name == "W1")
    assert all("cursor" in role for _, role in program_line(shown, row, 40, cursor=True))
    assert not any("cursor" in role for _, role in program_line(shown, row, 40))


def test_a_stage_that_is_skipped_says_why():
    rows = [row for row in program_rows(view("two_outputs")) if isinstance(row, Skipped)]
    assert [plain(program_line(view("two_outputs"), row, 60)).rstrip() for row in rows] == [
        "   – b1 skipped: b1 is frozen",
        "   – b2 skipped: b2 is frozen",
    ]


def test_a_stage_that_gave_a_nan_is_marked():
    line = of_stage(view("saturation", "continue"), "loss")
    assert plain(line)[2] == "⚠"
    assert role_of(line, "⚠").split()[0] == "bad"


def test_a_formula_of_the_users_is_marked():
    shown = view("tutorial_as_written", "goto da2")
    assert plain(of_stage(shown, "da2")).startswith("  ✓✎da2 = a2 − y")
    assert sum("✎" in plain(line) for line in listing(shown)) == 1


def test_a_long_formula_ends_in_an_ellipsis():
    line = of_stage(view("xor"), "da2", 24)
    assert plain(line) == "    da2 = −y/a2 + (1 − …"
    assert {width(line) for line in listing(view("iris"), 24)} == {24}


def test_the_short_form_of_a_formula_and_the_whole_one():
    shown = view("xor")
    stage = session("xor").program.stage("loss")
    assert formula_text(shown, stage) == "Σ BCE(a2, y)"
    assert formula_text(shown, stage, short=False) == "Σ(−y ⊙ log(a2) − (1 − y) ⊙ log(1 − a2))"


def test_the_phase_that_we_are_in_is_lit():
    headings = {row: program_line(view("xor", "goto dz2"), row, 20) for row in ("forward", "backward")}
    assert role_of(headings["backward"], "BACKWARD") == "heading"
    assert role_of(headings["forward"], "FORWARD") == "dim bold"


def test_a_breakpoint_is_a_dot_and_a_disabled_one_a_ring():
    shown = view("xor", "break dz2", "break a1", "disable 2", "goto dz2")
    assert plain(of_stage(shown, "dz2")).startswith(" ●✓ dz2 =")
    assert plain(of_stage(shown, "a1")).startswith(" ○✓ a1 =")
    assert plain(of_stage(shown, "a2")).startswith("  ✓ a2 =")


def test_what_an_edit_has_made_out_of_date_is_marked():
    shown = view("xor", "goto dz2", "set a1[0,0] = 0.25")
    assert shown.stale
    for stage in shown.program.stages[: shown.position.done]:
        assert plain(of_stage(shown, stage.name))[2] == ("~" if stage.name in shown.stale else "✓")


def test_a_finite_value_of_which_the_floating_point_unit_complained_is_marked():
    layers, values = (Layer(1, "sigmoid"),), {"W1": np.array([[1.0]])}
    overflow = Scenario("overflow", ("x",), layers, np.array([[-800.0]]), np.array([[1.0]]), values=values)
    opened = session(overflow, "goto loss")
    assert plain(of_stage(opened.view(), "a1")).startswith("  ! a1")
    assert plain(of_stage(opened.view(), "z1")).startswith("  ✓ z1")
    row = next(row for row in opened.execute("list").data["stages"] if row["name"] == "a1")
    assert (row["status"], row["warnings"]) == ("computed", ["overflow"])
