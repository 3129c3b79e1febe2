"""Every gradient, the loss and the parameters after several updates against PyTorch, in float64.

PyTorch's own activations, losses and optimizers are used wherever it has them, so that nothing of the engine's mathematics
is written a second time here.
"""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from random_networks import COMBINATIONS, scenario_of

from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase
from bpdebug.core.operations import ACTIVATIONS, LOSSES
from bpdebug.core.optimizers import OPTIMIZERS

torch = pytest.importorskip("torch")
F = torch.nn.functional

RELATIVE = 1e-10
FLOOR = 1e-13
"""Of the largest gradient of the network. A number that is a difference of large ones (a bias gradient over samples that
cancel, say) keeps the rounding error of those: about 2e-16 of them for each of some dozens of operations."""

CHUNKS = 12

ACTIVATION = {
    "identity": lambda z, c: z,
    "sigmoid": lambda z, c: torch.sigmoid(z),
    "tanh": lambda z, c: torch.tanh(z),
    "relu": lambda z, c: F.relu(z),
    "leaky_relu": lambda z, c: F.leaky_relu(z, c.get("slope", 0.01)),
    "elu": lambda z, c: F.elu(z, c.get("alpha", 1.0)),
    "softplus": lambda z, c: F.softplus(z, threshold=1e9),
    "silu": lambda z, c: F.silu(z),
    "gelu": lambda z, c: F.gelu(z, approximate="none"),
    "mish": lambda z, c: F.mish(z),
    "softmax": lambda z, c: F.softmax(z, dim=1),
}


def torch_optimizer(scenario, parameters):
    name, c = scenario.optimizer.name, scenario.optimizer.constants
    rate = c["learning_rate"]
    if name == "sgd":
        return torch.optim.SGD(parameters, rate)
    if name in ("momentum", "nesterov"):
        return torch.optim.SGD(parameters, rate, c["momentum"], nesterov=name == "nesterov")
    if name == "adagrad":
        return torch.optim.Adagrad(parameters, rate, eps=c["epsilon"])
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, c["alpha"], c["epsilon"])
    betas = (c.get("beta1", 0.0), c.get("beta2", 0.0))
    if name == "adam":
        return torch.optim.Adam(parameters, rate, betas, c["epsilon"])
    if name == "adamw":
        return torch.optim.AdamW(parameters, rate, betas, c["epsilon"], weight_decay=c["weight_decay"])
    pytest.fail(f"{name} has no row here: which optimizer of PyTorch is it?")


def reduced(terms, loss):
    """A table of terms, by its rows and columns."""
    by_sample = terms.mean(dim=1) if loss.outputs == "mean" else terms.sum(dim=1)
    return by_sample.mean() if loss.samples == "mean" else by_sample.sum()


def torch_loss(loss, a, z, y):
    whole = loss.samples if loss.samples == loss.outputs else "none"
    if loss.function == "categorical_cross_entropy":
        if not loss.from_logits:
            return reduced(-y * torch.log(a), loss)
        by_sample = F.cross_entropy(z, y, reduction="none") / (y.shape[1] if loss.outputs == "mean" else 1)
        return by_sample.mean() if loss.samples == "mean" else by_sample.sum()
    if loss.function == "binary_cross_entropy" and loss.from_logits:
        made = F.binary_cross_entropy_with_logits(z, y, reduction=whole)
    elif loss.function == "binary_cross_entropy":
        made = F.binary_cross_entropy(a, y, reduction=whole)
    elif loss.function == "huber":
        made = F.huber_loss(a, y, reduction=whole, delta=loss.constants["delta"])
    elif loss.function == "absolute_error":
        made = F.l1_loss(a, y, reduction=whole)
    elif loss.function == "hinge":
        return reduced(torch.relu(1 - y * a), loss)
    else:
        made = F.mse_loss(a, y, reduction=whole)
    return made if whole != "none" else reduced(made, loss)


class TorchNetwork:
    """The scenario's network in PyTorch, keeping every intermediate tensor with its gradient."""

    def __init__(self, scenario, initial):
        self.scenario = scenario
        self.parameters = {name: torch.tensor(value, requires_grad=True) for name, value in initial.items()}
        self.optimizer = torch_optimizer(scenario, list(self.parameters.values()))

    def update(self, rows):
        """One update; returns the loss, and every tensor's value and gradient before the parameters moved."""
        scenario, p = self.scenario, self.parameters
        before = {name: tensor.detach().numpy().copy() for name, tensor in p.items()}
        tensors = {}
        a = torch.tensor(scenario.x[rows])
        for number, layer in enumerate(scenario.layers, 1):
            z = F.linear(a, p[f"W{number}"].T, p[f"b{number}"][0] if layer.bias else None)
            source, a = a, ACTIVATION[layer.activation](z, layer.constants)
            if layer.activation == "identity":
                a = a.clone()
            tensors |= {f"z{number}": z, f"a{number}": a}
            if layer.residual:
                a = tensors[f"r{number}"] = a + source
        for tensor in tensors.values():
            tensor.retain_grad()
        loss = scenario.loss.factor * torch_loss(scenario.loss, a, z, torch.tensor(scenario.y[rows]))
        if scenario.loss.l2:
            loss = loss + scenario.loss.l2 * sum((w**2).sum() for name, w in p.items() if name.startswith("W"))
        self.optimizer.zero_grad()
        loss.backward()
        everything = tensors | p
        gradients = {name: tensor.grad.numpy().copy() for name, tensor in everything.items() if tensor.grad is not None}
        values = {name: tensor.detach().numpy() for name, tensor in tensors.items()} | before
        self.optimizer.step()
        return float(loss.detach()), values, gradients


