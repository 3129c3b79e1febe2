"""What steps back in the network's drawing: edges that the stage does not use or that give nothing, and answers that lie ahead."""

from __future__ import annotations

import pytest
from ui_views import network_lines, session, text, view

from bpdebug.core.record import replace
from bpdebug.ui.draw.network_scene import scene_of
from bpdebug.ui.draw.network_text import number_text


def roles(lines):
    """Places of the pieces of edges to their roles."""
    spread = [[(character, role) for part, role in line for character in part] for line in lines]
    return {(x, y): role for y, line in enumerate(spread) for x, (character, role) in enumerate(line) if character >= "\u2800"}


@pytest.mark.parametrize("stage", ["db1", "db2", "b1"])
def test_where_no_weight_is_used_all_edges_step_back(stage):
    kinds = {role.partition(":")[0] for role in roles(network_lines(view("xor", f"goto 40:{stage}"), 60, 10)).values()}
    assert kinds == {"pale"}


@pytest.mark.parametrize(("sample", "strong"), [(0, []), (1, [1]), (2, [0]), (3, [0, 1])])
def test_on_the_way_forward_the_edges_of_inputs_that_are_0_step_back(sample, strong):
    shown = replace(view("xor", "goto 40:z1", f"sample {sample}"), selected=None)
    scene = scene_of(shown, 60, 10)
    drawn = roles(network_lines(shown, 60, 10))
    first = scene.plan.shown[0].right
    begun = {y for (x, y), role in drawn.items() if x == first and role.startswith("ink:")}
    rows = [scene.plan.shown[0].rows[unit] for unit in strong]
    assert {min(scene.plan.shown[0].rows, key=lambda row: abs(row - y)) for y in begun} == set(rows)


def test_in_a_walk_through_cells_the_answers_that_lie_ahead_are_not_told():
    opened = session("xor", "goto 40:dW2", "step 1", "into")
    for walked in range(1, 5):
        shown = opened.view({"equation"})
        assert shown.selected == ("da1", (0, walked - 1))
        drawn = text(network_lines(shown, 70, 12))
        numbers = [number_text(float(value), 6) for value in shown.tensors["da1"][0]]
        assert [number in drawn for number in numbers] == [place < walked for place in range(4)]
        opened.execute("into")
