"""The look of each role, from the colours of the current theme."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme

HEAT_STEPS = 8
"""Levels of heat on each side of zero: ``heat:+8`` is the largest positive value of a tensor, ``heat:-8`` the largest negative."""

DARK = Theme(
    name="bpdebug-dark",
    primary="#6cb6ff",
    secondary="#8ddb8c",
    accent="#f2b45c",
    warning="#e5c07b",
    error="#ff7b72",
    success="#8ddb8c",
    foreground="#d5dbe5",
    background="#10141b",
    surface="#161b24",
    panel="#232b38",
    dark=True,
    variables={
        "heat-positive": "#e8862e",
        "heat-negative": "#3f8efc",
        "class-3": "#c678dd",
        "class-4": "#f2637e",
        "class-5": "#3fb6b2",
        "border-blurred": "#3a4557",
        "footer-key-foreground": "#f2b45c",
    },
)
LIGHT = Theme(
    name="bpdebug-light",
    primary="#0b62c4",
    secondary="#1a7f37",
    accent="#a65300",
    warning="#8a6100",
    error="#c0262d",
    success="#1a7f37",
    foreground="#1d2430",
    background="#fbfbf8",
    surface="#ffffff",
    panel="#e4e8ee",
    dark=False,
    variables={
        "heat-positive": "#f0963f",
        "heat-negative": "#5a9df5",
        "class-3": "#b35fd0",
        "class-4": "#e0607a",
        "class-5": "#2a9d99",
        "border-blurred": "#b8c1cd",
        "footer-key-foreground": "#a65300",
    },
)


_CLASSES = ("heat-negative", "heat-positive", "success", "class-3", "class-4", "class-5")
CONTRAST = Theme(
    name="bpdebug-contrast",
    primary="#7fd4ff",
    secondary="#6dff6d",
    accent="#ffd800",
    warning="#ffd800",
    error="#ff6a6a",
    success="#6dff6d",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#2a2a2a",
    dark=True,
    variables={"heat-positive": "#ff9d00", "heat-negative": "#2f8fff", "border-blurred": "#a0a0a0", "footer-key-foreground": "#ffd800"},
)

_INSTEAD = {"heat-positive": "warning", "heat-negative": "primary", "class-3": "error", "class-4": "accent", "class-5": "secondary"}
_GROUNDS = frozenset(("background", "surface", "panel"))
_FALLBACK = (Color(200, 200, 200), Color(20, 20, 20))
"""Where a theme leaves a colour to the terminal: for what is written, and for what it is written on."""


def _parsed(value: str) -> Color | None:
    """A theme's colour; None for one that is the terminal's own, or of a form that is none."""
    try:
        color = Color.parse(value)
    except ColorParseError:
        return None
    return None if color.ansi is not None else color


class Roles:
    """Styles by role for one theme; combined roles (``"bold heat:+3"``) are the sum of their parts.

    Args:
        variables: the theme's colours by name, as Textual computes them.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._colors = {name: color for name, value in variables.items() if (color := _parsed(value))}
        self._known: dict[str, Style] = {"": Style()}

    def style(self, role: str) -> Style:
        """The style of a role, or of several with blanks between."""
        if role not in self._known:
            self._known[role] = Style.combine(self._single(part) for part in role.split())
        return self._known[role]

    def _color(self, name: str) -> Color:
        return self._colors.get(name) or self._colors.get(_INSTEAD.get(name, ""), _FALLBACK[name in _GROUNDS])

    def _single(self, role: str) -> Style:
        kind, _, rest = role.partition(":")
        levels: dict[str, Callable[[], Style]] = {
            "heat": lambda: self._heat(int(rest)),
            "faded": lambda: self._heat(int(rest), 0.2),
            "upper": lambda: Style(color=self._single(rest).bgcolor),
            "class": lambda: self._class(*map(int, rest.split(":"))),
            "patch": lambda: self._patches(*rest.split(":")),
        }
        levels |= dict.fromkeys(("ink", "pale", "path"), lambda: self._line(kind, int(rest)))
        made = levels.get(kind) if rest else getattr(self, f"_{role.replace('-', '_')}", None)
        return made() if made else Style()

    def _line(self, kind: str, level: int) -> Style:
        return Style(color=self._inked(kind, level).rich_color, bold=kind == "path" or None)

    def _class(self, place: int, level: int) -> Style:
        """A background between the surface and the colour of a class; ``upper:`` before a background makes it a foreground."""
        mixed = self._color("surface").blend(self._color(_CLASSES[place % len(_CLASSES)]), 0.6 * level / HEAT_STEPS)
        return Style(bgcolor=mixed.rich_color, color=self._color("foreground").rich_color)

    def _heat(self, level: int, strongest: float = 0.75) -> Style:
        """A background between the surface and the colour of the sign."""
        color = self._color("heat-positive" if level > 0 else "heat-negative")
        mixed = self._color("surface").blend(color, strongest * abs(level) / HEAT_STEPS)
        return Style(bgcolor=mixed.rich_color, color=self._color("foreground").rich_color)

    def _inked(self, kind: str, level: int) -> Color:
        """A foreground in the colour of the sign, stronger with the level; ``pale`` steps back, ``path`` stands out."""
        color = self._color("heat-positive" if level > 0 else "heat-negative")
        faint = self._color("surface").blend(self._color("foreground"), 0.3)
        if kind == "path":
            return color.blend(self._color("foreground"), 0.45)
        share = 0.25 + 0.75 * abs(level) / HEAT_STEPS if level else 0.0
        return faint.blend(color, share).blend(self._color("surface"), 0.6 * (kind == "pale"))

    def _patches(self, upper: str, lower: str, seen: str = "") -> Style:
        """Two patches of a picture, one above the other, each with its size and how far its signs agree; ``seen`` lifts them out."""
        colors = [self._patch(*map(int, patch.split(","))) if patch else self._color("surface") for patch in (upper, lower)]
        above, below = (color.blend(self._color("foreground"), 0.6 * bool(seen)) for color in colors)
        return Style(color=above.rich_color, bgcolor=below.rich_color)

    def _patch(self, size: int, leaning: int) -> Color:
        if size > HEAT_STEPS:
            return self._color("error")
        color = self._color("heat-negative").blend(self._color("heat-positive"), (leaning + 4) / 8)
        return self._color("surface").blend(color, size / HEAT_STEPS)

    def _foreground(self, name: str, bold: bool = False) -> Style:
        return Style(color=self._color(name).rich_color, bold=bold or None)

    def _dim(self) -> Style:
        return Style(color=self._color("background").blend(self._color("foreground"), 0.55).rich_color)

    def _faint(self) -> Style:
        return Style(color=self._color("background").blend(self._color("foreground"), 0.35).rich_color)

    def _bold(self) -> Style:
        return Style(bold=True)

    def _heading(self) -> Style:
        return self._foreground("primary", bold=True)

    def _name(self) -> Style:
        return self._foreground("primary", bold=True)

    def _key(self) -> Style:
        return self._foreground("accent", bold=True)

    def _next(self) -> Style:
        return self._foreground("accent", bold=True)

    def _done(self) -> Style:
        return self._foreground("success")

    def _changed(self) -> Style:
        return self._foreground("accent", bold=True)

    def _bad(self) -> Style:
        return self._foreground("error", bold=True)

    def _good(self) -> Style:
        return self._foreground("success", bold=True)

    def _curve(self) -> Style:
        return self._foreground("primary")

    def _here(self) -> Style:
        return Style(bgcolor=self._color("panel").rich_color)

    def _cursor(self) -> Style:
        return Style(bgcolor=self._color("foreground").rich_color, color=self._color("surface").rich_color, bold=True)

    def _lit(self) -> Style:
        return Style(underline=True)
