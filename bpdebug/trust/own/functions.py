"""Forward and backward as plain functions: with a cache, with the inputs again, an elementwise derivative, a loss with its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.trust.own.arrays import as_array, is_float, like
from bpdebug.trust.own.pair import (
    Answer,
    Pair,
    differentiable,
    gradient_name,
    gradients_from,
    looks_like_gradient,
    names_for,
    output_arrays,
    parameters_of,
    place_of,
)


class Plan(Record):
    """How a backward function is called.

    Attributes:
        arguments: what goes where: ``dout``, ``cache``, ``output`` with a place, ``input`` with a name, ``caches`` for all as one.
        times: whether it is an elementwise derivative, still to be multiplied by what arrives.
        convention: what is unusual about it, in a sentence.
    """

    arguments: tuple[tuple[str, Any], ...]
    times: bool = False
    convention: str = ""


class Functions(Pair):
    """``forward`` and ``backward``, or a function that returns a loss and its gradient.

    Args:
        forward, backward: the user's; no ``backward`` where ``forward`` gives the gradients itself.
        inputs, keywords: for ``forward``.
        outputs: how many of the things that ``forward`` returns are outputs; the rest is the cache. None where it has to be seen.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        inputs: Sequence[Any],
        keywords: Mapping[str, Any],
        outputs: int | None = None,
    ) -> None:
        named = [function for function in (backward, forward) if function]
        name = getattr(named[0], "__qualname__", "") or getattr(named[0], "__name__", "backward")
        super().__init__(name.replace("<locals>.", "").rpartition(".<lambda>")[2] or name, {}, len(inputs), [forward, backward])
        self.given = names_for(forward, inputs, keywords)
        self._frozen = type(self._frozen)(forward, backward, *self.given.values())
        self.forward, self.backward, self._count = forward, backward, outputs
        self.fused = backward is None
        self._plans: list[Plan] = []
        self._several = False
        self.called: tuple[str, ...] = tuple(getattr(function, "__name__", "forward") for function in (forward, backward))
        self.context = ""
        self.returned: Any = None

    def run(self, values: Mapping[str, Array]) -> tuple[Array, ...]:
        """See :class:`Pair`."""
        made, keywords = self.arguments(values)
        return output_arrays(self._split(self.forward(*made, **keywords))[0])

    def back(self, values: Mapping[str, Array], cotangents: tuple[Array, ...]) -> Answer:
        """See :class:`Pair`."""
        made, keywords = self.arguments(values)
        result = self.forward(*made, **keywords)
        outputs, caches = self._split(result)
        kept = output_arrays(outputs)
        if self.backward is None:
            return Answer(kept, gradients_from(_alone(caches), self.given))
        again = self.arguments(values)[0] if any(kind == "input" for kind, _ in self._plans[0].arguments) else made
        return Answer(kept, self._pulled(self._plans[0], outputs, caches, cotangents, [*again, *keywords.values()]))

    def prepare(self) -> Answer:
        """See :class:`Pair`."""
        made, keywords = self.arguments({})
        result = self.forward(*made, **keywords)
        self.look_for_changes([*made, *keywords.values()], "forward")
        self._several = isinstance(result, tuple) or (isinstance(result, list) and not is_float(result))
        if self.backward is None and not self._several:
            raise TypeError(f"{self.name} returns no gradient, and there is no backward function: pass one, or return loss, gradients")
        self._count = self._outputs_of(result)
        outputs, caches = self._split(result)
        kept = output_arrays(outputs)
        self.cotangents = self.arriving(kept)
        if self.backward is None:
            self.cotangents = tuple(np.ones(output.shape, cotangent.dtype) for output, cotangent in zip(kept, self.cotangents, strict=True))
            answer = Answer(kept, gradients_from(_alone(caches), self.given))
        else:
            answer = self._first_of([*self._ways(caches)])
        self.values = differentiable(self.given, answer.gradients)
        return answer

    def _first_of(self, plans: list[Plan]) -> Answer:
        """What the first of the plans gives by which backward can be called; those before it are dropped."""
        failure: Exception | None = None
        for place, plan in enumerate(plans):
            self._plans = [plan]
            try:
                answer = self.back({}, self.cotangents)
            except Exception as error:
                failure = failure or error
                continue
            self._plans = plans[place:]
            return answer
        raise failure or TypeError(f"{self.name} could not be called")

    def plans(self) -> Iterator[str]:
        """See :class:`Pair`."""
        first = self._plans
        for plan in first or [Plan(())]:
            self._plans = [plan] if first else []
            yield plan.convention
        self._plans = first

    def calls(self, name: str) -> list[str]:
        """See :class:`Pair`."""
        made, keywords = self.arguments({})
        result = self.forward(*made, **keywords)
        call = f"{self.called[0]}({self.context}{self.shown_arguments()})"
        gradient = f'["{gradient_name(name)}_right"]'
        if self.backward is None:
            rest = _alone(self._split(result)[1])
            where = place_of(gradients_from(rest, self.given)[name], rest)
            return [f"loss, gradients = {call}", f"print(gradients{where} - s{gradient})"]
        answer = self.back({}, self.cotangents)
        plan, where = self._plans[0], place_of(answer.gradients[name], self.returned, [*answer.gradients].index(name))
        single = sum(kind == "cache" for kind, _ in plan.arguments) == 1
        douts = 's["dout"]' if len(self.cotangents) == 1 else 's["dout{}"]'
        words = {"caches": "cache", "cache": "cache" if single else "cache[{}]", "output": "out", "dout": douts}
        inside = [_written_input(key) if kind == "input" else words[kind].format(key) for kind, key in plan.arguments]
        inside = [word for word, (kind, _) in zip(inside, plan.arguments, strict=True) if not (self.context and kind == "cache")]
        cached = any("cache" in kind for kind, _ in plan.arguments) and not self.context
        left = "out" if not cached else "out, cache" if single else "out, *cache"
        back = f"{self.called[1]}({self.context}{', '.join(inside)})" + ' * s["dout"]' * plan.times
        return [f"{left} = {call}", f"print({back}{where} - s{gradient})"]

    def _outputs_of(self, result: Any) -> int:
        """How many things of what forward returns are outputs."""
        if not self._several:
            return 0
        if self._count is not None:
            return self._count
        leading = 0
        for parameter in (parameters_of(self.backward) if self.backward else None) or []:
            if not looks_like_gradient(parameter.name) or parameter.name in self.given:
                break
            leading += 1
        floats = [is_float(item) or isinstance(item, float) for item in result]
        arrays = floats.index(False) if False in floats else len(floats)
        return max(1, min(leading, arrays))

    def _split(self, result: Any) -> tuple[list[Any], list[Any]]:
        """Outputs and the cache."""
        count = self._count or 0
        return (list(result[:count]), list(result[count:])) if self._several else ([result], [])

    def _pulled(
        self, plan: Plan, outputs: Sequence[Any], caches: Sequence[Any], cotangents: Sequence[Array], arguments: Sequence[Any]
    ) -> dict[str, Array]:
        """What backward gives."""
        douts = [like(output, cotangent.copy()) for output, cotangent in zip(outputs, cotangents, strict=True)]
        named = dict(zip(self.given, arguments, strict=True))
        source: dict[str, Any] = {"dout": douts, "cache": caches, "output": outputs, "input": named, "caches": {0: tuple(caches)}}
        if self.backward is None:
            return {}
        returned = self.backward(*(source[kind][key] for kind, key in plan.arguments), **self._shared(plan, named))
        for dout, cotangent in zip(douts, cotangents, strict=True):
            if isinstance(dout, np.ndarray) and not np.array_equal(dout, cotangent):
                self.note("backward changes dout in place: each call here got a copy of its own")
        self.returned = returned
        if plan.times:
            returned = as_array(returned) * cotangents[0]
        return gradients_from(returned, self.given)

    def _shared(self, plan: Plan, named: Mapping[str, Any]) -> dict[str, Any]:
        """The keyword arguments of forward that backward has, too."""
        bound = {key for kind, key in plan.arguments if kind == "input"}
        known = [parameter.name for parameter in parameters_of(self.backward) or []][len(plan.arguments) :] if self.backward else []
        keywords = [*self.given][self.positional :]
        return {name: named[name] for name in keywords if name in known and name not in bound}

    def _ways(self, caches: Sequence[Any]) -> Iterator[Plan]:
        """The ways to call backward, the likeliest first."""
        count = max(self._count or 0, 1)
        douts = [("dout", place) for place in range(count)]
        parameters = parameters_of(self.backward) if self.backward else None
        if parameters is None:
            yield from self._unknown(douts, caches)
            return
        needed = [parameter.name for parameter in parameters if parameter.default is parameter.empty or parameter.name in self.given]
        rest = len(needed) - count
        if caches and rest == len(caches):
            yield Plan((*douts, *(("cache", place) for place in range(rest))))
        elif caches and rest == 1:
            yield Plan((*douts, ("caches", 0)))
        elif len(needed) == 1 and not caches:
            yield from self._single(needed[0])
        else:
            yield from self._by_names(needed, caches, count)

    def _unknown(self, douts: list[tuple[str, Any]], caches: Sequence[Any]) -> Iterator[Plan]:
        if caches:
            yield Plan((*douts, *(("cache", place) for place in range(len(caches)))))
            return
        yield Plan((("input", next(iter(self.given))),), True)
        yield Plan(tuple(douts))

    def _single(self, name: str) -> Iterator[Plan]:
        """One argument: what arrives, or, of an elementwise derivative, the input or the output."""
        first = next(iter(self.given))
        arrives = Plan((("dout", 0),))
        if looks_like_gradient(name) and name not in self.given:
            yield arrives
            return
        yield Plan((("input", first),), True)
        yield Plan((("output", 0),), True, f"{self.name} takes the output of forward, not {first}: right if you call it so")
        if name not in self.given:
            yield arrives

    def _by_names(self, needed: Sequence[str], caches: Sequence[Any], count: int) -> Iterator[Plan]:
        """What arrives, inputs and outputs in any order, as the parameters' names say."""
        placed: dict[str, tuple[str, Any]] = {name: ("input", name) for name in needed if name in self.given}
        arriving = [name for name in needed if name not in placed and looks_like_gradient(name)][:count]
        left = [name for name in needed if name not in placed and name not in arriving]
        if not arriving and left:
            arriving, left = left[:count], left[count:]
        placed |= {name: ("dout", place) for place, name in enumerate(arriving)}
        free: list[tuple[str, Any]] = [("cache", place) for place in range(len(caches))]
        if len(left) == 1 and len(free) > 1:
            free = [("caches", 0)]
        outs = ("out", "output", "y", "a", "s", "p", "y_hat", "activation")
        free += [("output", 0)] if any(name in outs for name in left) else []
        free += [("input", name) for name in self.given if ("input", name) not in placed.values()]
        if len(left) > len(free):
            unknown = ", ".join(left[len(free) :])
            raise TypeError(f"{self.name} needs {', '.join(needed)}: what is {unknown}? Wrap it in a function (dout, cache)")
        placed |= dict(zip(left, free, strict=False))
        arguments = tuple(placed[name] for name in needed)
        yield Plan(arguments, not arriving)
        if left and not caches and len(needed) == 2 and arriving:
            yield Plan(tuple(("output", 0) if kind == "input" else (kind, key) for kind, key in arguments))


def _written_input(name: str) -> str:
    return f's["{name}"]'


def _alone(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tuple(parts)
