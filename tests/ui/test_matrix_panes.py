"""The panes of tables and of the equation in an app of their own: keys, clicks, what is in sight."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path

import pytest
from textual.app import App
from textual.geometry import Offset
from textual.reactive import reactive
from turns import by_turns
from ui_app import LARGE, SMALL, debugger, press, settled, shown
from ui_views import big, session

from bpdebug.core.record import replace
from bpdebug.look.equation import equation_of
from bpdebug.look.groups import group_of
from bpdebug.ui.draw.glyphs import HATCH
from bpdebug.ui.draw.layers import focus, in_order, in_stage
from bpdebug.ui.draw.roles import DARK, Roles
from bpdebug.ui.panes.equation import EquationPane
from bpdebug.ui.panes.tensors import DeltasPane, MatrixPane, ValuesPane
from bpdebug.ui.pointing import CellChosen


class Host(App[None]):
    """One pane on a session."""

    view = reactive(None)

    def __init__(self, pane, opened):
        super().__init__()
        self.pane, self.session = pane, opened
        self.register_theme(DARK)
        self.theme = DARK.name

    @cached_property
    def roles(self):
        return Roles(self.theme_variables)

    def compose(self):
        yield self.pane.data_bind(Host.view)

    def on_mount(self):
        self.show()
        self.pane.focus()

    def show(self):
        opened = self.session
        inside = opened.cursor.inside == opened.position.t
        self.view = replace(opened.view(), equation=equation_of(opened.timeline, opened.selected, opened.cursor.style, inside))

    def on_cell_chosen(self, message: CellChosen):
        self.session.cursor.select(message.name, message.index)
        self.show()


@asynccontextmanager
async def host(kind, opened, size=(46, 14)):
    app = Host(kind(id="pane"), opened)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield app, pilot


async def click(app, pilot, x, y):
    """A click on a place of the pane's content."""
    await pilot.click(app.pane, offset=Offset(x, y) + app.pane.content_region.offset - app.pane.region.offset)
    await settled(pilot)


async def test_the_arrows_move_the_cursor_of_the_result():
    async with host(EquationPane, session("xor", "goto dW1"), (90, 14)) as (app, pilot):
        assert app.session.selected == ("dW1", (0, 0))
        await press(pilot, "right", "right", "down")
        assert app.session.selected == ("dW1", (1, 2))
        await press(pilot, "down", "end", "right")
        assert app.session.selected == ("dW1", (1, 3))
        await press(pilot, "home", "pageup")
        assert app.session.selected == ("dW1", (0, 0))
        assert "7 Equation  dW1" in str(app.pane.border_title)


async def test_the_first_arrow_puts_the_cursor_on_the_result():
    async with host(EquationPane, session("xor", "goto dW1", "select y[2,0]"), (90, 14)) as (app, pilot):
        await press(pilot, "down")
        assert app.session.selected == ("dW1", (0, 0))


async def test_a_click_selects_a_cell_of_the_result_or_of_an_operand():
    async with host(EquationPane, session("xor", "goto dW2"), (90, 14)) as (app, pilot):
        lines = shown(app, "pane").splitlines()
        await click(app, pilot, lines[3].index("+0.7221"), 3)
        assert app.session.selected == ("dW2", (2, 0))
        await click(app, pilot, lines[2].index("+0.5987"), 2)
        assert app.session.selected == ("a1", (2, 1)), "the second row of a1ᵀ"
        assert "a1" in str(app.pane.border_title)
        await click(app, pilot, 88, 10)
        assert app.session.selected == ("a1", (2, 1))


async def test_the_walk_through_the_cells_is_counted():
    async with host(EquationPane, session("xor", "goto a1", "into 3"), (90, 14)) as (app, _):
        assert str(app.pane.border_subtitle).startswith("cell 3 of 4  ")
        assert HATCH in shown(app, "pane")


async def test_a_large_matrix_scrolls_with_its_cursor_and_its_picture_stays():
    async with host(DeltasPane, session(big(), "goto dW1")) as (app, pilot):
        assert [line.split()[-1] for line in shown(app, "pane").splitlines()[:1]] == ["dW1"]
        assert app.pane.pictured[1].top == 0
        for _ in range(3):
            await press(pilot, "shift+down")
        assert app.session.selected == ("dW1", (30, 0))
        block, sight = app.pane.pictured
        assert block.name == "dW1"
        assert sight.top <= 30 < sight.bottom
        value = f"{app.session.value('dW1[30,0]'):+.4f}".replace("-", "−")
        assert any(value in line for line in shown(app, "pane").splitlines())
        await press(pilot, "end")
        block, sight = app.pane.pictured
        assert (app.session.selected, sight.right) == (("dW1", (30, 127)), 128)


