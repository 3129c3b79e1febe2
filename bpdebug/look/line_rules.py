"""The rule behind a gradient: the derivatives on its way back through one line, and why there are sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from math import prod

from bpdebug.core.functions import COMPARISONS, FUNCTIONS
from bpdebug.core.network import Node, Phase
from bpdebug.core.operation import Operation as Row
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.render import Style, render, render_name
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import GENERIC_ROWS, Shape, Shapes, infer
from bpdebug.core.texts import DERIVATIVES, PHRASES, REASONS
from bpdebug.core.tree import ONE, Binary, Call, Name, Operation, Transpose, Tree, Unary, View, is_product, literal, names, walk
from bpdebug.look.inside import Inner, Way, inner_of, ways
from bpdebug.look.slopes import NoSlope, slope_of
from bpdebug.time.parts import activation_of

_U = Name("u")
_WAYS, _FACTS = 3, 4
"""Ways through one line, and derivatives on them, that are told."""


def line_rule(program: Program, stage: Stage, node: Node, style: Style, shapes: Shapes) -> str:
    """Where the formula of a gradient comes from, in a few sentences.

    Args:
        program: as it holds when the stage runs.
        stage: the gradient, or an inner value.
        node: the line that it comes back through.
        style: how formulas are written.
        shapes: of every tensor.
    """
    read = [inner for name in stage.formula.names if (inner := inner_of(program, name)) and inner.node is node and inner.part]
    own = inner_of(program, stage.name)
    target = own.part if own and own.part else Name(stage.of)
    begin = next((inner for inner in reversed(read) if inner.part and [*islice(ways(inner.part, target), 1)]), None)
    start = begin.part if begin and begin.part else node.value
    return Rule(program, node, style, shapes).told(stage, start, target, begin, own)


class Rule:
    """Writes the rule of a way through a line, be it one of a script or one that stands for a layer."""

    def __init__(self, program: Program, node: Node, style: Style, shapes: Shapes) -> None:
        self.program, self.node, self.style, self.shapes = program, node, style, shapes
        self.layered = node.operation.name != "line"

    def told(self, stage: Stage, start: Tree, target: Tree, begin: Inner | None, own: Inner | None) -> str:
        """The sentences."""
        found = [*islice(ways(start, target), _WAYS)]
        facts = dict.fromkeys(fact for way in found for fact in self._facts(way))
        reasons = dict.fromkeys(reason for way in found for reason in self._reasons(way))
        several = [PHRASES["several ways"].format(name=self.text(target))] * (len(found) > 1)
        inside = [PHRASES["inside"].format(part=self.text(own.part))] if own and own.part else []
        return self.said(stage, facts, [*reasons, *several, *inside], begin)

    def said(self, stage: Stage, facts: Iterable[str], reasons: Iterable[str], begin: Inner | None = None) -> str:
        """The line with these derivatives and what arrives; of a layer what the stage means; and why it is so."""
        short = self.node.phase is Phase.FORWARD and self.node.short
        line = f"{render_name(self.node.output, self.style)} = {short or self.text(self.node.value)}"
        said = PHRASES["from" if facts else "from alone"].format(line=line, facts=", ".join(islice(facts, _FACTS)))
        arriving = self.program.gradients.get(self.node.output, "")
        if begin and begin.part:
            name = next(name for name in stage.formula.names if inner_of(self.program, name) is begin)
            said += PHRASES["times inner"].format(arriving=render_name(name, self.style), part=self.text(begin.part))
        elif arriving in stage.formula.names:
            said += PHRASES["times"].format(arriving=render_name(arriving, self.style))
        if not self.layered:
            return " ".join([f"{said}.", *reasons])
        edited = self.program.stage(self.node.output).edited
        own = [PHRASES["forward is own"].format(line=line)] * edited
        return " ".join(filter(None, [f"{said}.", stage.meaning, *reasons, *own]))

    def text(self, tree: Tree) -> str:
        """A formula over tensors."""
        return render(tree, self.style, self.shapes)

    def _shape(self, tree: Tree) -> Shape:
        return infer(Formula.of(tree), self.shapes)

    def _facts(self, way: Way) -> Iterator[str]:
        """The derivatives on a way, the outermost first; of what only adds, that it is 1."""
        found = [fact for parent, child in way if (fact := self._fact(parent, child))]
        if (
            way
            and not found
            and all(isinstance(parent, Binary) and parent.operator in "+-" for parent, _ in way)
            and isinstance(way[-1][1], Name)
        ):
            found = [self.slope(f"({self.text(way[-1][0])})", self.text(way[-1][1]), "1")]
        yield from found

    def _fact(self, parent: Tree, child: Tree) -> str:
        """The derivative of a node with respect to the one below it; "" where there is none that could be written in a line."""
        taken = activation_of(parent)
        if taken and OPERATIONS[taken[0]].symbol:
            return self._of_activation(taken[0], parent, child)
        match parent:
            case Binary("@", left, right):
                other = right if child == left else left
                tables = min(len(self._shape(left)), len(self._shape(right))) > 1
                return self._of_parts(parent, child, Transpose(other)) if tables else ""
            case Binary("+") | Binary("-", _) if parent.operator == "+" or child == parent.left:
                return ""
            case Binary() | Unary() | Call() if not (isinstance(parent, Call) and parent.reduces):
                return self._of_parts(parent, child)
        return ""

    def _of_activation(self, name: str, parent: Tree, child: Tree) -> str:
        row, inner = OPERATIONS[name], child if isinstance(child, Name) else _U
        shown = row.symbol.format(z=self.text(inner))
        arguments = {constant: literal(value) for constant, value in row.constants.items()} | {"z": inner}
        return self.of_row(row, "z", arguments, self.node.output if parent == self.node.value else shown, shown)

    def of_row(self, row: Row, argument: str, arguments: Mapping[str, str | Tree], output: str, shown: str) -> str:
        """The derivative of an operation of the table, of a comparison what that comes to; "" where a cell depends on several.

        Args:
            row: the operation.
            argument: with respect to which argument of the row.
            arguments: what they are here.
            output: what the operation makes.
            shown: the same as it is written.
        """
        if _several(row, argument):
            return ""
        inner, slope = arguments[argument], row.gradient(argument, arguments, output, ONE)
        text = render(slope, self.style, self._with_letter((), slope))
        compares = isinstance(slope, Binary) and slope.operator in COMPARISONS
        variable = render_name(inner, self.style) if isinstance(inner, str) else self.text(inner)
        return self.slope(shown, variable, PHRASES["step"].format(condition=text) if compares else text)

    def _of_parts(self, parent: Tree, child: Tree, slope: Tree | None = None) -> str:
        """The derivative by the name of what stands below, or by ``u``, where that is longer or stands in more places."""
        once = isinstance(child, Name) and sum(part == child for part in walk(parent)) == 1
        function = parent if once else _with_letter(parent, child)
        variable = child.name if once and isinstance(child, Name) else "u"
        try:
            slope = slope or slope_of(function, variable)
        except NoSlope:
            return ""
        shapes = self._with_letter(self._shape(child), function, slope)
        shown = render(function, self.style, shapes)
        shown = shown if isinstance(function, Call) else f"({shown})"
        return self.slope(shown, render_name(variable, self.style), render(slope, self.style, shapes))

    def _with_letter(self, shape: Shape, *trees: Tree) -> dict[str, Shape]:
        """The shapes of what some formulas read, ``u`` among them."""
        read = (name for tree in trees for name in names(tree))
        return {name: self.shapes[name] for name in read if name in self.shapes} | {"u": shape}

    def slope(self, function: str, variable: str, slope: str) -> str:
        """``∂log(u)/∂u = 1/u``."""
        return PHRASES["slope"].format(function=function, variable=variable, slope=slope)

    def _reasons(self, way: Way) -> Iterator[str]:
        """Why what comes back is added up, shared or moved, the outermost first."""
        for parent, child in way:
            taken = activation_of(parent)
            if taken and _several(OPERATIONS[taken[0]]):
                yield str(DERIVATIVES[taken[0]])
            elif is_product(parent):
                yield from self._of_product(parent, child)
            elif isinstance(parent, View) or (isinstance(parent, Call) and not parent.reduces and not FUNCTIONS[parent.function].slopes):
                yield REASONS.get(parent.function if isinstance(parent, Call) else "laid out", REASONS["laid out"])
            elif isinstance(parent, Call) and parent.reduces:
                yield from self._of_fold(parent, child)
            elif isinstance(parent, Operation):
                yield from [REASONS[parent.function]] if isinstance(parent, Call) and parent.function in REASONS else []
                yield from self._stretched(parent, child)

    def _of_product(self, product: Binary, child: Tree) -> Iterator[str]:
        right = child == product.right
        operands = {"first": self.text(product.left), "second": self.text(product.right)}
        if isinstance(product.right, Name) and product.right.name in self.program.parameters:
            yield REASONS["@ right" if right else "@ left"].format(**operands)
            yield from self._shared(child, self._shape(product.left)[:-1], product) if right and self.layered else ()
        before = self._shape(product)[:-2]
        if self._shape(child)[:-2] != before:
            yield from self._shared(child, before, product)

    def _of_fold(self, fold: Call, child: Tree) -> Iterator[str]:
        cells = max(prod(self._shape(child)) // max(prod(self._shape(fold)), 1), 1)
        if f"fold {fold.function}" in REASONS and cells > 1:
            yield REASONS[f"fold {fold.function}"].format(count=cells)

    def _stretched(self, parent: Tree, child: Tree) -> Iterator[str]:
        """That one number counts for several, where it does."""
        if not isinstance(parent, Binary | Call) or self._shape(child) == self._shape(parent):
            return
        wide, own = self._shape(parent), self._shape(child)
        aligned = (1,) * (len(wide) - len(own)) + own
        yield from self._shared(child, tuple(n if n != other else 1 for n, other in zip(wide, aligned, strict=True)), parent)

    def _shared(self, child: Tree, lengths: Shape, parent: Tree) -> Iterator[str]:
        """Over what a part of the line is shared: the axes of those lengths, where they are longer than 1."""
        samples = self._samples(parent)
        over = [f"{n} samples" if axis == samples else f"{n} places of axis {axis}" for axis, n in enumerate(lengths) if n > 1]
        if over and self.layered:
            yield REASONS["stretched"].format(name=self.text(child))
        elif over:
            yield REASONS["shared"].format(name=self.text(child), over=PHRASES["and"].join(over))

    def _samples(self, tree: Tree) -> int | None:
        """The axis along which a part of the line has a place for each sample."""
        if not self.program.network.generic:
            return None
        few, more = (infer(Formula.of(tree), self.program.shapes(rows)) for rows in (GENERIC_ROWS, 2 * GENERIC_ROWS))
        return next((axis for axis, (n, other) in enumerate(zip(few, more, strict=True)) if n != other), None)


def _several(row: Row, argument: str = "z") -> bool:
    """Whether a cell of what an operation makes depends on several of an argument."""
    return sum(part == Name("g") for part in walk(row.gradients[argument].tree)) > 1


def _with_letter(tree: Tree, part: Tree) -> Tree:
    """The tree with ``u`` in the first place where a part stands directly below it."""
    first = next(place for place, child in enumerate(tree.children()) if child == part)
    places = iter(range(len(tree.children())))
    return tree.rebuilt(lambda child: _U if next(places) == first else child)
