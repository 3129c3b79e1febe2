"""Averages that start at 0, such as Adam's, which are divided by how much of them is there yet (Kingma & Ba, 2015, section 3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.frontends.numpy_script.alike import weight_of
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.multiples import NEAR, scale
from bpdebug.frontends.numpy_script.recording import Recording, Statement

_NEAR, _MANY = 1e-9, 3
Remark = tuple[str, str]
"""A mistake in a few words, and what speaks for it."""


def corrected(part: Sequence[Statement], slot: str, share: float, update: int, base: Mapping[str, Array]) -> Iterator[tuple[str, Remark]]:
    """That an average is not divided by 1 - share**t, but by something like it, by the name of the statement.

    Args:
        part: what is computed between a gradient and the next version of its parameter.
        slot: the average.
        share: what is kept of it in each update.
        update: t, counted from 1.
        base: the numbers.
    """
    beta, due = short(share, 6), 1 - share**update
    known = {due: "multiplied with", 1 / (1 - share): f"divided by 1 - {beta} without a power, not by"}
    known |= {1 / (1 - share * update): f"divided by 1 - {beta}*{update}, not by"} if share * update != 1 else {}
    for one, factor in _scaled(part, slot, base):
        other = float(f"{max(0.0, 1 - 1 / factor) ** (1 / update):.4g}") if factor else 0.0
        another = {1 / (1 - other**update): f"divided by 1 - {other:g}**{update}, not by"} if 0 < other < 1 and other != share else {}
        for wrong, said in {**another, **known}.items():
            if abs(factor / wrong - 1) < _NEAR < abs(factor * due - 1):
                yield one, ("another correction", f"{one} is {slot} {said} {short(due, 6)}, as it starts at 0")


def is_corrected(part: Sequence[Statement], slot: str, share: float, update: int, base: Mapping[str, Array]) -> bool:
    """Whether it is divided so; the arguments are those of ``corrected``."""
    return any(abs(factor * (1 - share**update) - 1) < _NEAR for _, factor in _scaled(part, slot, base))


def _scaled(part: Sequence[Statement], slot: str, base: Mapping[str, Array]) -> Iterator[tuple[str, float]]:
    """What is a slot times a number, and that number."""
    for one in (one for one in part if slot in one.reads and base[one.name].shape == base[slot].shape):
        if factor := weight_of(base[one.name], base[slot]):
            yield one.name, factor


def uncleared(recording: Recording, due: Mapping[str, Array], live: Collection[str]) -> Iterator[tuple[str, Remark]]:
    """That gradients are added to those of the updates before: what is added is as many times the right one for each parameter."""
    values, found = recording.values[-1], dict[str, tuple[str, float]]()
    for name in live:
        reads = used(recording.statements, [recording.carried[name]])
        for slot, new in recording.carried.items():
            if slot not in live and new in reads and values[slot].any() and values[slot].shape == values[name].shape:
                added = scale(values[new] - values[slot], due[name])
                found |= {name: (slot, added)} if added else {}
    told = [added for _, added in found.values()]
    several = len(told) >= _MANY or any(due[name].size > 1 for name in found)  # of a single one any is a multiple
    if several and {*found} == {*live} and max(told) - min(told) <= NEAR * max(map(abs, told)):
        for slot, _ in found.values():
            said = f"{slot} keeps the whole gradient of every update before, and this one is added"
            yield recording.carried[slot], ("gradients never cleared", said)


__all__ = ["Remark", "corrected", "is_corrected", "uncleared"]
