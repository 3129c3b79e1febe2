"""The ways in which people write a forward and a backward pass, each right and each with a mistake."""

from __future__ import annotations

import random

import numpy as np
import pytest
from testing import layers

from bpdebug.testing import GradientError, Untold, check_backward

NORMAL = np.random.default_rng(7).standard_normal
X, W, B = NORMAL((4, 3)), NORMAL((3, 2)), NORMAL(2)


def wrong(*arguments, **keywords):
    """The finding of a pair that is wrong."""
    with pytest.raises(GradientError) as failure:
        check_backward(*arguments, save=None, **keywords)
    return failure.value.finding


def right(*arguments, **keywords):
    """The judgement of a pair that is right throughout."""
    judgement = check_backward(*arguments, save=None, **keywords)
    assert judgement.ok
    assert not judgement.doubts
    return judgement


@pytest.mark.parametrize("layer", layers.ten(np.random.default_rng(0)), ids=lambda layer: layer[0])
def test_a_course_s_layers(layer):
    _, forward, backward, inputs, keywords = layer
    right(forward, backward, *inputs, **keywords)


def test_without_a_cache_the_inputs_may_come_back_in_any_order():
    forward = np.tanh
    right(forward, lambda dout, x: dout * (1 - np.tanh(x) ** 2), X)
    right(forward, lambda x, dout: dout * (1 - np.tanh(x) ** 2), X)
    right(forward, lambda dout, out: dout * (1 - out**2), X)
    assert wrong(forward, lambda dout, x: dout * (1 - np.tanh(x)), X).name == "dx"


def test_an_elementwise_derivative():
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    right(sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x)), X)
    right(np.sin, np.cos, X)
    assert wrong(sigmoid, lambda x: sigmoid(x) * (1 + sigmoid(x)), X).name == "dx"


def test_a_derivative_written_over_the_output_is_a_convention_that_is_named():
    with pytest.warns(Untold, match="takes the output of forward"):
        judgement = check_backward(lambda x: 1 / (1 + np.exp(-x)), lambda a: a * (1 - a), X, save=None)
    assert judgement.findings[0].status == "convention"
    with pytest.raises(GradientError):
        check_backward(lambda x: 1 / (1 + np.exp(-x)), lambda a: a * (1 - a), X, save=None, strict=True)


def test_a_closure_keeps_the_cache():
    kept = {}

    def forward(x):
        kept["x"] = x
        return x**2

    right(forward, lambda dout: 2 * kept["x"] * dout, X)
    assert wrong(forward, lambda dout: 2.6 * kept["x"] * dout, X).suspects[0].kind == "stray_factor"


def test_several_outputs_each_get_a_cotangent():
    def forward(x, h):
        new = np.tanh(x + h)
        return new, new * h, (x, h, new)

    def backward(dnew, dscaled, cache):
        _, h, new = cache
        dz = (dnew + dscaled * h) * (1 - new**2)
        return dz, dz + dscaled * new

    right(forward, backward, X, NORMAL(X.shape))
    assert wrong(forward, lambda dn, ds, cache: backward(dn, 0 * ds, cache), X, NORMAL(X.shape)).name == "dx"


def test_a_loss_that_gives_its_gradient():
    y = np.array([0, 2, 1, 1])
    right(layers.softmax_loss, X, y)
    finding = wrong(lambda x, y: (layers.softmax_loss(x, y)[0], 4 * layers.softmax_loss(x, y)[1]), X, y)
    assert finding.suspects[0].kind == "sum_for_mean"


def test_a_loss_with_gradients_by_name():
    def loss(params, x):
        out = x @ params["W1"] + params["b1"]
        return (out**2).sum(), {"W1": x.T @ (2 * out), "b1": (2 * out).sum(axis=0)}

    right(loss, {"W1": W, "b1": B}, X)

    def forgot(params, x):
        value, grads = loss(params, x)
        return value, grads | {"b1": grads["b1"] / 2}

    assert "b1" in wrong(forgot, {"W1": W, "b1": B}, X).name


@pytest.mark.parametrize("shape", [(3, 2), (3, 3)])
def test_parameters_in_a_list_get_a_list_of_gradients(shape):
    def backward(dout, cache):
        x, (first, second) = cache
        return dout @ (first + second).T, [x.T @ dout, x.T @ dout]

    def forward(x, params):
        return x @ params[0] + x @ params[1], (x, params)

    judgement = right(forward, backward, X, [NORMAL(shape), NORMAL(shape)])
    assert [finding.name for finding in judgement.findings] == ["dx", "d(params[0])", "d(params[1])"]
    name = wrong(forward, lambda dout, c: (backward(dout, c)[0], [2 * backward(dout, c)[1][0], backward(dout, c)[1][1]]), X, [W, W]).name
    assert name == "d(params[0])"


