"""What a scenario says, as plain frozen data: the engine's only input. The file format is in :mod:`bpdebug.frontends`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from bpdebug.core import tensors
from bpdebug.core.record import Record
from bpdebug.core.tensors import Naming

Array = tensors.Array
Values = tensors.Values
_SHUFFLE_KEY = 0x5_BA7C4
"""Keeps the shuffles' generators apart from those of the initial values under the same seed."""


class Layer(Record):
    """One layer: an affine (or, without bias, linear) node, an activation, perhaps a residual sum.

    Attributes:
        units: its width.
        activation: a name of the operation table.
        bias: whether it has one.
        residual: whether its input is added to its output (same width on both sides).
        constants: the activation's own literals, such as ``{"slope": 0.2}`` of leaky_relu.
        initializer: this layer's own, where it differs from the scenario's.
    """

    units: int
    activation: str = "identity"
    bias: bool = True
    residual: bool = False
    constants: Mapping[str, float] = {}
    initializer: Initializer | None = None


class Initializer(Record):
    """How weights start; biases start at 0.

    Attributes:
        name: zeros, constant, uniform, normal, xavier_uniform, xavier_normal, he_uniform, he_normal.
        constants: ``value`` (constant), ``low`` and ``high`` (uniform), ``mean`` and ``std`` (normal), ``gain`` (xavier).
    """

    name: str = "normal"
    constants: Mapping[str, float] = {}


class Loss(Record):
    """The loss; ``samples`` and ``outputs`` are ``sum`` or ``mean``, ``l2`` weighs the penalty (0: none)."""

    function: str = "squared_error"
    samples: str = "sum"
    outputs: str = "sum"
    factor: float = 1.0
    l2: float = 0.0
    from_logits: bool = False
    constants: Mapping[str, float] = {}


class Optimizer(Record):
    """The update rule and its constants (those not given have the usual values of its row).

    Attributes:
        clip: ``value``, ``norm``, or both in that order, where gradients are clipped before they are used, each with its bound.
        schedule: what the learning rate is in each update, where it is not the same in all: a name, and its constants.
    """

    name: str = "sgd"
    constants: Mapping[str, float] = {}
    clip: Mapping[str, float] = {}
    schedule: tuple[str, Mapping[str, float]] | None = None


class Training(Record):
    """How long, and in which batches (``batch_size`` None: the whole batch)."""

    epochs: int = 1000
    batch_size: int | None = None
    shuffle: bool = False


class Lines(Record, eq=False):
    """A program that is written in lines.

    Attributes:
        program: the forward pass, a line a statement.
        parameters: name to shape.
        constants: named numbers.
        given: arrays that are whole in each update, of any rank and kind.
        loss: the tensor whose gradients are taken; "" for the line called ``loss``, else the last.
        backward: the user's own lines in place of derived ones.
    """

    program: str
    parameters: Mapping[str, tuple[int, ...]] = {}
    constants: Mapping[str, float] = {}
    given: Mapping[str, Array] = {}
    loss: str = ""
    backward: str = ""


class Debug(Record):
    """Stops that are set when the debugger opens: ``dz2 if max(abs(dz2)) > 1``, and expressions to watch."""

    breakpoints: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()


