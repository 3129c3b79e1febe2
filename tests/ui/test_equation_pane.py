"""The walk through the cells in the app, the way out of it, and what is displayed in the border of the explanation."""

from __future__ import annotations

import pytest
from ui_app import SMALL, debugger, press

from bpdebug.core.numbers import short
from bpdebug.ui.draw.spans import plain


def border(app, name):
    """The text in the lower border of a pane."""
    return app.query_one(f"#{name}")._border_subtitle.plain


@pytest.mark.parametrize("stage", ["dW1", "a1"])
async def test_escape_leaves_the_equation_for_the_tensor_that_was_walked_through(stage):
    async with debugger(size=SMALL) as (app, pilot):
        app.perform(f"goto 0:{stage}")
        app.perform("reverse-step")
        await press(pilot, "7", "i", "i")
        equation = app.query_one("#equation")
        assert equation.display
        assert border(app, "equation") == f"cell 2 of {app.session.value(stage).size}  I back  Esc leaves"
        app.perform("undo")
        await press(pilot, "escape")
        assert equation.display, "the first one closes the message"
        await press(pilot, "escape")
        assert not equation.display
        assert app.focused.id == ("deltas" if stage == "dW1" else "values")
        assert app.view.selected == (stage, (0, 1))


async def test_displays_are_in_the_border_of_the_explanation_at_every_stop():
    async with debugger(size=SMALL) as (app, pilot):
        app.perform("display loss")
        app.perform("display a2[0,0]")
        await press(pilot, "s")
        assert border(app, "why") == "loss = not computed yet"
        assert plain(app.query_one("#why").lines[0]).rstrip() == "a2[0,0] = not computed yet"
        for update in (3, 40):
            app.perform(f"goto {update}:loss")
            await pilot.pause()
            values = [short(float(app.session.value(text)), 8) for text in ("loss", "a2[0,0]")]
            assert border(app, "why").startswith(f"loss = {values[0]}   a2[0,0] = {values[1]}")


async def test_a_click_on_a_number_chooses_its_operand():
    async with debugger() as (app, pilot):
        app.perform("goto 0:dW2")
        await pilot.pause()
        why = app.query_one("#why")
        place = next(place for place, line in enumerate(why.lines) if "0.8537" in plain(line))
        await pilot.click("#why", offset=(2 + plain(why.lines[place]).index("0.8537"), 1 + place))
        await pilot.pause()
        assert app.view.selected == ("a1", (2, 0))
