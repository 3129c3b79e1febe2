from __future__ import annotations

import re

import numpy as np
import pytest
from engine_strategies import MATRICES, SHAPES, fitting, tensors, trees, xor
from hypothesis import given, settings
from hypothesis import strategies as st

from bpdebug.core.description import Layer
from bpdebug.core.errors import FormulaError, ShapeError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.layers import make_program
from bpdebug.core.misfits import shape_text
from bpdebug.core.parser import Formula, parse
from bpdebug.core.shapes import infer, infer_condition

NAMED = {"y": (4,), "column": (4, 1), "row": (1, 4), "A": (4, 3), "B": (3, 2), "C": (4, 2), "n": ()}


def refused(text, shapes=NAMED):
    with pytest.raises(ShapeError) as caught:
        infer(parse(text), shapes)
    return caught.value


@settings(max_examples=400, deadline=None)
@given(shape=st.sampled_from((*MATRICES, ())), data=st.data(), seed=st.integers(0, 10**6))
def test_a_formula_built_to_fit_is_accepted_with_the_shape_that_numpy_gives(shape, data, seed):
    formula = Formula.of(data.draw(fitting(shape)))
    assert infer(formula, SHAPES) == shape == evaluate(formula, tensors(seed)).shape


@settings(max_examples=500, deadline=None)
@given(tree=trees(tuple(SHAPES)))
def test_whatever_is_accepted_has_the_shape_that_numpy_gives(tree):
    formula = Formula.of(tree)
    try:
        shape = infer(formula, SHAPES)
    except FormulaError as error:
        assert 1 <= error.column <= len(formula.text) + 1
        return
    assert evaluate(formula, tensors(0)).shape == shape


@settings(max_examples=300, deadline=None)
@given(
    left=st.lists(st.integers(1, 3), max_size=2).map(tuple),
    right=st.lists(st.integers(1, 3), max_size=2).map(tuple),
    text=st.sampled_from(("a + b", "a * b", "a > b", "a ** b", "maximum(a, b)", "where(a, b, a)", "where(a, a, b)")),
)
def test_elementwise_operands_meet_where_numpy_gives_the_shape_of_one_of_them(left, right, text):
    try:
        wide = np.broadcast_shapes(left, right)
    except ValueError:
        wide = None
    if wide in (left, right):
        assert infer(parse(text), {"a": left, "b": right}) == wide
    else:
        with pytest.raises(ShapeError):
            infer(parse(text), {"a": left, "b": right})


@settings(max_examples=200, deadline=None)
@given(left=st.lists(st.integers(1, 4), max_size=2).map(tuple), right=st.lists(st.integers(1, 4), max_size=2).map(tuple))
def test_products_take_vectors_and_matrices_that_fit(left, right):
    shapes = {"a": left, "b": right}
    if left and right and left[-1] == right[-2:][0]:
        assert infer(parse("a @ b"), shapes) == (np.ones(left) @ np.ones(right)).shape
    else:
        with pytest.raises(ShapeError, match="@"):
            infer(parse("a @ b"), shapes)


class TestTheFamousMistake:
    @pytest.mark.parametrize("text", ["column - y", "y - column", "(column - y) ** 2", "-y * log(column) - (1 - y) * log(1 - column)"])
    def test_a_flat_target_against_a_column_is_refused_and_told_to_become_a_column(self, text):
        message = refused(text).message
        assert "4×4" in message
        assert "y is a flat list of 4" in message or "-y is a flat list of 4" in message
        assert "Make it a column, 4×1" in message

    @pytest.mark.parametrize("text", ["column - row", "row * column", "maximum(column, row)"])
    def test_a_column_against_a_row_is_refused_with_the_table_that_numpy_would_make(self, text):
        message = refused(text).message
        assert "4×1" in message
        assert "1×4" in message
        assert "give 4×4" in message

    def test_numpy_itself_would_have_gone_on(self):
        assert (np.zeros((4, 1)) - np.zeros(4)).shape == (4, 4)

    def test_a_flat_target_in_a_scenario_is_refused(self):
        from bpdebug.core.errors import SetupError

        with pytest.raises(SetupError, match="the targets are 4; 4 samples and 1 outputs need 4×1"):
            make_program(xor(y=np.array([0.0, 1.0, 1.0, 0.0])))


