"""Mistakes that people make in a rule: what belongs to a bias, an activation, a loss, a penalty or an optimizer, put otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial

from bpdebug.core.network import Node, Phase, loss_row
from bpdebug.core.operations import ACTIVATIONS, FUSED, LOSSES, OPERATIONS
from bpdebug.core.parser import parse
from bpdebug.core.tensors import Role
from bpdebug.core.tree import ONE, Binary, Name, Transpose, Tree, literal, names, product, substitute, total, without_ones
from bpdebug.trust.site import M, Mistake, Site, everywhere, is_data_loss, one_changed, without_factor

_CLIMB = "{b} is penalised too; the penalty is on the weights alone"

_FLAT = "{y} has the shape (m,) and not (m, 1), so that each prediction meets each target"
_SUMMED, _MEAN = f"{_FLAT}; the table of all pairs is summed", f"{_FLAT}; the mean of the table of all pairs is taken"

_ROWS = (
    ("mean_for_sum", "size !mean", "s / m", "the loss is the sum over the samples, and here it is divided by their number m"),
    (
        "mean_for_sum",
        "size !mean !means many",
        "s / (k * m)",
        "the loss is a sum, and here it is divided by the m samples times the {k} outputs",
    ),
    ("m_twice", "size mean", "s / m", "the loss is divided by m already, and here it is divided by m once more"),
    (
        "outputs_factor",
        "size means many",
        "s / k",
        "the loss is divided by the {k} outputs already, and here it is divided by {k} once more",
    ),
    ("outputs_factor", "size !means many", "s / k", "the loss is the sum over the {k} outputs, and here it is divided by {k}"),
    ("stray_factor", "size", "2 * s", "a factor of 2 too many"),
    ("stray_factor", "size", "0.5 * s", "a factor of 1/2 too many"),
    ("learning_rate", "stepping", "whole_step", "the step is not multiplied by the learning rate"),
    ("learning_rate", "size rate", "learning_rate * s", "the gradient is multiplied by the learning rate, which belongs to the update"),
    ("zero", "gradient !bias", "0 * t", "it looks initialised and never computed"),
    ("clipped", "gradient", "maximum(minimum(t, 1), -1)", "every cell is cut off at −1 and 1"),
    ("sample_missing", "samples", "but_first", "the first sample is left out"),
    ("sample_missing", "samples", "but_last", "the last sample is left out"),
    ("sample_missing", "samples !bias", "first", "only the first sample is counted"),
    ("sample_missing", "samples !bias", "last", "only the last sample is counted"),
    ("bias_missing", "bias", "0 * t", "the bias would never move"),
    ("bias_missing", "biased", "x @ W", "{b} is not added"),
    ("bias_not_summed", "bias", "g", "there is a row for each sample; they are not summed"),
    ("bias_not_summed", "bias", "first", "it is the row of the first sample alone"),
    ("bias_not_summed", "bias", "last", "it is the row of the last sample alone"),
    ("bias_not_summed", "bias wide", "sum(g)", "everything is summed, over the units too"),
    ("bias_not_summed", "bias wide", "mean(g)", "the mean is taken over everything, over the units too"),
    ("bias_not_summed", "bias", "sum(g, axis=1, keepdims=True)", "the units are summed, not the samples"),
    ("activation_missing", "activation gradient", "g", "the derivative of {row} is left out"),
    ("activation_missing", "activation value", "z", "{row} is left out"),
    ("activation_at_a", "activation gradient", "slope_at_a", "the derivative of {row} is taken at {a}, not at {z}"),
    ("activation_twice", "activation gradient", "slope_twice", "the derivative of {row} is multiplied in twice"),
    ("activation_twice", "activation value", "value_twice", "{row} is applied twice"),
    ("activation_twice", "fused", "slope_too", "the fused derivative has that of {last} in it already"),
    ("y_broadcast", "flat value", "pairs", _FLAT),
    ("y_broadcast", "flat value", "pairs / m", _FLAT),
    ("y_broadcast", "flat gradient", "pairs", f"{_FLAT}, in a table of all pairs"),
    ("y_broadcast", "flat gradient", "sum(pairs, axis=1, keepdims=True)", _SUMMED),
    ("y_broadcast", "flat gradient", "mean(pairs, axis=1, keepdims=True)", _MEAN),
    ("y_broadcast", "flat gradient", "sum(pairs.T, axis=1, keepdims=True)", _SUMMED),
    ("y_broadcast", "flat gradient", "mean(pairs.T, axis=1, keepdims=True)", _MEAN),
    ("l2_on_biases", "bias l2", "t + 2 * l2 * b", _CLIMB),
    ("l2_on_biases", "bias l2", "t + l2 * b", _CLIMB),
    ("l2_on_biases", "whole_loss l2", "penalised", "the biases are penalised too; the penalty is on the weights alone"),
    ("l2_factor", "penalty", "0.5 * t", "this is {of}half the penalty"),
    ("l2_factor", "penalty", "t / m", "the penalty is divided by m, the number of samples"),
    ("l2_factor", "penalty", "0.5 * t / m", "this is {of}half the penalty, divided by m, the number of samples"),
    ("l2_factor", "penalty", "2 * t", "this is {of}twice the penalty"),
    ("sign", "!update", "-t", "every sign is turned round"),
    ("not_updated", "kept", "w", "it is what it was before the update"),
    ("momentum_missing", "velocity", "dw", "what is left of the earlier velocity is not added"),
    ("momentum_missing", "by_velocity", "p - learning_rate * dw", "{v} is left out: the step is that of plain gradient descent"),
    ("another_optimizer", "step !linear", "p - learning_rate * dw", "the step is that of plain gradient descent"),
    ("another_optimizer", "step nesterov", "p - learning_rate * v", "the step is that of plain momentum, without the look ahead"),
    (
        "another_optimizer",
        "velocity",
        "momentum * v + (1 - momentum) * dw",
        "the gradient is multiplied by 1 − momentum, as in a running mean",
    ),
    (
        "another_optimizer",
        "remembering decaying",
        "shrinking",
        "weight_decay * {p} is added to the gradient, as in Adam with an L2 penalty; here the parameter shrinks by itself",
    ),
    ("correction_missing", "corrected", "uncorrected", "the running means are not divided by 1 − beta ** t"),
    ("miscounted", "corrected", "from_zero", "t counts the updates from 0, not from 1"),
    ("miscounted", "corrected", "from_two", "t is one too many"),
    ("n_minus_one", "size mean", "s * m / (m - 1)", "it is divided by m − 1, where the loss is divided by the number m of samples"),
)
"""Kind, where it can be made (all these words are true of the place, those with ! are not), the wrong formula, and what it is: over ``t``,
the right formula, ``s``, what gives it its size, ``g``, the gradient that arrives, and the operation's own arguments."""


