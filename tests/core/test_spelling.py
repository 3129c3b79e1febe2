"""A line of NumPy, pasted: it is read, it gives NumPy's own numbers, and where it is right it is said to be right."""

from __future__ import annotations

import numpy as np
import pytest

from bpdebug import BpdebugError, Session, load_scenario
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import parse
from bpdebug.core.shapes import infer

RIGHT = {
    "dz2": ["a2 - y", "np.subtract(a2, y)", "da2 * sigmoid(z2) * (1 - sigmoid(z2))"],
    "dW2": ["np.dot(a1.T, dz2)", "a1.T.dot(dz2)", "np.matmul(a1.transpose(), dz2)", "numpy.dot(np.transpose(a1), dz2)"],
    "db2": [
        "np.sum(dz2, axis=0, keepdims=True)",
        "dz2.sum(0, keepdims=True)",
        "dz2.sum(axis=-2, keepdims=True)",
        "dz2.mean(0, keepdims=True) * len(x)",
    ],
    "da1": ["dz2.dot(W2.T)", "np.dot(dz2, W2.T)"],
    "dz1": ["np.multiply(da1, a1 * (1 - a1))", "da1 * np.exp(-z1) / (1 + np.exp(-z1)) ** 2"],
    "dW1": ["x.T.dot(dz1)", "np.dot(x.T, dz1) / x.shape[0] * y.shape[0]", "np.dot(x.T, dz1) * x.size / (x.shape[0] * x.shape[1])"],
    "a1": ["sigmoid(z1)", "1. / (1. + np.exp(-z1))", "np.reciprocal(1 + np.exp(np.negative(z1)))"],
    "loss": ["-np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2))", "np.sum(-y * np.log(a2) - (1 - y) * np.log(1 - a2), axis=(0, 1))"],
}


@pytest.mark.parametrize(("stage", "line"), [(stage, line) for stage, lines in RIGHT.items() for line in lines])
def test_a_right_line_of_numpy_in_place_of_ours_is_right(stage, line):
    session = Session(load_scenario("xor"))
    assert session.execute(f"formula {stage} = {line}").type != "error"
    result = session.execute("check")
    assert result.data["culprit"] is None and not [one for one in result.data["stages"] if one["status"] in ("wrong", "WRONG")]


@pytest.mark.parametrize("line", ["dz2.mean(axis=0, keepdims=True)", "np.sum(dz2, axis=0, keepdims=True) / x.shape[0]"])
def test_a_wrong_one_is_found(line):
    session = Session(load_scenario("xor"))
    session.execute(f"formula db2 = {line}")
    assert session.execute("check").data["culprit"] == "db2"


LINES = (
    "np.dot(z1, a1.T)",
    "z1.dot(a1.T).sum(axis=1)",
    "np.mean(z1, axis=-1, keepdims=True)",
    "z1.max(-1, keepdims=True) - z1.min(axis=(0, 1))",
    "np.clip(z1, -0.5, 0.5)",
    "z1.clip(0, 1).sum()",
    "np.where(z1 > 0, z1, 0.1 * z1)",
    "np.linalg.norm(z1)",
    "np.true_divide(z1, np.absolute(a1) + 1)",
    "(z1 > a1).astype(float) * 2",
    "(z1 > 0).sum(axis=0) / z1.shape[0]",
    "z1 / len(z1) + z1.T.shape[0] + a1.size",
    "np.maximum(0, z1)",
    "np.power(np.abs(z1), 1.5) + np.pi",
    "z1.argmax(axis=1)",
    "(z1 == z1.max(axis=1, keepdims=True)).all()",
    "np.amax(z1, 1)",
    "z1 * np.array([0.25, 0.5, 0.25, 1]) + np.asarray(a1) * np.float64(2)",
    "z1[np.array([0, 2])] + np.zeros((2, 4), dtype=float) + np.array([[1], [2]])",
)


@pytest.mark.parametrize("line", LINES)
def test_a_line_gives_the_bits_that_python_gives(line):
    """The formula language is NumPy: the same text under Python's own evaluator."""
    program, random = Session(load_scenario("xor")).program, np.random.default_rng(1)
    values = {"z1": random.normal(size=(4, 4)), "a1": random.normal(size=(4, 4))}
    found = evaluate(program.parse(line), values | {"m": np.array(4.0)})
    assert np.array_equal(found, eval(line, {"np": np}, values))  # noqa: S307


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("np.dot(x.T, dz1).tolist()", "the methods"),
        ("x.shape[2]", "there is no axis 2: x is 4×2"),
        ("np.tensordot(x, dz1)", "axis 1 of x is 2, axis 1 of dz1 is 4"),
        ("np.kron(x, dz1)", "unknown function 'kron'; it is written einsum"),
        ("sigmoid(x, dz1)", "sigmoid takes 1 argument; found 2"),
        ("x.dot(dz1)", "would fit"),
    ],
)
def test_what_is_not_read_says_what_is(line, says):
    with pytest.raises(BpdebugError, match=says):
        Session(load_scenario("xor")).execute(f"formula dW1 = {line}")


@pytest.mark.parametrize("line", ["np.dot(q, k)", "q.dot(k)", "dot(q, k) + 1"])
def test_dot_of_more_than_matrices_is_not_taken_for_a_product_of_pairs(line):
    shapes = {"q": (2, 4, 3), "k": (2, 3, 5), "W": (3, 5)}
    with pytest.raises(BpdebugError, match=r"dot pairs each matrix of q with each of k; q @ k pairs them one by one"):
        infer(parse(line), shapes)
    assert infer(parse(line.replace("k", "W")), shapes) == (2, 4, 5)
    assert infer(parse("q @ k + W.dot(W.T)[0, 0]"), shapes) == (2, 4, 5)


@pytest.mark.parametrize(
    ("subscript", "same"), [("slice(2)", ":2"), ("slice(1, 3)", "1:3"), ("slice(None, None, 2), slice(-2, None)", "::2, -2:")]
)
def test_a_slice_may_be_written_as_a_call(subscript, same):
    assert parse(f"x[{subscript}]").tree == parse(f"x[{same}]").tree


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("part", [0, 1, 2, -1])
def test_parts_of_different_lengths_are_slices(axis, part):
    x = np.arange(48.0).reshape(6, 8)
    text = f"split(x, [2, 5], axis={axis})[{part}]"
    assert np.array_equal(evaluate(parse(text), {"x": x}), np.split(x, [2, 5], axis=axis)[part])
    assert evaluate(parse(f"{text}[0]"), {"x": x}).tolist() == np.split(x, [2, 5], axis=axis)[part][0].tolist()
    assert infer(parse(text), {"x": x.shape}) == np.split(x, [2, 5], axis=axis)[part].shape


def test_parts_of_different_lengths_are_taken_one_by_one():
    for text in ("split(x, [2, 5])", "split(x, [2, 5])[3]"):
        with pytest.raises(BpdebugError, match=r"taken one by one: a, b = split\(x, \[2\]\)"):
            infer(parse(text), {"x": (6, 8)})
