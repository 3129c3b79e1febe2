"""An update as a Python script of NumPy: the lines of the program one after the other, with the same bits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.tensors import Array
from bpdebug.core.writing import BLANK, to_text
from bpdebug.export.python import READABLE, encoded, python_names, renamed, title_of
from bpdebug.export.update import WorkedStage, WorkedUpdate

TAKEN = ("np", "base64", "newaxis", "s_", "print")


def to_script(worked: WorkedUpdate) -> str:
    """The script.

    Raises:
        BpdebugError: where it would hold more than :data:`MOST_NUMBERS` numbers.
    """
    title, names, program = title_of(worked), python_names(worked, TAKEN), worked.program
    body = [f"{names[name]} = {int(value) if name == 'm' else _literal(value)}" for name, value in worked.given.items()]
    for phase, steps in groupby(worked.stages, lambda step: step.stage.phase):
        body += ["", f"# {phase}", *(line for step in steps for line in _lines(step, worked, names))]
    shown = [program.loss, *(name for name in program.gradients.values() if name in program.index)]
    shown += [name for name in program.parameters if name in program.index]
    body += ["", *(f'print("{name} =", {names[name]}, sep="\\n")' for name in shown)]
    head = [f'"""{title}: forward, backward and update in NumPy, line by line."""', ""]
    head += ["import base64", ""] * any("base64." in line for line in body)
    return "\n".join([*head, "import numpy as np", "", "from bpdebug.functions import *", "", *body, ""])


def _lines(step: WorkedStage, worked: WorkedUpdate, names: dict[str, str]) -> Iterator[str]:
    """A stage, and what was changed by hand after it.

    Ours are arrays of their own, row by row. Where Python's would look at another, lie otherwise or be read-only, it is copied: sums
    depend on the order to the last bit, and what is changed by hand must not change the other.
    """
    stage, dtype = step.stage, step.value.dtype
    if stage.blank:
        yield f"{names[stage.name]} = {BLANK}  # yours to fill in"
        return
    text, made = to_text(renamed(stage.formula.tree, names)), evaluate(stage.formula, step.operands, worked.program.dtype)
    given = [f"np.{dtype}"] * (made.dtype != dtype)
    if not made.flags.carray or any(np.may_share_memory(made, operand) for operand in step.operands.values()):
        text = f'np.array({", ".join([text, *given])}, order="C")'
    elif given:
        text = f"np.asarray({text}, {given[0]})"
    own = "  # your own formula" if stage.edited else ""
    yield f"{names[stage.name]} = {text}{own}"
    for edit in step.edits:
        if edit.value is not None:
            at = f"[{', '.join(map(str, edit.index))}]" if edit.index else ""
            value = repr(edit.value) if np.isfinite(edit.value) else f"np.{edit.value!r}".replace("np.-", "-np.")
            yield f"{names[edit.name]}{at} = {value}  # by hand"


def _literal(value: Array) -> str:
    """An array of that value: its numbers in full, or, where it is large, its bytes."""
    if value.size > READABLE:
        return f'np.frombuffer({encoded(value)}, np.dtype("{value.dtype.str}")).reshape({value.shape}).copy()'
    text = re.sub(r"\b(nan|inf)\b", r"np.\1", repr(value.tolist()))
    if value.ndim > 1:
        text = text.replace("], ", "],\n    ").replace("[[", "[\n    [", 1)
    return f"np.array({text}, np.{'bool_' if value.dtype == bool else value.dtype})"