def test_gradients_in_another_order_are_read_by_their_shapes():
    def backward(dout, cache):
        dx, dw, db = layers.affine_backward(dout, cache)
        return dw, db, dx

    right(layers.affine_forward, backward, X, W, B)


def test_integers_are_labels_and_no_floats_at_all_is_refused():
    rows = np.array([0, 1, 1, 3])
    table = NORMAL((4, 2))

    def backward(dout, cache):
        found = np.zeros_like(cache[1])
        np.add.at(found, cache[0], dout)
        return found

    def overwriting(dout, cache):
        found = np.zeros_like(cache[1])
        found[cache[0]] = dout
        return found

    def forward(rows, table):
        return table[rows], (rows, table)

    assert [finding.name for finding in right(forward, backward, rows, table).findings] == ["dtable"]
    assert wrong(forward, overwriting, rows, table).name == "dtable"
    with pytest.raises(ValueError, match="nothing to differentiate"):
        check_backward(np.tanh, lambda dout: dout, np.arange(3), save=None)


def test_inputs_are_never_changed_and_a_forward_that_would_is_told():
    def forward(x):
        x[x < 0] = 0
        return x, x

    x = X.copy()
    judgement = right(forward, lambda dout, x: dout * (x > 0), x)
    assert (x == X).all()
    assert "forward changes x in place" in str(judgement)


def test_inputs_that_depend_on_each_other_are_varied_each_by_itself():
    x = NORMAL((3, 3))
    right(lambda a, b: (a @ b, (a, b)), lambda dout, c: (dout @ c[1].T, c[0].T @ dout), x, x.T)
    right(lambda a, b: (a * b, (a, b)), lambda dout, c: (dout * c[1], dout * c[0]), x, x)


@pytest.mark.parametrize("source", ["numpy", "python", "generator", "closure"])
def test_dropout_masks_are_held_still(source):
    generator = np.random.default_rng(0)

    def mask_of(shape, own=None):
        if source == "python":
            return np.array([random.random() < 0.5 for _ in range(int(np.prod(shape)))]).reshape(shape)  # noqa: S311
        return (np.random.rand(*shape) if source == "numpy" else (own or generator).random(shape)) < 0.5

    def forward(x, **more):
        mask = mask_of(x.shape, more.get("rng"))
        return 2 * x * mask, mask

    keywords = {"rng": np.random.default_rng(1)} if source == "generator" else {}
    right(forward, lambda dout, mask: 2 * dout * mask, X, **keywords)
    finding = wrong(forward, lambda dout, mask: 2 * dout * mask_of(dout.shape), NORMAL((6, 6)), **keywords)
    assert finding.name == "dx"


def test_what_is_random_from_elsewhere_cannot_be_told():
    import os

    def forward(x):
        return x + int.from_bytes(os.urandom(4)), x

    with pytest.warns(Untold, match="same twice"):
        assert not check_backward(forward, lambda dout, x: dout, X, save=None).ok


@pytest.mark.parametrize(("wrong_db", "said"), [((4, 2), "sum over axis 0"), ((1, 2), ""), ((2, 1), ""), ((), "a sum too many")])
def test_a_gradient_of_another_shape(wrong_db, said):
    def backward(dout, cache):
        dx, dw, db = layers.affine_backward(dout, cache)
        return dx, dw, dout if wrong_db == (4, 2) else db.sum() if wrong_db == () else db.reshape(wrong_db)

    if not said:
        assert "only axes of length 1" in str(right(layers.affine_forward, backward, X, W, B))
        return
    finding = wrong(layers.affine_forward, backward, X, W, B)
    assert (finding.name, finding.error) == ("db", np.inf)
    assert said in str(finding.suspects[0])


def test_single_precision_is_judged_by_its_own_rounding():
    x, w, b = (value.astype(np.float32) for value in (X, W, B))
    right(layers.affine_forward, layers.affine_backward, x, w, b)

    def stubborn(x):
        return np.tanh(x.astype(np.float32)), x

    right(stubborn, lambda dout, x: (dout * (1 - np.tanh(x) ** 2)).astype(np.float32), x)
    assert wrong(stubborn, lambda dout, x: 1.5 * dout * (1 - np.tanh(x) ** 2), x).name == "dx"


