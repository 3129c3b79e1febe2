"""What stands before the rows of a listing, and the rows of its folds; and beside them the rails: a line for each tensor from the statement
that makes it to the last one that reads it, so that what must be kept for the backward pass is seen at a glance."""

from __future__ import annotations

from bpdebug.core.numbers import spoken
from bpdebug.core.schedule import Stage
from bpdebug.look.folds import Fold, Heading, folds_of, within
from bpdebug.look.groups import group_of
from bpdebug.look.listing import mark_of
from bpdebug.look.lives import Life, lives_of
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.trust.finding import STATUSES
from bpdebug.ui.draw.check import badge
from bpdebug.ui.draw.spans import Line, Span, crop, first_that_fits, fit, line, lit, width

MARGIN = 4
"""Columns of a row for the arrow and the signs."""
_LEAST = 6
"""Columns that are worth beginning names in."""
INDENT = 2
"""Columns that what stands in a call or a loop stands further right."""
STOPS = {"always": "●", "sometimes": "◐", "once": "◌", "disabled": "○"}
"""The signs of the kinds of breakpoint."""


def heading_line(view: View, row: Heading, columns: int) -> Line:
    """A fold: its name and how much there is of it, or where it is closed the signs of its stages, that, and what it makes."""
    fold, folds = row.fold, folds_of(view.program)
    if not row.closed and not fold.called:
        here = fold.phase == view.position.phase and fold.title == group_of(view.program, view.position.stage or "")
        return fit(line((f"  {fold.title}", "name" if here else "dim")), columns)
    above = sum(one.called for one in folds.around[fold.first][: fold.key[1]])
    signs = _signs(view, fold) if row.closed else ((" " * MARGIN, ""),)
    start = line(*signs, " " * INDENT * above, ("⋯ " * row.closed, "dim"))
    room, place = columns - width(start), f" {fold.place}" * bool(fold.place)
    counted, titles = f": {fold.count}" * fold.counted, (fold.title, fold.title.rpartition(": ")[2])
    brief = counted.partition(", ")[0].partition(" stage")[0]
    behind = (f"{place}{counted}", counted, brief)
    ways = [line((title, "name"), (text, "dim")) for title in titles for text in behind]
    shortest = line(*crop(((titles[1], "name"),), 0, max(room - len(brief) - 1, 1)), (f"…{brief}", "dim"))
    said = first_that_fits(ways, room, shortest)
    made = (name if name == "…" else within(view.program, name, view.named(name)) for name in folds.makes(fold))
    names = " ".join(made) if row.closed else ""
    names = f"  {names}" if room - width(said) > _LEAST else ""
    drawn = fit((*start, *said, (names, "dim")), columns)
    index, explained = view.program.index, explained_stage(view)
    return lit(drawn, "here") if row.closed and explained and fold.first <= index[explained] < fold.end else drawn


_WORST = ("bad", "changed", "dim", "good")
"""The roles of signs, from the one that must be seen."""


def _signs(view: View, fold: Fold) -> Line:
    """What the signs of its stages come to: whether the next one is among them, the breakpoint that stops most often, the worst badge, and
    whether a formula is the user's."""
    index, done = view.program.index, view.position.done
    stages = view.program.stages[fold.first : fold.end]
    following = view.position.next is not None and fold.first <= done < fold.end
    kinds = {kind for name, kind in view.marks.items() if fold.first <= index[name] < fold.end}
    stop = next((sign for kind, sign in STOPS.items() if kind in kinds), " ")
    told = stages if view.verdicts or view.matches else stages[: max(done - fold.first, 0)]  # of what is to come only a check says anything
    found = dict.fromkeys(sign_of(view, stage, fold.first + place < done) for place, stage in enumerate(told))
    worst = min(
        (badge for badge in found if badge[0] != " " and (badge[0] != "≈" or len(found) == 1)),
        key=lambda badge: _WORST.index(badge[1]),
        default=(" ", ""),
    )
    edited = once(view.program, ("edited", fold.key), lambda: any(stage.replaced for stage in stages))
    return line(("▶" if following else " ", "next"), (stop, "bad"), worst, ("✎" if edited else " ", "changed"))


def explained_stage(view: View) -> str | None:
    """The stage whose number is explained; without one, that which has run last."""
    explained = view.explanation.stage if view.explanation else None
    return explained.name if explained else view.position.stage


def sign_of(view: View, stage: Stage, computed: bool) -> Span:
    """The most telling of a stage's signs; that all is well is said only of what has been compared."""
    mark = mark_of(view.program, stage)[:1] if view.program.recorded else ""
    found = badge(view, stage, computed) or ((mark, "dim" if mark == "≈" else "changed") if mark else None)
    if not computed:
        return found or (" ", "")
    if view.is_broken(stage.name):
        return "⚠", "bad"
    if found and found != STATUSES["good"].badge and found[0] != "≈":
        return found
    if stage.name in view.warnings:
        return "!", "changed"
    return ("~", "changed") if stage.name in view.stale else found or (" ", "")


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
    sizes, kept = once(view.program, key, lambda: lives.sizes(view.shapes)), [view.named(name) for name in lives.kept(done)]
    most, item = max(sizes), view.program.dtype.itemsize
    peak = f"most {_size(most * item)} at {view.named(view.program.stages[sizes.index(most) - 1].name)}"
    now = f"kept {_size(sizes[done] * item)}"
    ways = [f"{now}: {' '.join(kept)}  {peak}"] * bool(kept) + [f"{now}  {peak}", now]
    return first_that_fits(ways, columns, "")


def _size(count: int) -> str:
    """Bytes in words."""
    unit = min(max(len(str(count)) - 1, 0) // 3, len(_UNITS) - 1)
    return f"{spoken(count / 1000**unit, 3)} {_UNITS[unit]}"
