"""What tests of scripts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.session.session import Session


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """What a check says of a script."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)

    def check(text):
        Path("net.py").write_text(text, "utf-8")
        session = Session(load_script("net.py", [], 3))
        return session.program.scenario.description, session.execute("check")

    return check
