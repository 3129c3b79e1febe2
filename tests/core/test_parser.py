from __future__ import annotations

import sys
import warnings
from contextlib import suppress

import numpy as np
import pytest
from engine_strategies import JOINED, trees
from hypothesis import given, settings
from hypothesis import strategies as st

from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.parser import MAXIMUM_DEPTH, MAXIMUM_LENGTH, parse, parse_assignment
from bpdebug.core.standins import Vocabulary
from bpdebug.core.tree import Binary, Call, Index, Name, Number, Transpose, Unary, walk
from bpdebug.core.words import suggestion
from bpdebug.core.writing import to_text

KNOWN = Vocabulary(frozenset(JOINED))
A, B, C = Name("a"), Name("b"), Name("c")

ACCEPTED = {
    "a": A,
    "  a\t": A,
    "2": Number(2.0),
    "1e-3": Number(0.001),
    "1_000": Number(1000.0),
    "+a": A,
    "-2": Unary("-", Number(2.0)),
    "a1.T @ dz2": Binary("@", Transpose(Name("a1")), Name("dz2")),
    "-a ** 2": Unary("-", Binary("**", A, Number(2.0))),
    "(-a) ** 2": Binary("**", Unary("-", A), Number(2.0)),
    "a ** b ** c": Binary("**", A, Binary("**", B, C)),
    "a - b - c": Binary("-", Binary("-", A, B), C),
    "a - (b - c)": Binary("-", A, Binary("-", B, C)),
    "a / b * c": Binary("*", Binary("/", A, B), C),
    "a @ b.T": Binary("@", A, Transpose(B)),
    "(a @ b).T.T": Transpose(Transpose(Binary("@", A, B))),
    "a < b": Binary("<", A, B),
    "a < b <= c": Binary("and", Binary("<", A, B), Binary("<=", B, C)),
    "a == b != c": Binary("and", Binary("==", A, B), Binary("!=", B, C)),
    "not a > b": Unary("not", Binary(">", A, B)),
    "a and b or not c": Binary("or", Binary("and", A, B), Unary("not", C)),
    "sum(a)": Call("sum", (A,)),
    "sum(a, axis=0)": Call("sum", (A,), 0),
    "sum(a, 1)": Call("sum", (A,), 1),
    "sum(a, axis=1, keepdims=True)": Call("sum", (A,), 1, keepdims=True),
    "sum(a, axis=1, keepdims=False)": Call("sum", (A,), 1),
    "sum(a, keepdims=True)": Call("sum", (A,), keepdims=True),
    "where(a > 0, b, c)": Call("where", (Binary(">", A, Number(0.0)), B, C)),
    "maximum(a, 0)": Call("maximum", (A, Number(0.0))),
    "a[0]": Index(A, (0,)),
    "a[1, -1]": Index(A, (1, -1)),
    "a[:, 0]": Index(A, ((None, None, None), 0)),
    "a[1:, ::-2]": Index(A, ((1, None, None), (None, None, -2))),
    "a[0].T[1]": Index(Transpose(Index(A, (0,))), (1,)),
    "pi": Name("pi"),
    "np.pi": Name("pi"),
    "np.dot(a.T, b)": Binary("@", Transpose(A), B),
    "a.T.dot(b)": Binary("@", Transpose(A), B),
    "matmul(a, b)": Binary("@", A, B),
    "np.sum(a, axis=0, keepdims=True)": Call("sum", (A,), 0, keepdims=True),
    "a.sum(axis=0)": Call("sum", (A,), 0),
    "(a - b).mean(-1)": Call("mean", (Binary("-", A, B),), -1),
    "a.max(axis=-2, keepdims=True)": Call("max", (A,), -2, keepdims=True),
    "sum(a, axis=(0, 1))": Call("sum", (A,), (0, 1)),
    "sum(a, axis=(-1,))": Call("sum", (A,), -1),
    "sum(a, axis=None)": Call("sum", (A,)),
    "a[0].sum(axis=-1)": Call("sum", (Index(A, (0,)),), -1),
    "np.multiply(a, np.subtract(1, b))": Binary("*", A, Binary("-", Number(1.0), B)),
    "np.power(a, 2)": Binary("**", A, Number(2.0)),
    "np.negative(a)": Unary("-", A),
    "np.greater(a, 0)": Binary(">", A, Number(0.0)),
    "np.linalg.norm(a)": Call("norm", (A,)),
    "np.linalg.norm(a, 2, axis=1)": Call("norm", (A,), 1),
    "np.linalg.norm(a, None, 1, True)": Call("norm", (A,), 1, True),
    "np.absolute(a)": Call("abs", (A,)),
    "a.transpose()": Transpose(A),
    "np.clip(a, 0, 1)": Call("clip", (A, Number(0), Number(1))),
    "(a > 0).astype(float)": Call("where", (Binary(">", A, Number(0.0)), Number(1.0), Number(0.0))),
    "a.astype(np.float64)": Binary("*", A, Number(1.0)),
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_the_grammar_reads_as_python_does(text):
    assert parse(text).tree == ACCEPTED[text]


PLAIN = [name for name, row in FUNCTIONS.items() if row.cellwise or row.reduces]


@pytest.mark.parametrize("name", PLAIN)
def test_every_function_is_callable_with_its_own_number_of_arguments_only(name):
    row = FUNCTIONS[name]
    arguments = ["a"] * row.arity
    assert parse(f"{name}({', '.join(arguments)})").tree == Call(name, (A,) * row.arity)
    for wrong in ([], [*arguments, "a", "a"]):
        with pytest.raises(FormulaError, match=name):
            parse(f"{name}({', '.join(wrong)})")
    if not row.axes:
        with pytest.raises(FormulaError, match="takes no argument 'axis'"):
            parse(f"{name}({', '.join(arguments)}, axis=0)")


@settings(max_examples=400, deadline=None)
@given(tree=trees())
def test_the_text_of_a_tree_parses_to_the_same_tree(tree):
    assert parse(to_text(tree), KNOWN).tree == tree


@settings(max_examples=200, deadline=None)
@given(tree=trees())
def test_writing_what_was_parsed_changes_nothing(tree):
    text = to_text(tree)
    assert to_text(parse(text, KNOWN).tree) == text


@settings(max_examples=150, deadline=None)
@given(tree=trees())
def test_every_node_knows_its_column(tree):
    text = to_text(tree)
    for node in walk(parse(text, KNOWN).tree):
        rest = text[node.column - 1 :]
        if isinstance(node, Name):
            assert rest.startswith(node.name)
        elif isinstance(node, Call):
            assert rest.startswith(f"{node.function}(")
        elif isinstance(node, Unary) or (isinstance(node, Binary) and node.operator not in ("and", "or")):
            assert rest.startswith(node.operator)


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "**", "@"])
def test_an_operator_knows_its_column_between_parentheses_and_blanks(operator):
    text = f"( (aé) ) {operator}  ( b )"
    assert parse(text).tree.column == text.index(operator) + 1


