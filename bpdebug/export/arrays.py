"""An update as data: every tensor by its name, as an npz file or as lines of JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import exact
from bpdebug.export.update import WorkedUpdate


def tensors(worked: WorkedUpdate) -> Iterator[tuple[dict[str, Any], Array]]:
    """What the update was given, then what each stage gave, in program order: what each tensor is, and its numbers; what the update makes
    of a parameter or slot is called ``W1_new``."""
    for name, value in worked.given.items():
        yield {"name": name, "phase": "given", "layer": worked.program.tensors[name].layer}, value
    for step in worked.stages:
        stage = step.stage
        name = f"{stage.name}_new" if stage.name in worked.given else stage.name
        yield {"name": name, "stage": stage.name, "phase": str(stage.phase), "layer": stage.layer}, step.value


def to_npz(worked: WorkedUpdate) -> bytes:
    """The tensors as the bytes of an npz file."""
    file = io.BytesIO()
    arrays: dict[str, Any] = {data["name"]: value for data, value in tensors(worked)}
    np.savez(file, **arrays)
    return file.getvalue()


def to_jsonl(worked: WorkedUpdate) -> str:
    """The tensors as one JSON object a line, in full precision; nan and inf are strings."""
    made = (data | {"shape": list(value.shape), "value": exact(value)} for data, value in tensors(worked))
    return "".join(f"{json.dumps(data, allow_nan=False)}\n" for data in made)
