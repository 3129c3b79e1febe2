from __future__ import annotations

import numpy as np
import pytest

from bpdebug.core.evaluate import evaluate
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.network import loss_row, sum_row
from bpdebug.core.operations import ACTIVATIONS, FUSED, LOSSES, OPERATIONS
from bpdebug.core.parser import Formula, parse
from bpdebug.core.products import product
from bpdebug.core.record import replace
from bpdebug.core.texts import derivative_of, value_of
from bpdebug.core.tree import Binary, Call, Name, Number, walk

KINKED = {"abs", "sign", "maximum", "minimum", "where", "max", "min", "erf"}
GRADIENTS = [(name, argument) for name, row in OPERATIONS.items() for argument in row.gradients]
SHAPES = {"x": (5, 3), "W": (3, 4), "b": (1, 4)}


def away_from_zero(generator, shape):
    return generator.uniform(0.2, 2.0, shape) * generator.choice([-1.0, 1.0], shape)


def inputs(row, seed):
    """Random inputs that keep a distance from every kink of the row."""
    generator = np.random.default_rng(seed)
    values = {name: np.array(value) for name, value in row.constants.items()} | {"l2": np.array(0.3)}
    if row.name in ("affine", "linear", "penalty"):
        return values | {name: generator.standard_normal(SHAPES[name]) for name in row.forward.names if name in SHAPES}
    if row.name == "add":
        return values | {"a": generator.standard_normal((5, 3)), "x": generator.standard_normal((5, 3))}
    z = away_from_zero(generator, (5, 3))
    if row.name in ACTIVATIONS:
        return values | {"z": z}
    if row.name.endswith("_from_logits"):
        y = generator.random((5, 3))
        values |= {"z": z, "y": y / y.sum(axis=1, keepdims=True)}
        return values | {"a": evaluate(OPERATIONS[FUSED[row.name.removesuffix("_from_logits")]].forward, values)}
    if "cross_entropy" in row.name:
        return values | {"a": generator.uniform(0.1, 0.9, (5, 3)), "y": generator.random((5, 3))}
    y = generator.standard_normal((5, 3))
    gap = generator.choice([0.4, 1.7], (5, 3)) * generator.uniform(0.9, 1.1, (5, 3)) * generator.choice([-1.0, 1.0], (5, 3))
    return values | {"y": y, "a": y + gap}


def weighted(row, values, g, dtype=float):
    """A single number of which ``g`` is the gradient with respect to the row's output (losses: the sum of the terms)."""
    found = evaluate(row.forward, values, dtype)
    return (g * found).sum()


def central(row, argument, values, g, h=1e-6):
    gradient = np.zeros(values[argument].shape)
    for place in np.ndindex(gradient.shape):
        ends = []
        for side in (h, -h):
            moved = values[argument].copy()
            moved[place] += side
            ends.append(weighted(row, values | {argument: moved}, g))
        gradient[place] = (ends[0] - ends[1]) / (2 * h)
    return gradient


def complex_step(row, argument, values, g, h=1e-30):
    gradient = np.zeros(values[argument].shape)
    for place in np.ndindex(gradient.shape):
        moved = values[argument].astype(complex)
        moved[place] += 1j * h
        gradient[place] = weighted(row, values | {argument: moved}, g, complex).imag / h
    return gradient


def error_of(row, argument, numeric, seed=0):
    """The largest difference of the row's gradient from the numeric one, relative to the largest gradient."""
    values = inputs(row, seed)
    a = evaluate(row.forward, values)
    loss = row.name.startswith(LOSSES)
    g = np.array(1.0) if loss else np.random.default_rng(seed + 1).standard_normal(a.shape)
    expected = numeric(row, argument, values, g)
    # A loss row's own "a" is its prediction, any other row's output goes by the name on the left of its formula.
    found = evaluate(row.gradients[argument], values | {"g": g} | ({} if loss else {row.output: a}))
    found = np.broadcast_to(found, expected.shape)
    return np.abs(found - expected).max() / np.abs(expected).max()


def analytic(row):
    return not any(isinstance(node, Call) and node.function in KINKED for node in walk(row.forward.tree))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("name", "argument"), GRADIENTS)
