"""The Why pane: where the selected number comes from, or what to press when there is none."""

from __future__ import annotations

import re

from bpdebug.core.numbers import minus, written
from bpdebug.look.explanation import MOST_OPERANDS, Explanation
from bpdebug.look.sums import GIVEN
from bpdebug.session.view import View
from bpdebug.ui.draw.check import match_lines, praise, result_role, verdict_lines
from bpdebug.ui.draw.formula_lines import formula_behind, formula_lines, stacked
from bpdebug.ui.draw.glyphs import key_of
from bpdebug.ui.draw.layers import has_paths
from bpdebug.ui.draw.matrix import change_text
from bpdebug.ui.draw.program import formula_text
from bpdebug.ui.draw.spans import Line, crop, first_that_fits, fit, line, width, with_more, wrap, wrap_lines
from bpdebug.ui.draw.why_numbers import terms_lines, written_out

_SEPARATOR = "   "
_BELOW_PAPER = 3
"""Rows that a formula on paper leaves for its numbers and the result."""


def why_lines(view: View, columns: int, rows: int = 100, high: bool = False) -> list[Line]:
    """Why the program stands here, and the explanation of the selected cell, in that many columns; ``high`` where its formula may stand in
    several rows, as on paper.

    What matters most comes first, so that in few rows the rest is what is out of sight: the formula, its numbers and the result, what
    is wrong with it, where Enter goes, what it means. Where the formula is long, the result comes first, and of a sum fewer terms.
    """
    explanation = view.explanation
    # why the last move has ended here, where it was no step; what is not finite says so itself
    stopped = "" if explanation and explanation.culprit and view.stopped.startswith("non-finite") else view.stopped
    lines = wrap_lines(re.sub(r"-(?=\d)", "−", stopped.replace("->", "→")), columns, "changed")
    lines += [fit(line((text, "bold")), columns) for text in _split_displays(view, columns)[1]]
    if explanation is None:
        return [*lines, *_empty(view, columns)]
    lines += _stale(view, explanation, columns)
    if explanation.culprit:
        blame, _, cause = explanation.blame.partition("\n")
        lines += [*wrap(cause, columns), *formula_lines(blame, columns, "", "  ", "bad")]
    name, index = explanation.name, explanation.index
    notes = view.warnings.get(explanation.stage.name) if explanation.stage else ()
    after = [line((f"⚠ {', '.join(notes)} in {name}", "bad"))] if notes else []
    judged = verdict_lines(view, name, index, columns)
    after += judged + [line for line in match_lines(view, name, index, columns) if line not in judged]
    after += wrap(explanation.meaning, columns) + _operands(view, explanation, columns)
    rule = wrap(explanation.rule, columns, "dim") if explanation.rule != explanation.meaning else []
    # at a parameter, what the update that has just been completed has done with all of them together
    told = view.effect.lines() if view.effect and name in view.program.free else []
    rule = [drawn for text in told for drawn in wrap(text, columns)] + rule
    room = rows - len(lines) - len(after)
    lines += [*_derivation(view, explanation, columns, room, room - min(len(rule), 1), room - len(rule) if high else 0), *after, *rule]
    if explanation.stage is None:
        return lines
    # the whole formula, where the listing shows a short form or none of it, or where there is room
    text = formula_text(view, explanation.stage, short=False)
    whole = formula_lines(text, columns, f"{view.named(explanation.stage.name)} = ", "     ", "faint")
    return lines + whole * (len(lines) + len(whole) <= rows or text != formula_text(view, explanation.stage))


def why_title(view: View, title: str, columns: int) -> str:
    """What the border says: the way that Enter has led here, as much of its end as there is room for, and how to return."""
    steps = [view.named(name, index) for name, index in view.crumbs]
    back = f"  {key_of('return')} returns" if steps else ""
    explained = view.explanation
    if explained and explained.stage and explained.stage.line:
        title += f"  {explained.stage.line}"
    ways = (f"{title}  {'… ‹ ' * (first > 0)}{' ‹ '.join(steps[first:])}{back}".rstrip() for first in range(max(len(steps), 1)))
    return first_that_fits(ways, columns, title)


def displays_in_border(view: View, columns: int) -> str:
    """The displayed expressions that a border of that many columns has room for, the first ones, with their values."""
    return _SEPARATOR.join(_split_displays(view, columns)[0])


def _split_displays(view: View, columns: int) -> tuple[list[str], list[str]]:
    """The displays that fit into a border, and the others; their histories only where all have room."""
    brief = [text.partition("  ")[0] for text in view.displays]
    for shown in (list(view.displays), *(brief[:count] for count in range(len(brief), -1, -1))):
        if width(_SEPARATOR.join(shown)) <= columns:
            break
    return shown, list(view.displays[len(shown) :])


def _stale(view: View, explanation: Explanation, columns: int) -> list[Line]:
    """Where the number is from before an edit: what was edited, and what is computed with it; an edit holds from its moment on."""
    if explanation.name not in view.stale or explanation.stage is None:
        return []
    program, reached, edited = view.program, {explanation.name}, list[str]()
    for stage in reversed(program.stages[: program.index[explanation.name] + 1]):
        if stage.name in reached:
            reached.update(stage.formula.names)
            edited = [view.named(stage.name)] * stage.edited + edited
    told = f"computed before the edit of {', '.join(edited)}: the next update has it" if edited else "computed before the edit"
    return wrap_lines(told, columns, "changed")


