"""The Why pane: where the selected number comes from, or what to press when there is none."""

from __future__ import annotations

from bpdebug.debugger.looking.explanation import Explanation
from bpdebug.debugger.numbers import short
from bpdebug.debugger.view import View
from bpdebug.engine.cells import cell_name
from bpdebug.engine.render import render_name
from bpdebug.engine.schedule import Stage
from bpdebug.ui.draw.check import is_bad, praise, verdict_lines
from bpdebug.ui.draw.compare import match_lines
from bpdebug.ui.draw.program import formula_text
from bpdebug.ui.draw.spans import Line, crop, fit, line, width, wrap


def why_lines(view: View, columns: int, rows: int = 100) -> list[Line]:
    """The explanation of the selected cell in that many columns; where its formula is long, the result comes first."""
    explanation = view.explanation
    if explanation is None:
        return _empty(view, columns)
    lines = _derivation(view, explanation, columns, rows)
    if explanation.culprit:
        lines += wrap(explanation.culprit, columns, "bad", "  ", "not finite first: ")
    if explanation.stage and (notes := view.warnings.get(explanation.stage.name)):
        lines.append(line((f"⚠ {', '.join(notes)} in {explanation.stage.name}", "bad")))
    lines += verdict_lines(view, explanation.name, explanation.index, columns)
    lines += match_lines(view, explanation.name, explanation.index, columns)
    lines += _operands(view, explanation, columns)
    lines += wrap(explanation.origin, columns, "dim")
    if explanation.stage:
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


def _derivation(view: View, explanation: Explanation, columns: int, rows: int) -> list[Line]:
    name = cell_name(render_name(explanation.name, view.style), explanation.index)
    margin = " " * len(name)
    result = short(explanation.value, 10).replace("-", "−")
    role = "bad" if explanation.name in view.nonfinite or is_bad(view, explanation.name) else "good"
    if explanation.term is None:
        return [line((name, "name"), " = ", (result, role))]
    sign = "←" if explanation.stage and explanation.name in explanation.stage.formula.names else "="
    indent = margin + "   "
    steps = wrap(explanation.symbolic, columns, "", indent, f"{margin} {sign} ")
    if explanation.numbers not in (explanation.symbolic, result):
        steps += wrap(explanation.numbers, columns, "", indent, f"{margin} = ")
    last = line(f"{margin} = ", (result, role))
    last = (*last, *praise(view, explanation.name, columns - width(last)))
    first, *rest = [*steps, last] if len(steps) + 3 <= rows else [last, *steps]
    return [(*line((name, "name")), *crop(first, len(margin), columns)), *rest]


def _stage(view: View, stage: Stage, columns: int) -> list[Line]:
    """The whole formula, where the listing shows a short form or none of it."""
    return wrap(formula_text(view, stage, short=False), columns, "faint", "     ", f"{render_name(stage.name, view.style)} = ")


def _operands(view: View, explanation: Explanation, columns: int) -> list[Line]:
    """The cell that Enter goes to, out of those that the number is made of."""
    operands = explanation.operands
    if not operands:
        return []
    chosen = view.operand % len(operands)
    name, index = operands[chosen]
    target = line(("Enter", "key"), (" goes to ", "dim"), (cell_name(render_name(name, view.style), index), "name"))
    others = (("   o", "key"), (f" takes the next of {len(operands)} operands", "dim"))
    short_others = (("  o", "key"), (f" next ({chosen + 1} of {len(operands)})", "dim"))
    if len(operands) == 1:
        return [target]
    whole = (*target, *(others if width((*target, *others)) <= columns else short_others))
    return [whole if width(whole) <= columns else fit(whole, columns)]
