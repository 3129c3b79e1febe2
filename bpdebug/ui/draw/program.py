"""The listing of one update: phases, stages, badges, and where we are."""

from __future__ import annotations

from bpdebug.core.misfits import shape_text
from bpdebug.core.record import Record, replace
from bpdebug.core.render import LETTERS, Style, render, render_name
from bpdebug.core.schedule import Skipped, Stage
from bpdebug.look.groups import group_of
from bpdebug.look.lives import lives_of
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.trust.finding import STATUSES
from bpdebug.ui.draw.check import badge
from bpdebug.ui.draw.formula_lines import formula_lines
from bpdebug.ui.draw.program_rows import Fold, Part, Row, program_rows, spans_of, stages_of
from bpdebug.ui.draw.rails import rails_line, rails_width
from bpdebug.ui.draw.spans import Line, Span, crop, first_that_fits, fit, line, plain, width, wrap

_BORDER, _MARGIN = 4, 4
"""Columns of the border with its blanks; for the arrow and the signs."""
_DETAILED = 70
"""From this many columns on, formulas stand in full with what they give beside them."""
_SENTENCE = 40
"""Columns that are worth beginning a sentence in."""
_SHARE = 4
"""Rails take at most such a part of the columns."""
_OVER = 10
"""At most such a part of the formulas runs over them."""
_GAP = 2
"""Blanks before what stands at the end of a line."""
STOPS = {"always": "●", "sometimes": "◐", "once": "◌", "disabled": "○"}
"""The signs of the kinds of breakpoint."""


class Plan(Record):
    """How a listing is written.

    Attributes:
        columns: the room.
        formulas: the stages' formulas by name.
        letters: whether settings such as the learning rate are letters in them.
        taken: columns up to the shapes; 0 for no more than formulas.
        shapes: the columns of the shapes.
    """

    columns: int
    formulas: dict[str, str]
    letters: bool = False
    taken: int = 0
    shapes: int = 0

    @property
    def sentence(self) -> int:
        """Where the meanings begin, or 0 where they have no room."""
        place = self.taken + self.shapes
        return place if self.taken and self.columns - place >= _SENTENCE else 0


class Listing:
    """The listing in so many columns: what each line shows, and the line, which is drawn when it is asked for.

    Args:
        view: the moment.
        columns: the room.
        marked: the stage whose formula is seen to its end, over several lines where it is long.
        folded: the groups that are one row each.
    """

    def __init__(self, view: View, columns: int, marked: str = "", folded: frozenset[Fold] = frozenset()) -> None:
        self._view, self._rows, self._columns = view, program_rows(view, folded), columns
        key = ("railed", view.shapes.get(view.program.input), columns, view.style)
        self._plan, self._beside = once(view.program, key, lambda: _railed(view, columns))
        self._spans = once(view.program, ("spans", folded), lambda: spans_of(self._rows))
        self._places = once(view.program, ("places", folded), self._places_of)
        self._marked = self._places.get(marked, len(self._rows))
        here = self._rows[self._marked] if marked in self._places else ""
        free = isinstance(here, Stage) and not self._plan.taken and not lives_of(view.program).alive(view.program.index[here.name])
        runs_over = isinstance(here, Stage) and not self._plan.taken and self._beside < self._ends(here.name) <= columns
        plan = replace(self._plan, columns=columns) if free or runs_over else self._plan  # there it takes the place of the rails
        self._whole = _whole(view, here, plan) if isinstance(here, Stage) else [self._line(here)] if here else [()]

    def _places_of(self) -> dict[str, int]:
        """The row of each stage."""
        return {stage.name: y for y, row in enumerate(self._rows) for stage in stages_of(row)}

    def beside(self, name: str, by: int) -> str:
        """The stage in the row so many after that of another one, passing over what is no stage; "" beyond the ends."""
        rows = list(dict.fromkeys(self._places.values()))
        place = rows.index(self._places[name]) + by
        return next(name for name, y in self._places.items() if y == rows[place]) if 0 <= place < len(rows) else ""

    def lines_of(self, name: str) -> tuple[int, int]:
        """The first line of a stage, and the one below its last."""
        row, more = self._places[name], len(self._whole) - 1
        return row + more * (row > self._marked), row + 1 + more * (row >= self._marked)

    def __len__(self) -> int:
        return len(self._rows) + len(self._whole) - 1

    def __getitem__(self, y: int) -> tuple[Row, Line]:
        if y >= len(self):
            raise IndexError(y)
        part = y - self._marked
        place = y - min(max(part, 0), len(self._whole) - 1)
        row, (first, end) = self._rows[place], self._spans[place]
        drawn = self._whole[part] if 0 <= part < len(self._whole) else self._line(row)
        inside = 0 <= part < len(self._whole)
        single = (not inside or len(self._whole) == 1) and isinstance(row, Stage)
        over = isinstance(row, Stage) and single and not self._plan.taken and self._ends(row.name) > self._beside
        rail = rails_line(self._view, end if inside and part else first, end) if self._beside and not over else ()
        if plain(rail).strip():  # behind the formulas and their shapes, before what they mean
            rail = lit(rail, "here") if any("here" in role for _, role in drawn) else rail
            drawn = (*fit(crop(drawn, 0, self._beside), self._beside), *rail, *crop(drawn, self._beside, self._plan.columns))
        elif not inside:
            drawn = self._line(row, self._columns)
        return row, fit(drawn, self._columns)

    def _ends(self, name: str) -> int:
        """The column where a stage's formula ends."""
        return _MARGIN + _written(self._view, name, self._plan)

    def _line(self, row: Row, columns: int = 0) -> Line:
        """A row in so many columns, or in those that the rails leave; what is no stage ends before them."""
        stage, plan = isinstance(row, Stage), replace(self._plan, columns=columns or self._plan.columns)
        return program_line(self._view, row, plan.columns if columns or stage or not self._beside else self._beside, plan)


