"""Rails beside a listing: a line for each tensor from the statement that makes it to the last one that reads it, so that what must be kept
for the backward pass is seen at a glance."""

from __future__ import annotations

from bpdebug.core.numbers import spoken
from bpdebug.core.render import render_name
from bpdebug.look.lives import Life, lives_of
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line, Span, first_that_fits

_JOINED = {(True, True): "┤┼", (False, True): "╮┬", (True, False): "╯┴", (False, False): "╴─"}
"""The sign of a rail that a statement makes or reads: by whether it comes from above and goes on below; alone, and with others behind."""
_UNITS = ("B", "kB", "MB", "GB", "TB")


def rails_width(view: View) -> int:
    """The columns that the rails take."""
    return 2 + max(lives_of(view.program).columns.values(), default=-2)


def rails_line(view: View, first: int, end: int) -> Line:
    """The rails beside the stages from one place on to before another; where that is the same one, between two stages. Bright is that of
    the selected tensor; of the others, what is kept now stands out."""
    lives, name, done = lives_of(view.program), view.name, view.position.done
    cells: dict[int, list[Life]] = {}
    for life in dict.fromkeys(life for place in range(first, max(end, first + 1)) for life in lives.alive(place)):
        if life.first < max(end, first):
            cells.setdefault(lives.columns[life.name], []).append(life)
    touched = {column for column, found in cells.items() if any(life.touched(first, end) for life in found)}
    spans: list[Span] = [("─" if touched else " ", "faint")]
    for column in range(rails_width(view) - 1):
        found, right = cells.get(column, []), any(other > column for other in touched)
        up, down = (any(life.first < place <= life.last for life in found) for place in (first, end))
        sign = _JOINED[up, down][right] if column in touched else "│" if up else "─" if right else " "
        kept = any(life.first < done <= life.last for life in found)
        spans.append((sign, "bold" if any(life.name == name for life in found) else "dim" if kept else "faint"))
    return tuple(spans)


def memory_text(view: View, columns: int) -> str:
    """How much is kept now for stages to come, and how much at most, in the precision of the program."""
    lives, done = lives_of(view.program), view.position.done
    key = ("sizes", view.shapes.get(view.program.input))
    sizes, kept = once(view.program, key, lambda: lives.sizes(view.shapes)), [render_name(name, view.style) for name in lives.kept(done)]
    most, item = max(sizes), view.program.dtype.itemsize
    peak = f"most {_size(most * item)} at {render_name(view.program.stages[sizes.index(most) - 1].name, view.style)}"
    now = f"kept {_size(sizes[done] * item)}"
    ways = [f"{now}: {' '.join(kept)}  {peak}"] * bool(kept) + [f"{now}  {peak}", now]
    return first_that_fits(ways, columns, "")


def _size(count: int) -> str:
    """Bytes in words."""
    unit = min(max(len(str(count)) - 1, 0) // 3, len(_UNITS) - 1)
    return f"{spoken(count / 1000**unit, 3)} {_UNITS[unit]}"
