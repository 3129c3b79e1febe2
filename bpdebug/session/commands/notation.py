"""How formulas are written."""

from __future__ import annotations

from bpdebug.core.record import replace
from bpdebug.core.words import suggestion
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command
from bpdebug.time.results import Result

NOTATIONS = {"d": "dz2", "delta": "δ2", "partial": "∂L/∂z2"}
"""How a gradient may be written, with an example."""
_CONVENTIONS = {
    "rows": "a sample is a row, z = x·W + b",
    "columns": "a sample is a column, z = W·x + b; its W1₁,₀ is W1[0,1] in commands",
}


@command("notation [d|delta|partial]", "look", keys="k")
def notation(session: Session, chosen: str = "") -> Result:
    """Write gradients as dz2, as δ2 or as ∂L/∂z2; without an argument, the next of these."""
    names, style = list(NOTATIONS), session.cursor.style
    chosen = chosen or names[(names.index(style.notation) + 1) % len(names)]
    if chosen not in NOTATIONS:
        raise CommandError(f"there is no notation '{chosen}'{suggestion(chosen, names) or '; there are ' + ', '.join(names)}")
    session.cursor.style = replace(style, notation=chosen)
    return Result("notation", f"gradients are written {NOTATIONS[chosen]}", {"notation": chosen, "columns": style.columns})


@command("convention [rows|columns]", "look", keys="K")
def convention(session: Session, chosen: str = "") -> Result:
    """Show samples as rows (z = x·W + b) or as columns (z = W·x + b, all turned); without an argument, the other one."""
    style = session.cursor.style
    chosen = chosen or ("rows" if style.columns else "columns")
    if chosen not in _CONVENTIONS:
        raise CommandError(f"there is no convention '{chosen}': rows or columns")
    columns = chosen == "columns"
    session.cursor.style = replace(style, columns=columns)
    return Result("notation", f"{chosen}: {_CONVENTIONS[chosen]}", {"notation": style.notation, "columns": columns})
