"""The training as a whole: how the layers do, and what the network answers."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import exact, short
from bpdebug.look.health import MEASURES, UPDATES, USUAL, Health, HealthLog, LayerHealth
from bpdebug.look.surface import Surface, surface_of
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command, count_of
from bpdebug.time.results import Result
from bpdebug.time.tasks import Task

_SHOWN = 10
_MOST = 4
"""Outputs of a sample that are written in a line."""


@command("health [N]", "look")
def health(session: Session, count: str = "") -> Task:
    """Show each layer's gradients, steps, saturated and dead units over the last N updates (usually 24), and what is off."""
    return Task(_health(session, count_of(count) if count else UPDATES))


def _health(session: Session, count: int) -> Generator[str, None, Result]:
    found = yield from HealthLog().measuring(session.timeline, count)
    if not len(found.updates):
        raise CommandError("no update is complete yet: 'update' runs one")
    first, last = int(found.updates[0]), int(found.updates[-1])
    notes = [f"{finding.name}: {finding.why}" for finding in found.notes]
    under_way = ", the last one under way" if found.under_way else ""
    lines = [f"updates {first} to {last}{under_way}", *_table(found), *notes, f"‖ΔW‖/‖W‖ is the step; {USUAL}"]
    data = {"updates": exact(found.updates), "losses": exact(found.losses), "layers": [_layer_data(layer) for layer in found.layers]}
    return Result("health", "\n".join(lines), data)


def _layer_data(layer: LayerHealth) -> dict[str, Any]:
    findings = [{"name": found.name, "text": found.text, "why": found.why} for found in layer.findings]
    series = {name: exact(getattr(layer, name)) for name in MEASURES}
    return {"layer": layer.layer, "activation": layer.activation, "units": layer.units, **series, "findings": findings}


def _table(found: Health) -> list[str]:
    """The last numbers of each layer in aligned columns."""
    rows: list[tuple[str, ...]] = [("layer", "‖dz‖", "‖dW‖", "‖db‖", "‖ΔW‖/‖W‖", "activations", "")]
    for layer in found.layers:
        numbers = (_last(series) for series in (layer.delta, layer.gradient, layer.bias_gradient, layer.step))
        active = f"{_last(layer.mean)} ± {_last(layer.deviation)}"
        rows.append((f"{layer.layer} {layer.activation}", *numbers, active, ", ".join(finding.text for finding in layer.findings)))
    return aligned(rows)


def _last(series: Array) -> str:
    return "—" if np.isnan(series).all() else short(float(series[-1]), 3)


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows of texts in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


@command("predictions [N]", "look")
def predictions(session: Session, count: str = "") -> Task:
    """Show what the network answers with the present parameters beside the targets: the N worst samples (usually 10)."""
    return Task(_predictions(session, count_of(count) if count else _SHOWN))


def _predictions(session: Session, count: int) -> Generator[str, None, Result]:
    yield "asking the samples"
    surface = surface_of(session.timeline)
    chosen = surface.worst[:count].tolist()
    rows: list[tuple[str, ...]] = [("sample", "target", "answer", "error", "")]
    rows += [_answer(surface, place) for place in chosen]
    heading = f"mean |error| {short(surface.mean_error, 4)}"
    if surface.right is not None:
        heading = f"{int(surface.right.sum())} of {len(surface.samples)} right, {heading}"
    if len(surface.samples) < session.program.batches.total:
        heading += f", of {len(surface.samples)} of the {session.program.batches.total} samples"
    data = {
        "asked": len(surface.samples),
        "right": None if surface.right is None else int(surface.right.sum()),
        "mean_error": exact(surface.mean_error),
        "samples": [_answer_data(surface, place) for place in chosen],
    }
    return Result("predictions", "\n".join([heading, *aligned(rows)]), data)


def _answer(surface: Surface, place: int) -> tuple[str, ...]:
    labels = surface.labels if surface.task == "classes" else None
    target, answer = _written(surface.y[place], labels), _written(surface.outputs[place], labels if surface.told[place] else None)
    verdict = "" if surface.right is None or surface.right[place] else "wrong" if surface.told[place] else "undecided"
    return str(surface.samples[place]), target, answer, short(float(surface.error[place]), 4), verdict


def _written(values: Array, labels: tuple[str, ...] | None) -> str:
    """Outputs as numbers; of classes the largest, with its label before it."""
    if labels:
        place = int(np.argmax(values))
        return f"{labels[place]} {short(float(values[place]), 4)}"
    return " ".join(short(float(value), 4) for value in values[:_MOST]) + " …" * (len(values) > _MOST)


def _answer_data(surface: Surface, place: int) -> dict[str, Any]:
    right = None if surface.right is None else bool(surface.right[place])
    row = {"sample": int(surface.samples[place]), "target": exact(surface.y[place]), "prediction": exact(surface.outputs[place])}
    return {**row, "error": exact(float(surface.error[place])), "right": right}
