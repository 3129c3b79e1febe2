"""Networks that learn, and networks that cannot and why: seeded, of every kind that a course has."""

from __future__ import annotations

import numpy as np

from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.look.obstacles import obstacles
from bpdebug.time.timeline import Timeline

XOR = (np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]]))
HIDDEN = ("tanh", "relu", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "softplus")
RATES = {"sgd": 0.3, "momentum": 0.05, "nesterov": 0.05, "adam": 0.03, "adamw": 0.03, "rmsprop": 0.02}
TASKS = ("blobs", "circles", "xor", "line", "wave", "many")


def data_of(task, generator, samples):
    """Inputs and targets: classes as 0 and 1 or one-hot, or numbers."""
    if task == "xor":
        return XOR
    if task == "line":
        x = generator.standard_normal((samples, int(generator.integers(1, 5))))
        return x, x @ generator.standard_normal((x.shape[1], 1)) + 0.1 * generator.standard_normal(
            (samples, 1)
        ) + generator.standard_normal()
    if task == "wave":
        x = generator.uniform(-2, 2, (samples, 1))
        return x, np.sin(2 * x)
    if task == "circles":
        angle, label = generator.uniform(0, 2 * np.pi, samples), np.arange(samples) % 2
        radius = np.where(label, 2.0, 0.7) + 0.1 * generator.standard_normal(samples)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), label[:, None].astype(float)
    classes = 2 if task == "blobs" else 3
    label = np.arange(samples) % classes
    x = 3 * generator.standard_normal((classes, 3))[label] + 0.5 * generator.standard_normal((samples, 3))
    return x, label[:, None].astype(float) if classes == 2 else np.eye(classes)[label]


def network(seed):
    """A network that may well learn its task."""
    generator = np.random.default_rng([61, seed])
    task = TASKS[seed % len(TASKS)]
    x, y = data_of(task, generator, int(generator.integers(12, 60)))
    depth = int(generator.integers(0 if task in ("blobs", "line", "many") else 1, 4))
    bias = bool(generator.random() < 0.8) or task in ("xor", "line")
    layers = [Layer(int(generator.integers(4, 20)), str(generator.choice(HIDDEN)), bias) for _ in range(depth)]
    numbers = task in ("line", "wave")
    last = "identity" if numbers else "softmax" if y.shape[1] > 1 else "sigmoid"
    function = (
        "squared_error"
        if numbers or generator.random() < 0.2
        else "binary_cross_entropy"
        if last == "sigmoid"
        else "categorical_cross_entropy"
    )
    optimizer = str(generator.choice(list(RATES)))
    size = None if generator.random() < 0.6 else int(generator.integers(4, len(x) + 1))
    return Scenario(
        f"{task} {seed}",
        tuple(f"x{i}" for i in range(x.shape[1])),
        (*layers, Layer(y.shape[1], last, bias)),
        x,
        y,
        seed=seed,
        initializer=Initializer(str(generator.choice(["he_normal", "xavier_uniform", "xavier_normal"]))),
        loss=Loss(function, samples="mean", from_logits=bool(function != "squared_error" and generator.random() < 0.5)),
        optimizer=Optimizer(optimizer, {"learning_rate": float(RATES[optimizer] * np.exp(generator.uniform(-1.5, 0.7)))}),
        training=Training(400, size, bool(size)),
        precision=str(generator.choice(["float64", "float64", "float32"])),
    )


def best_constant(scenario):
    """The mean loss of the best constant answer."""
    y, mean = scenario.y, scenario.y.mean(axis=0)
    if scenario.loss.function == "squared_error":
        return float(np.square(y - mean).sum(axis=1).mean())
    parts = -y * np.log(mean) - (scenario.loss.function == "binary_cross_entropy") * (1 - y) * np.log(np.maximum(1 - mean, 1e-300))
    return float(parts.sum(axis=1).mean())


def trained(scenario, update):
    """A timeline after so many updates."""
    timeline = Timeline(make_program(scenario))
    timeline.seek(timeline.calendar.clock(update))
    return timeline


def learned(timeline):
    """Whether the loss has come below a twentieth of that of the best constant answer, on the average of the last epoch."""
    program = timeline.program
    losses = timeline.losses.points()[1][-program.batches.each_epoch :]
    return bool(np.mean(losses) < 0.05 * best_constant(program.scenario))


def _scenario(x, y, layers, loss, seed, rate=0.1, optimizer="sgd", **more):
    """A network with these layers, for 60 updates."""
    names = tuple(f"x{i}" for i in range(np.shape(x)[1]))
    usual = {"initializer": Initializer("xavier_normal"), "training": Training(60), "seed": seed}
    optimizer = Optimizer(optimizer, {"learning_rate": rate})
    return Scenario(
        f"broken {seed}", names, layers, np.asarray(x, float), np.asarray(y, float), loss=loss, optimizer=optimizer, **(usual | more)
    )


