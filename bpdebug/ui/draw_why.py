"""The Why pane: where the selected number comes from, or what to press when there is none."""

from __future__ import annotations

from bpdebug.debugger.explanation import Explanation
from bpdebug.debugger.numbers import short
from bpdebug.debugger.view import View
from bpdebug.engine.cells import cell_name
from bpdebug.engine.render import render_name
from bpdebug.engine.schedule import Stage
from bpdebug.ui.draw_program import formula_text
from bpdebug.ui.spans import Line, Span, line, wrap


def why_lines(view: View, columns: int, rows: int = 100) -> list[Line]:
    """The explanation of the selected cell in that many columns; long sums are cut so that the result stays in sight."""
    explanation = view.explanation
    if explanation is None:
        return _empty(view, columns)
    lines = _derivation(view, explanation, columns, max(rows - 5, 2))
    if explanation.culprit:
        lines += wrap(explanation.culprit, columns, "bad", "  ", "not finite first: ")
    if explanation.stage and (notes := view.warnings.get(explanation.stage.name)):
        lines.append(line((f"⚠ {', '.join(notes)} in {explanation.stage.name}", "bad")))
    lines += wrap(explanation.origin, columns, "dim")
    if explanation.stage:
        lines += _operands(view, explanation)
        lines += _stage(view, explanation.stage, columns)
    return lines


def _empty(view: View, columns: int) -> list[Line]:
    position = view.position
    if position.next is None:
        return [line(("The training is complete.", "good")), *wrap("U goes back an update, [ one stage, g jumps anywhere.", columns, "dim")]
    stage = view.program.stages[0]
    name = render_name(stage.name, view.style)
    return [
        line(("s", "key"), " runs the first stage: ", (name, "name"), f" = {formula_text(view, stage)}"),
        *wrap(stage.meaning, columns, "dim"),
        *wrap("Then the arrow keys choose a cell, and this pane shows where its number comes from.", columns, "dim"),
    ]


def _derivation(view: View, explanation: Explanation, columns: int, most: int) -> list[Line]:
    name = cell_name(render_name(explanation.name, view.style), explanation.index)
    margin = " " * len(name)
    result = short(explanation.value, 10).replace("-", "−")
    role = "good" if explanation.name not in view.nonfinite else "bad"
    if explanation.term is None:
        return [line((name, "name"), " = ", (result, role))]
    sign = "←" if explanation.stage and explanation.name in explanation.stage.formula.names else "="
    indent = margin + "   "
    first, *rest = wrap(explanation.symbolic, columns, "", indent, f"{name} {sign} ")
    lines: list[Line] = _cut([line((name, "name"), first[0][0][len(name) :]), *rest], max(most // 2, 1))
    if explanation.numbers not in (explanation.symbolic, result):
        lines += _cut(wrap(explanation.numbers, columns, "", indent, f"{margin} = "), max(most - len(lines), 1))
    return [*lines, line(f"{margin} = ", (result, role))]


def _cut(lines: list[Line], most: int) -> list[Line]:
    """At most that many lines; an ellipsis ends the last where there are more."""
    return lines if len(lines) <= most else [*lines[: most - 1], (*lines[most - 1], (" …", "dim"))]


def _stage(view: View, stage: Stage, columns: int) -> list[Line]:
    """The whole formula, where the listing shows a short form or none of it."""
    return wrap(formula_text(view, stage, short=False), columns, "faint", "     ", f"{render_name(stage.name, view.style)} = ")


def _operands(view: View, explanation: Explanation) -> list[Line]:
    """The cell that Enter goes to, out of those that the number is made of."""
    operands = explanation.operands
    if not operands:
        return []
    chosen = view.operand % len(operands)
    name, index = operands[chosen]
    target = cell_name(render_name(name, view.style), index)
    others: tuple[Span, ...] = ((f"   operand {chosen + 1} of {len(operands)}, ", "dim"), ("o", "key"), (" takes the next", "dim"))
    return [line(("Enter", "key"), (" goes to ", "dim"), (target, "name"), *(others if len(operands) > 1 else ()))]
