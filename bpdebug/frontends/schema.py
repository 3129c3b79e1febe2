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
from bpdebug.frontends.kinds import Choice, Either, Flag, ListOf, MapOf, Real, Text, Whole
from bpdebug.frontends.nodes import Mapping
from bpdebug.frontends.tables import Branch, Key, Numbers, Table, choice_of

MAXIMUM_WIDTH = 1_000_000
MAXIMUM_LAYERS = 200
MAXIMUM_COUNT = 10**9

_FADE = Real(0, 1, below=1)
_NOT_NEGATIVE = Real(0)
_CONSTANTS: dict[str, tuple[Real, str]] = {
    "learning_rate": (_NOT_NEGATIVE, "the length of a step"),
    "momentum": (_FADE, "how much of the velocity is kept from update to update"),
    "beta1": (_FADE, "how much of the running mean of the gradient is kept"),
    "beta2": (_FADE, "how much of the running mean of the squared gradient is kept"),
    "rmsprop.alpha": (_FADE, "how much of the running mean of the squared gradient is kept"),
    "epsilon": (_NOT_NEGATIVE, "keeps the denominator from 0"),
    "weight_decay": (_NOT_NEGATIVE, "how much each step shrinks the parameters"),
    "slope": (Real(), "the slope of leaky_relu for negative sums"),
    "elu.alpha": (_NOT_NEGATIVE, "the depth of elu for negative sums"),
    "delta": (_NOT_NEGATIVE, "where huber turns from a square to a line"),
    "std": (_NOT_NEGATIVE, "the standard deviation"),
    "mean": (Real(), "the mean"),
    "low": (Real(), "the lower end"),
    "high": (Real(), "the upper end"),
    "value": (Real(), "the value of every weight"),
    "gain": (Real(), "a factor for the spread"),
}
"""The range and meaning of each constant of the engine's rows; ``row.name`` where two rows share a name."""


def _constants(row: str, values: Dictionary[str, float]) -> tuple[Key, ...]:
    """The keys of one row; a constant that the table above does not know yet is any number."""
    keys = []
    for name, default in values.items():
        kind, doc = _CONSTANTS.get(f"{row}.{name}") or _CONSTANTS.get(name, (Real(), f"a constant of {row}"))
        keys.append(Key(name, kind, doc, default))
    return tuple(keys)


def _operations(names: Iterable[str]) -> dict[str, tuple[Key, ...]]:
    return {name: _constants(name, OPERATIONS[name].constants) for name in names}


def _optimizers() -> dict[str, tuple[Key, ...]]:
    """The rules' constants; sgd takes a momentum too, and is the momentum rule then."""
    variants = {name: _constants(name, rule.constants) for name, rule in OPTIMIZERS.items()}
    borrowed = {"momentum": 0.0} if "momentum" not in OPTIMIZERS["sgd"].constants else {}
    return variants | {"sgd": (*variants["sgd"], *_constants("sgd", borrowed))}


_INITIALIZER_NAMES = choice_of(INITIALIZERS)
_INITIALIZER = Either(
    _INITIALIZER_NAMES,
    Table(
        "an initializer",
        (Key("name", _INITIALIZER_NAMES, "how weights are drawn", required=True),),
        "name",
        {name: _constants(name, recipe.constants) for name, recipe in INITIALIZERS.items()},
    ),
    Mapping,
)
_WIDTH = Whole(1, MAXIMUM_WIDTH)
_NAMES = ListOf(Text(numbers=True), least=1, most=MAXIMUM_WIDTH, unique=True)
_REDUCTION = Choice(("sum", "mean"))

