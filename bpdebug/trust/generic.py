"""Mistakes that can be made in any formula: the right one over another tensor, or over one as it is at another time or laid out anew."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from bpdebug.core.tensors import Role
from bpdebug.core.tree import Binary, Name, Transpose, walk
from bpdebug.trust.rewrites import places
from bpdebug.trust.site import AFTER, LAGGING, PREVIOUS, RESHAPED, SHIFTED, TURNED, M, Mistake, Site, is_term


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
        verb = "is" if len(tensors) == 1 else "are"
        yield Mistake(kind, site.tree, f"{' and '.join(tensors)} {verb} {says}", dict.fromkeys(tensors, version))
