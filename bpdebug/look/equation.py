"""A stage as matrices side by side: what its formula is made of, with the values that it saw.

A formula is taken apart as far as it is written without parentheses: ``da2 * a2 * (1 - a2)`` has three operands, and the last one is
worked out. A product of matrices, a sum over an axis and a function of one tensor say which cells of their operands go into which
cell of the result.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby

import numpy as np

from bpdebug.core.cells import Cell, Cells, NamedCell
from bpdebug.core.description import Array, Values
from bpdebug.core.expansion import constant_of
from bpdebug.core.functions import COMPARISONS, FUNCTIONS
from bpdebug.core.network import Node, Phase
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.render import SIGNS, Style, render_cell, render_name, to_columns, turns
from bpdebug.core.schedule import Stage
from bpdebug.core.sources import Letters
from bpdebug.core.structure import Forms
from bpdebug.core.tree import Binary, Call, Listing, Name, Number, Transpose, Tree, Unary, is_product, names
from bpdebug.look.explanation import UNICODE
from bpdebug.look.seen import last_computed, operands_seen
from bpdebug.look.slices import Chosen, Slice, owner_of, slice_at, slice_behind
from bpdebug.time.timeline import Timeline

Axes = tuple[str, str]
ROW, COLUMN = "i", "j"
_SUMMED = "klpquv"


class Operand(Record, eq=False):
    """A matrix, or a number, of an equation.

    Attributes:
        caption: what it is called.
        value: in two axes; in none for a number.
        axes: what its rows and its columns run along: the rows (i) or the columns (j) of the result, an axis that is summed (another
            letter), or nothing where there is only one.
        whole: the axes all of whose cells go into one cell of the result, although the result has them too.
        folded: the axis that is summed into the result beside it: 0, 1, or None.
        name: the tensor, or "" for what is worked out.
        part: what of the tensor is shown.
    """

    caption: str
    value: Array
    axes: Axes = (ROW, COLUMN)
    whole: frozenset[str] = frozenset()
    folded: int | None = None
    name: str = ""
    part: Slice = Slice((), (None, None), ())

    def parts_of(self, cell: tuple[int, int]) -> tuple[int | None, int | None]:
        """The row and the column that go into a cell of the result; None for all of them."""
        places = {ROW: cell[0], COLUMN: cell[1], "": 0}
        row, column = (None if axis in self.whole else places.get(axis) for axis in self.axes)
        return row, column

    def cell(self, row: int, column: int) -> NamedCell | None:
        """The tensor and its cell that stands in a row and column; None for what is worked out."""
        return (self.name, self.part.index(row, column)) if self.name else None

    def place(self, index: Cell) -> tuple[int, int] | None:
        """The row and column that a cell of the tensor stands in, where it is shown."""
        return self.part.place(index) if self.part.holds(index) else None


Piece = Operand | str


class Equation(Record, eq=False):
    """A stage, taken apart.

    Attributes:
        stage: which one.
        result: what it has computed.
        sign: ``=``, or ``←`` where a tensor is made of its own value before.
        pieces: operands, and the signs between them.
        cell: the row and column of the result that are looked at, or None.
        inside: whether its cells are walked through, so that those after ``cell`` are still to come.
    """

    stage: Stage
    result: Operand
    sign: str
    pieces: tuple[Piece, ...]
    cell: tuple[int, int] | None
    inside: bool

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The matrices and numbers on the right."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Operand))


def equation_of(
    timeline: Timeline,
    selected: NamedCell | None,
    style: Style = UNICODE,
    inside: bool = False,
    axes: Mapping[str, Chosen] | None = None,
) -> Equation | None:
    """The stage that made the selected cell, else the one that has just run, as matrices; None where no stage has run.

    Args:
        timeline: at the present moment.
        selected: a tensor and a cell of it.
        style: how names are written, and whether samples are rows.
        inside: whether the cells are walked through one by one.
        axes: which two axes the user wants to see of some tensors.
    """
    program, position = timeline.program, timeline.position
    name, index = selected or ("", ())
    computed = last_computed(program, position, name)
    if computed is None:
        name, index, computed = position.stage or "", (), position.t
    values = timeline.machine.moment()
    if name not in values:
        return None
    stage = timeline.program_at(computed - 1).stage(name)
    seen, known = operands_seen(timeline, stage, computed), timeline.machine.shapes()
    matrices = all(len(known.get(one, ())) in (0, 2) for one in (name, *seen))
    style = replace(style, columns=style.columns and matrices and turns(stage.formula.tree))
    chosen = selected is not None and selected[0] == name
    wanted = (axes or {}).get(owner_of(program, name)) if not _multiplies(stage.formula.tree) else None
    part = slice_at(known[name], index if chosen else (0,) * len(known[name]), style.columns, wanted)
    result = Operand(render_name(name, style), _table(values[name], part), name=name, part=part)
    cell = part.place(index) if chosen else None
    with np.errstate(all="ignore"):
        taking = _Taking(stage, seen, style, program.dtype, part, cell or (0, 0))
        node = next((node for node in program.network.nodes if node.output == name), None)
        pieces = tuple(_joined(taking.pieces(node)))
    sign = "←" if name in stage.formula.names else "="
    return Equation(stage, result, sign, pieces, cell, inside)


def _table(value: Array, part: Slice) -> Array:
    """A part of a value in two axes; a number stays one."""
    value = value.astype(float) if value.dtype.kind in "biu" else value
    return part.table(value) if value.ndim else value


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    """The pieces, signs that follow one another in one."""
    for signs, run in groupby(pieces, lambda piece: isinstance(piece, str)):
        together = list(run)
        yield from filter(None, ["".join(map(str, together))]) if signs else together


class _Taking:
    """Takes a stage apart.

    Args:
        stage: which one.
        values: what the stage saw.
        style: how names are written; in the column convention every tensor is turned.
        dtype: the precision of literals.
        part: what of the result is shown.
        cell: the row and column of it that are looked at.
    """

    def __init__(self, stage: Stage, values: Values, style: Style, dtype: np.dtype[np.generic], part: Slice, cell: tuple[int, int]) -> None:
        shown = dict(zip(part.axes, (ROW, COLUMN), strict=True))
        self._axes: Letters = tuple(shown.get(axis, place) for axis, place in enumerate(part.at)) if part.others else (ROW, COLUMN)
        self._places = {ROW: cell[0], COLUMN: cell[1]}
        self._values = {name: value.T if style.columns else value for name, value in values.items()}
        self._shapes = Forms(self._values)
        self._style, self._letters, self._stage = style, iter(_SUMMED * 8), stage
        tree = stage.formula.tree
        self._cells = Cells(Formula.of(to_columns(tree) if style.columns else tree), self._values, dtype)

    def pieces(self, node: Node | None) -> list[Piece]:
        """The right side of the stage; one that the listing shows as a function of one tensor is shown as that."""
        stage, tree = self._stage, self._cells.formula.tree
        tensors = [name for name in names(tree) if self._shapes[name]]
        symbol = OPERATIONS[stage.operation].symbol if node and stage.short else ""
        if symbol and stage.phase is Phase.FORWARD and len(tensors) == 1:
            before, after = re.split(r"{\w+}", symbol)
            operand = replace(self._operand(Name(tensors[0]), self._axes), whole=frozenset(_folded(tree, self._axes)))
            return [before, operand, after]
        pieces = self._pieces(tree, self._axes)
        summand = symbol.format(**node.arguments) if node else ""
        return [replace(p, caption=summand) if summand and isinstance(p, Operand) and p.axes[0] not in "ij" else p for p in pieces]

    def _pieces(self, tree: Tree, axes: Letters, top: bool = True) -> list[Piece]:
        """The operands and signs of a formula whose result runs along two axes."""
        match tree:
            case Binary("+" | "-" as sign, left, right):
                return [*self._term(left, axes), f" {SIGNS.get(sign, sign)} ", *self._term(right, axes, last=True)]
            case Binary("*" | "/" | "@"):
                return self._product(tree, axes)
            case Binary(sign, left, right) if sign in COMPARISONS:
                return [self._operand(left, axes), f" {SIGNS.get(sign, sign)} ", self._operand(right, axes)]
            case Call() if tree.reduces or top:
                return self._call(tree, axes)
            case Unary(_, operand) if top and not isinstance(operand, Name) and not _is_sum(operand):
                return ["−", *self._pieces(operand, axes, top=False)]
        return [self._operand(tree, axes)]

    def _term(self, tree: Tree, axes: Letters, last: bool = False) -> list[Piece]:
        """A summand: one that is a multiple of a single tensor is worked out, so that what is added can be seen."""
        factors = _factors(tree)
        whole = last if _is_sum(tree) else len(factors) > 1 and sum(self._cells.value(factor).ndim > 0 for factor in factors) == 1
        return [self._operand(tree, axes)] if whole else self._pieces(tree, self._own(tree, axes), top=False)

    def _product(self, tree: Binary, axes: Letters) -> list[Piece]:
        if tree.operator == "@":
            first, second = (self._operand(*source) for source in self._cells.sources(tree, axes, next(self._letters)))
            return [first, " · ", second]
        scalar = not (self._cells.value(tree.left).ndim and self._cells.value(tree.right).ndim)
        sign = " / " if tree.operator == "/" else " · " if scalar else " ⊙ "
        open_left = isinstance(tree.left, Binary) and tree.left.operator in ("*", "/", "@")  # it has no parentheses
        split = self._pieces(tree.left, self._own(tree.left, axes), top=False) if open_left or _folds(tree.left) else None
        right = self._pieces(tree.right, axes) if _folds(tree.right) else [self._operand(tree.right, axes)]
        return [*(split or [self._operand(tree.left, axes)]), sign, *right]

    def _call(self, tree: Call, axes: Letters) -> list[Piece]:
        if not tree.reduces:
            if not FUNCTIONS[tree.function].cellwise:
                first, value = tree.arguments[0], self._cells.value(tree)
                single = len(tree.arguments) == 1 and not isinstance(first, Listing)
                if single and self._cells.value(first).shape == value.shape:  # any cell may go into any other
                    pieces = self._pieces(first, axes[len(axes) - value.ndim :], top=False)
                    inner = [replace(p, whole=frozenset(p.axes)) if isinstance(p, Operand) else p for p in pieces]
                    return [f"{tree.function}(", *inner, ")"]
                shown = [piece for name in names(tree) for piece in (", ", self._operand(Name(name), self._behind(tree, name)))]
                return [f"{tree.function}(", *shown[1:], ")"]
            rest: list[Piece] = [piece for one in tree.arguments for piece in (", ", self._operand(one, axes))]
            return [f"{tree.function}(", *rest[1:], ")"]
        letters = [next(self._letters) for _ in self._cells.folded(tree)]
        [(argument, along)] = self._cells.sources(tree, axes[len(axes) - self._cells.value(tree).ndim :], letters)
        operand, own = self._operand(argument, along), tree.folded(len(letters))
        sides = [own[0] + 2 - len(letters)] if len(letters) < 3 else [side for side, axis in enumerate(operand.axes) if axis in letters]
        operand = replace(operand, folded=None if tree.axis is None or len(own) > 1 else [*sides, None][0])
        return [f"{'Σ' if tree.function == 'sum' else tree.function} ", operand]

    def _behind(self, tree: Call, name: str) -> Letters:
        part = slice_behind(tree, name, self._values, tuple(self._places[at] if isinstance(at, str) else at for at in self._axes))
        return (*part, next(self._letters), next(self._letters)) if part is not None else ()

    def _own(self, tree: Tree, axes: Letters) -> Letters:
        """The axes of an operand of an elementwise operation: one of length 1 is stretched."""
        return (*axes[: max(2 - self._cells.value(tree).ndim, 0)], *self._cells.stretched(tree, axes))

    def _operand(self, tree: Tree, axes: Letters) -> Operand:
        """A formula as one matrix or number: of more than two axes those that run along with the result or are summed, at the cell that is
        looked at; of what has no axes in common with the result the last two, all of whose cells go into each cell."""
        if isinstance(tree, Number) or (isinstance(tree, Name) and constant_of(tree) is not None and tree.name not in self._values):
            return Operand("", self._cells.value(tree))
        value, inner = self._cells.value(tree), tree.operand if isinstance(tree, Transpose) and self._cells.value(tree).ndim < 3 else tree
        loose = len(axes) < value.ndim
        own = tuple(next(self._letters) for _ in value.shape) if loose else self._cells.stretched(tree, axes)
        letters = [axis for axis, place in enumerate(own) if isinstance(place, str)]
        letters.sort(key=lambda axis: own[axis] in (ROW, COLUMN) and value.ndim > 2)  # what is summed is shown first
        more = [axis for axis in reversed(range(value.ndim)) if axis not in letters]
        shown = tuple(sorted([*letters, *more][:2] if not loose else range(value.ndim)[-2:]))
        sides = [*[None] * (2 - len(shown)), *shown]
        self._settle(value, own, shown)
        at = tuple(self._places.get(place, 0) if isinstance(place, str) else place for place in own)
        part, name = Slice(value.shape, (sides[0], sides[1]), at), inner.name if isinstance(inner, Name) else ""
        across = tuple("" if side is None or isinstance(own[side], int) else str(own[side]) for side in sides)
        turned = value.ndim == 2 and self._style.columns != (inner is not tree)
        return Operand(
            render_cell(tree, replace(self._style, columns=False), self._shapes),
            _table(value, part),
            (across[0], across[1]),
            frozenset(across) if loose else frozenset(),
            name=name,
            part=Slice(value.shape[::-1], (1, 0), at[::-1]) if turned else part,
        )

    def _settle(self, value: Array, own: Letters, shown: Collection[int]) -> None:
        """Of axes that are summed up and not shown: the place where the largest number stands."""
        hidden = [axis for axis, place in enumerate(own) if axis not in shown and isinstance(place, str) and place not in self._places]
        if hidden and value.size:
            at = (place if isinstance(place, int) else self._places.get(place, 0) for place in own)
            part = np.abs(value[tuple(slice(None) if axis in (*shown, *hidden) else place for axis, place in enumerate(at))])
            largest = dict(zip(sorted({*shown, *hidden}), np.unravel_index(np.nan_to_num(part).argmax(), part.shape), strict=True))
            self._places |= {str(own[axis]): int(largest[axis]) for axis in hidden}


def _is_sum(tree: Tree) -> bool:
    return isinstance(tree, Binary) and tree.operator in "+-"


def _multiplies(tree: Tree) -> bool:
    """Whether there is a product of matrices in it, which is one over the last two axes only."""
    return is_product(tree) or any(map(_multiplies, tree.children()))


def _folds(tree: Tree) -> bool:
    return isinstance(tree, Call) and tree.reduces


def _factors(tree: Tree) -> list[Tree]:
    if isinstance(tree, Binary) and tree.operator in ("*", "/"):
        return [*_factors(tree.left), *_factors(tree.right)]
    return [tree]


def _folded(tree: Tree, axes: Letters) -> set[str]:
    """The axes along which a formula folds something."""
    own = (
        {str(axes[axis]) for axis in tree.folded(len(axes))}
        if isinstance(tree, Call) and tree.axis is not None and tree.keepdims
        else set()
    )
    return own.union(*(_folded(child, axes) for child in tree.children()))
