"""What stands in the place of the loss curve before there is one: the targets beside what the network answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.cells import cell_len

from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.core.record import Record, replace
from bpdebug.core.render import render_name
from bpdebug.session.view import View
from bpdebug.ui.draw.loss_numbers import newest
from bpdebug.ui.draw.network_text import short_names
from bpdebug.ui.draw.scales import bar
from bpdebug.ui.draw.spans import Line, fit, line, width, wrap

_ERROR = "off by"
_GAP, _BAR = 2, len(_ERROR)
_LEAST, _LARGE = 0.0005, 100.0
"""Between these sizes an answer has three decimals."""


class _Row(Record):
    """One answer: its texts (what it is an answer to, the target, the answer), how far it is from its target, and whether what it is an
    answer to has a name."""

    texts: tuple[str, str, str]
    error: float = 0.0
    named: bool = False


def start_lines(view: View, losses: Array, columns: int, rows: int) -> list[Line]:
    """The loss as far as it is known, when the curve begins, and the answers that the loss is made of."""
    if len(losses) and not np.isfinite(losses).any():
        return wrap("No finite loss.", columns, "bad")
    known = [_known(view, float(losses[0]), columns)] if len(losses) else []
    when = "The curve begins with the second update: u runs one." if known else "Not computed yet: u runs a whole update, c the training."
    head = [*known, *wrap(when, columns, "dim")]
    return head + _answer_lines(view, columns, rows - len(head))


def _known(view: View, loss: float, columns: int) -> Line:
    """The first loss, with fewer digits where there is little room."""
    of = f" of update {newest(view)}" if view.loss is None else ""
    ways = [line(("loss ", "dim"), (short(loss, digits), "bold"), (more, "dim")) for digits, more in ((10, of), (10, ""), (5, ""))]
    return next((way for way in ways if width(way) <= columns), ways[-1])


def _answer_lines(view: View, columns: int, rows: int) -> list[Line]:
    """As many answers as there is room for, below a heading; where it is narrow the words give way, never a number."""
    answers = list(_rows(view))
    room = rows - 1 - (len(answers) >= rows)
    if room < 1:
        return []
    heading, *shown = _narrowed(_headings(view), answers[:room], columns)
    rest, widths = len(answers) - room, _widths([heading, *shown])
    most = max((row.error for row in answers if np.isfinite(row.error)), default=0.0)
    gap = min(max((columns - sum(widths)) // (len(widths) - 1), 1), _GAP)
    length = columns - sum(widths) - gap * len(widths)
    length = length if length >= _BAR else 0
    lines = [line((_joined(heading, widths, gap) + " " * gap + _ERROR * (length > 0 and most > 0), "faint"))]
    bars = [" " * gap + bar(row.error / (most or 1.0), length) if length else "" for row in shown]
    lines += [line((_joined(row, widths, gap), ""), (drawn, "curve")) for row, drawn in zip(shown, bars, strict=True)]
    lines += [line((f"and {rest} more", "faint"))] if rest > 0 else []
    return [fit(drawn, columns) for drawn in lines]


def _narrowed(headings: list[_Row], shown: list[_Row], columns: int) -> list[_Row]:
    """The first heading beside which the names are whole, above the rows; else the last one, and names that are cut."""
    for heading in headings:
        if sum(_widths([heading, *shown])) + 2 <= columns:
            return [heading, *shown]
    room = max(columns - sum(_widths([headings[-1], *shown])[1:]) - 2, 1)
    names = short_names([row.texts[0] for row in shown], room, "y")
    return [headings[-1], *(replace(row, texts=(name, *row.texts[1:])) for name, row in zip(names, shown, strict=True))]


def _widths(rows: list[_Row]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(*(row.texts for row in rows), strict=True)]


def _joined(row: _Row, widths: list[int], gap: int) -> str:
    """A row's texts in columns of these widths: names begin at the left, numbers end at the right."""
    blanks = [" " * (size - cell_len(text)) for text, size in zip(row.texts, widths, strict=True)]
    name, *numbers = row.texts
    first = name + blanks[0] if row.named else blanks[0] + name
    return (" " * gap).join([first, *(blank + text for text, blank in zip(numbers, blanks[1:], strict=True))])


def _headings(view: View) -> list[_Row]:
    """What stands above the answers, the widest first."""
    network, named = view.program.network, _is_named(view)
    answer, wanted = render_name(network.prediction, view.style), render_name(network.naming.target, view.style)
    sample = str(int(view.samples[_place(view)])) if named else ""
    words = ((f"sample {sample}".strip(), "target"), (f"#{sample}", "target"), (f"#{sample}", wanted))
    return [_Row((first, target, answer), named=named) for first, target in words]


def _is_named(view: View) -> bool:
    """Whether the rows are the outputs of one sample, not the samples."""
    return bool(view.tensors[view.program.network.naming.target].shape[1] > 1)


def _place(view: View) -> int:
    return min(view.sample, len(view.tensors[view.program.network.naming.target]) - 1)


def _rows(view: View) -> Iterator[_Row]:
    """Every sample of the batch, or of several outputs every one of the sample in sight."""
    targets, named, place = view.tensors[view.program.network.naming.target], _is_named(view), _place(view)
    answers = view.tensors.get(view.program.network.prediction)
    outputs = view.program.scenario.outputs or map(str, range(targets.shape[1]))
    names = outputs if named else [str(sample) for sample in view.samples]
    wanted = targets[place] if named else targets[:, 0]
    given = np.full(wanted.shape, np.nan) if answers is None else answers[place] if named else answers[:, 0]
    for name, target, answer in zip(names, wanted.tolist(), given.tolist(), strict=True):
        texts = short(target).replace("-", "−"), "·" if answers is None else _answer(answer)
        yield _Row((name, *texts), abs(answer - target), named)


def _answer(value: float) -> str:
    """An answer with three decimals, where it is of that size."""
    text = f"{value:.3f}" if _LEAST <= abs(value) < _LARGE else short(value, 3)
    return text.replace("-", "−")
