"""The scenario file in one table: every key with its kind, default and meaning.

Names and constants come from the engine's own tables; only their ranges and words stand here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bpdebug.core.description import Initializer, Layer, Loss, Scenario, Training
from bpdebug.core.initializers import INITIALIZERS
from bpdebug.core.operations import ACTIVATIONS, LOSSES, OPERATIONS
from bpdebug.core.record import replace
from bpdebug.frontends.constants import OPTIMIZER, constants_of
from bpdebug.frontends.kinds import Key, Schema, choice, either, flag, list_of, map_of, real, text
from bpdebug.frontends.nodes import Mapping, Node, Scalar, Sequence, made_of, number_of
from bpdebug.frontends.numeric import array, constant, numbers
from bpdebug.frontends.report import Mark
from bpdebug.frontends.tables import Short, branch, homes, single, table

MAXIMUM_WIDTH = 1_000_000
MAXIMUM_LAYERS = 200
MAXIMUM_COUNT = 10**9

AUTO, CROSS_ENTROPY = "auto", "cross_entropy"
"""An activation and a loss that the rest of the network decides: see :func:`bpdebug.frontends.assemble.assemble`."""
EXAMPLE = """\
network:
  inputs: 2
  layers: [3, 1]
data:
  inputs: [[0, 0], [0, 1], [1, 0], [1, 1]]
  targets: [0, 1, 1, 0]
