"""The user's own file: where it stands in it, and what its lines make."""

from __future__ import annotations

from bpdebug.core.misfits import shape_text
from bpdebug.core.render import render_name
from bpdebug.core.schedule import Stage
from bpdebug.look.once import once
from bpdebug.look.source import Fold, Place, folds_of, parts_of, places_of, stages_by_line, text_of
from bpdebug.session.view import View
from bpdebug.ui.draw.program_signs import STOPS, explained_stage, lit, sign_of
from bpdebug.ui.draw.spans import Line, Span, crop, first_that_fits, fit, line, width, wrap

Row = int | Fold
"""A line by its number from 1, or lines that are folded away."""
_SIGNS = "✗⚠↳!~?∧≙✎✓"
"""The signs of stages, the most telling first."""
_GAP = 2
"""Blanks before the shapes at the end of a line."""
_MARGIN, _INDENT = 3, 2
"""Columns of the signs before a line's number, and those by which what is left of a long line is set off from its beginning."""


def has_source(view: View) -> bool:
    """Whether the program is a script."""
    return bool(view.program.scenario.files)


def no_script(columns: int, y: int) -> Line:
    """A line of what is said where the program is none."""
    said = wrap("This program is no script: bpdebug train.py opens your own, and shows here what runs and what it prints.", columns, "dim")
    return said[y] if y < len(said) else ()


def present_place(view: View) -> Place | None:
    """The line of the stage that comes next; at the end of the training, of the last one."""
    position, program = view.position, view.program
    stage = program.stages[program.index[position.next or program.stages[-1].name]]
    return next((place for place in places_of(stage) if place.file in program.scenario.files), None)


def code_of(text: str, number: int) -> Line:
    """A line of a file in the colours of its words."""
    shown, spans, place = text_of(text)[number - 1], list[Span](), 0
    for start, end, kind in parts_of(text).get(number, ()):
        spans += [(shown[place:start], ""), (shown[start:end], kind)]
        place = end
    return tuple(span for span in (*spans, (shown[place:], "")) if span[0])


