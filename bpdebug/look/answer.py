"""What a program answers to each sample: the value that its loss compares with the targets, found where the two meet.

What is made of the targets alone meets what the parameters have made: in a difference ``out - y``, as a factor ``y * log(p)``, in a
choice ``where(y, p, 1 - p)``, or as the place of the right class, ``logp[arange(len(y)), y]``. Where they meet in no such way, or several
values do, nothing is said to be the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from functools import lru_cache
from math import prod

import numpy as np

from bpdebug.core.misfits import shape_text
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.shapes import infer
from bpdebug.core.tree import ONE, Binary, Call, Index, Name, Tree, Unary, names, walk
from bpdebug.core.writing import to_text


class Answer(Record):
    """What is compared with what, as formulas over the forward pass.

    Attributes:
        value: the answer.
        target: what it is compared with.
        places: whether the targets are places along the answer's last axis, the numbers of classes.
        score: whether the answer's sign decides, or which of a sample's answers is the largest: it is no probability, and nothing that is
            to come near the targets.
    """

    value: Tree
    target: Tree
    places: bool = False
    score: bool = False

    @property
    def text(self) -> str:
        """The answer as a formula is written."""
        return to_text(self.value)


@lru_cache(8)
def answer_of(program: Program) -> Answer | str:
    """The answer of a program, or why none can be told."""
    if program.layers:
        return Answer(Name(program.prediction), Name(program.target))
    if not program.target:
        return "the program has no targets to compare an answer with"
    found = list(dict.fromkeys(_Meetings(program).all()))
    if not found:
        return f"{program.loss} compares no value with {program.target} in a way that tells which one is the answer"
    if len(found) > 1:
        told = " and ".join(dict.fromkeys(answer.text for answer in found))
        return f"{program.loss} compares {program.target} in several ways, with {told}: which one is the answer cannot be told"
    return _misfit(program, found[0]) or found[0]


def _misfit(program: Program, answer: Answer) -> str:
    """Why what meets the targets is no answer to each sample, or ""."""
    rows = program.batches.largest
    shapes = program.shapes(rows)
    own, wanted = (tuple(infer(Formula.of(tree), shapes)) for tree in (answer.value, answer.target))
    per_sample = own[:1] == wanted[:1] == (rows,)
    if not per_sample or (own[:-1] != wanted and answer.places) or (prod(own) != prod(wanted) and not answer.places):
        beside = f"{answer.text} ({shape_text(own)}) with {to_text(answer.target)} ({shape_text(wanted)})"
        return f"{program.loss} compares {beside}: that is no answer to each sample"
    y = program.data[program.target]
    y = y.reshape(len(y), -1)
    classes = np.isin(y, (0, 1)).all() or np.isin(y, (-1, 1)).all()
    if answer.score and not (answer.places or (classes and (y.shape[1] == 1 or ((y == 1).sum(axis=1) == 1).all()))):
        whose = ", whose numbers are no classes" * (to_text(answer.target) == program.target)
        told = f"{program.loss} multiplies {answer.text} by {to_text(answer.target)}{whose}"
        return f"{told}: which value is the answer cannot be told"
    return ""


def reached(program: Program, of: Set[str]) -> set[str]:
    """The tensors of the forward pass that depend on some of these, and these."""
    found = {*of}
    for stage in program.stages[: program.end_of(Phase.LOSS)]:
        if found.intersection(stage.formula.names):
            found.add(stage.name)
    return found


class _Meetings:
    """Where in a program of lines the targets meet what the parameters have made of the inputs."""

    def __init__(self, program: Program) -> None:
        self._lines = {stage.name: stage.formula.tree for stage in program.stages[: program.end_of(Phase.LOSS)]}
        self._target, self._learnt, self._fed = (reached(program, {*of}) for of in ([program.target], program.parameters, [program.input]))
        self._inputs, self._lost = bool(program.input), {program.loss}
        for name, value in reversed(self._lines.items()):
            self._lost.update(names(value) if name in self._lost else ())

    def _made_of(self, tree: Tree) -> str:
        """``target`` for what is made of the targets alone, ``answer`` for what is made of parameters, and of the inputs if there are any,
        ``fixed`` for what is made of neither, "" for all else."""
        read = {*names(tree)}
        target, learnt = bool(read & self._target), bool(read & self._learnt)
        if target == learnt:
            return "" if target else "fixed"
        return "target" if target else "answer" if read & self._fed or not self._inputs else ""

    def all(self) -> Iterator[Answer]:
        """What is compared with what, wherever that is so."""
        for part in (part for name, value in self._lines.items() if name in self._lost for part in walk(value)):
            match part:
                case Index(answer, (*_, Tree() as target)) if self._meet(answer, target):
                    yield self._told(answer, target, places=True)
                case Call("cross_entropy", (answer, target)) if self._meet(answer, target):
                    yield Answer(answer, target, places=True, score=True)
                case Binary("-" | "*" as sign, left, right):
                    for answer, target in ((left, right), (right, left)):
                        if self._meet(answer, target):
                            yield Answer(answer, target) if sign == "-" else self._told(answer, target)
                case Call("where", (target, *answers)):
                    yield from (self._told(answer, target) for answer in answers if self._meet(answer, target))

    def _meet(self, answer: Tree, target: Tree) -> bool:
        return self._made_of(answer) == "answer" and self._made_of(target) == "target"

    def _told(self, answer: Tree, target: Tree, *, places: bool = False) -> Answer:
        """The probability whose logarithm is taken; its rest to 1 stands for itself, as does the target's. Else the answer as it is."""
        found = self._logarithm_of(answer)
        target = target.operand if isinstance(target, Unary) else target
        match found, target:
            case Binary("-", one, rest), Binary("-", other, wanted) if one == ONE == other:
                found, target = rest, wanted
            case Binary("-", one, rest), _ if one == ONE:
                found = rest
        return Answer(found or answer, target, places, score=not found)

    def _logarithm_of(self, tree: Tree) -> Tree | None:
        """What a logarithm is taken of, without signs, factors and bounds that are fixed; None where none is taken."""
        logarithm = False
        while True:
            match self._lines.get(tree.name, tree) if isinstance(tree, Name) and not logarithm else tree:
                case Call("log", (operand,)):
                    tree, logarithm = operand, True
                case Call("log_softmax"):
                    return Call("exp", (tree,))
                case Unary("-", operand) if not isinstance(tree, Name):
                    tree = operand
                case Call("clip" | "maximum" | "minimum", (operand, *rest)) if logarithm and {*map(self._made_of, rest)} == {"fixed"}:
                    tree = operand
                case Binary("+" | "-" | "*" | "/" as sign, operand, rest) if self._made_of(rest) == "fixed" and not isinstance(tree, Name):
                    if logarithm and sign in "*/":
                        return tree
                    tree = operand
                case _:
                    return tree if logarithm else None
