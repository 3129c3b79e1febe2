"""Whatever is drawn is explained: each sign and each style that means something, with one meaning on one screen."""

from __future__ import annotations

from collections import defaultdict

import pytest
from turns import by_turns
from ui_app import debugger, press, settled
from ui_views import NAMES
from walked import HALVES, walk

from bpdebug.look.legend import entries, meaning_of
from bpdebug.ui.completing import RowList
from bpdebug.ui.draw.spans import plain
from bpdebug.ui.panes import PANES

pytestmark = pytest.mark.usefixtures("painted")

STRICT = {*PANES, "header", "footer", "report"}
"""Where each sign has the meaning that the legend gives it there; elsewhere, as in the help itself, a sign may also be spoken of."""
NO_SIGNS = set("éèäöüß“”‘’ \u00a0")
"""Of names and of running text."""
NO_MEANING = {"", "bold", "operand"}
"""Styles that say nothing by themselves; ``operand:3`` is what a click finds."""


def signs(seen):
    """Every sign that was painted: its place, itself, its line, and where in it; keys are named as they are."""
    for place, spans in seen:
        text, start = plain(spans), 0
        for part, role in spans:
            for at, sign in enumerate(part, start):
                if not sign.isascii() and sign not in NO_SIGNS and role != "key":
                    yield place, sign, text, at
            start += len(part)


def known(place, text, at):
    return (
        meaning_of(place, text, at)
        if place in STRICT
        else next(filter(None, (entry.covers(text, at) and entry for entry in entries())), None)
    )


BY_DAY = ("saturation", "dropout", "conv", "ninja", "script")
"""Of each kind of scenario one; the others, which draw hardly anything that none of these draws, in the long run."""
WALKED = [
    *by_turns(BY_DAY, HALVES),
    *(pytest.param(name, half, marks=pytest.mark.long) for name in NAMES if name not in BY_DAY for half in HALVES),
]


@pytest.mark.parametrize(("name", "half"), WALKED)
async def test_every_sign_and_style_is_explained_and_none_has_two_meanings(name, half, monkeypatch):
    seen = await walk(name, half, monkeypatch)
    unexplained, meanings = defaultdict(list), defaultdict(dict)
    for place, sign, text, at in signs(seen):
        entry = known(place, text, at)
        if entry is None:
            unexplained[sign, place].append(text.strip()[:100])
        elif entry and place in STRICT and entry.group != "lines":
            whole = next((own for own in entry.signs if sign in own), sign)
            meanings[whole].setdefault(entry.name, f"{place}: {text.strip()[:60]}")
    explained = {role for entry in entries() for role in entry.roles} | NO_MEANING
    roles = {part.split(":")[0] for _, spans in seen for _, role in spans for part in role.split()}
    told = [f"'{sign}' in {place}, such as {texts[0]!r}" for (sign, place), texts in sorted(unexplained.items())]
    twice = [
        f"'{sign}' is {' and '.join(f'{name} ({where})' for name, where in found.items())}"
        for sign, found in meanings.items()
        if len(found) > 1
    ]
    assert not told, "draw another sign, one that bpdebug/look/legend.yaml has, or explain this one there:\n" + "\n".join(told)
    assert not twice, "one sign, one meaning on one screen: draw another one, or make the entries of legend.yaml one:\n" + "\n".join(twice)
    assert roles <= explained, "explain these styles under 'colours' in bpdebug/look/legend.yaml"


async def test_the_mouse_over_a_sign_or_a_number_shows_what_it_means(monkeypatch):
    async with debugger() as (app, pilot):
        app._disable_tooltips = False
        app.perform("goto dz2")
        await settled(pilot)
        program, deltas = app.query_one("#program"), app.query_one("#deltas")
        row = next(y for y in range(program.size.height) if "⊙" in program.text_of(y))
        for pane, place, told in [
            (program, (program.text_of(row).index("⊙"), row), "⊙ cell by cell: "),
            (deltas, (3, 1), "orange and blue: "),
        ]:
            monkeypatch.setattr(app, "mouse_position", pane.content_region.offset + place)
            assert told in str(pane.tooltip)
        monkeypatch.setattr(app, "mouse_position", program.content_region.offset)
        assert program.tooltip is None


async def test_help_begins_with_what_is_drawn_where_the_user_is():
    async with debugger() as (app, pilot):
        app.perform("goto dz2")
        await press(pilot, "1", "?")
        here = [entry.name for entry in app.screen.here]
        assert {"cell by cell", "transpose", "sum", "sigmoid", "next", "grey"} <= {*here}
        assert "curve" not in here
        shown = [plain(row.lines[0]).strip() for row in app.screen.query_one(RowList).rows]
        assert shown[0] == "Here"
