"""The look of each role, from the colours of the current theme."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
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
        "border-blurred": "#4c5a70",
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
        "border-blurred": "#98a3b2",
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
    error="#ff8a8a",
    success="#6dff6d",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#202020",
    dark=True,
    variables={
        "heat-positive": "#ff9d00",
        "heat-negative": "#4a9dff",
        "border-blurred": "#a0a0a0",
        "footer-key-foreground": "#ffd800",
        "least-contrast": "7",
        "least-lines": "4.5",
        "veil": "0%",
        "thin-veil": "0%",
    },
)

_INSTEAD = {"heat-positive": "warning", "heat-negative": "primary", "class-3": "error", "class-4": "accent", "class-5": "secondary"}
_GROUNDS = ("background", "surface", "panel")
_FALLBACK = (Color(200, 200, 200), Color(20, 20, 20))
"""Where a theme leaves a colour to the terminal: for what is written, and for what it is written on."""
_TEXT, _LINES = 4.5, 3.0
"""The contrast that text and lines have at least (WCAG 2.1, 1.4.3 and 1.4.11); a theme may ask for more of its text (1.4.6)."""
_PALE = 2.2
"""The contrast that lines have at least which step back as far as ``_BACK``, or which begin ``_FAINT`` of the way to the foreground."""
_BACK, _FAINT = 0.6, 0.3
_BEFORE = 4 / 3
"""How many times the contrast of lines that step back the others have at least."""
_STEPS, _SHADES = 20, 160
_SIGNS = (("#5555ff", "#55ffff", "#0000aa"), ("#aa5500", "#ffff55", "#aa00aa"))
"""Of 16 colours (bright blue, bright cyan, blue; yellow, bright yellow, magenta) those of negative and of positive numbers, the most
wanted first; red stays for what is wrong."""
_BLACK_AND_WHITE = (Color(0, 0, 0), Color(255, 255, 255))


_WRITTEN = {
    "heading": ("primary", True),
    "name": ("primary", True),
    "curve": ("primary", False),
    "key": ("accent", True),
    "next": ("accent", True),
    "changed": ("accent", True),
    "done": ("success", False),
    "good": ("success", True),
    "bad": ("error", True),
    "keyword": ("primary", False),
    "string": ("success", False),
}
"""The theme's colours of what is written, and what is bold."""
_POINTS = {"point": "foreground", "missed": "error"}
"""The backgrounds of the samples in a picture; of those whose answer is wrong."""
_GREY = {"dim": (0.5, 1.3), "faint": (0.35, 1.0), "comment": (0.5, 1.3)}
"""How far from the background towards the foreground, and how many times the least contrast that has to give."""


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.1, "relative luminance")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@cache  # Textual looks for a similar name wherever a text is no colour, which takes half a millisecond
def _parsed(value: str) -> Color | None:
    """A theme's colour; None for one that is the terminal's own, or of a form that is none."""
    try:
        color = Color.parse(value)
    except ColorParseError:
        return None
    return None if color.ansi is not None else color


