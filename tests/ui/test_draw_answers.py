"""The table of the samples with their answers, where there is no plane and no line of the inputs."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
from turns import by_day
from ui_views import big, chain, random_chain, role_of, session, text, whole

from bpdebug.core.description import Layer
from bpdebug.core.record import replace
from bpdebug.ui.draw.network_parts import Parts
from bpdebug.ui.draw.plane import Sight, letters
from bpdebug.ui.draw.spans import plain
from bpdebug.ui.draw.surface import surface_parts

surface_lines = whole(surface_parts)


@cache
def seen(scenario, *commands):
    """The view with what the network answers after some commands."""
    return session(scenario, *commands).view(("surface",))


def table(lines):
    """The samples of a table's lines, with their words."""
    found = [plain(line).replace("▸", " ").replace("→", " ").split() for line in lines]
    return [words for words in found if words and words[0].isdigit() and set(words) & {"✓", "✗"}]


def test_other_networks_have_a_table_the_worst_first():
    shown = seen("iris", "goto end")
    surface = shown.surface
    fixed, below = surface_parts(shown, 76, 20)
    assert plain(fixed[0]).startswith(f"{int(surface.right.sum())} of 150 right")
    assert [int(words[0]) for words in table(below)] == surface.worst.tolist()
    for words, place in zip(table(below), surface.worst.tolist(), strict=True):
        target, answer, given = surface.y[place].argmax(), surface.outputs[place].argmax(), surface.outputs[place] @ surface.y[place]
        assert words[1:3] == [surface.labels[target], surface.labels[answer]]
        assert (words[3], float(words[4])) == ("✓" if target == answer else "✗", pytest.approx(given, abs=0.0006))
    assert role_of(below[0], "✗") == "bad"
    assert "━" in plain(below[0])


def test_a_bar_is_as_long_as_what_the_target_was_given():
    shown = seen("iris", "goto 60:z1")
    _, below = surface_parts(shown, 100, 20)
    for line, place in zip(below, shown.surface.worst.tolist(), strict=True):
        given = float(shown.surface.outputs[place] @ shown.surface.y[place])
        assert plain(line).count("━") + plain(line).count("╸") / 2 == pytest.approx(50 * given, abs=0.51)


@pytest.mark.parametrize(("columns", "rows"), [(36, 10), (43, 12), (76, 20), (156, 44), (36, 6)])
def test_the_sample_in_sight_stands_above_the_list_and_is_marked_in_it(columns, rows):
    for row in (0, 5):
        shown = seen("iris", "goto 60:a2", f"sample {row}")
        fixed, below = surface_parts(shown, columns, rows)
        assert len(fixed) < rows
        assert int(plain(fixed[-1]).split()[1]) == shown.samples[row]
        assert [line for line in below if plain(line).startswith("▸")] == [fixed[-1]]


@pytest.mark.parametrize(("columns", "rows"), [(36, 10), (43, 12), (76, 20)])
def test_the_classes_have_a_table_of_targets_by_answers(columns, rows):
    shown = seen("iris", "goto 60:z1")
    surface = shown.surface
    fixed, _ = surface_parts(shown, columns, rows)
    assert plain(fixed[1]).split() == ["target", "S", "V", "I", "right"]
    for line, label in zip(fixed[2:5], surface.labels, strict=True):
        own = surface.y[:, surface.labels.index(label)] == 1
        counts = [int((surface.outputs[own].argmax(axis=1) == answer).sum()) for answer in range(3)]
        words = plain(line).split()
        assert words[:2] == [label[0].upper().replace("V", "V" if label == "versicolor" else "I"), label]
        assert [int(word) for word in words[2:5]] == counts
        assert int(words[5]) == round(100 * counts[surface.labels.index(label)] / own.sum())


def test_where_the_table_of_classes_has_no_rows_it_stands_at_the_end_and_the_mistakes_in_a_line():
    shown = seen(big(), "update")
    fixed, below = surface_parts(shown, 43, 10)
    assert "target  0" not in text(fixed)
    assert plain(below[-11]).startswith("target")
    confused = plain(fixed[1])
    assert confused.startswith("confused")
    total = sum(int(count) for count in re.findall(r"→ \d (\d+)|\+(\d+)", confused) for count in count if count)
    assert total == 16 - int(shown.surface.right.sum())
    tall, _ = surface_parts(shown, 43, 20)
    assert plain(tall[1]).split() == ["target", *"0123456789", "right"]


def test_without_mistakes_no_line_tells_of_them():
    shown = seen("iris", "goto end")
    surface = replace(shown.surface, outputs=shown.surface.y)
    drawn = text(surface_lines(replace(shown, surface=surface), 50, 7))
    assert "confused" not in drawn
    assert "150 of 150 right" in drawn


@pytest.mark.parametrize("columns", by_day(range(30, 161, 5), 3))
def test_no_line_of_a_table_is_cut(columns):
    for scenario in ("iris", big(), random_chain(6, (3, 4, 6))):
        shown = seen(scenario, "update")
        for rows in (6, 10, 20):
            lines = surface_lines(shown, columns, rows)
            assert not [line for line in lines if plain(line).endswith("…")], (columns, rows)


