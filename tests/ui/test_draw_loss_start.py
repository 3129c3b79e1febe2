"""What stands in the place of the loss curve before there is one."""

from __future__ import annotations

import numpy as np
import pytest
from ui_views import text, view

from bpdebug.core.record import replace
from bpdebug.ui.draw.loss import loss_lines
from bpdebug.ui.draw.spans import plain

START = view("xor")


def test_before_the_first_loss_it_says_how_to_get_one():
    assert "Not computed yet" in text(loss_lines(START, 38, 10))


def test_before_there_is_a_curve_the_answers_stand_beside_their_targets():
    rows = [plain(line).split() for line in loss_lines(START, 38, 10)][2:]
    assert rows == [["sample", "target", "a2"], *([str(sample), str(y), "╱"] for sample, y in enumerate([0, 1, 1, 0]))]
    shown = view("xor", "goto a2")
    lines = loss_lines(shown, 60, 10)[-4:]
    answers = shown.tensors["a2"][:, 0]
    assert [float(plain(line).split()[2]) for line in lines] == pytest.approx(answers, abs=6e-4)
    bars = [plain(line).count("━") for line in lines]
    assert np.argmax(bars) == np.argmax(np.abs(answers - shown.tensors["y"][:, 0]))
    assert plain(loss_lines(view("xor", "goto 1:a2"), 60, 10)[0]).endswith(" of update 0")
    assert "and 2 more" in text(loss_lines(shown, 60, 5))
    for columns in range(20, 60):
        lines = loss_lines(shown, columns, 12)[-4:]
        assert [plain(line).split()[2] for line in lines] == [f"{answer:.3f}" for answer in answers], columns


def test_of_several_outputs_those_of_the_sample_in_sight_stand_beside_their_targets():
    shown = view("iris", "goto loss", "sample 3")
    lines = [plain(line).split() for line in loss_lines(shown, 60, 10)[-3:]]
    assert [name for name, *_ in lines] == ["setosa", "versicolor", "virginica"]
    assert [float(target) for _, target, *_ in lines] == shown.tensors["y"][3].tolist()
    assert [float(answer) for _, _, answer, *_ in lines] == pytest.approx(shown.tensors["a2"][3], abs=6e-4)


@pytest.mark.parametrize("columns", range(14, 40))
def test_where_answers_have_little_room_names_are_cut_and_never_numbers(columns):
    shown = view("iris", "goto loss", "sample 3")
    heading, *lines = [plain(line).split() for line in loss_lines(shown, columns, 14)[-4:]]
    assert [line[1:3] for line in lines] == [
        [f"{y:g}", f"{answer:.3f}"] for y, answer in zip(shown.tensors["y"][3], shown.tensors["a2"][3], strict=True)
    ]
    assert heading[0] in ("sample", f"#{shown.samples[3]}")
    assert "a2" in heading
    assert ("off" in heading) == ("by" in heading)
    if columns >= 20:
        assert [line[0] for line in lines] == ["setosa", "versicolor", "virginica"]


@pytest.mark.parametrize(("value", "told"), [(0.75349, "0.753"), (-0.5, "−0.500"), (1.2e-5, "1.2e−5"), (12345.678, "12346"), (0.0, "0")])
def test_an_answer_of_any_size_is_told(value, told):
    shown = view("xor", "goto a2")
    shown = replace(shown, tensors=dict(shown.tensors) | {"a2": np.full((4, 1), value)})
    assert plain(loss_lines(shown, 40, 10)[-1]).split()[2] == told


def test_one_loss_is_a_number():
    lines = loss_lines(view("xor", "goto loss"), 38, 10)
    assert plain(lines[0]) == "loss 3.51276732"
    assert "second update" in " ".join(text(lines).split())
