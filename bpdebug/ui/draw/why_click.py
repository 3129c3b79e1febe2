"""What a click on the explanation of a number points at."""

from __future__ import annotations

import re

from bpdebug.debugger.view import View
from bpdebug.engine.cells import cell_name
from bpdebug.engine.render import render_name
from bpdebug.ui.draw.spans import Line, plain


def operand_at(view: View, drawn: Line, x: int) -> int | None:
    """Which of the explanation's operands, from 0, is written at a column of one of its lines; None for none of them."""
    operands = view.explanation.operands if view.explanation else ()
    for place, operand in enumerate(operands):
        name = re.escape(render_name(cell_name(*operand), view.style))
        if any(found.start() <= x < found.end() for found in re.finditer(rf"(?<![\w∂]){name}(?!\w)", plain(drawn))):
            return place
    return None
