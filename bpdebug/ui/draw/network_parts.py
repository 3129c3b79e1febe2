"""What the drawing of the network shows at a moment: the tensor of each layer and of the edges between two, and what is lit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from bpdebug.debugger.view import View
from bpdebug.engine.cells import Cell
from bpdebug.engine.description import Array
from bpdebug.engine.network import Phase
from bpdebug.engine.render import render_name
from bpdebug.ui.draw.network_text import given_text

_NAME = re.compile(r"[a-z]?([Wbzar])(\d+)(?:@\w+)?")
"""A layer's tensor, its gradient, a part of that, or an optimizer's slot: ``a1``, ``dz2``, ``da1@z2``, ``mW1``."""
_SAMPLED = 32
"""Rows of a batch whose given numbers are looked at for their width."""


def kind_of(name: str) -> tuple[str, int]:
    """A tensor's letter (``W b z a r``, ``x`` or ``y``) and its layer; ("", 0) for what belongs to no layer's drawing."""
    found = _NAME.fullmatch(name)
    return (found[1], int(found[2])) if found else (name if name in ("x", "y") else "", 0)


@dataclass(frozen=True, eq=False)
class Parts:
    """A view as the network's drawing sees it. Layer 0 is the input; the edges of layer k lead into it.

    Attributes:
        view: the moment.
    """

    view: View

    @cached_property
    def depth(self) -> int:
        """How many layers there are, without the input."""
        return len(self.view.program.scenario.layers)

    @cached_property
    def widest_input(self) -> int:
        """Columns that the numbers of the inputs need."""
        return _widest(self.view.tensors["x"], 6)

    @cached_property
    def widest_target(self) -> int:
        """Columns that the targets need."""
        return _widest(self.view.tensors["y"], 5)

    @cached_property
    def backward(self) -> bool:
        """Whether the neurons show what comes back: from the backward phase on, to the end of the update."""
        return self.view.position.phase in (Phase.BACKWARD, Phase.UPDATE) and self.view.position.done > 0

    @cached_property
    def direction(self) -> int:
        """Which way the numbers go: 1 forward, -1 back, 0 where the weights are changed."""
        if not self.view.position.done:
            return 1
        return {Phase.BACKWARD: -1, Phase.UPDATE: 0}.get(Phase(self.view.position.phase), 1)

    @cached_property
    def selected(self) -> tuple[str, int, Cell]:
        """The letter, layer and cell of the selected tensor; the letter is "" where nothing is selected."""
        if self.view.selected is None:
            return "", 0, ()
        return (*kind_of(self.view.selected[0]), self.view.selected[1])

    @cached_property
    def stage(self) -> tuple[str, int]:
        """The letter and layer of the stage that has just run."""
        name = self.view.position.stage or ""
        return ("y", self.depth) if name and self.view.position.phase == Phase.LOSS else kind_of(name)

    @cached_property
    def lit(self) -> int:
        """The layer whose neurons the last stage has computed, or changed the bias of; -1 for none."""
        return self.stage[1] if self.stage[0] not in ("", "W", "y") else -1

    def units(self, layer: int) -> int:
        """How many neurons a layer has."""
        scenario = self.view.program.scenario
        return scenario.layers[layer - 1].units if layer else len(scenario.inputs)

    def tensor(self, layer: int) -> str:
        """What the neurons of a layer show: the selected tensor where it is theirs, else the last one of the phase."""
        if layer == 0:
            return "x"
        letter, of, _ = self.selected
        name = self.view.selected[0] if self.view.selected else ""
        if (
            of == layer
            and name in self.view.tensors
            and (letter in ("z", "a", "r") or (letter == "b" and name == self.view.position.stage))
        ):
            return name
        names = [name for name in self._usual(layer) if name in self.view.shapes]
        return next((name for name in names if name in self.view.tensors), names[0])

    def _usual(self, layer: int) -> list[str]:
        """What a layer computes in this phase, the last first."""
        letters = "zar" if self.backward else "raz"
        return [f"{'d' * self.backward}{letter}{layer}" for letter in letters]

    def heading(self, layer: int) -> str:
        """The name of what a layer shows, in the chosen notation."""
        return render_name(self.tensor(layer), self.view.style)

    def complete(self, layer: int) -> bool:
        """Whether what a layer shows is the last that it computes in this phase, as far as it goes."""
        names = [name for name in self._usual(layer) if name in self.view.shapes]
        return layer == 0 or names[0] in self.view.tensors

    def row(self, name: str) -> Array | None:
        """The numbers of a tensor for the sample in sight, one a neuron; None where it is not computed yet."""
        values = self.view.tensors.get(name)
        return None if values is None else values[min(self.view.sample, len(values) - 1)]

    def cell(self, name: str, unit: int) -> tuple[str, Cell] | None:
        """The cell of a neuron in a tensor, or None where that has no value."""
        values = self.view.tensors.get(name)
        return None if values is None else (name, (min(self.view.sample, len(values) - 1), unit))

    def edges(self, layer: int) -> str:
        """What the edges into a layer show: the weights, or the selected tensor where it is theirs."""
        letter, of, _ = self.selected
        if letter == "W" and of == layer and self.view.selected and self.view.selected[0] in self.view.tensors:
            return self.view.selected[0]
        return f"W{layer}"

    def shortcut(self, layer: int) -> str:
        """What goes around a residual layer: its input, or on the way back the gradient of its sum."""
        return f"dr{layer}" if self.backward else self.tensor(layer - 1)

    @cached_property
    def active(self) -> int:
        """The layer into which the edges lead that the last stage used; 0 for none."""
        return self._edges_of(*self.stage, self.direction) if self.stage[0] else 0

    def _edges_of(self, letter: str, layer: int, direction: int) -> int:
        """The edges on the side of a layer from which its numbers come."""
        back = letter == "x" or (letter in ("z", "a", "r") and direction < 0 and layer < self.depth)
        return layer + 1 if back else layer

    def chosen_edges(self, layer: int) -> tuple[int | None, int | None] | None:
        """Which of the edges into a layer make or use the selected cell: from which neuron (None: from all) to which;
        None where none does."""
        letter, of, index = self.selected
        if letter in ("", "b", "y") or not self.view.selected or "@r" in self.view.selected[0]:
            return None
        if letter == "W":
            return (index[0], index[1]) if of == layer else None
        gradient = self.view.selected[0].startswith("d")
        if self._edges_of(letter, of, -1 if gradient else 1) != layer:
            return None
        return (None, index[1]) if of == layer else (index[1], None)

    def chosen_unit(self, layer: int) -> int | None:
        """The neuron of a layer that the selected cell belongs to."""
        letter, of, index = self.selected
        return index[-1] if letter not in ("", "W", "y") and of == layer else None

    def emphasis(self, name: str, unit: int) -> str:
        """The role of a neuron's number in a tensor: that of the cell cursor, that of another number of the selected neuron, or ""."""
        letter, layer, index = self.selected
        if not letter or letter == "W" or index[-1] != unit:
            return ""
        if self.view.selected and self.view.selected[0] == name:
            return "cursor"
        return "lit" if kind_of(name)[1] == layer and "y" not in (letter, name) and kind_of(name)[0] != "b" else ""


def _widest(values: Array, room: int) -> int:
    return max(len(given_text(float(value), room)) for value in values[:_SAMPLED].ravel())
