"""What widgets and screens ask of the app: the colours of the theme, and that it goes on whatever fails in them."""

from __future__ import annotations

from typing import cast

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.strip import Strip
from textual.widget import Widget

from bpdebug.ui.draw.roles import CONTRAST, DARK, LIGHT, Roles
from bpdebug.ui.draw.spans import Line, fit


class Painted(App[None]):
    """An app whose theme says what a role looks like, and that tells of what nobody foresaw."""

    def __init__(self) -> None:
        super().__init__()
        for made in (DARK, LIGHT, CONTRAST):
            self.register_theme(made)
        self._roles: tuple[str, Roles] | None = None

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """How far what lies under a screen that asks something steps back, where a theme does not say it."""
        return {"veil": "60%", "thin-veil": "25%"}

    @property
    def roles(self) -> Roles:
        """The styles of the current theme."""
        if self._roles is None or self._roles[0] != self.theme:
            system = None if self.is_headless else self.console.color_system
            self._roles = (self.theme, Roles(self.theme_variables, system))
        return self._roles[1]

    def stands(self, error: Exception) -> bool:
        """Tell of an exception; whether there is an app to go on with."""
        return False


def stands(widget: MessagePump, error: Exception) -> bool:
    """Whether the app goes on after an exception, of which it then has told."""
    return cast(Painted, widget.app).stands(error)


class Standing(MessagePump):
    """A widget that goes on although it could not deal with a message."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if not stands(self, error):
                raise


def to_strip(widget: Widget, drawn: Line, columns: int, base: Style) -> Strip:
    """A drawn line in the colours of the theme, filled to the width; ``base`` is the widget's own style."""
    roles = cast(Painted, widget.app).roles
    return Strip([Segment(text, base + roles.style(role)) for text, role in fit(drawn, columns)], columns)


def few_colors(widget: Widget) -> bool:
    """Whether pictures must be read without shades of colour: the terminal has 16 of them at most, or the user wants none."""
    return widget.app.no_color or cast(Painted, widget.app).roles.few


class Lines(Widget):
    """Lines and nothing else; those that its height has no room for are not shown."""

    ALLOW_SELECT = False
    _lines: tuple[Line, ...] = ()

    def show(self, *lines: Line) -> None:
        """Put these lines in the place of the former ones."""
        self._lines = lines
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One of the lines, or blanks below them."""
        drawn = self._lines[y] if y < len(self._lines) else ()
        return to_strip(self, drawn, self.size.width, self.rich_style)