REFUSED = [
    ("", 1, "found nothing"),
    ("   ", 1, "found nothing"),
    ("a +", None, "not a formula"),
    ("a b", None, ""),
    ("(a", 1, "never closed"),
    ("a)", 2, "unmatched"),
    ("a ; b", 3, ""),
    ("a = b", 3, "without '='"),
    ("a1.shape[b]", 10, "a shape's axis is a whole number"),
    ("a.sort()", 1, "'a.sort' cannot be called here; no line sorts"),
    ("a.partition(2)", 1, "'a.partition' cannot be called here; what may follow a value is"),
    ("np.random.seed(0)", 1, "unknown function 'random.seed'"),
    ("np.load('x')", 1, "unknown function 'load'"),
    ("os.system('x')", 1, "'os.system' cannot be called here"),
    ("np.dot(a)", 1, "dot does not take 1 arguments"),
    ("np.add(a, b, out=c)", 1, "add does not take 2 arguments and keywords"),
    ("a.sum(axis=0, out=b)", 1, "sum takes no argument 'out'"),
    ("np.exp", 1, "'.exp'"),
    ("z + a1.shapes", 5, "'.shapes' is not in the language, and there is no tensor a1.shapes; what may follow a value is .T"),
    ("a.t", 1, "'.t'"),
    ("a.T.__class__", 1, "'.__class__'"),
    ("é + a.q", 5, "'.q'"),
    ("𝐱𝐲 * (a.q)", 7, "'.q'"),
    ("__import__('os')", 1, "unknown function '__import__'"),
    ("1 + eval('1')", 5, "unknown function 'eval'"),
    ("print(a)", 1, "unknown function 'print'"),
    ("mod(a, 2)", 1, "it is written x - n * floor(x / n)"),
    ("tnh(a)", 1, "did you mean 'tanh'?"),
    ("median(a)", 1, "no line sorts"),
    ("np.linalg.norm(a, 1, axis=1)", 1, "of order 1 this is another one"),
    ("np.linalg.norm(a, 2)", 1, "of order 2 this is another one"),
    ("summ(a)", 1, "did you mean 'sum'?"),
    ("Sum(a)", 1, "did you mean 'sum'?"),
    ("exp(a)(b)", 1, "only the functions of the language can be called"),
    ("a.T()", 1, "'a.T' cannot be called here"),
    ("(lambda: 1)()", 2, "a formula has no lambda"),
    ("lambda: a", 1, "no lambda"),
    ("a if b else c", 1, "where(condition, a, b)"),
    ("[a, b]", 1, "a list stands in brackets of a function that takes one"),
    ("[a for a in b]", 1, "no loops"),
    ("{a for a in b}", 1, "setcomp"),
    ("{a: b for a in b}", 1, "dictcomp"),
    ("sum(a for a in b)", 4, "no loops"),
    ("(a, b)", 1, "found a comma"),
    ("a, b", 1, "found a comma"),
    ("{}", 1, "no {…}"),
    ("{a}", 1, "no {…}"),
    ("(a := 1)", 2, "no :="),
    ("f'{a}'", 1, "no texts"),
    ("'a'", 1, "a number is expected; found 'a'"),
    ("a + 'b'", 5, "a number is expected"),
    ("b'a'", 1, "a number is expected"),
    ("True", 1, "a number is expected; found True"),
    ("None", 1, "a number is expected; found None"),
    ("...", 1, "a number is expected"),
    ("a + 1j", 5, "a number is expected; found 1j"),
    (f"a * 1{'0' * 400}", 5, "too large"),
    ("a % b", 3, "no %"),
    ("a ^ 2", 3, "write ** for a power"),
    ("a << b", 3, "operator"),
    ("a >> b", 3, "operator"),
    ("a is b", 6, "comparisons are"),
    ("a not in b", 10, "comparisons are"),
    ("max(*a)", 5, "no *arguments"),
    ("max(**a)", 1, "takes no argument"),
    ("max()", 1, "takes 1 argument"),
    ("a + max(a, b, c)", 5, "max takes 1 argument"),
    ("maximum(a)", 1, "takes 2 arguments; found 1"),
    ("exp(u=a)", 1, "takes no argument 'u'"),
    ("sum(a, dtype=b)", 1, "takes no argument 'dtype'"),
    ("sum(a, axis=(0, 0))", 13, "axis is a whole number"),
    ("sum(a, axis=(0, 1, 0))", 13, "axis is a whole number"),
    ("sum(a, axis=())", 13, "axis is a whole number"),
    ("sum(a, axis=True)", 13, "axis is a whole number"),
    ("sum(a, axis=b)", 13, "axis is a whole number"),
    ("a[0.5]", 3, "an index is a whole number"),
    ("a[True]", 3, "an index is a whole number"),
    ("a[99999999999]", 3, "an index is a whole number"),
    ("await a", 1, "await"),
    ("(yield)", 2, "yield"),
    ("import os", 1, ""),
]


