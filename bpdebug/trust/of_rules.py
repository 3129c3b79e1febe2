"""Faults of rules: the derivative of something else, a derivative forgotten, a term of the loss or of the optimizer left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bpdebug.core.network import Node, loss_row
from bpdebug.core.operations import ACTIVATIONS, FUSED, LOSSES, OPERATIONS
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.core.tree import ONE, Binary, Call, Name, Transpose, Tree, literal, names, product, substitute, total
from bpdebug.trust.fault_site import HALF, L2, TWO, M, Rewrite, Site, divided, one_changed, outputs_of, over
from bpdebug.trust.of_operands import of_samples, without_factor
from bpdebug.trust.of_scale import ZERO


def _arguments(node: Node, name: str) -> dict[str, str | Tree]:
    """The arguments of another row of the table in a node's place, with that row's usual constants."""
    return {**node.arguments, **{constant: literal(value) for constant, value in OPERATIONS[name].constants.items()}}


def activation_missing(site: Site) -> Iterator[Rewrite]:
    """The activation, or its derivative, left out."""
    if site.activation and site.stage.of:
        yield Rewrite(site.arriving, f"the derivative of {site.activation.operation.name} is left out")
    elif site.activation:
        yield Rewrite(Name(str(site.activation.arguments["z"])), f"{site.activation.operation.name} is left out")


def activation_twice(site: Site) -> Iterator[Rewrite]:
    """The activation, or its derivative, applied twice."""
    node = site.activation
    if node and site.stage.of:
        again = node.operation.gradient("z", node.arguments, node.output, site.tree)
        yield Rewrite(again, f"the derivative of {node.operation.name} is multiplied in twice")
    elif node:
        yield Rewrite(node.operation.value({**node.arguments, "z": site.tree}), f"{node.operation.name} is applied twice")
    elif site.loss and site.program.network.fused and site.stage.of:
        last = next(node for node in site.program.network.nodes if node.output == site.program.prediction)
        again = last.operation.gradient("z", last.arguments, last.output, site.tree)
        yield Rewrite(again, f"the fused derivative has that of {last.operation.name} in it already")


def _rule(site: Site, node: Node, changes: Mapping[str, Tree]) -> Tree:
    """An activation's derivative with other tensors put into its rule (not into the gradient that arrives)."""
    constants = {name: tree for name, tree in node.arguments.items() if isinstance(tree, Tree)}
    usual = {"z": Name(str(node.arguments["z"])), node.operation.output: Name(node.output), "g": site.arriving}
    return substitute(node.operation.gradients["z"].tree, {**usual, **constants, **changes})


def activation_at_a(site: Site) -> Iterator[Rewrite]:
    """The activation's derivative, taken at a where z belongs."""
    if site.activation and site.stage.of:
        node, a = site.activation, Name(site.activation.output)
        evidence = f"the derivative of {node.operation.name} is taken at {node.output}, not at {node.arguments['z']}"
        yield Rewrite(_rule(site, node, {"z": a, "a": node.operation.value({**node.arguments, "z": a})}), evidence)
        yield Rewrite(_rule(site, node, {"z": a}), evidence)


def activation_at_z(site: Site) -> Iterator[Rewrite]:
    """z put where the activation's derivative wants a."""
    if site.activation and site.stage.of:
        node, z = site.activation, site.activation.arguments["z"]
        yield Rewrite(_rule(site, node, {"a": Name(str(z))}), f"{z} stands where the rule wants {node.output}")


def activation_part(site: Site) -> Iterator[Rewrite]:
    """One factor of the activation's derivative left out."""
    if site.activation and site.stage.of:
        for tree in one_changed(site.tree, without_factor):
            own = set(names(tree)) & {site.activation.output, str(site.activation.arguments["z"])}
            if own and isinstance(site.arriving, Name) and site.arriving.name in names(tree):
                yield Rewrite(tree, f"one factor of the derivative of {site.activation.operation.name} is left out")


def another_activation(site: Site) -> Iterator[Rewrite]:
    """Another activation of the table, or its derivative."""
    node = site.activation
    for name in ACTIVATIONS if node else ():
        if node and name not in (node.operation.name, "identity") and not _is_something_else(site, node, name):
            yield from _of_another(site, node, name)


def _is_something_else(site: Site, node: Node, name: str) -> bool:
    """Whether another row gives what has a simpler name: softmax of one unit is 1, and the slope of softplus is σ(z), a part of the
    sigmoid's."""
    one_unit = site.program.layers[node.layer - 1].layer.units == 1
    return (name == "softmax" and one_unit) or (name == "softplus" and node.operation.name == "sigmoid" and bool(site.stage.of))


def _of_another(site: Site, node: Node, name: str) -> Iterator[Rewrite]:
    row, arguments, own = OPERATIONS[name], _arguments(node, name), node.operation.name
    if not site.stage.of:
        yield Rewrite(row.value(arguments), f"this is {name}, not {own}")
        return
    evidence = f"this is the derivative of {name}, not of {own}"
    if own == "softmax" and name == "sigmoid":
        evidence = "a(1 − a) is only the diagonal of softmax's derivative; every output depends on every z, which takes the full Jacobian"
    tree = row.gradient("z", arguments, node.output, site.arriving)
    yield Rewrite(tree, evidence)
    yield Rewrite(substitute(tree, {node.output: row.value(arguments)}), evidence)


