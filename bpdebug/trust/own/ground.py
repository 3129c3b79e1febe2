"""Where a pair is judged: in double precision if it can be, and only if it gives the same twice, and numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.trust.own.arrays import bits_equal
from bpdebug.trust.own.pair import Answer, Pair


def in_double(pair: Pair, answer: Answer) -> tuple[dict[str, Array], Answer, Answer | None]:
    """The same in double precision where a function takes it, beside what it gave in single."""
    if all(value.dtype == np.float64 for value in pair.values.values()) and all(u.dtype == np.float64 for u in pair.cotangents):
        return pair.values, answer, None
    values = {name: value.astype(np.float64) for name, value in pair.values.items()}
    try:
        outputs = pair.run(values)
        wider = tuple(u.astype(np.float64) if f.dtype == np.float64 else u for u, f in zip(pair.cotangents, outputs, strict=True))
        answer, coarse = pair.back(values, wider), answer
    except Exception:  # a function that insists on single precision
        return pair.values, answer, None
    pair.cotangents = wider
    return values, answer, coarse


def problem_of(pair: Pair, values: Mapping[str, Array], answer: Answer) -> str:
    """Why nothing can be judged; "" where it can."""
    again = pair.run(values)
    if not all(bits_equal(first, second) for first, second in zip(answer.outputs, again, strict=True)):
        return "forward does not give the same twice for the same input, although NumPy's generators were put back: nothing can be judged"
    if not all(np.isfinite(output).all() for output in answer.outputs):
        return "forward gives numbers that are not finite: there is nothing to compare with"
    return ""
