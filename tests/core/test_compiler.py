from __future__ import annotations

import numpy as np
import pytest
from engine_strategies import SHAPES, fitting, same_bits, tensors
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bpdebug.core.compiler import Compiler
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula, parse

TARGETS = ("T33", "T23", "T31", "T13", "T11", "s")
ASSIGNMENTS = st.sampled_from(TARGETS).flatmap(lambda target: st.tuples(st.just(target), fitting(SHAPES[target]).map(Formula.of)))


def compiled(assignments, values, together=False):
    compiler = Compiler(values, values["T33"].dtype)
    lines = [compiler.lines(target, formula) for target, formula in assignments]
    code = [compiler.routine(line for part in lines for line in part)] if together else [compiler.routine(part) for part in lines]
    with np.errstate(all="ignore"):
        for run in code:
            run()
    return values


def evaluated(assignments, values):
    for target, formula in assignments:
        with np.errstate(all="ignore"):
            values[target][...] = evaluate(formula, values, values["T33"].dtype)
    return values


def assert_same(left, right):
    for name in left:
        assert same_bits(left[name], right[name]), name


@settings(max_examples=200, deadline=None)
@given(assignment=ASSIGNMENTS, seed=st.integers(0, 10**6), dtype=st.sampled_from(("float64", "float32")))
@example(("T33", parse("T33.T @ T33")), 0, "float64")
@example(("T13", parse("T11 @ T13")), 0, "float64")
@example(("T33", parse("T33 - 0.1 * T33.T")), 1, "float64")
@example(("T33", parse("where(T33.T > 0, T33, T33.T)")), 2, "float32")
@example(("T33", parse("maximum(T33.T, T33)")), 3, "float32")
@example(("T33", parse("T33 @ T33 @ T33")), 4, "float64")
@example(("T33", parse("T33 - T33[0, 0]")), 4, "float64")
@example(("T33", parse("T33.T")), 5, "float64")
@example(("T33", parse("T33[::-1, ::-1]")), 5, "float64")
@example(("s", parse("s")), 5, "float64")
@example(("s", parse("sum(T33 * T33)")), 6, "float32")
@example(("T13", parse("T13 * (T13 > 0)")), 7, "float32")
@example(("T33", parse("exp(T33) / sum(exp(T33), axis=1)")), 8, "float64")
@example(("T33", parse("T33 ** 2 + T33 ** 0.5 + T33 ** -1")), 9, "float64")
def test_a_compiled_stage_has_the_bits_of_its_evaluation(assignment, seed, dtype):
    assert_same(compiled([assignment], tensors(seed, dtype)), evaluated([assignment], tensors(seed, dtype)))


@settings(max_examples=75, deadline=None)
@given(assignments=st.lists(ASSIGNMENTS, min_size=2, max_size=6), seed=st.integers(0, 10**6), dtype=st.sampled_from(("float64", "float32")))
def test_one_update_of_all_stages_has_the_bits_of_stepping_and_of_evaluation(assignments, seed, dtype):
    stepped = compiled(assignments, tensors(seed, dtype))
    assert_same(compiled(assignments, tensors(seed, dtype), together=True), stepped)
    assert_same(evaluated(assignments, tensors(seed, dtype)), stepped)


def test_the_truth_values_of_a_choice_are_still_there_when_it_is_made():
    texts = ("where(T33 <= s, T33, 3)", "where(-sqrt(T33) <= s, (T33 + isinf(T33)) ** 3, mean(T23 @ T33, axis=0, keepdims=True))")
    choices = [("T33", parse(text)) for text in texts]
    assert_same(compiled(choices, tensors(0)), evaluated(choices, tensors(0)))


@settings(max_examples=40, deadline=None)
@given(assignment=ASSIGNMENTS, seed=st.integers(0, 10**6))
def test_only_the_target_is_written(assignment, seed):
    before, after = tensors(seed), compiled([assignment], tensors(seed))
    for name in before.keys() - {assignment[0]}:
        assert same_bits(before[name], after[name]), name


def test_running_twice_gives_the_second_result_not_a_remembered_one():
    values = tensors(0, special=False)
    compiler = Compiler(values, "float64")
    run = compiler.routine(compiler.lines("T33", parse("T33 * 2 + T23.T @ T23")))
    first = values["T33"].copy()
    run()
    run()
    product = values["T23"].T @ values["T23"]
    assert np.array_equal(values["T33"], (first * 2 + product) * 2 + product)


def test_buffers_are_shared_between_stages_and_not_grown_by_each():
    values = tensors(0)
    compiler = Compiler(values, "float64")
    formula = parse("exp(T33 + 1) * (T33 - 2) + tanh(T33 * 3)")
    compiler.lines("T33", formula)
    first = {line.strip(") ").split(", ")[-1] for line in compiler.lines("T33", formula)}
    second = {line.strip(") ").split(", ")[-1] for line in compiler.lines("T33", formula)}
    assert first == second


@pytest.mark.parametrize(
    "text", ["sum(T33 > 0)", "any(T33 > 0)", "all(T33 > 0)", "argmax(T33)", "not s > 0", "s > 0 and t > 0", "1 < s < 2"]
)
def test_truths_and_counts_are_stored_as_numbers(text):
    assignment = ("s", parse(text))
    assert_same(compiled([assignment], tensors(1)), evaluated([assignment], tensors(1)))


@pytest.mark.parametrize(
    "text",
    [
        "exp(T33 > 0) + exp(T33 > 1)",
        "sqrt(T33 > 0) / 3",
        "erf(T33 > 0) * 2",
        "maximum(T33 > 0, T33 > 1) - 0.1",
        "T33 * sum(T33 > 0)",
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_functions_of_truth_values_have_the_bits_of_their_evaluation(text, dtype):
    assignment = ("T33", parse(text))
    assert_same(compiled([assignment], tensors(1, dtype)), evaluated([assignment], tensors(1, dtype)))


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32")])
def test_a_mean_of_truth_values_has_the_bits_of_its_evaluation(dtype):
    assignment = ("T33", parse("mean(T33 > 0) * T33"))
    assert_same(compiled([assignment], tensors(1, dtype)), evaluated([assignment], tensors(1, dtype)))


LARGE = {"N": (200, 17), "W": (17, 1), "D": (200, 1), "n": (17, 1), "r": (1, 1), "p": (200, 1), "S": (17, 17)}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("n", "N.T @ D"),
        ("n", "(N * 2).T @ D"),
        ("n", "-N.T @ D"),
        pytest.param("n", "(N > 0).T @ D"),
        ("p", "N @ W"),
        ("p", "maximum(N.T, 0).T @ W"),
        ("p", "where(N.T > 0, N.T, 0).T @ W"),
        ("p", "erf(N.T).T @ W"),
        ("r", "sum(N.T, axis=1, keepdims=True).T @ W"),
        ("r", "mean(N * N, axis=0, keepdims=True) @ W"),
        ("S", "N.T @ N"),
        ("S", "N[::-1].T @ N"),
    ],
)
def test_large_products_and_sums_have_the_bits_of_their_evaluation(target, text, dtype):
    """Beyond a few cells the order in which BLAS and NumPy add depends on how a matrix lies in memory."""
    generator = np.random.default_rng(1)
    values = {name: generator.standard_normal(shape).astype(dtype) for name, shape in LARGE.items()}
    expected = evaluate(parse(text), values, dtype).astype(dtype)
    compiler = Compiler(values, dtype)
    compiler.routine(compiler.lines(target, parse(text)))()
    assert same_bits(values[target], expected)
