from __future__ import annotations

from itertools import chain, pairwise

import numpy as np
import pytest
from engine_strategies import xor
from hypothesis import given, settings
from hypothesis import strategies as st

from bpdebug.core.description import Initializer, Layer, Training
from bpdebug.core.initializers import INITIALIZERS, initial_values
from bpdebug.core.layers import make_program

NORMAL = Initializer("normal")


def one(name, shape=(300, 200), seed=0, generator="pcg64", **constants):
    return initial_values({"W1": shape}, {"W1": (1, Initializer(name, constants))}, seed, generator)["W1"]


class TestLegacy:
    @pytest.mark.parametrize("seed", [0, 1, 12345])
    def test_normal_is_the_stream_of_numpy_random_seed_matrix_after_matrix(self, seed):
        np.random.seed(seed)
        expected = [np.random.randn(2, 4), np.random.randn(4, 1)]
        found = make_program(xor(seed=seed)).initial
        assert np.array_equal(found["W1"], expected[0])
        assert np.array_equal(found["W2"], expected[1])
        assert not found["b1"].any()
        assert not found["b2"].any()

    def test_uniform_is_that_of_numpy_random_rand(self):
        np.random.seed(3)
        expected = 2 * np.random.rand(5, 6) - 1
        np.testing.assert_allclose(one("uniform", (5, 6), 3, "legacy"), expected, rtol=1e-15, atol=1e-16)

    def test_numpy_s_own_state_is_left_alone(self):
        np.random.seed(9)
        before = np.random.get_state()[1].copy()
        one("normal", generator="legacy")
        assert np.array_equal(np.random.get_state()[1], before)


class TestKeyed:
    def parameters(self, *widths, bias=True):
        shapes = {}
        for number, (inputs, units) in enumerate(pairwise(widths), 1):
            shapes[f"W{number}"] = (inputs, units)
            shapes |= {f"b{number}": (1, units)} if bias else {}
        return shapes

    def values(self, shapes, seed=0):
        return initial_values(shapes, {name: (int(name[1:]), NORMAL) for name in shapes}, seed, "pcg64")

    def test_the_same_seed_gives_the_same_values(self):
        shapes = self.parameters(3, 4, 2)
        first, second = self.values(shapes), self.values(shapes)
        assert all(np.array_equal(first[name], second[name]) for name in shapes)

    def test_another_seed_gives_others(self):
        shapes = self.parameters(3, 4, 2)
        assert not np.array_equal(self.values(shapes, 0)["W1"], self.values(shapes, 1)["W1"])

    def test_matrices_of_the_same_shape_differ(self):
        values = self.values(self.parameters(4, 4, 4, 4))
        assert not np.array_equal(values["W1"], values["W2"])
        assert not np.array_equal(values["W2"], values["W3"])

    def test_a_change_in_one_layer_leaves_the_others_alone(self):
        first, second = self.values(self.parameters(3, 4, 5, 2)), self.values(self.parameters(3, 4, 5, 7))
        assert np.array_equal(first["W1"], second["W1"])
        assert np.array_equal(first["W2"], second["W2"])
        assert first["W3"].shape != second["W3"].shape

    def test_another_initializer_in_one_layer_leaves_the_others_alone(self):
        layers = (Layer(4, "sigmoid", initializer=Initializer("he_uniform")), Layer(1, "sigmoid"))
        plain, changed = make_program(xor(generator="pcg64")).initial, make_program(xor(generator="pcg64", layers=layers)).initial
        assert not np.array_equal(plain["W1"], changed["W1"])
        assert np.array_equal(plain["W2"], changed["W2"])

    def test_a_bias_more_or_less_in_one_layer_leaves_the_other_weights_alone(self):
        layers = (Layer(4, "sigmoid", bias=False), Layer(1, "sigmoid"))
        plain, changed = make_program(xor(generator="pcg64")).initial, make_program(xor(generator="pcg64", layers=layers)).initial
        assert np.array_equal(plain["W1"], changed["W1"])
        assert np.array_equal(plain["W2"], changed["W2"])


