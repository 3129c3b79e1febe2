"""The chain rule written out path by path."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite
from typing import Any

import numpy as np

from bpdebug.core.cells import Cell, NamedCell, cell_name
from bpdebug.core.errors import BpdebugError
from bpdebug.core.numbers import exact, short
from bpdebug.core.render import Style, render_gradient, render_name
from bpdebug.core.texts import PHRASES
from bpdebug.look.explanation import in_formula, not_there
from bpdebug.look.paths import Bundle, Path, finding_paths
from bpdebug.look.sums import Figures, added, figures, multiplied
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, Work, command
from bpdebug.time.results import Result

_SHOWN = 24
_ADDED = 8
"""Paths whose values are added up in a line."""
_WIDTH = 66
"""Columns of the factors of a path, so that they have room on a small screen."""


@command("paths [NAME[i,j]]", "look", keys="r")
def paths(session: Session, cell: NamedCell | None = None) -> Work:
    """Write the gradient of one number out as a sum over its paths to the loss (small networks); default: the selected cell's."""
    cell = cell or session.selected
    if cell is None:
        raise CommandError("paths needs a cell, for example: paths W1[0,1]")
    program, network, values = session.program, session.program.network, session.timeline.machine.values()
    if not network.nodes:
        raise BpdebugError("paths are of what is computed here, and this step was recorded: 'origin' (Enter) follows its numbers back")
    # a gradient stands for what it is the gradient of
    name, index = {stage.name: stage.of for stage in program.stages if stage.of}.get(cell[0], cell[0]), cell[1]
    if not any(name == node.output or name in node.inputs.values() for node in network.nodes):
        known = name in session.shapes
        raise BpdebugError(f"the loss does not depend on {name}" if known else not_there(session.timeline, name))
    if network.loss not in values:
        raise BpdebugError(f"the paths end at the loss, which is not computed yet: 'until {network.loss}' runs to it")
    if any(stage.edited for stage in program.stages if not stage.of):
        raise BpdebugError("the local derivatives are those of the network's own operations, and a forward formula is yours")
    if values[name].ndim != len(index) or any(at >= length for at, length in zip(index, values[name].shape, strict=True)):
        session.explain(name, index)
    return _shown(session, name, index, (yield from finding_paths(network, values, name, index)))


def _shown(session: Session, name: str, index: Cell, found: Sequence[Path | Bundle]) -> Result:
    whole, count = sum(path.value for path in found), sum(path.paths if isinstance(path, Bundle) else 1 for path in found)
    told = "no path leads" if not found else "one path leads" if len(found) == 1 else f"the sum over {count} paths"
    style, program, values = session.cursor.style, session.program, session.timeline.machine.values()
    title, notes = render_gradient(name, style, index), list[str]()
    gradients = [stage.name for stage in program.stages if stage.of == name and not stage.through and stage.name in values]
    held = float(values[gradients[0]][index]) if gradients else None
    if held is not None and _differ(held, whole, sum(abs(path.value) for path in found), program.dtype):
        notes = [f"  (this is what the derived stages give from the numbers as they are; {title} holds {short(held, 8)} here)"]
        title = f"the derivative of the loss with respect to {render_name(name, style, index)}"
    notes += ["  gathered by their first step, times the gradient there"] * (count > len(found))
    lines = [f"{title} = {short(whole, 8)}: {told} to the loss", *notes]
    ordered = sorted(found, key=lambda path: -abs(path.value) if isfinite(path.value) else -inf)
    shown, rest = ordered[:_SHOWN], ordered[_SHOWN:]
    parts = [*(path.value for path in shown), *[sum(path.value for path in rest)] * bool(rest)]
    together = figures(added(parts), whole)
    for path in shown:
        lines += _bundle(style, name, path, together) if isinstance(path, Bundle) else _path(style, path, together)
    if rest:
        lines.append(PHRASES["more paths"].format(count=len(rest), value=short(parts[-1], together.digits)))
    if 1 < len(parts) <= _ADDED:
        numbers = " + ".join(in_formula(value, together.digits) for value in parts)
        lines.append(PHRASES["added"].format(numbers=numbers, sign=together.sign, value=together.text(whole)))
    elif len(parts) > 1:
        lines.append(PHRASES["all added"].format(count=count, value=together.text(whole)))
    lines += _without(session, name, found)
    data = {"name": name, "index": list(index), "value": exact(whole), "count": count, "paths": [_data(path) for path in found]}
    return Result("paths", "\n".join(lines).replace("-", "−"), data)


