"""Faults of operands: the right formula over the wrong tensor, an old one, one turned round, or with a piece left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from bpdebug.core.record import replace
from bpdebug.core.tree import Binary, Call, Index, Name, Transpose, Tree, Unary, names, substitute, total, walk
from bpdebug.trust.fault_site import AFFINE, AFTER, PREVIOUS, RESHAPED, Rewrite, Site, family, one_changed

_ALL = (None, None, None)
_AXES = {
    (1, 0): "over the samples, where it should be over the units",
    (0, 1): "over the units, where it should be over the samples",
    (1, None): "over everything, where it should be over the units of each sample",
    (0, None): "over everything, where it should be over the samples of each unit",
}


def replaced(site: Site, changes: Iterable[tuple[str, str]], evidence: str = "{new} stands where {old} belongs") -> Iterator[Rewrite]:
    """The formula with one tensor in the place of another, for each pair."""
    for old, new in changes:
        yield Rewrite(substitute(site.tree, {old: Name(new)}), evidence.format(new=new, old=old))


def wrong_layer(site: Site) -> Iterator[Rewrite]:
    """A tensor of another layer."""
    pairs = [
        (old, new)
        for old in site.reads
        for new in site.earlier
        if new not in (old, site.stage.name) and "@" not in new and family(old) and family(old) == family(new)
    ]
    yield from replaced(site, [(old, new) for old, new in pairs if (old, new) != (f"r{old[1:]}", f"a{old[1:]}")])


def pre_activation(site: Site) -> Iterator[Rewrite]:
    """The weighted sum z where its activation a belongs."""
    if site.activation is None:
        found = [(name, f"z{name[1:]}") for name in site.reads if name.startswith("a") and family(name)]
        yield from replaced(site, [(a, z) for a, z in found if z in site.earlier])


def da_for_dz(site: Site) -> Iterator[Rewrite]:
    """The gradient with respect to a where that with respect to z belongs."""
    found = [(name, f"da{name[2:]}") for name in site.reads if family(name) == "dz"]
    evidence = "{new} stands where {old} belongs: the activation's derivative is left out"
    yield from replaced(site, [(dz, da) for dz, da in found if da in site.earlier and da != site.stage.name], evidence)


def updated_before_used(site: Site) -> Iterator[Rewrite]:
    """A parameter as it is after the update."""
    if not site.updates:
        yield from _versions(site, [name for name in site.reads if name in site.program.free], AFTER, "{} updated before use")


def stale(site: Site) -> Iterator[Rewrite]:
    """What the update before has computed."""
    if not site.updates:
        evidence = f"{site.stage.name} is left over from the update before"
        yield Rewrite(Name(site.stage.name), evidence, {site.stage.name: PREVIOUS})
    old = [name for name in site.reads if name not in site.program.persistent and name != "m"]
    yield from _versions(site, old, PREVIOUS, "{} left over from the update before")


def accumulated(site: Site) -> Iterator[Rewrite]:
    """A parameter's gradient on top of that of the update before: nobody has set it to zero (PyTorch adds to what is there)."""
    name = site.stage.name
    if site.stage.of in site.program.parameters:
        evidence = f"the {name} of the update before is still in it, as where zero_grad() is forgotten"
        yield Rewrite(Binary("+", site.tree, Name(name)), evidence, {name: PREVIOUS})


def _versions(site: Site, found: list[str], version: str, evidence: str) -> Iterator[Rewrite]:
    for name in found:
        yield Rewrite(site.tree, evidence.format(f"{name} is"), {name: version})
    if len(found) > 1:
        yield Rewrite(site.tree, evidence.format(f"{' and '.join(found)} are"), dict.fromkeys(found, version))


def transposed(site: Site) -> Iterator[Rewrite]:
    """The result turned round, or one operand of a product."""
    yield Rewrite(Transpose(site.tree), "rows and columns have changed places")
    if site.updates:
        for name in site.steps:
            yield Rewrite(substitute(site.tree, {name: Transpose(Name(name))}), f"{name} has been turned round")
    for tree in one_changed(site.tree, _turned):
        yield Rewrite(tree, "a .T is missing, or one too many")


def _turned(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Binary) and tree.operator == "@":
        yield Binary("@", _other_way(tree.left), tree.right)
        yield Binary("@", tree.left, _other_way(tree.right))


def _other_way(tree: Tree) -> Tree:
    return tree.operand if isinstance(tree, Transpose) else Transpose(tree)


def reshaped(site: Site) -> Iterator[Rewrite]:
    """An operand whose numbers are laid out anew in the other shape, where it should be transposed."""
    for node in walk(site.tree):
        if isinstance(node, Transpose) and isinstance(node.operand, Name):
            name = node.operand.name
            yield Rewrite(site.tree, f"{name} is reshaped where it should be transposed, which mixes up its cells", {name: RESHAPED})


