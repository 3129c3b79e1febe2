"""The derived backward pass: it reads as a teacher writes it, and it is the adjoint, by dot products with the complex step."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from forms import FORMS, GIVEN, ROWS

from bpdebug.core.derive import derived
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.expansion import spelled_out
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.parser import Formula, parse, parse_assignment
from bpdebug.core.record import replace
from bpdebug.core.shapes import GENERIC_ROWS, infer
from bpdebug.core.structure import Form, form_of, kind_of
from bpdebug.core.tree import Binary, Name, Number

FOLDER = Path(__file__).parent / "derived"


SAMPLES = Form.of((), "i", GENERIC_ROWS)


def axes(text):
    """``m×3`` as a shape."""
    return tuple(GENERIC_ROWS if axis == "m" else int(axis) for axis in text.split("×") if axis)


class Block:
    """Some lines of a golden file over the same tensors."""

    def __init__(self, text):
        self.notes = [line for line in text.splitlines() if line.startswith("#")]
        rest = [line for line in text.splitlines() if not line.startswith(("#", "    "))]
        self.tensors, self.lines = rest[0], [parse_assignment(line) for line in rest[1:]]
        wanted, _, given = self.tensors.partition("|")
        self.wanted, self.shapes = [], {"m": SAMPLES}
        for part in re.split(r"\s{2,}", f"{wanted}  {given}".strip()):
            name, _, shape = part.partition(" ")
            self.shapes[name] = Form.of(axes(shape.removesuffix(" int")), "i" if shape.endswith(" int") else "f")
            self.wanted += [name] if f"  {part}  " in f"  {wanted}  " else []

    def derivations(self):
        """Each line with its derivation and all shapes before it; what a line makes is wanted by those after it."""
        shapes, wanted = dict(self.shapes), list(self.wanted)
        for target, formula in self.lines:
            yield target, formula, derived(target, formula, shapes, wanted), dict(shapes)
            shapes[target] = infer(formula, shapes)
            wanted = [*dict.fromkeys([*wanted, target])]

    def written(self):
        yield from self.notes
        yield self.tensors
        for target, formula, found, _ in self.derivations():
            yield f"{target} = {formula.text}"
            yield from (f"    {name} = {helper.text}" for name, helper in found.inner)
            yield from (f"    d{name} = {gradient.text}" for name, gradient in found.gradients.items())
            yield from (f"    no d{name}: {reason}" for name, reason in found.blocked.items())


def blocks(path):
    return [Block(text) for text in path.read_text("utf-8").strip().split("\n\n")]


def rewritten(path):
    return "\n\n".join("\n".join(block.written()) for block in blocks(path)) + "\n"


FILES = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_derived_pass_is_what_stands_in_the_file(path):
    assert rewritten(path) == path.read_text("utf-8")


KINKED = ("abs", "max", "min", "norm", ">", "std", "elu", "mish", "clip", "sign", "add_at")


def moved_by(formula, values, name, way):
    """How the formula's value moves, by the complex step, or by central differences where a function has no complex extension."""
    if any(kink in formula.text for kink in KINKED):
        ends = [evaluate(formula, values | {name: values[name] + side * way}).astype(float) for side in (1e-6, -1e-6)]
        return (ends[0] - ends[1]) / 2e-6, 1e-8
    return evaluate(formula, values | {name: values[name] + 1e-30j * way}, complex).imag / 1e-30, 1e-12


def off(target, formula, found, shapes, seed=0):
    """By how many times what is allowed ⟨g, J v⟩ and ⟨Jᵀ g, v⟩ are apart, for random cotangents and directions."""
    random = np.random.default_rng(seed)
    own = {name: tuple(ROWS if n == GENERIC_ROWS else n for n in shape) for name, shape in shapes.items()}
    whole = {name for name, shape in shapes.items() if kind_of(shape) == "i"}
    values = {name: random.integers(0, 3, shape) if name in whole else random.uniform(0.2, 0.8, shape) for name, shape in own.items()}
    values |= {name: np.arange(shape[0]) % 2 == 0 for name, shape in own.items() if kind_of(shapes[name]) == "b"}
    values["m"] = np.array(ROWS)
    values[target] = np.asarray(evaluate(formula, values))
    values["g"] = random.standard_normal(values[target].shape)
    for name, helper in found.inner:
        values[name] = evaluate(helper, values)
    worst = 0.0
    for name, gradient in found.gradients.items():
        way = random.standard_normal(own[name])
        moved, allowed = moved_by(formula, values, name, way)
        forwards, backwards = (values["g"] * moved).sum(), (evaluate(gradient, values) * way).sum()
        worst = max(worst, abs(forwards - backwards) / max(abs(forwards), abs(backwards), 1e-3) / allowed)
    return worst


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_line_of_the_files_passes_the_dot_product_test(path):
    for block in blocks(path):
        for target, formula, found, shapes in block.derivations():
            assert off(target, formula, found, shapes) < 1, formula.text


