"""Taking things along: a tensor as NumPy text, a formula as LaTeX, a single number; an update in a file."""

from __future__ import annotations

import re

import numpy as np

from bpdebug.core.boxes import row, to_latex
from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.typeset import typeset, typeset_name
from bpdebug.export.formats import FORMATS, exporting
from bpdebug.files import path_of
from bpdebug.look.explanation import not_there
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, Work, cell_of, command
from bpdebug.time.results import Result

_FORMS = {"numpy": "NumPy text", "latex": "LaTeX", "number": "a number"}
_MOST = 1_000_000
_NAMED = 5
"""Changes that are named."""


@command("copy [NAME] [numpy|latex|number]", "look", keys="ctrl+y")
def copy(session: Session, arguments: str = "") -> Result:
    """Take along a tensor as NumPy text, its formula as LaTeX, or one number (in the app on the clipboard)."""
    words = arguments.split()
    forms = [word for word in words if word in _FORMS]
    names = [word for word in words if word not in _FORMS]
    if len(names) > 1 or len(forms) > 1:
        raise CommandError("expected a name, and numpy, latex or number: copy dW2, copy dW2 latex, copy dW2[0,1]")
    if not names and not session.selected:
        raise CommandError("copy what? For example: copy dW2, copy dW2 latex, copy dW2[0,1]")
    name, index = cell_of(names[0], session.program) if names else session.selected or ("", ())
    form = forms[0] if forms else "number" if names and index else "numpy"
    if form == "number":
        session.explain(name, index)  # refuses what is no cell
        name, text = cell_name(name, index), repr(session.timeline.machine.values()[name][index].item())
    elif form == "latex":
        formula, style = session.program.stage(name).formula, session.cursor.style
        right = typeset(formula.tree, style, session.timeline.machine.shapes())
        text = to_latex(row(typeset_name(name, style), " = ", right))
    else:
        text = _numpy(session, name)
    return Result("copy", text, {"name": name, "form": form, "text": text, "copied": f"{name} as {_FORMS[form]}"})


def _numpy(session: Session, name: str) -> str:
    values = session.timeline.machine.values()
    if name not in values:
        raise BpdebugError(not_there(session.timeline, name))
    if values[name].size > _MOST:
        raise BpdebugError(f"{name} has more than {_MOST:,} numbers: 'export' writes a file")
    start = re.sub(r"\W", "_", name) + " = "  # as Python can read it
    return start + as_numpy(values[name], len(start))


def as_numpy(value: Array, margin: int = 0) -> str:
    """A tensor as text that NumPy reads again, every bit of it: ``np.array([[0.5, -1.0]])``."""
    kind = "" if value.dtype == np.float64 else f", dtype=np.{value.dtype}"
    text = repr(value.tolist())
    if value.ndim == 2:
        text = text.replace("], ", "],\n" + " " * (margin + 10))
    return f"np.array({text.replace('nan', 'np.nan').replace('inf', 'np.inf')}{kind})"


@command(
    "export FILE.md|.tex|.html|.py|.npz|.jsonl",
    "session",
    asks="export this update to a file (.md .tex .html .py .npz .jsonl)",
    missing=f"export to which file? Its ending tells the format: {', '.join(row.ending for row in FORMATS.values())}",
    writes=True,
)
def export_(session: Session, arguments: str) -> Work:
    """Write this update to a file: a worked solution (.md .tex .html), a PyTorch script (.py), data (.npz .jsonl)."""
    chosen, left_out = yield from exporting(session.timeline, path_of(arguments), style=session.cursor.style)
    update = min(session.position.update, session.position.updates - 1)
    data = {"file": arguments, "format": chosen.name, "exported": update, "left_out": list(left_out)}
    told = chosen.help
    if left_out:
        changes = "; ".join(left_out[:_NAMED]) + f" and {len(left_out) - _NAMED} more" * (len(left_out) > _NAMED)
        told = f"a PyTorch script of this update as it is without what was changed in it ({changes}), so that its numbers may differ"
    return Result("export", f"update {update} exported to {arguments}: {told}", data)