@pytest.mark.parametrize(("text", "column", "fragment"), REFUSED, ids=[row[0][:30] for row in REFUSED])
def test_what_is_not_in_the_language_is_refused_at_its_column(text, column, fragment):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert fragment in caught.value.message
    if column is None:  # Python's own, which is not the same in all of its versions
        return
    assert caught.value.column == column


@pytest.mark.parametrize("text", ["sum(a, axis=0", "sum(a, axis=0) )", "sum(a, axis=0) b"])
def test_the_equals_sign_of_an_axis_is_not_blamed_for_another_mistake(text):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert "without '='" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    ["sum(a, keepdims=1)", "sum(a, axis=0, keepdims=None)", "sum(a, keepdims=__import__('os'))", "sum(a, axis=0, keepdims=b.c)"],
)
def test_keepdims_is_read_and_not_ignored(text):
    with pytest.raises(FormulaError, match="keepdims"):
        parse(text)


@pytest.mark.parametrize("text", ["sum(a, 0, axis=1)", "sum(a, 1, axis=1)"])
def test_an_axis_given_twice_is_refused(text):
    with pytest.raises(FormulaError, match="axis"):
        parse(text)


@pytest.mark.parametrize("text", ["1e999", "a * 1e999"])
def test_a_literal_beyond_the_floats_is_refused_or_written_again(text):
    try:
        tree = parse(text).tree
    except FormulaError as error:
        assert "too large" in error.message
    else:
        assert parse(to_text(tree)).tree == tree


