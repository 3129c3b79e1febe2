"""The scenario's file is read again in the app: the panes follow, also to another network."""

from __future__ import annotations

from pathlib import Path

import pytest
from ui_app import LARGE, SMALL, debugger, errors, messages, press, settled, shown, until

from bpdebug.frontends import load_scenario

XOR = Path(__file__).parents[2] / "scenarios" / "xor.yaml"


@pytest.mark.parametrize("size", [pytest.param(LARGE, marks=pytest.mark.long), SMALL])
async def test_the_panes_follow_a_file_that_has_changed(size, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(XOR.read_text("utf-8"), "utf-8")
    async with debugger(load_scenario(path), size) as (app, pilot):
        for command in ("goto 3:dW2[3,0]", "break dz1"):
            app.perform(command)
            await until(pilot, lambda: not app.work.busy)
        path.write_text(XOR.read_text("utf-8").replace("units: 4", "units: 2"), "utf-8")
        app.perform("reload")
        await until(pilot, lambda: not app.work.busy and app.view.tensors["W1"].shape == (2, 2))
        assert app.view.position.update == 3
        assert app.view.position.stage == "dW2"
        assert "update 3/1000" in shown(app, "header")
        await press(pilot, "s", "right", "down", "u", "escape", "left_square_bracket", "9", "8", "2")
        path.write_text("network: [", "utf-8")
        app.perform("reload")
        await settled(pilot)
        assert any("mine.yaml:" in text for text in [*errors(app), *messages(app)])
        assert app.view.tensors["W1"].shape == (2, 2)
        path.write_text(XOR.read_text("utf-8").replace("    - {units: 4, activation: sigmoid}\n", ""), "utf-8")
        app.perform("run")
        await until(pilot, lambda: not app.work.busy and "W2" not in app.view.tensors)
        assert app.view.position.t == 0
        await press(pilot, "s", "s", "down", "u", "7", "4", "c")
        await until(pilot, lambda: not app.work.busy)


@pytest.mark.parametrize("moved", [True, False])
async def test_what_has_been_read_again_is_said_with_what_went(moved):
    async with debugger("xor") as (app, pilot):
        for command in ("bookmark here", "set W1[0,0] = 7", *["goto 3:dz1"] * moved, "run"):
            app.perform(command)
            await until(pilot, lambda: not app.work.busy)
        said = "\n".join(messages(app))
        assert "the scenario has been read again\ndropped: set W1[0,0] = 7.0; bookmark here" in said
        app.perform("reload")
        await until(pilot, lambda: not app.work.busy)
        assert "the scenario has been read again" in "\n".join(messages(app))


async def test_a_recording_is_read_again_and_its_paths_are_not_asked_for():
    async with debugger(load_scenario(Path(__file__).parents[1] / "cases" / "torch" / "right.bpd")) as (app, pilot):
        gradients = [stage.name for stage in app.session.program.stages if stage.of]
        app.perform(f"goto {gradients[-1]}")
        await press(pilot, "R")
        assert messages(app)[0].startswith("the recording has been read again")
        assert app.session.position.stage == gradients[-1]
        assert "paths" not in shown(app, "footer") + shown(app, "why")
        await press(pilot, "r")
        assert messages(app) == [
            "paths are of what is computed here, and this step was recorded: 'origin' (Enter) follows its numbers back"
        ]
