"""The pane of the explanation."""

from __future__ import annotations

from dataclasses import dataclass

from textual.geometry import Offset, Size
from textual.message import Message

from bpdebug.session.view import View
from bpdebug.ui.draw.footer import ORIGIN
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.draw.why import displays_in_border, why_lines, why_title
from bpdebug.ui.draw.why_numbers import operand_at
from bpdebug.ui.pane import ListPane, pane


@dataclass
class OperandChosen(Message):
    """The user has pointed at a cell that the explained number is made of: which one, from 0."""

    place: int


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
        """Go to the operand that was clicked."""
        y = place.y + self.scroll_offset.y
        operand = operand_at(self.view, self.lines[y], place.x) if self.view and y < len(self.lines) else None
        if operand is None:
            return super().clicked(place)
        self.post_message(OperandChosen(operand))
        return False
