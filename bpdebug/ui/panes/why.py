"""The pane of the explanation."""

from __future__ import annotations

from textual.geometry import Offset, Size

from bpdebug.session.view import View
from bpdebug.ui.draw.bars import ORIGIN
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.draw.why import displays_in_border, why_lines, why_title
from bpdebug.ui.draw.why_numbers import operand_at
from bpdebug.ui.pane import ListPane, pane
from bpdebug.ui.pointing import Asked


@pane("why", "6", "bottom", hints=ORIGIN, cells=True)
class WhyPane(ListPane):
    """Where the selected number comes from."""

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.why`."""
        self.scroll_to(0, 0, animate=False)
        bad = view.explanation is not None and bool(view.explanation.culprit)
        self.frame(why_title(view, self.title, size.width), displays_in_border(view, size.width), "bad" if bad else "")
        return why_lines(view, size.width, size.height, high=True)

    def clicked(self, place: Offset) -> bool:
        """Go to the operand that was clicked; where the number is of another moment, that is gone to first."""
        y, view = place.y + self.scroll_offset.y, self.view
        operand = operand_at(view, self.lines[y], place.x) if view and y < len(self.lines) else None
        if not view or operand is None:
            return super().clicked(place)
        elsewhere = view.explanation is not None and view.explanation.t not in (None, view.position.t)
        self.post_message(Asked("origin\n" * elsewhere + f"operand {operand + 1}\norigin"))
        return False
