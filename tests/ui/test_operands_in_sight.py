"""What a stage reads stands on the screen beside what it makes, in every program and at every size."""

from __future__ import annotations

import pytest
from turns import by_turns
from ui_app import debugger, settled

from bpdebug.ui.draw.layers import is_setting, origin_of
from bpdebug.ui.panes.tensors import MatrixPane

NAMES = ("xor", "iris", "residual", "batch_norm", "attention", "conv", "dropout", "deep_sigmoid", "ninja", "rnn")
TOO_MANY = {"rnn": 3}
"""How many operands of a stage may be out of sight: six tensors are too many for ten lines."""


def in_sight(pane):
    """The tables with cells in sight, and these."""
    for block in pane.layout_of.blocks:
        sight = block.sight(*pane.scroll_offset, *pane.numbers)
        if sight.bottom > sight.top and sight.right > sight.left:
            yield block, sight


@pytest.mark.parametrize(("name", "size"), by_turns(NAMES, [(80, 24), (120, 36), (160, 48)]))
async def test_the_operands_of_every_stage_are_in_sight(name, size):
    async with debugger(name, size) as (app, pilot):
        program = app.session.program
        for stage in program.stages[:: max(len(program.stages) // 16, 1)]:
            app.perform(f"goto 1:{stage.name}")
            await settled(pilot)
            tables = [found for pane in app.query(MatrixPane) if pane.display for found in in_sight(pane)]
            read = {operand for operand in stage.formula.names if not is_setting(program, operand)}
            assert len(read - {block.name for block, _ in tables}) <= TOO_MANY.get(name, 0), stage
            if (origin := origin_of(app.view)) and origin[0] in read:
                block, sight = next(found for found in tables if found[0].name == origin[0])
                row, column = block.part.place(origin[1])
                assert sight.top <= row < sight.bottom, stage
                assert sight.left <= column < sight.right, stage
