"""Copying: a tensor as NumPy text, a formula as LaTeX, a single number, an explanation; an update in a file."""

from __future__ import annotations

import re

import numpy as np

from bpdebug.core.boxes import row, to_latex
from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.typeset import typeset, typeset_name
from bpdebug.export.formats import FORMATS, exporting
from bpdebug.files import path_of
from bpdebug.look.explanation import not_there
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, Work, cell_of, command
from bpdebug.time.results import Result

_FORMS = {"numpy": "NumPy text", "latex": "LaTeX", "number": "a number", "why": "text", "why markdown": "Markdown", "why latex": "LaTeX"}
_EXAMPLES = "copy dW2, copy dW2 latex, copy dW2[0,1], copy dW2[0,1] why"
_MOST = 1_000_000
_NAMED = 5
"""Changes that are named."""


@command("copy [NAME] [numpy|latex|number|why]", "look", keys="ctrl+y")
def copy(session: Session, arguments: str = "") -> Result:
    """Copy a tensor as NumPy text, its formula as LaTeX, one number, or why it is what it is (also: why markdown, why latex)."""
    words = arguments.split()
    own = {word for form in _FORMS for word in form.split()}
    form, names = " ".join(word for word in words if word in own), [word for word in words if word not in own]
    if len(names) > 1 or form not in {"", *_FORMS}:
        raise CommandError(f"expected a name and a form, such as {_EXAMPLES}")
    if not names and not session.selected:
        raise CommandError(f"copy what? For example: {_EXAMPLES}")
    name, index = cell_of(names[0], session.program) if names else session.selected or ("", ())
    form = form or ("number" if names and index else "numpy")
    if form.startswith("why"):
        name, text = cell_name(name, index), _explained(session, name, index, form)
    elif form == "number":
        session.explain(name, index)  # refuses what is no cell
        name, text = cell_name(name, index), repr(session.timeline.machine.values()[name][index].item())
    elif form == "latex":
        formula, style = session.program.stage(name).formula, session.cursor.style
        right = typeset(formula.tree, style, session.shapes)
        text = to_latex(row(typeset_name(name, style), " = ", right))
    else:
        text = _numpy(session, name)
    return Result("copy", text, {"name": name, "form": form, "text": text, "copied": f"{name} as {_FORMS[form]}"})


def _explained(session: Session, name: str, index: Cell, form: str) -> str:
    """What Why says of a cell."""
    from bpdebug.export.blocks import Block, Paragraph  # noqa: PLC0415 - a start does without
    from bpdebug.export.markdown import to_markdown  # noqa: PLC0415
    from bpdebug.export.stage import StageWriter  # noqa: PLC0415
    from bpdebug.export.tex import to_lines  # noqa: PLC0415

    explained = session.explain(name, index)
    if form == "why":
        return "\n".join(explained.lines())
    writer = StageWriter(session.cursor.style, session.shapes)
    said = [Paragraph((text,)) for text in (explained.meaning, explained.rule) if text]
    blocks: list[Block] = [*(writer.cell(explained) if explained.term else [Paragraph((explained.lines()[0],))]), *said]
    return to_markdown(blocks) if form == "why markdown" else to_lines(blocks).strip()


def _numpy(session: Session, name: str) -> str:
    values = session.timeline.machine.values()
    if name not in values:
        raise BpdebugError(not_there(session.timeline, name))
    if values[name].size > _MOST:
        raise BpdebugError(f"{name} has more than {_MOST:,} numbers; 'export' writes them to a file")
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
    "export FILE.md|.tex|.html|.py|.npz|.jsonl|.yaml",
    "session",
    asks="export this update to a file (.md .tex .html .py .npz .jsonl .yaml)",
    missing=f"export needs a file, whose extension is the format: {', '.join(dict.fromkeys(row.ending for row in FORMATS.values()))}",
    writes=True,
)
def export_(session: Session, arguments: str) -> Work:
    """Write this update worked out (.md .tex .html; gaps: --blanks), as PyTorch (.py) or data (.npz .jsonl); .yaml: as lines."""
    file = arguments.removesuffix("--blanks").rstrip()
    blanks = file != arguments
    chosen, left_out = yield from exporting(session.timeline, path_of(file), style=session.cursor.style, blanks=blanks)
    update = min(session.position.update, session.position.updates - 1)
    data = {"file": file, "format": chosen.name, "exported": update, "left_out": list(left_out)}
    told = f"{chosen.help}, with gaps to fill in and the answers at its end" if blanks else chosen.help
    if left_out:
        changes = "; ".join(left_out[:_NAMED]) + f" and {len(left_out) - _NAMED} more" * (len(left_out) > _NAMED)
        told = f"{chosen.help.partition(' that ')[0]} without your changes ({changes}), so its numbers may differ"
    what = "training" if chosen.name == "yaml" else f"update {update}"
    return Result("export", f"{what} exported to {file}: {told}", data)
