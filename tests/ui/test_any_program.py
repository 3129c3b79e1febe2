"""Programs of lines, without layers, over tensors of any rank: every pane and every key works, and what is shown is true."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from test_draw_anything import anywhere, everything
from test_renamed_screen import WALK, screens
from turns import by_day
from ui_views import session, text

from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session
from bpdebug.ui.draw.equation import equation_picture
from bpdebug.ui.draw.groups import graph_of
from bpdebug.ui.draw.layers import deltas_of
from bpdebug.ui.draw.matrix_block import look_in
from bpdebug.ui.draw.network import cell_beside
from bpdebug.ui.draw.program import Listing
from bpdebug.ui.draw.spans import plain, width
from bpdebug.ui.draw.surface import surface_parts
from bpdebug.ui.draw.why import why_lines

ATTENTION = """
name: attention of four axes
program: |
  q = einsum('btd,dhk->bhtk', x, Wq)
  k = einsum('btd,dhk->bhtk', x, Wk)
  scores = q @ swapaxes(k, -1, -2) / sqrt(2)
  p = softmax(scores, axis=-1)
  o = p @ x[:, None, :, :]
  pooled = mean(o, axis=(1, 2))
  loss = mean((pooled - y) ** 2)
parameters:
  shapes: {Wq: [3, 2, 2], Wk: [3, 2, 2]}
data:
  inputs: [[[1, 0, 0.5], [0, 1, -1], [0.5, 0.5, 2], [1, 1, 0]], [[0, 0, 1], [1, -1, 0], [2, 0, 0.5], [-1, 0, 1]]]
  targets: [[1, 0, 0.5], [0, 1, 0]]
optimizer: {name: sgd, learning_rate: 0.1}
training: {epochs: 5}
"""
NUMBERS = """
name: single numbers and a list
program: |
  q = a + b
  f = q * c
  v = f * w
  loss = sum(where(keep, v * v, 0))
parameters:
  values: {a: -2, b: 5, c: -4, w: [1, 2, 3]}
tensors: {keep: [true, false, true]}
optimizer: {name: adam, learning_rate: 0.1}
training: {epochs: 5}
"""
PROGRAMS = {"attention": ATTENTION, "numbers": NUMBERS}


def written(name, folder):
    file = folder / f"{name}.yaml"
    file.write_text(PROGRAMS[name], "utf-8")
    return load_scenario(file)


@pytest.mark.parametrize("name", PROGRAMS)
def test_at_any_moment_and_size_everything_is_drawn_and_nothing_too_wide(name, tmp_path):
    chance, opened = random.Random(name), Session(written(name, tmp_path))  # noqa: S311
    for _ in range(10):
        anywhere(opened, chance)
        shown = opened.view(("health", "surface", "equation"))
        columns, rows = chance.choice(((36, 8), (78, 20), (120, 30), (chance.randint(1, 200), chance.randint(1, 60))))
        for line in everything(shown, columns, rows, chance.randint(0, 20)):
            assert width(line) <= max(columns, 32), (opened.position, opened.selected, columns, rows)
        assert why_lines(shown, columns, rows)
        assert equation_picture(shown, max(columns, 20), rows).lines
        assert len(list(Listing(shown, columns, shown.position.stage or ""))) >= len(shown.program.stages)
        for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            there = cell_beside(shown, columns, rows, *step)
            assert there is None or np.isfinite(shown.tensors[there[0]][there[1]])


@pytest.mark.parametrize("name", by_day(PROGRAMS, 2))
async def test_under_every_key_the_app_goes_on(name, tmp_path, monkeypatch):
    monkeypatch.setenv("BPDEBUG_DEBUG", "1")
    more = [
        "z",
        "z",
        "4",
        "left_parenthesis",
        "right_parenthesis",
        "down",
        "pagedown",
        "1",
        "left",
        "right",
        "7",
        "down",
        "i",
        "u",
        "enter",
        "c",
    ]
    walk = [*WALK[: WALK.index("z")], *more]
    assert [key async for key, shown in screens(written(name, tmp_path), walk) if "cannot be drawn" not in shown] == walk


def test_the_graph_has_a_row_for_each_line_and_says_who_reads_whom(tmp_path):
    graph = graph_of(Session(written("attention", tmp_path)).program)
    names = [group.name for group in graph.groups]
    assert names == ["x", "q", "k", "scores", "p", "o", "pooled", "loss"]
    assert {(names[start], names[end]) for start, end in graph.further} == {("x", "k"), ("q", "scores"), ("x", "o")}
    assert graph.groups[1].parameters == ("Wq",)


def test_the_equation_of_four_axes_is_that_of_the_part_with_the_cell(tmp_path):
    opened = Session(written("attention", tmp_path))
    opened.execute("goto scores")
    opened.execute("select scores[1,0,2,3]")
    equation, values = opened.view(("equation",)).equation, opened.values()
    assert equation.cell == (2, 3)
    np.testing.assert_array_equal(equation.result.value, values["scores"][1, 0])
    first, second, _ = equation.operands
    np.testing.assert_allclose(first.value @ second.value / np.sqrt(2), equation.result.value)
    assert first.cell(2, 1) == ("q", (1, 0, 2, 1))


def test_folds_over_the_samples_show_what_is_summed(tmp_path):
    opened = Session(written("attention", tmp_path))
    opened.execute("goto pooled")
    opened.execute("select pooled[1,2]")
    drawn = text(equation_picture(opened.view(("equation",)), 100, 14).lines)
    assert "pooled" in drawn
    assert "[1,:,:,2]" in drawn


def test_what_a_condition_keeps_out_is_said_to_be_kept_out_and_nothing_cancels():
    shown = session("attention", "goto ds", "select ds[1,0,2]").view()
    assert "because the condition on mask[0,2] lets nothing pass" in " ".join(text(why_lines(shown, 200)).split())
    shown = session("attention", "goto ds", "select ds[1,0,0]").view()
    assert "because dseen[1,0,0] is 0" in " ".join(text(why_lines(shown, 200)).split())


def test_truth_values_and_places_have_no_sign_and_amounts_have_one():
    for name, tensor, forms in (("attention", "mask", {"-.0f"}), ("ninja", "x", {"-.0f"}), ("xor", "x", {"+.0f"})):
        assert {look_in(session(name).view(), tensor).form} == forms


def test_answers_that_all_fit_stand_once_and_the_present_sample_stays_where_they_do_not():
    shown = session("batch_norm", "update 3").view(("surface",))
    for rows, above in ((20, 2), (8, 3)):
        head, below = surface_parts(shown, 60, rows)
        samples = [re.findall(r"^ *(?:▸ )? *(\d) ", plain(line)) for line in below]
        assert len(head) == above
        assert sorted(int(found[0]) for found in samples) == list(range(6))


def test_what_a_function_of_whole_rows_is_given_is_written_out_in_its_parentheses():
    equation = session("conv", "goto p").view(("equation",)).equation
    assert [piece if isinstance(piece, str) else piece.caption for piece in equation.pieces] == [
        "softmax(",
        "g",
        " · ",
        "W",
        " + ",
        "b2",
        ")",
    ]
    g, w, b2 = (operand.value for operand in equation.operands)
    powers = np.exp(g @ w + b2)
    np.testing.assert_allclose(equation.result.value, powers / powers.sum(axis=1, keepdims=True))
    assert all(operand.parts_of((1, 0)) == (None, None) for operand in equation.operands)


def test_where_the_loss_stands_alone_the_gradients_to_come_are_in_their_pane(tmp_path):
    opened = session(written("attention", tmp_path), "goto loss")
    assert deltas_of(opened.view()) == ["dpooled"]
