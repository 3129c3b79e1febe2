"""What torch's operations compute, as text in the language of formulas: a row each, for all twins of it (in place, over a list).

``{0}`` is the operation's first argument. An operation that has no row, or of which a row says None, is no formula: its numbers are those
that were recorded.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

from bpdebug.frontends.torch_step import layer_rows, more_rows, overlay_rows, window_rows  # noqa: F401 - they register their own
from bpdebug.frontends.torch_step.called import ROWS, Called, Results, over, part, row

_PLAIN = {
    "neg": "-{0}",
    "exp": "exp({0})",
    "expm1": "expm1({0})",
    "log": "log({0})",
    "log1p": "log1p({0})",
    "sqrt": "sqrt({0})",
    "rsqrt": "1 / sqrt({0})",
    "reciprocal": "1 / {0}",
    "tanh": "tanh({0})",
    "sin": "sin({0})",
    "cos": "cos({0})",
    **{name: f"arc{name[1:]}({{0}})" for name in ("asin", "acos", "atan")},
    "erf": "erf({0})",
    "abs": "abs({0})",
    **dict.fromkeys(("sign", "sgn"), "sign({0})"),
    "sinh": "sinh({0})",
    "cosh": "cosh({0})",
    "tan": "sin({0}) / cos({0})",
    "ceil": "-floor(-{0})",
    "log2": "log({0}) / log(2)",
    "log10": "log({0}) / log(10)",
    "exp2": "2 ** {0}",
    "hypot": "sqrt({0} ** 2 + {1} ** 2)",
    "logaddexp": "maximum({0}, {1}) + log1p(exp(-abs({0} - {1})))",
    "xlogy": "where({0} == 0, 0, {0} * log({1}))",
    "logical_and": "({0} != 0) & ({1} != 0)",
    "logical_or": "({0} != 0) | ({1} != 0)",
    "bitwise_or": "{0} | {1}",
    "mish": "mish({0})",
    "mish_backward": "{0} * (tanh(softplus({1})) + {1} * sigmoid({1}) * (1 - tanh(softplus({1})) ** 2))",
    "hardtanh": "minimum(maximum({0}, {1}), {2})",
    "hardtanh_backward": "where(({1} > {2}) & ({1} < {3}), {0}, 0)",
    "hardsigmoid": "minimum(maximum({0} + 3, 0), 6) / 6",
    "hardsigmoid_backward": "where(({1} > -3) & ({1} < 3), {0} / 6, 0)",
    "hardswish": "{0} * minimum(maximum({0} + 3, 0), 6) / 6",
    "hardswish_backward": "where({1} <= -3, 0, where({1} < 3, {0} * ({1} / 3 + 0.5), {0}))",
    "log_sigmoid_forward": "-(log1p(exp(-abs({0}))) + maximum(-{0}, 0))",
    "log_sigmoid_backward": "{0} * sigmoid(-{1})",
    "_prelu_kernel": "where({0} > 0, {0}, {1} * {0})",
    "atanh": "(log1p({0}) - log1p(-{0})) / 2",
    "asinh": "sign({0}) * log(abs({0}) + sqrt({0} ** 2 + 1))",
    "acosh": "log({0} + sqrt({0} ** 2 - 1))",
    "flip": "flip({0}, axis={1})",
    "eye": "eye({0})",
    "floor": "floor({0})",
    "relu": "maximum({0}, 0)",
    "sigmoid": "sigmoid({0})",
    "silu": "silu({0})",
    "mul": "{0} * {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "maximum": "maximum({0}, {1})",
    "minimum": "minimum({0}, {1})",
    "mm": "{0} @ {1}",
    "bmm": "{0} @ {1}",
    "mv": "{0} @ {1}",
    "dot": "{0} @ {1}",
    "where": "where({0}, {1}, {2})",
    "masked_fill": "where({1}, {2}, {0})",
    "lerp": "{0} + {2} * ({1} - {0})",
    "logical_not": "~({0} != 0)",
    "bitwise_not": "~{0}",
    "bitwise_and": "{0} & {1}",
    "isnan": "isnan({0})",
    "threshold_backward": "where({1} > {2}, {0}, 0)",
    "tanh_backward": "{0} * (1 - {1} ** 2)",
    "sigmoid_backward": "{0} * {1} * (1 - {1})",
    "silu_backward": "{0} * sigmoid({1}) * (1 + {1} * (1 - sigmoid({1})))",
    "leaky_relu_backward": "where({1} > 0, {0}, {2} * {0})",
    "_softmax": "softmax({0}, axis={1})",
    "_safe_softmax": "softmax({0}, axis={1})",
    "_log_softmax": "log_softmax({0}, axis={1})",
    "_softmax_backward_data": "{1} * ({0} - sum({0} * {1}, axis={2}, keepdims=True))",
    "_log_softmax_backward_data": "{0} - exp({1}) * sum({0}, axis={2}, keepdims=True)",
    "embedding": "{0}[{1}]",
    "index_select": "take({0}, {2}, axis={1})",
    "t": "{0}.T",
    "transpose": "swapaxes({0}, {1}, {2})",
    "permute": "transpose({0}, {1})",
    "unsqueeze": "expand_dims({0}, {1})",
    "cumsum": "cumsum({0}, axis={1})",
    "cumprod": "cumprod({0}, axis={1})",
    **dict.fromkeys(("clone", "detach", "alias", "lift_fresh", "_to_copy"), "{0}"),
}
_SHAPED = {
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "squeeze"), "reshape({0}, {shape})"),
    "expand": "broadcast_to({0}, {shape})",
}


def formulas(called: Called) -> Results:
    """The formulas of an operation's results, or None where there are none."""
    if called.name in ROWS:
        return ROWS[called.name](called)
    if text := _SHAPED.get(called.name):
        return {0: text.format(*called.given, shape=called.outs[0])}
    text = _PLAIN.get(called.name, "")
    given = [str(int(raw)) if isinstance(raw, bool) else one for one, raw in zip(called.given, called.raw, strict=True)]
    return {0: text.format(*given)} if text else None