"""
"""A whole scenario."""
_CHAIN = re.compile(r"\d+([-–→> x×,/]{1,4}\d+)+")
_ACTIVATIONS_TOO = {AUTO: AUTO, "ReLU": "relu", "LeakyReLU": "leaky_relu", "logistic": "sigmoid", "linear": "identity", "none": "identity"}
_ACTIVATIONS_TOO |= {"SiLU": "silu", "swish": "silu"}
_LOSSES_TOO = {"mse": "squared_error", "mean_squared_error": "squared_error", "mae": "absolute_error", "hinge_loss": "hinge"}
_LOSSES_TOO |= {"bce": "binary_cross_entropy", "log_loss": "binary_cross_entropy", "cce": "categorical_cross_entropy"}
_LOSSES_TOO |= {CROSS_ENTROPY: CROSS_ENTROPY, "ce": CROSS_ENTROPY}
_INITIALIZERS_TOO = {"xavier": "xavier_normal", "glorot": "xavier_normal", "he": "he_normal", "kaiming": "he_normal", "random": "normal"}
"""What else people call them."""


def _operations(names: Iterable[str]) -> dict[str, tuple[Key, ...]]:
    return {name: constants_of(name, OPERATIONS[name].constants) for name in names}


_DRAWN = Key("name", choice(INITIALIZERS, _INITIALIZERS_TOO), "how weights are drawn", required=True)
_INITIALIZER = table(
    "an initializer",
    (_DRAWN,),
    "name",
    {name: constants_of(name, recipe.constants) for name, recipe in INITIALIZERS.items()},
    "initializer: {name: normal, std: 0.5}",
    single(_DRAWN),
)
_INITIALIZER = replace(_INITIALIZER, blank=lambda default: default and {"name": default})
_WIDTH = real(1, MAXIMUM_WIDTH, whole=True)
_NAMES = list_of(text(numbers=True), least=1, most=MAXIMUM_WIDTH, unique=True)
_REDUCTION = choice(("sum", "mean"))
_UNITS = Key("units", _WIDTH, "how many units the layer has", required=True, also=("neurons", "nodes", "size"))
_LAYER = table(
    "a layer",
    (
        _UNITS,
        Key(
            "activation", choice(ACTIVATIONS, _ACTIVATIONS_TOO), "the function that each unit applies to its weighted sum", Layer.activation
        ),
        Key("bias", flag(), "whether the units have a bias", Layer.bias),
        Key("residual", flag(), "whether the layer's input is added to its output", Layer.residual),
        Key("initializer", _INITIALIZER, "how this layer's weights start, if not as in parameters"),
    ),
    "activation",
    _operations(ACTIVATIONS) | {AUTO: ()},
    "layers:\n  - {units: 3, activation: sigmoid}",
    single(_UNITS, lambda text: number_of(text) is not None, activation=AUTO),
)


def _chain(node: Node) -> Mapping | None:
    """The network that ``2-3-1`` or ``[2, 3, 1]`` stands for; a list without the number of inputs is that of the layers."""
    items = node.items if isinstance(node, Sequence) else []
    if isinstance(node, Scalar) and _CHAIN.fullmatch(node.text):
        line, column = node.mark.line, node.mark.column + len(node.style)
        items = [Scalar(Mark(line, column + found.start()), found[0]) for found in re.finditer(r"\d+", node.text)]
    if len(items) > 1 and isinstance(items[0], Scalar):
        return made_of(node.mark, {"inputs": items[0], "layers": Sequence(node.mark, items[1:])})
    return made_of(node.mark, {"layers": node}) if items else None


_LAYERS = list_of(_LAYER, least=1, most=MAXIMUM_LAYERS, example="[3, 1]")
_NETWORK = table(
    "network",
    (
        Key("inputs", either(_WIDTH, _NAMES), "how many inputs, or a list of their names; as many as the data has if left out"),
        Key("layers", _LAYERS, "the layers, from the first hidden to the output; 3 is a layer of 3 units", required=True),
        Key("outputs", _NAMES, "the names of the outputs"),
    ),
    example="network:\n  inputs: 2\n  layers: [3, 1]",
    short=Short(_chain, lambda: {"anyOf": [{"type": "string", "pattern": f"^{_CHAIN.pattern}$"}, {"type": "array", "minItems": 1}]}),
)
_VALUES = map_of(numbers(flat_is_row=True, scalars=True), "values:\n  b1: [0.1, 0.2]")
_START = (
    Key("initializer", _INITIALIZER, "how the weights start", Initializer.name),
    Key("seed", real(0, 2**32 - 1, whole=True), "the seed of everything that is random", Scenario.seed),
    Key("generator", choice(("pcg64", "legacy")), "the random generator; legacy is that of numpy.random.seed", Scenario.generator),
    Key("values", _VALUES, "initial values by name; they win over the initializer", {}),
    Key("frozen", list_of(text()), "parameters that the update leaves alone", ()),
)
_PARAMETERS = table("parameters", _START, example="parameters:\n  seed: 1")
_X, _Y = ("x", "X"), ("y", "Y", "outputs", "labels")
_COLUMNS = either(text(numbers=True), _NAMES)
_FILE = Key("file", text(), "a .csv or .npz file, relative to the scenario file", required=True)
_FILED = table(
    "data",
    (
        _FILE,
        Key("inputs", _COLUMNS, "the columns (csv) or the array (npz, else x) of the inputs", also=_X),
        Key("targets", _COLUMNS, "the columns (csv) or the array (npz, else y) of the targets", also=_Y),
        Key("one_hot", flag(), "whether class numbers become one output for each class; words always do", False),
    ),
    short=single(_FILE),
)
_DATA = branch(
    "file",
    _FILED,
    table(
        "data",
        (
            Key("inputs", numbers(), "one row for each sample", required=True, also=_X),
            Key(
                "targets",
                numbers(labels=True),
                "one row for each sample; or a flat list, of one number or one class for each",
                required=True,
                also=_Y,
            ),
        ),
        example="data:\n  inputs: [[0, 0], [0, 1], [1, 0], [1, 1]]\n  targets: [0, 1, 1, 0]",
    ),
)
_LOSS = table(
    "loss",
    (
        Key("function", choice(LOSSES, _LOSSES_TOO), "the loss of one output of one sample", Loss.function, also=("name",)),
        Key("samples", _REDUCTION, "how the losses of the samples are combined", Loss.samples),
        Key("outputs", _REDUCTION, "how the losses of the outputs are combined", Loss.outputs),
        Key("factor", real(), "a factor in front of the whole loss, such as 0.5", Loss.factor),
        Key("l2", real(0), "the strength of the penalty on squared weights", Loss.l2),
        Key(
            "from_logits", flag(), "whether the loss applies the last activation itself, in one step that never overflows", Loss.from_logits
        ),
    ),
    "function",
    _operations(LOSSES) | {CROSS_ENTROPY: ()},
    "loss:\n  function: binary_cross_entropy",
    implied={name: {"samples": "mean", "outputs": "mean"} for name in ("mse", "mae", "mean_squared_error")},
)
_TRAINING = table(
    "training",
    (
        Key(
            "epochs", real(1, MAXIMUM_COUNT, whole=True), "how many times training goes through the data", Training.epochs, also=("epoch",)
        ),
        Key(
            "batch_size",
            real(1, MAXIMUM_COUNT, whole=True),
            "how many samples an update takes; all of them if left out",
            Training.batch_size,
            also=("batch",),
        ),
        Key("shuffle", flag(), "whether each epoch takes the samples in a new order", Training.shuffle),
    ),
    example="training:\n  epochs: 1000",
)
_DEBUG = table(
    "debug",
    (
        Key("breakpoints", list_of(text()), "where to stop, such as: dz2 if max(abs(dz2)) > 1", ()),
        Key("watches", list_of(text()), "expressions to watch", ()),
    ),
    example="debug:\n  breakpoints: [dz2]",
)
_FORMULAS = map_of(text(numbers=True), "formulas:\n  da2: a2 - y")
_TITLE = (
    Key("name", text(numbers=True), "a title; the file's name if left out"),
    Key("description", text(), "one sentence on what it shows", Scenario.description),
    Key("precision", choice(("float64", "float32")), "the floating-point format of all numbers", Scenario.precision),
)
_TRAINED = (
    Key("optimizer", OPTIMIZER, "how the parameters are updated", lifts=("learning_rate", "lr")),
    Key("training", _TRAINING, "how long, and in which batches", lifts=("epochs", "batch_size")),
    Key("formulas", _FORMULAS, "your own formula for a stage, such as da2: a2 - y", {}),
    Key("debug", _DEBUG, "stops that are set when the debugger opens"),
)
_LAYERED = table(
    "a scenario",
    (
        *_TITLE,
        Key("network", _NETWORK, "inputs and layers", required=True, lifts=("layers",)),
        Key("parameters", _PARAMETERS, "the parameters before the first update", lifts=("seed",)),
        Key("data", _DATA, "inputs and targets", required=True),
        Key("loss", _LOSS, "what training minimises"),
        *_TRAINED,
    ),
    example=EXAMPLE,
)
_ARRAYS = map_of(array(), "tensors:\n  mask: [[1, 0], [0, 1]]")
_LINES = "program: |\n  h = tanh(x @ W1)\n  loss = mean((h @ W2 - y) ** 2)"
_SHAPES = map_of(list_of(real(1, MAXIMUM_COUNT, whole=True), example="[2, 3]"), "shapes:\n  W1: [2, 3]")
_WRITTEN = table(
    "a scenario",
    (
        *_TITLE,
        Key(
            "program",
            text(example=_LINES),
            "the forward pass, one statement per line; the loss is the line named loss",
            required=True,
            also=("forward",),
        ),
        Key("backward", text(example="backward: |\n  dh = dout @ W2.T"), "your own lines in the place of derived ones", ""),
        Key(
            "parameters",
            table(
                "parameters",
                (
                    *(key for key in _START if key.name != "values"),
                    Key("shapes", _SHAPES, "the parameters that start at random, by shape", {}),
                    Key("values", _ARRAYS, "the parameters that start as they are given here", {}),
                ),
                example="parameters:\n  shapes: {W1: [2, 3]}",
            ),
            "what the update changes",
            lifts=("seed",),
        ),
        Key("constants", map_of(constant(), "constants:\n  eps: 1.0e-5"), "named numbers", {}),
        Key("tensors", _ARRAYS, "given arrays, whole in every update", {}),
        Key(
            "data",
            branch(
                "file",
                _FILED,
                table("data", (Key("inputs", array(), "the batch x", also=_X), Key("targets", array(), "the batch y", also=_Y))),
            ),
            "the samples, the first axis of x and y",
        ),
        Key("loss", text(example="loss: cost   # a line of program, which computes one number"), "the line whose gradients are taken", ""),
        *_TRAINED,
    ),
    example=_LINES,
)
ROOT = branch("program", _WRITTEN, _LAYERED, "scenario")


def belongs(name: str, value: str) -> dict[str, str]:
    """The keys under which a key of a scenario is known ("" for none), each with the lines of YAML that give it a value there."""
    return {"": f"{name}: {value}"} if name in ROOT.parts() else homes(ROOT, name, value)


def json_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a scenario file, made from the same table that the loader checks with."""
    heading = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bpdebug scenario",
        "description": "A network, its data and how it is trained.",
    }
    return heading | ROOT.json()
