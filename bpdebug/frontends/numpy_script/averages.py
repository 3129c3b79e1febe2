"""Averages that start at 0, such as Adam's, which are divided by how much of them is there yet (Kingma & Ba, 2015, section 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.frontends.numpy_script.alike import weight_of
from bpdebug.frontends.numpy_script.recording import Statement

_NEAR = 1e-9
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


__all__ = ["Remark", "corrected", "is_corrected"]