def _empty(view: View, columns: int) -> list[Line]:
    position = view.position
    if position.next is None:
        ending = view.program.scenario.ending
        said = wrap(f"{ending[:1].upper()}{ending[1:]}.", columns, "bad") if ending else [line(("The training is complete.", "good"))]
        return [*said, *wrap("U goes back an update, [ one stage, g jumps anywhere.", columns, "dim")]
    stage = view.program.stages[0]
    runs = line(("s", "key"), " runs the first stage:")
    return [
        *formula_behind(runs, view.named(stage.name), formula_text(view, stage), columns),
        *_welcome(view, columns),
        *wrap(stage.meaning, columns, "dim"),
        *wrap("Then the arrow keys choose a cell, and this pane shows where its number comes from.", columns, "dim"),
    ]


def _welcome(view: View, columns: int) -> list[Line]:
    """What a newcomer is offered at the very start, or the rules of a hunt that is on."""
    if view.game and not view.game.over:
        text = (
            "One formula of the backward pass does not compute what the listing shows. Step through it and compare, then name the stage: "
        )
        return [*wrap(text, columns), line(("a", "key"), " accuses  ", (":", "key"), "hint helps  ", (":", "key"), "reveal gives up")]
    if view.position.t or view.tour:
        return []
    tour = first_that_fits([line("New here?  ", (":", "key"), f"tour shows it{steps}") for steps in (" in five steps", "")], columns)
    signs = line(("?", "key"), " explains every sign")
    both = line(*tour, "   ", *signs)
    return [both] if tour and width(both) <= columns else [part for part in (tour, signs) if part]


def _on_paper(view: View, explanation: Explanation, columns: int, rows: int, sign: str) -> tuple[list[Line], int]:
    """The formula over cells as it is written on paper, and which of its lines has the sign before it; nothing where it has no fraction
    and no root, or too little room."""
    found = stacked(view, explanation.formula, explanation.style) if explanation.formula else None
    start = len(explanation.shown) + 3
    if not found or not any("─" in text for text in found.lines) or len(found.lines) > rows - _BELOW_PAPER or start + found.width > columns:
        return [], 0
    signs = (f"{sign} ".rjust(start) if place == found.base else " " * start for place in range(len(found.lines)))
    return [line(before + text) for before, text in zip(signs, found.lines, strict=True)], found.base


def _derivation(view: View, explanation: Explanation, columns: int, rows: int, roomy: int, paper_rows: int) -> list[Line]:
    """The formula over cells, as on paper where all has room in so many rows, the numbers put in, of a sum as bars where that takes no more
    than so many ``roomy`` rows, and the result; where that is more than the rows, the result is first."""
    name, result = explanation.shown, (written(explanation.value, GIVEN), result_role(view, explanation.name))
    address = line(("   in commands ", "dim"), explanation.cell) if view.style.columns and len(explanation.index) == 2 else ()
    if explanation.term is None:
        return [with_more(line((name, "name"), " = ", result), columns, address)]
    margin = " " * len(name) if max(2 * len(name), len(name) + len(result[0]) + 3) <= columns else ""
    sign = "←" if explanation.stage and explanation.name in explanation.stage.formula.names else "="
    room, steps = rows - 1 - (not margin), formula_lines(explanation.symbolic, columns, f"{margin} {sign} ", f"{margin} ")
    paper, base = _on_paper(view, explanation, columns, paper_rows, sign) if margin else ([], 0)
    steps = paper or steps
    symbolic, chosen, shown, around = steps, view.operand % max(len(explanation.operands), 1), explanation.figures, ""
    bars = terms_lines(view, explanation, columns, roomy - 1 - len(symbolic), chosen) if margin else None
    if bars:
        terms, around, shown = bars
        steps = [*symbolic, *terms]
    for tried in written_out(explanation, chosen) if not bars else ():
        if tried.text not in (explanation.symbolic, minus(tried.figures.text(explanation.value))):
            shown, steps = tried.figures, symbolic + formula_lines(tried, columns, f"{margin} = ", f"{margin} ")
            if len(steps) <= room:
                break
    result = (minus(shown.text(explanation.value)), result[1])
    last, change = line(f"{margin} {minus(around)}{shown.sign} ", result), change_text(view, explanation.name, explanation.index)
    praised = praise(view, explanation.name, columns - width(last))
    last = with_more(last, columns, praised, address, line((f"   {change}", "dim")) if change else ())
    fits, title = len(steps) <= room, line((name, "name"))
    if paper and not fits:
        return _derivation(view, explanation, columns, rows, roomy, 0)
    drawn, place = [*steps, last] if fits else [last, *steps], base * fits
    if margin:
        drawn[place] = (*title, *crop(drawn[place], len(margin), columns))
    return drawn if margin else [title, *drawn]


def _operands(view: View, explanation: Explanation, columns: int) -> list[Line]:
    """The cell that Enter goes to, out of those that the number is made of."""
    if not explanation.operands:
        return []
    count = len(explanation.operands)
    chosen = view.operand % count
    name = (view.named(*explanation.operands[chosen]), "name")
    counted = f"{count}{'+' * (count == MOST_OPERANDS)}"
    said = (f"   o/ takes the next of {counted} operands", f"  o/ next ({chosen + 1} of {counted})", f"  o/ {chosen + 1}/{counted}")
    ways = list(map(_keyed, said)) if count > 1 else [()]
    start, arrow = line((key_of("origin"), "key")), (" → ", "dim")
    targets = [(*start, (" goes to ", "dim"), name, *way) for way in ways] + [(*start, arrow, name, *ways[-1])]
    target = first_that_fits(targets, columns, ())
    if not target:
        return [fit((*start, arrow, name), columns), fit(ways[-1], columns)]
    paths = ("   r/ writes out its paths to the loss", "   r/ paths") if has_paths(view) else ()
    return [(*target, *first_that_fits(map(_keyed, paths), columns - width(target), ()))]


def _keyed(text: str) -> Line:
    """A key and what it does."""
    key, _, does = text.partition("/")
    return (key, "key"), (does, "dim")