class TestMessages:
    @pytest.mark.parametrize(
        ("text", "hint"),
        [
            ("A @ C", "A.T @ C would fit"),
            ("A.T @ B", "A @ B would fit"),
            ("C @ B", "C @ B.T would fit"),
            ("A @ B.T", "A @ B would fit"),
            ("B @ A", "the other order would fit"),
        ],
    )
    def test_a_product_that_does_not_fit_names_the_one_that_would(self, text, hint):
        assert hint in refused(text).message

    @pytest.mark.parametrize("text", ["A @ C", "A.T @ B", "C @ B", "A @ B.T"])
    def test_the_product_that_is_named_does_fit(self, text):
        named = refused(text).message.rpartition("; ")[2].removesuffix(" would fit")
        assert infer(parse(named), NAMED)

    @pytest.mark.parametrize(
        ("text", "b", "fits"),
        [
            ("W @ x + b", (4,), "b[:, None], 4×1, would fit"),
            ("W @ x + b", (1, 4), "b.T, 4×1, would fit"),
            ("x.T @ W.T + b", (4, 1), "b.T, 1×4, would fit"),
            ("T * b", (2,), "b[:, None, None], 2×1×1, would fit"),
            ("W @ x + b", (9,), ""),
        ],
    )
    def test_a_bias_that_goes_along_another_axis_is_told_what_would_fit(self, text, b, fits):
        shapes = {"W": (4, 3), "x": (3, 8), "T": (2, 3, 5), "b": b}
        message = refused(text, shapes).message
        assert message.endswith(fits or "the same shape")
        if fits:
            assert infer(parse(text.replace("b", re.split(r", \d", fits)[0])), shapes)

    def test_a_product_with_a_number_or_a_list_that_does_not_fit_is_refused(self):
        assert "a number is multiplied by *" in refused("A @ n").message
        assert "axis 0 of y is 4, axis 0 of B is 3" in refused("y @ B").message

    def test_the_column_is_that_of_the_operator(self):
        text = "n + (A @ C)"
        assert refused(text).column == text.index("@") + 1

    def test_elementwise_operands_that_a_transpose_would_mend_say_so(self):
        assert ".T would give" in refused("C * C.T").message

    def test_an_axis_that_is_not_there_is_named(self):
        assert "no axis 1" in refused("sum(y, axis=1)").message

    @pytest.mark.parametrize("text", ["A[4, 0]", "A[0, 3]", "A[-5, 0]", "y[0, 0]", "n[0]", "A[::0, 0]"])
    def test_an_index_outside_is_refused(self, text):
        assert "outside" in refused(text).message or "out of range for axis" in refused(text).message

    @pytest.mark.parametrize("text", ["A and n", "n or A", "not A", "not (A > 0)"])
    def test_truth_of_a_table_is_refused(self, text):
        assert "any(…) or all(…)" in refused(text).message

    def test_an_unknown_name_has_its_column_and_a_suggestion(self):
        with pytest.raises(FormulaError, match="did you mean 'column'") as caught:
            infer(parse("A * colum"), NAMED)
        assert caught.value.column == 5

    @pytest.mark.parametrize("text", ["max(A[0:0, :])", "mean(A[0:0, :])", "argmax(A[0:0])"])
    def test_the_extreme_of_nothing_is_refused(self, text):
        assert "of nothing" in refused(text).message

    def test_shapes_are_written_as_people_write_them(self):
        assert [shape_text(s) for s in ((), (4,), (4, 1))] == ["a single number", "4", "4×1"]