def has_formula(name: str) -> bool:
    """Whether there is a row for an operation, by torch's name for it."""
    short = plain(name).removeprefix("_foreach_")
    return short in ROWS or short in _SHAPED or short in _PLAIN


@cache
def plain(name: str) -> str:
    """An operation's name without its namespace, its overload and what says that it works in place."""
    short = name.split(".")[1] if "." in name else name
    return short.rstrip("_") if not short.endswith("__") else short


def is_drawn(name: str) -> bool:
    """Whether an operation draws: its numbers are given."""
    return name in _DRAWN


_DRAWN = {
    *[
        "bernoulli",
        "randn_like",
        "rand_like",
        "randn",
        "rand",
        "normal",
        "uniform",
        "randperm",
        "randint",
        "native_dropout",
        "multinomial",
        "exponential",
        "random",
        "set",  # of what another process has made
    ]
}


def _times(number: str, text: str) -> str:
    return text if number in ("1", "1.0") else f"{number} * {text}"


def _plus(first: str, number: str, second: str) -> str:
    return f"{first} - {_times(number[1:], second)}" if number[0] == "-" else f"{first} + {_times(number, second)}"


def _opposite(number: str) -> str:
    return number[1:] if number[0] == "-" else f"-{number}"


@row("add")
def _add(of: Called) -> Results:
    return {0: _plus(of.given[0], of.options.get("alpha", of.at(2, "1")), of.given[1])}


@row("sub")
def _sub(of: Called) -> Results:
    return {0: _plus(of.given[0], _opposite(of.options.get("alpha", of.at(2, "1"))), of.given[1])}


@row("rsub")
def _rsub(of: Called) -> Results:
    return {0: _plus(of.given[1], _opposite(of.options.get("alpha", of.at(2, "1"))), of.given[0])}


@row("div")
def _div(of: Called) -> Results:
    return {0: f"{of.given[0]} / {of.given[1]}"} if of.options.get("rounding_mode", "None") == "None" else None


@row("pow")
def _pow(of: Called) -> Results:
    return {0: f"({of.given[0]}) ** {of.given[1]}"}


@row("copy")
def _copy(of: Called) -> Results:
    return {0: of.given[1] if of.shape(1) == of.outs[0] else f"broadcast_to({of.given[1]}, {of.outs[0]})"}


@row("clamp", "clamp_min", "clamp_max")
def _clamp(of: Called) -> Results:
    low, high = of.options.get("min", of.at(1, "None")), of.options.get("max", of.at(2, "None"))
    if of.name == "clamp_max":
        low, high = "None", of.given[1]
    text = of.given[0] if low == "None" else f"maximum({of.given[0]}, {low})"
    return {0: text if high == "None" else f"minimum({text}, {high})"}


@row("addcmul", "addcdiv")
def _addc(of: Called) -> Results:
    sign = "*" if of.name == "addcmul" else "/"
    return {0: _plus(of.given[0], of.options.get("value", of.at(3, "1")), f"{of.given[1]} {sign} {of.given[2]}")}


@row("addmm", "baddbmm")
def _addmm(of: Called) -> Results:
    beta, alpha = of.options.get("beta", "1"), of.options.get("alpha", "1")
    whole = _times(alpha, f"{of.given[1]} @ {of.given[2]}" if alpha in ("1", "1.0") else f"({of.given[1]} @ {of.given[2]})")
    return {0: whole if beta in ("0", "0.0") else f"{whole} + {_times(beta, of.given[0])}"}


