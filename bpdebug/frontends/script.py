"""What a command line names: a scenario, or a script of the user's own, which is run.

Only what stands on the command line comes through here: nothing else may run code.
"""

from __future__ import annotations

import os
import sys

from bpdebug.core.description import Scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import replace
from bpdebug.files import PROGRAMS, FileError
from bpdebug.frontends.loader import load_scenario
from bpdebug.frontends.numpy_script.asked import CHECKED, RECORDED, Asked
from bpdebug.frontends.shipped import folder


def is_script(asked: Asked) -> bool:
    """Whether what a command line names is run: a script, a notebook or a module."""
    return asked.module or asked.source.endswith(PROGRAMS)


def traceback_of(scenario: Scenario) -> str:
    """That of the script that a scenario comes from, as Python has it; "" where nothing was raised."""
    return getattr(scenario, "traceback", "")


def opened(asked: Asked, ending: bool = True) -> Scenario:
    """The scenario of that name, or what a script of that name computes; that it is run is said, and what it raises.

    Args:
        asked: what is named, and how it is run.
        ending: whether to show a traceback at once, below what was found; else that is left to who asks.

    Raises:
        BpdebugError: where it cannot be read, or there is nothing to debug.
    """
    if not is_script(asked):
        for name in ("arguments", "python", "stdin", "loop", "loss"):
            if getattr(asked, name):
                option = "--" if name == "arguments" else f"--{name}"
                raise BpdebugError(f"{option} is for a script (train.py, train.ipynb, or -m with a module); {asked.source} is a scenario")
        return load_scenario(asked.source)
    from bpdebug.frontends.numpy_script.script import loaded  # noqa: PLC0415 - for scripts alone

    asked = announced(asked)
    scenario = loaded(asked)
    print(f"bpdebug: {scenario.description}\n{scenario.traceback * ending}", end="", file=sys.stderr)
    return scenario


def announced(asked: Asked) -> Asked:
    """A script that can be run, by which Python; that it is run is said.

    Raises:
        BpdebugError: where it cannot.
    """
    if not asked.module and not os.path.lexists(asked.source) and (shipped := folder() / asked.source).is_file():
        asked = replace(asked, source=str(shipped), called=asked.source)
    for path in (*[asked.source] * (not asked.module), *[asked.stdin] * bool(asked.stdin)):
        if not os.path.isfile(path):  # noqa: PTH113 - any text
            directory = os.path.isdir(path)  # noqa: PTH112
            raise FileError(path, "expected a script; this is a directory" if directory else "the file does not exist", "missing")
    from bpdebug.frontends.numpy_script.child import python_of  # noqa: PLC0415 - for scripts alone

    asked = replace(asked, python=python_of(asked.python))
    how = f"bpdebug: running {asked.source} as a program, with your rights, by {asked.python}; ctrl+c stops it"
    print(how, file=sys.stderr, flush=True)
    return asked


__all__ = ["CHECKED", "RECORDED", "Asked", "announced", "is_script", "opened", "traceback_of"]
