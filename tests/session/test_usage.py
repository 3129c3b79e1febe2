from __future__ import annotations

import pytest
from debugger_scenarios import xor

from bpdebug.core.errors import BpdebugError
from bpdebug.export.formats import FORMATS
from bpdebug.session.command_completion import ARGUMENTS, FREE
from bpdebug.session.commands import COMMANDS
from bpdebug.session.session import Session
from bpdebug.session.usage import expected, needs_arguments, stands_for_itself, ways


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
    assert ways(COMMANDS["export"].usage) == (("FILE" + "|".join(row.ending for row in FORMATS.values()),),)
