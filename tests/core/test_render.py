from __future__ import annotations

import re

import numpy as np
import pytest
from engine_strategies import MATRICES, SHAPES, fitting, scenarios, tensors, trees, xor
from hypothesis import given, settings
from hypothesis import strategies as st
from renamed import NONSENSE, renamed

from bpdebug.core.boxes import to_latex
from bpdebug.core.description import Layer, Loss, Optimizer
from bpdebug.core.evaluate import evaluate
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.layers import make_program
from bpdebug.core.operations import ACTIVATIONS
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.core.parser import Formula, parse
from bpdebug.core.record import replace
from bpdebug.core.render import Style, render, render_cell, render_gradient, render_name, to_columns
from bpdebug.core.tree import Binary, Call, Index, Number, Place, Transpose, Written, walk
from bpdebug.core.typeset import typeset, typeset_cell, typeset_name
from bpdebug.core.writing import format_number
from bpdebug.frontends import load_scenario

LEXICON = make_program(replace(load_scenario("residual"), optimizer=Optimizer("adam"), loss=Loss(l2=0.1))).lexicon
UNICODE = Style("unicode", lexicon=LEXICON)
COLUMNS = replace(UNICODE, columns=True)


def latex_of(tree, style=UNICODE, shapes=None):
    return to_latex(typeset(tree, style, shapes))


def unicode_of(text, style=UNICODE, **shapes):
    return render(parse(text).tree, style, shapes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a1.T @ dz2", "a1ᵀ·dz2"),
        ("da2 * a2 * (1 - a2)", "da2 ⊙ a2 ⊙ (1 − a2)"),
        ("-y / a2 + (1 - y) / (1 - a2)", "−y/a2 + (1 − y)/(1 − a2)"),
        ("x @ W1 + b1", "x·W1 + b1"),
        ("z ** 2", "z²"),
        ("z ** 12", "z¹²"),
        ("z ** -1", "z^−1"),
        ("z ** 0.5", "z^0.5"),
        ("(a - y) ** 2", "(a − y)²"),
        ("2 * a", "2·a"),
        ("a <= b", "a ≤ b"),
        ("a != b", "a ≠ b"),
        ("a == 0", "a == 0"),
        ("a >= b", "a ≥ b"),
        ("abs(a - y)", "|a − y|"),
        ("sqrt(v)", "√(v)"),
        ("norm(dW1)", "‖dW1‖"),
        ("2 * pi", "2·π"),
        ("sum(dz2, axis=0)", "Σᵢ dz2"),
        ("sum(a * b, axis=1)", "Σⱼ a ⊙ b"),
        ("sum(a + b, axis=1)", "Σⱼ(a + b)"),
        ("sum(a)", "Σ(a)"),
        ("(a @ b).T", "(a·b)ᵀ"),
        ("a[0, 1]", "a[0, 1]"),
    ],
)
def test_unicode(text, expected):
    assert unicode_of(text) == expected


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        pytest.param("sum(a * b, axis=1)", "sum(a, axis=1) * b"),
        pytest.param("sum(a / b, axis=1)", "sum(a, axis=1) / b"),
        pytest.param("sum(a @ b, axis=1)", "sum(a, axis=1) @ b"),
        ("sum(a * b)", "sum(a) * b"),
        ("sum(a + b, axis=0)", "sum(a, axis=0) + b"),
        ("sum(-a, axis=0)", "-sum(a, axis=0)"),
        ("sum(a ** 2, axis=0)", "sum(a, axis=0) ** 2"),
        ("sum(a.T, axis=0)", "sum(a, axis=0).T"),
    ],
)
def test_a_sum_shows_what_it_sums(inside, outside):
    for write in (latex_of, lambda tree: render(tree, UNICODE)):
        assert write(parse(inside).tree) != write(parse(outside).tree)


