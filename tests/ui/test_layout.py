"""What is shown on which size of the screen, without a screen."""

from __future__ import annotations

from functools import partial
from itertools import product

import pytest

from bpdebug.ui.layout import BARS, HEIGHTS, LEAST_COLUMNS, LEAST_ROWS, WIDTHS, moved
from bpdebug.ui.layout import Layout as LayoutOf
from bpdebug.ui.panes import PANES

Layout = partial(LayoutOf, {name: pane.spot for name, pane in PANES.items()})
LARGE, SMALL = (120, 36), (80, 24)
SIDES = ("left", "right", "top", "bottom")


def visible(layout, size):
    return [name for name, there in layout.shown(*size).items() if there and name in PANES]


def test_a_large_screen_has_all_but_those_that_take_turns():
    layout = Layout()
    assert visible(layout, LARGE) == ["program", "network", "loss", "values", "deltas", "why"]
    layout.choose("health")
    layout.choose("equation")
    assert visible(layout, LARGE) == ["program", "network", "why", "equation", "health"]
    layout.choose("deltas")
    assert visible(layout, LARGE) == ["program", "network", "values", "deltas", "why", "health"]


@pytest.mark.parametrize("name", [name for name in PANES if name not in ("program", "why")])
def test_a_small_screen_has_one_pane_beside_the_listing(name):
    layout = Layout()
    layout.choose(name)
    assert {*visible(layout, SMALL)} == {"program", name, "why"}


def test_a_pane_alone_and_back():
    layout = Layout()
    layout.maximise("why")
    assert visible(layout, LARGE) == ["why"]
    assert not layout.shown(*LARGE)["top"]
    layout.choose("network")
    assert visible(layout, SMALL) == ["network"]
    layout.maximise("program")
    assert len(visible(layout, LARGE)) == 6


def test_the_usual_sizes():
    assert Layout().sizes(*LARGE) == {"program": 38, "network": None, "values": None, "top": 12, "why": 10}
    assert Layout().sizes(*SMALL) == {"program": 34, "network": None, "values": None, "top": None, "why": 10}


def test_a_larger_screen_gives_every_row_of_panes_more():
    before = Layout().sizes(*LARGE)
    for size in ((160, 48), (200, 60), (240, 80)):
        sizes = Layout().sizes(*size)
        middle = size[1] - BARS - sizes["top"] - sizes["why"]
        assert sizes["top"] > before["top"]
        assert middle > LARGE[1] - BARS - before["top"] - before["why"]
        assert before["why"] <= sizes["why"] <= sizes["top"]
        assert before["program"] <= sizes["program"] <= size[0] // 3
        before = sizes
    assert Layout().sizes(110, 30) | {"program": 38} == {"program": 38, "network": None, "values": None, "top": 10, "why": 8}


def test_before_there_is_a_curve_the_network_has_most_of_its_row():
    early, later = Layout(curve=False), Layout()
    assert early.sizes(*LARGE)["network"] == 120 - 38 - 28
    assert early.sizes(*SMALL) == later.sizes(*SMALL)
    early.choose("health")
    assert early.sizes(*LARGE) == later.sizes(*LARGE)
    early.choose("loss")
    early.put("network", 30, *LARGE)
    assert early.sizes(*LARGE)["network"] == 30


def test_a_pane_is_made_wider_and_narrower_at_the_cost_of_its_neighbour():
    layout = Layout()
    layout.resize("program", 4, 0, *LARGE)
    assert layout.sizes(*LARGE)["program"] == 42
    layout.resize("why", 2, 0, *LARGE)
    assert layout.sizes(*LARGE)["program"] == 40
    layout.resize("network", 5, 0, *LARGE)
    assert layout.sizes(*LARGE)["network"] == 45
    layout.resize("loss", 2, 0, *LARGE)
    assert layout.sizes(*LARGE)["network"] == 43
    layout.resize("deltas", -3, 0, *LARGE)
    assert layout.sizes(*LARGE)["values"] == 43


