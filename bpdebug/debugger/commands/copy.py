"""Taking things along: a tensor as NumPy text, a formula as LaTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bpdebug.debugger.looking.explanation import not_there
from bpdebug.debugger.results import Result
from bpdebug.debugger.table import CommandError, command
from bpdebug.engine.description import Array
from bpdebug.engine.errors import BpdebugError
from bpdebug.engine.render import Style, render, render_name

if TYPE_CHECKING:
    from bpdebug.debugger.session import Session

_FORMS = ("numpy", "latex")
_MOST = 1_000_000


@command("copy [NAME] [numpy|latex]", "look", keys="ctrl+y")
def copy(session: Session, arguments: str) -> Result:
    """Take a tensor along as NumPy text, or its formula as LaTeX (the app puts it on the clipboard); usually the selected one."""
    words = arguments.split()
    forms = [word for word in words if word in _FORMS]
    names = [word for word in words if word not in _FORMS]
    if len(names) > 1 or len(forms) > 1:
        raise CommandError("expected a name, and numpy or latex: copy dW2, copy dW2 latex")
    name = names[0] if names else session.selected[0] if session.selected else ""
    if not name:
        raise CommandError("copy what? For example: copy dW2, copy dW2 latex")
    text = _latex(session, name) if forms == ["latex"] else _numpy(session, name)
    return Result("copy", text, {"name": name, "form": (forms or ["numpy"])[0], "text": text})


def _numpy(session: Session, name: str) -> str:
    values = session.timeline.machine.values()
    if name not in values:
        raise BpdebugError(not_there(session.timeline, name))
    if values[name].size > _MOST:
        raise BpdebugError(f"{name} has more than {_MOST:,} numbers: 'export' writes a file")
    start = f"{name.replace('@', '_')} = "
    return start + as_numpy(values[name], len(start))


def as_numpy(value: Array, margin: int = 0) -> str:
    """A tensor as text that NumPy reads again, every bit of it: ``np.array([[0.5, -1.0]])``."""
    kind = "" if value.dtype == np.float64 else f", dtype=np.{value.dtype}"
    text = (",\n" + " " * (margin + 10)).join(map(repr, value.tolist())) if value.ndim == 2 else repr(value.tolist())
    text = f"[{text}]" if value.ndim == 2 else text
    named = text.replace("nan", "np.nan").replace("inf", "np.inf")
    return f"np.array({named}{kind})"


def _latex(session: Session, name: str) -> str:
    style = Style("latex", session.style.columns, session.style.notation)
    stage = session.program.shown.stage(name)
    return f"{render_name(name, style)} = {render(stage.formula.tree, style, session.timeline.machine.shapes())}"
