from __future__ import annotations

import math

import numpy as np
import pytest

from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import parse

RANDOM = np.random.default_rng(5)
A, B, R, N = RANDOM.standard_normal((4, 3)), RANDOM.standard_normal((3, 2)), RANDOM.standard_normal((1, 3)), np.array(0.7)
VALUES = {"A": A, "B": B, "R": R, "n": N}


CASES = {
    "A @ B": A @ B,
    "A.T @ A": A.T @ A,
    "A + R": A + R,
    "A * R - n": A * R - N,
    "A / n ** 2": A / N**2,
    "-A ** 2": -(A**2),
    "2 ** -n": 2**-N,
    "abs(A) ** 0.5": np.sqrt(np.abs(A)),
    "exp(A)": np.exp(A),
    "expm1(A)": np.expm1(A),
    "log(abs(A))": np.log(np.abs(A)),
    "log1p(exp(A))": np.log1p(np.exp(A)),
    "tanh(A) + sinh(A) - cosh(A)": np.tanh(A) + np.sinh(A) - np.cosh(A),
    "sin(A) * cos(A)": np.sin(A) * np.cos(A),
    "sign(A)": np.sign(A),
    "square(A)": A * A,
    "erf(A)": np.vectorize(math.erf)(A),
    "erf(n)": math.erf(0.7),
    "maximum(A, 0)": np.where(A > 0, A, 0),
    "minimum(R, A)": np.minimum(R, A),
    "where(A > 0, A, R)": np.where(A > 0, A, R),
    "sum(A)": A.sum(),
    "sum(A, axis=0)": A.sum(axis=0),
    "sum(A, axis=0, keepdims=True)": A.sum(axis=0, keepdims=True),
    "sum(A, keepdims=True)": A.sum(keepdims=True),
    "mean(sum(A, axis=1), axis=0)": A.sum() / 4,
    "A + sum(A, axis=0)": A + A.sum(axis=0),
    "sum(A, 1)": A.sum(axis=1),
    "mean(A, axis=0)": A.sum(axis=0) / 4,
    "mean(A)": A.sum() / 12,
    "max(A, axis=1)": A.max(axis=1),
    "min(A)": A.min(),
    "norm(A)": np.linalg.norm(A),
    "norm(A, axis=1)": np.linalg.norm(A, axis=1),
    "argmax(A)": A.argmax(),
    "argmax(A, axis=1)": A.argmax(axis=1),
    "argmax(A, axis=1, keepdims=True)": A.argmax(axis=1)[:, None],
    "argmax(A, keepdims=True)": np.full((1, 1), A.argmax()),
    "A * (A > 0)": A * (A > 0),
    "sum(A > 0)": (A > 0).sum(),
    "mean(A > 0)": (A > 0).mean(),
    "sum(A > 0, axis=0) / 4": (A > 0).mean(axis=0),
    "any(A > 2)": bool((A > 2).any()),
    "all(abs(A) < 9)": True,
    "n > 0 and n < 1": True,
    "0 < n < 0.5": False,
    "not n > 0 or n == n": True,
    "A != A": np.zeros((4, 3), bool),
    "isnan(A / A - 1)": np.zeros((4, 3), bool),
    "isinf(n / 0)": True,
    "isfinite(n)": True,
    "A[0, 1]": A[0, 1],
    "A[-1]": A[-1],
    "A[1:3, ::2]": A[1:3, ::2],
    "A.T[0]": A[:, 0],
    "(A @ B).T": (A @ B).T,
    "pi * n": math.pi * 0.7,
    "inf": math.inf,
    "1 / (1 + exp(-A))": 1 / (1 + np.exp(-A)),
    "exp(A - max(A, axis=1, keepdims=True)) / sum(exp(A), axis=1, keepdims=True) * exp(max(A, axis=1, keepdims=True))": np.exp(A)
    / np.exp(A).sum(axis=1)[:, None],
}


@pytest.mark.parametrize("text", CASES)
def test_values_are_those_of_plain_numpy(text):
    found, expected = evaluate(parse(text), VALUES), np.asarray(CASES[text])
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("exp(A > 0)", np.where(A > 0, math.e, 1.0)),
        ("sqrt(n > 0) / 3", 1 / 3),
        ("abs((A > 0) - 1)", (A <= 0) * 1.0),
        pytest.param("erf(n > 0)", math.erf(1)),
        ("square(A > 0) - 2", (A > 0) - 2.0),
        pytest.param("tanh(A > 0)", np.where(A > 0, math.tanh(1), 0.0)),
    ],
)
def test_functions_take_truth_values_as_the_numbers_0_and_1_in_full_precision(text, expected):
    np.testing.assert_allclose(evaluate(parse(text), VALUES), expected, rtol=1e-14)


@pytest.mark.parametrize("text", ["1 / 0", "log(0)", "log(-1)", "exp(1e6)", "sqrt(-1)", "0 / 0", "inf - inf"])
def test_what_has_no_finite_value_raises_and_warns_of_nothing(text):
    assert not np.isfinite(evaluate(parse(text), {}))


@pytest.mark.parametrize(
    "text", ["A", "A * 2", "A @ B", "sum(A)", "mean(A, axis=0)", "norm(A)", "erf(A)", "pi * A", "A ** 2", "A * (A > 0)", "-A", "A / 3"]
)
def test_single_precision_stays_single(text):
    values = {name: value.astype("float32") for name, value in VALUES.items()}
    assert evaluate(parse(text), values, "float32").dtype == np.float32


def test_a_tensor_named_like_a_constant_is_the_tensor():
    assert evaluate(parse("pi"), {"pi": np.array(3.0)}) == 3.0


def test_the_tensors_are_left_as_they_were():
    before = {name: value.copy() for name, value in VALUES.items()}
    for text in CASES:
        evaluate(parse(text), VALUES)
    assert all(np.array_equal(before[name], VALUES[name]) for name in before)


@pytest.mark.parametrize(("place", "values"), [("s_[:, 0]", (4, 3)), ("s_[:, 0, 0]", (4, 3, 3)), ("0", (2, 4))])
def test_values_with_more_axes_than_their_place_are_an_error_and_not_written_beside_the_array(place, values):
    arrays = {"x": np.zeros((4, 4, 4)[: 3 if place.count("0") > 1 else 2]), "values": np.ones(values)}
    with pytest.raises(FormulaError):
        evaluate(parse(f"add_at(x, {place}, values)"), arrays)
