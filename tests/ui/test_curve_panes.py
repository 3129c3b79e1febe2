from __future__ import annotations

import pytest
from ui_app import SMALL, debugger, press, settled, shown, until

from bpdebug.ui.panes.loss import LossPane


async def test_a_click_on_the_curve_goes_to_its_loss():
    async with debugger() as (app, pilot):
        app.perform("goto update 400")
        await settled(pilot)
        pane = app.query_one(LossPane)
        await pilot.click(pane, offset=(2 + pane.size.width // 2, 4))
        assert app.view.position.stage == "loss"
        assert 150 < app.view.position.update < 250
        text = shown(app, "loss").splitlines()
        column = next(line.index("◉") for line in text if "◉" in line)
        assert column == pytest.approx(pane.size.width // 2, abs=1)
        before = app.view.position
        await pilot.click(pane, offset=(2, 4))
        assert app.view.position == before, "beside the curve nothing happens"


async def test_left_and_right_go_along_the_curve():
    async with debugger() as (app, pilot):
        app.perform("goto update 300")
        await press(pilot, "3", "left", "left")
        first = app.view.position
        assert first.stage == "loss"
        assert 270 < first.update < 298
        await press(pilot, "right")
        assert first.update < app.view.position.update <= 299
        await press(pilot, "right", "right", "right")
        assert app.view.position.update == 299, "the last loss that is known"


async def test_before_the_first_loss_the_arrows_do_nothing():
    async with debugger() as (app, pilot):
        await press(pilot, "3", "left", "right")
        assert app.view.position.t == 0


async def test_health_and_surface_are_worked_out_where_they_are_shown():
    async with debugger(size=SMALL) as (app, pilot):
        app.perform("goto update 30")
        await settled(pilot)
        assert app.view.health is None
        assert app.view.surface is None
        await press(pilot, "8")
        assert app.query_one("#health").border_title == "8 Health  updates 6 to 29"
        assert "━" in shown(app, "health")
        await press(pilot, "9")
        assert app.query_one("#surface").border_title == "9 Surface  a2 over x1, x2"
        assert "of 4 right" in shown(app, "surface")
        assert app.view.health is None
        await press(pilot, "u")
        assert app.view.surface is not None


@pytest.mark.parametrize("size", [SMALL, pytest.param((156, 48), marks=pytest.mark.long)])
async def test_the_panes_fill_their_place_at_other_sizes(size):
    async with debugger("iris", size) as (app, pilot):
        app.perform("goto update 60")
        await press(pilot, "9")
        assert "125 of 150 right" in shown(app, "surface")
        assert "▸  63" in shown(app, "surface")
        await press(pilot, "8")
        assert "layer" in shown(app, "health") or "1 " in shown(app, "health")


def listed(app):
    """The samples in sight in the list of answers, and what stands above them."""
    lines = shown(app, "surface").splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("▸")) + 1
    return lines[:first], [int(line.replace("▸", " ").split()[0]) for line in lines[first:] if line.strip()]


async def test_of_the_list_of_answers_the_head_stays_and_no_sample_is_passed_over():
    async with debugger("iris", (88, 28)) as (app, pilot):
        app.perform("goto update 60")
        await press(pilot, "9")
        worst = app.view.surface.worst.tolist()
        head, first = listed(app)
        assert "125 of 150 right" in head[0]
        assert head[-1].split()[:2] == ["▸", "63"]
        seen = [*first]
        for _ in range(3):
            await press(pilot, "pagedown")
            above, samples = listed(app)
            assert above == head
            seen += samples
        assert seen == worst[: len(seen)]
        assert len(seen) == 4 * len(first)
        await press(pilot, "pageup", "pageup", "pageup")
        assert listed(app) == (head, first)
        await press(pilot, "end")
        await until(pilot, lambda: listed(app)[1][-1] == worst[-1])
        assert listed(app)[0] == head


async def test_another_sample_takes_the_place_above_the_list():
    async with debugger("iris") as (app, pilot):
        app.perform("goto 60:a2")
        await press(pilot, "9")
        app.perform("sample 3")
        await settled(pilot)
        assert listed(app)[0][-1].startswith(f"▸ {int(app.view.samples[3]):>3} ")


async def test_what_the_health_of_many_layers_means_is_scrolled_to():
    async with debugger("deep_sigmoid", SMALL) as (app, pilot):
        app.perform("goto update 8")
        await press(pilot, "8")
        layers = [line.split()[0] for line in shown(app, "health").splitlines() if "vanishing" in line]
        assert layers[:5] == ["1", "2", "3", "4", "5"]
        assert "fewer layers" not in shown(app, "health")
        await press(pilot, "pagedown")
        assert "fewer layers" in shown(app, "health").replace("\n", " ")
        await press(pilot, "pageup", "up")
        assert shown(app, "health").splitlines()[1].split()[0] == "1"


async def test_where_the_sentences_are_out_of_sight_the_border_says_what_is_wrong():
    async with debugger("deep_sigmoid") as (app, pilot):
        app.perform("goto update 8")
        await press(pilot, "8")
        assert app.query_one("#health").border_subtitle == "vanishing 1–5"
        assert "‖dz‖" in shown(app, "health").splitlines()[0]
        await press(pilot, "down", "down")
        assert "‖dz‖" in shown(app, "health").splitlines()[0], "the heading stays"
        await press(pilot, "z")
        assert not app.query_one("#health").border_subtitle
