"""What the drawing of the network leaves out where there is little room, and that it says so."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ui_app import SMALL, debugger, press
from ui_views import big, network_lines, random_chain, text, view

from bpdebug.core.record import replace
from bpdebug.ui.draw.network import cell_at, network_drawing
from bpdebug.ui.draw.network_edges import edges_of
from bpdebug.ui.draw.network_scene import scene_of
from bpdebug.ui.draw.spans import plain

NARROW = (38, 10)
CROWDED = random_chain(2, (5, 8, 4), epochs=1)


def edges(shown, size, layer):
    """The edges into a layer as they are drawn."""
    return next(found for found in edges_of(scene_of(shown, *size)) if found.right.layer == layer)


@pytest.mark.parametrize(
    ("scenario", "size", "note"),
    [
        ("iris", NARROW, "left out: weak edges, biases, names"),
        ("iris", (76, 18), ""),
        ("xor", NARROW, ""),
        (random_chain(3, (3, 3, 3, 2)), NARROW, "left out: biases, numbers"),
        (random_chain(3, (1, 1, 1)), NARROW, ""),
    ],
)
def test_what_there_is_no_room_for_is_told(scenario, size, note):
    assert network_drawing(view(scenario, "goto a1"), *size)[1] == note


@pytest.mark.parametrize("size", [NARROW, (43, 9), (76, 18), (150, 40)])
def test_what_is_told_to_be_left_out_is_not_there_and_the_rest_is(size):
    for scenario in ("iris", "xor", "two_outputs", CROWDED, random_chain(3, (3, 3, 3, 2))):
        shown = view(scenario, "goto a1")
        lines, note = network_drawing(shown, *size)
        drawn = text(lines)
        units = sum(names.layer.units for names in shown.program.layers)
        assert ("biases" in note) == (len(re.findall(r"\bb [-+−0]", drawn)) < units), (scenario, note)
        assert ("names" in note) == (not any(name[:3] in drawn for name in shown.program.inputs)), (scenario, note)


def test_of_crowded_edges_the_strongest_are_drawn():
    shown = view(CROWDED, "goto a1", "select x[0,0]")
    found, sizes = edges(shown, NARROW, 2), np.abs(shown.tensors["W2"])
    assert found.drawn.shape == (8, 4)
    assert 8 <= found.drawn.sum() < 32
    assert found.drawn[sizes >= np.sort(sizes, axis=None)[-12]].all()
    assert found.drawn.any(axis=0).all(), "no neuron is without an edge"
    assert found.drawn.any(axis=1).all()
    assert edges(shown, (150, 40), 2).drawn.all()


@pytest.mark.parametrize(("cell", "drawn"), [("W2[3,1]", (3, 1)), ("a1[0,5]", (5, slice(None))), ("z2[0,2]", (slice(None), 2))])
def test_the_edges_of_the_selected_cell_are_drawn_however_weak(cell, drawn):
    shown = view(CROWDED, "goto z2", f"select {cell}")
    weights = np.ones((8, 4))
    weights[drawn] = 1e-3
    found = edges(replace(shown, tensors=dict(shown.tensors) | {"W2": weights}), NARROW, 2)
    assert found.drawn[drawn].all()


@pytest.mark.parametrize("size", [(24, 6), (38, 9), (120, 30)])
def test_of_wide_layers_only_the_strongest_weights_of_the_selected_cell_are_drawn(size):
    found = edges(view(big(), "goto a1", "select W1[783,127]"), size, 1)
    assert found.units == ([783], [127])
    shown = view(big(), "goto z1", "select z1[0,5]")
    found = edges(shown, size, 1)
    assert (sorted(np.argsort(np.abs(shown.tensors["W1"][:, 5]))[-5:]), [5]) == found.units
    assert not edges(shown, size, 2).shares.size


def test_a_ribbon_tells_how_many_weights_there_are_and_their_size():
    shown = view(big(), "goto a1", "select x[0,0]")
    size = np.sqrt(np.mean(shown.tensors["W1"] ** 2))
    drawn = text(network_lines(shown, 76, 18))
    assert f"784×128 rms {size:.2g}".replace(" 0.", " .") in drawn
    assert "128×784 rms" in text(network_lines(view(big(), "convention columns", "goto a1"), 76, 18))
    assert "[0]" not in drawn.splitlines()[-1]


def test_a_click_means_an_edge_that_is_drawn():
    shown = view(CROWDED, "goto a1", "select x[0,0]")
    drawn = {(f"W{layer}", (int(i), int(j))) for layer in (1, 2) for i, j in np.argwhere(edges(shown, NARROW, layer).drawn)}
    found = {cell_at(shown, *NARROW, x, y) for x in range(NARROW[0]) for y in range(NARROW[1])} - {None}
    weights = {cell for cell in found if cell[0].startswith("W")}
    assert weights <= drawn
    assert len(weights) > len(drawn) / 2


def test_weights_that_are_all_the_same_are_all_drawn():
    shown = view(CROWDED, "goto a1")
    assert edges(replace(shown, tensors=dict(shown.tensors) | {"W2": np.zeros((8, 4))}), NARROW, 2).drawn.all()


@pytest.mark.parametrize("notation", ["d", "partial", "delta"])
@pytest.mark.parametrize("scenario", ["iris", "deep_sigmoid", "residual", random_chain(2, (2,) + (3,) * 14), random_chain(2, (30,) * 6)])
def test_no_heading_runs_into_another(notation, scenario):
    shown = view(scenario, f"notation {notation}", "goto dz2", "finish")
    for columns in (30, 38, 43, 60, 97, 156):
        last = plain(network_lines(shown, columns, 10)[-1])
        scene = scene_of(shown, columns, 10)
        for column in scene.plan.shown:
            assert re.search(rf"(^|\s){re.escape(column.heading)}(\s|$)", last), (columns, last)
        if scene.plan.after:
            assert last.endswith(f" {scene.plan.after}›")


@pytest.mark.parametrize("columns", range(40, 60))
def test_a_target_is_never_beside_a_counted_name(columns):
    drawn = text(network_lines(view("iris", "goto a2"), columns, 9))
    assert not re.search(r"\by\d", drawn)
    assert len(re.findall(r"\bt(?:arget)? [01]", drawn)) == 3


async def test_the_border_says_what_is_left_out():
    async with debugger("iris", SMALL) as (app, pilot):
        await press(pilot, "2")
        assert app.query_one("#network").border_subtitle == "left out: weak edges, biases, names"
        await press(pilot, "z")
        assert not app.query_one("#network").border_subtitle