def _answer(y, generator):
    """A last layer and a loss for classes that are 0 and 1, and the targets as they need them."""
    kind = int(generator.integers(0, 5))
    mean = str(generator.choice(["sum", "mean"]))
    if kind == 0:
        return Layer(1, "sigmoid"), Loss("binary_cross_entropy", mean, from_logits=bool(generator.random() < 0.5)), y
    if kind == 1:
        return Layer(1, "sigmoid"), Loss("squared_error", mean), y
    if kind == 2:
        return Layer(1, "tanh"), Loss("squared_error", mean), 2 * y - 1
    if kind == 3:
        return Layer(2, "softmax"), Loss("categorical_cross_entropy", mean), np.hstack([1 - y, y])
    return Layer(1, "identity"), Loss("squared_error", mean), y


def linear(seed):
    """No bend before the output where the data need one."""
    generator = np.random.default_rng([1, seed])
    x, y = data_of("circles" if seed % 2 else "xor", generator, int(generator.integers(16, 60)))
    if seed % 4 == 2:
        x, y = np.repeat(x, 8, axis=0) + 0.1 * generator.standard_normal((32, 2)), np.repeat(y, 8, axis=0)
    last, loss, y = _answer(y, generator)
    hidden = [Layer(int(generator.integers(2, 6)), "identity") for _ in range(int(generator.integers(0, 3)))]
    return _scenario(x * 10.0 ** generator.integers(-2, 3), y, (*hidden, last), loss, seed, 0.01)


def no_bias(seed):
    """No bias where the data need one."""
    generator = np.random.default_rng([2, seed])
    if seed % 3 == 0:
        x, y = data_of("xor", generator, 4)
        return _scenario(x, y, (Layer(4, "tanh", bias=False), Layer(1, "sigmoid", bias=False)), Loss("binary_cross_entropy"), seed)
    if seed % 3 == 1:
        x = generator.uniform(1, 2, (20, 2))
        y = x @ [[1.0], [2.0]] + 30 * np.sign(generator.standard_normal())
        return _scenario(x - 1.5, y, (Layer(1, "identity", bias=False),), Loss("squared_error", "mean"), seed)
    x = generator.uniform(1, 5, (30, 1))
    x = x[np.abs(x[:, 0] - 3) > 0.2]
    last, loss, y = _answer((x > 3).astype(float), generator)
    last = Layer(1, "sigmoid") if last.activation == "identity" else last
    return _scenario(x, y, (Layer(last.units, last.activation, bias=False),), loss, seed)


def copies(seed):
    """Units that are equal at the start."""
    generator = np.random.default_rng([3, seed])
    x, y = data_of("circles" if seed % 2 else "xor", generator, 20)
    value = {"name": "zeros"} if seed % 5 == 0 else {"name": "constant", "constants": {"value": float(generator.uniform(-0.8, 0.8))}}
    layers = tuple(Layer(int(generator.integers(2, 7)), str(generator.choice(HIDDEN))) for _ in range(int(generator.integers(1, 4))))
    last, loss, y = _answer(y, generator)
    optimizer, precision = str(generator.choice(list(RATES))), ("float64", "float32")[seed % 2]
    return _scenario(x, y, (*layers, last), loss, seed, 0.05, optimizer, initializer=Initializer(**value), precision=precision)


