"""Scripts of the user's own in the app's tests: recorded once for all of them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bpdebug.frontends.numpy_script.script import load_script

SCRIPTS = Path(__file__).parents[1] / "cases" / "scripts"
WRONG = ("lists", "da * sigmoid_derivative(a[l + 1])", "da * sigmoid_derivative(z[l])")
"""A script, and a mistake for it: line 30."""


@cache
def recorded(name, old="", new="", more="", updates=3):
    """The scenario of a script called ``train.py``, with one place changed and more at its end."""
    text = (SCRIPTS / f"{name}.py").read_text("utf-8")
    assert old in text
    here = Path.cwd()
    with TemporaryDirectory() as folder:
        Path(folder, "train.py").write_text((text.replace(old, new, 1) if old else text) + more, "utf-8")
        try:
            os.chdir(folder)
            return load_script("train.py", [], updates)
        finally:
            os.chdir(here)
