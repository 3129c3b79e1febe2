from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ui_views import big, random_chain, role_of, session, text, whole

from bpdebug.core.record import replace
from bpdebug.ui.draw.health import health_note, health_parts, health_title
from bpdebug.ui.draw.spans import plain, width

health_lines = whole(health_parts)


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
    assert health_title(seen("xor", "update 200"), "8 Health") == "8 Health  updates 176 to 199"
    assert health_title(seen("xor", "update"), "8 Health") == "8 Health  update 0"


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


def test_what_keeps_the_network_from_learning_is_told_in_the_pane_before_and_after_the_first_update():
    for commands in (("formula a1 = z1",), ("formula a1 = z1", "update 4")):
        shown = seen("xor", *commands)
        said = " ".join(text(health_lines(shown, 60, 20)).split())
        assert "linear: the hidden layers are linear" in said
        assert "separates samples 0 and 3 from 1 and 2" in said
    assert "linear" in health_note(shown, 60, 3)


def test_a_healthy_step_stands_on_the_heavy_part_of_its_gauge():
    line = rows(health_lines(seen("xor", "update 100"), 76, 10), 2)[0]
    gauge = plain(line)[plain(line).index("────") :][:13]
    assert gauge.index("╋") in range(4, 9)
    assert role_of(line, "╋") == "good"
    resting = rows(health_lines(seen("deep_sigmoid", "update 40"), 76, 12), 10)[0]
    assert role_of(resting, "«") == "next"


def test_numbers_are_those_of_the_measures():
    shown = seen("xor", "update 100")
    for layer, line in zip(shown.health.layers, rows(health_lines(shown, 156, 10), 2), strict=True):
        words = plain(line).split()
        assert float(words[3]) == pytest.approx(layer.delta[-1], rel=0.06)
        assert float(words[4]) == pytest.approx(layer.gradient[-1], rel=0.06)


def test_what_has_no_column_is_told_below():
    shown = seen("dead_relu", "update 8")
    below = " ".join(text(health_lines(shown, 37, 20)).split())
    assert "5 of 6 at 0" in below
    assert f"‖W2‖ {shown.health.layers[1].size[-1]:.2f}" in below
    assert "usually it is 0.0001 to 0.01" in below


@pytest.mark.parametrize("rows", [6, 10, 11, 20])
def test_the_heading_is_there_however_few_the_rows_are(rows):
    fixed, below = health_parts(seen("deep_sigmoid", "update 8"), 37, rows)
    assert ["‖dz‖" in plain(line) for line in fixed] == [True]
    assert plain(below[0]).strip().startswith("1 ")


@pytest.mark.parametrize("columns", [42, 76, 156])
def test_a_mark_and_the_word_beside_it_say_the_same_of_a_step(columns):
    for moment in ("update 1", "update 12", "update 400"):
        shown = seen("xor", moment)
        for layer, line in zip(shown.health.layers, rows(health_lines(shown, columns, 10), 2), strict=True):
            usual = 1e-4 <= layer.step[-1] <= 1e-2
            assert ("✓" in plain(line)) == usual
            assert ("step large" in plain(line)) != usual
            if "╋" in plain(line):
                assert (role_of(line, "╋") == "good") == usual


def test_what_is_still_to_come_is_a_dot_and_not_a_number():
    shown = seen("deep_sigmoid", "goto 8:dz4")
    lines = rows(health_lines(shown, 76, 12), 10)
    assert health_title(shown, "8 Health") == "8 Health  update 8 under way"
    assert [plain(line).split()[1] == "╱" for line in lines] == [True] * 3 + [False] * 7
    assert not any("nan" in plain(line) or "finite" in plain(line) for line in lines)
    assert "step is ‖ΔW‖/‖W‖ of the last complete update" in text(health_lines(shown, 76, 12))


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


