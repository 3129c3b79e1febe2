"""The app where the files that it reads back are no such files, and where it cannot write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ui_app import LARGE, debugger, messages, press

from bpdebug.frontends import load_scenario
from bpdebug.session.prompt_history import history_file
from bpdebug.session.session import Session
from bpdebug.session.settings import Settings
from bpdebug.session.state import state_file
from bpdebug.ui import app as app_module
from bpdebug.ui.app import DebuggerApp


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "bpdebug").mkdir()
    return tmp_path


async def test_random_bytes_in_what_is_kept_are_told_and_no_reason_to_end():
    files = [state_file(load_scenario("xor").source), history_file()]
    for file in files:
        file.write_bytes(b"break dz2\n" + bytes(range(255, 0, -1)))
    app = DebuggerApp(Session(load_scenario("xor")), True, Settings(wrong="settings.yaml:1:1: unknown key 'them'"))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        said = "\n".join(messages(app))
        for words in ("settings.yaml:1:1", *(f"{file}:2: expected UTF-8 text; found the byte 0xff" for file in files)):
            assert words in said
        await pilot.press("s")
        assert app.session.position.t == 1
    assert [file.with_name(f"{file.name}.unread1").exists() for file in files] == [True, True]


async def test_what_is_written_in_the_stops_is_not_carried_out(home):
    state_file(load_scenario("xor").source).write_text(f"set W1[0,0] = 7\nsave {home / 'evil.bp'}\nbreak dz2\n")
    app = DebuggerApp(Session(load_scenario("xor")), True)
    async with app.run_test(size=(120, 36)):
        assert not app.session.timeline.edits
        assert [stop.text for stop in app.session.stops.all.values()] == ["dz2"]
        assert "this sets no stop, and nothing else is carried out" in "\n".join(messages(app))
    assert not (home / "evil.bp").exists()


def test_stops_that_cannot_be_kept_are_told_once_the_screen_is_gone(home, monkeypatch, capsys):
    session = Session(load_scenario("xor"))
    session.execute("break dz2")

    def run(app):
        (home / "bpdebug").rmdir()
        (home / "bpdebug").write_text("no directory")
        app.on_unmount()

    monkeypatch.setattr(app_module.DebuggerApp, "run", run)
    assert app_module.run_app(session) == 0
    assert capsys.readouterr().err.startswith("bpdebug: the stops are not kept: ")


async def test_another_scenario_is_opened_from_the_home_directory(home, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    (home / "mine.yaml").write_bytes(Path(load_scenario("xor").source).read_bytes())
    async with debugger("xor") as (app, _):
        app._open("~/mine.yaml")
        assert app.session.program.scenario.source == str(home / "mine.yaml")


async def test_a_theme_is_remembered_beside_the_stops_and_not_in_the_settings(tmp_path, monkeypatch):
    for kind in ("STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))

    async def started(*keys, **preferred):
        app = DebuggerApp(Session(load_scenario("xor")), True, Settings(**preferred))
        async with app.run_test(size=LARGE) as pilot:
            await press(pilot, *keys)
            return app.theme

    assert await started() == "bpdebug-dark"
    assert await started(":", *"theme light", "enter") == "bpdebug-light"
    assert (tmp_path / "state" / "bpdebug" / "theme").read_text() == "bpdebug-light\n"
    assert not (tmp_path / "config").exists()
    assert await started(theme="bpdebug-dark") == "bpdebug-light"
    assert await started(asked="bpdebug-contrast") == "bpdebug-contrast"
    assert await started() == "bpdebug-contrast"
    (tmp_path / "state" / "bpdebug" / "theme").write_bytes(b"\xff\xfe nonsense")
    assert await started() == "bpdebug-dark"
