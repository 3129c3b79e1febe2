"""The user's own file on the screen: what comes next, what the check says, and what was printed."""

from __future__ import annotations

import pytest
from scripts import WRONG, recorded
from test_ink import inked
from test_layout import LARGE, SMALL, VERY_LARGE, Layout, visible
from ui_app import debugger, on_screen, press, settled, shown

from bpdebug.core.errors import legible
from bpdebug.core.record import replace
from bpdebug.look.groups import groups_of
from bpdebug.look.source import folds_of, parts_of
from bpdebug.session.session import Session
from bpdebug.ui.draw.check import report_table, report_title
from bpdebug.ui.draw.layers import around, focus
from bpdebug.ui.draw.source import Text
from bpdebug.ui.draw.spans import plain, width
from bpdebug.ui.layout import BARS
from bpdebug.ui.pane import Pane
from bpdebug.ui.panes import PANES
from bpdebug.ui.panes.output import output_lines


def drawn(session, columns=60):
    """The rows of the source as text, by line."""
    text = Text(session.view(), columns, "train.py")
    return {row: plain(line).rstrip() for row, line in (text[y] for y in reversed(range(len(text))))}


@pytest.fixture(scope="module")
def wrong():
    session = Session(recorded(*WRONG))
    session.execute("goto 1:dz[1]")
    session.execute("check")
    return session


def test_a_script_has_its_source_and_its_output_beside_the_listing():
    layout = Layout(script=3)
    assert visible(layout, SMALL) == ["values", "why", "source"]
    layout.choose("program", *SMALL)
    assert visible(layout, SMALL) == ["program", "values", "why"]
    stand = ["program", "values", "deltas", "why", "equation", "output", "source"]
    assert sorted(visible(layout, LARGE)) == sorted(stand)
    assert sorted(visible(layout, VERY_LARGE)) == sorted([*stand, "loss"])
    assert layout.regions(*LARGE)["values"].height + layout.regions(*LARGE)["deltas"].height == layout.regions(*LARGE)["program"].height


@pytest.mark.parametrize("size", [SMALL, LARGE, VERY_LARGE, (110, 30), (40, 12)])
def test_each_pane_of_a_script_is_shown_when_it_is_chosen_and_the_screen_is_filled(size):
    for name in PANES:
        layout = Layout(script=0)
        layout.choose(name, *size)
        regions = layout.regions(*size)
        assert name in regions
        assert sum(region.area for region in regions.values()) == size[0] * (size[1] - BARS)
    assert "output" not in Layout(script=0).regions(*LARGE), "as long as nothing is printed the source has its room"
    assert Layout(script=1).regions(*LARGE)["output"].height == 3
    assert Layout(script=50).regions(*LARGE)["output"].height == 6


def test_signs_numbers_shapes_and_folds_stand_beside_the_lines(wrong):
    rows = drawn(wrong)
    assert rows[30].startswith("  ✗30         dz[l] = da * sigmoid_derivative(z[l])")
    assert rows[31].startswith("▶ ↳31 ")
    assert rows[24].endswith("  4×4  4×1")
    assert rows[28].startswith("  ✓28 ")
    assert rows[1, 12].strip() == "… 11 lines"
    assert {12, 13, 20, 23, 29} <= {*rows}, "what the lines stand in is seen, too"
    for line in drawn(wrong, 30).values():
        assert width(line) <= 30


def test_a_long_line_that_computes_something_is_seen_to_its_end(wrong):
    text = Text(wrong.view(), 40, "train.py")
    begin, end = text.lines_of(26)
    whole = "".join(plain(text[y][1])[6:].strip() for y in range(begin, end)).replace(" ", "")
    assert whole.startswith("loss=np.sum(-y*np.log(a[2])-(1-y)*np.log(1-a[2]))")
    assert end - begin == 3


def test_words_are_told_apart_and_what_python_cannot_read_is_shown_all_the_same():
    assert parts_of('for a in "x":  # y\n\tpass')[1] == [(0, 3, "keyword"), (6, 8, "keyword"), (9, 12, "string"), (15, 18, "comment")]
    assert parts_of('a = 1\nb = """x\ny') == {}
    assert folds_of("x = (\n1\n" * 9, frozenset([9])) == [(1, 9), (10, 19)]


