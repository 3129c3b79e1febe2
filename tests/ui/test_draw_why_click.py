"""What a click on the explanation of a number points at: operands, and the keys that are named."""

from __future__ import annotations

import pytest
from ui_views import session, view

from bpdebug.ui.draw.glyphs import key_at
from bpdebug.ui.draw.spans import plain
from bpdebug.ui.draw.why import why_lines
from bpdebug.ui.draw.why_numbers import operand_at


def pointed(shown, columns=78):
    """The text under each operand, by the operand's place."""
    found = {}
    for drawn in why_lines(shown, columns):
        text = plain(drawn)
        for x, character in enumerate(text):
            place = operand_at(shown, drawn, x)
            if place is not None:
                found[place] = found.get(place, "") + character
    return found


def test_each_operand_is_found_where_it_is_written_and_nowhere_else():
    shown = view("xor", "goto 3:dW2", "select dz2[1,0]")
    assert shown.explanation.operands == (("da2", (1, 0)), ("a2", (1, 0)))
    assert pointed(shown) == {0: "da2[1,0]−1.86915da2[1,0]", 1: "a2[1,0]" * 2 + "0.5350040.535004"}


@pytest.mark.parametrize("columns", [20, 78])
@pytest.mark.parametrize("notation", ["d", "delta", "partial"])
def test_in_every_notation_and_convention(notation, columns):
    shown = session("xor", "goto 3:dW2", "select dz2[1,0]", f"notation {notation}", "convention columns").view()
    name = {"d": "da2", "delta": "∂L/∂a2", "partial": "∂L/∂a2"}[notation]
    found = pointed(shown, columns)
    assert set(found) == {0, 1}
    assert set(found[0].replace(name, "", 1).replace(name, "", 1)) <= set("₀₁,[]−.0123456789")
    assert found[1].startswith("a2")


def test_what_has_no_operands_has_no_places():
    assert pointed(view("xor", "select W1[0,0]")) == pointed(view("xor")) == {}


def test_a_key_is_found_under_the_word_that_names_it():
    shown = view("xor", "goto 3:dW2", "select dz2[1,0]")
    line = next(drawn for drawn in why_lines(shown, 78) if plain(drawn).startswith("Enter"))
    text = plain(line)
    assert {key_at(line, x) for x in range(5)} == {"enter"}
    assert key_at(line, text.index("   o") + 3) == "o"
    assert key_at(line, text.index("goes")) == ""
    assert key_at(line, 500) == ""
