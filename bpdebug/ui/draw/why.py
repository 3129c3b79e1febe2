"""The Why pane: where the selected number comes from, or what to press when there is none."""

from __future__ import annotations

from math import prod

from bpdebug.debugger.looking.explanation import Explanation
from bpdebug.debugger.looking.paths import MOST_CELLS
from bpdebug.debugger.numbers import short
from bpdebug.debugger.view import View
from bpdebug.engine.cells import cell_name
from bpdebug.engine.render import render_name
from bpdebug.engine.schedule import Stage
from bpdebug.ui.draw.check import is_bad, praise, verdict_lines
from bpdebug.ui.draw.compare import match_lines
from bpdebug.ui.draw.matrix import change_text
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
    name = explanation.shown
    result = short(explanation.value, 10).replace("-", "−")
    margin = " " * len(name) if max(2 * len(name), len(name) + len(result) + 3) <= columns else ""
    role = "bad" if explanation.name in view.nonfinite or is_bad(view, explanation.name) else "good"
    if explanation.term is None:
        return [_with_address(view, explanation, line((name, "name"), " = ", (result, role)), columns)]
    steps = _steps(explanation, columns, margin, margin + "   ")
    if len(steps) + 3 > rows:
        steps = _steps(explanation, columns, margin, "   ")
    last = line(f"{margin} = ", (result, role))
    last = (*last, *praise(view, explanation.name, columns - width(last)))
    last = _with_address(view, explanation, last, columns)
    last = _with_change(view, explanation, last, columns)
    first, *rest = [*steps, last] if len(steps) + 3 <= rows else [last, *steps]
    title = line((name, "name"))
    return [(*title, *crop(first, len(margin), columns)), *rest] if margin else [title, first, *rest]


def _steps(explanation: Explanation, columns: int, margin: str, indent: str) -> list[Line]:
    """The formula over named cells, then with the numbers put in."""
    sign = "←" if explanation.stage and explanation.name in explanation.stage.formula.names else "="
    steps = wrap(explanation.symbolic, columns, "", indent, f"{margin} {sign} ")
    if explanation.numbers not in (explanation.symbolic, short(explanation.value, 10).replace("-", "−")):
        steps += wrap(explanation.numbers, columns, "", indent, f"{margin} = ")
    return steps


def _with_address(view: View, explanation: Explanation, last: Line, columns: int) -> Line:
    """The last line with what commands call the cell, where the convention writes it in another way and there is room."""
    address = ("   in commands ", "dim"), (explanation.cell, "")
    told = view.style.columns and len(explanation.index) == 2 and width((*last, *address)) <= columns
    return (*last, *address) if told else last


def _with_change(view: View, explanation: Explanation, last: Line, columns: int) -> Line:
    """The last line with how the number has changed since the stop before, where there is room."""
    change = f"   {change_text(view, explanation.name, explanation.index)}"
    return (*last, (change, "dim")) if change.strip() and width(last) + len(change) <= columns else last


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
    target = line(("Enter", "key"), (" goes to ", "dim"), (render_name(cell_name(name, index), view.style), "name"))
    others = (("   o", "key"), (f" takes the next of {len(operands)} operands", "dim"))
    short_others = (("  o", "key"), (f" next ({chosen + 1} of {len(operands)})", "dim"))
    if len(operands) > 1:
        target = (*target, *(others if width((*target, *others)) <= columns else short_others))
    paths = line(("   r", "key"), (" writes out its paths to the loss", "dim")), line(("   r", "key"), (" paths", "dim"))
    room = columns - width(target)
    offered = next((drawn for drawn in paths if width(drawn) <= room), ()) if _has_paths(view, explanation.name) else ()
    return [(*target, *offered) if room >= 0 else fit(target, columns)]


def _has_paths(view: View, name: str) -> bool:
    """Whether the gradient that is looked at is a sum over several paths, in a network so small that they can be written out."""
    program = view.program
    stage = program.stages[program.index[name]] if name in program.index else None
    if stage is None or not stage.of or "@" in name or "loss" not in view.tensors:
        return False
    ways = len(view.samples) if stage.of in program.persistent else 1
    several = ways > 1 or stage.layer < len(program.scenario.layers)
    own = [stage for stage in program.stages if not stage.of]
    return several and not any(stage.edited for stage in own) and all(prod(view.shapes[stage.name]) <= MOST_CELLS for stage in own)