async def test_a_click_in_the_picture_jumps_there():
    async with host(DeltasPane, session(big(), "goto dW1")) as (app, pilot):
        left = app.pane.numbers.width + 1
        height = app.pane.area.height
        await click(app, pilot, left + 6, height // 2)
        name, (row, column) = app.session.selected
        assert name == "dW1"
        assert 300 < row < 480
        assert 60 < column < 80
        _, sight = app.pane.pictured
        assert sight.top <= row < sight.bottom
        assert sight.left <= column < sight.right


async def test_what_changed_at_the_selected_cell_stands_in_the_border():
    async with host(ValuesPane, session("xor", "goto 0:db1", "step")) as (app, pilot):
        assert str(app.pane.border_subtitle).startswith("W1[0,0] was +1.7641  Δ −9.99e")
        await press(pilot, "up")
        assert str(app.pane.border_subtitle) == "min 0  max 1  mean 0.5  norm 2  4 zeros"


async def test_over_the_edge_the_cursor_goes_to_the_nearest_cell_of_the_next_tensor():
    async with host(DeltasPane, session("xor", "goto db1", "select dW1[0,3]")) as (app, pilot):
        for key, cell in (
            ("up", ("dz1", (3, 3))),
            ("down", ("dW1", (0, 3))),
            ("end", ("dW1", (0, 3))),
            ("home", ("dW1", (0, 0))),
            ("up", ("dz1", (3, 0))),
            ("left", ("da1", (3, 3))),
            ("right", ("dz1", (3, 0))),
        ):
            await press(pilot, key)
            assert app.session.selected == cell, key
    async with host(ValuesPane, session("xor", "goto a2", "select b2[0,0]"), (46, 30)) as (app, pilot):
        above, here = (app.pane.layout_of.find(name) for name in ("a1", "b2"))
        assert above.top == 0 < here.top
        await press(pilot, "up")
        name, (row, column) = app.session.selected
        assert (name, row) == ("W2", 3) or (name, row, above.left + above.edge + column * above.cell) == ("a1", 3, here.left + here.edge)


async def test_keys_go_to_the_layer_before_and_after():
    async with host(DeltasPane, session("iris", "goto dz1", "select dz1[12,5]")) as (app, pilot):
        for key, cell, layer in (
            ("pagedown", ("dz2", (12, 2)), 2),
            ("pagedown", ("dz2", (12, 2)), 2),
            ("pageup", ("dz1", (12, 2)), 1),
        ):
            await press(pilot, key)
            assert app.session.selected == cell, key
            assert str(app.pane.border_title).startswith(f"5 Gradients  layer {layer}  da{layer}  dz{layer}=δ{layer}  dW{layer}")
    async with host(ValuesPane, session("iris", "goto z2", "select a1[3,2]")) as (app, pilot):
        assert str(app.pane.border_title) == "4 Values  layer 2"
        await press(pilot, "pageup")
        assert (app.session.selected, str(app.pane.border_title)) == (("W1", (3, 2)), "4 Values  layer 1")
        app.session.cursor.select("a1", (3, 2))
        app.show()
        await settled(pilot)
        assert str(app.pane.border_title) == "4 Values  layer 1", "where one walks to, one stays"


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_values_are_shown_when_they_are_asked_for_while_a_delta_is_selected(size):
    async with debugger(size=size) as (app, pilot):
        app.perform("goto 40:dW1")
        await settled(pilot)
        assert app.query_one("#deltas").display
        await press(pilot, "4")
        assert (app.query_one("#values").display, app.focused.id) == (True, "values")
        assert app.session.selected == ("dW1", (0, 0))
        assert shown(app, "values").split()[0] == "x"
        app.perform("select x[0,0]")
        await press(pilot, "right")
        assert app.session.selected == ("x", (0, 1))
        await press(pilot, "5")
        assert (app.query_one("#deltas").display, app.focused.id) == (True, "deltas")


async def test_numbers_of_the_update_before_are_said_to_be_and_cannot_be_chosen():
    async with host(ValuesPane, session("xor", "goto 40:b2"), (46, 30)) as (app, pilot):
        assert app.session.position.done == 0
        assert str(app.pane.border_title) == "4 Values  layer 2  of update 40"
        block = app.pane.layout_of.find("a2")
        await click(app, pilot, block.left + block.edge + 2, block.first)
        await press(pilot, "down", "down", "down")
        assert app.session.selected[0] in ("b2", "W2", "y")


async def test_at_the_end_of_training_the_answers_are_in_sight_until_another_cell_is_chosen():
    async with host(ValuesPane, session("iris", "goto end"), (42, 10)) as (app, pilot):
        assert shown(app, "pane").split()[:3:2] == ["a2", "y"]
        assert app.pane.layout_of.find("a2").top == app.pane.layout_of.find("y").top
        await press(pilot, "up", "up", "up")
        assert app.session.selected[0] == "W2"
        assert "W2" in shown(app, "pane").split()


async def test_a_scrolled_pane_begins_with_a_whole_number_and_clicks_hit_what_is_drawn():
    async with host(DeltasPane, session(big(), "goto dW1", "select dW1[300,60]"), (60, 14)) as (app, pilot):
        lines = shown(app, "pane").splitlines()
        labels, first = lines[1].split(), lines[2].replace("▐", " ").split()
        assert "60" in labels
        row = int(first[0])
        written = f"{app.session.value(f'dW1[{row},{labels[1]}]'):+.4f}".replace("-", "−")
        assert first[2] == written or first[2] == "0"
        await click(app, pilot, lines[1].index(labels[1]), 2)
        assert app.session.selected == ("dW1", (row, int(labels[1])))
        await click(app, pilot, 2, 1)
        assert app.session.selected == ("dW1", (row, int(labels[1]))), "numbers at the edges are no cells"


async def test_without_colours_the_picture_tells_signs(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with host(DeltasPane, session(big(), "goto dW1"), (90, 14)) as (app, _):
        drawn = [line[app.pane.numbers.width + 1 :] for line in shown(app, "pane").splitlines()[1:6]]
        assert set("".join(drawn)) <= set("+−± ")
        assert set("".join(drawn)) >= set("+−")


async def test_in_the_column_convention_keys_and_clicks_go_to_the_turned_cells():
    async with host(DeltasPane, session("iris", "convention columns", "goto dW1"), (120, 40)) as (app, pilot):
        await press(pilot, "down", "down", "right")
        assert app.session.selected == ("dW1", (1, 2))
        block = app.pane.layout_of.find("dW1")
        await click(app, pilot, block.left + 3 * block.cell + 2, block.first + 6)
        assert app.session.selected == ("dW1", (3, 6))
    async with host(EquationPane, session("iris", "convention columns", "goto dW1"), (120, 40)) as (app, pilot):
        await press(pilot, "down", "down", "right")
        assert app.session.selected == ("dW1", (1, 2))


@pytest.mark.parametrize("size", [(42, 10), (46, 8), (60, 14)])
async def test_where_a_value_that_is_not_finite_comes_from_is_in_sight_with_it(size):
    async with host(ValuesPane, session("saturation", "continue"), size) as (app, _):
        name, index = app.view.explanation.operands[0]
        assert app.session.selected == ("loss", ())
        assert app.view.sample == index[0] == 1
        for cell in (("loss", ()), (name, index)):
            assert cell in in_sight(app.pane), cell


async def test_the_operand_that_is_next_is_scrolled_into_sight():
    async with host(ValuesPane, session("iris", "goto a1", "select a1[13,6]"), (70, 20)) as (app, _):
        assert {("a1", (13, 6)), ("z1", (13, 6))} <= in_sight(app.pane)


def in_sight(pane):
    """The cells of a pane that a click can reach."""
    places = (Offset(x, y) for y in range(pane.area.height) for x in range(pane.area.width))
    return {pane.cell_under(place) for place in places} - {None}


@pytest.mark.parametrize(("size", "scenario"), by_turns([SMALL, LARGE, (160, 48)], ["xor", "one_neuron", "two_outputs"]))
async def test_the_cells_that_make_a_number_are_in_sight_with_it_in_the_order_of_computation(scenario, size):
    async with debugger(scenario, size) as (app, pilot):
        for stage in app.session.program.stages[:-1]:
            app.perform("step")
            await settled(pilot)
            panes = [pane for pane in app.query(MatrixPane) if pane.display]
            seen = set[tuple[str, tuple[int, ...]]]().union(*map(in_sight, panes))
            operands = [cell for cell in app.view.explanation.operands if cell[0] in in_stage(app.view)]
            assert {app.session.selected, *operands} <= seen, stage.name
            for pane in panes:
                names = [block.name for block in pane.layout_of.blocks]
                assert names == in_order(app.session.program, names)


def test_what_is_computed_for_gradients_alone_belongs_to_the_group_of_what_it_reads():
    opened = session(str(Path(__file__).parents[1] / "cases" / "torch" / "gpt.bpd"))
    program = opened.program
    for stage in program.stages:
        assert group_of(program, stage.name) or not any(group_of(program, name) for name in stage.formula.names), stage.name
    opened.execute("goto blocks.1.attn.view.clone")
    assert focus(opened.view()) == group_of(program, "blocks.1.attn.q.grad") != "pad"
