"""A right pair is never accused, and a wrong one never passes in silence, whatever the numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from testing import layers, planted, right

from bpdebug.testing import GradientError, Untold, check_backward

RIGHT = [100, pytest.param(2000, marks=pytest.mark.long)]
PLANTED = [60, pytest.param(1200, marks=pytest.mark.long)]


def outcome(forward, backward, inputs, keywords):
    """``right``, ``wrong`` or ``untold``, with what was said."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Untold)
        try:
            check_backward(forward, backward, *inputs, save=None, **keywords)
        except GradientError as failure:
            return "wrong", failure
        except Untold as doubt:
            return "untold", doubt
    return "right", None


@pytest.mark.parametrize("pairs", RIGHT)
def test_nothing_right_is_accused(pairs):
    generator = np.random.default_rng(11)
    count = {"right": 0, "untold": 0}
    for _ in range(pairs):
        said, *pair = right.right_pair(generator)
        found, words = outcome(*pair)
        assert found != "wrong", f"{said}: {words}"
        count[found] += 1
    assert count["untold"] <= 0.03 * pairs


@pytest.mark.parametrize("pairs", PLANTED)
def test_nothing_wrong_passes_in_silence(pairs):
    generator = np.random.default_rng(12)
    count = {"wrong": 0, "untold": 0}
    while sum(count.values()) < pairs:
        said, which, *pair = planted.planted(generator)
        found, words = outcome(*pair)
        if planted.matters(which):
            assert found != "right", f"{said}: {which}"
            count[found] += 1
            if found == "wrong":
                values = [value for value in pair[2] if getattr(value, "dtype", np.dtype(int)).kind == "f"]
                assert words.finding.ours.shape == np.asarray(which[2]).shape or len(values) > 1, said
    assert count["untold"] <= 0.05 * pairs


@pytest.mark.parametrize(
    ("forward", "backward", "shapes", "name", "kind"),
    [
        (layers.batchnorm_forward, planted.mean_as_constant, [(5, 4), (4,), (4,)], "dx", "path_missing"),
        (layers.batchnorm_forward, planted.dbeta_not_summed, [(5, 4), (4,), (4,)], "dbeta", "not_summed"),
        (layers.batchnorm_forward, planted.gamma_left_out, [(5, 4), (4,), (4,)], "dx", "factor_missing"),
        (layers.conv_forward, planted.flipped_kernel, [(2, 3, 4, 4), (2, 3, 3, 3), (2,)], "dw", "flipped"),
        (layers.dropout_forward, planted.mask_drawn_again, [(6, 6)], "dx", ""),
        (right.softmax_forward, planted.softmax_by_its_diagonal, [(3, 4)], "dx", "diagonal"),
    ],
    ids=lambda part: getattr(part, "__name__", None) and part.__name__,
)
def test_faults_seen_in_the_wild(forward, backward, shapes, name, kind):
    generator = np.random.default_rng(13)
    inputs = [generator.standard_normal(shape) for shape in shapes]
    keywords = {"bn_param": {"mode": "train"}} if forward is layers.batchnorm_forward else {}
    with pytest.raises(GradientError) as failure:
        check_backward(forward, backward, *inputs, save=None, **keywords)
    finding = failure.value.finding
    assert finding.name == name
    assert kind in ("", *(suspect.kind for suspect in finding.suspects))
    assert [finding.name for finding in failure.value.judgement.findings if finding.says.accuses] == [name]


def test_a_pooling_gradient_that_goes_to_all_ties_is_neither_accused_nor_passed_over():
    x = np.zeros((1, 1, 4, 4))

    def to_all(dout, cache):
        shape, _, size = cache
        return np.repeat(np.repeat(dout, size, axis=2), size, axis=3).reshape(shape)

    with pytest.warns(Untold, match="where cells are tied"):
        check_backward(layers.max_pool_forward, to_all, x, save=None)


def test_signs_that_are_lost_where_everything_is_tied_are_seen():
    x = np.array([[1.0, 0, -2, 1, -1], [-1, 0, -1, -2, -1], [-1, 0, -1, -1, -2], [0, -1, 2, 1, -2], [1, 0, 1, 0, -1]])
    y = np.array([3, 4, 0, 3, 0])
    with pytest.raises(GradientError):
        check_backward(lambda x, y: (right.hinge(x, y)[0], np.abs(right.hinge(x, y)[1])), x, y, save=None)


def test_what_arrives_and_changes_nothing_is_found():
    x, c = np.random.default_rng(0).standard_normal((2, 4, 3))

    def of_first_alone(dh, dc, cache):
        x, c = cache
        return dh * c, dh * x

    with pytest.raises(GradientError) as failure:  # c goes on to the next step besides
        check_backward(lambda x, c: (x * c, c**2, (x, c)), of_first_alone, x, c, save=None)
    assert failure.value.finding.name == "dc"
    with pytest.raises(GradientError):
        check_backward(lambda x: ((x**2).sum(axis=1), x), lambda dout, x: 2 * x, x, save=None)


def test_a_mean_that_is_taken_off_twice_is_not_called_left_out():
    with pytest.raises(GradientError, match="a mean left out, or taken twice"):
        check_backward(lambda x: x - x.mean(axis=0), lambda dout: dout - 2 * dout.mean(axis=0), np.arange(12.0).reshape(4, 3), save=None)


def test_an_embedding_whose_equal_indices_overwrite_each_other():
    table = np.random.default_rng(0).standard_normal((4, 3))
    with pytest.raises(GradientError) as failure:
        check_backward(right.embedding_forward, planted.indices_overwritten, np.array([[0, 1], [1, 2]]), table, save=None)
    assert failure.value.finding.name == "dw"
    assert failure.value.finding.suspects[0].kind == "repeated_index"


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_a_mask_that_looks_at_what_arrives(slope):
    x = np.random.default_rng(0).standard_normal((4, 5))
    with pytest.raises(GradientError, match="its branch is chosen by dout > 0, where x > 0 belongs"):
        check_backward(lambda x: (np.where(x > 0, x, slope * x), x), lambda dout, x: np.where(dout > 0, dout, slope * dout), x, save=None)
