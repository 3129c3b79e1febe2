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
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from bpdebug.trust.finding import Finding
from bpdebug.trust.own.arrays import like
from bpdebug.trust.own.piece import Piece
from bpdebug.trust.own.snapshot import snapshot
from bpdebug.trust.own.telling import Judgement, failure, saved
from bpdebug.trust.own.verdict import Verdict, judge
from bpdebug.trust.own.words import parameters_of

__all__ = ["GradientError", "Judgement", "Untold", "check_backward", "check_chain", "snapshot"]

_FORWARD = ("forward", "__call__", "forward_pass", "fprop", "loss")
_BACKWARD = ("backward", "backprop", "bprop", "backward_pass")
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


class Context:
    """What ``forward(ctx, x)`` and ``backward(ctx, dout)`` of a function class share: anything may be kept in it."""

    needs_input_grad = (True,) * 32
    saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *values: Any) -> None:
        """Keep arrays for the backward pass."""
        self.saved_tensors = values


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
    piece = _piece(forward, backward, inputs, keywords, outputs)
    return _told(Judgement((judge(piece, tolerance),)), [""], strict, save)


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
    verdicts, places = list[Verdict](), [f"layer {place} of {len(layers)}, " for place in range(1, len(layers) + 1)]
    for station in (*layers, *[loss] * (loss is not None)):
        parts = [*station] if isinstance(station, tuple | list) else [station]
        forward, backward, *parameters = parts if len(parts) > 1 else [*parts, None]
        more = targets if len(verdicts) == len(layers) else ()
        verdicts.append(judge(_piece(forward, backward, (*given, *parameters, *more), {}, None), tolerance))
        given = (like(given[0], np.array(verdicts[-1].answer.outputs[0])),)
    return _told(Judgement(tuple(verdicts)), [*places, "the loss, "], strict, save)


def _piece(forward: Any, backward: Any, inputs: Sequence[Any], keywords: Mapping[str, Any], outputs: int | None) -> Piece:
    """What is to be judged, in the form in which the user has it."""
    if isinstance(forward, type) and backward is None and (back := _method(forward, _BACKWARD)):
        run = _method(forward, _FORWARD)
        first = [parameter.name for parameter in parameters_of(getattr(forward, run)) or []][:1]
        if not isinstance(inspect.getattr_static(forward, run), staticmethod):
            forward = forward()
        elif first[0] in ("ctx", "context", "self", "cache"):
            methods = {name: getattr(forward, name) for name in (run, back)}
            forward = type(forward.__name__, (Context,), methods)()
        else:
            forward, backward = getattr(forward, run), getattr(forward, back)
    owner = forward.__self__ if isinstance(forward, MethodType) else None
    if owner is not None and not isinstance(owner, type) and getattr(backward, "__self__", owner) is owner:
        return Piece(forward.__name__, backward and backward.__name__, inputs, keywords, outputs, owner)
    if owner is None and isinstance(forward, FunctionType) and isinstance(backward, MethodType) and not isinstance(backward.__self__, type):
        return Piece(forward, backward.__name__, inputs, keywords, outputs, backward.__self__)
    back = _method(forward, _BACKWARD)
    if backward is None and not inspect.isroutine(forward) and (back or not callable(forward)):
        run = _method(forward, _FORWARD)
        wraps = run == "forward" and callable(forward) and parameters_of(forward) is None  # what it keeps for backward, it keeps there
        run = "__call__" if wraps else run
        if not run:
            raise TypeError(f"{type(forward).__name__} has no forward and backward; pass two functions, or an object with both")
        return Piece(run, back, inputs, keywords, outputs, forward)
    return Piece(forward, backward, inputs, keywords, outputs)


def _method(thing: Any, names: Sequence[str]) -> str:
    """The first of these methods that it has, or ""."""
    return next((name for name in names if callable(getattr(thing, name, None))), "")


def _told(judgement: Judgement, places: Sequence[str], strict: bool, save: str | Path | None) -> Judgement:
    """The judgement, or a failure, or a warning of what could not be told."""
    __tracebackhide__ = True
    wrong = [finding for finding in judgement.findings if finding.says.accuses]
    if wrong:
        named = [(place, verdict) for place, verdict in zip(places, judgement.verdicts, strict=False) if {*verdict.findings} & {*wrong}]
        lines = [line for n, (place, verdict) in enumerate(named) for line in failure(verdict, "also " * (n > 0) + place)]
        lines += saved(named[0][1], save) if save is not None else []
        raise GradientError("\n".join(lines), wrong[0], judgement)
    if strict and judgement.doubts:
        raise GradientError(f"not plainly right:\n{judgement}", judgement.doubts[0], judgement)
    if judgement.doubts:
        told = "cannot tell all" if any(finding.says.untold for finding in judgement.doubts) else "right in a convention"
        warnings.warn(f"{told}:\n{judgement}", Untold, stacklevel=3)
    return judgement