def another_loss(site: Site) -> Iterator[Rewrite]:
    """Another loss of the table, the fused form of one, or the same with another factor."""
    yield from _losses(site, over(site.program))


def another_loss_sum(site: Site) -> Iterator[Rewrite]:
    """Another loss, and not divided by what this one is divided by."""
    if over(site.program) != ONE:
        yield from _losses(site, ONE)


def _losses(site: Site, divisor: Tree) -> Iterator[Rewrite]:
    node, factor = _loss_node(site), site.program.network.asked.factor
    for name in _other_losses(site, node.operation.name) if node else ():
        for given in dict.fromkeys((*((0.5, 1.0) if name == "squared_error" else (1.0,)), factor)):
            if node and (name, given) != (node.operation.name, factor):
                half = "half " if given == 0.5 and name == "squared_error" else ""
                yield Rewrite(_loss(site, node, name, literal(given), divisor), f"this is {_spoken(site, node, name, half)}")


def _loss_node(site: Site) -> Node | None:
    """The loss, where the stage is its value or derivative, or the derivative at the z below it, to which a fused form goes."""
    below = site.activation and site.stage.of and site.activation.output == site.program.prediction
    data = [node for node in site.program.network.nodes if node.operation.output == "loss" and "y" in node.arguments]
    return site.loss or (data[0] if below else None)


def _other_losses(site: Site, own: str) -> list[str]:
    """The rows of losses, the likelier ones first; of the fused forms that of the last activation, where it is not the same loss."""
    last = site.program.layers[-1].layer.activation
    fused = [f"{name}_from_logits" for name, activation in FUSED.items() if activation == last]
    if site.argument != "a":
        fused = [name for name in fused if name.removesuffix("_from_logits") != own]
    if site.activation:
        return fused
    plain = [name for name in LOSSES if name != "squared_error"]
    if not site.stage.of:
        plain = [name for name in plain if f"{name}_from_logits" != own]
    return list(dict.fromkeys((own, "squared_error", *fused, *plain)))


def _loss(site: Site, node: Node, name: str, factor: Tree, divisor: Tree) -> Tree:
    row = loss_row(name, factor, divisor)
    if not site.stage.of:
        return row.value(_arguments(node, name))
    return row.gradient(_wanted(name), _arguments(node, name), "loss", ONE)


def _wanted(name: str) -> str:
    """The argument with respect to which a loss has a derivative."""
    return next(iter(OPERATIONS[name].gradients))


def _spoken(site: Site, node: Node, name: str, half: str) -> str:
    plain = name.removesuffix("_from_logits")
    words = "Huber's loss" if name == "huber" else f"{half}the {_words(plain)}"
    if plain != name:
        words = f"{FUSED[plain]} and {_words(plain)} fused"
    if not site.stage.of:
        return words
    tensor = node.arguments[_wanted(name)]
    return f"the derivative of {words}" + (f", with respect to {tensor}" if tensor != site.stage.of else "")


def _words(name: str) -> str:
    return name.replace("_", " ").replace("cross entropy", "cross-entropy")


def y_broadcast(site: Site) -> Iterator[Rewrite]:
    """A flat y: NumPy pairs each prediction with each target, and the table of all pairs is used, or summed."""
    if outputs_of(site.program) > 1 or "y" not in site.reads:
        return
    evidence = "y has the shape (m,) and not (m, 1), so that each prediction meets each target"
    table = substitute(site.tree, {"y": Transpose(Name("y"))})
    if not site.stage.of:
        yield Rewrite(table, evidence)
        yield Rewrite(divided(table, M), evidence)
        return
    yield Rewrite(table, f"{evidence}, in a table of all pairs")
    for whole in (table, Transpose(table)):
        yield Rewrite(Call("sum", (whole,), 1, keepdims=True), f"{evidence}; the table of all pairs is summed")
        yield Rewrite(Call("mean", (whole,), 1, keepdims=True), f"{evidence}; the mean of the table of all pairs is taken")


def bias_missing(site: Site) -> Iterator[Rewrite]:
    """The bias not added, or its gradient 0."""
    if site.argument == "b":
        yield Rewrite(product(ZERO, site.tree), "the bias would never move")
    elif node := site.value("affine"):
        yield Rewrite(OPERATIONS["linear"].value(node.arguments), f"{node.arguments['b']} is not added")


