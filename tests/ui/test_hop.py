"""Letters over what is on the screen."""

from __future__ import annotations

import pytest
from ui_app import LARGE, SMALL, debugger, press, settled

from bpdebug.ui.hop_screen import HopScreen, labels


@pytest.mark.parametrize("count", [0, 1, 26, 27, 51, 52, 200, 676])
def test_no_label_begins_another(count):
    found = list(labels(count))
    assert len({*found}) == count
    assert all(len(label) <= 2 for label in found)
    assert not [one for one in found for other in found if other != one and other.startswith(one)]
    assert count > 26 or all(len(label) == 1 for label in found)


@pytest.mark.parametrize("size", [LARGE, SMALL])
async def test_typing_the_letters_goes_there(size):
    async with debugger(size=size) as (app, pilot):
        app.perform("goto 3:dW1")
        await press(pilot, "semicolon")
        texts = {text: letters for letters, (_, text) in app.screen.places.items()}
        assert {"goto z1", "goto dW1", "select dW1[0,0]", "select dz1[0,0]", "select x[0,0]"} <= {*texts}
        await press(pilot, *texts["select dz1[0,0]"])
        assert app.session.selected == ("dz1", (0, 0))
        await press(pilot, "semicolon", *texts["goto dz2"])
        assert app.session.place_of(app.session.position.t) == "3:dz2"
        if size == LARGE:
            await press(pilot, "semicolon")
            texts = {text: letters for letters, (_, text) in app.screen.places.items()}
            neuron = next(text for text in texts if text.startswith("select ") and text.split()[1].split("[")[0] in ("dz2", "da2", "a1"))
            await press(pilot, *texts[neuron])
            assert app.session.selected[0] == neuron.split()[1].split("[")[0]


async def test_the_letters_stand_where_things_are_and_escape_or_another_key_leaves():
    async with debugger() as (app, pilot):
        app.perform("step")
        await settled(pilot)
        for leaving in ("escape", "Z"):
            await press(pilot, "semicolon")
            assert isinstance(app.screen, HopScreen)
            shown = [strip.text for strip in app.screen._compositor.render_strips()]
            for letters, (place, _) in app.screen.places.items():
                assert shown[place.y][place.x : place.x + len(letters)] == letters
            before = app.session.position, app.session.selected
            await press(pilot, leaving)
            assert len(app.screen_stack) == 1
            assert (app.session.position, app.session.selected) == before
