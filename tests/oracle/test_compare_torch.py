"""Files of people who write their backward pass in PyTorch: a common mistake is found where it was made, and never gets a wrong name."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bpdebug.arrays import read_arrays
from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.frontends import load_scenario
from bpdebug.time.timeline import Timeline
from bpdebug.trust.compare import compare

torch = pytest.importorskip("torch")

RATE = 0.3
L2 = 0.05
DTYPES = {"float64": torch.float64, "float32": torch.float32}
NETWORKS = {
    "2-4-1": ("sigmoid", "sigmoid", Loss("binary_cross_entropy"), 5),
    "3-5-2": ("tanh", "softmax", Loss("categorical_cross_entropy", samples="mean"), 7),
    "4-3-6-2": ("relu", "identity", Loss("squared_error", samples="mean"), 9),
    "2-5-3-1": ("tanh", "identity", Loss("squared_error"), 6),
    "6-4-1": ("relu", "sigmoid", Loss("binary_cross_entropy", samples="mean", l2=L2), 8),
    "3-4-2": ("sigmoid", "identity", Loss("squared_error", l2=L2), 5),
    "2-7-3": ("sigmoid", "softmax", Loss("categorical_cross_entropy", l2=L2), 4),
}
"""Hidden and last activation, loss, samples; no two sizes of a network are equal, nor is its batch: shapes show what a matrix is."""
ACTIVATION = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda z: z,
    "softmax": lambda z: torch.softmax(z, 1),
}
SLOPE = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
    "relu": lambda a: (a > 0).to(a.dtype),
    "identity": torch.ones_like,
}
TERMS = {
    "binary_cross_entropy": lambda a, y: -y * torch.log(a) - (1 - y) * torch.log(1 - a),
    "categorical_cross_entropy": lambda a, y: -y * torch.log(a),
    "squared_error": lambda a, y: (a - y) ** 2,
}


@cache
def program_of(name):
    hidden, last, loss, rows = NETWORKS[name]
    widths = [int(width) for width in name.split("-")]
    generator = np.random.default_rng(rows)
    x, y = generator.standard_normal((rows, widths[0])), generator.random((rows, widths[-1]))
    y = np.eye(widths[-1])[generator.integers(0, widths[-1], rows)] if last == "softmax" else y
    layers = (*(Layer(units, hidden) for units in widths[1:-1]), Layer(widths[-1], last))
    values = {f"b{n}": generator.standard_normal((1, units)) for n, units in enumerate(widths[1:], 1)}
    optimizer = Optimizer("sgd", {"learning_rate": RATE})
    inputs = tuple(f"x{n}" for n in range(widths[0]))
    return make_program(Scenario(name, inputs, layers, x, y, loss=loss, optimizer=optimizer, training=Training(9), values=values))


@dataclass(frozen=True)
class Fault:
    """A mistake: the stage that has it, the kinds that name it, its wrong value from the step so far, and where it can be made."""

    stage: str
    kinds: str
    wrong: object
    where: object = lambda step: True


class Step:
    """One update with a backward pass written out; every tensor passes :meth:`put`, where the fault of that stage strikes."""

    def __init__(self, name, dtype=torch.float64, fault=None, before=None):
        self.hidden, self.last, self.loss, self.m = NETWORKS[name]
        self.name, self.fault, self.before = name, fault, before
        self.depth = len(name.split("-")) - 1
        program = program_of(name)
        given = {parameter: program.initial[parameter] for parameter in program.parameters}
        given = {parameter: before.t[f"{parameter}_new"] for parameter in given} if before else given
        given |= program.data
        self.t = {tensor: torch.tensor(np.asarray(value), dtype=dtype) for tensor, value in given.items()}
        self.run()

    def __getitem__(self, name):
        return self.t[self.called(name)]

    def called(self, name):
        return name.replace("L-1", str(self.depth - 1)).replace("L", str(self.depth))

    def put(self, name, value):
        struck = self.fault is not None and self.called(self.fault.stage) == name
        self.t[name] = self.fault.wrong(self, value) if struck else value

    def activation(self, n):
        return self.hidden if n < self.depth else self.last

    def scaled(self, value):
        return value / self.m if self.loss.samples == "mean" else value

    def total(self, y):
        penalty = sum((self.t[f"W{n}"] ** 2).sum() for n in range(1, self.depth + 1))
        return self.scaled(TERMS[self.loss.function](self["aL"], y).sum()) + self.loss.l2 * penalty

    def derived(self, function):
        a = self["aL"].clone().requires_grad_()
        return torch.autograd.grad(function(a), a)[0]

    def run(self):
        for n in range(1, self.depth + 1):
            self.put(f"z{n}", self.source(n) @ self.t[f"W{n}"] + self.t[f"b{n}"])
            self.put(f"a{n}", ACTIVATION[self.activation(n)](self.t[f"z{n}"]))
        self.put("loss", self.total(self["y"]))
        self.put(self.called("daL"), self.derived(lambda a: self.scaled(TERMS[self.loss.function](a, self["y"]).sum())))
        for n in range(self.depth, 0, -1):
            self.backward(n)
        for n in range(1, self.depth + 1):
            for name in (f"W{n}", f"b{n}"):
                if self.t[f"d{name}"].shape == self.t[name].shape:
                    self.put(f"{name}_new", self.t[name] - RATE * self.t[f"d{name}"])

    def source(self, n):
        return self.t["x"] if n == 1 else self.t[f"a{n - 1}"]

    def backward(self, n):
        t = self.t
        g, a = t[f"da{n}"], t[f"a{n}"]
        self.put(f"dz{n}", a * (g - (g * a).sum(1, keepdim=True)) if self.activation(n) == "softmax" else g * SLOPE[self.activation(n)](a))
        self.put(f"dW{n}", self.source(n).T @ t[f"dz{n}"] + 2 * self.loss.l2 * t[f"W{n}"])
        self.put(f"db{n}", t[f"dz{n}"].sum(0, keepdim=True))
        if n > 1:
            self.put(f"da{n - 1}", t[f"dz{n}"] @ t[f"W{n}"].T)

    def arrays(self):
        return {name: np.asarray(tensor) for name, tensor in self.t.items()}


def squared(step):
    return 2 * step.scaled(step["aL"] - step["y"])


def one_output(step):
    return step["y"].shape[1] == 1


def broadcast(step):
    return step.derived(lambda a: step.scaled(TERMS[step.loss.function](a, step["y"][:, 0]).sum()))


def slope(step, value):
    return SLOPE[step.hidden](value)


class Straight(torch.autograd.Function):
    """The activation of a layer whose author forgot it in ``backward``."""

    @staticmethod
    def forward(context, z):
        return torch.sigmoid(z)

    @staticmethod
    def backward(context, g):
        return g


def through(step):
    z = step["z1"].clone().requires_grad_()
    return torch.autograd.grad(Straight.apply(z), z, step["da1"])[0]


def not_relu(step):
    return step.hidden != "relu"


def mean(step):
    return step.loss.samples == "mean"


def penalty(step):
    return step.loss.l2 > 0


FAULTS = {
    "z without bias": Fault("z1", "bias_missing", lambda s, right: s["x"] @ s["W1"]),
    "activation forgotten": Fault("a1", "activation_missing", lambda s, right: s["z1"]),
    "loss of another reduction": Fault("loss", "sum_for_mean", lambda s, right: right * s.m, lambda s: mean(s) and not penalty(s)),
    "mean loss": Fault("loss", "mean_for_sum", lambda s, right: right / s.m, lambda s: not mean(s) and not penalty(s)),
    "loss broadcast": Fault("loss", "y_broadcast", lambda s, right: s.total(s["y"][:, 0]), one_output),
    "loss without penalty": Fault("loss", "l2_missing", lambda s, right: s.scaled(TERMS[s.loss.function](s["aL"], s["y"]).sum()), penalty),
    "sum for mean": Fault("daL", "sum_for_mean", lambda s, right: right * s.m, mean),
    "mean for sum": Fault("daL", "mean_for_sum", lambda s, right: right / s.m, lambda s: not mean(s)),
    "factor 3": Fault("daL", "stray_factor", lambda s, right: 3 * right),
    "another loss": Fault("daL", "another_loss", lambda s, right: squared(s), lambda s: s.loss.function != "squared_error"),
    "y broadcast in the loss": Fault("daL", "y_broadcast", lambda s, right: broadcast(s), one_output),
    "softmax cell by cell": Fault(
        "dzL", "another_activation", lambda s, right: s["daL"] * SLOPE["sigmoid"](s["aL"]), lambda s: s.last == "softmax"
    ),
    "slope missing": Fault("dz1", "activation_missing", lambda s, right: s["da1"]),
    "slope missing in a function of its own": Fault("dz1", "activation_missing", lambda s, right: through(s)),
    "slope at z": Fault("dz1", "activation_at_z", lambda s, right: s["da1"] * slope(s, s["z1"]), not_relu),
    "slope at a": Fault("dz1", "activation_at_a", lambda s, right: s["da1"] * slope(s, ACTIVATION[s.hidden](s["a1"])), not_relu),
    "slope twice": Fault("dz1", "activation_twice", lambda s, right: right * slope(s, s["a1"]), not_relu),
    "another slope": Fault("dz1", "another_activation", lambda s, right: s["da1"] * SLOPE["tanh"](s["a1"]), lambda s: s.hidden != "tanh"),
    "sign": Fault("dz1", "sign", lambda s, right: -right),
    "z for a": Fault("dWL", "pre_activation", lambda s, right: right + (s["z1"] - s["a1"]).T @ s["dzL"], lambda s: s.depth == 2),
    "da for dz": Fault("dW1", "da_for_dz", lambda s, right: right + s["x"].T @ (s["da1"] - s["dz1"])),
    "transposed": Fault("dWL", "transposed", lambda s, right: right.T),
    "reshaped": Fault("dW1", "reshaped", lambda s, right: right + (s["x"].reshape(s["x"].T.shape) - s["x"].T) @ s["dz1"]),
    "mean in one gradient": Fault("dW1", "mean_for_sum m_twice", lambda s, right: right / s.m, lambda s: not penalty(s)),
    "a sample left out": Fault("dW1", "sample_missing", lambda s, right: right - s["x"][:1].T @ s["dz1"][:1]),
    "times the learning rate": Fault("dW1", "learning_rate", lambda s, right: RATE * right),
    "no penalty": Fault("dW1", "l2_missing", lambda s, right: right - 2 * L2 * s["W1"], penalty),
    "half the penalty": Fault("dW1", "l2_factor", lambda s, right: right - L2 * s["W1"], penalty),
    "penalty on a bias": Fault("db1", "l2_on_biases", lambda s, right: right + 2 * L2 * s["b1"], penalty),
    "bias not summed": Fault("db1", "bias_not_summed", lambda s, right: s["dz1"]),
    "bias summed along the wrong axis": Fault("db1", "wrong_axis bias_not_summed", lambda s, right: s["dz1"].sum(1, keepdim=True)),
    "bias of zeros": Fault("db1", "zero bias_missing", lambda s, right: 0 * right),
    "updated before used": Fault("daL-1", "updated_before_used", lambda s, right: s["dzL"] @ (s["WL"] - RATE * s["dWL"]).T),
    "stale": Fault("dW1", "stale", lambda s, right: s.before["dW1"].to(right.dtype), lambda s: s.before),
    "accumulated": Fault("dW1", "accumulated", lambda s, right: right + s.before["dW1"], lambda s: s.before),
    "a term of the step left out": Fault("W1_new", "not_updated", lambda s, right: s["W1"]),
    "ascent": Fault("W1_new", "sign", lambda s, right: s["W1"] + RATE * s["dW1"]),
    "step of another length": Fault("b1_new", "stray_factor", lambda s, right: s["b1"] - 3 * RATE * s["db1"]),
    "step without a rate": Fault("W1_new", "learning_rate", lambda s, right: s["W1"] - s["dW1"]),
}


def timeline_of(name, update=0):
    timeline = Timeline(program_of(name))
    timeline.seek(update * len(timeline.program.stages))
    return timeline


def made(name, dtype, fault):
    """The step with that fault, in the first update, or in the second where it needs one before; None where it cannot be made."""
    late = fault.kinds in ("stale", "accumulated")
    step = Step(name, dtype, before=Step(name, dtype) if late else None)
    return Step(name, dtype, fault, step.before) if fault.where(step) else None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_steps_without_a_fault_are_those_of_autograd_and_agree_with_ours(name, dtype):
    step = Step(name, DTYPES[dtype])
    leaves = {parameter: step.t[parameter].clone().requires_grad_() for parameter in program_of(name).network.parameters}
    a = step["x"]
    for n in range(1, step.depth + 1):
        a = ACTIVATION[step.activation(n)](a @ leaves[f"W{n}"] + leaves[f"b{n}"])
    penalty_ = sum((leaves[f"W{n}"] ** 2).sum() for n in range(1, step.depth + 1))
    (step.scaled(TERMS[step.loss.function](a, step["y"]).sum()) + step.loss.l2 * penalty_).backward()
    for parameter, leaf in leaves.items():
        torch.testing.assert_close(leaf.grad, step[f"d{parameter}"])
    comparison = compare(timeline_of(name), step.arrays())
    assert comparison.culprit is None
    assert {match.status for match in comparison.findings if "@" not in match.name} <= {"exact", "approximate", "missing"}
    assert sum(match.theirs is not None for match in comparison.findings) == len(step.t) - 2 - len(leaves)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_located_and_never_given_a_wrong_name(fault, dtype):
    named = Counter()
    for name in NETWORKS:
        step = made(name, DTYPES[dtype], FAULTS[fault])
        if step is not None:
            comparison = compare(timeline_of(name, 1 if step.before else 0), step.arrays())
            if comparison.culprit is None:  # one factor that all gradients share, and that has a name
                named["convention"] += any(finding.status == "convention" for finding in comparison.findings)
                continue
            assert comparison.culprit.name == step.called(FAULTS[fault].stage)
            kinds = {suspect.kind for suspect in comparison.culprit.suspects}
            assert not kinds or kinds & set(FAULTS[fault].kinds.split())
            named[bool(kinds)] += 1
    assert named[True] > named[False] or named["convention"]
    assert named.total() > 1


def test_the_lines_of_the_readme_save_a_file_that_agrees(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parent.parent.parent / "README.md").read_text("utf-8")
    section = text.partition("## Your own numbers")[2].partition("\n## ")[0]
    block = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[1]
    timeline = Timeline(make_program(load_scenario("xor")))
    x, y = (torch.tensor(timeline.machine.values()[name], dtype=torch.float32) for name in "xy")
    torch.manual_seed(0)
    fc1, fc2 = torch.nn.Linear(2, 4), torch.nn.Linear(4, 1)
    z1 = fc1(x)
    z2 = fc2(a1 := torch.sigmoid(z1))
    a2 = torch.sigmoid(z2)
    loss = torch.nn.functional.binary_cross_entropy(a2, y, reduction="sum")
    given = {"fc1": fc1, "fc2": fc2, "x": x, "y": y, "z1": z1, "a1": a1, "z2": z2, "a2": a2, "loss": loss}
    exec(block, {"np": np} | given)
    comparison = compare(timeline, read_arrays(Path("mine.npz")))
    assert {match.status for match in comparison.findings} == {"exact", "approximate", "missing"}
    assert [match.name for match in comparison.findings if match.status == "missing"] == ["W1_new", "b1_new", "W2_new", "b2_new"]
    assert any("as torch's Linear does" in note for note in comparison.notes)
