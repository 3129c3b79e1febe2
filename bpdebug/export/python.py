"""What scripts of Python have in common: how tensors are called there, how their numbers are written, and how many there may be."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from keyword import kwlist

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.tensors import Array
from bpdebug.core.tree import Name, Tree, substitute
from bpdebug.export.update import WorkedUpdate

MOST_NUMBERS = 5_000_000
"""Numbers that a script may hold."""
READABLE = 1000
"""Numbers of a tensor that are written out; a larger one is written as base64."""


def title_of(worked: WorkedUpdate) -> str:
    """The first words of a script.

    Raises:
        BpdebugError: where it would hold more than :data:`MOST_NUMBERS` numbers.
    """
    count = sum(value.size for value in worked.given.values())
    if count > MOST_NUMBERS:
        raise BpdebugError(f"the script would hold {count:,} numbers; at most {MOST_NUMBERS:,} are written; an npz file can hold more")
    return ascii(worked.program.scenario.name)[1:-1].replace('"', "'") + f", update {worked.update}"


def python_names(worked: WorkedUpdate, taken: Collection[str]) -> dict[str, str]:
    """What each tensor is called in Python: by its own name, where that is one there and nothing else's."""
    used, names = {*taken, *kwlist, *FUNCTIONS, *CONSTANTS}, dict[str, str]()
    for name in dict.fromkeys([*worked.given, *(step.stage.name for step in worked.stages)]):
        python = re.sub(r"\W|^(?=\d)", "_", name)
        while python in used:
            python += "_"
        names[name] = python
        used.add(python)
    return names


def renamed(tree: Tree, names: dict[str, str]) -> Tree:
    """A formula under Python's names."""
    return substitute(tree, {name: Name(python) for name, python in names.items()})


def encoded(value: Array) -> str:
    """The bytes of a large tensor, as Python reads them."""
    text = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    lines = "\n".join(text[start : start + 120] for start in range(0, len(text), 120))
    return f'base64.b64decode("""\n{lines}\n""")'
