"""Optimizers of SciPy: their steps are out of sight, and change the parameters in ways that no line of the user's tells."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

_STEPS, _RATE = 5, 0.1
_BOTH = ("fmin_tnc", "fmin_l_bfgs_b")
"""Whose function gives loss and gradient unless something else is said."""
_MINIMIZERS = ("minimize", "fmin_cg", "fmin_bfgs", "fmin_ncg", "fmin_slsqp", *_BOTH)
"""What takes a gradient, and not the Jacobian of equations, as ``root`` and ``fsolve`` do."""


def descend(hooks: Any, site: int, optimizer: Callable[..., Any], arguments: Sequence[Any], keywords: Mapping[str, Any]) -> None:
    """Before an optimizer of SciPy begins, take some steps of plain gradient descent with the same function from the same place, as a loop
    at its line: what the user wrote, his loss and its gradient, is in there, and the steps are ones that can be followed.

    Nothing is done where it is given no gradient, and no more where the function fails at a place to which it would never have come.
    """
    if getattr(optimizer, "__name__", "") not in _MINIMIZERS:
        return
    given = inspect.signature(optimizer).bind(*arguments, **keywords).arguments
    slope = given.get("jac", given.get("fprime"))
    both = slope is True or (slope is None and optimizer.__name__ in _BOTH and not given.get("approx_grad"))
    function = next((given[name] for name in ("fun", "func", "f") if name in given), None)
    if function is None or not (both or callable(slope)):
        return
    theta, rest = given["x0"], given.get("args", ())
    if not (isinstance(theta, np.ndarray) and theta.ndim == 1 and theta.dtype.kind == "f"):
        theta = np.array(theta, dtype=float).ravel()
    rest, name = rest if isinstance(rest, tuple) else (rest,), _first_of(function)
    file, line, owner, _ = hooks.sites[site]
    loop, scaled, moved = range(len(hooks.sites), len(hooks.sites) + 3)
    texts = (f"{optimizer.__name__}(…)", str(line), str(line)), (str(_RATE), "gradient"), (name, "")
    hooks.sites += [(file, line, owner, one) for one in texts]
    hooks.descents[f"{file}:{line}"] = optimizer.__name__
    hooks.loop(loop)
    try:
        with suppress(Exception):
            for _ in range(_STEPS):
                hooks.turn(loop)
                found = hooks.call(site, function, theta, *rest)
                gradient = found[1] if both else hooks.call(site, slope, theta, *rest)
                gradient = gradient if np.ndim(gradient) == 1 else hooks.method(site, gradient, "ravel")
                theta = hooks.op(moved, "Sub", theta, hooks.op(scaled, "Mult", _RATE, gradient))
                hooks.named(moved, name, theta)
    finally:
        hooks.looped(loop)


def _first_of(function: Any) -> str:
    """What a function calls its first argument."""
    try:
        return next(iter(inspect.signature(function).parameters))
    except (TypeError, ValueError, StopIteration):
        return "theta"
