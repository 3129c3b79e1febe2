"""How samples are marked in the pictures of what the network answers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import cast

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.core.tensors import Role
from bpdebug.look.groups import group_of
from bpdebug.look.surface import Surface
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Span

HIGHER, LOWER, NEAR = "▲", "▼", "◆"
"""Of numbers: where the target lies from the answer."""
_NEAR = 0.05
"""Share of what the outputs reach within which an answer counts as that of the target."""


def letters(labels: Sequence[str]) -> tuple[str, ...]:
    """A character for each label: their first ones or their last ones where those differ, else whatever differs, or a digit."""
    for place in (0, -1):
        found = [label[place : place + 1 or None].upper() for label in labels]
        if len(set(found)) == len(labels) and "".join(found).isalnum():
            return tuple(found)
    chosen: list[str] = []
    spare = iter("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" * (1 + len(labels) // 36))
    for label in labels:
        own = (character for character in label.upper() if character.isalnum() and character not in chosen)
        chosen.append(next(own, None) or next(spare))
    return tuple(chosen)


class Sight(Record, eq=False):
    """The answers, and which sample and which output of them the user looks at."""

    view: View
    surface: Surface

    @cached_property
    def present(self) -> int | None:
        """Which of the asked samples is the one that is looked at: of the batch whose numbers are in sight, also of one that is
        finished."""
        found = np.flatnonzero(self.surface.samples == self.view.sample_shown)
        return int(found[0]) if len(found) else None

    @cached_property
    def output(self) -> int:
        """See :func:`output_shown`."""
        return output_shown(self.view)

    @property
    def grid(self) -> Array:
        """The answers over the axes, where there are any."""
        return cast(Array, self.surface.grid)

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """A character for each label."""
        return letters(self.surface.labels)

    def is_right(self, place: int) -> bool:
        """Whether a sample's answer is on the right side; of numbers, always."""
        return self.surface.right is None or bool(self.surface.right[place])

    def mark(self, place: int) -> Span:
        """The mark of a sample: the letter of its class, of a number in the plane whether the target is above the answer, below it, or
        near. And its role: whether the answer is right."""
        surface = self.surface
        role = "point" if self.is_right(place) else "point missed"
        if surface.task != "numbers":
            return self.letters[int(surface.wanted[place])], role
        away = float(surface.y[place, self.output] - surface.outputs[place, self.output]) / surface.reach
        if len(surface.axes) < 2:
            return NEAR, "bold"
        return NEAR if abs(away) <= _NEAR else HIGHER if away > 0 else LOWER, role

    @property
    def order(self) -> list[int]:
        """The places of the samples in the order in which they are drawn: the wrong ones over the others, the present one last."""
        return sorted(range(len(self.surface.samples)), key=lambda place: (place == self.present, not self.is_right(place)))


def output_shown(view: View) -> int:
    """The output that is looked at: the selected cell's column where that tensor has a column for each output, else the first."""
    surface, selected = view.surface, view.selected
    if surface is None or selected is None or len(selected[1]) < 2:
        return 0
    program = view.program
    tensor = program.tensors.get(selected[0])
    own = tensor and (tensor.role is Role.TARGET or group_of(program, tensor.name) == group_of(program, program.prediction))
    return selected[1][1] if own else 0
