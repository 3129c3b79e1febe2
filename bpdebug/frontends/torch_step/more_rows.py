"""What else is frequent of torch's: folds, places that indices name, rearrangements; see :mod:`bpdebug.frontends.torch_step.rows`."""

from __future__ import annotations

from math import prod

from bpdebug.frontends.torch_step.called import Called, Results, over, part, row


@row("var", "std", "var_mean")
def _spread(of: Called) -> Results:
    axes, correction = over(of), float(of.options.get("correction", "1"))
    text = f"var({of.given[0]}{axes})"
    if correction:  # what there are of numbers in a mean, without some
        count = prod(of.shape(0)) // max(prod(of.outs[0]), 1)
        text = f"sum(({of.given[0]} - mean({of.given[0]}{_kept(axes)})) ** 2{axes}) / {max(count - correction, 0):g}"
    return {0: f"sqrt({text})" if of.name == "std" else text, 1: f"mean({of.given[0]}{axes})"}


def _kept(axes: str) -> str:
    return axes if not axes or "keepdims" in axes else f"{axes}, keepdims=True"


@row("linalg_vector_norm", "norm")
def _norm(of: Called) -> Results:
    order, text, axes = of.at(1, "2"), of.given[0], over(of, 2)
    if order in ("2", "2.0", "None"):
        return {0: f"norm({text})" if not axes else f"sqrt(sum({text} ** 2{axes}))"}
    if order in ("1", "1.0"):
        return {0: f"sum(abs({text}){axes})"}
    return {0: f"max(abs({text}){axes})"} if order == "inf" else None


@row(*(f"{before}{name}" for name in ("zeros", "ones", "full") for before in ("", "new_")), "zeros_like", "ones_like", "full_like")
@row("fill", "zero", "scalar_tensor")
def _filled(of: Called) -> Results:
    """The same number everywhere."""
    name, shape = of.name.removeprefix("new_").removesuffix("_like"), of.outs[0]
    number = {"zero": "0", "zeros": "0", "ones": "1"}.get(name) or of.given[0 if name == "scalar_tensor" else 1]
    if of.whole:
        return {0: f"broadcast_to({number}, {shape})"}
    return {0: {"0": f"zeros({shape})", "1": f"ones({shape})"}.get(number, f"zeros({shape}) + {number}")}


@row("argmax", "argmin")
def _largest(of: Called) -> Results:
    return {0: f"argmax({'-' * of.name.endswith('min')}{of.given[0]}{over(of)})"}


@row("prod")
def _product(of: Called) -> Results:
    whole = len(of.raw) < 2
    axis, given = (0, f"reshape({of.given[0]}, {(prod(of.shape(0)),)})") if whole else (of.raw[1], of.given[0])
    return {0: f"reshape(take(cumprod({given}, axis={axis}), -1, axis={axis}), {of.outs[0]})"}


@row("max", "min")
def _chosen(of: Called) -> Results:
    """Of two; or what was chosen along an axis, since of several that are the largest torch has chosen one."""
    if len(of.raw) < 2 or of.shapes[1] is not None:
        return {0: f"{of.name}imum({of.given[0]}, {of.given[1]})"} if len(of.raw) > 1 else None
    axis, shape, rank = of.raw[1] % of.rank(0), of.outs[1], of.rank(0)
    if len(shape) == rank:
        return {0: f"{of.given[0]}[{_along(axis, '{o1}', shape)}]"}
    keys = [f"arange(0, {n})[{', '.join([':', *['None'] * (len(shape) - 1 - place)])}]" for place, n in enumerate(shape)]
    return {0: f"{of.given[0]}[{', '.join([*keys[:axis], '{o1}', *keys[axis:]])}]"}


def _along(axis: int, index: str, shape: tuple[int, ...]) -> str:
    """The subscript that takes, at each place of an index with ``shape``, what it says along an axis."""
    keys = [f"arange(0, {n})[{', '.join([':', *['None'] * (len(shape) - 1 - place)])}]" for place, n in enumerate(shape)]
    keys[axis % max(len(shape), 1)] = index
    return ", ".join(keys)


@row("gather")
def _gather(of: Called) -> Results:
    return {0: f"{of.given[0]}[{_along(of.raw[1], of.given[2], of.shape(2))}]"}


@row("sort", "topk")
def _sorted(of: Called) -> Results:
    """By the indices that were recorded."""
    axis = of.raw[2 if of.name == "topk" else 1] if len(of.raw) > (2 if of.name == "topk" else 1) else -1
    return {0: f"{of.given[0]}[{_along(axis, '{o1}', of.outs[0])}]"}


@row("scatter_add")
def _scatter_add(of: Called) -> Results:
    if of.shape(2) != of.shape(3):
        return None
    return {0: f"add_at({of.given[0]}, np.s_[{_along(of.raw[1], of.given[2], of.shape(2))}], {of.given[3]})"}


