from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ui_views import big, view

from bpdebug.core.record import replace
from bpdebug.ui.draw.matrix_block import Sight
from bpdebug.ui.draw.matrix_layout import make_layout
from bpdebug.ui.draw.matrix_overview import overview_cell, overview_lines
from bpdebug.ui.draw.roles import DARK, Roles
from bpdebug.ui.draw.spans import plain, width

SHOWN = view(big(), "goto z1")
WHOLE = Sight(0, 0, 784, 128)


def with_weights(values):
    return replace(SHOWN, tensors=dict(SHOWN.tensors) | {"W1": values})


def block_of(shown, name="W1"):
    return make_layout(shown, [name], 40).find(name)


def patches(shown, columns=16, rows=10, name="W1"):
    """Sizes and leanings, row by row, as the roles of the picture say them."""
    found = []
    for line in overview_lines(shown, block_of(shown, name), Sight(0, 0, 0, 0), columns, rows)[1:-1]:
        halves = [role.split(":")[1:3] for _, role in line]
        found += [[tuple(map(int, patch[half].split(","))) for patch in halves if patch[half]] for half in (0, 1)]
    return [row for row in found if row]


def test_a_zero_matrix_is_dark_and_a_constant_one_has_its_colour():
    assert {patch for row in patches(with_weights(np.zeros((784, 128)))) for patch in row} == {(0, 0)}
    assert {patch for row in patches(with_weights(np.full((784, 128), -2.0))) for patch in row} == {(8, -4)}


def test_dead_columns_are_dark_lines():
    values = np.ones((784, 128))
    values[:, 64:72] = 0
    for row in patches(with_weights(values)):
        assert row == [(8, 4)] * 8 + [(0, 0)] + [(8, 4)] * 7


def test_where_signs_are_mixed_no_sign_is_shown():
    values = np.where(np.indices((784, 128)).sum(axis=0) % 2, 1.0, -1.0)
    assert {patch for row in patches(with_weights(values)) for patch in row} == {(8, 0)}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_seen_and_the_others_too(bad):
    values = np.ones((784, 128))
    values[0, 0] = bad
    found = patches(with_weights(values))
    assert found[0][0][0] == 9
    assert {patch for row in found for patch in row} - {found[0][0]} == {(8, 4)}
    signs = [plain(line) for line in overview_lines(with_weights(values), block_of(SHOWN), WHOLE, 16, 10, signs=True)]
    assert signs[1] == "⚠" + "+" * 15
    assert signs[2] == "+" * 16


@settings(max_examples=30)
@given(st.integers(1, 12), st.integers(3, 9), st.integers(0, 2**32 - 1))
def test_a_patch_is_as_bright_as_the_root_mean_square_of_its_cells(columns, rows, seed):
    values = np.random.default_rng(seed).standard_normal((784, 128)) * np.linspace(0, 1, 128)
    found = np.array(patches(with_weights(values), columns, rows))[:, :, 0]
    assert found.shape == (2 * (rows - 2), columns)
    lines = np.array_split(values, [784 * i // len(found) for i in range(1, len(found))])
    cut = [128 * i // columns for i in range(1, columns)]
    sizes = np.array([[np.sqrt((part**2).mean()) for part in np.array_split(line, cut, axis=1)] for line in lines])
    gain = min(3, sizes.max() / max(np.ptp(sizes), 1e-9))
    assert np.abs(found - 8 * (1 - gain * (1 - sizes / sizes.max()))).max() <= 1 + 1e-9


def test_differences_are_enlarged_as_far_as_there_is_room_but_small_ones_stay_small():
    columns = np.repeat(np.linspace(1, 2, 16), 8)
    values = np.tile(columns, (784, 1))
    assert [size for size, _ in patches(with_weights(values))[0]] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]
    values = np.tile(1 + columns / 20, (784, 1))
    assert {size for row in patches(with_weights(values)) for size, _ in row} == {7, 8}


def test_a_narrow_matrix_fills_the_picture():
    shown = view(big(), "goto dW2")
    rows = patches(shown, 20, 10, "W2")
    assert all(len(row) == 20 for row in rows)
    assert all(row[::2] == row[1::2] for row in rows), "ten columns, two characters each"


@pytest.mark.parametrize(("columns", "rows"), [(16, 10), (10, 4), (24, 30), (5, 2), (3, 1)])
def test_the_picture_has_its_size(columns, rows):
    for signs in (False, True):
        lines = overview_lines(SHOWN, block_of(SHOWN), WHOLE, columns, rows, signs)
        assert len(lines) <= max(rows, 2)
        assert all(width(line) <= columns for line in lines)


def test_a_tensor_without_a_value_has_its_name_only():
    block = block_of(SHOWN, "dW1")
    assert [plain(line).strip() for line in overview_lines(SHOWN, block, WHOLE, 16, 10)] == ["dW1"]


def test_what_is_in_sight_is_marked_and_said():
    lines = overview_lines(SHOWN, block_of(SHOWN), Sight(392, 64, 401, 72), 16, 10)
    seen = [(y, x) for y, line in enumerate(lines[1:-1]) for x, (_, role) in enumerate(line) if role.endswith(":seen")]
    assert seen == [(4, 8)]
    assert plain(lines[-1]).strip() == "392–400, 64–71"
    for columns, caption in ((28, "rows 392–400, columns 64–71"), (12, "rows 392–400"), (10, "392–400")):
        assert plain(overview_lines(SHOWN, block_of(SHOWN), Sight(392, 64, 401, 72), columns, 10)[-1]).strip() == caption
    assert not plain(overview_lines(SHOWN, block_of(SHOWN), Sight(784, 0, 784, 3), 28, 10)[-1]).strip(), "nothing is in sight"


@given(st.integers(2, 40), st.integers(3, 30), st.integers(-3, 45), st.integers(-3, 35))
def test_a_click_leads_to_a_cell_of_the_patch(columns, rows, x, y):
    block = block_of(SHOWN)
    found = overview_cell(block, columns, rows, x, y)
    if not (0 <= x < columns and 1 <= y < rows - 1):
        assert found is None
        return
    row, column = found
    lines = overview_lines(SHOWN, block, Sight(row, column, row + 1, column + 1), columns, rows)
    assert lines[y][x][1].endswith(":seen")


def test_patches_have_the_colours_of_the_theme():
    roles = Roles({**DARK.variables, "surface": "#161b24", "foreground": "#d5dbe5", "error": "#ff7b72"})
    dark, warm, cold = (roles.style(f"patch:{patch}:0,0") for patch in ("0,0", "8,4", "8,-4"))
    assert dark.color == dark.bgcolor
    assert warm.color.name == "#e8862e"
    assert cold.color.name == "#3f8efc"
    assert roles.style("patch:0,0:0,0:seen").color != dark.color
    assert roles.style("patch:9,0:").color.name == "#ff7b72"
