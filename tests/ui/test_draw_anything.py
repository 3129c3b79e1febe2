from __future__ import annotations

import random

import pytest
from turns import by_day
from ui_views import NAMES, network_lines, session, whole

from bpdebug.look.folds import rows_of
from bpdebug.ui.draw.bars import footer_line, header_line
from bpdebug.ui.draw.health import health_parts
from bpdebug.ui.draw.layers import deltas_of, values_of
from bpdebug.ui.draw.loss import loss_lines
from bpdebug.ui.draw.matrix import layout_line
from bpdebug.ui.draw.matrix_layout import make_layout
from bpdebug.ui.draw.program import program_line
from bpdebug.ui.draw.spans import width
from bpdebug.ui.draw.surface import surface_parts
from bpdebug.ui.draw.why import why_lines

health_lines = whole(health_parts)
surface_lines = whole(surface_parts)


def everything(shown, columns, rows, start):
    """The lines of all drawings that promise a width."""
    yield from (header_line(shown, columns), footer_line(shown, columns))
    yield from (program_line(shown, row, columns) for row in rows_of(shown.program, shown.folds).all)
    for draw in (loss_lines, health_lines, surface_lines):
        yield from draw(shown, columns, rows)
    yield from network_lines(shown, max(columns, 12), rows)
    for names in (values_of(shown), deltas_of(shown)):
        layout = make_layout(shown, names, columns)
        yield from (layout_line(shown, layout, y, start, columns) for y in range(layout.height))


def anywhere(opened, chance):
    """Some moment, and the cell cursor on some cell."""
    end = opened.timeline.end
    opened.execute(f"step {chance.randint(1, 40)}")
    opened.timeline.seek(chance.choice([chance.randrange(min(end, 3000)), chance.randrange(40), end]))
    opened.cursor.follow()
    values = opened.values()
    name = chance.choice(sorted(values))
    opened.cursor.select(name, tuple(chance.randrange(length) for length in values[name].shape))
    return opened.view(("health", "surface"))


@pytest.mark.parametrize("name", by_day(NAMES, 3))
def test_at_any_moment_and_size_everything_is_drawn_and_nothing_too_wide(name):
    chance, opened = random.Random(name), session(name)  # noqa: S311
    for _ in range(4):
        shown = anywhere(opened, chance)
        for _ in range(3):
            columns, rows = chance.randint(1, 200), chance.randint(1, 60)
            where = (opened.position, opened.selected, columns, rows)
            for line in everything(shown, columns, rows, chance.randint(0, 20)):
                assert width(line) <= max(columns, 32), where
            assert why_lines(shown, columns, rows), where
