"""Boxes as LaTeX and MathML, broken into lines without loss, and matrices of numbers."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from engine_strategies import trees
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bpdebug.core.boxes import NOTHING, Box, brackets, fence, group, lines, lowered, power, row, to_latex, width, within
from bpdebug.core.parser import parse
from bpdebug.core.render import Style
from bpdebug.core.typeset import typeset
from bpdebug.export import matrices
from bpdebug.export.blocks import Display
from bpdebug.export.html import to_display, to_mathml
from bpdebug.export.matrices import LARGEST, fits, summary, telling_cell

STYLES = [Style("unicode", columns, notation) for columns in (False, True) for notation in ("d", "partial")]


def matrix(*given, **named):
    return to_latex(matrices.matrix(*given, **named))


def squeezed(text):
    return re.sub(r"\s", "", text)


@settings(max_examples=150, deadline=None)
@given(tree=trees(), style=st.sampled_from(STYLES), most=st.integers(5, 60))
def test_any_formula_is_written_whole_and_broken_without_loss(tree, style, most):
    box = typeset(tree, style)
    assert not [piece for piece in within(box) if isinstance(piece, str) and piece.startswith("\\")]
    assert width(box) > 0
    assert squeezed("".join(map(to_latex, lines(box, most)))) == squeezed(to_latex(box))
    ElementTree.fromstring(to_mathml(box))  # noqa: S314


def test_a_line_is_broken_before_a_sign_outside_of_brackets():
    box = typeset(parse("-a * (-b) + (c + d) ** 2 - (e + f) / g + exp(h - i)").tree, Style(), {"a": (), "b": ()})
    broken = [r"-a \cdot -b", r"+ \left(c + d\right)^{2}", r"- \frac{e + f}{g}", r"+ \exp(h - i)"]
    assert [to_latex(line).strip() for line in lines(box, 1)] == broken
    assert [to_latex(line) for line in lines(box, 1000)] == [" ".join(broken)]
    assert len(lines(row("a", " = ", "−", "b"), 1)) == 1


def test_a_wider_formula_is_wider():
    ordered = ["1", "10", row("a", " + ", "b"), Box("fraction", (row("a", " + ", "b", " + ", "c"), "d"))]
    widths = [width(piece) for piece in (*ordered, matrices.matrix(np.eye(8)), matrices.matrix(np.eye(8) / 3))]
    assert widths == sorted(widths)
    assert len(set(widths)) == len(widths)


@pytest.mark.parametrize(
    ("box", "latex", "mathml"),
    [
        ("a", "a", "<mi>a</mi>"),
        (Box("fraction", ("1", "2")), r"\frac{1}{2}", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (power(lowered("a", "i"), group("2")), "a_i^{2}", "<msubsup><mi>a</mi><mi>i</mi><mn>2</mn></msubsup>"),
        (lowered("∑", "i"), r"\sum_i", "<munder><mo>∑</mo><mi>i</mi></munder>"),
        (Box("root", ("a",)), r"\sqrt{a}", "<msqrt><mi>a</mi></msqrt>"),
        (row("a", " ≤ ", "b"), r"a \le b", "<mrow><mi>a</mi><mo>≤</mo><mi>b</mi></mrow>"),
        (row("a", " < ", "b"), "a < b", "<mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow>"),
        ("erf", r"\mathrm{erf}", '<mi mathvariant="normal">erf</mi>'),
        (row("−", "a"), "-a", '<mrow><mo form="prefix">−</mo><mi>a</mi></mrow>'),
        (row("b", " − ", "a"), "b - a", "<mrow><mi>b</mi><mo>−</mo><mi>a</mi></mrow>"),
        (fence("‖‖", "a"), r"\left\|a\right\|", "<mrow><mo>‖</mo><mi>a</mi><mo>‖</mo></mrow>"),
        (brackets("a"), "(a)", '<mrow><mo stretchy="false">(</mo><mi>a</mi><mo stretchy="false">)</mo></mrow>'),
        (
            lowered(fence(" |", "a"), group("b")),
            r"\left.a\right\rvert_{b}",
            "<msub><mrow><mi>a</mi><mo>|</mo></mrow><mi>b</mi></msub>",
        ),
        (Box("lit", ("1",)), r"\mathbf{1}", '<mrow class="lit"><mn>1</mn></mrow>'),
        (Box("under", ("2", "a")), r"\underset{2}{a}", "<munder><mi>a</mi><mn>2</mn></munder>"),
    ],
)
def test_latex_and_mathml(box, latex, mathml):
    assert to_latex(box) == latex
    assert to_mathml(box) == f"<math>{mathml}</math>"


def test_displayed_lines_are_aligned():
    root = ElementTree.fromstring(to_display(Display((("a", row(" = ", "b")), (NOTHING, row(" = ", "c"))))))  # noqa: S314
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
