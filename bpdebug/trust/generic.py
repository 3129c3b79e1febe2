"""Mistakes that can be made in any formula: the right one over the wrong tensor, an old one, one turned round, with another size or
sign, or with a piece left out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bpdebug.core.record import replace
from bpdebug.core.tree import Binary, Call, Name, Transpose, Tree, Unary, literal, names, product, total, walk
from bpdebug.trust.site import (
    AFTER,
    PREVIOUS,
    RESHAPED,
    M,
    Mistake,
    Site,
    everywhere,
    one_changed,
    without_divisor,
    without_factor,
)

_OVER_SAMPLES, _OVER_UNITS = "over the samples, where it should be over the units", "over the units, where it should be over the samples"
_AXES = (
    (1, 0, _OVER_SAMPLES),
    (0, 1, _OVER_UNITS),
    (1, None, "over everything, where it should be over the units of each sample"),
    (0, None, "over everything, where it should be over the samples of each unit"),
)


def exchanges(site: Site) -> Iterator[Mistake]:
    """Another tensor where one belongs."""
    layers, gradients = site.program.layers, site.program.gradients
    z_of = {layer.a: layer.z for layer in layers}
    a_of = {layer.output: layer.a for layer in layers if layer.output != layer.a}
    da_of = {gradients[z]: gradients.get(a, "") for a, z in z_of.items() if z in gradients}
    plain = "{new} stands where {old} belongs"
    slope = f"{plain}: the activation's derivative is left out"
    for old in site.reads:
        family = site.families.get(old)
        others = [new for new in site.earlier if family and site.families.get(new) == family and new not in (old, site.stage.name)]
        found = [("wrong_layer", new, plain) for new in others if new != a_of.get(old)]
        found += [("pre_activation", z_of.get(old, ""), plain)] * (site.activation is None)
        found += [("da_for_dz", da_of.get(old, ""), slope)] * (da_of.get(old) != site.stage.name)
        found += [("path_missing", a_of.get(old, ""), f"{plain}: the layer's input is not added to it")]
        for kind, new, evidence in found:
            if new in site.earlier:
                yield Mistake(kind, site.put({old: Name(new)}), evidence.format(new=new, old=old))


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
    if isinstance(site.arriving, Name) and isinstance(site.tree, Binary):
        for tree in one_changed(site.tree, without_factor):
            if set(site.reads) - set(names(tree)) == {site.arriving.name}:
                yield Mistake("gradient_missing", tree, f"{site.arriving.name}, the gradient that arrives, is left out")


def versions(site: Site) -> Iterator[Mistake]:
    """A tensor as it is at another time, or laid out otherwise."""
    name, program = site.stage.name, site.program
    new = [tensor for tensor in site.reads if tensor in program.free]
    old = [tensor for tensor in site.reads if tensor not in program.persistent and tensor != M.name]
    if not site.updates:
        yield from _versions(site, "updated_before_used", new, AFTER, "updated before use")
        yield Mistake("stale", Name(name), f"{name} is left over from the update before", {name: PREVIOUS})
    yield from _versions(site, "stale", old, PREVIOUS, "left over from the update before")
    if site.stage.of in program.parameters:
        evidence = f"the {name} of the update before is still in it, as where zero_grad() is forgotten"
        yield Mistake("accumulated", Binary("+", site.tree, Name(name)), evidence, {name: PREVIOUS})
    for node in walk(site.tree):
        match node:
            case Transpose(Name(turned)):
                evidence = f"{turned} is reshaped where it should be transposed, which mixes up its cells"
                yield Mistake("reshaped", site.tree, evidence, {turned: RESHAPED})


def _versions(site: Site, kind: str, found: list[str], version: str, evidence: str) -> Iterator[Mistake]:
    for some in ([[name] for name in found], [found] * (len(found) > 1)):
        for tensors in some:
            verb = "is" if len(tensors) == 1 else "are"
            yield Mistake(kind, site.tree, f"{' and '.join(tensors)} {verb} {evidence}", dict.fromkeys(tensors, version))


def turns(site: Site) -> Iterator[Mistake]:
    """Rows and columns mixed up: a transpose, an axis."""
    yield Mistake("transposed", Transpose(site.tree), "rows and columns have changed places")
    for name in site.steps if site.updates else ():
        yield Mistake("transposed", site.put({name: Transpose(Name(name))}), f"{name} has been turned round")
    for tree in one_changed(site.tree, _turned):
        yield Mistake("transposed", tree, "a .T is missing, or one too many")
    for old, new, where in () if site.affine else _AXES:  # a bias has a fault of its own for that
        for tree in one_changed(site.tree, partial(_along, old, new)):
            yield Mistake("wrong_axis", tree, f"a sum or a maximum is taken {where}")
    if not site.affine and sum(isinstance(node, Call) and node.axis == 1 for node in walk(site.tree)) > 1:
        yield Mistake("wrong_axis", everywhere(site.tree, partial(_along, 1, 0)), f"the sums are taken {_OVER_SAMPLES}")


def _turned(tree: Tree) -> Iterator[Tree]:
    match tree:
        case Binary("@", left, right):
            yield Binary("@", _other_way(left), right)
            yield Binary("@", left, _other_way(right))


def _other_way(tree: Tree) -> Tree:
    return tree.operand if isinstance(tree, Transpose) else Transpose(tree)


def _along(old: int, new: int | None, tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Call) and tree.axis == old:
        yield replace(tree, axis=new, keepdims=tree.keepdims and new is not None)


def pieces(site: Site) -> Iterator[Mistake]:
    """A factor, a term, a sign or a pair of parentheses left out or mixed up."""
    climbing = [*_flipped(site.tree)] if site.updates else []
    for tree in one_changed(site.tree, _flipped):
        yield Mistake("sign", tree, "the step goes up the gradient" if tree in climbing else "one + and − are mixed up")
    for kind, change, evidence in (
        ("sign", _without_minus, "a minus sign is left out"),
        ("parentheses", _opened, "a pair of parentheses is missing"),
        ("term_missing", _without_term, "a term is left out"),
        ("factor_missing", without_factor, "a factor is left out"),
    ):
        for tree in one_changed(site.tree, change):
            yield Mistake(kind, tree, evidence)
    bare = everywhere(site.tree, _opened)
    if bare != site.tree:
        yield Mistake("parentheses", bare, "a pair of parentheses is missing")


def _flipped(tree: Tree) -> Iterator[Tree]:
    match tree:
        case Binary("+" | "-" as operator, left, right):
            yield Binary("-" if operator == "+" else "+", left, right)


def _without_minus(tree: Tree) -> Iterator[Tree]:
    match tree:
        case Unary("-", operand):
            yield operand


def _without_term(tree: Tree) -> Iterator[Tree]:
    match tree:
        case Binary("+" | "-" as operator, left, right):
            yield left
            yield right if operator == "+" else Unary("-", right)


def _opened(tree: Tree) -> Iterator[Tree]:
    match tree:
        case Binary("*" | "/" | "**" as outer, left, right):
            match right:
                case Binary("+" | "-" as inner, first, second):
                    yield Binary(inner, Binary(outer, left, first), second)
            match left:
                case Binary("+" | "-" as inner, first, second):
                    yield Binary(inner, first, Binary(outer, second, right))


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