def test_the_transpose_of_a_literal_is_written_so_that_it_parses():
    tree = parse("(2).T").tree
    assert parse(to_text(tree)).tree == tree


def test_an_empty_subscript_is_refused_or_written_so_that_it_parses():
    try:
        tree = parse("a[()]").tree
    except FormulaError:
        return
    assert parse(to_text(tree)).tree == tree


@pytest.mark.parametrize("text", ["1or 2", "'\\d'", "0x1for a"])
def test_python_s_own_warnings_do_not_reach_the_user(text):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with suppress(FormulaError):
            parse(text)
    assert not seen


def test_parsing_runs_nothing(monkeypatch):
    called = []
    monkeypatch.setitem(sys.modules, "bpdebug_trap", None)
    monkeypatch.setattr("builtins.print", lambda *a: called.append(a))
    for text in ("print(1)", "[print(1) for a in b]", "f'{print(1)}'", "(lambda: print(1))()", "sum(print(1))", "a[print(1)]"):
        with pytest.raises(FormulaError):
            parse(text)
    assert not called


def test_length_is_bounded_exactly():
    text = "a+" * (MAXIMUM_LENGTH // 2 - 1) + "a"
    assert len(text) == MAXIMUM_LENGTH - 1
    with pytest.raises(FormulaError, match=f"at most {MAXIMUM_LENGTH}"):
        parse(" " * MAXIMUM_LENGTH + "a")
    with pytest.raises(FormulaError, match="deep"):
        parse(text)


@pytest.mark.parametrize("opening", ["(", "exp(", "-", "not ", "a + (", "a[0][", "2 ** "])
def test_depth_is_bounded_without_a_traceback(opening):
    with pytest.raises(FormulaError):
        parse(opening * 500 + "a")


@pytest.mark.parametrize("text", ["-" * 1900 + "a", "not " * 480 + "a", "a.T" + ".T" * 900, "a" + "[0]" * 600, "a" + "**a" * 600])
def test_long_chains_are_refused_as_formula_errors_not_as_crashes(text):
    with pytest.raises(FormulaError):
        parse(text)


def test_the_depth_that_is_allowed_parses():
    assert parse("(" * MAXIMUM_DEPTH + "a" + ")" * MAXIMUM_DEPTH).tree == A
    with pytest.raises(FormulaError, match=f"more than {MAXIMUM_DEPTH} deep") as caught:
        parse("(" * (MAXIMUM_DEPTH + 1) + "a" + ")" * (MAXIMUM_DEPTH + 1))
    assert caught.value.column == MAXIMUM_DEPTH + 1


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="ab1.T@+-*/()[]<>=:, '\"\\{}#\nlé\x00ː_if", max_size=30))
def test_any_text_gives_a_tree_or_a_formula_error_inside_the_text(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parse(text, KNOWN)
        except FormulaError as error:
            assert 1 <= error.column <= max(len(text), 1) + 1


class TestPartialNames:
    def test_a_known_partial_is_one_name(self):
        assert parse("da1@z2 + da1@r2", KNOWN).tree == Binary("+", Name("da1@z2"), Name("da1@r2"))

    def test_blanks_around_the_sign_make_it_a_product(self):
        assert parse("da1 @ z2", KNOWN).tree == Binary("@", Name("da1"), Name("z2"))

    def test_without_partials_of_that_name_the_sign_is_a_product(self):
        assert parse("dz2@W2.T", KNOWN).tree == Binary("@", Name("dz2"), Transpose(Name("W2")))
        assert parse("da1@z2").tree == Binary("@", Name("da1"), Name("z2"))

    @pytest.mark.parametrize("text", ["xda1@z2", "da1@z22", "da1@z2@c", "c@da1@z2"])
    def test_a_longer_word_is_not_the_partial(self, text):
        assert "da1@z2" not in parse(text, KNOWN).names

    def test_a_partial_can_be_transposed_indexed_and_summed(self):
        assert parse("sum(da1@z2.T[0])", KNOWN).tree == Call("sum", (Index(Transpose(Name("da1@z2")), (0,)),))

    def test_columns_after_a_partial_are_those_of_the_text(self):
        text = "da1@z2 * a.q"
        with pytest.raises(FormulaError) as caught:
            parse(text, KNOWN)
        assert caught.value.column == text.index("a.q") + 1

    def test_the_names_are_the_partials(self):
        assert parse("da1@z2 + a1 + da1@z2", KNOWN).names == ("da1@z2", "a1")


class TestAssignment:
    def test_target_and_formula(self):
        target, formula = parse_assignment(" dW2 =  a1.T @ dz2 ")
        assert (target, formula.text) == ("dW2", "a1.T @ dz2")

    def test_a_partial_can_be_the_target(self):
        assert parse_assignment("da1@z2 = g")[0] == "da1@z2"

    def test_a_comparison_on_the_right_stays_there(self):
        assert parse_assignment("a = b == c")[1].tree == Binary("==", B, C)

    @pytest.mark.parametrize(
        ("text", "column"),
        [("a", 2), ("a == b", 7), ("2 = a", 1), ("a + b = c", 1), ("a >= b", 1), ("= a", 1), ("a =  b.q", 6), ("a =", 4)],
    )
    def test_refusals_have_the_column_of_the_whole_text(self, text, column):
        with pytest.raises(FormulaError) as caught:
            parse_assignment(text)
        assert caught.value.column == column
        assert caught.value.text == text


@pytest.mark.parametrize(("word", "expected"), [("dw2", "; did you mean 'dW2'?"), ("loss_", "; did you mean 'loss'?"), ("qqqqq", "")])
def test_suggestions_ignore_case_and_say_nothing_where_nothing_is_close(word, expected):
    assert suggestion(word, ("dW2", "loss", "z1")) == expected


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("W[0]@W[0].T", ("W[0]",)),
        ("blocks.0.weight@blocks.0.weight.T", ("blocks.0.weight",)),
        ("W[0][1, 0] + W", ("W[0]", "W")),
        ("data1 * d.data1", ("data1", "d.data1")),
        ("blocks.0.weight.grad * blocks.0.weight", ("blocks.0.weight.grad", "blocks.0.weight")),
    ],
)
def test_names_that_python_cannot_read_are_read_longest_first(text, read):
    assert parse(text, Vocabulary(frozenset({"W[0]", "blocks.0.weight", "blocks.0.weight.grad", "d.data1"}))).names == read


def test_a_word_that_begins_with_such_a_name_is_refused_in_its_own_words():
    with pytest.raises(FormulaError) as caught:
        parse("W[0]x", Vocabulary(frozenset({"W[0]"})))
    assert "\u02d0" not in str(caught.value)


def test_a_list_in_the_place_of_a_value_is_an_array_as_in_numpy():
    a = np.arange(3.0)
    for text, due in {"sum([a, 2 * a], axis=0)": 3 * a, "mean([[a, a], [a, 3 * a]], axis=1)": np.array([a, 2 * a])}.items():
        np.testing.assert_array_equal(evaluate(parse(text), {"a": a}), due)
        assert parse(to_text(parse(text).tree)).tree == parse(text).tree