def long_step(seed):
    """Inputs that are far too large for the step."""
    generator = np.random.default_rng([4, seed])
    x = generator.uniform(20, 300, (int(generator.integers(5, 40)), int(generator.integers(1, 4))))
    optimizer, size = ("sgd", "momentum", "nesterov")[seed % 3], (None, None, 4)[seed // 3 % 3]
    y = x @ np.ones((x.shape[1], 1)) / 100 + 1
    hidden = [Layer(5, "relu")] if seed % 4 == 3 else []
    rate = float(np.exp(generator.uniform(np.log(1e-3), np.log(0.1))))
    return _scenario(
        x, y, (*hidden, Layer(1)), Loss("squared_error", "mean"), seed, rate, optimizer, training=Training(60, size, bool(size))
    )


def contradiction(seed):
    """Targets that stand in the wrong rows, of samples that occur several times."""
    generator = np.random.default_rng([5, seed])
    x, y = data_of("xor", generator, 4)
    x, y = np.repeat(x, 5, axis=0), generator.permutation(np.repeat(y, 5, axis=0))
    last, loss, y = _answer(y, generator)
    return _scenario(x, y, (Layer(6, str(generator.choice(HIDDEN))), last), loss, seed)


def out_of_range(seed):
    """Targets that the last activation does not reach."""
    generator = np.random.default_rng([6, seed])
    x = generator.standard_normal((15, 2))
    activation = ("sigmoid", "tanh", "relu", "softmax")[seed % 4]
    y = (2.5 + np.abs(x) @ np.ones((2, 2))) * (-1 if activation == "relu" else 1)
    return _scenario(x, y, (Layer(4, "tanh"), Layer(2, activation)), Loss(str(generator.choice(["squared_error", "huber"]))), seed)


def squashed_twice(seed):
    """A loss on logits that gets probabilities."""
    generator = np.random.default_rng([7, seed])
    x, y = data_of("many", generator, 15) if seed % 2 else data_of("circles", generator, 15)
    hidden = tuple(Layer(5, str(generator.choice(HIDDEN))) for _ in range(int(generator.integers(0, 2))))
    z, a, source = (f"{letter}{len(hidden) + 1}" for letter in ("z", "a", "W"))
    affine = f"{'a1' if hidden else 'x'} @ {source} + b{z[1:]}"
    soft = "exp({0}) / sum(exp({0}), axis=1, keepdims=True)"
    if seed % 2:
        ways = [{a: soft.format(f"({soft.format(z)})")}, {"loss": f"-sum(y * log({soft.format(a)})) / m"}]
        formulas, logits = [*((way, False) for way in ways), ({z: soft.format(f"({affine})")}, True)][seed // 2 % 3]
        loss = Loss("categorical_cross_entropy", "mean", from_logits=logits)
        return _scenario(x, y, (*hidden, Layer(3, "softmax")), loss, seed, formulas=formulas)
    ways = [{"loss": f"sum(maximum({a}, 0) - y * {a} + log1p(exp(-abs({a}))))"}, {a: f"1 / (1 + exp(-1 / (1 + exp(-{z}))))"}]
    formulas = ways[seed // 2 % 2]
    return _scenario(x, y, (*hidden, Layer(1, "sigmoid")), Loss("binary_cross_entropy"), seed, formulas=formulas)


def shuffled(seed):
    """Targets that stand in the wrong rows."""
    generator = np.random.default_rng([8, seed])
    x, y = ordered(ORDERED[seed % len(ORDERED)], generator, int(generator.integers(80, 300)))
    return _scenario(x, generator.permutation(y), (Layer(6, "tanh"), Layer(y.shape[1])), Loss("squared_error", "mean"), seed)


ORDERED = (
    "blobs",
    "noisy blobs",
    "moons",
    "noisy moons",
    "spirals",
    "clusters",
    "parity",
    "corners",
    "line",
    "sign",
    "wave",
    "rare",
    "words",
    "turns",
)


def ordered(kind, generator, samples):
    """Inputs and targets that belong together, in ways that are seen at neighbours, and in ways that are not."""
    classes, noisy, noise = np.arange(samples) % 3, generator.random(samples) < 0.25, generator.standard_normal((samples, 9))
    half, angle, radius = generator.integers(0, 2, samples), generator.uniform(0, np.pi, samples), generator.uniform(0.2, 1, samples)
    if kind.endswith("blobs"):
        x, y = 2 * generator.standard_normal((3, 4))[classes] + noise[:, :4], np.eye(3)[np.where(noisy & (kind != "blobs"), half, classes)]
    elif kind.endswith("moons"):
        one, other = np.stack([np.cos(angle), np.sin(angle)], axis=1), np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
        x, y = np.where(half[:, None], other, one) + 0.15 * noise[:, :2], half ^ (noisy & (kind != "moons"))
    elif kind == "spirals":
        x, y = radius[:, None] * np.stack([np.cos(6 * radius + np.pi * half), np.sin(6 * radius + np.pi * half)], axis=1), half
    elif kind in ("clusters", "parity", "corners"):  # of 2 to 8 numbers, which are exactly 0 and 1 in a parity
        bits = generator.integers(0, 2, (samples, 2 if kind == "clusters" else int(generator.integers(3, 9))))
        x, y = bits + 0.15 * (kind != "parity") * noise[:, : bits.shape[1]], bits.sum(axis=1) % 2
    elif kind in ("line", "sign"):
        x = noise[:, : int(generator.integers(1, 9))]
        y = x @ generator.standard_normal(x.shape[1]) + 0.3 * noise[:, -1]
        y = y if kind == "line" else y > 0
    elif kind == "wave":
        x, y = radius[:, None], np.sin(20 * radius)
    elif kind == "rare":
        seldom = generator.random(samples) < 0.1
        x, y = seldom[:, None] * [3.0, 1.5] + noise[:, :2], seldom
    elif kind == "words":
        word = generator.integers(0, 8, samples)
        x, y = np.eye(8)[word], np.eye(3)[generator.permutation(8)[word] % 3]
    else:
        x, y = np.arange(samples)[:, None], np.eye(5)[np.arange(samples) % 5]
    return x, y.reshape(samples, -1)


BROKEN = {
    made.__name__.replace("_", "-"): made for made in (linear, no_bias, copies, long_step, contradiction, out_of_range, squashed_twice)
}
"""What each kind of failure looks like, by what it is to be called."""


def found(timeline):
    """What is found now, by name."""
    return {finding.name: finding for finding in obstacles(timeline.program, timeline.machine.persistent, timeline.machine.update)}


def net(x, y, *layers, loss="squared_error", rate=0.1, **more):
    """A network over these data."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    names, optimizer = tuple(f"x{i}" for i in range(x.shape[1])), more.pop("optimizer", Optimizer("sgd", {"learning_rate": rate}))
    return Scenario("made", names, layers, x, y, loss=Loss(loss, **more.pop("reductions", {})), optimizer=optimizer, **more)
