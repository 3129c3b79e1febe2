"""What stands in the place of the loss curve before there is one: the targets beside what the network answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len

from bpdebug.debugger.numbers import short
from bpdebug.debugger.view import View
from bpdebug.engine.description import Array
from bpdebug.engine.render import render_name
from bpdebug.ui.draw.loss_numbers import newest
from bpdebug.ui.draw.scales import bar
from bpdebug.ui.draw.spans import Line, fit, line, wrap

_GAP, _BAR = 2, 3


@dataclass(frozen=True)
class _Row:
    """One answer: what it is an answer to, its texts, and how far it is from its target."""

    texts: tuple[str, str, str]
    error: float = 0.0


def start_lines(view: View, losses: Array, columns: int, rows: int) -> list[Line]:
    """The loss as far as it is known, when the curve begins, and the answers that the loss is made of."""
    if len(losses) and not np.isfinite(losses).any():
        return wrap("No finite loss.", columns, "bad")
    of = f" of update {newest(view)}" if view.loss is None else ""
    known = [line(("loss ", "dim"), (short(float(losses[0]), 10), "bold"), (of, "dim"))] if len(losses) else []
    when = "The curve begins with the second update: u runs one." if known else "Not computed yet: u runs a whole update, c the training."
    head = [*known, *wrap(when, columns, "dim")]
    return head + _answer_lines(view, columns, rows - len(head))


def _answer_lines(view: View, columns: int, rows: int) -> list[Line]:
    """As many answers as there is room for, below a heading."""
    heading, *answers = _rows(view)
    room = rows - 1 - (len(answers) >= rows)
    if room < 1:
        return []
    shown, rest = answers[:room], len(answers) - room
    widths = [max(map(cell_len, column)) for column in zip(*(row.texts for row in (heading, *shown)), strict=True)]
    most = max((row.error for row in answers if np.isfinite(row.error)), default=0.0)
    gap = min(max((columns - sum(widths)) // len(widths), 1), _GAP)
    length = columns - sum(widths) - gap * len(widths)
    length = length if length >= _BAR else 0
    lines = [line((_joined(heading, widths, gap) + " " * gap + "off by"[: length * (most > 0)], "faint"))]
    bars = [" " * gap + bar(row.error / (most or 1.0), length) if length else "" for row in shown]
    lines += [line((_joined(row, widths, gap), ""), (drawn, "curve")) for row, drawn in zip(shown, bars, strict=True)]
    lines += [line((f"and {rest} more", "faint"))] if rest > 0 else []
    return [fit(drawn, columns) for drawn in lines]


def _joined(row: _Row, widths: list[int], gap: int) -> str:
    return (" " * gap).join(" " * (size - cell_len(text)) + text for text, size in zip(row.texts, widths, strict=True))


def _rows(view: View) -> Iterator[_Row]:
    """The heading, then every sample of the batch, or of several outputs every one of the sample in sight."""
    name, targets = view.program.network.prediction, view.tensors["y"]
    answers, alone = view.tensors.get(name), targets.shape[1] == 1
    place = 0 if alone else min(view.sample, len(targets) - 1)
    first = "sample" if alone else f"sample {int(view.samples[place])}"
    yield _Row((first, "target", render_name(name, view.style)))
    names = [str(sample) for sample in view.samples] if alone else view.program.scenario.outputs or map(str, range(targets.shape[1]))
    wanted = targets[:, 0] if alone else targets[place]
    given = np.full(wanted.shape, np.nan) if answers is None else answers[:, 0] if alone else answers[place]
    for which, target, answer in zip(names, wanted.tolist(), given.tolist(), strict=True):
        yield _Row((which, _text(target), "·" if answers is None else _text(answer)), abs(answer - target))


def _text(value: float) -> str:
    return short(value, 4).replace("-", "−")
