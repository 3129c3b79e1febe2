"""The judgement of ``bpdebug check`` in your own test suite, for your own code: NumPy, or anything with ``__array__``.

    from bpdebug.testing import check_backward

    def test_batch_norm():
        check_backward(batchnorm_forward, batchnorm_backward, x, gamma, beta, bn_param={"mode": "train"})

Backward is judged from outside: with random numbers ``u`` arriving, what it gives times a random direction ``v`` has to be what
forward does along ``v``, ⟨backward(u), v⟩ = ⟨u, J·v⟩, whatever happens inside. Where it is not, the input, the cell, both values and
what the numbers show are told. A right function is never accused; what cannot be told is a warning, :class:`Untold`.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np

from bpdebug.trust.finding import Finding
from bpdebug.trust.own.arrays import like
from bpdebug.trust.own.classes import of_class
from bpdebug.trust.own.functions import Functions
from bpdebug.trust.own.objects import BACKWARD, FORWARD, Objects, method
from bpdebug.trust.own.pair import Pair
from bpdebug.trust.own.snapshot import snapshot
from bpdebug.trust.own.telling import Judgement, failure, saved
from bpdebug.trust.own.verdict import judge

__all__ = ["GradientError", "Judgement", "Untold", "check_backward", "check_chain", "snapshot"]

SAVED = ".bpdebug"
"""Where a failure leaves its arrays: a directory in the current one."""


class GradientError(AssertionError):
    """A gradient is wrong.

    Attributes:
        finding: the first that is: its name, cell, both arrays and suspects.
        judgement: everything that was found.
    """

    def __init__(self, message: str, finding: Finding, judgement: Judgement) -> None:
        super().__init__(message)
        self.finding, self.judgement = finding, judgement


class Untold(UserWarning):
    """Something could not be judged, or is right only in a convention, which is named."""


def check_backward(
    forward: Any,
    backward: Any = None,
    *inputs: Any,
    outputs: int | None = None,
    tolerance: float = 1e-6,
    strict: bool = False,
    save: str | Path | None = SAVED,
    **keywords: Any,
) -> Judgement:
    """Judge a backward pass against its forward pass.

    Args:
        forward, backward: ``out, cache = forward(*inputs)`` with ``dx, … = backward(dout, cache)``; ``out = forward(*inputs)`` with
            ``backward(dout)``, ``backward(dout, *inputs)`` or an elementwise derivative ``backward(x)``; methods of one object. An
            object, or a class, with ``forward`` and ``backward`` needs no second argument; nor does a function that returns a loss
            and its gradients.
        inputs: what forward takes. Arrays of floats are judged, each varied by itself, integers are labels; none is changed.
        outputs: how many of the things that forward returns are outputs, where that cannot be seen; the rest is a cache.
        tolerance: what a cell may be off, relative to itself.
        strict: whether what is right only in a convention, or cannot be told, is a failure, too.
        save: the directory or ``.npz`` file in which a failure leaves its arrays; None for none.
        keywords: passed to forward, and to backward if it has them.

    Returns:
        What was found, for ``print``.

    Raises:
        GradientError: for a wrong gradient; an ``AssertionError``.
        TypeError, ValueError: where the two cannot be called so, or there is nothing to be judged.
    """
    __tracebackhide__ = True
    if backward is not None and not callable(backward):
        backward, inputs = None, (backward, *inputs)
    pair = _pair(forward, backward, inputs, keywords, outputs)
    return _told(Judgement((judge(pair, tolerance),)), [""], strict, save)


def check_chain(
    layers: Sequence[Any],
    *inputs: Any,
    loss: Any = None,
    tolerance: float = 1e-6,
    strict: bool = False,
    save: str | Path | None = SAVED,
) -> Judgement:
    """Judge the layers of a network one by one, each with random numbers arriving of its own, and name the first wrong one.

    Args:
        layers: objects with ``forward`` and ``backward``, or tuples ``(forward, backward, *parameters)``, in order.
        inputs: what the first one takes; with ``loss``, the last of them is for that: ``check_chain(layers, x, y, loss=softmax_loss)``.
        loss: an object, a tuple ``(forward, backward)``, or a function that returns a loss and its gradient.
        tolerance, strict, save: as for :func:`check_backward`.

    Returns, Raises: as :func:`check_backward`.
    """
    __tracebackhide__ = True
    given, targets = (inputs, ()) if loss is None else (inputs[:1], inputs[1:])
    stations = [*layers] + ([loss] if loss is not None else [])
    verdicts, places = [], []
    for place, station in enumerate(stations, 1):
        last = loss is not None and place == len(stations)
        forward, backward, parameters = _parts(station)
        pair = _pair(forward, backward, (*given, *parameters, *(targets if last else ())), {}, None)
        verdict = judge(pair, tolerance)
        verdicts.append(verdict)
        places.append("the loss, " if last else f"layer {place} of {len(layers)}, ")
        given = tuple(like(given[0], np.array(verdict.answer.outputs[0])) for _ in range(1))
    return _told(Judgement(tuple(verdicts)), places, strict, save)


def _parts(station: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    """A layer's forward, backward and parameters."""
    if isinstance(station, tuple | list):
        return station[0], station[1] if len(station) > 1 else None, tuple(station[2:])
    return station, None, ()


def _pair(forward: Any, backward: Any, inputs: Sequence[Any], keywords: Mapping[str, Any], outputs: int | None) -> Pair:
    """What is to be judged, in the form in which the user has it."""
    if isinstance(forward, type) and backward is None:
        return of_class(forward, inputs, keywords, outputs)
    owner = getattr(forward, "__self__", None) if isinstance(forward, MethodType) and not inspect.isclass(forward.__self__) else None
    if owner is not None and (backward is None or getattr(backward, "__self__", None) is owner):
        return Objects(owner, forward.__name__, backward.__name__ if backward else "", inputs, keywords, outputs)
    if backward is None and not inspect.isroutine(forward) and (back := method(forward, BACKWARD)):
        return Objects(forward, method(forward, FORWARD), back, inputs, keywords, outputs)
    if backward is None and not callable(forward) and method(forward, ("loss",)):
        return Objects(forward, "loss", "", inputs, keywords, outputs)
    if not callable(forward):
        raise TypeError(f"{type(forward).__name__} has no forward and backward; pass two functions, or an object with both")
    functions: Callable[..., Any] = forward
    return Functions(functions, backward, inputs, keywords, outputs)


def _told(judgement: Judgement, places: Sequence[str], strict: bool, save: str | Path | None) -> Judgement:
    """The judgement, or a failure, or a warning of what could not be told."""
    __tracebackhide__ = True
    wrong = [place for place, verdict in enumerate(judgement.verdicts) if any(finding.says.accuses for finding in verdict.findings)]
    if wrong:
        said = [failure(judgement.verdicts[place], ("also " if place != wrong[0] else "") + places[place]) for place in wrong]
        lines = [line for some in said for line in some]
        lines += saved(judgement.verdicts[wrong[0]], save) if save is not None else []
        finding = next(finding for finding in judgement.findings if finding.says.accuses)
        raise GradientError("\n".join(lines), finding, judgement)
    if strict and judgement.doubts:
        raise GradientError(f"not plainly right:\n{judgement}", judgement.doubts[0], judgement)
    if judgement.doubts:
        warnings.warn(f"cannot tell all:\n{judgement}", Untold, stacklevel=3)
    return judgement
