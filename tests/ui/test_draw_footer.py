"""What the footer says can be pressed: what is possible now, the most important first."""

from __future__ import annotations

import pytest
from turns import by_turns
from ui_views import NAMES, role_of, session, view

from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import replace
from bpdebug.session.commands import COMMANDS
from bpdebug.session.table import rebind
from bpdebug.ui.draw.bars import Place, footer_key, footer_line, possible
from bpdebug.ui.draw.glyphs import glyph, key_of, nothing_yet
from bpdebug.ui.draw.layers import deltas_of, values_of
from bpdebug.ui.draw.spans import plain, width
from bpdebug.ui.panes import PANES
from bpdebug.ui.panes.equation import EquationPane
from bpdebug.ui.panes.loss import LossPane
from bpdebug.ui.panes.network import NetworkPane
from bpdebug.ui.panes.program import ProgramPane
from bpdebug.ui.panes.tensors import DeltasPane, ValuesPane

SIZES = (80, 120, 160)
MOMENTS = ("goto start", "step", "goto 1:loss", "goto 2:backward", "goto end")


def at(pane="", **named):
    """As if the pane had the focus."""
    return Place(PANES[pane].hints, PANES[pane].cells, **named) if pane else Place(**named)


def footer(columns, shown, pane=""):
    return plain(footer_line(shown, columns, at(pane)))


def entries(columns, shown, pane=""):
    return [part.strip() for part in footer(columns, shown, pane).split("  ") if part.strip()]


@pytest.mark.parametrize(("name", "columns"), by_turns(NAMES, SIZES))
def test_the_footer_takes_exactly_the_columns(name, columns):
    for command, pane in zip(MOMENTS, ("", "program", "network", "loss", "values"), strict=True):
        assert width(footer_line(view(name, command), columns, at(pane))) == columns


@pytest.mark.parametrize("columns", SIZES)
def test_the_most_needed_commands_come_first(columns):
    shown = entries(columns, view("xor", "step 3"), "values")
    assert shown[:3] == ["Enter origin", "s step", "n layer"]
    for entry in ("u update", "i into", "[ back", "q quit"):
        assert entry in shown
    assert ("f phase" in shown) == ("? help" in shown) == (columns >= 120)
    assert columns < 160 or {"v check", "1…9 panes", ": type"} <= {*shown}


def test_what_to_do_now_is_louder_than_the_rest_and_comes_first():
    """Begin, ask where the number comes from, then what the gradient is made of, or go back."""
    for commands, now in (
        ((), "s step"),
        (("step",), "Enter origin"),
        (("goto dW1", "origin"), "r paths"),
        (("step 3", "origin"), "Bksp return"),
    ):
        for columns in (80, 120, 160):
            drawn = footer_line(view("xor", *commands), columns)
            assert [text for text, role in drawn if role == "cursor"] == [now]
            assert plain(drawn).startswith(f" {now}  ")
    assert not [role for _, role in footer_line(view("xor"), 120, at("program")) if role == "cursor"], "its keys are those of the pane"


def test_the_way_out_is_always_shown():
    for command in (*MOMENTS, "hunt 3"):
        for columns in (20, 40, 60, 80, 120):
            for pane in ("", "program", "network", "loss", "values", "deltas", "why", "equation"):
                for place in (at(pane), at(pane, alone=True), at(pane, picked=True)):
                    assert plain(footer_line(view("xor", command), columns, place)).rstrip().endswith("q quit")


def test_at_the_start_there_is_no_way_back():
    shown = entries(80, view("xor"), "values")
    assert "[ back" not in shown
    assert {"s step", "q quit", "? help", ": type"} <= {*shown}
    assert "Enter origin" not in shown


def test_at_the_end_there_is_no_way_on():
    shown = entries(80, view("xor", "goto end"), "values")
    assert shown[:3] == ["[ back", "U update back", "g goto"]
    assert "v check" in shown
    assert not {"s step", "n layer", "u update", "c continue"} & {*shown}


@pytest.mark.parametrize(
    ("pane", "own"),
    [
        ("program", ["↑↓ stage", "Enter go to", "b break"]),
        ("network", ["←→↑↓ neuron", ",. sample"]),
        ("loss", ["←→ along"]),
    ],
)
def test_a_pane_that_was_chosen_has_its_own_keys_even_on_a_small_screen(pane, own):
    shown = entries(80, view("xor", "goto 2:dW1"), pane)
    assert [entry for entry in shown if entry in own] == own
    assert {"s step", "n layer", "[ back", "? help"} <= {*shown}


@pytest.mark.parametrize("pane", ["values", "deltas", "why", "equation"])
def test_where_there_are_cells_enter_goes_to_their_origin(pane):
    assert "Enter origin" in entries(120, view("xor", "goto 2:dW1"), pane)
    assert "o operand" in entries(160, view("xor", "goto 2:dW1"), pane)
    given = view("xor", "select W1[0,0]")
    assert "o operand" not in entries(160, given, pane)
    assert "Enter origin" not in entries(160, given, pane)


