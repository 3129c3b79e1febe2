from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from ui_views import session

from bpdebug import cli
from bpdebug.core.cells import cell_name
from bpdebug.ui.panes.tensors import DeltasPane

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def run(capsys):
    """The program in this process: its exit status, standard output and standard error."""

    def run(*arguments):
        status = cli.main(list(map(str, arguments)))
        return status, *capsys.readouterr()

    return run


def texts(path):
    """All that is written in a picture, with plain blanks."""
    root = ET.fromstring(path.read_text("utf-8"))  # noqa: S314
    return " ".join("".join(node.itertext()).replace("\xa0", " ") for node in root.iter() if node.tag.endswith("text"))


def test_a_picture_of_the_moment_after_the_commands(run, tmp_path):
    file = tmp_path / "dW2.svg"
    assert run("screenshot", "xor", "-x", "goto 3:dW2", "-x", "select dW2[1,0]", "-o", file) == (0, "", "")
    shown = texts(file)
    assert "stage" in shown
    assert "dW2[1,0]" in shown
    assert DeltasPane.title in shown
    assert [path.name for path in tmp_path.iterdir()] == ["dW2.svg"]


def test_size_and_theme_are_followed(run, tmp_path):
    pictures = []
    for options in ((), ("--size", "120x36", "--theme", "dark"), ("--size", "80x24"), ("--theme", "light")):
        assert run("screenshot", "xor", *options, "-o", tmp_path / "x.svg")[0] == 0
        pictures.append((tmp_path / "x.svg").read_bytes())
    assert pictures[0] == pictures[1]
    assert len(set(pictures)) == 3


def test_the_picture_needs_no_terminal(tmp_path):
    command = [sys.executable, "-m", "bpdebug", "screenshot", "xor", "-x", "step", "-o", str(tmp_path / "z1.svg")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    moment = session("xor", "step").view()
    assert cell_name(*moment.selected) in texts(tmp_path / "z1.svg")
    assert moment.selected[0] == "z1"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("stpe", "there is no command 'stpe'; did you mean 'step'?"),
        ("print W1 + W9", "column 12: unknown name 'W9'"),
        ("goto nowhere", "there is no location 'nowhere'"),
        ("", "a command is expected"),
    ],
)
def test_a_failed_command_is_named_and_what_was_there_stays(run, tmp_path, command, message):
    file = tmp_path / "kept.svg"
    file.write_text("before", "utf-8")
    status, output, errors = run("screenshot", "xor", "-x", "step", "-x", command, "-x", "step", "-o", file)
    assert (status, output) == (1, "")
    assert errors.startswith(f'-x 2: "{command}": {message}')
    assert errors.count("\n") == 1
    assert file.read_text("utf-8") == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_cannot_be_written_is_told_in_a_line(run, tmp_path, monkeypatch):
    monkeypatch.setattr("bpdebug.ui.screenshot.take_picture", lambda *arguments: "<svg/>")
    for file in (tmp_path, tmp_path / "none" / "x.svg", tmp_path / "..", ""):
        status, output, errors = run("screenshot", "xor", "-o", file)
        assert (status, output, errors.count("\n")) == (2, "", 1)
        assert (str(file) or ".") in errors
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "size", ["", "x", "120", "36x", "120x36x2", "-80x24", "80x-24", "19x24", "80x7", "501x36", "120x201", "80.0x24", "²x24"]
)
def test_a_size_that_no_terminal_has_is_bad_usage(run, tmp_path, size):
    status, _, errors = run("screenshot", "xor", f"--size={size}", "-o", tmp_path / "x.svg")
    assert status == 2
    assert f"columns and rows such as 120x36 are expected, from 20x8 to 500x200; found '{size}'" in errors


def test_bad_usage_and_a_bad_scenario_end_with_2(run, tmp_path):
    file = tmp_path / "x.svg"
    assert run("screenshot", "xor")[0] == 2
    assert run("screenshot", "-o", file)[0] == 2
    assert run("screenshot", "xor", "--theme", "pink", "-o", file)[0] == 2
    assert run("screenshot", "nosuch.yaml", "-o", file)[0] == 2
    assert not file.exists()
