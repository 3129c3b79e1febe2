"""What is really painted can be read: every pair of colours of every pane and popup, in every theme."""

from __future__ import annotations

import pytest
from textual.color import Color
from turns import by_turns
from ui_app import settled
from walked import HALVES, walk

from bpdebug.ui.draw.roles import contrast

pytestmark = pytest.mark.usefixtures("painted")

LEAST = {"bpdebug-dark": (4.5, 2.2), "bpdebug-light": (4.5, 2.2), "bpdebug-contrast": (4.5, 4.5)}
"""Of text, and of lines, dots and circles, some of which step back in the usual themes (WCAG 2.1, 1.4.3 and 1.4.11)."""
PICTURES = {*map(chr, range(0x2580, 0x2590)), *"▐░▒▓"}
"""Both colours of a half block belong to a picture."""


def is_line(sign):
    return 0x2500 <= ord(sign) < 0x2580 or 0x25A0 <= ord(sign) < 0x2600 or 0x2800 <= ord(sign) < 0x2900


def pairs(app, theme):
    """The pairs of colours on the screen, those of lines and those of text, each with a sample; what lies under a veil is not in use."""
    strips = app.screen._compositor.render_strips()
    if len(app.screen_stack) > 1 and theme != "bpdebug-contrast":
        over = next(child.region for child in app.screen.children if child.display and child.id != "textual-tooltip")
        strips = [strips[y].crop(over.x, over.right) for y in range(over.y, over.bottom)]
    for segment in (segment for strip in strips for segment in strip):
        text, style = segment.text.strip(), segment.style
        if text and style and style.color and style.bgcolor and not {*text} & PICTURES:
            fore, back = (Color.from_rich_color(color) for color in (style.color, style.bgcolor))
            yield all(map(is_line, text.replace(" ", ""))), fore, back, text[:20]


@pytest.mark.parametrize(("name", "half"), by_turns(["xor", "iris"], HALVES, every=2))
async def test_what_is_painted_can_be_read_in_every_theme(name, half, monkeypatch):
    worst = {}

    async def in_all_themes(app, pilot):
        """Where the theme of the last stop has nothing new, the others are not asked."""
        for theme in sorted(LEAST, key=lambda theme: theme != app.theme):
            known, app.theme = len(worst), theme
            await settled(pilot)
            for line, fore, back, text in pairs(app, theme):
                worst.setdefault((theme, line, fore.hex, back.hex), (contrast(fore, back), type(app.screen).__name__, text))
            if len(worst) == known:
                return

    await walk(name, half, monkeypatch, in_all_themes)
    assert all(sum(key[:2] == (theme, line) for key in worst) > 5 for theme in LEAST for line in (False, True))
    hard = [(ratio, *key, *where) for key, (ratio, *where) in worst.items() if ratio < LEAST[key[0]][key[1]]]
    assert not hard, "\n".join(map(str, sorted(hard)))
