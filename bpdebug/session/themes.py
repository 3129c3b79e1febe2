"""The colours of the screen: the themes by name, and the one that was chosen last."""

from __future__ import annotations

from contextlib import suppress

from bpdebug.core.words import suggestion
from bpdebug.files import MEBI, FileError, read_lines, write_file
from bpdebug.session.state import alone, user_folder
from bpdebug.session.table import CommandError

THEMES = {
    "bpdebug-dark": "light on dark, the usual one",
    "bpdebug-light": "dark on light, for a bright room or a projector",
    "bpdebug-contrast": "high contrast: black and white, text at least 7:1, lines at least 4.5:1",
}
"""The debugger's own themes with what they are for; the app adds Textual's."""
_OWN = "bpdebug-"


def theme_named(text: str) -> str:
    """The theme that a name means; of our own ones, ``light`` will do.

    Raises:
        CommandError: where there is none.
    """
    name = text.strip().lower()
    own = f"{_OWN}{name.removeprefix('high-')}"
    found = name if name in THEMES else own
    if found not in THEMES:
        short = [known.removeprefix(_OWN) for known in THEMES]
        raise CommandError(f"there is no theme '{text}'{suggestion(name, short) or '; there are ' + ', '.join(short)}")
    return found


def kept_theme() -> str:
    """The theme that was chosen last; "" where none was, or none of these."""
    with suppress(FileError, CommandError):
        return theme_named("".join(read_lines(user_folder("state") / "theme", "the name of a theme", MEBI)[:1]))
    return ""


def keep_theme(name: str) -> None:
    """Choose a theme for the next starts, where that can be kept."""
    with suppress(FileError), alone(user_folder("state")):
        write_file(user_folder("state") / "theme", f"{name}\n")
