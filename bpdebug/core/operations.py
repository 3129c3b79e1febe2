"""The operation table: what each operation computes and its derivative, one row of text each.

Forward, backward, explanation and every rendering are made of these rows and, for what lines may call, of those of
:mod:`bpdebug.core.functions`; there is no other place where a derivative stands. In a row, ``g`` is the gradient that arrives
at the operation's output, the output goes by the name on the left of its formula, and an argument without a derivative
(a target, say) is a constant. Losses are rows over one batch; their derivative is that of a single term, and the factor and
the reductions are put around both by :func:`bpdebug.core.network.loss_row`.
What is said of a row stands in :mod:`bpdebug.core.texts`. Sources: [GBC], [RHW] and [Bishop] are spelled out in
:mod:`bpdebug.export.solution`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.operation import Operation
from bpdebug.core.parser import parse, parse_assignment


def _row(
    name: str,
    forward: str,
    gradients: Mapping[str, str],
    source: str,
    symbol: str = "",
    torch: str = "",
    fuses: str = "",
    **constants: float,
) -> Operation:
    output, formula = parse_assignment(forward)
    rules = {k: parse(v) for k, v in gradients.items()}
    return Operation(name, output, formula, rules, source, symbol, torch, fuses, constants)


def _activation(name: str, source: str, torch: str) -> Operation:
    """The row of an activation from the row of the function, along the axis of the units."""
    row = FUNCTIONS[name]
    if not row.adjoint:
        raise ValueError(f"{name} in bpdebug.core.functions needs an adjoint of its own, as one writes it, to be an activation")
    value, back = (re.sub(r"\bx\b", "z", re.sub(r"\bvalue\b", "a", text.format(axis=1))) for text in (row.formula, row.adjoint))
    constants = {name: float(usual) for name, usual in row.usual.items()}
    return _row(name, f"a = {value}", {"z": back}, source, (row.unicode or f"{name}({{}})").replace("{}", "{z}"), torch, "", **constants)


_LINEAR = (
    _row(
        "affine",
        "z = x @ W + b",
        {"W": "x.T @ g", "b": "sum(g, axis=0, keepdims=True)", "x": "g @ W.T"},
        "[RHW] eq. 1 and 6; [GBC] section 6.5.6",
    ),
    _row(
        "linear",
        "z = x @ W",
        {"W": "x.T @ g", "x": "g @ W.T"},
        "[RHW] eq. 1 and 6; [GBC] section 6.5.6",
    ),
    _row(
        "add",
        "r = a + x",
        {"a": "g", "x": "g"},
        "He et al., Deep Residual Learning (2016), eq. 1",
    ),
    _row(
        "penalty",
        "p = l2 * sum(W ** 2)",
        {"W": "g * 2 * l2 * W"},
        "[GBC] section 7.1.1 (there with a factor 1/2)",
        torch="l2 * torch.sum({W} ** 2)",
    ),
)

_ACTIVATIONS = (
    _row(
        "identity",
        "a = z",
        {"z": "g"},
        "[Bishop] section 5.1",
        "{z}",
        torch="{z}.clone()",
    ),
    _activation("sigmoid", "[RHW] eq. 2 and 5", "torch.sigmoid({z})"),
    _row(
        "tanh",
        "a = tanh(z)",
        {"z": "g * (1 - a ** 2)"},
        "LeCun et al., Efficient BackProp (1998), section 4.4",
        "tanh({z})",
        torch="torch.tanh({z})",
    ),
    _activation("relu", "Nair and Hinton, Rectified Linear Units (2010); [GBC] section 6.3", "torch.relu({z})"),
    _activation("leaky_relu", "Maas et al., Rectifier Nonlinearities (2013)", "F.leaky_relu({z}, {slope})"),
    _activation("elu", "Clevert et al., ELU (2016), eq. 15 and 16", "F.elu({z}, {alpha})"),
    _activation("softplus", "Dugas et al., Incorporating Second-Order Functional Knowledge (2001)", "F.softplus({z}, threshold=700)"),
    _activation("silu", "Elfwing et al., Sigmoid-Weighted Linear Units (2018), eq. 2 and 3", "F.silu({z})"),
    _activation("gelu", "Hendrycks and Gimpel, Gaussian Error Linear Units (2016), section 2", "F.gelu({z})"),
    _activation("mish", "Misra, Mish (2019), eq. 1", "F.mish({z})"),
    _activation("softmax", "[Bishop] eq. 4.104 to 4.106", "torch.softmax({z}, dim=1)"),
)

_LOSSES = (
    _row(
        "squared_error",
        "loss = (a - y) ** 2",
        {"a": "2 * (a - y)"},
        "[RHW] eq. 3 and 4; [Bishop] eq. 5.11",
        torch="({a} - {y}) ** 2",
    ),
    _row(
        "absolute_error",
        "loss = abs(a - y)",
        {"a": "sign(a - y)"},
        "[GBC] section 6.2.1.2",
        torch="torch.abs({a} - {y})",
    ),
    _row(
        "huber",
        "loss = where(abs(a - y) <= delta, 0.5 * (a - y) ** 2, delta * (abs(a - y) - 0.5 * delta))",
        {"a": "maximum(minimum(a - y, delta), -delta)"},
        "Huber, Robust Estimation of a Location Parameter (1964)",
        "huber({a}, {y})",
        torch='F.huber_loss({a}, {y}, reduction="none", delta={delta})',
        delta=1.0,
    ),
    _row(
        "hinge",
        "loss = maximum(0, 1 - y * a)",
        {"a": "where(y * a < 1, -y, 0)"},
        "Cortes and Vapnik, Support-Vector Networks (1995), eq. 23 to 25; [Bishop] eq. 7.44",
        "hinge({a}, {y})",
        torch="torch.relu(1 - {y} * {a})",
    ),
    _row(
        "binary_cross_entropy",
        "loss = -y * log(a) - (1 - y) * log(1 - a)",
        {"a": "-y / a + (1 - y) / (1 - a)"},
        "[Bishop] eq. 5.21",
        "BCE({a}, {y})",
        torch="-{y} * torch.log({a}) - (1 - {y}) * torch.log(1 - {a})",
    ),
    _row(
        "categorical_cross_entropy",
        "loss = -y * log(a)",
        {"a": "-y / a"},
        "[Bishop] eq. 5.24",
        "CCE({a}, {y})",
        torch="-{y} * torch.log({a})",
    ),
    _row(
        "binary_cross_entropy_from_logits",
        "loss = maximum(z, 0) - y * z + log1p(exp(-abs(z)))",
        {"z": "a - y"},
        "[Bishop] eq. 5.18 and 5.21",
        "BCE(σ({z}), {y})",
        torch='F.binary_cross_entropy_with_logits({z}, {y}, reduction="none")',
        fuses="sigmoid",
    ),
    _row(
        "categorical_cross_entropy_from_logits",
        "loss = -y * (z - max(z, axis=1, keepdims=True) - log(sum(exp(z - max(z, axis=1, keepdims=True)), axis=1, keepdims=True)))",
        {"z": "a - y"},
        "[Bishop] eq. 4.109",
        "CCE(softmax({z}), {y})",
        torch="-{y} * torch.log_softmax({z}, dim=1)",
        fuses="softmax",
    ),
)

OPERATIONS: dict[str, Operation] = {row.name: row for row in _LINEAR + _ACTIVATIONS + _LOSSES}
ACTIVATIONS: tuple[str, ...] = tuple(row.name for row in _ACTIVATIONS)
LOSSES: tuple[str, ...] = tuple(row.name for row in _LOSSES if not row.fuses)
FUSED: dict[str, str] = {row.name.removesuffix("_from_logits"): row.fuses for row in _LOSSES if row.fuses}
"""The losses that have a from_logits form, and the activation that it fuses."""
