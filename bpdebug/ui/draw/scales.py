"""Round numbers along an axis, and bars."""

from __future__ import annotations

import math

from bpdebug.debugger.numbers import short

_STEPS = (1.0, 2.0, 5.0, 10.0)


def bar(share: float, columns: int) -> str:
    """A bar that fills a share of so many columns, to half of one; what is above 0 is never left out."""
    halves = round(2 * columns * min(max(share, 0.0), 1.0)) if math.isfinite(share) else 0
    halves = max(halves, int(share > 0))
    return "━" * (halves // 2) + "╸" * (halves % 2)


def nice_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5, 10, 20, … (or 0.5, 0.2, …) that divides a span into at most so many parts."""
    least = span / max(most, 1)
    power = 10.0 ** math.floor(math.log10(least)) if least > 0 and math.isfinite(least) else 1.0
    return next((step * power for step in _STEPS if step * power >= least * (1 - 1e-9)), 10 * power)


def ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Round values between two numbers, at most about so many, with their texts."""
    step = nice_step(high - low, most)
    if not high - low > max(abs(low), abs(high)) * 1e-12:
        return [(low, short(low).replace("-", "−"))]
    first = math.ceil(low / step - 1e-9)
    values = [place * step for place in range(first, first + most + 2) if place * step <= high + 1e-9 * step]
    return [(value, tick_text(value, step)) for value in values]


def log_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Powers of ten between two positive numbers, or their 1, 2 and 5 fold where there are few, with their texts."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    stride = max(math.ceil((last - first + 1) / max(most, 1)), 1)
    values = [10.0**power for power in range(first, last + 1, stride)]
    finer = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
    between = [value for value in finer if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    chosen = between if len(between) <= most else values
    return [(value, short(value, 1).replace("-", "−")) for value in chosen] or ticks(low, high, most)


def tick_text(value: float, step: float) -> str:
    """A round value with as many digits as tell it from its neighbours."""
    decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
    large = abs(value) >= 1e5 or decimals > 4
    digits = max(math.floor(math.log10(abs(value)) + 1e-9) + decimals + 1, 1) if value and decimals else 4
    return (short(value, digits) if large else f"{value:.{decimals}f}").replace("-", "−")
