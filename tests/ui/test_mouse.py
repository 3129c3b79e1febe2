"""The mouse: borders that are dragged, clicks, and text that is selected."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.geometry import Offset, Region
from ui_app import LARGE, SMALL, debugger, messages, press, settled, shown, size_of, until
from ui_views import big, loaded

from bpdebug.core.description import Training
from bpdebug.core.record import replace
from bpdebug.ui.pointing import side_at
from bpdebug.ui.prompt_screen import PromptScreen


def mouse(app, kind, x, y, **changes):
    """A mouse event as the terminal sends it, at a place of the screen."""
    sent = {"delta_x": 0, "delta_y": 0, "button": 1, "shift": False, "meta": False, "ctrl": False} | changes
    app.post_message(kind(None, x, y, screen_x=x, screen_y=y, style=None, **sent))


async def drag(app, pilot, start, end):
    """Press, move and release the button."""
    mouse(app, events.MouseDown, *start)
    for place in (start, end):
        mouse(app, events.MouseMove, *place)
        await settled(pilot)
    mouse(app, events.MouseUp, *end)
    await settled(pilot)


async def click(app, pilot, place, times=1):
    app.CLICK_CHAIN_TIME_THRESHOLD = 60 if times > 1 else 0.5  # two clicks are two clicks on a busy machine, too
    for _ in range(times):
        mouse(app, events.MouseDown, *place)
        mouse(app, events.MouseUp, *place)
        await settled(pilot)


def place_of(app, pane, text):
    """Where a text stands on the screen."""
    corner = app.screen.query_one(f"#{pane}").content_region.offset
    for y, line in enumerate(shown(app, pane).splitlines()):
        if text in line:
            return corner + Offset(cell_len(line[: line.index(text)]), y)
    raise AssertionError(text)


def test_the_sides_of_a_region():
    region = Region(10, 5, 20, 8)
    assert [side_at(region, Offset(*place)) for place in ((10, 7), (29, 7), (15, 5), (15, 12))] == ["left", "right", "top", "bottom"]
    assert side_at(region, Offset(15, 7)) is None
    assert side_at(region, Offset(9, 7)) is None


DRAGS = [
    ((37, 20), (10, 0), "program", (48, 24)),
    ((38, 30), (-80, 0), "program", (16, 24)),
    ((20, 24), (0, -3), "surface", (38, 13)),
    ((78, 5), (5, 3), "network", (46, 11)),
    ((50, 11), (3, 4), "network", (41, 15)),
    ((50, 23), (0, -5), "why", (82, 17)),
    ((50, 22), (0, 30), "why", (82, 4)),
]
"""Where a border is grabbed, how far it is dragged, and the size that a pane has then."""


async def test_borders_are_dragged():
    async with debugger(size=LARGE) as (app, pilot):
        app.perform("update")
        await settled(pilot)
        for start, by, pane, size in DRAGS:
            await drag(app, pilot, start, (start[0] + by[0], start[1] + by[1]))
            assert size_of(app, pane) == size
            assert app.mouse_captured is None
            app.panes.action_usual()
            await settled(pilot)
        await drag(app, pilot, (60, 30), (70, 31))
        assert size_of(app, "why") == (82, 12), "a drag within a pane moves no border"


async def test_a_border_that_was_dragged_too_far_follows_the_mouse_back():
    async with debugger() as (app, pilot):
        mouse(app, events.MouseDown, 37, 20)
        for x in (0, 20, 40):
            mouse(app, events.MouseMove, x, 20)
            await settled(pilot)
        mouse(app, events.MouseUp, 40, 20)
        assert size_of(app, "program").width == 41


async def test_two_clicks_on_a_title_show_the_pane_alone():
    async with debugger() as (app, pilot):
        await click(app, pilot, (42, 1), 2)
        assert size_of(app, "network") == (120, 34)
        assert app.focused.id == "network"
        await click(app, pilot, (4, 1), 2)
        assert size_of(app, "network").width == 54
        app.perform("check")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        title = app.screen.query_one("#report").region.offset + Offset(4, 0)
        await drag(app, pilot, title, title + Offset(0, 5))
        await click(app, pilot, title, 2)
        assert size_of(app, "network").width == 54, "a report is no pane"


async def test_two_clicks_on_a_number_go_to_where_it_comes_from():
    async with debugger() as (app, pilot):
        app.perform("goto dW2")
        await settled(pilot)
        await click(app, pilot, place_of(app, "deltas", "0.8126"), 2)
        assert (app.view.selected, app.view.position.stage) == (("dz2", (3, 0)), "dz2")
        assert app.screen.selections == {}
        clock = app.view.position.t
        await click(app, pilot, app.query_one("#deltas").content_region.bottom_right - (1, 1), 2)
        assert (app.view.selected, app.view.position.t) == (("dz2", (3, 0)), clock), "beside the numbers nothing happens"


async def test_a_click_anywhere_in_a_pane_gives_it_the_focus():
    async with debugger() as (app, pilot):
        for pane in ("program", "network", "loss", "values", "deltas", "why"):
            await click(app, pilot, app.query_one(f"#{pane}").content_region.bottom_right - (3, 1))
            assert app.focused.id == pane


async def test_text_that_was_dragged_over_is_copied_and_the_drag_is_no_click():
    async with debugger() as (app, pilot):
        app.perform("goto dW2")
        await settled(pilot)
        before = app.view
        start = place_of(app, "program", "z2 =")
        end = place_of(app, "program", "= σ(z2)") + Offset(6, 0)
        text = shown(app, "program")
        await drag(app, pilot, start, end)
        await press(pilot, "ctrl+c")
        assert app.clipboard == text[text.index("z2 =") : text.index("= σ(z2)") + 7]
        assert "\n" in app.clipboard
        assert (app.view.position, app.view.selected) == (before.position, before.selected)
        await click(app, pilot, place_of(app, "program", "BACKWARD"))
        assert not app.screen.selections
        await drag(app, pilot, start, end)
        assert app.screen.selections
        await press(pilot, "s")
        assert not app.screen.selections, "another moment has another text"


async def test_selected_text_is_marked():
    async with debugger() as (app, pilot):
        place = place_of(app, "why", "runs the first stage")
        await drag(app, pilot, place, place + Offset(3, 0))
        pane = app.query_one("#why")
        line = pane.render_lines(Region(0, 0, pane.outer_size.width, 3))[1]
        style = app.screen.get_component_rich_style("screen--selection")
        assert "".join(segment.text for segment in line if segment.style.bgcolor == style.bgcolor) == "runs"
        assert all(segment.style.color != segment.style.bgcolor for segment in line)
        assert line.text == pane.render_lines(Region(0, 0, pane.outer_size.width, 3))[1].text


async def test_text_of_a_scrolled_matrix_is_what_is_seen():
    async with debugger("iris", SMALL) as (app, pilot):
        app.perform("goto z1")
        app.perform("select x[12,3]")
        await press(pilot, "4")
        pane = app.query_one("#values")
        assert pane.scroll_offset.y > 0
        corner = pane.content_region.offset
        line = pane.render_line(2).text
        await drag(app, pilot, corner + Offset(3, 2), corner + Offset(14, 2))
        assert app.screen.get_selected_text() == line[3:15].rstrip()
        assert messages(app) == []


async def test_the_wheel_scrolls_down_and_with_shift_sideways():
    async with debugger(big(), SMALL) as (app, pilot):
        await press(pilot, "4")
        pane = app.query_one("#values")
        place = pane.content_region.offset + Offset(4, 3)
        assert pane.scroll_offset == (0, 0)
        mouse(app, events.MouseScrollDown, *place)
        await settled(pilot)
        x, down = pane.scroll_offset
        assert (x, down > 0) == (0, True)
        mouse(app, events.MouseScrollDown, *place, shift=True)
        await settled(pilot)
        assert pane.scroll_offset.x > 0
        assert pane.scroll_offset.y == down


async def test_a_click_on_an_operand_in_why_goes_to_it():
    async with debugger() as (app, pilot):
        app.perform("goto dW2")
        await settled(pilot)
        chosen = app.view.explanation.operands[app.view.operand]
        await click(app, pilot, place_of(app, "why", "goes to dz2") + Offset(9, 0))
        assert (app.view.selected, app.view.position.stage) == (chosen, "dz2")
        app.perform("goto 3:dW2")
        app.session.cursor.select("dz2", (1, 0))
        app.show()
        await settled(pilot)
        await click(app, pilot, place_of(app, "why", "(1 − a2[1,0])") + Offset(6, 0))
        assert (app.view.selected, app.view.position.stage) == (("a2", (1, 0)), "a2")
        app.perform("return")
        await settled(pilot)
        await click(app, pilot, place_of(app, "why", "= da2[1,0]"))
        assert app.view.selected == ("dz2", (1, 0)), "an equals sign is no operand"


async def test_a_click_on_the_footer_presses_the_key():
    async with debugger() as (app, pilot):
        for text in ("s step", "n layer", "[ back"):
            await click(app, pilot, place_of(app, "footer", text))
        assert app.view.position.stage == "z1"
        assert app.focused.id == "values"
        await click(app, pilot, place_of(app, "footer", ": type"))
        assert isinstance(app.screen, PromptScreen)
        await press(pilot, "escape")
        await click(app, pilot, place_of(app, "program", "a2 ="))
        assert "b break" in shown(app, "footer")
        await click(app, pilot, place_of(app, "footer", "↑↓") + Offset(1, 0))
        await click(app, pilot, place_of(app, "footer", "Enter go to") + Offset(7, 0))
        assert app.view.position.stage == "loss"


async def test_a_click_stops_a_long_run():
    async with debugger(replace(loaded("xor"), training=Training(10**6))) as (app, pilot):
        await press(pilot, "c")
        await until(pilot, lambda: "any key stops" in shown(app, "footer"))
        await click(app, pilot, place_of(app, "footer", "any key"))
        await until(pilot, lambda: app.session.journey.pending is None)
        assert 0 < app.view.position.update < 10**6


async def test_a_click_on_a_key_that_a_pane_names_presses_it():
    async with debugger() as (app, pilot):
        await click(app, pilot, place_of(app, "why", "s runs"))
        assert app.view.position.stage == "z1"
        chosen = app.view.explanation.operands[app.view.operand]
        await click(app, pilot, place_of(app, "why", "Enter goes to") + Offset(2, 0))
        assert app.view.selected == chosen
        app.perform("goto start")
        await press(pilot, "7")
        await click(app, pilot, place_of(app, "equation", "i runs a stage"))
        assert app.session.cursor.inside == 1
