from __future__ import annotations

import base64
import os
import stat

import pytest
from ui_app import debugger

from bpdebug.session.commands.copy import as_numpy
from bpdebug.ui.clipboard import put_on_clipboard


class Terminal:
    """What stands in the place of an app: it keeps what it is given."""

    is_headless = False

    def copy_to_clipboard(self, text):
        self.text = text


@pytest.fixture
def tmux(tmp_path, monkeypatch):
    """A tmux that keeps what it is given beside the options of the call; one that is too old knows no -w."""

    def made(old=False):
        program = tmp_path / "tmux"
        refused = 'case "$*" in *-w*) exit 1;; esac\n' if old else ""
        program.write_text(f'#!/bin/sh\n{refused}echo "$*" > "{tmp_path}/order"\ncat > "{tmp_path}/buffer"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("TMUX", "/nowhere,1,0")
        return tmp_path

    return made


@pytest.mark.skipif(os.name == "nt", reason="tmux is a program of Unix")
@pytest.mark.parametrize(("old", "order"), [(False, "load-buffer -w -"), (True, "load-buffer -")])
def test_in_tmux_the_text_is_handed_to_tmux_as_well(tmux, old, order):
    folder, terminal = tmux(old), Terminal()
    assert "pastes it in tmux" in put_on_clipboard(terminal, "dW2 = δ\n")
    assert terminal.text == (folder / "buffer").read_text("utf-8") == "dW2 = δ\n"
    assert (folder / "order").read_text().strip() == order


def test_without_tmux_nothing_is_run_and_a_long_text_is_said_to_be_long(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("TMUX", raising=False)
    assert put_on_clipboard(Terminal(), "short") == ""
    assert "74,994 bytes" in put_on_clipboard(Terminal(), "x" * 80_000)
    monkeypatch.setenv("TMUX", "/nowhere,1,0")
    assert put_on_clipboard(Terminal(), "short") == "", "there is no such program"


async def test_the_key_hands_the_selected_tensor_to_the_terminal_and_says_so():
    async with debugger() as (app, pilot):
        app.perform("goto dW2")
        written = []
        app._driver.write = written.append
        await pilot.press("ctrl+y")
        code = next(text for text in written if text.startswith("\x1b]52;c;"))
        text = base64.b64decode(code.removeprefix("\x1b]52;c;").removesuffix("\a")).decode()
        assert text == f"dW2 = {as_numpy(app.view.tensors['dW2'], 6)}"
        assert [note.text for note in app.notes] == ["copied: dW2 as NumPy text"]
