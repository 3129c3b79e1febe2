"""The gradient of a tensor derived anew from the forward lines, all the way from the gradients that are known; also as it would be if
something in these lines did not depend on it: the mean and the variance of a batch, held constant, or a term of the loss."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from bpdebug.core.derive import derived
from bpdebug.core.errors import FormulaError
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.products import without_ones
from bpdebug.core.program import Program
from bpdebug.core.schedule import Skipped
from bpdebug.core.shapes import GENERIC_ROWS, Shape, infer
from bpdebug.core.tree import ONE, Call, Name, Tree, names, substitute, total, walk
from bpdebug.core.writing import to_text
from bpdebug.trust.site import Mistake, Site

_ARRIVING = "what arrives"
_DEPTH, _MOST = 3, 4
"""So many lines on from the tensor, and so many things there, are held constant."""


def chained(program: Program, tensor: str, held: Sequence[Tree] = (), through: Collection[str] = ()) -> Tree | None:
    """The gradient of a tensor as one formula; None where no path of derivatives leads from it to the loss.

    Args:
        program, tensor: whose gradient, and of what.
        held: parts of forward lines, and tensors, that count as constants.
        through: tensors whose own gradients count as not known.
    """
    gradients = {of: name for of, name in program.gradients.items() if of != tensor and of not in through}
    shapes: dict[str, Shape] = dict(program.shapes(GENERIC_ROWS if program.network.generic else program.batches.largest))
    constants = {f"constant {place}": tree for place, tree in enumerate(held)}
    shapes |= {name: infer(Formula.of(tree), shapes) for name, tree in constants.items()}
    put = {tree: Name(name) for name, tree in constants.items()}
    arrived = dict[str, list[Tree]]()
    lines = [(node.output, node.value) for node in program.network.nodes]
    lines = lines or [(stage.name, stage.formula.tree) for stage in program.stages[: program.end_of(Phase.LOSS)]]  # of a recorded step
    for output, line in reversed(lines):
        arriving = arrived.get(output, [ONE] * (output == program.loss))
        arriving = [Name(gradients[output])] if output in gradients else arriving
        value = _with(line, put)
        for read in names(value) if arriving else ():
            if read == tensor or (read in program.index and read not in gradients):
                made = derived(output, Formula.of(value), shapes | {_ARRIVING: shapes[output]}, {read}, Name(_ARRIVING))
                inner = {_ARRIVING: total(*arriving)}
                for helper, formula in made.inner:
                    inner[helper] = substitute(formula.tree, inner)
                arrived.setdefault(read, []).extend(substitute(one.tree, inner) for one in made.gradients.values())
    return substitute(without_ones(total(*arrived[tensor])), constants) if arrived.get(tensor) else None


def _with(tree: Tree, put: Mapping[Tree, Tree]) -> Tree:
    """The tree with some of its parts replaced."""
    return put[tree] if tree in put else tree.rebuilt(lambda child: _with(child, put))


def constants(site: Site) -> Iterator[Mistake]:
    """The gradient as it would be if a sum or a maximum of what comes of the tensor did not depend on it, or none of them did."""
    program, tensor = site.program, site.stage.of
    if program.layers or not tensor or site.stage.through:
        return
    shapes = program.shapes(program.batches.largest)
    through, lines = set[str](), {node.value: node.output for node in program.network.nodes}
    for _ in range(_DEPTH):
        moving, held, reached = {tensor, *through}, dict[Tree, None](), set[str]()
        for node in program.network.nodes:
            if moving & {*names(node.value)} and node.output in program.gradients:
                folds = [part for part in walk(node.value) if isinstance(part, Call) and part.reduces and moving & {*names(part)}]
                held |= dict.fromkeys([Name(node.output)] if folds and node.output in through else folds)
                reached.add(node.output)
        some = [*held][:_MOST]
        for parts in (*([one] for one in some), *[some] * (len(some) > 1)):
            with suppress(FormulaError):
                if tree := chained(program, tensor, parts, through):
                    text, one = " and ".join(lines.get(part, to_text(part)) for part in parts), len(parts) == 1
                    says = f"{text} {'is' if one else 'are'} held constant: what comes back through {'it' if one else 'them'} is left out"
                    numbers = not any(infer(Formula.of(part), shapes) for part in parts)  # as a term of the loss is
                    yield Mistake("path_missing" if numbers else "held_constant", tree, says)
        if reached <= through:
            return
        through |= reached


def unlearned(program: Program) -> str:
    """Why there is no gradient to be judged, where the program tells."""
    reasons = dict.fromkeys(line.reason for line in program.lines if isinstance(line, Skipped) and line.phase is Phase.UPDATE)
    return f"there is no gradient to be judged: {'; '.join(reasons)}" if reasons else ""