def test_what_was_printed_is_clean_and_tells_the_update_and_the_line(wrong):
    assert legible("\x1b[31mred\x1b[0m \x1b]0;title\x07\ttab\x07\r\n") == "red     tab\\x07"
    assert legible("10%\r20%\n") == "20%"
    assert [plain(line).rstrip() for line in output_lines(wrong.view(), 60)] == ["0:38  0 3.5127673198797953"]
    silent = replace(wrong.program.scenario, printed=())
    assert silent.printed == ()


@pytest.mark.parametrize(("size", "least"), [((80, 24), 0.38), ((120, 36), 0.36), ((160, 48), 0.29)])
async def test_most_of_the_screen_says_something_of_a_script(size, least):
    async with debugger(recorded(*WRONG), size) as (app, pilot):
        app.perform("goto 2:dz[1]")
        app.session.execute("check")
        app.show()
        await settled(pilot)
        assert inked(app) >= least, inked(app)


async def test_the_cursor_goes_over_lines_and_enter_and_b_act_on_them():
    async with debugger(recorded(*WRONG), (120, 36)) as (app, pilot):
        pane = app.query_one("#source")
        await press(pilot, "L", *["down"] * 2, "enter")
        assert app.session.position.stage == "loss"
        await press(pilot, "b")
        assert [stop.text for stop in app.session.stops.all.values()] == ["train.py:26"]
        assert "●" in next(line for line in on_screen(app, pane) if " 26 " in line or "26 " in line)
        await press(pilot, "b")
        assert not app.session.stops.all
        await press(pilot, "right")
        assert all(isinstance(row, int) for row in pane.lines.rows)
        await press(pilot, "left")
        assert not all(isinstance(row, int) for row in pane.lines.rows)
        await press(pilot, "1")
        assert pane.lines.row_of(28) in range(len(pane.lines.rows))


async def test_a_click_goes_to_a_line_and_one_in_the_margin_stops_there():
    async with debugger(recorded(*WRONG), (120, 36)) as (app, pilot):
        app.perform("goto 1:loss")
        await settled(pilot)
        pane = app.query_one("#source")
        y = next(y for y, line in enumerate(on_screen(app, pane)) if " dz[l] = da" in line)
        await pilot.click(pane, offset=(12, y + 1))
        await settled(pilot)
        assert app.session.position.stage == "dz[1]"
        y = next(y for y, line in enumerate(on_screen(app, pane)) if " dz[l] = da" in line)
        await pilot.click(pane, offset=(2, y + 1))
        await settled(pilot)
        assert [stop.text for stop in app.session.stops.all.values()] == ["train.py:30"]
        await press(pilot, "c")
        assert app.session.position.stage == "dz[0]", "it stops at each stage of the line"


def test_the_report_has_the_lines(wrong):
    view, report = wrong.view(), wrong.check
    rows = [plain(line).split() for line in report_table(view, report, [[finding] for finding in report.findings], 100)]
    assert rows[0][0] == "line"
    assert ["✗", "dz[1]", "30", "WRONG"] in [row[:4] for row in rows]
    assert report_title(view, report).endswith(": dz[1] (train.py:30) is wrong")


def test_what_belongs_to_no_group_of_the_forward_pass_has_its_values_shown():
    session = Session(recorded("layers"))
    for _ in session.program.stages:
        view = session.view()
        assert focus(view) in groups_of(view.program)
        assert all(isinstance(name, str) for gradients in (False, True) for name in around(view, [], gradients))
        session.execute("step")


@pytest.mark.parametrize("key", ["L", "O"])
async def test_what_only_a_script_has_says_so_elsewhere(key):
    async with debugger("xor", (120, 36)) as (app, pilot):
        assert f" {key}" not in shown(app, "footer").partition("panes")[0][-8:]
        await press(pilot, key)
        assert "this program is no script" in " ".join(shown(app, {"L": "source", "O": "output"}[key]).split()).lower()


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("clipped", ("update", "where")),
        ("earlystop", ("update",)),
        pytest.param("gru", ("goto 1:{concatenated}", "select {concatenated}"), marks=pytest.mark.long),
    ],
)
async def test_each_pane_stands_whatever_a_script_computes(name, commands):
    scenario = recorded(name)
    async with debugger(scenario, (120, 36)) as (app, pilot):
        joined = [stage.name for stage in app.session.program.stages if "concatenate([" in stage.formula.text]
        for command in commands:
            app.session.execute(command.format(concatenated=(joined or [""])[0]))
            app.show()
            await settled(pilot)
        await press(pilot, *"4789")
        assert not any(pane.failure for pane in app.query(Pane))