@row("scatter")
def _scatter(of: Called) -> Results:
    """Of one place along an axis; else what is put takes the place of what was there, which is right where no place stands twice."""
    axis, rank, shape = of.raw[1] % of.rank(0), of.rank(0), of.shape(2)
    if shape[axis] == 1 and shape[:axis] + shape[axis + 1 :] == of.shape(0)[:axis] + of.shape(0)[axis + 1 :]:
        behind = ", ".join([":", *["None"] * (rank - 1 - axis)])
        return {0: f"where(arange(0, {of.shape(0)[axis]})[{behind}] == {of.given[2]}, {of.given[3]}, {of.given[0]})"}
    if shape != of.shape(3):
        return None
    places = f"np.s_[{_along(axis, of.given[2], shape)}]"
    return {0: f"add_at(where(add_at(zeros({of.shape(0)}), {places}, 1) > 0, 0, {of.given[0]}), {places}, {of.given[3]})"}


@row("_cdist_forward")
def _distances(of: Called) -> Results:
    """Of rows by pairs."""
    x, y = (f"{of.given[place]}[..., {key}]" for place, key in ((0, ":, None, :"), (1, "None, :, :")))
    return {0: f"sqrt(sum(({x} - {y}) ** 2, axis=-1))"} if of.raw[2] == 2 else None


@row("index_add")
def _index_add(of: Called) -> Results:
    return {0: f"add_at({of.given[0]}, np.s_{part('', of.raw[1], of.given[2], of.rank(0))}, {of.given[3]})"}


@row("masked_select", "masked_scatter")
def _masked(of: Called) -> Results:
    x, mask = of.given[:2]
    mask = mask if of.shape(1) == of.shape(0) else f"broadcast_to({mask}, {of.shape(0)})"
    return {0: f"{x}[{mask}]" if of.name == "masked_select" else f"add_at(where({mask}, 0, {x}), {mask}, {of.given[2]})"}


@row("roll")
def _roll(of: Called) -> Results:
    if len(of.raw) < 3 or len(of.raw[2]) != 1:
        return None
    axis, text = of.raw[2][0] % of.rank(0), of.given[0]
    cut = -of.raw[1][0] % of.shape(0)[axis]
    parts = [part(text, axis, key, of.rank(0)) for key in (f"{cut}:", f":{cut}")]
    return {0: f"concatenate([{', '.join(parts)}], axis={axis})"}


@row("repeat")
def _repeat(of: Called) -> Results:
    times, shape = of.raw[1], (1,) * (len(of.raw[1]) - of.rank(0)) + of.shape(0)
    apart, wide = [one for n in shape for one in (1, n)], [one for pair in zip(times, shape, strict=True) for one in pair]
    return {0: f"reshape(broadcast_to(reshape({of.given[0]}, {tuple(apart)}), {tuple(wide)}), {of.outs[0]})"}


@row("constant_pad_nd")
def _pad(of: Called) -> Results:
    if of.at(2, "0") not in ("0", "0.0"):
        return None
    given, rank, text = of.raw[1], of.rank(0), of.given[0]
    around = [(0, 0)] * (rank - len(given) // 2) + [*zip(given[-2::-2], given[::-2], strict=True)]
    if any(one > 0 for pair in around for one in pair):
        text = f"pad({text}, ({', '.join(f'({max(low, 0)}, {max(high, 0)})' for low, high in around)}{',' * (rank == 1)}))"
    cut = [f"{-low if low < 0 else ''}:{high if high < 0 else ''}" for low, high in around]
    return {0: f"{text}[{', '.join(cut)}]" if any(one != ":" for one in cut) else text}


@row("glu", "glu_backward")
def _glu(of: Called) -> Results:
    back = of.name.endswith("backward")
    x, rank, axis = of.given[back], of.rank(back), (of.raw[1 + back] if len(of.raw) > 1 + back else -1) % of.rank(back)
    half = of.shape(back)[axis] // 2
    first, gate = part(x, axis, f":{half}", rank), f"sigmoid({part(x, axis, f'{half}:', rank)})"
    if not back:
        return {0: f"{first} * {gate}"}
    return {0: f"concatenate([{of.given[0]} * {gate}, {of.given[0]} * {first} * {gate} * (1 - {gate})], axis={axis})"}


@row("softplus", "softplus_backward")
def _softplus(of: Called) -> Results:
    back = of.name.endswith("backward")
    if of.at(1 + back, "1") not in ("1", "1.0"):
        return None
    return {0: f"{of.given[0]} * sigmoid({of.given[1]})" if back else f"softplus({of.given[0]})"}


@row("_prelu_kernel_backward")
def _prelu_back(of: Called) -> Results:
    g, x, weight = of.given[:3]
    return {0: f"where({x} > 0, {g}, {weight} * {g})", 1: f"where({x} > 0, 0, {x} * {g})"}


@row("_fused_sgd")
def _fused_sgd(of: Called) -> Results:
    """Of one parameter: itself, its gradient, what momentum has gathered."""
    rate, momentum, damping, decay = (of.options[key] for key in ("lr", "momentum", "dampening", "weight_decay"))
    if of.options.get("maximize") == "True":
        return None
    weight, g = of.given[:2]
    g = g if float(decay) == 0 else f"({g} + {decay} * {weight})"
    if float(momentum) == 0:
        return {0: f"{weight} - {rate} * {g}", 1: of.given[1]}
    first = of.options.get("is_first_step") == "True"
    gathered = g if first else f"{momentum} * {of.given[2]} + {1 - float(damping):g} * {g}"
    step = f"({g} + {momentum} * {{o2}})" if of.options.get("nesterov") == "True" else "{o2}"
    return {1: of.given[1], 2: gathered, 0: f"{weight} - {rate} * {step}"}
