"""An update as data: every tensor by its name, as an npz file or as lines of JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import exact
from bpdebug.core.record import Record
from bpdebug.export.update import WorkedUpdate


class Named(Record, eq=False):
    """A tensor of the update.

    Attributes:
        name: as in the program; what the update makes of a parameter or slot is called ``W1_new``.
        stage: the stage that computed it, or "" for what was given.
        phase: of the stage; ``given`` for what was given.
        layer: to which it belongs, or 0.
        value: its numbers.
    """

    name: str
    stage: str
    phase: str
    layer: int
    value: Array


def tensors(worked: WorkedUpdate) -> Iterator[Named]:
    """What the update was given, then what each stage gave, in program order."""
    for name, value in worked.given.items():
        yield Named(name, "", "given", worked.program.tensors[name].layer, value)
    for step in worked.stages:
        name = step.stage.name
        yield Named(f"{name}_new" if name in worked.given else name, name, str(step.stage.phase), step.stage.layer, step.value)


def to_npz(worked: WorkedUpdate) -> bytes:
    """The tensors as the bytes of an npz file."""
    file = io.BytesIO()
    arrays: dict[str, Any] = {named.name: named.value for named in tensors(worked)}
    np.savez(file, **arrays)
    return file.getvalue()


def to_jsonl(worked: WorkedUpdate) -> str:
    """The tensors as one JSON object a line, in full precision; nan and inf are strings."""
    return "".join(f"{_line(named)}\n" for named in tensors(worked))


def _line(named: Named) -> str:
    stage = {"stage": named.stage} if named.stage else {}
    data = {"name": named.name, **stage, "phase": named.phase, "layer": named.layer}
    return json.dumps(data | {"shape": list(named.value.shape), "value": exact(named.value)}, allow_nan=False)
