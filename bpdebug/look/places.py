"""What a cell belongs to, in words: units, inputs and samples count from 0, as in all tables, with the names that the data gives them."""

from __future__ import annotations

from bpdebug.core.cells import Cell
from bpdebug.core.network import LayerNames
from bpdebug.core.program import Program
from bpdebug.core.tensors import Array
from bpdebug.core.texts import PHRASES


class Places:
    """Says what cells belong to.

    Args:
        program: whose tensors.
        samples: the rows of the data that the batch holds.
    """

    def __init__(self, program: Program, samples: Array) -> None:
        self.program, self.samples = program, samples

    def of(self, name: str, index: Cell) -> str:
        """Such as ``from input 1 (x2) to hidden unit 0``, of a gradient that of its tensor; "" where there is nothing to say."""
        tensor = self.program.tensors.get(name)
        if tensor and not self.program.layers and tensor.batch_axis is not None:
            return self.sample(index[tensor.batch_axis])
        if tensor is None or len(index) != 2:
            return ""
        name = tensor.of or name
        for layer in self.program.layers:
            if name == layer.weight:
                return PHRASES["weight"].format(source=self.source(layer, index[0]), unit=self.unit(layer, index[1]))
            if name == layer.bias:
                return PHRASES["bias"].format(unit=self.unit(layer, index[1]))
            if name in (layer.z, layer.a, layer.output):
                return PHRASES[self._kind(layer, name)].format(unit=self.unit(layer, index[1]), sample=self.sample(index[0]))
        return ""

    def _kind(self, layer: LayerNames, name: str) -> str:
        if name == self.program.prediction:
            return "answer" if self._several(layer) else "only answer"
        return "z" if name == layer.z else "a" if name == layer.a else "carried"

    def sample(self, row: int) -> str:
        """A sample by its row in the batch, as the data counts it."""
        return PHRASES["sample"].format(number=int(self.samples[row]))

    def giver(self, name: str, index: Cell) -> str:
        """The input or the unit that a cell of what goes into a layer belongs to; "" for other cells."""
        layer = next((layer for layer in self.program.layers if layer.source == name), None)
        return self.source(layer, index[1]) if layer else ""

    def source(self, layer: LayerNames, column: int) -> str:
        """What comes into a layer at a place: an input, or a unit of the layer before."""
        if layer.number > 1:
            return self.unit(self.program.layers[layer.number - 2], column)
        return self._named(PHRASES["input"].format(number=column), self.program.inputs, column)

    def unit(self, layer: LayerNames, column: int) -> str:
        """A unit of a layer."""
        layers = self.program.layers
        if layer is layers[-1]:
            place = PHRASES["output"].format(number=column) if self._several(layer) else PHRASES["only output"]
            return self._named(place, self.program.outputs, column)
        return PHRASES["hidden" if len(layers) == 2 else "unit"].format(number=column, layer=layer.number)

    def _several(self, layer: LayerNames) -> bool:
        return layer.layer.units > 1

    def _named(self, place: str, names: tuple[str, ...], column: int) -> str:
        return PHRASES["named"].format(place=place, name=names[column]) if names else place
