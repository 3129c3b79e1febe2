"""The user's own file: where it stands in it, and what its lines make."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from bpdebug.core.misfits import shape_text
from bpdebug.core.schedule import Stage
from bpdebug.look.once import once
from bpdebug.look.source import Fold, folds_of, parts_of, text_of
from bpdebug.session.view import View
from bpdebug.time.position import Place, places_of, stages_by_line
from bpdebug.ui.draw.check import badge
from bpdebug.ui.draw.program_signs import STOPS, explained_stage, sign_of
from bpdebug.ui.draw.spans import Line, Span, crop, first_that_fits, fit, line, lit, width, wrap

Row = int | Fold
"""A line by its number from 1, or lines that are folded away."""
_SIGNS = "✗⚠↳!~?∧≙✎✓"
"""The signs of stages, the most telling first."""
_BREAKS = " ,("
"""Behind these a long line is broken."""
_MOST = 20
"""Stages of a line whose shapes are looked at."""
_GAP = 2
"""Blanks before the shapes at the end of a line."""
_MARGIN, _INDENT = 3, 2
"""Columns of the signs before a line's number, and those by which what is left of a long line is set off from its beginning."""


def first_of(row: Row) -> int:
    """The line that a row begins with."""
    return row if isinstance(row, int) else row[0]


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
    """A file in so many columns: what each line of the drawing shows, and that line. What computes something is seen to its end.

    Args:
        view: the moment.
        columns: the room.
        file: which one.
        unfolded: the folds that are open.
    """

    def __init__(self, view: View, columns: int, file: str, unfolded: frozenset[Fold] = frozenset()) -> None:
        text, program = view.program.scenario.files[file], view.program
        self._view, self._columns, self.file = view, columns, file
        self._stages = stages_by_line(program).get(file, {})
        self._text, self._texts = text, text_of(text)
        folds = once(program, ("folds", file), lambda: folds_of(text, frozenset(self._stages)))
        self.rows: list[Row] = once(program, ("rows", file, unfolded), lambda: _rows(len(self._texts), [*{*folds} - unfolded]))
        self._places = once(program, ("rows of", file, unfolded), lambda: _places(self.rows))
        self._margin = _MARGIN + len(str(len(self._texts))) + 1
        self._pieces = once(program, ("pieces", file, columns), lambda: {number: self._broken(number) for number in self._stages})
        heights = (len(self._pieces.get(row, ((),))) if isinstance(row, int) else 1 for row in self.rows)
        self._tops = once(program, ("tops", file, unfolded, columns), lambda: [0, *accumulate(heights)])

    def row_of(self, number: int) -> int:
        """The row of a line, or of the fold that it is in."""
        return self._places.get(number, 0)

    def lines_of(self, number: int) -> tuple[int, int]:
        """The drawn lines of a line: the first one, and the one below its last."""
        row = self.row_of(number)
        return self._tops[row], self._tops[row + 1]

    def beside(self, number: int, by: int) -> int:
        """The line with which the row begins that is so many after that of another one; 0 beyond the ends."""
        place = self.row_of(number) + by
        return first_of(self.rows[place]) if 0 <= place < len(self.rows) else 0

    def stage_at(self, number: int) -> Stage | None:
        """The stage that a line stands for now: the next one, else the last that has run of its, else its first."""
        stages, position = self._stages.get(number, ()), self._view.position
        run = [stage for stage in stages if self._has_run(stage)]
        return next((stage for stage in stages if stage.name == position.next), None) or (run[-1] if run else next(iter(stages), None))

    def place_at(self, y: int) -> str:
        """The line that a drawn one shows, where it computes something, as a location; else ""."""
        row = self.rows[bisect_right(self._tops, y) - 1] if y < len(self) else 0
        return f"{self.file}:{row}" if isinstance(row, int) and self.stage_at(row) else ""

    def _has_run(self, stage: Stage) -> bool:
        return self._view.program.index[stage.name] < self._view.position.done

    def __len__(self) -> int:
        return self._tops[-1]

    def __getitem__(self, y: int) -> tuple[Row, Line]:
        place = bisect_right(self._tops, y) - 1
        row, part = self.rows[place], y - self._tops[place]
        explained, drawn = explained_stage(self._view), self._line(row, part)
        here = isinstance(row, int) and any(stage.name == explained for stage in self._stages.get(row, ()))
        return row, lit(fit(drawn, self._columns), "here") if here else fit(drawn, self._columns)

    def _broken(self, number: int) -> list[tuple[int, int, int]]:
        """The lines that a line of the file takes: of each where it begins, how long it is, and by how much it is set off."""
        text, start, indent, found = self._texts[number - 1], 0, 0, list[tuple[int, int, int]]()
        room = max(self._columns - self._margin, 8)
        while len(text) - start > room - indent:
            half, end = start + (room - indent) // 2, start + room - indent
            cut = max(text.rfind(sign, half, end) + 1 for sign in _BREAKS)
            end = cut if cut > half else end
            found.append((start, end - start, indent))
            start, indent = end, min(len(text) - len(text.lstrip()) + _INDENT, room // 2)
        return [*found, (start, max(width(text) - start, 0), indent)]

    def _line(self, row: Row, part: int) -> Line:
        """A line of a row; what it makes stands behind the last, as far as there is room."""
        if not isinstance(row, int):
            return line((" " * self._margin, ""), (f"… {row[1] - row[0]} lines", "faint"))
        code, pieces = code_of(self._text, row), self._pieces.get(row, [(0, self._columns, 0)])
        start, size, indent = pieces[part]
        drawn = (*(((" " * (self._margin + indent), ""),) if part else self._head(row)), *crop(code, start, size))
        left = self._columns - width(drawn)
        made = first_that_fits(self._made(row), left - _GAP, ()) if part == len(pieces) - 1 else ()
        return (*drawn, (" " * (left - width(made)), ""), *made) if made else drawn

    def _made(self, number: int) -> list[Line]:
        """What a line makes, the fullest way to say it first."""
        view, present = self._view, self.stage_at(number)
        stages = self._stages.get(number, ())[:_MOST]
        names = [(view.named(stage.name), shape_text(view.shapes[stage.name] or (1,))) for stage in stages]
        ways = ["  ".join(f"{name} {shape}" for name, shape in names), "  ".join(dict.fromkeys(shape for _, shape in names))]
        ways += [shape_text(view.shapes[present.name] or (1,))] if present else []
        return [((way, "faint"),) for way in ways if way]

    def _head(self, number: int) -> Line:
        """The signs of a line, and its number."""
        view, stages, position = self._view, self._stages.get(number, ()), self._view.position
        nexts = [stage for stage in stages if stage.name == position.next]
        kinds = [view.marks[stage.name] for stage in stages if stage.name in view.marks]
        telling = sign_of if view.first_nonfinite is not None else badge  # of all; what else there is to say, of the present one
        signs = [telling(view, stage, self._has_run(stage)) for stage in stages]
        signs += [sign_of(view, stage, self._has_run(stage)) for stage in [self.stage_at(number)] if stage]
        told = min((sign for sign in signs if sign and sign[0] in _SIGNS), key=lambda sign: _SIGNS.index(sign[0]), default=(" ", ""))
        role = "next" if nexts else "name" if any(map(self._has_run, stages)) else "dim" if stages else "faint"
        return (
            ("▶" if any(stage.line == f"{self.file}:{number}" for stage in nexts) else " ", "next"),
            (next((sign for kind, sign in STOPS.items() if kind in kinds), " "), "bad"),
            told,
            (f"{number:>{self._margin - _MARGIN - 1}} ", role),
        )


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
