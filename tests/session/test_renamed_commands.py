"""Every command of every transcript, on the same network under other names: it says the same of them, and nothing else."""

from __future__ import annotations

import re
from contextlib import chdir

import pytest
from renamed import NONSENSE, in_print, in_words, renamed
from test_commands import OPENED, PROMPT, TRANSCRIPTS

from bpdebug.core.errors import BpdebugError
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


@pytest.mark.parametrize("naming", NONSENSE)
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_every_command_says_the_same_of_other_names(path, naming, tmp_path):
    heading, *lines = path.read_text("utf-8").splitlines()
    scenario = OPENED[heading.removeprefix("# ")]
    other, names = renamed(scenario, NONSENSE[naming])
    ours, theirs = Session(scenario), Session(other)
    for folder in ("ours", "theirs"):
        (tmp_path / folder).mkdir()
    for command in (line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)):
        with chdir(tmp_path / "ours"):
            kind, text = answer(ours, command)
        with chdir(tmp_path / "theirs"):
            found, said = answer(theirs, in_words(command, names))
        if naming == "neighbours" and path.stem != "hunt":  # of which the names decide what a seed chooses
            assert sentences(found, said, names) == sentences(kind, text, names), command
        else:
            assert found == kind, (command, said)
