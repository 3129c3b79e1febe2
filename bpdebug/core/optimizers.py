"""The update rules: text, one row an optimizer, in PyTorch's form so that numbers compare.

In a row ``w`` is the parameter, ``g`` its gradient, ``m`` and ``v`` its slots (shown as ``mW1``, ``vW1``), ``t`` the number of the
update counted from 1; the other names are the optimizer's constants.
"""

from __future__ import annotations

from collections.abc import Mapping

from bpdebug.core.parser import Formula, parse_assignment
from bpdebug.core.record import Record
from bpdebug.core.tensors import Naming


class Rule(Record):
    """One row.

    Attributes:
        name: as a scenario names it.
        steps: (what is assigned, formula), executed in order for each parameter.
        constants: with their usual values.
        source: where the rule is to be found.
        torch: PyTorch's optimizer of the parameters ``{p}``, or "" where it has none.
        torch_state: what that calls the slots, and the number of updates ``t`` where it counts them.
    """

    name: str
    steps: tuple[tuple[str, Formula], ...]
    constants: Mapping[str, float]
    source: str
    torch: str = ""
    torch_state: Mapping[str, str] = {}

    @property
    def slots(self) -> tuple[str, ...]:
        """The letters of the tensors that the rule keeps for each parameter from update to update."""
        return tuple(target for target, _ in self.steps if target != "w")

    @property
    def counts(self) -> bool:
        """Whether the rule reads ``t``, the number of the update."""
        return any("t" in formula.names for _, formula in self.steps)

    def letters(self, parameter: str, naming: Naming) -> dict[str, str]:
        """The tensors that the letters stand for in the steps of a parameter."""
        slots = {slot: naming.slot.format(slot, parameter) for slot in self.slots}
        return {"w": parameter, "g": naming.gradient.format(parameter)} | slots


def _rule(name: str, source: str, *steps: str, torch: str = "", state: Mapping[str, str] = {}, **constants: float) -> Rule:
    parsed = tuple(map(parse_assignment, steps))
    return Rule(name, parsed, constants, source, torch, state)


_VELOCITY = "v = momentum * v + g"
_ROOTED_STEP = "w = w - learning_rate * g / (sqrt(v) + epsilon)"
_ADAM_M = "m = beta1 * m + (1 - beta1) * g"
_ADAM_V = "v = beta2 * v + (1 - beta2) * g ** 2"
_ADAM_STEP = "learning_rate * (m / (1 - beta1 ** t)) / (sqrt(v / (1 - beta2 ** t)) + epsilon)"

_ROWS = (
    _rule(
        "sgd",
        "Goodfellow et al., Deep Learning (2016), algorithm 8.1",
        "w = w - learning_rate * g",
        torch="SGD({p}, lr={learning_rate})",
        learning_rate=0.1,
    ),
    _rule(
        "momentum",
        "Sutskever et al. (2013) in the form of torch.optim.SGD",
        _VELOCITY,
        "w = w - learning_rate * v",
        torch="SGD({p}, lr={learning_rate}, momentum={momentum})",
        state={"momentum_buffer": "v"},
        learning_rate=0.1,
        momentum=0.9,
    ),
    _rule(
        "nesterov",
        "Sutskever et al. (2013), eq. 3 and 4, in the form of torch.optim.SGD(nesterov=True)",
        _VELOCITY,
        "w = w - learning_rate * (g + momentum * v)",
        torch="SGD({p}, lr={learning_rate}, momentum={momentum}, nesterov=True)",
        state={"momentum_buffer": "v"},
        learning_rate=0.1,
        momentum=0.9,
    ),
    _rule(
        "adagrad",
        "Duchi et al., Adaptive Subgradient Methods (2011), figure 1 with diagonal matrices, in the form of torch.optim.Adagrad",
        "v = v + g ** 2",
        _ROOTED_STEP,
        torch="Adagrad({p}, lr={learning_rate}, eps={epsilon})",
        state={"step": "t", "sum": "v"},
        learning_rate=0.01,
        epsilon=1e-10,
    ),
    _rule(
        "rmsprop",
        "Tieleman and Hinton, Lecture 6.5 (2012), in the form of torch.optim.RMSprop",
        "v = alpha * v + (1 - alpha) * g ** 2",
        _ROOTED_STEP,
        torch="RMSprop({p}, lr={learning_rate}, alpha={alpha}, eps={epsilon})",
        state={"step": "t", "square_avg": "v"},
        learning_rate=0.01,
        alpha=0.99,
        epsilon=1e-8,
    ),
    _rule(
        "adam",
        "Kingma and Ba, Adam (2015), algorithm 1",
        _ADAM_M,
        _ADAM_V,
        f"w = w - {_ADAM_STEP}",
        torch="Adam({p}, lr={learning_rate}, betas=({beta1}, {beta2}), eps={epsilon})",
        state={"step": "t", "exp_avg": "m", "exp_avg_sq": "v"},
        learning_rate=0.001,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
    ),
    _rule(
        "adamw",
        "Loshchilov and Hutter, Decoupled Weight Decay (2019), algorithm 2, in the form of torch.optim.AdamW",
        _ADAM_M,
        _ADAM_V,
        f"w = w * (1 - learning_rate * weight_decay) - {_ADAM_STEP}",
        torch="AdamW({p}, lr={learning_rate}, betas=({beta1}, {beta2}), eps={epsilon}, weight_decay={weight_decay})",
        state={"step": "t", "exp_avg": "m", "exp_avg_sq": "v"},
        learning_rate=0.001,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        weight_decay=0.01,
    ),
)

OPTIMIZERS: dict[str, Rule] = {row.name: row for row in _ROWS}


def rule_of(name: str, constants: Mapping[str, float]) -> Rule:
    """The rule that a scenario asks for; sgd with a momentum other than 0 is momentum."""
    return OPTIMIZERS["momentum" if name == "sgd" and constants.get("momentum") else name]
