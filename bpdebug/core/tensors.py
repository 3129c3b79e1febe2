"""What the tensors of a program are: a name is chosen once, and what it means stands beside it, never in its spelling."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy.typing as npt

from bpdebug.core.record import Record

Array = npt.NDArray[Any]
Values = Mapping[str, Array]
"""Arrays by the names of tensors."""


class Role(StrEnum):
    """What a tensor is to the training."""

    INPUT = "input"
    TARGET = "target"
    COUNT = "count"
    GIVEN = "given"
    PARAMETER = "parameter"
    SLOT = "slot"
    CONSTANT = "constant"
    VALUE = "value"
    LOSS = "loss"
    GRADIENT = "gradient"


class Tensor(Record):
    """One tensor.

    Attributes:
        name: as it is typed and shown.
        role: what it is to the training.
        layer: from 1; 0 belongs to no layer.
        group: the part of the model that it belongs to, as it is typed and shown, such as ``layer 2``; "" for none.
        batch_axis: the axis along which it has a place for each sample of the batch, or None.
        of: the tensor whose gradient, or whose part of a gradient, it is; the parameter of an optimizer's slot.
        through: for a part of a gradient, the tensor through which it comes back, else "".
    """

    name: str
    role: Role
    layer: int = 0
    of: str = ""
    through: str = ""
    group: str = ""
    batch_axis: int | None = None

    def at_sample(self, index: tuple[int, ...], row: int) -> tuple[int, ...]:
        """The same cell of another sample of the batch; of a tensor without samples, the cell."""
        axis = self.batch_axis
        return index if axis is None else (*index[:axis], row, *index[axis + 1 :])


class Naming(Record):
    """How a chain of layers calls its tensors; ``{}`` is the layer's number, or the tensor that the name is made from."""

    input: str = "x"
    target: str = "y"
    weight: str = "W{}"
    bias: str = "b{}"
    z: str = "z{}"
    a: str = "a{}"
    sum: str = "r{}"
    loss: str = "loss"
    data_loss: str = "data_loss"
    penalty: str = "penalty{}"
    gradient: str = "d{}"
    partial: str = "d{}@{}"
    slot: str = "{}{}"
    clipped: str = "{}'2"
    norm: str = "grad_norm"
    shrink: str = "clip_factor"
