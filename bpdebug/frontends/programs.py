"""Scenarios that are programs of lines: checked sections to the engine's description, and messages brought back to their line."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from typing import Any

import numpy as np

from bpdebug.core.description import Lines, Scenario, Training
from bpdebug.core.errors import LineError
from bpdebug.frontends.nodes import Mapping, Scalar, entry
from bpdebug.frontends.report import Mark

Section = Dictionary[str, Any]


def written(sections: Section, common: dict[str, Any]) -> Scenario:
    """The scenario of a program.

    Args:
        sections: as they were checked.
        common: what is the same for every scenario.
    """
    parameters = dict(common.pop("parameters"))
    values, shapes = parameters.pop("values"), parameters.pop("shapes")
    data = {side: np.zeros((1, 0)) if (given := sections["data"][side]) is None else given for side in ("inputs", "targets")}
    x, y = data.values()
    lines = Lines(
        sections["program"],
        {name: tuple(shape) for name, shape in shapes.items()} | {name: value.shape for name, value in values.items()},
        sections["constants"],
        sections["tensors"],
        sections["loss"],
        sections["backward"],
    )
    return Scenario(
        inputs=(), layers=(), x=x, y=y, values=values, lines=lines, training=Training(**sections["training"]), **common, **parameters
    )


def mark_of_line(root: Mapping, error: LineError) -> Mark:
    """The place in the file of a line of a program; as near as quotes let it be told."""
    node = entry(root, (error.section,))[1]
    if isinstance(node, Scalar) and node.style == "|":
        return Mark(node.mark.line + error.number, error.column)
    return Mark(node.mark.line, node.mark.column + (error.column - 1 if error.number == 1 else 0))