@pytest.mark.parametrize("text", FORMS)
def test_a_form_in_which_a_function_may_be_written_passes_the_dot_product_test(text):
    formula = parse(text)
    found = derived("o", formula, GIVEN, [name for name in formula.names if kind_of(GIVEN[name]) == "f"])
    assert found.gradients
    assert not found.blocked
    assert off("o", formula, found, GIVEN) < 1


def test_the_dot_product_test_notices_a_factor():
    shapes = {"u": (GENERIC_ROWS, 3), "v": (3,)}
    formula = parse("exp(u) * v")
    found = derived("r", formula, shapes, ["u", "v"])
    wrong = found.gradients | {"v": Formula.of(Binary("*", Number(1.001), found.gradients["v"].tree))}
    assert off("r", formula, found, shapes) < 1 < off("r", formula, replace(found, gradients=wrong), shapes)


def test_what_has_no_derivative_passes_no_gradient_and_says_so():
    shapes = {"u": (4, 3), "v": (4, 3), "k": ()}
    found = derived("r", parse("v * (u > k) + argmax(u)"), shapes, ["u", "v", "k"])
    assert {name: gradient.text for name, gradient in found.gradients.items()} == {"v": "g * (u > k)"}
    assert found.blocked == {"u": "u > k has no derivative", "k": "u > k has no derivative"}


def test_what_is_taken_as_given_counts_and_passes_no_gradient():
    shapes = {"u": (4, 3), "v": (4, 3)}
    found = derived("r", parse("u * stop_gradient(u + v)"), shapes, ["u", "v"])
    assert {name: gradient.text for name, gradient in found.gradients.items()} == {"u": "g * stop_gradient(u + v)"}
    assert found.blocked == {"v": "stop_gradient has no derivative"}


def test_what_arrives_may_have_a_name_of_its_own_or_be_the_literal_1():
    shapes = {"g": (GENERIC_ROWS, 1), "y": (GENERIC_ROWS, 1)}
    formula = parse("mean((g - y) ** 2)")
    assert derived("loss", formula, shapes, ["g"], Number(1.0)).gradients["g"].text == "2 * (g - y) / m"
    assert derived("loss", formula, shapes, ["g"], Name("dloss")).gradients["g"].text == "2 * dloss * (g - y) / m"


def test_a_function_without_a_rule_is_refused_with_its_column(monkeypatch):
    monkeypatch.setitem(FUNCTIONS, "tanh", replace(FUNCTIONS["tanh"], slopes=()))
    with pytest.raises(FormulaError, match="the derivative of tanh is not known") as refused:
        derived("r", parse("2 * tanh(u)"), {"u": (3, 3)}, ["u"])
    assert refused.value.column == 5


COMPOSITES = [name for name, row in FUNCTIONS.items() if row.formula and row.adjoint]


@pytest.mark.parametrize("name", COMPOSITES)
def test_what_a_composite_passes_back_is_what_its_formula_does(name):
    row, shapes = FUNCTIONS[name], {"u": (4, 3), "low": (), "high": (), "i": Form.of((4,), "i")}
    values = {
        "u": np.random.default_rng(1).standard_normal((4, 3)),
        "low": np.array(-0.5),
        "high": np.array(0.7),
        "i": np.array([2, 0, 1, 2]),
    }
    more = {"clip": ", low, high", "cross_entropy": ", i"}.get(name, "")
    formula = parse(f"{name}(u{more}{', axis=1' * bool(row.axes)}{', keepdims=True' * row.reduces})")
    found = []
    for one in (formula, Formula("", spelled_out(formula.tree))):
        made = derived("r", one, shapes, ["u"])
        own = values | {"r": evaluate(one, values), "g": np.random.default_rng(2).standard_normal(infer(one, shapes))}
        for helper, inner in made.inner:
            own[helper] = evaluate(inner, own)
        found.append(evaluate(made.gradients["u"], own))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [name for name, row in OPERATIONS.items() if row.symbol and name in FUNCTIONS])
def test_a_layer_and_a_line_have_one_derivative_of_an_activation(name):
    made = derived("a", parse(f"{name}(z{', axis=1' * (name == 'softmax')})"), {"z": (4, 3)}, ["z"])
    row = OPERATIONS[name]
    values = {"z": np.random.default_rng(1).standard_normal((4, 3)), "g": np.random.default_rng(2).standard_normal((4, 3))}
    values |= {key: np.array(value) for key, value in row.constants.items()} | {"a": evaluate(parse(f"{name}(z)"), values)}
    for inner, formula in made.inner:
        values[inner] = evaluate(formula, values)
    np.testing.assert_allclose(evaluate(made.gradients["z"], values), evaluate(row.gradients["z"], values), rtol=1e-13)


def test_equal_extremes_share_what_comes_back():
    """The mean of the slopes to both sides, whichever of the two moves; all to one of them would be a slope to one side only."""
    values = {"u": np.array([1.0, 3.0, 3.0]), "g": np.array(1.0), "r": np.array(3.0)}
    np.testing.assert_array_equal(evaluate(derived("r", parse("max(u)"), {"u": (3,)}, ["u"]).gradients["u"], values), [0, 0.5, 0.5])


