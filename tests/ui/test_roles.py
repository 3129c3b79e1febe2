from __future__ import annotations

from functools import cache

import pytest
from rich.console import COLOR_SYSTEMS
from textual.color import Color

from bpdebug.ui.draw.roles import CONTRAST, DARK, HEAT_STEPS, LIGHT, Roles, contrast

THEMES = [DARK, LIGHT, CONTRAST]
LEVELS = [f"{sign}{level}" for level in range(1, HEAT_STEPS + 1) for sign in "+-"]
TEXT = ["", "dim", "faint", "bold", "heading", "name", "key", "next", "done", "changed", "bad", "good", "curve"]
ON_GROUNDS_OF_THEIR_OWN = [
    "cursor",
    *[f"heat:{level}{more}" for level in LEVELS for more in ("", " bold lit")],
    *[f"faded:{level} dim" for level in LEVELS],
    "point",
    "point missed",
    *[f"class:{place}:{level}" for place in range(6) for level in range(HEAT_STEPS + 1)],
]


def colors(theme):
    given = {name: getattr(theme, name) for name in ("foreground", "background", "surface", "panel", "primary", "secondary")}
    return given | {name: getattr(theme, name) for name in ("accent", "warning", "error", "success")} | theme.variables


@cache
def roles_of(name, system=None):
    return Roles(colors(next(theme for theme in THEMES if theme.name == name)), system)


def of(rich_color):
    return Color(*rich_color.get_truecolor())


def ratios(theme, role, system=None, on=("background", "surface", "panel")):
    """The contrast of a role's text on what it is drawn on: a ground of its own, or those of a pane."""
    variables, style = colors(theme), roles_of(theme.name, system).style(role)
    text = style.color or Color.parse(variables["foreground"]).rich_color
    grounds = [style.bgcolor] if style.bgcolor else [Color.parse(variables[name]).rich_color for name in on]
    if system:
        text, *grounds = (color.downgrade(COLOR_SYSTEMS[system]) for color in (text, *grounds))
    return [contrast(of(text), of(ground)) for ground in grounds]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 3.998),
        ("#00f", "#00f", 1),
    ],
)
def test_the_contrast_of_known_pairs(one, other, ratio):
    assert contrast(Color.parse(one), Color.parse(other)) == pytest.approx(ratio, abs=0.005)
    assert contrast(Color.parse(other), Color.parse(one)) == pytest.approx(ratio, abs=0.005)


@pytest.mark.parametrize(("theme", "least"), [(DARK, 4.5), (LIGHT, 4.5), (CONTRAST, 7)], ids=["dark", "light", "contrast"])
def test_all_text_can_be_read_on_what_it_is_drawn_on(theme, least):
    hard = {role: min(ratios(theme, role)) for role in TEXT + ON_GROUNDS_OF_THEIR_OWN if min(ratios(theme, role)) < least}
    assert not hard


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("system", ["256", "standard"])
def test_numbers_can_be_read_on_their_heat_where_the_terminal_has_few_colours(theme, system):
    least = {role: min(ratios(theme, role, system, on=["surface"])) for role in ON_GROUNDS_OF_THEIR_OWN}
    assert not {role: ratio for role, ratio in least.items() if ratio < (3.8 if role.startswith("faded") else 4.5)}


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_what_is_dim_stands_before_what_is_faint_and_both_behind_the_rest(theme):
    assert all(text > dim > faint for text, dim, faint in zip(*(ratios(theme, role) for role in ("", "dim", "faint")), strict=True))


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_strong_lines_are_seen_and_stronger_heat_is_told_from_weaker(theme):
    assert all(min(ratios(theme, f"ink:{sign}{HEAT_STEPS}")) >= 3 for sign in "+-")
    for sign in "+-":
        grounds = [of(roles_of(theme.name).style(f"heat:{sign}{level}").bgcolor) for level in range(HEAT_STEPS + 1)]
        strengths = [contrast(ground, grounds[0]) for ground in grounds]
        assert strengths == sorted(strengths)
        assert strengths[-1] > 2
        assert grounds[-1] == Color.parse(colors(theme)["heat-positive" if sign == "+" else "heat-negative"]), "the colour itself"


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("kind", ["heat", "ink"])
def test_of_16_colours_each_sign_has_one_of_its_own_and_none_is_that_of_what_is_wrong(theme, kind):
    roles = roles_of(theme.name, "standard")
    assert roles.few
    assert not roles_of(theme.name, "256").few
    styles = {sign: [roles.style(f"{kind}:{sign}{level}") for level in range(1, HEAT_STEPS + 1)] for sign in "+-"}
    found = {sign: {style.color.downgrade(COLOR_SYSTEMS["standard"]).number for style in made} for sign, made in styles.items()}
    assert len(found["+"]) == len(found["-"]) == 1
    assert found["+"] != found["-"]
    assert not (found["+"] | found["-"]) & {1, 9, 7, 8, 15, 0}
    assert all(style.bgcolor is None for made in styles.values() for style in made)
    assert [bool(style.bold) for style in styles["+"]] == [False] * 4 + [True] * 4


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_lines_that_step_back_are_seen_behind_those_that_do_not(theme):
    for level in LEVELS:
        (pale,), (ink,) = (ratios(theme, f"{kind}:{level}", on=["surface"]) for kind in ("pale", "ink"))
        assert 2.15 <= pale < ink
    border = contrast(*(Color.parse(colors(theme)[name]) for name in ("border-blurred", "surface")))
    assert border >= 2.4


def test_a_theme_that_leaves_its_colours_to_the_terminal_has_text_all_the_same():
    roles = Roles({"foreground": "ansi_default", "surface": "ansi_default", "panel": "ansi_default", "background": "ansi_default"})
    for role in ("dim", "faint", "bad", "heat:+8"):
        style = roles.style(role)
        assert contrast(of(style.color), of(style.bgcolor) if style.bgcolor else Color(20, 20, 20)) >= 4.5