def wrong_axis(site: Site) -> Iterator[Rewrite]:
    """Summed along the wrong axis, or over everything; a bias has a fault of its own for that."""
    if site.derivative(*AFFINE) is None:
        for (old, new), where in _AXES.items():
            for tree in one_changed(site.tree, partial(_turned_axis, old, new)):
                yield Rewrite(tree, f"a sum or a maximum is taken {where}")
        if sum(isinstance(node, Call) and node.axis == 1 for node in walk(site.tree)) > 1:
            yield Rewrite(_down(site.tree), f"the sums are taken {_AXES[1, 0]}")


def _turned_axis(old: int, new: int | None, tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Call) and tree.axis == old:
        yield replace(tree, axis=new, keepdims=tree.keepdims and new is not None)


def _down(tree: Tree) -> Tree:
    tree = tree.rebuilt(_down)
    return replace(tree, axis=0) if isinstance(tree, Call) and tree.axis == 1 else tree


def sample_missing(site: Site) -> Iterator[Rewrite]:
    """A sample that is not added to the sum, or nothing but one sample."""
    if site.sums_samples:
        yield Rewrite(of_samples(site, (1, None, None)), "the first sample is left out")
        yield Rewrite(of_samples(site, (None, -1, None)), "the last sample is left out")
        if site.argument != "b":
            yield Rewrite(of_samples(site, (0, 1, None)), "only the first sample is counted")
            yield Rewrite(of_samples(site, (-1, None, None)), "only the last sample is counted")


def of_samples(site: Site, rows: tuple[int | None, int | None, int | None]) -> Tree:
    """The formula over some of the samples."""
    batch = [name for name in site.reads if name in site.batch]
    return substitute(site.tree, {name: Index(Name(name), (rows, _ALL)) for name in batch})


def path_missing(site: Site) -> Iterator[Rewrite]:
    """One of several paths left out: a term of the sum, or the sum of a residual layer where it is used."""
    parts = [name for name in site.reads if "@" in name and "penalty" not in name]
    if site.node is None and site.stage.of and len(site.reads) > 1:
        for part in parts:
            rest = total(*(Name(name) for name in site.reads if name != part))
            yield Rewrite(rest, f"{part}, what comes back on the path through {part.partition('@')[2]}, is left out")
    if residual := site.value("add"):
        for left_out, kept in (("x", "a"), ("a", "x")):
            yield Rewrite(Name(str(residual.arguments[kept])), f"{residual.arguments[left_out]} is not added")
    sums = [(name, f"a{name[1:]}") for name in site.reads if family(name) == "a" and name.startswith("r")]
    yield from replaced(site, sums, "{new} stands where {old} belongs: the layer's input is not added to it")


def gradient_missing(site: Site) -> Iterator[Rewrite]:
    """The local derivative alone, without the gradient that arrives."""
    if isinstance(site.arriving, Name) and isinstance(site.tree, Binary):
        for tree in one_changed(site.tree, without_factor):
            if set(site.reads) - set(names(tree)) == {site.arriving.name}:
                yield Rewrite(tree, f"{site.arriving.name}, the gradient that arrives, is left out")


def factor_missing(site: Site) -> Iterator[Rewrite]:
    """One factor or divisor left out."""
    for tree in one_changed(site.tree, without_factor):
        yield Rewrite(tree, "a factor is left out")


def without_factor(tree: Tree) -> Iterator[Tree]:
    """A product without one of its factors, a quotient without its divisor."""
    if isinstance(tree, Binary) and tree.operator in "*/":
        yield tree.left
        if tree.operator == "*":
            yield tree.right


def term_missing(site: Site) -> Iterator[Rewrite]:
    """One term left out."""
    for tree in one_changed(site.tree, _terms_dropped):
        yield Rewrite(tree, "a term is left out")


def _terms_dropped(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Binary) and tree.operator in "+-":
        yield tree.left
        yield tree.right if tree.operator == "+" else Unary("-", tree.right)


def parentheses(site: Site) -> Iterator[Rewrite]:
    """Parentheses left out, so that only the nearest term is multiplied."""
    everywhere = _bare(site.tree)
    for tree in (*one_changed(site.tree, _opened), *([everywhere] if everywhere != site.tree else [])):
        yield Rewrite(tree, "a pair of parentheses is missing")


def _opened(tree: Tree) -> Iterator[Tree]:
    if not (isinstance(tree, Binary) and tree.operator in ("*", "/", "**")):
        return
    if isinstance(tree.right, Binary) and tree.right.operator in "+-":
        yield Binary(tree.right.operator, Binary(tree.operator, tree.left, tree.right.left), tree.right.right)
    if isinstance(tree.left, Binary) and tree.left.operator in "+-":
        yield Binary(tree.left.operator, tree.left.left, Binary(tree.operator, tree.left.right, tree.right))


def _bare(tree: Tree) -> Tree:
    tree = tree.rebuilt(_bare)
    return next(_opened(tree), tree)
