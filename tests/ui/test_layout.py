"""What is shown on which size of the screen, without a screen."""

from __future__ import annotations

from functools import partial
from itertools import product

import pytest

from bpdebug.ui.layout import BARS, LEAST_COLUMNS, LEAST_ROWS
from bpdebug.ui.layout import Layout as LayoutOf
from bpdebug.ui.panes import PANES

Layout = partial(LayoutOf, {name: pane.spot for name, pane in PANES.items()}, listing=24)
LARGE, SMALL, VERY_LARGE = (120, 36), (80, 24), (160, 48)
SIDES = ("left", "right", "top", "bottom")
WIDTHS, HEIGHTS = ("program", "network", "values"), ("listing", "top", "equation", "why")


def visible(layout, size):
    return [name for name in PANES if name in layout.regions(*size)]


def sizes(layout, size):
    """The columns and rows of the panes."""
    return {name: region.size for name, region in layout.regions(*size).items()}


def test_the_larger_the_screen_the_more_panes_stand():
    layout = Layout()
    usual = ["program", "network", "loss", "values", "deltas", "why"]
    assert visible(layout, LARGE) == [*usual, "surface"]
    assert visible(layout, VERY_LARGE) == [*usual, "equation", "surface"]
    assert visible(Layout(listing=30), LARGE) == usual, "the listing needs the room"
    layout.choose("health", *LARGE)
    layout.choose("equation", *LARGE)
    assert visible(layout, LARGE) == ["program", "network", "why", "equation", "health", "surface"]
    assert visible(layout, VERY_LARGE) == ["program", "network", "values", "deltas", "why", "equation", "health", "surface"]
    layout.choose("deltas", *LARGE)
    assert visible(layout, LARGE) == ["program", "network", "values", "deltas", "why", "health", "surface"]


@pytest.mark.parametrize("size", [SMALL, LARGE, VERY_LARGE])
@pytest.mark.parametrize("listing", [24, 60])
def test_what_is_chosen_is_there_and_what_stands_stays_in_its_place(size, listing):
    for name in PANES:
        layout = Layout(listing=listing)
        before = layout.regions(*size)
        layout.choose(name, *size)
        after = layout.regions(*size)
        assert name in after
        assert before == after or name not in before


@pytest.mark.parametrize("size", [SMALL, LARGE, VERY_LARGE, (110, 30), (200, 60), (80, 60), (40, 12), (20, 6), (4, 3)])
def test_the_panes_fill_the_screen_and_none_lies_over_another(size):
    for name in PANES:
        layout = Layout()
        layout.choose(name, *size)
        regions = layout.regions(*size).values()
        assert sum(region.area for region in regions) == size[0] * (size[1] - BARS)
        assert not any(one.intersection(other) for one in regions for other in regions if one is not other)


@pytest.mark.parametrize("name", [name for name in PANES if name not in ("program", "why")])
def test_a_small_screen_has_one_pane_beside_the_listing(name):
    layout = Layout()
    layout.choose(name, *SMALL)
    assert {*visible(layout, SMALL)} == {"program", name, "why"}


def test_a_pane_alone_and_back():
    layout = Layout()
    layout.maximise("why")
    assert visible(layout, LARGE) == ["why"]
    layout.choose("network", *LARGE)
    assert visible(layout, SMALL) == ["network"]
    layout.maximise("program")
    assert len(visible(layout, LARGE)) == 7


def test_the_usual_sizes():
    large, small = sizes(Layout(), LARGE), sizes(Layout(), SMALL)
    assert large["program"] == (38, 24)
    assert large["surface"] == (38, 10)
    assert large["network"] == large["loss"] == (41, 11)
    assert large["values"] == large["deltas"] == (41, 11)
    assert large["why"] == (82, 12)
    assert small == {"program": (34, 22), "values": (46, 12), "why": (46, 10)}


def test_a_larger_screen_gives_every_row_of_panes_more():
    before = sizes(Layout(), LARGE)
    for size in (VERY_LARGE, (200, 60), (240, 80)):
        now = sizes(Layout(), size)
        assert all(now[name].height > before[name].height for name in ("network", "surface", "why")), size
        assert now["values"].height >= before["values"].height
        assert before["program"].width <= now["program"].width <= size[0] // 3
        before = now


