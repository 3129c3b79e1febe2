"""The program of a script: what lives from update to update, and how its gradients are called."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from bpdebug.core.description import Array
from bpdebug.core.given import Recorded
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.shapes import Shape
from bpdebug.core.structure import Form, form_of


class Spelling(str):
    """How gradients are called: as he calls them, where he does.

    Attributes:
        his: the names, by the tensor.
    """

    his: Mapping[str, str]

    def format(self, *names: object, **_: object) -> str:
        """The name of the gradient of a tensor."""
        return self.his.get(str(names[0])) or super().format(*names)


class RecordedProgram(Program, eq=False):
    """The program of a script.

    Attributes:
        own_slots: what lives from update to update beside the parameters, and the parameter of each.
        sizes: their shapes.
        recorded: what stages have computed where their own numbers are shown.
    """

    own_slots: Mapping[str, str] = {}
    sizes: Mapping[str, Shape] = {}
    recorded: Mapping[str, Recorded] = {}

    @property
    def samples(self) -> Mapping[str, Array]:
        """None: what is given was recorded, and which axis counts samples is not known."""
        return {}

    @property
    def slots(self) -> dict[str, str]:
        """What lives from update to update beside the parameters, and the parameter of each."""
        return dict(self.own_slots)

    @cached_property
    def persistent(self) -> dict[str, Shape]:
        """The tensors that live from update to update."""
        return {**self.parameters, **{name: self.sizes[name] for name in self.own_slots}, **dict.fromkeys(self.constants, ())}

    @cached_property
    def free(self) -> tuple[str, ...]:
        """The parameters that the update changes and whose gradient he computes."""
        updated = {stage.name for stage in self.stages if stage.phase is Phase.UPDATE}
        return tuple(name for name in self.parameters if name in updated and name in self.gradients)

    def _undrawn(self, rows: int) -> dict[str, Shape]:
        """The shapes of what an update is given."""
        given: dict[str, Shape] = {name: form_of(values[0]) for name, values in self.data.items()}
        return {**given, **{name: form_of(values) for name, values in self.fixed.items()}, "m": Form.of((), "i", rows)}
