"""Every command of every transcript, on the same network under other names: it says the same of them, and nothing else."""

from __future__ import annotations

import re
from contextlib import chdir

import pytest
from renamed import NONSENSE, in_print, in_words, renamed
from test_commands import OPENED, PROMPT, TRANSCRIPTS
from turns import by_day

from bpdebug.core.errors import BpdebugError
from bpdebug.core.tensors import Naming
from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session


def answer(session, command):
    try:
        result = session.execute(command)
    except BpdebugError as error:
        return "error", str(error)
    return result.type, result.text


def sentences(kind, text, names):
    """What was said, under the new names; columns are as wide as their names, and advice may name what the user should type."""
    told = re.sub(r"\s+|[─—-]{2,}", " ", in_words(in_print(text) if kind == "copy" else text, names))
    return kind, re.sub(r"(For example:|did you mean|there are|;).*", "", told) if kind == "error" else told


OTHERS = [naming for naming in NONSENSE if naming != "neighbours"]


@pytest.mark.parametrize("path", by_day(TRANSCRIPTS, 4), ids=lambda path: path.stem)
def test_every_command_says_the_same_of_other_names(path, tmp_path):
    """Word for word under one kind of names, and of the same type under one of the others: by day each of some transcripts."""
    heading, *lines = path.read_text("utf-8").splitlines()
    scenario, turn = OPENED[heading.removeprefix("# ")], TRANSCRIPTS.index(path)
    namings = ["neighbours"] if turn % 2 else ["neighbours", OTHERS[turn // 2 % len(OTHERS)]]
    commands = [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]
    (tmp_path / "ours").mkdir()
    with chdir(tmp_path / "ours"):
        ours = Session(scenario)
        answers = [answer(ours, command) for command in commands]
    for naming in namings:
        other, names = renamed(scenario, NONSENSE[naming])
        theirs = Session(other)
        (tmp_path / naming).mkdir()
        for command, (kind, text) in zip(commands, answers, strict=True):
            with chdir(tmp_path / naming):
                found, said = answer(theirs, in_words(command, names))
            if naming == "neighbours" and path.stem != "hunt":  # of which the names decide what a seed chooses
                assert sentences(found, said, names) == sentences(kind, text, names), command
            else:
                assert found == kind, (naming, command, said)


def test_a_later_version_of_a_name_is_a_name_like_any_other():
    """A tensor that is assigned again needs no key beside its name: ``h'2`` is read, stopped at, edited and explained as it stands."""
    versions = Naming(z="h'{}", a="h'{}b", weight="W'{}", gradient="{}'")
    session = Session(renamed(load_scenario("xor"), versions)[0])
    told = {
        command: session.execute(command).text
        for command in (
            "break h'2' if norm(h'2') > 0",
            "continue",
            "explain h'2[0,0]",
            "formula h'1' = h'1b' * h'1",
            "watch W'1[0,0]",
            "goto 1:h'1'",
            "diff 0:h'1, 1:h'1",
        )
    }
    assert told["continue"].startswith("breakpoint 1: h'2' if norm(h'2') > 0")
    assert told["explain h'2[0,0]"].startswith("h'2[0,0] = Σᵢ h'1b[0,i]·W'2[i,0] + b2[0,0]\n")
    assert told["goto 1:h'1'"].endswith("h'1' = h'1b' * h'1")
    assert "\nh'1 " in told["diff 0:h'1, 1:h'1"]
