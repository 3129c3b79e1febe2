"""The terminal's clipboard, also from inside tmux and over ssh."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from textual.app import App

_MOST = 74_994
"""Bytes that terminals take at once: several stop reading an escape sequence after 100,000 (xterm's and hterm's limit for OSC 52)."""


def put_on_clipboard(app: App[Any], text: str) -> str:
    """Hand a text to the terminal by OSC 52, which reaches the user's own machine over ssh too; tmux takes none of it from a program in
    it, as it comes, and is given the text by its own command.

    Returns:
        What is to be said of it besides that it is copied; usually nothing.
    """
    app.copy_to_clipboard(text)
    reached = bool(os.environ.get("TMUX")) and not app.is_headless and (_in_tmux(text, "-w") or _in_tmux(text))
    if len(text.encode()) > _MOST:
        return f"; it is long, and some terminals take only {_MOST:,} bytes"
    return "; prefix ] pastes it in tmux too" if reached else ""


def _in_tmux(text: str, *options: str) -> bool:
    """Put a text into tmux's buffer; with ``-w``, which tmux has from 3.2 on, also on the clipboard of the terminal around it."""
    order = ["tmux", "load-buffer", *options, "-"]
    try:
        done = subprocess.run(order, input=text.encode(), capture_output=True, timeout=2, check=False)  # noqa: S603 - no part is the user's
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
