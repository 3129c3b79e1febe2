"""The rule behind a backward stage: the forward line that it differentiates, and the derivatives that this takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.functions import COMPARISONS, FUNCTIONS
from bpdebug.core.network import Node, Phase
from bpdebug.core.numbers import written
from bpdebug.core.parser import Formula, parse
from bpdebug.core.products import without_ones
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.render import Style, render, render_name
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shape
from bpdebug.core.structure import Forms
from bpdebug.core.texts import PHRASES, REASONS
from bpdebug.core.tree import ONE, Binary, Call, Name, Number, Transpose, Tree, names, walk
from bpdebug.look.cancelling import fused
from bpdebug.look.inside import inner_of
from bpdebug.look.line_rules import line_rule
from bpdebug.look.slopes import NoSlope, functions_of, slope_of, terms_of
from bpdebug.look.voice import Scene

_U = Name("u")


def rule_of(program: Program, stage: Stage, style: Style, shapes: Mapping[str, Shape]) -> str:
    """Where the formula of a backward stage comes from, in a few sentences; "" for a stage that is no gradient.

    Args:
        program: as it holds when the stage runs.
        stage: one of its stages.
        style: how formulas are written.
        shapes: of every tensor.
    """
    if not stage.of:
        return ""
    if stage.left:
        return stage.meaning
    if stage.original and not stage.replaced:
        stage = stage.original  # a script's line, written otherwise than it would be derived
    if stage.derived:
        return PHRASES["rule is own"].format(derived=render(stage.derived.tree, style, shapes))
    read = (node for node in program.network.nodes if stage.of in node.arguments.values() and stage.through in ("", node.output))
    users = [node for node in read if stage.of in node.inputs.values()]
    if len(users) != 1:
        return stage.meaning
    node, writer = users[0], _Writer(style, shapes)
    if node.operation.name == "line":
        return line_rule(program, stage, node, style, shapes)
    facts, reasons = writer.facts(node, stage.of)
    arriving = program.gradients.get(node.output, "")
    line = writer.line(node)
    said = [PHRASES["from" if facts else "from alone"].format(line=line, facts=", ".join(facts)), stage.meaning, *reasons]
    if arriving in stage.formula.names:
        said[0] += PHRASES["times"].format(arriving=render_name(arriving, style))
    said[0] += "."
    if program.stage(node.output).edited:
        said.append(PHRASES["forward is own"].format(line=line))
    return " ".join(filter(None, said))


def rule_told(scene: Scene) -> str:
    """What a stage does; of a gradient, the rule behind it, and what is left where factors cancel."""
    program, stage, shapes = scene.program, scene.stage, Forms(scene.values)
    if stage.of:
        return " ".join(filter(None, [rule_of(program, stage, scene.style, shapes), _cancelled(scene, shapes)]))
    if (inner := inner_of(program, stage.name)) and not stage.edited:
        return line_rule(program, stage, inner.node, scene.style, shapes) if inner.part else stage.meaning
    first = _logarithm(stage) and not any(map(_logarithm, program.stages[: program.index[stage.name]]))
    return f"{stage.meaning} {PHRASES['ln']}" if first else stage.meaning


def _logarithm(stage: Stage) -> bool:
    return any(isinstance(node, Call) and node.function == "log" for node in walk(stage.formula.tree))


def _cancelled(scene: Scene, shapes: Mapping[str, Shape]) -> str:
    """What a gradient comes to where its factors and those of the gradient that arrives cancel; the numbers have to agree."""
    program, stage = scene.program, scene.stage
    formulas = {one.name: one.formula for one in program.stages}
    found = fused(formulas, stage.name, frozenset(one.name for one in program.stages if one.of), scene.values)
    if found is None or scene.disguised or any(one.left for one in program.stages):
        return ""
    expected = float(np.broadcast_to(evaluate(Formula.of(found.tree), scene.values), scene.values[stage.of].shape)[scene.index])
    told = {"name": render_name(found.put_in, scene.style), "stage": render_name(stage.name, scene.style)}
    told["fused"] = render(found.tree, scene.style, shapes)
    ones = "".join(PHRASES["adding to 1"].format(name=" ".join(names(one))) for one in found.ones)
    if abs(expected - scene.value) <= 1e-6 * abs(expected) + 1e-12:
        return PHRASES["cancels"].format(**told, ones=ones)
    return (
        ""
        if np.isfinite(scene.value) or not np.isfinite(expected)
        else PHRASES["cancels on paper"].format(**told, value=written(expected, scene.figures.result))
    )


class _Writer:
    """Writes what is known of a derivative in one style."""

    def __init__(self, style: Style, shapes: Mapping[str, Shape]) -> None:
        self.style, self.shapes = style, shapes
        self.single = replace(style, columns=False), {"u": (), "v": (), **dict.fromkeys("kj", ())}

    def line(self, node: Node) -> str:
        """The forward line: in its short form where that is a function's name."""
        text = node.short if node.short and node.phase is Phase.FORWARD else self.text(node.value)
        return f"{render_name(node.output, self.style)} = {text}"

    def text(self, tree: Tree) -> str:
        """A formula over tensors."""
        return render(tree, self.style, self.shapes)

    def grouped(self, tree: Tree) -> str:
        """The same, in parentheses unless it is a name or a call."""
        return self.text(tree) if isinstance(tree, Name | Call) else f"({self.text(tree)})"

    def sloped(self, tree: Tree) -> str:
        """A derivative; of one that is a comparison what that comes to."""
        compares = isinstance(tree, Binary) and tree.operator in COMPARISONS
        return PHRASES["step"].format(condition=self.text(tree)) if compares else self.text(tree)

    def slope(self, function: str, variable: str, slope: str) -> str:
        """``∂log(u)/∂u = 1/u``."""
        return PHRASES["slope"].format(function=function, variable=variable, slope=slope)

    def facts(self, node: Node, of: str) -> tuple[list[str], list[str]]:
        """The derivatives that a step back through a node takes, and why they are so."""
        argument = next(name for name, tensor in node.inputs.items() if tensor == of)
        shown = render_name(of, self.style)
        for product in walk(node.value):
            if isinstance(product, Binary) and product.operator == "@" and Name(of) in (product.left, product.right):
                return self._of_product(product, of)
        if node.operation.symbol and (node.phase is Phase.FORWARD or node.operation.fuses):
            row = node.operation.gradients[argument].tree
            tree = without_ones(node.operation.gradient(argument, node.arguments, node.output, ONE))
            alone = sum(isinstance(part, Name) and part.name == "g" for part in walk(row)) <= 1
            return [self.slope(node.short if node.phase is Phase.FORWARD else self.name_of(node), shown, self.sloped(tree))] * alone, []
        return self._of_terms(node.value, of)

    def name_of(self, node: Node) -> str:
        """The tensor that a node makes."""
        return render_name(node.output, self.style)

    def _of_product(self, product: Binary, of: str) -> tuple[list[str], list[str]]:
        right = product.right == Name(of)
        other = product.left if right else product.right
        fact = self.slope(self.grouped(product), render_name(of, self.style), self.text(Transpose(other)))
        operands = {"first": self.text(product.left), "second": self.text(product.right)}
        reasons = [REASONS["@ right" if right else "@ left"].format(**operands)]
        several = right and any(self.shapes.get(name, ())[:1] > (1,) for name in names(product.left))
        return [fact], reasons + [REASONS["stretched"].format(name=operands["second"])] * several

    def _of_terms(self, tree: Tree, of: str) -> tuple[list[str], list[str]]:
        """Of a sum cell by cell: what each term gives, by the rules of the functions in it."""
        concerned = [term for term in terms_of(tree) if of in names(term)]
        used, shown = functions_of(tree, of), render_name(of, self.style)
        try:
            given = [(term, slope_of(term, of)) for term in concerned]
        except NoSlope:
            return [], []
        if given == [(Name(of), ONE)]:
            facts = [self.slope(self.grouped(tree), shown, self.text(ONE))]
        else:
            gives = (PHRASES["gives"].format(term=self.text(term), slope=self.text(slope)) for term, slope in given)
            facts = [PHRASES["so"].format(facts=", ".join(self._of_functions(used, tree)), gives=PHRASES["and"].join(gives))]
        rows = {self.shapes[name][:1] for name in names(tree) if len(self.shapes.get(name, ())) == 2}
        shared = [REASONS["stretched"].format(name=shown)] * (len(rows) > 1 and self.shapes.get(of, (0,))[:1] == (1,))
        return facts, [*(REASONS[name] for name in used if name in REASONS), *shared]

    def _of_functions(self, used: list[str], tree: Tree) -> Iterator[str]:
        style, shapes = self.single
        for function in used:
            if function == "**":
                powers = (node.right for node in walk(tree) if isinstance(node, Binary) and node.operator == "**")
                power = Binary("**", _U, next(p for p in powers if isinstance(p, Number)))
                yield self.slope(render(power, style, shapes), "u", render(slope_of(power, "u"), style, shapes))
            elif FUNCTIONS[function].slopes:
                row = FUNCTIONS[function]
                call = Call(function, tuple(map(Name, "uv"[: row.arity])))
                yield self.slope(render(call, style, shapes), "u", render(parse(row.slopes[0]).tree, style, shapes))
