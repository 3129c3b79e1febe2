"""Transcripts in the manner of pdb's tests, and the table itself.

After a change of what the commands say, ``python tests/session/test_commands.py`` writes the answers anew: read the difference.
"""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import chdir
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, classes, line, xor

from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.session.commands import COMMANDS, find_command
from bpdebug.session.session import Session
from bpdebug.session.themes import THEMES
from bpdebug.time.results import to_json

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
SHIPPED = ("attention", "saturation", "deep_sigmoid", "dead_relu", "residual")
OPENED = {"XOR": xor(), "classes": classes(12, shuffle=True), "diverging": line(400, rate=2.0)}
OPENED |= {name: load_scenario(name) for name in SHIPPED}
PROMPT = "(bpdebug) "


def played(text):
    """A transcript with the answers that its commands give now; its first line names the scenario."""
    own = {name: what for name, what in THEMES.items() if name.startswith("bpdebug-")}  # an app in this process has added Textual's
    with tempfile.TemporaryDirectory() as folder, chdir(folder), patch.dict(THEMES, own, clear=True):
        return played_here(text)


def played_here(text):
    heading, *lines = text.splitlines()
    session, written = Session(OPENED[heading.removeprefix("# ")]), [heading]
    for typed in filter(lambda text: text.startswith(PROMPT), lines):
        written.append(typed)
        try:
            answer = session.execute(typed.removeprefix(PROMPT)).text
        except BpdebugError as error:
            answer = f"*** {error}"
        written += map(str.rstrip, answer.splitlines())
    return "\n".join(written) + "\n"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path):
    text = path.read_text("utf-8")
    assert played(text) == text


def test_every_command_occurs_in_a_transcript():
    typed = re.findall(rf"^{re.escape(PROMPT)}(\S+)", "\n".join(path.read_text("utf-8") for path in TRANSCRIPTS), re.MULTILINE)
    assert {find_command(name)[0].name for name in typed if name in COMMANDS} == set(COMMANDS)


def test_no_two_commands_share_a_name_or_a_key():
    names = [name for command in COMMANDS.values() for name in (command.name, *command.aliases)]
    keys = [key for command in COMMANDS.values() for key in command.keys]
    assert len(set(names)) == len(names)
    assert len(set(keys)) == len(keys)
    assert "f11" not in keys


def test_each_command_has_a_line_of_help():
    for command in COMMANDS.values():
        assert re.fullmatch(r"[A-Z][^\n]{3,120}\.", command.help), command.name
        assert command.usage.split()[0] == command.name
        assert Session(xor(1)).execute(f"help {command.name}").text.startswith(command.usage)


def test_no_command_is_only_on_a_function_key():
    for command in COMMANDS.values():
        assert not command.keys or any(not re.fullmatch(r"f\d+", key) for key in command.keys), command.name


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_found_by_each_of_its_names(name):
    for typed in (name, *COMMANDS[name].aliases, f"  {name}  "):
        assert find_command(typed) == (COMMANDS[name], "")
    assert find_command(f"{name}   3 4 ") == (COMMANDS[name], "3 4")


MISTAKES = [
    "",
    "   ",
    "stpe",
    "r",
    "reverse",
    "step x",
    "step 0",
    "step -1",
    "step 1.5",
    "step 9999999999999",
    "next no",
    "finish 1 2",
    "update 0",
    "epoch e",
    "continue now",
    "until",
    "until 0:z1",
    "until nowhere",
    "goto",
    "goto 1001:z1",
    "goto layer 7",
    "reverse-step 0",
    "reverse-continue 3",
    "print",
    "print a3",
    "print dW2",
    "print a1 +",
    "print W1 @ W1",
    "print __import__('os')",
    "print (1,2)",
    "explain dW2[0,0]",
    "explain W1[9,9]",
    "explain W1",
    "explain W1[0,0] + 1",
    "select nothing[0,0]",
    "select W1[0,9]",
    "sample 4",
    "sample 1.5",
    "reverse-sample 2",
    "list all",
    "where now",
    "help nothing",
    "quit now",
    "set W1[0,0] = one",
    "set dW2[0,0] = 1",
    "set x[9,0] = 1",
    "formula dz2 = da2 * z3",
    "formula dz2 = dW2",
    "undo",
    "jump away",
    "bookmark a b",
    "diff here, there",
    "break dz2 if dz2 > 0",
    "break b2 if db2[0,0] > 0",
    "break layer 9",
    "tbreak",
    "watch",
    "watch W1 ratio x",
    "catch dead",
    "catch everything",
    "catch rising 1.5",
    "delete 1",
    "enable all of them",
    "disable 1",
    "ignore 1 1",
    "commands 1 where",
    "display nothing",
    "undisplay 1",
    "source nowhere.bp",
    "save no/where.bp",
    "compare",
    "compare nowhere.npz",
    "save ~nobody-of-that-name/x",
    "source ~nobody-of-that-name/x",
    "save \0",
    "hunt x",
    "accuse dz1",
    "hint",
    "reveal",
    "score",
    "answer 1",
    "predict perhaps",
    "predict on 5/3",
]


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_changes_nothing(command):
    session = Session(xor())
    session.execute("goto 3:z2")
    before = session.position, {name: value.tobytes() for name, value in session.values().items()}, session.selected
    with pytest.raises(BpdebugError) as caught:
        session.execute(command)
    assert str(caught.value)
    assert (session.position, {name: value.tobytes() for name, value in session.values().items()}, session.selected) == before


