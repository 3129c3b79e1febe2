"""Calls, loops and turns of a loop in the Program pane."""

from __future__ import annotations

import pytest
from folded import in_steps
from test_mouse import place_of
from ui_app import LARGE, press, settled, shown

from bpdebug.core.record import replace
from bpdebug.ui.app import DebuggerApp
from bpdebug.ui.draw.program import Listing
from bpdebug.ui.draw.spans import plain, width


def lines(session, columns=60):
    view = session.view()
    return [plain(drawn) for _, drawn in Listing(view, columns, view.position.stage or view.position.next)]


def test_time_steps_are_one_row_with_their_signs_their_count_and_what_they_make():
    session = in_steps()
    assert lines(session, 64)[1].rstrip() == "▶   ⋯ forward(): for t in range(T) line 30: 25 × 12 stages"
    assert lines(session, 72)[1].rstrip() == "▶   ⋯ forward(): for t in range(T) line 30: 25 × 12 stages  h24_11"
    assert lines(session, 34)[1].rstrip() == "▶   ⋯ for t in range(T): 25 × 12"
    assert lines(session, 24)[1].rstrip() == "▶   ⋯ for t in…: 25 × 12"
    session.execute("break h3_4 if max(h3_4) > 100")
    session.execute("formula h4_1 = x @ W1")
    session.execute("next")
    assert lines(session)[1].startswith(" ◐ ✎⋯ forward()"), "a breakpoint, and a formula of one's own, in it"
    session.execute("goto h3_4")
    rows = lines(session, 64)
    assert rows[1].startswith("    forward(): for t in range(T) line 30: 25 × 12 stages"), "it stands under its head"
    assert rows[2].startswith("      ⋯ t = 0: 12 stages") and rows[5].startswith("      t = 3: 12 stages")
    assert rows[10].startswith(" ◐      h3_4 = x·W1 + b1") and rows[11].startswith("▶       h3_5 = ")
    assert rows[18].startswith("   ✎  ⋯ t = 4: 12 stages")


@pytest.mark.parametrize("columns", [1, 8, 20, 34, 60, 100, 160])
def test_no_row_is_too_wide_whatever_is_open(columns):
    session = in_steps(6, 5)
    for command in ("where", "into", "into", "next", "goto loss", "goto h5_4"):
        session.execute(command)
        assert {width(row) for row in lines(session, columns)} == {columns}


async def test_i_opens_what_comes_next_and_the_arrows_the_row_under_the_cursor():
    app = DebuggerApp(in_steps())
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        assert "▶   ⋯ for t in range(T): 25 × 12" in shown(app, "program")
        await press(pilot, "i")
        assert "▶     ⋯ t = 0" in shown(app, "program") and app.view.position.t == 0
        await press(pilot, "i", "i")
        assert app.view.selected == ("h0_0", (0, 0))
        await press(pilot, "I")
        assert "⋯ t = 0" in shown(app, "program")
        await press(pilot, "1", "down", "i")
        assert "\n      t = 1" in shown(app, "program") and "h1_0 = " in shown(app, "program"), "in Program that under the cursor"
        await press(pilot, "left")
        assert "⋯ t = 1" in shown(app, "program")
        await pilot.click(offset=place_of(app, "program", "⋯ t = 2"))
        await settled(pilot)
        assert "h2_0 = " in shown(app, "program")


def test_a_row_says_the_worst_that_the_check_has_found_in_it():
    session = in_steps(3, 4)
    stage = session.program.stages[5]
    broken = replace(stage, formula=session.program.parse("x @ W1 / 0"))
    session.begin(replace(session.program, lines=tuple(broken if line is stage else line for line in session.program.lines)))
    session.execute("close h0_0")
    session.execute("close h0_0")
    session.execute("goto loss")
    assert lines(session)[1][2] == "⚠", "not finite"
