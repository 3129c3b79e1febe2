"""What a pane says while it has nothing to show."""

from __future__ import annotations

from collections.abc import Collection

from bpdebug.session.view import View
from bpdebug.ui.draw.glyphs import key_of

HATCH = "╱"
"""Stands in the place of a number that is not computed yet."""


def nothing_yet(view: View, names: Collection[str]) -> str:
    """What to press where none of the tensors shown is computed; nothing where one is."""
    if not names or any(name in view.tensors for name in names):
        return ""
    if view.position.next is None:
        return f"{key_of('reverse-step')} goes back into the last update"
    return f"not computed yet: {key_of('finish')} runs a phase, {key_of('update')} all"