def _differ(held: float, whole: float, largest: float, dtype: np.dtype[Any]) -> bool:
    """Whether more than rounding is between the sum over the paths and what a gradient holds."""
    if not (isfinite(held) and isfinite(whole)):
        return isfinite(held) or isfinite(whole)
    return abs(held - whole) > float(np.finfo(dtype).eps ** 0.4 * largest + np.finfo(dtype).tiny)


def _without(session: Session, name: str, found: Sequence[Path | Bundle]) -> list[str]:
    """The samples that give nothing to the gradient of something that all of them share."""
    program, machine = session.program, session.timeline.machine
    steps = [
        (path.name, path.index) if isinstance(path, Bundle) else path.cells[1] for path in found if isinstance(path, Bundle) or path.slopes
    ]
    if name in program.sampled or not steps or any(tensor not in program.sampled for tensor, _ in steps):
        return []
    reached = {index[program.tensors[tensor].batch_axis or 0] for tensor, index in steps}
    samples = machine.samples
    others = [str(sample) for row, sample in enumerate(samples) if row not in reached]
    if not others:
        return []
    listed = ", ".join(others[:_ADDED]) + "…" * (len(others) > _ADDED)
    return [PHRASES["no path" if len(others) == 1 else "no paths"].format(samples=listed)]


def _path(style: Style, path: Path, together: Figures) -> list[str]:
    """A path, and below it each step's derivative with its name."""
    names = [render_name(name, style) for name, _ in path.cells]
    own = figures(multiplied(path.slopes), path.value, result=together.digits) if path.slopes else together
    steps = zip(names, names[1:], path.slopes, strict=False)
    factors = [
        f"{'· ' * bool(place)}∂{after}/∂{before} {in_formula(slope, own.digits)}" for place, (before, after, slope) in enumerate(steps)
    ]
    lines = [""]
    for factor in [*factors, f"{own.sign} {own.text(path.value)}"] if factors else ():
        if len(lines[-1]) + len(factor) > _WIDTH:
            lines.append("")
        lines[-1] += f" {factor}"
    return [f"  {path.text(style)}", *(f"     {text}" for text in lines)]


def _bundle(style: Style, name: str, bundle: Bundle, together: Figures) -> list[str]:
    """The paths through one cell: the first step's derivative times the gradient there."""
    own = figures(multiplied((bundle.slope, bundle.gradient)), bundle.value, result=together.digits)
    step = f"∂{bundle.name}/∂{name} {in_formula(bundle.slope, own.digits)}"
    through = render_name(bundle.name, style, bundle.index)
    count = f"{bundle.paths} path{'s' * (bundle.paths > 1)}"
    last = f"∂loss/∂{through} {in_formula(bundle.gradient, own.digits)} {own.sign} {own.text(bundle.value)}"
    return [f"  → {through} → …: {count}", f"      {step} · {last}"]


def _data(path: Path | Bundle) -> dict[str, object]:
    """A path with its cells, or the paths that share their first step, for a script."""
    if isinstance(path, Bundle):
        first = {"through": cell_name(path.name, path.index), "count": path.paths}
        return first | {"slopes": exact([path.slope, path.gradient]), "value": exact(path.value)}
    return {"cells": [cell_name(*cell) for cell in path.cells], "slopes": exact(list(path.slopes)), "value": exact(path.value)}