def test_a_pane_is_made_taller_and_shorter():
    layout = Layout()
    layout.resize("health", 0, 2, *LARGE)
    assert layout.sizes(*LARGE)["top"] == 14
    layout.resize("values", 0, 1, *LARGE)
    assert layout.sizes(*LARGE)["why"] == 9
    layout.resize("why", 0, 3, *LARGE)
    assert layout.sizes(*LARGE)["why"] == 12
    before = dict(layout.shares)
    layout.resize("program", 0, 3, *LARGE)
    assert layout.shares == before, "the listing has the whole height"


@pytest.mark.parametrize("size", [LARGE, SMALL, (160, 48), (40, 12), (20, 6), (4, 3)])
@pytest.mark.parametrize("by", [-500, 500])
def test_no_pane_is_squeezed_out_of_the_screen(size, by):
    columns, rows = size
    for name in PANES:
        layout = Layout()
        layout.choose(name)
        layout.resize(name, by, by, *size)
        sizes = layout.sizes(*size)
        others = columns - sizes["program"]
        assert min(sizes["program"], others) >= min(LEAST_COLUMNS, columns // 2)
        heights = [sizes["why"], rows - BARS - sizes["why"] - (sizes["top"] or 0), *([sizes["top"]] if sizes["top"] else [])]
        assert min(heights) >= min(LEAST_ROWS, (rows - BARS) // 2)
        assert all(LEAST_COLUMNS <= sizes[half] <= others - LEAST_COLUMNS for half in ("network", "values") if sizes[half])


def test_at_the_end_of_the_room_one_step_back_is_one_step():
    layout = Layout()
    layout.resize("program", 500, 0, *LARGE)
    most = layout.sizes(*LARGE)["program"]
    layout.resize("program", -2, 0, *LARGE)
    assert layout.sizes(*LARGE)["program"] == most - 2


def test_sizes_are_shares_of_the_room_when_the_screen_changes():
    layout = Layout()
    layout.put("program", 60, *LARGE)
    layout.put("why", 17, *LARGE)
    assert layout.sizes(240, 70) == Layout().sizes(240, 70) | {"program": 120, "why": 34}
    assert layout.sizes(*SMALL) == Layout().sizes(*SMALL) | {"program": 40, "why": 11}
    assert layout.sizes(*LARGE) == Layout().sizes(*LARGE) | {"program": 60, "why": 17}


@pytest.mark.parametrize("size", [(columns, 36) for columns in range(110, 131)])
def test_a_chosen_size_stays_to_the_column(size):
    for wanted in range(LEAST_COLUMNS, 70):
        layout = Layout()
        layout.put("program", wanted, *size)
        assert layout.sizes(*size)["program"] == wanted


def test_a_pane_alone_has_all_the_room_whatever_was_chosen():
    layout = Layout()
    layout.put("program", 60, *LARGE)
    layout.maximise("why")
    assert set(layout.sizes(*LARGE).values()) == {None}
    assert not any(layout.edge("why", side, *LARGE) for side in SIDES)


def test_the_usual_sizes_come_back():
    layout = Layout()
    layout.resize("network", 7, 3, *LARGE)
    layout.usual()
    assert layout.sizes(*LARGE) == Layout().sizes(*LARGE)


@pytest.mark.parametrize("size", [LARGE, SMALL])
def test_a_border_follows_the_mouse(size):
    """A border is that of two panes: whichever of them it is grabbed by, the same size changes by the same amount."""
    found = {}
    for pane, side in product(PANES, SIDES):
        split = Layout().edge(pane, side, *size)
        if split:
            found.setdefault(split, set()).add((pane, side))
    assert found["program"] >= {("program", "right"), ("why", "left")}
    assert found["why"] >= {("values", "bottom"), ("why", "top")}
    assert set(found) == ({*WIDTHS, *HEIGHTS} if size == LARGE else {"program", "why"})
    assert {moved(split, 3) for split in found} == {3, -3}
    if size == LARGE:
        assert {pane for pane, side in found["network"] if side == "left"} == Layout().at("turn")
    assert not Layout().edge("program", "left", *size)