def written(site: Site) -> Iterator[Mistake]:
    """The rows that can be made in a stage."""
    words, named, made = _words(site), _named(site), _made(site)
    shown = {name: tree.name if isinstance(tree, Name) else "" for name, tree in named.items()}
    shown |= {
        "k": str(site.outputs),
        "row": site.node.operation.name if site.node else "",
        "last": site.program.layers[-1].layer.activation,
    }
    shown["of"] = "the derivative of " if site.stage.of else ""
    for kind, where, text, evidence in _ROWS:
        if all(words[word.removeprefix("!")] != word.startswith("!") for word in where.split()):
            pattern = _parsed(text)
            values = named | {name: made[name]() for name in names(pattern) if name in made}
            change = partial(_filled, pattern, values)
            tree = site.scaled(change) if "s" in names(pattern) else change(ONE)
            if tree is not None:
                yield Mistake(kind, tree, evidence.format(**shown))


@cache
def _parsed(text: str) -> Tree:
    return parse(text).tree


def _filled(pattern: Tree, values: Mapping[str, Tree], size: Tree) -> Tree:
    """A row's formula over these tensors; a product, or a quotient, as a person would write it."""
    tree = substitute(pattern, {**values, "s": size})
    match pattern, tree:
        case Binary(), Binary("/", value, by):
            return product(value, over=by)
        case Binary(), Binary("*"):
            return product(tree)
    return tree


