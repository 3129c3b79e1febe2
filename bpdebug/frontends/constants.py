"""The constants of the engine's rows as keys of a scenario, and the section of the optimizer."""

from __future__ import annotations

import math
from collections.abc import Mapping as Dictionary

from bpdebug.core.description import Optimizer
from bpdebug.core.optimizers import OPTIMIZERS, SCHEDULES
from bpdebug.core.record import replace
from bpdebug.frontends.kinds import Key, Kind, choice, real
from bpdebug.frontends.nodes import Mapping
from bpdebug.frontends.tables import table

_FADE = real(0, 1, below=1)
_NOT_NEGATIVE = real(0)
_COUNTED = real(1, 10**9, whole=True)
_CONSTANTS: dict[str, tuple[Kind, str]] = {
    "learning_rate": (_NOT_NEGATIVE, "the length of a step"),
    "momentum": (_FADE, "how much of the velocity is kept from update to update"),
    "beta1": (_FADE, "how much of the running mean of the gradient is kept"),
    "beta2": (_FADE, "how much of the running mean of the squared gradient is kept"),
    "rmsprop.alpha": (_FADE, "how much of the running mean of the squared gradient is kept"),
    "epsilon": (_NOT_NEGATIVE, "keeps the denominator from 0"),
    "weight_decay": (_NOT_NEGATIVE, "how much each step shrinks the parameters"),
    "gamma": (_NOT_NEGATIVE, "what the rate is multiplied by, each time"),
    "step_size": (_COUNTED, "after how many updates it is"),
    "T_max": (_COUNTED, "the number of updates until the rate is lowest"),
    "eta_min": (_NOT_NEGATIVE, "the lowest rate"),
    "start_factor": (_NOT_NEGATIVE, "the factor of the rate in the first update"),
    "end_factor": (_NOT_NEGATIVE, "the factor of the rate at the end"),
    "total_iters": (_COUNTED, "after how many updates that is"),
    "steps": (_COUNTED, "after how many updates the rate is reached"),
    "slope": (real(), "the slope of leaky_relu for negative sums"),
    "elu.alpha": (_NOT_NEGATIVE, "the depth of elu for negative sums"),
    "delta": (_NOT_NEGATIVE, "where huber turns from a square to a line"),
    "std": (_NOT_NEGATIVE, "the standard deviation"),
    "mean": (real(), "the mean"),
    "low": (real(), "the lower end"),
    "high": (real(), "the upper end"),
    "value": (real(), "the value of every weight"),
    "gain": (real(), "a factor for the spread"),
}
"""The range and meaning of each constant of the engine's rows; ``row.name`` where two rows share a name."""


def constants_of(row: str, values: Dictionary[str, float]) -> tuple[Key, ...]:
    """The keys of one row; a constant that the table above does not know yet is any number."""
    keys = []
    for name, default in values.items():
        kind, doc = _CONSTANTS.get(f"{row}.{name}") or _CONSTANTS.get(name, (real(), f"a constant of {row}"))
        needed = math.isnan(default)  # NaN: there is no usual value
        keys.append(Key(name, kind, doc, None if needed else default, needed, ("lr",) * (name == "learning_rate")))
    return tuple(keys)


_START_RATE = Key("start", _NOT_NEGATIVE, "the length of a step in the first update", required=True)
_SCHEDULES = table(
    "learning_rate",
    (_START_RATE, Key("schedule", choice(SCHEDULES, {"multiplicative": "exponential"}), "how it goes on, over the updates", required=True)),
    "schedule",
    {name: constants_of(name, row.constants) for name, row in SCHEDULES.items()},
    "learning_rate: {start: 0.1, schedule: step, step_size: 100, gamma: 0.5}",
)
_RATE = replace(
    _NOT_NEGATIVE,
    check=lambda node, report: (_SCHEDULES if isinstance(node, Mapping) else _NOT_NEGATIVE).check(node, report),
    json=lambda: {"anyOf": [_NOT_NEGATIVE.json(), _SCHEDULES.json()]},
)
_CONSTANTS["learning_rate"] = _RATE, _CONSTANTS["learning_rate"][1]


_CLIP = table(
    "clip",
    tuple(Key(kind, real(1e-30), f"the bound of {what}") for kind, what in (("value", "each cell"), ("norm", "all gradients together"))),
    example="clip: {norm: 5.0}",
)


def _optimizers() -> dict[str, tuple[Key, ...]]:
    """The rules' constants; sgd takes a momentum too, and is the momentum rule then."""
    rules = {name: dict(rule.constants) for name, rule in OPTIMIZERS.items()}
    rules["sgd"].setdefault("momentum", 0.0)
    return {name: constants_of(name, constants) for name, constants in rules.items()}


OPTIMIZER = table(
    "optimizer",
    (
        Key("name", choice(OPTIMIZERS, {"gradient_descent": "sgd", "gd": "sgd"}), "the update rule", Optimizer.name),
        Key("clip", _CLIP, "gradients are clipped, by value or by norm, or by both, by value first"),
    ),
    "name",
    _optimizers(),
    "optimizer:\n  name: sgd\n  learning_rate: 0.1",
)