def plan_of(view: View, columns: int) -> Plan:
    """The form of the formulas that fits: in full in a wide listing; where settings have no room, as letters."""
    return once(view.program, ("plan", view.shapes.get(view.program.input), columns, view.style), lambda: _plan(view, columns))


def wanted_columns(view: View) -> int:
    """The columns, with the border around them, that nearly all formulas have room in, with the rails beside them."""

    def wanted() -> int:
        texts = _formulas(view, True, replace(view.style, letters=True))
        ends = sorted(width(f"{render_name(name, view.style)} = {text}") for name, text in texts.items())
        return _BORDER + _MARGIN + ends[(_OVER - 1) * (len(ends) - 1) // _OVER] + rails_width(view)

    return once(view.program, ("wanted", view.shapes.get(view.program.input), view.style), wanted)


def _railed(view: View, columns: int) -> tuple[Plan, int]:
    """The plan that leaves room for the rails, and where they begin; where too many formulas would run over them, or there is too little
    room, the plan without them, and 0."""
    room, plan = rails_width(view), plan_of(view, columns)
    fewer = plan_of(view, max(columns - room, 0))
    if not 0 < room <= columns // _SHARE or bool(plan.taken) != bool(fewer.taken):
        return plan, 0
    if plan.taken:
        return fewer, fewer.taken + fewer.shapes
    alive = lives_of(view.program).alive
    ends = (_MARGIN + _written(view, stage.name, plan) for place, stage in enumerate(view.program.stages) if alive(place))
    over = [end > columns - room for end in ends]
    return (plan, 0) if _OVER * sum(over) > len(over) else (replace(plan, columns=columns - room), columns - room)


def _plan(view: View, columns: int) -> Plan:
    styles = (view.style, replace(view.style, letters=True))
    if columns >= _DETAILED:
        shapes = max(len(_shape(view, stage)) for stage in view.program.stages) + 2
        for room in (columns - shapes - _SENTENCE, columns - shapes):
            for style in styles:
                plan = Plan(columns, _formulas(view, False, style), style.letters)
                taken = _MARGIN + max(_written(view, name, plan) for name in plan.formulas) + 2
                if taken <= room:
                    return replace(plan, taken=taken, shapes=shapes)
    named, lettered = (Plan(columns, _formulas(view, True, style), style.letters) for style in styles)
    changed = (name for name, text in named.formulas.items() if text != lettered.formulas[name])
    return named if all(_MARGIN + _written(view, name, named) <= columns for name in changed) else lettered


def _formulas(view: View, short: bool, style: Style) -> dict[str, str]:
    program = view.program
    key = ("formulas", view.shapes.get(program.input), short, style)
    return once(program, key, lambda: {stage.name: formula_text(view, stage, short, style) for stage in program.stages})


def _written(view: View, name: str, plan: Plan) -> int:
    return width(f"{render_name(name, view.style)} = {plan.formulas[name]}")


def _shape(view: View, stage: Stage) -> str:
    """``4×1``, or ``1`` for a single number; where a sample is a column, rows and columns exchanged as in the matrices."""
    shape = view.shapes[stage.name] or (1,)
    return shape_text(shape[::-1] if view.style.columns and len(shape) == 2 else shape)


def program_line(view: View, row: Row, columns: int, plan: Plan | None = None) -> Line:
    """One line of the listing; without a plan, that of the whole listing."""
    plan = plan or plan_of(view, columns)
    if isinstance(row, Stage):
        return _grounded(view, row, _detailed(view, row, plan, _equation(view, row, plan)), plan)
    if isinstance(row, Skipped):  # why it does not exist; in a narrow listing no more than the gist
        name, gist = render_name(row.name, view.style), row.reason.partition(":")[0]
        texts = (f"{name} skipped: {row.reason}", f"{name} skipped: {gist}", f"{name}: {gist.removeprefix('the loss is ')}")
        drawn = f"{name} = {row.drawn}"
        short = f"{name}: {row.drawn.partition('(')[0]}"
        texts = (f"{drawn}: {row.reason}", drawn, short) if row.drawn else texts
        return fit(line(("   — ", "faint"), (first_that_fits(texts, columns - 5), "faint")), columns)
    if isinstance(row, Part):
        return _heading(view, row, columns)
    # a phase, and what letters stand for in it
    title = line((row.upper(), "heading" if row == view.position.phase else "dim bold"))
    stages = (stage for stage in view.program.stages if stage.phase == row)
    names = once(view.program, ("names", row), lambda: {name for stage in stages for name in stage.formula.names}) if plan.letters else ()
    told = [f"{letter} {name}" for name, letter in LETTERS.items() if name in names]
    return fit((*title, ("  " + "  ".join(told), "dim")) if told else title, columns)


def _heading(view: View, part: Part, columns: int) -> Line:
    """A group: its name, or where it is folded the signs of its stages, its name, and theirs."""
    if not part.folded:
        here = part.phase == view.position.phase and part.group == group_of(view.program, view.position.stage or "")
        return fit(line((f"  {part.group}", "name" if here else "dim")), columns)
    equations = [_equation(view, stage, plan_of(view, columns))[:_MARGIN] for stage in part.stages]
    signs = (next((sign for sign in found if sign[0] != " "), found[0]) for found in zip(*equations, strict=True))
    names = " ".join(render_name(stage.name, view.style) for stage in part.stages)
    explained = explained_stage(view) in [stage.name for stage in part.stages]
    drawn = fit((*signs, ("⋯ ", "dim"), (part.group, "name"), (f"  {names}", "dim")), columns)
    return lit(drawn, "here") if explained else drawn


def lit(drawn: Line, role: str) -> Line:
    """A line on a background."""
    return tuple((text, f"{own} {role}".strip()) for text, own in drawn)


def _grounded(view: View, stage: Stage, drawn: Line, plan: Plan) -> Line:
    """A line of a stage in so many columns; that of the stage that is explained has a background."""
    drawn = fit(drawn, plan.columns)
    return lit(drawn, "here") if stage.name == explained_stage(view) else drawn


def explained_stage(view: View) -> str | None:
    """The stage whose number is explained; without one, that which has run last."""
    explained = view.explanation.stage if view.explanation else None
    return explained.name if explained else view.position.stage


def _whole(view: View, stage: Stage, plan: Plan) -> list[Line]:
    """A stage's formula to its end, or where that has room what it means, in one line or several."""
    place, columns, drawn = plan.sentence, plan.columns, _equation(view, stage, plan)
    lines: list[Line] = [_detailed(view, stage, plan, drawn)]
    if place:
        first, *rest = wrap(stage.meaning, columns, "dim", " " * place, " " * place)
        lines = [(*lines[0][:-1], (first[0][0][place:], "dim")), *rest]
    elif not plan.taken and width(drawn) > columns:
        *signs, (equals, role) = drawn
        formula = plan.formulas[stage.name]
        start = " " * (width(drawn) - width(formula))
        (_, *begun), *rest = formula_lines(formula, columns, start, " " * (_MARGIN + 2), role)
        lines = [(*signs, (equals.removesuffix(formula), role), *begun), *rest]
    return [_grounded(view, stage, one, plan) for one in lines]


def _equation(view: View, stage: Stage, plan: Plan) -> Line:
    """The signs of a stage, its name and its formula."""
    run, following = view.program.index[stage.name] < view.position.done, stage.name == view.position.next
    role = "" if run else "next" if following else "dim"
    return (
        ("▶" if following else " ", "next"),
        (STOPS.get(view.marks.get(stage.name, ""), " "), "bad"),
        sign_of(view, stage, run),
        ("✎" if stage.edited else " ", "changed"),
        (render_name(stage.name, view.style), "name" if run else f"{role} bold"),
        (f" = {plan.formulas[stage.name]}", role),
    )


def _detailed(view: View, stage: Stage, plan: Plan, drawn: Line) -> Line:
    """A stage with the shape of what it gives, as far as there is room, and what it means; that which comes next says so."""
    following, shape = stage.name == view.position.next, _shape(view, stage)
    if not plan.taken:
        said = ("next", "next") if following else (shape, "faint")
        blanks = plan.columns - width(drawn) - len(said[0])
        return (*drawn, (" " * blanks, ""), said) if blanks >= _GAP else drawn
    drawn = (*drawn, (" " * (plan.taken - width(drawn)) + shape.ljust(plan.shapes), "dim"))
    return (*drawn, (f"next: {stage.meaning}" if following else stage.meaning, "dim")) if plan.sentence else drawn


def sign_of(view: View, stage: Stage, computed: bool) -> Span:
    """The most telling of a stage's signs; that all is well is said only of what has been compared."""
    found = badge(view, stage, computed)
    if not computed:
        return found or (" ", "")
    if view.is_broken(stage.name):
        return "⚠", "bad"
    if found and found != STATUSES["good"].badge:
        return found
    if stage.name in view.warnings:
        return "!", "changed"
    return ("~", "changed") if stage.name in view.stale else found or (" ", "")


def formula_text(view: View, stage: Stage, short: bool = True, style: Style | None = None) -> str:
    """A stage's formula in a style, by default the view's; in short form, where it has one."""
    if short and stage.short:
        return stage.short
    return render(stage.formula.tree, style or view.style, view.shapes)
