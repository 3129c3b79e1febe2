"""A whole update as one function: the bits of stepping with fewer calls.

Three things are saved, none of which changes a bit. What several stages compute alike (``1 - a2``) is computed once; what depends on
the batch alone (``1 - y``) is computed when the batch is loaded; and the optimizer's steps, the same arithmetic for each
parameter, run once over all parameters laid end to end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bpdebug.core.compiler import Compiler, Value, is_open
from bpdebug.core.network import Phase
from bpdebug.core.optimizers import Rule
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record
from bpdebug.core.schedule import KEPT, Stage
from bpdebug.core.sources import is_layout
from bpdebug.core.structure import Shapes
from bpdebug.core.tensors import Array, Values
from bpdebug.core.tree import Binary, Call, Length, Name, Operation, Tree, is_product, names, operation, substitute, walk

Key = tuple[Tree, tuple[tuple[str, int], ...]]


class Check(Record):
    """Something to look at when a certain stage has run.

    Attributes:
        formula: what to compute, or None to stop there in any case.
        test: whether its value is a reason to stop; by default whether it is true.
    """

    formula: Formula | None = None
    test: Callable[[Array], bool] | None = None


class UpdateCompiler(Compiler):
    """Compiles the stages of an update together.

    Args:
        tensors: every tensor's buffer.
        dtype: the precision.
        stages: in order.
        given: what changes with the batch alone.
        checks: by how many stages have run.
        forms: as for :class:`Compiler`.

    Attributes:
        once_a_batch: the code to run when a batch has been loaded.
        every_update: the code of an update; it returns how many stages have run where a check has struck, else None.
        told: of each line of the two, after how many stages it runs.
    """

    def __init__(
        self,
        tensors: Values,
        dtype: npt.DTypeLike,
        stages: Sequence[tuple[str, Formula]],
        given: Iterable[str],
        checks: Mapping[int, Sequence[Check]],
        forms: Shapes,
    ) -> None:
        super().__init__(tensors, dtype, forms)
        self._given = frozenset(given)
        self._versions: Counter[str] = Counter()
        self._kept: dict[Key, Value] = {}
        self._wanted = self._repeated(stages)
        self._versions.clear()
        self.once_a_batch: list[str] = []
        self.every_update: list[str] = []
        self.told: tuple[list[int], list[int]] = [], []
        for done, (target, formula) in enumerate(stages, 1):
            self.every_update += self.lines(target, formula)
            for check in checks.get(done, ()):
                self.every_update += self._guard(done, check)
            for before, lines in zip(self.told, (self.once_a_batch, self.every_update), strict=True):
                before.extend([done - 1] * (len(lines) - len(before)))

    def _guard(self, done: int, check: Check) -> list[str]:
        """The code of a check."""
        if check.formula is None:
            return [f"return {done}"]
        self._start(check.formula)
        value = self._value(check.formula.tree)
        condition = value.code if check.test is None else f"{self._bind(check.test, 'test')}({value.code})"
        self._release(value)
        return [*self._lines, f"if {condition}: return {done}"]

    def lines(self, target: str, formula: Formula) -> list[str]:
        """As :meth:`Compiler.lines`; what the target was is gone from then on."""
        made = super().lines(target, formula)
        self._versions[target] += 1
        return made

    def _key(self, tree: Tree) -> Key:
        return tree, tuple((name, self._versions[name]) for name in names(tree))

    def _repeated(self, stages: Sequence[tuple[str, Formula]]) -> set[Key]:
        """The parts that occur more than once, or depend on the batch alone."""
        seen: set[Key] = set()
        wanted: set[Key] = set()

        def visit(tree: Tree) -> None:
            if _computes(tree):
                key = self._key(tree)
                if key in seen or self._given.issuperset(names(tree)):
                    wanted.add(key)
                    return
                seen.add(key)
            for child in tree.children():
                visit(child)

        for target, formula in stages:
            visit(formula.tree)
            self._versions[target] += 1
        return wanted

    def _value(self, tree: Tree, out: Value | None = None) -> Value:
        if not _computes(tree) or (key := self._key(tree)) not in self._wanted or out is not None or is_open(self._shape(tree)):
            return super()._value(tree, out)
        if key not in self._kept:  # it is computed into a buffer of its own
            buffer, lines = np.empty(self._shape(tree), self._dtype(tree)), self._lines
            if names(tree) and self._given.issuperset(names(tree)):
                self._lines = self.once_a_batch
            self._kept[key] = super()._value(tree, Value(self._bind(buffer, "kept"), buffer.shape, buffer.dtype))
            self._lines = lines
        return self._kept[key]


def _computes(tree: Tree) -> bool:
    """Whether a node is work, done row by row: not a name, a number or a view, and not made of a view but by a product."""
    if not isinstance(tree, Operation) or not any(isinstance(node, Name) for node in walk(tree)):
        return False
    return is_product(tree) or not any(
        is_layout(node) or (isinstance(node, Call | Length) and not operation(node)[0].cellwise and not operation(node)[0].reduces)
        for node in walk(tree)
    )


def piece_name(letter: str, piece: int) -> str:
    """What a piece of all tensors that a letter of the optimizer's row stands for is called, unlike any tensor."""
    return f"{letter}#{piece}"


def fuse_updates(stages: Sequence[Stage], rule: Rule, pieces: int) -> list[tuple[str, Formula]] | None:
    """The optimizer's steps over all parameters at once, as assignments to the first piece of each letter, then to the second and so
    on: pieces that are small enough for the processor's cache.

    Only additions, multiplications and the like, which give the same bits however the numbers are laid out; None where
    a step is the user's own or needs other functions.
    """
    chosen = [stage for stage in stages if stage.phase is Phase.UPDATE]
    if any(stage.edited for stage in chosen) or not pieces or not rule.steps:
        return None
    flat = ("w", "g", *rule.slots)
    if not all(_exact(node, flat) for _, formula in rule.steps for node in walk(formula.tree)):
        return None
    fused = [(stage.name, stage.formula) for stage in chosen if stage.operation not in (rule.name, KEPT)]
    for piece in range(pieces):
        named = {letter: Name(piece_name(letter, piece)) for letter in flat}
        fused += [(named[target].name, Formula.of(substitute(formula.tree, named))) for target, formula in rule.steps]
    return fused + [(stage.name, stage.formula) for stage in chosen if stage.operation == KEPT]  # which may read what they have made


def _exact(node: Tree, flat: Sequence[str]) -> bool:
    """Whether a node is rounded in one way only, whatever the layout (scalars are no layout)."""
    if not set(names(node)).intersection(flat):
        return True
    if isinstance(node, Binary):
        return node.operator in ("+", "-", "*", "/") or (node.operator == "**" and getattr(node.right, "value", 0) == 2.0)
    return not isinstance(node, Call) or node.function == "sqrt"