def test_before_there_is_a_curve_the_network_has_most_of_its_row():
    early, later = Layout(curve=False), Layout()
    assert sizes(early, LARGE)["network"].width == 120 - 38 - 28
    assert sizes(early, SMALL) == sizes(later, SMALL)
    early.choose("health", *LARGE)
    assert sizes(early, LARGE)["network"] == sizes(later, LARGE)["network"]
    early.choose("loss", *LARGE)
    early.put("network", 30, *LARGE)
    assert sizes(early, LARGE)["network"].width == 30


def test_a_pane_is_made_larger_and_smaller_at_the_cost_of_its_neighbour():
    layout = Layout()
    for name, by, of, extent in (
        ("program", (4, 0), "program", 42),
        ("why", (2, 0), "program", 40),
        ("network", (5, 0), "network", 45),
        ("loss", (2, 0), "network", 43),
        ("deltas", (-3, 0), "values", 43),
        ("loss", (0, 2), "top", 13),
        ("values", (0, 1), "why", 11),
        ("why", (0, 3), "why", 14),
        ("program", (0, 2), "listing", 26),
        ("surface", (0, 1), "listing", 25),
    ):
        layout.resize(name, *by, *LARGE)
        assert layout.extent(of, *LARGE) == extent, name
    alone = Layout(listing=60)
    alone.resize("program", 0, 3, *LARGE)
    assert not alone.shares, "the listing has the whole height"


@pytest.mark.parametrize("size", [LARGE, SMALL, VERY_LARGE, (40, 12), (20, 6), (4, 3)])
@pytest.mark.parametrize("by", [-500, 500])
def test_no_pane_is_squeezed_out_of_the_screen(size, by):
    columns, rows = size
    for name in PANES:
        layout = Layout()
        layout.choose(name, *size)
        layout.resize(name, by, by, *size)
        for pane, (width, height) in sizes(layout, size).items():
            assert width >= min(LEAST_COLUMNS, columns // 2), pane
            assert height >= min(LEAST_ROWS, (rows - BARS) // 2), pane


def test_at_the_end_of_the_room_one_step_back_is_one_step():
    layout = Layout()
    layout.resize("program", 500, 0, *LARGE)
    most = layout.extent("program", *LARGE)
    layout.resize("program", -2, 0, *LARGE)
    assert layout.extent("program", *LARGE) == most - 2


def test_sizes_are_shares_of_the_room_when_the_screen_changes():
    layout = Layout()
    layout.put("program", 60, *LARGE)
    layout.put("why", 17, *LARGE)
    assert [layout.extent(name, 240, 70) for name in ("program", "why")] == [120, 34]
    assert [layout.extent(name, *SMALL) for name in ("program", "why")] == [40, 11]
    assert [layout.extent(name, *LARGE) for name in ("program", "why")] == [60, 17]


@pytest.mark.parametrize("size", [(columns, 36) for columns in range(110, 131)])
def test_a_chosen_size_stays_to_the_column(size):
    for wanted in range(LEAST_COLUMNS, 70):
        layout = Layout()
        layout.put("program", wanted, *size)
        assert layout.extent("program", *size) == wanted


def test_a_pane_alone_has_all_the_room_whatever_was_chosen():
    layout = Layout()
    layout.put("program", 60, *LARGE)
    layout.maximise("why")
    assert sizes(layout, LARGE) == {"why": (120, 34)}
    assert not any(layout.edge("why", side, *LARGE)[0] for side in SIDES)


@pytest.mark.parametrize("size", [VERY_LARGE, SMALL])
def test_a_border_follows_the_mouse(size):
    """A border is that of two panes: whichever of them it is grabbed by, the same size changes, and the border moves along."""
    found = {}
    for pane, side in product(visible(Layout(), size), SIDES):
        layout = Layout()
        split, grows = layout.edge(pane, side, *size)
        if split:
            found.setdefault(split, set()).add((pane, side))
            before = layout.regions(*size)[pane]
            layout.put(split, layout.extent(split, *size) + 2 * grows, *size)
            after, end = layout.regions(*size)[pane], {"left": "x", "top": "y"}.get(side, side)
            assert getattr(after, end) == getattr(before, end) + 2, (pane, side)
    assert found["program"] >= {("program", "right"), ("why", "left")}
    assert ("why", "top") in found["why"]
    assert set(found) == ({*WIDTHS, *HEIGHTS} if size == VERY_LARGE else {"program", "why"})
    assert not Layout().edge("program", "left", *size)[0]
