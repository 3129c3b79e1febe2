"""What convolutions and pooling of torch's compute, over the windows of images; see :mod:`bpdebug.frontends.torch_step.rows`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from bpdebug.frontends.torch_step.called import Called, Results, row
from bpdebug.frontends.torch_step.layer_rows import channels

_PLACES, _INNER = "hwd", "ijk"
Pairs = Sequence[tuple[int, int]]


def _padded(text: str, around: Pairs) -> str:
    """Zeros around images; what is less than none is cut off."""
    if any(one > 0 for pair in around for one in pair):
        text = f"pad({text}, ((0, 0), (0, 0), {', '.join(f'({max(low, 0)}, {max(high, 0)})' for low, high in around)}))"
    cut = [f"{-low if low < 0 else ''}:{high if high < 0 else ''}" for low, high in around]
    return f"{text}[:, :, {', '.join(cut)}]" if any(one != ":" for one in cut) else text


class _Windows:
    """How windows lie over images, an item for each axis.

    Args:
        size, stride, padding, dilation: as torch has them; a single number holds for all axes.
        rank: how many axes.
    """

    def __init__(self, size: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]) -> None:
        rank = len(size)
        self.size = [*size]
        self.stride, self.padding, self.dilation = ([*one] * (rank if len(one) == 1 else 1) for one in (stride, padding, dilation))
        self.reach = [(k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True)]
        self.axes = tuple(range(2, 2 + rank))

    def over(self, text: str) -> str:
        """The windows, the axes in them behind all others."""
        return self._taken(_padded(text, [(one, one) for one in self.padding]), self.stride)

    def _taken(self, text: str, stride: Sequence[int]) -> str:
        text = f"sliding_window_view({text}, {tuple(self.reach)}, axis={self.axes})"
        steps = [f"::{one}" if one > 1 else ":" for one in (*stride, *self.dilation)]
        return f"{text}[:, :, {', '.join(steps)}]" if any(one != ":" for one in steps) else text

    def back(self, text: str, there: Sequence[int], target: Sequence[int]) -> str:
        """The windows of what is laid apart by the stride, which lead back from results to images.

        Args:
            text: of the results.
            there: their shape.
            target: the shape of the images.
        """
        apart = [(n - 1) * s + 1 for n, s in zip(there[2:], self.stride, strict=True)]
        if max(self.stride) > 1:
            steps = ", ".join(f"::{one}" for one in self.stride)
            text = f"add_at(zeros({(*there[:2], *apart)}), np.s_[:, :, {steps}], {text})"
        low = [k - 1 - p for k, p in zip(self.reach, self.padding, strict=True)]
        high = [n + k - 1 - m - one for n, k, m, one in zip(target[2:], self.reach, apart, low, strict=True)]
        return self._taken(_padded(text, [*zip(low, high, strict=True)]), [1] * len(apart))


def _contracted(pattern: str, first: str, second: str, rank: int) -> str:
    """An einsum in which ``*`` stands for the places and ``+`` for the axes of windows."""
    return f'einsum("{pattern.replace("*", _PLACES[:rank]).replace("+", _INNER[:rank])}", {first}, {second})'


def _grouped(text: str, shape: Sequence[int], groups: int, axis: int) -> str:
    """An axis as so many groups."""
    cut = (*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
    return f"reshape({text}, {cut})" if groups > 1 else text


def _ahead(x: str, shape: Sequence[int], weight: str, kernel: Sequence[int], made: Sequence[int], at: _Windows, groups: int) -> str:
    """A convolution: images with ``shape``, a kernel (out, in of a group, window)."""
    rank, seen = len(kernel) - 2, at.over(x)
    if groups == 1:
        return _contracted("nc*+,oc+->no*", seen, weight, rank)
    seen = f"reshape({seen}, {(shape[0], groups, shape[1] // groups, *made[2:], *kernel[2:])})"
    return f"reshape({_contracted('ngc*+,goc+->ngo*', seen, _grouped(weight, kernel, groups, 0), rank)}, {tuple(made)})"


def _behind(g: str, shape: Sequence[int], weight: str, kernel: Sequence[int], target: Sequence[int], at: _Windows, groups: int) -> str:
    """The way back of one, from results with ``shape`` to images."""
    rank, seen = len(kernel) - 2, at.back(g, shape, target)
    turned = f"flip({weight}, axis={at.axes})"
    if groups == 1:
        return _contracted("no*+,oc+->nc*", seen, turned, rank)
    seen = f"reshape({seen}, {(shape[0], groups, shape[1] // groups, *target[2:], *kernel[2:])})"
    return f"reshape({_contracted('ngo*+,goc+->ngc*', seen, _grouped(turned, kernel, groups, 0), rank)}, {tuple(target)})"


def _to_kernel(x: str, shape: Sequence[int], g: str, made: Sequence[int], kernel: Sequence[int], at: _Windows, groups: int) -> str:
    """The gradient of the kernel, from images with ``shape`` and what arrives at results."""
    rank, seen = len(kernel) - 2, at.over(x)
    if groups == 1:
        return _contracted("nc*+,no*->oc+", seen, g, rank)
    seen = f"reshape({seen}, {(shape[0], groups, shape[1] // groups, *made[2:], *kernel[2:])})"
    return f"reshape({_contracted('ngc*+,ngo*->goc+', seen, _grouped(g, made, groups, 1), rank)}, {tuple(kernel)})"


def _windows_of(of: Called, place: int, kernel: Sequence[int]) -> _Windows:
    return _Windows(kernel[2:], *of.raw[place : place + 3])


@row("convolution")
def _convolution(of: Called) -> Results:
    transposed, groups, kernel, shape = of.raw[6], of.raw[8], of.shape(1), of.shape(0)
    if len(kernel) - 2 > len(_PLACES):
        return None
    way, at = _behind if transposed else _ahead, _windows_of(of, 3, kernel)
    text = way(of.given[0], shape, of.given[1], kernel, of.outs[0], at, groups)
    return {0: f"{text} + {channels(of.given[2], len(kernel))}" if of.given[2] != "None" else text}


@row("convolution_backward")
def _convolution_back(of: Called) -> Results:
    g, x, weight = of.given[:3]
    transposed, groups, wanted, kernel = of.raw[7], of.raw[9], of.raw[10], of.shape(2)
    if len(kernel) - 2 > len(_PLACES):
        return None
    at, arriving, shape = _windows_of(of, 4, kernel), of.shape(0), of.shape(1)
    made = {2: f"sum({g}, axis={(0, *at.axes)})"}
    if transposed:
        made[0] = _ahead(g, arriving, weight, kernel, shape, at, groups)
        made[1] = _to_kernel(g, arriving, x, shape, kernel, at, groups)
    else:
        made[0] = _behind(g, arriving, weight, kernel, shape, at, groups)
        made[1] = _to_kernel(x, shape, g, arriving, kernel, at, groups)
    return {place: text for place, text in sorted(made.items()) if wanted[place]}


def _pooling(of: Called, place: int) -> _Windows:
    size = of.raw[place]
    stride = of.raw[place + 1] if len(of.raw) > place + 1 and of.raw[place + 1] else size
    return _Windows(size * (2 // len(size)), stride, of.raw[place + 2] if len(of.raw) > place + 2 else [0], [1])


def _chosen(shape: Sequence[int], index: str) -> str:
    """The subscript of what was the largest; of several that are, torch has chosen one."""
    rows, deep = shape[:2]
    return f"arange(0, {rows})[:, None, None], arange(0, {deep})[:, None], reshape({index}, {(rows, deep, -1)})"


@row("max_pool2d_with_indices")
def _max_pool(of: Called) -> Results:
    shape = of.shape(0)
    flat = f"reshape({of.given[0]}, {(*shape[:2], prod(shape[2:]))})"
    return {0: f"reshape({flat}[{_chosen(shape, '{o1}')}], {of.outs[0]})"} if len(shape) == 4 else None


@row("max_pool2d_with_indices_backward")
def _max_pool_back(of: Called) -> Results:
    rows, deep, *places = of.shape(1)
    arriving = f"reshape({of.given[0]}, {(rows, deep, -1)})"
    made = f"add_at(zeros({(rows, deep, prod(places))}), np.s_[{_chosen(of.shape(1), of.given[7])}], {arriving})"
    return {0: f"reshape({made}, {of.shape(1)})"} if len(places) == 2 else None


@row("avg_pool2d", "avg_pool2d_backward")
def _average_pool(of: Called) -> Results:
    back = of.name.endswith("backward")
    at = _pooling(of, 1 + back)
    if of.at(4 + back, "False") == "True" or of.at(6 + back, "None") != "None" or (any(at.padding) and of.at(5 + back, "True") != "True"):
        return None
    if not back:
        return {0: f"mean({at.over(of.given[0])}, axis=(4, 5))"}
    return {0: f"sum({at.back(of.given[0], of.shape(0), of.shape(1))}, axis=(4, 5)) / {prod(at.size)}"}


@row("_adaptive_avg_pool2d", "_adaptive_avg_pool2d_backward", "upsample_nearest2d", "upsample_nearest2d_backward")
def _blocks(of: Called) -> Results:
    """Blocks of cells folded into one, or one cell laid out over a block."""
    pooled, back = "pool" in of.name, of.name.endswith("backward")
    shrinks = pooled != back
    large, small = (of.shape(0), of.outs[0]) if shrinks else (of.outs[0], of.shape(0))
    if any(m % max(n, 1) for m, n in zip(large, small, strict=True)):
        return None
    (high, wide), (down, right) = small[2:], (m // n for m, n in zip(large[2:], small[2:], strict=True))
    if shrinks:
        return {0: f"{'mean' if pooled else 'sum'}(reshape({of.given[0]}, {(*small[:2], high, down, wide, right)}), axis=(3, 5))"}
    spread = f"broadcast_to({of.given[0]}[:, :, :, None, :, None], {(*small[:2], high, down, wide, right)})"
    return {0: f"reshape({spread}, {large})" + f" / {down * right}" * pooled}
