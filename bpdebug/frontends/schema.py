"""The scenario file in one table: every key with its kind, default and meaning.

Names and constants come from the engine's own tables; only their ranges and words stand here.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Dictionary

from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.initializers import INITIALIZERS
from bpdebug.core.operations import ACTIVATIONS, LOSSES, OPERATIONS
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.frontends.kinds import Kind, Schema, choice, either, flag, list_of, map_of, numbers, real, text
from bpdebug.frontends.nodes import Mapping
from bpdebug.frontends.tables import Key, branch, table

MAXIMUM_WIDTH = 1_000_000
MAXIMUM_LAYERS = 200
MAXIMUM_COUNT = 10**9

_FADE = real(0, 1, below=1)
_NOT_NEGATIVE = real(0)
_CONSTANTS: dict[str, tuple[Kind, str]] = {
    "learning_rate": (_NOT_NEGATIVE, "the length of a step"),
    "momentum": (_FADE, "how much of the velocity is kept from update to update"),
    "beta1": (_FADE, "how much of the running mean of the gradient is kept"),
    "beta2": (_FADE, "how much of the running mean of the squared gradient is kept"),
    "rmsprop.alpha": (_FADE, "how much of the running mean of the squared gradient is kept"),
    "epsilon": (_NOT_NEGATIVE, "keeps the denominator from 0"),
    "weight_decay": (_NOT_NEGATIVE, "how much each step shrinks the parameters"),
    "slope": (real(), "the slope of leaky_relu for negative sums"),
    "elu.alpha": (_NOT_NEGATIVE, "the depth of elu for negative sums"),
    "delta": (_NOT_NEGATIVE, "where huber turns from a square to a line"),
    "std": (_NOT_NEGATIVE, "the standard deviation"),
    "mean": (real(), "the mean"),
    "low": (real(), "the lower end"),
    "high": (real(), "the upper end"),
    "value": (real(), "the value of every weight"),
    "gain": (real(), "a factor for the spread"),
}
"""The range and meaning of each constant of the engine's rows; ``row.name`` where two rows share a name."""


def _constants(row: str, values: Dictionary[str, float]) -> tuple[Key, ...]:
    """The keys of one row; a constant that the table above does not know yet is any number."""
    keys = []
    for name, default in values.items():
        kind, doc = _CONSTANTS.get(f"{row}.{name}") or _CONSTANTS.get(name, (real(), f"a constant of {row}"))
        keys.append(Key(name, kind, doc, default))
    return tuple(keys)


def _operations(names: Iterable[str]) -> dict[str, tuple[Key, ...]]:
    return {name: _constants(name, OPERATIONS[name].constants) for name in names}


def _optimizers() -> dict[str, tuple[Key, ...]]:
    """The rules' constants; sgd takes a momentum too, and is the momentum rule then."""
    rules = {name: dict(rule.constants) for name, rule in OPTIMIZERS.items()}
    rules["sgd"].setdefault("momentum", 0.0)
    return {name: _constants(name, constants) for name, constants in rules.items()}


_INITIALIZER_NAMES = choice(INITIALIZERS)
_INITIALIZER = either(
    _INITIALIZER_NAMES,
    table(
        "an initializer",
        (Key("name", _INITIALIZER_NAMES, "how weights are drawn", required=True),),
        "name",
        {name: _constants(name, recipe.constants) for name, recipe in INITIALIZERS.items()},
    ),
    Mapping,
)
_WIDTH = real(1, MAXIMUM_WIDTH, whole=True)
_NAMES = list_of(text(numbers=True), least=1, most=MAXIMUM_WIDTH, unique=True)
_REDUCTION = choice(("sum", "mean"))

