"""Faults of size and sign: a factor too many, a factor missing, what is summed and what is averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bpdebug.core.network import Phase
from bpdebug.core.tree import ONE, Binary, Call, Name, Number, Tree, Unary, literal, product, substitute, without_ones
from bpdebug.trust.fault_site import HALF, RATE, TWO, M, Rewrite, Site, divided, one_changed, outputs_of, undivided

ZERO = Number(0.0)


def scaled(site: Site, change: Callable[[Tree], Tree]) -> Tree | None:
    """The stage's formula with its size changed: that of a gradient or a loss, or of an update's step; None in the forward pass, and
    for the penalty, whose factors are a fault of their own."""
    if site.updates:
        changed = substitute(site.tree, {name: change(Name(name)) for name in site.steps})
        return changed if site.steps else None
    return None if site.stage.phase is Phase.FORWARD or site.stage.operation == "penalty" else change(site.tree)


def _rewrites(site: Site, evidence: str, *changes: Callable[[Tree], Tree]) -> Iterator[Rewrite]:
    for change in changes:
        tree = scaled(site, change)
        if tree is not None:
            yield Rewrite(tree, evidence)


def _without(site: Site, divisor: Tree) -> Callable[[Tree], Tree]:
    """Takes a divisor out of the formula where it stands there, and multiplies by it elsewhere."""
    if site.loss and undivided(site.tree, divisor) != site.tree:
        return lambda tree: undivided(tree, divisor)
    return lambda tree: product(tree, divisor)


def sum_for_mean(site: Site) -> Iterator[Rewrite]:
    """Not divided by the number of samples, where the loss is a mean over them."""
    if site.program.network.asked.samples != "mean":
        return
    yield from _rewrites(site, "the loss is the mean over the m samples, and here it is not divided by m", _without(site, M))
    outputs = literal(outputs_of(site.program))
    if site.program.network.asked.outputs == "mean" and outputs != ONE:
        both = lambda tree: _without(site, outputs)(_without(site, M)(tree))  # noqa: E731
        yield from _rewrites(site, "the loss is the mean over samples and outputs, and here it is divided by neither", both)


def mean_for_sum(site: Site) -> Iterator[Rewrite]:
    """Divided by the number of samples, where the loss is a sum over them."""
    loss, outputs = site.program.network.asked, outputs_of(site.program)
    if loss.samples != "sum":
        return
    yield from _rewrites(
        site, "the loss is the sum over the samples, and here it is divided by their number m", lambda tree: divided(tree, M)
    )
    if loss.outputs == "sum" and outputs > 1:
        evidence = f"the loss is a sum, and here it is divided by the m samples times the {outputs} outputs"
        yield from _rewrites(site, evidence, lambda tree: divided(tree, literal(outputs), M))


def m_twice(site: Site) -> Iterator[Rewrite]:
    """Divided by the number of samples once more than the mean needs."""
    if site.program.network.asked.samples == "mean":
        yield from _rewrites(site, "the loss is divided by m already, and here it is divided by m once more", lambda tree: divided(tree, M))


def outputs_factor(site: Site) -> Iterator[Rewrite]:
    """The number of outputs as a factor too many or too few."""
    count = outputs_of(site.program)
    outputs = literal(count)
    if count == 1:
        return
    if site.program.network.asked.outputs == "mean":
        evidence = f"the loss is the mean over the {count} outputs, and here it is not divided by {count}"
        yield from _rewrites(site, evidence, _without(site, outputs))
        evidence = f"the loss is divided by the {count} outputs already, and here it is divided by {count} once more"
    else:
        evidence = f"the loss is the sum over the {count} outputs, and here it is divided by {count}"
    yield from _rewrites(site, evidence, lambda tree: divided(tree, outputs))


def sign(site: Site) -> Iterator[Rewrite]:
    """The whole with the opposite sign, or one sign within it."""
    if not site.updates:
        yield Rewrite(Unary("-", site.tree), "every sign is turned round")
    for tree in one_changed(site.tree, _flipped):
        climbs = site.updates and tree in _flipped(site.tree)
        yield Rewrite(tree, "the step goes up the gradient" if climbs else "one + and − are mixed up")
    for tree in one_changed(site.tree, _without_minus):
        yield Rewrite(tree, "a minus sign is left out")


def _flipped(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Binary) and tree.operator in "+-":
        yield Binary("-" if tree.operator == "+" else "+", tree.left, tree.right)


def _without_minus(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Unary) and tree.operator == "-":
        yield tree.operand


def learning_rate(site: Site) -> Iterator[Rewrite]:
    """The learning rate in the gradient, where only the update multiplies by it; or an update without it."""
    if RATE.name not in site.program.constants or site.stage.phase is Phase.LOSS:
        return
    if RATE.name in site.reads:
        yield Rewrite(without_ones(substitute(site.tree, {RATE.name: ONE})), "the step is not multiplied by the learning rate")
    evidence = "the gradient is multiplied by the learning rate, which belongs to the update"
    yield from _rewrites(site, evidence, lambda tree: product(RATE, tree))


def stray_factor(site: Site) -> Iterator[Rewrite]:
    """A factor that nothing explains: the 2 of a square, left out or too many."""
    yield from _rewrites(site, "a factor of 2 too many", lambda tree: product(TWO, tree))
    yield from _rewrites(site, "a factor of 1/2 too many", lambda tree: product(HALF, tree))


def zero(site: Site) -> Iterator[Rewrite]:
    """A gradient that is never filled in."""
    if site.stage.of and site.argument != "b":
        yield Rewrite(product(ZERO, site.tree), "it looks initialised and never computed")


def clipped(site: Site) -> Iterator[Rewrite]:
    """Every cell cut off at −1 and 1."""
    if site.stage.of:
        held = Call("maximum", (Call("minimum", (site.tree, ONE)), Unary("-", ONE)))
        yield Rewrite(held, "every cell is cut off at −1 and 1")