def test_an_axis_counted_from_the_end_has_the_letter_of_its_place():
    assert unicode_of("sum(g * t, axis=-1)", g=(2, 3, 4), t=(3, 4)) == "Σₖ g ⊙ t"
    assert unicode_of("mean(g, axis=(-2, -1))", g=(2, 3, 4)) == "meanⱼₖ(g)"
    assert unicode_of("stack([a, a], axis=-1)", a=(2, 3)) == "stackₖ([a, a])"
    assert unicode_of("sum(nobody_knows, axis=-1)") == "Σ₋₁ nobody_knows"


def test_a_named_number_is_multiplied_by_a_dot_where_the_shapes_tell():
    assert unicode_of("W1 - learning_rate * dW1", learning_rate=(), W1=(2, 4), dW1=(2, 4)) == "W1 − learning_rate·dW1"
    assert unicode_of("a * b", a=(2, 4), b=(2, 4)) == "a ⊙ b"
    assert unicode_of("max(a) * b", a=(2, 4), b=(2, 4)) == "max(a)·b"
    assert unicode_of("max(a, axis=0) * b", a=(2, 4), b=(2, 4)) == "maxᵢ(a) ⊙ b"
    assert unicode_of("a[0, 1] * b", a=(2, 4), b=(2, 4)) == "a[0, 1]·b"
    assert unicode_of("a[0] * b", a=(2, 4), b=(2, 4)) == "a[0] ⊙ b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a1.T @ dz2", "dz2·a1ᵀ"),
        ("x @ W1 + b1", "W1·x + b1"),
        ("dz2 @ W2.T", "W2ᵀ·dz2"),
        ("sum(dz2, axis=0)", "Σⱼ dz2"),
        ("da2 * a2 * (1 - a2)", "da2 ⊙ a2 ⊙ (1 − a2)"),
        ("a[0, 1]", "a[1, 0]"),
    ],
)
def test_the_column_convention(text, expected):
    assert unicode_of(text, COLUMNS) == expected


@pytest.mark.parametrize(
    ("name", "delta", "partial"),
    [
        ("dz2", "δ2", "∂L/∂z2"),
        ("dW2", "∂L/∂W2", "∂L/∂W2"),
        ("da1@z2", "∂L/∂a1@z2", "∂L/∂a1@z2"),
        ("da9", "da9", "da9"),
        ("W2", "W2", "W2"),
        ("data_loss", "data_loss", "data_loss"),
        ("x", "x", "x"),
    ],
)
def test_the_notations_of_a_gradient(name, delta, partial):
    assert render_name(name, UNICODE) == name
    assert render_name(name, replace(UNICODE, notation="delta")) == delta
    assert render_name(name, replace(UNICODE, notation="partial")) == partial
    assert render_name(name, Style("unicode", notation="partial")) == name


def test_a_gradient_without_a_stage():
    assert [render_gradient("x", replace(UNICODE, notation=n), (0, 1)) for n in ("d", "delta", "partial")] == [
        "dx[0,1]",
        *["∂L/∂x[0,1]"] * 2,
    ]


def test_what_is_no_gradient_is_not_drawn_as_one_and_what_is_one_is():
    program = make_program(renamed(load_scenario("residual"), NONSENSE["misleading"])[0])
    partial, delta = (Style("unicode", notation=notation, lexicon=program.lexicon) for notation in ("partial", "delta"))
    assert [render_name(name, partial) for name in ("data1", "dropout2", "dense")] == ["data1", "dropout2", "dense"]
    assert render_name("r_dropout2", partial) == "∂L/∂dropout2"
    assert render_name("r_dropout2", delta, (0, 1)) == "δ2[0,1]"
    assert render_name("r_W1@z2", delta) == "∂L/∂W1@z2"
    assert to_latex(typeset_name("r_data1", partial)) == r"\frac{\partial L}{\partial \mathrm{data}^{[1]}}"
    assert to_latex(typeset_name("dense", partial)) == "L"


