"""What layers, losses, attention and fused optimizers of torch's compute; see :mod:`bpdebug.frontends.torch_step.rows`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from bpdebug.frontends.torch_step.called import Called, Results, row


def _scaled(text: str, weight: str, bias: str) -> str:
    text = f"{text} * {weight}" if weight != "None" else text
    return f"{text} + {bias}" if bias != "None" else text


@row("native_layer_norm")
def _layer_norm(of: Called) -> Results:
    axes, x = tuple(range(-len(of.raw[1]), 0)), of.given[0]
    last = axes if len(axes) > 1 else axes[0]
    return {
        1: f"mean({x}, axis={last}, keepdims=True)",
        2: f"1 / sqrt(mean(({x} - {{o1}}) ** 2, axis={last}, keepdims=True) + {of.given[4]})",
        0: _scaled(f"({x} - {{o1}}) * {{o2}}", of.given[2], of.given[3]),
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


def channels(text: str, rank: int) -> str:
    """A number for each channel, laid along the second axis."""
    return f"reshape({text}, {(1, -1, *[1] * (rank - 2))})" if text != "None" else text


@row("native_batch_norm")
def _batch_norm(of: Called) -> Results:
    x, rank = of.given[0], of.rank(0)
    if of.at(5, "False") != "True":
        text = f"({x} - {channels(of.given[3], rank)}) / sqrt({channels(of.given[4], rank)} + {of.given[7]})"
        return {0: _scaled(text, channels(of.given[1], rank), channels(of.given[2], rank))}
    axes, count, written = (0, *range(2, rank)), prod(of.shape(0)) // of.shape(0)[1], 2 * (of.given[3] != "None")
    center, scale = f"{{o{written + 1}}}", f"{{o{written + 2}}}"
    moved, scaling = f"({x} - {channels(center, rank)})", channels(scale, rank)
    squares = f"mean({moved} ** 2, axis={axes})"
    made = {
        written + 1: f"mean({x}, axis={axes})",
        written + 2: f"1 / sqrt({squares} + {of.given[7]})",
        written: _scaled(f"{moved} * {scaling}", channels(of.given[1], rank), channels(of.given[2], rank)),
    }
    for place, new in ((0, center), (1, f"{squares} * {count} / {count - 1}")) if written and count > 1 else ():
        made[place] = f"{of.given[3 + place]} + {of.given[6]} * ({new} - {of.given[3 + place]})"
    return made


@row("native_batch_norm_backward")
def _batch_norm_back(of: Called) -> Results:
    g, x, weight = of.given[:3]
    rank = of.rank(1)
    axes, scale = (0, *range(2, rank)), channels(of.given[6], rank)
    if of.given[7] != "True":
        scale = f"(1 / sqrt({channels(of.given[4], rank)} + {of.given[8]}))"
        hat = f"({x} - {channels(of.given[3], rank)}) * {scale}"
        made = {0: _scaled(f"{g} * {scale}", channels(weight, rank), "None")}
        made |= {1: f"sum({g} * {hat}, axis={axes})", 2: f"sum({g}, axis={axes})"}
        return {place: text for place, text in made.items() if of.raw[9][place]}
    hat = f"({x} - {channels(of.given[5], rank)}) * {scale}"
    back = f"{scale} * ({g} - mean({g}, axis={axes}, keepdims=True) - {hat} * mean({g} * {hat}, axis={axes}, keepdims=True))"
    back = f"{channels(weight, rank)} * {back}" if weight != "None" else back
    made = {0: back, 1: f"sum({g} * {hat}, axis={axes})", 2: f"sum({g}, axis={axes})"}
    return {place: text for place, text in made.items() if of.raw[9][place]}


@row("native_group_norm")
def _group_norm(of: Called) -> Results:
    rows, groups, rank = of.raw[3], of.raw[6], of.rank(0)
    x = f"reshape({of.given[0]}, ({rows}, {groups}, -1))"
    hat = f"reshape(({x} - {{o1}}[:, :, None]) * {{o2}}[:, :, None], {of.shape(0)})"
    return {
        1: f"mean({x}, axis=2)",
        2: f"1 / sqrt(mean(({x} - {{o1}}[:, :, None]) ** 2, axis=2) + {of.given[7]})",
        0: _scaled(hat, channels(of.given[1], rank), channels(of.given[2], rank)),
    }


@row("native_group_norm_backward")
def _group_norm_back(of: Called) -> Results:
    g, x, center, scale, weight = of.given[:5]
    rows, groups, rank = of.raw[5], of.raw[8], of.rank(1)
    axes, (center, scale) = (0, *range(2, rank)), (f"{one}[:, :, None]" for one in (center, scale))
    hat = f"(reshape({x}, ({rows}, {groups}, -1)) - {center}) * {scale}"
    up = f"reshape({_scaled(g, channels(weight, rank), 'None')}, ({rows}, {groups}, -1))"
    back = f"{scale} * ({up} - mean({up}, axis=2, keepdims=True) - {hat} * mean({up} * {hat}, axis=2, keepdims=True))"
    made = {0: f"reshape({back}, {of.shape(1)})", 1: f"sum({g} * reshape({hat}, {of.shape(1)}), axis={axes})", 2: f"sum({g}, axis={axes})"}
    return {place: text for place, text in made.items() if of.raw[9][place]}


def _reduced(each: str, how: str) -> str:
    return {"0": each, "1": f"mean({each})", "2": f"sum({each})"}[how]


def _labelled(shape: Sequence[int], labels: str) -> str:
    """The subscript that takes, of each sample and place, the number of its class."""
    return (
        f"arange(0, {shape[0]}), {labels}"
        if len(shape) == 2
        else (f"arange(0, {shape[0]})[:, None, None], {labels}, arange(0, {shape[2]})[:, None], arange(0, {shape[3]})")
    )


@row("nll_loss_forward", "nll_loss2d_forward")
def _nll(of: Called) -> Results:
    labels, weight, shape = of.given[1], of.given[2], of.shape(0)
    if len(shape) not in (2, 4):
        return None
    kept = f"{labels} != {of.given[4]}"
    chosen = f"where({kept}, {labels}, 0)"
    share = f"where({kept}, {'1.0' if weight == 'None' else f'{weight}[{chosen}]'}, 0.0)"
    each = f"where({kept}, -{of.given[0]}[{_labelled(shape, chosen)}], 0)" + f" * {share}" * (weight != "None")
    total = f"sum({share})"
    return {1: total if of.given[3] == "1" else "0.0", 0: {"0": each, "1": f"sum({each}) / {total}", "2": f"sum({each})"}[of.given[3]]}


@row("nll_loss_backward", "nll_loss2d_backward")
def _nll_back(of: Called) -> Results:
    g, labels, weight, shape = of.given[0], of.given[2], of.given[3], of.shape(1)
    if len(shape) not in (2, 4):
        return None
    kept = f"{labels} != {of.given[5]}"
    chosen = f"where({kept}, {labels}, 0)"
    if len(shape) == 2 and weight == "None":
        text = f"-one_hot({labels}, {shape[1]}) * ({kept})[:, None] * {g if of.given[4] != '0' else f'{g}[:, None]'}"
    else:
        share = f"where({kept}, {'1.0' if weight == 'None' else f'{weight}[{chosen}]'}, 0.0)"
        text = f"add_at(zeros({shape}), np.s_[{_labelled(shape, chosen)}], -{share} * {g})"
    return {0: f"{text} / {of.given[6]}" if of.given[4] == "1" else text}


@row("mse_loss", "mse_loss_backward")
def _mse(of: Called) -> Results:
    if of.name == "mse_loss":
        return {0: _reduced(f"({of.given[0]} - {of.given[1]}) ** 2", of.at(2, "1"))}
    over = f" / {prod(of.shape(1))}" * (of.at(3, "1") == "1")
    return {0: f"2 * ({of.given[1]} - {of.given[2]}) * {of.given[0]}{over}"}


@row("binary_cross_entropy_with_logits")
def _bce(of: Called) -> Results:
    z, y, weight, positive = of.given[0], of.given[1], of.at(2, "None"), of.at(3, "None")
    soft = f"log1p(exp(-abs({z}))) + maximum(-{z}, 0)"
    each = f"(1 - {y}) * {z} + {soft}" if positive == "None" else f"(1 - {y}) * {z} + (1 + ({positive} - 1) * {y}) * ({soft})"
    return {0: _reduced(each if weight == "None" else f"({each}) * {weight}", of.at(4, "1"))}


@row("binary_cross_entropy", "binary_cross_entropy_backward")
def _bce_of_shares(of: Called) -> Results:
    back = of.name.endswith("backward")
    p, y = of.given[back : back + 2]
    if of.at(2 + back, "None") != "None":
        return None
    if not back:
        return {0: _reduced(f"-({y} * maximum(log({p}), -100) + (1 - {y}) * maximum(log1p(-{p}), -100))", of.at(3, "1"))}
    over = f" / {prod(of.shape(1))}" * (of.at(4, "1") == "1")
    return {0: f"{of.given[0]} * ({p} - {y}) / maximum((1 - {p}) * {p}, 1e-12){over}"}


@row("huber_loss", "huber_loss_backward")
def _huber(of: Called) -> Results:
    if of.name == "huber_loss":
        far, delta = f"abs({of.given[0]} - {of.given[1]})", of.at(3, "1.0")
        return {0: _reduced(f"where({far} < {delta}, 0.5 * {far} ** 2, {delta} * ({far} - 0.5 * {delta}))", of.at(2, "1"))}
    far, over = f"({of.given[1]} - {of.given[2]})", f" / {prod(of.shape(1))}" * (of.at(3, "1") == "1")
    return {0: f"minimum(maximum({far}, -{of.given[4]}), {of.given[4]}) * {of.given[0]}{over}"}


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
        alpha, scale, inner = (of.at(place, "1.0") for place in (1, 2, 3))
        x = of.given[0]
        plain = scale == inner == "1.0" or {scale, inner} == {"1"}
        return {0: f"elu({x}, {alpha})" if plain else f"where({x} > 0, {scale} * {x}, {alpha} * {scale} * (exp({inner} * {x}) - 1))"}
    g, alpha, scale, inner, of_result, value = of.given[:6]
    below = f"{inner} * ({value} + {alpha} * {scale})" if of_result == "True" else f"{inner} * {alpha} * {scale} * exp({inner} * {value})"
    return {0: f"{g} * where({value} > 0, {scale}, {below})"}


_FLASH = "_scaled_dot_product_flash_attention_for_cpu"


@row(_FLASH, f"{_FLASH}_backward")
def _attention(of: Called) -> Results:
    back = of.name != _FLASH
    query, key, value = of.given[back : back + 3]
    if of.at(3 if not back else 6, "0.0") != "0.0":
        return None
    scale = of.options.get("scale", "None")
    scale = scale if scale != "None" else repr(1 / of.shape(back)[-1] ** 0.5)
    scores = f"({query} @ swapaxes({key}, 2, 3)) * {scale}"
    if (mask := of.options.get("attn_mask", "None")) != "None":
        scores = f"({scores} + {mask})"
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