def xor_by_hand(updates):
    """‖dz‖, ‖dW‖, ‖db‖, ‖ΔW‖/‖W‖, ‖W‖, mean and deviation of the activations of both layers, in plain NumPy."""
    x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
    stream = np.random.RandomState(0)
    w1, w2, b1, b2 = stream.randn(2, 4), stream.randn(4, 1), np.zeros((1, 4)), np.zeros((1, 1))
    norm, numbers = np.linalg.norm, []
    for _ in range(updates):
        a1 = 1 / (1 + np.exp(-(x @ w1 + b1)))
        a2 = 1 / (1 + np.exp(-(a1 @ w2 + b2)))
        dz2 = a2 - y
        dz1 = dz2 @ w2.T * a1 * (1 - a1)
        steps = [(dz1, x.T @ dz1, dz1.sum(0), w1, a1), (dz2, a1.T @ dz2, dz2.sum(0), w2, a2)]
        numbers = [
            (norm(dz), norm(dw), norm(db), norm(0.1 * dw) / norm(w), norm(w - 0.1 * dw), a.mean(), a.std()) for dz, dw, db, w, a in steps
        ]
        w1, b1, w2, b2 = w1 - 0.1 * steps[0][1], b1 - 0.1 * steps[0][2], w2 - 0.1 * steps[1][1], b2 - 0.1 * steps[1][2]
    return numbers


@pytest.mark.parametrize(("columns", "titles"), [(42, "‖dz‖ step"), (76, "‖dz‖ ‖dW‖ step"), (156, "‖dz‖ ‖dW‖ ‖db‖ step ‖W‖")])
def test_the_numbers_are_those_of_a_training_by_hand(columns, titles):
    lines = health_lines(seen("xor", "update 12"), columns, 10)
    places = {"‖dz‖": 0, "‖dW‖": 1, "‖db‖": 2, "step": 3, "‖W‖": 4}
    heading = plain(lines[0])
    for line, numbers in zip(rows(lines, 2), xor_by_hand(12), strict=True):
        for title in titles.split():
            end = heading.index(f" {title} ") + 1 + len(title)
            assert float(plain(line)[:end].split()[-1]) == pytest.approx(numbers[places[title]], rel=0.051), title
    told = " ".join(text(lines).replace("\n", " ").split())
    for layer, numbers in enumerate(xor_by_hand(12), 1):
        mean, deviation = re.findall(r"([\d.]+) ± ([\d.]+)", told)[layer - 1]
        assert float(mean) == pytest.approx(numbers[5], rel=0.02)
        assert float(deviation) == pytest.approx(numbers[6], rel=0.06)
        if columns < 100:
            assert float(re.search(rf"‖W{layer}‖ ([\d.]+)", told)[1]) == pytest.approx(numbers[4], rel=0.006)


def test_the_bar_and_the_gauge_stand_for_the_numbers_beside_them():
    numbers = xor_by_hand(12)
    lines = rows(health_lines(seen("xor", "update 12"), 76, 10), 2)
    heading = plain(health_lines(seen("xor", "update 12"), 76, 10)[0]).split()
    low, high = np.log10(float(heading[0])), np.log10(float(heading[1]))
    lengths = [plain(line).split("  ")[0].count("━") + plain(line).split("  ")[0].count("╸") / 2 for line in lines]
    shares = [(np.log10(by_hand[0]) - low) / (high - low) for by_hand in numbers]
    assert lengths[0] / lengths[1] == pytest.approx(shares[0] / shares[1], abs=0.12)
    for line, by_hand in zip(lines, numbers, strict=True):
        gauge = re.search("[─━╋]{13}", plain(line))[0]
        assert gauge.index("╋") == round(2 * (np.log10(by_hand[3]) + 6))


def test_weights_that_explode_are_told_at_every_width():
    shown = seen("saturation", "catch non-finite off", "update 7")
    for columns in (32, 42, 76, 156):
        lines = health_lines(shown, columns, 10)
        first, second = rows(lines, 2)
        assert "vanishing" in plain(first), "what the bar shows comes first"
        assert role_of(second, "W exploding") == "bad"
        assert "grown 11 times in 7 updates" in " ".join(text(lines).split())