def test_a_formula_in_another_notation():
    assert unicode_of("a1.T @ dz2", replace(UNICODE, notation="delta")) == "a1ᵀ·δ2"
    assert unicode_of("a1.T @ dz2", replace(COLUMNS, notation="partial")) == "∂L/∂z2·a1ᵀ"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a1.T @ dz2", r"{a^{[1]}}^{\top} \, \mathrm{d}z^{[2]}"),
        ("a / (1 + b)", r"\frac{a}{1 + b}"),
        ("(a - y) ** 2", r"\left(a - y\right)^{2}"),
        ("learning_rate * g", r"\eta \odot g"),
        ("sqrt(v)", r"\sqrt{v}"),
        ("1e-08", r"1 \cdot 10^{-8}"),
        ("maximum(z, 0)", r"\max(z, 0)"),
        ("loss", "L"),
    ],
)
def test_latex(text, expected):
    assert latex_of(parse(text).tree) == expected


@pytest.mark.parametrize(
    ("name", "notation", "expected"),
    [
        ("dz2", "delta", r"\delta^{[2]}"),
        ("dz2", "partial", r"\frac{\partial L}{\partial z^{[2]}}"),
        ("dW1", "d", r"\mathrm{d}W^{[1]}"),
        ("mW1", "d", "m_{W}^{[1]}"),
    ],
)
def test_latex_names(name, notation, expected):
    assert to_latex(typeset_name(name, replace(UNICODE, notation=notation))) == expected


@pytest.mark.parametrize(
    ("name", "index", "style", "expected"),
    [
        ("dW2", (1, 0), UNICODE, r"\mathrm{d}W_{1,0}^{[2]}"),
        ("dW2", (1, 0), COLUMNS, r"\mathrm{d}W_{0,1}^{[2]}"),
        ("dz2", ("i", 0), replace(UNICODE, notation="delta"), r"\delta_{i,0}^{[2]}"),
        ("dz2", ("i", 0), replace(UNICODE, notation="partial"), r"\frac{\partial L}{\partial z_{i,0}^{[2]}}"),
        ("da1@z2", (0, 1), UNICODE, r"\left.\mathrm{d}a_{0,1}^{[1]}\right\rvert_{z^{[2]}}"),
        ("vW1", (0, 1), UNICODE, "v_{W;0,1}^{[1]}"),
        ("x", (3, "i"), UNICODE, "x_{3,i}"),
        ("beta1", (), UNICODE, r"\beta_1"),
        ("l2", (), UNICODE, r"\lambda"),
        ("data_loss", (), UNICODE, r"L_{\text{data}}"),
        ("W.0", (), UNICODE, r"\mathrm{W.0}"),
    ],
)
def test_the_names_of_cells_in_latex(name, index, style, expected):
    assert to_latex(typeset_name(name, style, index)) == expected


def test_the_names_of_cells():
    assert render_name("dW2", UNICODE, (1, 0)) == "dW2[1,0]"
    assert render_name("dW2", COLUMNS, (1, 0)) == "dW2₀,₁"
    assert render_name("dz2", replace(COLUMNS, notation="partial"), ("i", 0)) == "∂L/∂z2₀,ᵢ"
    assert render_name("loss", COLUMNS) == "loss"


def test_a_formula_of_cells_keeps_its_products_and_axes_in_the_column_convention():
    tree = Call("sum", (Binary("*", Place("a1", ("i", 1)), Place("dz2", ("i", 0))),), 0)
    assert render_cell(tree, COLUMNS) == "Σᵢ a1₁,ᵢ·dz2₀,ᵢ"
    assert to_latex(typeset_cell(tree, UNICODE)) == r"\sum_i a_{i,1}^{[1]} \cdot \mathrm{d}z_{i,0}^{[2]}"


WRITTEN = [("(−0.11)", "(-0.11)"), ("1.5e-5", r"1.5 \cdot 10^{-5}"), ("(−inf)", r"(-\infty)"), ("…", r"\dots"), ("nan", r"\mathrm{nan}")]