_LAYER = table(
    "a layer",
    (
        Key("units", _WIDTH, "how many units the layer has", required=True),
        Key("activation", choice(ACTIVATIONS), "what each unit makes of its weighted sum", Layer.activation),
        Key("bias", flag(), "whether the units have a bias", Layer.bias),
        Key("residual", flag(), "whether the layer's input is added to its output", Layer.residual),
        Key("initializer", _INITIALIZER, "how this layer's weights start, where it differs"),
    ),
    "activation",
    _operations(ACTIVATIONS),
)
_NETWORK = table(
    "network",
    (
        Key("inputs", either(_WIDTH, _NAMES), "how many inputs, or a list of their names", required=True),
        Key("layers", list_of(_LAYER, least=1, most=MAXIMUM_LAYERS), "the layers, from the first hidden to the output", required=True),
        Key("outputs", _NAMES, "the names of the outputs"),
    ),
)
_PARAMETERS = table(
    "parameters",
    (
        Key("initializer", _INITIALIZER, "how the weights start", Initializer.name),
        Key("seed", real(0, 2**32 - 1, whole=True), "the seed of everything that is random", Scenario.seed),
        Key("generator", choice(("pcg64", "legacy")), "the source of numbers; legacy: that of numpy.random.seed", Scenario.generator),
        Key("values", map_of(numbers(flat_is_row=True, scalars=True)), "tensors by name with explicit initial values", {}),
        Key("frozen", list_of(text()), "parameters that the update leaves alone", ()),
    ),
)
_COLUMNS = either(text(numbers=True), _NAMES)
_DATA = branch(
    "file",
    table(
        "data",
        (
            Key("file", text(), "a .csv or .npz file, relative to the scenario file", required=True),
            Key("inputs", _COLUMNS, "the columns (csv) or the array (npz, else x) of the inputs"),
            Key("targets", _COLUMNS, "the columns (csv) or the array (npz, else y) of the targets"),
            Key("one_hot", flag(), "whether class labels become one output a class; texts always do", False),
        ),
    ),
    table(
        "data",
        (
            Key("inputs", numbers(), "one row a sample", required=True),
            Key("targets", numbers(), "one row a sample; a flat list is a column", required=True),
        ),
    ),
)
_LOSS = table(
    "loss",
    (
        Key("function", choice(LOSSES), "the loss of one output of one sample", Loss.function),
        Key("samples", _REDUCTION, "how the samples of a batch are put together", Loss.samples),
        Key("outputs", _REDUCTION, "how the outputs are put together", Loss.outputs),
        Key("factor", real(), "a factor before all of it, such as 0.5", Loss.factor),
        Key("l2", _NOT_NEGATIVE, "the weight of the penalty on the squares of the weights", Loss.l2),
        Key("from_logits", flag(), "whether loss and last activation are fused to one step", Loss.from_logits),
    ),
    "function",
    _operations(LOSSES),
)
_OPTIMIZER = table(
    "optimizer",
    (Key("name", choice(OPTIMIZERS), "the update rule", Optimizer.name),),
    "name",
    _optimizers(),
)
_TRAINING = table(
    "training",
    (
        Key("epochs", real(1, MAXIMUM_COUNT, whole=True), "how often the data is gone through", Training.epochs),
        Key("batch_size", real(1, MAXIMUM_COUNT, whole=True), "samples of an update; left out: all of them", Training.batch_size),
        Key("shuffle", flag(), "whether each epoch has an order of its own", Training.shuffle),
    ),
)
_DEBUG = table(
    "debug",
    (
        Key("breakpoints", list_of(text()), "where to stop, such as: dz2 if max(abs(dz2)) > 1", ()),
        Key("watches", list_of(text()), "expressions to watch", ()),
    ),
)
ROOT = table(
    "a scenario",
    (
        Key("name", text(numbers=True), "a title; left out: the file's name"),
        Key("description", text(), "one sentence on what it shows", Scenario.description),
        Key("precision", choice(("float64", "float32")), "the floating-point format of everything", Scenario.precision),
        Key("network", _NETWORK, "inputs and layers", required=True),
        Key("parameters", _PARAMETERS, "the values at the start"),
        Key("data", _DATA, "inputs and targets", required=True),
        Key("loss", _LOSS, "what is minimised"),
        Key("optimizer", _OPTIMIZER, "how the parameters are updated"),
        Key("training", _TRAINING, "how long, and in which batches"),
        Key("formulas", map_of(text(numbers=True)), "stages by name whose formula is replaced, such as da2: a2 - y", {}),
        Key("debug", _DEBUG, "stops that are set when the debugger opens"),
    ),
)


def json_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a scenario file, made from the same table that the loader checks with."""
    heading = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bpdebug scenario",
        "description": "A network, its data and how it is trained.",
    }
    return heading | ROOT.json()