def running_lines(text: str, number: int, columns: int, rows: int) -> list[Line]:
    """So many rows of a file that runs, around the line that it is at; 0 where that is not known."""
    count = len(text_of(text))
    first = min(max(number - rows // 2, 1), max(count - rows + 1, 1))
    drawn = list[Line]()
    for at in range(first, min(first + rows, count + 1)):
        here = at == number
        head = ("▶" if here else " ", "next"), ("  ", ""), (f"{at:>{len(str(count))}} ", "next" if here else "dim")
        drawn.append(fit((*head, *code_of(text, at)), columns))
    return drawn


class Text:
    """A file in so many columns: what each line of the drawing shows, and that line.

    Args:
        view: the moment.
        columns: the room.
        file: which one.
        marked: the line that is seen to its end, over several lines where it is long.
        unfolded: the folds that are open.
    """

    def __init__(self, view: View, columns: int, file: str, marked: int = 0, unfolded: frozenset[Fold] = frozenset()) -> None:
        text, program = view.program.scenario.files[file], view.program
        self._view, self._columns, self.file = view, columns, file
        self._stages = stages_by_line(program).get(file, {})
        self._text, self._texts = text, text_of(text)
        folds = once(program, ("folds", file), lambda: folds_of(text, frozenset(self._stages)))
        self.rows: list[Row] = once(program, ("rows", file, unfolded), lambda: _rows(len(self._texts), [*{*folds} - unfolded]))
        self._places = once(program, ("rows of", file, unfolded), lambda: _places(self.rows))
        self._digits = len(str(len(self._texts)))
        self._marked = self._places.get(marked, len(self.rows))
        self._whole = self._wrapped(marked) if marked in self._places and self.rows[self._marked] == marked else [()]

    def row_of(self, number: int) -> int:
        """The row of a line, or of the fold that it is in."""
        return self._places.get(number, 0)

    def y_of(self, number: int) -> tuple[int, int]:
        """The drawn lines of a line: the first one, and the one below its last."""
        row, more = self.row_of(number), len(self._whole) - 1
        return row + more * (row > self._marked), row + 1 + more * (row >= self._marked)

    def stage_at(self, number: int) -> Stage | None:
        """The stage that a line stands for now: the next one, else the last that has run of its, else its first."""
        stages, position = self._stages.get(number, ()), self._view.position
        index = self._view.program.index
        run = [stage for stage in stages if index[stage.name] < position.done]
        return next((stage for stage in stages if stage.name == position.next), None) or (run[-1] if run else next(iter(stages), None))

    def __len__(self) -> int:
        return len(self.rows) + len(self._whole) - 1

    def __getitem__(self, y: int) -> tuple[Row, Line]:
        part = y - self._marked
        row = self.rows[y - min(max(part, 0), len(self._whole) - 1)]
        drawn = self._whole[part] if 0 <= part < len(self._whole) and self._whole != [()] else self._line(row)
        explained, drawn = explained_stage(self._view), fit(drawn, self._columns)
        here = isinstance(row, int) and any(stage.name == explained for stage in self._stages.get(row, ()))
        return row, lit(drawn, "here") if here else drawn

    def _line(self, row: Row) -> Line:
        if not isinstance(row, int):
            count = row[1] - row[0]
            return line((" " * (_MARGIN + self._digits), ""), (f" … {count} lines", "faint"))
        return self._with_shapes(row, (*self._head(row), *code_of(self._text, row)))

    def _with_shapes(self, number: int, drawn: Line) -> Line:
        """A line, and behind it what it makes, as far as there is room."""
        room = self._columns - width(drawn) - _GAP
        made = first_that_fits(self._made(number), room, ())
        return (*drawn, (" " * (self._columns - width(drawn) - width(made)), ""), *made) if made else drawn

    def _made(self, number: int) -> list[Line]:
        """What a line makes, the fullest way to say it first."""
        view, stages = self._view, self._stages.get(number, ())
        names = [(render_name(stage.name, view.style), shape_text(view.shapes[stage.name] or (1,))) for stage in stages]
        present = self.stage_at(number)
        shapes = [*dict.fromkeys(shape for _, shape in names)]
        ways = ["  ".join(f"{name} {shape}" for name, shape in names), "  ".join(shapes)]
        ways += [shape_text(view.shapes[present.name] or (1,))] if present else []
        return [((way, "faint"),) for way in ways if way]

    def _head(self, number: int) -> Line:
        """The signs of a line, and its number."""
        view, stages, position = self._view, self._stages.get(number, ()), self._view.position
        own = [stage for stage in stages if stage.line == f"{self.file}:{number}"]
        following = any(stage.name == position.next for stage in own)
        calling = any(stage.name == position.next for stage in stages)
        run = any(view.program.index[stage.name] < position.done for stage in own)
        kinds = [view.marks[stage.name] for stage in stages if stage.name in view.marks]
        signs = [sign_of(view, stage, view.program.index[stage.name] < position.done) for stage in own]
        told = min((sign for sign in signs if sign[0] in _SIGNS), key=lambda sign: _SIGNS.index(sign[0]), default=(" ", ""))
        role = "next" if calling else "name" if run else "dim" if stages else "faint"
        return (
            ("▶" if following else " ", "next"),
            (next((sign for kind, sign in STOPS.items() if kind in kinds), " "), "bad"),
            told,
            (f"{number:>{self._digits}} ", role),
        )

    def _wrapped(self, number: int) -> list[Line]:
        """A line to its end."""
        head, code = self._head(number), code_of(self._text, number)
        margin, text = width(head), self._texts[number - 1]
        room = max(self._columns - margin, 8)
        indent = min(len(text) - len(text.lstrip()) + _INDENT, room // 2)
        rest = [crop(code, start, room - indent) for start in range(room, width(code), room - indent)]
        *pieces, last = (*head, *crop(code, 0, room)), *(((" " * (margin + indent), ""), *piece) for piece in rest)
        return [*pieces, self._with_shapes(number, last)]


def _rows(count: int, folds: list[Fold]) -> list[Row]:
    """The rows of so many lines."""
    begins, rows, number = dict(folds), list[Row](), 1
    while number <= count:
        rows.append((number, begins[number]) if number in begins else number)
        number = begins.get(number, number + 1)
    return rows


def _places(rows: list[Row]) -> dict[int, int]:
    """The row of each line."""
    return {number: y for y, row in enumerate(rows) for number in ([row] if isinstance(row, int) else range(*row))}
