"""What a tensor holds after something else has been written to a part of it; see :mod:`bpdebug.frontends.torch_step.rows`."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from typing import Any

from bpdebug.frontends.torch_step.called import Called, Results, Shape, part, row


@row("overlay", "as_strided")
def _overlay(of: Called) -> Results:
    """What holds all of a tensor, and the subscript that takes it; then what was written to it, and to which subscript."""
    text, shape = _taken(of.given[0], of.shape(0), *of.raw[1])
    writes = [_Write(of.given[place], of.shape(place), *of.raw[place + 1]) for place in range(2, len(of.given), 2)]
    if len({one.whole for one in writes}) > 1:
        for one in writes:
            text, shape = _added(_shaped(text, shape, one.whole), one), one.whole
    elif writes:
        text, shape = _laid(_shaped(text, shape, writes[0].whole), writes[0].whole, writes), writes[0].whole
    return {0: _shaped(text, shape, of.outs[0])}


class _Write:
    """What was written to a part of a tensor.

    Args:
        text, shape: what was written.
        whole: the shape of the tensor.
        keys: of each of its axes a place, or begin, end and step.
        order: which of them is each of the axes of ``text`` that are longer than 1.
    """

    def __init__(self, text: str, shape: Shape, whole: list[int], keys: list[Any], order: list[int]) -> None:
        self.text, self.shape, self.whole = text, shape, tuple(whole)
        self.box = [(one[0], one[1], one[2]) if isinstance(one, list) else (one, one + 1, 1) for one in keys]
        if order != sorted(order):
            self.text, self.shape = _turned(text, shape, [order.index(axis) for axis in sorted(order)])

    def sizes(self) -> Shape:
        """The shape of what it is written to, with all axes."""
        return tuple(len(range(*one)) for one in self.box)


def _turned(text: str, shape: Shape, order: list[int]) -> tuple[str, Shape]:
    """With the axes that are longer than 1 in another order."""
    long = tuple(n for n in shape if n > 1)
    return f"transpose({_shaped(text, shape, long)}, {tuple(order)})", tuple(long[axis] for axis in order)


def _taken(text: str, shape: Shape, whole: list[int], keys: list[Any], order: list[int]) -> tuple[str, Shape]:
    """What a subscript takes; an axis of length 1 stays."""
    text, ranges = _shaped(text, shape, whole), [*zip(keys, whole, strict=True)]
    key = ", ".join(":" if n == 1 or one == [0, n, 1] else _range(*one) if isinstance(one, list) else str(one) for one, n in ranges)
    text = f"{text}[{key}]" if key.strip(":, ") else text
    made = tuple(len(range(*one)) if isinstance(one, list) else 1 for one, n in ranges if n == 1 or isinstance(one, list))
    return _turned(text, made, [sorted(order).index(axis) for axis in order]) if order != sorted(order) else (text, made)


def _shaped(text: str, shape: Sequence[int], wanted: Sequence[int]) -> str:
    return text if tuple(shape) == tuple(wanted) else f"reshape({text}, {tuple(wanted)})"


def _range(start: int, end: int, step: int) -> str:
    return f"{start or ''}:{end}{f':{step}' * (step != 1)}"


def _laid(text: str, shape: Shape, writes: Sequence[_Write]) -> str:
    """A tensor with others in the place of some of its cells."""
    narrow = {axis for one in writes for axis, ends in enumerate(one.box) if ends != (0, shape[axis], 1)}
    if not narrow:
        return _shaped(writes[-1].text, writes[-1].shape, shape)
    dense = all(step == 1 for one in writes for _, _, step in one.box)
    if dense and len(narrow) == 1:
        return _joined(text, shape, writes, *narrow)
    if not dense or len(writes) > 1:
        for one in writes:
            text = _added(text, one)
        return text
    (one,), outer = writes, min(narrow)
    low, high, _ = one.box[outer]
    sizes = (*shape[:outer], high - low, *shape[outer + 1 :])
    inner, around = copy(one), [[low, high, 1] if axis == outer else [0, n, 1] for axis, n in enumerate(shape)]
    inner.box = [(0, high - low, 1) if axis == outer else ends for axis, ends in enumerate(one.box)]
    within = _laid(part(text, outer, f"{low}:{high}", len(shape)), sizes, [inner])
    return _joined(text, shape, [_Write(within, sizes, [*shape], around, [])], outer)


def _added(text: str, one: _Write) -> str:
    keys = f"np.s_[{', '.join(_range(*ends) for ends in one.box)}]"
    return f"add_at(where(add_at(zeros({one.whole}), {keys}, 1) > 0, 0, {text}), {keys}, {_shaped(one.text, one.shape, one.sizes())})"


def _joined(text: str, shape: Shape, writes: Sequence[_Write], axis: int) -> str:
    """What lies one behind the other along an axis: of each place what was written last."""
    made, pieces = [-1] * shape[axis], list[str]()
    for number, one in enumerate(writes):
        made[slice(*one.box[axis])] = [number] * one.sizes()[axis]
    ends = [0, *(place for place in range(1, len(made)) if made[place] != made[place - 1]), len(made)]
    for low, high in pairwise(ends):
        if made[low] < 0:
            pieces.append(part(text, axis, f"{low or ''}:{high if high < shape[axis] else ''}", len(shape)))
            continue
        one = writes[made[low]]
        start, end, _ = one.box[axis]
        flat = one.shape == shape[:axis] + shape[axis + 1 :] and end - start == 1
        whole = f"expand_dims({one.text}, {axis})" if flat else _shaped(one.text, one.shape, one.sizes())
        pieces.append(whole if (low, high) == (start, end) else part(whole, axis, f"{low - start}:{high - start}", len(shape)))
    return pieces[0] if len(pieces) == 1 else f"concatenate([{', '.join(pieces)}], axis={axis})"