def assert_close(found, expected, scale, what):
    np.testing.assert_allclose(found, expected, rtol=RELATIVE, atol=FLOOR * scale, err_msg=what)


def compare(number, updates=4):
    scenario = scenario_of(number)
    program = make_program(scenario)
    machine = Machine(program)
    initial = {name: value for name, value in program.initial.items() if name in program.parameters}
    theirs = TorchNetwork(scenario, initial)
    checked = Counter()
    size = scenario.batch_size
    for update in range(updates):
        first = update % scenario.batches * size
        loss, values, gradients = theirs.update(slice(first, first + size))
        while program.stages[machine.done].phase is not Phase.UPDATE:
            machine.step()
        ours = machine.values()
        scale = max(1.0, *(float(np.abs(g).max()) for g in gradients.values()))
        assert_close(ours["loss"], loss, max(1.0, abs(loss)), f"loss of network {number}")
        for name, value in values.items():
            assert_close(ours[name], value, max(1.0, float(np.abs(value).max())), f"{name} of network {number}")
        for stage in program.stages:
            if stage.of and stage.name == f"d{stage.of}":
                assert_close(ours[stage.name], gradients[stage.of], scale, f"{stage.name} of network {number}: {scenario.layers}")
                checked[stage.name.rstrip("0123456789")] += 1
        while machine.update == update:
            machine.step()
        for name, parameter in theirs.parameters.items():
            assert_close(machine.persistent[name], parameter.detach().numpy(), 1.0, f"{name} of network {number} after update {update}")
    for name in program.parameters:
        assert not np.array_equal(machine.persistent[name], initial[name]) or not np.any(gradients[name]), f"{name} never moved"
    return checked


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_gradients_losses_and_updates_are_those_of_torch(chunk):
    checked = Counter()
    for number in range(chunk, len(COMBINATIONS), CHUNKS):
        checked += compare(number)
    assert min(checked[kind] for kind in ("da", "dz", "dW", "db", "dr")) > 20


def test_the_networks_cover_what_they_are_said_to_cover():
    seen = set()
    features = Counter()
    for number, (activation, (function, logits), optimizer) in enumerate(COMBINATIONS):
        scenario = scenario_of(number)
        assert activation in {layer.activation for layer in scenario.layers}
        assert (scenario.loss.function, scenario.loss.from_logits, scenario.optimizer.name) == (function, logits, optimizer)
        seen.add((activation, function, optimizer))
        features[scenario.loss.function, scenario.loss.samples, scenario.loss.outputs] += 1
        features["short batch"] += len(scenario.x) % scenario.batch_size != 0
        features["several batches"] += scenario.batches > 1
        features["residual"] += any(layer.residual for layer in scenario.layers)
        features["no bias"] += any(not layer.bias for layer in scenario.layers)
        features["l2"] += scenario.loss.l2 > 0
        features["layers", len(scenario.layers)] += 1
        features["output", scenario.layers[-1].activation] += 1
    assert len(COMBINATIONS) >= 200
    assert seen == set(itertools.product(ACTIVATIONS, LOSSES, OPTIMIZERS))
    assert {kind for kind in features if kind[0] in LOSSES} == set(itertools.product(LOSSES, ("sum", "mean"), ("sum", "mean")))
    assert all(features["output", activation] for activation in ACTIVATIONS)
    assert all(features["layers", depth] for depth in (1, 2, 3, 4))
    assert min(features[name] for name in ("short batch", "several batches", "residual", "no bias", "l2")) >= 30


@pytest.mark.parametrize(
    ("stage", "wrong"), [("dz2", "da2 * a2 * (1 - a2) * 1.000001"), ("db1", "sum(dz1, axis=0, keepdims=True) * 2"), ("W1", "W1 + 0 * dW1")]
)
def test_a_wrong_formula_would_be_seen(stage, wrong, monkeypatch):
    number = next(
        n
        for n, (_, (function, logits), optimizer) in enumerate(COMBINATIONS)
        if (s := scenario_of(n)).layers[-1].activation == "sigmoid"
        and len(s.layers) == 2
        and s.layers[0].bias
        and not s.loss.l2
        and not logits
        and optimizer == "sgd"
        and not s.layers[1].residual
        and function == "binary_cross_entropy"
    )
    program = make_program(scenario_of(number)).with_formula(stage, wrong)
    monkeypatch.setattr(__import__(__name__), "make_program", lambda scenario: program)
    with pytest.raises(AssertionError):
        compare(number)