def bias_not_summed(site: Site) -> Iterator[Rewrite]:
    """The gradient of a bias without its sum over the samples, or with too much of one."""
    if site.argument == "b":
        g = site.arriving
        yield Rewrite(g, "there is a row for each sample; they are not summed")
        yield Rewrite(of_samples(site, (0, 1, None)), "it is the row of the first sample alone")
        yield Rewrite(of_samples(site, (-1, None, None)), "it is the row of the last sample alone")
        if site.program.parameters[site.stage.of][1] > 1:
            yield Rewrite(Call("sum", (g,)), "everything is summed, over the units too")
            yield Rewrite(Call("mean", (g,)), "the mean is taken over everything, over the units too")
        yield Rewrite(Call("sum", (g,), 1, keepdims=True), "the units are summed, not the samples")


def l2_missing(site: Site) -> Iterator[Rewrite]:
    """The penalty left out."""
    penalties = [name for name in site.reads if "penalty" in name]
    if not penalties or site.updates:
        return
    for left_out in (penalties, *([[name] for name in penalties] if len(penalties) > 1 else [])):
        rest = total(*(Name(name) for name in site.reads if name not in left_out))
        yield Rewrite(rest, f"{' + '.join(left_out)}, the L2 penalty, is left out")


def l2_on_biases(site: Site) -> Iterator[Rewrite]:
    """The penalty on the biases too."""
    if not site.program.network.asked.l2:
        return
    if site.argument == "b":
        b = Name(site.stage.of)
        yield Rewrite(total(site.tree, product(TWO, L2, b)), f"{b.name} is penalised too; the penalty is on the weights alone")
        yield Rewrite(total(site.tree, product(L2, b)), f"{b.name} is penalised too; the penalty is on the weights alone")
    elif site.stage.name == "loss":
        biases = [Name(name) for name in site.program.parameters if name.startswith("b")]
        squares = [product(L2, Call("sum", (Binary("**", bias, TWO),))) for bias in biases]
        yield Rewrite(total(site.tree, *squares), "the biases are penalised too; the penalty is on the weights alone")


def l2_factor(site: Site) -> Iterator[Rewrite]:
    """The penalty with another factor: without the 2 of the square, divided by the number of samples."""
    if site.node and site.node.operation.name == "penalty":
        of = "the derivative of " if site.stage.of else ""
        yield Rewrite(product(HALF, site.tree), f"this is {of}half the penalty")
        yield Rewrite(divided(site.tree, M), "the penalty is divided by m, the number of samples")
        yield Rewrite(divided(product(HALF, site.tree), M), f"this is {of}half the penalty, divided by m, the number of samples")
        yield Rewrite(product(TWO, site.tree), f"this is {of}twice the penalty")


def not_updated(site: Site) -> Iterator[Rewrite]:
    """An update that does not happen."""
    if site.updates and site.stage.name in site.reads:
        yield Rewrite(Name(site.stage.name), "it is what it was before the update")


def momentum_missing(site: Site) -> Iterator[Rewrite]:
    """The gradient where the velocity belongs."""
    if not site.updates or "momentum" not in site.program.constants:
        return
    parameter = next((name for name in site.program.free if site.stage.name.endswith(name)), "")
    gradient, velocity = Name(f"d{parameter}"), f"v{parameter}"
    if site.stage.name == velocity:
        yield Rewrite(gradient, "what is left of the earlier velocity is not added")
    elif velocity in site.reads:
        yield Rewrite(sgd(site, parameter), f"{velocity} is left out: the step is that of plain gradient descent")


def sgd(site: Site, parameter: str) -> Tree:
    """The step of plain gradient descent."""
    rule = OPTIMIZERS["sgd"]
    return rule.tree(rule.steps[0][1], parameter, site.program.network.naming)


def another_optimizer(site: Site) -> Iterator[Rewrite]:
    """The step of another rule: plain gradient descent, a velocity of running means, no look ahead."""
    parameter = next((name for name in site.program.free if site.updates and site.stage.name.endswith(name)), "")
    gradient, momentum = Name(f"d{parameter}"), Name("momentum")
    if parameter == site.stage.name and site.program.rule.name not in ("sgd", "momentum", "nesterov"):
        yield Rewrite(sgd(site, parameter), "the step is that of plain gradient descent")
    if parameter == site.stage.name and site.program.rule.name == "nesterov":
        velocity = Name(f"v{parameter}")
        yield Rewrite(
            substitute(sgd(site, parameter), {gradient.name: velocity}), "the step is that of plain momentum, without the look ahead"
        )
    if parameter and site.stage.name == f"v{parameter}" and momentum.name in site.reads:
        tree = total(product(momentum, Name(site.stage.name)), product(Binary("-", ONE, momentum), gradient))
        yield Rewrite(tree, "the gradient is multiplied by 1 − momentum, as in a running mean")


def correction_missing(site: Site) -> Iterator[Rewrite]:
    """Adam's running means without the correction for their start."""
    if site.updates and site.program.rule.counts and "t" in site.reads:
        yield Rewrite(_uncorrected(site.tree), "the running means are not divided by 1 − beta ** t")


def _uncorrected(tree: Tree) -> Tree:
    tree = tree.rebuilt(_uncorrected)
    powers = isinstance(tree, Binary) and tree.operator == "/" and isinstance(tree.right, Binary) and tree.right.operator == "-"
    return tree.left if isinstance(tree, Binary) and powers else tree
