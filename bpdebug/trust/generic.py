"""Mistakes that can be made in any formula: the right one over the wrong tensor, an old one, one turned round, with another size or
sign, or with a piece left out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations

from bpdebug.core.operations import ACTIVATIONS, OPERATIONS
from bpdebug.core.tensors import Role
from bpdebug.core.tree import ONE, Binary, Name, Transpose, Tree, literal, names, product, substitute, total, walk
from bpdebug.trust.site import (
    AFTER,
    PREVIOUS,
    RESHAPED,
    M,
    Mistake,
    Site,
    everywhere,
    is_term,
    one_changed,
    without_divisor,
    without_factor,
)


def exchanges(site: Site) -> Iterator[Mistake]:
    """Another tensor where one belongs: everywhere, or in one of the places where it stands."""
    for old in site.reads:
        for new in site.earlier:
            tree = site.fitting(old, new) if _exchangeable(site, old, new) else None
            if tree is None:
                continue
            kind, says = _named(site, old, new)
            parts = {"old": Name(old), "new": tree}
            places = list(one_changed(site.tree, partial(_instead, Name(old), tree)))
            for changed in (site.put({old: tree}), *(places if len(places) > 1 else ())):
                yield Mistake(kind, changed, says, parts=parts)
    fixed = [name for name in site.reads if site.role(name) not in (Role.CONSTANT, Role.LOSS, None) and not is_term(site.program, name)]
    for one, other in combinations(fixed, 2):
        there, back = site.fitting(one, other), site.fitting(other, one)
        if there and back:
            yield Mistake("exchanged", site.put({one: there, other: back}), f"{one} and {other} have changed places")


def _instead(old: Tree, new: Tree, node: Tree) -> list[Tree]:
    return [new] * (node == old)


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
    layers, gradients, families = site.program.layers, site.program.gradients, site.families
    plain, node = "{new} stands where {old} belongs", site.activation
    if node and node.arguments["z"] == new and node.output == old:
        return "activation_at_z", "{new} stands where the rule wants {old}"
    if node and node.arguments["z"] == old and node.output == new:
        return "activation_at_a", f"the derivative of {node.operation.name} is taken at {{new}}, not at {{old}}"
    for layer in layers:
        if (old, new) == (layer.a, layer.z):
            return "pre_activation", plain
        if (old, new) == (layer.output, layer.a):
            return "path_missing", f"{plain}: the layer's input is not added to it"
        if (old, new) == (gradients.get(layer.z), gradients.get(layer.a)):
            return "da_for_dz", f"{plain}: the activation's derivative is left out"
    return "wrong_layer" if families.get(old) == families.get(new) is not None else "exchanged", plain


def slopes(site: Site) -> Iterator[Mistake]:
    """The derivative of an activation where it does not belong, and the activation where its derivative does."""
    program, own = site.program, site.activation
    nodes = [node for node in program.network.nodes if node.operation.name in ACTIVATIONS and node.operation.name != "identity"]
    for node in nodes if site.stage.of else ():
        z, a = str(node.arguments["z"]), Name(node.output)
        slope = node.operation.gradient("z", node.arguments, node.output, ONE)
        if node.operation.name == "softmax":
            slope = product(a, Binary("-", ONE, a))
        if node is own:
            says = f"{{A}} itself stands where the derivative of {node.operation.name} belongs"
            yield Mistake("value_for_slope", product(site.arriving, a), says, parts={"A": node.value})
            continue
        says = f"the derivative of {node.operation.name} at {z} is multiplied in, which does not belong here"
        for name in site.reads:
            if name != M.name and site.role(name) is not Role.CONSTANT and site.fitting(name, z) == Name(z):
                yield Mistake("another_slope", site.put({name: product(Name(name), slope)}), says)
        if site.fitting(site.stage.of, z) == Name(z):
            yield Mistake("another_slope", product(site.tree, slope), says)
            if own:
                says = f"the derivative of {node.operation.name} at {z} stands where that of {own.operation.name} at {{z}} belongs"
                yield Mistake("another_slope", product(site.arriving, slope), says, parts={"z": Name(str(own.arguments["z"]))})
    if own and not site.stage.of:
        slope = own.operation.gradient("z", own.arguments, own.output, ONE)
        says = f"the derivative of {own.operation.name} stands where {own.operation.name} itself belongs"
        yield Mistake("slope_for_value", substitute(slope, {own.output: own.value}), says)


def squashed(site: Site) -> Iterator[Mistake]:
    """Softmax or sigmoid once more, inside the loss; its derivative is multiplied in, or is not."""
    node, program, fused = site.loss, site.program, site.program.network.fused
    last = next(one for one in program.network.nodes if one.output == program.prediction)
    for name in ((fused,) if fused else ("softmax", "sigmoid")) if node else ():
        says, prediction = f"{name} is applied once more, inside the loss", Name(last.output)
        again = OPERATIONS[name].value({"z": prediction})
        if node and not site.stage.of:
            tensor = node.arguments[next(iter(node.operation.gradients))]
            yield Mistake("squashed_again", site.put({str(tensor): prediction if fused else again}), says)
            continue
        inner = site.put({last.output: again})
        yield Mistake("squashed_again", inner, f"{says}, and its derivative is left out")
        if fused:
            outer = last.operation.gradient("z", last.arguments, last.output, inner)
        else:
            outer = substitute(OPERATIONS[name].gradients["z"].tree, {"g": inner, "a": again, "z": prediction})
        yield Mistake("squashed_again", outer, says)


def paths(site: Site) -> Iterator[Mistake]:
    """A term of a sum over several paths left out, or the whole gradient that arrives."""
    tensors, node = site.program.tensors, site.node
    through = {name: tensors[name].through for name in site.reads if name in tensors}
    if node is None and site.stage.of and len(site.reads) > 1:
        for part, way in through.items():
            if way and way not in site.penalties:
                rest = total(*(Name(name) for name in site.reads if name != part))
                yield Mistake("path_missing", rest, f"{part}, what comes back on the path through {way}, is left out")
    penalties = [name for name in site.reads if name in site.penalties or through.get(name) in site.penalties]
    for left_out in () if site.updates or not penalties else (penalties, *([[name] for name in penalties] if len(penalties) > 1 else [])):
        rest = total(*(Name(name) for name in site.reads if name not in left_out))
        yield Mistake("l2_missing", rest, f"{' + '.join(left_out)}, the L2 penalty, is left out")
    if node and not site.stage.of and node.operation.name == "add":
        for lost, kept in (("x", "a"), ("a", "x")):
            yield Mistake("path_missing", Name(str(node.arguments[kept])), f"{node.arguments[lost]} is not added")
    if site.affine and isinstance(site.arriving, Name):
        ones = Binary("+", product(literal(0.0), site.arriving), ONE)
        says = f"{site.arriving.name}, the gradient that arrives, is left out: 1 stands in its place"
        yield Mistake("gradient_missing", site.put({site.arriving.name: ones}), says)
    if isinstance(site.arriving, Name) and isinstance(site.tree, Binary):
        for tree in one_changed(site.tree, without_factor):
            if set(site.reads) - set(names(tree)) == {site.arriving.name}:
                yield Mistake("gradient_missing", tree, f"{site.arriving.name}, the gradient that arrives, is left out")


def versions(site: Site) -> Iterator[Mistake]:
    """A tensor as it is at another time, or laid out otherwise."""
    name, program = site.stage.name, site.program
    new = [tensor for tensor in site.reads if tensor in program.free]
    old = [tensor for tensor in site.reads if tensor not in program.persistent and tensor != M.name]
    if site.updates:
        old += [tensor for tensor in site.reads if site.role(tensor) is Role.SLOT and tensor != name]
    else:
        yield from _versions(site, "updated_before_used", new, AFTER, "updated before use")
        yield Mistake("stale", Name(name), f"{name} is left over from the update before", {name: PREVIOUS})
    yield from _versions(site, "stale", old, PREVIOUS, "left over from the update before")
    if site.stage.of in program.parameters:
        evidence = f"the {name} of the update before is still in it, as where zero_grad() is forgotten"
        yield Mistake("accumulated", Binary("+", site.tree, Name(name)), evidence, {name: PREVIOUS})
    for node in walk(site.tree):
        match node:
            case Transpose(Name(turned)) if not site.square(turned):
                evidence = f"{turned} is reshaped where it should be transposed, which mixes up its cells"
                yield Mistake("reshaped", site.tree, evidence, {turned: RESHAPED})


def _versions(site: Site, kind: str, found: list[str], version: str, evidence: str) -> Iterator[Mistake]:
    for some in ([[name] for name in found], [found] * (len(found) > 1)):
        for tensors in some:
            verb = "is" if len(tensors) == 1 else "are"
            yield Mistake(kind, site.tree, f"{' and '.join(tensors)} {verb} {evidence}", dict.fromkeys(tensors, version))


def undivided(site: Site) -> Iterator[Mistake]:
    """Not divided by what the loss is a mean over: taken out of the formula where it stands there, multiplied by it elsewhere."""
    loss, count = site.program.network.asked, site.outputs
    k = literal(count)
    rows: list[tuple[str, list[Tree], str]]
    rows = [("sum_for_mean", [M], "the loss is the mean over the m samples, and here it is not divided by m")] * (loss.samples == "mean")
    if loss.outputs == "mean" and count > 1:
        both = "the loss is the mean over samples and outputs, and here it is divided by neither"
        rows += [("sum_for_mean", [M, k], both)] * (loss.samples == "mean")
        rows += [("outputs_factor", [k], f"the loss is the mean over the {count} outputs, and here it is not divided by {count}")]

    def without(divisors: list[Tree], tree: Tree) -> Tree:
        for divisor in divisors:
            out = partial(without_divisor, divisor)
            tree = everywhere(tree, out) if site.loss and everywhere(site.tree, out) != site.tree else product(tree, divisor)
        return tree

    for kind, divisors, evidence in rows:
        if (tree := site.scaled(partial(without, divisors))) is not None:
            yield Mistake(kind, tree, evidence)
