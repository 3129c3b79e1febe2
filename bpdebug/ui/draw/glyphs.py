"""Keys as they are shown, what stands in the place of numbers that are not there, and what a sign means, as the legend has it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from textual.keys import _character_to_key

from bpdebug.look.legend import Entry, entries, meaning_of, meanings_in
from bpdebug.session.commands import COMMANDS
from bpdebug.session.view import View
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.spans import Line, first_that_fits, plain, span_at, width

HATCH = "╱"
"""Stands in the place of a number that is not computed yet."""
_GLYPHS = {
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "enter": "Enter",
    "backspace": "Bksp",
    "f1": "F1",
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
    text, role = span_at(drawn, x)
    return next((key for key, shown in _GLYPHS.items() if shown == text.strip()), text.strip()) if role == "key" else ""


def nothing_yet(view: View, names: Collection[str], columns: int) -> str:
    """What to press where none of the tensors shown is computed, in so many columns; nothing where one is."""
    if not names or any(name in view.tensors for name in names):
        return ""
    if view.position.next is None:
        return f"{key_of('reverse-step')} goes back into the last update"
    told = f"not computed yet: {key_of('finish')} runs a phase, {key_of('update')} all"
    return first_that_fits((told, told.partition(",")[0], told.partition(":")[0]), columns)


_PLAIN = {"dim", "name", "key", "here"}
"""Styles that nobody points at to be told what they mean."""


def meaning_at(place: str, drawn: Line, x: int) -> str:
    """What the sign at a column of a line means, and its style; "" for what is no sign.

    Args:
        place: the pane that draws it.
        drawn: the line.
        x: the column.
    """
    text, (_, role) = plain(drawn), span_at(drawn, x)
    at = next((at for at in range(len(text)) if x < width(text[: at + 1])), None)
    if at is None or text[at] == " ":
        return ""
    sign = meaning_of(place, text, at) if role != "key" else None
    styles = [entry for entry in _styled(role) if not _PLAIN & {*entry.roles}]
    return "\n".join(entry.told for entry in (sign, *styles) if entry)


def role_of(entry: Entry) -> str:
    """The style that an entry explains, at its strongest; "" for what is no colour."""
    level = {"heat": f":-{HEAT_STEPS}", "class": f":0:{HEAT_STEPS}"}
    return entry.roles[0] + level.get(entry.roles[0], "") if entry.group == "colours" else ""


def _styled(role: str) -> list[Entry]:
    """What the parts of a role mean."""
    kinds = {part.partition(":")[0] for part in role.split()}
    return [entry for entry in entries() if kinds & {*entry.roles} and entry.group == "colours"]


def meanings(place: str, lines: Iterable[Line]) -> list[Entry]:
    """The entries of the legend that lines drawn in a place need: their signs, then their styles."""
    shown = [*lines]
    roles = " ".join(role for drawn in shown for _, role in drawn)
    return [*meanings_in(place, [plain(drawn) for drawn in shown]), *_styled(roles)]
