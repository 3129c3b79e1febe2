"""What an error quotes of a user's text is printable and bounded, wherever it is told; a progress line fits the terminal."""

from __future__ import annotations

import os
import sys

import pytest
from turns import by_turns

from bpdebug import cli, headless
from bpdebug.core.errors import BpdebugError, printable
from bpdebug.frontends import load_scenario
from bpdebug.headless import Progress
from bpdebug.session.rescue import told
from bpdebug.session.session import Session

HOSTILE = ["\x1b[31mred", "\x9b2J", "bell\x07", "tab\there", "\u202eleft", "q" * 900_000, "\x1b" * 100_000, "\udce9"]
COMMANDS = [
    "{}",
    "print {}",
    "goto {}",
    "set {} = 1",
    "set W1[0,0] = {}",
    "formula {} = 1",
    "break {}",
    "select {}",
    "format {}",
    "help {}",
]
COMMANDS += ["help {}", "step {}", "source {}", "delete {}", "scale {}", "frame {}", "info {}", "catch {}", "predict {}"]


def tame(text):
    return all(line.isprintable() and len(line) <= 1200 for line in text.splitlines())


@pytest.mark.parametrize(("command", "text"), by_turns(COMMANDS, HOSTILE), ids=lambda value: ascii(value)[:40])
def test_what_an_error_quotes_is_printable_and_bounded(command, text):
    with pytest.raises(BpdebugError) as caught:
        Session(load_scenario("xor")).execute(command.format(text))
    assert tame(str(caught.value))


@pytest.mark.parametrize("text", HOSTILE[:-1], ids=ascii)
def test_so_it_is_on_the_command_line_and_in_scripts(text, tmp_path, capsys):
    script = tmp_path / "hostile.bp"
    script.write_text(text)
    for arguments in (["run", "xor", "-x", text], ["run", "xor", "--script", str(script)], ["run", f"{text}.yaml"], [f"--{text}"]):
        assert cli.main(arguments) in (1, 2)
        assert tame(capsys.readouterr().err)
    assert tame(told(None, ValueError(text)))


def test_a_leading_colon_is_that_of_the_prompt(capsys):
    assert cli.main(["run", "xor", "-x", ":i", "-x", ": print learning_rate"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "learning_rate = 0.1"


@pytest.mark.parametrize("columns", [10, 40, 200])
def test_the_line_of_a_long_run_is_no_longer_than_the_terminal(columns, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(headless, "_BETWEEN", 0.0)
    monkeypatch.setattr(headless.os, "get_terminal_size", lambda _: os.terminal_size((columns, 24)))
    monkeypatch.setattr(sys.stderr, "fileno", lambda: 2)
    progress = Progress(Session(load_scenario("xor")))
    with progress:
        progress.show()
        drawn = capsys.readouterr().err
    line = drawn.removeprefix("\r").removesuffix("\x1b[K")
    assert 0 < len(line) < columns
    assert printable(line) == line
