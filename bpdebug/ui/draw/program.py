"""The listing of one update: phases, stages, badges, and where we are."""

from __future__ import annotations

from bisect import bisect_right

from bpdebug.core.misfits import shape_text
from bpdebug.core.record import Record, replace
from bpdebug.core.render import LETTERS, Style, render
from bpdebug.core.schedule import Skipped, Stage
from bpdebug.look.folds import Heading, Row, folds_of, rows_of, within
from bpdebug.look.listing import mark_of
from bpdebug.look.lives import lives_of
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.ui.draw.formula_lines import formula_lines
from bpdebug.ui.draw.program_signs import INDENT, MARGIN, STOPS, explained_stage, heading_line, rails_line, rails_width, sign_of
from bpdebug.ui.draw.spans import Line, crop, first_that_fits, fit, line, lit, plain, width, wrap

_BORDER = 4
"""Columns of the border with its blanks."""
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
    """

    def __init__(self, view: View, columns: int, marked: str = "") -> None:
        self._view, self.rows, self.columns = view, rows_of(view.program, view.folds), columns
        self._rows = self.rows.all
        key = ("railed", view.shapes.get(view.program.input), columns, view.style)
        self._plan, self._beside = once(view.program, key, lambda: _railed(view, columns))
        self._marked = self._row(marked) if marked in view.program.index else len(self._rows)
        here = self._rows[self._marked] if self._marked < len(self._rows) else ""
        plan = self._plan
        if isinstance(here, Stage) and self._beside and not plan.taken:
            alive = lives_of(view.program).alive(view.program.index[here.name])
            if not alive or self._beside < self._ends(here.name) <= columns:
                plan = replace(plan, columns=columns)  # there it takes the place of the rails
        self._whole = _whole(view, here, plan) if isinstance(here, Stage) else [self._line(here)] if here else [()]

    def _row(self, name: str) -> int:
        return self.rows.row_of(self._view.program.index[name])

    def beside(self, name: str, by: int) -> str:
        """The stage in the row so many after that of another one, passing over what is no stage; "" beyond the ends."""
        starts = self.rows.starts
        place = bisect_right(starts, self._view.program.index[name]) - 1 + by
        return self._view.program.stages[starts[place]].name if 0 <= place < len(starts) else ""

    def stage_at(self, name: str) -> Stage:
        """The stage of that name."""
        return self._view.program.stage(name)

    def place_at(self, y: int) -> str:
        """The first stage that a line stands for; "" for a heading, and below the last line."""
        more = len(self._whole) - 1
        place = y - min(max(y - self._marked, 0), more)
        stages = self.rows.stages(place) if place < len(self._rows) else ()
        return stages[0].name if stages else ""

    def lines_of(self, name: str) -> tuple[int, int]:
        """The first line of a stage, and the one below its last."""
        row, more = self._row(name), len(self._whole) - 1
        return row + more * (row > self._marked), row + 1 + more * (row >= self._marked)

    def __len__(self) -> int:
        return len(self._rows) + len(self._whole) - 1

    def __getitem__(self, y: int) -> tuple[Row, Line]:
        if y >= len(self):
            raise IndexError(y)
        part = y - self._marked
        place = y - min(max(part, 0), len(self._whole) - 1)
        row, (first, end) = self._rows[place], self.rows.spans[place]
        drawn = self._whole[part] if 0 <= part < len(self._whole) else self._line(row)
        inside = 0 <= part < len(self._whole)
        single = (not inside or len(self._whole) == 1) and isinstance(row, Stage)
        over = isinstance(row, Stage) and single and not self._plan.taken and self._ends(row.name) > self._beside
        rail = rails_line(self._view, end if inside and part else first, end) if self._beside and not over else ()
        if plain(rail).strip():  # behind the formulas and their shapes, before what they mean
            rail = lit(rail, "here") if any("here" in role for _, role in drawn) else rail
            drawn = (*fit(crop(drawn, 0, self._beside), self._beside), *rail, *crop(drawn, self._beside, self._plan.columns))
        elif not inside or isinstance(row, Heading):
            drawn = self._line(row, self.columns)
        return row, fit(drawn, self.columns)

    def _ends(self, name: str) -> int:
        """The column where a stage's formula ends."""
        return _written(self._view, name, self._plan)

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
        ends = sorted(width(f"{_name(view, name)} = {text}") for name, text in texts.items())
        return _BORDER + MARGIN + ends[(_OVER - 1) * (len(ends) - 1) // _OVER] + rails_width(view)

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
    ends = (_written(view, stage.name, plan) for place, stage in enumerate(view.program.stages) if alive(place))
    over = [end > columns - room for end in ends]
    return (plan, 0) if _OVER * sum(over) > len(over) else (replace(plan, columns=columns - room), columns - room)


def _plan(view: View, columns: int) -> Plan:
    styles = (view.style, replace(view.style, letters=True))
    if columns >= _DETAILED:
        shapes = max(len(_shape(view, stage)) for stage in view.program.stages) + 2
        for room in (columns - shapes - _SENTENCE, columns - shapes):
            for style in styles:
                plan = Plan(columns, _formulas(view, False, style), style.letters)
                taken = max(_written(view, name, plan) for name in plan.formulas) + 2
                if taken <= room:
                    return replace(plan, taken=taken, shapes=shapes)
    named, lettered = (Plan(columns, _formulas(view, True, style), style.letters) for style in styles)
    changed = (name for name, text in named.formulas.items() if text != lettered.formulas[name])
    return named if all(_written(view, name, named) <= columns for name in changed) else lettered


def _formulas(view: View, short: bool, style: Style) -> dict[str, str]:
    program = view.program
    key = ("formulas", view.shapes.get(program.input), short, style)
    texts = ((stage.name, formula_text(view, stage, short, style)) for stage in program.stages)
    return once(program, key, lambda: {name: within(program, name, text) for name, text in texts})


def _name(view: View, name: str) -> str:
    """The name of a stage, as it is written below the heading of its module."""
    return within(view.program, name, view.named(name))


def _written(view: View, name: str, plan: Plan) -> int:
    """The columns up to the end of a stage's formula."""
    return _margin(view, name) + width(f"{_name(view, name)} = {plan.formulas[name]}")


def _margin(view: View, name: str) -> int:
    """The columns before a stage: those of its signs, and of the calls and loops that it stands in."""
    return MARGIN + INDENT * folds_of(view.program).indents[view.program.index[name]]


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
        name, gist = view.named(row.name), row.reason.partition(":")[0]
        texts = (f"{name} skipped: {row.reason}", f"{name} skipped: {gist}", f"{name}: {gist.removeprefix('the loss is ')}")
        drawn = f"{name} = {row.drawn}"
        short = f"{name}: {row.drawn.partition('(')[0]}"
        texts = (f"{drawn}: {row.reason}", drawn, short) if row.drawn else texts
        return fit(line(("   — ", "faint"), (first_that_fits(texts, columns - 5), "faint")), columns)
    if isinstance(row, Heading):
        return heading_line(view, row, columns)
    # a phase, and what letters stand for in it
    title = line((row.upper(), "heading" if row == view.position.phase else "dim bold"))
    stages = (stage for stage in view.program.stages if stage.phase == row)
    names = once(view.program, ("names", row), lambda: {name for stage in stages for name in stage.formula.names}) if plan.letters else ()
    told = [f"{letter} {name}" for name, letter in LETTERS.items() if name in names]
    return fit((*title, ("  " + "  ".join(told), "dim")) if told else title, columns)


def _grounded(view: View, stage: Stage, drawn: Line, plan: Plan) -> Line:
    """A line of a stage in so many columns; that of the stage that is explained has a background."""
    drawn = fit(drawn, plan.columns)
    return lit(drawn, "here") if stage.name == explained_stage(view) else drawn


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
        (_, *begun), *rest = formula_lines(formula, columns, start, " " * (_margin(view, stage.name) + 2), role)
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
        (("✎" if stage.replaced else " ").ljust(_margin(view, stage.name) - MARGIN + 1), "changed"),
        (_name(view, stage.name), "name" if run else f"{role} bold"),
        (f" = {plan.formulas[stage.name]}", role),
    )


def _detailed(view: View, stage: Stage, plan: Plan, drawn: Line) -> Line:
    """A stage with the shape of what it gives, as far as there is room, and what it means; that which comes next says so."""
    following, shape = stage.name == view.position.next, _shape(view, stage)
    if not plan.taken:
        off = mark_of(view.program, stage)
        said = ("next", "next") if following else (off, "changed") if len(off) > 1 else (shape, "faint")
        blanks = plan.columns - width(drawn) - len(said[0])
        return (*drawn, (" " * blanks, ""), said) if blanks >= _GAP else drawn
    drawn = (*drawn, (" " * (plan.taken - width(drawn)) + shape.ljust(plan.shapes), "dim"))
    return (*drawn, (f"next: {stage.meaning}" if following else stage.meaning, "dim")) if plan.sentence else drawn


def formula_text(view: View, stage: Stage, short: bool = True, style: Style | None = None) -> str:
    """A stage's formula in a style, by default the view's; in short form, where it has one."""
    if short and stage.short:
        return stage.short
    return render(stage.formula.tree, style or view.style, view.shapes)