_LAYER = Table(
    "a layer",
    (
        Key("units", _WIDTH, "how many units the layer has", required=True),
        Key("activation", choice_of(ACTIVATIONS), "what each unit makes of its weighted sum", Layer.activation),
        Key("bias", Flag(), "whether the units have a bias", Layer.bias),
        Key("residual", Flag(), "whether the layer's input is added to its output", Layer.residual),
        Key("initializer", _INITIALIZER, "how this layer's weights start, where it differs"),
    ),
    "activation",
    _operations(ACTIVATIONS),
)
_NETWORK = Table(
    "network",
    (
        Key("inputs", Either(_WIDTH, _NAMES), "how many inputs, or a list of their names", required=True),
        Key("layers", ListOf(_LAYER, least=1, most=MAXIMUM_LAYERS), "the layers, from the first hidden to the output", required=True),
        Key("outputs", _NAMES, "the names of the outputs"),
    ),
)
_PARAMETERS = Table(
    "parameters",
    (
        Key("initializer", _INITIALIZER, "how the weights start", Initializer.name),
        Key("seed", Whole(0, 2**32 - 1), "the seed of everything that is random", Scenario.seed),
        Key("generator", Choice(("pcg64", "legacy")), "the source of numbers; legacy: that of numpy.random.seed", Scenario.generator),
        Key("values", MapOf(Numbers(flat_is_row=True, scalars=True)), "tensors by name with explicit initial values", {}),
        Key("frozen", ListOf(Text()), "parameters that the update leaves alone", ()),
    ),
)
_COLUMNS = Either(Text(numbers=True), _NAMES)
_DATA = Branch(
    "file",
    Table(
        "data",
        (
            Key("file", Text(), "a .csv or .npz file, relative to the scenario file", required=True),
            Key("inputs", _COLUMNS, "the columns (csv) or the array (npz, else x) of the inputs"),
            Key("targets", _COLUMNS, "the columns (csv) or the array (npz, else y) of the targets"),
            Key("one_hot", Flag(), "whether class labels become one output a class; texts always do", False),
        ),
    ),
    Table(
        "data",
        (
            Key("inputs", Numbers(), "one row a sample", required=True),
            Key("targets", Numbers(), "one row a sample; a flat list is a column", required=True),
        ),
    ),
)
_LOSS = Table(
    "loss",
    (
        Key("function", choice_of(LOSSES), "the loss of one output of one sample", Loss.function),
        Key("samples", _REDUCTION, "how the samples of a batch are put together", Loss.samples),
        Key("outputs", _REDUCTION, "how the outputs are put together", Loss.outputs),
        Key("factor", Real(), "a factor before all of it, such as 0.5", Loss.factor),
        Key("l2", _NOT_NEGATIVE, "the weight of the penalty on the squares of the weights", Loss.l2),
        Key("from_logits", Flag(), "whether loss and last activation are fused to one step", Loss.from_logits),
    ),
    "function",
    _operations(LOSSES),
)
_OPTIMIZER = Table(
    "optimizer",
    (Key("name", choice_of(OPTIMIZERS), "the update rule", Optimizer.name),),
    "name",
    _optimizers(),
)
_TRAINING = Table(
    "training",
    (
        Key("epochs", Whole(1, MAXIMUM_COUNT), "how often the data is gone through", Training.epochs),
        Key("batch_size", Whole(1, MAXIMUM_COUNT), "samples of an update; left out: all of them", Training.batch_size),
        Key("shuffle", Flag(), "whether each epoch has an order of its own", Training.shuffle),
    ),
)
_DEBUG = Table(
    "debug",
    (
        Key("breakpoints", ListOf(Text()), "where to stop, such as: dz2 if max(abs(dz2)) > 1", ()),
        Key("watches", ListOf(Text()), "expressions to watch", ()),
    ),
)
ROOT = Table(
    "a scenario",
    (
        Key("name", Text(numbers=True), "a title; left out: the file's name"),
        Key("description", Text(), "one sentence on what it shows", Scenario.description),
        Key("precision", Choice(("float64", "float32")), "the floating-point format of everything", Scenario.precision),
        Key("network", _NETWORK, "inputs and layers", required=True),
        Key("parameters", _PARAMETERS, "the values at the start"),
        Key("data", _DATA, "inputs and targets", required=True),
        Key("loss", _LOSS, "what is minimised"),
        Key("optimizer", _OPTIMIZER, "how the parameters are updated"),
        Key("training", _TRAINING, "how long, and in which batches"),
        Key("formulas", MapOf(Text(numbers=True)), "stages by name whose formula is replaced, such as da2: a2 - y", {}),
        Key("debug", _DEBUG, "stops that are set when the debugger opens"),
    ),
)
