"""What a command line names: a scenario, or a script of the user's own, which is run.

Only what stands on the command line comes through here: nothing else may run code.
"""

from __future__ import annotations

import os
import sys

from bpdebug.core.description import Scenario
from bpdebug.files import FileError
from bpdebug.frontends.loader import load_scenario

CHECKED, RECORDED = 3, 2000
"""Updates that are recorded to be checked, and to be stepped through, at most."""
ARGUMENTS: list[str] = []
"""What the command line has for the script."""


def is_script(source: str) -> bool:
    """Whether a name on the command line is that of a script."""
    return source.endswith(".py")


def opened(source: str, updates: int = RECORDED) -> Scenario:
    """The scenario of that name, or what a script of that name computes; that it is run is said.

    Args:
        source: as it stands on the command line.
        updates: of a script, how many are recorded, at most.

    Raises:
        BpdebugError: where it cannot be read, or there is nothing to debug.
    """
    if not is_script(source):
        return load_scenario(source)
    if not os.path.isfile(source):  # noqa: PTH113 - any text
        raise FileError(source, "the file does not exist", "missing")
    from bpdebug.frontends.numpy_script.script import load_script  # noqa: PLC0415 - for scripts alone

    print(f"bpdebug: running {source} as a program, with your rights; ctrl+c stops it", file=sys.stderr, flush=True)
    scenario = load_script(source, ARGUMENTS, updates)
    print(f"bpdebug: {scenario.description}", file=sys.stderr)
    return scenario
