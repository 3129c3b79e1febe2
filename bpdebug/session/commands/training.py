"""The training as a whole: how the layers do, and what the network answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import exact, short
from bpdebug.look.answer import answer_of
from bpdebug.look.finding import Finding
from bpdebug.look.health import MEASURES, UPDATES, HealthLog
from bpdebug.look.layer_health import USUAL
from bpdebug.look.surface import surface_of
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, Work, cell_of, command, count_of
from bpdebug.time.results import Result

_SHOWN = 10
_MOST = 4
"""Outputs of a sample that are written in a line."""


@command("health [N]", "look")
def health(session: Session, count: str = "") -> Work:
    """Show each layer's gradients, steps, saturated and dead units over the last N updates (default: 24), and what is off."""
    found = yield from HealthLog().measuring(session.timeline, count_of(count) if count else UPDATES)
    if not (len(found.updates) or found.notes):
        raise CommandError("no update is complete yet; 'update' runs one")
    rows = [("layer" if session.program.layers else "", "‖dz‖", "‖dW‖", "‖db‖", "‖ΔW‖/‖W‖", "activations", "")]
    layers = list[dict[str, Any]]()
    for layer in found.layers:
        delta, gradient, bias, step, mean, deviation = (
            "—" if np.isnan(series).all() else short(float(series[-1]), 3)
            for series in (layer.delta, layer.gradient, layer.bias_gradient, layer.step, layer.mean, layer.deviation)
        )
        off = ", ".join(finding.text for finding in layer.findings)
        rows.append((f"{layer.part.short} {layer.activation}", delta, gradient, bias, step, f"{mean} ± {deviation}", off))
        findings = [*map(_told, layer.findings)]
        series = {name: exact(getattr(layer, name)) for name in MEASURES}
        part = {"layer": layer.layer, "name": layer.part.name, "activation": layer.activation, "units": layer.units}
        layers.append({**part, **series, "findings": findings})
    lines = [f"{finding.name}: {finding.why}" for finding in found.notes]
    if len(found.updates):
        lines = [found.told(session.program), *in_columns(rows), *lines, f"‖ΔW‖/‖W‖ is the step; {USUAL}"]
    data = {"updates": exact(found.updates), "losses": exact(found.losses), "layers": layers, "findings": [*map(_told, found.findings)]}
    return Result("health", "\n".join(lines), data)


def _told(finding: Finding) -> dict[str, Any]:
    """A finding as data."""
    return {name: exact(value) if isinstance(value := getattr(finding, name), float) else value for name in finding.record_fields}


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of texts in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


@command("predictions [N]", "look")
def predictions(session: Session, count: str = "") -> Work:
    """Show what the network answers with the present parameters beside the targets: the N worst samples (default: 10)."""
    most = count_of(count) if count else _SHOWN
    if isinstance(reason := answer_of(session.program), str):
        raise CommandError(f"{reason}; 'print' shows any tensor")
    yield "asking the samples"
    surface, total = surface_of(session.timeline), session.program.batches.total
    rows, answers = [("sample", "target", "answer", "error", "")], list[dict[str, Any]]()
    labels = surface.labels if surface.task == "classes" else None
    for place in surface.worst[:most].tolist():
        target, output, error, told = surface.y[place], surface.outputs[place], float(surface.error[place]), surface.told[place]
        good, sample = None if surface.right is None else bool(surface.right[place]), int(surface.samples[place])
        verdict = "" if good in (None, True) else "wrong" if told else "undecided"
        rows.append((str(sample), _written(target, labels), _written(output, labels if told else None), short(error, 4), verdict))
        data = {"sample": sample, "target": exact(target), "prediction": exact(output), "error": exact(error), "right": good}
        answers.append(data)
    heading, right, asked = f"mean |error| {short(surface.mean_error, 4)}", None, len(surface.samples)
    if surface.right is not None:
        right = int(surface.right.sum())
        heading = f"{right} of {asked} right, {heading}"
    if asked < total:
        heading += f", of {asked} of the {total} samples"
    data = {"asked": asked, "right": right, "mean_error": exact(surface.mean_error), "samples": answers}
    return Result("predictions", "\n".join([heading, *in_columns(rows)]), data)


@command("surface [NAME[i,j] NAME[i,j]]", "look")
def surface(session: Session, arguments: str = "") -> Work:
    """Show on the surface the loss over two cells of parameters (surface W1[0,0] W1[0,1]); alone, the answers again."""
    if not arguments:
        session.surface_of = surface_of
        return Result("surface", "the surface shows the answers again ('predictions' lists them)", {"cells": []})
    from bpdebug.look.landscape import check_cells, landscape_of  # noqa: PLC0415 - a start does without

    found = re.fullmatch(r"(\S+?(?:\s*\[[^\]]*\])?)[\s,]+(\S+?(?:\s*\[[^\]]*\])?)", arguments)
    if not found:
        raise CommandError(f"two cells of parameters are expected, such as surface W1[0,0] W1[0,1]; found '{arguments}'")
    cells = cell_of(found[1], session.program), cell_of(found[2], session.program)
    check_cells(session.timeline, cells)
    yield "running the batch"
    session.surface_of = of = partial(landscape_of, cells=cells)
    made = of(session.timeline)
    grid, (across, up) = np.asarray(made.grid)[0], made.axes
    data = {
        "cells": [*made.inputs],
        "at": exact(made.x[0]),
        "axes": [exact(across), exact(up)],
        "values": exact(grid),
        "name": made.prediction,
    }
    text = f"{made.prediction} = {short(float(made.outputs[0, 0]), 5)} at {_cells(made.inputs, made.x[0])}"
    if np.isfinite(grid).any():
        row, column = np.unravel_index(int(np.nanargmin(np.where(np.isfinite(grid), grid, np.nan))), grid.shape)
        text += f"; the lowest on the surface is {short(float(grid[row, column]), 5)} at {_cells(made.inputs, (across[column], up[row]))}"
    return Result("surface", text, data)


def _cells(names: Sequence[str], values: Iterable[float]) -> str:
    return ", ".join(f"{name} = {short(float(value), 4)}" for name, value in zip(names, values, strict=True))


def _written(values: Array, labels: tuple[str, ...] | None) -> str:
    """Outputs as numbers; of classes the largest, with its label before it."""
    if labels:
        place = int(np.argmax(values))
        return f"{labels[place]} {short(float(values[place]), 4)}"
    return " ".join(short(float(value), 4) for value in values[:_MOST]) + " …" * (len(values) > _MOST)
