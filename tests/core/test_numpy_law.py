"""The law of the language: pasted into Python a formula gives the same bits, whatever the ranks; and all that is made of it agrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_lines import Formulas, in_python, tensors

from bpdebug.core.boxes import to_latex
from bpdebug.core.cells import Cells
from bpdebug.core.compiler import Compiler
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.parser import parse
from bpdebug.core.render import Style, render
from bpdebug.core.shapes import infer
from bpdebug.core.structure import Unknown, form_of
from bpdebug.core.tree import Call, walk
from bpdebug.core.typeset import typeset
from bpdebug.core.writing import to_text

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, kinds="fib"):
    """A random line and its tensors."""
    values = tensors(seed % 1000)
    return Formulas(seed, values).draw(seed % 4 + 1, kinds)[0], values


def same(left, right):
    return left.dtype == right.dtype and left.shape == right.shape and np.array_equal(left, right, equal_nan=left.dtype.kind == "f")


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_a_formula_pasted_into_python_gives_the_same_bits(seed):
    text, values = drawn(seed)
    assert same(evaluate(parse(text), values), in_python(text, values)), text


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_what_is_written_of_a_formula_is_the_formula(seed):
    text, values = drawn(seed)
    tree = parse(text).tree
    assert parse(to_text(tree)).tree == tree
    assert same(in_python(to_text(tree), values), in_python(text, values)), text
    assert render(tree, Style("unicode"))
    assert to_latex(typeset(tree, Style("unicode")))


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS)
def test_the_shape_and_the_kind_are_known_before_it_runs(seed):
    text, values = drawn(seed)
    found, value = infer(parse(text), {name: form_of(array) for name, array in values.items()}), in_python(text, values)
    assert len(found) == value.ndim, text
    assert all(isinstance(n, Unknown) or n == own for n, own in zip(found, value.shape, strict=True)), text
    assert found.kind == value.dtype.kind, text


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS)
def test_compiled_it_has_the_bits_of_its_evaluation(seed):
    text, values = drawn(seed)
    expected = in_python(text, values)
    tensors = values | {"target": np.zeros_like(expected, order="C")}
    compiler = Compiler(tensors, np.float64)
    routine = compiler.routine(compiler.lines("target", parse(text)))
    for _ in range(2):  # the second time in buffers that are full of the first
        with np.errstate(all="ignore"):
            routine()
        assert same(tensors["target"], expected), text


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_a_cell_is_what_its_terms_make(seed):
    text, values = drawn(seed, "f")
    value, cells = in_python(text, values), Cells(parse(text), values)
    cell = tuple(seed % n for n in value.shape)
    term = cells.explain(cell)
    assert term.value == value[cell] or np.isnan(value[cell]), text
    for named in [*term.cells()][:40]:
        assert named.value == values[named.name][named.index]
    assert render(term.tree(lambda t: parse("s").tree), Style("unicode"))
    assert render(cells.symbolic(cell), Style("unicode"))
    letters = tuple("ijkl"[: value.ndim])
    assert render(cells.symbolic(letters), Style("unicode"))


SINGLE = ["s", "v[0]", "v[..., 0]", "s * 2", "sum(v ** 2)", "squeeze(v[:1])", "where(s > 0, s, 2)", "take(v, 0)", "relu(s)", "n[0]", "0.3"]
"""Numbers; Python has the third and the last but three as arrays of rank 0."""


@pytest.mark.parametrize("base", [*SINGLE, "v", "sum(v, keepdims=True)"])
def test_powers_of_single_numbers_are_those_of_python_and_powers_of_arrays_those_of_numpy(base):
    for exponent in ["2", "3", "0.5", "-1", "1.5", "(1 / 3)", "-2.0", "s", "v[1]"]:
        text = f"{base} ** {exponent}"
        for seed in range(20) if (base, exponent) != ("n[0]", "-1") else ():
            values = {name: np.abs(value) if value.dtype.kind == "f" and value.ndim else value for name, value in tensors(seed).items()}
            values["s"] = np.asarray(np.abs(values["s"]))
            expected = in_python(text, values)
            assert same(evaluate(parse(text), values), expected), text
            held = values | {"target": np.zeros_like(expected, order="C")}
            compiler = Compiler(held, np.float64)
            routine = compiler.routine(compiler.lines("target", parse(text)))
            with np.errstate(all="ignore"):
                routine()
            assert same(held["target"], expected), text


def test_the_random_formulas_use_every_function():
    used = {node.function for seed in range(700) for node in walk(parse(drawn(seed)[0]).tree) if isinstance(node, Call)}
    rare = {"isnan", "isinf", "isfinite", "any", "all", "zeros", "minimum", "stop_gradient", "arcsin", "arccos", "arctan"}
    rare |= {"tan", "log2", "log10", "whole"}
    assert {name for name in FUNCTIONS if name not in used} <= rare


@pytest.mark.parametrize(
    "text",
    [
        *["np.power(u, 2)", "power(abs(u), 2.0)", "subtract(u, v)", "np.multiply(u, reciprocal(v))", "amax(u)", "transpose(u)"],
        *["u + np.full((2, 2), 0.5)", "full(2, 0.5) * u", "np.vdot(u, v)", "nan_to_num(log(u) / (v - 2))", "np.identity(2) @ u"],
        *["u[range(2), k]", "u[list(range(len(u))), k]", "average(u, axis=0)", "np.average(u)", "np.e ** u", "stack([u, v]).mT @ u"],
        *["np.pad(u, ((0, 0), (1, 1)), 'constant')", "np.pad(u, 1, mode='constant', constant_values=0)", "np.add([1.0, 2.0], u)"],
        *["np.array([[1, 2], [3, 4]], dtype=float) * u", "np.full((2,), 0.5, dtype=np.float64) - u", "k.astype(float) + k.astype(float)"],
        *["mask.astype(float) + mask.astype(float)", "1 - (u > 1).astype(int)", "v[0, (u > 1).astype(int)]", "u.astype(bool)"],
        *["u.astype(int)", "mask.astype(np.int64)", "k.astype(int)", "v[k.astype(int), (u[0] + 3.5).astype('int64') // 9]", "whole(-u)"],
        *["np.log2(v)", "log10(v)", "np.tan(u)", "einsum('ij,jk,kl,lm->im', u, v, u, v)"],
    ],
)
def test_names_that_numpy_has_for_operators_are_pasted_too(text):
    scope = {"u": np.array([[1.0, -2.0], [3.0, 0.5]]), "v": np.array([[2.0, 4.0], [8.0, 16.0]]), "k": np.array([1, 0])}
    scope["mask"] = np.array([True, False])
    with np.errstate(all="ignore"):
        wanted = evaluate(parse(text), scope)
        exec(f"from bpdebug.functions import *\nfound = {text}", scope)
    assert np.array_equal(scope["found"], wanted)


@pytest.mark.parametrize("text", ["np.full((2, 2))", "np.average(u, weights=v)", "pad(u, 1, 'edge')"])
def test_what_would_give_other_numbers_than_numpy_is_refused(text):
    with pytest.raises(FormulaError):
        parse(text)
