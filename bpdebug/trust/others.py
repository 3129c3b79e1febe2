"""Mistakes that put another thing in the place of one: another tensor, or one as it is at another time or laid out anew; another row of
the table of operations: another activation, its derivative, another loss."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from bpdebug.core.network import Node, loss_row
from bpdebug.core.operations import ACTIVATIONS, FUSED, LOSSES, OPERATIONS
from bpdebug.core.products import product
from bpdebug.core.tensors import Role
from bpdebug.core.tree import ONE, Binary, Name, Transpose, Tree, literal, substitute, walk
from bpdebug.core.words import are
from bpdebug.trust.rewrites import places
from bpdebug.trust.site import (
    AFTER,
    LAGGING,
    PREVIOUS,
    RESHAPED,
    SHIFTED,
    TURNED,
    M,
    Mistake,
    Site,
    activation_of,
    constants_of,
    is_data_loss,
    is_term,
)


def exchanges(site: Site) -> Iterator[Mistake]:
    """Another tensor where one belongs: everywhere, or in one of the places where it stands."""
    nodes = list(places(site.tree))
    for old in site.reads:
        for new in site.earlier:
            tree = site.fitting(old, new) if _exchangeable(site, old, new) else None
            if tree is None:
                continue
            kind, says = _named(site, old, new)
            parts = {"old": Name(old), "new": tree}
            found = [put(tree) for node, put in nodes if node == parts["old"]]
            for changed in (site.put({old: tree}), *(found if len(found) > 1 else ())):
                yield Mistake(kind, changed, says, parts=parts)
    for one, other in combinations(site.reads, 2):
        there, back = site.fitting(one, other), site.fitting(other, one)
        if there and back and _exchangeable(site, one, other):
            yield Mistake("exchanged", site.put({one: there, other: back}), f"{one} and {other} have changed places")


def _exchangeable(site: Site, old: str, new: str) -> bool:
    """Whether one may be taken for the other: both are arrays, or both are constants, and neither is only a part of a gradient."""
    if new in (old, site.stage.name) or M.name in (old, new):
        return False
    one, other = site.role(old), site.role(new)
    if Role.CONSTANT in (one, other):
        return one == other and "t" not in (old, new)
    return other is not Role.LOSS and not is_term(site.program, new) and not is_term(site.program, old)


def _named(site: Site, old: str, new: str) -> tuple[str, str]:
    """What it is to take one tensor for another."""
    gradients, families, says = site.program.gradients, site.families, "{new} stands where {old} belongs"
    if node := site.activation:
        if (node.output, node.arguments["z"]) == (old, new):
            return "activation_at_z", "{new} stands where the rule wants {old}"
        if (node.output, node.arguments["z"]) == (new, old):
            return "activation_at_a", f"the derivative of {node.operation.name} is taken at {{new}}, not at {{old}}"
    for layer in site.program.layers:
        if (old, new) == (layer.a, layer.z):
            return "pre_activation", says
        if (old, new) == (layer.output, layer.a):
            return "path_missing", f"{says}: the layer's input is not added to it"
        if (old, new) == (gradients.get(layer.z), gradients.get(layer.a)):
            return "da_for_dz", f"{says}: the activation's derivative is left out"
    return "wrong_layer" if families.get(old) == families.get(new) is not None else "exchanged", says


def versions(site: Site) -> Iterator[Mistake]:
    """A tensor as it is at another time, or laid out otherwise."""
    name, program = site.stage.name, site.program
    old = [tensor for tensor in site.reads if tensor not in program.persistent and tensor != M.name]
    if site.updates:
        old += [tensor for tensor in site.reads if site.role(tensor) is Role.SLOT and tensor != name]
    else:
        new = [tensor for tensor in site.reads if tensor in program.free]
        yield from _versions(site, "updated_before_used", new, AFTER, "updated before use")
        yield Mistake("stale", Name(name), f"{name} is left over from the update before", {name: PREVIOUS})
    yield from _versions(site, "stale", old, PREVIOUS, "left over from the update before")
    if site.stage.of in program.parameters:
        evidence = f"the {name} of the update before is still in it, as where zero_grad() is forgotten"
        yield Mistake("accumulated", Binary("+", site.tree, Name(name)), evidence, {name: PREVIOUS})
    turned = [node.operand.name for node in walk(site.tree) if isinstance(node, Transpose) and isinstance(node.operand, Name)]
    oblong = [tensor for tensor in turned if not site.square(tensor)]
    yield from _versions(site, "reshaped", oblong, RESHAPED, "reshaped where it should be transposed, which mixes up its cells")
    matrices = [tensor for tensor in site.windows if len(site.shapes.get(tensor, ())) > 1]
    yield from _versions(site, "kernel_turned", matrices, TURNED, "read from the other end of the window, both axes reversed")
    for version, other in ((SHIFTED, "before"), (LAGGING, "after")):
        data = [tensor for tensor in site.reads if tensor in program.data]
        yield from _versions(site, "rows_shifted", data, version, f"one row off: each sample has that of the one {other} it")


def _versions(site: Site, kind: str, found: list[str], version: str, says: str) -> Iterator[Mistake]:
    """Each of the tensors in another version, and all of them."""
    for tensors in (*([name] for name in found), *[found] * (len(found) > 1)):
        yield Mistake(kind, site.tree, f"{' and '.join(tensors)} {are(tensors)} {says}", dict.fromkeys(tensors, version))


def activations(site: Site) -> Iterator[Mistake]:
    """Another activation of the table, or its derivative."""
    node = site.activation
    if node is None:
        return
    own, one_unit = node.operation.name, site.shapes[node.output][-1:] == (1,)
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
    return {**node.arguments, **constants_of(name)}


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
    last = site.activation
    if below and last and FUSED.get(own) == last.operation.name == "softmax":
        row = loss_row(f"{own}_from_logits", literal(asked.factor), over)
        fused, a = row.gradient("z", node.arguments, node.operation.output, ONE), Name(last.output)
        says = "the fused derivative has that of softmax in it already"
        yield Mistake("activation_twice", last.operation.gradient("z", last.arguments, last.output, fused), says)
        yield Mistake("activation_twice", product(fused, a, Binary("-", ONE, a)), f"{says}, and a(1 − a) is only the diagonal of that")


def _other_losses(site: Site, own: str) -> list[str]:
    """The rows of losses, the likelier ones first; of the fused forms that of the last activation, where it is not the same loss."""
    fused = [f"{name}_from_logits" for name, activation in FUSED.items() if activation == site.program.layers[-1].layer.activation]
    fused = [name for name in fused if site.argument == "a" or name.removesuffix("_from_logits") != own]
    if site.activation:
        return fused
    sided = {*site.program.data[site.program.target].ravel().tolist()} <= {-1.0, 1.0}  # of 0 and 1 nobody takes a hinge
    known = [name for name in LOSSES if name != "squared_error" and (sided or name != "hinge")]
    plain = [name for name in known if site.stage.of or f"{name}_from_logits" != own]
    return list(dict.fromkeys((own, "squared_error", *fused, *plain)))


def _spoken(site: Site, name: str, tensor: str, half: str) -> str:
    """A loss, or its derivative with respect to a tensor."""
    plain = name.removesuffix("_from_logits")
    words = plain.replace("_", " ").replace("cross entropy", "cross-entropy") + " loss" * (name == "hinge")
    words = "Huber's loss" if name == "huber" else f"{half}the {words}" if plain == name else f"{FUSED[plain]} and {words} fused"
    with_respect = f", with respect to {tensor}" if tensor != site.stage.of else ""
    return f"the derivative of {words}{with_respect}" if site.stage.of else words


def slopes(site: Site) -> Iterator[Mistake]:
    """The derivative of another activation of the network multiplied in, or in the place of the one that belongs there."""
    program, own = site.program, site.activation
    nodes = [made for node in program.network.nodes if (made := activation_of(node)) and made.operation.name != "identity"]
    for node in nodes if site.stage.of else ():
        z, a = str(node.arguments["z"]) if program.layers else node.output, Name(node.output)
        if own and node.output == own.output:
            continue
        slope = node.operation.gradient("z", node.arguments, node.output, ONE)
        if node.operation.name == "softmax":
            slope = product(a, Binary("-", ONE, a))
        says = f"the derivative of {node.operation.name} at {z} is multiplied in, which does not belong here"
        for name in site.reads:
            if name != M.name and site.role(name) is not Role.CONSTANT and site.fitting(name, z) == Name(z):
                yield Mistake("another_slope", site.put({name: product(Name(name), slope)}), says)
        if site.fitting(site.stage.of, z) == Name(z):
            yield Mistake("another_slope", product(site.tree, slope), says)
            if own:
                says = f"the derivative of {node.operation.name} at {z} stands where that of {own.operation.name} at {{z}} belongs"
                yield Mistake("another_slope", product(site.arriving, slope), says, parts={"z": Name(str(own.arguments["z"]))})


def squashed(site: Site) -> Iterator[Mistake]:
    """Softmax or sigmoid once more, inside the loss; its derivative is multiplied in, or is not."""
    node, program, fused = site.loss, site.program, site.program.network.fused
    if node is None:
        return
    last = next(one for one in program.network.nodes if one.output == program.prediction)
    for name in (fused,) if fused else ("softmax", "sigmoid"):
        says, prediction = f"{name} is applied once more, inside the loss", Name(last.output)
        again = OPERATIONS[name].value({"z": prediction})
        if not site.stage.of:
            tensor = node.arguments[next(iter(node.operation.gradients))]
            yield Mistake("squashed_again", site.put({str(tensor): prediction if fused else again}), says)
            continue
        inner = site.put({last.output: again})
        yield Mistake("squashed_again", inner, f"{says}, and its derivative is left out")
        at = {"z": Name(str(last.arguments["z"])), "a": prediction} if fused else {"z": prediction, "a": again}
        yield Mistake("squashed_again", substitute(OPERATIONS[name].gradients["z"].tree, {"g": inner, **at}), says)
