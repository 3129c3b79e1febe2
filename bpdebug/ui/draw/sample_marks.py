"""How samples are marked in the pictures of what the network answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpdebug.core.tensors import Role
from bpdebug.look.surface import Surface
from bpdebug.session.view import View

RIGHT, WRONG = ("○", "●"), ("◇", "◆")
"""By whether the answer is right, the marks of the lower and of the upper side."""
HIGHER, LOWER = "▲", "▼"
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


def mark_of(surface: Surface, place: int) -> tuple[str, str]:
    """The mark of a sample and its role: its target, and whether the answer is right."""
    right = surface.right is None or bool(surface.right[place])
    wanted = int(surface.wanted[place])
    if surface.task == "classes":
        return letters(surface.labels)[wanted], "bold" if right else "bad lit"
    if surface.task == "numbers":
        return RIGHT[1], "bold"
    return (RIGHT if right else WRONG)[wanted], "bold" if right else "bad"


def leaning(surface: Surface, place: int, output: int) -> tuple[str, str]:
    """The mark of a sample whose target is a number: whether that is above the answer, below it, or near."""
    away = float(surface.y[place, output] - surface.outputs[place, output]) / surface.reach
    return RIGHT[1] if abs(away) <= _NEAR else HIGHER if away > 0 else LOWER, "bold"


def in_order(view: View, surface: Surface) -> list[int]:
    """The places of the samples in the order in which they are drawn: the wrong ones over the others, the present one last."""
    right = np.ones(len(surface.samples), bool) if surface.right is None else surface.right
    present = current_place(view, surface)
    return sorted(range(len(surface.samples)), key=lambda place: (place == present, not right[place]))


def current_place(view: View, surface: Surface) -> int | None:
    """Which of the asked samples is the one that is looked at: of the batch whose numbers are in sight, also of one that is finished."""
    found = np.flatnonzero(surface.samples == view.sample_shown)
    return int(found[0]) if len(found) else None


def output_shown(view: View) -> int:
    """The output that is looked at: the selected cell's column where that tensor has a column for each output, else the first."""
    surface, selected = view.surface, view.selected
    if surface is None or selected is None or len(selected[1]) < 2:
        return 0
    program = view.program
    tensor = program.tensors.get(selected[0])
    own = tensor and (tensor.role is Role.TARGET or tensor.layer == len(program.layers))
    return selected[1][1] if own else 0
