"""The pane of what the user's script prints, at its moment."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size

from bpdebug.core.errors import legible
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.time.position import Place
from bpdebug.ui.draw.source import has_source, no_script
from bpdebug.ui.draw.spans import Line, fit, pad
from bpdebug.ui.pane import ListPane, pane


@pane("output", "O", "output")
class OutputPane(ListPane):
    """What your script prints: each line with the update in which it was, and the line that prints it; dim what is still to come."""

    _live: Sequence[str] = ()

    def goes_on(self, printed: Sequence[str], state: str) -> None:
        """What a script has printed by now that still runs, and how it goes."""
        self._live = printed
        self.frame(self.title, state)
        self.redraw()

    def draw(self, view: View, size: Size) -> list[Line]:
        """The printed lines, and what is printed by now in sight."""
        lines = output_lines(view, size.width, self._live)
        until = len(lines) if self._live else shown_until(view)
        self.extend(0, len(lines))
        self.scroll_to(0, max(until - size.height, 0), animate=False)
        return lines


def output_lines(view: View, columns: int, live: Sequence[str] = ()) -> list[Line]:
    """The printed lines; those of later moments are dim, and those that a script which still runs has printed since then."""
    if not has_source(view):
        return [no_script(columns, y) for y in range(5)]
    printed, now = _printed(view), view.position.update + (view.position.done > 0 or view.position.at_end)
    later = [fit(((text, "dim"),), columns) for text in live[len(printed) :]]
    if not printed:
        return later or [(("nothing printed", "dim"),)]
    digits = max(len(when) for _, when, _ in printed)
    return [
        fit(((f"{pad(when, digits)}  ", "faint"), (text, "" if update < now else "dim")), columns) for update, when, text in printed
    ] + later


def shown_until(view: View) -> int:
    """How many lines are printed by now."""
    return sum(update <= view.position.update for update, _, _ in _printed(view))


def _printed(view: View) -> list[tuple[int, str, str]]:
    """The printed lines: the update, how that and the line are told, and what."""
    scenario = view.program.scenario

    def made() -> list[tuple[int, str, str]]:
        lines = [(update, Place(place).number if place else 0, legible(text)) for update, place, text in scenario.printed]
        return [(update, f"{update if update >= 0 else 'start'}:{number}" if number else "", text) for update, number, text in lines]

    return once(scenario, "printed", made)
