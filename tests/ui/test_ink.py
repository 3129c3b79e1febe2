"""How much of the screen says something."""

from __future__ import annotations

import pytest
from turns import by_turns
from ui_app import debugger, settled

from bpdebug.ui.draw.glyphs import HATCH
from bpdebug.ui.pane import Pane

BORDER = " ╭╮╰╯│─"


def inked(app):
    """The share of the screen's cells that hold a glyph or the colour of a number; borders and hatching hold neither."""
    strips = app.screen._compositor.render_strips()
    count = sum(character != " " for strip in (strips[0], strips[-1]) for character in strip.text)
    for pane in [pane for pane in app.query(Pane) if pane.display]:
        frame, place, ground = pane.region, pane.scrollable_content_region, pane.rich_style.bgcolor
        for y in (frame.y, frame.bottom - 1):  # what the border says
            count += sum(character not in BORDER for character in strips[y].crop(frame.x, frame.right).text)
        for y in range(place.y, place.bottom):
            for segment in strips[y].crop(place.x, place.right):
                coloured = segment.style and segment.style.bgcolor not in (None, ground)
                count += sum(coloured or character not in (" ", HATCH) for character in segment.text)
    return count / (app.size.width * app.size.height)


@pytest.mark.parametrize(("size", "least"), [((120, 36), 0.40), ((160, 48), 0.35), ((200, 60), 0.28)])
async def test_most_of_the_screen_says_something(size, least):
    async with debugger("xor", size) as (app, pilot):
        app.perform("goto 40:dW1")
        await settled(pilot)
        assert inked(app) >= least


@pytest.mark.parametrize(
    ("name", "room"),
    by_turns(("batch_norm", "attention", "conv", "rnn", "ninja"), [((120, 36), 0.38), ((160, 48), 0.31), ((200, 60), 0.26)]),
)
async def test_so_it_does_on_programs_of_lines_where_zeros_leave_bars_empty(name, room):
    size, least = room
    async with debugger(name, size) as (app, pilot):
        program = app.session.program
        app.perform(f"goto 40:{program.gradients[next(iter(program.parameters))]}")
        await settled(pilot)
        assert inked(app) >= least