def test_where_names_have_no_room_the_letters_of_the_table_stand_for_them():
    fixed, below = surface_parts(seen("iris", "goto 60:z1"), 36, 10)
    assert {tuple(words[1:3]) for words in table(below)} <= {(a, b) for a in "SVI" for b in "SVI"}
    assert "V versicolor" in text(fixed)
    _, without = surface_parts(seen("iris", "goto 60:z1"), 36, 6)
    assert {words[1] for words in table(without)} == {"setosa", "versic…", "virgin…"}


def test_two_sides_without_a_plane_have_a_table_with_the_output():
    x = np.array([[0.0, 0, 1], [1, 1, 0], [1, 0, 1]])
    scenario = chain((1,), x, np.array([[1.0], [1], [0]]), values={"W1": np.array([[1.0], [1], [0]])})
    fixed, below = surface_parts(seen(replace(scenario, layers=(Layer(1, "sigmoid"),))), 60, 12)
    assert plain(fixed[0]).startswith("1 of 3 right")
    assert {words[0]: words[1:5] for words in table(below)} == {
        "0": ["1", "?", "✗", "0.500"],
        "1": ["1", "1", "✓", "0.881"],
        "2": ["0", "1", "✗", "0.731"],
    }
    assert ["".join(plain(line).split()) for line in fixed[2:4]] == ["0010%", "10150%"]


def test_numbers_have_a_table_with_their_errors():
    x = np.arange(12.0).reshape(4, 3)
    fixed, below = surface_parts(seen(chain((2,), x, x[:, :2] * 2)), 76, 10)
    assert plain(fixed[1]).split() == ["sample", "target", "answer", "error"]
    errors = [float(plain(line).replace("−", "-").replace("▸", "").split()[6]) for line in below]
    assert errors == sorted(errors, reverse=True)


def test_of_many_outputs_the_heading_names_those_that_are_shown():
    scenario = random_chain(3, (3, 4, 6))
    titles = [plain(surface_parts(seen(scenario), columns, 10)[0][1]) for columns in (36, 50, 76)]
    assert [re.findall(r"target (\S+)", title) for title in titles] == [["0"], ["0–1"], ["0–3"]]
    chosen = replace(seen(scenario, "goto a2"), selected=("a2", (0, 4)))
    assert "target 4" in plain(surface_parts(chosen, 36, 10)[0][1])


def test_of_much_data_the_summary_says_how_many_were_asked():
    shown = seen(big(), "update")
    assert "of 16" in plain(surface_lines(shown, 60, 10)[0])
    few = replace(
        shown, surface=replace(shown.surface, samples=shown.surface.samples[:4], outputs=shown.surface.outputs[:4], y=shown.surface.y[:4])
    )
    assert "of 4 right, 16 in all" in plain(surface_lines(few, 60, 10)[0])
    numbers = replace(few, surface=replace(few.surface, task="numbers"))
    assert "of 4 samples, 16 in all" in plain(surface_lines(numbers, 60, 10)[0])


@pytest.mark.parametrize("moment", ["goto end", "goto update 60", "goto 60:z1"])
def test_the_marked_sample_is_that_whose_numbers_the_other_panes_show(moment):
    shown = seen("iris", moment, "sample 2")
    marked = shown.surface.samples[Sight(shown, shown.surface).present]
    x = Parts(shown).row("x")
    assert np.array_equal(x, shown.program.data["x"][marked])


def test_a_sample_outside_the_asked_ones_is_not_marked():
    shown = seen("iris", "goto end")
    surface = replace(shown.surface, samples=shown.surface.samples + 1000)
    assert Sight(shown, surface).present is None


def test_an_answer_that_is_no_number_has_no_class():
    shown = seen("iris", "goto 60:z1")
    outputs = shown.surface.outputs.copy()
    outputs[:4] = np.nan
    first = int(np.flatnonzero(shown.surface.samples == 0)[0])
    assert shown.surface.wanted[first] == 0
    fixed, below = surface_parts(replace(shown, surface=replace(shown.surface, outputs=outputs)), 43, 14)
    assert [words[1:5] for words in table(below)[:4]] == [["setosa", "?", "✗", "nan"]] * 4
    right = next(plain(line).split() for line in fixed if "S setosa" in plain(line))
    assert right[2:] == ["46", "0", "0", "92", "%"], "they count as asked, and as none of the answers"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("north", "east", "south", "west"), "NESW"),
        (("o1", "o2"), "12"),
        (("setosa", "versicolor", "virginica"), "SVI"),
        (("a", "a", "a"), "A01"),
        (tuple("0123456789"), "0123456789"),
    ],
)
def test_letters_tell_labels_apart(labels, expected):
    assert "".join(letters(labels)) == expected


@pytest.mark.parametrize(("rows", "stay"), [(1, 1), (3, 1), (4, 1), (5, 3)])
def test_in_few_rows_the_list_keeps_two(rows, stay):
    fixed, below = surface_parts(seen("iris", "goto 60:z1"), 43, rows)
    assert len(fixed) == stay
    assert len(table(below)) == 150
