"""What layers, losses, attention and fused optimizers of torch's compute; see :mod:`bpdebug.frontends.torch_step.rows`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from bpdebug.frontends.torch_step.called import Called, Results, row


@row("native_layer_norm")
def _layer_norm(of: Called) -> Results:
    axes, x = tuple(range(-len(of.raw[1]), 0)), of.given[0]
    last = axes if len(axes) > 1 else axes[0]
    scaled = f"({x} - {{o1}}) * {{o2}}"
    scaled = f"{scaled} * {of.given[2]}" if of.given[2] != "None" else scaled
    return {
        1: f"mean({x}, axis={last}, keepdims=True)",
        2: f"1 / sqrt(mean(({x} - {{o1}}) ** 2, axis={last}, keepdims=True) + {of.given[4]})",
        0: f"{scaled} + {of.given[3]}" if of.given[3] != "None" else scaled,
    }


@row("native_layer_norm_backward")
def _layer_norm_back(of: Called) -> Results:
    g, x, _, center, scale, weight = of.given[:6]
    inner = tuple(range(-len(of.raw[2]), 0))
    last, outer = inner if len(inner) > 1 else inner[0], tuple(range(of.rank(1) - len(inner)))
    hat, up = f"({x} - {center}) * {scale}", f"{g} * {weight}" if weight != "None" else g
    back = f"{up} - mean({up}, axis={last}, keepdims=True) - {hat} * mean({up} * {hat}, axis={last}, keepdims=True)"
    made = {0: f"{scale} * ({back})", 1: f"sum({g} * {hat}, axis={outer})", 2: f"sum({g}, axis={outer})"}
    return {place: text for place, text in made.items() if of.raw[7][place]}


def _channels(text: str, rank: int) -> str:
    """A number for each channel, laid along the second axis."""
    return f"reshape({text}, {(1, -1, *[1] * (rank - 2))})" if text != "None" else text


@row("native_batch_norm")
def _batch_norm(of: Called) -> Results:
    x, rank, training = of.given[0], of.rank(0), of.at(5, "False") == "True"
    if not training:
        return None
    axes, count, written = (0, *range(2, rank)), prod(of.shape(0)) // of.shape(0)[1], 2 * (of.given[3] != "None")
    center, scale = f"{{o{written + 1}}}", f"{{o{written + 2}}}"
    moved, scaling = f"({x} - {_channels(center, rank)})", _channels(scale, rank)
    squares = f"mean({moved} ** 2, axis={axes})"
    whole = f"{moved} * {scaling}"
    whole = f"{whole} * {_channels(of.given[1], rank)}" if of.given[1] != "None" else whole
    made = {
        written + 1: f"mean({x}, axis={axes})",
        written + 2: f"1 / sqrt({squares} + {of.given[7]})",
        written: f"{whole} + {_channels(of.given[2], rank)}" if of.given[2] != "None" else whole,
    }
    for place, new in ((0, center), (1, f"{squares} * {count} / {count - 1}")) if written and count > 1 else ():
        made[place] = f"{of.given[3 + place]} + {of.given[6]} * ({new} - {of.given[3 + place]})"
    return made


@row("native_batch_norm_backward")
def _batch_norm_back(of: Called) -> Results:
    g, x, weight = of.given[:3]
    rank = of.rank(1)
    if of.given[7] != "True":
        return None
    axes, scale = (0, *range(2, rank)), _channels(of.given[6], rank)
    hat = f"({x} - {_channels(of.given[5], rank)}) * {scale}"
    back = f"{scale} * ({g} - mean({g}, axis={axes}, keepdims=True) - {hat} * mean({g} * {hat}, axis={axes}, keepdims=True))"
    back = f"{_channels(weight, rank)} * {back}" if weight != "None" else back
    made = {0: back, 1: f"sum({g} * {hat}, axis={axes})", 2: f"sum({g}, axis={axes})"}
    return {place: text for place, text in made.items() if of.raw[9][place]}


def _padded(text: str, rows: int, columns: int) -> str:
    return f"pad({text}, ((0, 0), (0, 0), ({rows}, {rows}), ({columns}, {columns})))" if rows or columns else text


def _windows(text: str, size: Sequence[int], stride: Sequence[int], padding: Sequence[int]) -> str:
    """Every window of the images."""
    steps = f"[:, :, ::{stride[0]}, ::{stride[1]}]" if {*stride} != {1} else ""
    return f"sliding_window_view({_padded(text, *padding)}, {tuple(size)}, axis=(2, 3)){steps}"


@row("convolution")
def _convolution(of: Called) -> Results:
    stride, padding, dilation, transposed, _, groups = of.raw[3:9]
    if of.rank(0) != 4 or {*dilation} != {1} or transposed or groups != 1:
        return None
    made = f'einsum("nchwij,ocij->nohw", {_windows(of.given[0], of.shape(1)[2:], stride, padding)}, {of.given[1]})'
    return {0: f"{made} + {_channels(of.given[2], 4)}" if of.given[2] != "None" else made}


@row("convolution_backward")
def _convolution_back(of: Called) -> Results:
    stride, padding, dilation, transposed, _, groups, wanted = of.raw[4:11]
    if of.rank(0) != 4 or {*dilation} != {1} or transposed or groups != 1:
        return None
    size = of.shape(2)[2:]
    rest = [(n + 2 * p - k) % s for n, p, k, s in zip(of.shape(1)[2:], padding, size, stride, strict=True)]
    made = {2: f"sum({of.given[0]}, axis=(0, 2, 3))"}
    made[1] = f'einsum("nchwij,nohw->ocij", {_windows(of.given[1], size, stride, padding)}, {of.given[0]})'
    around = [k - 1 - p for k, p in zip(size, padding, strict=True)]
    if {*stride} == {1} and min(around) >= 0 and not any(rest):
        made[0] = f'einsum("nohwij,ocij->nchw", {_windows(of.given[0], size, stride, around)}, flip({of.given[2]}, axis=(2, 3)))'
    return {place: text for place, text in sorted(made.items()) if wanted[place]}


@row("max_pool2d_with_indices")
def _max_pool(of: Called) -> Results:
    size, stride = of.raw[1], of.raw[2] if len(of.raw) > 2 and of.raw[2] else of.raw[1]
    if len(of.raw) > 3 and any(of.raw[3]):
        return None
    return {0: f"max({_windows(of.given[0], size, stride, (0, 0))}, axis=(4, 5))"}


def _reduced(each: str, how: str) -> str:
    return {"0": each, "1": f"mean({each})", "2": f"sum({each})"}[how]


@row("nll_loss_forward")
def _nll(of: Called) -> Results:
    if of.given[2] != "None" or of.rank(0) != 2:
        return None
    labels, count = of.given[1], of.shape(0)[0]
    kept = f"{labels} != {of.given[4]}"
    each = f"where({kept}, -{of.given[0]}[arange(0, {count}), where({kept}, {labels}, 0)], 0)"
    total = f"sum(where({kept}, 1.0, 0.0))"
    return {1: total if of.given[3] == "1" else "0.0", 0: {"0": each, "1": f"sum({each}) / {total}", "2": f"sum({each})"}[of.given[3]]}


@row("nll_loss_backward")
def _nll_back(of: Called) -> Results:
    if of.given[3] != "None" or of.rank(1) != 2:
        return None
    g, labels = of.given[0] if of.given[4] != "0" else f"{of.given[0]}[:, None]", of.given[2]
    text = f"-one_hot({labels}, {of.shape(1)[1]}) * ({labels} != {of.given[5]})[:, None] * {g}"
    return {0: f"{text} / {of.given[6]}" if of.given[4] == "1" else text}


@row("mse_loss", "mse_loss_backward")
def _mse(of: Called) -> Results:
    if of.name == "mse_loss":
        return {0: _reduced(f"({of.given[0]} - {of.given[1]}) ** 2", of.at(2, "1"))}
    over = f" / {prod(of.shape(1))}" * (of.at(3, "1") == "1")
    return {0: f"2 * ({of.given[1]} - {of.given[2]}) * {of.given[0]}{over}"}


@row("binary_cross_entropy_with_logits")
def _bce(of: Called) -> Results:
    z, y = of.given[:2]
    each = f"(1 - {y}) * {z} + log1p(exp(-abs({z}))) + maximum(-{z}, 0)"
    return {0: _reduced(each, of.at(4, "1"))} if of.at(2, "None") == of.at(3, "None") == "None" else None


@row("smooth_l1_loss", "smooth_l1_loss_backward")
def _smooth(of: Called) -> Results:
    if of.name == "smooth_l1_loss":
        far, beta = f"abs({of.given[0]} - {of.given[1]})", of.at(3, "1.0")
        return {0: _reduced(f"where({far} < {beta}, 0.5 * {far} ** 2 / {beta}, {far} - 0.5 * {beta})", of.at(2, "1"))}
    far, over = f"({of.given[1]} - {of.given[2]})", f" / {prod(of.shape(1))}" * (of.at(3, "1") == "1")
    return {0: f"where(abs({far}) < {of.given[4]}, {far} / {of.given[4]}, sign({far})) * {of.given[0]}{over}"}


@row("elu", "elu_backward")
def _elu(of: Called) -> Results:
    if of.name == "elu":
        return {0: f"elu({of.given[0]}, {of.at(1, '1.0')})"}
    g, alpha, _, _, of_result, value = of.given[:6]
    below = f"{value} + {alpha}" if of_result == "True" else f"{alpha} * exp({value})"
    return {0: f"{g} * where({value} > 0, 1, {below})"}


_FLASH = "_scaled_dot_product_flash_attention_for_cpu"


@row(_FLASH, f"{_FLASH}_backward")
def _attention(of: Called) -> Results:
    back = of.name != _FLASH
    query, key, value = of.given[back : back + 3]
    if of.options.get("attn_mask", "None") != "None" or of.at(3 if not back else 6, "0.0") != "0.0":
        return None
    scale = of.options.get("scale", "None")
    scale = scale if scale != "None" else repr(1 / of.shape(back)[-1] ** 0.5)
    scores = f"({query} @ swapaxes({key}, 2, 3)) * {scale}"
    if of.at(7 if back else 4, "False") == "True":
        scores = f"where(tril(ones({(of.shape(back)[2], of.shape(back + 1)[2])})) > 0, {scores}, -inf)"
    if not back:
        return {1: f"logsumexp({scores}, axis=-1)", 0: f"softmax({scores}, axis=-1) @ {value}"}
    share = f"exp({scores} - {of.given[5]}[..., None])"
    inner = f"{share} * ({of.given[0]} @ swapaxes({value}, 2, 3) - sum({of.given[0]} * {of.given[4]}, axis=-1, keepdims=True))"
    return {
        2: f"swapaxes({share}, 2, 3) @ {of.given[0]}",
        0: f"(({inner}) @ {key}) * {scale}",
        1: f"(swapaxes({inner}, 2, 3) @ {query}) * {scale}",
    }


@row("_fused_adam", "_fused_adamw")
def _fused(of: Called) -> Results:
    """Of one parameter: itself, its gradient, both moments, the largest second one, the count of steps."""
    rate, first, second, decay, small = (of.options[key] for key in ("lr", "beta1", "beta2", "weight_decay", "eps"))
    if of.options.get("amsgrad") == "True" or of.options.get("maximize") == "True":
        return None
    weight, g, mean, square, _, count = of.given[:6]
    apart = of.name.endswith("w")
    g = g if apart or float(decay) == 0 else f"({g} + {decay} * {weight})"
    shrunk = f"{weight} * (1 - {rate} * {decay})" if apart and float(decay) else weight
    step = f"{rate} / (1 - {first} ** {count}) * {{o2}} / (sqrt({{o3}}) / sqrt(1 - {second} ** {count}) + {small})"
    moments = {2: f"{mean} + (1 - {first}) * ({g} - {mean})", 3: f"{second} * {square} + (1 - {second}) * {g} ** 2"}
    return {1: of.given[1], **moments, 0: f"{shrunk} - {step}"}


@row("embedding_dense_backward")
def _embedding_back(of: Called) -> Results:
    padding = of.given[3]
    arriving = of.given[0] if padding in ("-1", "None") else f"where(({of.given[1]} != {padding})[..., None], {of.given[0]}, 0)"
    return {0: f"add_at(zeros({of.outs[0]}), {of.given[1]}, {arriving})"}