class TestConditions:
    @pytest.mark.parametrize("text", ["n > 1", "any(A > 1)", "max(abs(A)) > 1 and n < 2", "not isnan(n)", "A[0, 0] > 0"])
    def test_one_value_is_a_condition(self, text):
        infer_condition(parse(text), NAMED)

    def test_a_table_is_none(self):
        with pytest.raises(ShapeError, match="a condition is one value"):
            infer_condition(parse("A > 1"), NAMED)


class TestTheBatchThatHappensToFit:
    """XOR has four samples and four hidden units: a formula can fit this batch and no other."""

    @pytest.mark.parametrize(
        ("stage", "text"),
        [
            ("db1", "sum(dz1, axis=1, keepdims=True).T"),
            ("dW2", "a1 @ dz2"),
            ("da1", "(W2 @ dz2.T).T @ (a1 @ a1.T)[:, 0:4] * a1[0, 0] @ a1"),
        ],
    )
    def test_it_is_refused_in_terms_of_m_samples(self, stage, text):
        with pytest.raises(ShapeError, match="m samples"):
            make_program(xor()).with_formula(stage, text)

    def test_the_same_formula_is_refused_plainly_where_the_batch_does_not_fit(self):
        program = make_program(xor(layers=(Layer(3, "sigmoid"), Layer(1, "sigmoid"))))
        with pytest.raises(ShapeError) as caught:
            program.with_formula("dW2", "a1 @ dz2")
        assert "m samples" not in caught.value.message

    def test_the_right_formula_in_other_words_is_accepted(self):
        program = make_program(xor()).with_formula("dW2", "(dz2.T @ a1).T")
        assert program.stage("dW2").edited


@pytest.mark.parametrize(
    ("stage", "text", "remedy"),
    [
        ("db1", "sum(dz1, axis=0)", "sum(dz1, axis=0, keepdims=True) keeps the axis"),
        ("da1", "dz2 @ W2.T - mean(dz2 @ W2.T, axis=1)", "mean(dz2 @ W2.T, axis=1, keepdims=True) keeps the axis"),
        ("dz1", "da1 / (sum(da1, axis=1) + 1)", "sum(da1, axis=1, keepdims=True) keeps the axis"),
    ],
)
def test_a_dropped_axis_that_is_needed_is_refused_with_what_keeps_it(stage, text, remedy):
    """XOR has as many samples as hidden units, so that a flat list of either fits the other."""
    with pytest.raises(ShapeError) as caught:
        make_program(xor()).with_formula(stage, text)
    assert remedy in caught.value.message
    make_program(xor()).with_formula(stage, text.replace(*_kept(remedy)))


def _kept(remedy):
    kept = remedy.removesuffix(" keeps the axis")
    return kept.replace(", keepdims=True", ""), kept


def test_the_product_that_would_fit_parses_to_what_is_meant():
    with pytest.raises(ShapeError) as caught:
        make_program(xor(layers=(Layer(3, "sigmoid"), Layer(1, "sigmoid")))).with_formula("dz1", "a2 @ (1 - a1) @ a1")
    assert "; a2.T @ (1 - a1) would fit" in caught.value.message


def test_what_should_be_multiplied_cell_by_cell_or_summed_is_told():
    program = make_program(xor(layers=(Layer(3, "sigmoid"), Layer(1, "sigmoid"))))
    for stage, text, remedy in (
        ("dz1", "a1 @ (1 - a1) @ da1", "both have one shape: multiply them cell by cell, a1 * (1 - a1)"),
        ("db1", "dz1", "sum over the samples, sum(dz1, axis=0, keepdims=True)"),
        ("dz1", "matmul(a1, W1)", "a1 is 4×3 and W1 is 2×3: @ needs as many columns on the left as rows on the right (3 and 2)"),
    ):
        with pytest.raises(FormulaError) as error:
            program.with_formula(stage, text)
        assert remedy in str(error.value)
