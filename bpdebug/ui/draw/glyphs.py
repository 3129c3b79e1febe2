"""Keys as they are shown, and what stands in the place of numbers that are not there."""

from __future__ import annotations

from collections.abc import Collection

from textual.keys import _character_to_key

from bpdebug.session.commands import COMMANDS
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line, first_that_fits, width

HATCH = "╱"
"""Stands in the place of a number that is not computed yet."""
_GLYPHS = {
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "enter": "Enter",
    "backspace": "Bksp",
    "colon": ":",
    "tab": "1…9",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
}


def key_name(key: str) -> str:
    """A key of the command table as Textual names it."""
    return _character_to_key(key) if len(key) == 1 else key


def glyph(key: str) -> str:
    """A key, named as Textual or the command table does, as it is shown."""
    return _GLYPHS.get(key, key)


def key_of(name: str) -> str:
    """What to press for a command: its first key, or where the user has left it none, its name at the prompt."""
    keys = COMMANDS[name].keys
    return glyph(keys[0]) if keys else f":{name}"


def key_at(drawn: Line, x: int) -> str:
    """The key that is named at a column of a drawn line, or ""."""
    start = 0
    for text, role in drawn:
        end = start + width(((text, role),))
        if role == "key" and start <= x < end:
            return next((key for key, shown in _GLYPHS.items() if shown == text.strip()), text.strip())
        start = end
    return ""


def nothing_yet(view: View, names: Collection[str], columns: int) -> str:
    """What to press where none of the tensors shown is computed, in so many columns; nothing where one is."""
    if not names or any(name in view.tensors for name in names):
        return ""
    if view.position.next is None:
        return f"{key_of('reverse-step')} goes back into the last update"
    told = f"not computed yet: {key_of('finish')} runs a phase, {key_of('update')} all"
    return first_that_fits((told, told.partition(",")[0], told.partition(":")[0]), columns)