@pytest.mark.parametrize(("number", "expected"), WRITTEN)
def test_the_numbers_of_an_explanation_in_latex(number, expected):
    assert latex_of(Written(number)) == expected
    assert balanced(latex_of(Binary("**", Written(number), Number(2.0))))


def test_a_leaf_can_be_written_otherwise():
    tree = parse("a1.T @ (dz2 + 1)").tree
    shown = typeset(tree, UNICODE, leaf=lambda node: {"a1": "A", "dz2": "B"}.get(getattr(node, "name", "")))
    assert to_latex(shown) == r"{A}^{\top} \, \left(B + 1\right)"
    shown = typeset(tree, COLUMNS, leaf=lambda node: "T" if isinstance(node, Transpose) else None)
    assert to_latex(shown) == r"\left(\mathrm{d}z^{[2]} + 1\right) \, T"


def test_a_tall_argument_has_tall_brackets():
    assert latex_of(parse("exp(-z)").tree) == r"\exp(-z)"
    assert latex_of(parse("log(a / b)").tree) == r"\log\left(\frac{a}{b}\right)"
    assert latex_of(parse("c * (a / b)").tree) == r"c \odot \frac{a}{b}"


def test_a_maximum_of_named_cells_shows_all_of_them():
    tree = Call("max", (Place("z1", (0, 0)), Place("z1", (0, 1))))
    assert latex_of(tree) == r"\max(z_{0,0}^{[1]}, z_{0,1}^{[1]})"


def balanced(text):
    depth = 0
    for sign in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if sign == "{" else -1
        if depth < 0:
            return False
    return depth == 0 and text.count(r"\left") == text.count(r"\right") + text.count(r"\left.") - text.count(r"\left.")


PROGRAMS = [
    xor(),
    xor(
        layers=(Layer(3, "gelu"), Layer(3, "elu", residual=True), Layer(1, "sigmoid")),
        loss=Loss("binary_cross_entropy", "mean", "mean", 0.5, 0.1),
    ),
    *(xor(optimizer=Optimizer(name)) for name in OPTIMIZERS),
    *(xor(layers=(Layer(4, name), Layer(1)), loss=Loss("huber")) for name in ACTIVATIONS),
]


@pytest.mark.parametrize("scenario", PROGRAMS)
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("notation", ["d", "delta", "partial"])
def test_the_latex_of_every_stage_is_balanced(scenario, columns, notation):
    program = make_program(scenario)
    style = Style("unicode", columns, notation, lexicon=program.lexicon)
    for stage in program.stages:
        text = f"{to_latex(typeset_name(stage.name, style))} = {latex_of(stage.formula.tree, style, program.shapes(4))}"
        assert balanced(text), text
        assert "**" not in text
        assert "@" not in text


def test_latex_has_no_double_superscript():
    """``W^{[1]}^{2}`` stops LaTeX with an error; ``{W^{[1]}}^{2}`` does not."""
    for scenario in PROGRAMS:
        program = make_program(scenario)
        style = replace(UNICODE, lexicon=program.lexicon)
        for stage in program.stages:
            assert not re.search(r"\^\{[^{}]*\}\^", latex_of(stage.formula.tree, style, program.shapes(4))), stage


@settings(max_examples=200, deadline=None)
@given(tree=trees())
def test_any_tree_has_balanced_latex_and_some_unicode(tree):
    assert balanced(latex_of(tree))
    assert render(tree, UNICODE)


@settings(max_examples=100, deadline=None)
@given(scenario=scenarios())
def test_the_plain_text_of_every_stage_parses_to_what_runs(scenario):
    program = make_program(scenario)
    for stage in program.stages:
        assert program.parse(render(stage.formula.tree, Style())).tree == stage.formula.tree


