"""What a click on the explanation of a number points at."""

from __future__ import annotations

import re

from bpdebug.core.render import render_name
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line, plain, width
from bpdebug.ui.draw.why_numbers import OPERAND


def operand_at(view: View, drawn: Line, x: int) -> int | None:
    """Which of the explanation's operands, from 0, is at a column of a line, by name or as a number; None for none."""
    operands = view.explanation.operands if view.explanation else ()
    start = 0
    for text, role in drawn:
        end = start + width(((text, role),))
        if start <= x < end and role.startswith(f"{OPERAND}:"):
            return int(role.split()[0].partition(":")[2])
        start = end
    for place, operand in enumerate(operands):
        name = re.escape(render_name(operand[0], view.style, operand[1]))
        if any(found.start() <= x < found.end() for found in re.finditer(rf"(?<![\w∂.]){name}(?!\w)", plain(drawn))):
            return place
    return None
