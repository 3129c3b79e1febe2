"""What the network answers: the plane of two inputs, the line of one, or the samples; above it how many answers are right.

The samples stand with their targets and answers: that in sight first, then all, the worst first; and which classes are taken for which,
as a table or as the most frequent mistakes in a line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.numbers import decimals, minus, short, written
from bpdebug.core.record import Record
from bpdebug.core.render import render
from bpdebug.look.answer import answer_of
from bpdebug.look.surface import Surface
from bpdebug.session.view import View
from bpdebug.ui.draw.plane import HIGHER, LOWER, NEAR, SHADES, Sight, plane_lines, response_lines
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.scales import bar
from bpdebug.ui.draw.spans import NAMED, Line, Span, beside, crop, first_that_fits, fit, line, lit, short_names, width, widths_of, wrap

_NARROWEST = 16
"""Columns that a picture needs."""
_SPACIOUS = 9
"""Rows from which on what is said above the picture may take two lines."""
_BAR, _WIDEST_BAR = 4, 24
_LIST = 3
"""Rows of the list that the table of the classes leaves."""
_MOST = 4
"""Outputs that are shown in numbers."""
_WIDE = 60
"""Columns from which on a heading is a word."""
_SHARE = 7
"""Columns of how many of a class are right."""


def surface_title(view: View, name: str) -> str:
    """The name of the pane, with what it shows."""
    surface = view.surface
    if surface is None:
        return name
    found = answer_of(view.program)
    answer = surface.prediction if isinstance(found, str) else render(found.value, view.style, view.shapes)
    if surface.grid is None:
        return f"{name.replace('Surface', 'Answers')}  {answer} beside {view.named(view.program.target)}"
    output = f" {surface.labels[Sight(view, surface).output]}" if surface.task == "numbers" and len(surface.labels) > 1 else ""
    return f"{name}  {answer}{output} over {', '.join(surface.inputs)}"


def surface_parts(view: View, columns: int, rows: int, shades: bool = False) -> tuple[list[Line], list[Line]]:
    """What stays in sight in that much room, and what scrolls below it; with ``shades`` no colour is needed to read it."""
    surface = view.surface
    if surface is None:
        reason = answer_of(view.program)
        return wrap(f"No answers to show: {reason}.{_instead(view)}", columns, "dim") if isinstance(reason, str) else [], []
    if not np.isfinite(surface.outputs).any():
        return wrap("No answer is finite any more: the parameters are not. U goes back an update.", columns, "bad"), []
    sight = Sight(view, surface)
    head = summary(sight, columns, 1 + (rows >= _SPACIOUS and columns >= _NARROWEST), shades)
    if surface.grid is None:
        fixed, below = _answer_parts(sight, columns, rows - 1)
        return head + fixed, below
    if columns < _NARROWEST or rows < 4:
        return head, []
    room = rows - len(head)
    drawn = plane_lines(sight, columns, room, shades) if len(surface.axes) == 2 else response_lines(sight, columns, room)
    return head + [crop(line, 0, columns) for line in drawn], []


def _instead(view: View) -> str:
    """What the surface can show of a program without answers: the loss over its first two cells, where it has two."""
    cells = (cell_name(name, index) for name, shape in view.program.parameters.items() for index in np.ndindex(*shape))
    two = list(islice(cells, 2))
    return f" :surface {' '.join(two)} shows {view.program.loss} over two cells of parameters." if len(two) > 1 else ""


def summary(sight: Sight, columns: int, most: int, shades: bool = False) -> list[Line]:
    """How good the answers are, the present sample's, the meaning of the marks and of the colours, in so many lines at
    most; the marks alone are worth a line of their own."""
    lines, marks = [_score(sight.surface, sight.view.program.batches.total)], _marks(sight, columns, shades)
    for part in [_sample(sight), marks, _ramp(sight.surface, shades)] if sight.surface.grid is not None else []:
        fitting = next((place for place, drawn in enumerate(lines) if width(drawn) + 3 + width(part) <= columns), None)
        if part and fitting is not None:
            lines[fitting] = (*lines[fitting], ("   ", ""), *part)
        elif part == marks and len(lines) < most and width(part) <= columns:
            lines.append(part)
    return [fit(drawn, columns) for drawn in lines]


def _score(surface: Surface, samples: int) -> Line:
    """How many answers are right; for numbers, how far off they are on average; of a loss over parameters, the loss here."""
    asked = len(surface.samples)
    if asked == 1 and surface.samples[0] < 0:
        return line((f"{surface.prediction} ", "dim"), (minus(short(float(surface.outputs[0, 0]), 4)), "bold"), (f" here ({NEAR})", "dim"))
    among = f", {samples} in all" if asked < samples else ""
    if surface.right is None:
        of = f" of {asked} samples" * bool(among)
        return line(("mean |error| ", "dim"), (short(surface.mean_error, 3), "bold"), (of + among, "faint"))
    right = int(surface.right.sum())
    share = f" ({100 * right / asked:.3g} %)" if asked >= 10 else ""
    return line((f"{right} of {asked}", "good" if right == asked else "bold"), (f" right{share}{among}", "dim"))


def _sample(sight: Sight) -> Line:
    """The answer to the sample that is looked at."""
    place, surface = sight.present, sight.surface
    if place is None:
        return ()
    head, right = (f"sample {surface.samples[place]}: ", "dim"), sight.is_right(place)
    if surface.task == "classes":
        decided, missed = int(surface.decided[place]), (f"✗ not {surface.labels[surface.wanted[place]]}", "bad")
        if not np.isfinite(surface.outputs[place]).all():
            return (head, ("no number ", "bold"), missed)
        answer = f"{surface.labels[decided]} {short(float(surface.outputs[place, decided]), 3)} "
        return (head, (answer, "bold"), ("✓", "good") if right else missed)
    answer, target = (written(float(part[place, sight.output]), 3) for part in (surface.outputs, surface.y))
    sign = () if surface.right is None else ((" ✓", "good") if right else (" ✗", "bad"),)
    return (head, (answer, "bold"), (f" for {target}", "dim"), *sign)


def _marks(sight: Sight, columns: int, shades: bool) -> Line:
    """What the marks of the samples mean, and of classes the colour of each."""
    surface = sight.surface
    if surface.samples[0] < 0:
        return ()
    if surface.task == "numbers":
        if len(surface.axes) < 2:
            return line((NEAR, "bold"), (" target", "dim"))
        return line((HIGHER + LOWER, "point"), (" target higher, lower", "dim"))
    drawn: list[Span] = []
    for place, (letter, label) in enumerate(zip(sight.letters, surface.labels, strict=True)):
        shade = SHADES[place % len(SHADES)] * 2 if shades and surface.task == "classes" else ""
        role = f"class:{place}:{HEAT_STEPS}" if surface.task == "classes" and not shades else "dim"
        drawn += [(letter, "point"), (f"{shade} {label if letter != label else ''}".rstrip() + " ", role), (" ", "")]
    return first_that_fits(((*drawn, ("✗", "point missed"), (" wrong", "dim")), tuple(drawn)), columns)


def _ramp(surface: Surface, shades: bool) -> Line:
    """The colours of the outputs, from the lowest to the highest."""
    if surface.task == "classes" or len(surface.axes) < 2:
        return ()
    low, high = (written(surface.middle + sign * surface.reach, 2) for sign in (-1, 1))
    levels = range(-HEAT_STEPS, HEAT_STEPS + 1, 2)
    colours = [(SHADES, "")] if shades else [(" ", f"heat:{level:+d}") for level in levels]
    return line((f"{low} ", "dim"), *colours, (f" {high}", "dim"))


class _Table(Record):
    """The samples in so many columns, below a heading: which it is, its target, the answer with what it is worth, and a number with its
    bar."""

    rows: list[tuple[Line, ...]]
    shares: list[float]
    columns: int

    @cached_property
    def widths(self) -> list[int]:
        """Of all but the bars; over the numbers, a heading may be longer."""
        return [*widths_of(self.rows)[:-1], *widths_of([row[-1:] for row in self.rows[1:]])]

    @property
    def room(self) -> int:
        """The columns that are left for the bars."""
        return self.columns - sum(self.widths) - len(self.widths) - 2

    def lines(self, present: int | None) -> list[Line]:
        """The heading, and the samples, that in sight marked."""
        lines, length = list[Line](), min(self.room, max(_WIDEST_BAR, self.columns // 2))
        for place, (row, share) in enumerate(zip(self.rows, (0.0, *self.shares), strict=True), -1):
            here = place == present
            drawn = lit(beside(row, self.widths, right=(0, 5), gap=1), "faint" if place < 0 else "bold" * here)
            shown = line(("▸ ", "next") if here else "  ", *drawn)
            lines.append(fit(line(*shown, " ", (bar(share, length), "curve")) if length >= _BAR else shown, self.columns))
        return lines


def _answer_parts(sight: Sight, columns: int, rows: int) -> tuple[list[Line], list[Line]]:
    """What stays in sight, and what scrolls below it.

    The table of the classes stays where the rows allow it, then the classes are told by their letters where names have no room; else
    it stands at the end, and a line says what is confused most.
    """
    surface = sight.surface
    sides = surface.right is not None
    matrix = _matrix_lines(sight, columns) if sides else []
    stays = bool(matrix) and len(matrix) + 2 + _LIST <= rows
    above = matrix if stays else [_confused_line(surface, columns)] if sides and rows > 2 + _LIST else []
    for table in _tables(sight, columns, stays):
        if table.room >= _BAR:
            break
    places = surface.worst.tolist()
    present = places.index(sight.present) if sight.present in places else None
    heading, *lines = table.lines(present)
    below = [(), *matrix] if matrix and not stays else []
    scrolls = 2 + len(above) + len(lines) + len(below) > rows  # then the present sample stays in sight
    own = [lines[present]] if present is not None and scrolls else []
    head = [*filter(None, above), heading]
    if len(head) + len(own) + 2 > rows:
        return [], head + lines
    return head + own, lines + below


def _tables(sight: Sight, columns: int, legend: bool) -> Iterator[_Table]:
    """What may be said of the samples, the richest first."""
    surface = sight.surface
    if surface.right is None:
        outputs = surface.y.shape[1]
        for count, digits in (*((count, 3) for count in range(min(_MOST, outputs), 0, -1)), (1, 2)):
            start = min(sight.output, outputs - count)
            yield _number_table(surface, columns, slice(start, start + count), digits)
        return
    yield _class_table(sight, columns, surface.labels)
    if legend:
        yield _class_table(sight, columns, sight.letters)
    room = (_class_table(sight, columns, ("",) * len(surface.labels)).room - _BAR) // 2
    for labels in (short_names(surface.labels, max(room, 1), "y"), sight.letters):
        yield _class_table(sight, columns, labels)


def _class_table(sight: Sight, columns: int, labels: tuple[str, ...]) -> _Table:
    """For each sample its class, the class answered, and how much the right one was given; of two sides, the output."""
    surface = sight.surface
    wide, binary = columns >= _WIDE, surface.task == "binary"
    titles = ("target", "answer") if wide or max(map(width, labels)) >= len("target") else ("", "")
    rows, shares = [_row("sample" if wide else "#", *titles, "p(target)" if surface.shares and not binary else "output")], list[float]()
    for place in surface.worst.tolist():
        wanted, decided = labels[surface.wanted[place]], labels[surface.decided[place]]
        given = float(surface.outputs[place, 0 if binary else surface.wanted[place]])
        share = given if surface.shares and not binary else (given - surface.middle) / (2 * surface.reach) + 0.5
        verdict = ("✓", "done") if sight.is_right(place) else ("✗", "bad")
        rows.append(_row(str(surface.samples[place]), wanted, decided if surface.told[place] else "?", decimals(given), verdict))
        shares.append(share)
    return _Table(rows, shares, columns)


def _row(sample: str, target: str, answer: str, number: str, verdict: Span = ("", "")) -> tuple[Line, ...]:
    """A sample's cells, or those of the heading."""
    return (*map(line, (sample, target, "→" if sample.isdigit() else " ", answer, verdict, number)),)


