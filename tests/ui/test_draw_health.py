from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
from ui_views import big, random_chain, role_of, session, text

from bpdebug.ui.draw.health import health_lines, health_title
from bpdebug.ui.draw.spans import plain, width


@cache
def seen(scenario, *commands):
    """The view with the layers' health after some commands."""
    return session(scenario, *commands).view(("health",))


def rows(lines, depth):
    """The layers' lines, without the heading."""
    start = next(place for place, line in enumerate(lines) if plain(line).strip().startswith("1 "))
    return lines[start : start + depth]


def test_before_the_first_update_it_says_how_to_get_one():
    assert "u runs one" in text(health_lines(seen("xor"), 60, 10))
    assert health_title(seen("xor"), "8 Health") == "8 Health"


def test_where_it_is_not_looked_at_nothing_is_drawn():
    assert health_lines(session("xor", "update").view(), 60, 10) == []


def test_the_title_names_the_updates():
    assert health_title(seen("xor", "update 200"), "8 Health") == "8 Health · updates 176 to 199"
    assert health_title(seen("xor", "update"), "8 Health") == "8 Health · update 0"


@pytest.mark.parametrize("columns", [37, 60, 76, 156])
def test_vanishing_is_seen_at_a_glance(columns):
    lines = rows(health_lines(seen("deep_sigmoid", "update 8"), columns, 12), 10)
    lengths = [len(re.search("[━╸]+", plain(line))[0]) for line in lines]
    assert lengths == sorted(lengths)
    assert lengths[-1] >= lengths[0] + 5
    assert ["vanishing" in plain(line) for line in lines] == [True] * 5 + [False] * 5
    assert role_of(lines[0], "vanishing") == "bad"
    assert "✓" in plain(lines[9])


def test_dead_units_are_counted():
    lines = health_lines(seen("dead_relu", "update 8"), 76, 10)
    first, second = rows(lines, 2)
    assert "dead 5 of 6" in plain(first)
    assert "✓" in plain(second)
    assert "dead: 5 of 6 units of layer 1 are 0 for every sample" in " ".join(text(lines).split())


def test_a_healthy_step_stands_on_the_heavy_part_of_its_gauge():
    line = rows(health_lines(seen("xor", "update 100"), 76, 10), 2)[0]
    gauge = plain(line)[plain(line).index("────") :][:13]
    assert gauge.index("●") in range(4, 9)
    assert role_of(line, "●") == "good"
    resting = rows(health_lines(seen("deep_sigmoid", "update 40"), 76, 12), 10)[0]
    assert role_of(resting, "◂") == "next"


def test_numbers_are_those_of_the_measures():
    shown = seen("xor", "update 100")
    for layer, line in zip(shown.health.layers, rows(health_lines(shown, 156, 10), 2), strict=True):
        words = plain(line).split()
        assert float(words[3]) == pytest.approx(layer.delta[-1], rel=0.06)
        assert float(words[4]) == pytest.approx(layer.gradient[-1], rel=0.06)


def test_what_has_no_column_is_told_below():
    shown = seen("dead_relu", "update 8")
    below = " ".join(text(health_lines(shown, 37, 20)).split())
    assert "5 of 6 dead" in below
    assert f"‖W2‖ {shown.health.layers[1].size[-1]:.2f}" in below
    assert "about 0.001 is healthy" in below


def test_with_as_many_rows_as_layers_the_heading_goes():
    shown = seen("deep_sigmoid", "update 8")
    assert plain(health_lines(shown, 37, 10)[0]).strip().startswith("1 ")
    assert "‖dz‖" in plain(health_lines(shown, 37, 11)[0])


def test_a_frozen_weight_says_so():
    lines = rows(health_lines(seen(random_chain(5, (3, 4, 2), frozen=("W1",)), "update 2"), 76, 10), 2)
    assert "frozen" in plain(lines[0])
    assert "frozen" not in plain(lines[1])


@pytest.mark.parametrize("name", ["xor", "deep_sigmoid", "dead_relu", "saturation", "big"])
def test_nothing_is_wider_than_the_room_from_the_narrowest_pane_on(name):
    shown = seen(big() if name == "big" else name, "catch non-finite off", "update 3")
    for columns in range(30, 161):
        for line in health_lines(shown, columns, 14):
            assert width(line) <= columns, columns


def test_the_words_fit_and_none_is_cut():
    shown = seen("saturation", "goto 8:z1")
    for columns in range(37, 161):
        last = [plain(line).rstrip().rpartition("  ")[2] for line in rows(health_lines(shown, columns, 14), 2)]
        assert all("…" not in words for words in last)


def test_every_update_has_its_place_in_the_trend():
    line = rows(health_lines(seen("xor", "update 12"), 156, 10), 2)[0]
    assert sum(character in "▁▂▃▄▅▆▇█" for character in plain(line)) == 12
    assert np.isfinite(seen("xor", "update 12").health.layers[0].gradient).all()
