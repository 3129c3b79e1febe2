"""The layers of courses that people test: none that is right is accused, and each mistake is found where it is and told in their words."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pytest
from testing import courses as c

from bpdebug.testing import GradientError, Untold, check_backward, check_chain

X, Y = c.numbers(2, 7), (c.numbers(1, 7) > 0).astype(int)
STEPS = ([0, 1, 2, 3], [c.numbers(6, 1, seed=t) for t in range(4)], c.numbers(6, 1), c.numbers(6, 5), c.numbers(6, 6) / 3, c.numbers(6, 1))


def pair(forward, backward, *inputs):
    return lambda bad: (forward, partial(backward, bad=bad), *inputs)


def one(function, *inputs):
    return lambda bad: (partial(function, bad=bad), None, *inputs)


def methods(thing):
    return thing.activation, thing.gradient


def layer(kind, *inputs):
    return lambda bad: (kind(bad), *inputs)


CASES = {
    "a fast.ai module, its input": (layer(c.Lin, c.tensor(6, 4)), "inp", "negative"),
    "a fast.ai module, its weights": (layer(c.Lin, c.tensor(6, 4)), "w", "1/6"),
    "a fast.ai module, its bias": (layer(c.Lin, c.tensor(6, 4)), "b", "the mean where the sum"),
    "a fast.ai loss": (layer(c.Mse, c.tensor(6, 1), c.tensor(6)), "inp", "the sum where the mean"),
    "a dense layer that keeps all, its input": (layer(c.Dense, c.numbers(5, 4)), "inputs", "do not tell"),
    "a dense layer that keeps all, its weights": (layer(c.Dense, c.numbers(5, 4)), "weights", "1/5"),
    "a dense layer that keeps all, its bias": (layer(c.Dense, c.numbers(5, 4)), "biases", "2 times"),
    "a relu that keeps all": (layer(c.Relu, c.numbers(5, 4)), "inputs", "passed on as it arrives"),
    "a dropout that keeps all": (layer(c.Dropout, c.numbers(5, 4)), "inputs", "rate is 0.7"),
    "losses of samples": (layer(c.CrossEntropy, c.PROBABILITIES, c.LABELS), "y_pred", "negative"),
    "a loss that gets its answers back": (layer(c.SoftmaxCrossEntropy, c.numbers(4, 3), c.LABELS), "inputs", "the sum where the mean"),
    "a cell with another output": (pair(c.rnn_cell_forward, c.rnn_cell_backward, X[:1].repeat(3, 0), c.numbers(5, 7), c.RNN), "ba", "tell"),
    "gradients before the cost": (one(c.propagate, c.numbers(2, 1), 0.3, X, Y), "b", "7 is a size here"),
    "a backward of parameters, cache and data": (pair(c.forward_propagation_n, c.backward_propagation_n, X, Y, c.TWO), "W1", "2 times"),
    "a state before and behind": (one(c.loss_fun, *STEPS), "Wxh Whh bh", "tell"),
    "a network of lists": (layer(c.Network, c.numbers(4, 1), np.eye(3)[:, [1]]), "biases[0] weights[0]", "tell"),
    "a penalty left out": (layer(c.TwoLayerNet, c.numbers(5, 4), np.array([0, 2, 1, 1, 0])), "W1", "minus 0.1 times W1, and reg is 0.1"),
    "a gate of an LSTM": (pair(c.lstm_step_forward, c.lstm_step_backward, *c.LSTM), "x prev_h Wx Wh b", "[:, 15:20] is off"),
    "a weight of attention": (layer(c.Attention, c.numbers(2, 3, 4)), "Wk", "2 times"),
    "two methods of one object": (lambda bad: (*methods(c.Activation(bad)), c.numbers(5, 3)), "x", "tell"),
    "a layer that takes its step": (layer(c.StepTaking, c.numbers(5, 4)), "W", "2 times"),
    "data behind the weights": (
        lambda bad: (c.logistic, partial(c.logistic_gradient, bad=bad), c.numbers(4), c.numbers(7, 4), np.sign(c.numbers(7))),
        "w",
        "minus 0.1 times w",
    ),
    "lists": (pair(c.relu_of_lists, c.relu_of_lists_backward, [1.0, -2.0, 3.0]), "x", "as it arrives"),
}
CASES["fast.ai functions"] = (
    lambda bad: (c.lin, c.lin_grad_of_b if bad else c.lin_grad, c.tensor(6, 4), c.tensor(4, 3), c.tensor(3)),
    "b",
    "1/6",
)


@pytest.mark.parametrize("case", CASES)
def test_what_a_course_writes_is_right_and_nothing_is_left_untold(case):
    made, *_ = CASES[case]
    with warnings.catch_warnings():
        warnings.simplefilter("error", Untold)
        assert check_backward(*made(""), save=None).ok


@pytest.mark.parametrize("case", CASES)
def test_one_mistake_in_it_is_found_where_it_is(case):
    made, where, told = CASES[case]
    with pytest.raises(GradientError) as caught:
        check_backward(*made(where), save=None)
    accused = [finding.name for finding in caught.value.judgement.findings if finding.says.accuses]
    assert [name.removeprefix("d").replace("parameters['", "").strip("()").replace("']", "") for name in accused] == where.split()
    assert told in str(caught.value)


def test_the_gradient_of_a_sum_of_losses_is_a_convention():
    with pytest.warns(Untold, match=r"right in a convention:\n.*\n.*the losses' sum, not of their mean"):
        assert check_backward(c.CrossEntropy("sum"), c.PROBABILITIES, c.LABELS).ok


def test_a_loss_written_as_a_function_beside_a_method_is_of_its_object():
    net = c.Network()
    before = net.weights[0].copy()
    given = (lambda x, y: c.cost(net.feedforward(x), y), net.backprop, c.numbers(4, 1), np.eye(3)[:, [1]])
    assert "d(weights[1]) ok" in str(check_backward(*given))
    net.bad = True
    with pytest.raises(GradientError, match=r"d\(biases\[0\]\) and d\(weights\[0\]\) are wrong"):
        check_backward(*given, save=None)
    assert (net.weights[0] == before).all()


def test_a_chain_of_layers_that_keep_all():
    last = c.SoftmaxCrossEntropy()
    assert check_chain([c.Dense(), c.Relu()], c.numbers(4, 4), c.LABELS, loss=last).ok
    with pytest.raises(GradientError, match=r"layer 2 of 2, Relu\.backward: dinputs is wrong"):
        check_chain([c.Dense(), c.Relu("inputs")], c.numbers(4, 4), c.LABELS, loss=last, save=None)


def test_what_forward_does_not_take_is_told():
    net = c.Network()
    with pytest.raises(TypeError, match=r"feedforward takes 1 \(a\), and was given 2: a loss of its output belongs into forward"):
        check_backward(net.feedforward, net.backprop, c.numbers(4, 1), np.eye(3)[:, [1]])
    forward = lambda X, parameters: c.forward_propagation_n(X, Y, parameters)[1]["A2"]  # noqa: E731 - as a student writes it
    with pytest.raises(TypeError, match="needs Y, which forward does not take: put the loss into forward"):
        check_backward(lambda X, parameters: (forward(X, parameters), {}), c.backward_propagation_n, X, c.TWO)


def test_a_factor_that_may_be_several_things_is_all_of_them():
    def backward(dout, cache):
        x, w = cache
        return 2 * dout @ w.T, x.T @ dout

    with pytest.raises(GradientError) as caught:
        check_backward(lambda x, w: (x @ w, (x, w)), backward, c.numbers(4, 3), c.numbers(3, 2), save=None)
    told = str(caught.value)
    for words in (
        "2 is what the derivative of a square brings",
        "√4",
        "2 is a size here: axis 1 of out has 2",
        "this input cannot tell these apart",
    ):
        assert words in told
