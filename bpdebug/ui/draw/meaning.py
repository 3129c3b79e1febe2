"""What stands at a place of what is drawn, as the legend explains it."""

from __future__ import annotations

from collections.abc import Iterable

from bpdebug.look.legend import Entry, entries, meaning_of, meanings_in
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.spans import Line, plain, width

_PLAIN = {"dim", "name", "key", "here"}
"""Styles that nobody points at to be told what they mean."""


def meaning_at(place: str, drawn: Line, x: int) -> str:
    """What the sign at a column of a line means, and its style; "" for what is no sign.

    Args:
        place: the pane that draws it.
        drawn: the line.
        x: the column.
    """
    text, start = plain(drawn), 0
    for part, role in drawn:
        for at, character in enumerate(part, start):
            if x < width(((text[: at + 1], ""),)):
                if character == " ":
                    return ""
                sign = meaning_of(place, text, at) if role != "key" else None
                styles = [entry for entry in _styled(role) if not _PLAIN & {*entry.roles}]
                return "\n".join(entry.told for entry in (sign, *styles) if entry)
        start += len(part)
    return ""


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