COMMON = ("v", "command", "t", "update", "stage", "type")


USUAL = {
    "until": "dW2",
    "history": "loss for 3",
    "goto": "40:dz2",
    "print": "a2",
    "explain": "dz2[0,0]",
    "select": "a1[1,1]",
    "tbreak": "a1",
    "watch": "W1[0,0] ratio 0.5",
    "catch": "saturated",
    "delete": "1",
    "enable": "all",
    "disable": "last",
    "ignore": "1 2",
    "condition": "1 loss < 2",
    "commands": "1 print loss; where",
    "display": "norm(dz1)",
    "undisplay": "1",
    "set": "dz2[0,0] = nan",
    "formula": "dz2 = a2 - y",
    "jump": "here",
    "diff": "'here, start",
    "source": "script.bp",
    "save": "script.bp",
    "export": "solution.md",
    "compare": "step.npz",
    "hunt": "3",
    "accuse": "dz1",
    "answer": "4x4",
}


BEFORE = dict.fromkeys(("accuse", "hint", "reveal", "score"), ("hunt 3",)) | {
    "answer": ("goto start", "predict on", "step"),
    "compare": ("export step.npz",),
    "down": ("up",),
    "unfold": ("fold",),
}
"""What has to be typed before a command makes sense."""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "hop"])
def test_each_answer_is_one_line_of_json_with_the_common_keys(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = Session(replace(xor(), read_again=xor))
    session.execute("goto 3:dz2")
    for command in ("break dz2", "bookmark here", "display loss", "set W1[0,0] = 1", "save script.bp"):
        session.execute(command)
    for command in ("select dz2[0,0]", "origin", "goto 3:dz2", *BEFORE.get(name, ())):
        session.execute(command)
    command = f"{name} {USUAL.get(name, '')}".strip()
    text = to_json(command, session.position, session.execute(command))
    answer = json.loads(text)
    assert "\n" not in text
    assert tuple(answer)[:6] == COMMON
    assert answer["command"] == command
    assert isinstance(answer["t"], int)


def printed(session, expression):
    command = f"print {expression}"
    return json.loads(to_json(command, session.position, session.execute(command)))


def test_a_printed_tensor_is_nested_lists_in_full_precision():
    session = Session(xor())
    answer = printed(session, "W1")
    assert (answer["name"], answer["shape"]) == ("W1", [2, 4])
    assert np.array(answer["value"]).tobytes() == session.values()["W1"].tobytes()
    assert printed(session, "m")["value"] == 4.0
    assert printed(session, "m")["shape"] == []
    assert printed(session, "argmax(W1, axis=1)")["value"] == [3, 0]
    assert printed(session, "all(x >= 0)")["value"] is True


def test_what_is_not_finite_is_a_string():
    session = Session(xor())
    assert printed(session, "log(x - 1)")["value"] == [["nan", "nan"], ["nan", "-inf"], ["-inf", "nan"], ["-inf", "-inf"]]
    assert printed(session, "1 / x[0, 0]")["value"] == "inf"


def test_an_expression_has_the_precision_of_the_scenario():
    session = Session(SCENARIOS["adam float32"])
    assert session.value("W1 * 0.1").dtype == np.float32
    assert session.value("W1 * 0.1").tobytes() == (session.values()["W1"] * np.float32(0.1)).tobytes()


def test_a_value_is_a_copy():
    session = Session(xor())
    session.value("W1")[:] = 0
    session.values()["W1"][:] = 0
    with pytest.raises(ValueError):
        session.view().tensors["W1"][:] = 0
    assert session.value("W1").all()


def test_the_view_shows_what_has_changed_since_the_stop_before():
    session = Session(SCENARIOS["xor"])
    session.execute("goto 2:a1")
    session.execute("goto 3:a1")
    view = session.view()
    assert view.changed("W1").any()
    assert not view.changed("x").any()
    assert view.changed("z1")[1:].all()
    assert view.loss is None
    session.execute("step 3")
    view = session.view()
    assert not view.changed("a1").any()
    assert view.changed("z2").all(), "it had no value at the stop before"
    assert view.loss == float(session.value("loss"))


if __name__ == "__main__":
    for path in TRANSCRIPTS:
        path.write_text(played(path.read_text("utf-8")), "utf-8")