class TestDistributions:
    """60,000 draws: the standard error of the variance is below 0.6 % (normal) and 0.4 % (uniform)."""

    @pytest.mark.parametrize("generator", ["pcg64", "legacy"])
    @pytest.mark.parametrize(
        ("name", "constants", "variance"),
        [
            ("normal", {}, 1.0),
            ("normal", {"std": 0.1}, 0.01),
            ("uniform", {}, 1 / 3),
            ("uniform", {"low": -0.5, "high": 0.5}, 1 / 12),
            ("xavier_normal", {}, 2 / 500),
            ("xavier_uniform", {}, 2 / 500),
            ("xavier_uniform", {"gain": 2.0}, 8 / 500),
            ("he_normal", {}, 2 / 300),
            ("he_uniform", {}, 2 / 300),
        ],
    )
    def test_mean_and_variance(self, name, constants, variance, generator):
        values = one(name, generator=generator, **constants)
        assert values.var() == pytest.approx(variance, rel=0.03)
        assert abs(values.mean()) < 5 * np.sqrt(variance / values.size)

    @pytest.mark.parametrize(("name", "bound"), [("xavier_uniform", np.sqrt(6 / 500)), ("he_uniform", np.sqrt(6 / 300)), ("uniform", 1.0)])
    def test_uniform_values_fill_their_interval(self, name, bound):
        values = one(name)
        assert np.abs(values).max() <= bound
        assert values.max() > 0.999 * bound
        assert values.min() < -0.999 * bound

    def test_a_mean_shifts_the_normal(self):
        assert one("normal", mean=3.0).mean() == pytest.approx(3.0, abs=0.03)

    def test_zeros_and_constant(self):
        assert not one("zeros").any()
        assert (one("constant", value=0.25) == 0.25).all()

    def test_every_row_has_a_source(self):
        assert all(row.source for row in INITIALIZERS.values())


def batches(samples, size, shuffle, seed=0):
    x = np.arange(2.0 * samples).reshape(samples, 2)
    return make_program(xor(x=x, y=np.zeros((samples, 1)), seed=seed, training=Training(10, size, shuffle))).batches


def rows(found, update):
    chosen = found.rows(update)
    return list(range(found.total)) if chosen is None else chosen.tolist()


class TestBatches:
    def test_the_whole_batch_is_the_data_as_it_stands(self):
        found = batches(4, None, False)
        assert found.rows(0) is None
        assert found.rows(7) is None
        assert found.sizes == (4,)
        assert found.place(7) == (7, 0)

    def test_a_batch_larger_than_the_data_is_the_whole(self):
        assert batches(4, 100, False).rows(0) is None
        assert batches(4, 100, False).each_epoch == 1

    def test_mini_batches_come_in_order_and_the_last_is_short(self):
        found = batches(7, 3, False)
        assert [rows(found, update) for update in range(4)] == [[0, 1, 2], [3, 4, 5], [6], [0, 1, 2]]
        assert [found.size(update) for update in range(4)] == [3, 3, 1, 3]
        assert found.sizes == (3, 1)
        assert found.place(5) == (1, 2)
        assert found.updates == 30

    def test_without_a_rest_no_batch_is_short(self):
        found = batches(6, 3, False)
        assert found.sizes == (3,)
        assert [found.size(update) for update in range(3)] == [3, 3, 3]

    def test_online_learning_takes_one_sample_after_the_other(self):
        found = batches(4, 1, False)
        assert [rows(found, update) for update in range(6)] == [[0], [1], [2], [3], [0], [1]]

    @settings(max_examples=60, deadline=None)
    @given(samples=st.integers(1, 30), size=st.integers(1, 30), seed=st.integers(0, 1000), shuffle=st.booleans())
    def test_an_epoch_sees_every_sample_once(self, samples, size, seed, shuffle):
        found = batches(samples, size, shuffle, seed)
        for epoch in (0, 3):
            seen = [rows(found, epoch * found.each_epoch + place) for place in range(found.each_epoch)]
            assert sorted(chain(*seen)) == list(range(samples))
            assert [len(part) for part in seen] == [found.size(place) for place in range(found.each_epoch)]

    def test_shuffles_differ_between_epochs_and_seeds(self):
        found, other = batches(20, None, True), batches(20, None, True, seed=1)
        assert rows(found, 0) != rows(found, 1)
        assert rows(found, 0) != rows(other, 0)
        assert rows(found, 0) != list(range(20))

    def test_a_shuffle_is_a_function_of_seed_and_epoch_whatever_was_asked_before(self):
        found, fresh = batches(20, 6, True), batches(20, 6, True)
        forwards = [rows(found, update) for update in range(12)]
        assert [rows(found, update) for update in range(12)] == forwards
        assert [rows(fresh, update) for update in reversed(range(12))] == forwards[::-1]

    def test_shuffling_is_apart_from_the_initial_values(self):
        assert np.array_equal(make_program(xor()).initial["W1"], make_program(xor(training=Training(1, 2, True))).initial["W1"])
