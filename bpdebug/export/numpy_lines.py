"""An update as a Python script of NumPy: the lines of the program one after the other, with the same bits."""

from __future__ import annotations

import base64
import keyword
import re
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.tensors import Array
from bpdebug.core.tree import Name, substitute
from bpdebug.core.writing import to_text
from bpdebug.export.update import WorkedStage, WorkedUpdate

MOST_NUMBERS = 5_000_000
"""Numbers that a script may hold."""
_READABLE = 1000
"""Numbers of a tensor that are written out; a larger one is written as base64."""
_TAKEN = ("np", "base64", "newaxis", "s_", "print", *keyword.kwlist, *FUNCTIONS, *CONSTANTS)


def to_script(worked: WorkedUpdate) -> str:
    """The script.

    Raises:
        BpdebugError: where it would hold more than :data:`MOST_NUMBERS` numbers.
    """
    count = sum(value.size for value in worked.given.values())
    if count > MOST_NUMBERS:
        raise BpdebugError(f"the script would hold {count:,} numbers; at most {MOST_NUMBERS:,} are written; an npz file can hold more")
    names, program = python_names(worked), worked.program
    body = [f"{names[name]} = {literal_of(value)}" for name, value in worked.given.items()]
    for phase, steps in groupby(worked.stages, lambda step: step.stage.phase):
        body += ["", f"# {phase}", *(line for step in steps for line in _lines(step, worked, names))]
    shown = [program.loss, *(name for name in program.gradients.values() if name in program.index), *program.free]
    body += ["", *(f'print("{name} =", {names[name]}, sep="\\n")' for name in shown)]
    title = ascii(program.scenario.name)[1:-1].replace('"', "'")
    head = [f'"""{title}, update {worked.update}: forward, backward and update in NumPy, line by line."""', ""]
    head += ["import base64", ""] * any("base64." in line for line in body)
    return "\n".join([*head, "import numpy as np", "", "from bpdebug.functions import *", "", *body, ""])


def python_names(worked: WorkedUpdate) -> dict[str, str]:
    """What each tensor is called in Python: by its own name, where that is one there and nothing else's."""
    taken, names = {*_TAKEN}, dict[str, str]()
    for name in dict.fromkeys([*worked.given, *(step.stage.name for step in worked.stages)]):
        python = re.sub(r"\W", "_", name)
        while python in taken or not python.isidentifier():
            python += "_" if python.isidentifier() or not python else ""
            python = python if python.isidentifier() else f"_{python}"
        names[name] = python
        taken.add(python)
    return names


def _lines(step: WorkedStage, worked: WorkedUpdate, names: dict[str, str]) -> Iterator[str]:
    """A stage, and what was changed by hand after it."""
    stage, dtype = step.stage, step.value.dtype
    text = to_text(substitute(stage.formula.tree, {name: Name(python) for name, python in names.items()}))
    if evaluate(stage.formula, step.operands, worked.program.dtype).dtype != dtype:
        text = f"np.asarray({text}, np.{dtype})"
    own = "  # your own formula" if stage.edited else ""
    yield f"{names[stage.name]} = {text}{own}"
    for edit in step.edits:
        if edit.value is not None:
            at = f"[{', '.join(map(str, edit.index))}]" if edit.index else ""
            yield f"{names[edit.name]}{at} = {_number(edit.value)}  # by hand"


def _number(value: float) -> str:
    return repr(value) if np.isfinite(value) else f"np.{value!r}".replace("np.-", "-np.")


def literal_of(value: Array) -> str:
    """An array of that value: its numbers in full, or, where it is large, as base64."""
    if value.size > _READABLE:
        text = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        lines = "\n".join(text[start : start + 120] for start in range(0, len(text), 120))
        return f'np.frombuffer(base64.b64decode("""\n{lines}\n"""), np.dtype("{value.dtype.str}")).reshape({value.shape}).copy()'
    text = re.sub(r"\b(nan|inf)\b", r"np.\1", repr(value.tolist()))
    if value.ndim > 1:
        text = text.replace("], ", "],\n    ").replace("[[", "[\n    [", 1)
    return f"np.array({text}, np.{'bool_' if value.dtype == bool else value.dtype})"
