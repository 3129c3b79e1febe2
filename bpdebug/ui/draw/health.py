"""How the layers do: a line for each, with its gradient as a bar, its step, and a word where something is off."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import cell as number
from bpdebug.core.numbers import minus, short, sparkline, written
from bpdebug.core.record import Record
from bpdebug.look.finding import Finding
from bpdebug.look.health import Health
from bpdebug.look.layer_health import USUAL, USUAL_STEPS, LayerHealth
from bpdebug.session.view import View
from bpdebug.ui.draw.scales import bar, decades
from bpdebug.ui.draw.spans import Line, Span, beside, first_that_fits, fit, line, plain, with_more, wrap

_LEAST_BAR, _BAR, _WIDEST_BAR, _WORDS = 4, 8, 24, 11
_GAUGE = (-6.0, 0.0)
"""The powers of ten at the ends of the gauge of steps, which has two cells for each."""
_NEEDED = ("layer", "delta", "step")
_BESIDES = ("gauge", "gradient", "", "trend", "name", "mean", "", "bias", "saturated", "dead", "", "size")
"""What is shown besides, the most wanted first; "" is more room for words."""
_ACTIVATIONS = "activations"
_MILD = ("large-update", "saturated")


class _Column(Record):
    """A column of the table: its heading, its width, and its cell in a layer's line."""

    title: str
    width: int
    cell: Callable[[LayerHealth], Line]


def health_title(view: View, name: str) -> str:
    """The name of the pane, with the updates that it looks at."""
    return f"{name}  {view.health.told(view.program)}".rstrip() if view.health else name


def health_parts(view: View, columns: int, rows: int) -> tuple[list[Line], list[Line]]:
    """What stays in sight of the table of the layers; it goes on below, and then says what it means."""
    health = view.health
    if health is None:
        return [], []
    if not len(health.updates):
        return wrap("Nothing is computed yet: u runs one update, c the training.", columns, "dim"), [*_sentences(health, columns)]
    shown = _columns(health, columns)
    table = [[line((column.title, "faint")) for column in shown], *([column.cell(layer) for column in shown] for layer in health.layers)]
    heading, *lines = (fit(beside(row, [column.width for column in shown], gap=1), columns) for row in table)
    return [heading], [*lines, *_notes(view, health, columns, any(column.title == _ACTIVATIONS for column in shown))]


def health_note(view: View, columns: int, rows: int) -> str:
    """What is wrong, and in which layers, where the sentences that say so are not all in sight."""
    fixed, below = health_parts(view, columns, rows)
    if view.health is None or len(fixed + below) <= rows:
        return ""
    found = []
    for note in (note for note in view.health.notes if note.grave):
        there = [layer for layer in view.health.layers if _has(layer, note.name)]
        names = [layer.part.short for layer in there]
        together = len(there) > 1 and names[0].isdigit() and there[-1].layer - there[0].layer == len(there) - 1
        found.append(f"{note.name} {f'{names[0]}–{names[-1]}' if together else ', '.join(names)}".rstrip())
    return first_that_fits((", ".join(found[:count]) for count in range(len(found), 0, -1)), columns - 4, "")


def _has(layer: LayerHealth, *names: str) -> bool:
    """Whether one of these is what is off in a layer."""
    return any(found.name in names for found in layer.findings)


