"""What a program is made from: its scenario and network, and the arrays that an update is given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from bpdebug.core.description import Array, Batches, Scenario, Values
from bpdebug.core.draws import Draw
from bpdebug.core.network import LayerNames, Network
from bpdebug.core.record import Record
from bpdebug.core.structure import Shapes


class Allowed(Record):
    """What a gradient of the user's own may be beside the derived one.

    Attributes:
        factor: times which it may be.
        decay: how many times its tensor may be added to it.
        near: how far it may be off, relative to its numbers, as an epsilon in the loss makes it.
        said: a sentence on it.
    """

    factor: float = 1.0
    decay: float = 0.0
    near: float = 1e-6
    said: str = ""


class Recorded(Protocol):
    """What a stage has computed where it was recorded."""

    @property
    def value(self) -> Array:
        """Its numbers."""

    @property
    def near(self) -> float:
        """How far what its formula gives may be off by rounding alone."""

    @property
    def agrees(self) -> bool:
        """Whether it is no farther off."""

    @property
    def unjudged(self) -> str:
        """Why, of a gradient, cannot be told whether it is right; "" where it can."""

    @property
    def largest(self) -> float:
        """The largest number of its kind, beyond which it was infinite: 65504 in float16."""

    @property
    def told(self) -> str:
        """A sentence on how close its formula is."""

    def mark(self, room: int) -> str:
        """``≈`` where its formula gives these numbers but for rounding, ``≠`` and how far it is off where it gives others; "" where it has
        none, or that is not known and would take more numbers than there is room for."""

    def settle(self, computed: Array) -> None:
        """Put the recorded numbers in the place of computed ones that differ from them by rounding alone."""


class Given(Record, eq=False):
    """What an update starts from.

    Attributes:
        scenario: where it comes from: its title and its file, and what they say in their own words.
        network: the forward nodes.
        data: what the samples are, inputs and targets, a sample a row.
        dtype: the precision.
        fixed: given arrays that are whole in every update.
    """

    scenario: Scenario
    network: Network
    data: Values
    dtype: np.dtype[Any]
    fixed: Values

    @property
    def recorded(self) -> Mapping[str, Recorded]:
        """What stages have computed where they were recorded, by their names: it is shown in the place of what their formulas give."""
        return {}

    @property
    def batches(self) -> Batches:
        """Which samples each update sees, and how many updates there are."""
        return self.scenario.plan

    @property
    def updates(self) -> int:
        """Updates of the whole training."""
        return self.batches.updates

    @property
    def samples(self) -> Values:
        """Those of the data of which others may be drawn, a sample a row."""
        return self.data

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the input's columns."""
        return self.scenario.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the target's columns, empty where they have none."""
        return self.scenario.outputs

    @property
    def input(self) -> str:
        """The tensor of the inputs, or ""."""
        return self.network.naming.input if self.network.naming.input in self.data else ""

    @property
    def target(self) -> str:
        """The tensor of the targets, or ""."""
        return self.network.naming.target if self.network.naming.target in self.data else ""

    @property
    def prediction(self) -> str:
        """The tensor that is the network's answer."""
        return self.network.prediction

    @property
    def loss(self) -> str:
        """The tensor whose gradients are taken."""
        return self.network.loss

    @property
    def parameters(self) -> Shapes:
        """Parameter to shape, frozen ones too."""
        return self.network.parameters

    @property
    def layers(self) -> tuple[LayerNames, ...]:
        """The tensors of each layer, from the first."""
        return self.network.layers

    @property
    def frozen(self) -> tuple[str, ...]:
        """The parameters that the update leaves alone."""
        return tuple(name for name in self.scenario.frozen if name not in self.scenario.formulas)

    @cached_property
    def draws(self) -> dict[str, Draw]:
        """What is drawn anew in each update, by name."""
        return {draw.name: draw for draw in self.network.draws}

    @property
    def sources(self) -> tuple[str, ...]:
        """The arrays that each update is given: the batch, what is whole in every update, and what is drawn."""
        return (*self.data, *self.fixed, *self.draws)

    def takes(self, name: str) -> bool:
        """Whether it is given, and the same array until somebody changes it: a change holds from then on."""
        return name in self.data or name in self.fixed