def _words(site: Site) -> dict[str, bool]:
    """What is true of a stage."""
    program, node, stage, asked = site.program, site.node, site.stage, site.program.network.asked
    own, rule = site.parameter == stage.name != "", program.rule
    slot, momentum = bool(site.parameter) and not own, "momentum" in program.constants
    linear = rule.name in ("sgd", "momentum", "nesterov")
    bias, reads = site.argument == "b", site.reads
    return {
        "gradient": bool(stage.of),
        "value": not stage.of,
        "update": site.updates,
        "size": site.scaled(lambda tree: tree) is not None,
        "mean": asked.samples == "mean",
        "means": asked.outputs == "mean",
        "many": site.outputs > 1,
        "rate": "learning_rate" in program.constants and stage.phase is not Phase.LOSS,
        "stepping": "learning_rate" in reads and stage.phase is not Phase.LOSS,
        "samples": site.sums_samples,
        "bias": bias,
        "wide": bias and program.parameters[stage.of][1] > 1,
        "biased": node is not None and not stage.of and node.operation.name == "affine",
        "activation": site.activation is not None,
        "fused": bool(site.loss and program.network.fused and stage.of),
        "flat": site.outputs == 1 and program.target in reads,
        "l2": bool(asked.l2),
        "penalty": node is not None and node.operation.name == "penalty",
        "whole_loss": stage.name == program.loss,
        "kept": site.updates and stage.name in reads,
        "step": own,
        "linear": linear,
        "nesterov": rule.name == "nesterov",
        "velocity": slot and momentum,
        "by_velocity": own and momentum,
        "remembering": slot,
        "decaying": "weight_decay" in program.constants,
        "corrected": site.updates and rule.counts and "t" in reads,
    }


def _named(site: Site) -> dict[str, Tree]:
    """The tensors and numbers that rows are written over."""
    program, arguments = site.program, site.node.arguments if site.node else {}
    named: dict[str, Tree] = {name: Name(tensor) for name, tensor in arguments.items() if isinstance(tensor, str)}
    named |= {"t": site.tree, "g": site.arriving, "k": literal(site.outputs), "y": Name(program.target), "w": Name(site.stage.name)}
    if site.activation:
        named["a"] = Name(site.activation.output)
    if site.parameter:
        slot = next((name for name, tensor in program.tensors.items() if tensor.role is Role.SLOT and tensor.of == site.parameter), "")
        named |= {"p": Name(site.parameter), "v": Name(slot), "dw": Name(program.gradients[site.parameter])}
    return named


def _made(site: Site) -> Mapping[str, Callable[[], Tree]]:
    """What rows are written over that has to be made first."""
    node, program = site.node, site.program
    g = program.gradients.get(site.parameter, "")
    a, biases = Name(node.output) if node else ONE, [layer.bias for layer in program.layers if layer.bias]

    def once_more(node: Node | None) -> Tree:
        """What the stage gives, multiplied by an activation's derivative."""
        return node.operation.gradient("z", node.arguments, node.output, site.tree) if node else ONE

    return {
        "whole_step": lambda: without_ones(site.put({"learning_rate": ONE})),
        "but_first": lambda: site.of_samples(1, None),
        "but_last": lambda: site.of_samples(None, -1),
        "first": lambda: site.of_samples(0, 1),
        "last": lambda: site.of_samples(-1, None),
        "pairs": lambda: site.put({program.target: Transpose(Name(program.target))}),
        "penalised": lambda: total(site.tree, *(substitute(_parsed("l2 * sum(b ** 2)"), {"b": Name(b)}) for b in biases)),
        "shrinking": lambda: site.put({g: total(Name(g), product(Name("weight_decay"), Name(site.parameter)))}),
        "from_zero": lambda: site.put({"t": Binary("-", Name("t"), ONE)}),
        "from_two": lambda: site.put({"t": Binary("+", Name("t"), ONE)}),
        "uncorrected": lambda: everywhere(site.tree, _uncorrected),
        "slope_at_a": lambda: _slope(site, {"z": a, "a": node.operation.value({**node.arguments, "z": a})} if node else {}),
        "slope_twice": lambda: once_more(node),
        "value_twice": lambda: node.operation.value({**node.arguments, "z": site.tree}) if node else ONE,
        "slope_too": lambda: once_more(next(node for node in program.network.nodes if node.output == program.prediction)),
    }


def _slope(site: Site, changes: Mapping[str, Tree]) -> Tree:
    """An activation's derivative with other tensors put into its rule (not into the gradient that arrives)."""
    node = site.activation
    if node is None:
        return ONE
    constants = {name: tree for name, tree in node.arguments.items() if isinstance(tree, Tree)}
    usual = {"z": Name(str(node.arguments["z"])), node.operation.output: Name(node.output), "g": site.arriving}
    return substitute(node.operation.gradients["z"].tree, {**usual, **constants, **changes})


def _uncorrected(tree: Tree) -> Iterator[Tree]:
    match tree:
        case Binary("/", value, Binary("-")):
            yield value