def _number_table(surface: Surface, columns: int, shown: slice, digits: int) -> _Table:
    """For each sample some of its targets and of the answers, and the largest error of all."""
    error = np.where(np.isfinite(surface.error), surface.error, np.inf)
    most = float(error[np.isfinite(error)].max(initial=0.0)) or 1.0
    labels = surface.labels[shown]
    some = "" if labels == surface.labels else f" {labels[0]}" if len(labels) == 1 else f" {labels[0]}–{labels[-1]}"
    rows = [_row("sample" if columns >= _WIDE else "#", f"target{some}", f"answer{some}", "error")]
    for place in surface.worst.tolist():
        target, answer = (
            " ".join(written(value, digits) for value in part[place, shown].tolist()) for part in (surface.y, surface.outputs)
        )
        rows.append(_row(str(surface.samples[place]), target, answer, short(float(surface.error[place]), digits)))
    return _Table(rows, (error[surface.worst] / most).tolist(), columns)


def _matrix_lines(sight: Sight, columns: int) -> list[Line]:
    """A row for each class with how often each answer was given to its samples, the right ones on the diagonal; nothing where that
    does not fit."""
    surface, marks = sight.surface, sight.letters
    counts, labels = surface.confusion, surface.labels
    cell = max(len(str(counts.max())), 1) + 1
    room = columns - cell * len(labels) - _SHARE
    names = marks
    if room < max(map(width, marks)):
        return []
    if marks != labels and room >= NAMED:
        lettered = tuple(f"{mark} {label}" for mark, label in zip(marks, short_names(labels, room - 2, "y"), strict=True))
        names = lettered if max(map(width, lettered)) <= room else marks
    room = max(*map(width, names), min(room, len("target")))
    cell = min(cell + 1, (columns - _SHARE - room) // len(labels))
    rows = [[line((text, "faint")) for text in ("target" if room >= len("target") else "", *marks, "right")]]
    for place, (name, asked) in enumerate(zip(names, np.bincount(surface.wanted, minlength=len(labels)).tolist(), strict=True)):
        given = counts[place].tolist()
        found = ((str(count), "faint" if not count else "good" if place == answer else "bad") for answer, count in enumerate(given))
        share = f"{100 * given[place] / asked:.0f} %" if asked else "—"
        rows.append([*map(line, ((name, "dim"), *found, (share, "dim" if given[place] < asked or not asked else "done")))])
    widths = [room, *[cell] * len(labels), _SHARE]
    return [fit(beside(row, widths, range(1, len(widths)), gap=0), columns) for row in rows]


def _confused_line(surface: Surface, columns: int) -> Line:
    """The most frequent mistakes as ``target → answer times``, as many as there is room for, and how many mistakes of other kinds there
    are; () without mistakes, or without room for one."""
    wrong = surface.confusion * (1 - np.eye(len(surface.labels), dtype=int))
    drawn, left = line(("confused", "dim")), int(wrong.sum())
    for place in np.argsort(-wrong, axis=None, kind="stable").tolist():
        target, answer = divmod(place, len(surface.labels))
        count = int(wrong.flat[place])
        more = (f"  {surface.labels[target]} → {surface.labels[answer]} ", ""), (str(count), "bad")
        rest = f" +{left - count} others" if left > count else ""
        if not count or width(drawn) + width(more) + len(rest) > columns:
            break
        drawn, left = (*drawn, *more), left - count
    if left == wrong.sum():
        return ()
    return (*drawn, (f" +{left} others", "dim")) if left else drawn