def test_at_the_corner_relu_passes_nothing_and_of_two_equal_tensors_the_second_passes_all():
    zero = {"u": np.zeros(2), "v": np.zeros(2), "g": np.ones(2)}
    shapes = {"u": (2,), "v": (2,)}
    for text, expected in (("maximum(u, 0)", {"u": 0}), ("maximum(0, u)", {"u": 0}), ("maximum(u, v)", {"u": 0, "v": 1})):
        found = derived("r", parse(text), shapes, ["u", "v"]).gradients
        assert {name: float(evaluate(gradient, zero).sum() / 2) for name, gradient in found.items()} == expected


if __name__ == "__main__":
    for file in FILES:
        file.write_text(rewritten(file), "utf-8")


STEPS = ["maximum(u, 0)", "minimum(u, 1)", "relu(u)", "clip(u, -1, 1)", "2 * u", "where(u > 0, u, 0)"]


@pytest.mark.parametrize("arriving", [Number(1.0), Number(-2.0), Name("g")])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("between", "+-")
def test_slopes_that_are_truth_values_add_up_as_numbers(between, sign, arriving):
    u = np.array([[-1.5, -0.5, 0.25], [0.75, 1.25, 3.0]])
    for one in STEPS:
        for other in STEPS:
            formula = parse(f"{sign}sum({one} {between} {other})")
            made = derived("loss", formula, {"u": u.shape}, ["u"], arriving)
            known = {"u": u, "g": np.array(3.0)} | {name: evaluate(inner, {"u": u, "g": np.array(3.0)}) for name, inner in made.inner}
            found = evaluate(made.gradients["u"], known)
            wanted = np.zeros_like(u)
            for cell in np.ndindex(u.shape):
                up, down = u.copy(), u.copy()
                up[cell], down[cell] = up[cell] + 1e-6, down[cell] - 1e-6
                wanted[cell] = (evaluate(formula, {"u": up}) - evaluate(formula, {"u": down})) / 2e-6
            wanted *= getattr(arriving, "value", 3.0)
            assert np.allclose(np.broadcast_to(found, u.shape), wanted, atol=1e-6), (formula.text, made.gradients["u"].text)


TRUTHS = """
-sum(u * b) ; -(u * b) ; -sum(u * b[None]) ; b - u * b ; -(u.T * B.T) ; -u * maximum(b, B) ; -u * where(B, b, B) ; -u * abs(b)
-u * concatenate([B[:1], B[1:]]) ; -u * stack([b, b]) ; u * b + u * B + u * ~B ; -u * swapaxes(B.T, 0, 1) ; -u[0] * any(B, axis=0)
"""


@pytest.mark.parametrize("text", re.split(r" ; |\n", TRUTHS.strip()))
def test_a_tensor_of_truth_values_has_no_opposite_either(text):
    values = {"u": np.array([[0.5, -1, 2], [3, 0.25, 1]]), "b": np.array([True, False, True]), "B": np.array([[True] * 3, [False] * 3])}
    shapes = {name: form_of(value) for name, value in values.items()}
    formula = parse(text)
    made = derived("o", formula, shapes, ["u"])
    values["g"] = np.full(np.shape(evaluate(formula, values)), 3.0)
    values |= {name: evaluate(inner, values) for name, inner in made.inner}
    moved = evaluate(formula, {**values, "u": values["u"] + 1.0}) - evaluate(formula, values)
    assert np.isclose(evaluate(made.gradients["u"], values).sum(), 3.0 * moved.sum()), made.gradients["u"].text


@pytest.mark.parametrize(("kind", "expected"), [("b", "where(b, -1, 0)"), ("f", "-b")])
def test_what_is_a_truth_value_in_one_program_may_be_a_number_in_another(kind, expected):
    found = derived("o", parse("-sum(u * b)"), {"u": (3,), "b": Form.of((3,), kind)}, ["u"], Number(1)).gradients["u"]
    assert found.text == expected and found.tree == parse(expected).tree  # nothing of the one is left in the tree


def test_what_stops_a_gradient_within_a_function_that_is_made_of_others_is_named():
    found = derived("loss", parse("cross_entropy(z, n)"), {"z": (4, 3), "n": Form.of((4,), "i")}, ["n"])
    assert found.blocked == {"n": "one_hot has no derivative"}


@pytest.mark.parametrize(
    ("text", "stop"), [("C[x]", "C[x]"), ("where(x, C[0], C[1])", "where"), ("C[x] + sign(x)", "sign"), ("C * len(x)", "x.shape[0]")]
)
def test_what_only_says_which_cells_are_meant_is_what_stops_a_gradient(text, stop):
    shapes = {"C": (5, 2), "x": Form.of((2,), "b" if "where" in text else "i")}
    found = derived("out", parse(text), shapes, ["x"])
    assert found.gradients == {} and found.blocked == {"x": f"{stop} has no derivative"}