class Roles:
    """Styles by role for one theme; combined roles (``"bold heat:+3"``) are the sum of their parts.

    What is written has enough contrast in every theme: its colour moves towards the foreground, and what it is written on towards the
    surface, as far as that takes.

    Args:
        variables: the theme's colours by name, as Textual computes them; ``least-contrast`` is what text has at least, ``least-lines``
            what lines that step back have.
        system: the colours that the terminal has, as Rich calls them: ``truecolor``, ``256``, ``standard`` (16); none is the first.
    """

    def __init__(self, variables: Mapping[str, str], system: str | None = None) -> None:
        self._system = COLOR_SYSTEMS[system or "truecolor"]
        self._least = float(variables.get("least-contrast", _TEXT))
        self._lines = float(variables.get("least-lines", 0))
        self._variables = variables
        self._known: dict[str, Style] = {"": Style()}

    def style(self, role: str) -> Style:
        """The style of a role, or of several with blanks between."""
        if role not in self._known:
            self._known[role] = Style.combine(self._single(part) for part in role.split())
        return self._known[role]

    def _color(self, name: str) -> Color:
        named = (_parsed(self._variables.get(wanted, "")) for wanted in (name, _INSTEAD.get(name, "")))
        return next(filter(None, named), _FALLBACK[name in _GROUNDS])

    def _single(self, role: str) -> Style:
        kind, _, rest = role.partition(":")
        levels: dict[str, Callable[[], Style]] = {
            "heat": lambda: self._heat(int(rest)),
            # a heat that steps back, below text that is dim; only where the terminal has colours enough for such shades
            "faded": lambda: self._heat(int(rest), 0.2) if self._system is ColorSystem.TRUECOLOR else Style(),
            "upper": lambda: Style(color=self._single(rest).bgcolor),
            "class": lambda: self._class(*map(int, rest.split(":"))),
            "patch": lambda: self._patches(*rest.split(":")),
        }
        levels |= dict.fromkeys(("ink", "pale", "path"), lambda: self._line(kind, int(rest)))
        return (levels.get(kind, Style) if rest else partial(self._plain, role))()

    def _plain(self, role: str) -> Style:
        """The style of a role that has no levels."""
        surface, foreground = self._color("surface"), self._color("foreground")
        if role in _POINTS:
            return self._ground(self._color(_POINTS[role]), 1.0, HEAT_STEPS) + Style(bold=True, underline=role == "missed" or None)
        if role in _WRITTEN:
            name, bold = _WRITTEN[role]
            return Style(color=self._written(self._color(name), self._least).rich_color, bold=bold or None)
        if role in _GREY:
            share, more = _GREY[role]
            return Style(color=self._written(self._color("background").blend(foreground, share), more * self._least).rich_color)
        others = {
            "bold": Style(bold=True),
            "lit": Style(underline=True),
            "hang": Style(reverse=True),
            "rest": self._line("pale", 0),
            "here": Style(bgcolor=self._color("panel").rich_color),
            "cursor": Style(bgcolor=foreground.rich_color, color=surface.rich_color, bold=True),
        }
        return others.get(role, Style())

    def _written(self, color: Color, least: float) -> Color:
        """A colour as far towards the foreground's as it takes to be seen on everything that is not heat."""
        grounds, foreground = [self._color(name) for name in _GROUNDS], self._color("foreground")
        tried = (color.blend(foreground, step / _STEPS) for step in range(_STEPS))
        return next((c for c in tried if min(contrast(c, ground) for ground in grounds) >= least), foreground)

    def _ground(self, color: Color, strongest: float, level: int) -> Style:
        """A background between the surface and a colour, and what is read on it: the foreground, else black or white; where neither is
        read well, a little weaker."""
        surface, texts = self._color("surface"), (self._color("foreground"), *_BLACK_AND_WHITE)
        grounds = (surface.blend(color, share / _SHADES) for share in range(round(strongest * level / HEAT_STEPS * _SHADES), -1, -1))
        read = ((ground, text) for ground in grounds for text in texts if contrast(self._seen(ground), self._seen(text)) >= self._least)
        ground, text = next(read, (surface, max(_BLACK_AND_WHITE, key=partial(contrast, self._seen(surface)))))
        return Style(bgcolor=ground.rich_color, color=text.rich_color)

    def _seen(self, color: Color) -> Color:
        """The colour that the terminal has in its place."""
        if self._system is ColorSystem.TRUECOLOR:
            return color
        return Color(*color.rich_color.downgrade(self._system).get_truecolor(DEFAULT_TERMINAL_THEME))

    @property
    def few(self) -> bool:
        """Whether the terminal has too few colours for shades of them: then heat is told by the colour of the text alone."""
        return self._system in (ColorSystem.STANDARD, ColorSystem.WINDOWS)

    def _sign(self, level: int, least: float) -> Style:
        """The colour of a sign out of few that is seen well, bold from the middle level on."""
        ground = self._seen(self._color("surface"))
        seen = (color for color in map(Color.parse, _SIGNS[level > 0]) if contrast(self._seen(color), ground) >= least)
        return Style(color=next(seen, self._color("foreground")).rich_color, bold=2 * abs(level) > HEAT_STEPS or None)

    def _line(self, kind: str, level: int) -> Style:
        if self.few and kind in ("ink", "path") and level:
            return self._sign(level, _LINES)
        color = self._written(self._inked(kind, level), self._lines if kind == "pale" else self._lines * _BEFORE)
        return Style(color=color.rich_color, bold=kind == "path" or None)

    def _class(self, place: int, level: int) -> Style:
        """A background between the surface and the colour of a class; ``upper:`` before a background makes it a foreground."""
        return self._ground(self._color(_CLASSES[place % len(_CLASSES)]), 0.8, level)

    def _heat(self, level: int, strongest: float = 1.0) -> Style:
        """A background between the surface and the colour of the sign."""
        if self.few:
            return self._sign(level, self._least) if level else Style()
        return self._ground(self._color("heat-positive" if level > 0 else "heat-negative"), strongest, abs(level))

    def _inked(self, kind: str, level: int) -> Color:
        """A foreground in the colour of the sign, stronger with the level; ``pale`` steps back, ``path`` stands out."""
        color = self._written(self._color("heat-positive" if level > 0 else "heat-negative"), _LINES)
        surface = self._color("surface")
        shades = (surface.blend(self._color("foreground"), share / _STEPS) for share in range(round(_FAINT * _STEPS), _STEPS))
        faint = next((shade for shade in shades if contrast(shade, surface) >= _PALE), color)
        if kind == "path":
            return color
        share = 0.25 + 0.75 * abs(level) / HEAT_STEPS if level else 0.0
        ink = faint.blend(color, share)
        tried = (ink.blend(surface, step / _STEPS) for step in range(round(_BACK * _STEPS), 0, -1)) if kind == "pale" else iter(())
        return next((pale for pale in tried if contrast(pale, surface) >= _PALE), ink)

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
