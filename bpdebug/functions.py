"""The functions of formulas as Python's: after ``from bpdebug.functions import *`` a formula is a line of Python with the same bits.

They are NumPy's own, and in plain NumPy the few that it lacks: ``sigmoid``, ``softmax``, ``one_hot``, ``add_at`` and the like.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpdebug.core.function import Function
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.spelling import ALIASES, SPELLINGS

_SPELLED = [name for name in (*SPELLINGS, *ALIASES) if name not in FUNCTIONS and hasattr(np, name)]
"""What a formula may say for an operator or a function by NumPy's own names."""
__all__ = sorted([*FUNCTIONS, *_SPELLED, *CONSTANTS, "newaxis", "np", "s_"])  # noqa: PLE0605


def _written(row: Function) -> Callable[..., Any]:
    """The function of a row that is made of others: a Python function of its formula."""
    scope = {name: globals()[name] for name in FUNCTIONS if name in globals()}
    exec(f"def {row.name}({row.signature}):\n    return {row.formula.format(axis='axis', keepdims='keepdims')}", scope)
    made: Callable[..., Any] = scope[row.name]
    made.__doc__ = f"``{row.formula.format(axis='axis', keepdims='keepdims')}``"
    return made


globals().update(CONSTANTS, newaxis=np.newaxis, s_=np.s_, **{name: getattr(np, name) for name in _SPELLED})
for _row in FUNCTIONS.values():
    globals()[_row.name] = _row.python or (_written(_row) if _row.formula else _row.run)