class Scenario(Record, eq=False):
    """A network, its data and how it is trained.

    Attributes:
        name: a title.
        inputs: the names of the input columns.
        layers: from the first hidden to the output layer.
        x: the inputs, (samples, inputs).
        y: the targets, (samples, units of the last layer).
        values: explicit initial values by tensor name, which win over the initializer.
        frozen: parameters that the update leaves alone.
        formulas: a stage's formula replaced by the user's, by stage name.
        generator: ``pcg64`` or ``legacy`` (the stream of ``numpy.random.seed``).
        precision: ``float64`` or ``float32``.
        outputs: the names of the output columns, empty where they have none.
        source: the file that it came from, for messages.
        naming: what its tensors are called.
        lines: the program, where it is written in lines; there are no layers then.
        read_again: reads that file again, where it came from one.
        ready: gives the program, where the front end makes it itself.
        files: of a script, the text of each of the user's files that has run.
        ending: of a script that has not come to its own end, why.
        printed: of a script, the lines that it has printed: in which update, by which line, and what.
    """

    name: str
    inputs: tuple[str, ...]
    layers: tuple[Layer, ...]
    x: Array
    y: Array
    description: str = ""
    initializer: Initializer = Initializer()
    seed: int = 0
    generator: str = "pcg64"
    precision: str = "float64"
    values: Mapping[str, Array] = {}
    frozen: tuple[str, ...] = ()
    loss: Loss = Loss()
    optimizer: Optimizer = Optimizer()
    training: Training = Training()
    formulas: Mapping[str, str] = {}
    debug: Debug = Debug()
    outputs: tuple[str, ...] = ()
    source: str = ""
    naming: Naming = Naming()
    lines: Lines | None = None
    read_again: Callable[..., Scenario] | None = field(default=None, compare=False, repr=False)
    ready: Callable[[], Any] | None = field(default=None, compare=False, repr=False)
    files: Mapping[str, str] = {}
    printed: tuple[tuple[int, str, str], ...] = ()
    ending: str = ""

    @cached_property
    def plan(self) -> Batches:
        """Which samples each update sees."""
        return Batches(len(self.x), self.training.epochs, self.training.batch_size, self.training.shuffle, self.seed)

    @property
    def data(self) -> dict[str, Array]:
        """What the samples are, by the names of its tensors, a sample a row; a program of lines may do without."""
        given = {self.naming.input: self.x, self.naming.target: self.y}
        return {name: values for name, values in given.items() if values.size or self.lines is None}

    @property
    def samples(self) -> int:
        """How many rows the data has."""
        return self.plan.total

    @property
    def batch_size(self) -> int:
        """Rows of a full batch."""
        return self.plan.largest

    @property
    def batches(self) -> int:
        """Updates of an epoch; the last one may be short."""
        return self.plan.each_epoch

    @property
    def updates(self) -> int:
        """Updates of the whole training."""
        return self.plan.updates

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision as NumPy names it."""
        return np.dtype(self.precision)


class Batches(Record):
    """The batches of a training.

    Attributes:
        total: the samples that there are.
        epochs: how often each is seen.
        asked: rows of a full batch, or None for all.
        shuffle: whether every epoch has an order of its own.
        seed: what the shuffles are made from.
    """

    total: int
    epochs: int
    asked: int | None = None
    shuffle: bool = False
    seed: int = 0

    @cached_property
    def largest(self) -> int:
        """Rows of a full batch."""
        return min(self.asked or self.total, self.total)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of rows that occur: the full batch, and the short last one where there is one."""
        rest = self.total % self.largest
        return (self.largest, rest) if rest else (self.largest,)

    @cached_property
    def each_epoch(self) -> int:
        """Updates of an epoch."""
        return -(-self.total // self.largest)

    @cached_property
    def updates(self) -> int:
        """Updates of the whole training."""
        return self.each_epoch * self.epochs

    @property
    def told(self) -> Sequence[float]:
        """The losses of the first updates, where they are known before these have run."""
        return ()

    @property
    def gaps(self) -> Mapping[int, int]:
        """Where updates are not kept: the first of them, and the first after them that is."""
        return {}

    def start(self, update: int) -> Values:
        """What is known of the tensors that live from update to update at the start of one; nothing but behind a gap."""
        return {}

    def place(self, update: int) -> tuple[int, int]:
        """The epoch and the batch in it, both from 0."""
        return divmod(update, self.each_epoch)

    def rows(self, update: int) -> Array | None:
        """The samples of the update's batch in order, or None where it is the whole data as it stands."""
        epoch, batch = self.place(update)
        start = batch * self.largest
        if self.shuffle:
            return _order(self.seed, epoch, self.total)[start : start + self.largest]
        return None if self.largest == self.total else np.arange(start, min(start + self.largest, self.total))

    def samples(self, update: int) -> Array:
        """The samples of the update's batch in order, by their rows of the data."""
        rows = self.rows(update)
        return np.arange(self.total) if rows is None else rows.copy()

    def size(self, update: int) -> int:
        """Rows of the update's batch."""
        return self.sizes[-1] if self.place(update)[1] == self.each_epoch - 1 else self.largest


@lru_cache(2)
def _order(seed: int, epoch: int, samples: int) -> Array:
    """The shuffle of an epoch, from a generator keyed by (seed, epoch)."""
    return np.random.default_rng([seed, _SHUFFLE_KEY, epoch]).permutation(samples)