def test_plain_floats():
    right(np.sin, np.cos, 0.5)
    assert wrong(np.sin, np.sin, 0.5).name == "dx"


def test_one_cell_of_many_is_found():
    def forward(x):
        return x**3, x

    def backward(dout, x):
        dx = dout * 3 * x**2
        dx[123, 45] *= 1 + 1e-4
        return dx

    finding = wrong(forward, backward, NORMAL((130, 60)))
    assert (finding.cell, finding.suspects[0].kind) == ((123, 45), "one_cell")


def test_a_large_relu_with_many_zeros_is_judged():
    x = np.maximum(NORMAL((60, 100)), 0)
    judgement = right(lambda x: (np.maximum(x, 0), x), lambda dout, x: dout * (x > 0), x)
    assert judgement.findings[0].kinks
    finding = wrong(lambda x: (np.maximum(x, 0), x), lambda dout, x: dout * np.where(x > 0, 1, -1), x)
    assert finding.name == "dx"


class Tensor:
    """A tensor of some framework: no array, but it becomes one."""

    def __init__(self, value):
        self.value = np.asarray(value)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.value, dtype)


def test_anything_that_becomes_an_array():
    def forward(x):
        assert isinstance(x, Tensor)
        return Tensor(np.tanh(x.value)), x

    def backward(dout, x):
        assert isinstance(dout, Tensor)
        return Tensor(dout.value * (1 - np.tanh(x.value) ** 2))

    right(forward, backward, Tensor(X))


def test_the_gradient_of_a_loss_is_that_of_the_prediction_also_where_the_target_comes_first():
    def loss(y_true, y_pred):
        return ((y_true - y_pred) ** 2).mean()

    y, a = NORMAL((4, 1)), NORMAL((4, 1))
    right(loss, lambda y_true, y_pred: 2 * (y_pred - y_true) / y_true.size, y, a)
    finding = wrong(loss, lambda y_true, y_pred: 2 * (y_true - y_pred) / y_true.size, y, a)
    assert (finding.name, finding.suspects[0].kind) == ("dy_pred", "sign")


def test_a_loss_whose_backward_takes_no_notice_of_what_arrives():
    with pytest.warns(Untold, match="whatever arrives"):
        judgement = check_backward(lambda x: ((x**2).sum(), x), lambda dout, x: 2 * x, X, save=None)
    assert judgement.findings[0].status == "convention"
    assert wrong(lambda x: ((x**2).sum(), x), lambda dout, x: 3 * x, X).name == "dx"


def test_arrays_of_a_class_of_their_own_stay_so():
    class Own(np.ndarray):
        def __mul__(self, other):
            return np.matmul(self, other)

    x, w = NORMAL((3, 2)).view(Own), NORMAL((2, 4)).view(Own)
    right(lambda x, w: (x * w, (x, w)), lambda dout, c: (dout @ c[1].T, c[0].T @ dout), x, w)


def test_the_gradient_of_another_input_is_named():
    with pytest.warns(Untold, match="the gradient of b, not of a"):
        check_backward(lambda a, b: a * b, lambda a, b: a, X, NORMAL(X.shape), save=None)


def test_generators_are_left_as_they_were():
    generator = np.random.default_rng(5)
    before = generator.bit_generator.state, np.random.get_state()[1].tolist()
    right(lambda x, rng: (x * (mask := rng.random(x.shape) < np.random.rand()), mask), lambda dout, mask: dout * mask, X, generator)
    assert (generator.bit_generator.state, np.random.get_state()[1].tolist()) == before


def test_an_input_without_a_gradient_is_missed_but_one_for_which_none_is_meant_is_not():
    def forward(x, w, scale):
        return x @ w * scale, (x, w, scale)

    with pytest.warns(Untold, match="w is not judged: no gradient of it was found"):
        check_backward(forward, lambda dout, cache: dout * cache[2] @ cache[1].T, X, W, B, save=None)
    judgement = right(forward, lambda dout, c: (dout * c[2] @ c[1].T, c[0].T @ (dout * c[2]), None), X, W, B)
    assert judgement.unjudged == ("dscale",)


def test_that_only_some_cells_of_a_large_array_were_looked_at_is_said():
    def backward(dout, x):
        return dout * np.where(np.arange(x.size).reshape(x.shape) % 7, 3 * x**2, 0)

    with pytest.raises(GradientError, match=r"cells that were looked at, of 40000 are off"):
        check_backward(lambda x: (x**3, x), backward, NORMAL((200, 200)), save=None)