@settings(max_examples=300, deadline=None)
@given(shape=st.sampled_from((*MATRICES, ())), data=st.data(), seed=st.integers(0, 10**6))
def test_the_column_formula_of_transposed_tensors_is_the_transpose(shape, data, seed):
    tree = data.draw(fitting(shape))
    values = tensors(seed, special=False)
    turned = {name: value.T for name, value in values.items()}
    expected = evaluate(Formula.of(tree), values)
    found = evaluate(Formula.of(to_columns(tree)), turned)
    assert found.shape == expected.T.shape
    steady = np.isfinite(expected) & (np.abs(expected) < 1e100)
    if not _discontinuous(tree):
        np.testing.assert_allclose(
            found.T[steady], expected[steady], rtol=1e-6, atol=1e-6 * max(1, np.abs(expected[steady]).max(initial=0))
        )


def _discontinuous(tree):
    """Whether rounding can be blown up to a visible difference: comparisons, and functions with steep places."""
    steep = {"sign", "sin", "cos", "exp", "expm1", "sinh", "cosh", "log", "log1p", "sqrt", "isfinite", "isnan", "isinf", "where"}
    text = Formula.of(tree).text
    return any(isinstance(node, Call) and node.function in steep for node in walk(tree)) or any(
        sign in text for sign in ("<", ">", "==", "!=", "/", "**")
    )


@pytest.mark.parametrize("text", ["T33[0]", "T23[1]", "T33[1:]", "T23[-1] * 2"])
def test_a_row_becomes_a_column_in_the_column_convention(text):
    values = tensors(0, special=False)
    tree = parse(text).tree
    found = evaluate(Formula.of(to_columns(tree)), {name: value.T for name, value in values.items()})
    np.testing.assert_array_equal(found, evaluate(Formula.of(tree), values).T)


@pytest.mark.parametrize(
    "text",
    [
        "einsum('ij,jk->ik', T33, T33) @ T33",
        "triu(T33) @ T33",
        "T33[arange(3), arange(3)]",
        "T33[arange(T33.shape[0])] @ T33",
        "sum(outer(T33, T33), axis=0)",
    ],
)
def test_what_does_not_hold_of_transposes_stays_in_the_column_convention(text):
    assert to_columns(parse(text).tree) == parse(text).tree
    assert to_columns(parse("sigmoid(T23) @ T33").tree) == parse("T33 @ sigmoid(T23)").tree


@settings(max_examples=200, deadline=None)
@given(tree=trees())
def test_turning_to_columns_twice_gives_the_formula_back(tree):
    kept = all(node.axis is None or node.keepdims for node in walk(tree) if isinstance(node, Call))
    if kept and all(len(node.items) == 2 for node in walk(tree) if isinstance(node, Index)):
        assert to_columns(to_columns(tree)) == tree


@pytest.mark.parametrize(
    ("value", "text"), [(2.0, "2"), (0.1, "0.1"), (1e-8, "1e-08"), (0.0, "0"), (1e15, "1000000000000000.0"), (123456789.0, "123456789")]
)
def test_numbers_are_written_as_people_write_them(value, text):
    assert format_number(value) == text


@settings(max_examples=200, deadline=None)
@given(value=st.floats(0, allow_nan=False, allow_infinity=False))
def test_a_number_s_text_reads_back_to_the_same_float(value):
    assert float(format_number(value)) == value


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_its_latex(name):
    row = FUNCTIONS[name]
    text = latex_of(Call(name, tuple(parse(letter).tree for letter in "abc"[: row.arity])))
    assert balanced(text)
    assert all(letter in text for letter in "abc"[: row.arity])
    assert set(SHAPES) >= {"T33"}


def test_settings_may_be_letters():
    letters = Style("unicode", letters=True)
    assert unicode_of("W1 - learning_rate * dW1", letters, learning_rate=()) == "W1 − η·dW1"
    assert unicode_of("beta1 * mW1 + (1 - beta1) * dW1", replace(UNICODE, notation="partial", letters=True), beta1=()) == (
        "β₁·mW1 + (1 − β₁)·∂L/∂W1"
    )
    for rule in OPTIMIZERS.values():
        assert all(render_name(name, letters) != name for name in ("learning_rate", *rule.constants))
