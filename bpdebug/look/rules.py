"""The rule behind a backward stage: the forward line that it differentiates, and the derivatives that this takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.network import Phase
from bpdebug.core.numbers import written
from bpdebug.core.parser import Formula, parse
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.render import Style, render, render_name
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shapes
from bpdebug.core.structure import Forms
from bpdebug.core.texts import PHRASES, REASONS
from bpdebug.core.tree import Binary, Call, Name, Number, Tree, names, walk
from bpdebug.look.cancelling import fused
from bpdebug.look.inside import inner_of
from bpdebug.look.line_rules import Rule, line_rule
from bpdebug.look.slopes import NoSlope, functions_of, slope_of, terms_of
from bpdebug.look.voice import Scene

_U = Name("u")


def rule_of(program: Program, stage: Stage, style: Style, shapes: Shapes) -> str:
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
    node = users[0]
    told = node.operation.name != "line" and (node.operation.symbol or node.phase is Phase.LOSS)
    return _TableRule(program, node, style, shapes).of_node(stage) if told else line_rule(program, stage, node, style, shapes)


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


def _cancelled(scene: Scene, shapes: Shapes) -> str:
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


class _TableRule(Rule):
    """The rule of an activation, or of a loss term by term."""

    def of_node(self, stage: Stage) -> str:
        """The sentences."""
        node, row = self.node, self.node.operation
        if node.phase is Phase.LOSS and not row.fuses:
            return self.said(stage, *self._of_terms(node.value, stage.of))
        argument = next(name for name, tensor in node.inputs.items() if tensor == stage.of)
        shown = node.short if node.phase is Phase.FORWARD else render_name(node.output, self.style)
        return self.said(stage, [*filter(None, [self.of_row(row, argument, node.arguments, node.output, shown)])], [])

    def _of_terms(self, tree: Tree, of: str) -> tuple[list[str], list[str]]:
        """Of a sum cell by cell: what each term gives, by the rules of the functions in it."""
        used = functions_of(tree, of)
        try:
            given = [(term, slope_of(term, of)) for term in terms_of(tree) if of in names(term)]
        except NoSlope:
            return [], []
        gives = (PHRASES["gives"].format(term=self.text(term), slope=self.text(slope)) for term, slope in given)
        facts = [PHRASES["so"].format(facts=", ".join(self._of_functions(used, tree)), gives=PHRASES["and"].join(gives))]
        return facts, [REASONS[name] for name in used if name in REASONS]

    def _of_functions(self, used: list[str], tree: Tree) -> Iterator[str]:
        style, shapes = replace(self.style, columns=False), {"u": (), "v": (), **dict.fromkeys("kj", ())}
        for function in used:
            if function == "**":
                powers = (node.right for node in walk(tree) if isinstance(node, Binary) and node.operator == "**")
                power = Binary("**", _U, next(p for p in powers if isinstance(p, Number)))
                yield self.slope(render(power, style, shapes), "u", render(slope_of(power, "u"), style, shapes))
            elif FUNCTIONS[function].slopes:
                row = FUNCTIONS[function]
                call = Call(function, tuple(map(Name, "uv"[: row.arity])))
                yield self.slope(render(call, style, shapes), "u", render(parse(row.slopes[0]).tree, style, shapes))