def test_the_gradient_is_that_of_central_differences(name, argument, seed):
    assert error_of(OPERATIONS[name], argument, central, seed) < 1e-8


@pytest.mark.parametrize(("name", "argument"), [(n, a) for n, a in GRADIENTS if analytic(OPERATIONS[n])])
def test_the_gradient_is_that_of_the_complex_step_where_every_function_is_analytic(name, argument):
    assert error_of(OPERATIONS[name], argument, complex_step) < 1e-14


def test_the_complex_step_is_possible_for_the_smooth_rows():
    smooth = {name for name, row in OPERATIONS.items() if analytic(row)}
    assert {"affine", "linear", "add", "penalty", "sigmoid", "tanh", "silu", "squared_error", "binary_cross_entropy"} <= smooth


@pytest.mark.parametrize(("name", "argument"), GRADIENTS)
def test_a_derivative_that_is_off_by_a_thousandth_is_noticed(name, argument):
    row = OPERATIONS[name]
    wrong = Formula.of(Binary("*", Number(1.001), row.gradients[argument].tree))
    planted = replace(row, gradients=dict(row.gradients) | {argument: wrong})
    assert error_of(planted, argument, central) == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_row_says_what_it_means_and_where_it_is_from(name):
    row = OPERATIONS[name]
    assert value_of(name).endswith("."), f"say under '{name}' in VALUES of bpdebug/core/texts.py what it gives, in a sentence"
    for argument in row.gradients:
        told = derivative_of(name, argument)
        assert told.endswith("."), f"say under '{name}' in DERIVATIVES of bpdebug/core/texts.py what its derivative does, in a sentence"
        assert told != value_of(name)
    assert len(row.source) > 10
    assert row.gradients


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_gradient_reads_only_what_the_row_knows(name):
    row = OPERATIONS[name]
    known = {*row.forward.names, row.output, "g", "a"} | set(row.constants) | set(CONSTANTS)
    for gradient in row.gradients.values():
        assert set(gradient.names) <= known


KNOWN = [
    ("sigmoid", 0.0, 0.5),
    ("sigmoid", np.log(3), 0.75),
    ("tanh", np.log(2), 0.6),
    ("relu", -3.0, 0.0),
    ("relu", 3.0, 3.0),
    ("leaky_relu", -3.0, -0.03),
    ("elu", -np.log(2), -0.5),
    ("elu", 2.0, 2.0),
    ("softplus", 0.0, np.log(2)),
    ("softplus", 1000.0, 1000.0),
    ("softplus", -1000.0, 0.0),
    ("silu", np.log(3), 0.75 * np.log(3)),
    ("gelu", 1.0, 0.8413447460685429),
    ("mish", np.log(2), np.log(2) * 0.8),
    ("identity", 7.0, 7.0),
]


