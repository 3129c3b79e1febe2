"""Stages taken apart into matrices: put together again they give what the stage has computed, for every kind of network."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from random_networks import COMBINATIONS, scenario_of
from turns import by_day

from bpdebug.core.cells import Cells
from bpdebug.core.evaluate import evaluate
from bpdebug.core.network import Phase
from bpdebug.core.record import replace
from bpdebug.core.render import Style
from bpdebug.core.tree import Name, walk
from bpdebug.frontends import load_scenario
from bpdebug.look.equation import Operand, equation_of
from bpdebug.look.explanation import UNICODE
from bpdebug.look.seen import operands_seen
from bpdebug.session.session import Session

COLUMNS = Style("unicode", columns=True)
FOLDS = {"Σ": np.sum, "mean": np.mean, "max": np.max, "min": np.min}


def session(scenario="xor", *commands):
    opened = Session(load_scenario(scenario) if isinstance(scenario, str) else scenario)
    for command in commands:
        opened.execute(command)
    return opened


def equation(opened, style=UNICODE):
    return equation_of(opened.timeline, opened.selected, style)


def text_of(made):
    """An equation in a line, with the shapes of its matrices."""
    parts = [piece if isinstance(piece, str) else _named(piece) for piece in (made.result, f" {made.sign} ", *made.pieces)]
    return " ".join("".join(parts).split())


def _named(operand):
    shape = "×".join(map(str, operand.value.shape))
    return (f"[{operand.caption} {shape}]" if shape else operand.caption) or f"{float(operand.value):g}"


def worked_out(made):
    """The value of the pieces as NumPy has it."""
    names, text = {"maximum": np.maximum, "minimum": np.minimum, "where": np.where}, ""
    for place, piece in enumerate(made.pieces):
        if isinstance(piece, Operand):
            value = piece.value
            if fold := re.search(r"(Σ|mean|max|min) $", text):
                text = text[: fold.start()]
                value = FOLDS[fold[1]](value, axis=piece.folded, keepdims=piece.folded is not None)
            names[f"o{place}"] = value
            text += f"o{place}"
        else:
            matrices = [made.pieces[i].value.ndim == 2 for i in (place - 1, place + 1) if 0 <= i < len(made.pieces)]
            product = "@" if piece.strip() == "·" and matrices == [True, True] else "*"
            text += piece.replace("⊙", "*").replace("·", product).replace("−", "-")
    with np.errstate(all="ignore"):
        return eval(text, {}, names)  # noqa: S307


def test_the_stages_of_xor():
    opened, found = session(), []
    for _ in opened.program.stages:
        opened.execute("step")
        found.append(text_of(equation(opened)))
    assert found == [
        "[z1 4×4] = [x 4×2] · [W1 2×4] + [b1 1×4]",
        "[a1 4×4] = σ([z1 4×4])",
        "[z2 4×1] = [a1 4×4] · [W2 4×1] + [b2 1×1]",
        "[a2 4×1] = σ([z2 4×1])",
        "loss = Σ [BCE(a2, y) 4×1]",
        "[da2 4×1] = [−y 4×1] / [a2 4×1] + [1 − y 4×1] / [1 − a2 4×1]",
        "[dz2 4×1] = [da2 4×1] ⊙ [a2 4×1] ⊙ [1 − a2 4×1]",
        "[dW2 4×1] = [a1ᵀ 4×4] · [dz2 4×1]",
        "[db2 1×1] = Σ [dz2 4×1]",
        "[da1 4×4] = [dz2 4×1] · [W2ᵀ 1×4]",
        "[dz1 4×4] = [da1 4×4] ⊙ [a1 4×4] ⊙ [1 − a1 4×4]",
        "[dW1 2×4] = [xᵀ 2×4] · [dz1 4×4]",
        "[db1 1×4] = Σ [dz1 4×4]",
        "[W1 2×4] ← [W1 2×4] − [learning_rate·dW1 2×4]",
        "[b1 1×4] ← [b1 1×4] − [learning_rate·db1 1×4]",
        "[W2 4×1] ← [W2 4×1] − [learning_rate·dW2 4×1]",
        "[b2 1×1] ← [b2 1×1] − [learning_rate·db2 1×1]",
    ]


OWN = {
    "dz2 = 2 * (a2 - y) / m": "[dz2 4×1] = 2 · [a2 − y 4×1] / m",
    "dz2 = -(y - a2) * 1": "[dz2 4×1] = [−(y − a2) 4×1] · 1",
    "dz2 = maximum(da2, 0)": "[dz2 4×1] = maximum([da2 4×1], 0)",
    "dz2 = where(a2 > 0.5, da2, -da2)": "[dz2 4×1] = where([a2 > 0.5 4×1], [da2 4×1], [−da2 4×1])",
    "dW2 = -a1.T @ dz2 + 0.1 * W2": "[dW2 4×1] = [−a1ᵀ 4×4] · [dz2 4×1] + [0.1·W2 4×1]",
    "dW2 = a1.T @ (da2 * a2 * (1 - a2))": "[dW2 4×1] = [a1ᵀ 4×4] · [da2 ⊙ a2 ⊙ (1 − a2) 4×1]",
    "dW2 = W2 @ W2.T @ W2": "[dW2 4×1] = [W2·W2ᵀ 4×4] · [W2 4×1]",
    "db2 = mean(dz2, axis=0, keepdims=True) * m": "[db2 1×1] = mean [dz2 4×1] · m",
    "db2 = sum(dz2[:, 0:1], axis=0, keepdims=True)": "[db2 1×1] = Σ [dz2[:, 0:1] 4×1]",
    "db2 = -sum(dz2, axis=0, keepdims=True)": "[db2 1×1] = −Σ [dz2 4×1]",
    "a2 = z2 > 0": "[a2 4×1] = [z2 4×1] > 0",
    "a2 = 1 / (exp(-z2) + 1)": "[a2 4×1] = 1 / [exp(−z2) + 1 4×1]",
}


@pytest.mark.parametrize("formula", OWN)
def test_a_users_formula_is_taken_apart_as_far_as_it_has_no_parentheses(formula):
    name = formula.partition(" ")[0]
    opened = session("xor", f"formula {formula}", f"until {name}")
    made = equation(opened)
    assert text_of(made) == OWN[formula]
    assert np.allclose(worked_out(made), made.result.value)


@pytest.mark.parametrize("number", by_day(range(0, len(COMBINATIONS), 9), 3))
def test_put_together_again_the_pieces_give_the_result(number):
    opened = session(replace(scenario_of(number), precision="float64"))
    opened.execute("update")
    for stage in opened.program.stages:
        opened.execute("step")
        for style in (UNICODE, COLUMNS):
            made = equation(opened, style)
            if stage.phase is Phase.FORWARD and stage.short:
                assert [operand.name for operand in made.operands] == [f"z{stage.layer}"]
            else:
                assert np.allclose(worked_out(made), made.result.value, rtol=1e-9, equal_nan=True), (stage, text_of(made))


def occurrences(tree):
    names = [node.name for node in walk(tree) if isinstance(node, Name)]
    return {name for name in names if names.count(name) == 1}


@pytest.mark.parametrize("name", ["xor", "iris", "residual", "dead_relu"])
def test_a_cell_that_is_not_lit_has_no_part_in_the_selected_number(name):
    opened, chance = session(name), np.random.default_rng(4)
    for stage in opened.program.stages:
        opened.execute("step")
        shape = opened.values()[stage.name].shape if stage.name in opened.values() else ()
        if not shape:
            continue
        opened.cursor.select(stage.name, tuple(int(chance.integers(length)) for length in shape))
        made = equation(opened)
        values = operands_seen(opened.timeline, stage, opened.position.t)
        lit = {name for _, name in _parts(made)}
        once = occurrences(stage.formula.tree)
        for operand in made.operands:
            if operand.name not in once or operand.value.ndim < 2:
                continue
            rows, columns = operand.parts_of(made.cell)
            dark = [
                (r, c)
                for r in range(operand.value.shape[0])
                for c in range(operand.value.shape[1])
                if rows not in (None, r) or columns not in (None, c)
            ]
            for r, c in dark[:: max(len(dark) // 3, 1)]:
                at = operand.cell(r, c)[1]
                changed = {**values, operand.name: values[operand.name].copy()}
                changed[operand.name][at] += 0.5
                index = opened.selected[1]
                assert evaluate(stage.formula, changed)[index] == evaluate(stage.formula, values)[index], (stage, r, c)
        cells = {cell.name for cell in Cells(stage.formula, values).explain(opened.selected[1]).cells()}
        assert {operand.name for operand in made.operands if operand.name} <= cells
        assert lit <= cells


def _parts(made):
    return [(operand.parts_of(made.cell), operand.name) for operand in made.operands if operand.name]


def test_a_product_lights_a_row_and_a_column_and_a_sum_what_it_folds():
    opened = session("xor", "goto dW2", "select dW2[2,0]")
    assert [operand.parts_of(equation(opened).cell) for operand in equation(opened).operands] == [(2, None), (None, 0)]
    opened = session("xor", "goto db1", "select db1[0,3]")
    (folded,) = equation(opened).operands
    assert (folded.parts_of((0, 3)), folded.folded) == ((None, 3), 0)
    opened = session("iris", "goto a2", "select a2[4,1]")
    assert equation(opened).operands[0].parts_of((4, 1)) == (4, None), "softmax reads the whole row"
    opened = session("iris", "goto a1", "select a1[4,1]")
    assert equation(opened).operands[0].parts_of((4, 1)) == (4, 1), "tanh does not"


def test_an_update_is_shown_with_the_value_before():
    opened = session("xor", "goto 5:b1")
    before = opened.value("W1")
    opened.execute("goto 5:W1")
    made = equation(opened)
    old = session("xor", "goto 5:db1").value("W1")
    assert (made.sign, made.operands[0].name) == ("←", "W1")
    assert np.array_equal(made.operands[0].value, old)
    assert np.array_equal(made.result.value, before)
    assert not np.array_equal(made.result.value, old)


def test_the_equation_is_that_of_the_selected_cell_else_of_the_last_stage():
    opened = session("xor", "goto dW2", "select z1[1,2]")
    assert (equation(opened).stage.name, equation(opened).cell) == ("z1", (1, 2))
    opened.cursor.select("x", (0, 1))
    assert (equation(opened).stage.name, equation(opened).cell) == ("dW2", None)
    assert equation(session("xor")) is None
    after = session("xor", "update")
    assert (equation(after).stage.name, equation(after).cell) == ("b2", (0, 0))


def test_in_the_column_convention_everything_is_turned_but_the_names_of_cells():
    opened = session("iris", "goto dW1", "select dW1[3,6]")
    made = equation(opened, COLUMNS)
    assert text_of(made) == "[dW1 8×4] = [dz1 8×16] · [xᵀ 16×4]"
    assert made.cell == (6, 3)
    assert made.result.cell(6, 3) == ("dW1", (3, 6))
    left, right = made.operands
    assert left.cell(6, 2) == ("dz1", (2, 6))
    assert right.cell(2, 3) == ("x", (2, 3)), "xᵀ turned is x"
    assert right.place((2, 3)) == (2, 3)
    assert text_of(equation(session("iris", "goto z1"), COLUMNS)) == "[z1 8×16] = [W1 8×4] · [x 4×16] + [b1 8×1]"


def test_a_number_that_the_user_has_set_is_shown_in_the_result():
    opened = session("xor", "goto dz2", "set dz2[1,0] = 7")
    assert equation(opened).result.value[1, 0] == 7
    assert equation(opened).cell == (0, 0)


def test_of_axes_that_are_summed_up_and_not_shown_the_place_is_seen_where_most_of_the_number_comes_from():
    opened = session("conv", "goto 3:gradients", "select db[0]")
    [operand] = equation(opened).operands
    largest = np.unravel_index(np.abs(opened.value("dc")[..., 0]).argmax(), (4, 4, 4))
    assert operand.part.subscript == f"[:,:,{largest[2]},0]" and operand.value.any()
    assert equation(opened).result.part.lengths == (2,)


def test_of_what_is_only_laid_out_anew_the_part_is_shown_that_the_cell_comes_from():
    path, name = Path(__file__).parents[1] / "cases" / "torch" / "gpt.bpd", "blocks.1.attn.weights.grad"
    opened = session(load_scenario(path), f"goto {name}", f"select {name}[1,1,2,0]")
    [operand] = equation(opened).operands
    assert operand.part.subscript == "[3,:,:]"
    np.testing.assert_array_equal(operand.value, equation(opened).result.value)
