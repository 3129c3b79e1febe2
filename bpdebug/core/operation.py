"""What a row of the operation table is."""

from __future__ import annotations

from collections.abc import Mapping

from bpdebug.core.parser import Formula
from bpdebug.core.products import without_ones
from bpdebug.core.record import Record
from bpdebug.core.tree import ONE, Name, Tree, substitute


class Operation(Record):
    """One row of the table.

    Attributes:
        name: as a scenario names it.
        output: the name of the result in ``forward`` and ``gradients``.
        forward: the value.
        gradients: for each argument that has one, the gradient of the loss with respect to it.
        source: where the rule is to be found.
        symbol: a short form for listings, such as ``σ({})``; empty where the formula is short itself.
        torch: the value in PyTorch's own words, of a loss each term; empty where it has none, then the formula stands in a script.
        fuses: the activation that a loss has within itself, or "".
        constants: literals that a scenario may change, with their usual values.
        blocked: the arguments to which no gradient goes back, and what stops it.
        inner: values that several gradients need, by name, in order; over the same names as the gradients.
        arriving: what the gradients call what arrives at the output.
    """

    name: str
    output: str
    forward: Formula
    gradients: Mapping[str, Formula]
    source: str
    symbol: str = ""
    torch: str = ""
    fuses: str = ""
    constants: Mapping[str, float] = {}
    blocked: Mapping[str, str] = {}
    inner: tuple[tuple[str, Formula], ...] = ()
    arriving: str = "g"

    def value(self, arguments: Mapping[str, str | Tree]) -> Tree:
        """The forward tree over the tensors of a network."""
        return substitute(self.forward.tree, _trees(arguments))

    def gradient(self, argument: str, arguments: Mapping[str, str | Tree], output: str, arriving: Tree) -> Tree:
        """The gradient that the operation passes to ``argument`` when ``arriving`` comes in at its output."""
        return self.passed(self.gradients[argument], arguments, output, arriving)

    def whole(self, argument: str, arguments: Mapping[str, str | Tree], output: str, arriving: Tree) -> Tree:
        """The same, with all inner values put in."""
        inner = dict[str, Tree]()
        for name, formula in self.inner:
            inner[name] = substitute(self.passed(formula, arguments, output, arriving), inner)
        return substitute(self.gradient(argument, arguments, output, arriving), inner)

    def passed(self, formula: Formula, arguments: Mapping[str, str | Tree], output: str, arriving: Tree) -> Tree:
        """A formula over the arguments, the output and what arrives at it, over the tensors of a network."""
        changed = substitute(formula.tree, _trees(arguments) | {self.output: Name(output), self.arriving: arriving})
        return without_ones(changed) if arriving == ONE else changed


def _trees(arguments: Mapping[str, str | Tree]) -> dict[str, Tree]:
    return {name: Name(value) if isinstance(value, str) else value for name, value in arguments.items()}