def test_where_nothing_is_finite_no_number_pretends_to_be():
    lines = health_lines(seen("saturation", "catch non-finite off", "goto end"), 42, 20)
    for line in rows(lines, 2):
        assert plain(line).split()[1:] == ["nan", "nan", "not", "finite"]
        assert role_of(line, "nan") == "bad"
    assert "since update 76 or earlier" in " ".join(text(lines).split())
    assert "saturated" not in text(lines)


def test_saturated_layers_have_their_share():
    drawn = " ".join(text(health_lines(seen("saturation", "update 5"), 42, 30)).split())
    assert "saturated: 100 % of a1" in drawn
    assert ", 100 % saturated" in drawn


def test_units_that_are_0_and_units_that_are_dead_are_told_apart():
    shown = seen("dead_relu", "update 7")
    lines = health_lines(shown, 42, 20)
    assert "dead 3 of 6" in plain(rows(lines, 2)[0])
    assert "5 of 6 at 0" in " ".join(text(lines).split())
    assert (shown.tensors["W1"].shape, shown.health.layers[0].dead[-1]) == ((1, 6), 5)


def test_at_the_end_of_the_training_the_last_updates_are_shown():
    shown = seen("xor", "goto end")
    assert health_title(shown, "8 Health") == "8 Health  updates 976 to 999"
    assert ["✓" in plain(line) for line in rows(health_lines(shown, 42, 10), 2)] == [True, True]


def test_all_notes_are_there_to_scroll_to_and_the_heading_stays():
    shown = seen("deep_sigmoid", "update 8")
    fixed, below = health_parts(shown, 42, 12)
    assert [plain(line).split()[-1] for line in fixed] == ["step"]
    assert [plain(line).split()[0] for line in below[:10]] == [str(layer) for layer in range(1, 11)]
    assert "a10 " in text(below[11:])
    assert health_parts(shown, 42, 6)[0] == fixed


def test_the_border_says_what_is_wrong_where_the_sentences_are_out_of_sight():
    shown = seen("deep_sigmoid", "update 8")
    assert health_note(shown, 36, 10) == "vanishing 1–5"
    assert health_note(shown, 36, 60) == health_note(seen("xor"), 36, 2) == ""
    grown = seen("saturation", "catch non-finite off", "update 7")
    assert health_note(grown, 60, 4) == "vanishing 1, exploding 1–2, saturated 1"
    assert health_note(grown, 30, 4) == "vanishing 1, exploding 1–2"


@pytest.mark.parametrize(("last", "bars"), [(0.138, "▅▄"), (0.0146, "█▁"), (1.48, "▁█"), (0.0467, "▆▃")])
def test_a_trend_falls_to_the_ground_only_with_a_power_of_ten(last, bars):
    shown = seen("xor", "update 2")
    layer = replace(shown.health.layers[0], gradient=np.array([0.147, last]))
    shown = replace(shown, health=replace(shown.health, layers=(layer, *shown.health.layers[1:])))
    line = plain(rows(health_lines(shown, 156, 10), 2)[0])
    assert "".join(character for character in line if character in "▁▂▃▄▅▆▇█") == bars


def test_every_update_has_its_place_in_the_trend():
    line = rows(health_lines(seen("xor", "update 12"), 156, 10), 2)[0]
    assert sum(character in "▁▂▃▄▅▆▇█" for character in plain(line)) == 12
    assert np.isfinite(seen("xor", "update 12").health.layers[0].gradient).all()


def test_a_recorded_step_has_its_own_name_and_a_branch_of_a_sum_the_gradient_of_the_sum():
    shown = seen(str(Path(__file__).parents[1] / "cases" / "torch" / "gpt.bpd"), "goto end")
    assert health_title(shown, "8 Health") == "8 Health  step 2"
    layers = {layer.part.name: layer for layer in shown.health.layers}
    branch = layers["blocks.0.attn.proj.weight"]
    assert (branch.part.z, branch.part.delta) == ("blocks.0.attn.proj", "blocks.0.x.grad")
    assert not any(np.isnan(layer.delta).any() for layer in shown.health.layers)
