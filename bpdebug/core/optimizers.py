"""The update rules: text, one row an optimizer, in PyTorch's form so that numbers compare.

In a row ``w`` is the parameter, ``g`` its gradient, ``m`` and ``v`` its slots (shown as ``mW1``, ``vW1``), ``t`` the number of the
update counted from 1; the other names are the optimizer's constants. What comes before the steps is the same for all optimizers:
the learning rate of the update, by a schedule, and the clipping of the gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bpdebug.core.description import Optimizer
from bpdebug.core.expansion import constant_of
from bpdebug.core.parser import Formula, parse, parse_assignment
from bpdebug.core.products import without_ones
from bpdebug.core.record import Record, replace
from bpdebug.core.tensors import Naming
from bpdebug.core.tree import Binary, Call, Name, Number, Tree, Unary, literal, substitute, total

RATE = "learning_rate"
"""The constant that a schedule sets anew in each update."""
CLIPPED_BY: Mapping[str, str] = {
    "norm": "Pascanu et al., On the Difficulty of Training Recurrent Neural Networks (2013), algorithm 1",
    "value": "Mikolov, Statistical Language Models Based on Neural Networks (2012), section 3.2.2",
}
"""The ways to clip, and where they come from."""


class Rule(Record):
    """One row.

    Attributes:
        name: as a scenario names it.
        steps: (what is assigned, formula), executed in order for each parameter.
        constants: with their usual values.
        source: where the rule is to be found.
        torch: PyTorch's optimizer of the parameters ``{p}``, or "" where it has none.
        torch_state: what that calls the slots, and the number of updates ``t`` where it counts them.
        clip: the ways in which gradients are clipped before they are used, in order, each with its bound.
        schedule: what the learning rate is in each update, where it is not the same in all.
    """

    name: str
    steps: tuple[tuple[str, Formula], ...]
    constants: Mapping[str, float]
    source: str
    torch: str = ""
    torch_state: Mapping[str, str] = {}
    clip: Mapping[str, float] = {}
    schedule: Schedule | None = None

    @property
    def slots(self) -> tuple[str, ...]:
        """The letters of the tensors that the rule keeps for each parameter from update to update."""
        return tuple(target for target, _ in self.steps if target != "w")

    @property
    def counts(self) -> bool:
        """Whether the rule, or its schedule, reads ``t``, the number of the update."""
        return self.schedule is not None or any("t" in formula.names for _, formula in self.steps)

    def letters(self, parameter: str, naming: Naming) -> dict[str, str]:
        """The tensors that the letters stand for in the steps of a parameter."""
        slots = {slot: naming.slot.format(slot, parameter) for slot in self.slots}
        gradient = naming.gradient.format(parameter)
        return {"w": parameter, "g": naming.clipped.format(gradient) if self.clip else gradient} | slots

    def clipping(self, gradients: Mapping[str, str], naming: Naming) -> Iterator[tuple[str, Tree, str, str]]:
        """What clips the gradients of the parameters, stage by stage.

        By norm it is the rule of :data:`CLIPPED_BY` over all gradients together, as PyTorch's ``clip_grad_norm_`` has it but for the 1e-6
        that is added to the norm there: the bound is then the length to the last bit, and gradients that are all 0 stay so.

        Yields:
            The tensor, its formula, what of the clipping it is, and of which parameter, or "".
        """
        used: dict[str, Tree] = {parameter: Name(gradient) for parameter, gradient in gradients.items()}
        for kind, bound in [(kind, literal(bound)) for kind, bound in self.clip.items() if gradients]:
            if kind == "norm":
                squares = (Call("sum", (Binary("**", gradient, Number(2)),)) for gradient in used.values())
                yield naming.norm, Call("sqrt", (total(*squares),)), "length", ""
                yield naming.shrink, Binary("/", bound, Call("maximum", (Name(naming.norm), bound))), "factor", ""
                used = {parameter: Binary("*", Name(naming.shrink), gradient) for parameter, gradient in used.items()}
            else:
                used = {parameter: Call("clip", (gradient, Unary("-", bound), bound)) for parameter, gradient in used.items()}
        for parameter, clipped in used.items() if self.clip else ():
            yield naming.clipped.format(gradients[parameter]), clipped, " ".join(self.clip), parameter


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

OWN = Rule("own", (), {}, "the script's own lines")
"""Where the steps are lines of a script."""
OPTIMIZERS: dict[str, Rule] = {row.name: row for row in _ROWS}


class Schedule(Record):
    """What the learning rate is in each update.

    Attributes:
        name: as a scenario names it.
        formula: over ``start``, the rate that is given, ``t``, and constants.
        constants: with their usual values; NaN for those that have to be given; of a scenario's, also ``start``.
        source: where it is to be found.
        torch: PyTorch's scheduler of an ``optimizer``, a step of it an update.
    """

    name: str
    formula: Formula
    constants: Mapping[str, float]
    source: str
    torch: str

    @property
    def rate(self) -> Formula:
        """The formula with its numbers."""
        return Formula.of(_folded(substitute(self.formula.tree, {name: literal(value) for name, value in self.constants.items()})))


def _folded(tree: Tree) -> Tree:
    """The tree with the arithmetic of its literals done, and without what changes nothing."""
    tree = without_ones(tree.rebuilt(_folded))
    match tree:
        case Binary("+", Number(0), other) | Binary("+" | "-", other, Number(0)):
            return other
        case Binary("+" | "-" | "*" | "/", Number(), Number()) if (number := constant_of(tree)) is not None:
            return literal(number)
    return tree


def _schedule(name: str, formula: str, source: str, torch: str, **constants: float) -> Schedule:
    return Schedule(name, parse(formula), constants, source, torch)


_REQUIRED = float("nan")
SCHEDULES: dict[str, Schedule] = {
    row.name: row
    for row in (
        _schedule(
            "step",
            "start * gamma ** floor((t - 1) / step_size)",
            "as torch.optim.lr_scheduler.StepLR",
            "StepLR(optimizer, step_size={step_size}, gamma={gamma})",
            step_size=_REQUIRED,
            gamma=0.1,
        ),
        _schedule(
            "exponential",
            "start * gamma ** (t - 1)",
            "as torch.optim.lr_scheduler.ExponentialLR",
            "ExponentialLR(optimizer, gamma={gamma})",
            gamma=_REQUIRED,
        ),
        _schedule(
            "cosine",
            "eta_min + (start - eta_min) * (1 + cos(pi * (t - 1) / T_max)) / 2",
            "Loshchilov and Hutter, SGDR (2017), eq. 5, as torch.optim.lr_scheduler.CosineAnnealingLR",
            "CosineAnnealingLR(optimizer, T_max={T_max}, eta_min={eta_min})",
            T_max=_REQUIRED,
            eta_min=0.0,
        ),
        _schedule(
            "linear",
            "start * (start_factor + (end_factor - start_factor) * minimum(t - 1, total_iters) / total_iters)",
            "as torch.optim.lr_scheduler.LinearLR",
            "LinearLR(optimizer, start_factor={start_factor}, end_factor={end_factor}, total_iters={total_iters})",
            start_factor=1.0,
            end_factor=0.0,
            total_iters=_REQUIRED,
        ),
        _schedule(
            "warmup",
            "start * minimum(t / steps, 1)",
            "Goyal et al., Accurate, Large Minibatch SGD (2017), section 2.2",
            "LambdaLR(optimizer, lambda done: min((done + 1) / {steps}, 1))",
            steps=_REQUIRED,
        ),
    )
}


def rule_of(optimizer: Optimizer) -> Rule:
    """The rule that a scenario asks for; sgd with a momentum other than 0 is momentum."""
    if optimizer.name == OWN.name:
        return OWN
    row = OPTIMIZERS["momentum" if optimizer.name == "sgd" and optimizer.constants.get("momentum") else optimizer.name]
    if optimizer.schedule:
        (name, given), usual = optimizer.schedule, row.constants[RATE]
        constants = {**SCHEDULES[name].constants, **given, "start": optimizer.constants.get(RATE, usual)}
        row = replace(row, schedule=replace(SCHEDULES[name], constants=constants))
    return replace(row, clip=optimizer.clip) if optimizer.clip else row
