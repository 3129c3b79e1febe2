"""Numbers that were not kept while a step ran: computed once more, by the same operations of torch's on what was kept."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch

from bpdebug.torch_recorder import private
from bpdebug.torch_recorder.operations import Operation
from bpdebug.torch_recorder.recorder import MOST, Recorder


def repeat(recorder: Recorder) -> None:
    """Compute what a recorder has left for later; it has ended."""
    again, operations = _Again(recorder), recorder.operations
    last = {number: place for place, made in enumerate(operations) for number in (*made.inputs, *made.outs, *made.overwrites)}
    over = defaultdict[int, list[int]](list)
    for number, place in last.items():
        over[place].append(number)
    for place, made in enumerate(operations):
        with torch.set_grad_enabled(made.phase == "forward" and not made.inside), torch.autocast("cpu", enabled=False):
            again.carry_out(made)
        again.release(over[place])


class _Again:
    def __init__(self, recorder: Recorder) -> None:
        self._recorder, self._values, self._held = recorder, recorder.values, dict[int, Any]()

    def release(self, numbers: list[int]) -> None:
        """Hold what nothing reads any more no longer."""
        for number in numbers:
            self._held.pop(number, None)

    def carry_out(self, made: Operation) -> None:
        """One operation; what cannot be repeated (a draw, an operation that is not torch's) gives the numbers that were kept."""
        if made.function is None:
            for number, old in zip(made.writes, made.overwrites, strict=True):
                self._held[number] = self._tensor(old).copy_(self._kept(number))
            return
        args, keywords = self._filled(made.arguments), {key: self._filled(one) for key, one in made.keywords.items()}
        out = private.tensors(made.function(*args, **keywords))
        for number, old in zip(made.writes, made.overwrites, strict=True):
            self._held[number] = self._tensor(old)
        writes = len(made.writes)
        for number, slot in zip(made.outs[writes:], made.slots[writes:], strict=True):
            self._held[number] = out[slot - writes]
        for number in made.outs if not (made.looks or made.same) else ():
            value = self._values.all[number]
            self._values.keep(value, self._held[number])
            if self._values.bytes > MOST and self._recorder.is_given(made):
                self._recorder.leave_out(value)

    def _filled(self, one: Any) -> Any:
        if isinstance(one, dict):
            return self._tensor(one["t"])
        return [self._filled(part) for part in one] if isinstance(one, list) else one

    def _tensor(self, number: int) -> Any:
        if number not in self._held:
            self._held[number] = self._kept(number)
        return self._held[number]

    def _kept(self, number: int) -> Any:
        value = self._values.all[number]
        return private.tensor_of(value.array, (value.dtype, value.geometry[2], value.device))


__all__ = ["repeat"]
