"""Formulas move as differences of them say, to both sides of a corner, and with other last bits they are what they were."""

from __future__ import annotations

import numpy as np
import pytest
from engine_strategies import MATRICES, SHAPES, fitting
from hypothesis import given
from hypothesis import strategies as st

from bpdebug.core.functions import FUNCTIONS, erf
from bpdebug.core.parser import Formula, parse
from bpdebug.trust.perturbed import EPSILON, Moved, Rounded, Rounding

STEP = 1e-6


def tensors(seed):
    generator = np.random.default_rng(seed)
    return {name: generator.uniform(-2, 2, shape) for name, shape in SHAPES.items()}


def moves(formula, values, directions):
    moved = Moved(Rounded(values), directions)
    return moved.of(parse(formula).tree), moved.tied


@given(st.sampled_from(MATRICES).flatmap(fitting), st.integers(0, 99), st.sampled_from([n for n in SHAPES if n[0] == "T"]))
def test_a_formula_moves_as_differences_say(tree, seed, name):
    values = tensors(seed)
    direction = np.random.default_rng([seed, 1]).uniform(-1, 1, values[name].shape)
    with np.errstate(all="ignore"):
        found = Moved(Rounded(values), {name: direction}).of(tree)
        at, up, down = (
            np.asarray(Rounded({**values, name: values[name] + step * direction}).value(tree), float) for step in (0.0, STEP, -STEP)
        )
        right, left = (up - at) / STEP, (at - down) / STEP
    if name not in Formula.of(tree).names:
        assert found is None
        return
    found = np.broadcast_to(0.0 if found is None else found, at.shape)
    smooth = np.isfinite(right) & np.isfinite(left) & np.isfinite(found)
    smooth &= np.abs(right - left) <= 1e-3 * (1 + np.abs(right))  # the rest has a corner, or bends too much for differences
    smooth &= (np.abs(at) < 1e3) & (np.abs(found) < 1e3)
    np.testing.assert_allclose(found[smooth], ((right + left) / 2)[smooth], rtol=1e-2, atol=1e-3)


CORNERS = [
    ("abs(T23)", 1.0, -1.0),
    ("sign(T23)", 0.0, 0.0),
    ("floor(T23)", 0.0, 0.0),
    ("maximum(T23, 0)", 1.0, 0.0),
    ("minimum(0, T23)", 0.0, 1.0),
    ("where(T23 > 0, 3 * T23, 5 * T23)", 3.0, 5.0),
    ("where(T23 <= 0, 5 * T23, 3 * T23)", 3.0, 5.0),
    ("T23 * (T23 > 0)", 1.0, 0.0),
    ("where(T23 > 0, T23, expm1(minimum(T23, 0)))", 1.0, 1.0),
    ("T23 / (1 + exp(-T23))", 0.5, 0.5),
    ("max(T23, axis=0, keepdims=True)", 1.0, 1.0),
]


@pytest.mark.parametrize(("formula", "right", "left"), CORNERS)
def test_at_a_corner_the_direction_decides(formula, right, left):
    values = {"T23": np.zeros((2, 3))}
    for sign, slope in ((1.0, right), (-1.0, left)):
        found, _ = moves(formula, values, {"T23": np.full((2, 3), sign)})
        np.testing.assert_array_equal(found, np.full(found.shape, sign * slope))


def test_of_the_largest_of_several_the_one_that_rises_most_counts():
    values, ways = {"v": np.array([[2.0, 2.0, 1.0]])}, np.array([[0.5, -3.0, 9.0]])
    assert moves("max(v)", values, {"v": ways}) == (0.5, True)
    assert moves("min(v, axis=1)", {"v": -values["v"]}, {"v": ways})[0] == -3.0


def test_where_a_root_begins_it_has_no_slope():
    assert np.isnan(moves("sqrt(v)", {"v": np.zeros((1, 1))}, {"v": np.ones((1, 1))})[0]).all()


@pytest.mark.parametrize("x", [-30.0, -1.0, 0.0, 1e-300, 0.3, 7.0])
def test_the_error_function_has_its_slope_as_imaginary_part(x):
    step = 1e-30
    slope = erf(np.array([x + 1j * step]))[0].imag / step
    assert slope == pytest.approx(2 / np.sqrt(np.pi) * np.exp(-x * x), rel=1e-14)


def test_rounding_touches_last_bits_only_and_leaves_zeros_and_choices_alone():
    generator = np.random.default_rng(0)
    rounding = Rounding(generator)
    value = generator.standard_normal(1000)
    off = np.abs(rounding.off(value) / value - 1)
    assert 0 < off.min() <= off.max() <= 3 * EPSILON
    assert not rounding.off(np.zeros(9)).any()
    assert rounding.off(np.full(9, 5e-324)).any()  # the smallest there is: it may be anything as small
    values = {"v": value.reshape(10, 100)}
    for chosen in ("max(v)", "abs(v)", "maximum(v, 0)", "-v", "where(v > 0, v, 0)"):
        tree = parse(chosen).tree
        assert np.array_equal(Rounded(values, rounding).value(tree), Rounded(values).value(tree))


def test_every_function_with_a_corner_says_how_it_moves():
    assert {name for name, row in FUNCTIONS.items() if row.branch} == {"abs", "floor", "sign", "maximum", "minimum"}