def _columns(health: Health, columns: int) -> list[_Column]:
    """The columns that are needed, and those that there is room for besides; the bar and the words take what is left."""
    parts, chosen, words = _parts(health, columns // 3), set(_NEEDED), _WORDS
    spare = columns - sum(parts[key].width + 1 for key in _NEEDED) - _BAR - 1 - _WORDS
    for key in _BESIDES:
        taken = _WORDS if not key else parts[key].width + 1 if key in parts else 0
        taken -= (parts["layer"].width + 1) * (key == "name")
        if taken > spare:
            break
        spare -= taken
        words += taken * (not key)
        chosen.add(key)
    wider = min(spare // 3, _WIDEST_BAR - _BAR) if spare >= 0 else max(spare, _LEAST_BAR - _BAR)
    made = {key: column for key, column in parts.items() if key in chosen}
    plain_name, room = made.pop("layer"), words + spare - wider
    bars, told = _bar_column(health, _BAR + wider), _Column("", room, lambda layer: _words(layer, room))
    return [made.pop("name", plain_name), bars, *made.values(), told]


def _parts(health: Health, room: int) -> dict[str, _Column]:
    """All columns but bar and words, in their order; of long names the end."""
    number, under_way = min(max((len(layer.part.short) for layer in health.layers), default=0), room), health.under_way

    def named(layer: LayerHealth) -> Span:
        short = layer.part.short
        return (short if len(short) <= number else f"…{short[1 - number :]}").rjust(number), "name"

    name = number + 1 + max((len(layer.activation) for layer in health.layers), default=0)
    heading = "layer" if not health.layers or health.layers[0].part.name != health.layers[0].part.weight else ""

    parts = {
        "layer": _Column("", number, lambda layer: (named(layer),)),
        "name": _Column(heading, name, lambda layer: (named(layer), (f" {layer.activation}", "dim"))),
        "delta": _norm_column("‖dz‖", "delta", under_way),
        "gradient": _norm_column("‖dW‖", "gradient", under_way),
        "trend": _Column("trend", max(min(len(health.updates), 24), 5), lambda layer: _trend(layer.gradient, under_way)),
        "bias": _norm_column("‖db‖", "bias_gradient", under_way),
        "gauge": _Column("‖ΔW‖/‖W‖", 13, lambda layer: _gauge(float(layer.step[-1]))),
        "step": _norm_column("step", "step", under_way),
        "size": _norm_column("‖W‖", "size", under_way),
        "mean": _Column(_ACTIVATIONS, 14, _activations),
        "saturated": _Column("saturated", 9, lambda layer: _amount(layer.saturated[-1], f"{100 * layer.saturated[-1]:.0f} %", 9)),
        "dead": _Column("   at 0", 7, lambda layer: _amount(layer.dead[-1], f"{layer.dead[-1]:.0f}/{layer.units}", 7)),
    }
    if all(np.isnan(layer.dead).all() for layer in health.layers):
        del parts["dead"]
    return parts


def _norm_column(title: str, measure: str, under_way: bool) -> _Column:
    """The last number of a series; a dash where there never is one, a dot where it is still to be computed."""

    def cell(layer: LayerHealth) -> Line:
        series: Array = getattr(layer, measure)
        value = float(series[-1])
        if math.isnan(value) and not _has(layer, "non-finite") and (under_way or np.isnan(series).all()):
            return (("—╱"[under_way].rjust(6), "faint"),)
        texts = [short(value, 2), short(value, 1)]
        if 0 < value < 1e-4:
            texts = [number(value, form) for form in (".1e", ".0e")]
        return ((minus(first_that_fits(texts, 6, "large")).rjust(6), "" if math.isfinite(value) else "bad"),)

    return _Column(title.rjust(6), 6, cell)


def _amount(value: float, text: str, columns: int) -> Line:
    """How many units or samples; a dash where that is not known."""
    return (("—".rjust(columns), "faint") if math.isnan(value) else (text.rjust(columns), "" if value else "dim"),)


def _bar_column(health: Health, length: int) -> _Column:
    """Bars on a logarithmic scale that all layers have in common, under its ends."""
    scale = decades(np.array([layer.delta[-1] for layer in health.layers]))
    low, high = (written(10.0**power, 1) for power in scale)

    def cell(layer: LayerHealth) -> Line:
        norm = float(layer.delta[-1])
        if math.isfinite(norm) and norm > 0:
            share = max((math.log10(norm) - scale[0]) / (scale[1] - scale[0]), 1e-9)
            return ((bar(share, length), "bad" if _has(layer, "vanishing", "exploding") else "curve"),)
        broken = math.isinf(norm) or (np.isnan(norm) and not layer.waiting and not np.isnan(layer.delta).all())
        return (("⚠ not finite"[:length], "bad"),) if broken else ()

    return _Column(low + high.rjust(length - len(low)) if len(low) + len(high) < length else "", length, cell)


def _trend(series: Array, under_way: bool) -> Line:
    """A series in powers of ten, a bar's height at least one of them; without its last number where that is still to be computed."""
    series = series[:-1] if under_way and len(series) > 1 and np.isnan(series[-1]) else series
    with np.errstate(all="ignore"):
        return ((sparkline([float(value) for value in np.log10(series)], span=1.0), "dim"),)


def _gauge(step: float) -> Line:
    """Where the step lies between a millionth and all of the weights; the healthy part of the gauge is drawn heavy."""
    low, high = _GAUGE
    least, most = map(math.log10, USUAL_STEPS)
    spans = [("━", "done") if least <= place / 2 + low <= most else ("─", "faint") for place in range(int(2 * (high - low)) + 1)]
    if math.isfinite(step):
        power = math.log10(step) if step > 0 else -math.inf
        sign = "«" if power < low else "»" if power > high else "╋"
        spans[round(2 * (min(max(power, low), high) - low))] = (sign, "good" if USUAL_STEPS[0] <= step <= USUAL_STEPS[1] else "next")
    return tuple(spans)


def _activations(layer: LayerHealth) -> Line:
    if not layer.part.a:
        return (("—".rjust(6), "faint"),)
    mean, deviation = float(layer.mean[-1]), float(layer.deviation[-1])
    return ((f"{written(mean, 2)} ± {written(deviation, 2)}", "dim"),) if math.isfinite(mean) else (("nan", "bad"),)


def _role(found: Finding) -> str:
    return "dim" if not found.grave else "next" if found.name in _MILD else "bad"


def _words(layer: LayerHealth, columns: int) -> Line:
    """What is off, as many words as there is room for."""
    if not layer.findings:
        return ((first_that_fits(("to come",), columns, ""), "faint"),) if layer.waiting else (("✓", "done"),)
    first = layer.findings[0]
    shown = line((first_that_fits((first.text, first.text.replace(" of ", "/")), columns, first.text.split()[0]), _role(first)))
    return with_more(shown, columns, *(line((", ", "faint"), (found.text, _role(found))) for found in layer.findings[1:]))


def _sentences(health: Health, columns: int) -> Iterator[Line]:
    """What is grave, and what is said of no layer."""
    for found in (found for found in health.notes if found.grave or found in health.findings):
        first, *others = wrap(f"{found.name}: {found.why}", columns)
        text = plain(first)
        yield (text[: len(found.name)], _role(found)), (text[len(found.name) :], "")
        yield from others


def _notes(view: View, health: Health, columns: int, told_already: bool) -> Iterator[Line]:
    """Each kind of finding once in a sentence, what is healthy, and the numbers of the layers."""
    yield ()
    yield from _sentences(health, columns)
    last = "last complete update" if health.under_way else "last update"
    yield from wrap(f"step is ‖ΔW‖/‖W‖ of the {last}; {USUAL}.", columns, "faint")
    for layer in () if told_already else health.layers:
        mean, deviation, size = (float(series[-1]) for series in (layer.mean, layer.deviation, layer.size))
        active = f"{written(mean, 3)} ± {written(deviation, 2)}" if math.isfinite(mean) else "not finite"
        parts = [*[f"{layer.part.a} {active}"] * bool(layer.part.a), f"‖{layer.part.weight}‖ {written(size, 3)}"]
        if not np.isnan(layer.saturated[-1]):
            parts.append(f"{100 * layer.saturated[-1]:.0f} % {'certain' if layer.activation == 'softmax' else 'saturated'}")
        if not np.isnan(layer.dead[-1]):
            parts.append(f"{layer.dead[-1]:.0f} of {layer.units} at 0")
        yield from wrap(", ".join(parts), columns, "dim", indent="  ")
