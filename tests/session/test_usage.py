from __future__ import annotations

import pytest
from debugger_scenarios import xor
from renamed import NONSENSE, renamed

from bpdebug.core.errors import BpdebugError
from bpdebug.core.layers import make_program
from bpdebug.export.formats import FORMATS
from bpdebug.session.command_completion import ARGUMENTS
from bpdebug.session.commands import COMMANDS
from bpdebug.session.session import Session
from bpdebug.session.table import cell_of
from bpdebug.session.usage import expected, needs_arguments, stands_for_itself, ways

FREE = frozenset(("n", "N", "R", "COUNT", "SEED", "NUMBER", "TEXT", "THRESHOLD"))
"""The words of the usages that nothing completes."""


@pytest.mark.parametrize(
    ("usage", "written"),
    [
        ("continue", [()]),
        ("step [n]", [("n",), ()]),
        ("check [GRADIENT] [all|sweep]", [("GRADIENT", "all"), ("GRADIENT", "sweep"), ("GRADIENT",), ("all",), ("sweep",), ()]),
        ("watch EXPRESSION [sign | ratio R]", [("EXPRESSION", "sign"), ("EXPRESSION", "ratio", "R"), ("EXPRESSION",)]),
        ("delete STOP… | all", [("STOP…",), ("all",)]),
        ("origin [NAME[i,j]]", [("NAME[i,j]",), ()]),
        ("set NAME[i,j] = NUMBER", [("NAME[i,j]", "=", "NUMBER")]),
        ("export FILE.md|.tex", [("FILE.md|.tex",)]),
        ("x [a [b]] c", [("a", "b", "c"), ("a", "c"), ("c",)]),
    ],
)
def test_a_usage_is_a_number_of_ways_to_write_a_command(usage, written):
    assert list(ways(usage)) == written


@pytest.mark.parametrize(
    ("usage", "text", "found"),
    [
        ("break LOCATION [if CONDITION]", "", [("LOCATION", 0, False)]),
        ("break LOCATION [if CONDITION]", "layer ", [("if", 6, True), ("LOCATION", 0, False)]),
        ("break LOCATION [if CONDITION]", "layer 2 if a > 1 and b", [("CONDITION", 11, False)]),
        ("watch EXPRESSION [sign | ratio R]", "loss ratio ", [("R", 11, False)]),
        ("check [GRADIENT] [all|sweep]", "all ", []),
        ("set NAME[i,j] = NUMBER", "W1[0, 1] ", [("=", 9, True)]),
        ("delete STOP… | all", "1 2 ", [("STOP…", 0, False)]),
        ("goto LOCATION", "40:d", [("LOCATION", 0, False)]),
        ("continue", "x", []),
    ],
)
def test_what_may_stand_at_the_end_of_the_arguments(usage, text, found):
    seen = expected(usage, text)
    assert [item for item in seen if item in found] == found
    assert {item[:2] for item in seen} == {item[:2] for item in found}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_word_in_capitals_of_a_usage_is_known(name):
    words = {word for way in ways(COMMANDS[name].usage) for word in way if not stands_for_itself(word)}
    assert all(word in ARGUMENTS or word in FREE or word.startswith("FILE") for word in words)


def test_the_kinds_of_arguments_are_all_used():
    used = {word for command in COMMANDS.values() for way in ways(command.usage) for word in way}
    assert set(ARGUMENTS) | FREE <= used


ENOUGH = {"break": "its key marks the next stage", "formula": "its key opens the editor"}


@pytest.mark.parametrize("name", [command.name for command in COMMANDS.values() if needs_arguments(command.usage)])
def test_a_command_that_needs_arguments_by_its_usage_is_refused_without(name):
    if name not in ENOUGH:
        with pytest.raises(BpdebugError):
            Session(xor()).execute(name)


def test_the_endings_of_an_export_are_those_of_the_formats():
    assert ways(COMMANDS["export"].usage) == (("FILE" + "|".join(dict.fromkeys(row.ending for row in FORMATS.values())),),)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("continue 3", "continue takes no argument; found '3'"),
        ("next 0", "a count from 1 is expected; found '0'"),
        ("next up", "a count from 1 is expected; found 'up'"),
        ("select W1[", "a cell such as dW2[1,0] is expected; found 'W1['"),
        ("select", "a cell such as dW2[1,0] is expected; found ''"),
        ("until nowhere", "there is no location 'nowhere'"),
        ("print", "print needs an expression, for example: print a2, print max(abs(dz2))"),
        ("source", "source needs a file, e.g. source lesson.txt"),
    ],
)
def test_the_arguments_are_read_as_the_usage_declares_them(command, message):
    with pytest.raises(BpdebugError) as caught:
        Session(xor()).execute(command)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ["offset[2][0,1]", "offset[2] [ 0 , 1 ]"])
def test_a_bracket_may_belong_to_the_name_of_a_tensor(text):
    program = make_program(renamed(xor(), NONSENSE["dotted"])[0])
    assert cell_of(text, program) == ("offset[2]", (0, 1))
    assert cell_of("offset[2]", program) == ("offset[2]", ())
    assert cell_of("W1[2]", program) == ("W1", (2,)), "unknown: said by whoever looks it up"


def test_a_cell_of_such_a_tensor_is_a_location():
    session = Session(renamed(xor(), NONSENSE["dotted"])[0])
    session.execute("goto offset[2].grad[0,0]")
    assert (session.position.stage, session.selected) == ("offset[2].grad", ("offset[2].grad", (0, 0)))