class TestKnownValues:
    def test_every_activation_has_one(self):
        assert {name for name, _, _ in KNOWN} == {*ACTIVATIONS} - {"softmax"}, "softmax has a test of its own"

    @pytest.mark.parametrize(("name", "z", "expected"), KNOWN)
    def test_activations(self, name, z, expected):
        row = OPERATIONS[name]
        constants = {k: np.array(v) for k, v in row.constants.items()}
        np.testing.assert_allclose(evaluate(row.forward, {"z": np.array([[z]])} | constants), [[expected]], rtol=1e-14, atol=1e-300)

    def test_elu_does_not_overflow_on_the_side_that_it_does_not_take(self):
        z = np.array([[1000.0, -1000.0]])
        values = {"z": z, "alpha": np.array(1.0), "g": np.ones((1, 2))}
        np.testing.assert_array_equal(evaluate(OPERATIONS["elu"].forward, values), [[1000.0, -1.0]])
        np.testing.assert_array_equal(evaluate(OPERATIONS["elu"].gradients["z"], values), [[1.0, 0.0]])

    def test_softmax_of_large_numbers(self):
        found = evaluate(OPERATIONS["softmax"].forward, {"z": np.array([[1000.0, 1000.0, -1000.0]])})
        np.testing.assert_allclose(found, [[0.5, 0.5, 0.0]])

    @pytest.mark.parametrize("name", [f"{name}_from_logits" for name in FUSED])
    def test_a_fused_loss_is_the_plain_one_of_the_activation(self, name):
        values = inputs(OPERATIONS[name], 4)
        plain = OPERATIONS[name.removesuffix("_from_logits")]
        np.testing.assert_allclose(evaluate(OPERATIONS[name].forward, values), evaluate(plain.forward, values), rtol=1e-12)

    def test_a_fused_loss_does_not_overflow(self):
        values = {"z": np.array([[1000.0, -1000.0]]), "y": np.array([[1.0, 0.0]])}
        for name in FUSED:
            assert np.all(evaluate(OPERATIONS[f"{name}_from_logits"].forward, values) == 0)

    @pytest.mark.parametrize(("gap", "expected"), [(0.5, 0.125), (-2.0, 1.5), (1.0, 0.5)])
    def test_huber(self, gap, expected):
        values = {"a": np.array([[gap]]), "y": np.array([[0.0]]), "delta": np.array(1.0)}
        assert evaluate(OPERATIONS["huber"].forward, values) == expected

    @pytest.mark.parametrize(
        ("a", "y", "expected", "slope"),
        [(0.25, 1.0, 0.75, -1.0), (-2.0, 1.0, 3.0, -1.0), (0.5, -1.0, 1.5, 1.0), (3.0, 1.0, 0.0, 0.0), (-1.0, -1.0, 0.0, 0.0)],
    )
    def test_hinge(self, a, y, expected, slope):
        values = {"a": np.array([[a]]), "y": np.array([[y]])}
        assert evaluate(OPERATIONS["hinge"].forward, values) == expected
        assert evaluate(OPERATIONS["hinge"].gradients["a"], values) == slope

    def test_at_the_kink_relu_s_slope_is_zero(self):
        values = {"z": np.array([[0.0, -0.0]]), "g": np.array([[3.0, 3.0]])}
        assert not evaluate(OPERATIONS["relu"].gradients["z"], values).any()


class TestLossRow:
    @pytest.mark.parametrize("name", LOSSES)
    @pytest.mark.parametrize("factor", [1.0, 0.5, 3.0])
    @pytest.mark.parametrize("over", [Number(1.0), Name("m"), product(Name("m"), Number(3.0))])
    def test_factor_and_divisor_stand_around_value_and_derivative_alike(self, name, factor, over):
        row = loss_row(name, Number(factor), over)
        values = inputs(OPERATIONS[name], 3) | {"m": np.array(5.0)}
        divisor = evaluate(Formula.of(over), values)
        terms = evaluate(OPERATIONS[name].forward, values)
        np.testing.assert_allclose(evaluate(row.forward, values), factor * terms.sum() / divisor, rtol=1e-13)
        for argument in row.gradients:
            numeric = central(row, argument, values, np.array(1.0))
            found = evaluate(row.gradients[argument], values | {"g": np.array(1.0)})
            np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=1e-8)

    def test_a_factor_of_one_half_cancels_the_two_of_the_square(self):
        row = loss_row("squared_error", Number(0.5), Number(1.0))
        tree = row.gradient("a", {"a": "a2", "y": "y"}, "loss", Number(1.0))
        assert Formula.of(tree).text == "a2 - y"


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_sum_passes_the_gradient_on_unchanged_to_every_term(count):
    row = sum_row("loss", count)
    assert evaluate(row.forward, {f"t{i}": np.array(10.0**i) for i in range(count)}) == float("1" * count)
    assert all(row.gradients[f"t{i}"].tree == parse("g").tree for i in range(count))


@pytest.mark.parametrize("row", [row for row in FUNCTIONS.values() if row.cellwise and row.slopes], ids=lambda row: row.name)
def test_a_function_with_a_slope_takes_a_complex_step_which_the_check_goes_by(row):
    """NumPy's own may not: then it is computed of what does, as ``erf`` is in :mod:`bpdebug.core.lacking`."""
    assert np.isfinite(row.run(*[np.array([0.5 + 1e-30j])] * row.arity)).all()
