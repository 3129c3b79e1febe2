"""What all parts of the network's drawing share: what is shown, where, and the canvas."""

from __future__ import annotations

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.session.view import View
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.layers import is_gradient
from bpdebug.ui.draw.network_parts import Parts
from bpdebug.ui.draw.network_plan import Plan, plan_of
from bpdebug.ui.draw.once import once
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.scales import decade_share


class Scene(Record, eq=False):
    """A drawing in the making."""

    parts: Parts
    plan: Plan
    canvas: Canvas

    def write(self, column: int, row: int, text: str, role: str) -> None:
        """Put a text on the canvas."""
        self.canvas.write(column, row, text, role)

    def share(self, name: str, value: float) -> float:
        """A neuron's number with its sign, from -1 to 1: a gradient by its power of ten among those of the whole network, any other
        beside the largest of its tensor."""
        if not is_gradient(self.parts.view.program, name) or not np.isfinite(value):
            return value / largest(self.parts.tensors.get(name))
        return float(np.sign(value)) * max(decade_share(abs(value), self.parts.decades), 1 / HEAT_STEPS) if value else 0.0


def scene_of(view: View, columns: int, rows: int) -> Scene:
    """An empty drawing of that size, or of the least that a drawing needs."""
    parts = Parts(view)
    plan = plan_of(parts, columns, rows)
    return Scene(parts, plan, Canvas(plan.columns, plan.rows))


def largest(values: Array | None) -> float:
    """The largest finite size, for the heat; 1 where there is none."""
    if values is None:
        return 1.0
    return once(values, "largest", lambda: float(np.abs(values).max(where=np.isfinite(values), initial=0.0)) or 1.0)


def heat(kind: str, value: float, scale: float) -> str:
    """The role of a number: its sign and its size beside the largest."""
    if not np.isfinite(value):
        return "bad"
    return f"{kind}:{round(HEAT_STEPS * max(-1.0, min(1.0, value / scale))):+d}"