@row("leaky_relu")
def _leaky(of: Called) -> Results:
    return {0: f"leaky_relu({of.given[0]}, {of.at(1, '0.01')})"}


@row("gelu", "gelu_backward")
def _gelu(of: Called) -> Results:
    x, bent = of.given[-1], of.options.get("approximate", "none") == "tanh"
    tanh = f"tanh(sqrt(2 / pi) * ({x} + 0.044715 * {x} ** 3))"
    if of.name == "gelu":
        return {0: f"0.5 * {x} * (1 + {tanh})" if bent else f"gelu({x})"}
    if bent:
        slope = f"sqrt(2 / pi) * (1 + 0.134145 * {x} ** 2)"
        return {0: f"{of.given[0]} * 0.5 * (1 + {tanh} + {x} * (1 - {tanh} ** 2) * {slope})"}
    return {0: f"{of.given[0]} * (0.5 * (1 + erf({x} / sqrt(2))) + {x} * exp(-0.5 * {x} ** 2) / sqrt(2 * pi))"}


@row("sum", "mean", "amax", "amin", "logsumexp")
def _fold(of: Called) -> Results:
    return {0: f"{of.name.removeprefix('a')}({of.given[0]}{over(of)})"}


@row("select")
def _select(of: Called) -> Results:
    return {0: part(of.given[0], of.raw[1], of.given[2], of.rank(0))}


@row("select_backward", "slice_backward")
def _part_back(of: Called) -> Results:
    key = of.given[3]
    if of.name == "slice_backward":
        start, end, step = of.raw[3:6]
        key = f"{start}:{end if end < 2**40 else ''}:{step}"
    return {0: f"add_at(zeros({of.outs[0]}), np.s_{part('', of.raw[2], key, len(of.outs[0]))}, {of.given[0]})"}


@row("index")
def _index(of: Called) -> Results:
    return {0: f"{of.given[0]}[{', '.join(':' if one == 'None' else one for one in of.lists[1])}]"}


@row("index_put", "_index_put_impl")
def _index_put(of: Called) -> Results:
    """What is put somewhere takes the place of what was there, which is right where no place stands twice."""
    places, x = f"np.s_[{', '.join(':' if one == 'None' else one for one in of.lists[1])}]", of.given[0]
    added = of.at(3, "False") == "True"
    if len(of.lists[1]) == 1 and (rank := of.masks.get(of.lists[1][0])) and of.shape(2) == () and not added:
        behind = f"[..., {', '.join(['None'] * (of.rank(0) - rank))}]" * (of.rank(0) > rank)
        return {0: f"where({of.lists[1][0]}{behind}, {of.given[2]}, {x})"}
    kept = x if added else f"where(add_at(zeros({of.shape(0)}), {places}, 1) > 0, 0, {x})"
    return {0: f"add_at({kept}, {places}, {of.given[2]})"}


@row("slice")
def _slice(of: Called) -> Results:
    start, end = (one if one != "None" and abs(int(one)) < 2**40 else "" for one in (of.at(2, "None"), of.at(3, "None")))
    step = f":{of.given[4]}" if of.at(4, "1") != "1" else ""
    return {0: part(of.given[0], of.raw[1] if len(of.raw) > 1 else 0, f"{'' if start == '0' else start}:{end}{step}", of.rank(0))}


@row("split", "split_with_sizes", "unsafe_split")
def _split(of: Called) -> Results:
    axis = (of.raw[2] if len(of.raw) > 2 else 0) % of.rank(0)
    ends = [sum(shape[axis] for shape in of.outs[:place]) for place in range(len(of.outs) + 1)]
    return {place: part(of.given[0], axis, f"{start}:{end}", of.rank(0)) for place, (start, end) in enumerate(pairwise(ends))}


@row("unbind")
def _unbind(of: Called) -> Results:
    axis = of.raw[1] if len(of.raw) > 1 else 0
    return {place: part(of.given[0], axis, str(place), of.rank(0)) for place in range(len(of.outs))}


@row("cat", "stack")
def _joined(of: Called) -> Results:
    return {0: f"{'stack' if of.name == 'stack' else 'concatenate'}({of.given[0]}, axis={of.at(1, '0')})"}


@row("tril", "triu")
def _triangle(of: Called) -> Results:
    return {0: f"{of.name}({of.given[0]}, {of.at(1, '0')})"}


@row("arange")
def _arange(of: Called) -> Results:
    if any(not isinstance(one, int) for one in of.raw):
        return None
    return {0: f"arange(0, {of.given[0]})" if len(of.given) == 1 else f"arange({', '.join(of.given[:3])})"}


__all__ = ["formulas", "has_formula", "is_drawn", "plain"]
