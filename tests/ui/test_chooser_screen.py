"""The start: the scenarios, what is in them, a path of one's own."""

from __future__ import annotations

import pytest
from textual.widgets import Input
from turns import by_turns
from ui_app import LARGE, SMALL, debugger, press, settled, shown, until
from ui_views import NAMES, loaded, text

from bpdebug.frontends import shipped
from bpdebug.ui.chooser_screen import ChooserScreen
from bpdebug.ui.completing import RowList
from bpdebug.ui.draw.lists import preview_lines, scenario_rows, shape_of
from bpdebug.ui.draw.spans import plain, width

SIZES = pytest.mark.parametrize("size", [LARGE, SMALL], ids=["large", "small"])
ENTRIES = [(entry, loaded(entry.name)) for entry in shipped()]
ROOM = 8
"""Lines of the preview."""


def test_every_shipped_scenario_says_what_it_teaches_and_what_to_try():
    for entry in shipped():
        assert entry.teaches, entry.name
        assert entry.first, entry.name


def test_the_list_has_a_line_for_each_and_cuts_none():
    rows = scenario_rows(ENTRIES, 78)
    assert [row.name for row in rows] == ["", *NAMES]
    assert all(width(row.lines[0]) == 78 and "…" not in plain(row.lines[0]).replace("4–…–1", "") for row in rows)
    assert plain(rows[2].lines[0]).split()[:3] == ["xor", "2–4–1", "4"]


@pytest.mark.parametrize(("row", "columns"), by_turns(ENTRIES, [78, 98]))
def test_the_preview_fits_and_says_what_is_in_the_scenario(row, columns):
    entry, scenario = row
    lines = preview_lines(entry, scenario, columns)
    shown = " ".join(text(lines).split())
    assert len(lines) <= ROOM
    assert all(width(line) <= columns for line in lines)
    assert entry.description in shown
    assert entry.first in shown
    assert scenario.loss.function.replace("_", " ") in shown
    assert all(layer.activation.replace("_", " ") in shown for layer in scenario.layers)


def test_a_deep_network_is_written_short():
    assert shape_of(loaded("deep_sigmoid")) == "2–4–…–1"
    entry = next(entry for entry in shipped() if entry.name == "deep_sigmoid")
    assert "9 × (4 sigmoid) → 1 sigmoid" in text(preview_lines(entry, loaded("deep_sigmoid"), 78))


def field(app):
    return app.screen.query_one(Input)


@SIZES
async def test_a_scenario_is_chosen_and_opened(size):
    async with debugger(None, size) as (app, pilot):
        assert isinstance(app.screen, ChooserScreen)
        rows = app.screen.query_one(RowList)
        await until(pilot, lambda: rows.chosen)
        assert rows.chosen == NAMES[0]
        assert max(line.count("") for line in shown(app, "keys").splitlines()) <= size[0]
        assert shown(app, "keys").endswith("quits")
        await press(pilot, "down")
        assert "cross entropy" in shown(app, "preview")
        assert "press t for the tour" in " ".join(shown(app, "preview").split())
        await press(pilot, "enter")
        await settled(pilot)
        assert "xor.yaml" in shown(app, "header")
        await press(pilot, "s")
        assert app.view.position.stage == "z1"


async def test_a_click_opens_a_scenario():
    async with debugger(None, SMALL) as (app, pilot):
        await until(pilot, lambda: app.screen.query_one(RowList).chosen)
        await pilot.click("#rows", offset=(4, 1 + NAMES.index("saturation")))
        await until(pilot, lambda: app.session is not None)
        assert "saturation" in app.session.program.scenario.source


async def test_the_tour_is_a_key_away():
    async with debugger(None, SMALL) as (app, pilot):
        await press(pilot, "t")
        await until(pilot, lambda: app.view is not None and app.view.tour is not None)
        assert "xor.yaml" in shown(app, "header")


async def test_a_bad_path_is_explained_and_not_lost(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("name: Mine\nnetwrok: {}\n", "utf-8")
    async with debugger(None, SMALL) as (app, pilot):
        await press(pilot, "o", *"min", "tab")
        assert field(app).value == "mine.yaml"
        await press(pilot, "enter")
        await until(pilot, lambda: "did you mean 'network'" in " ".join(shown(app, "preview").split()))
        assert field(app).value == "mine.yaml"
        assert field(app).has_focus
        (tmp_path / "mine.yaml").write_text(shipped()[0].path.read_text("utf-8"), "utf-8")
        await press(pilot, "enter")
        await until(pilot, lambda: app.session is not None)
        assert "mine.yaml" in shown(app, "header")


@pytest.mark.parametrize(("scenario", "keys"), [(None, "o"), ("xor", "ctrl+o o")])
async def test_a_script_is_refused_and_not_run(tmp_path, monkeypatch, scenario, keys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("open('ran', 'w')\n", "utf-8")
    async with debugger(scenario, SMALL) as (app, pilot):
        await press(pilot, *keys.split(), *"evil.py", "enter")
        await until(pilot, lambda: "a script runs only where a command line names it" in " ".join(shown(app, "preview").split()))
    assert not (tmp_path / "ran").exists()


async def test_lines_to_copy_keep_their_indentation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("network: 2-3-1\ndata: {x: [1], y: [1]}\ntraining: 3.5 times\n", "utf-8")
    async with debugger(None, SMALL) as (app, pilot):
        await press(pilot, "o", *"min", "tab", "enter")
        await until(pilot, lambda: "    training:\n" in shown(app, "preview"))
        assert "    training:\n      epochs: 1000" in shown(app, "preview")


async def test_a_path_is_left_by_escape_and_its_letters_are_no_keys():
    async with debugger(None, SMALL) as (app, pilot):
        await press(pilot, "o", *"quotes")
        assert field(app).value == "quotes"
        assert "completes" in shown(app, "keys")
        await press(pilot, "escape")
        assert isinstance(app.screen, ChooserScreen)
        assert app.screen.query_one(RowList).has_focus
        assert "choose" in shown(app, "keys")
        await press(pilot, "o")
        assert field(app).value == "quotes"


@pytest.mark.parametrize("key", ["q", "escape", "ctrl+q"])
async def test_the_chooser_can_be_left(key):
    async with debugger(None) as (app, pilot):
        await press(pilot, key)
        await settled(pilot)
        assert app._exit


async def test_keys_of_the_debugger_do_nothing_in_the_chooser():
    async with debugger(None, SMALL) as (app, pilot):
        await press(pilot, "s", "left_square_bracket", "2", "n", "colon")
        assert app.session is None
        assert isinstance(app.screen, ChooserScreen)


async def test_another_scenario_is_opened_from_within_and_the_old_one_stays_where_none_is():
    async with debugger("xor", SMALL) as (app, pilot):
        await press(pilot, "s", "ctrl+o")
        assert isinstance(app.screen, ChooserScreen)
        assert shown(app, "keys").endswith("goes back")
        await press(pilot, "colon", "escape")
        assert app.view.position.stage == "z1"
        await press(pilot, "k", "ctrl+o", "end", *["up"] * 8, "enter")
        await settled(pilot)
        assert app.view.style.notation == "delta", "how things are written stays"
        assert "residual.yaml" in shown(app, "header")
        await press(pilot, "s", "1", "2", "3", "4", "5", "7", "8", "9", "6")
        assert app.view.program.scenario.name == "Residual"
