"""By which paths gradients come back to a tensor that is used more than once."""

from __future__ import annotations

from collections.abc import Iterable

from bpdebug.core.description import Array
from bpdebug.frontends.numpy_script.fits import AND, Differentiated
from bpdebug.frontends.numpy_script.multiples import scale
from bpdebug.frontends.numpy_script.recording import Recording


class Paths:
    """The parts of gradients, and in which of his functions each path lies.

    Args:
        recording, loss: the script, and what is derived from it.
    """

    def __init__(self, recording: Recording, loss: Differentiated) -> None:
        made, self._parts = {one.name: one.made.function for one in recording.statements}, loss.parts
        stages = [loss.program.stage(part) for part in loss.parts if AND not in part]
        self._through = {stage.name: stage.through for stage in stages}
        self._lies = {stage.name: (stage.of, made.get(stage.through, "")) for stage in stages}
        self._halves = [part for part in loss.parts if self._is_half(part)]

    def _is_half(self, part: str) -> bool:
        """Whether other paths lie in a function in which those of a part lie."""
        those = {*part.split(AND)}
        here = {self._lies[name] for name in those}
        return any(place in here for name, place in self._lies.items() if name not in those)

    def of(self, value: Array, near: float) -> tuple[set[str], set[str]]:
        """The parts that a value is, of which others lie in the same function; and the tensors that these paths lead through.

        Args:
            value: the numbers.
            near: how far they may be off.
        """
        found = {part for part in self._halves if self._parts[part].size == value.size and scale(value, self._parts[part], near)}
        return found, {self._through[name] for part in found for name in part.split(AND)}

    def leaves_out(self, value: Array, others: Iterable[Array], near: float) -> bool:
        """Whether a value is what comes back by one path, and one of others what comes back to the same tensor by another."""
        parts = {part: right for part, right in self._parts.items() if AND not in part}
        mine = {part for part, right in parts.items() if right.size == value.size and scale(value, right, near)}
        of = {self._lies[part][0] for part in mine}
        rest = [right for part, right in parts.items() if part not in mine and self._lies[part][0] in of]
        return any(scale(other, right, near) for other in others if other.size == value.size for right in rest)


__all__ = ["Paths"]
