"""Classes with static ``forward`` and ``backward``, as a framework's functions are written, and those whose objects have them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bpdebug.trust.own.functions import Functions
from bpdebug.trust.own.objects import BACKWARD, FORWARD, Objects, method
from bpdebug.trust.own.pair import Pair, names_for, parameters_of


class Context:
    """What ``forward(ctx, x)`` and ``backward(ctx, dout)`` of a function class share: anything may be kept in it."""

    needs_input_grad = (True,) * 32
    saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *values: Any) -> None:
        """Keep arrays for the backward pass."""
        self.saved_tensors = self.saved_values = values

    def mark_non_differentiable(self, *values: Any) -> None:
        """Allowed, and of no consequence here."""

    mark_dirty = set_materialize_grads = mark_non_differentiable


def of_class(made: type, inputs: Sequence[Any], keywords: Mapping[str, Any], outputs: int | None) -> Pair:
    """A class with static ``forward`` and ``backward``, which share a ``ctx`` perhaps, or one whose objects have them."""
    forward, backward = method(made, FORWARD), method(made, BACKWARD)
    if not isinstance(inspect.getattr_static(made, forward), staticmethod | classmethod):
        return Objects(made(), forward, backward, inputs, keywords, outputs)
    run, pull = getattr(made, forward), getattr(made, backward)
    first = [parameter.name for parameter in parameters_of(run) or []][:1]
    if not first or first[0] not in ("ctx", "context", "self", "cache"):
        return Functions(run, pull, inputs, keywords, outputs)
    return _with_context(made, run, pull, inputs, keywords, outputs)


def _with_context(
    made: type,
    run: Callable[..., Any],
    pull: Callable[..., Any],
    inputs: Sequence[Any],
    keywords: Mapping[str, Any],
    outputs: int | None,
) -> Pair:
    def forward(*given: Any, **named: Any) -> Any:
        context = Context()
        result = run(context, *given, **named)
        return (*result, context) if isinstance(result, tuple) else (result, context)

    def backward(*arguments: Any) -> Any:
        return pull(arguments[-1], *arguments[:-1])

    known = parameters_of(pull)
    results = len(known) - 1 if known else None
    pair = Functions(forward, backward, inputs, keywords, outputs or results)
    names = names_for(run, [None, *inputs], keywords)
    pair.given = dict(zip([*names][1:], [*inputs, *keywords.values()], strict=True))
    pair.name = f"{made.__name__}.backward"
    pair.called, pair.context = (f"{made.__name__}.forward", pair.name), "ctx, "
    return pair