@pytest.mark.parametrize("pane", [ProgramPane, NetworkPane, LossPane, ValuesPane, DeltasPane, EquationPane])
def test_a_panes_keys_are_those_that_it_has(pane):
    own = {binding.key for binding in pane.BINDINGS}
    name = pane.__name__.removesuffix("Pane").lower()
    keys = {key for shown in (view("xor", "goto 2:dW1"), equation()) for key in clickable(160, shown, name)}
    assert keys & {"left", "right", "up", "down"} == own & {"left", "right", "up", "down"}


def equation():
    return session("xor", "goto 2:dW1").view(("equation",))


def clickable(columns, shown, pane):
    return {footer_key(shown, columns, x, at(pane)) for x in range(columns)} - {""}


def test_what_has_nothing_to_move_along_has_no_arrows():
    start = view("xor")
    assert "←→↑↓ cell" in entries(160, start, "values")
    assert "←→↑↓ cell" not in entries(160, start, "deltas")
    assert "←→ along" not in entries(160, start, "loss")


def test_a_hunt_has_its_own_key_and_no_check():
    shown = entries(120, view("xor", "hunt 3"), "values")
    assert shown[0] == "a accuse"
    assert "v check" not in shown
    over = entries(160, view("xor", "hunt 3", "reveal"), "values")
    assert "a accuse" not in over
    assert "v check" in over


def test_selected_text_can_be_copied():
    shown = footer_line(view("xor", "step 3"), 80, at("program", picked=True))
    assert plain(shown).startswith(" ctrl+c copy  s step")
    assert role_of(shown, "ctrl+c") == "key"


@pytest.mark.parametrize(("columns", "command"), [(80, "goto start"), (160, "goto 2:dW1"), (120, "goto end")])
def test_a_click_on_an_entry_is_its_key(columns, command):
    for pane in ("program", "network", "loss", "values"):
        shown = view("xor", command)
        text = footer(columns, shown, pane)
        for x, character in enumerate(text):
            key = footer_key(shown, columns, x, at(pane))
            begins = text[x - 1] == " " and (x < 2 or text[x - 2] == " ")
            if begins and character != " ":
                assert text[x:].startswith(glyph(key)), (text, x)
            if character in "←→↑↓<>":
                assert glyph(key) == character
            if text[x : x + 2] == "  ":
                assert key == ""


def test_during_a_long_run_the_message_takes_the_place_and_any_click_stops():
    opened = session("xor", "step").view()
    shown = replace(opened, message="running; any key stops")
    assert plain(footer_line(shown, 80)).rstrip() == " running; any key stops"
    assert footer_key(shown, 80, 40) == "escape"


def test_other_keys_are_shown_as_they_were_chosen():
    before = COMMANDS["step"].keys, COMMANDS["reverse-step"].keys
    try:
        rebind({"step": ("j",), "reverse-step": ()})
        shown = entries(120, view("xor", "step 3"), "values")
        pressed = key_of("step"), key_of("reverse-step")
    finally:
        rebind(dict(zip(("step", "reverse-step"), before, strict=True)))
    assert shown[1] == "j step"
    assert "[ back" not in shown
    assert pressed == ("j", ":reverse-step")


def test_a_pane_alone_says_how_all_come_back():
    shown = view("xor", "step 3")
    assert "z all panes" in plain(footer_line(shown, 160, at("values", alone=True)))
    assert "z alone" in plain(footer_line(shown, 160, at("values")))


def test_tables_of_nothing_say_what_to_press():
    start, end = view("xor"), view("xor", "goto end")
    told = [nothing_yet(start, deltas_of(start), columns) for columns in (39, 38, 30)]
    assert told == ["not computed yet: f runs a phase, u all", "not computed yet: f runs a phase", "not computed yet"]
    assert nothing_yet(end, deltas_of(end), 40) == "[ goes back into the last update"
    assert nothing_yet(start, values_of(start), 40) == nothing_yet(start, (), 40) == ""
    later = view("xor", "goto 1:da2")
    assert nothing_yet(later, deltas_of(later), 40) == ""


def moves(commands, name):
    """Whether a command goes to another moment, or, as ``origin`` does, to another cell."""
    opened = session("xor", *commands)
    before = opened.position.t, opened.selected if name == "origin" else None
    try:
        opened.execute(name)
    except BpdebugError:
        return False
    return (opened.position.t, opened.selected if name == "origin" else None) != before


@pytest.mark.parametrize("commands", [(), ("goto end",), ("select W1[0,0]",), ("goto 2:dW1", "select a1[0,0]")])
@pytest.mark.parametrize("name", [*(c.name for c in COMMANDS.values() if c.group in ("move", "back") and not c.asks), "origin"])
def test_what_is_said_to_be_possible_is(commands, name):
    if name != "reverse-into":
        assert possible(view("xor", *commands), COMMANDS[name]) == moves(commands, name)