def activations(site: Site) -> Iterator[Mistake]:
    """Another activation of the table, or its derivative; or a part of the derivative alone."""
    node = site.activation
    if node is None:
        return
    own, one_unit = node.operation.name, site.program.layers[node.layer - 1].layer.units == 1
    for tree in one_changed(site.tree, without_factor) if site.stage.of else ():
        left = set(names(tree))
        if left & {node.output, node.arguments["z"]} and isinstance(site.arriving, Name) and site.arriving.name in left:
            yield Mistake("activation_part", tree, f"one factor of the derivative of {own} is left out")
    simpler = {own, "identity"}  # or with a simpler name: softmax of one unit is 1, the slope of softplus is σ(z), a part of the sigmoid's
    simpler |= {"softmax"} if one_unit else set()
    simpler |= {"softplus"} if own == "sigmoid" and site.stage.of else set()
    for name in [name for name in ACTIVATIONS if name not in simpler]:
        row, arguments = OPERATIONS[name], _arguments(node, name)
        value, evidence = row.value(arguments), f"this is {name}, not {own}"
        if not site.stage.of:
            yield Mistake("another_activation", value, evidence)
            continue
        evidence = f"this is the derivative of {name}, not of {own}"
        if (own, name) == ("softmax", "sigmoid"):
            evidence = "a(1 − a) is only the diagonal of softmax's derivative; every output depends on every z, which takes the full"
            evidence += " Jacobian"
        slope = row.gradient("z", arguments, node.output, site.arriving)
        for tree in (slope, substitute(slope, {node.output: value})):
            yield Mistake("another_activation", tree, evidence)


def _arguments(node: Node, name: str) -> dict[str, str | Tree]:
    """The arguments of another row of the table in a node's place, with that row's usual constants."""
    return {**node.arguments, **{constant: literal(value) for constant, value in OPERATIONS[name].constants.items()}}


def losses(site: Site) -> Iterator[Mistake]:
    """Another loss of the table, the fused form of one, or the same with another factor; divided as this one is, or not at all."""
    below = site.activation and site.stage.of and site.activation.output == site.program.prediction
    node = site.loss or (next(filter(is_data_loss, site.program.network.nodes)) if below else None)  # fused, it goes to the z below
    if node is None:
        return
    own, asked = node.operation.name, site.program.network.asked
    over = product(*[M] * (asked.samples == "mean"), literal(site.outputs if asked.outputs == "mean" else 1))
    for name in _other_losses(site, own):
        arguments, wanted = _arguments(node, name), next(iter(OPERATIONS[name].gradients))
        for given in dict.fromkeys((*[0.5] * (name == "squared_error"), 1.0, asked.factor)):
            if (name, given) == (own, asked.factor):
                continue
            spoken = _spoken(site, name, str(node.arguments[wanted]), "half " * (given == 0.5 and name == "squared_error"))
            for kind, divisor in (("another_loss", over), *([("another_loss_sum", ONE)] if over != ONE else [])):
                row = loss_row(name, literal(given), divisor)
                tree = row.gradient(wanted, arguments, node.operation.output, ONE) if site.stage.of else row.value(arguments)
                yield Mistake(kind, tree, f"this is {spoken}")


def _other_losses(site: Site, own: str) -> list[str]:
    """The rows of losses, the likelier ones first; of the fused forms that of the last activation, where it is not the same loss."""
    last = site.program.layers[-1].layer.activation
    fused = [f"{name}_from_logits" for name, activation in FUSED.items() if activation == last]
    if site.argument != "a":
        fused = [name for name in fused if name.removesuffix("_from_logits") != own]
    if site.activation:
        return fused
    plain = [name for name in LOSSES if name != "squared_error" and (site.stage.of or f"{name}_from_logits" != own)]
    return list(dict.fromkeys((own, "squared_error", *fused, *plain)))


def _spoken(site: Site, name: str, tensor: str, half: str) -> str:
    """A loss, or its derivative with respect to a tensor."""
    plain = name.removesuffix("_from_logits")
    words = plain.replace("_", " ").replace("cross entropy", "cross-entropy")
    words = "Huber's loss" if name == "huber" else f"{half}the {words}" if plain == name else f"{FUSED[plain]} and {words} fused"
    with_respect = f", with respect to {tensor}" if tensor != site.stage.of else ""
    return f"the derivative of {words}{with_respect}" if site.stage.of else words
