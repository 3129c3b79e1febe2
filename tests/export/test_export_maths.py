"""The reader of the engine's LaTeX, and matrices of numbers: whatever the engine writes is understood, and nothing is lost."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from engine_strategies import trees
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bpdebug.core.render import Style, render
from bpdebug.export.mathml import to_display, to_mathml
from bpdebug.export.maths import lines, read, width
from bpdebug.export.matrices import LARGEST, fits, matrix, summary, telling_cell

STYLES = [Style("latex", columns, notation) for columns in (False, True) for notation in ("d", "partial")]


def leaves(node):
    if not node.parts:
        yield node
    for part in node.parts:
        yield from leaves(part)


def squeezed(text):
    return re.sub(r"\s", "", text)


@settings(max_examples=150, deadline=None)
@given(tree=trees(), style=st.sampled_from(STYLES), most=st.integers(5, 60))
def test_any_formula_is_read_whole_and_broken_without_loss(tree, style, most):
    latex = render(tree, style)
    node = read(latex)
    assert not [leaf.text for leaf in leaves(node) if leaf.text.startswith("\\")], latex
    assert width(node) > 0
    broken = lines(latex, most)
    assert squeezed("".join(broken)) == squeezed(latex)
    assert all(map(read, broken))
    ElementTree.fromstring(to_mathml(latex))  # noqa: S314


def test_a_line_is_broken_before_a_sign_outside_of_brackets():
    latex = r"-a \cdot (-b) + \left(c + d\right) - \frac{e + f}{g} + \exp(h - i)"
    assert lines(latex, 1) == [r"-a \cdot (-b)", r"+ \left(c + d\right)", r"- \frac{e + f}{g}", r"+ \exp(h - i)"]
    assert lines(latex, 1000) == [latex]
    assert lines("a = -b", 1) == ["a = -b"]


def test_a_wider_formula_is_wider():
    ordered = ["1", "10", "a + b", r"\frac{a + b + c}{d}", matrix(np.eye(8)), matrix(np.eye(8) / 3)]
    widths = [width(read(latex)) for latex in ordered]
    assert widths == sorted(widths)
    assert len(set(widths)) == len(widths)


@pytest.mark.parametrize("latex", [r"\frac{a}", r"\left(a", "{a", "a}", r"\begin{array}{r} a"])
def test_what_is_not_closed_is_an_error(latex):
    with pytest.raises(ValueError, match=r"expected|substring|not in list"):
        read(latex)


@pytest.mark.parametrize(
    ("latex", "mathml"),
    [
        ("a", "<mi>a</mi>"),
        (r"\frac{1}{2}", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"a_i^{2}", "<msubsup><mi>a</mi><mi>i</mi><mn>2</mn></msubsup>"),
        (r"\sum_i", "<munder><mo>∑</mo><mi>i</mi></munder>"),
        (r"\sqrt{a}", "<msqrt><mi>a</mi></msqrt>"),
        (r"a \le b", "<mrow><mi>a</mi><mo>≤</mo><mi>b</mi></mrow>"),
        ("a < b", "<mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow>"),
        (r"\mathrm{erf}", '<mi mathvariant="normal">erf</mi>'),
        ("-a", '<mrow><mo form="prefix">−</mo><mi>a</mi></mrow>'),
        (r"\left\|a\right\|", "<mrow><mo>‖</mo><mi>a</mi><mo>‖</mo></mrow>"),
        (r"\left.a\right\rvert_{b}", "<msub><mrow><mi>a</mi><mo>|</mo></mrow><mi>b</mi></msub>"),
        (r"\mathbf{1}", '<mrow class="lit"><mn>1</mn></mrow>'),
        (r"\underset{2}{a}", "<munder><mi>a</mi><mn>2</mn></munder>"),
    ],
)
def test_mathml(latex, mathml):
    assert to_mathml(latex) == f"<math>{mathml}</math>"


def test_displayed_lines_are_aligned():
    root = ElementTree.fromstring(to_display("a &= b \\\\\n&= c"))  # noqa: S314
    rows = [["".join(cell.itertext()) for cell in row] for row in root.find("mtable")]
    assert rows == [["a", "=b"], ["", "=c"]]


FLOATS = st.floats(-1e300, 1e300) | st.sampled_from((np.nan, np.inf, -np.inf, 1e-12, 0.99999999))
NUMBERS = arrays(float, st.tuples(st.integers(1, 11), st.integers(1, 11)), elements=FLOATS)


def cells(latex):
    """The cells of a matrix as text."""
    body = re.fullmatch(r"\\left\[\\begin\{array\}\{r+\}\n(.*)\n\\end\{array\}\\right\]", latex, re.DOTALL)[1]
    return [[cell.strip() for cell in row.split("&")] for row in body.split("\\\\")]


def number(text):
    plain = text.replace(r"\mathrm{nan}", "nan").replace(r"\infty", "inf")
    return float(re.sub(r"\\mathrm\{e\}\{(.*?)\}", r"e\1", plain))


@settings(max_examples=60, deadline=None)
@given(value=NUMBERS, digits=st.integers(2, 6))
def test_the_numbers_of_a_matrix_are_the_tensor_s(value, digits):
    with np.errstate(all="ignore"):
        rows = cells(matrix(value, digits))
    shown = [row[: value.shape[1]] for row in rows[: value.shape[0]]]
    for texts, numbers in zip(shown, value, strict=False):
        for text, exact in zip(texts, numbers, strict=False):
            if text.startswith(("\\c", "\\v", "\\d")):
                assert not fits(value)
            elif np.isfinite(exact):
                assert number(text) == pytest.approx(exact, rel=0.06, abs=0.51 * 10.0**-digits)
            else:
                np.testing.assert_equal(number(text), exact)


def test_a_matrix_has_one_width_of_decimals_and_no_plus_signs():
    assert cells(matrix(np.array([[0.5, -12.25], [3, 0]]))) == [["0.5000", "-12.2500"], ["3.0000", "0.0000"]]
    assert cells(matrix(np.array([[0.0, 1.0], [-2.0, 30.0]]))) == [["0", "1"], ["-2", "30"]]
    assert matrix(np.array(3.5)) == "3.5000"
    assert matrix(np.array(4.0)) == "4"


def test_the_cell_that_is_worked_out_is_bold():
    value = np.array([[0.5, 1.5], [2.5, 3.5]])
    assert cells(matrix(value, lit=(1, 0)))[1] == [r"\mathbf{2.5000}", "3.5000"]
    assert r"\mathbf" not in matrix(np.arange(400.0).reshape(20, 20), lit=(19, 19))


@pytest.mark.parametrize(
    ("shape", "rows", "columns"), [((8, 8), 8, 8), ((9, 8), 7, 8), ((8, 9), 8, 7), ((100, 100), 7, 7), ((1, 128), 1, 7)]
)
def test_a_large_tensor_is_cut_down_to_a_corner(shape, rows, columns):
    value = np.arange(np.prod(shape), dtype=float).reshape(shape)
    found = cells(matrix(value))
    assert (len(found), len(found[0])) == (rows, columns)
    assert fits(value) == (max(shape) <= LARGEST)
    assert number(found[0][0]) == 0
    assert (r"\cdots" in found[0]) == (shape[1] > LARGEST)
    assert (r"\vdots" in found[-1]) == (shape[0] > LARGEST)


def test_the_summary_of_a_large_tensor():
    value = np.zeros((20, 3))
    value[19] = 3, -4, 0
    assert summary(value) == "20×3, of which a corner is shown; smallest −4, largest 3; norm 5"
    value[0] = np.nan, np.inf, np.nan
    assert summary(value) == "20×3, of which a corner is shown; smallest −4, largest 3; norm 5; 1 times inf; 2 times nan"


def test_the_cell_to_work_out_is_the_first_that_is_not_finite_or_else_the_largest_that_is_shown():
    value = np.zeros((20, 20))
    value[2, 3], value[19, 19] = -1, 50
    assert telling_cell(value) == (2, 3)
    value[18, 1] = np.nan
    assert telling_cell(value) == (18, 1)
    assert telling_cell(np.array(3.0)) == ()
