"""Scripts for PyTorch that a test carries out choose a precision for the whole process, which is no concern of the next test."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def precision():
    torch = sys.modules.get("torch")
    before = torch.get_default_dtype() if torch else None
    yield
    if torch:
        torch.set_default_dtype(before)
